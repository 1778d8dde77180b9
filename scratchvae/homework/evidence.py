"""What shows a student that an answer is wrong: the smallest input, what is expected, what came.

For each kind of check that failed there is one piece of evidence, at the input with the fewest
numbers. An array of more than 12 numbers is shown by its first wrong entry. Expected and
returned numbers are shown with as many digits as it takes to tell them apart.
"""

import operator as op
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from scratchvae.homework import compare
from scratchvae.homework.compare import bulk
from scratchvae.homework.domains import KINDS, Call, Job
from scratchvae.homework.exercises import Exercise
from scratchvae.homework.sandbox import Reply, Result
from scratchvae.homework.wire import LAST, plain

MOST_PRINTED = 2_000  # bytes that a function may print before it is said


class Evidence(TypedDict):
    """kind: of the check. said: a sentence to the student. called: "name = value" of each input.

    shown: for each wrong part its name, what is expected, what came.
    """

    kind: str
    said: str
    called: list[str]
    shown: list[list[str]]


Close = Callable[[Call, Reply, Reply], bool]


def of(exercise: Exercise, job: Job, right: Result, result: Result, close: Close) -> list[Evidence]:
    """All that failed, in the order of `KINDS`. close: whether one answer is right.

    Nothing that a function returned makes this fail: a report may not cost a point.
    """
    try:
        return _of(exercise, job, right, result, close)
    except Exception:
        return [Evidence(kind="other", said="Your answer is wrong.", called=[], shown=[])]


def _of(
    exercise: Exercise, job: Job, right: Result, result: Result, close: Close
) -> list[Evidence]:
    found: list[Evidence] = []
    for kind in KINDS:
        failed = [
            i
            for i, (case, reply) in enumerate(zip(job.cases, result.replies))
            if case.kind == kind and not close(case, right.replies[i], reply)
        ]
        if failed:
            i = min(failed, key=lambda index: bulk(job.cases[index]))
            ours, theirs = right.replies[i], result.replies[i]
            new = _at(job, job.cases[i], ours, theirs)
            if new["kind"] == "not done":
                return [new]
            if not (found and found[0]["kind"] == "value" and _follows(job.cases[i], ours, theirs)):
                found.append(new)
        elif kind == "inputs":
            found += _changed(job.cases, result.replies)
    if result.stopped:
        called: list[str] = []
        if len(result.replies) < len(job.cases):
            called = compare.called(job.cases[len(result.replies)])
        said = f"Your function gives no answer: {result.stopped}."
        found.append(Evidence(kind="stopped", said=said, called=called, shown=[]))
    if result.printed > MOST_PRINTED:
        said = f"Your function prints {result.printed:,} bytes: take the print out."
        found.append(Evidence(kind="printed", said=said, called=[], shown=[]))
    return found


def _follows(case: Call, ours: Reply, theirs: Reply) -> bool:
    """Whether it is wrong here because the value is wrong anyway, and not for its type."""
    if case.kind not in ("shapes", "extremes"):
        return False
    if theirs.error is not None or case.kind == "extremes":
        return True
    types = (getattr(leaf, "dtype", 0) for leaf in _leaves(ours.outputs))
    return all(map(op.eq, types, (getattr(leaf, "dtype", 0) for leaf in _leaves(theirs.outputs))))


def _leaves(value: Any) -> list[Any]:
    return [part for one in value for part in _leaves(one)] if isinstance(value, tuple) else [value]


def _at(job: Job, case: Call, ours: Reply, theirs: Reply) -> Evidence:
    found = Evidence(kind=case.kind, said="", called=compare.called(case), shown=[])
    if theirs.error is not None and theirs.error[0] == "NotImplementedError":
        return Evidence(kind="not done", said="You have not done this one.", called=[], shown=[])
    if ours.error is not None:
        got = _raised(theirs) if theirs.error else compare.text(theirs.outputs)
        found["said"] = "You accept what the docstring refuses."
        wanted = " or ".join(compare.REFUSES) if ours.error[0] in compare.REFUSES else ours.error[0]
        found["shown"] = [["", wanted, got]]
    elif theirs.error is not None:
        found["said"] = f"Your function raises {_raised(theirs)}"
    else:
        found["said"] = {
            "value": "Your value is wrong.",
            "shapes": "The shape or the type of number of what you return is wrong.",
            "extremes": "You are right at ordinary numbers, and wrong at extreme ones.",
            "memory": "You do not keep what the docstring says, for another call that needs it.",
        }[case.kind]
        found["shown"] = compare.wrong_parts(job, case, ours.outputs, theirs.outputs)
    return found


def _raised(reply: Reply) -> str:
    assert reply.error is not None
    kind, text = reply.error
    return plain(f"{kind}: {text}" if text else kind, 200)


def _changed(cases: Sequence[Call], replies: Sequence[Reply]) -> list[Evidence]:
    """The arguments that are not afterwards as they were, at the smallest input that shows it."""
    smallest: dict[str, tuple[tuple[int, int], Evidence]] = {}
    for case, reply in zip(cases, replies):
        if case.kind in ("errors", "memory") or reply.error is not None:
            continue
        for name in reply.after:
            if name in smallest and bulk(case) >= smallest[name][0]:
                continue
            after = reply.after.get(name)
            said, shown = f"You change {name}: the caller needs it as it was.", []
            if name != LAST:
                said = said.replace(name, f"your argument `{name}`")
                exact = case._replace(rtol=0.0, atol=0.0)
                shown = [[f"{name} afterwards", *compare.pair(case.inputs[name], after, exact)]]
            called = compare.called(case)
            new = Evidence(kind="inputs", said=said, called=called, shown=shown)
            smallest[name] = (bulk(case), new)
    return [evidence for _, evidence in smallest.values()]
