"""What commands have in common: how an argument is read, and the options of several commands.

argparse prints what it cannot read as "invalid whole number value: 'x'", by the name of
the function that reads it. So the functions here have names for people.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from itertools import takewhile
from os.path import isdir
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from scratchvae.datasets import PIXELS
from scratchvae.decoders import OUTPUTS
from scratchvae.layers import ACTIVATIONS
from scratchvae.processes import cores
from scratchvae.readers import GIGABYTE

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class Parser(argparse.ArgumentParser):
    """A parser that says what an unknown name may have meant, with the usage of its own command.

    Where it has commands and none is given, it prints its help. The exit code is 2 then too:
    a program that has lost an argument should notice.
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(**more, allow_abbrev=False)
        self.suggest_on_error = False  # of Python 3.14, beside ours

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """As in argparse, but nothing stays unknown: a command's own parser refuses it."""
        words = sys.argv[1:] if args is None else [*args]
        mine = [*takewhile(lambda word: word != "--", words)]
        if self._subparsers is not None:  # what follows a command belongs to it
            mine = [*takewhile(lambda word: word.startswith("-"), mine)]
        wrong = [word for word in mine if word.startswith("--") and not self._knows(word)]
        if wrong:  # before what is missing, which may be what it should have been
            self._refuse(wrong)
        found, unknown = super().parse_known_args(words, namespace)
        if unknown:
            self._refuse(unknown)
        if self._subparsers is not None and not hasattr(found, "run"):
            self.print_help(sys.stderr)
            self.exit(2)
        return found, unknown

    def _knows(self, option: str) -> bool:
        return option.split("=")[0] in self._option_string_actions

    def _refuse(self, words: Sequence[str]) -> NoReturn:
        """Words that the command does not have."""
        options = [word.split("=")[0] for word in words]
        more = did_you_mean(options, self._option_string_actions)
        if words[0].isdecimal():  # --hidden 500 200
            more = "; several numbers should have commas between them and no spaces, as 500,200"
        elif self._subparsers is not None and not more:
            more = "; options should stand after the command"
        self.error(f"unrecognized arguments: {' '.join(words)}{more}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += did_you_mean([value], action.choices or ())
            raise


def did_you_mean(words: Iterable[str], known: Iterable[str]) -> str:
    """"; did you mean --n-z?", of the known names that are most like these, or ""."""
    known = [*known]
    near = [match for word in words for match in get_close_matches(word, known, 1)]
    return f"; did you mean {' '.join(near)}?" if near else ""


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
    try:
        return tuple(map(positive, text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} should be whole numbers with commas between them and no spaces, as 500,200"
        ) from None


def gigabytes(text: str) -> int:
    """A number of gigabytes, as bytes."""
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{value} should be above 0, and below a million")
    return max(1, int(value * 2**30))


positive.__name__ = from_zero.__name__ = "whole number"
gigabytes.__name__ = "number"


def file_name(suffix: str, or_folder: bool = False) -> Callable[[str], Path]:
    """The type of an argument that names a file to write: its suffix says what is in it."""

    def named(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() != suffix and not (or_folder and isdir(path)):
            else_ = ", or be a folder that is there" if or_folder else ""
            raise argparse.ArgumentTypeError(f"{text!r} should end in {suffix}{else_}")
        return path

    return named


def model_file(text: str) -> Path:
    """The file of a model; of a folder the model.npz in it."""
    path = Path(text)
    return path / "model.npz" if isdir(path) else path


def command(
    commands: Commands, run: Callable[[argparse.Namespace], int], example: str, *shared: str
) -> argparse.ArgumentParser:
    """A new command, which `run` does and whose docstring says what it does.

    example: the command with arguments; it begins with the command's name. shared: see `share`.
    """
    added = commands.add_parser(
        example.split()[0], help=run.__doc__, description=run.__doc__,
        epilog=f"example: scratchvae {example}",
    )  # fmt: skip
    added.set_defaults(run=run)
    share(added, *shared)
    return added


def share(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add options, by name, that mean the same in several commands."""
    options: dict[str, dict[str, Any]] = {
        "model": {
            "type": model_file, "metavar": "MODEL",
            "help": "a model.npz that train wrote, or the folder that it is in",
        },
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
            "Gaussian with its mean in (0, 1) (bernoulli)",
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
