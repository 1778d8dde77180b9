"""The key: what is right, and what the classical mistakes return.

It is worked out from the reference before any student's code runs, in a sandbox that is gone by
then, and verified whole: a key with a hole would take points from everybody. The run stops when
it has one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchvae.homework import catalogue, checks, source
from scratchvae.homework.checks import Job
from scratchvae.homework.exercises import Exercise
from scratchvae.homework.make import package_around
from scratchvae.homework.sandbox import Result, Sandbox, check

SECONDS = 60  # for one exercise of the reference
STEPS, IMAGES = 60, 40  # of the training of a whole package


class IncompleteKey(RuntimeError):
    """The key is incomplete: nothing can be graded with it."""


class Key:
    """For these exercises, by number: jobs, packages, right and wrong results.

    packages: what an exercise is graded in. right: what the reference returns.
    wrong: each classical mistake's sentence and what it returns. bounds: of the reference's own
    training, before and after. sandbox: the kind, "bwrap" or "none".
    """

    def __init__(self, exercises: Sequence[Exercise], sandbox: str = "bwrap") -> None:
        check(sandbox)
        self.sandbox, self.exercises = sandbox, list(exercises)
        self.reference = source.reference()
        self.jobs: dict[str, Job] = {e.number: checks.JOBS[e.number]() for e in exercises}
        self.packages = {e.number: package_around(e) for e in exercises}
        self.right: dict[str, Result] = {}
        self.wrong: dict[str, list[tuple[str, Result]]] = {}
        self.training = _images()
        whole = {**self.reference, "__init__": ""}
        with Sandbox(sandbox) as box:
            for exercise in exercises:
                number, job = exercise.number, self.jobs[exercise.number]
                self.right[number] = _run(box, whole, job)
                self.wrong[number] = [
                    (mistake.sentence, _run(box, self._with(exercise, mistake), job))
                    for mistake in catalogue.of(number)
                ]
            trained = box.run(whole, "trains", {}, [self.training], seconds=SECONDS)
        self._verify()
        if len(trained.replies) != 1 or trained.replies[0].error is not None:
            raise IncompleteKey(f"the key is incomplete: the reference does not train: {trained}")
        before, after = trained.replies[0].outputs
        self.bounds = self.bound(before), self.bound(after)

    def _with(self, exercise: Exercise, mistake: catalogue.Mistake) -> dict[str, str]:
        package = self.packages[exercise.number]
        return {**package, exercise.module: mistake.module(package)}

    def _verify(self) -> None:
        """Every case of every exercise has its answer, or its error where one is promised."""
        for number, job in self.jobs.items():
            right = self.right[number]
            for i, case in enumerate(job.cases):
                reply = right.replies[i] if i < len(right.replies) else None
                if reply is None or (reply.error is None) == (case.kind == "errors"):
                    why = right.stopped or (reply and reply.error) or "no answer"
                    raise IncompleteKey(f"the key is incomplete: {number}, case {i}: {why}")
            for sentence, wrong in self.wrong[number]:
                if len(wrong.replies) != len(job.cases):
                    raise IncompleteKey(
                        f"the key is incomplete: {number}, {sentence!r}: {wrong.stopped}"
                    )

    def bound(self, theta: NDArray[np.float64]) -> float:
        """The reference's bound of the training images at θ. ValueError when θ is none."""
        from scratchvae.vae import VAE

        vae = VAE(12, (8,), 2, dtype=np.float64, seed=1)
        wanted = vae.params.theta
        if not isinstance(theta, np.ndarray) or theta.shape != wanted.shape:
            raise ValueError("no vector of weights")
        if theta.dtype != wanted.dtype or not np.isfinite(theta).all():
            raise ValueError("no finite float64 weights")
        vae.params.theta[...] = theta
        eps = np.random.default_rng(1).standard_normal((20, IMAGES, 2))
        with np.errstate(all="ignore"):
            return float(vae.elbo(self.training["x"], eps).mean())


def _run(box: Sandbox, package: Mapping[str, str], job: Job) -> Result:
    cases = [case.inputs for case in job.cases]
    return box.run(package, job.driver, job.fixed, cases, seconds=SECONDS)


def _images() -> dict[str, Any]:
    """Two kinds of images of twelve pixels, bright on the left or on the right."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, IMAGES)
    left = np.arange(12) < 6
    p = np.where(left[None] == (kind == 0)[:, None], 0.9, 0.1)
    return {"x": (rng.random((IMAGES, 12)) < p).astype(float), "steps": STEPS}
