"""What stands behind a function: its tests, who calls it, and edits that a test notices."""

import ast
import importlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scratchvae.homework import source
from scratchvae.study.listing import Module, Part


@dataclass(frozen=True)
class Test:
    """A test: its file, name, line, and the theorem that is its docstring. names: it mentions."""

    file: str
    name: str
    line: int
    theorem: str
    names: frozenset[str]

    @property
    def anchor(self) -> str:
        """Its id on the page of the tests."""
        return f"{self.file.removeprefix('test_').removesuffix('.py')}-{self.line}"

    @property
    def words(self) -> str:
        """Its name as words."""
        return self.name.removeprefix("test_").replace("_", " ")


def tests_of(folder: Path) -> list[Test]:
    """Every test of the folder's files."""
    found = []
    for path in sorted(folder.glob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = _imported(tree)
        helpers = {
            node.name: _names(node, imported)
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("test_")
        }
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                names = _names(node, imported)
                for helper in list(names):
                    names |= helpers.get(helper, set())
                theorem = " ".join((ast.get_docstring(node) or "").split())
                found.append(Test(path.name, node.name, node.lineno, theorem, frozenset(names)))
    return found


def _imported(tree: ast.Module) -> dict[str, str]:
    """Name in the file -> module.name: "gaussian_kl" -> "distributions.gaussian_kl"."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("scratchvae"):
            prefix = (node.module or "").partition(".")[2]
            for alias in node.names:
                full = f"{prefix}.{alias.name}" if prefix else alias.name
                names[alias.asname or alias.name] = full
    return names


def _names(node: ast.AST, imported: dict[str, str]) -> set[str]:
    found: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute):
            if isinstance(part.value, ast.Name) and part.value.id in imported:
                found.add(f"{imported[part.value.id]}.{part.attr}")
            found.add(f".{part.attr}")
        elif isinstance(part, ast.Name):
            found.add(imported.get(part.id, part.id))
    return found


def tests_for(part: Part, tests: Sequence[Test]) -> list[Test]:
    """The tests that mention the function; for a method, those of its module's or its class's."""
    short = part.name.rpartition(".")[2]
    found = []
    for test in tests:
        stem = test.file.removeprefix("test_").removesuffix(".py")
        full = f"{part.module}.{part.name}"
        if "." in part.name:
            owner = part.name.split(".")[0]
            near = (
                stem == part.module or owner in test.names or f"{part.module}.{owner}" in test.names
            )
            hit = near and f".{short}" in test.names and short != "__init__"
        else:
            hit = full in test.names or (part.name in test.names and part.public)
        if hit:
            found.append(test)
    return found


def attacking(part: Part, tests: Sequence[Test]) -> list[Test]:
    """The tests of a function; first those that are about it most of all.

    These stand in its module's file, have its name in theirs, and mention few other functions.
    """
    words = set(part.name.rpartition(".")[2].split("_"))

    def distance(test: Test) -> tuple[bool, bool, int]:
        others = [name for name in test.names if re.match(r"[a-z_]+\.\w", name)]
        named = bool(words & set(test.words.split()))
        return test.file != f"test_{part.module}.py", not named, len(others)

    return sorted(tests_for(part, tests), key=distance)


# ---- callers ----

_COMMON = {*dir(np.ndarray), *dir(str), *dir(dict), *dir(list), *dir(Path)} - {
    "update"
}  # x.mean(), of arrays


def users_of(modules: Sequence[Module]) -> dict[str, list[str]]:
    """Function -> the functions of the package that call it, directly or through others."""
    parts = [part for each in modules for part in each.parts if part.kind == "function"]
    by_short: dict[str, list[str]] = {}
    for part in parts:
        by_short.setdefault(part.name.rpartition(".")[2], []).append(f"{part.module}.{part.name}")
    direct: dict[str, list[str]] = {}
    for each in modules:
        near = {each.name, *_modules_imported(each)}
        by_line = {part.body: part for part in each.parts if part.kind == "function"}
        for node in ast.walk(ast.parse("\n".join(each.lines))):
            if not isinstance(node, ast.FunctionDef) or _body_line(node) not in by_line:
                continue
            caller = by_line[_body_line(node)]
            called = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)} - _COMMON
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            for short in (called | names) & by_short.keys():
                for full in by_short[short]:
                    module_name, _, name = full.partition(".")
                    if module_name in near and ("." not in name or short in called):
                        direct.setdefault(full, []).append(f"{caller.module}.{caller.name}")
    found: dict[str, list[str]] = {}
    for full, users in direct.items():
        known, todo = list(dict.fromkeys(users)), list(users)
        while todo and len(known) < 60:
            for user in direct.get(todo.pop(0), ()):
                if user not in known:
                    known.append(user)
                    todo.append(user)
        found[full] = [user for user in known if user != full]
    return found


def _body_line(node: ast.FunctionDef) -> int:
    """As `Part.body`: the first line after the docstring."""
    return (node.body[0].end_lineno or 0) + 1 if ast.get_docstring(node) else node.body[0].lineno


def _modules_imported(each: Module) -> set[str]:
    """The modules of the package that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse("\n".join(each.lines))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("scratchvae"):
            prefix = (node.module or "").partition(".")[2]
            found |= {prefix} if prefix else {alias.name for alias in node.names}
    return found


# ---- homework ----


@dataclass(frozen=True)
class Edit:
    """A small edit of an exercise's function: what was done to which code, and who noticed.

    line: of the file. noticed_by: the name of a public test, or "".
    """

    line: int
    what: str
    code: str
    noticed_by: str


def edits_of(folder: Path) -> dict[str, list[Edit]]:
    """Exercise number -> the edits of `tests/homework_mutations.py`, tried now.

    Empty without pytest, which the public tests need.
    """
    sys.path.insert(0, str(folder))
    try:
        mutations = importlib.import_module("homework_mutations")
    except ImportError:
        return {}
    finally:
        sys.path.remove(str(folder))
    found: dict[str, list[Edit]] = {}
    for exercise in mutations.EXERCISES:
        text = source.reference()[exercise.module]
        function = source.need(text, exercise.name, exercise.module)
        for what, edited in mutations.mutants(exercise):
            name, _, code = what.partition(": ")
            edit = Edit(
                line=_line_of(function, edited),
                what=name.removeprefix(exercise.number).strip(),
                code=re.sub(r"\s+", " ", code),
                noticed_by=mutations.noticed(exercise, edited),
            )
            found.setdefault(exercise.number, []).append(edit)
    return found


def _line_of(function: ast.AST, edited: str) -> int:
    """The line of the first statement that the edit has changed, in the function's file."""
    whole = ast.unparse(function)
    before, after = whole.splitlines(), edited.splitlines()
    same = [a == b for a, b in zip(before, after)]
    changed = same.index(False) + 1 if False in same else len(before)
    ours = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
    theirs = [node for node in ast.walk(ast.parse(whole)) if isinstance(node, ast.stmt)]
    lines = [(b.lineno, a.lineno) for a, b in zip(ours, theirs) if b.lineno <= changed]
    return max(lines)[1]
