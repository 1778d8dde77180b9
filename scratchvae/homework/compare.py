"""Whether an answer is right, and how its first wrong number is shown.

The public tests use it, and what grades. What a function returned has gone through `encode` and
`decode`: whatever unpacks into two arrays is a tuple of two.
"""

from typing import Any

import numpy as np

from scratchvae.homework.domains import Call, Job
from scratchvae.homework.wire import Opaque, plain

WHOLE = 12  # numbers of an array that is shown whole
REFUSES = ("ValueError", "TypeError")  # one is as good as the other

# What the parts of an answer are, by driver, or by function.
PARTS = {
    "affine_forward": ("y", "y of other weights", "the change of the weights"),
    "affine_backward_weights": ("g, (dW, db)", "g after a second call, from NaN", "g of another x",
                                "the weights afterwards"),
    "affine_backward_input": ("dx", "g afterwards", "the weights afterwards",
                              "dx of other weights"),
    "tanh_backward_input": ("dx", "dx of a second call"),
    "vae_forward": ("log p(x|z)", "KL"),
    "vae_backward": ("g", "theta afterwards", "whether g comes of differences"),
    "central_difference": ("the gradient", "theta afterwards", "how many θ_i differ in a call of f",
                           "whether theta is itself when f is called"),
    "training_step": ("the bounds of each step", "theta afterwards"),
    "binarize": ("whether all are 0 or 1", "whether a seed gives the same bits", "shares of ones",
                 "shares of neighbours that differ", "shares of rows that differ",
                 "shares that differ when drawn again"),
    "log_mean": ("the log of the mean", "its standard error"),
    "importance_weighted_bound": ("L_K", "its standard error"),
    "one_page": ("dW", "db"),
    "reparameterize_backward": ("dmu", "dlogvar"),
    "affine_forward memory": ("self.x",),
    "call_for_new memory": ("whether an array is an argument itself",),
    "vae_log_weights memory": ("whether `backward` may run after it",),
    "vae_forward memory": ("self._x", "self._eps", "self._mu_logvar", "self.remembered",
                           "what the layers keep"),
    "gaussian_kl_backward": ("dmu", "dlogvar"),
    "gaussian_log_density_backward": ("dmu", "dlogvar"),
}  # fmt: skip


def refuses(ours: str, theirs: str | None) -> bool:
    """Whether an error is of the type that is promised. None: there was none."""
    return theirs is not None and (theirs == ours or {ours, theirs} <= set(REFUSES))


def why(ours: Any, theirs: Any, call: Call) -> str:
    """Why an answer is wrong; "" if it is right. Tuples are compared part by part."""
    if isinstance(ours, np.ndarray) and isinstance(theirs, tuple):
        theirs, call = array_of(theirs), call._replace(any_dtype=True)
    if isinstance(ours, tuple) and isinstance(theirs, np.ndarray) and theirs.ndim:
        theirs = tuple(theirs[: len(ours) + 1])  # it unpacks into its rows
    if isinstance(ours, tuple):
        if not isinstance(theirs, tuple) or len(theirs) != len(ours):
            return f"it should return {len(ours)} things, and returns {text(theirs)}"
        found = (why(a, b, call) for a, b in zip(ours, theirs))
        return next((one for one in found if one), "")
    if isinstance(ours, str):
        return (
            ""
            if isinstance(theirs, str) and theirs == ours
            else f"it should be {ours!r}, and is {text(theirs)}"
        )
    if theirs is None or isinstance(theirs, str | tuple | dict | Opaque):
        return f"it should return numbers, and returns {text(theirs)}"
    a, b = np.asarray(ours), np.asarray(theirs)
    if a.shape != b.shape:
        return f"the shape should be {a.shape}, and is {b.shape}"
    looked_at = call.kind == "shapes" and not call.any_dtype and isinstance(ours, np.ndarray)
    if looked_at and a.ndim and a.dtype != b.dtype and np.longdouble not in (a.dtype, b.dtype):
        return f"the type should be {a.dtype}, and is {b.dtype}"
    return "it is another value" if _wrong(a, b, call).any() else ""


def _wrong(a: Any, b: Any, call: Call) -> Any:
    """Where b is not a, of the same shape."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    finite = np.where(np.isfinite(a), np.abs(a), 0)
    size = finite if call.kind == "extremes" else finite.max(initial=0.0)
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= call.rtol * size + call.atol
    return ~((a == b) | near & np.isfinite(a) | np.isnan(a) & np.isnan(b))


def bulk(call: Call) -> tuple[int, int]:
    """How much there is to read in a call: its numbers, and then the length of its text."""
    numbers = sum(np.size(value) for value in call.inputs.values())
    if numbers > 16:
        return numbers, 0
    return numbers, len(repr([np.asarray(value).tolist() for value in call.inputs.values()]))


def array_of(parts: Any) -> Any:
    """Nested tuples of numbers as an array; itself when they are no such thing."""
    try:
        array = np.array(parts)
    except ValueError:
        return parts
    return array if array.dtype.kind in "biuf" else parts


def called(call: Call) -> list[str]:
    """ "name = value" of each input."""
    return [f"{name} = {_argument(value)}" for name, value in call.inputs.items()]


def _argument(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > WHOLE:
        finite = value[np.isfinite(value)]
        span = f" from {finite.min():.3g} to {finite.max():.3g}" if finite.size else ""
        return f"{value.dtype} of shape {value.shape},{span}"
    if isinstance(value, np.ndarray):
        dtype = "" if value.dtype in (np.float64, np.int64) else f" ({value.dtype})"
        exact = all(float(f"{number:.6g}") == number for number in value.ravel())
        return _numbers(value, 6 if exact or value.dtype != np.float64 else 17) + dtype
    return plain(repr(value), 80)


def parts(job: Job, call: Call) -> tuple[str, ...]:
    """What the parts of an answer are called."""
    kind = " memory" * (call.kind == "memory")
    known = (f"{name}{kind}" for name in (job.fixed.get("name", ""), job.driver))
    return next((PARTS[name] for name in known if name in PARTS), ())


def wrong_parts(job: Job, call: Call, ours: Any, theirs: Any) -> list[list[str]]:
    """Of each wrong part its name, what is expected, what came."""
    names = parts(job, call)
    if not isinstance(ours, tuple):
        return [[names[0] if len(names) == 1 else "", *pair(ours, theirs, call)]]
    if isinstance(theirs, np.ndarray) and theirs.shape[:1] == (len(ours),):
        theirs = tuple(theirs)
    if not isinstance(theirs, tuple) or len(theirs) != len(ours):
        return [["", f"{len(ours)} values", text(theirs)]]
    shown = []
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if why(a, b, call):
            part = names[i] if len(names) == len(ours) else f"value {i + 1}"
            shown.append([part, *pair(array_of(a), array_of(b), call)])
    return shown or [["", *pair(array_of(ours), array_of(theirs), call)]]


def pair(ours: Any, theirs: Any, call: Call) -> list[str]:
    """Expected and returned, as texts that differ where the values do."""
    try:
        a, b = np.asarray(ours), np.asarray(theirs)
        if b.dtype.kind not in "biuf" or a.dtype.kind not in "biuf" or isinstance(theirs, Opaque):
            return [text(ours), text(theirs)]
    except (TypeError, ValueError):
        return [text(ours), text(theirs)]
    if a.shape != b.shape:
        return [f"shape {a.shape}", f"shape {b.shape}"]
    off = _wrong(a, b, call)
    if a.dtype != b.dtype and not off.any():
        return [str(a.dtype), str(b.dtype)]
    where = tail = ""
    if a.size > WHOLE:
        index = tuple(int(i) for i in np.argwhere(off)[0]) if off.any() else (0,) * a.ndim
        where = f"[{', '.join(map(str, index))}] is "
        tail = f" ({int(off.sum())} of {a.size} differ)"
        a, b = a[index], b[index]
    for digits in (6, 9, 17):
        texts = [_numbers(a, digits), _numbers(b, digits)]
        if texts[0] != texts[1]:
            break
    return [where + texts[0], where + texts[1] + tail]


def _numbers(value: Any, digits: int) -> str:
    """Numbers in one line, so many digits each."""
    array = np.asarray(value)
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
    one: Any = {"float_kind": lambda number: f"{number:.{digits}g}"}
    found = np.array2string(array, separator=", ", threshold=10_000, formatter=one)
    return " ".join(found.split())


def text(value: Any) -> str:
    """A value that came, in one line."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        return (
            _numbers(array, 6) if array.size <= WHOLE else f"{array.dtype} of shape {array.shape}"
        )
    if isinstance(value, tuple):
        return plain(f"({', '.join(map(text, value[:6]))})", 120)
    return plain(f"{value:.6g}" if isinstance(value, float) else repr(value), 120)
