"""What the arguments of an exercise may be, as something to draw from.

The grader draws some hundreds of calls, with a seed that nobody knows before. The public tests
draw from the same descriptions with a fixed seed. Each call has a kind:

    value      ordinary numbers in float64: every shape, axis and base
    shapes     float32, lists, whole numbers
    extremes   zeros, certainty, tiny numbers, numbers at which digits cancel
    errors     what the docstring refuses

Small calls are drawn often, since the smallest one that fails is shown.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Array = Any
Inputs = dict[str, Any]
KINDS = ("value", "value", "shapes", "value", "extremes", "errors")  # in turn
PUBLIC = 120  # calls of the public tests
NEAR = 4096  # states of two distributions that are nearly equal


class Call(NamedTuple):
    """One call. rtol, atol: how far the result may be off, relatively and absolutely."""

    kind: str
    inputs: Inputs
    rtol: float
    atol: float


def calls(number: str, seed: int, count: int) -> list[Call]:
    """So many calls of the exercise, the kinds in turn."""
    draw, found = DRAW[number], []
    for i in range(count):
        rng = np.random.Generator(np.random.PCG64([seed, i]))  # the same in all versions of NumPy
        kind = KINDS[i % len(KINDS)]
        inputs = draw(Draws(rng, i // len(KINDS)), kind)
        found.append(Call(kind, inputs, *_tolerance(number, kind, inputs)))
    return found


def public(number: str) -> list[Call]:
    """The calls of the public tests."""
    return calls(number, 1, PUBLIC)


def answers(number: str) -> dict[str, Any]:
    """right: of each of them, as type and value; None for an error.

    apart: the functions of other exercises that this exercise has to do without.
    """
    text = Path(__file__).with_name("answers.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)[number]
    return found


def _tolerance(number: str, kind: str, inputs: Inputs) -> tuple[float, float]:
    """64 times the smallest step of the type; of ordinary numbers nine digits.

    Of KL beside 0, q near p: what the sum of p log(p/q) − p + q loses.
    """
    if number == "1.6":
        return 0.0, 0.0  # whole numbers
    arrays = [np.asarray(value) for value in inputs.values()]
    if arrays[0].size == NEAR:
        return 2e-4, 0.0
    single = any(array.dtype == np.float32 for array in arrays)
    error = 64 * float(np.finfo(np.float32 if single else np.float64).eps)
    return error if single or kind == "extremes" else 1e-9, error


class Draws:
    """What is drawn, from this generator. turn: of its kind, which call this is."""

    def __init__(self, rng: np.random.Generator, turn: int) -> None:
        self.rng, self.turn = rng, turn
        self.drawn = 0

    def next(self, *options: Any) -> Any:
        """These in turn."""
        return options[self.turn % len(options)]

    def one(self, *options: Any) -> Any:
        """One of these."""
        return options[int(self.rng.random() * len(options))]

    def shape(self, most: int = 3) -> tuple[int, ...]:
        """0 to `most` sizes from 1 to 4; often none."""
        return tuple(self.one(1, 2, 3, 4) for _ in range(self.one(0, 0, *range(most + 1))))

    def weights(self, shape: tuple[int, ...], kind: str) -> Array:
        """Numbers > 0, or ≥ 0 for extremes: uniform, few and equal ones, tiny, certain."""
        w = self.rng.random(shape) + 0.05
        if self.one(0, 1):
            w = np.ceil(4 * w - 0.2)
        if kind == "extremes":
            style = ("zeros", "tiny", "zeros", "certain")[(self.turn + self.drawn) % 4]
            self.drawn += 1
            if style == "zeros":
                w = np.where(self.rng.random(shape) < 0.4, 0, w)
            elif style == "tiny":
                w *= 10.0 ** -np.floor(self.one(9, 20, 290) * self.rng.random(shape))
            w[..., 0] += w.sum(axis=-1) == 0
            if style == "certain":
                w = (np.arange(shape[-1]) == int(self.rng.random() * shape[-1])) + 0 * w
        return w

    def distributions(self, shape: tuple[int, ...], kind: str) -> Array:
        """Along the last axis."""
        w = self.weights(shape, kind)
        return w / w.sum(axis=-1, keepdims=True)

    def typed(self, arrays: list[Array]) -> list[Any]:
        """As float32, or as lists."""
        if self.turn % 2:
            return [a.astype(np.float32) for a in arrays]
        return [a.tolist() for a in arrays]

    def base(self, *bases: float) -> Inputs:
        """Often none."""
        base = self.one(None, None, *bases)
        return {} if base is None else {"base": base}

    def with_axis(self, arrays: list[Array]) -> tuple[list[Array], Inputs]:
        """The distributions along another axis, which is named; often along the last."""
        n = arrays[0].ndim
        axis = self.one(None, *range(-n, n))
        if axis is None:
            return arrays, {}
        return [np.ascontiguousarray(np.moveaxis(a, -1, axis)) for a in arrays], {"axis": axis}

    def spoiled(self, array: Array, *values: float) -> Array:
        """One entry is another number."""
        array = np.array(array, float)
        array.flat[int(self.rng.random() * array.size)] = self.one(*values)
        return array


BASES = (2.0, np.e, 3.0, 10.0, 0.5, 4)
NO_BASE = (1.0, 0.0, -2.0)
NOT_PROBABLE = (-0.25, 1.5, np.nan, np.inf, 7.0)


def _whole(draws: Draws, shape: tuple[int, ...]) -> Array:
    """Of each row one entry is 1, the others 0: distributions of whole numbers."""
    states = np.floor(draws.rng.random(shape[:-1]) * shape[-1])[..., None]
    return (np.arange(shape[-1]) == states).astype(np.int64)


def _of_distributions(*names: str, near: bool = False) -> Callable[[Draws, str], Inputs]:
    """One or two (..., n), an axis, and a base. near: q may be near p."""

    def draw(draws: Draws, kind: str) -> Inputs:
        sizes = (2, 3) if kind == "errors" else (1, 2, 2, 3, 4, 5, 7)
        shape = (*draws.shape(), draws.one(*sizes))
        arrays = [draws.distributions(shape, kind) for _ in names]
        if kind == "errors":
            return _refused(draws, names, arrays)
        if kind == "shapes" and draws.one(0, 0, 1):
            arrays = [_whole(draws, shape) for _ in names[1:]] + [_whole(draws, shape)]
        if len(names) == 2 and kind == "extremes":
            arrays = _extreme_pair(draws, arrays, near)
        arrays, options = draws.with_axis(arrays)
        if kind == "shapes" and arrays[0].dtype.kind == "f":
            arrays = draws.typed(arrays)
        return {**dict(zip(names, arrays)), **draws.base(*BASES), **options}

    return draw


def _extreme_pair(draws: Draws, arrays: list[Array], near: bool) -> list[Array]:
    """q of its own; equal to p; in p's states alone; near p; of a sum that is not quite 1."""
    p, q = arrays
    styles = ("own", "same states", "sum", "equal", "same states", "own", "own")
    style = draws.next(*styles, "near" if near else "own")
    if style == "near":
        p = draws.rng.random(NEAR) + 0.05
        p = p / p.sum()
        q = p * (1 + 4e-6 * (draws.rng.random(p.size) - 0.5))
        q = q / q.sum()
    elif style != "own":
        q = p.copy() if style != "same states" else np.where(p > 0, q + 0.1, 0)
        q = q / q.sum(axis=-1, keepdims=True)
        q *= 1 + (draws.one(-1e-8, 1e-8) if style == "sum" else 0)
    return [p, q]


def _refused(draws: Draws, names: tuple[str, ...], arrays: list[Array]) -> Inputs:
    i = draws.turn // 7 % len(names)
    options: Inputs = {}
    what = draws.next("entry", "sum", "negative", "base", "shape" if len(names) > 1 else "entry",
                      "empty", "axis")  # fmt: skip
    if what == "entry":
        arrays[i] = draws.spoiled(arrays[i], *NOT_PROBABLE)
    elif what == "sum":
        arrays[i] = arrays[i] * draws.one(0.5, 0.9, 1.01, 2.0)
    elif what == "negative":
        arrays[i][..., 0] -= 1.25
        arrays[i][..., 1] += 1.25
    elif what == "shape":
        n = arrays[i].shape[-1]
        other = draws.one((n + 1,), (1, *arrays[i].shape), (2, *arrays[i].shape))
        arrays[i] = draws.distributions(other, "value")
    elif what == "empty":
        arrays = [array[..., :0] for array in arrays]
    elif what == "base":
        options = {"base": draws.one(*NO_BASE)}
    else:
        options = {"axis": draws.one(arrays[0].ndim, -1 - arrays[0].ndim)}
    return {**dict(zip(names, arrays)), **options}


def _labels(draws: Draws, kind: str) -> Inputs:
    """y, y_hat: the same shape, and a base."""
    shape = (draws.one(1, 1, 2, 3), *draws.shape())
    y: Array = draws.rng.random(shape)
    y_hat: Array = draws.rng.random(shape) * 0.9 + 0.05
    options = draws.base(2.0, 10.0, np.e, 0.5)
    if draws.one(0, 1):
        y = np.round(y)
    if draws.one(0, 0, 1):
        y_hat = np.ceil(4 * y_hat - 0.5) / 4 * 0.75 + 0.125
    if kind == "extremes":
        ends = (0.0, 1.0, 0.5, 1e-300, 1e-12, 1 - 1e-12, 1 - 2.0**-53)
        y, y_hat = (np.array([draws.one(*ends) for _ in range(a.size)]).reshape(shape)
                    for a in (y, y_hat))  # fmt: skip
    if kind == "shapes":
        whole = draws.one(0, 0, 1)
        y, y_hat = [np.round(y).astype(np.int64), y_hat] if whole else draws.typed([y, y_hat])
    if kind == "errors":
        what = draws.next("y", "y_hat", "shape", "base")
        if what == "shape":
            y = draws.one(
                y[:1].repeat(len(y) + 1, axis=0), y[None].repeat(2, axis=0), np.array(y[0])
            )
        elif what == "base":
            options = {"base": draws.one(*NO_BASE)}
        else:
            bad = draws.spoiled(y if what == "y" else y_hat, -0.1, 1.5, 2.0, np.nan, np.inf)
            y, y_hat = (bad, y_hat) if what == "y" else (y, bad)
    return {"y": y, "y_hat": y_hat, **options}


def _counts(draws: Draws, kind: str) -> Inputs:
    """parent, children: (n,) and (K, n), and a base."""
    K, n = draws.one(1, 2, 2, 3, 4), draws.one(1, 2, 2, 3, 4)
    children = np.floor(draws.rng.random((K, n)) * draws.one(3, 6, 20))
    children[:, 0] += children.sum(axis=1) == 0
    options = draws.base(2.0, np.e, 3.0, 10.0, 0.5)
    if kind == "extremes":
        style = draws.next("empty", "alike", "missing class", "fractions", "huge")
        if style == "empty":
            children = np.insert(children, draws.one(0, K), 0, axis=0)
        elif style == "alike":
            children = children[0] * np.arange(1, K + 1)[:, None]
        elif style == "missing class":
            children = np.insert(children, draws.one(0, n), 0, axis=1)
        else:
            children = children * draws.one(*((0.1, 0.7) if style == "fractions" else (1e9, 1e200)))
    parent = children.sum(axis=0)
    if kind == "shapes":
        whole = [a.astype(np.int64) for a in (parent, children)]
        parent, children = draws.one(whole, [a.tolist() for a in whole], draws.typed(whole))
    if kind == "errors":
        what = draws.next("sum", "negative", "one axis", "classes", "nothing", "base", "nan")
        if what == "sum":
            parent = parent + draws.one(1, 2, -0.5) * (np.arange(n) == 0)
        elif what == "negative":
            children = np.concatenate([children, [0 * parent - 1]])
            children[0] += 1
        elif what == "one axis":
            parent, children = draws.one((parent, parent), (parent[None], children))
        elif what == "classes":
            children = np.insert(children, n, 0, axis=1)
        elif what == "nothing":
            parent, children = 0 * parent, 0 * children
        elif what == "nan":
            parent = draws.spoiled(parent, np.nan, np.inf)
        else:
            options = {"base": draws.one(*NO_BASE)}
    return {"parent": parent, "children": children, **options}


def _one_distribution(draws: Draws, kind: str) -> Inputs:
    """q: (n,)"""
    n = draws.one(1, 2, 3, 4, 5, 9)
    q = draws.distributions((n,), kind)
    if kind == "value" and draws.one(0, 1):
        q = 0.5 ** np.minimum(np.arange(1, n + 1), max(n - 1, 0))
    if kind == "extremes" and draws.next(0, 1, 1):  # powers of ½, and their neighbours
        powers = 0.5 ** np.arange(2.0, draws.one(4, 10, 40))
        near = [np.nextafter(v, draws.one(0, 0, v, 1)) for v in powers]
        q = np.append(near, 1 - np.sum(near))
    if kind == "errors":
        what = draws.next("entry", "sum", "axes", "empty")
        if what == "entry":
            q = draws.spoiled(q, *NOT_PROBABLE)
        elif what == "sum":
            q = q * draws.one(0.5, 0.9, 1.01, 2.0)
        else:
            q = q[:0] if what == "empty" else draws.one(q[None], np.stack([q, q]))
    if kind == "shapes":
        q = draws.one(_whole(draws, (n,)), *draws.typed([q]))
    return {"q": q}


DRAW: dict[str, Callable[[Draws, str], Inputs]] = {
    "1.1": _of_distributions("p"),
    "1.2": _of_distributions("p", "q"),
    "1.3": _of_distributions("p", "q", near=True),
    "1.4": _labels,
    "1.5": _counts,
    "1.6": _one_distribution,
}
