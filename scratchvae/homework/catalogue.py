"""The classical wrong answers, of the files `mistakes/chapter_1.txt` to `chapter_4.txt`.

    2.3 sample_without_mu: You do not add μ.
        return np.exp(0.5 * logvar) * eps

is the exercise, the mistake's name, the sentence that a student reads who handed it in, and the
wrong body as it stands in the exercise's file. A sentence that is too long for its line has the
next line to itself. `helpers` are added at the end of the exercise's file: the mistakes after
them use them, up to the next helpers.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from scratchvae.homework import source
from scratchvae.homework.exercises import BY_NUMBER, Exercise

CHAPTERS = [Path(__file__).with_name("mistakes") / f"chapter_{n}.txt" for n in (1, 2, 3, 4)]


@dataclass(frozen=True)
class Mistake:
    """number: of the exercise. name: unique in it. body, helpers: statements."""

    number: str
    name: str
    sentence: str
    body: str
    helpers: str

    @property
    def exercise(self) -> Exercise:
        """What it is a wrong answer to."""
        return BY_NUMBER[self.number]

    @property
    def function(self) -> Callable[..., Any]:
        """The wrong function, which sees the names of the exercise's module; always the same."""
        return _function(self)

    def module(self, package: Mapping[str, str]) -> str:
        """The exercise's file with the wrong body in it. package: name without .py -> text."""
        module = self.exercise.module
        text = source.fill(package[module], self.exercise.name, self.body, f"{module}.py")
        return f"{text}\n\n{self.helpers}"


@lru_cache(None)
def _function(mistake: Mistake) -> Callable[..., Any]:
    exercise = mistake.exercise
    module = import_module(f"scratchvae.{exercise.module}")
    text = Path(module.__file__ or "").read_text(encoding="utf-8")
    arguments = ast.unparse(source.need(text, exercise.name, module.__name__).args)
    wrong = f"def {mistake.name}({arguments}):\n{indent(mistake.body, '    ')}"
    inner = f"{mistake.helpers}{wrong}return {mistake.name}"
    scope: dict[str, Any] = {}
    exec(f"def made():\n{indent(inner, '    ')}", vars(module), scope)
    return scope["made"]()


def _read(text: str) -> Iterator[Mistake]:
    helpers = ""
    entries = re.findall(r"^(\S+) (\w+):\s(.+)\n((?: {4}.+\n)+)", text, re.MULTILINE)
    for number, name, sentence, lines in entries:
        body = dedent(lines)
        if name == "helpers":
            helpers = body
        else:
            yield Mistake(number, name, sentence, body, helpers)


MISTAKES = [mistake for path in CHAPTERS for mistake in _read(path.read_text(encoding="utf-8"))]


def of(number: str) -> list[Mistake]:
    """The wrong answers to one exercise."""
    return [mistake for mistake in MISTAKES if mistake.number == number]
