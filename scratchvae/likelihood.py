"""log p(x) itself: three estimators of the integral p(x) = ∫ p(x|z) p(z) dz.

**Importance weighting** (Burda et al. 2015). Let z_k ~ q(z|x), w_k = p(x, z_k) / q(z_k|x).
Then E[w] = ∫ q(z|x) p(x, z) / q(z|x) dz = p(x), and

    L_K = log (1/K) Σ_k w_k            E[L_1] = 𝓛(x) ≤ E[L_K] ≤ E[L_K+1] ≤ log p(x)

It is the log of the mean. The mean of the logs would be 𝓛, whatever K. By Jensen's
inequality L_K is too small on average, and the error shrinks as K grows.

**Annealed importance sampling, AIS** (Neal 2001; Wu et al. 2016). It goes from q(z|x) to
p(x, z) in T small steps, through

    f_t(z) = q(z|x)^(1 − β_t) p(x, z)^β_t,        β_t = t / T

A chain starts at z ~ q(z|x). For t = 1 ... T it multiplies its weight by
f_t(z) / f_{t−1}(z), then moves z by HMC (`hmc.py`), which keeps f_t. Again E[w] = p(x).
Each factor compares two neighbours, so w varies much less. With T = 1 it is importance
weighting. The step sizes of HMC are tuned by other chains, which are thrown away: tuning
with the chains that count would bias them.

**The estimator of AEVB appendix D.** For z ~ p(z|x) and any density q̂,

    E[q̂(z) / p(x, z)] = ∫ p(z|x) q̂(z) / p(x, z) dz = ∫ q̂(z) / p(x) dz = 1 / p(x)

So: draw z from the posterior by HMC, fit a Gaussian q̂ to one half of them, and with the
other half

    p(x) ≈ ( mean of q̂(z) / p(x, z) )⁻¹

It is good as long as q̂ fits the posterior: below 5 latent dimensions. It is refused above.

**Standard errors.** Let w̄ be the mean of K weights. The error of log w̄ is the error of w̄
divided by w̄: √( (mean of w² / w̄² − 1) / (K − 1) ).

**The effective number of samples** is ESS = (Σ w)² / Σ w². It is K for equal weights, and
1 if one weight is far larger than all others. Since mean of w² / w̄² = K / ESS, the
standard error is √( (K / ESS − 1) / (K − 1) ), about √(1 / ESS − 1 / K).

**What a standard error cannot know.** It is computed from the weights that were drawn. Let
q miss a part of the posterior. Then hardly any sample falls there, and the few samples
that would have the largest weights are not among the K. The estimate is too low, and the
error is small, because it has not seen them either. A small ESS is a sign of this: then
few of the K samples carry the mean, and larger weights are likely among the next K. So
`log_likelihood` returns ESS, and what it should be at least: 100, or K / 4 if that is less.
A large ESS proves nothing. Another method, with another way to find z, is a test: `ais`
begins at q and moves to the posterior.

Measured on 60 test images of MNIST, with a model 784-200-20 after 8 epochs of 20,000 images,
in nats per image (K = 5000, and 16 chains):

                                       importance    median ESS       ais
    as trained                             −113.1          14.5    −112.2
    q too narrow: log σ² less by 4         −140.7           3.4    −119.5

The error in the last line is 0.6 for each image, and the estimate is 21 nats too low.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scratchvae import checks
from scratchvae.evaluation import map_over
from scratchvae.hmc import Chain
from scratchvae.parameters import FloatArray
from scratchvae.progress import ProgressLine
from scratchvae.vae import VAE

ROWS = 4000  # rows of z in the decoder at a time: memory is bounded, whatever n_samples is
DEFAULTS = {"importance": 5000, "ais": 16, "hmc": 400}
LEAPFROGS = {"ais": 8, "hmc": 4}
ACCEPTANCE = {"ais": 0.65, "hmc": 0.9}  # what the step sizes are tuned to
HMC_MOVES = 120  # from q(z|x) to the posterior; 60 left log p(x) of a linear VAE 0.3 nats low


Estimates = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


class LogLikelihood(NamedTuple):
    """log p(x) of each data point, (N,), and its standard error, (N,), in nats.

    acceptance: the share of HMC moves that were accepted; nan without HMC.
    effective: the effective number of samples, (N,), from 1 to K. needed: what it should be
    at least; below it, log_p may be too low by many standard errors.
    """

    log_p: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    acceptance: float
    effective: NDArray[np.float64]
    needed: float


def log_likelihood(
    vae: VAE,
    x: ArrayLike,
    n_samples: int | None = None,
    *,
    seed: int | np.random.Generator = 0,
    method: str = "importance",
    n_temperatures: int = 100,
    workers: int = 1,
    progress: bool = False,
) -> LogLikelihood:
    """Estimate log p(x) of each row of x.

    x: (N, n_x), of the kind that the decoder models: bits for a Bernoulli.
    method: "importance", "ais" or "hmc" (AEVB appendix D).
    n_samples: K. For "importance" the weights (5000), for "ais" the chains (16), for "hmc"
    the posterior samples (400). n_temperatures: T of "ais". progress: a line on stderr.
    workers: processes, as for `evaluate`. Some rows at a time have a generator of their own.
    ValueError for an unknown method, n_samples < 1, "hmc" with n_z ≥ 5, or more samples than
    the memory of the machine can hold.

    >>> vae = VAE(3, (4,), 2, dtype=np.float64, seed=0)
    >>> log_likelihood(vae, [[1, 0, 1]], n_samples=1000, seed=0).log_p.round(2)
    array([-2.42])
    """
    checks.instance("vae", vae, VAE, "a VAE")
    checks.one_of("method", method, DEFAULTS)
    n_samples = checks.positive_int(
        "n_samples", DEFAULTS[method] if n_samples is None else n_samples
    )
    checks.positive_int("n_temperatures", n_temperatures)
    checks.flag("progress", progress)
    x, rng = vae.as_data(x), checks.generator("seed", seed, "likelihood")
    if method == "hmc":
        _check_hmc(vae, n_samples, len(x))
    line, estimates = ProgressLine(progress), []
    key = int(rng.integers(2**63)) if seed is rng else checks.whole_seed("seed", seed)
    points = max(1, ROWS // n_samples)  # data points at a time
    checks.memory("n_temperatures", n_temperatures, 16 * int(n_temperatures) * points)
    starts = range(0, len(x), points)
    tasks = [
        (x[start : start + points], key, i, method, n_samples, n_temperatures)
        for i, start in enumerate(starts)
    ]
    for estimate in map_over(vae, _estimate, tasks, workers):
        estimates.append(estimate)
        done = len(estimates) / len(tasks)
        if line.due() or done == 1:
            line.write(f"log p(x), {method}: {done:4.0%}  {line.left(done)}", last=done == 1)
    log_p, error, acceptance = (np.concatenate(column) for column in zip(*estimates))
    weights = n_samples // 2 if method == "hmc" else n_samples
    effective, needed = _effective(error, weights), min(100, weights / 4)
    return LogLikelihood(log_p, error, float(acceptance.mean()), effective, needed)


def _effective(error: NDArray[np.float64], K: int) -> NDArray[np.float64]:
    """ESS = (Σ w)² / Σ w² of K weights, from the standard error: see the top of the file."""
    return np.ones(len(error)) if K == 1 else K / (1 + (K - 1) * error**2)


def _estimate(
    vae: VAE, x: FloatArray, seed: int, i: int, method: str, n_samples: int, n_temperatures: int
) -> Estimates:
    """log p(x), its standard error and the acceptance of some rows, by their own generator."""
    rng = checks.generator("seed", seed, "likelihood", i)
    if method == "ais":
        return _annealed(vae, x, n_samples, n_temperatures, rng)
    if method == "hmc":
        return _posterior(vae, x, n_samples, rng)
    return *importance_weighted_bound(vae, x, n_samples, rng), np.full(len(x), np.nan)


class LogMean:
    """log (1/K) Σ_k w_k and its standard error, of weights that come a few at a time.

    It keeps three numbers for each data point: m, the largest log w so far, and
    S₁ = Σ e^(log w − m), S₂ = Σ e^(2 (log w − m)), which cannot overflow. When m grows, S₁ and
    S₂ are rescaled.
    """

    def __init__(self, n: int) -> None:
        self.m, self.S1, self.S2, self.K = np.full(n, -np.inf), np.zeros(n), np.zeros(n), 0

    def add(self, log_w: FloatArray) -> None:
        """Take in k new weights of each data point. log_w: (k, n), finite.

        self.K counts all weights so far. The sums are float64, also for a float32 log_w.
        """
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
        # a mean of squares is never below the square of the mean, but rounding can put it there
        variance = np.maximum(self.K * self.S2 / self.S1**2 - 1, 0)
        return log_mean, np.sqrt(variance / (self.K - 1))


def importance_weighted_bound(
    vae: VAE, x: FloatArray, K: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """L_K = log (1/K) Σ_k w_k: the log of the mean weight (Burda et al. 2015, eq. (8)).

    w_k = p(x, z_k) / q(z_k|x) with z_k ~ q(z|x). x: (B, n_x). Returns L_K and its standard
    error, (B,) each, in nats. `_groups` divides the K samples into groups. For each group
    of k samples, the noise is drawn by one rng.standard_normal((k, B, n_z), vae.dtype).
    """
    weights = LogMean(len(x))
    for k in _groups(K, len(x)):
        eps = rng.standard_normal((k, len(x), vae.n_z), vae.dtype)
        weights.add(vae.log_weights(x, eps))
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
    """log w of K chains, (K, B), and the share of accepted moves, (B,).

    steps: the step sizes, (T, B). tune: write them, each from the acceptance of the one before.
    """
    T = len(steps)
    chain = Chain(vae, x, mu, logvar, rng.standard_normal((K, *mu.shape), vae.dtype))
    log_w, accepted = np.zeros((K, len(x))), np.zeros(len(x))
    for t in range(T):
        # log f_t − log f_{t−1} = (β_t − β_{t−1}) (log p − log q) = (log p − log q) / T
        log_w += (chain.state.log_p - chain.state.log_q) / T
        moved = chain.move((t + 1) / T, steps[t], LEAPFROGS["ais"], rng).mean(axis=0)
        accepted += moved / T
        if tune and t + 1 < T:
            steps[t + 1] = steps[t] * np.exp(0.2 * (moved - ACCEPTANCE["ais"]))
    return log_w, accepted


def _posterior(vae: VAE, x: FloatArray, K: int, rng: np.random.Generator) -> Estimates:
    """(mean of q̂(z) / p(x, z))⁻¹ over half of K posterior samples (AEVB appendix D).

    q̂ is a Gaussian that is fitted to the other half.
    """
    mu, logvar = vae.encode(x)
    steps, accepted = np.full(len(x), 0.3), np.zeros(len(x))
    tuning = Chain(vae, x, mu, logvar, rng.standard_normal((16, *mu.shape), vae.dtype))
    for _ in range(HMC_MOVES):
        moved = tuning.move(1.0, steps, LEAPFROGS["hmc"], rng).mean(axis=0)
        steps *= np.exp(0.5 * (moved - ACCEPTANCE["hmc"]))
    z, log_p = [], []
    for k in _groups(K, len(x)):  # each sample ends a chain of its own: they are independent
        chain = Chain(vae, x, mu, logvar, rng.standard_normal((k, *mu.shape), vae.dtype))
        for _ in range(HMC_MOVES):
            accepted += chain.move(1.0, steps, LEAPFROGS["hmc"], rng).sum(axis=0) / (K * HMC_MOVES)
        z.append(chain.state.z.astype(np.float64))
        log_p.append(chain.state.log_p.astype(np.float64))
    fitted, fresh = np.array_split(np.concatenate(z), 2)  # (K/2, B, n_z)
    weights = LogMean(len(x))
    log_p_fresh = np.concatenate(log_p)[len(fitted) :]
    weights.add(_fitted_log_density(fitted, fresh) - log_p_fresh)  # log q̂(z) − log p(x, z)
    log_mean, error = weights.result()
    return -log_mean, error, accepted  # p(x) ≈ 1 / mean


def _fitted_log_density(fitted: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    """log N(z; m, C), with the mean m and the covariance C of `fitted`, for each data point.

    Let C = R Rᵀ with a triangular R (Cholesky). Then log det C = 2 Σ log R_jj, and
    log N = −½ [n log 2π + log det C + ‖R⁻¹ (z − m)‖²]. Both (K, B, n_z). Returns (K, B).
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


def _groups(K: int, points: int) -> Iterator[int]:
    """K samples of each point, as many at a time as make ROWS rows."""
    size = max(1, ROWS // points)
    for start in range(0, K, size):
        yield min(size, K - start)


def _check_hmc(vae: VAE, n_samples: int, points: int) -> None:
    if vae.n_z >= 5:
        raise ValueError(
            f"method is 'hmc' and n_z is {vae.n_z}; a Gaussian fits the posterior well only for "
            "n_z < 5: use 'ais'"
        )
    if n_samples < 4 * (vae.n_z + 1):
        raise ValueError(
            f"n_samples is {n_samples}; 'hmc' with n_z = {vae.n_z} should have "
            f"{4 * (vae.n_z + 1)} or more, half of them to fit"
        )
    points = min(points, max(1, ROWS // n_samples))
    # the samples, and the copies that fitting and weighing make
    need = 6 * 8 * n_samples * points * (vae.n_z + 1)
    have = (
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if hasattr(os, "sysconf")
        else np.inf
    )
    if need > have:
        raise ValueError(
            f"n_samples is {n_samples}; it would take {need / 2**30:.0f} GiB of memory, and the "
            f"machine has {have / 2**30:.0f}"
        )
