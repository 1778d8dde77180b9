"""Wrong answers to chapter 4: the log of a mean of weights, and the importance-weighted bound."""

from typing import Any

import numpy as np

from scratchvae.distributions import gaussian_log_density, reparameterize
from scratchvae.homework.mistakes import mistake
from scratchvae.likelihood import LogMean

# ---- 4.1 the log of a mean of weights that come in parts ----


def _take_in(self: Any, log_w: Any, power_1: float, power_2: float) -> None:
    """As it should be for powers 1 and 2: how the old sums are rescaled when m grows."""
    m = np.maximum(self.m, log_w.max(axis=0))
    with np.errstate(all="ignore"):
        shrink, w = np.exp(self.m - m), np.exp(log_w.astype(np.float64) - m)
        self.S1 = np.nan_to_num(self.S1 * shrink**power_1) + w.sum(axis=0)
        self.S2 = np.nan_to_num(self.S2 * shrink**power_2) + (w * w).sum(axis=0)
    self.m, self.K = m, self.K + len(log_w)


@mistake("4.1")
def mean_not_rescaled(self: Any, log_w: Any) -> None:
    """You do not rescale the sums when a larger weight comes."""
    _take_in(self, log_w, 0, 0)


@mistake("4.1")
def mean_squares_rescaled_once(self: Any, log_w: Any) -> None:
    """You rescale the sum of squares once: its terms are squares, so it is twice."""
    _take_in(self, log_w, 1, 1)


@mistake("4.1")
def mean_rescaled_the_wrong_way(self: Any, log_w: Any) -> None:
    """You rescale the wrong way: e^(m_old − m) multiplies, and is at most 1."""
    _take_in(self, log_w, -1, -2)


@mistake("4.1")
def mean_of_the_last_part(self: Any, log_w: Any) -> None:
    """You keep only the last part: what came before is not in the sums."""
    self.S1, self.S2 = 0 * self.S1, 0 * self.S2
    _take_in(self, log_w, 1, 2)


@mistake("4.1")
def mean_without_the_count(self: Any, log_w: Any) -> None:
    """You do not add up K: the mean is divided by the size of the last part."""
    _take_in(self, log_w, 1, 2)
    self.K = len(log_w)


@mistake("4.1")
def mean_counts_parts(self: Any, log_w: Any) -> None:
    """You count the parts: K is the number of weights."""
    k = self.K
    _take_in(self, log_w, 1, 2)
    self.K = k + 1


@mistake("4.1")
def mean_without_squares(self: Any, log_w: Any) -> None:
    """You do not square the weights in S₂."""
    m = np.maximum(self.m, log_w.max(axis=0))
    shrink, w = np.exp(self.m - m), np.exp(log_w.astype(np.float64) - m)
    self.S1 = self.S1 * shrink + w.sum(axis=0)
    self.S2 = self.S2 * shrink**2 + w.sum(axis=0)
    self.m, self.K = m, self.K + len(log_w)


@mistake("4.1")
def mean_with_the_max_of_the_part(self: Any, log_w: Any) -> None:
    """You take the largest of the part for m: it should be the largest so far."""
    m = log_w.max(axis=0)
    with np.errstate(all="ignore"):
        shrink, w = np.exp(self.m - m), np.exp(log_w.astype(np.float64) - m)
        self.S1 = self.S1 + w.sum(axis=0) + 0 * shrink
        self.S2 = self.S2 + (w * w).sum(axis=0)
    self.m, self.K = m, self.K + len(log_w)


@mistake("4.1")
def mean_of_one_maximum(self: Any, log_w: Any) -> None:
    """You take one maximum for all data points: each has its own, or small weights become 0."""
    m = np.full_like(self.m, max(self.m.max(), log_w.max()))
    with np.errstate(all="ignore"):
        shrink, w = np.exp(self.m - m), np.exp(log_w.astype(np.float64) - m)
        self.S1 = self.S1 * shrink + w.sum(axis=0)
        self.S2 = self.S2 * shrink**2 + (w * w).sum(axis=0)
    self.m, self.K = m, self.K + len(log_w)


@mistake("4.1")
def mean_that_overflows(self: Any, log_w: Any) -> None:
    """You do not take out the largest: e^(log w) overflows."""
    with np.errstate(all="ignore"):
        w = np.exp(log_w.astype(np.float64))
        self.S1, self.S2 = self.S1 + w.sum(axis=0), self.S2 + (w * w).sum(axis=0)
    self.m, self.K = np.zeros_like(self.m), self.K + len(log_w)


@mistake("4.1")
def mean_of_the_logs(self: Any, log_w: Any) -> None:
    """You average the logs: it should be the log of the mean weight."""
    total = (0 if self.K == 0 else self.m * self.K) + log_w.astype(np.float64).sum(axis=0)
    self.K += len(log_w)
    self.m, self.S1, self.S2 = total / self.K, 0 * self.S1 + self.K, 0 * self.S2 + self.K


# ---- 4.2 the importance-weighted bound ----


def _log_weights(vae: Any, x: Any, K: int, rng: Any) -> Any:
    eps = rng.standard_normal((K, len(x), vae.n_z), vae.dtype)
    return vae.log_weights(x, eps).astype(np.float64)


def _log_mean(log_w: Any) -> Any:
    weights = LogMean(log_w.shape[1])
    weights.add(log_w)
    return weights.result()


@mistake("4.2")
def bound_mean_of_the_logs(vae: Any, x: Any, K: int, rng: Any) -> Any:
    """You have the mean of the logs, which is 𝓛 whatever K: it should be the log of the mean."""
    log_w = _log_weights(vae, x, K, rng)
    return log_w.mean(axis=0), _log_mean(log_w)[1]


@mistake("4.2")
def bound_upside_down(vae: Any, x: Any, K: int, rng: Any) -> Any:
    """You have the weights upside down: it should be p(x, z) / q(z|x)."""
    return _log_mean(-_log_weights(vae, x, K, rng))


@mistake("4.2")
def bound_without_q(vae: Any, x: Any, K: int, rng: Any) -> Any:
    """You do not divide p(x, z) by q(z|x)."""
    mu, logvar = vae.encode(x)
    z = reparameterize(mu, logvar, rng.standard_normal((K, *mu.shape), vae.dtype))
    return _log_mean(vae.log_joint(x, z))


@mistake("4.2")
def bound_without_the_prior(vae: Any, x: Any, K: int, rng: Any) -> Any:
    """You forget the prior p(z) in the weights."""
    mu, logvar = vae.encode(x)
    z = reparameterize(mu, logvar, rng.standard_normal((K, *mu.shape), vae.dtype))
    log_pz = gaussian_log_density(z, 0 * mu, 0 * logvar)
    return _log_mean(vae.log_joint(x, z) - log_pz - gaussian_log_density(z, mu, logvar))


@mistake("4.2")
def bound_log_of_the_sum(vae: Any, x: Any, K: int, rng: Any) -> Any:
    """You have the log of the sum, which is log K too much: it should be the log of the mean."""
    log_mean, error = _log_mean(_log_weights(vae, x, K, rng))
    return log_mean + np.log(K), error


@mistake("4.2")
def bound_one_noise(vae: Any, x: Any, K: int, rng: Any) -> Any:
    """You use one ε for the whole batch: each data point has its own."""
    eps = rng.standard_normal((K, 1, vae.n_z), vae.dtype)
    return _log_mean(vae.log_weights(x, np.repeat(eps, len(x), axis=1)))


@mistake("4.2")
def bound_at_the_prior(vae: Any, x: Any, K: int, rng: Any) -> Any:
    """You draw z from the prior, and weigh as if it were from q(z|x)."""
    mu, logvar = vae.encode(x)
    z = rng.standard_normal((K, *mu.shape), vae.dtype)
    return _log_mean(vae.log_joint(x, z) - gaussian_log_density(z, mu, logvar))


@mistake("4.2")
def bound_of_the_largest(vae: Any, x: Any, K: int, rng: Any) -> Any:
    """You return the largest log weight: it should be the log of the mean weight."""
    log_w = _log_weights(vae, x, K, rng)
    return log_w.max(axis=0), _log_mean(log_w)[1]


@mistake("4.2")
def bound_of_one_sample(vae: Any, x: Any, K: int, rng: Any) -> Any:
    """You draw one sample, whatever K."""
    return _log_mean(_log_weights(vae, x, 1, rng))
