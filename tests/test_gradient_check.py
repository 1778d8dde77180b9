"""The check itself: it finds derivatives and mistakes, and changes nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchvae import Parameters, check_gradient
from scratchvae.gradient_check import central_difference, compare, complex_step

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


def test_what_would_let_mistakes_pass_is_refused():
    """h from 1e-8 to 0.01, tolerance from 0 to 0.01, both ends among them; gradients of no entry,
    or of different shapes, are not compared.
    """
    params, loss = bowl()
    for options in ({"h": 1e-8}, {"h": 0.01}, {"tolerance": 0.0}, {"tolerance": 0.01}):
        assert len(check_gradient(loss, params, **options)) == 2
    for name, values in (("h", (0.99e-8, 0.0101)), ("tolerance", (-1e-9, 0.0101))):
        for value in values:
            with pytest.raises(ValueError, match=f"{name} is {value}"):
                check_gradient(loss, params, **{name: value})
    with pytest.raises(ValueError, match=r"tolerance is 0\.0101"):
        compare("w", np.ones(1), np.ones(1), 0.0101)
    for ours, theirs in ((np.zeros(0), np.zeros(0)), (np.ones(2), np.ones((2, 1)))):
        with pytest.raises(ValueError, match="ours has shape"):
            compare("w", ours, theirs)


def test_the_relative_error_is_of_the_larger_gradient():
    """max |ours − theirs| / max(|ours|, |theirs|); 0 for two gradients of 0. Close up to
    tolerance · scale + rounding, and not above.
    """
    for ours, theirs in (([1.0, -4.0], [1.0, -5.0]), ([1.0, -5.0], [1.0, -4.0])):
        found = compare("w", np.array(ours), np.array(theirs))
        assert (found.largest_difference, found.relative_error) == (1.0, 0.2)
        assert not found.close and not found.exact
    zero = compare("w", np.zeros(2), np.zeros(2))
    assert zero.relative_error == 0 and zero.exact and zero.close
    for difference, close in ((0.75, True), (0.76, False)):  # 0.01 · 25 + 0.5
        ours, theirs = np.array([25.0, 0.0]), np.array([25.0, difference])
        assert compare("w", ours, theirs, 0.01, 0.5).close == close


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
