"""Marks by the judge in this process, for tests: nothing here is a stranger's code."""

import ast
import warnings
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from scratchvae.homework import catalogue, domains, here, judge, make, source
from scratchvae.homework.exercises import BY_NUMBER
from scratchvae.homework.here import Here
from scratchvae.homework.judge import Verdict
from scratchvae.homework.merge import SourceError, merge
from scratchvae.homework.sandbox import Result


@lru_cache
def job_of(number: str) -> domains.Job:
    """The calls of the exercise, drawn once. Nothing changes them: each run gets its own copies."""
    return domains.job(number)


def run(number: str, package: dict[str, str]) -> Result:
    """What this package's function returns in every case of the exercise."""
    job = job_of(number)
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
    job, exercise = job_of(number), BY_NUMBER[number]
    return judge.judge(
        job, exercise.points, right(number), run(number, package), lambda: wrong(number)
    )


def verdict_on(number: str, body: str, top: str = "") -> Verdict:
    """Of this body in place of the exercise's, with more text at the end of its file."""
    return verdict_on_package(number, package_with(number, body, top))


def verdict_on_files(number: str, files: dict[str, str]) -> Verdict:
    """Of this exercise in a whole package that was handed in; a method's class in two ways."""
    exercise, reference = BY_NUMBER[number], source.reference()
    best: Verdict | None = None
    for whole_class in (False, True) if "." in exercise.name else (False,):
        package = dict(around(number))
        for module, text in files.items():
            if text != reference.get(module) or module == exercise.module:
                name = exercise.name if module == exercise.module else ""
                try:
                    merged = merge(package.get(module, ""), text, name, module, whole_class)
                except SourceError:
                    if name:
                        raise
                    continue
                package[module] = ast.unparse(merged)
        verdict = verdict_on_package(number, package)
        if best is None or verdict.points > best.points:
            best = verdict
    assert best is not None
    return best


def public_tests(scope: dict[str, Any], number: str) -> list[tuple[str, Callable[[], None]]]:
    """The public tests of the exercise, by name, each with its parameters."""
    found, marker = [], BY_NUMBER[number].marker
    for name, test in scope.items():
        marks = getattr(test, "pytestmark", []) if name.startswith("test_") else []
        cases = next((mark.args[1] for mark in marks if mark.name == "parametrize"), [()])
        for case in cases:
            values = getattr(case, "values", case)
            own = [mark.name for mark in (*marks, *getattr(case, "marks", ()))]
            if marker in own:
                found.append((name, partial(test, *values)))
    return found


def public_failures(number: str, package: dict[str, str]) -> list[str]:
    """What the public tests of the exercise say of this package; [] when all pass."""
    text, failures = make.PUBLIC_TESTS.read_text(encoding="utf-8"), []
    with here.package(package), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scope: dict[str, Any] = {"__name__": "public"}
        exec(here.compiled(text, "public_tests.py", "exec"), scope)
        for name, test in public_tests(scope, number):
            try:
                test()
            except BaseException as error:  # pytest's Failed is no Exception
                if isinstance(error, KeyboardInterrupt):
                    raise
                failures.append(f"{name}: {type(error).__name__}: {error}")
    return failures


def package_with(number: str, body: str, top: str = "") -> dict[str, str]:
    """What the exercise is graded in, with this body, and more text at the end of its file."""
    exercise = BY_NUMBER[number]
    text = source.fill(around(number)[exercise.module], exercise.name, body, exercise.module)
    return {**around(number), exercise.module: text + top}
