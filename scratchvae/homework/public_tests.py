"""The public tests of the homework: `pytest -m exercise_2_4` runs those of exercise 2.4.

The numbers here come by other ways than the functions': by hand, by quadrature, by central differences, by counting. A test uses only its
own exercise and those that it builds on.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from scratchvae import (
    datasets,
    distributions,
    gradient_check,
    info,
    layers,
    likelihood,
    optimizers,
    parameters,
    training,
    vae,
)

Array = Any


def slope(f: Callable[[Array], float], x: Array, h: float = 1e-6) -> Array:
    """The numerical gradient of f at x, any shape."""
    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        gradient[index] = (f(up) - f(down)) / (2 * h)
    return gradient


def near(value: Array, expected: Array, error: float = 1e-9) -> None:
    """Same shape, and equal to within an error relative to the largest entry."""
    value, expected = np.asarray(value), np.asarray(expected)
    assert value.shape == expected.shape, f"shape {value.shape}, should be {expected.shape}"
    assert np.all(np.abs(value - expected) <= error * (1 + np.max(np.abs(expected)))), (
        f"{value}, should be {expected}"
    )


def unchanged(function: Callable[..., Any], *arguments: Array) -> Any:
    """Call it; its arguments are afterwards as they were."""
    kept = [argument.copy() for argument in arguments]
    result = function(*arguments)
    assert all(np.array_equal(a, b) for a, b in zip(arguments, kept)), "an argument was changed"
    return result


# ---- 1 information ----


@pytest.mark.exercise_1_1
def test_entropy_of_fair_choices_is_their_number_in_bits() -> None:
    near(info.entropy([0.5, 0.5]), 1.0)
    near(info.entropy(np.full(8, 1 / 8)), 3.0)
    near(info.entropy([0.5, 0.25, 0.125, 0.125]), 1.75)  # ½·1 + ¼·2 + ⅛·3 + ⅛·3


@pytest.mark.exercise_1_1
def test_entropy_base_axis_and_zero() -> None:
    near(info.entropy(np.full(9, 1 / 9), base=3.0), 2.0)
    near(info.entropy([[0.5, 1.0], [0.5, 0.0]], axis=0), [1.0, 0.0])
    near(info.entropy([[0.5, 0.5], [1.0, 0.0]]), [1.0, 0.0])


@pytest.mark.exercise_1_1
def test_entropy_of_what_is_no_distribution_is_an_error() -> None:
    for p in ([0.5, 0.6], [1.5, -0.5], [np.nan, 1.0], []):
        with pytest.raises((ValueError, TypeError)):
            info.entropy(p)
    with pytest.raises(ValueError):
        info.entropy([0.5, 0.5], base=1.0)


@pytest.mark.exercise_1_2
def test_cross_entropy_is_the_mean_length_of_messages() -> None:
    near(
        info.cross_entropy([0.5, 0.25, 0.125, 0.125], [0.125, 0.125, 0.25, 0.5]),
        0.5 * 3 + 0.25 * 3 + 0.125 * 2 + 0.125 * 1,
    )
    near(info.cross_entropy([1.0, 0.0], [0.25, 0.75]), 2.0)
    near(
        info.cross_entropy([0.2, 0.8], [1 / 9, 8 / 9], base=3.0),
        0.2 * 2 + 0.8 * (2 - 1.892789260714372),
    )  # log₃ 8 = 1.8928
    near(info.cross_entropy([[0.75], [0.25]], [[0.5], [0.5]], axis=0), [1.0])


@pytest.mark.exercise_1_2
def test_cross_entropy_at_zeros_and_errors() -> None:
    assert info.cross_entropy([0.5, 0.5], [1.0, 0.0]) == np.inf
    near(info.cross_entropy([1.0, 0.0], [1.0, 0.0]), 0.0)
    for p, q in (([0.5, 0.5], [0.5, 0.6]), ([0.5, 0.6], [0.5, 0.5]), ([0.5, 0.5], [0.2, 0.3, 0.5])):
        with pytest.raises(ValueError):
            info.cross_entropy(p, q)


@pytest.mark.exercise_1_3
def test_kl_by_hand() -> None:
    near(info.kl_divergence([0.5, 0.25, 0.25], [0.25, 0.25, 0.5]), 0.5 * 1 + 0 - 0.25 * 1)
    near(
        info.kl_divergence([0.5, 0.25, 0.125, 0.125], [0.125, 0.125, 0.25, 0.5]),
        0.5 * 2 + 0.25 * 1 - 0.125 * 1 - 0.125 * 2,
    )
    near(info.kl_divergence([1.0, 0.0], [0.25, 0.75]), 2.0)
    near(info.kl_divergence([1.0, 0.0], [1 / 9, 8 / 9], base=3.0), 2.0)
    near(
        info.kl_divergence([[0.5, 1.0], [0.5, 0.0]], [[0.25, 0.5], [0.75, 0.5]], axis=0),
        [1 - 0.5 * np.log2(3), 1.0],
    )


@pytest.mark.exercise_1_3
def test_kl_of_equals_is_zero_of_the_impossible_infinite_and_bad_input_an_error() -> None:
    near(info.kl_divergence([0.3, 0.7], [0.3, 0.7]), 0.0)
    assert info.kl_divergence([0.5, 0.5], [1.0, 0.0]) == np.inf
    for p, q in (([0.5, 0.5], [0.5, 0.6]), ([0.5, 0.6], [0.5, 0.5]), ([0.5, 0.5], [0.2, 0.3, 0.5])):
        with pytest.raises(ValueError):
            info.kl_divergence(p, q)


@pytest.mark.exercise_1_4
def test_binary_cross_entropy_by_hand() -> None:
    near(
        info.binary_cross_entropy([1.0, 0.0, 1.0], [0.25, 0.25, 1.0], base=2.0),
        [2.0, np.log2(4 / 3), 0.0],
    )
    near(info.binary_cross_entropy([0.25], [0.125], base=2.0), [0.25 * 3 + 0.75 * (3 - np.log2(7))])
    near(info.binary_cross_entropy([1.0], [np.exp(-3)]), [3.0])  # in nats


@pytest.mark.exercise_1_4
def test_binary_cross_entropy_at_zeros_and_errors() -> None:
    near(info.binary_cross_entropy([0.0, 1.0], [0.0, 1.0]), [0.0, 0.0])
    assert np.all(info.binary_cross_entropy(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == np.inf)
    for y, y_hat in (
        ([2.0], [0.5]),
        ([0.5], [1.5]),
        ([-0.5], [0.5]),
        ([0.5], [-0.1]),
        ([0.5, 0.5], [0.5]),
    ):
        with pytest.raises(ValueError):
            info.binary_cross_entropy(y, y_hat)


@pytest.mark.exercise_1_5
def test_information_gain_by_hand() -> None:
    near(info.information_gain([4, 4], [[4, 0], [0, 4]]), 1.0)  # all is told
    near(info.information_gain([4, 4], [[2, 2], [2, 2]]), 0.0)  # nothing is
    near(
        info.information_gain([4, 4], [[4, 2], [0, 2]]), 1 - 0.75 * (np.log2(3) - 2 / 3)
    )  # 6 of 8 have H(⅔, ⅓)
    near(info.information_gain([3, 3, 3], [[3, 0, 0], [0, 3, 0], [0, 0, 3]], base=3.0), 1.0)
    near(info.information_gain([2, 2], [[2, 0], [0, 2], [0, 0]], base=2.0), 1.0)
    assert isinstance(info.information_gain([4, 4], [[4, 0], [0, 4]]), float)


@pytest.mark.exercise_1_5
def test_information_gain_needs_children_that_add_to_the_parent() -> None:
    bad = (
        ([4, 4], [[4, 0], [0, 5]]),
        ([4, 4], [4, 4]),
        ([4, 4], [[4, 4, 0]]),
        ([0, 0], [[0, 0]]),
        ([-1, 2], [[-1, 2]]),
        ([[4, 4]], [[4, 4]]),
    )
    for parent, children in (*bad, ([5, 3], [[6, 3], [-1, 0]]), ([1, 1], [[1, 1.00001]])):
        with pytest.raises(ValueError):
            info.information_gain(parent, children)
    near(
        info.information_gain([0.3, 0.6], [[0.1, 0.2], [0.2, 0.4]]), 0.0
    )  # 0.1 + 0.2 is not quite 0.3


@pytest.mark.exercise_1_6
def test_code_lengths_by_hand() -> None:
    near(
        info.code_lengths([0.5, 0.25, 0.125, 0.125]), [1, 2, 3, 3]
    )  # exact powers are not rounded up
    near(info.code_lengths([0.4, 0.35, 0.2, 0.05]), [2, 2, 3, 5])
    assert list(info.code_lengths([1.0, 0.0])) == [0, np.inf]
    near(info.code_lengths([1.0]), [0])
    for q in ([0.5, 0.6], [[0.5, 0.5]], [1.5, -0.5]):
        with pytest.raises(ValueError):
            info.code_lengths(q)


# ---- 2 distributions ----


@pytest.mark.exercise_2_1
def test_gaussian_density_has_mass_one_and_its_moments() -> None:
    z = np.linspace(-40, 40, 80_001)[:, None]
    for mu, logvar in ((0.0, 0.0), (1.5, 1.2), (-2.0, -1.0)):
        density = (
            np.exp(distributions.gaussian_log_density(z, np.array([mu]), np.array([logvar])))
            * 0.001
        )
        near(density.sum(), 1.0, 1e-8)
        near((density * z[:, 0]).sum(), mu, 1e-8)
        near((density * (z[:, 0] - mu) ** 2).sum(), np.exp(logvar), 1e-8)


@pytest.mark.exercise_2_1
def test_gaussian_densities_of_independent_dimensions_multiply() -> None:
    rng = np.random.default_rng(0)
    z, mu, logvar = rng.standard_normal((3, 4, 3))
    joint = unchanged(distributions.gaussian_log_density, z, mu, logvar)
    alone = [
        distributions.gaussian_log_density(z[:, i : i + 1], mu[:, i : i + 1], logvar[:, i : i + 1])
        for i in range(3)
    ]
    near(joint, sum(alone))
    near(
        distributions.gaussian_log_density(np.array([0.0]), np.array([0.0]), np.array([0.0])),
        -0.918938533204673,
    )
    assert np.isfinite(
        distributions.gaussian_log_density(
            np.array([2.0, 3.0]), np.zeros(2), np.array([-50.0, 50.0])
        )
    )


@pytest.mark.exercise_2_2
def test_kl_of_a_gaussian_by_quadrature() -> None:
    z = np.linspace(-60, 60, 240_001)
    for mu, logvar in ((0.7, 0.0), (0.0, 1.1), (-1.3, -0.8)):
        log_q = -0.5 * np.log(2 * np.pi) - logvar / 2 - (z - mu) ** 2 / (2 * np.exp(logvar))
        log_p = -0.5 * np.log(2 * np.pi) - z**2 / 2
        near(
            distributions.gaussian_kl(np.array([mu]), np.array([logvar])),
            (np.exp(log_q) * (log_q - log_p)).sum() * 0.0005,
            1e-8,
        )


@pytest.mark.exercise_2_2
def test_kl_of_a_gaussian_adds_over_the_last_axis() -> None:
    mu, logvar = np.array([[3.0, 1.0], [0.0, 0.0]]), np.zeros((2, 2))
    near(unchanged(distributions.gaussian_kl, mu, logvar), [5.0, 0.0])  # ½ μ² where σ = 1
    near(distributions.gaussian_kl(np.zeros(3), np.full(3, np.log(4))), 1.5 * (4 - 1 - np.log(4)))
    assert np.all(
        np.isfinite(distributions.gaussian_kl(np.array([[1e4, 0.0]]), np.array([[-50.0, 50.0]])))
    )


@pytest.mark.exercise_2_3
def test_sample_has_the_declared_mean_and_variance() -> None:
    eps = np.linspace(-1, 1, 5).reshape(5, 1, 1) * np.sqrt(2)  # mean 0, mean square 1
    z = distributions.reparameterize(np.array([[3.0]]), np.array([[np.log(9)]]), eps)
    assert z.shape == (5, 1, 1)
    near(z.mean(), 3.0)
    near(z.var(), 9.0)
    assert z[4, 0, 0] > z[0, 0, 0]  # σ is positive
    near(
        distributions.reparameterize(
            np.array([[1.0, 2.0]]), np.log([[4.0, 0.25]]), np.array([[1.0, -2.0]])
        ),
        [[3.0, 1.0]],
    )


@pytest.mark.exercise_2_3
def test_sample_changes_nothing() -> None:
    unchanged(distributions.reparameterize, np.ones((2, 3)), np.ones((2, 3)), np.ones((4, 2, 3)))


@pytest.mark.exercise_2_4
def test_backward_of_the_sample_is_its_derivative() -> None:
    rng = np.random.default_rng(1)
    mu, logvar = rng.standard_normal((2, 3, 2))
    dz, eps = rng.standard_normal((2, 4, 3, 2))

    def f(
        mu: Array, logvar: Array
    ) -> float:  # Σ dz · z, whose derivatives these are; σ² = e^logvar
        return float((dz * (mu + np.sqrt(np.exp(logvar)) * eps)).sum())

    dmu, dlogvar = unchanged(distributions.reparameterize_backward, dz, logvar, eps)
    near(dmu, slope(lambda m: f(m, logvar), mu), 1e-7)
    near(dlogvar, slope(lambda s: f(mu, s), logvar), 1e-7)


@pytest.mark.exercise_2_4
def test_backward_of_the_sample_by_hand() -> None:
    dmu, dlogvar = distributions.reparameterize_backward(
        np.array([[[2.0]], [[5.0]]]), np.array([[np.log(16)]]), np.array([[[3.0]], [[-1.0]]])
    )
    near(dmu, [[7.0]])
    near(dlogvar, [[(2 * 3 - 5) * 0.5 * 4]])


@pytest.mark.exercise_2_5
def test_backward_of_the_kl_is_its_derivative() -> None:
    rng = np.random.default_rng(2)
    mu, logvar = rng.standard_normal((2, 3, 2))

    def kl(mu: Array, logvar: Array) -> float:  # log of the density ratio, averaged: E z² = μ² + σ²
        return float(((mu**2 + np.exp(logvar)) / 2 - (logvar + 1) / 2).sum())

    dmu, dlogvar = unchanged(distributions.gaussian_kl_backward, mu, logvar)
    near(dmu, slope(lambda m: kl(m, logvar), mu), 1e-7)
    near(dlogvar, slope(lambda s: kl(mu, s), logvar), 1e-7)
    near(distributions.gaussian_kl_backward(np.array([2.0]), np.array([np.log(5)])), [[2.0], [2.0]])


@pytest.mark.exercise_2_6
def test_sigmoid_of_log_odds() -> None:
    near(layers.sigmoid(np.log([1.0, 3.0, 1 / 3, 9.0])), [0.5, 0.75, 0.25, 0.9])
    a = np.array([[-3.0, 2.0]])
    near(unchanged(layers.sigmoid, a) + layers.sigmoid(-a), [[1.0, 1.0]])


@pytest.mark.exercise_2_6
def test_sigmoid_far_out() -> None:
    with np.errstate(over="raise", invalid="raise"):
        assert list(layers.sigmoid(np.array([-1e4, 1e4, 0.0]))) == [0.0, 1.0, 0.5]
        far = layers.sigmoid(np.array([-100.0]))[0]
    assert abs(far / 3.720075976020836e-44 - 1) < 1e-9  # e^(−100), to the last digits
    assert layers.sigmoid(np.zeros(2, np.float32)).dtype == np.float32


@pytest.mark.exercise_2_7
def test_bernoulli_from_log_odds() -> None:
    logits, x = np.log([[3.0, 1 / 9]]), np.array([[1.0, 0.0]])  # p = 0.75, 0.1
    near(unchanged(distributions.bernoulli_log_likelihood, x, logits), [np.log(0.75) + np.log(0.9)])
    near(distributions.bernoulli_log_likelihood(1 - x, logits), [np.log(0.25) + np.log(0.1)])
    near(
        distributions.bernoulli_log_likelihood(np.array([0.5]), np.log([3.0])),
        0.5 * np.log(0.75) + 0.5 * np.log(0.25),
    )


@pytest.mark.exercise_2_7
def test_bernoulli_of_all_images_has_mass_one_and_is_finite_far_out() -> None:
    x = np.array([[i, j, k] for i in (0.0, 1.0) for j in (0.0, 1.0) for k in (0.0, 1.0)])
    near(np.exp(distributions.bernoulli_log_likelihood(x, np.array([0.3, -2.0, 1.7]))).sum(), 1.0)
    near(
        distributions.bernoulli_log_likelihood(
            np.array([[1.0], [0.0], [0.0]]), np.array([[1e4], [1e4], [-1e4]])
        ),
        [0.0, -1e4, 0.0],
    )
    assert distributions.bernoulli_log_likelihood(np.zeros((5, 3)), np.zeros((2, 5, 3))).shape == (
        2,
        5,
    )
    tiny = distributions.bernoulli_log_likelihood(np.array([1.0]), np.array([40.0]))
    assert (
        abs(tiny / -4.248354255291589e-18 - 1) < 1e-6
    )  # −e^(−40), where 1 + e^(−40) would round to 1


@pytest.mark.exercise_2_8
def test_backward_of_the_bernoulli_is_its_derivative() -> None:
    rng = np.random.default_rng(3)
    a, x = rng.standard_normal((3, 4)), (rng.random((3, 4)) < 0.5).astype(float)
    da = unchanged(distributions.bernoulli_log_likelihood_backward, x, a)
    near(da, slope(lambda a: float((x * a - np.log(1 + np.exp(a))).sum()), a), 1e-7)
    near(
        distributions.bernoulli_log_likelihood_backward(np.array([1.0, 0.0]), np.array([1e4, 1e4])),
        [0.0, -1.0],
    )
    near(distributions.bernoulli_log_likelihood_backward(np.array([1.0]), np.log([3.0])), [0.25])


@pytest.mark.exercise_2_9
def test_backward_of_the_gaussian_density_is_its_derivative() -> None:
    rng = np.random.default_rng(4)
    z, mu, logvar = rng.standard_normal((3, 3, 2))

    def f(mu: Array, logvar: Array) -> float:
        return float((-logvar / 2 - (z - mu) ** 2 / (2 * np.exp(logvar))).sum())

    dmu, dlogvar = unchanged(distributions.gaussian_log_density_backward, z, mu, logvar)
    near(dmu, slope(lambda m: f(m, logvar), mu), 1e-7)
    near(dlogvar, slope(lambda s: f(mu, s), logvar), 1e-7)


# ---- 3 layers, the bound, its gradient, Algorithm 1 ----


def weighted(dy: Array, W: Array, x: Array) -> float:
    """Σ dy · (x W)."""
    return float(sum(dy[r] @ (x[r] @ W) for r in range(len(x))))


def affine(W: Array, b: Array) -> tuple[Any, Any]:
    """Parameters, and a layer with these weights."""
    W, b = np.array(W, float), np.array(b, float)
    params = parameters.Parameters({"a.W": W.shape, "a.b": b.shape}, np.float64)
    params.values["a.W"][...], params.values["a.b"][...] = W, b
    return params, layers.Affine(params, "a")


@pytest.mark.exercise_3_1
def test_affine_by_hand() -> None:
    params, layer = affine([[1, 2, 3], [4, 5, 6]], [10, 20, 30])
    x = np.array([[1.0, 1.0], [2.0, -1.0]])
    near(unchanged(layer.forward, x), [[15, 27, 39], [8, 19, 30]])
    near(params.theta, [1, 2, 3, 4, 5, 6, 10, 20, 30])
    near(layer.x, x)  # what backward needs


@pytest.mark.exercise_3_2
def test_affine_gradient_of_the_weights() -> None:
    rng = np.random.default_rng(5)
    x, dy, W, b = (
        rng.standard_normal((4, 3)),
        rng.standard_normal((4, 2)),
        rng.standard_normal((3, 2)),
        rng.standard_normal(2),
    )
    params, layer = affine(W, b)
    layer.forward(x)
    for _ in range(2):  # written, not added
        params.g[...] = 7
        unchanged(layer.backward_weights, dy)
        near(
            params.grads["a.W"],
            slope(lambda W: float(sum(dy[r] @ (x[r] @ W + b) for r in range(4))), W),
            1e-7,
        )
        near(
            params.grads["a.b"],
            slope(lambda b: float(sum(dy[r] @ (x[r] @ W + b) for r in range(4))), b),
            1e-7,
        )
        near(params.g, np.concatenate([params.grads["a.W"].ravel(), params.grads["a.b"]]))


@pytest.mark.exercise_3_3
def test_affine_gradient_of_the_input() -> None:
    rng = np.random.default_rng(6)
    for n_in, n_out in ((3, 2), (3, 3)):
        x, dy, W = (
            rng.standard_normal((4, n_in)),
            rng.standard_normal((4, n_out)),
            rng.standard_normal((n_in, n_out)),
        )
        params, layer = affine(W, np.zeros(n_out))
        layer.forward(x)
        near(unchanged(layer.backward_input, dy), slope(partial(weighted, dy, W), x), 1e-7)
        assert not params.g.any()


@pytest.mark.exercise_3_4
def test_tanh_backward_is_its_derivative() -> None:
    rng = np.random.default_rng(7)
    x, dy = rng.standard_normal((2, 3, 4))
    layer = layers.Tanh()
    layer.forward(x)
    near(
        unchanged(layer.backward_input, dy),
        slope(lambda x: float((dy * (1 - 2 / (np.exp(2 * x) + 1))).sum()), x),
        1e-7,
    )


def model(n_z: int = 2, hidden: tuple[int, ...] = (3,), seed: int = 0) -> Any:
    """A small VAE in float64, its biases moved away from 0."""
    made = vae.VAE(4, hidden, n_z, dtype=np.float64)
    made.params.theta[...] = 0.7 * np.random.default_rng(seed).standard_normal(
        made.params.theta.size
    )
    return made


def bound_by_hand(values: Any, x: Array, eps: Array) -> tuple[Array, Array, Array]:
    """The terms of the bound of one x with one ε, each network written out with loops over units; and log p(z) − log q(z|x)."""

    def layer(name: str, v: list[float]) -> list[float]:
        W, b = values[f"{name}.W"], values[f"{name}.b"]
        return [float(sum(v[i] * W[i, j] for i in range(len(v))) + b[j]) for j in range(len(b))]

    h = [float(np.tanh(t)) for t in layer("encoder.0", list(x))]
    mu, logvar = layer("mu", h), layer("logvar", h)
    z = [m + np.exp(s / 2) * e for m, s, e in zip(mu, logvar, eps)]
    a = layer("logits", [float(np.tanh(t)) for t in layer("decoder.0", z)])
    log_px = sum(
        np.log(1 / (1 + np.exp(-t))) if pixel else np.log(1 / (1 + np.exp(t)))
        for pixel, t in zip(x, a)
    )
    kl = sum((m * m + np.exp(s) - s - 1) / 2 for m, s in zip(mu, logvar))
    log_ratio = sum(-t * t / 2 + s / 2 + e * e / 2 for t, s, e in zip(z, logvar, eps))
    return log_px, kl, log_ratio


def batch(L: int, B: int, seed: int = 8) -> tuple[Array, Array]:
    """x: (B, 4) bits. eps: (L, B, 2)."""
    rng = np.random.default_rng(seed)
    return (rng.random((B, 4)) < 0.5).astype(float), rng.standard_normal((L, B, 2))


@pytest.mark.exercise_3_5
def test_two_terms_of_the_bound_against_loops() -> None:
    made, (x, eps) = model(), batch(3, 2)
    reconstruction, kl = unchanged(made.forward, x, eps)
    terms = np.array(
        [[bound_by_hand(made.params.values, x[b], eps[k, b]) for b in range(2)] for k in range(3)]
    )
    near(reconstruction, terms[:, :, 0].mean(axis=0))
    near(kl, terms[0, :, 1])
    one, _ = made.forward(x, eps[0])  # (B, n_z) stands for L = 1
    near(one, terms[0, :, 0])
    for bad_x, bad_eps in ((x + 1, eps), (x, eps[:, :1]), (x[:, :3], eps)):
        with pytest.raises(ValueError):
            made.forward(bad_x, bad_eps)


@pytest.mark.exercise_3_6
def test_bound_with_a_sampled_kl_against_loops() -> None:
    made, (x, eps) = model(), batch(3, 2)
    terms = np.array(
        [[bound_by_hand(made.params.values, x[b], eps[k, b]) for b in range(2)] for k in range(3)]
    )
    near(unchanged(made.elbo_sampled, x, eps), (terms[:, :, 0] + terms[:, :, 2]).mean(axis=0))


@pytest.mark.exercise_3_7
@pytest.mark.parametrize("L, B", [(1, 1), (1, 3), (3, 2)])
def test_gradient_of_the_bound_against_differences(L: int, B: int) -> None:
    made, (x, eps) = model(), batch(L, B)

    def loss(theta: Array) -> float:
        kept = made.params.theta.copy()
        made.params.theta[...] = theta
        terms = [
            [bound_by_hand(made.params.values, x[b], eps[k, b]) for b in range(B)] for k in range(L)
        ]
        made.params.theta[...] = kept
        return -sum(log_px - kl for sample in terms for log_px, kl, _ in sample) / (L * B)

    made.forward(x, eps)
    made.params.g[...] = 7
    made.backward()
    near(made.params.g, slope(loss, made.params.theta), 1e-6)


@pytest.mark.exercise_3_7
def test_gradient_of_the_bound_without_hidden_layers() -> None:
    made, (x, eps) = model(hidden=()), batch(2, 3)
    made.forward(x, eps)
    made.backward()

    def loss(theta: Array) -> float:
        made.params.theta[...] = theta
        reconstruction, kl = made.forward(x, eps)
        return -float((reconstruction - kl).mean())

    near(made.params.g.copy(), slope(loss, made.params.theta.copy()), 1e-6)


@pytest.mark.exercise_3_8
def test_central_difference_is_exact_up_to_h_squared() -> None:
    theta = np.array([1.0, -2.0, 3.0])
    near(
        unchanged(
            lambda t: gradient_check.central_difference(lambda v: float((v**3).sum()), t, 0.1),
            theta,
        ),
        3 * theta**2 + 0.01,
    )
    near(
        gradient_check.central_difference(lambda v: float(v[0] * v[1] - v[2]), theta, 0.5),
        [-2.0, 1.0, -1.0],
    )
    near(
        gradient_check.central_difference(lambda v: float(np.exp(v).sum()), np.zeros(2)),
        [1.0, 1.0],
        1e-7,
    )
    seen: list[int] = []

    def count(v: Array) -> float:
        seen.append(int((v != theta).sum()))
        return 0.0

    gradient_check.central_difference(count, theta)
    assert max(seen) == 1 and len(seen) <= 7  # one θ_i at a time


def steps(name: str, gs: Array, lr: float, block: int = 64, **options: Any) -> Array:
    """θ after each step from 0, with these gradients; by blocks."""
    params = parameters.Parameters({"w": gs.shape[1:]}, np.float64)
    kept, optimizers.BLOCK = optimizers.BLOCK, block
    try:
        chosen, path = getattr(optimizers, name)(params, lr=lr, **options), []
        for g in gs:
            params.g[...] = g
            chosen.step()
            near(params.g, g)
            path.append(params.theta.copy())
    finally:
        optimizers.BLOCK = kept
    return np.array(path)


@pytest.mark.exercise_3_9
def test_adagrad_by_hand() -> None:
    near(
        steps("Adagrad", np.array([[3.0], [4.0], [12.0]]), 0.1),
        -np.cumsum([[0.1], [0.1 * 4 / 5], [0.1 * 12 / 13]], axis=0),
        1e-7,
    )
    near(
        steps("Adagrad", np.array([[2.0, -2.0, 1.0]] * 2), 1.0, block=2)[1],
        [-1 - 0.5**0.5, 1 + 0.5**0.5, -1 - 0.5**0.5],
        1e-7,
    )
    near(steps("Adagrad", np.array([[3.0]]), 0.5, epsilon=2.0), [[-0.5 * 3 / (3 + 2)]])


@pytest.mark.exercise_3_10
def test_adam_by_hand() -> None:
    near(
        steps("Adam", np.array([[4.0, -0.01, 1e-3]]), 0.1)[0], [-0.1, 0.1, -0.1], 1e-5
    )  # the first step has the length lr
    same = steps("Adam", np.array([[5.0]] * 4), 0.1)
    near(
        same, [[-0.1], [-0.2], [-0.3], [-0.4]], 1e-7
    )  # the mean of equal gradients is that gradient
    # g = 1, then −3: m̂ = (0.9·1 − 3)/1.9, v̂ = (0.999·1 + 9)/1.999
    near(
        steps("Adam", np.array([[1.0], [-3.0]]), 1.0)[1],
        [-1 + 2.1 / 1.9 / np.sqrt(9.999 / 1.999)],
        1e-7,
    )
    # β₁ = ½, β₂ = ¾: weights 1, ½, ¼ and 1, ¾, 9/16 backwards in time
    g = np.array([[2.0], [-1.0], [4.0]])
    m, v = (4 - 0.5 + 0.25 * 2) / 1.75, (16 + 0.75 + 9 / 16 * 4) / (37 / 16)
    path = steps("Adam", g, 0.3, beta1=0.5, beta2=0.75, epsilon=0.5)
    near(path[2] - path[1], [-0.3 * m / (v**0.5 + 0.5)])
    near(path[0], [-0.3 * 2 / (2 + 0.5)])


@pytest.mark.exercise_3_10
def test_adam_block_by_block_is_adam() -> None:
    gs = np.random.default_rng(9).standard_normal((4, 7))
    near(steps("Adam", gs, 0.1, block=3), steps("Adam", gs, 0.1))


@pytest.mark.exercise_3_11
def test_bits_have_the_probability_of_the_pixel() -> None:
    rng = np.random.default_rng(10)
    levels = np.array([0, 1, 51, 204, 254, 255], np.uint8)
    shares = levels / 255
    images: Array
    for images in (levels, shares):
        bits = datasets.binarize(np.repeat(images[:, None], 100_000, axis=1), rng)
        assert bits.dtype == np.float32 and set(np.unique(bits)) == {0.0, 1.0}
        assert np.all(
            np.abs(bits.mean(axis=1) - shares) <= 5 * np.sqrt(shares * (1 - shares) / 100_000)
        )  # exact for 0 and 255
        assert (
            abs(np.mean(bits[2, 1:] != bits[2, :-1]) - 2 * 0.2 * 0.8) < 0.01
        )  # each pixel by itself
    assert datasets.binarize(np.array([[0.5]]), rng, np.float64).dtype == np.float64


@pytest.mark.exercise_3_11
def test_bits_of_what_are_no_pixels_are_an_error() -> None:
    for images in (np.array([[1.5]]), np.array([[-0.1]]), np.array([[np.nan]])):
        with pytest.raises(ValueError):
            datasets.binarize(images, np.random.default_rng(0))


@pytest.mark.exercise_3_12
def test_one_turn_of_algorithm_1() -> None:
    made, (x, _) = model(), batch(1, 3)
    before, sgd = made.params.theta.copy(), optimizers.SGD(made.params, lr=0.1)
    eps = np.random.default_rng(3).standard_normal((3, 2))
    terms = np.array([bound_by_hand(made.params.values, x[b], eps[b]) for b in range(3)])
    made.params.g[...] = 7

    bound = training.training_step(made, x, sgd, np.random.default_rng(3))
    near(tuple(bound), [(terms[:, 0] - terms[:, 1]).mean(), terms[:, 0].mean(), terms[:, 1].mean()])

    def loss(theta: Array) -> float:
        made.params.theta[...] = theta
        terms = [bound_by_hand(made.params.values, x[b], eps[b]) for b in range(3)]
        return -sum(log_px - kl for log_px, kl, _ in terms) / 3

    after = made.params.theta.copy()
    near(after, before - 0.1 * slope(loss, before), 1e-6)


@pytest.mark.exercise_3_12
def test_noise_of_a_float32_model_is_float32() -> None:
    made: Any = vae.VAE(4, (3,), 2)
    seen, forward = [], made.forward

    def watched(x: Array, eps: Array) -> Any:
        seen.append(np.asarray(eps).dtype)
        return forward(x, eps)

    made.forward = watched
    training.training_step(
        made, np.ones((5, 4), np.float32), optimizers.SGD(made.params), np.random.default_rng(0)
    )
    assert seen[0] == np.float32


@pytest.mark.exercise_4_1
def test_the_log_of_a_mean_that_comes_in_parts() -> None:
    w = np.array([[1.0, 8.0], [3.0, 2.0], [2.0, 2.0], [10.0, 4.0]])
    for parts in ([4], [1, 3], [2, 2], [3, 1], [1, 1, 1, 1]):
        mean = likelihood.LogMean(2)
        start = 0
        for size in parts:
            mean.add(np.log(w[start : start + size]))
            start += size
        log_mean, error = mean.result()
        near(log_mean, [np.log(4), np.log(4)])
        near(error, w.std(axis=0, ddof=1) / 2 / 4)


@pytest.mark.exercise_4_1
def test_no_weight_is_too_large_or_too_small() -> None:
    mean = likelihood.LogMean(1)
    with np.errstate(over="raise", invalid="raise"):
        for log_w in (-5000.0, 3000.0, 3000.0, -4000.0):
            mean.add(np.array([[log_w]]))
    near(mean.result()[0], [3000 - np.log(2)])


@pytest.mark.exercise_4_2
def test_the_importance_weighted_bound_of_a_model_whose_weights_are_known() -> None:
    made: Any = vae.VAE(2, (), 1, dtype=np.float64)
    made.params.theta[...] = 0  # x and z are independent, p(x) = ¼; q(z|x) = N(1, 1)
    made.params.values["mu.b"][...] = 1
    x = np.array([[0.0, 1.0], [1.0, 1.0]])
    z = 1 + np.random.default_rng(5).standard_normal((3, 2))
    w = 0.25 * np.exp(-0.5 * z**2 + 0.5 * (z - 1) ** 2)  # p(x) p(z) / q(z|x)
    bound, error = likelihood.importance_weighted_bound(made, x, 3, np.random.default_rng(5))
    near(bound, np.log(w.mean(axis=0)))
    near(error, w.std(axis=0, ddof=1) / np.sqrt(3) / w.mean(axis=0))


@pytest.mark.exercise_4_2
def test_many_weights_find_the_integral() -> None:
    made: Any = vae.VAE(2, (), 1, dtype=np.float64)
    made.params.theta[...] = 0
    made.params.values["mu.b"][...] = 0.3
    bound, error = likelihood.importance_weighted_bound(
        made, np.array([[0.0, 1.0]]), 20_000, np.random.default_rng(6)
    )
    assert abs(bound[0] - np.log(0.25)) < 5 * error[0] and error[0] < 0.01
