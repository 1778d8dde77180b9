"""What commands have in common: how an argument is read, and the options of several commands.

argparse prints what it cannot read as "invalid whole number value: 'x'", by the name of
the function that reads it. So the functions here have names for people.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from scratchvae.datasets import PIXELS
from scratchvae.decoders import OUTPUTS
from scratchvae.layers import ACTIVATIONS
from scratchvae.processes import cores
from scratchvae.readers import GIGABYTE

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def positive(text: str, least: int = 1) -> int:
    """A whole number, 1 or more, or `least` or more."""
    value = int(text)
    if value < least:
        raise argparse.ArgumentTypeError(f"{value} should be {least} or more")
    return value


def from_zero(text: str) -> int:
    """A whole number, 0 or more."""
    return positive(text, 0)


def sizes(text: str) -> tuple[int, ...]:
    """Whole numbers, 1 or more, with commas between them."""
    return tuple(map(positive, text.split(",")))


def gigabytes(text: str) -> int:
    """A number of gigabytes, as bytes."""
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{value} should be above 0, and below a million")
    return max(1, int(value * 2**30))


positive.__name__ = from_zero.__name__ = "whole number"
sizes.__name__, gigabytes.__name__ = "comma-separated whole numbers", "number"


def file_name(suffix: str, or_folder: bool = False) -> Callable[[str], Path]:
    """The type of an argument that names a file to write: its suffix says what is in it."""

    def named(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() != suffix and not (or_folder and path.is_dir()):
            else_ = ", or be a folder that is there" if or_folder else ""
            raise argparse.ArgumentTypeError(f"{text!r} should end in {suffix}{else_}")
        return path

    return named


def command(
    commands: Commands, run: Callable[[argparse.Namespace], int], example: str, *shared: str
) -> argparse.ArgumentParser:
    """A new command, which `run` does and whose docstring says what it does.

    example: the command with arguments; it begins with the command's name. shared: see `share`.
    """
    added = commands.add_parser(
        example.split()[0], help=run.__doc__, description=run.__doc__, allow_abbrev=False,
        epilog=f"example: scratchvae {example}",
    )  # fmt: skip
    added.set_defaults(run=run)
    share(added, *shared)
    return added


def share(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add options, by name, that mean the same in several commands."""
    options: dict[str, dict[str, Any]] = {
        "model": {"type": Path, "metavar": "MODEL", "help": "a model.npz that train wrote"},
        "--seed": {"type": from_zero, "default": 0, "help": "of everything that is drawn (0)"},
        "--max-memory": {
            "type": gigabytes, "default": GIGABYTE, "metavar": "GB",
            "help": "refuse a model or data file that needs more (1)",
        },
        "--out": {
            "type": file_name(".png", or_folder=True), "metavar": "PNG",
            "help": "the picture to write, or a folder for it (beside the model)",
        },
        "--data": {
            "type": Path, "metavar": "PATH",
            "help": "a .npy, .npz, .csv or idx file, or a folder of idx files (MNIST, in data/ in "
            "the package or beside it)",
        },
        "--pixels": {
            "choices": PIXELS,
            "help": "what the model sees: bits, grey levels, or grey levels with noise within each "
            "level (bits for a Bernoulli decoder, else grey)",
        },
        "--decoder": {
            "choices": OUTPUTS, "default": "bernoulli",
            "help": "p(x|z): bits, real numbers by a Gaussian of two kinds, or grey levels by a "
            "Gaussian with its mean in (0, 1) or by a continuous Bernoulli (bernoulli)",
        },
        "--min-sigma": {
            "type": float, "metavar": "SIGMA",
            "help": "the least sigma of a Gaussian decoder, in the data's units; 0: none (1/255, "
            "a grey level)",
        },
        "--activation": {
            "choices": ACTIVATIONS, "default": "tanh", "help": "of the hidden layers (tanh)"
        },
        "--workers": {
            "type": positive, "default": cores(), "metavar": "N",
            "help": "processes that share the work; the cores of this machine, at most 4 "
            f"({cores()})",
        },
        "--quiet": {"action": "store_true", "help": "no progress line"},
    }  # fmt: skip
    for name in names:
        parser.add_argument(name, **options[name])


def share_sizes(parser: argparse.ArgumentParser, n_z: int, n_hidden: int) -> None:
    """Add --n-z and --hidden, with these defaults."""
    parser.add_argument("--n-z", type=positive, default=n_z, help=f"latent dimensions ({n_z})")
    parser.add_argument(
        "--hidden", type=sizes, default=(n_hidden,), metavar="N[,N...]",
        help=f"units of each hidden layer of the encoder; the decoder mirrors it ({n_hidden})",
    )  # fmt: skip
