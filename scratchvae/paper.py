"""The paper's section 5, figure by figure, with the paper's own curves drawn behind.

    figure2     the bound of AEVB and wake-sleep, for several n_z, against training samples
    figure3     log p(x) of AEVB, wake-sleep and Monte Carlo EM, n_z = 3, for two sizes of the data
    figure4     the manifold of a model with n_z = 2
    figure5     samples of models with n_z = 2, 5, 10, 20
    iwae-row    the VAE of the IWAE paper's Table 1 (k = 1, one stochastic layer)

A figure is a list of jobs (`runs.py`), which run anywhere (`jobs.py`). A picture, a
table and a CSV of all curves are made of the results that are there: after the runs, or
at any time with --draw.

The paper's curves were digitised from the vector pictures of AEVB version 6, with a
reading error of about 0.2 nats: data/aevb_figure_2.csv and aevb_figure_3.csv.
"""

import argparse
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from scratchvae import jobs
from scratchvae.checkpoint import load_model
from scratchvae.datasets import load_mnist
from scratchvae.evaluation import active_units, evaluate
from scratchvae.files import FileFormatError, locked, writable, written_whole
from scratchvae.jobs import Result, result_of, run_jobs
from scratchvae.optimizers import OPTIMIZERS
from scratchvae.options import Commands, command, positive, share, sizes
from scratchvae.processes import cores
from scratchvae.progress import say
from scratchvae.resume import sweep
from scratchvae.runs import ALGORITHMS, Likelihood, Training

RIVALS = ("aevb", "wake-sleep")
IWAE = {"minus L_5000": 86.76, "active units": 19, "epochs": 3280}  # Burda et al. 2015, Table 1
MEASURED = 3  # Figure 3: points of each curve at which log p(x) is estimated
CHUNK = 50  # images in one Likelihood job


class Point(NamedTuple):
    """One point of a curve, ours or the paper's; a row of the CSV files."""

    n_z: int
    n_train: int
    algorithm: str
    split: str
    samples: int
    nats: float


# ---- the figures ----


def figure2(args: argparse.Namespace, folder: Path, run: Callable[..., list[Result]]) -> None:
    """The bound against training samples, AEVB and wake-sleep."""
    trainings = [
        _training(args, algorithm=algorithm, n_z=n_z)
        for n_z in args.n_z or (3, 5, 10, 20)
        for algorithm in RIVALS
    ]
    run(trainings)
    points = [point for training in trainings for point in _bounds(training, folder)]
    theirs = digitised(2)
    _write_csv(points, folder / "figure2.csv")
    _table("test bound, nats per image", points, theirs, ("n_z",))
    panels = [
        (f"MNIST, n_z = {n_z}", lambda point, n_z=n_z: point.n_z == n_z)
        for n_z in dict.fromkeys(training.n_z for training in trainings)
    ]
    _draw(
        panels, points, theirs, folder / "figure2.png", "bound, nats per image", (-150, -95), True
    )


def figure3(args: argparse.Namespace, folder: Path, run: Callable[..., list[Result]]) -> None:
    """log p(x) of the first training and test images, AEVB, wake-sleep and Monte Carlo EM."""
    trainings = [
        _training(args, algorithm=algorithm, n_z=3, n_train=n_train, hidden=(100,), models=True)
        for n_train in args.n_train or (1000, 50_000)
        for algorithm in ALGORITHMS
    ]
    trainings = list(dict.fromkeys(trainings))  # a small data set has one N alone
    run(trainings)
    measures = [job for training in trainings for job in _likelihoods(training, args, folder)]
    run(measures)
    points = _marginals(measures, folder)
    theirs = digitised(3)
    _write_csv(points, folder / "figure3.csv")
    _table("log p(x), nats per image", points, theirs, ("n_train",))
    panels = [
        (f"N = {n}", lambda point, n=n: point.n_train == n)
        for n in dict.fromkeys(training.n_train for training in trainings)
    ]
    _draw(panels, points, theirs, folder / "figure3.png", "log p(x), nats", (-170, -95), True)


def figure4(args: argparse.Namespace, folder: Path, run: Callable[..., list[Result]]) -> None:
    """The manifold of n_z = 2, through the inverse of the normal distribution function."""
    training = _training(args, n_z=2)
    run([training])
    if _result(training, folder) is not None:
        from scratchvae import figures

        vae = load_model(folder / f"{training.name}.npz")
        assert vae.image_shape is not None
        figures.manifold(vae, vae.image_shape, folder / "figure4.png")
        say(f"test bound {_last(training, folder)}; wrote {folder / 'figure4.png'}")


def figure5(args: argparse.Namespace, folder: Path, run: Callable[..., list[Result]]) -> None:
    """Samples of the models with n_z = 2, 5, 10, 20."""
    trainings = [_training(args, n_z=n_z) for n_z in args.n_z or (2, 5, 10, 20)]
    run(trainings)
    sheets, shape = [], (1, 1)
    for training in trainings:
        if _result(training, folder) is not None:
            vae = load_model(folder / f"{training.name}.npz")
            assert vae.image_shape is not None
            shape = vae.image_shape
            sheets.append((f"n_z = {training.n_z}", vae.sample(100, args.seed)))
            say(f"n_z = {training.n_z}: test bound {_last(training, folder)}")
    if sheets:
        from scratchvae import figures

        figures.sample_sheets(sheets, shape, folder / "figure5.png")
        say(f"wrote {folder / 'figure5.png'}")


def iwae_row(args: argparse.Namespace, folder: Path, run: Callable[..., list[Result]]) -> None:
    """IWAE Table 1: 784-200-200-50, tanh, L_5000 of test images and active units."""
    mnist = load_mnist(args.data)
    n = len(mnist.train_images)
    training = Training(
        n_z=50, hidden=(200, 200), n_train=n, samples=args.epochs * n, optimizer="adam", lr=1e-3,
        epsilon=1e-4, schedule="iwae", init="glorot", prior=False, models=True, seed=args.seed,
        data=_place(args.data), checksum=mnist.identity.checksum,
    )  # fmt: skip
    run([training])
    parts = list(_parts(training, training.samples, "test", args.images or 1000, args))
    measures = [Likelihood(*part, "importance", 5000) for part in parts]
    if (folder / f"{training.name}.json").exists():
        run(measures)
    results = [result for job in measures if (result := _result(job, folder)) is not None]
    if not results:
        return
    images = sum(result["images"] for result in results)
    value = -sum(result["sum"] for result in results) / images
    error = sum(result["variance"] for result in results) ** 0.5 / images
    data, vae = load_mnist(args.data), load_model(folder / f"{training.name}.npz")
    units = active_units(vae, data.test_images, seed=args.seed)
    bound = evaluate(vae, data.test_images, seed=args.seed).elbo
    say(f"{'':22}{'here':>10}{'IWAE paper':>12}")
    say(f"{'epochs':22}{args.epochs:10}{IWAE['epochs']:12}")
    say(f"{'-L_5000, nats':22}{value:10.2f}{IWAE['minus L_5000']:12.2f}")
    say(f"{'active units of 50':22}{units:10}{IWAE['active units']:12}")
    say(f"-L_5000 of the first {images} test images, +- {error:.2f} by its standard errors;")
    say(f"minus the bound of all {len(data.test_images)}: {-bound:.2f}.")
    say(f"{value - IWAE['minus L_5000']:+.2f} nats from the paper, whose run is longer")


FIGURES = {
    "figure2": figure2, "figure3": figure3, "figure4": figure4, "figure5": figure5,
    "iwae-row": iwae_row,
}  # fmt: skip
SETTINGS = {  # which of the settings that have no meaning for some figure each figure has
    "figure2": ("samples", "n_z", "optimizer", "lr"),
    "figure3": ("samples", "n_train", "optimizer", "lr", "images"),
    "figure4": ("samples", "optimizer", "lr"),
    "figure5": ("samples", "n_z", "optimizer", "lr"),
    "iwae-row": ("epochs", "images"),
}
BY_DEFAULT = {"samples": 1_000_000, "optimizer": "adagrad", "epochs": 10}


def _check(args: argparse.Namespace) -> None:
    """ValueError for a setting that the figure does not have, or for more images than there are.

    Settings that are not given get their defaults.
    """
    for setting in dict.fromkeys(sum(SETTINGS.values(), ())):
        if getattr(args, setting) is None:
            setattr(args, setting, BY_DEFAULT.get(setting))
        elif setting not in SETTINGS[args.figure]:
            theirs, option = (
                " ".join("--" + name.replace("_", "-") for name in names)
                for names in (SETTINGS[args.figure], [setting])
            )
            raise ValueError(f"{option} is given; {args.figure} has only {theirs}")
    data = load_mnist(args.data)
    n, n_test = len(data.train_images), len(data.test_images)
    if max(args.n_train or [0]) > n:
        raise ValueError(f"--n-train is {max(args.n_train)}; there are {n} training images")
    if (args.images or 0) > min(n_test, *(args.n_train or [n])):
        raise ValueError(
            f"--images is {args.images}; there are {n_test} test images, and "
            f"{min(args.n_train or [n])} training images"
        )


def _training(args: argparse.Namespace, **settings: Any) -> Training:
    """A training with the settings of the command line."""
    n_train = settings.pop("n_train", 50_000)
    data = load_mnist(args.data)
    lr = args.lr if args.lr is not None or args.optimizer == "adagrad" else 1e-3
    return Training(
        samples=args.samples, optimizer=args.optimizer, lr=lr, seed=args.seed,
        data=_place(args.data), checksum=data.identity.checksum,
        n_train=min(n_train, len(data.train_images)), **settings,
    )  # fmt: skip


def _result(job: Training | Likelihood, folder: Path) -> Result | None:
    """As `result_of`; FileFormatError for a result that such a job cannot give."""
    result = result_of(job, folder)
    if result is not None and not job.gives(result):
        raise FileFormatError(
            f"{folder / job.name}.json does not hold what such a job gives; move it away, and the "
            "job runs again"
        )
    return result


def _place(data: Path | None) -> str | None:
    """The folder in a form that holds in another process too."""
    return None if data is None else str(data.resolve())


def _bounds(training: Training, folder: Path) -> list[Point]:
    """The points of a training's curve; none when it has not finished."""
    result = _result(training, folder)
    if result is None:
        return []
    of = (training.n_z, training.n_train, training.algorithm)
    return [
        Point(*of, split, samples, nats)
        for split in ("test", "train")
        for samples, nats in zip(result["samples"], result[split])
    ]


def _last(training: Training, folder: Path) -> str:
    result = _result(training, folder)
    return "unknown" if result is None else f"{result['test'][-1]:.1f}"


def _likelihoods(
    training: Training, args: argparse.Namespace, folder: Path
) -> Iterator[Likelihood]:
    """The jobs that measure a finished training, at the last points of its curve."""
    result = _result(training, folder)
    for samples in result["samples"][-MEASURED:] if result else []:
        for split in ("train", "test"):
            for part in _parts(training, samples, split, args.images or 100, args):
                yield Likelihood(*part)


def _parts(
    training: Training, samples: int, split: str, images: int, args: argparse.Namespace
) -> Iterator[tuple[Training, int, str, int, int]]:
    """The first images of a split, some at a time."""
    n = len(load_mnist(args.data).test_images) if split == "test" else training.n_train
    for start in range(0, min(images, n), CHUNK):
        yield training, samples, split, start, min(start + CHUNK, images, n)


def _marginals(measures: Sequence[Likelihood], folder: Path) -> list[Point]:
    """The mean log p(x) of each point that is measured, over the images that are there."""
    sums: dict[tuple[int, int, str, str, int], list[float]] = {}
    for job in measures:
        result = _result(job, folder)
        if result is not None:
            training = job.training
            key = (training.n_z, training.n_train, training.algorithm, job.split, job.samples)
            total = sums.setdefault(key, [0.0, 0])
            total[0] += result["sum"]
            total[1] += result["images"]
    return [Point(*key, total / images) for key, (total, images) in sums.items()]


# ---- the paper's numbers, and what is made of all ----


def digitised(figure: int) -> list[Point]:
    """The paper's curves of MNIST: "2" is the bound, "3" is log p(x)."""
    here = Path(__file__).resolve().parent
    for place in (here / "data", here.parent / "data"):
        path = place / f"aevb_figure_{figure}.csv"
        if path.is_file():
            break
    else:
        raise FileFormatError(f"the package has no data/aevb_figure_{figure}.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    return [
        Point(
            int(row.get("n_z") or 3),
            int(row.get("n_train") or 50_000),
            row["algorithm"],
            row["split"],
            int(row["training_samples"]),
            float(row.get("lower_bound_nats") or row["marginal_log_likelihood_nats"]),
        )
        for row in rows
        if row.get("dataset", "mnist") == "mnist"
    ]


def at(samples: int, curve: Sequence[Point]) -> float | None:
    """The curve's value there, between two points a straight line over log samples.

    None outside of its points.
    """
    known = sorted((point.samples, point.nats) for point in curve)
    if not known or not known[0][0] <= samples <= known[-1][0]:
        return None
    x, y = np.array(known).T
    return float(np.interp(np.log(samples), np.log(x), y))


def _table(title: str, ours: Sequence[Point], theirs: Sequence[Point], by: tuple[str, ...]) -> None:
    """Our last point of each curve, the paper's there, and the paper's last."""
    say(f"{title}; the paper's curve at as many samples, and its end")
    say(f"{by[0]:>8} {'algorithm':12}{'split':7}{'samples':>11}{'here':>9}{'paper':>9}"
        f"{'difference':>12}{'its end':>9}")  # fmt: skip
    curves: dict[tuple[int, int, str, str], Point] = {}
    for point in ours:
        curves[point[:4]] = max(curves.get(point[:4], point), point, key=lambda p: p.samples)
    for key, point in sorted(curves.items(), key=lambda item: (*item[0][:2], item[0][3])):
        if by == ("n_z",) and point.split == "train":
            continue
        other = [p for p in theirs if p[:4] == key]
        there = at(point.samples, other)
        end = max(other, key=lambda p: p.samples).nats if other else None
        row = f"{getattr(point, by[0]):8} {point.algorithm:12}{point.split:7}{point.samples:11,}"
        row += f"{point.nats:9.1f}{_number(there, '9.1f')}"
        row += _number(None if there is None else point.nats - there, "+12.1f")
        say(row + _number(end, "9.1f"))


def _number(value: float | None, form: str) -> str:
    width = int("".join(c for c in form.split(".")[0] if c.isdigit()))
    return "-".rjust(width) if value is None else format(value, form)


def _write_csv(points: Sequence[Point], path: Path) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Point._fields)
    writer.writerows(points)
    with written_whole(path) as part:
        part.write_text(text.getvalue())


def _draw(
    panels: Sequence[tuple[str, Callable[[Point], bool]]],
    ours: Sequence[Point],
    theirs: Sequence[Point],
    path: Path,
    ylabel: str,
    ylim: tuple[float, float],
    log: bool,
) -> None:
    from scratchvae import figures

    def lines(belongs: Callable[[Point], bool]) -> list[figures.Line]:
        found: dict[tuple[str, str, bool], list[Point]] = {}
        for paper, points in ((True, theirs), (False, ours)):
            for point in points:
                if belongs(point):
                    found.setdefault((point.algorithm, point.split, paper), []).append(point)
        return [
            figures.Line(*key, [p.samples for p in points], [p.nats for p in points])
            for key, points in found.items()
        ]

    drawn = [(title, lines(belongs)) for title, belongs in panels]
    lowest = min((y for _, part in drawn for line in part for y in line.y), default=ylim[0])
    limits = (max(min(ylim[0], lowest), -200), ylim[1])
    figures.published(drawn, path, ylabel=ylabel, ylim=limits, log=log)
    say(f"wrote {path} and {path.with_suffix('.csv')}")


# ---- the command ----


def paper(args: argparse.Namespace) -> int:
    """Make a figure of AEVB section 5, with the paper's own curves behind."""
    _check(args)
    executors = jobs.cluster(args.dask, args.mpi) or partial(jobs.local, args.jobs)
    folder = writable(args.out or Path("runs") / "paper")

    def with_executor(wanted: Sequence[Training | Likelihood]) -> list[Result]:
        if args.draw or all(_result(job, folder) is not None for job in wanted):
            return []
        trainings = [job for job in wanted if isinstance(job, Training)]
        for n in dict.fromkeys(job.n_train for job in trainings if job.samples % job.n_train):
            whole = -(-args.samples // n) * n
            say(
                f"--samples is {args.samples:,}; a training is of whole epochs of {n:,} images, "
                f"so it has {whole:,}"
            )
        with executors() as executor:
            return run_jobs(wanted, executor, folder, progress=not args.quiet)

    with locked(folder):
        sweep(folder)
        FIGURES[args.figure](args, folder, with_executor)
    return 0


def _samples(text: str) -> int:
    value = float(text)
    if not (value >= 1 and value.is_integer()):
        raise argparse.ArgumentTypeError(f"{text} should be a whole number, 1 or more")
    return int(value)


_samples.__name__ = "number of samples"


def add_commands(commands: Commands) -> None:
    """The command `paper`."""
    p = command(commands, paper, "paper figure2 --samples 1e6 --out runs/paper")
    p.add_argument("figure", choices=FIGURES, metavar="FIGURE", help=", ".join(FIGURES))
    p.add_argument("--out", type=Path, metavar="DIR", help="where the files go (runs/paper)")
    p.add_argument(
        "--samples", type=_samples,
        help="training samples of each curve, in whole epochs (1e6); the paper has 1e8 and, in "
        "Figure 3, 6e7",
    )  # fmt: skip
    p.add_argument("--n-z", type=sizes, metavar="N[,N...]", help="figure2, figure5: which n_z")
    p.add_argument("--n-train", type=sizes, metavar="N[,N...]", help="figure3 (1000,50000)")
    p.add_argument("--optimizer", choices=OPTIMIZERS, help="(adagrad)")
    p.add_argument("--lr", type=float, help="(the best of the paper's three; adam, sgd: 0.001)")
    p.add_argument("--epochs", type=positive, help="iwae-row (10)")
    p.add_argument(
        "--images", type=positive,
        help="images whose log p(x) is estimated (figure3 100, the paper 1000; iwae-row 1000)",
    )  # fmt: skip
    share(p, "--seed")
    p.add_argument("--data", type=Path, metavar="DIR", help="idx files named as MNIST's")
    p.add_argument(
        "--jobs", type=positive, default=cores(), metavar="N", help=f"processes ({cores()})"
    )
    p.add_argument("--dask", metavar="ADDRESS", help="run the jobs on this Dask cluster")
    p.add_argument("--mpi", action="store_true", help="run the jobs under mpi4py.futures")
    p.add_argument("--draw", action="store_true", help="run nothing; draw what is there")
    p.add_argument("--quiet", action="store_true", help="no progress lines")
