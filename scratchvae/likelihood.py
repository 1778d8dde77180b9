"""log p(x) itself: three estimators of the integral that the bound avoids, p(x) = ∫ p(x|z) p(z) dz.

**Importance weighting** (Burda et al. 2015). With z_k ~ q(z|x) and w_k = p(x, z_k) / q(z_k|x), E[w] = ∫ q · p(x, z)/q dz = p(x), so

    L_K = log (1/K) Σ_k w_k            E[L_1] = 𝓛(x) ≤ E[L_K] ≤ E[L_K+1] ≤ log p(x)

The log of the mean, not the mean of the logs: that would be 𝓛 whatever K. By Jensen L_K is too small on average, and by less the larger K.

**Annealed importance sampling** (Neal 2001; Wu et al. 2016). From q(z|x) to p(x, z) in T small steps, through

    f_t(z) = q(z|x)^(1 − β_t) p(x, z)^β_t,        0 = β_0 < β_1 < ... < β_T = 1

A chain starts at z ~ q(z|x), and for t = 1 ... T multiplies its weight by f_t(z) / f_{t−1}(z), then moves z by a step of HMC that leaves
f_t as it is. Again E[w] = p(x); but since each factor compares two neighbours, w varies far less. With T = 1 it is importance weighting.

**Hamiltonian Monte Carlo** (Neal 2010) moves z with a momentum r ~ N(0, I) along the force ∂ log f/∂z, in leapfrog steps of size h,

    r ← r + ½ h ∂log f/∂z        z ← z + h r        r ← r + ½ h ∂log f/∂z

and accepts the end with probability min(1, exp(log f(z′) − ½‖r′‖² − log f(z) + ½‖r‖²)). z is measured here in units of the encoder's σ.
The step sizes are tuned in a run of their own, whose chains are thrown away: tuning by the chains that count would bias them.

**The estimator of AEVB appendix D.** For z ~ p(z|x) and any density q̂, E[q̂(z) / p(x, z)] = ∫ p(z|x) q̂(z) / p(x, z) dz = 1 / p(x). So: draw
z from the posterior by HMC, fit a Gaussian q̂ to one half, and with the other half

    p(x) ≈ ( mean of q̂(z) / p(x, z) )⁻¹

It is good while q̂ can fit the posterior, below 5 latent dimensions, and is refused above.

**Standard errors.** For a mean w̄ of K weights, the error of log w̄ is that of w̄ divided by w̄: √( (mean w² / w̄² − 1) / (K − 1) ).
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scratchvae import checks
from scratchvae.distributions import (
    gaussian_log_density,
    gaussian_log_density_backward,
    reparameterize,
)
from scratchvae.parameters import FloatArray
from scratchvae.progress import ProgressLine
from scratchvae.vae import VAE

ROWS = 4000  # rows of z that go through the decoder at a time: what bounds the memory, whatever n_samples
DEFAULTS = {"importance": 5000, "ais": 16, "hmc": 400}
LEAPFROGS = {"ais": 8, "hmc": 4}
ACCEPTANCE = {"ais": 0.65, "hmc": 0.9}  # what the step sizes are tuned to
HMC_MOVES = 60  # from q(z|x) to the posterior


class LogLikelihood(NamedTuple):
    """Per data point, in nats: log p(x), (N,); its standard error, (N,); and the share of HMC moves accepted (nan without HMC)."""

    log_p: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    acceptance: float


def log_likelihood(
    vae: VAE,
    x: ArrayLike,
    n_samples: int | None = None,
    *,
    seed: int | np.random.Generator = 0,
    method: str = "importance",
    n_temperatures: int = 100,
    progress: bool = False,
) -> LogLikelihood:
    """Estimate log p(x) of each row of x.

    x: (N, n_x), as the decoder speaks of it: bits for a Bernoulli.
    n_samples: K; for "importance" the weights (5000), for "ais" the chains (16), for "hmc" the posterior samples (400).
    n_temperatures: T of "ais". progress: a line on stderr.
    ValueError for a method that is none, n_samples < 1, "hmc" with n_z ≥ 5, or more samples than the machine has memory for.
    """
    checks.one_of("method", method, DEFAULTS)
    n_samples = checks.positive_int(
        "n_samples", DEFAULTS[method] if n_samples is None else n_samples
    )
    checks.positive_int("n_temperatures", n_temperatures)
    x = vae.as_data(x)
    if method == "hmc":
        _check_hmc(vae, n_samples, len(x))
    rng, line = np.random.default_rng(seed), ProgressLine(progress)
    estimates = []
    points = max(1, ROWS // n_samples)  # data points at a time
    for start in range(0, len(x), points):
        part = x[start : start + points]
        if method == "importance":
            estimates.append(
                (*importance_weighted_bound(vae, part, n_samples, rng), np.full(len(part), np.nan))
            )
        elif method == "ais":
            estimates.append(_annealed(vae, part, n_samples, n_temperatures, rng))
        else:
            estimates.append(_posterior(vae, part, n_samples, rng))
        done = min(1.0, (start + points) / len(x))
        if line.due() or done == 1:
            line.write(f"log p(x), {method}: {done:4.0%}  {line.left(done)}", last=done == 1)
    log_p, error, acceptance = (np.concatenate(column) for column in zip(*estimates))
    return LogLikelihood(log_p, error, float(acceptance.mean()))


class LogMean:
    """log (1/K) Σ exp(log w_k), and its standard error, of weights that come a few at a time: no more memory than for one of each.

    With m the largest log w so far, S₁ = Σ e^(log w − m) and S₂ = Σ e^(2 (log w − m)) never overflow; when m grows, they are rescaled.
    """

    def __init__(self, n: int) -> None:
        self.m, self.S1, self.S2, self.K = np.full(n, -np.inf), np.zeros(n), np.zeros(n), 0

    def add(self, log_w: FloatArray) -> None:
        """Take in some weights. log_w: (K, n), finite."""
        m = np.maximum(self.m, log_w.max(axis=0))
        shrink, w = np.exp(self.m - m), np.exp(log_w.astype(np.float64) - m)
        self.S1, self.S2 = (
            self.S1 * shrink + w.sum(axis=0),
            self.S2 * shrink**2 + (w * w).sum(axis=0),
        )
        self.m, self.K = m, self.K + len(log_w)

    def result(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """log of the mean, and its standard error (∞ for K = 1): (n,) each, in nats."""
        log_mean = self.m + np.log(self.S1 / self.K)
        if self.K == 1:
            return log_mean, np.full(len(log_mean), np.inf)
        variance = np.maximum(
            self.K * self.S2 / self.S1**2 - 1, 0
        )  # a mean square is never below the square of the mean; rounding can be
        return log_mean, np.sqrt(variance / (self.K - 1))


Estimates = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def importance_weighted_bound(
    vae: VAE, x: FloatArray, K: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """L_K = log (1/K) Σ_k w_k with w_k = p(x, z_k) / q(z_k|x), z_k ~ q(z|x): the log of the mean weight (Burda et al. 2015, eq. (8)).

    x: (B, n_x). Returns L_K and its standard error, (B,) each, in nats. The noise is drawn as (k, B, n_z), k samples at a time as
    `_groups` says.
    """
    mu, logvar = vae.encode(x)
    weights = LogMean(len(x))
    for k in _groups(K, len(x)):
        eps = rng.standard_normal((k, *mu.shape), vae.dtype)
        z = reparameterize(mu, logvar, eps)  # z_k ~ q(z|x)
        weights.add(vae.log_joint(x, z) - gaussian_log_density(z, mu, logvar))  # log w_k
    return weights.result()


def _annealed(vae: VAE, x: FloatArray, K: int, T: int, rng: np.random.Generator) -> Estimates:
    """log (1/K) Σ_k w_k over K annealed chains of T temperatures."""
    mu, logvar = vae.encode(x)
    steps = np.full((T, len(x)), 0.3)
    _anneal(vae, x, mu, logvar, 2, steps, rng, tune=True)
    weights, accepted = LogMean(len(x)), []
    for k in _groups(K, len(x)):
        log_w, acceptance = _anneal(vae, x, mu, logvar, k, steps, rng, tune=False)
        weights.add(log_w)
        accepted.append(acceptance)
    return *weights.result(), np.mean(accepted, axis=0)


def _anneal(
    vae: VAE,
    x: FloatArray,
    mu: FloatArray,
    logvar: FloatArray,
    K: int,
    steps: NDArray[np.float64],
    rng: np.random.Generator,
    tune: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """log w of K chains, (K, B), and the share of accepted moves, (B,). tune: write the step sizes, (T, B), while going."""
    T = len(steps)
    chain = _Chain(vae, x, mu, logvar, rng.standard_normal((K, *mu.shape), vae.dtype))
    log_w, accepted = np.zeros((K, len(x))), np.zeros(len(x))
    for t in range(T):
        log_w += (
            chain.log_p - chain.log_q
        ) / T  # log f_t − log f_{t−1} = (β_t − β_{t−1}) (log p − log q), β_t = t / T
        moved = chain.move((t + 1) / T, steps[t], LEAPFROGS["ais"], rng).mean(axis=0)
        accepted += moved / T
        if tune and t + 1 < T:
            steps[t + 1] = steps[t] * np.exp(0.2 * (moved - ACCEPTANCE["ais"]))
    return log_w, accepted


def _posterior(vae: VAE, x: FloatArray, K: int, rng: np.random.Generator) -> Estimates:
    """(mean of q̂(z) / p(x, z))⁻¹ over half of K posterior samples, q̂ a Gaussian fitted to the other half (AEVB appendix D)."""
    mu, logvar = vae.encode(x)
    steps, accepted = np.full(len(x), 0.3), np.zeros(len(x))
    tuning = _Chain(vae, x, mu, logvar, rng.standard_normal((8, *mu.shape), vae.dtype))
    for _ in range(HMC_MOVES):
        moved = tuning.move(1.0, steps, LEAPFROGS["hmc"], rng).mean(axis=0)
        steps *= np.exp(0.2 * (moved - ACCEPTANCE["hmc"]))
    z, log_p = [], []
    for k in _groups(
        K, len(x)
    ):  # every sample is the end of a chain of its own, so they are independent
        chain = _Chain(vae, x, mu, logvar, rng.standard_normal((k, *mu.shape), vae.dtype))
        for _ in range(HMC_MOVES):
            accepted += chain.move(1.0, steps, LEAPFROGS["hmc"], rng).sum(axis=0) / (K * HMC_MOVES)
        z.append(chain.z.astype(np.float64))
        log_p.append(chain.log_p.astype(np.float64))
    fitted, fresh = np.array_split(np.concatenate(z), 2)  # (K/2, B, n_z)
    weights = LogMean(len(x))
    weights.add(
        _fitted_log_density(fitted, fresh) - np.concatenate(log_p)[len(fitted) :]
    )  # log q̂(z) − log p(x, z)
    log_mean, error = weights.result()
    return -log_mean, error, accepted  # p(x) ≈ 1 / mean


def _fitted_log_density(fitted: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    """log N(z; m, C) with the mean m and covariance C of `fitted`, for each data point. Both (K, B, n_z). Returns (K, B).

    log N = −½ [n log 2π + log det C + ‖R⁻¹ (z − m)‖²] with C = R Rᵀ, R triangular (Cholesky), log det C = 2 Σ log R_jj.
    """
    m = fitted.mean(axis=0)
    centred = fitted - m
    C = np.einsum("kbi,kbj->bij", centred, centred) / (len(fitted) - 1)
    R = np.linalg.cholesky(C)
    standard = np.linalg.solve(R, np.moveaxis(z - m, 0, -1))  # (B, n_z, K)
    log_det = 2 * np.log(np.diagonal(R, axis1=1, axis2=2)).sum(axis=1)
    return -0.5 * (
        z.shape[2] * np.log(2 * np.pi) + log_det + np.moveaxis(standard**2, -1, 0).sum(axis=2)
    )


class _Chain:
    """K chains for each of B data points. eps is z in units of the encoder's Gaussian: z = μ + σ ⊙ eps, (K, B, n_z).

    log_p, log_q: log p(x, z) and log q(z|x), (K, B).
    """

    def __init__(
        self, vae: VAE, x: FloatArray, mu: FloatArray, logvar: FloatArray, eps: FloatArray
    ) -> None:
        self.vae, self.x, self.mu, self.logvar = vae, x, mu, logvar
        self._put(*self._look(eps))

    def _look(self, eps: FloatArray) -> tuple[FloatArray, ...]:
        """eps, z, log p(x, z), log q(z|x), and the gradients of both with respect to eps: ∂/∂eps = σ ∂/∂z."""
        sigma, z = np.exp(0.5 * self.logvar), reparameterize(self.mu, self.logvar, eps)
        log_p, log_q = self.vae.log_joint(self.x, z), gaussian_log_density(z, self.mu, self.logvar)
        dlog_q = -gaussian_log_density_backward(z, self.mu, self.logvar)[
            0
        ]  # a density of z − μ: ∂/∂z = −∂/∂μ
        return eps, z, log_p, log_q, sigma * self.vae.log_joint_backward(), sigma * dlog_q

    def _put(self, *state: FloatArray) -> None:
        self.eps, self.z, self.log_p, self.log_q, self.dlog_p, self.dlog_q = state

    def move(
        self, beta: float, h: NDArray[np.float64], leapfrogs: int, rng: np.random.Generator
    ) -> NDArray[np.bool_]:
        """One HMC move that leaves f = q^(1 − β) p^β as it is, of step size h for each data point, (B,). Returns who accepted, (K, B)."""
        h = h[:, None].astype(self.eps.dtype)
        r: FloatArray = rng.standard_normal(self.eps.shape, self.eps.dtype)  # the momentum
        state: tuple[FloatArray, ...] = (
            self.eps,
            self.z,
            self.log_p,
            self.log_q,
            self.dlog_p,
            self.dlog_q,
        )
        before = (1 - beta) * self.log_q + beta * self.log_p - 0.5 * (r * r).sum(axis=2)
        for _ in range(leapfrogs):
            r = r + 0.5 * h * ((1 - beta) * state[5] + beta * state[4])  # r ← r + ½ h ∂log f
            state = self._look(state[0] + h * r)  # z ← z + h r
            r = r + 0.5 * h * ((1 - beta) * state[5] + beta * state[4])  # r ← r + ½ h ∂log f
        after = (1 - beta) * state[3] + beta * state[2] - 0.5 * (r * r).sum(axis=2)
        accept = np.log(rng.random(before.shape)) < after - before
        kept = (self.eps, self.z, self.log_p, self.log_q, self.dlog_p, self.dlog_q)
        self._put(
            *(
                np.where(accept.reshape(accept.shape + (1,) * (new.ndim - 2)), new, old)
                for new, old in zip(state, kept)
            )
        )
        return accept


def _groups(K: int, points: int) -> Iterator[int]:
    """K samples of each point, as many at a time as make ROWS rows."""
    size = max(1, ROWS // points)
    for start in range(0, K, size):
        yield min(size, K - start)


def _check_hmc(vae: VAE, n_samples: int, points: int) -> None:
    if vae.n_z >= 5:
        raise ValueError(
            f"method is 'hmc' and n_z is {vae.n_z}; a Gaussian fits the posterior well only for n_z < 5: use 'ais'"
        )
    if n_samples < 4 * (vae.n_z + 1):
        raise ValueError(
            f"n_samples is {n_samples}; 'hmc' with n_z = {vae.n_z} should have {4 * (vae.n_z + 1)} or more, half of them to fit"
        )
    points = min(points, max(1, ROWS // n_samples))
    need = (
        6 * 8 * n_samples * points * (vae.n_z + 1)
    )  # the samples, and the copies that fitting and weighing make
    have = (
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if hasattr(os, "sysconf")
        else np.inf
    )
    if need > have:
        raise ValueError(
            f"n_samples is {n_samples}; it would take {need / 2**30:.0f} GiB of memory, and the machine has {have / 2**30:.0f}"
        )
