"""Where a blanked answer still stands in the handout.

1. The same statements, under other names too, in any other function, or as text. Two pieces of
   code are the same when their syntax trees are, once local names are numbered in the order in
   which they appear: `return mu + np.exp(0.5 * logvar) * eps` is
   `sample = m + np.exp(0.5 * s) * noise`. Names of the package and of NumPy keep their names.
2. An expression that computes the answer, written in any way: it is evaluated, with numbers for
   its variables, in every order. So `m + np.sqrt(np.exp(s)) * e` is found too.
3. A function of `info.py` that is still there, or the sum or the difference of two, that gives
   the answer for some choice of arguments.
4. Another function that makes at least half of the answer's calls, and three or more.
   (Not for `info.py`, where all functions check their arguments by the same calls.)

A leak that teaching needs is written down in ALLOWED, with the reason; parts of an answer, in
PARTS.
"""

import ast
import inspect
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np

from scratchvae import distributions, info, layers
from scratchvae.homework import source
from scratchvae.homework.source import Function

# Tree nodes: what is returned, or computed on the way, with so many is the answer wherever it
# stands; a smaller expression, as (z - mu) / sigma, is a word that other formulas use too, and
# the answer only when it is a whole body.
RETURNED, ASSIGNED = 8, 13
# characters: so much code of the answer, written in a docstring or a comment, is the answer
TEXT = 14
# tree nodes: an expression with fewer is not evaluated
EVALUATED = 6

# (answer, where it stands) -> why it may
ALLOWED = {
    ("vae.VAE.backward", "scratchvae/autoencoder.py, Autoencoder.backward"): (
        "the chain rule through two networks, without the sampling in between: the notes begin "
        "with it"
    ),
    ("vae.VAE.forward", "scratchvae/vae.py, VAE.log_weights"): (
        "estimator A beside estimator B: both sample z and decode it; the KL and the means differ"
    ),
    ("vae.VAE.log_weights", "scratchvae/vae.py, VAE.forward"): "estimator B beside estimator A",
    (
        "likelihood.importance_weighted_bound",
        "tests/test_homework.py, test_the_log_of_a_mean_that_comes_in_parts",
    ): "a test of LogMean has to use it",
}

# The same, for parts of an answer that a reader finds, and this search does not.
PARTS = {
    ("vae.VAE.forward", "scratchvae/autoencoder.py, Autoencoder.forward"): (
        "what a model remembers; the docstring of the answer says it too"
    ),
    ("vae.VAE.log_weights", "scratchvae/vae.py, VAE.log_joint"): (
        "two of the three terms of the docstring's equation, at a given z; HMC needs them"
    ),
    ("vae.VAE.log_weights", "tests/test_homework.py, one_by_one"): (
        "a test computes the first term in another way, from probabilities"
    ),
}


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
            fields = (text(v) for field, v in ast.iter_fields(part) if field not in _ANNOTATION)
            return f"{type(part).__name__}({','.join(fields)})"
        if isinstance(part, list):
            return f"[{','.join(map(text, part))}]"
        return repr(part)

    return text(node)


_ANNOTATION = {"annotation", "returns", "type_comment", "type_params"}


def locals_of(node: ast.AST) -> set[str]:
    """Parameters, and every name that is assigned to."""
    parts = [*ast.walk(node)]
    names = [part for part in parts if isinstance(part, ast.Name)]
    stored = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return (stored | {part.arg for part in parts if isinstance(part, ast.arg)}) - {"self"}


def size(node: ast.AST) -> int:
    """How many nodes, operators and contexts not counted."""
    return sum(isinstance(part, ast.expr | ast.stmt) for part in ast.walk(node))


def _expressions(function: Function) -> Iterator[ast.expr]:
    """Every expression of the body, whatever it is assigned to or returned as."""
    for statement in source.body(function):
        for part in ast.walk(statement):
            if isinstance(part, ast.expr):
                yield part


def _long(function: Function) -> Iterator[ast.expr]:
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


@lru_cache(500)
def _prose(text: str) -> str:
    """Comments, docstrings and other strings, without spaces."""
    kinds = (tokenize.STRING, tokenize.COMMENT)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return _squeezed("".join(token.string for token in tokens if token.type in kinds))


def _squeezed(text: str) -> str:
    return "".join(text.split())


# ---- formulas in words, for the hard level ----

LONG = 4  # characters: a formula with fewer is a name


def formulas(text: str) -> set[str]:
    """The right sides of the equations in the text, without spaces, indices and leading minus."""
    sides = re.split(r"=|≈|≃|←| and |, (?![^()]*\))| {2,}|\n", text)
    plain = {_formula(side) for side in sides}
    return {side for side in plain if len(side) >= LONG and re.search(r"[-+−⊙Σ√ᵀ]|\)/|/\(", side)}


def _formula(text: str) -> str:
    """As the table of the exercises writes it."""
    text = re.sub(r"_\{[^}]*\}|_[A-Za-z0-9]+", "", text.replace("[", "(").replace("]", ")"))
    text = _squeezed(text).replace("sigmoid(", "σ(").replace("epsilon", "ε")
    return re.sub(r"([pq])\(x\)", r"\1", text).lstrip("−-")


def stated(wanted: set[str], text: str) -> set[str]:
    """Which of the formulas stand in the text."""
    plain = _formula(text)
    return {formula for formula in wanted if formula in plain}


# ---- 2: expressions that compute the answer ----

NUMBERS = (0.37, 0.81, -0.46)  # for the answer's arguments, in their order
PROBED: dict[str, Any] = {
    "info.binary_cross_entropy": info.binary_cross_entropy,
    "layers.sigmoid": layers.sigmoid,
    **{
        f"distributions.{name}{way}": getattr(distributions, name + way)
        for name in ("gaussian_log_density", "gaussian_kl", "reparameterize",
                     "bernoulli_log_likelihood")
        for way in ("", "_backward")
    },
}  # fmt: skip
KNOWN = {"np": np, "LOG_2PI": distributions.LOG_2PI, "float": float, "sum": np.sum, "abs": np.abs}
CALLED = {
    "exp", "log", "log1p", "expm1", "sqrt", "abs", "maximum", "minimum", "where", "square",
    "tanh", "logaddexp", "sum", "mean", "float", "copy",
}  # fmt: skip


@lru_cache
def _targets(name: str) -> tuple[int, tuple[float, ...]]:
    """How many arguments the answer has, and its outputs at NUMBERS, without trivial ones."""
    function = PROBED[name]
    kinds = inspect.signature(function).parameters.values()
    n = sum(kind.kind is kind.POSITIONAL_OR_KEYWORD for kind in kinds)
    shape = (1, 1, 1) if name.endswith("reparameterize_backward") else (1,)
    outputs = function(*(np.full(shape, number) for number in NUMBERS[:n]))
    values = [float(np.ravel(v)[0]) for v in (outputs if isinstance(outputs, tuple) else [outputs])]
    return n, tuple(v for v in values if not np.isin(np.abs(v), np.abs(NUMBERS)))


@lru_cache(10_000)
def _values(expression: str, variables: tuple[str, ...]) -> tuple[float, ...]:
    """What an expression gives, NUMBERS put for its variables in every order."""
    code, found = compile(expression, "expression", "eval"), []
    for numbers in permutations(NUMBERS[: len(variables)]):
        arrays = (np.full(1, number) for number in numbers)
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(eval(code, dict(KNOWN), dict(zip(variables, arrays))), float)
        except Exception:  # it is no formula of such numbers
            return ()
        found += [float(value.ravel()[0])] if value.size == 1 else []
    return tuple(found)


class _Variables(ast.NodeTransformer):
    """An expression whose names, attributes of self and entries of arrays are variables."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.formula = True

    def _variable(self, node: ast.expr) -> ast.expr:
        return ast.Name(self.names.setdefault(ast.unparse(node), f"v{len(self.names)}"), ast.Load())

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return node if node.id in KNOWN else self._variable(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return self._variable(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            return self._variable(node)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        self.formula &= name in CALLED
        return self.generic_visit(node)


def _computed(function: Function) -> set[tuple[int, float]]:
    """How many variables an expression of the function has, and what it gives."""
    found: set[tuple[int, float]] = set()
    for part in _expressions(function):
        if isinstance(part, ast.BinOp | ast.Call | ast.UnaryOp) and size(part) >= EVALUATED:
            variables = _Variables()
            tree = variables.visit(ast.parse(ast.unparse(part), mode="eval"))
            if variables.formula and 1 <= len(variables.names) <= len(NUMBERS):
                names = tuple(variables.names.values())
                values = _values(ast.unparse(tree), names)
                found.update((len(names), value) for value in values)
    return found


# ---- 3: what is left of info.py ----


@lru_cache(40)
def _info(text: str) -> tuple[list[str], Any]:
    """Calls of the functions of this info.py with NUMBERS, 0 and −10⁶: as text, and their values.

    log σ² = −10⁶ is σ = 0: a distribution that is one point.
    """
    scope: dict[str, Any] = {"__name__": "info"}
    exec(compile(text, "info.py", "exec"), scope)
    calls, values = ["0"], [0.0]
    for name, function in scope.items():
        if not inspect.isfunction(function) or name.startswith("_") or "gaussian" not in name:
            continue
        parameters = inspect.signature(function).parameters.values()
        n = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
        for numbers in product((*NUMBERS, 0.0, -1e6), repeat=n):
            try:
                with np.errstate(all="ignore"):
                    value = float(function(*numbers, base=np.e))
            except Exception:  # blank, or no argument for it
                continue
            if np.isfinite(value) and abs(value) < 100:
                calls.append(f"info.{name}")
                values.append(value)
    return calls, np.array(values)


def _composed(text: str, target: float) -> set[str]:
    """Which functions of info.py, one or two of them, give the number."""
    calls, values = _info(text)
    found: set[str] = set()
    for sign, first in product((1, -1), (1, -1)):
        order = np.argsort(sign * values)
        wanted = target - first * values
        near = np.searchsorted((sign * values)[order], wanted - 1e-11)
        for i, k in enumerate(near):
            if k < len(order) and abs(sign * values[order[k]] - wanted[i]) < 1e-11:
                found.add(" and ".join(sorted({calls[i], calls[order[k]]} - {"0"})))
    return found


# ---- 4: the same calls ----

OF_ARRAYS = {"sum", "mean", "reshape", "copy", "astype", "max", "min", "len", "float", "range"}


def _calls(function: Function) -> set[str]:
    """What the body calls, of the package: functions, classes and methods by their last name."""
    found = set()
    for part in _expressions(function):
        if isinstance(part, ast.Call):
            text = ast.unparse(part.func)
            if not text.startswith("np.") and text not in OF_ARRAYS:
                last = text.rpartition(".")[2]
                found.add(text if last in OF_ARRAYS and text[:1].isupper() else last)
    return found - OF_ARRAYS


def find(answers: Mapping[str, Function], handout: Mapping[str, str]) -> list[str]:
    """Sentences: which answer stands where, unless ALLOWED.

    answers: "module.name" -> its reference. handout: file name -> text.
    """
    found = _all(answers, handout)
    return sorted({how for name, where, how in found if (name, where) not in ALLOWED})


def _all(
    answers: Mapping[str, Function], handout: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """The answer, where it stands as "file, function" or "file", and the sentence."""
    wanted: dict[str, str] = {}  # the shape of a long expression, or of a whole body -> its answer
    written: dict[str, str] = {}  # the same as text without spaces
    for name, function in answers.items():
        local = locals_of(function)
        wanted[_whole(function)] = name
        for value in _long(function):
            wanted[shape(value, local)] = name
        for statement in source.body(function):
            code = "".join(ast.unparse(statement).split()).removeprefix("return")
            if len(code) >= TEXT:
                written[code] = name
    probed = {name: _targets(name) for name in answers if name in PROBED}
    calls = {n: _calls(f) for n, f in answers.items() if not n.startswith("info.")}
    for file, text in handout.items():
        squeezed = _prose(text) if file.endswith(".py") else _squeezed(text)
        for code, name in written.items():
            if code in squeezed:
                yield name, file, f"the text of the answer to {name} stands in {file}"
        if not file.endswith(".py"):
            continue
        for part in _read(text, file):
            where = f"{file}, {part.name}"
            for name in sorted({wanted[found] for found in part.shapes & set(wanted)}):
                yield name, where, f"the answer to {name} stands in {where}"
            for name, (n, targets) in probed.items():
                near = (
                    abs(abs(v) - abs(t)) < 1e-9 for t in targets for m, v in part.values if m == n
                )
                if any(near):
                    yield name, where, f"the answer to {name} is computed in {where}"
            for name, its in calls.items():
                if len(its & part.calls) >= max(3, len(its) / 2):
                    yield name, where, f"most of the answer to {name} stands in {where}"
    for name, (_, targets) in probed.items():
        if not name.endswith("backward"):
            for how in _composed(handout.get("scratchvae/info.py", ""), targets[0]):
                yield name, how, f"the answer to {name} is given by {how}"


class _Part(NamedTuple):
    """A function of the handout, and what is looked for in it."""

    name: str
    shapes: set[str]
    values: set[tuple[int, float]]
    calls: set[str]


@lru_cache(500)  # most files of two handouts are the same
def _read(text: str, file: str) -> list[_Part]:
    return [
        _Part(name, _shapes(function), _computed(function), _calls(function))
        for name, function in source.functions(source.parse(text, file)).items()
    ]


def _shapes(function: Function) -> set[str]:
    """Of the function, of those inside of it, and of their longer expressions."""
    local, found = locals_of(function), set[str]()
    inner = [p for p in ast.walk(function) if isinstance(p, Function) and p is not function]
    for nested in [function, *inner]:
        found.add(_whole(nested))
        found |= {shape(part, local) for part in _expressions(nested) if size(part) >= RETURNED}
    return found
