"""AEVB eq. (1), log p(x) = KL(q(z|x) ‖ p(z|x)) + 𝓛(x), by demos/quadrature.py.

Each of its three terms is compared with the same term, computed in another way.
"""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from scratchvae import VAE, Adam, fit, log_likelihood

spec = importlib.util.spec_from_file_location(
    "quadrature", Path(__file__).parents[1] / "demos" / "quadrature.py"
)
quadrature = importlib.util.module_from_spec(spec)
spec.loader.exec_module(quadrature)


def model(n_z, hidden=(8,), epochs=0, activation="tanh"):
    """A small float64 model with large random weights, and bits to look at.

    It is trained for some epochs on random images.
    """
    rng = np.random.default_rng(n_z)
    vae = VAE(10, hidden, n_z, activation=activation, dtype=np.float64, seed=rng)
    vae.params.theta[...] = rng.normal(0, 0.5, vae.params.theta.size)
    if epochs:
        images = (rng.random((300, 1)) * rng.random(10) * 255).astype(np.uint8)
        optimizer = Adam(vae.params, lr=1e-2)
        fit(vae, images, epochs=epochs, optimizer=optimizer, seed=rng, progress=False)
    return vae, (rng.random((5, 10)) < 0.5).astype(float)


def gauss_hermite(vae, x, n=80):
    """𝓛(x), the mean of `VAE.elbo` over ε ~ N(0, I), by Gauss–Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    weights = weights / math.sqrt(2 * math.pi)
    eps = np.stack(np.meshgrid(*[nodes] * vae.n_z, indexing="ij"), axis=-1).reshape(-1, vae.n_z)
    w = np.prod(np.meshgrid(*[weights] * vae.n_z, indexing="ij"), axis=0).ravel()
    terms = [(w_l, np.tile(eps_l, (len(x), 1))) for w_l, eps_l in zip(w, eps) if w_l > 1e-16]
    return sum(w_l * vae.elbo(x, eps_l) for w_l, eps_l in terms)


def by_a_plain_grid(vae, x):
    """log p(x) and the KL from the posterior density p(x|z) p(z) / p(x), each (B,).

    The probabilities are plain numbers here, not logarithms.
    """
    line = np.linspace(-11, 11, 441)
    z = np.stack(np.meshgrid(*[line] * vae.n_z, indexing="ij"), axis=-1).reshape(-1, vae.n_z)
    p, dz = vae.decode(z), (line[1] - line[0]) ** vae.n_z
    prior = np.exp(-0.5 * (z**2).sum(axis=1)) / (2 * np.pi) ** (vae.n_z / 2)
    log_p, kl = [], []
    for row, mu, logvar in zip(x, *vae.encode(x)):
        joint = np.prod(np.where(row == 1, p, 1 - p), axis=1) * prior
        evidence = joint.sum() * dz
        var = np.exp(logvar)
        q = np.prod(np.exp(-0.5 * (z - mu) ** 2 / var) / np.sqrt(2 * np.pi * var), axis=1)
        inside = q > 1e-30
        kl.append((q[inside] * np.log(q[inside] * evidence / joint[inside])).sum() * dz)
        log_p.append(np.log(evidence))
    return np.array(log_p), np.array(kl)


@pytest.mark.parametrize("epochs", [0, 5])
@pytest.mark.parametrize("n_z", [1, 2])
def test_the_identity(n_z, epochs):
    """log p(x) = KL(q ‖ p(z|x)) + 𝓛 to 1e-6 nats, each term computed by itself.

    And `quadrature` finds the same three.
    """
    vae, x = model(n_z, epochs=epochs)
    log_p, posterior_kl = by_a_plain_grid(vae, x)
    elbo = gauss_hermite(vae, x)
    assert (posterior_kl > 1e-4).all()
    np.testing.assert_allclose(log_p, posterior_kl + elbo, rtol=0, atol=1e-6)

    parts = quadrature.quadrature(vae, x)
    np.testing.assert_allclose(parts.log_p, log_p, rtol=0, atol=1e-8)
    np.testing.assert_allclose(parts.elbo, elbo, rtol=0, atol=1e-6)
    np.testing.assert_allclose(parts.posterior_kl, posterior_kl, rtol=0, atol=1e-8)
    np.testing.assert_allclose(parts.log_p, parts.elbo + parts.posterior_kl, rtol=0, atol=1e-9)


@pytest.mark.parametrize("n_z", [1, 2])
def test_a_finer_grid_and_smaller_blocks_change_nothing(n_z, monkeypatch):
    """Half the step, and one data point at a time: the same to 1e-10 nats.

    Here the model has two hidden layers of sigmoids.
    """
    vae, x = model(n_z, hidden=(6, 5), activation="sigmoid")
    parts = quadrature.quadrature(vae, x)
    finer = quadrature.quadrature(vae, x, refine=2)
    monkeypatch.setattr(quadrature, "ENTRIES", 1)
    one_by_one = quadrature.quadrature(vae, x)
    for a, b, c in zip(parts, finer, one_by_one):
        assert a.shape == (5,)
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)
        np.testing.assert_allclose(a, c, rtol=0, atol=1e-12)


def test_importance_weighting_agrees():
    """log p(x) by `log_likelihood` is at most four standard errors away."""
    vae, x = model(2)
    estimate = log_likelihood(vae, x, 20_000)
    difference = np.abs(estimate.log_p - quadrature.quadrature(vae, x).log_p)
    assert (difference < 4 * estimate.standard_error).all()


@pytest.mark.parametrize(
    "vae",
    [
        VAE(10, (4,), 3, dtype=np.float64),
        VAE(10, (4,), 2),
        VAE(10, (4,), 2, decoder="gaussian", dtype=np.float64),
    ],
)
def test_other_models_are_refused(vae):
    """ValueError for three dimensions, for float32 and for a Gaussian decoder."""
    with pytest.raises(ValueError, match="it should be n_z ≤ 2"):
        quadrature.quadrature(vae, np.zeros((1, 10)))
