"""The distributions: closed forms against sums, quadrature and Monte Carlo.

Gradients against the complex step. The safe forms against the equations' own forms.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchvae.distributions import (
    bernoulli_log_likelihood,
    bernoulli_log_likelihood_backward,
    gaussian_kl,
    gaussian_kl_backward,
    gaussian_log_density,
    gaussian_log_density_backward,
    reparameterize,
    reparameterize_backward,
    standard_normal_log_density,
)
from scratchvae.gradient_check import complex_step

mus, logvars = st.floats(-3, 3), st.floats(-4, 3)


def quadrature(f, mu, logvar):
    """∫ f(z) dz by the trapezoid rule, over 12 standard deviations on each side.

    For a smooth f that is negligible beyond, it is exact, but for rounding.
    """
    sigma = math.exp(0.5 * logvar)
    z = np.linspace(mu - 12 * sigma, mu + 12 * sigma, 4001)
    return np.trapezoid(f(z), z)


@given(mu=mus, logvar=logvars)
def test_gaussian_density_has_mass_1_mean_mu_and_variance_exp_logvar(mu, logvar):
    """∫ N = 1, ∫ z N = μ, ∫ (z − μ)² N = e^logvar: logvar is log σ², not log σ."""
    density = lambda z: np.exp(gaussian_log_density(z[:, None], np.array([mu]), np.array([logvar])))
    assert quadrature(density, mu, logvar) == pytest.approx(1, abs=1e-10)
    assert quadrature(lambda z: z * density(z), mu, logvar) == pytest.approx(mu, abs=1e-9)
    assert quadrature(lambda z: (z - mu) ** 2 * density(z), mu, logvar) == pytest.approx(
        math.exp(logvar), rel=1e-9
    )


@given(z=mus, mu=mus, logvar=logvars)
def test_gaussian_log_density_safe_form_is_the_equation(z, mu, logvar):
    """The code's form is log [ 1/√(2πσ²) · e^(−(z − μ)²/(2σ²)) ], to 1e-12."""
    variance = math.exp(logvar)
    log_density = -((z - mu) ** 2) / (2 * variance) - math.log(math.sqrt(2 * math.pi * variance))
    ours = gaussian_log_density(np.array([z]), np.array([mu]), np.array([logvar]))
    assert ours == pytest.approx(log_density, rel=1e-12, abs=1e-12)


def test_gaussian_log_density_where_the_equation_overflows():
    """In float32, 1/σ² is inf at log σ² = −100, but the log density is finite.

    With z − μ = σ it is −½ [ log 2π − 100 + 1 ].
    """
    logvar = np.array([-100], np.float32)
    with np.errstate(over="ignore"):
        assert np.exp(-logvar)[0] == np.inf
    ours = gaussian_log_density(np.exp(logvar / 2), np.zeros(1, np.float32), logvar)
    assert ours == pytest.approx(-0.5 * (math.log(2 * math.pi) - 100 + 1), rel=1e-6)


@given(
    z=hnp.arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=st.floats(-5, 5))
)
def test_log_density_sums_over_dimensions_only(z):
    """log N(z; 0, I) = Σ_j log N(z_j; 0, 1), one number for each row."""
    by_hand = [sum(-0.5 * math.log(2 * math.pi) - 0.5 * zj * zj for zj in row) for row in z]
    np.testing.assert_allclose(standard_normal_log_density(z), by_hand, rtol=1e-12)
    np.testing.assert_allclose(
        gaussian_log_density(z, np.zeros_like(z), np.zeros_like(z)), by_hand, rtol=1e-12
    )


@given(mu=mus, logvar=logvars)
def test_kl_is_its_integral(mu, logvar):
    """KL(q ‖ p) = ∫ q (log q − log p) dz, by quadrature: the sign, the ½, and σ²."""
    log_q = lambda z: -0.5 * (math.log(2 * math.pi) + logvar + (z - mu) ** 2 / math.exp(logvar))
    log_p = lambda z: -0.5 * (math.log(2 * math.pi) + z * z)
    integral = quadrature(lambda z: np.exp(log_q(z)) * (log_q(z) - log_p(z)), mu, logvar)
    assert gaussian_kl(np.array([[mu]]), np.array([[logvar]]))[0] == pytest.approx(
        integral, rel=1e-9, abs=1e-10
    )


def test_kl_is_its_monte_carlo_mean():
    """KL(q ‖ p) = E_q[log q(z) − log p(z)], within 5 standard errors.

    It is a sum over latent dimensions, not over rows.
    """
    rng = np.random.default_rng(0)
    mu, logvar = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    z = reparameterize(mu, logvar, rng.standard_normal((200_000, 3, 4)))
    draws = gaussian_log_density(z, mu, logvar) - standard_normal_log_density(z)
    error = draws.std(axis=0) / math.sqrt(len(draws))
    assert gaussian_kl(mu, logvar).shape == (3,)
    assert (np.abs(draws.mean(axis=0) - gaussian_kl(mu, logvar)) < 5 * error).all()


@given(
    mu=hnp.arrays(float, (2, 3), elements=mus),
    logvar=hnp.arrays(float, (2, 3), elements=logvars),
)
def test_kl_safe_form_is_the_equation(mu, logvar):
    """The expm1 form is −½ Σ_j [ 1 + log σ_j² − μ_j² − σ_j² ], to 1e-13."""
    straight = -0.5 * (1 + logvar - mu**2 - np.exp(logvar)).sum(axis=1)
    np.testing.assert_allclose(gaussian_kl(mu, logvar), straight, rtol=1e-13, atol=1e-13)


@given(mu=mus, logvar=logvars)
def test_second_moment(mu, logvar):
    """E z² = μ² + σ² for z ~ N(μ, σ²), by quadrature."""
    density = lambda z: np.exp(gaussian_log_density(z[:, None], np.array([mu]), np.array([logvar])))
    assert quadrature(lambda z: z * z * density(z), mu, logvar) == pytest.approx(
        mu * mu + math.exp(logvar), rel=1e-9
    )


@given(n=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_kl_is_zero_only_at_the_prior(n, seed):
    """KL(N(0, I) ‖ N(0, I)) = 0 exactly. Near it, with σ² = e^s, KL = s²/4 + s³/12.

    This holds to 1e-8. The equation as it is written has errors up to 4e-4 here.
    """
    assert gaussian_kl(np.zeros((1, n)), np.zeros((1, n)))[0] == 0
    s = np.random.default_rng(seed).uniform(1e-6, 1e-5, (1, n))
    # e^s − 1 − s = s²/2 + s³/6 + ..., so the KL is s²/4 to leading order
    assert gaussian_kl(np.zeros((1, n)), s)[0] == pytest.approx(
        (s**2 / 4 + s**3 / 12).sum(), rel=1e-8, abs=0
    )


@given(
    mu=hnp.arrays(float, (2, 3), elements=mus),
    logvar=hnp.arrays(float, (2, 3), elements=logvars),
)
def test_kl_backward(mu, logvar):
    """∂KL/∂μ = μ and ∂KL/∂log σ² = ½ (σ² − 1): the formula's complex step, to 1e-12."""

    def kl(flat):
        m, s = flat[:6], flat[6:]
        return -0.5 * np.sum(1 + s - m * m - np.exp(s))

    dmu, dlogvar = gaussian_kl_backward(mu, logvar)
    theirs = complex_step(kl, np.concatenate([mu.ravel(), logvar.ravel()]))
    np.testing.assert_allclose(
        np.concatenate([dmu.ravel(), dlogvar.ravel()]), theirs, rtol=1e-12, atol=1e-14
    )


@given(
    z=hnp.arrays(float, (2, 3), elements=mus), mu=hnp.arrays(float, (2, 3), elements=mus),
    logvar=hnp.arrays(float, (2, 3), elements=logvars),
)  # fmt: skip
def test_gaussian_log_density_backward(z, mu, logvar):
    """∂ log N/∂μ = (z − μ)/σ² and ∂ log N/∂log σ² = ½ ((z − μ)²/σ² − 1).

    Against the complex step of the formula, to 1e-11.
    """

    def log_density(flat):
        m, s = flat[:6], flat[6:]
        return np.sum(-0.5 * (np.log(2 * np.pi) + s + (z.ravel() - m) ** 2 * np.exp(-s)))

    ours = np.concatenate([part.ravel() for part in gaussian_log_density_backward(z, mu, logvar)])
    theirs = complex_step(log_density, np.concatenate([mu.ravel(), logvar.ravel()]))
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)


def test_samples_have_the_declared_mean_and_variance():
    """z = μ + σ ⊙ ε has mean μ and variance e^logvar.

    Code that takes logvar for log σ passes a gradient check. It fails here.
    """
    rng = np.random.default_rng(1)
    mu, logvar = np.array([[-2.0, 0.0, 3.0]]), np.array([[-3.0, 0.5, 2.0]])
    N = 400_000
    z = reparameterize(mu, logvar, rng.standard_normal((N, 1, 3)))[:, 0]
    variance = np.exp(logvar[0])
    assert (np.abs(z.mean(axis=0) - mu[0]) < 5 * np.sqrt(variance / N)).all()
    # the variance of a sample variance is 2 σ⁴ / N
    assert (np.abs(z.var(axis=0) / variance - 1) < 5 * math.sqrt(2 / N)).all()


@given(
    L=st.integers(1, 3),
    batch=st.integers(1, 3),
    n_z=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_reparameterize_backward(L, batch, n_z, seed):
    """dμ = Σ_l dz_l and d log σ² = Σ_l dz_l ⊙ ε_l ⊙ ½ σ: the complex step, to 1e-11."""
    rng = np.random.default_rng(seed)
    mu, logvar = rng.standard_normal((2, batch, n_z))
    eps, dz = rng.standard_normal((2, L, batch, n_z))

    def loss(flat):
        m, s = flat.reshape(2, batch, n_z)
        return sum(np.sum(dz[k] * (m + np.exp(s / 2) * eps[k])) for k in range(L))

    dmu, dlogvar = reparameterize_backward(dz, logvar, eps)
    theirs = complex_step(loss, np.concatenate([mu.ravel(), logvar.ravel()]))
    np.testing.assert_allclose(
        np.concatenate([dmu.ravel(), dlogvar.ravel()]), theirs, rtol=1e-11, atol=1e-13
    )


@given(
    x=hnp.arrays(float, (2, 3), elements=st.sampled_from([0.0, 1.0, 0.25])),
    a=hnp.arrays(float, (2, 3), elements=st.floats(-15, 15)),
)
def test_bernoulli_log_likelihood_is_eq_11(x, a):
    """The form from logits is Σ_i [x_i log p_i + (1 − x_i) log(1 − p_i)].

    p = sigmoid(a). It is a sum over pixels, one number for each row.
    """
    p = [[1 / (1 + math.exp(-logit)) for logit in row] for row in a]
    by_hand = [
        sum(xi * math.log(pi) + (1 - xi) * math.log1p(-pi) for xi, pi in zip(*rows))
        for rows in zip(x, p)
    ]
    # 1 − p has a relative error of e^15 · 1e-16
    np.testing.assert_allclose(bernoulli_log_likelihood(x, a), by_hand, rtol=1e-8)


@pytest.mark.parametrize(("dtype", "a"), [(np.float32, 17), (np.float64, 37)])
def test_bernoulli_where_the_equation_fails(dtype, a):
    """p rounds to 1 from a = 17 on in float32, and from a = 37 on in float64.

    Then the equation in probabilities gives −∞ for x = 0 and NaN for x = 1. The form from
    logits gives −a and −e^(−a), the leading terms of both.
    """
    logits, x = np.full((2, 1), a, dtype), np.array([[0], [1]], dtype)
    p = 1 / (1 + np.exp(-logits))
    with np.errstate(divide="ignore", invalid="ignore"):
        straight = x * np.log(p) + (1 - x) * np.log(1 - p)
    assert (straight[0, 0], np.isnan(straight[1, 0])) == (-np.inf, True)
    assert 1 / (1 + np.exp(1 - logits[0, 0])) < 1  # not yet at a − 1
    ours = bernoulli_log_likelihood(x, logits)
    np.testing.assert_allclose(ours, [-a, -math.exp(-a)], rtol=1e-6)


@given(
    x=hnp.arrays(float, (2, 3), elements=st.sampled_from([0.0, 1.0, 0.3])),
    a=hnp.arrays(float, (2, 3), elements=st.floats(-30, 30)),
)
def test_bernoulli_backward(x, a):
    """∂ log p(x|z) / ∂a = x − sigmoid(a).

    Against the complex step of x a − log(1 + eᵃ), to 1e-12.
    """
    theirs = complex_step(
        lambda flat: np.sum(x.ravel() * flat - np.log(1 + np.exp(flat))), a.ravel()
    )
    np.testing.assert_allclose(
        bernoulli_log_likelihood_backward(x, a).ravel(), theirs, rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bernoulli_at_extreme_logits(dtype):
    """At a = ±1e4 the log likelihood is exactly 0 or −1e4, and the gradient 0 or ±1.

    It is 0 where the bit agrees with the sign of a, and −1e4 where it does not.
    """
    x, a = np.array([[1, 0, 1, 0]], dtype), np.array([[1e4, -1e4, -1e4, 1e4]], dtype)
    with np.errstate(all="raise", under="ignore"):
        each = [bernoulli_log_likelihood(x[:, i : i + 1], a[:, i : i + 1])[0] for i in range(4)]
        slope = bernoulli_log_likelihood_backward(x, a)
    assert each == [0, 0, -1e4, -1e4]
    assert slope.tolist() == [[0, 0, 1, -1]]


def test_bernoulli_keeps_its_digits_in_float32():
    """Where p is nearly 1, log p = −log(1 + e^(−a)), to float32's last digits.

    So x a − max(a, 0) comes first, and the small logarithm after it.
    """
    a = np.arange(5, 40, dtype=np.float32)
    ours = np.array(
        [bernoulli_log_likelihood(np.ones(1, np.float32), a[i : i + 1]) for i in range(len(a))]
    )
    np.testing.assert_allclose(ours, -np.log1p(np.exp(-a.astype(np.float64))), rtol=4e-7)


def test_kl_near_the_prior_keeps_digits():
    """μ = 0 and log σ² = s = 1e-6: KL = ½ (e^s − 1 − s) = s²/4 + s³/12 + ..."""
    s = 1e-6
    kl = gaussian_kl(np.array([0.0]), np.array([s]))
    assert kl == pytest.approx(s**2 / 4 + s**3 / 12, rel=1e-9, abs=0)


def test_gradient_of_kl_is_a_new_array():
    """VAE.backward adds to dμ in place: μ itself stays."""
    mu = np.array([2.0])
    dmu, _ = gaussian_kl_backward(mu, np.zeros(1))
    dmu += 1
    assert mu == 2 and dmu == 3
