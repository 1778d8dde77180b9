"""A hand-written gradient against a numerical one.

**Central differences.** Taylor's theorem on both sides of θ_i gives

    f(θ + h e_i) − f(θ − h e_i)
    ─────────────────────────── = ∂f/∂θ_i + h²/6 · f‴ + ...
                2h

where the one-sided quotient would be wrong by h/2 · f″. A smaller h lessens that error, but f is known to only 16 digits, and
the subtraction loses as many as f(θ + h e_i) and f(θ − h e_i) have in common: an error of about 10⁻¹⁶ |f| / h. The best h balances
the two, near ∛10⁻¹⁶ ≈ 10⁻⁵, and about 10 digits are right.

A kink, as ReLU's at 0, has no derivative to find: when θ ± h lie on its two sides the difference says so, and no mistake is proved. Draw
other values.

**The complex step.** When f is analytic, an imaginary step avoids the subtraction:

    f(θ + i h e_i) = f(θ) + i h ∂f/∂θ_i − h²/2 · f″ − ...            ∂f/∂θ_i = Im f(θ + i h e_i) / h + O(h²)

so that h may be 10⁻²⁰, and all digits are right. But |a|, max(a, 0) and the like are not analytic: f has to be written without them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratchvae.parameters import FloatArray, Parameters

Vector = FloatArray  # of float64


def central_difference(f: Callable[[Vector], float], theta: Vector, h: float = 1e-5) -> Vector:
    """∂f/∂θ_i ≈ (f(θ + h e_i) − f(θ − h e_i)) / 2h for every i. theta: (n,) float64. Returns (n,); theta is left as it was."""
    gradient = np.empty_like(theta)
    for i in range(theta.size):
        step = np.zeros_like(theta)
        step[i] = h
        gradient[i] = (f(theta + step) - f(theta - step)) / (2 * h)
    return gradient


def complex_step(
    f: Callable[[NDArray[np.complex128]], complex], theta: Vector, h: float = 1e-20
) -> Vector:
    """∂f/∂θ_i = Im f(θ + i h e_i) / h for every i, of an analytic f. theta: (n,). Returns (n,)."""
    gradient = np.empty(theta.size)
    for i in range(theta.size):
        step = np.zeros(theta.size, np.complex128)
        step[i] = 1j * h
        gradient[i] = f(theta + step).imag / h
    return gradient


@dataclass(frozen=True)
class Comparison:
    """One weight's hand-written gradient beside its numerical one.

    largest_difference: max_i |ours_i − theirs_i|. relative_error: that, over the largest entry of either (0 when both are 0).
    exact: equal to the bit. close: largest_difference ≤ tolerance · (the largest entry of either) + what rounding can do.
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
    """Compare two gradients of the same shape. rounding: the error that the numerical one may have from rounding alone."""
    difference = float(np.max(np.abs(ours - theirs)))
    scale = float(max(np.max(np.abs(ours)), np.max(np.abs(theirs))))
    error = difference / scale if scale else 0.0
    return Comparison(
        name,
        ours.shape,
        difference,
        error,
        difference == 0,
        difference <= tolerance * scale + rounding,
    )


def check_gradient(
    loss: Callable[[], float], params: Parameters, *, h: float = 1e-5, tolerance: float = 1e-7
) -> list[Comparison]:
    """Compare the gradient that lies in params.g with central differences of the loss, weight by weight.

    loss: returns the loss at the present params.theta, the same at every call (so: fixed data, fixed noise); float64. First run what fills
    params.g. θ and g are left as they were. ValueError when params is float32, in which 7 digits leave nothing to compare.
    """
    theta = params.theta
    if theta.dtype != np.float64:
        raise ValueError(f"params is {theta.dtype}; a gradient is checked in float64")
    kept_theta, kept_g = theta.copy(), params.g.copy()

    def f(moved: Vector) -> float:
        theta[...] = moved
        return loss()

    try:
        numerical = central_difference(f, kept_theta, h)
        rounding = (
            10 * float(np.finfo(np.float64).eps) * abs(loss()) / h
        )  # the 10⁻¹⁶ |f| / h of above
    finally:
        theta[...], params.g[...] = kept_theta, kept_g
    comparisons, start = [], 0
    for name, ours in params.grads.items():
        theirs = numerical[start : start + ours.size].reshape(ours.shape)
        comparisons.append(compare(name, ours, theirs, tolerance, rounding))
        start += ours.size
    return comparisons
