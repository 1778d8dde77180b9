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

import numpy as np

from scratchvae.homework.domains import KINDS, Call, Job, job


def bulk(call: Call) -> tuple[int, int]:
    """How much there is to read in a call: its numbers, and then the length of its text."""
    numbers = sum(np.size(value) for value in call.inputs.values())
    if numbers > 16:
        return numbers, 0
    return numbers, len(repr([np.asarray(value).tolist() for value in call.inputs.values()]))
