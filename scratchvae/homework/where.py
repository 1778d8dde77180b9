"""Where an answer is wrong that no classical mistake gives: what the wrong calls have in common.

Each call has properties: `mu` has more than one axis, `decoder` is 'bernoulli', `p` has a 0. If
the calls with one property are exactly the wrong ones, that is said; else if all wrong ones have
one, and most calls that have it are wrong. It is a fact about the calls that were drawn, and no guess at what
the student thought.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from scratchvae.homework.domains import Call

FEWEST = 3  # wrong calls, and right ones
SHARE = 0.6  # of the calls with the property that are wrong
CHANCE = 1e-8  # that so many wrong calls have a property by chance, if it says nothing
Property = tuple[str, str]  # and its opposite


def said(calls: Sequence[Call], wrong: Sequence[bool]) -> str:
    """A sentence, or "" where no property tells the wrong calls from the right ones."""
    if not FEWEST <= sum(wrong) <= len(wrong) - FEWEST:
        return ""
    found = [dict(_properties(call.inputs)) for call in calls]
    names = dict.fromkeys(name for properties in found for name in properties)
    best = (CHANCE, "")
    for name in names:
        has = [properties.get(name, False) for properties in found]
        for text, holds in ((name[0], has), (name[1], [not one for one in has])):
            if holds == list(wrong):
                return f"Your answer is wrong wherever {text}, and right everywhere else."
            most = sum(wrong) >= SHARE * sum(holds)
            if most and all(one for one, bad in zip(holds, wrong) if bad):
                chance = (sum(holds) / len(holds)) ** sum(wrong)
                if chance < best[0]:
                    best = chance, f"Your answer is wrong only where {text}."
    return best[1]


def _properties(inputs: dict[str, Any]) -> Iterator[tuple[Property, bool]]:
    arrays = {name: np.asarray(v) for name, v in inputs.items() if isinstance(v, np.ndarray | list)}
    for name, value in inputs.items():
        yield (f"{name} is given", f"{name} is not given"), True
        if isinstance(value, str):
            yield (f"{name} is {value!r}", f"{name} is not {value!r}"), True
        elif isinstance(value, tuple):
            yield (f"{name} is empty", f"{name} is not empty"), not value
            yield (f"{name} has more than one entry", f"{name} has at most one"), len(value) > 1
        elif isinstance(value, int | float):
            for limit in (0, 1, 2):
                yield (f"{name} > {limit}", f"{name} ≤ {limit}"), value > limit
        elif isinstance(value, list):
            yield (f"{name} is a list", f"{name} is an array"), True
    for name, a in arrays.items():
        for n in (1, 2):
            yield (f"{name} has more than {n} axes", f"{name} has at most {n}"), a.ndim > n
        for i in range(-a.ndim, 0):
            yield (f"{name}.shape[{i}] > 1", f"{name}.shape[{i}] is 1 or not there"), a.shape[i] > 1
        yield (f"{name} is float32", f"{name} is not float32"), a.dtype == np.float32
        yield (f"{name} has whole numbers alone", f"{name} has others than whole numbers"), bool(
            (a == np.floor(a)).all()
        )
        for text, has in (("a 0", a == 0), ("a number below 0", a < 0), ("a number above 1", a > 1),
                          ("an infinite number", np.isinf(a))):  # fmt: skip
            yield (f"{name} has {text}", f"{name} does not have {text}"), bool(has.any())
        if a.ndim > 1:
            square = a.shape[-1] == a.shape[-2]
            yield (f"{name} is square", f"{name} is not square"), square
        for other, b in arrays.items():
            if other > name:
                same = f"{name} and {other} have"
                yield (f"{same} the same shape", f"{same} other shapes"), a.shape == b.shape
