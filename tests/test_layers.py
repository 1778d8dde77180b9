"""The layers: each backward pass against derivatives that are computed without it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchvae import layers
from scratchvae.gradient_check import central_difference, complex_step
from scratchvae.layers import (
    Affine,
    ReLU,
    Sigmoid,
    Tanh,
    hidden_layers,
    named,
    shapes_of,
    sigmoid,
)
from scratchvae.parameters import Parameters


def connected(chain):
    """The parameters of a chain of layers, which use them afterwards."""
    by_name = named("f", chain)
    params = Parameters(shapes_of(by_name), np.float64)
    for name, layer in by_name.items():
        layer.connect(params, name)
    return params


sizes = st.integers(1, 6)
ordinary = st.floats(-4, 4)


@given(batch=sizes, n_in=sizes, n_out=sizes, seed=st.integers(0, 2**32 - 1))
def test_affine_backward(batch, n_in, n_out, seed):
    """y = x W + b has dW = xᵀ dy, db = Σ_n dy_n and dx = dy Wᵀ.

    Against the complex step of loss = Σ dy ⊙ y, to 1e-12.
    """
    rng = np.random.default_rng(seed)
    params = Parameters({"a.W": (n_in, n_out), "a.b": (n_out,)}, np.float64)
    params.theta[...] = rng.standard_normal(params.theta.size)
    x, dy = rng.standard_normal((batch, n_in)), rng.standard_normal((batch, n_out))
    x_before, dy_before = x.copy(), dy.copy()

    layer = Affine(n_in, n_out)
    layer.connect(params, "a")
    np.testing.assert_allclose(
        layer.forward(x),
        [
            [sum(r[i] * layer.W[i, j] for i in range(n_in)) + layer.b[j] for j in range(n_out)]
            for r in x
        ],
        atol=1e-12,
    )
    dx = layer.backward(dy)

    def loss(everything):
        W, b = everything[: n_in * n_out].reshape(n_in, n_out), everything[n_in * n_out :][:n_out]
        return np.sum(dy * (everything[n_in * n_out + n_out :].reshape(x.shape) @ W + b))

    theirs = complex_step(loss, np.concatenate([params.theta, x.ravel()]))
    np.testing.assert_allclose(
        np.concatenate([params.g, dx.ravel()]), theirs, rtol=1e-12, atol=1e-12
    )
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(dy, dy_before)


ANALYTIC = {Tanh: lambda x: np.sinh(x) / np.cosh(x), Sigmoid: lambda x: np.exp(x) / (np.exp(x) + 1)}


@pytest.mark.parametrize("activation", ANALYTIC)
@given(x=hnp.arrays(float, hnp.array_shapes(max_dims=2, max_side=5), elements=ordinary))
def test_smooth_activations_and_their_derivatives(activation, x):
    """tanh = sinh / cosh has the slope 1 − y²; sigmoid = eˣ / (eˣ + 1) has y (1 − y).

    Against the complex step, to 1e-11.
    """
    f, layer = ANALYTIC[activation], activation()
    np.testing.assert_allclose(layer.forward(x), f(x), rtol=1e-12)
    dy = np.arange(1.0, x.size + 1).reshape(x.shape)
    theirs = complex_step(lambda flat: np.sum(dy.ravel() * f(flat)), x.ravel())
    np.testing.assert_allclose(layer.backward(dy).ravel(), theirs, rtol=1e-11, atol=1e-15)


@given(x=hnp.arrays(float, hnp.array_shapes(max_dims=2, max_side=5), elements=ordinary))
def test_relu(x):
    """max(x, 0) has the slope 1 for x > 0, and 0 for x < 0; at x = 0 it is set to 0."""
    layer, dy = ReLU(), np.arange(1.0, x.size + 1).reshape(x.shape)
    np.testing.assert_array_equal(layer.forward(x), np.where(x > 0, x, 0))
    np.testing.assert_array_equal(layer.backward(dy), np.where(x > 0, dy, 0))


@given(a=st.floats(-1e4, 1e4))
def test_sigmoid_is_stable_and_symmetric(a):
    """sigmoid(a) + sigmoid(−a) = 1, and nothing overflows for |a| ≤ 1e4.

    Where sigmoid(a) is tiny, it is eᵃ to full precision.
    """
    with np.errstate(all="raise", under="ignore"):
        left, right = sigmoid(np.float64(a)), sigmoid(np.float64(-a))
    assert left + right == pytest.approx(1, abs=1e-15)
    if -700 < a < -40:
        assert left == pytest.approx(np.exp(a), rel=1e-14)


@given(a=st.floats(-700, 700))
def test_sigmoid_safe_form_is_the_equation(a):
    """Where eᵃ and e⁻ᵃ do not overflow, the safe form is 1 / (1 + e^(−a)), to 1e-14."""
    assert sigmoid(np.float64(a)) == pytest.approx(1 / (1 + math.exp(-a)), rel=1e-14)


def test_backward_overwrites():
    """Each `backward` replaces dW and db of the call before; it does not add to them."""
    layer = Affine(3, 2)
    params, rng = connected([layer]), np.random.default_rng(0)
    x, dy = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    params.g[...] = np.nan
    layer.forward(x)
    layer.backward(dy)
    once = params.g.copy()
    layer.backward(dy)
    assert np.isfinite(once).all() and params.g.tobytes() == once.tobytes()


def test_forward_stores_the_array_itself():
    """Affine stores its input as self.x, an activation its output as self.y: no copies."""
    layer, x = Affine(2, 2), np.ones((3, 2))
    layer.connect(Parameters({"a.W": (2, 2), "a.b": (2,)}), "a")
    layer.forward(x)
    assert layer.x is x
    for activation in (Tanh(), ReLU(), Sigmoid()):
        assert activation.forward(x) is activation.y


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
@given(widths=st.lists(sizes, min_size=2, max_size=4), seed=st.integers(0, 2**32 - 1))
def test_a_chain_of_layers_obeys_the_chain_rule(activation, widths, seed):
    """dx of f_n ∘ ... ∘ f_1: each layer's dx is the dy of the layer before."""
    rng = np.random.default_rng(seed)
    chain = hidden_layers(widths, activation)
    params = connected(chain)
    params.theta[...] = 0.5 * rng.standard_normal(params.theta.size)
    x = rng.standard_normal((1, widths[0]))
    dy = rng.standard_normal((1, widths[-1]))
    layers.forward(chain, x)
    dx = layers.backward(chain, dy)
    theirs = central_difference(
        lambda flat: float(np.sum(dy * layers.forward(chain, flat.reshape(x.shape)))), x.ravel()
    )
    np.testing.assert_allclose(dx.ravel(), theirs, rtol=1e-6, atol=1e-9)
