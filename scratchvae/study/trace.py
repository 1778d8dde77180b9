"""What every executed line of the package computes: its names, shapes and values.

    returned, steps = record(vae.loss_and_grad, x, eps)

`record` calls the function, and Python tells it about every line that runs
(`sys.settrace`). There is no second copy of the mathematics: each value is what the
package itself has computed.

One *statement* may have several lines. When a statement is done, the recorder asks what
it has computed:

    y = x @ self.W                     the names on the left: y
    y += self.b                        the same
    np.matmul(x.T, dy, out=self.dW)    what stands after `out=`: self.dW
    return (self.W @ dy.T).T           what it returns
    if self.weight_decay:              whether the condition holds
    for layer in layers:               the names after `for`
    optimizer.step()                   the arrays that have changed: optimizer.params.theta

An array can have several names. `h = layers.forward(...)` gives the name h to an array
that a layer computed before. Such a step is not `new`, and `key` says which array it is.
"""

import ast
import io
import os
import sys
import tokenize
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Statement:
    """A simple statement, or the head of `if`, `for`, `while`, `with`. The lines count from 1.

    text: its source, without the indentation and without the comments. comment: what
    stands after `#` on its lines. function: its qualified name, as "Affine.forward".
    """

    file: str
    line: int
    end_line: int
    text: str
    comment: str
    function: str
    node: ast.stmt = field(repr=False, compare=False)


@dataclass(frozen=True)
class Step:
    """One value that a statement has computed.

    name: as the statement has it: "y", "self.dW"; "return" for what it returns, with a
    number when these are several: "return 0". A statement that computes no value has the
    name "".
    value: a copy of the array, or a number, a truth value, a string, None; of anything
    else its description. shape: of the array; () for everything else.
    new: whether it was computed here, or only got another name.
    key: the index of the step that computed it; steps with one key have one array.
    owner: the object whose method runs, as named by `labels`. functions: those that run,
    the outermost first. arguments: of the function, the keys of those that are arrays.
    run: the number of the call; each call of a function has its own.
    """

    index: int
    name: str
    value: Any
    new: bool
    key: int
    statement: Statement
    owner: str
    functions: tuple[str, ...]
    arguments: Mapping[str, int]
    run: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array; () for a number."""
        return self.value.shape if isinstance(self.value, np.ndarray) else ()

    @property
    def file(self) -> str:
        """The name of the file, as "layers.py", or "study/trace.py" for a room's."""
        return self.statement.file

    @property
    def line(self) -> int:
        """The first line of the statement."""
        return self.statement.line

    @property
    def text(self) -> str:
        """The source of the statement."""
        return self.statement.text

    @property
    def function(self) -> str:
        """The qualified name of the function, as "Affine.forward"."""
        return self.statement.function

    @property
    def depth(self) -> int:
        """How many functions of the package are above."""
        return len(self.functions) - 1

    @property
    def numeric(self) -> bool:
        """Whether the value is an array, or a float."""
        return isinstance(self.value, np.ndarray | np.floating | float)


def record(
    function: Callable[..., Any],
    *args: Any,
    labels: Mapping[int, str] | None = None,
    files: Sequence[str] | None = None,
    **kwargs: Any,
) -> tuple[Any, list[Step]]:
    """Call function(*args, **kwargs). Returns what it returns, and the steps in their order.

    labels: id of an object -> its name, for `Step.owner`. files: the names of the files of
    which the statements are recorded, as ("layers.py", "vae.py"); None is all files of the
    package.

    >>> from scratchvae.layers import sigmoid
    >>> _, steps = record(sigmoid, np.array([0.0, np.log(3)]))
    >>> [(step.name, step.value.round(2).tolist(), step.text)  # doctest: +NORMALIZE_WHITESPACE
    ...  for step in steps]
    [('e', [1.0, 0.33], 'e = np.exp(-np.abs(a))'),
     ('return', [0.5, 0.75], 'return np.maximum(e, a >= 0) / (1 + e)')]
    """
    recorder = _Recorder(labels or {}, None if files is None else set(files))
    before = sys.gettrace()
    sys.settrace(recorder.on_call)
    try:
        returned = function(*args, **kwargs)
    finally:
        sys.settrace(before)
    return returned, recorder.steps


# ---- the source ----


class Source:
    """The statements of one file, by their lines."""

    def __init__(self, path: str) -> None:
        text = Path(path).read_text(encoding="utf-8")
        self.file = os.path.relpath(path, PACKAGE).replace(os.sep, "/")
        self.lines = text.splitlines()
        self.comments = {
            token.start[0]: token.string.lstrip("# ").rstrip()
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT
        }
        self.statements: dict[int, Statement] = {}
        self.docstrings: dict[str, str] = {}
        self._visit(ast.parse(text), "")

    def _visit(self, node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = name
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{name}.{child.name}" if name else child.name
                self.docstrings[inner] = ast.get_docstring(child) or ""
            elif isinstance(child, ast.stmt):
                self._add(child, name)
            self._visit(child, inner)

    def _add(self, node: ast.stmt, function: str) -> None:
        end = node.end_lineno or node.lineno
        body = getattr(node, "body", None)
        if body:  # the head alone
            end = max(node.lineno, body[0].lineno - 1)
        lines = range(node.lineno, end + 1)
        text = "\n".join(self._without_comment(line) for line in lines)
        comment = " ".join(self.comments[line] for line in lines if line in self.comments)
        first = len(text) - len(text.lstrip())
        text = "\n".join(line[first:] for line in text.splitlines())
        statement = Statement(self.file, node.lineno, end, text.rstrip(), comment, function, node)
        for line in lines:
            self.statements[line] = statement

    def _without_comment(self, line: int) -> str:
        text = self.lines[line - 1]
        if line in self.comments:
            text = text[: text.rindex("#", 0, len(text) - len(self.comments[line]))].rstrip()
        return text


@lru_cache
def source_of(path: str) -> Source:
    """The file's statements. path: as code objects have it."""
    return Source(path)


# ---- the recorder ----


_LOOPS = (ast.For, ast.While)


class _Frame:
    """A call of a function of the package, while it runs."""

    def __init__(self, run: int, functions: tuple[str, ...], owner: str, source: Source) -> None:
        self.run, self.functions, self.owner, self.source = run, functions, owner, source
        self.arguments: dict[str, int] = {}
        self.statement: Statement | None = None  # the one that runs now
        self.watched: dict[str, tuple[np.ndarray[Any, Any], bytes]] = {}


class _Recorder:
    def __init__(self, labels: Mapping[int, str], files: set[str] | None) -> None:
        self.labels, self.files = labels, files
        self.steps: list[Step] = []
        self.kept: list[Any] = []  # so that no id and no address is used twice
        self.known: dict[Any, int] = {}  # address or id -> key
        self.unset: set[int] = set()  # addresses of arrays that np.empty has made
        self.written: set[Any] = set()  # which arrays at these addresses have numbers since
        self.frames: list[_Frame] = []
        self.runs = 0

    # sys.settrace calls these

    def on_call(self, frame: FrameType, event: str, arg: Any) -> Any:
        path = frame.f_code.co_filename
        if not _of_the_package(path) or frame.f_code.co_name.startswith("<"):
            return None
        source = source_of(path)
        if self.files is not None and source.file not in self.files:
            return None
        self._arguments(frame)
        functions = (*(self.frames[-1].functions if self.frames else ()), _qualname(frame))
        owner = self.labels.get(id(frame.f_locals.get("self")), "")
        self.runs += 1
        self.frames.append(_Frame(self.runs, functions, owner, source))
        self.frames[-1].arguments = {
            name: self.known[self._identity(value)]
            for name, value in frame.f_locals.items()
            if isinstance(value, np.ndarray) and self._identity(value) in self.known
        }
        return self.on_line

    def on_line(self, frame: FrameType, event: str, arg: Any) -> Any:
        here = self.frames[-1]
        if event == "line":
            following = here.source.statements.get(frame.f_lineno)
            now = here.statement
            again = following is now and now is not None and isinstance(now.node, _LOOPS)
            leaving = now is not None and isinstance(now.node, ast.Return)  # of a `with`
            if (following is not now or again) and not leaving:
                self._finish(frame, here, following)
                self._begin(frame, here, following)
        elif event == "return":
            self._finish(frame, here, None, returned=(arg,))
            self.frames.pop()
        return self.on_line

    # a statement begins, and is done

    def _begin(self, frame: FrameType, here: _Frame, statement: Statement | None) -> None:
        here.statement = statement
        here.watched = {}
        if statement is not None and isinstance(statement.node, ast.Expr):
            here.watched = {
                name: (array, array.tobytes()) for name, array in _arrays_in(frame).items()
            }

    def _finish(
        self,
        frame: FrameType,
        here: _Frame,
        following: Statement | None,
        returned: tuple[Any, ...] = (),
    ) -> None:
        statement = here.statement
        if statement is None:
            return
        node, before = statement.node, len(self.steps)
        if isinstance(node, ast.Return):
            if returned and node.value is not None:
                self._returned(node.value, returned[0], here, statement)
        elif isinstance(node, ast.For) and not (
            following is not None and _is_in(node.body, following.line)
        ):
            pass  # the loop is over
        elif isinstance(node, ast.If | ast.While):
            holds = following is not None and _is_in(node.body, following.line)
            self._add(ast.unparse(node.test), holds, False, here, statement)
        else:
            for name, in_place in _outs(node):
                self._add(name, _value_of(name, frame), in_place, here, statement)
            for name, in_place in _targets(node):
                try:
                    value = _value_of(name, frame)
                except Exception:  # a `for` that is over, or a line that has raised
                    continue
                self._add(name, value, in_place, here, statement)
            for name, (array, old) in here.watched.items():
                if array.tobytes() != old and len(self.steps) == before:
                    self._add(name, array, False, here, statement)
        if len(self.steps) == before:
            self._add("", None, False, here, statement)

    def _returned(self, node: ast.expr, value: Any, here: _Frame, statement: Statement) -> None:
        if isinstance(value, tuple):
            parts = node.elts if isinstance(node, ast.Tuple) else [None] * len(value)
            for i, (part, entry) in enumerate(zip(parts, value)):
                name = ast.unparse(part) if isinstance(part, ast.Name) else f"return {i}"
                self._add(name, entry, False, here, statement)
        else:
            name = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else "return"
            self._add(name, value, False, here, statement)

    def _arguments(self, frame: FrameType) -> None:
        """Arrays that the caller's statement computes and passes on, without a name of its own."""
        if not self.frames or self.frames[-1].statement is None:
            return
        caller = self.frames[-1]
        for name, value in frame.f_locals.items():
            if isinstance(value, np.ndarray) and self._identity(value) not in self.known:
                self._add(name, value, False, caller, caller.statement)

    def _add(
        self, name: str, value: Any, in_place: bool, here: _Frame, statement: Statement | None
    ) -> None:
        assert statement is not None
        identity = self._identity(value)
        new = in_place or identity not in self.known
        if new:
            self.known[identity] = len(self.steps)
        self.kept.append(value)
        if isinstance(value, np.ndarray):
            if not in_place and "np.empty" in statement.text:
                self.unset.add(identity[0])
            elif in_place:
                self.written.add(identity)
        self.steps.append(
            Step(
                index=len(self.steps),
                name=name,
                value=self._shown(value),
                new=new,
                key=self.known[identity],
                statement=statement,
                owner=here.owner,
                functions=here.functions,
                arguments=here.arguments,
                run=here.run,
            )
        )

    def _identity(self, value: Any) -> Any:
        """Equal for a whole array and for its views in other shapes."""
        if isinstance(value, np.ndarray):
            return value.__array_interface__["data"][0], value.size, value.dtype.str
        if isinstance(value, float | np.generic):
            return id(value)
        return "", len(self.steps)  # of other values nobody asks whether they are the same

    def _shown(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            identity = self._identity(value)
            unset = identity[0] in self.unset and identity not in self.written
            return f"{value.size} numbers, not set yet" if unset else value.copy()
        if value is None or isinstance(value, bool | int | float | str | np.generic):
            return value
        if id(value) in self.labels:
            return self.labels[id(value)]
        if isinstance(value, tuple | list):
            return f"{type(value).__name__} of {len(value)}"
        return type(value).__name__


@lru_cache
def _of_the_package(path: str) -> bool:
    return path.startswith(str(PACKAGE) + os.sep) and not path.endswith("study/trace.py")


def _qualname(frame: FrameType) -> str:
    """As code.co_qualname, which Python 3.10 does not have."""
    source, code = source_of(frame.f_code.co_filename), frame.f_code
    inside = source.statements.get(_first_line(code))
    return inside.function if inside is not None else code.co_name


@lru_cache
def _first_line(code: CodeType) -> int:
    """The first line of the function's body that is a statement after the docstring."""
    source = source_of(code.co_filename)
    lines = [line for _, _, line in code.co_lines() if line is not None]
    return next(
        (line for line in lines if line > code.co_firstlineno and line in source.statements),
        code.co_firstlineno,
    )


def _targets(node: ast.stmt) -> list[tuple[str, bool]]:
    """The names on the left, and whether the statement changes the array itself."""
    if isinstance(node, ast.Assign):
        return [pair for target in node.targets for pair in _names(target)]
    if isinstance(node, ast.AnnAssign):
        return _names(node.target) if node.value is not None else []
    if isinstance(node, ast.AugAssign):
        return [(name, True) for name, _ in _names(node.target)]
    if isinstance(node, ast.For):
        return _names(node.target)
    return []


def _names(target: ast.expr) -> list[tuple[str, bool]]:
    if isinstance(target, ast.Tuple | ast.List):
        return [pair for part in target.elts for pair in _names(part)]
    if isinstance(target, ast.Subscript):  # x[...] = y changes x
        return [(ast.unparse(target.value), True)]
    if isinstance(target, ast.Starred):
        return _names(target.value)
    return [(ast.unparse(target), False)]


def _outs(node: ast.stmt) -> list[tuple[str, bool]]:
    """What stands after `out=`."""
    if getattr(node, "body", None):
        return []
    return [
        (ast.unparse(keyword.value), True)
        for part in ast.walk(node)
        if isinstance(part, ast.Call)
        for keyword in part.keywords
        if keyword.arg == "out"
    ]


def _value_of(name: str, frame: FrameType) -> Any:
    return eval(_expression(name), frame.f_globals, frame.f_locals)


@lru_cache
def _expression(name: str) -> CodeType:
    return compile(name, "<name>", "eval")


def _is_in(body: Sequence[ast.stmt], line: int) -> bool:
    return body[0].lineno <= line <= (body[-1].end_lineno or 0)


def _arrays_in(frame: FrameType) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays that the frame's names lead to: x, self.x, optimizer.params.theta."""
    found: dict[str, np.ndarray[Any, Any]] = {}
    todo = [(name, value, 0) for name, value in frame.f_locals.items()]
    while todo:
        name, value, depth = todo.pop(0)
        if isinstance(value, np.ndarray):
            found[name] = value
        elif depth < 2 and hasattr(value, "__dict__") and not isinstance(value, type):
            todo += [
                (f"{name}.{key}", inner, depth + 1)
                for key, inner in vars(value).items()
                if type(inner).__module__.startswith(("numpy", "scratchvae"))
            ]
    return found
