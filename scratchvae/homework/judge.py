"""From what a function returned to its points, and to what is said of it.

`Verdict.remarks` are sentences to the student, the most telling first. A classical mistake is
named when the function returns what the mistake returns. In which cases that is looked at
depends on what is wrong:

1. Some value is wrong: all cases of `value`, whatever their dtype. So a second, small fault
   beside it hides no name.
2. The values are right: all cases of a kind that has a fault, for each such kind by itself.

Faults of care, as a changed argument, have a sentence of their own, named mistake or not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from scratchvae.homework import compare, where
from scratchvae.homework.compare import bulk
from scratchvae.homework.domains import KINDS, Call, Job
from scratchvae.homework.sandbox import Reply, Result
from scratchvae.homework.wire import LAST

Named = tuple[str, Result]  # a mistake's sentence, and what it returns

OVERWRITES = "You return an array that your next call overwrites: make a new one in each call."
FORGETS = "You do not do what the docstring says of what you keep or give away"
ACCEPTS = "You accept what the docstring refuses"
NOTHING = "You return nothing, which is None: a `return` is missing."
IN_PLACE = "non-broadcastable output operand"  # how NumPy refuses x -= y of a larger shape


@dataclass
class Verdict:
    """passed: of each kind of check, how many of how many."""

    passed: dict[str, tuple[int, int]]
    points: float = 0
    remarks: list[str] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether every check passed."""
        return all(done == total for done, total in self.passed.values())


def judge(
    job: Job, most: float, right: Result, result: Result, wrong: Callable[[], Sequence[Named]]
) -> Verdict:
    """most: points of the exercise. right: what the reference returns. wrong: the mistakes."""
    verdict = count(job, most, right, result)
    if not verdict.full:
        names = named(job, right, result, wrong())
        verdict.remarks = (names or common(job, right, result)) + care(job, right, result)
    return verdict


# ---- points ----

FEW = 10  # one value in so many may be right by chance: where μ is 0, for example
NO_INPUTS = ("errors", "memory")  # kinds in which the arguments are not looked at


def kinds(job: Job) -> list[str]:
    """The kinds of check that the exercise has."""
    have = {case.kind for case in job.cases} | {"inputs"}
    return [kind for kind in KINDS if kind in have]


def totals(job: Job) -> dict[str, int]:
    """How many checks of each kind."""
    return {
        kind: sum(
            case.kind == kind or (kind == "inputs" and case.kind not in NO_INPUTS)
            for case in job.cases
        )
        for kind in kinds(job)
    }


def count(job: Job, most: float, right: Result, result: Result) -> Verdict:
    """Checks passed, and the points that they earn: 1 for each kind but the value."""
    total = totals(job)
    done = dict.fromkeys(total, 0)
    in_place = bool(changed(job, result))
    for case, ours, theirs in zip(job.cases, right.replies, result.replies):
        # what writes into an argument loses that point; not another where NumPy refuses it
        refused = in_place and theirs.error is not None and IN_PLACE in theirs.error[1]
        done[case.kind] += close(case, ours, theirs) or refused
        if case.kind not in NO_INPUTS:
            answered = theirs.error is None or close(case, ours, theirs)
            done["inputs"] += answered and not theirs.after
    if done["value"] * FEW < total["value"]:  # nothing to be careful about
        done = dict.fromkeys(done, 0)
    full = [kind for kind in total if done[kind] == total[kind]]
    others = [kind for kind in total if kind != "value"]
    points = most - len(others) if "value" in full else 0
    points += sum(kind in full for kind in others)
    return Verdict({kind: (done[kind], total[kind]) for kind in total}, points)


def close(case: Call, ours: Reply, theirs: Reply) -> bool:
    """Whether one answer is right."""
    if ours.error is not None:
        return compare.refuses(ours.error[0], theirs.error and theirs.error[0])
    return theirs.error is None and _close(ours, theirs, case)


def _close(ours: Reply, theirs: Reply, case: Call) -> bool:
    try:
        return not compare.why(ours.outputs, theirs.outputs, case)
    except (TypeError, ValueError, OverflowError, RecursionError, IndexError):
        return False


def changed(job: Job, result: Result) -> list[str]:
    """The arguments that some case changed; LAST when it changed what was returned before."""
    found = [
        name
        for case, reply in zip(job.cases, result.replies)
        if case.kind not in NO_INPUTS and reply.error is None
        for name in reply.after
    ]
    return list(dict.fromkeys(found))


# ---- names ----


def named(job: Job, right: Result, result: Result, wrong: Sequence[Named]) -> list[str]:
    """The classical mistakes that this is, at most one for the value or for each other kind."""
    if any(_nothing(ours, theirs) for ours, theirs in zip(right.replies, result.replies)):
        return [NOTHING]
    failed = _failed(job, right, result)
    answered = any(
        case.kind == "value" and reply.error is None
        for case, reply in zip(job.cases, result.replies)
    )
    if not answered or len(result.replies) != len(job.cases):
        return []
    looked_at = ["value"] if "value" in failed else [k for k in KINDS if k in failed - {"errors"}]
    found = []
    for kind in looked_at:
        fits = [
            (_agreement(job, mistake, result), sentence)
            for sentence, mistake in wrong
            if same(job, mistake, result, kind) and _is_wrong(job, right, mistake, kind)
        ]
        if fits:
            found.append(max(fits, key=lambda fit: fit[0])[1])
    return list(dict.fromkeys(found))


def same(job: Job, mistake: Result, result: Result, kind: str) -> bool:
    """Whether both gave the same in every case of this kind in which one of them gives something.

    Where nothing is given in any case, both have to raise the same errors, of the same words.
    """
    if len(mistake.replies) != len(job.cases):
        return False
    triples = zip(job.cases, mistake.replies, result.replies)
    of_kind = [(case, ours, theirs) for case, ours, theirs in triples if case.kind == kind]
    answered = [one for one in of_kind if one[1].error is None or one[2].error is None]
    if not answered:
        return all(ours.error == theirs.error for _, ours, theirs in of_kind)
    return all(_alike(*one) for one in answered)


def _nothing(ours: Reply, theirs: Reply) -> bool:
    return theirs.error is None and theirs.outputs is None and ours.outputs is not None


def _failed(job: Job, right: Result, result: Result) -> set[str]:
    """The kinds in which some answer is wrong, whatever its dtype."""
    return {
        case.kind
        for case, ours, theirs in zip(job.cases, right.replies, result.replies)
        if not close(case._replace(any_dtype=True), ours, theirs)
    }


def _is_wrong(job: Job, right: Result, mistake: Result, kind: str) -> bool:
    """Whether the mistake fails this kind of check, and the value only if that is looked at."""
    failed = _failed(job, right, mistake)
    return kind in failed and (kind == "value" or "value" not in failed)


def _agreement(job: Job, mistake: Result, result: Result) -> int:
    return sum(
        _alike(case, ours, theirs)
        for case, ours, theirs in zip(job.cases, mistake.replies, result.replies)
    )


def _alike(case: Call, ours: Reply, theirs: Reply) -> bool:
    """Two runs of one mistake agree as two right answers do; dtypes are another matter."""
    if ours.error is not None or theirs.error is not None:
        return (
            ours.error is not None and theirs.error is not None and ours.error[0] == theirs.error[0]
        )
    rtol = max(case.rtol, 1e-9)
    return _close(ours, theirs, case._replace(any_dtype=True, rtol=rtol))


def common(job: Job, right: Result, result: Result) -> list[str]:
    """What the wrong calls have in common, if something: see `where.py`."""
    failed = _failed(job, right, result)
    kinds = ("value", "shapes") if "value" in failed else ("extremes",)
    triples = [
        (case, not close(case._replace(any_dtype=True), ours, theirs))
        for case, ours, theirs in zip(job.cases, right.replies, result.replies)
        if case.kind in kinds
    ]
    sentence = where.said(*map(list, zip(*triples))) if triples else ""
    return [sentence] if sentence else []


# ---- care ----


def care(job: Job, right: Result, result: Result) -> list[str]:
    """Faults that any function can have: each is seen from what it returned, not compared."""
    remarks = []
    names = changed(job, result)
    if LAST in names:
        remarks.append(OVERWRITES)
    if names := [name for name in names if name != LAST]:
        these = "argument" if len(names) == 1 else "arguments"
        remarks.append(
            f"You write into your {these} {' and '.join(names)}: "
            "the caller needs the old numbers, so make a new array."
        )
    triples = zip(job.cases, right.replies, result.replies)
    value = "value" in _failed(job, right, result)
    for case, ours, theirs in sorted(triples, key=lambda triple: bulk(triple[0])):
        if case.kind == "value" or close(case, ours, theirs):
            continue
        if case.kind == "memory":
            if theirs.error and theirs.error[0] == "NotImplementedError":
                continue
            part = compare.wrong_parts(job, case, ours.outputs, theirs.outputs)[0][0]
            remarks.append(f"{FORGETS}: {part}." if part else f"{FORGETS}.")
        elif case.kind == "errors":
            if theirs.error is None and not any(remark.startswith(ACCEPTS) for remark in remarks):
                remarks.append(f"{ACCEPTS}: {', '.join(compare.called(case))}.")
        elif ours.error is None and theirs.error is None:
            if case.kind == "shapes" and _close(ours, theirs, case._replace(any_dtype=True)):
                remarks.append(f"You return another type of number: {_type(ours)}.")
            elif case.kind == "extremes" and not value:
                remarks += _far_out(ours, theirs)
        elif case.kind == "extremes" and theirs.error and "overflow" in theirs.error[1]:
            remarks.append("You let a number overflow on the way, where the result is finite.")
    return list(dict.fromkeys(remarks))


def _type(ours: Reply) -> str:
    parts = ours.outputs if isinstance(ours.outputs, tuple) else (ours.outputs,)
    kept = any(np.asarray(part).dtype == np.float32 for part in parts)
    return "float32 should stay float32" if kept else "it should be float64"


def _far_out(ours: Reply, theirs: Reply) -> list[str]:
    """What is infinite or NaN and should not be, or the other way round."""
    pairs = (
        zip(ours.outputs, theirs.outputs)
        if isinstance(ours.outputs, tuple) and isinstance(theirs.outputs, tuple)
        else [(ours.outputs, theirs.outputs)]
    )
    for a, b in pairs:
        try:
            a, b = np.asarray(a, float), np.asarray(b, float)
        except (TypeError, ValueError, OverflowError):
            continue
        if a.shape != b.shape:  # broadcast, they could be any size
            continue
        if (np.isinf(a) & np.isfinite(b)).any():
            return ["You return a finite number where the right one is infinite."]
        if (np.isfinite(a) & ~np.isfinite(b)).any():
            return ["You return NaN or an infinite number where the right one is finite."]
    return []
