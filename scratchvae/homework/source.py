"""Source text and its syntax tree: find a function, blank it, fill it, remove it.

Nothing here runs the source. Lines are cut and set in whole, so that every other line stays as
it is, byte for byte. How a student's file is set into the reference's is in `merge.py`.
"""

import ast
from functools import lru_cache
from pathlib import Path

from scratchvae.homework import merge
from scratchvae.homework.merge import SourceError

Function = ast.FunctionDef | ast.AsyncFunctionDef
PACKAGE = Path(__file__).resolve().parents[1]  # the reference: the source of the package that runs


def reference() -> dict[str, str]:
    """The package's own files, name without .py -> text; without this homework subpackage."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.glob("*.py"))}


@lru_cache(maxsize=512)
def parse(text: str, where: str) -> ast.Module:
    """The syntax tree, not to be changed: it is kept. SourceError when it is no Python."""
    return merge.parse(text, where)


def find(tree: ast.Module, name: str) -> Function | None:
    """The function `name`, or the method `Class.name`; the last one, as Python would have it."""
    body: list[ast.stmt] = tree.body
    *classes, last = name.split(".")
    for class_name in classes:
        found = [
            node for node in body if isinstance(node, ast.ClassDef) and node.name == class_name
        ]
        if not found:
            return None
        body = found[-1].body
    functions = [node for node in body if isinstance(node, Function) and node.name == last]
    return functions[-1] if functions else None


def need(text: str, name: str, where: str) -> Function:
    """As `find`, but a SourceError when there is none."""
    function = find(parse(text, where), name)
    if function is None:
        raise SourceError(f"{where} has no {name}: it has moved, or its name has changed")
    return function


def body(function: Function) -> list[ast.stmt]:
    """The statements after the docstring."""
    return (
        function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    )


def fill(text: str, name: str, new_body: str, where: str) -> str:
    """The text with another body in the function.

    Signature and docstring stay, comments of the old body go with it.
    """
    function = need(text, name, where)
    statements = body(function)
    if not statements:
        raise SourceError(f"{where}: {name} has no body to replace")
    docstring = function.body[0] if statements is not function.body else None
    lines = text.splitlines(keepends=True)
    if docstring is not None:
        start = docstring.end_lineno or 0
    else:
        start = statements[0].lineno - 1
        while start and lines[start - 1].lstrip().startswith("#"):
            start -= 1
    end = statements[-1].end_lineno or 0
    if function.body[0].lineno <= function.lineno:
        raise SourceError(f"{where}: {name} is written on one line")
    indent = " " * function.body[0].col_offset
    filled = "".join(
        f"{indent}{line}\n" if line.strip() else "\n" for line in new_body.strip("\n").split("\n")
    )
    return "".join(lines[:start]) + filled + "".join(lines[end:])


def blank(text: str, name: str, message: str, where: str) -> str:
    """The text with the function's body replaced by `raise NotImplementedError(message)`."""
    return fill(text, name, f'raise NotImplementedError("{message}")', where)


def remove(text: str, name: str, where: str) -> str:
    """The text without the top-level function, its decorators, and the blank lines after it."""
    lines = text.splitlines(keepends=True)
    cut(lines, need(text, name, where))
    return "".join(lines)


def cut(lines: list[str], function: Function) -> None:
    """Delete the function's lines, its decorators', and the blank lines after it."""
    start = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)]) - 1
    end = function.end_lineno or 0
    while end < len(lines) and not lines[end].strip():
        end += 1
    del lines[start:end]


def functions(tree: ast.Module) -> dict[str, Function]:
    """Every top-level function and method, name or Class.name -> node."""
    found: dict[str, Function] = {}
    for node in tree.body:
        if isinstance(node, Function):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found.update(
                {
                    f"{node.name}.{child.name}": child
                    for child in node.body
                    if isinstance(child, Function)
                }
            )
    return found


def users(text: str, name: str, where: str) -> list[str]:
    """The functions and methods that use the name."""
    return [
        user
        for user, node in functions(parse(text, where)).items()
        if user != name
        and any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))
    ]


__all__ = ["PACKAGE", "SourceError", "blank", "fill", "find", "functions", "need", "parse"]
