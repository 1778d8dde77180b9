"""The linear VAE is probabilistic PCA: log p(x) in closed form is what every estimator of
it has to find.
"""

from itertools import pairwise

import numpy as np
import pytest

from scratchvae import VAE, log_likelihood

N_X = 12


def linear_vae(n_z, n_points=8, seed=0):
    """A linear VAE with random W, b and σ², points of its own, and log p(x) of each point.

    p(x) is the density of N(b, WᵀW + σ² I). The exact posterior is N(M⁻¹ W (x − b), σ² M⁻¹),
    M = W Wᵀ + σ² I. The encoder is this with three faults: only the diagonal of the
    covariance, 1.3 times as large, and a mean that is off by 0.3 σ.
    """
    rng = np.random.default_rng(seed)
    vae = VAE(N_X, (), n_z, decoder="isotropic", dtype=np.float64, seed=rng)
    weights, sigma2 = vae.params.values, 0.4
    W = rng.normal(0, 0.5, (n_z, N_X))
    b = rng.normal(0, 1, N_X)
    weights["x_mu.W"][...], weights["x_mu.b"][...], weights["x_logvar"][...] = W, b, np.log(sigma2)

    M_inverse = np.linalg.inv(W @ W.T + sigma2 * np.eye(n_z))
    variance = 1.3 * sigma2 * np.diagonal(M_inverse)
    weights["mu.W"][...] = W.T @ M_inverse
    weights["mu.b"][...] = -b @ W.T @ M_inverse + 0.3 * np.sqrt(variance)
    weights["logvar.W"][...], weights["logvar.b"][...] = 0, np.log(variance)

    x = (
        rng.normal(size=(n_points, n_z)) @ W
        + b
        + np.sqrt(sigma2) * rng.normal(size=(n_points, N_X))
    )
    return vae, x, gaussian_log_p(x - b, W.T @ W + sigma2 * np.eye(N_X))


def gaussian_log_p(r, C):
    """log N(r; 0, C) = −½ [ n log 2π + log det C + rᵀ C⁻¹ r ] of each row of r."""
    sign, log_det = np.linalg.slogdet(C)
    assert sign == 1
    return -0.5 * (
        r.shape[1] * np.log(2 * np.pi) + log_det + (r * np.linalg.solve(C, r.T).T).sum(axis=1)
    )


@pytest.mark.parametrize("n_z", [1, 3, 10])
@pytest.mark.parametrize(("method", "n_samples"), [("importance", 20_000), ("ais", 64)])
def test_importance_and_ais_against_the_closed_form(method, n_samples, n_z):
    """log p(x) by importance weighting and by annealing: within 0.05 nats or four standard
    errors of the truth, for every point.
    """
    vae, x, truth = linear_vae(n_z)
    estimate = log_likelihood(vae, x, n_samples, method=method, n_temperatures=60, seed=1)
    assert (np.abs(estimate.log_p - truth) <= np.maximum(0.05, 4 * estimate.standard_error)).all()
    assert (estimate.standard_error < 0.2).all()


@pytest.mark.parametrize("n_z", [1, 2, 4])
def test_hmc_against_the_closed_form(n_z):
    """log p(x) from posterior samples (AEVB appendix D): the posterior is a Gaussian here,
    so it is within 0.1 nats.
    """
    vae, x, truth = linear_vae(n_z)
    estimate = log_likelihood(vae, x, 1000, method="hmc", seed=1)
    assert np.abs(estimate.log_p - truth).max() < 0.1
    assert 0.5 < estimate.acceptance < 1


def test_hmc_forgets_that_q_was_too_wide():
    """q has the right mean and is 5 times too wide. For 40 points the estimate by posterior samples
    is right within 0.05 nats on average, and none is 1 nat too low.
    """
    vae, x, truth = linear_vae(1, n_points=40)
    W, sigma2 = vae.params.values["x_mu.W"], np.exp(vae.params.values["x_logvar"][0])
    variance = sigma2 / ((W @ W.T).item() + sigma2)
    vae.params.values["mu.b"] -= 0.3 * np.sqrt(1.3 * variance)  # as in linear_vae
    vae.params.values["logvar.b"][...] = np.log(25 * variance)
    error = log_likelihood(vae, x, 200, method="hmc").log_p - truth
    assert abs(error.mean()) < 0.05 and error.min() > -1


@pytest.mark.parametrize(
    ("method", "start", "n_samples"),
    [("importance", "q", 1000), ("ais", "q", 32), ("ais", "prior", 32), ("hmc", "q", 100)],
)
def test_the_standard_error_is_that_of_the_closed_form(method, start, n_samples):
    """100 points: (estimate − log p(x)) / standard error has a mean within ± 0.3 and a standard
    deviation of 1.3 at most. (Of 100 true normals they are 0 ± 0.1 and 1 ± 0.07.)
    """
    vae, x, truth = linear_vae(2, n_points=100)
    options = {"method": method, "start": start, "n_temperatures": 60}
    estimate = log_likelihood(vae, x, n_samples, **options)
    z = (estimate.log_p - truth) / estimate.standard_error
    assert abs(z.mean()) < 0.3 and 0.7 < z.std() < 1.3


@pytest.mark.parametrize("n_z", [2, 6])
def test_the_bound_tightens_with_k(n_z):
    """E[L_1] ≤ E[L_2] ≤ ... ≤ log p(x): the means of L_k over 400 points rise with k, none
    is above the truth by more than its error.
    """
    vae, x, truth = linear_vae(n_z, n_points=400)
    below = [
        truth - log_likelihood(vae, x, k, seed=k).log_p for k in (1, 2, 5, 20, 100, 500)
    ]  # log p − L_k of each point
    for fewer, more in pairwise(below):
        assert (fewer - more).mean() > -2 * (fewer - more).std() / np.sqrt(len(x))
    for gap in below:
        assert gap.mean() > -3 * gap.std() / np.sqrt(len(x))
    assert below[0].mean() > 0.1 > 0.02 > abs(below[-1].mean())


def test_the_mean_of_l_1_is_the_bound():
    """log p(x) − E[L_1] is KL(q(z|x) ‖ p(z|x)), here of two Gaussians and so known: AEVB
    eq. (1).
    """
    vae, x, truth = linear_vae(3, n_points=1)
    repeated = np.repeat(x, 20_000, axis=0)
    L_1 = log_likelihood(vae, repeated, 1, seed=3).log_p
    W, sigma2 = vae.params.values["x_mu.W"], np.exp(vae.params.values["x_logvar"][0])
    mu, logvar = (moment[0] for moment in vae.encode(x))
    precision = (W @ W.T + sigma2 * np.eye(3)) / sigma2  # of the posterior
    r = mu - np.linalg.solve(precision, W @ (x[0] - vae.params.values["x_mu.b"])) / sigma2
    kl = 0.5 * (
        np.diagonal(precision) @ np.exp(logvar)
        + r @ precision @ r
        - 3
        - logvar.sum()
        - np.linalg.slogdet(precision)[1]
    )
    assert kl > 0.05
    assert truth[0] - L_1.mean() == pytest.approx(kl, abs=4 * L_1.std() / np.sqrt(len(L_1)))
