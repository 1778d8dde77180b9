"""Marks by the judge in this process, for tests: nothing here is a stranger's code."""

from functools import lru_cache

from scratchvae.homework import catalogue, checks, judge, make, source
from scratchvae.homework.exercises import BY_NUMBER
from scratchvae.homework.here import Here
from scratchvae.homework.judge import Verdict
from scratchvae.homework.sandbox import Result


def run(number: str, package: dict[str, str]) -> Result:
    """What this package's function returns in every case of the exercise."""
    job = checks.JOBS[number]()
    return Here().run(package, job.driver, job.fixed, [case.inputs for case in job.cases])


@lru_cache
def right(number: str) -> Result:
    """What the reference returns."""
    return run(number, {**source.reference(), "__init__": ""})


@lru_cache
def around(number: str) -> dict[str, str]:
    """What the exercise is graded in."""
    return make.package_around(BY_NUMBER[number])


@lru_cache
def wrong(number: str) -> list[judge.Named]:
    """What the classical mistakes return."""
    module = BY_NUMBER[number].module
    return [
        (mistake.sentence, run(number, {**around(number), module: mistake.module(around(number))}))
        for mistake in catalogue.of(number)
    ]


def verdict_on_package(number: str, package: dict[str, str]) -> Verdict:
    """Of the function in this package."""
    job, exercise = checks.JOBS[number](), BY_NUMBER[number]
    return judge.judge(
        job, exercise.points, right(number), run(number, package), lambda: wrong(number)
    )


def verdict_on(number: str, body: str, top: str = "") -> Verdict:
    """Of this body in place of the exercise's, with more text at the end of its file."""
    exercise = BY_NUMBER[number]
    text = source.fill(around(number)[exercise.module], exercise.name, body, exercise.module)
    return verdict_on_package(number, {**around(number), exercise.module: text + top})
