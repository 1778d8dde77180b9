"""The classical wrong answers, each a real function: `chapter_1.py` to `chapter_4.py`.

A function here has the arguments of the exercise's function and a body that is wrong in one way.
Its docstring is what a student reads who handed it in. It can be called, trained, and shown.

A body uses NumPy, names of the module that the exercise is in (the chapter imports them from
there), and helpers of the chapter that begin with an underscore. So it can also stand in that
module, in place of the right body: `Mistake.module`.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from scratchvae.homework import source
from scratchvae.homework.exercises import BY_NUMBER

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mistake:
    """number: of the exercise. function: the wrong answer to it."""

    number: str
    function: Callable[..., Any]

    @property
    def name(self) -> str:
        """The function's: one word for this kind of mistake, unique in its exercise."""
        return self.function.__name__

    @property
    def sentence(self) -> str:
        """The docstring, as one line."""
        return " ".join((self.function.__doc__ or "").split())

    @property
    def body(self) -> str:
        """The wrong statements."""
        lines, function = _file(self.function.__module__)
        node = function[self.name]
        start, end = node.body[0].end_lineno or 0, node.end_lineno or 0
        return textwrap.dedent("".join(lines[start:end]))

    @property
    def helpers(self) -> str:
        """The helpers of the chapter that the body uses, and theirs."""
        lines, functions = _file(self.function.__module__)
        found: list[str] = []
        todo = [self.name]
        while todo:
            for part in ast.walk(functions[todo.pop()]):
                name = part.id if isinstance(part, ast.Name) else ""
                if name.startswith("_") and name in functions and name not in found:
                    found.append(name)
                    todo.append(name)
        texts = ["".join(lines[functions[f].lineno - 1 : functions[f].end_lineno]) for f in found]
        return "\n\n".join(["\n\nfrom typing import Any\n", *texts]) if texts else ""

    def module(self, package: Mapping[str, str]) -> str:
        """The exercise's file with the wrong body in it. package: name without .py -> text."""
        exercise = BY_NUMBER[self.number]
        text = source.fill(
            package[exercise.module], exercise.name, self.body, f"{exercise.module}.py"
        )
        return text + self.helpers


MISTAKES: list[Mistake] = []


def mistake(number: str) -> Callable[[F], F]:
    """A decorator: the function is a wrong answer to the exercise."""

    def register(function: F) -> F:
        MISTAKES.append(Mistake(number, function))
        return function

    return register


@lru_cache
def _file(module: str) -> tuple[list[str], dict[str, source.Function]]:
    """A chapter's lines, and its functions by name."""
    text = inspect.getsource(sys.modules[module])
    return text.splitlines(keepends=True), source.functions(source.parse(text, module))
