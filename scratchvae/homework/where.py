"""Where an answer is wrong that no classical mistake gives: what the wrong calls have in common.

Each call has properties: `mu` has more than one axis, `decoder` is 'bernoulli', `p` has a 0. If
the calls with one property, or with two, are exactly the wrong ones, that is said; else if all
wrong ones have one, and most calls that have it are wrong. It is a fact about the calls that were
drawn, and no guess at what the student thought.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from scratchvae.homework.domains import Call

FEWEST = 3  # wrong calls, and right ones
SHARE = 0.6  # of the calls with the property that are wrong
CHANCE = 1e-8  # that so many wrong calls have a property by chance, if it says nothing


def said(calls: Sequence[Call], failed: Sequence[bool]) -> str:
    """A sentence, or "" where no property tells the wrong calls from the right ones."""
    wrong = np.array(failed, bool)
    count = int(wrong.sum())
    if not FEWEST <= count <= len(wrong) - FEWEST:
        return ""
    found = [dict(_properties(call.inputs)) for call in calls]
    names = [*dict.fromkeys(name for properties in found for name in properties)]
    names += [f"{name} is not given" for name in dict.fromkeys(n for c in calls for n in c.inputs)]
    has = np.array([[_has(properties, name) for properties in found] for name in names])
    covers = np.flatnonzero(has[:, wrong].all(axis=1))  # all wrong calls have it
    names, has = [names[i] for i in covers], has[covers]
    free = ~(has[:, None, ~wrong] & has[:, ~wrong]).any(axis=2)  # no right call has both
    pairs = [(i != j, i, j) for i, j in np.argwhere(free).tolist()]
    if pairs:
        two, i, j = min(pairs)
        both = f"{names[i]} and {names[j]}" if two else names[i]
        return f"Your answer is wrong wherever {both}, and right everywhere else."
    best = (CHANCE, "")
    for name, holds in zip(names, has):
        chance = float(holds.mean()) ** count
        if count >= SHARE * holds.sum() and chance < best[0]:
            best = chance, f"Your answer is wrong only where {name}."
    return best[1]


def _has(properties: dict[str, bool], name: str) -> bool:
    given = name.replace(" is not given", " is given")
    return properties.get(name, False) if given == name else given not in properties


def _properties(inputs: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    arrays = {name: np.asarray(v) for name, v in inputs.items() if isinstance(v, np.ndarray | list)}
    for name, value in inputs.items():
        yield f"{name} is given", True
        if isinstance(value, str):
            yield f"{name} is {value!r}", True
            for other in ("bernoulli", "tanh", "SGD"):
                yield f"{name} is not {other!r}", value != other
        elif isinstance(value, tuple):
            yield f"{name} is empty", not value
            yield f"{name} is not empty", bool(value)
            yield f"{name} has more than one entry", len(value) > 1
        elif isinstance(value, int | float):
            for limit in (0, 1, 2):
                yield f"{name} > {limit}", value > limit
                yield f"{name} < {limit}", value < limit
        elif isinstance(value, list):
            yield f"{name} is a list", True
    for name, a in arrays.items():
        for n in (1, 2):
            yield f"{name}.ndim > {n}", a.ndim > n
            yield f"{name}.ndim ≤ {n}", a.ndim <= n
        for i in range(-a.ndim, 0):
            yield f"{name}.shape[{i}] > 1", a.shape[i] > 1
            yield f"{name}.shape[{i}] is 1", a.shape[i] == 1
        whole = bool((a == np.floor(a)).all())
        yield f"{name} is {a.dtype}", True
        yield f"{name} has whole numbers alone", whole
        yield f"{name} has others than whole numbers", not whole
        kinds = {"a 0": a == 0, "a number below 0": a < 0, "a number above 1": a > 1}
        for text, where in (kinds | {"an infinite number": np.isinf(a)}).items():
            yield f"{name} has {text}", bool(where.any())
        if a.ndim > 1:
            yield f"{name} is square", a.shape[-1] == a.shape[-2]
        for other, b in arrays.items():
            if other > name:
                yield f"{name} and {other} have the same shape", a.shape == b.shape
                yield f"{name} and {other} have other shapes", a.shape != b.shape
