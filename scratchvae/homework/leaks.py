"""Where a blanked answer still stands: the same statements, under other names too, in any other function of the handout, or as text.

Two pieces of code are the same when their syntax trees are, once local names are numbered in the order in which they appear:
`return mu + np.exp(0.5 * logvar) * eps` is `sample = m + np.exp(0.5 * s) * noise`. Names of the package and of NumPy keep their names.
"""

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping

from scratchvae.homework import source
from scratchvae.homework.source import Function

RETURNED, ASSIGNED = (
    8,
    13,
)  # tree nodes: what is returned, or computed on the way, with so many is the answer wherever it stands;
# a smaller expression, as (z - mu) / sigma, is a word that other formulas use too, and the answer only when it is a whole body
TEXT = (
    14  # characters: so much code of the answer, written in a docstring or a comment, is the answer
)


def shape(node: ast.AST, local: set[str]) -> str:
    """The syntax tree as text, local names numbered in the order of their appearance."""
    numbers: dict[str, str] = {}

    def text(part: object) -> str:
        if isinstance(part, ast.Name | ast.arg):
            name = part.id if isinstance(part, ast.Name) else part.arg
            return numbers.setdefault(name, f"_{len(numbers)}") if name in local else name
        if isinstance(part, ast.expr_context):
            return ""
        if isinstance(part, ast.AST):
            return f"{type(part).__name__}({','.join(text(value) for field, value in ast.iter_fields(part) if field not in _ANNOTATION)})"
        if isinstance(part, list):
            return f"[{','.join(map(text, part))}]"
        return repr(part)

    return text(node)


_ANNOTATION = {"annotation", "returns", "type_comment", "type_params"}


def locals_of(function: Function) -> set[str]:
    """Parameters, and every name that is assigned to."""
    names = {part.arg for part in ast.walk(function) if isinstance(part, ast.arg)}
    return (
        names
        | {
            part.id
            for part in ast.walk(function)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
        }
    ) - {"self"}


def size(node: ast.AST) -> int:
    """How many nodes, operators and contexts not counted."""
    return sum(isinstance(part, ast.expr | ast.stmt) for part in ast.walk(node))


def _expressions(function: Function) -> Iterator[ast.expr]:
    """Every expression of the body that a statement is made of, whatever it is assigned to or returned as."""
    for statement in source.body(function):
        for part in ast.walk(statement):
            if isinstance(part, ast.expr):
                yield part


def _values(function: Function) -> Iterator[ast.expr]:
    """What the statements of the body compute, where it is long enough to be the answer."""
    for statement in source.body(function):
        for part in ast.walk(statement):
            if isinstance(part, ast.Return) and part.value is not None:
                yield from (
                    value
                    for value in (part.value, *getattr(part.value, "elts", ()))
                    if size(value) >= RETURNED
                )
            elif (
                isinstance(part, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr)
                and part.value is not None
            ):
                yield from [part.value] if size(part.value) >= ASSIGNED else []


def _whole(function: Function) -> str:
    return shape(ast.Module(source.body(function), []), locals_of(function))


def _prose(text: str) -> list[str]:
    """Comments, docstrings and other strings."""
    kinds = (tokenize.STRING, tokenize.COMMENT)
    return [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type in kinds
    ]


def find(answers: Mapping[str, Function], handout: Mapping[str, str]) -> list[str]:
    """Sentences: which answer stands where. answers: "module.name" -> its reference. handout: file name -> text."""
    leaks: list[str] = []
    wanted: dict[
        str, str
    ] = {}  # the shape of a long expression, or of a whole body -> the answer that it is
    written: dict[str, str] = {}  # the same as text without spaces
    for name, function in answers.items():
        local = locals_of(function)
        wanted[_whole(function)] = name
        for value in _values(function):
            wanted[shape(value, local)] = name
        for statement in source.body(function):
            code = "".join(ast.unparse(statement).split()).removeprefix("return")
            if len(code) >= TEXT:
                written[code] = name
    for file, text in handout.items():
        if not file.endswith(".py"):
            continue
        for name, function in source.functions(source.parse(text, file)).items():
            local = locals_of(function)
            for nested in [
                function,
                *(
                    part
                    for part in ast.walk(function)
                    if isinstance(part, Function) and part is not function
                ),
            ]:
                shapes = {_whole(nested)} | {
                    shape(part, local) for part in _expressions(nested) if size(part) >= RETURNED
                }
                leaks += [
                    f"the answer to {wanted[found]} stands in {file}, {name}"
                    for found in shapes & set(wanted)
                ]
    for file, text in handout.items():
        squeezed = "".join("".join(_prose(text) if file.endswith(".py") else text).split())
        leaks += [
            f"the text of the answer to {name} stands in {file}"
            for code, name in written.items()
            if code in squeezed
        ]
    return sorted(set(leaks))
