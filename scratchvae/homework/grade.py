"""Grading: each function by itself, set into the reference, then the student's own package as a whole.

The student's process returns what the functions returned; this side compares, names the mistake, and counts the points.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scratchvae.homework import catalogue, checks, judge, source
from scratchvae.homework.checks import KINDS, Job, compare, describe
from scratchvae.homework.exercises import EXERCISES, Exercise
from scratchvae.homework.make import package_around
from scratchvae.homework.sandbox import Result, Sandbox
from scratchvae.homework.source import SourceError

SECONDS = 4.0  # for one exercise; what is right takes a twentieth of one
LARGEST_FILE = 1_000_000  # bytes of one file of a submission
STEPS, IMAGES = 60, 40  # of the whole package's training


@dataclass
class Mark:
    """One exercise's result. passed: of each kind of check, how many of how many. sentence: "" when all is right."""

    number: str
    title: str
    points: float
    most: float
    passed: dict[str, tuple[int, int]] = field(default_factory=dict)
    sentence: str = ""
    mistake: str = ""


@dataclass
class Grade:
    """A submission's result. trains: whether its own package does; whole: a sentence on that."""

    name: str
    marks: list[Mark]
    trains: bool
    whole: str
    note: str = ""

    @property
    def points(self) -> float:
        """Of all exercises."""
        return sum(mark.points for mark in self.marks)

    @property
    def most(self) -> float:
        """That there are."""
        return sum(mark.most for mark in self.marks)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Grade":
        """What `as_json` gave."""
        marks = [
            Mark(**{**mark, "passed": {k: tuple(v) for k, v in mark["passed"].items()}})
            for mark in data["marks"]
        ]
        return cls(
            str(data["name"]), marks, bool(data["trains"]), str(data["whole"]), str(data["note"])
        )


class Key:
    """What is right and what the classical mistakes return: worked out from the reference, in a process of its own, when first needed."""

    def __init__(self) -> None:
        self._lock, self._right, self._wrong = (
            threading.Lock(),
            dict[str, Result](),
            dict[str, list[tuple[str, Result]]](),
        )
        self._packages: dict[str, dict[str, str]] = {}
        self.reference = source.reference()

    def job(self, exercise: Exercise) -> Job:
        """Its calls."""
        return checks.JOBS[exercise.number]()

    def package(self, exercise: Exercise) -> dict[str, str]:
        """What it is graded in."""
        if exercise.number not in self._packages:
            self._packages[exercise.number] = package_around(exercise)
        return dict(self._packages[exercise.number])

    def right(self, exercise: Exercise) -> Result:
        """What the reference returns. The whole reference, so that what it calls is there."""
        with self._lock:
            if exercise.number not in self._right:
                with Sandbox() as sandbox:
                    for other in EXERCISES if exercise in EXERCISES else [exercise]:
                        package = {**self.reference, "__init__": ""}
                        self._right[other.number] = _call(sandbox, package, self.job(other), 60)
            return self._right[exercise.number]

    def wrong(self, exercise: Exercise) -> list[tuple[str, Result]]:
        """What each classical mistake returns, with its sentence."""
        with self._lock:
            if exercise.number not in self._wrong:
                package = self.package(exercise)
                with Sandbox() as sandbox:
                    self._wrong[exercise.number] = [
                        (
                            mistake.sentence,
                            _call(
                                sandbox,
                                {**package, exercise.module: mistake.module(package)},
                                self.job(exercise),
                                60,
                            ),
                        )
                        for mistake in catalogue.of(exercise.number)
                    ]
            return self._wrong[exercise.number]


def _call(sandbox: Sandbox, package: dict[str, str], job: Job, seconds: float) -> Result:
    return sandbox.run(
        package, job.driver, job.fixed, [case.inputs for case in job.cases], seconds=seconds
    )


def grade(
    submission: Path,
    exercises: Sequence[Exercise],
    key: Key,
    *,
    seconds: float = SECONDS,
    told: Callable[[str], None] = lambda text: None,
) -> Grade:
    """Grade one submission: a folder with `scratchvae/`, or that folder itself. Never raises for what is in it."""
    files, note = read(submission)
    marks: list[Mark] = []
    left = seconds
    timeouts = 0
    with Sandbox() as sandbox:
        for exercise in exercises:
            mark, result = _grade_one(exercise, files, key, sandbox, left)
            marks.append(mark)
            told(f"{exercise.number} {mark.points:g}/{mark.most:g}")
            timeouts += result.stopped.startswith("it was stopped after")
            if timeouts >= 2:  # a submission that hangs everywhere may not take everybody's time
                left = min(seconds, 0.6)
        trains, whole = _whole(files, sandbox, 2 * left, key)
    return Grade(submission.name, marks, trains, whole, note)


def read(submission: Path) -> tuple[dict[str, str], str]:
    """The submission's files of the package, name without .py -> text, and a sentence on what could not be read."""
    places = [submission / "scratchvae", submission]
    try:
        places += sorted(place for place in submission.glob("*/scratchvae"))
        folder = next(
            (place for place in places if place.is_dir() and any(place.glob("*.py"))), None
        )
    except OSError as error:
        return {}, f"it cannot be read: {error}"
    if folder is None:
        return {}, "it is no package: there is no folder scratchvae/ with Python files in it"
    files, problems = {}, []
    for path in sorted(folder.glob("*.py"))[:200]:
        try:
            if path.is_symlink() or not path.is_file():
                raise ValueError("it is no plain file")
            if path.stat().st_size > LARGEST_FILE:
                raise ValueError(f"it is larger than {LARGEST_FILE:,} bytes")
            files[path.stem] = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            problems.append(f"{path.name} cannot be read: {error}")
    return files, "; ".join(problems)


def _grade_one(
    exercise: Exercise, files: dict[str, str], key: Key, sandbox: Sandbox, seconds: float
) -> tuple[Mark, Result]:
    job = key.job(exercise)
    mark = Mark(
        exercise.number,
        exercise.title,
        0,
        exercise.points,
        {kind: (0, total) for kind, total in judge.totals(job).items()},
    )
    nothing = Result([])
    if exercise.module not in files:
        mark.sentence = f"{exercise.module}.py is missing"
        return mark, nothing
    package = key.package(exercise)
    try:
        text = source.graft(
            package[exercise.module], files[exercise.module], exercise.name, f"{exercise.module}.py"
        )
        result = _call(sandbox, {**package, exercise.module: text}, job, seconds)
    except (SourceError, RecursionError, MemoryError) as error:
        mark.sentence = str(error) or "it cannot be read"
        return mark, nothing
    verdict = judge.judge(
        job, exercise.points, key.right(exercise), result, lambda: key.wrong(exercise)
    )
    mark.passed, mark.points = verdict.passed, verdict.points
    if not verdict.full:
        mark.mistake = verdict.remarks[0] if verdict.remarks else ""
        mark.sentence = " ".join(verdict.remarks) or explain(job, key.right(exercise), result)
    if result.printed > 2_000:
        mark.sentence = (
            f"{mark.sentence}{'; ' if mark.sentence else ''}it printed {result.printed:,} bytes"
        )
    return mark, result


def explain(job: Job, right: Result, result: Result) -> str:
    """The smallest input that shows the difference, ours and theirs."""

    def bulk(index: int) -> int:
        return sum(np.size(value) for value in job.cases[index].inputs.values())

    failed = [
        i
        for i, (case, ours, theirs) in enumerate(zip(job.cases, right.replies, result.replies))
        if not judge.close(case, ours, theirs)
    ]
    if result.stopped and not failed:
        return f"no answer: {result.stopped}"
    if not failed:
        return "it changes its arguments: they should be afterwards as they were"
    i = min(failed, key=lambda index: (KINDS.index(job.cases[index].kind), bulk(index)))
    case, ours, theirs = job.cases[i], right.replies[i], result.replies[i]
    called = ", ".join(f"{name} = {describe(value)}" for name, value in case.inputs.items())
    tail = f"; then {result.stopped}" if result.stopped else ""
    if theirs.error is not None and theirs.error[0] == "NotImplementedError":
        return f"not done: it says {theirs.error[1]!r}{tail}"
    if case.kind == "errors":
        got = (
            f"it raises {theirs.error[0]}"
            if theirs.error
            else f"it returns {describe(theirs.outputs)}"
        )
        return f"at {called} it should raise ValueError or TypeError; {got}{tail}"
    if theirs.error is not None:
        return f"at {called} it raises {theirs.error[0]}: {theirs.error[1]}{tail}"
    try:
        difference = compare(ours.outputs, theirs.outputs, case)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return f"at {called} it returns {describe(theirs.outputs)[:200]}, which cannot be compared{tail}"
    why = f"; {difference.why}" if difference.why else ""
    return (
        f"at {called}: ours {describe(ours.outputs)}, theirs {describe(theirs.outputs)}; exact: {'yes' if difference.exact else 'no'}, "
        f"close: {'yes' if difference.close else 'no'}, largest difference {difference.largest:.2g}{why}{tail}"
    )


def _whole(files: dict[str, str], sandbox: Sandbox, seconds: float, key: Key) -> tuple[bool, str]:
    """Does the student's own package train? The bound before and after is the reference's, of the θ that comes back."""
    from scratchvae.vae import VAE

    if not files:
        return False, "there is no package to train"
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, IMAGES)
    x = (
        rng.random((IMAGES, 12))
        < np.where((np.arange(12) < 6)[None] == (kind == 0)[:, None], 0.9, 0.1)
    ).astype(float)
    result = sandbox.run(files, "trains", {}, [{"x": x, "steps": STEPS}], seconds=seconds)
    if not result.replies:
        return False, f"its own package does not train: {result.stopped}"
    reply = result.replies[0]
    if reply.error is not None:
        return False, f"its own package does not train: {reply.error[0]}: {reply.error[1]}"
    try:
        bounds = []
        for theta in reply.outputs:
            vae = VAE(12, (8,), 2, dtype=np.float64, seed=1)
            if theta.shape != vae.params.theta.shape or not np.isfinite(theta).all():
                raise ValueError
            vae.params.theta[...] = theta
            with np.errstate(all="ignore"):
                bounds.append(
                    float(
                        vae.elbo(
                            x, np.random.default_rng(1).standard_normal((20, IMAGES, 2))
                        ).mean()
                    )
                )
        before, after = bounds
        nothing = -x.shape[1] * float(np.log(2))  # the bound at θ = 0, where z tells nothing of x
    except (ValueError, TypeError, AttributeError):
        return False, "its own package does not train: what it returns is no vector of weights"
    rises = after > max(before, nothing) + 0.5
    return (
        rises,
        f"its own package {'trains' if rises else 'does not train'}: bound {before:.2f} before, {after:.2f} after {STEPS} steps",
    )
