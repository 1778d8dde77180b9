"""The source in parts: each function with its docstring, its lines, and its code in colours.

Nothing is written here a second time: docstrings and lines come from the syntax tree, the
values from `values.py`, the tests from `evidence.py`, the equations from the README's
table.
"""

import ast
import io
import keyword
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

from scratchvae.study.trace import PACKAGE, source_of

Node = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Part:
    """A function, a method, or the head of a class.

    name: as "Affine.forward". first, last: its lines in the file, with decorators.
    doc: its docstring, from the line doc_line. body: the first line after it.
    """

    module: str
    name: str
    kind: str
    first: int
    last: int
    body: int
    doc: str
    doc_line: int

    @property
    def anchor(self) -> str:
        """Its id on the page of its file."""
        return self.name

    @property
    def public(self) -> bool:
        """Whether no part of its name begins with _."""
        return not any(piece.startswith("_") for piece in self.name.split("."))


@dataclass
class Module:
    """A file of the package: its text, docstring, and parts in their order."""

    name: str
    path: Path
    lines: list[str]
    doc: str
    body: int
    parts: list[Part]


def module(name: str) -> Module:
    """The file `name`.py of the package."""
    path = PACKAGE / f"{name}.py"
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    doc = ast.get_docstring(tree) or ""
    body = (tree.body[0].end_lineno or 0) + 1 if doc else 1
    parts: list[Part] = []
    _collect(tree.body, name, "", parts)
    return Module(name, path, text.splitlines(), doc, body, parts)


def _collect(body: Sequence[ast.stmt], module_name: str, prefix: str, parts: list[Part]) -> None:
    for node in body:
        if not isinstance(node, Node):
            continue
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        doc = ast.get_docstring(node) or ""
        body_line = (node.body[0].end_lineno or 0) + 1 if doc else node.body[0].lineno
        inner = (
            [n for n in node.body if isinstance(n, Node)] if isinstance(node, ast.ClassDef) else []
        )
        last = node.end_lineno or 0
        if inner:  # the head of the class alone
            last = min([inner[0].lineno, *(d.lineno for d in inner[0].decorator_list)]) - 1
        kind = "class" if isinstance(node, ast.ClassDef) else "function"
        name = f"{prefix}{node.name}"
        parts.append(
            Part(module_name, name, kind, first, last, body_line, doc, node.body[0].lineno)
        )
        _collect(inner, module_name, f"{name}.", parts)


@lru_cache
def coloured(text: str) -> list[str]:
    """Each line of a file as HTML, with tags for keywords, strings and comments."""
    lines = text.splitlines()
    marks: list[list[tuple[int, int, str]]] = [[] for _ in lines]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = {tokenize.COMMENT: "i", tokenize.STRING: 'span class="s"'}.get(token.type)
        if token.type == tokenize.NAME and keyword.iskeyword(token.string):
            kind = "b"
        if kind and token.start[0] == token.end[0]:
            marks[token.start[0] - 1].append((token.start[1], token.end[1], kind))
        elif kind:
            for row in range(token.start[0], token.end[0] + 1):
                start = token.start[1] if row == token.start[0] else 0
                end = token.end[1] if row == token.end[0] else len(lines[row - 1])
                marks[row - 1].append((start, end, kind))
    html = []
    for line, found in zip(lines, marks):
        out, at = "", 0
        for start, end, kind in found:
            out += f"{escape(line[at:start])}<{kind}>{escape(line[start:end])}</{kind.split()[0]}>"
            at = end
        html.append(out + escape(line[at:]))
    return html


def statement_ends(each: Module) -> dict[int, int]:
    """First line -> last line of each simple statement, or of the head of a compound one."""
    source = source_of(str(each.path))
    return {s.line: s.end_line for s in source.statements.values()}
