"""What each exercise is called with. Expected values are not here.

The calls are drawn (`domains`), with a new seed for each run of the grader.

The kinds of check, each worth 1 point, and `value` the rest:

    value      right numbers, in float64
    shapes     dtypes: float32 stays float32
    inputs     the arguments are afterwards as they were
    memory     what `backward` needs of `forward` is there
    extremes   zeros in p, logits of ±10⁴, log σ² of ±50, numbers that nearly cancel
    errors     an error where the docstring promises one

A formula that gives no right value has no points for being careful: the other kinds count
when at least one value is right.
"""

from dataclasses import dataclass

import numpy as np

from scratchvae.homework import domains
from scratchvae.homework.domains import KINDS, Call


@dataclass(frozen=True)
class Job:
    """How an exercise is called: the driver, what is the same in every call, and the calls."""

    driver: str
    fixed: dict[str, str]
    cases: list[Call]


def job(number: str, seed: int = 0) -> Job:
    """How an exercise is called. seed: of what is drawn."""
    domain = domains.DOMAINS[number]
    return Job(domain.driver, domain.fixed, domains.calls(number, seed))


def bulk(call: Call) -> tuple[int, int]:
    """How much there is to read in a call: its numbers, and then the length of its text."""
    numbers = sum(np.size(value) for value in call.inputs.values())
    if numbers > 16:
        return numbers, 0
    return numbers, len(repr([np.asarray(value).tolist() for value in call.inputs.values()]))
