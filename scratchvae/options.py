"""What commands have in common: how an argument is read, and the options of several commands.

An argument that cannot be read is named with what it should be, and never by the name of a
function of Python.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from itertools import takewhile
from os.path import exists, isdir
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from scratchvae.datasets import PIXELS
from scratchvae.decoders import OUTPUTS
from scratchvae.layers import ACTIVATIONS
from scratchvae.processes import cores
from scratchvae.readers import GIGABYTE

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


class Parser(argparse.ArgumentParser):
    """A parser that says what an unknown name may have meant, with the usage of its own command.

    Where it has commands and none is given, it prints its help. The exit code is 2 then too:
    a program that has lost an argument should notice.
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(**more, allow_abbrev=False)
        self.suggest_on_error = False  # of Python 3.14, beside ours
        for kind, read in {int: whole, float: number, Path: place}.items():
            self.register("type", kind, read)
        self._negative_number_matcher = re.compile(r"-[\d.,]+(e[-+]?\d+)?$")  # no option

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """As in argparse, but nothing stays unknown: a command's own parser refuses it."""
        words = sys.argv[1:] if args is None else [*args]
        mine = [*takewhile(lambda word: word != "--", words)]
        if self._subparsers is not None:  # what follows a command belongs to it
            mine = [*takewhile(lambda word: word.startswith("-"), mine)]
        wrong = [word for word in mine if word.startswith("--") and not self._knows(word)]
        if wrong:  # before what is missing, which may be what it should have been
            self._refuse(wrong, mine)
        found, unknown = super().parse_known_args(words, namespace)
        if unknown:
            self._refuse(unknown, mine)
        if self._subparsers is not None and not hasattr(found, "run"):
            self.print_help(sys.stderr)
            self.exit(2)
        return found, unknown

    def _knows(self, option: str) -> bool:
        return option.split("=")[0] in self._option_string_actions

    def _refuse(self, words: Sequence[str], among: Sequence[str]) -> NoReturn:
        """Words that the command does not have, among its others."""
        options = [word.split("=")[0] for word in words]
        more = did_you_mean(options, self._option_string_actions)
        before = among[max(0, among.index(words[0]) - 2)] if words[0] in among else ""
        action = self._option_string_actions.get(before)
        if action is not None and "," in str(action.metavar):  # --hidden 500 200
            more = f"; the numbers of {before} should have commas between them and no spaces"
        elif exists(words[0]) and "--data" in self._option_string_actions:
            more = f"; did you mean --data {words[0]}?"
        elif self._subparsers is not None and not more:
            more = "; options should stand after the command"
        self.error(f"unrecognized arguments: {' '.join(words)}{more}")

    def error(self, message: str) -> NoReturn:
        """As in argparse, with the likest of the names that it could have been."""
        choice = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)$", message)
        if choice:
            known = re.findall(r"[^', ]+", choice[2])
            of_parser = [] if self._subparsers is None else self._option_string_actions
            message += did_you_mean([choice[1]], [*known, *of_parser])
        super().error(message)


def did_you_mean(words: Iterable[str], known: Iterable[str]) -> str:
    """The end of a sentence that has the known names which are most like these, if any is."""
    plain = {name.strip("-"): name for name in known}
    likest = [get_close_matches(word.strip("-").lower(), plain, 1) for word in words]
    near = " ".join(plain[name] for names in likest for name in names)
    return f"; did you mean {near}?" if near else ""


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise _wrong(text, "a whole number") from None


def positive(text: str, least: int = 1) -> int:
    """A whole number, 1 or more, or `least` or more."""
    value = whole(text)
    if value < least:
        raise argparse.ArgumentTypeError(f"{value} should be {least} or more")
    return value


def from_zero(text: str) -> int:
    """A whole number, 0 or more."""
    return positive(text, 0)


def number(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise _wrong(text, "a number, as 0.001") from None


def sizes(text: str, least: int = 1) -> tuple[int, ...]:
    """Whole numbers, 1 or more, or `least` or more, with commas between them."""
    return tuple(positive(part, least) for part in _parts(text))


def pair(text: str) -> tuple[int, int]:
    """Two whole numbers, 0 or more, with a comma between them."""
    parts = _parts(text)
    if len(parts) != 2:
        raise _wrong(text, "two whole numbers with a comma between them, as 0,1")
    return from_zero(parts[0]), from_zero(parts[1])


def _parts(text: str) -> list[str]:
    if len(text.replace(",", " ").split()) != text.count(",") + 1:
        raise _wrong(text, "whole numbers with commas between them and no spaces, as 500,200")
    return text.split(",")


def gigabytes(text: str) -> int:
    """A number of gigabytes, as bytes."""
    value = number(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{value} should be above 0, and below a million")
    return max(1, int(value * 2**30))


def place(text: str) -> Path:
    """The name of a file or of a folder."""
    if not text:
        raise _wrong(text, "the name of a file or folder")
    return Path(text)


def _wrong(text: str, should_be: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"{text!r} should be {should_be}")


def file_name(suffix: str, or_folder: bool = False) -> Callable[[str], Path]:
    """The type of an argument that names a file to write: its suffix says what is in it."""

    def named(text: str) -> Path:
        path = place(text)
        if path.suffix.lower() != suffix and not (or_folder and isdir(path)):
            else_ = ", or be a folder that is there" if or_folder else ""
            raise argparse.ArgumentTypeError(f"{text!r} should end in {suffix}{else_}")
        return path

    return named


def model_file(text: str) -> Path:
    """The file of a model; of a folder the model.npz in it."""
    path = place(text)
    return path / "model.npz" if isdir(path) else path


def command(
    commands: Commands, run: Callable[[argparse.Namespace], int], example: str, *shared: str,
    within: str = "",
) -> argparse.ArgumentParser:  # fmt: skip
    """A new command, which `run` does and whose docstring says what it does.

    example: the command with arguments; it begins with the command's name. shared: see `share`.
    within: what stands before the name.
    """
    added = commands.add_parser(
        example.split()[0], help=run.__doc__, description=run.__doc__,
        epilog=f"example: scratchvae {within}{example}",
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
            "help": "a folder of pictures, where subfolders are classes, a .npy, .npz, .csv or idx "
            "file, or a folder of idx files (MNIST, in data/ in the package or beside it)",
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
            "help": "the least sigma of a Gaussian decoder, in the units of what the model sees, "
            "with --standardize in standard deviations; 0: none (1/255, a grey level)",
        },
        "--beta": {
            "type": number, "default": 1.0,
            "help": "the weight of the KL in the objective (1, which is the bound)",
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
