"""The integrals of AEVB eq. (1) over all z, on a grid: no sampling, for n_z ≤ 2.

    log p(x)             = log ∫ p(x|z) p(z) dz
    𝓛(x)                 = ∫ q(z|x) log p(x|z) dz − KL(q(z|x) ‖ p(z))      eq. (3)
    KL(q(z|x) ‖ p(z|x))  = ∫ q(z|x) log [q(z|x) / p(z|x)] dz
                           with p(z|x) = p(x|z) p(z) / p(x)

The integrands are smooth and vanish at the edges of the grid. For such functions a
plain sum over an even grid converges faster than other rules: for a Gaussian with
standard deviation σ its error falls like e^(−2 (π σ / h)²) with the step h. So the step
is half of the smallest σ of q. The grid covers 7 σ on each side of every q, and the
whole prior.
"""

# %%
from typing import NamedTuple

import numpy as np

from scratchvae import VAE
from scratchvae.distributions import gaussian_kl, standard_normal_log_density
from scratchvae.layers import ACTIVATIONS

ROWS = 4096  # points of the grid that are decoded at a time
ENTRIES = 2**23  # numbers in one array of grid points and data points, at most


class Parts(NamedTuple):
    """The three terms of eq. (1) for each data point, (B,) each, in nats."""

    log_p: np.ndarray
    elbo: np.ndarray
    posterior_kl: np.ndarray


class Densities(NamedTuple):
    """On the grid, for each data point, (B, G): log p(x|z), log q(z|x), log p(z|x).

    And log p(x), (B,).
    """

    log_px_z: np.ndarray
    log_q: np.ndarray
    log_posterior: np.ndarray
    log_p: np.ndarray


def quadrature(vae: VAE, x: np.ndarray, refine: int = 1) -> Parts:
    """log p(x), 𝓛(x) and KL(q(z|x) ‖ p(z|x)) of each row of x, (B, n_x).

    vae: n_z is 1 or 2, a Bernoulli decoder, float64. refine: divides the grid's step.
    ArithmeticError when the sum of q over the grid is not 1 within 1e-9.
    """
    line = grid(vae, x, refine)
    rows = max(1, ENTRIES // len(line) ** vae.n_z)
    blocks = [_parts(vae, x[start : start + rows], line) for start in range(0, len(x), rows)]
    return Parts(*map(np.concatenate, zip(*blocks)))


def _parts(vae: VAE, x: np.ndarray, line: np.ndarray) -> Parts:
    dz = (line[1] - line[0]) ** vae.n_z
    log_px_z, log_q, log_posterior, log_p = densities(vae, x, line)
    q = np.exp(log_q)
    if (off := np.abs(q.sum(axis=1) * dz - 1).max()) > 1e-9:
        raise ArithmeticError(f"the integral of q(z|x) is off 1 by {off:.0e}; refine the grid")
    elbo = (q * log_px_z).sum(axis=1) * dz - gaussian_kl(*vae.encode(x))
    posterior_kl = (q * (log_q - log_posterior)).sum(axis=1) * dz
    return Parts(log_p, elbo, posterior_kl)


def grid(vae: VAE, x: np.ndarray, refine: int = 1) -> np.ndarray:
    """An even grid for each dimension of z, wide and fine enough for all x. (n,)."""
    if vae.n_z > 2 or vae.decoder != "bernoulli" or vae.dtype != np.float64:
        raise ValueError(
            f"vae has n_z = {vae.n_z}, decoder {vae.decoder!r} and {vae.dtype}; "
            "it should be n_z ≤ 2, 'bernoulli' and float64"
        )
    mu, logvar = vae.encode(x)
    sigma = np.exp(0.5 * logvar)
    limit = max(7.0, (np.abs(mu) + 7 * sigma).max())
    step = min(0.1, sigma.min() / 2) / refine
    return np.linspace(-limit, limit, 2 * int(np.ceil(limit / step)) + 1)


def densities(vae: VAE, x: np.ndarray, line: np.ndarray) -> Densities:
    """The densities at G = len(line)**n_z points; the last dimension is fastest."""
    z = np.stack(np.meshgrid(*[line] * vae.n_z, indexing="ij"), axis=-1).reshape(-1, vae.n_z)
    dz = (line[1] - line[0]) ** vae.n_z
    log_px_z = np.empty((len(x), len(z)))
    for start in range(0, len(z), ROWS):
        a = logits(vae, z[start : start + ROWS])
        # eq. (11): Σ_i [x_i a_i − softplus(a_i)]
        log_px_z[:, start : start + ROWS] = x @ a.T - np.logaddexp(0, a).sum(axis=1)
    log_joint = log_px_z + standard_normal_log_density(z)
    highest = log_joint.max(axis=1, keepdims=True)  # taken out of the sum: nothing underflows
    log_p = highest[:, 0] + np.log(np.exp(log_joint - highest).sum(axis=1) * dz)

    mu, logvar = vae.encode(x)
    square = (line[:, None, None] - mu) ** 2 * np.exp(-logvar)
    each = -0.5 * (np.log(2 * np.pi) + logvar + square)  # (n, B, n_z), each dimension of q
    log_q = each[:, :, 0].T
    if vae.n_z == 2:  # q's dimensions are independent: its logarithm is a sum
        log_q = (log_q[:, :, None] + each[:, :, 1].T[:, None, :]).reshape(len(x), -1)
    return Densities(log_px_z, log_q, log_joint - log_p[:, None], log_p)


def logits(vae: VAE, z: np.ndarray) -> np.ndarray:
    """The logit of each pixel, from the weights. z: (G, n_z). Returns (G, n_x)."""
    weights = vae.params.values
    for i in range(len(vae.hidden)):
        a = z @ weights[f"decoder.{i}.W"] + weights[f"decoder.{i}.b"]
        z = ACTIVATIONS[vae.activation]().forward(a)
    return z @ weights["logits.W"] + weights["logits.b"]
