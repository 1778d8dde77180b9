"""A hand-written gradient against a numerical one.

**Central differences.** e_i is the vector with 1 at place i and 0 elsewhere. f′, f″, f‴
are the derivatives with respect to θ_i. Taylor's theorem gives

    f(θ ± h e_i) = f(θ) ± h f′ + h²/2 · f″ ± h³/6 · f‴ + ...

Subtract f(θ − h e_i) from f(θ + h e_i). The terms without ± cancel. Divide by 2h:

    (f(θ + h e_i) − f(θ − h e_i)) / 2h = ∂f/∂θ_i + h²/6 · f‴ + ...

The one-sided quotient (f(θ + h e_i) − f(θ)) / h has the larger error h/2 · f″.

A smaller h makes the error h²/6 · f‴ smaller. But it makes another error larger. f is
known to about 16 digits, so each f has a rounding error of about 10⁻¹⁶ |f|, and the
quotient has about 10⁻¹⁶ |f| / h. (10⁻¹⁶ is half the machine epsilon of float64.) The
two errors are about equal near h = ∛10⁻¹⁶ ≈ 10⁻⁵. Then about 10 digits are right.

ReLU has a kink at 0, and no derivative there. If the kink lies between θ − h e_i and
θ + h e_i, the two gradients differ, but this does not prove a mistake. Draw other
values and check again.

**The complex step.** If f is analytic, a step in the direction of the imaginary unit i
needs no difference. Here k is the index of the entry:

    f(θ + i h e_k) = f(θ) + i h f′ − h²/2 · f″ − i h³/6 · f‴ + ...
    Im f(θ + i h e_k) / h = ∂f/∂θ_k − h²/6 · f‴ + ...

No digits cancel, so h can be 10⁻²⁰, and all digits are right. But |a| and max(a, 0) are
not analytic. So f must be written without them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratchvae import checks
from scratchvae.parameters import FloatArray, Parameters, views

Vector = FloatArray  # of float64
STEPS = (1e-8, 1e-2)  # a step outside of these leaves too few digits
MOST_TOLERANT = 0.01  # a larger tolerance would let wrong gradients pass


def central_difference(f: Callable[[Vector], float], theta: Vector, h: float = 1e-5) -> Vector:
    """∂f/∂θ_i ≈ (f(θ + h e_i) − f(θ − h e_i)) / 2h, for every i.

    theta: (n,), float64; it is not changed. Returns (n,). ValueError if h is so small that
    θ_i + h is rounded to θ_i.
    """
    theta = _moved(f, theta, h)
    gradient = np.empty_like(theta)
    for i in range(theta.size):
        step = np.zeros_like(theta)
        step[i] = h
        gradient[i] = (f(theta + step) - f(theta - step)) / (2 * h)
    return gradient


def complex_step(
    f: Callable[[NDArray[np.complex128]], complex], theta: Vector, h: float = 1e-20
) -> Vector:
    """∂f/∂θ_k ≈ Im f(θ + i h e_k) / h, for every k and an analytic f.

    theta: (n,). Returns (n,).
    """
    theta, h = _vector(f, theta), checks.positive_number("h", h)
    gradient = np.empty(theta.size)
    for k in range(theta.size):
        step = np.zeros(theta.size, np.complex128)
        step[k] = 1j * h  # 1j is NumPy's i
        gradient[k] = f(theta + step).imag / h
    return gradient


def _moved(f: Callable[..., object], theta: Vector, h: float) -> Vector:
    """theta, if a step of h changes each of its entries."""
    theta, h = _vector(f, theta), checks.positive_number("h", h)
    if (same := (theta + h == theta) | (theta - h == theta)).any():
        i = checks.first_index(same)[0]
        raise ValueError(f"h is {h}; it should be larger: theta[{i}] + h is rounded to theta[{i}]")
    return theta


def _vector(f: Callable[..., object], theta: Vector) -> Vector:
    """theta as a vector of float64, and f a function of it."""
    checks.function("f", f)
    found = checks.cast("theta", checks.array("theta", theta), np.float64)
    if found.ndim != 1 or found.size == 0:
        raise ValueError(f"theta has shape {found.shape}; it should be a vector, (n,)")
    return found


@dataclass(frozen=True)
class Comparison:
    """The hand-written gradient of one weight, compared with the numerical one.

    largest_difference: max_i |ours_i − theirs_i|, where ours is the hand-written
    gradient and theirs the numerical one. relative_error: largest_difference / scale,
    where scale is the largest |entry| of the two gradients; 0 when both are 0. exact:
    all entries are equal, to the last bit. close: largest_difference ≤ tolerance ·
    scale + rounding (see `compare`).
    """

    name: str
    shape: tuple[int, ...]
    largest_difference: float
    relative_error: float
    exact: bool
    close: bool


def compare(
    name: str, ours: Vector, theirs: Vector, tolerance: float = 1e-7, rounding: float = 0.0
) -> Comparison:
    """Compare two gradients of the same shape.

    rounding: the largest error that rounding can cause in the numerical gradient.
    """
    ours, theirs = checks.array("ours", ours), checks.array("theirs", theirs)
    if ours.shape != theirs.shape or ours.size == 0:
        raise ValueError(
            f"ours has shape {ours.shape}, theirs {theirs.shape}; they should have the same"
        )
    tolerance = checks.between("tolerance", tolerance, 0, MOST_TOLERANT)
    rounding = checks.number_from_zero("rounding", rounding)
    difference = float(np.max(np.abs(ours - theirs)))
    scale = float(max(np.max(np.abs(ours)), np.max(np.abs(theirs))))
    error = difference / scale if scale else 0.0
    close = difference <= tolerance * scale + rounding
    return Comparison(name, ours.shape, difference, error, difference == 0, close)


def check_gradient(
    loss: Callable[[], float], params: Parameters, *, h: float = 1e-5, tolerance: float = 1e-7
) -> list[Comparison]:
    """Compare the gradient in params.g with central differences of the loss.

    First compute the gradient: run the backward pass that fills params.g.

    loss: returns the loss at the present params.theta, in float64. It must use the same
    data and the same noise at every call. Returns one `Comparison` for each weight. At
    the end θ and g are as before. h: from 1e-8 to 0.01. tolerance: from 0 to 0.01.
    ValueError if params is float32: its 7 digits are too few.
    """
    checks.instance("params", params, Parameters, "the Parameters of a model")
    h = checks.between("h", h, *STEPS)
    tolerance = checks.between("tolerance", tolerance, 0, MOST_TOLERANT)
    theta = params.theta
    if theta.dtype != np.float64:
        raise ValueError(f"params is {theta.dtype}; a gradient is checked in float64")
    checks.function("loss", loss)
    kept_theta, kept_g = theta.copy(), params.g.copy()

    def f(moved: Vector) -> float:
        theta[...] = moved
        return _loss(loss)

    try:
        numerical = central_difference(f, kept_theta, h)
        # the error 10⁻¹⁶ |f| / h of the module docstring, times about 20 to be safe
        rounding = 10 * float(np.finfo(np.float64).eps) * abs(_loss(loss)) / h
    finally:
        theta[...], params.g[...] = kept_theta, kept_g
    return [
        compare(name, params.grads[name], theirs, tolerance, rounding)
        for name, theirs in views(numerical, params.shapes).items()
    ]


def _loss(loss: Callable[[], float]) -> float:
    value = loss()
    if not isinstance(value, float | int) or not np.isfinite(value):  # np.float64 is a float
        raise ValueError(f"loss() is {checks.shown(value)}; it should be a finite float of 64 bits")
    return value
