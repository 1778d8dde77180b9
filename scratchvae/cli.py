"""The core's commands: train, what draws a trained model, evaluate, gradcheck.

Bad input ends with one sentence on stderr and exit code 2, and Ctrl-C with 130. gradcheck
ends with 1 when a gradient is wrong. The options of a command stand above what it does;
those that several commands have are in `options.py`.
"""

import argparse
import shlex
import signal
import threading
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from math import isqrt
from os.path import samestat
from pathlib import Path
from typing import Any

import numpy as np

from scratchvae import __version__, checks, datasets
from scratchvae.checkpoint import load_model, save_model, trained_on
from scratchvae.checks import printable
from scratchvae.datasets import Images, grey, load_images
from scratchvae.decoders import OUTPUTS
from scratchvae.evaluation import seen_by, units
from scratchvae.files import (
    STOPS,
    DiskFull,
    FileFormatError,
    locked,
    sentence,
    uninterrupted,
    writable,
)
from scratchvae.gradient_check import check_gradient
from scratchvae.history import History
from scratchvae.initializers import INITIALIZERS
from scratchvae.likelihood import DEFAULTS
from scratchvae.optimizers import OPTIMIZERS, Optimizer
from scratchvae.options import (
    Commands,
    Parser,
    command,
    from_zero,
    pair,
    positive,
    share,
    share_sizes,
)
from scratchvae.parameters import FloatArray
from scratchvae.processes import WorkerDied
from scratchvae.progress import say
from scratchvae.reports import kind_of, print_bounds, print_likelihood, print_rows
from scratchvae.resume import OtherArithmetic, Saved
from scratchvae.schedules import SCHEDULES
from scratchvae.training import EpochLine, epochs
from scratchvae.vae import VAE

Room = Callable[[Commands], None]  # adds its own commands
REFUSED = (FileFormatError, FloatingPointError, MemoryError, OSError, TypeError, ValueError)
MEAN, DEVIATION = 5, (0.3, 5)  # of a column: see `_note_scales`
STEPS = 200  # of a training: fewer are said
PICTURE = "--seed", "model", "--max-memory", "--out"  # options of a command that draws a model
DRAWN = 8  # images of `sample --draw`: more are not legible in the plane of z


def main(argv: Sequence[str] | None = None, rooms: Sequence[Room] = ()) -> int:
    """Run one command, of the core or of the rooms. Returns the exit code."""
    args = _parser(rooms).parse_args(argv)
    if threading.current_thread() is threading.main_thread():
        for stop in STOPS:  # what nohup ignores stays ignored
            if stop != signal.SIGINT and signal.getsignal(stop) != signal.SIG_IGN:
                signal.signal(stop, _as_ctrl_c)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", OtherArithmetic)
            warnings.showwarning = partial(_note, args.command, warnings.showwarning)
            return int(args.run(args))
    except KeyboardInterrupt:
        say(f"scratchvae {args.command}: stopped", error=True)
        return 130
    except REFUSED as error:
        say(f"scratchvae {args.command}: error: {printable(sentence(error))}", error=True)
        return 2


def _note(command: str, others: Callable[..., None], message: Warning, *where: Any) -> None:
    """A warning of ours as one line on stderr."""
    if isinstance(message, OtherArithmetic):
        say(f"scratchvae {command}: note: {printable(str(message))}", error=True)
    else:
        others(message, *where)


def _as_ctrl_c(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _parser(rooms: Sequence[Room]) -> argparse.ArgumentParser:
    parser = Parser(
        prog="scratchvae", description="The variational autoencoder by hand, in NumPy.",
        epilog="example: scratchvae train --epochs 10 --n-z 20",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"scratchvae {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    core = (
        add_train, add_sample, add_reconstruct, add_manifold, add_traverse, add_interpolate,
        add_evaluate, add_gradcheck,
    )  # fmt: skip
    for add in (*core, *rooms):
        add(commands)
    parser.set_defaults(commands=tuple(commands.choices))
    return parser


# ---- the commands ----


def add_train(commands: Commands) -> None:
    example = "train --n-z 2 --epochs 20 --out runs/plane"
    p = command(commands, train, example, "--seed", "--data", "--pixels", "--max-memory")
    p.add_argument("--out", type=Path, metavar="DIR", help="where the files go (runs/mnist)")
    p.add_argument(
        "--epochs", type=positive, default=10, help="passes over the training images (10)"
    )
    share_sizes(p, n_z=20, n_hidden=500)
    share(p, "--decoder", "--min-sigma", "--activation", "--beta")
    p.add_argument(
        "--warmup", type=from_zero, default=0, metavar="EPOCHS",
        help="epochs in which the KL's weight rises to beta (0)",
    )  # fmt: skip
    p.add_argument(
        "--patience", type=positive, metavar="EPOCHS",
        help="stop after so many epochs without a better test bound, and keep the best model",
    )  # fmt: skip
    p.add_argument(
        "--standardize", action="store_true",
        help="scale each column of a table to mean 0 and standard deviation 1 in the training rows",
    )  # fmt: skip
    p.add_argument(
        "--init", choices=INITIALIZERS, default="glorot",
        help="glorot, or normal for the paper's N(0, 0.01) (glorot)",
    )  # fmt: skip
    p.add_argument(
        "--batch-size", type=positive, default=100, help="M, the images of a minibatch (100)"
    )
    p.add_argument(
        "--optimizer", choices=OPTIMIZERS, default="adam", help="adagrad is the paper's (adam)"
    )
    p.add_argument(
        "--lr", type=float,
        help="learning rate (adam 0.001, adagrad 0.02, sgd 0.01); with --resume another one from "
        "the next epoch on (as it was)",
    )  # fmt: skip
    p.add_argument(
        "--schedule", choices=SCHEDULES, default="constant",
        help="of the learning rate: iwae is that of the IWAE paper (constant)",
    )  # fmt: skip
    p.add_argument(
        "--weight-decay", type=float, default=0.0,
        help="1/N is the paper's p(theta) = N(0, I) for N training images (0)",
    )  # fmt: skip
    earlier = p.add_mutually_exclusive_group()
    earlier.add_argument(
        "--resume", action="store_true",
        help="go on from the last whole epoch in the folder, if any",
    )  # fmt: skip
    earlier.add_argument(
        "--overwrite", action="store_true",
        help="replace an earlier training in the folder, once the first new epoch is whole",
    )  # fmt: skip
    share(p, "--workers", "--quiet")


def train(args: argparse.Namespace) -> int:
    """Train a model, say what it reached, and write it with its history and its pictures."""
    if args.standardize and OUTPUTS[args.decoder].unit_mean:
        raise ValueError(
            f"--decoder is {args.decoder}, whose mean is from 0 to 1; with --standardize it should "
            "be gaussian or isotropic"
        )
    data = load_images(args.data, standardize=args.standardize, max_memory=args.max_memory)
    vae = VAE(
        data.train_images.shape[1], args.hidden, args.n_z, decoder=args.decoder,
        activation=args.activation, init=args.init, seed=args.seed, image_shape=data.image_shape,
        beta=args.beta, min_sigma=_min_sigma(args),
    )  # fmt: skip
    lr = {} if args.lr is None else {"lr": args.lr}
    optimizer = OPTIMIZERS[args.optimizer](vae.params, weight_decay=args.weight_decay, **lr)
    # refuse what the decoder cannot model, before anything is written
    seen_by(vae, args.pixels)
    _check_numbers(vae, data, args)
    _note_scales(data, args)
    if args.warmup >= args.epochs:
        say(
            f"scratchvae train: note: --warmup is {args.warmup} and --epochs {args.epochs}: the "
            "weight of the KL does not reach beta",
            error=True,
        )
    folder = args.out or Path("runs") / (
        "mnist" if args.data is None else _stem(args.data.resolve())
    )
    if args.data is not None and args.data.is_dir() and folder.resolve() == args.data.resolve():
        raise ValueError(f"--out is {folder}, the folder of the data; it should be another one")
    folder = writable(folder)
    if data.divided:
        say(
            f"{data.name} has no test set: {len(data.test_images)} of its "
            f"{len(data.train_images) + len(data.test_images)} {kind_of(data)}s, drawn once and "
            "for all, test"
        )
    with locked(folder):
        _check_what_is_there(folder, args)
        return _train_into(folder, vae, optimizer, data, args)


def _stem(path: Path) -> str:
    """The name of a folder, or of a file without what comes after its first dot."""
    return path.name if path.is_dir() else path.name.split(".")[0]


def _check_what_is_there(folder: Path, args: argparse.Namespace) -> None:
    """FileExistsError when the folder has a training, and nobody said what to do with it."""
    there = [name for name in ("model.npz", "training.npz") if (folder / name).exists()]
    if not there or args.overwrite or (args.resume and "training.npz" in there):
        return
    go_on = "go on with it by --resume, " if "training.npz" in there else ""
    nothing = "" if go_on or not args.resume else ", and no training.npz to go on from"
    raise FileExistsError(
        f"{folder} holds {' and '.join(there)} of an earlier training{nothing}: {go_on}replace it "
        "by --overwrite, or name another folder by --out"
    )


def _kept(history: History, args: argparse.Namespace) -> int:
    """The epoch whose model is kept: the last, or with --patience the best after the warm-up.

    The best has the highest objective of test images, which is the bound for beta = 1.
    """
    last = len(history.elbo)
    if args.patience is None or last <= args.warmup:
        return last
    kl = np.multiply(args.beta, history.test_kl)
    objective = np.subtract(history.test_reconstruction, kl)[args.warmup :]
    return args.warmup + 1 + int(np.argmax(objective))


def _train_into(
    folder: Path, vae: VAE, optimizer: Optimizer, data: datasets.ImageSet, args: argparse.Namespace
) -> int:
    model, state, history = folder / "model.npz", folder / "training.npz", History()
    written = 0  # the epoch of the model that is kept: the best with --patience, else the last
    earlier = state.stat() if args.overwrite and state.exists() else None

    def save() -> None:
        nonlocal written
        last, kept = len(history.elbo), _kept(history, args)
        with uninterrupted():
            if kept == last:
                save_model(vae, model, data.identity)
            written = kept
            history.save(folder / "history.json")

    try:
        each = epochs(
            vae, data.train_images, args.epochs, batch_size=args.batch_size, optimizer=optimizer,
            seed=args.seed, test_images=data.test_images, pixels=args.pixels,
            schedule=args.schedule, warmup=args.warmup, workers=args.workers,
            report=lambda *seen: line.within(*seen),
            saved=Saved(
                state, history, overwrite=args.overwrite, lr_of_file=True,
                the_best_is_kept=args.patience is not None,
            ),
        )  # fmt: skip
        done = len(history.elbo)  # of an earlier training, which goes on
        if args.lr not in (None, optimizer.lr) and done < args.epochs:
            was, optimizer.lr = optimizer.lr, args.lr
            changed = f"lr was {was:g} and is {args.lr:g} from epoch {done + 1} on"
            say(f"scratchvae train: note: {changed}", error=True)
        line = EpochLine(vae, args.epochs, len(data.train_images), done, show=not args.quiet)
        if done:
            save()
            load_model(model)  # with --patience it may be the only place of the best
        for epoch in each:
            history.record(epoch)
            save()
            line.end_of(epoch)
            if args.patience is not None and epoch.number - written >= args.patience:
                break
    except (KeyboardInterrupt, FloatingPointError, WorkerDied, DiskFull) as stop:
        kept = (
            f"the model of epoch {written} is in {model}"
            if written
            else "no epoch was finished, so no model was written"
        )
        by_hand = isinstance(stop, KeyboardInterrupt)
        why = "stopped" if by_hand else f"error: {stop}"
        replaced = earlier is None or not samestat(earlier, state.stat())
        if isinstance(stop, DiskFull) and state.exists() and replaced:
            kept += "; with more space, --resume goes on from the last whole epoch"
        say(f"\nscratchvae train: {printable(f'{why}: {kept}')}", error=True)
        return 130 if by_hand else 2

    seconds = sum(history.seconds)
    speed = len(history.elbo) * len(data.train_images) / seconds
    many = f"{len(history.elbo)} epoch{'' if len(history.elbo) == 1 else 's'}"
    say(f"{vae.params.theta.size:,} weights, {many} in {seconds:.0f} s, {speed:,.0f} images/s")
    if args.patience is not None:
        what = "bound" if args.beta == 1 else "objective"
        say(f"the model is that of epoch {written}, whose test {what} is the highest")
        vae = load_model(model)
    print_bounds(vae, data, args, seed=0)  # the bits of the history's test bounds
    if optimizer.t < STEPS and args.batch_size > 10:
        say(f"{optimizer.t} steps are few: try a smaller --batch-size or more --epochs")
    pictures = _train_pictures(vae, data, history, written, folder, args)
    say(f"in {folder}: {' '.join(['model.npz', 'history.json', *pictures])}")
    if vae.n_z == 2 and vae.image_shape is not None and "explore" in args.commands:
        data_of = [] if args.data is None else ["--data", str(args.data)]
        command = shlex.join(["scratchvae", "explore", str(model), *data_of])
        say(f"the plane in a browser: {command}")
    return 0


def _train_pictures(
    vae: VAE, data: datasets.ImageSet, history: History, kept: int, folder: Path,
    args: argparse.Namespace,
) -> list[str]:  # fmt: skip
    from scratchvae import figures

    of_the_plane = ["manifold.png", "latent_scatter.png"]
    for name in of_the_plane if args.overwrite else ():
        (folder / name).unlink(missing_ok=True)  # an earlier model's

    rng = checks.generator("--seed", args.seed, "pictures")
    x = seen_by(vae, args.pixels)(data.test_images, rng, vae.dtype)
    figures.learning_curve(history, kept=kept, path=folder / "learning_curve.png")
    drawn, shape = ["learning_curve.png"], _shape(vae)
    if shape is not None:
        few = data.test_images[:36], x[:36]
        _draw_reconstructions(vae, *few, data.ink, folder / "reconstructions.png")
        path = folder / "samples.png"
        figures.samples(vae.sample(144, rng), shape, ink=data.ink, path=path)
        drawn += ["reconstructions.png", "samples.png"]
    if vae.n_z == 2 and shape is not None:
        figures.manifold(vae, shape, ink=data.ink, path=folder / "manifold.png")
        drawn.append("manifold.png")
    if vae.n_z == 2:
        figures.latent_scatter(
            vae.encode(x)[0], data.test_labels, class_names=data.class_names,
            path=folder / "latent_scatter.png",
        )  # fmt: skip
        drawn.append("latent_scatter.png")
    return drawn


def add_sample(commands: Commands) -> None:
    p = command(commands, sample, "sample runs/mnist/model.npz --n 64 --out digits.png", *PICTURE)
    p.add_argument("--n", type=positive, help="images or rows (144; with --draw 8, and not more)")
    p.add_argument(
        "--draw", action="store_true",
        help="of pictures, both samplings: where z fell, the mean of p(x|z), a draw of x",
    )  # fmt: skip


def sample(args: argparse.Namespace) -> int:
    """Decode draws of z ~ p(z): a picture of means, or rows x ~ p(x|z) of a table on stdout."""
    vae = load_model(args.model, max_memory=args.max_memory)
    n = args.n or (DRAWN if args.draw else 144)
    if _prints_rows(vae, args):
        if args.draw:
            raise ValueError("--draw is given; it is for pictures, and rows are draws without it")
        known = trained_on(args.model, max_memory=args.max_memory)
        rows = vae.sample(n, args.seed, draw=True)
        if known is not None and known.units is not None:
            rows = known.units.rows(rows)
        print_rows(known and known.columns, rows)
        return 0
    if args.draw and n > DRAWN:
        raise ValueError(f"--n is {n}; with --draw it should be {DRAWN} or less")
    shape, ink = _image_shape(vae), _ink(args)
    from scratchvae import figures

    def draw(path: Path) -> None:
        if args.draw:
            figures.two_samplings(vae, shape, n=n, seed=args.seed, ink=ink, path=path)
        else:
            figures.samples(vae.sample(n, args.seed), shape, ink=ink, path=path)

    return _wrote(args, draw, "two_samplings.png" if args.draw else "samples.png")


def add_reconstruct(commands: Commands) -> None:
    p = command(commands, reconstruct, "reconstruct runs/mnist/model.npz --n 24", *PICTURE)
    share(p, "--data", "--pixels")
    p.add_argument(
        "--n", type=positive, help="test images or rows (48, or all when there are fewer)"
    )


def reconstruct(args: argparse.Namespace) -> int:
    """Draw test images and their reconstructions, or print rows of a table with theirs."""
    vae = load_model(args.model, max_memory=args.max_memory)
    data = data_for(vae, args)
    images = data.test_images
    n = args.n or min(48, len(images))
    if n > len(images):
        raise ValueError(f"--n is {n}; there are {len(images)} test images")
    rng = checks.generator("--seed", args.seed, "reconstructions")
    chosen = images[rng.permutation(len(images))[:n]]
    x = seen_by(vae, args.pixels)(chosen, rng, vae.dtype)
    if _prints_rows(vae, args):
        columns = data.columns or tuple(f"x{j}" for j in range(1, vae.n_x + 1))
        columns += tuple(f"{name} reconstructed" for name in columns)
        both = grey(chosen, dtype=np.float64), vae.reconstruct(x)
        print_rows(columns, np.concatenate([data.in_units(rows) for rows in both], axis=1))
        return 0
    draw = partial(_draw_reconstructions, vae, chosen, x, data.ink)
    return _wrote(args, draw, "reconstructions.png")


def _draw_reconstructions(vae: VAE, images: Images, x: FloatArray, ink: bool, path: Path) -> None:
    """The images, the x that the model saw of them, and what it makes of x."""
    from scratchvae import figures

    originals, shape = grey(images, dtype=vae.dtype), _image_shape(vae)
    figures.reconstructions(originals, x, vae.reconstruct(x), shape, ink=ink, path=path)


def add_manifold(commands: Commands) -> None:
    p = command(commands, manifold, "manifold runs/plane/model.npz --n 25", *PICTURE)
    p.add_argument("--n", type=positive, default=20, help="images along each side (20)")


def manifold(args: argparse.Namespace) -> int:
    """Draw the images of a grid of z, for a model with n_z = 2."""
    vae = load_model(args.model, max_memory=args.max_memory)
    shape, ink = _image_shape(vae), _ink(args)
    from scratchvae import figures

    def draw(path: Path) -> None:
        figures.manifold(vae, shape, n=args.n, ink=ink, path=path)

    return _wrote(args, draw, "manifold.png")


def add_traverse(commands: Commands) -> None:
    p = command(commands, traverse, "traverse runs/mnist/model.npz --image 7", *PICTURE)
    share(p, "--data", "--pixels")
    p.add_argument("--n", type=positive, default=13, help="images of each unit (13)")
    p.add_argument(
        "--image", type=from_zero, metavar="I",
        help="the test image whose other units are held, from 0 (drawn by the seed)",
    )  # fmt: skip


def traverse(args: argparse.Namespace) -> int:
    """Draw what each active unit of z does, from -3 to 3, with the other units held."""
    vae = load_model(args.model, max_memory=args.max_memory)
    data, shape = data_for(vae, args), _image_shape(vae)
    N = len(data.test_images)
    if N < 2:
        raise ValueError(f"there is {N} test image; active units need two")
    rng = checks.generator("--seed", args.seed, "traversals")
    chosen = int(rng.integers(N)) if args.image is None else args.image
    if chosen >= N:
        raise ValueError(f"--image is {chosen}; there are {N} test images, from 0")
    x = seen_by(vae, args.pixels)(data.test_images, rng, vae.dtype)
    at, name = vae.encode(x[chosen : chosen + 1])[0][0], _name(data, chosen)
    from scratchvae import figures

    def draw(path: Path) -> None:
        figures.traversals(vae, shape, x, at=at, name=name, n=args.n, ink=data.ink, path=path)

    _wrote(args, draw, "traversals.png")
    say(f"the units that are held are those of {printable(name)}")
    active = units(vae, x)[1]
    none = "" if active.any() else ": z says nothing about x"
    say(f"active latent units: {active.sum()} of {vae.n_z}{none}")
    return 0


def _name(data: datasets.ImageSet, i: int) -> str:
    """Of a test image, with its class if that is known."""
    if data.test_labels is None:
        return f"test image {i}"
    label = int(data.test_labels[i])
    return f"test image {i} ({data.class_names[label] if data.class_names else f'label {label}'})"


def add_interpolate(commands: Commands) -> None:
    p = command(commands, interpolate, "interpolate runs/plane/model.npz --pair 0,1", *PICTURE)
    share(p, "--data", "--pixels")
    p.add_argument("--n", type=positive, default=11, help="images of each path (11)")
    p.add_argument(
        "--pair", type=pair, metavar="I,J", help="the two test images, from 0 (drawn by the seed)"
    )


def interpolate(args: argparse.Namespace) -> int:
    """Draw the way from one test image's code to another's: straight, and on the sphere."""
    vae = load_model(args.model, max_memory=args.max_memory)
    data, shape = data_for(vae, args), _image_shape(vae)
    N = len(data.test_images)
    if N < 2:
        raise ValueError(f"there is {N} test image; a path needs two")
    rng = checks.generator("--seed", args.seed, "path")
    chosen = list(args.pair or map(int, rng.permutation(N)[:2]))
    if max(chosen) >= N:
        raise ValueError(f"--pair is {chosen[0]},{chosen[1]}; there are {N} test images, from 0")
    x = seen_by(vae, args.pixels)(data.test_images[chosen], rng, vae.dtype)
    names = [_name(data, i) for i in chosen]
    from scratchvae import figures

    def draw(path: Path) -> None:
        figures.morph(vae, x, shape, n=args.n, names=names, ink=data.ink, path=path)

    return _wrote(args, draw, "morph.png")


def add_evaluate(commands: Commands) -> None:
    p = command(commands, evaluate_model, "evaluate runs/mnist/model.npz", "--seed", "model")
    share(p, "--max-memory", "--data", "--pixels")
    p.add_argument(
        "--likelihood", choices=DEFAULTS,
        help="estimate log p(x) of test images; hmc only for n_z < 5",
    )  # fmt: skip
    p.add_argument("--images", type=positive, help="with --likelihood: how many test images (1000)")
    p.add_argument(
        "--n-samples", type=positive,
        help="with --likelihood: samples for each image (importance 5000, ais 16, hmc 400)",
    )  # fmt: skip
    p.add_argument("--temperatures", type=positive, help="with --likelihood ais (100)")
    share(p, "--workers", "--quiet")


def evaluate_model(args: argparse.Namespace) -> int:
    """Print the bound on training and test images and the active units, or log p(x)."""
    for option, methods in (
        ("images", [*DEFAULTS]), ("n_samples", [*DEFAULTS]), ("temperatures", ["ais"])
    ):  # fmt: skip
        if getattr(args, option) is not None and args.likelihood not in methods:
            name = option.replace("_", "-")
            raise ValueError(f"--{name} is given; it needs --likelihood {' or '.join(methods)}")
    args.images, args.temperatures = args.images or 1000, args.temperatures or 100
    vae = load_model(args.model, max_memory=args.max_memory)
    data = data_for(vae, args)
    if args.likelihood is None:
        print_bounds(vae, data, args, args.seed)
    else:
        print_likelihood(vae, data, args)
    return 0


def add_gradcheck(commands: Commands) -> None:
    p = command(commands, gradcheck, "gradcheck --hidden 6,5 --samples 3", "--seed")
    share_sizes(p, n_z=3, n_hidden=7)
    share(p, "--decoder", "--min-sigma", "--activation", "--beta")
    p.add_argument("--samples", type=positive, default=1, metavar="L", help="L of eq. (10) (1)")


def gradcheck(args: argparse.Namespace) -> int:
    """Print each weight's hand-written gradient against central differences."""
    rng = checks.generator("--seed", args.seed, "gradient check")
    vae = VAE(
        12, args.hidden, args.n_z, decoder=args.decoder, activation=args.activation,
        dtype=np.float64, seed=rng, beta=args.beta, min_sigma=_min_sigma(args),
    )  # fmt: skip
    # biases of 0 could hide a mistake
    vae.params.theta += 0.1 * rng.standard_normal(vae.params.theta.size)
    x = (rng.random((5, 12)) < 0.5).astype(np.float64)
    eps = rng.standard_normal((args.samples, 5, args.n_z))
    vae.loss_and_grad(x, eps)
    comparisons = check_gradient(lambda: -float(vae.objective(x, eps).mean()), vae.params)
    header = f"{'weight':14}{'shape':>10}{'close':>8}"
    say(f"{header}{'largest difference':>21}{'relative error':>17}")
    for c in comparisons:
        shape = " x ".join(map(str, c.shape))
        row = f"{c.name:14}{shape:>10}{'yes' if c.close else 'no':>8}"
        say(f"{row}{c.largest_difference:21.1e}{c.relative_error:17.1e}")
    wrong = [c.name for c in comparisons if not c.close]
    right = "every gradient is close: relative error at most 1e-7"
    say(f"wrong: {', '.join(wrong)}" if wrong else right)
    return 1 if wrong else 0


# ---- what they share ----


def _min_sigma(args: argparse.Namespace) -> float | None:
    """--min-sigma. ValueError, even for 0, where the decoder has no sigma with a floor."""
    if args.min_sigma is not None and not _floored(args.decoder):
        raise ValueError(f"--min-sigma is given; the decoder {args.decoder} has no sigma")
    return args.min_sigma


def _floored(decoder: str) -> bool:
    return OUTPUTS[decoder].min_sigma is not None


def _check_numbers(vae: VAE, data: datasets.ImageSet, args: argparse.Namespace) -> None:
    """ValueError, with the data's name, for numbers that the model cannot have been made for."""
    both = data.train_images, data.test_images
    if args.pixels == "dequantized" and data.train_images.dtype != np.uint8:
        raise ValueError(f"--pixels is dequantized; {data.name} should hold uint8 levels for it")
    bits = "bits" in (vae.pixels, args.pixels)
    if (bits or vae.confined) and not all(map(datasets.in_unit_interval, both)):
        low, high = min(part.min() for part in both), max(part.max() for part in both)
        what = "bits need" if bits else f"the decoder {vae.decoder} needs"
        raise ValueError(
            f"{data.name} has numbers from {low:g} to {high:g}, and {what} them from 0 to 1: "
            "real numbers need --decoder gaussian, and levels from 0 to 255 the type uint8"
        )


def _note_scales(data: datasets.ImageSet, args: argparse.Namespace) -> None:
    """A note where a column of a table is so far from mean 0 and standard deviation 1 that
    --standardize gains much: |mean| > 5, or a deviation outside of 0.3 to 5.

    Measured by the nats per column that the bound loses against standardized columns, in 20
    epochs of 2000 rows of 3 correlated columns (n_z 2): at these limits 0.2 or less with
    `gaussian` and 0.7 or less with `isotropic`, whose one weight log σ² moves by the learning
    rate in a step. At mean 10: 1.4 and 1.1; at deviation 0.03: 0.8 and 2.9; at 30: 1.2 and 41.
    """
    if args.standardize or OUTPUTS[args.decoder].unit_mean or data.image_shape is not None:
        return
    if data.train_images.dtype.kind != "f":
        return
    table = data.train_images.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = table.mean(axis=0), table.std(axis=0)
    far = ~((np.abs(mean) <= MEAN) & (DEVIATION[0] <= scale) & (scale <= DEVIATION[1]))
    if far.any():
        j = checks.first_index(far)[0]
        say(
            f"scratchvae train: note: column {j + 1} of {data.name} has mean {mean[j]:.3g} and "
            f"standard deviation {scale[j]:.3g}; numbers that are far from 0 and 1 take many "
            "epochs: try --standardize",
            error=True,
        )


def data_for(vae: VAE, args: argparse.Namespace) -> datasets.ImageSet:
    """The data set of a command that reads a model, when its images are of the model's shape.

    Another data set than the one that the model was trained on must be asked for by --data, and
    it is said. A table is standardized by the model's mean and scale, if it has them.
    """
    data = load_images(args.data, max_memory=args.max_memory)
    known = trained_on(args.model, max_memory=args.max_memory)
    shape = vae.image_shape if data.image_shape is None else _shape(vae)  # flat images are a table
    theirs, ours = (
        f"{n_x} numbers" if shape is None else f"{' x '.join(map(str, shape))} pixels"
        for shape, n_x in ((data.image_shape, data.train_images.shape[1]), (shape, vae.n_x))
    )  # fmt: skip
    if theirs != ours:
        kind = "rows have" if data.image_shape is None else "images are"
        name = "; the model's data should be named by --data" if args.data is None else ""
        raise ValueError(
            f"the {kind} {theirs}; the model is of {ours.removesuffix(' pixels')}{name}"
        )
    if known is not None and known.units is not None:
        data = data.standardized(known.units)
    _check_numbers(vae, data, args)
    if known is None:
        note = f"the model does not say what it was trained on; the images are {data.name}"
    elif known.checksum != data.identity.checksum:
        note = f"the model was trained on {known.name}; the images are {data.name}, others"
        if args.data is None:
            raise ValueError(f"{note}. The data set should be named by --data")
    else:
        return data
    say(f"scratchvae {args.command}: note: {printable(note)}", error=True)
    return data


def _prints_rows(vae: VAE, args: argparse.Namespace) -> bool:
    """Whether a command prints rows: the model is of a table, and no picture is asked for."""
    return _shape(vae) is None and args.out is None


def _image_shape(vae: VAE) -> tuple[int, ...]:
    shape = _shape(vae)
    if shape is None:
        raise ValueError(
            f"the model is of {vae.n_x} numbers and has no image_shape; a picture needs one"
        )
    return shape


def _shape(vae: VAE) -> tuple[int, ...] | None:
    """Its image_shape. A model of bits without one may be of square images."""
    side = isqrt(vae.n_x)
    square = vae.pixels == "bits" and side * side == vae.n_x
    return vae.image_shape or ((side, side) if square else None)


def _ink(args: argparse.Namespace) -> bool:
    """How pictures of the data that the model was trained on are drawn; as ink if not known."""
    known = trained_on(args.model, max_memory=args.max_memory)
    return known is None or known.ink


def _wrote(args: argparse.Namespace, draw: Callable[[Path], None], name: str) -> int:
    """Draw the picture: --out, or this name in the folder --out, or in that of the model.

    The name is that of the function of `figures`, in `train` and in every command. So a picture
    replaces an earlier one of its kind, and the line on stdout says so.
    """
    path = args.model.parent if args.out is None else args.out
    path = path / name if path.is_dir() else path
    earlier = ", in place of an earlier one" if path.exists() else ""
    draw(path)
    say(f"wrote {path}{earlier}")
    return 0
