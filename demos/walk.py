"""What the notebook of homework chapter 2 uses: each answer is compared as soon as it is there.

`check` runs the grader's own cases and its judge, in this process. `compare` is for one
backward pass, number by number; what it compares with is the trace of the package.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchvae.homework import catalogue, drivers, judge, wire
from scratchvae.homework.compare import why
from scratchvae.homework.domains import Call, Job
from scratchvae.homework.domains import job as job_of
from scratchvae.homework.exercises import BY_NUMBER
from scratchvae.homework.sandbox import Reply, Result
from scratchvae.study.step import TrainingStep, training_step


def answers(job: Job, function: Callable[..., Any]) -> Result:
    """What the function returns in every case, as the grader's sandbox would give it."""
    module, name = drivers.package(job.fixed["module"]), job.fixed["name"]
    kept, replies = getattr(module, name), []
    setattr(module, name, function)
    try:
        for case in job.cases:
            inputs, reply = copy.deepcopy(case.inputs), Reply()
            sent = {key: wire.encode(value) for key, value in inputs.items()}
            try:
                with np.errstate(all="ignore"):
                    found = drivers.drive(job.driver, job.fixed, inputs)
                reply.outputs = wire.decode(wire.encode(found))
            except NotImplementedError:
                raise
            except Exception as error:
                reply.error = type(error).__name__, str(error)[:300]
            after = wire.afterwards(sent, inputs, None, None)
            reply.after = {key: wire.decode(value) for key, value in after.items()}
            replies.append(reply)
    finally:
        setattr(module, name, kept)
    return Result(replies)


def check(number: str, function: Callable[..., Any]) -> judge.Verdict | None:
    """Print what the grader says of the function. Returns its verdict; None: nothing there yet."""
    exercise = BY_NUMBER[number]
    job = job_of(number)
    try:
        result = answers(job, function)
    except NotImplementedError:
        print(f"{number} {exercise.title}: not there yet")
        return None
    right = answers(job, getattr(drivers.package(exercise.module), exercise.name))
    verdict = judge.judge(
        job,
        exercise.points,
        right,
        result,
        lambda: [(m.sentence, answers(job, m.function)) for m in catalogue.of(number)],
    )
    parts = ", ".join(f"{kind} {done} of {of}" for kind, (done, of) in verdict.passed.items())
    print(f"{number} {exercise.title}: {verdict.points:g} of {exercise.points} points ({parts})")
    for remark in verdict.remarks:
        print(f"    {remark}")
    errors = [reply.error for reply in result.replies if reply.error]
    if errors and not verdict.remarks:
        print(f"    it stops: {errors[0][0]}: {errors[0][1]}")
    return verdict


class Walk:
    """One backward pass of a small VAE, to be filled in.

    Its numbers are attributes: x, eps, h, mu, logvar, z, h_z (the decoder's hidden layer, h′),
    a (the logits); the weights: W_mu, W_logvar, V (of the decoder's hidden layer), U (of the
    logits). All are those of `scratchvae trace --seed SEED`, with B = 1 and L = 1.
    """

    def __init__(self, seed: int = 0) -> None:
        self.step: TrainingStep = training_step(seed=seed)
        find = self.step.find
        for name in ("x", "eps"):
            setattr(self, name, find(name, phase="given").value)
        for name in ("mu", "logvar"):
            setattr(self, name, find(name, name, "forward").value)
            setattr(self, f"W_{name}", find("W", name, "given").value)
        self.h = find("h", "encoder.0 tanh", "forward").value
        self.z = find("z", phase="forward").value.reshape(1, -1)
        self.h_z = find("h", "decoder.0 tanh", "forward").value
        self.a = find("logits", "logits", "forward").value
        self.V, self.U = find("W", "decoder.0", "given").value, find("W", "logits", "given").value
        self.right = {
            "da": find("dlogits", phase="backward").value,
            "dU": find("dW", "logits", "backward").value,
            "dh_z": find("dh_decoder", phase="backward").value,
            "dz": find("dz", phase="backward").value,
            "dmu": find("dmu", phase="backward").value,
            "dlogvar": find("dlogvar", phase="backward").value,
            "dh": find("dh_encoder", phase="backward").value,
        }

    def compare(self, name: str, yours: Any) -> bool | None:
        """Print whether your gradient is that of the package. None: nothing there yet."""
        if yours is None:
            print(f"{name:8} not there yet")
            return None
        ours = self.right[name]
        theirs = np.asarray(yours, float)
        if theirs.size == ours.size:
            theirs = theirs.reshape(ours.shape)  # (1, n) for (1, 1, n) is as good
        wrong = why(ours, theirs, Call("value", {}))
        largest = 0.0 if ours.shape != theirs.shape else float(np.abs(ours - theirs).max())
        print(f"{name:8} {wrong or 'right':24} largest difference: {largest:.1e}")
        return not wrong
