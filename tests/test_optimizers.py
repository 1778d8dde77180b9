"""The optimizers: first steps worked by hand, and the walk over the blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchvae import SGD, Adagrad, Adam, Parameters
from scratchvae import optimizers as module
from scratchvae.gradient_check import central_difference


def params_of(theta, dtype=np.float64):
    params = Parameters({"w": (len(theta),)}, dtype)
    params.theta[...] = theta
    return params


def test_adam_first_two_steps_by_hand():
    """α = 0.1, β₁ = 0.9, β₂ = 0.99, epsilon = 0.001, θ = 1, g = 2 and then g = −4.

    Step 1: m = 0.1·2 = 0.2, v = 0.01·4 = 0.04;
            m̂ = 0.2 / 0.1 = 2, v̂ = 0.04 / 0.01 = 4; θ = 1 − 0.1·2 / (2 + 0.001).
    Step 2: m = 0.9·0.2 + 0.1·(−4) = −0.22, v = 0.99·0.04 + 0.01·16 = 0.1996;
            m̂ = −0.22 / 0.19, v̂ = 0.1996 / 0.0199.
    Without the bias correction the first step would be 0.1·0.2 / (0.2 + 0.001) instead.
    """
    params = params_of([1.0])
    adam = Adam(params, lr=0.1, beta1=0.9, beta2=0.99, epsilon=0.001)
    params.g[...] = 2
    adam.step()
    one = 1 - 0.1 * 2 / 2.001
    assert params.theta[0] == pytest.approx(one, rel=1e-14)
    params.g[...] = -4
    adam.step()
    two = one - 0.1 * (-0.22 / 0.19) / ((0.1996 / 0.0199) ** 0.5 + 0.001)
    assert params.theta[0] == pytest.approx(two, rel=1e-14)


def test_adagrad_first_two_steps_by_hand():
    """α = 0.1, epsilon = 0.001, θ = 1, g = 3 and then g = −4.

    s = 9, then 25. θ = 1 − 0.1·3 / 3.001, then + 0.1·4 / 5.001.
    """
    params = params_of([1.0])
    adagrad = Adagrad(params, lr=0.1, epsilon=0.001)
    params.g[...] = 3
    adagrad.step()
    assert params.theta[0] == pytest.approx(1 - 0.3 / 3.001, rel=1e-14)
    params.g[...] = -4
    adagrad.step()
    assert params.theta[0] == pytest.approx(1 - 0.3 / 3.001 + 0.4 / 5.001, rel=1e-14)


def test_sgd_by_hand():
    """θ = 1, g = 3, α = 0.1: θ = 0.7."""
    params = params_of([1.0])
    params.g[...] = 3
    SGD(params, lr=0.1).step()
    assert params.theta[0] == pytest.approx(0.7, rel=1e-15)


def test_defaults_are_the_published_ones():
    """Adam: α = 0.001, β₁ = 0.9, β₂ = 0.999, epsilon = 1e-8, as in its paper.

    Adagrad: α = 0.02, one of AEVB's {0.01, 0.02, 0.1}.
    """
    adam, adagrad = Adam(params_of([1.0])), Adagrad(params_of([1.0]))
    assert (adam.lr, adam.beta1, adam.beta2, adam.epsilon, adam.weight_decay) == (
        1e-3,
        0.9,
        0.999,
        1e-8,
        0,
    )
    assert (adagrad.lr, adagrad.weight_decay) == (0.02, 0)


@given(scale=st.floats(1e-4, 1e4), sign=st.sampled_from([-1, 1]))
def test_first_step_of_adam_and_adagrad_is_the_learning_rate(scale, sign):
    """The first step is ∓α, for every scale of g: m̂ / √v̂ = g / √s = ±1."""
    for kind in (Adam, Adagrad):
        params = params_of([0.0])
        params.g[...] = sign * scale
        kind(params, lr=0.01, epsilon=1e-12).step()
        assert params.theta[0] == pytest.approx(-sign * 0.01, rel=1e-6)


@pytest.mark.parametrize("kind", [SGD, Adagrad, Adam])
def test_weight_decay_is_the_gradient_of_the_prior(kind):
    """Weight decay λ acts as g + λ θ, and leaves params.g as it was."""
    rng = np.random.default_rng(0)
    theta, g = rng.standard_normal((2, 5))
    decayed, by_hand = params_of(theta), params_of(theta)
    first, second = kind(decayed, lr=0.1, weight_decay=0.25), kind(by_hand, lr=0.1)
    for _ in range(3):
        decayed.g[...] = g
        first.step()
        np.testing.assert_array_equal(decayed.g, g)
        by_hand.g[...] = g + 0.25 * by_hand.theta
        second.step()
    np.testing.assert_allclose(decayed.theta, by_hand.theta, rtol=1e-13)


def test_weight_decay_1_over_N_is_the_papers_prior():
    """For λ = 1/N, N λ θ = −∇ log N(θ; 0, I): the paper's prior, times N."""
    theta, N = np.array([0.5, -2.0, 3.0]), 40
    minus_log_prior = lambda t: float(0.5 * (t @ t) + 1.5 * np.log(2 * np.pi))
    params = params_of(theta)
    SGD(params, lr=1.0, weight_decay=1 / N).step()  # g = 0
    np.testing.assert_allclose(
        N * (theta - params.theta), central_difference(minus_log_prior, theta), rtol=1e-8
    )


@pytest.mark.parametrize("kind", [SGD, Adagrad, Adam])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_do_not_show(kind, dtype, monkeypatch):
    """A step moves every weight once, to the same bits for every block length.

    θ keeps its dtype and its place in memory.
    """
    rng = np.random.default_rng(0)
    theta, g = rng.standard_normal((2, 100)).astype(dtype)
    results = []
    for block in (7, 100, 1000):
        monkeypatch.setattr(module, "BLOCK", block)
        params = params_of(theta, dtype)
        place = params.theta
        optimizer = kind(params, lr=0.1, weight_decay=0.01)
        for k in range(3):
            params.g[...] = g * (k + 1)
            optimizer.step()
        assert params.theta is place and place.dtype == dtype
        results.append(params.theta.tobytes())
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(("kind", "lr"), [(SGD, 0.1), (Adagrad, 0.5), (Adam, 0.05)])
def test_each_finds_the_minimum_of_a_bowl(kind, lr):
    """½ Σ c_i (θ_i − t_i)² has the gradient c ⊙ (θ − t). Each optimizer finds t."""
    c, t = np.array([0.5, 1.0, 2.0]), np.array([1.0, -2.0, 0.5])
    params = params_of(np.zeros(3))
    optimizer = kind(params, lr=lr)
    for _ in range(3000):
        params.g[...] = c * (params.theta - t)
        optimizer.step()
    np.testing.assert_allclose(params.theta, t, atol=1e-3)


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (SGD, {"lr": 0}, "lr is 0"),
        (Adam, {"lr": -1e-3}, "lr is -0.001"),
        (Adam, {"lr": float("nan")}, "lr is nan"),
        (Adam, {"beta1": 1.0}, "beta1 is 1.0"),
        (Adam, {"beta2": -0.1}, "beta2 is -0.1"),
        (Adam, {"epsilon": 0}, "epsilon is 0"),
        (Adagrad, {"weight_decay": -1}, "weight_decay is -1"),
        (SGD, {"lr": "fast"}, "lr is 'fast'; it should be a number"),
        (SGD, {"lr": True}, "lr is True"),
    ],
)
def test_bad_settings_are_named(kind, arguments, message):
    """ValueError or TypeError that names the setting."""
    with pytest.raises((ValueError, TypeError), match=message):
        kind(params_of([1.0]), **arguments)
