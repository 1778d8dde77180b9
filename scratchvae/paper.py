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
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from scratchvae import jobs
from scratchvae.checkpoint import load_model
from scratchvae.datasets import load_images, own_places
from scratchvae.evaluation import active_units, evaluate
from scratchvae.files import FileFormatError, locked, writable, written_whole
from scratchvae.jobs import Result, result_of, run_jobs
from scratchvae.optimizers import OPTIMIZERS
from scratchvae.options import Commands, command, number, positive, share, sizes
from scratchvae.parameters import FloatArray
from scratchvae.processes import cores
from scratchvae.progress import say
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

Jobs = Sequence[Training | Likelihood]
Run = Callable[[Jobs], dict[Any, Result]]  # the results that are there, by their jobs


def figure2(args: argparse.Namespace, folder: Path, run: Run) -> None:
    """The bound against training samples, AEVB and wake-sleep."""
    trainings = [
        _training(args, algorithm=algorithm, n_z=n_z)
        for n_z in args.n_z or (3, 5, 10, 20)
        for algorithm in RIVALS
    ]
    points = [
        Point(training.n_z, training.n_train, training.algorithm, split, samples, nats)
        for training, result in run(trainings).items()
        for split in ("test", "train")
        for samples, nats in zip(result["samples"], result[split])
    ]
    _publish(
        trainings, points, folder / "figure2.png", by="n_z", panel="MNIST, n_z",
        table="test bound, nats per image", ylabel="bound, nats per image", ylim=(-150, -95),
    )  # fmt: skip


def figure3(args: argparse.Namespace, folder: Path, run: Run) -> None:
    """log p(x) of the first training and test images, AEVB, wake-sleep and Monte Carlo EM."""
    trainings = [
        _training(args, algorithm=algorithm, n_z=3, n_train=n_train, hidden=(100,), models=True)
        for n_train in args.n_train or (1000, 50_000)
        for algorithm in ALGORITHMS
    ]
    trainings = list(dict.fromkeys(trainings))  # a small data set has one N alone
    measures = [
        part
        for training, result in run(trainings).items()
        for samples in result["samples"][-MEASURED:]
        for split in ("train", "test")
        for part in _parts(training, samples, split, args.images or 100, args)
    ]
    _publish(
        trainings, _marginals(run(measures)), folder / "figure3.png", by="n_train", panel="N",
        table="log p(x), nats per image", ylabel="log p(x), nats", ylim=(-170, -95),
    )  # fmt: skip


def figure4(args: argparse.Namespace, folder: Path, run: Run) -> None:
    """The manifold of n_z = 2, through the inverse of the normal distribution function."""
    for training, result in run([_training(args, n_z=2)]).items():
        from scratchvae import figures

        vae = load_model(folder / f"{training.name}.npz")
        assert vae.image_shape is not None
        ink, path = load_images(args.data).ink, folder / "figure4.png"
        figures.manifold(vae, vae.image_shape, ink=ink, path=path)
        say(f"test bound {result['test'][-1]:.1f}; wrote {folder / 'figure4.png'}")


def figure5(args: argparse.Namespace, folder: Path, run: Run) -> None:
    """Samples of the models with n_z = 2, 5, 10, 20."""
    sheets: list[tuple[str, FloatArray]] = []
    trainings = [_training(args, n_z=n) for n in args.n_z or (2, 5, 10, 20)]
    for training, result in run(trainings).items():
        vae = load_model(folder / f"{training.name}.npz")
        sheets.append((f"n_z = {training.n_z}", vae.sample(100, args.seed)))
        say(f"n_z = {training.n_z}: test bound {result['test'][-1]:.1f}")
    if sheets:
        from scratchvae import figures

        assert vae.image_shape is not None
        ink, path = load_images(args.data).ink, folder / "figure5.png"
        figures.sample_sheets(sheets, vae.image_shape, ink=ink, path=path)
        say(f"wrote {folder / 'figure5.png'}")


def iwae_row(args: argparse.Namespace, folder: Path, run: Run) -> None:
    """IWAE Table 1: 784-200-200-50, tanh, L_5000 of test images and active units."""
    data = load_images(args.data)
    n = len(data.train_images)
    training = _training(
        args, n_z=50, hidden=(200, 200), n_train=n, samples=args.epochs * n, optimizer="adam",
        lr=1e-3, epsilon=1e-4, schedule="iwae", init="glorot", prior=False, models=True,
    )  # fmt: skip
    how = args.images or 1000, args, "importance", 5000
    measures = list(_parts(training, training.samples, "test", *how))
    results = run(measures if run([training]) else []).values()
    if not results:
        return
    images = sum(result["images"] for result in results)
    value = -sum(result["sum"] for result in results) / images
    error = sum(result["variance"] for result in results) ** 0.5 / images
    vae = load_model(folder / f"{training.name}.npz")
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
            given, *theirs = ("--" + s.replace("_", "-") for s in (setting, *SETTINGS[args.figure]))
            raise ValueError(f"{given} is given; {args.figure} has only {' '.join(theirs)}")
    data = load_images(args.data)
    if data.image_shape is None:
        raise ValueError(f"{data.name} is a table; the paper's figures are of pictures")
    n, n_test = len(data.train_images), len(data.test_images)
    if max(args.n_train or [0]) > n:
        raise ValueError(f"--n-train is {max(args.n_train)}; there are {n} training images")
    if (args.images or 0) > min(n_test, *(args.n_train or [n])):
        raise ValueError(
            f"--images is {args.images}; there are {n_test} test images, and "
            f"{min(args.n_train or [n])} training images"
        )


def _training(args: argparse.Namespace, n_train: int = 50_000, **settings: Any) -> Training:
    """A training with the settings of the command line, and with these in place of its own."""
    data = load_images(args.data)
    lr = args.lr if args.lr is not None or args.optimizer == "adagrad" else 1e-3
    given = {"samples": args.samples, "optimizer": args.optimizer, "lr": lr, "seed": args.seed}
    return Training(
        n_train=min(n_train, len(data.train_images)), checksum=data.identity.checksum,
        # the folder in a form that holds in another process too
        data=None if args.data is None else str(args.data.resolve()), **{**given, **settings},
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


def _parts(
    training: Training, samples: int, split: str, images: int, args: argparse.Namespace, *how: Any
) -> Iterator[Likelihood]:
    """The jobs that measure a training after so many samples: a split's first images, in parts."""
    n = len(load_images(args.data).test_images) if split == "test" else training.n_train
    for start in range(0, min(images, n), CHUNK):
        stop = min(start + CHUNK, images, n)
        yield Likelihood(training, samples, split, start, stop, *how)


def _marginals(measured: dict[Likelihood, Result]) -> list[Point]:
    """The mean log p(x) of each point that is measured, over the images that are there."""
    sums: dict[tuple[int, int, str, str, int], list[float]] = {}
    for job, result in measured.items():
        training = job.training
        key = (training.n_z, training.n_train, training.algorithm, job.split, job.samples)
        total = sums.setdefault(key, [0.0, 0])
        total[0] += result["sum"]
        total[1] += result["images"]
    return [Point(*key, total / images) for key, (total, images) in sums.items()]


# ---- the paper's numbers, and what is made of all ----


def digitised(figure: int) -> list[Point]:
    """The paper's curves of MNIST: "2" is the bound, "3" is log p(x)."""
    name = f"aevb_figure_{figure}.csv"
    found = [place / name for place in own_places() if (place / name).is_file()]
    if not found:
        raise FileFormatError(f"the package has no data/{name}")
    return [
        Point(
            int(row.get("n_z") or 3), int(row.get("n_train") or 50_000), row["algorithm"],
            row["split"], int(row["training_samples"]),
            float(row.get("lower_bound_nats") or row["marginal_log_likelihood_nats"]),
        )
        for row in csv.DictReader(found[0].read_text(encoding="utf-8").splitlines())
        if row.get("dataset", "mnist") == "mnist"
    ]  # fmt: skip


def at(samples: int, curve: Sequence[Point]) -> float | None:
    """The curve's value there, between two points a straight line over log samples.

    None outside of its points.
    """
    known = sorted((point.samples, point.nats) for point in curve)
    if not known or not known[0][0] <= samples <= known[-1][0]:
        return None
    x, y = np.array(known).T
    return float(np.interp(np.log(samples), np.log(x), y))


def _publish(
    trainings: Sequence[Training], ours: Sequence[Point], path: Path, *, by: str, panel: str,
    table: str, ylabel: str, ylim: tuple[float, float],
) -> None:  # fmt: skip
    """Figure 2 or 3 as CSV, table and picture: a panel for each value of the setting `by` of which
    a result is there, or of the paper's curves alone while none is.
    """
    theirs = digitised(int(path.stem[-1]))
    with written_whole(path.with_suffix(".csv")) as part:
        part.write_text("".join(",".join(map(str, row)) + "\n" for row in (Point._fields, *ours)))
    _table(table, ours, theirs, by)
    from scratchvae import figures

    panels = []
    for value in dict.fromkeys(getattr(shown, by) for shown in (ours or trainings)):
        lines: dict[tuple[str, str, bool], list[Point]] = {}
        for paper, points in ((True, theirs), (False, ours)):
            for p in points:
                if getattr(p, by) == value:
                    lines.setdefault((p.algorithm, p.split, paper), []).append(p)
        curves = [
            figures.Line(*key, [p.samples for p in points], [p.nats for p in points])
            for key, points in lines.items()
        ]
        panels.append((f"{panel} = {value}", curves))
    lowest = min((y for _, part in panels for line in part for y in line.y), default=ylim[0])
    limits = (max(min(ylim[0], lowest), -200), ylim[1])
    figures.published(panels, ylabel=ylabel, xlim=_range(ours, theirs), ylim=limits, path=path)
    say(f"wrote {path} and {path.with_suffix('.csv')}")


def _range(ours: Sequence[Point], theirs: Sequence[Point]) -> tuple[float, float]:
    """The samples that the picture shows: from where the paper's curves begin, if ours reach so
    far, to where the last one ends.
    """
    first, last = min(p.samples for p in theirs), max(p.samples for p in (*ours, *theirs))
    if ours and max(p.samples for p in ours) < first:
        first = min(p.samples for p in ours)
    return 0.9 * first, 1.1 * last


def _table(title: str, ours: Sequence[Point], theirs: Sequence[Point], by: str) -> None:
    """Our last point of each curve, the paper's there, and the paper's last."""
    say(f"{title}; the paper's curve at as many samples, and its end")
    say(f"{by:>8} {'algorithm':12}{'split':7}{'samples':>11}{'here':>9}{'paper':>9}"
        f"{'difference':>12}{'its end':>9}")  # fmt: skip
    curves: dict[tuple[int, int, str, str], Point] = {}
    for point in ours:
        curves[point[:4]] = max(curves.get(point[:4], point), point, key=lambda p: p.samples)
    for key, point in sorted(curves.items(), key=lambda item: (*item[0][:2], item[0][3])):
        if by == "n_z" and point.split == "train":
            continue
        other = [p for p in theirs if p[:4] == key]
        there, end, difference = at(point.samples, other), "-", "-"
        if other:
            end = f"{max(other, key=lambda p: p.samples).nats:.1f}"
        if there is not None:
            difference = f"{point.nats - there:+.1f}"
        say(f"{getattr(point, by):8} {point.algorithm:12}{point.split:7}{point.samples:11,}"
            f"{point.nats:9.1f}{'-' if there is None else f'{there:.1f}':>9}{difference:>12}"
            f"{end:>9}")  # fmt: skip


# ---- the command ----


def paper(args: argparse.Namespace) -> int:
    """Make a figure of AEVB section 5, with the paper's own curves behind."""
    _check(args)
    if args.dask is not None and args.mpi:
        raise ValueError("--dask and --mpi are both given; one of them runs the jobs")
    executors = jobs.mpi if args.mpi else partial(jobs.local, args.jobs)
    if args.dask is not None:
        executors = partial(jobs.dask, args.dask)
    folder = writable(args.out or Path("runs") / "paper")

    def there(wanted: Jobs) -> dict[Any, Result]:
        found = {job: _result(job, folder) for job in wanted}
        return {job: result for job, result in found.items() if result is not None}

    def run(wanted: Jobs) -> dict[Any, Result]:
        if args.draw or len(there(wanted)) == len(set(wanted)):
            return there(wanted)
        trainings = [job for job in wanted if isinstance(job, Training)]
        for n in dict.fromkeys(job.n_train for job in trainings if job.samples % job.n_train):
            whole = -(-args.samples // n) * n
            say(
                f"--samples is {args.samples:,}; a training is of whole epochs of {n:,} images, "
                f"so it has {whole:,}"
            )
        with executors() as executor:
            run_jobs(wanted, executor, folder, progress=not args.quiet)
        return there(wanted)

    with locked(folder):
        FIGURES[args.figure](args, folder, run)
    return 0


def _samples(text: str) -> int:
    value = number(text)
    if not (value >= 1 and value.is_integer()):
        raise argparse.ArgumentTypeError(f"{text} should be a whole number, 1 or more")
    return int(value)


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
