"""log p(x) itself: three estimators of the integral p(x) = ∫ p(x|z) p(z) dz.

**Importance weighting** (Burda et al. 2015). Let z_k ~ q(z|x), w_k = p(x, z_k) /
q(z_k|x). Then E[w] = ∫ q(z|x) p(x, z) / q(z|x) dz = ∫ p(x, z) dz = p(x), and

    L_K = log (1/K) Σ_k w_k            E[L_1] = 𝓛(x) ≤ E[L_K] ≤ E[L_(K+1)] ≤ log p(x)

It is the log of the mean. The mean of the logs would be 𝓛 on average, whatever K. By
Jensen's inequality L_K is too small on average. The error shrinks as K grows. Take
K + 1 weights. To leave out one of them gives K + 1 means of K weights, and the mean of these
is the mean of all. So by Jensen's inequality L_(K+1) is at least the mean of K + 1 logs, and
each of these is an L_K.

**Annealed importance sampling, AIS** (Neal 2001; Wu et al. 2017). It goes from a
density that is easy to draw from, f_0, to p(x, z) in T small steps, through

    f_t(z) = f_0(z)^(1 − β_t) p(x, z)^β_t,        β_t = t / T

A chain starts at z ~ f_0. For t = 1 ... T it multiplies its weight by f_t(z) /
f_{t−1}(z), then moves z by HMC (`hmc.py`), which keeps f_t. Again E[w] = p(x). For
T = 1 this is importance weighting. For T = 2 the weight is w = f_1(z) / f_0(z) · p(x, z′) /
f_1(z′). Let F be the integral of f_1, and let move(z′|z) be the density of the move:

    E[w] = ∫∫ f_0(z) f_1(z) / f_0(z) move(z′|z) p(x, z′) / f_1(z′) dz dz′
         = ∫ F · f_1(z′) / F · p(x, z′) / f_1(z′) dz′ = p(x)       the move keeps f_1 / F

and so on for each further step. Each factor compares two neighbours, so w varies much
less than a weight of importance weighting. The step sizes of HMC are tuned by other
chains, which are thrown away: tuning with the chains that count would bias them.

**Two starts.** From q: f_0 = q(z|x). From the prior, as Wu et al. have it: f_0 = p(z),
and then

    f_t(z) = p(z)^(1 − β_t) [p(z) p(x|z)]^β_t = p(z) p(x|z)^β_t

The way from q is shorter, if q is near the posterior. The way from the prior does not
depend on q at all.

**The estimator of AEVB appendix D.** For z ~ p(z|x) and any density q̂,

    E[q̂(z) / p(x, z)] = ∫ p(z|x) q̂(z) / p(x, z) dz = ∫ q̂(z) / p(x) dz = 1 / p(x)

So: draw z from the posterior by HMC, fit a Gaussian q̂ to one half of them, and with
the other half

    p(x) ≈ ( mean of q̂(z) / p(x, z) )⁻¹

It is good as long as q̂ fits the posterior: below 5 latent dimensions. It is refused
above. q̂ may be narrower than the posterior, but its tails must not be heavier. There
q̂(z) / p(x, z) would be large where z ~ p(z|x) hardly ever is. And the log of a mean is
too small on average, so this estimate, with its minus sign, is too large on average.

**Standard errors.** Let w̄ be the mean of K weights. Its variance is estimated by
(mean of w² − w̄²) / (K − 1). Because d log w̄ = dw̄ / w̄, the error of log w̄ is the error of w̄
divided by w̄: √( (mean of w² / w̄² − 1) / (K − 1) ).

**The effective number of samples** is ESS = (Σ w)² / Σ w². It is K for equal weights,
and 1 if one weight is far larger than all others. Since mean of w² / w̄² = K / ESS, the
standard error is √( (K / ESS − 1) / (K − 1) ), about √(1 / ESS − 1 / K).

**What a standard error cannot know.** It is computed from the weights that were drawn.
Let q miss a part of the posterior. Then hardly any sample falls there, and the few
samples that would have the largest weights are not among the K. The mean of w is too
low, and its error is small, because it has not seen them either. A small ESS is a sign
of this: then few of the K samples carry the mean, and larger weights are likely among
the next K. So `log_likelihood` returns ESS, and what it should be at least: 100, or
K / 4 if that is less.

A large ESS proves nothing. Let q sit in a wrong mode of the posterior. Then all chains
that begin at q may stay in it, and importance weighting, AIS and HMC from q agree with
one another, with a large ESS and a good acceptance, on a number that is too low. A
start that does not know q is a test: `start="prior"`. Both estimates of AIS are too low
on average. So where they differ by more than their errors, the higher one is nearer to
log p(x). If the one from q is lower, q is wrong. If the one from the prior is lower, T
is too small, or its chains fell into a wrong mode.

Measured on 60 test images of MNIST, with a model 784-200-20 after 8 epochs of 20,000
images, in nats per image (K = 5000, and 16 chains), from q:

                                       importance    median ESS       ais
    as trained                             −113.1          14.5    −112.2
    q too narrow: log σ² less by 4         −140.7           3.4    −119.5

p(x) does not depend on q, so both lines estimate one number, about −112. In the second
line importance weighting is 28 nats too low, and its standard error is 0.6 for each image.
AIS is 7 too low.
"""

from collections.abc import Callable, Iterator
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
FIRST_STEP, TUNING = 0.3, {"ais": 0.2, "hmc": 0.5}  # δ ← δ e^(tuning · (accepted share − target))
TUNING_CHAINS = {"ais": 2, "hmc": 16}
HMC_MOVES = 120  # from the start to the posterior


Estimates = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


class LogLikelihood(NamedTuple):
    """log p(x) of each data point, (N,), and its standard error, (N,), in nats.

    acceptance: the share of HMC moves that were accepted; nan without HMC.
    effective: the effective number of samples, (N,), from 1 to the number of weights, which is
    K, and K / 2 for "hmc". needed: what it should be at least; below it, log_p may be wrong by
    many standard errors: too low, and for "hmc" too high. Where every weight is
    0, log_p is −∞, its error ∞, and effective 0.
    """

    log_p: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    acceptance: float
    effective: NDArray[np.float64]
    needed: float


def log_likelihood(
    vae: VAE, x: ArrayLike, n_samples: int | None = None, *, seed: int | np.random.Generator = 0,
    method: str = "importance", start: str = "q", n_temperatures: int = 100, workers: int = 1,
    progress: bool = False,
) -> LogLikelihood:  # fmt: skip
    """Estimate log p(x) of each row of x.

    x: (N, n_x), of the kind that the decoder models: bits for a Bernoulli.
    method: "importance", "ais" or "hmc" (AEVB appendix D).
    start: where the chains of "ais" and "hmc" begin: at z ~ q(z|x), "q", or at z ~ p(z), "prior".
    n_samples: K. For "importance" the weights (5000), for "ais" the chains (16), for "hmc"
    the posterior samples (400). n_temperatures: T of "ais". progress: a line on stderr.
    workers: processes, as for `evaluate`. Some rows at a time have a generator of their own.
    ValueError for an unknown method or start, "importance" from the prior, n_samples < 1, "hmc"
    with n_z ≥ 5, or more samples than the memory of the machine can hold. FloatingPointError
    where log p(x, z) is NaN.

    >>> vae = VAE(3, (4,), 2, dtype=np.float64, seed=0)
    >>> log_likelihood(vae, [[1, 0, 1]], n_samples=1000, seed=0).log_p.round(2)
    array([-2.42])
    """
    checks.instance("vae", vae, VAE, "a VAE")
    checks.one_of("method", method, DEFAULTS)
    checks.one_of("start", start, STARTS)
    if (method, start) == ("importance", "prior"):
        raise ValueError(
            "start is 'prior'; for 'importance' it should be 'q': hardly any z ~ p(z) explains x. "
            "Use 'ais'"
        )
    K = DEFAULTS[method] if n_samples is None else checks.positive_int("n_samples", n_samples)
    checks.positive_int("n_temperatures", n_temperatures)
    checks.flag("progress", progress)
    x, rng = vae.as_data(x), checks.generator("seed", seed, "likelihood")
    if method == "hmc":
        _check_hmc(vae, K, len(x))
    line, estimates = ProgressLine(progress), []
    key = int(rng.integers(2**63)) if seed is rng else checks.whole_seed("seed", seed)
    points = max(1, ROWS // K)  # data points at a time
    checks.memory("n_temperatures", n_temperatures, 16 * int(n_temperatures) * points)
    tasks = [
        (x[row : row + points], key, i, method, start, K, n_temperatures)
        for i, row in enumerate(range(0, len(x), points))
    ]
    for estimate in map_over(vae, _estimate, tasks, workers):
        estimates.append(estimate)
        done = len(estimates) / len(tasks)
        if line.due() or done == 1:
            line.write(f"log p(x), {method}: {done:4.0%}  {line.left(done)}", last=done == 1)
    log_p, error, acceptance = (np.concatenate(column) for column in zip(*estimates))
    if np.isnan(log_p).any():
        raise FloatingPointError(
            f"log p(x) of x{checks.first_index(np.isnan(log_p))} is nan; log p(x|z) of this model "
            f"has no finite value in {vae.dtype}"
        )
    weights = K // 2 if method == "hmc" else K
    effective, needed = _effective(error, weights), min(100, weights / 4)
    return LogLikelihood(log_p, error, float(acceptance.mean()), effective, needed)


def _effective(error: NDArray[np.float64], K: int) -> NDArray[np.float64]:
    """ESS = (Σ w)² / Σ w² of K weights, from the standard error: see the top of the file."""
    return np.ones(len(error)) if K == 1 else K / (1 + (K - 1) * error**2)


def _estimate(
    vae: VAE, x: FloatArray, seed: int, i: int, method: str, start: str, K: int, T: int
) -> Estimates:
    """log p(x), its standard error and the acceptance of some rows, by their own generator."""
    rng = checks.generator("seed", seed, "likelihood", i)
    with np.errstate(over="ignore", invalid="ignore"):  # a move that overflows is refused
        if method == "importance":
            return *importance_weighted_bound(vae, x, K, rng), np.full(len(x), np.nan)
        mu, logvar = STARTS[start](vae, x)

        def chains(k: int) -> Chain:  # k for each data point; they begin at z ~ N(μ, σ²)
            return Chain(vae, x, mu, logvar, rng.standard_normal((k, *mu.shape), vae.dtype))

        if method == "ais":
            return _annealed(chains, len(x), K, T, rng)
        return _posterior(chains, len(x), K, rng)


def _prior(vae: VAE, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """μ and log σ² of p(z) = N(0, I), as if an encoder had said them: (B, n_z) each."""
    return np.zeros((len(x), vae.n_z), vae.dtype), np.zeros((len(x), vae.n_z), vae.dtype)


# the Gaussian at which the chains begin
STARTS: dict[str, Callable[..., tuple[FloatArray, FloatArray]]] = {"q": VAE.encode, "prior": _prior}


class LogMean:
    """log (1/K) Σ_k w_k and its standard error, of weights that come a few at a time.

    It keeps three numbers for each data point: m, the largest log w so far, and
    S₁ = Σ e^(log w − m), S₂ = Σ e^(2 (log w − m)), which cannot overflow. When m grows, S₁ and
    S₂ are rescaled. m begins at the lowest number there is. So a weight of 0, log w = −∞, adds
    e^(−∞ − m) = 0, and never e^(−∞ + ∞).
    """

    def __init__(self, n: int) -> None:
        self.m, self.S1, self.S2 = np.full(n, np.finfo(np.float64).min), np.zeros(n), np.zeros(n)
        self.K = 0

    def add(self, log_w: FloatArray) -> None:
        """Take in k new weights of each data point. log_w: (k, n), below ∞.

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
        """log of the mean, and its standard error: (n,) each, in nats.

        The error is ∞ for K = 1, and where all weights are 0: there the log of the mean is −∞.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            log_mean = self.m + np.log(self.S1 / self.K)
            # a mean of squares is never below the square of the mean, but rounding can put it there
            variance = np.maximum(self.K * self.S2 / self.S1**2 - 1, 0)
            error = np.sqrt(variance / (self.K - 1))
        return log_mean, np.where((self.K > 1) & (self.S1 > 0), error, np.inf)


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


def _annealed(
    chains: Callable[[int], Chain], B: int, K: int, T: int, rng: np.random.Generator
) -> Estimates:
    """log (1/K) Σ_k w_k over K annealed chains of T temperatures, for B data points."""
    deltas = np.full((T, B), FIRST_STEP)
    _anneal(chains(TUNING_CHAINS["ais"]), deltas, rng, tune=True)
    weights, accepted = LogMean(B), []
    for k in _groups(K, B):
        log_w, acceptance = _anneal(chains(k), deltas, rng, tune=False)
        weights.add(log_w)
        accepted.append(acceptance)
    return *weights.result(), np.mean(accepted, axis=0)


def _anneal(
    chain: Chain, deltas: NDArray[np.float64], rng: np.random.Generator, tune: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """log w of K chains from f_0, (K, B), and the share of accepted moves, (B,).

    deltas: the step sizes, (T, B). tune: write them, each from the acceptance of the one before.
    """
    T = len(deltas)
    log_w, accepted = np.zeros(chain.state.log_p.shape), np.zeros(deltas.shape[1])
    for t in range(T):
        # t counts from 0 here: log f_{t+1} − log f_t = (β_{t+1} − β_t) (log p − log f_0)
        log_w += (chain.state.log_p - chain.state.log_q) / T
        moved = chain.move((t + 1) / T, deltas[t], LEAPFROGS["ais"], rng).mean(axis=0)
        accepted += moved / T
        if tune and t + 1 < T:
            deltas[t + 1] = deltas[t] * np.exp(TUNING["ais"] * (moved - ACCEPTANCE["ais"]))
    return log_w, accepted


def _posterior(
    chains: Callable[[int], Chain], B: int, K: int, rng: np.random.Generator
) -> Estimates:
    """−log of the mean of q̂(z) / p(x, z) over half of K posterior samples (AEVB appendix D).

    q̂ is a Gaussian that is fitted to the other half. B: data points.
    """
    delta, accepted = np.full(B, FIRST_STEP), np.zeros(B)
    tuning = chains(TUNING_CHAINS["hmc"])
    for _ in range(HMC_MOVES):
        moved = tuning.move(1.0, delta, LEAPFROGS["hmc"], rng).mean(axis=0)
        delta *= np.exp(TUNING["hmc"] * (moved - ACCEPTANCE["hmc"]))
    z, log_p = [], []
    for k in _groups(K, B):  # each sample ends a chain of its own: they are independent
        chain = chains(k)
        for _ in range(HMC_MOVES):
            accepted += chain.move(1.0, delta, LEAPFROGS["hmc"], rng).sum(axis=0) / (K * HMC_MOVES)
        z.append(chain.state.z.astype(np.float64))
        log_p.append(chain.state.log_p.astype(np.float64))
    fitted, fresh = np.array_split(np.concatenate(z), 2)  # (K/2, B, n_z)
    weights = LogMean(B)
    log_p_fresh = np.concatenate(log_p)[len(fitted) :]
    weights.add(_fitted_log_density(fitted, fresh) - log_p_fresh)  # log q̂(z) − log p(x, z)
    log_mean, error = weights.result()
    lost = (log_p_fresh == -np.inf).any(axis=0)  # p(x, z) is 0 in this dtype: the mean is ∞
    log_p_x = np.where(lost, -np.inf, -log_mean)  # p(x) ≈ 1 / mean
    return log_p_x, np.where(lost, np.inf, error), accepted


def _fitted_log_density(fitted: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    """log N(z; m, C), with the mean m and the covariance C of `fitted`, for each data point.

    Let C = R Rᵀ with a triangular R (Cholesky). Then log det C = 2 Σ log R_jj, and
    log N = −½ [n_z log 2π + log det C + ‖R⁻¹ (z − m)‖²]. Both (K, B, n_z). Returns (K, B).
    """
    m = fitted.mean(axis=0)
    centred = fitted - m
    C = np.einsum("kbi,kbj->bij", centred, centred) / (len(fitted) - 1)
    R = np.linalg.cholesky(C)
    standard = np.linalg.solve(R, np.moveaxis(z - m, 0, -1))  # (B, n_z, K)
    log_det = 2 * np.log(np.diagonal(R, axis1=1, axis2=2)).sum(axis=1)
    square = np.moveaxis(standard**2, -1, 0).sum(axis=2)  # ‖R⁻¹ (z − m)‖²
    return -0.5 * (z.shape[2] * np.log(2 * np.pi) + log_det + square)


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
    checks.memory("n_samples", n_samples, 6 * 8 * n_samples * points * (vae.n_z + 1))
