"""HMC: the force is the gradient of log f, and a move keeps f as the distribution."""

import numpy as np
import pytest

from scratchvae import VAE
from scratchvae.gradient_check import central_difference
from scratchvae.hmc import Chain


def chains(K, beta_seed=0):
    """K chains on each of three data points, which start at draws of N(0, 1)."""
    vae, rng = VAE(4, (3,), 2, dtype=np.float64, seed=3), np.random.default_rng(beta_seed)
    x = np.array([[0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1.0]])
    mu, logvar = vae.encode(x)[0], rng.uniform(-2, 1, (3, 2))
    return Chain(vae, x, mu, logvar, rng.standard_normal((K, 3, 2)))


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_the_force_is_the_gradient(beta):
    """force(β) = ∂ log f / ∂eps at z = μ + σ ⊙ eps: against central differences.

    No estimate would show a wrong force: log f alone decides which moves are accepted.
    """
    chain = chains(2)
    eps = chain.state.eps
    theirs = central_difference(
        lambda flat: float(chain._at(flat.reshape(eps.shape)).log_f(beta).sum()), eps.ravel()
    )
    ours = chain.state.force(beta).ravel()
    np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-8)


def test_moves_keep_the_distribution():
    """β = 0: f = q(z|x), so eps ~ N(0, I) before a move and after it: mean 0, covariance I.

    The steps are long enough that a tenth of the moves or more is refused.
    """
    chain, rng = chains(4000), np.random.default_rng(1)
    shares = [chain.move(0.0, np.full(3, 1.3), 3, rng).mean() for _ in range(5)]
    assert max(shares) < 0.9
    eps = chain.state.eps.reshape(-1, 2)
    assert (np.abs(eps.mean(axis=0)) < 5 / np.sqrt(len(eps))).all()
    np.testing.assert_allclose(np.cov(eps.T), np.eye(2), atol=5 * np.sqrt(2 / len(eps)))


def test_a_refused_move_changes_nothing():
    """Where a chain refuses, all of its state is what it was; elsewhere all of it is new."""
    chain = chains(40)
    before = chain.state
    accept = chain.move(0.5, np.full(3, 1.3), 3, np.random.default_rng(2))
    assert 0 < accept.mean() < 1
    for old, new in zip(before, chain.state):
        np.testing.assert_array_equal(new[~accept], old[~accept])
        assert (new[accept] != old[accept]).all()
