"""The key: what is right, and what the classical mistakes return.

It is worked out from the reference before any student's code runs, in a process of its own that
is gone by then, and verified whole: a key with a hole would take points from everybody. The run
stops when it has one, and when the machine did not work it out.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchvae.homework import catalogue, domains, page, source, wire
from scratchvae.homework.domains import Job
from scratchvae.homework.exercises import BY_NUMBER, PAGE, Exercise
from scratchvae.homework.here import Here
from scratchvae.homework.make import package_around
from scratchvae.homework.sandbox import NotGraded, Reply, Result, Task, check

SECONDS = 300  # for all of it
STEPS, IMAGES = 60, 40  # of the training of a whole package


class IncompleteKey(ValueError):
    """The key has a hole: nothing can be graded with it."""


class Key:
    """For these exercises, by number: jobs, tasks, right and wrong results.

    tasks: what an exercise is graded in, and its calls. right: what the reference returns.
    wrong: each classical mistake's sentence and what it returns. bounds: of the reference's own
    training, before and after. sandbox: what students' code runs in, "bwrap" or "none".
    whole: points for a package that trains. seed: of what is drawn; a new one for each key.
    """

    def __init__(
        self,
        exercises: Sequence[Exercise],
        sandbox: str = "bwrap",
        whole: float = 0,
        seed: int | None = None,
    ) -> None:
        check(sandbox)
        self.sandbox, self.exercises, self.whole = sandbox, list(exercises), whole
        self.reference = source.reference()
        if PAGE[0] in exercises:
            self.reference[page.NAME] = page.text()
        seed = secrets.randbits(60) if seed is None else seed
        self.jobs: dict[str, Job] = {e.number: domains.job(e.number, seed) for e in exercises}
        self.tasks = {
            e.number: Task.of(
                package_around(e), job.driver, job.fixed, [case.inputs for case in job.cases]
            )
            for e in exercises
            for job in [self.jobs[e.number]]
        }
        self.training = _images()
        answers = _in_its_own_process(list(self.jobs), seed)
        self.right = {number: _result(said) for number, said in answers["right"].items()}
        self.wrong = {
            number: [(sentence, _result(said)) for sentence, said in mistakes]
            for number, mistakes in answers["wrong"].items()
        }
        self._verify()
        self.bounds = self._bounds(_result(answers["trained"]))

    def _verify(self) -> None:
        """Every case of every exercise has its answer, or its error where one is promised."""
        for number, job in self.jobs.items():
            right = self.right[number].replies
            for i, case in enumerate(job.cases):
                if i >= len(right) or (right[i].error is None) == (case.kind == "errors"):
                    why = right[i].error if i < len(right) else "no answer"
                    raise IncompleteKey(f"the key is incomplete: {number}, case {i}: {why}")
            for sentence, wrong in self.wrong[number]:
                if len(wrong.replies) != len(job.cases):
                    raise IncompleteKey(f"the key is incomplete: {number}, {sentence!r}")

    def _bounds(self, trained: Result) -> tuple[float, float]:
        try:
            before, after = map(self.bound, trained.replies[0].outputs)
        except (IndexError, TypeError, ValueError):
            raise IncompleteKey("the key is incomplete: the reference does not train") from None
        return before, after

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


def _images() -> dict[str, Any]:
    """Two kinds of images of twelve pixels, bright on the left or on the right."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, IMAGES)
    left = np.arange(12) < 6
    p = np.where(left[None] == (kind == 0)[:, None], 0.9, 0.1)
    return {"x": (rng.random((IMAGES, 12)) < p).astype(float), "steps": STEPS}


# ---- in its own process ----


def _in_its_own_process(numbers: Sequence[str], seed: int = 0) -> dict[str, Any]:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    path = [str(source.PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    code = "from scratchvae.homework.key import work_out; work_out()"
    command = [sys.executable, "-c", code, str(seed), *numbers]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=SECONDS, check=True
        )
        answers: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise NotGraded(f"the key was not worked out in {SECONDS} s") from None
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = getattr(error, "stderr", b"") or b""
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        killed = isinstance(error, OSError) or getattr(error, "returncode", 0) < 0
        if killed or last.startswith(("MemoryError", "numpy._core._exceptions._ArrayMemoryError")):
            raise NotGraded(f"the key was not worked out: {last or error}") from None
        raise IncompleteKey(f"the key is incomplete: {last or type(error).__name__}") from None
    return answers


def work_out() -> None:
    """Print as JSON what the reference and the mistakes return."""
    reference = {**source.reference(), "__init__": "", page.NAME: page.RIGHT}
    right, wrong = {}, {}
    seed, *numbers = sys.argv[1:]
    for number in numbers:
        job, exercise = domains.job(number, int(seed)), BY_NUMBER[number]
        package = package_around(exercise)
        right[number] = _answers(reference, job)
        mistakes = [(mistake.sentence, mistake.module(package)) for mistake in catalogue.of(number)]
        wrong[number] = [
            (sentence, _answers({**package, exercise.module: text}, job))
            for sentence, text in (page.wrong() if exercise in PAGE else mistakes)
        ]
    trained = _encoded(Here().run(reference, "trains", {}, [_images()]))
    print(json.dumps({"right": right, "wrong": wrong, "trained": trained}))


def _answers(package: Mapping[str, str], job: Job) -> list[Any]:
    cases = [case.inputs for case in job.cases]
    return _encoded(Here().run(package, job.driver, job.fixed, cases))


def _encoded(result: Result) -> list[Any]:
    return [[wire.encode(reply.outputs), reply.error] for reply in result.replies]


def _result(said: list[Any]) -> Result:
    """What `_encoded` gave."""
    return Result([Reply(wire.decode(o), error and tuple(error)) for o, error in said])
