"""What shows a student that an answer is wrong: the smallest input, what is expected, what came.

For each kind of check that failed there is one piece of evidence, at the input with the fewest
numbers. An array of more than 12 numbers is shown by its first wrong entry. Expected and
returned numbers are shown with as many digits as it takes to tell them apart.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from scratchvae.homework.checks import KINDS, Case, Job, bulk, looked
from scratchvae.homework.exercises import Exercise
from scratchvae.homework.sandbox import Reply, Result
from scratchvae.homework.wire import Opaque, plain

WHOLE = 12  # numbers of an array that is shown whole
MOST_PRINTED = 2_000  # bytes that a function may print before it is said

# What the parts of an answer are, by driver or by exercise.
PARTS = {
    "affine_forward": ("y", "the weights afterwards"),
    "affine_backward_weights": ("g, (dW, db)", "g after a second call", "the weights afterwards"),
    "affine_backward_input": ("dx", "g afterwards", "the weights afterwards"),
    "tanh_backward_input": ("dx", "dx of a second call"),
    "vae_forward": ("log p(x|z)", "KL"),
    "vae_backward": ("g", "theta afterwards"),
    "central_difference": ("the gradient", "theta afterwards"),
    "training_step": ("the bounds of each step", "theta afterwards"),
    "binarize": ("bits", "bits drawn again"),
    "log_mean": ("the log of the mean", "its standard error"),
    "importance_weighted_bound": ("L_K", "its standard error"),
    "one_page": ("dW", "db"),
    "2.4": ("dmu", "dlogvar"),
    "2.5": ("dmu", "dlogvar"),
    "2.9": ("dmu", "dlogvar"),
}


class Evidence(TypedDict):
    """kind: of the check. said: a sentence to the student. called: "name = value" of each input.

    shown: for each wrong part its name, what is expected, what came.
    """

    kind: str
    said: str
    called: list[str]
    shown: list[list[str]]


Close = Callable[[Case, Reply, Reply], bool]


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
            new = _at(exercise, job, job.cases[i], ours, theirs)
            if new["kind"] == "not done":
                return [new]
            if not (found and found[0]["kind"] == "value" and _follows(job.cases[i], ours, theirs)):
                found.append(new)
        elif kind == "inputs":
            found += _changed(job.cases, result.replies)
    if result.stopped:
        called: list[str] = []
        if len(result.replies) < len(job.cases):
            called = _called(job.cases[len(result.replies)])
        said = f"Your function gives no answer: {result.stopped}."
        found.append(Evidence(kind="stopped", said=said, called=called, shown=[]))
    if result.printed > MOST_PRINTED:
        said = f"Your function prints {result.printed:,} bytes: take the print out."
        found.append(Evidence(kind="printed", said=said, called=[], shown=[]))
    return found


def _follows(case: Case, ours: Reply, theirs: Reply) -> bool:
    """Whether it is wrong here because the value is wrong anyway, and not for its shape or type."""
    if case.kind not in ("shapes", "extremes"):
        return False
    if theirs.error is not None or case.kind == "extremes":
        return True
    a, b = _leaves(ours.outputs), _leaves(theirs.outputs)
    return len(a) == len(b) and all(
        np.shape(x) == np.shape(y) and getattr(x, "dtype", 0) == getattr(y, "dtype", 0)
        for x, y in zip(a, b)
    )


def _leaves(value: Any) -> list[Any]:
    return [part for one in value for part in _leaves(one)] if isinstance(value, tuple) else [value]


def _at(exercise: Exercise, job: Job, case: Case, ours: Reply, theirs: Reply) -> Evidence:
    found = Evidence(kind=case.kind, said="", called=_called(case), shown=[])
    if theirs.error is not None and theirs.error[0] == "NotImplementedError":
        return Evidence(kind="not done", said="You have not done this one.", called=[], shown=[])
    if case.kind == "errors":
        found["said"] = "You accept what the docstring refuses."
        got = _raised(theirs) if theirs.error else _short(theirs.outputs)
        found["shown"] = [["", "ValueError or TypeError", got]]
    elif theirs.error is not None:
        found["said"] = f"Your function raises {_raised(theirs)}"
    else:
        found["said"] = {
            "value": "Your value is wrong.",
            "shapes": "The shape or the type of number of what you return is wrong.",
            "extremes": "You are right at ordinary numbers, and wrong at extreme ones.",
            "memory": "Your `forward` does not keep what `backward` needs.",
        }.get(case.kind, "Your answer is wrong.")
        found["shown"] = _wrong_parts(exercise, job, case, ours.outputs, theirs.outputs)
    return found


def _raised(reply: Reply) -> str:
    assert reply.error is not None
    kind, text = reply.error
    return plain(f"{kind}: {text}" if text else kind, 200)


def _changed(cases: Sequence[Case], replies: Sequence[Reply]) -> list[Evidence]:
    """The arguments that are not afterwards as they were, at the smallest input that shows it."""
    smallest: dict[str, tuple[tuple[int, int], Evidence]] = {}
    for case, reply in zip(cases, replies):
        for name, value in case.inputs.items():
            after = reply.after.get(name)
            if case.kind != "value" or reply.error is not None or not isinstance(value, np.ndarray):
                continue
            if isinstance(after, np.ndarray) and _equal(value, after):
                continue
            said = f"You change your argument `{name}`: the caller needs it as it was."
            shown = [[f"{name} afterwards", *_pair(value, after)]]
            if name not in smallest or bulk(case) < smallest[name][0]:
                new = Evidence(kind="inputs", said=said, called=_called(case), shown=shown)
                smallest[name] = (bulk(case), new)
    return [evidence for _, evidence in smallest.values()]


def _equal(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


def _called(case: Case) -> list[str]:
    return [f"{name} = {_input(value)}" for name, value in case.inputs.items()]


def _input(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > WHOLE:
        span = f" from {value.min():.3g} to {value.max():.3g}" if value.size else ""
        return f"{value.dtype} of shape {value.shape},{span}"
    if isinstance(value, np.ndarray):
        dtype = "" if value.dtype in (np.float64, np.int64) else f" ({value.dtype})"
        exact = all(float(f"{number:.6g}") == number for number in value.ravel())
        return _text(value, 6 if exact or value.dtype != np.float64 else 17) + dtype
    return plain(f"{value:.6g}" if isinstance(value, float) else repr(value), 80)


def _wrong_parts(
    exercise: Exercise, job: Job, case: Case, ours: Any, theirs: Any
) -> list[list[str]]:
    names = PARTS.get(exercise.number, PARTS.get(job.driver, ()))
    if case.look is not None:
        names, (ours, theirs) = (), looked(case, ours, theirs)
    if not isinstance(ours, tuple):
        return [["", *_pair(ours, theirs)]]
    if not isinstance(theirs, tuple) or len(theirs) != len(ours):
        return [["", f"{len(ours)} values", _short(theirs)]]
    shown = []
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
            a, b = _flat(a), _flat(b)
        if not _agree(case, a, b):
            name = names[i] if i < len(names) and len(names) == len(ours) else f"value {i + 1}"
            shown.append([name, *_pair(a, b)])
    return shown or [["", *_pair(_flat(ours), _flat(theirs))]]


def _flat(value: Any) -> Any:
    """Nested tuples of numbers as one array, where they are that."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        return value
    return array


def _agree(case: Case, ours: Any, theirs: Any) -> bool:
    try:
        a, b = np.asarray(ours), np.asarray(theirs)
        if case.kind == "shapes" and a.dtype != b.dtype:
            return False
        scale = np.abs(a[np.isfinite(a)]).max(initial=0.0)
        atol = case.rtol * scale + case.atol
        return a.shape == b.shape and np.allclose(a, b, rtol=0, atol=atol, equal_nan=True)
    except (TypeError, ValueError):
        return False


def _pair(ours: Any, theirs: Any) -> list[str]:
    """Expected and returned, as texts that differ where the values do."""
    try:
        a, b = np.asarray(ours), np.asarray(theirs)
        if b.dtype.kind not in "biuf" or isinstance(theirs, Opaque):
            return [_short(ours), _short(theirs)]
    except (TypeError, ValueError):
        return [_short(ours), _short(theirs)]
    if a.shape != b.shape:
        return [f"shape {a.shape}", f"shape {b.shape}"]
    if a.dtype != b.dtype and np.allclose(a, b, rtol=1e-4, equal_nan=True):
        return [str(a.dtype), str(b.dtype)]
    where = ""
    if a.size > WHOLE:
        scale = np.abs(a[np.isfinite(a)]).max(initial=0.0)
        off = ~np.isclose(a, b, rtol=1e-9, atol=1e-9 * scale, equal_nan=True)
        index = tuple(int(i) for i in np.argwhere(off)[0]) if off.any() else (0,) * a.ndim
        where = f"[{', '.join(map(str, index))}] is "
        tail = f" ({int(off.sum())} of {a.size} differ)"
        a, b = a[index], b[index]
    for digits in (6, 9, 17):
        texts = [_text(a, digits), _text(b, digits)]
        if texts[0] != texts[1]:
            break
    return [where + texts[0], where + texts[1] + (tail if where else "")]


def _text(value: Any, digits: int) -> str:
    """Numbers in one line, so many digits each."""
    array = np.asarray(value)
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
    one = {"float_kind": lambda number: f"{number:.{digits}g}"}
    text = np.array2string(
        array,
        separator=", ",
        threshold=10_000,
        formatter=one,  # type: ignore[arg-type]
    )
    return " ".join(text.split())


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return _text(value, 6) if value.size <= WHOLE else f"{value.dtype} of shape {value.shape}"
    if isinstance(value, tuple):
        return plain(f"({', '.join(map(_short, value[:6]))})", 120)
    return plain(f"{value:.6g}" if isinstance(value, float) else repr(value), 120)
