"""A student's file and the reference's as one module: theirs is the skeleton, ours the definitions.

The student's file is read in its own order, since it is an order in which Python can run it. Then

1. a definition that the reference has too, by name, becomes the reference's;
2. the exercise's function stays the student's;
3. what else the student defines stays where it is: helpers, classes, tables, imports;
4. what only does something is left out, as `print(...)` or a loop that trains;
5. what the student has deleted of the reference comes back, after what stands before it there.

The same holds inside a class: its own methods, properties and attributes stay. Each thing of
rule 3 that raises when the module is imported is skipped. So a library that is not installed
costs what needs it, and nothing else.

Nothing here runs the source. This file also runs beside the student's code, in the sandbox:
a file that crashes Python's own parser crashes it there.
"""

import ast
from collections.abc import Iterator, Sequence

BLOCKS = (ast.If, ast.Try)  # they may hold definitions; loops and `with` are work
COMPOUND = (ast.For, ast.While, ast.With, ast.AsyncFor, ast.AsyncWith)
IMPORTS = (ast.Import, ast.ImportFrom)


class SourceError(ValueError):
    """A function is not where it should be, or a file is no Python."""


def parse(text: str, where: str) -> ast.Module:
    """The syntax tree. SourceError when it is no Python."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        lineno = getattr(error, "lineno", None)
        line = f", line {lineno}" if lineno else ""
        why = getattr(error, "msg", "") or str(error) or type(error).__name__
        raise SourceError(f"{where}{line} is no Python: {why}") from error


def merge(
    reference: str, student: str, name: str, where: str, whole_class: bool = False
) -> ast.Module:
    """The module. name: the function that is the student's, or "Class.method", or "" for none.

    whole_class: the whole class of that method is the student's. SourceError without the function.
    """
    ours, theirs = parse(reference, where), parse(student, where)
    path = name.split(".") if name else []
    merged = _Merge(ours.body, theirs.body, path, whole_class)
    if path and not merged.found:
        raise SourceError(f"{where} has no {name}")
    future = [
        node
        for node in (*theirs.body, *ours.body)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    return ast.fix_missing_locations(ast.Module([*future[:1], *merged.body], []))


def names_of(node: ast.stmt) -> Iterator[str]:
    """What a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, IMPORTS):
        yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, BLOCKS):
        for part in ast.iter_child_nodes(node):
            for inner in part.body if isinstance(part, ast.ExceptHandler) else [part]:
                if isinstance(inner, ast.stmt):
                    yield from names_of(inner)
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            for leaf in ast.walk(target):
                if isinstance(leaf, ast.Name):  # of `TABLE["x"] = f` it is TABLE
                    yield leaf.id


class _Merge:
    """Two bodies, of modules or of one class. body: the result. found: the function was there."""

    def __init__(
        self,
        ours: Sequence[ast.stmt],
        theirs: Sequence[ast.stmt],
        path: list[str],
        whole_class: bool,
    ) -> None:
        self.ours, self.whole_class, self.found = ours, whole_class, False
        self.kept: list[tuple[ast.stmt, int]] = []  # with its place in ours, -1 for a student's
        self.done: set[int] = set()
        self.places: dict[str, list[int]] = {}
        for i, node in enumerate(ours):
            for name in names_of(node):
                self.places.setdefault(name, []).append(i)
        for i, node in enumerate(ours):
            if isinstance(node, IMPORTS):
                self._ours(i)
        for node in theirs:
            self._theirs(node, path)
        for i in range(len(ours)):
            if i not in self.done:
                self._restore(i)
        self.body = [node for node, _ in self.kept] or [ast.Pass()]

    def _ours(self, i: int, node: ast.stmt | None = None) -> None:
        if i not in self.done:
            self.done.add(i)
            if not _is_future(self.ours[i]):
                self.kept.append((node or self.ours[i], i))

    def _theirs(self, node: ast.stmt, path: list[str]) -> None:
        names = set(names_of(node))
        if _is_future(node) or isinstance(node, COMPOUND) or not names:
            return
        known = names & self.places.keys()
        if path and path[0] in names:
            self._target(node, path)
            known -= {path[0]}
        elif isinstance(node, IMPORTS):
            new = [a for a in node.names if not set(_alias(a)) & self.places.keys()]
            if new:
                self.kept.append((_guarded(_with_names(node, new)), -1))
        elif isinstance(node, ast.ClassDef) and known:
            for i in self.places[node.name]:
                mine = self.ours[i]
                if isinstance(mine, ast.ClassDef):
                    merged = _Merge(mine.body, node.body, [], False)
                    self._ours(i, _with_body(mine, merged.body))
        elif names - known:
            self.kept.append((_guarded(node), -1))
        for i in sorted(i for name in known for i in self.places[name]):
            self._ours(i)

    def _target(self, node: ast.stmt, path: list[str]) -> None:
        """The exercise's function, or the class that it is a method of."""
        mine = [self.ours[i] for i in self.places.get(path[0], [])]
        self.done.update(self.places.get(path[0], []))
        anchor = max(self.places.get(path[0], [-1]))
        if len(path) == 1:
            self.found |= not isinstance(node, ast.Assign) or any(
                isinstance(target, ast.Name | ast.Tuple) for target in node.targets
            )
        elif isinstance(node, ast.ClassDef) and mine and isinstance(mine[-1], ast.ClassDef):
            merged = _Merge(mine[-1].body, node.body, path[1:], False)
            self.found = merged.found
            node = node if self.whole_class else _with_body(mine[-1], merged.body)
        self.kept.append((node, anchor))

    def _restore(self, i: int) -> None:
        """What the student's file does not have stands after what stands before it in ours."""
        before = [k for k, (_, place) in enumerate(self.kept) if 0 <= place < i]
        at = before[-1] + 1 if before else 0
        self.done.add(i)
        self.kept.insert(at, (self.ours[i], i))


def _alias(alias: ast.alias) -> list[str]:
    return [alias.asname or alias.name.split(".")[0]]


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _with_names(node: ast.stmt, names: list[ast.alias]) -> ast.stmt:
    if isinstance(node, ast.ImportFrom):
        return ast.copy_location(ast.ImportFrom(node.module, names, node.level), node)
    return ast.copy_location(ast.Import(names), node)


def _with_body(node: ast.ClassDef, body: list[ast.stmt]) -> ast.ClassDef:
    fields = {name: getattr(node, name) for name in node._fields}
    return ast.copy_location(ast.ClassDef(**{**fields, "body": body}), node)


def _guarded(node: ast.stmt) -> ast.stmt:
    """The statement, skipped when it raises."""
    if isinstance(node, ast.FunctionDef) and not node.decorator_list:
        return node
    handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
    return ast.copy_location(ast.Try([node], [handler], [], []), node)
