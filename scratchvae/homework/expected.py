"""What is right for the calls that the public tests draw: by the package's own functions."""

from functools import lru_cache
from itertools import chain
from typing import Any

from scratchvae.homework import domains, source, wire
from scratchvae.homework.exercises import BY_NUMBER, EXERCISES
from scratchvae.homework.here import Here

NUMBERS = [exercise.number for exercise in EXERCISES]


@lru_cache
def answers(number: str) -> dict[str, Any]:
    """right: of each call, what `wire` makes of it, and an error's type or None.

    apart: "module.name" of the exercises that this one has to do without.
    The handout has a file of this.
    """
    job, exercise = domains.job(number, *domains.PUBLIC), BY_NUMBER[number]
    called = (BY_NUMBER[other].builds_on for other in exercise.may_call)
    beside = {number, *exercise.builds_on, *exercise.may_call, *chain(*called)}
    inputs = [call.inputs for call in job.cases]
    package = {**source.reference(), "__init__": ""}
    replies = Here().run(package, job.driver, job.fixed, inputs).replies
    return {
        "right": [[wire.encode(r.outputs), r.error and r.error[0]] for r in replies],
        "apart": [other.where for other in EXERCISES if other.number not in beside],
    }
