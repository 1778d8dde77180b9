"""The classical wrong answers, each a real function: `chapter_1.py` to `chapter_4.py`.

A function here has the arguments of the exercise's function and a body that is wrong in one way.
Its docstring is what a student reads who handed it in. It can be called, trained, and shown.

It can also stand in the exercise's file, in place of the right body: `Mistake.module`. What it
uses of its chapter is then added at the end of that file.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

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
        chapter = _chapter(self.function.__module__)
        node = chapter.functions[self.name]
        start, end = node.body[0].end_lineno or 0, node.end_lineno or 0
        return textwrap.dedent("".join(chapter.lines[start:end]))

    @property
    def helpers(self) -> str:
        """What the body uses of the chapter: imports, helpers, and what those use."""
        chapter = _chapter(self.function.__module__)
        found, names, todo = dict[str, str](), set[str](), [self.name]
        while todo:
            node = chapter.functions[todo.pop()]
            names |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            for name in sorted(names & chapter.functions.keys() - found.keys()):
                helper = chapter.functions[name]
                found[name] = "".join(chapter.lines[helper.lineno - 1 : helper.end_lineno])
                todo.append(name)
        imports = [line for name, line in chapter.imports.items() if name in names - {"mistake"}]
        parts = ["", "from typing import Any\n" + "".join(imports), *found.values()]
        return "\n\n".join(parts)

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


class _Chapter(NamedTuple):
    lines: list[str]
    functions: dict[str, source.Function]
    imports: dict[str, str]  # a name, and the line that imports it


@lru_cache
def _chapter(module: str) -> _Chapter:
    text = inspect.getsource(sys.modules[module])
    tree = source.parse(text, module)
    imports = {
        alias.name: f"from {node.module} import {alias.name}\n"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return _Chapter(text.splitlines(keepends=True), source.functions(tree), imports)
