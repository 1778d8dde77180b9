"""The check itself: it finds derivatives and mistakes, and changes nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchvae import Parameters, check_gradient
from scratchvae.gradient_check import central_difference, complex_step

points = hnp.arrays(float, st.integers(1, 5), elements=st.floats(-2, 2))


@given(theta=points)
def test_both_find_the_derivative_of_a_known_function(theta):
    """∂/∂θ_i Σ e^θ sin θ = e^θ (sin θ + cos θ).

    Central differences find it to 1e-8, the complex step to 1e-14.
    """

    def f(t):
        return np.sum(np.exp(t) * np.sin(t))

    truth = np.exp(theta) * (np.sin(theta) + np.cos(theta))
    np.testing.assert_allclose(central_difference(f, theta), truth, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(complex_step(f, theta), truth, rtol=1e-14, atol=1e-14)


def bowl():
    """½ ‖A‖² + Σ b, with its gradient (A, 1) in params.g."""
    params = Parameters({"A": (2, 3), "b": (2,)}, np.float64)
    params.theta[...] = np.random.default_rng(0).standard_normal(8)
    params.grads["A"][...], params.grads["b"][...] = params.values["A"], 1
    return (
        params,
        lambda: 0.5 * float((params.values["A"] ** 2).sum()) + float(params.values["b"].sum()),
    )


def test_check_gradient_passes_what_is_right_and_leaves_theta_and_g():
    """Right gradients are close, for every weight. θ and g do not change."""
    params, loss = bowl()
    theta, g = params.theta.copy(), params.g.copy()
    assert [(c.name, c.shape, c.close) for c in check_gradient(loss, params)] == [
        ("A", (2, 3), True),
        ("b", (2,), True),
    ]
    np.testing.assert_array_equal(params.theta, theta)
    np.testing.assert_array_equal(params.g, g)


@pytest.mark.parametrize("i", range(8))
def test_check_gradient_sees_a_mistake_in_any_entry(i):
    """An error of 1e-4 in one entry is found, in the right weight, with its size."""
    params, loss = bowl()
    params.g[i] += 1e-4
    wrong = [c for c in check_gradient(loss, params) if not c.close]
    assert [c.name for c in wrong] == ["A" if i < 6 else "b"]
    assert wrong[0].largest_difference == pytest.approx(1e-4, rel=1e-3)


def test_rounding_is_not_taken_for_a_mistake():
    """A loss of 10 is known to 10⁻¹⁶ · 10, its quotient to 10⁻¹⁵ / h = 1e-10.

    So for a gradient of 1e-9 a difference of that size is no mistake: it is close.
    """
    params = Parameters({"w": (1,)}, np.float64)
    params.g[...] = 1e-9
    assert check_gradient(lambda: 10 + 1e-9 * float(params.theta[0]), params)[0].close


def test_float32_is_refused():
    """A gradient is not checked in float32."""
    with pytest.raises(ValueError, match="float32"):
        check_gradient(lambda: 0.0, Parameters({"w": (1,)}, np.float32))


def test_views_write_through():
    """values and grads are views: a number written into one is in θ or g, in order."""
    params = Parameters({"a": (2, 2), "b": (3,)}, np.float64)
    params.values["b"][...] = [5, 6, 7]
    params.grads["a"][1, 0] = 9
    assert params.theta.tolist() == [0, 0, 0, 0, 5, 6, 7]
    assert params.g.tolist() == [0, 0, 9, 0, 0, 0, 0]
