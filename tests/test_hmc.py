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


def of_the_normal(eps):
    """A chain whose q(z|x) is N(0, I), so that log f at β = 0 is that of eps ~ N(0, I)."""
    vae = VAE(2, (2,), eps.shape[2], dtype=np.float64, seed=0)
    still = np.zeros(eps.shape[1:])
    return Chain(vae, np.zeros((eps.shape[1], 2)), still, still, eps)


@pytest.mark.parametrize("delta", [0.1, 2 * np.sin(np.pi / 8), 1.5])
def test_leapfrogs_of_a_gaussian_turn(delta):
    """n leapfrogs for N(0, 1) turn (z, κ r) by n θ, where cos θ = 1 − δ²/2 and κ = δ / sin θ. At
    θ = π/4 four of them give −z and −r, whatever r is.
    """
    rng = np.random.default_rng(0)
    z, r = rng.standard_normal((2, 50, 1, 1))
    chain, size = of_the_normal(z), np.full((50, 1, 1), delta)
    theta, n = np.arccos(1 - delta**2 / 2), 4
    kappa, (state, end) = delta / np.sin(theta), (chain.state, r)
    for _ in range(n):
        state, end = chain.leapfrog(state, end, 0.0, size)
    expected = np.cos(n * theta) * z + kappa * np.sin(n * theta) * r
    np.testing.assert_allclose(state.eps, expected, atol=1e-12)
    expected = -np.sin(n * theta) / kappa * z + np.cos(n * theta) * r
    np.testing.assert_allclose(end, expected, atol=1e-12)
    if np.isclose(theta, np.pi / 4):
        np.testing.assert_allclose(state.eps, -z, atol=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.4, 1.0])
def test_a_leapfrog_runs_backwards_and_keeps_volumes(beta):
    """From (z′, −r′) a leapfrog leads to (z, −r). The determinant of ∂(z′, r′)/∂(z, r), by central
    differences, is 1.
    """
    rng = np.random.default_rng(0)
    eps, r = rng.standard_normal((2, 2))  # one chain, one x, n_z = 2
    whole = chains(1)
    chain = Chain(whole.vae, whole.x[:1], whole.mu[:1], whole.logvar[:1], eps[None, None])
    size = np.full((1, 1, 1), 0.4)

    def end_of(start):
        state, end = chain.leapfrog(
            chain._at(start[:2].reshape(1, 1, 2)), start[2:].reshape(1, 1, 2), beta, size
        )
        return np.concatenate([state.eps.ravel(), end.ravel()])

    flip = np.array([1, 1, -1, -1])
    start = np.concatenate([eps, r])
    np.testing.assert_allclose(end_of(flip * end_of(start)), flip * start, atol=1e-12)
    step = 1e-5 * np.eye(4)
    jacobian = [(end_of(start + d) - end_of(start - d)) / 2e-5 for d in step]
    assert np.linalg.det(jacobian) == pytest.approx(1, abs=1e-8)  # the error is O(1e-5²)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_no_step_size_resonates(k):
    """4 leapfrogs with θ = k π/4 return or mirror a chain for N(0, 1). With δ drawn anew for each
    move, chains that begin at 0 ± 5 have the variance 1 after 40 moves.
    """
    rng, n = np.random.default_rng(k), 1000
    chain = of_the_normal(5 * rng.standard_normal((n, 1, 1)))
    for _ in range(40):
        chain.move(0.0, np.array([2 * np.sin(k * np.pi / 8)]), 4, rng)
    assert chain.state.eps.var() == pytest.approx(1, abs=5 * np.sqrt(2 / n))


def test_each_move_of_each_chain_has_a_step_size_of_its_own():
    """With one leapfrog and f = N(0, 1) the end is z + u δ (r − ½ u δ z): u from it lies in
    [0.6, 1.2], up to both ends, and differs between chains and between moves.
    """
    z, drawn = np.ones((500, 1, 1)), []
    for seed in range(2):
        chain, rng = of_the_normal(z), np.random.default_rng(seed)
        accept = chain.move(0.0, np.array([0.01]), 1, rng)  # δ is so small that u δ r is the way
        assert accept.all()
        rng = np.random.default_rng(seed)
        rng.uniform(size=(500, 1))
        r = rng.standard_normal(z.shape)
        drawn.append(((chain.state.eps - z) / (0.01 * r))[np.abs(r) > 0.2])
    for u in drawn:
        assert 0.6 - 0.05 < u.min() < 0.65 and 1.15 < u.max() < 1.2 + 0.05
    assert abs(drawn[0].mean() - 0.9) < 0.05 and abs(drawn[0].std() - 0.6 / np.sqrt(12)) < 0.02


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
