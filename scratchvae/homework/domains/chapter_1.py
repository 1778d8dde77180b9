"""Chapter 1: distributions, bases and axes."""

from collections.abc import Callable

import numpy as np

from scratchvae.homework.domains.draws import Array, Draws, Inputs

NEAR = 4096  # states of two distributions that are nearly equal
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
        draws.digits = 2e-4, 0.0  # what the sum of p log(p/q) − p + q loses
        p = (draws.rng.random(NEAR) + 0.05) * (np.arange(NEAR) > draws.one(-1, 0))
        p = p / p.sum()
        q = p * (1 + 4e-6 * (draws.rng.random(p.size) - 0.5))
        q = q / q.sum()
    elif style != "own":
        q = p.copy() if style != "same states" else np.where(p > 0, q + 0.1, 0)
        q = q / q.sum(axis=-1, keepdims=True)
        q *= 1 + (draws.one(-1e-8, 1e-8) if style == "sum" else 0)
    return [p, q]


def _refused(draws: Draws, names: tuple[str, ...], arrays: list[Array]) -> Inputs:
    i = draws.turn // 8 % len(names)
    options: Inputs = {}
    what = draws.next("entry", "sum", "negative", "base", "shape" if len(names) > 1 else "entry",
                      "empty", "axis", "shape" if len(names) > 1 else "sum")  # fmt: skip
    if what == "entry":
        arrays[i] = draws.spoiled(arrays[i], *NOT_PROBABLE)
    elif what == "sum":
        arrays[i] = arrays[i] * draws.one(0.5, 0.9, 1.01, 2.0)
    elif what == "negative":
        arrays[i][..., 0] -= 1.25
        arrays[i][..., 1] += 1.25
    elif what == "shape":
        n = arrays[i].shape[-1]
        more = (1, *arrays[i].shape)
        other = draws.one((n + 1,), more, more, (2, *arrays[i].shape))
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
        style = draws.next("empty", "alike", "missing class", "fractions", "huge", "alike")
        if style == "empty":
            children = np.insert(children, draws.one(0, K), 0, axis=0)
        elif style == "alike":
            children = children[0] * draws.of((K, 1), 1, 2, 3, 5, 7)
        elif style == "missing class":
            children = np.insert(children, draws.one(0, n), 0, axis=1)
        else:
            children = children * draws.one(*((0.1, 0.7) if style == "fractions" else (1e9, 1e200)))
    parent = children.sum(axis=0)
    if kind == "extremes" and style == "fractions":
        parent = np.round(parent, 9)  # 0.3, and not 0.1 + 0.2
    if kind == "shapes":
        whole = [a.astype(np.int64) for a in (parent, children)]
        parent, children = draws.one(whole, [a.tolist() for a in whole], draws.typed(whole))
    if kind == "errors":
        what = draws.next("sum", "negative", "one axis", "classes", "nothing", "base", "nan",
                          "moved", "one of many", "small class")  # fmt: skip
        if what == "sum":
            parent = parent + draws.one(1, 2, -0.5) * (np.arange(n) == 0)
        elif what == "moved":  # the total is right, and no class is
            children = np.insert(children, 0, 1, axis=1)
            parent = np.insert(parent + (np.arange(n) == 0), 0, K - 1)
        elif what == "small class":  # 1 of 2 too many, beside 10¹²
            parent, children = np.array([1e12, 2]), np.array([[1e12, 3]])
        elif what == "one of many":
            children = children * 1e6 + 1e6
            parent = children.sum(axis=0) + (np.arange(n) == 0)
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
    "entropy": _of_distributions("p"),
    "cross_entropy": _of_distributions("p", "q"),
    "kl_divergence": _of_distributions("p", "q", near=True),
    "binary_cross_entropy": _labels,
    "information_gain": _counts,
    "code_lengths": _one_distribution,
}
