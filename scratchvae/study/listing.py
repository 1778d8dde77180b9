"""The source in parts: each function with its docstring, its code, its values and its tests.

Nothing is written here a second time: docstrings and lines come from the syntax tree, the
values from `trace.record`, the tests from the files of `tests/`, the equations from the
README's table.
"""

import ast
import doctest
import importlib
import io
import keyword
import re
import sys
import tokenize
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from scratchvae.study.step import training_step
from scratchvae.study.trace import PACKAGE, Step, record, source_of

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


@dataclass(frozen=True)
class Test:
    """A test: its file, name, line, and the theorem that is its docstring. names: it mentions."""

    file: str
    name: str
    line: int
    theorem: str
    names: frozenset[str]


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


# ---- values ----


@dataclass
class Values:
    """What each statement has computed when it ran first: (file, line) -> the steps.

    source: where the numbers come from, for each (file, function).
    counts: how many times each statement ran.
    """

    steps: dict[tuple[str, int], list[Step]] = field(default_factory=dict)
    source: dict[tuple[str, str], str] = field(default_factory=dict)
    counts: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, steps: Iterable[Step], source: str) -> None:
        """Keep the first run of each statement; a function of an earlier source keeps its own."""
        runs: dict[tuple[str, int], list[int]] = {}
        for step in steps:
            where = step.file, step.line
            if self.source.setdefault((step.file, step.function), source) != source:
                continue
            seen = runs.setdefault(where, [])
            kept = self.steps.setdefault(where, [])
            names = [other.name for other in kept]
            if (not kept or (seen and seen[0] == step.run)) and step.name not in names:
                kept.append(step)
            seen.append(step.run)
            self.counts[where] = len(set(seen))


def values_of(modules: Iterable[Module]) -> Values:
    """The training step of `scratchvae trace`, its variants, small runs, and the examples.

    The first one that runs a function gives its values.
    """
    values = Values()
    values.add(training_step().steps, "scratchvae trace")
    for option, names in VARIANTS.items():
        for name in names:
            traced = training_step(**{option: name}).steps  # type: ignore[arg-type]
            values.add(traced, f"scratchvae trace --{option} {name}")
    for what, (files, run) in runs().items():
        with np.errstate(all="ignore"):
            _, steps = record(run, files=[f"{name}.py" for name in files])
        values.add(steps, what)
    for each in modules:
        for part in each.parts:
            if ">>>" in part.doc and each.name not in EXPENSIVE:
                values.add(_of_example(each, part), f"the example of {part.name}")
    return values


EXPENSIVE = ("training", "parallel", "processes", "resume")  # their examples train models
VARIANTS = {
    "decoder": ("gaussian", "isotropic"),
    "activation": ("relu", "sigmoid"),
    "optimizer": ("adam", "adagrad"),
}


def runs() -> dict[str, tuple[tuple[str, ...], Callable[[], Any]]]:
    """What it is -> the files to record, and small calls of what no training step needs."""
    from scratchvae import datasets, evaluation, gradient_check, initializers, likelihood
    from scratchvae.autoencoder import Autoencoder
    from scratchvae.optimizers import Adam
    from scratchvae.pca import PCA
    from scratchvae.training import training_step as one_turn
    from scratchvae.vae import VAE

    x = np.array([[1.0, 0, 1, 1], [0, 1, 0, 0], [1, 1, 0, 1]])
    grey = (200 * x + 20).astype(np.uint8)
    vae = VAE(4, (3,), 2, dtype=np.float64, seed=0)
    model = Autoencoder(4, (3,), 2, dtype=np.float64, seed=0)

    def rng() -> np.random.Generator:
        return np.random.default_rng(0)

    def images() -> None:
        datasets.binarize(grey, rng())
        datasets.grey(grey)
        datasets.dequantize(grey, rng())
        list(datasets.minibatches(3, 2, rng()))

    def checks() -> None:
        vae.loss_and_grad(x, np.zeros((3, 2)))
        gradient_check.check_gradient(
            lambda: -float(vae.elbo(x, np.zeros((3, 2))).mean()), vae.params
        )
        gradient_check.complex_step(lambda theta: (theta**2).sum(), np.array([1.0, 2.0]))

    def autoencoder() -> None:
        model.loss_and_grad(x)
        model.reconstruct(x)
        model.encoder_only()

    def pca() -> None:
        fitted = PCA(2).fit(x)
        fitted.inverse_transform(fitted.transform(x))

    def draws() -> None:
        for decoder in ("bernoulli", "gaussian", "isotropic"):
            VAE(4, (3,), 2, decoder=decoder, dtype=np.float64).sample(1, draw=True)
        VAE(4, (3,), 2, init="normal", dtype=np.float64)

    def likelihoods() -> None:
        for method, n in (("importance", 4), ("ais", 2), ("hmc", 12)):
            likelihood.log_likelihood(
                vae, x[:1], method=method, n_samples=n, n_temperatures=3, progress=False
            )

    return {
        "one turn of Algorithm 1": (
            ("training",),
            lambda: one_turn(vae, x, Adam(vae.params), rng()),
        ),
        "three small images": (("datasets",), images),
        "a check of the gradient": (("gradient_check",), checks),
        "a small autoencoder": (("autoencoder",), autoencoder),
        "PCA of three images": (("pca",), pca),
        "a draw of each decoder": (("decoders", "vae", "initializers", "parameters"), draws),
        "the likelihood of an image": (("likelihood", "hmc"), likelihoods),
        "the bound of three images": (("evaluation",), lambda: evaluation.evaluate(vae, x)),
        "active units": (("evaluation",), lambda: evaluation.active_units(vae, x)),
        "weights": (("initializers",), lambda: initializers.glorot(vae.params, rng())),
    }


def _of_example(each: Module, part: Part) -> list[Step]:
    examples = doctest.DocTestParser().get_examples(part.doc)
    loaded = importlib.import_module(f"scratchvae.{each.name}")
    names = dict(vars(loaded))

    def run() -> None:
        for example in examples:
            exec(compile(example.source, "<example>", "single"), names)

    with redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        _, steps = record(run, files=[f"{each.name}.py"])
    return steps


def shown(value: Any) -> str:
    """A value as text, with four digits."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc":
        with np.printoptions(precision=4, suppress=True, threshold=24, edgeitems=3, linewidth=60):
            return str(value).replace("-", "−")
    if isinstance(value, np.ndarray):
        with np.printoptions(threshold=24, edgeitems=3, linewidth=60):
            return str(value)
    if isinstance(value, float | np.floating):
        return f"{value:.6g}".replace("-", "−")
    return str(value)


# ---- lines of code ----


@lru_cache
def coloured(text: str) -> list[str]:
    """Each line of a file as HTML, with spans for keywords, strings, numbers and comments."""
    lines = text.splitlines()
    marks: list[list[tuple[int, int, str]]] = [[] for _ in lines]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = {tokenize.COMMENT: "c", tokenize.STRING: "s", tokenize.NUMBER: "n"}.get(token.type)
        if token.type == tokenize.NAME and keyword.iskeyword(token.string):
            kind = "k"
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
            out += escape(line[at:start]) + f'<span class="{kind}">{escape(line[start:end])}</span>'
            at = end
        html.append(out + escape(line[at:]))
    return html


def statement_ends(each: Module) -> dict[int, int]:
    """First line -> last line of each simple statement, or of the head of a compound one."""
    source = source_of(str(each.path))
    return {s.line: s.end_line for s in source.statements.values()}


# ---- tests ----


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


_COMMON = {*dir(np.ndarray), *dir(str), *dir(dict), *dir(list), *dir(Path)} - {
    "update"
}  # x.mean(), of arrays


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


# ---- homework ----


@dataclass(frozen=True)
class Edit:
    """A small edit of an exercise's function: what was done, at which code, and who noticed."""

    what: str
    code: str
    noticed_by: str


def _noticed_by(mutations: Any, exercise: Any, text: str) -> str:
    """The name of the first public test that fails with the edited function; "" for none."""
    from scratchvae.homework import public_tests

    marked = [
        name for name, test in vars(public_tests).items()
        if name.startswith("test_")
        and any(mark.name == exercise.marker for mark in getattr(test, "pytestmark", ()))
    ]  # fmt: skip
    kept = mutations.public_tests_of
    try:
        for name in marked:
            mutations.public_tests_of = lambda e, name=name: [
                call for call in kept(e)
                if (call.__defaults__ or (None,))[0] is getattr(public_tests, name)
            ]  # fmt: skip
            if mutations.noticed(exercise, text):
                return name
    finally:
        mutations.public_tests_of = kept
    return ""


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
        for what, text in mutations.mutants(exercise):
            name, _, code = what.partition(": ")
            name = name.removeprefix(exercise.number).strip()
            found.setdefault(exercise.number, []).append(
                Edit(name, re.sub(r"\s+", " ", code), _noticed_by(mutations, exercise, text))
            )
    return found
