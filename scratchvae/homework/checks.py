"""What each exercise is called with, and how an answer is compared.

Expected values are not here. The inputs of chapter 1 are drawn (`domains.py`): with a new seed
for each run of the grader. The others are lists, with fixed seeds.

The kinds of check, each worth 1 point, and `value` the rest:

    value      right numbers, in float64
    shapes     shapes and dtypes: float32 stays float32, batches keep their leading axes
    inputs     the arguments are afterwards as they were
    memory     what `backward` needs of `forward` is there
    extremes   zeros in p, logits of ±10⁴, log σ² of ±50, numbers that nearly cancel
    errors     a ValueError or TypeError where the docstring promises one

A formula that gives no right value has no points for being careful: the other kinds count
when at least one value is right.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchvae.homework import domains
from scratchvae.homework.wire import Opaque

Inputs = dict[str, Any]
DRAWN = 240  # calls of an exercise whose calls are drawn
KINDS = ("value", "shapes", "inputs", "memory", "extremes", "errors")


@dataclass(frozen=True)
class Case:
    """One call.

    rtol: how far a right answer may be off, relative to its largest entry; atol: absolutely.
    any_dtype: the type is not looked at: `np.log(2 * np.pi)`, written into a formula, makes
    float64 of float32 in some versions of NumPy.
    look: what of the answer is compared, if not the answer itself: of bits, their shares.
    """

    kind: str
    inputs: Inputs
    rtol: float = 1e-9
    atol: float = 1e-12
    any_dtype: bool = False
    look: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Job:
    """How an exercise is called: the driver, what is the same in every call, and the calls."""

    driver: str
    fixed: dict[str, str]
    cases: list[Case]


@dataclass(frozen=True)
class Difference:
    """ours: expected. theirs: the student's. What gradient_check says of two gradients."""

    exact: bool
    close: bool
    largest: float
    why: str = ""


def compare(ours: Any, theirs: Any, case: Case) -> Difference:
    """Compare two outputs, part by part. A list of numbers stands for an array of any type."""
    if case.look is not None:
        return compare(*looked(case, ours, theirs), replace(case, look=None))
    if isinstance(ours, np.ndarray) and isinstance(theirs, tuple):
        theirs, case = _array_of(theirs), replace(case, any_dtype=True)
    if isinstance(ours, tuple) and isinstance(theirs, np.ndarray) and theirs.ndim:
        theirs = tuple(theirs[: len(ours) + 1])  # it unpacks into its rows
    if isinstance(ours, tuple):
        if not isinstance(theirs, tuple) or len(theirs) != len(ours):
            return Difference(
                False,
                False,
                np.inf,
                f"it should return {len(ours)} things, and returns {describe(theirs)}",
            )
        parts = [compare(a, b, case) for a, b in zip(ours, theirs)]
        why = next((part.why for part in parts if not part.close), "")
        return Difference(
            all(p.exact for p in parts),
            all(p.close for p in parts),
            max(p.largest for p in parts),
            why,
        )
    if theirs is None or isinstance(theirs, str | tuple | dict | Opaque):
        return Difference(
            False, False, np.inf, f"it should return numbers, and returns {describe(theirs)}"
        )
    a, b = np.asarray(ours), np.asarray(theirs)
    if a.shape != b.shape:
        return Difference(False, False, np.inf, f"the shape should be {a.shape}, and is {b.shape}")
    if (
        case.kind == "shapes"
        and not case.any_dtype
        and isinstance(ours, np.ndarray)
        and a.ndim
        and a.dtype != b.dtype
        and not (a.dtype == np.float64 and b.dtype == np.longdouble)
    ):
        return Difference(False, False, 0.0, f"the type should be {a.dtype}, and is {b.dtype}")
    if a.size == 0:
        return Difference(True, True, 0.0)
    a, b = a.astype(np.float64), b.astype(np.float64)
    if bool((np.isfinite(a) != np.isfinite(b)).any()) or not np.array_equal(
        a[~np.isfinite(a)], b[~np.isfinite(b)], equal_nan=True
    ):
        return Difference(
            False,
            False,
            np.inf,
            "infinite or not a number where it should not be, or finite where it should not be",
        )
    finite = np.isfinite(a)
    off = np.abs(a[finite] - b[finite])
    largest = float(off.max(initial=0.0))
    scale = np.abs(a[finite]) if case.kind == "extremes" else np.abs(a[finite]).max(initial=0.0)
    return Difference(largest == 0, bool((off <= case.rtol * scale + case.atol).all()), largest)


def looked(case: Case, ours: Any, theirs: Any) -> tuple[Any, Any]:
    """What is compared of two answers: what `case.look` sees, if their shapes are the same."""
    if case.look is None or _shapes(ours) != _shapes(theirs):
        return ours, theirs
    return case.look(ours), case.look(theirs)


def _shapes(answer: Any) -> list[tuple[int, ...]]:
    parts = answer if isinstance(answer, tuple) else (answer,)
    return [np.shape(_array_of(part)) for part in parts]


def _array_of(parts: Any) -> Any:
    """Nested tuples of numbers as an array; itself when they are no such thing."""
    try:
        array = np.array(parts)
    except ValueError:
        return parts
    return array if array.dtype.kind in "biuf" else parts


def describe(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, np.ndarray | np.generic):
        text = np.array2string(np.asarray(value), precision=6, threshold=8, separator=", ").replace(
            "\n", ""
        )
        return text if value.size <= 8 else f"{text} of shape {value.shape}"
    if isinstance(value, tuple):
        return f"({', '.join(map(describe, value))})"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def argument(value: Any) -> str:
    """A value that something is called with, in one line: with all its digits, if it is short."""
    if isinstance(value, np.ndarray) and value.size <= 8:
        return " ".join(np.array2string(value, separator=", ", floatmode="unique").split())
    return repr(value) if type(value) in (float, tuple) else describe(value)


def bulk(case: Case) -> tuple[int, int]:
    """How much there is to read in a call: its numbers, and then the length of its text."""
    numbers = sum(np.size(value) for value in case.inputs.values())
    if numbers > 16:
        return numbers, 0
    return numbers, len(repr([np.asarray(value).tolist() for value in case.inputs.values()]))


# ---- the inputs ----


def _call(module: str, name: str, cases: list[Case], driver: str = "call") -> Job:
    return Job(driver, {"module": module, "name": name}, cases)


def job(number: str, seed: int = 0) -> Job:
    """How an exercise is called. seed: of what is drawn."""
    return JOBS[number](seed) if number in domains.DRAW else JOBS[number]()


def drawn(number: str, name: str, seed: int = 0) -> Job:
    """Calls that are drawn: see `domains.py`."""
    calls = domains.calls(number, seed, DRAWN)
    return _call("info", name, [Case(*call) for call in calls])


def _gaussian_log_density(name: str, seed: int) -> Job:
    rng = np.random.default_rng(seed)
    z, mu, logvar = rng.standard_normal((3, 5, 4))
    f32 = np.float32
    return _call(
        "distributions",
        name,
        [
            Case("value", {"z": np.array([1.0]), "mu": np.array([0.5]), "logvar": np.array([0.7])}),
            Case("value", {"z": z[0], "mu": mu[0], "logvar": logvar[0]}),
            Case("value", {"z": z, "mu": mu, "logvar": logvar}),
            Case(
                "shapes",
                {"z": z.astype(f32), "mu": mu.astype(f32), "logvar": logvar.astype(f32)},
                1e-4,
                any_dtype=True,
            ),
            Case(
                "shapes",
                {
                    "z": rng.standard_normal((2, 3, 4)),
                    "mu": mu[:3].copy(),
                    "logvar": logvar[:3].copy(),
                },
            ),
            Case(
                "extremes",
                {
                    "z": np.array([[1e3, 2.0]]),
                    "mu": np.zeros((1, 2)),
                    "logvar": np.array([[50.0, -50.0]]),
                },
            ),
        ],
    )


def _gaussian_kl(name: str, seed: int) -> Job:
    rng = np.random.default_rng(seed)
    mu, logvar = rng.standard_normal((2, 5, 3))
    return _call(
        "distributions",
        name,
        [
            Case("value", {"mu": np.array([0.5]), "logvar": np.array([0.7])}),
            Case("value", {"mu": mu[0], "logvar": logvar[0]}),
            Case("value", {"mu": mu, "logvar": logvar}),
            Case(
                "shapes", {"mu": mu.astype(np.float32), "logvar": logvar.astype(np.float32)}, 1e-4
            ),
            Case(
                "shapes",
                {"mu": rng.standard_normal((2, 3, 4)), "logvar": rng.standard_normal((2, 3, 4))},
            ),
            Case(
                "extremes",
                {
                    "mu": np.array([[0.0, 1e4], [3.0, 0.0]]),
                    "logvar": np.array([[50.0, -50.0], [-50.0, 50.0]]),
                },
            ),
        ],
    )


def _reparameterize() -> Job:
    rng = np.random.default_rng(23)
    mu, logvar = rng.standard_normal((2, 5, 3))
    eps = rng.standard_normal((4, 5, 3))
    return _call(
        "distributions",
        "reparameterize",
        [
            Case(
                "value",
                {"mu": np.array([[0.5]]), "logvar": np.array([[0.7]]), "eps": np.array([[2.0]])},
            ),
            Case("value", {"mu": mu, "logvar": logvar, "eps": eps[0]}),
            Case("value", {"mu": mu, "logvar": logvar, "eps": eps}),
            Case(
                "shapes",
                {
                    "mu": mu.astype(np.float32),
                    "logvar": logvar.astype(np.float32),
                    "eps": eps.astype(np.float32),
                },
                1e-4,
            ),
            Case(
                "extremes",
                {
                    "mu": np.array([[1.0, -2.0]]),
                    "logvar": np.array([[50.0, -50.0]]),
                    "eps": np.array([[[1.5, 0.5]]]),
                },
            ),
        ],
    )


def _reparameterize_backward() -> Job:
    rng = np.random.default_rng(24)
    logvar = rng.standard_normal((5, 3))
    dz, eps = rng.standard_normal((2, 4, 5, 3))
    return _call(
        "distributions",
        "reparameterize_backward",
        [
            Case(
                "value",
                {
                    "dz": np.array([[[2.0]]]),
                    "logvar": np.array([[0.7]]),
                    "eps": np.array([[[3.0]]]),
                },
            ),
            Case("value", {"dz": dz[:1].copy(), "logvar": logvar, "eps": eps[:1].copy()}),
            Case("value", {"dz": dz, "logvar": logvar, "eps": eps}),
            Case(
                "shapes",
                {
                    "dz": dz.astype(np.float32),
                    "logvar": logvar.astype(np.float32),
                    "eps": eps.astype(np.float32),
                },
                1e-4,
            ),
            Case(
                "extremes",
                {
                    "dz": np.array([[[1.0, -2.0]]]),
                    "logvar": np.array([[50.0, -50.0]]),
                    "eps": np.array([[[1.5, 0.5]]]),
                },
            ),
        ],
    )


def _sigmoid() -> Job:
    a = np.random.default_rng(26).standard_normal((3, 4)) * 3
    return _call(
        "layers",
        "sigmoid",
        [
            Case("value", {"a": np.array([0.0, 1.0, -2.0])}),
            Case("value", {"a": a}),
            Case("value", {"a": a[0]}),
            Case("shapes", {"a": a.astype(np.float32)}, 1e-4),
            Case("shapes", {"a": a.reshape(2, 3, 2)}),
            Case("extremes", {"a": np.array([-1e4])}),
            Case("extremes", {"a": np.array([1e4])}),
            Case("extremes", {"a": np.array([-600.0, 600.0, -40.0, 40.0])}, 1e-9, 1e-15),
        ],
        "call_without_warning",
    )


def _bernoulli(name: str, seed: int) -> Job:
    rng = np.random.default_rng(seed)
    logits, x = rng.standard_normal((5, 4)) * 2, (rng.random((5, 4)) < 0.5).astype(float)
    return _call(
        "distributions",
        name,
        [
            Case("value", {"x": np.array([1.0]), "logits": np.array([0.7])}),
            Case("value", {"x": x[0], "logits": logits[0]}),
            Case("value", {"x": x, "logits": logits}),
            Case("value", {"x": rng.random((2, 4)), "logits": logits[:2].copy()}),
            Case("shapes", {"x": x.astype(np.float32), "logits": logits.astype(np.float32)}, 1e-4),
            Case("shapes", {"x": x, "logits": rng.standard_normal((2, 5, 4))}),
            Case(
                "extremes",
                {
                    "x": np.array([[1.0, 0.0], [0.0, 1.0]]),
                    "logits": np.array([[1e4, -1e4], [1e4, -1e4]]),
                },
            ),
            Case("extremes", {"x": np.array([[1.0, 0.0]]), "logits": np.array([[800.0, 40.0]])}),
        ],
    )


def _affine(driver: str, names: tuple[str, ...], seed: int) -> Job:
    rng = np.random.default_rng(seed)

    def inputs(
        B: int, n_in: int, n_out: int, dtype: Any = np.float64, names: tuple[str, ...] = names
    ) -> Inputs:
        shapes = {"W": (n_in, n_out), "b": (n_out,), "x": (B, n_in), "dy": (B, n_out)}
        return {name: rng.standard_normal(shapes[name]).astype(dtype) for name in names}

    cases = [
        Case("value", inputs(1, 1, 1)),
        Case("value", inputs(1, 2, 3)),
        Case("value", inputs(5, 3, 2)),
        Case("value", inputs(4, 3, 3)),
        Case("shapes", inputs(5, 3, 4, np.float32), 1e-4),
        Case("shapes", inputs(1, 4, 2)),
    ]
    if driver == "affine_forward":  # with dy, it calls backward_weights after it
        cases.append(Case("memory", inputs(4, 3, 2, names=("W", "b", "x", "dy"))))
    return Job(driver, {}, cases)


def _tanh() -> Job:
    rng = np.random.default_rng(34)
    x, dy = rng.standard_normal((2, 4, 3))
    return Job(
        "tanh_backward_input",
        {},
        [
            Case("value", {"x": np.array([[0.5]]), "dy": np.array([[2.0]])}),
            Case("value", {"x": x, "dy": dy}),
            Case("shapes", {"x": x.astype(np.float32), "dy": dy.astype(np.float32)}, 1e-4),
            Case(
                "extremes", {"x": np.array([[-1e4, 1e4, 0.0]]), "dy": np.array([[1.0, 2.0, 3.0]])}
            ),
        ],
    )


def _vae(driver: str, seed: int) -> Job:
    rng = np.random.default_rng(seed)

    def inputs(B: int, L: int, hidden: int = 3, dtype: Any = np.float64) -> Inputs:
        x = (rng.random((B, 4)) < 0.5).astype(dtype)
        theta = (0.5 * rng.standard_normal(120)).astype(dtype)
        shape = (L, B, 2) if L else (B, 2)
        eps = rng.standard_normal(shape).astype(dtype)
        return {"x": x, "theta": theta, "eps": eps, "n_z": 2, "hidden": hidden}

    cases = [
        Case("value", inputs(1, 1)),
        Case("value", inputs(3, 1)),
        Case("value", inputs(2, 3)),
        Case("value", inputs(4, 5, 0)),
        Case("shapes", inputs(3, 2, 3, np.float32), 1e-4),
        Case("shapes", inputs(3, 0)),
    ]
    if driver == "vae_forward":
        cases.append(Case("memory", {**inputs(2, 3), "backward": True}))
    if driver != "vae_backward":
        good = inputs(3, 2)
        bad_eps = good["eps"].copy()
        bad_eps[0, 0, 0] = np.nan
        cases += [
            Case("errors", {**good, "eps": good["eps"][:, :1].copy()}),
            Case("errors", {**good, "eps": good["eps"][..., :1].copy()}),
            Case("errors", {**good, "eps": bad_eps}),
            Case("errors", {**good, "x": good["x"] + 1}),
        ]
    return Job(driver, {}, cases)


def _central_difference() -> Job:
    theta = np.random.default_rng(38).standard_normal(4)
    return Job(
        "central_difference",
        {},
        [
            Case("value", {"f": "line", "theta": np.array([0.3, -1.2]), "h": 0.01}, 1e-8),
            Case("value", {"f": "cubes", "theta": theta, "h": 0.1}, 1e-8),
            Case("value", {"f": "exp", "theta": theta, "h": 0.05}, 1e-8),
            Case("value", {"f": "waves", "theta": theta, "h": 1e-3}, 1e-8),
            Case("shapes", {"f": "cubes", "theta": theta[:1].copy(), "h": 0.1}, 1e-8),
        ],
    )


def _optimizer(name: str, seed: int) -> Job:
    rng = np.random.default_rng(seed)

    def inputs(n: int, steps: int, block: int, dtype: Any = np.float64, **options: float) -> Inputs:
        theta = rng.standard_normal(n).astype(dtype)
        gs = (rng.standard_normal((steps, n)) + 0.5).astype(dtype)
        return {"theta": theta, "gs": gs, "block": block, "lr": 0.05, **options}

    tiny = {"theta": np.array([1.0, -2.0]), "gs": np.array([[1e-9, 3e-8]]), "block": 64, "lr": 0.1}
    zero = {"theta": np.ones(2), "gs": np.zeros((2, 2)), "block": 64, "lr": 0.1}
    huge = np.array([[1e30, 0.0], [-1e30, 0.0]])
    return Job(
        "optimizer",
        {"name": name},
        [
            Case("value", inputs(2, 1, 64)),
            Case("value", inputs(3, 4, 64)),
            Case("value", inputs(10, 5, 4)),
            Case("value", inputs(5, 3, 64, weight_decay=0.1)),
            Case("value", inputs(2, 3, 64, epsilon=0.5)),
            Case("value", tiny),
            Case("shapes", inputs(10, 3, 4, np.float32), 1e-4),
            Case("extremes", {**inputs(2, 2, 64), "gs": huge}),
            Case("extremes", zero),
        ],
    )


def _shares(answer: Any) -> Any:
    """Of bits that were drawn twice: whether they are 0 or 1, and four shares of each row.

    The shares are of ones; of neighbours that differ; of bits that differ from the row above;
    and of bits that differ when drawn again.
    """
    bits, again = (np.asarray(_array_of(part), float) for part in answer)
    return (
        np.array([((part == 0) | (part == 1)).all() for part in (bits, again)]),
        bits.mean(axis=1),
        (bits[:, 1:] != bits[:, :-1]).mean(axis=1),
        (bits != np.roll(bits, 1, axis=0)).mean(axis=1),
        (bits != again).mean(axis=1),
    )


def _bits(answer: Any) -> Any:
    """Zeros in the shape and the type of the bits."""
    return tuple(np.zeros_like(part) for part in answer)


def _binarize() -> Job:
    levels = np.array([1, 26, 51, 128, 204, 250], np.uint8)
    draws, off = 10_000, 0.027  # more than 5 standard errors of a share, 0.5 / √draws

    def images(levels: NDArray[Any], draws: int = draws) -> NDArray[Any]:
        return np.repeat(levels[:, None], draws, axis=1)

    black_and_white = images(np.array([0, 255], np.uint8))
    return Job(
        "binarize",
        {},
        [
            Case("value", {"images": images(levels[2:5:2]), "seed": 1}, 0, off, look=_shares),
            Case("value", {"images": images(levels), "seed": 2}, 0, off, look=_shares),
            Case("value", {"images": images(levels / 255), "seed": 3}, 0, off, look=_shares),
            Case("shapes", {"images": images(levels, 5), "seed": 4}, look=_bits),
            Case("shapes", {"images": np.zeros((2, 3, 4)), "seed": 5}, look=_bits),
            Case("shapes", {"images": levels / 255, "seed": 6, "dtype": "float64"}, look=_bits),
            Case("extremes", {"images": black_and_white, "seed": 7}, 0, 0),
            Case("extremes", {"images": images(np.array([0.0, 1.0])), "seed": 8}, 0, 0),
            Case("errors", {"images": np.array([[1.5]]), "seed": 9}),
            Case("errors", {"images": np.array([[-0.1]]), "seed": 9}),
            Case("errors", {"images": np.array([[np.nan]]), "seed": 9}),
        ],
    )


def _training_step() -> Job:
    rng = np.random.default_rng(312)

    def inputs(B: int, steps: int, dtype: Any = np.float64) -> Inputs:
        return {
            "x": (rng.random((B, 4)) < 0.5).astype(dtype),
            "theta": (0.5 * rng.standard_normal(120)).astype(dtype),
            "n_z": 2,
            "hidden": 3,
            "lr": 0.1,
            "seed": 5,
            "steps": steps,
        }

    return Job(
        "training_step",
        {},
        [
            Case("value", inputs(1, 1)),
            Case("value", inputs(4, 1)),
            Case("value", inputs(5, 3)),
            Case("shapes", inputs(3, 2, np.float32), 1e-3),
        ],
    )


def _log_mean() -> Job:
    rng = np.random.default_rng(41)
    log_w = 2 * rng.standard_normal((6, 3))
    rising, falling = np.sort(log_w, axis=0), np.sort(log_w, axis=0)[::-1].copy()
    return Job(
        "log_mean",
        {},
        [
            Case("value", {"log_w": np.array([[0.5], [-1.0]]), "cut": 0}),
            Case("value", {"log_w": log_w, "cut": 0}),
            Case("value", {"log_w": rising, "cut": 2}),
            Case("value", {"log_w": falling, "cut": 4}),
            Case("shapes", {"log_w": rng.standard_normal((1, 2)), "cut": 0}),
            Case("shapes", {"log_w": log_w.astype(np.float32), "cut": 3}, 1e-4),
            Case("extremes", {"log_w": rising + 2000, "cut": 3}, 1e-9),
            Case(
                "extremes",
                {"log_w": np.array([[-3000.0, 5.0], [-10.0, -2000.0], [900.0, 1.0]]), "cut": 1},
                1e-9,
            ),
        ],
    )


def _importance_weighted_bound() -> Job:
    rng = np.random.default_rng(42)

    def inputs(B: int, K: int, hidden: int = 3, dtype: Any = np.float64) -> Inputs:
        x, theta = (
            (rng.random((B, 4)) < 0.5).astype(dtype),
            (0.5 * rng.standard_normal(120)).astype(dtype),
        )
        return {"x": x, "theta": theta, "K": K, "n_z": 2, "hidden": hidden, "seed": K}

    return Job(
        "importance_weighted_bound",
        {},
        [
            Case("value", inputs(1, 2)),
            Case("value", inputs(3, 5)),
            Case("value", inputs(2, 4, hidden=0)),
            Case("shapes", inputs(1, 1)),
            Case("shapes", inputs(3, 4, dtype=np.float32), 1e-3, 1e-4),
        ],
    )


def _one_page(layer: str) -> Job:
    rng = np.random.default_rng(55)

    def inputs(B: int, n_x: int, n_h: int, n_z: int) -> Inputs:
        sizes = {"1": (n_x, n_h), "_mu": (n_h, n_z), "_logvar": (n_h, n_z)}
        sizes |= {"2": (n_z, n_h), "3": (n_h, n_x)}
        found = {"x": (rng.random((B, n_x)) < 0.5) * 1.0, "eps": rng.standard_normal((B, n_z))}
        for name, size in sizes.items():
            found |= {f"W{name}": rng.standard_normal(size)}
            found |= {f"b{name}": rng.standard_normal(size[1])}
        return found

    cases = [Case("value", inputs(*sizes)) for sizes in ((2, 2, 2, 1), (3, 4, 3, 2), (5, 3, 4, 2))]
    return Job("one_page", {"layer": layer}, cases)


_WEIGHTS = ("W", "b", "x")
_CHAPTER_1 = {
    "1.1": "entropy",
    "1.2": "cross_entropy",
    "1.3": "kl_divergence",
    "1.4": "binary_cross_entropy",
    "1.5": "information_gain",
    "1.6": "code_lengths",
}
JOBS: dict[str, Callable[..., Job]] = {
    **{number: partial(drawn, number, name) for number, name in _CHAPTER_1.items()},
    "2.1": lambda: _gaussian_log_density("gaussian_log_density", 21),
    "2.2": lambda: _gaussian_kl("gaussian_kl", 22),
    "2.3": _reparameterize,
    "2.4": _reparameterize_backward,
    "2.5": lambda: _gaussian_kl("gaussian_kl_backward", 25),
    "2.6": _sigmoid,
    "2.7": lambda: _bernoulli("bernoulli_log_likelihood", 27),
    "2.8": lambda: _bernoulli("bernoulli_log_likelihood_backward", 28),
    "2.9": lambda: _gaussian_log_density("gaussian_log_density_backward", 29),
    "3.1": lambda: _affine("affine_forward", _WEIGHTS, 31),
    "3.2": lambda: _affine("affine_backward_weights", (*_WEIGHTS, "dy"), 32),
    "3.3": lambda: _affine("affine_backward_input", (*_WEIGHTS, "dy"), 33),
    "3.4": _tanh,
    "3.5": lambda: _vae("vae_forward", 35),
    "3.6": lambda: _vae("vae_log_weights", 36),
    "3.7": lambda: _vae("vae_backward", 37),
    "3.8": _central_difference,
    "3.9": lambda: _optimizer("Adagrad", 39),
    "3.10": lambda: _optimizer("Adam", 310),
    "3.11": _binarize,
    "3.12": _training_step,
    "4.1": _log_mean,
    "4.2": _importance_weighted_bound,
    **{f"page.{i}": partial(_one_page, layer) for i, layer in enumerate("43120", 1)},
}
