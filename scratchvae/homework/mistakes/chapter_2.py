"""Wrong answers to chapter 2: Gaussian and Bernoulli, their sampling, and their gradients."""

from typing import Any

import numpy as np

from scratchvae.distributions import LOG_2PI
from scratchvae.homework.mistakes import mistake
from scratchvae.layers import sigmoid

# ---- 2.1 Gaussian log density ----


@mistake("2.1")
def density_with_logvar_as_log_sigma(z: Any, mu: Any, logvar: Any) -> Any:
    """You take log σ² for log σ: the variance is squared."""
    return -0.5 * (LOG_2PI + 2 * logvar + ((z - mu) / np.exp(logvar)) ** 2).sum(axis=-1)


@mistake("2.1")
def density_divided_by_sigma(z: Any, mu: Any, logvar: Any) -> Any:
    """You divide the square by σ, where it should be σ²."""
    return -0.5 * (LOG_2PI + logvar + (z - mu) ** 2 / np.exp(0.5 * logvar)).sum(axis=-1)


@mistake("2.1")
def density_divided_by_sigma_to_the_fourth(z: Any, mu: Any, logvar: Any) -> Any:
    """You divide the square by σ⁴, where it should be σ²: (z − μ) / σ is what is squared."""
    return -0.5 * (LOG_2PI + logvar + ((z - mu) / np.exp(logvar)) ** 2).sum(axis=-1)


@mistake("2.1")
def density_not_divided(z: Any, mu: Any, logvar: Any) -> Any:
    """You do not divide the square by σ²."""
    return -0.5 * (LOG_2PI + logvar + (z - mu) ** 2).sum(axis=-1)


@mistake("2.1")
def density_multiplied_by_the_variance(z: Any, mu: Any, logvar: Any) -> Any:
    """You multiply the square by σ², where you should divide by it."""
    return -0.5 * (LOG_2PI + logvar + (z - mu) ** 2 * np.exp(logvar)).sum(axis=-1)


@mistake("2.1")
def density_with_the_root_of_logvar(z: Any, mu: Any, logvar: Any) -> Any:
    """You take the root of log σ² for σ: σ is e^(½ log σ²)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return -0.5 * (LOG_2PI + logvar + ((z - mu) / np.sqrt(logvar)) ** 2).sum(axis=-1)


@mistake("2.1")
def density_with_logvar_as_the_variance(z: Any, mu: Any, logvar: Any) -> Any:
    """You divide by log σ² itself: the variance is e^(log σ²)."""
    return -0.5 * (LOG_2PI + logvar + (z - mu) ** 2 / logvar).sum(axis=-1)


@mistake("2.1")
def density_without_log_2pi(z: Any, mu: Any, logvar: Any) -> Any:
    """You leave out log 2π."""
    return -0.5 * (logvar + (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1)


@mistake("2.1")
def density_without_logvar(z: Any, mu: Any, logvar: Any) -> Any:
    """You leave out log σ²: a narrow density is higher."""
    return -0.5 * (LOG_2PI + (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1)


@mistake("2.1")
def density_with_half_logvar(z: Any, mu: Any, logvar: Any) -> Any:
    """You count ½ log σ² inside of the sum that has its ½ already."""
    return -0.5 * (LOG_2PI + 0.5 * logvar + (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1)


@mistake("2.1")
def density_without_half(z: Any, mu: Any, logvar: Any) -> Any:
    """You leave out the ½."""
    return -(LOG_2PI + logvar + (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1)


@mistake("2.1")
def density_half_of_the_square_only(z: Any, mu: Any, logvar: Any) -> Any:
    """You have the ½ before the square alone: log 2π and log σ² have it too."""
    return -(LOG_2PI + logvar + 0.5 * (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1)


@mistake("2.1")
def density_negative(z: Any, mu: Any, logvar: Any) -> Any:
    """You have the log density with its sign turned round."""
    return 0.5 * (LOG_2PI + logvar + (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1)


@mistake("2.1")
def density_not_the_log(z: Any, mu: Any, logvar: Any) -> Any:
    """You return the density, where its logarithm is asked for."""
    return np.exp(-0.5 * (LOG_2PI + logvar + (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1))


@mistake("2.1")
def density_mean(z: Any, mu: Any, logvar: Any) -> Any:
    """You take the mean over the dimensions, where it should be the sum."""
    return -0.5 * (LOG_2PI + logvar + (z - mu) ** 2 * np.exp(-logvar)).mean(axis=-1)


@mistake("2.1")
def density_of_everything(z: Any, mu: Any, logvar: Any) -> Any:
    """You sum over all axes: each data point should have its own number."""
    return -0.5 * (LOG_2PI + logvar + (z - mu) ** 2 * np.exp(-logvar)).sum()


@mistake("2.1")
def density_not_summed(z: Any, mu: Any, logvar: Any) -> Any:
    """You do not sum over the dimensions: each data point should have one number."""
    return -0.5 * (LOG_2PI + logvar + (z - mu) ** 2 * np.exp(-logvar))


@mistake("2.1")
def density_with_one_log_2pi(z: Any, mu: Any, logvar: Any) -> Any:
    """You count log 2π once: it counts once for each dimension."""
    return -0.5 * (LOG_2PI + (logvar + (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1))


# ---- 2.2 KL ----


@mistake("2.2")
def kl_negative(mu: Any, logvar: Any) -> Any:
    """You have the KL with its sign turned round: a KL is never negative."""
    return 0.5 * (1 + logvar - mu**2 - np.exp(logvar)).sum(axis=-1)


@mistake("2.2")
def kl_without_half(mu: Any, logvar: Any) -> Any:
    """You leave out the ½."""
    return -(1 + logvar - mu**2 - np.exp(logvar)).sum(axis=-1)


@mistake("2.2")
def kl_negative_without_half(mu: Any, logvar: Any) -> Any:
    """You leave out the −½."""
    return (1 + logvar - mu**2 - np.exp(logvar)).sum(axis=-1)


@mistake("2.2")
def kl_with_logvar_as_log_sigma(mu: Any, logvar: Any) -> Any:
    """You take log σ² for log σ: e^(2 log σ²) stands where σ² should."""
    return -0.5 * (1 + 2 * logvar - mu**2 - np.exp(2 * logvar)).sum(axis=-1)


@mistake("2.2")
def kl_with_the_square_of_the_variance(mu: Any, logvar: Any) -> Any:
    """You square the variance: e^(log σ²) is σ² already."""
    return -0.5 * (1 + logvar - mu**2 - np.exp(2 * logvar)).sum(axis=-1)


@mistake("2.2")
def kl_with_sigma(mu: Any, logvar: Any) -> Any:
    """You have σ where σ² should be."""
    return -0.5 * (1 + logvar - mu**2 - np.exp(0.5 * logvar)).sum(axis=-1)


@mistake("2.2")
def kl_with_logvar_as_the_variance(mu: Any, logvar: Any) -> Any:
    """You subtract log σ² itself: σ² is e^(log σ²)."""
    return -0.5 * (1 + logvar - mu**2 - logvar).sum(axis=-1)


@mistake("2.2")
def kl_with_the_log_of_logvar(mu: Any, logvar: Any) -> Any:
    """You take the logarithm of log σ²: it is a logarithm already."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return -0.5 * (1 + np.log(logvar) - mu**2 - logvar).sum(axis=-1)


@mistake("2.2")
def kl_with_half_logvar(mu: Any, logvar: Any) -> Any:
    """You have ½ log σ² where log σ² should be."""
    return -0.5 * (1 + 0.5 * logvar - mu**2 - np.exp(logvar)).sum(axis=-1)


@mistake("2.2")
def kl_with_one_over_the_variance(mu: Any, logvar: Any) -> Any:
    """You have 1 / σ² where σ² should be."""
    return -0.5 * (1 + logvar - mu**2 - np.exp(-logvar)).sum(axis=-1)


@mistake("2.2")
def kl_swapped(mu: Any, logvar: Any) -> Any:
    """You have KL(p ‖ q), from the prior to q: it should be KL(q ‖ p)."""
    return 0.5 * (np.exp(-logvar) * (1 + mu**2) - 1 + logvar).sum(axis=-1)


@mistake("2.2")
def kl_mean(mu: Any, logvar: Any) -> Any:
    """You take the mean over the latent dimensions, where it should be the sum."""
    return -0.5 * (1 + logvar - mu**2 - np.exp(logvar)).mean(axis=-1)


@mistake("2.2")
def kl_of_the_first_axis(mu: Any, logvar: Any) -> Any:
    """You sum over the first axis, the batch: the sum is over the last."""
    return -0.5 * (1 + logvar - mu**2 - np.exp(logvar)).sum(axis=0)


@mistake("2.2")
def kl_of_everything(mu: Any, logvar: Any) -> Any:
    """You sum over all axes: each data point should have its own KL."""
    return -0.5 * (1 + logvar - mu**2 - np.exp(logvar)).sum()


@mistake("2.2")
def kl_mean_of_the_batch(mu: Any, logvar: Any) -> Any:
    """You take the mean over the batch as well: each data point should have its own KL."""
    return -0.5 * (1 + logvar - mu**2 - np.exp(logvar)).sum(axis=-1).mean()


@mistake("2.2")
def kl_not_summed(mu: Any, logvar: Any) -> Any:
    """You do not sum over the latent dimensions."""
    return -0.5 * (1 + logvar - mu**2 - np.exp(logvar))


@mistake("2.2")
def kl_without_one(mu: Any, logvar: Any) -> Any:
    """You leave out the 1: the KL is off by ½ for each dimension."""
    return -0.5 * (logvar - mu**2 - np.exp(logvar)).sum(axis=-1)


@mistake("2.2")
def kl_with_mu(mu: Any, logvar: Any) -> Any:
    """You have μ where μ² should be."""
    return -0.5 * (1 + logvar - mu - np.exp(logvar)).sum(axis=-1)


@mistake("2.2")
def kl_without_mu(mu: Any, logvar: Any) -> Any:
    """You leave out μ²."""
    return -0.5 * (1 + logvar - np.exp(logvar)).sum(axis=-1) + 0 * mu.sum(axis=-1)


@mistake("2.2")
def kl_plus_mu(mu: Any, logvar: Any) -> Any:
    """You add μ², where it is subtracted inside of the bracket."""
    return -0.5 * (1 + logvar + mu**2 - np.exp(logvar)).sum(axis=-1)


# ---- 2.3 reparameterization ----


@mistake("2.3")
def sample_with_the_variance(mu: Any, logvar: Any, eps: Any) -> Any:
    """You multiply ε by σ², where it should be σ (log σ² taken for log σ)."""
    return mu + np.exp(logvar) * eps


@mistake("2.3")
def sample_with_logvar(mu: Any, logvar: Any, eps: Any) -> Any:
    """You multiply ε by log σ² itself: the exponential is missing."""
    return mu + logvar * eps


@mistake("2.3")
def sample_with_half_logvar(mu: Any, logvar: Any, eps: Any) -> Any:
    """You multiply ε by ½ log σ², which is log σ: the exponential is missing."""
    return mu + 0.5 * logvar * eps


@mistake("2.3")
def sample_with_the_root_of_logvar(mu: Any, logvar: Any, eps: Any) -> Any:
    """You take the root of log σ² for σ: σ is e^(½ log σ²)."""
    with np.errstate(invalid="ignore"):
        return mu + np.sqrt(logvar) * eps


@mistake("2.3")
def sample_with_half_the_variance(mu: Any, logvar: Any, eps: Any) -> Any:
    """You have ½ e^(log σ²), where it should be e^(½ log σ²)."""
    return mu + 0.5 * np.exp(logvar) * eps


@mistake("2.3")
def sample_without_noise(mu: Any, logvar: Any, eps: Any) -> Any:
    """You return μ alone: ε is not used."""
    return mu + 0 * eps


@mistake("2.3")
def sample_without_sigma(mu: Any, logvar: Any, eps: Any) -> Any:
    """You do not multiply ε by σ."""
    return mu + eps + 0 * logvar


@mistake("2.3")
def sample_without_mu(mu: Any, logvar: Any, eps: Any) -> Any:
    """You do not add μ."""
    return np.exp(0.5 * logvar) * eps


@mistake("2.3")
def sample_minus_noise(mu: Any, logvar: Any, eps: Any) -> Any:
    """You subtract σ ε: that is the same as a distribution, but not as a function of ε."""
    return mu - np.exp(0.5 * logvar) * eps


@mistake("2.3")
def sample_divided_by_sigma(mu: Any, logvar: Any, eps: Any) -> Any:
    """You divide ε by σ, where you should multiply."""
    return mu + np.exp(-0.5 * logvar) * eps


@mistake("2.3")
def sample_scaled_with_mu(mu: Any, logvar: Any, eps: Any) -> Any:
    """You multiply μ by σ too: σ belongs to ε alone."""
    return (mu + eps) * np.exp(0.5 * logvar)


@mistake("2.3")
def sample_with_own_noise(mu: Any, logvar: Any, eps: Any) -> Any:
    """You draw noise of your own: use the ε that is passed in."""
    return mu + np.exp(0.5 * logvar) * np.random.default_rng(0).standard_normal(eps.shape)


# ---- 2.4 its backward ----


@mistake("2.4")
def sample_gradient_without_noise(dz: Any, logvar: Any, eps: Any) -> Any:
    """You do not carry ε through to d(log σ²)."""
    return dz.sum(axis=0), dz.sum(axis=0) * 0.5 * np.exp(0.5 * logvar)


@mistake("2.4")
def sample_gradient_without_half(dz: Any, logvar: Any, eps: Any) -> Any:
    """You leave out the ½ of d(log σ²)."""
    return dz.sum(axis=0), (dz * eps).sum(axis=0) * np.exp(0.5 * logvar)


@mistake("2.4")
def sample_gradient_with_the_variance(dz: Any, logvar: Any, eps: Any) -> Any:
    """You have σ² where σ should be in d(log σ²)."""
    return dz.sum(axis=0), (dz * eps).sum(axis=0) * 0.5 * np.exp(logvar)


@mistake("2.4")
def sample_gradient_of_logvar_as_log_sigma(dz: Any, logvar: Any, eps: Any) -> Any:
    """You take log σ² for log σ: both the ½ and the root are missing in d(log σ²)."""
    return dz.sum(axis=0), (dz * eps).sum(axis=0) * np.exp(logvar)


@mistake("2.4")
def sample_gradient_by_sigma(dz: Any, logvar: Any, eps: Any) -> Any:
    """You have the derivative by σ, not by log σ²: the chain rule stops one step early."""
    return dz.sum(axis=0), (dz * eps).sum(axis=0) + 0 * logvar


@mistake("2.4")
def sample_gradient_half_only(dz: Any, logvar: Any, eps: Any) -> Any:
    """You leave out σ in d(log σ²)."""
    return dz.sum(axis=0), (dz * eps).sum(axis=0) * 0.5 + 0 * logvar


@mistake("2.4")
def sample_gradient_mean(dz: Any, logvar: Any, eps: Any) -> Any:
    """You take the mean over the L samples, where it should be the sum."""
    return dz.mean(axis=0), (dz * eps).mean(axis=0) * 0.5 * np.exp(0.5 * logvar)


@mistake("2.4")
def sample_gradient_not_summed(dz: Any, logvar: Any, eps: Any) -> Any:
    """You do not sum over the L samples, which share μ and σ."""
    return dz.copy(), dz * eps * 0.5 * np.exp(0.5 * logvar)


@mistake("2.4")
def sample_gradient_summed_over_the_batch(dz: Any, logvar: Any, eps: Any) -> Any:
    """You sum over the batch, where it should be over the samples."""
    return dz.sum(axis=1), (dz * eps * 0.5 * np.exp(0.5 * logvar)).sum(axis=1)


@mistake("2.4")
def sample_gradient_negative(dz: Any, logvar: Any, eps: Any) -> Any:
    """You have both gradients with their sign turned round."""
    return -dz.sum(axis=0), -(dz * eps).sum(axis=0) * 0.5 * np.exp(0.5 * logvar)


@mistake("2.4")
def sample_gradient_of_logvar_negative(dz: Any, logvar: Any, eps: Any) -> Any:
    """You have d(log σ²) with its sign turned round."""
    return dz.sum(axis=0), -(dz * eps).sum(axis=0) * 0.5 * np.exp(0.5 * logvar)


@mistake("2.4")
def sample_gradient_swapped(dz: Any, logvar: Any, eps: Any) -> Any:
    """You return d(log σ²) before dμ: the order is dμ, d(log σ²)."""
    return (dz * eps).sum(axis=0) * 0.5 * np.exp(0.5 * logvar), dz.sum(axis=0)


@mistake("2.4")
def sample_gradient_sums_before_the_product(dz: Any, logvar: Any, eps: Any) -> Any:
    """You multiply the sums of dz and ε: the products should be summed."""
    return dz.sum(axis=0), dz.sum(axis=0) * eps.sum(axis=0) * 0.5 * np.exp(0.5 * logvar)


# ---- 2.5 backward of the KL ----


@mistake("2.5")
def kl_gradient_negative(mu: Any, logvar: Any) -> Any:
    """You have both gradients with their sign turned round."""
    return -mu, 0.5 * (1 - np.exp(logvar))


@mistake("2.5")
def kl_gradient_of_logvar_negative(mu: Any, logvar: Any) -> Any:
    """You have ∂/∂(log σ²) with its sign turned round."""
    return mu.copy(), 0.5 * (1 - np.exp(logvar))


@mistake("2.5")
def kl_gradient_of_mu_negative(mu: Any, logvar: Any) -> Any:
    """You have ∂/∂μ with its sign turned round."""
    return -mu, 0.5 * (np.exp(logvar) - 1)


@mistake("2.5")
def kl_gradient_without_half(mu: Any, logvar: Any) -> Any:
    """You leave out the ½ of ∂/∂(log σ²)."""
    return mu.copy(), np.exp(logvar) - 1


@mistake("2.5")
def kl_gradient_with_two_mu(mu: Any, logvar: Any) -> Any:
    """You have 2μ: the ½ before μ² is forgotten."""
    return 2 * mu, 0.5 * (np.exp(logvar) - 1)


@mistake("2.5")
def kl_gradient_without_any_half(mu: Any, logvar: Any) -> Any:
    """You leave out the ½ of the KL in both gradients."""
    return 2 * mu, np.exp(logvar) - 1


@mistake("2.5")
def kl_gradient_with_half_mu(mu: Any, logvar: Any) -> Any:
    """You have ½ μ: the derivative of ½ μ² is μ."""
    return 0.5 * mu, 0.5 * (np.exp(logvar) - 1)


@mistake("2.5")
def kl_gradient_with_mu_squared(mu: Any, logvar: Any) -> Any:
    """You have ½ μ², which is the term itself, not its derivative."""
    return 0.5 * mu**2, 0.5 * (np.exp(logvar) - 1)


@mistake("2.5")
def kl_gradient_by_the_variance(mu: Any, logvar: Any) -> Any:
    """You have the derivative by σ², not by log σ²."""
    return mu.copy(), 0.5 * (1 - np.exp(-logvar))


@mistake("2.5")
def kl_gradient_by_sigma(mu: Any, logvar: Any) -> Any:
    """You have the derivative by σ, σ − 1/σ, not by log σ²."""
    return mu.copy(), np.exp(0.5 * logvar) - np.exp(-0.5 * logvar)


@mistake("2.5")
def kl_gradient_without_minus_one(mu: Any, logvar: Any) -> Any:
    """You leave out the −1 of ∂/∂(log σ²): log σ² itself has a derivative too."""
    return mu.copy(), 0.5 * np.exp(logvar)


@mistake("2.5")
def kl_gradient_with_logvar_as_log_sigma(mu: Any, logvar: Any) -> Any:
    """You take log σ² for log σ."""
    return mu.copy(), np.exp(2 * logvar) - 1


@mistake("2.5")
def kl_gradient_with_sigma(mu: Any, logvar: Any) -> Any:
    """You have σ where σ² should be in ∂/∂(log σ²)."""
    return mu.copy(), 0.5 * (np.exp(0.5 * logvar) - 1)


@mistake("2.5")
def kl_gradient_swapped(mu: Any, logvar: Any) -> Any:
    """You return ∂/∂(log σ²) before ∂/∂μ: the order is μ, log σ²."""
    return 0.5 * (np.exp(logvar) - 1), mu.copy()


@mistake("2.5")
def kl_gradient_mean(mu: Any, logvar: Any) -> Any:
    """You divide by the size of the batch: the KL of each data point has its own gradient."""
    return mu / len(mu), 0.5 * (np.exp(logvar) - 1) / len(mu)


# ---- 2.6 sigmoid ----


@mistake("2.6")
def sigmoid_that_overflows(a: Any) -> Any:
    """You have the formula by itself: e^(−a) overflows for a large negative a."""
    return 1 / (1 + np.exp(-a))


@mistake("2.6")
def sigmoid_that_overflows_above(a: Any) -> Any:
    """You have e^a / (1 + e^a) for every a: e^a overflows for a large a."""
    return np.exp(a) / (1 + np.exp(a))


@mistake("2.6")
def sigmoid_with_a_warning(a: Any) -> Any:
    """You compute both forms for every a, and choose afterwards: the other form overflows."""
    return np.where(a >= 0, 1 / (1 + np.exp(-a)), np.exp(a) / (1 + np.exp(a)))


@mistake("2.6")
def sigmoid_of_minus_a(a: Any) -> Any:
    """You have sigmoid(−a): the sign of a is turned round."""
    return np.exp(np.minimum(-a, 0)) / (1 + np.exp(-np.abs(a)))


@mistake("2.6")
def sigmoid_twice(a: Any) -> Any:
    """You apply the sigmoid twice."""
    s = np.exp(np.minimum(a, 0)) / (1 + np.exp(-np.abs(a)))
    return 1 / (1 + np.exp(-s))


@mistake("2.6")
def sigmoid_is_tanh(a: Any) -> Any:
    """You return tanh, which runs from −1 to 1."""
    return np.tanh(a)


@mistake("2.6")
def sigmoid_by_tanh_of_a(a: Any) -> Any:
    """You have ½ (1 + tanh a): it should be tanh of a / 2."""
    return 0.5 * (1 + np.tanh(a))


@mistake("2.6")
def sigmoid_slope(a: Any) -> Any:
    """You return the derivative of the sigmoid, not the sigmoid."""
    s = np.exp(np.minimum(a, 0)) / (1 + np.exp(-np.abs(a)))
    return s * (1 - s)


@mistake("2.6")
def sigmoid_is_softmax(a: Any) -> Any:
    """You return the softmax: each entry should have a sigmoid of its own."""
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@mistake("2.6")
def sigmoid_is_softplus(a: Any) -> Any:
    """You return the softplus, log(1 + e^a), whose derivative is the sigmoid."""
    return np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))


@mistake("2.6")
def sigmoid_clipped(a: Any) -> Any:
    """You clip a: far out the value stands still."""
    return 1 / (1 + np.exp(-np.clip(a, -30, 30)))


@mistake("2.6")
def sigmoid_minus(a: Any) -> Any:
    """You have 1 − e^(−a) below the line, where it should be 1 + e^(−a)."""
    with np.errstate(all="ignore"):
        return 1 / (1 - np.exp(-a))


# ---- 2.7 Bernoulli ----


@mistake("2.7")
def bernoulli_negative(x: Any, logits: Any) -> Any:
    """You have the log likelihood with its sign turned round: that is the cross entropy."""
    return (np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits))) - x * logits).sum(axis=-1)


@mistake("2.7")
def bernoulli_from_a_probability(x: Any, logits: Any) -> Any:
    """You compute a probability and take its logarithm: far out that is log 0."""
    p = sigmoid(logits)
    with np.errstate(all="ignore"):
        return (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=-1)


@mistake("2.7")
def bernoulli_that_overflows(x: Any, logits: Any) -> Any:
    """You compute log(1 + e^a) as it stands: it overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        return (x * logits - np.log(1 + np.exp(logits))).sum(axis=-1)


@mistake("2.7")
def bernoulli_of_a_sigmoid(x: Any, logits: Any) -> Any:
    """You apply the sigmoid twice: what a sigmoid gave is treated as a logit."""
    s = sigmoid(logits)
    return (x * s - np.log1p(np.exp(s))).sum(axis=-1)


@mistake("2.7")
def bernoulli_of_logits_as_probabilities(x: Any, logits: Any) -> Any:
    """You take the logits for probabilities."""
    with np.errstate(all="ignore"):
        return (x * np.log(logits) + (1 - x) * np.log(1 - logits)).sum(axis=-1)


@mistake("2.7")
def bernoulli_mean(x: Any, logits: Any) -> Any:
    """You take the mean over the pixels, where it should be the sum."""
    softplus = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    return (x * logits - softplus).mean(axis=-1)


@mistake("2.7")
def bernoulli_of_everything(x: Any, logits: Any) -> Any:
    """You sum over all axes: each data point should have its own number."""
    softplus = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    return (x * logits - softplus).sum()


@mistake("2.7")
def bernoulli_not_summed(x: Any, logits: Any) -> Any:
    """You do not sum over the pixels."""
    softplus = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    return x * logits - softplus


@mistake("2.7")
def bernoulli_with_a_small_number(x: Any, logits: Any) -> Any:
    """You add a small number inside the logarithm: far out the value stops falling."""
    p = sigmoid(logits)
    return (x * np.log(p + 1e-7) + (1 - x) * np.log(1 - p + 1e-7)).sum(axis=-1)


@mistake("2.7")
def bernoulli_clipped(x: Any, logits: Any) -> Any:
    """You clip the probability: far out the value stops falling."""
    p = np.clip(sigmoid(logits), 1e-7, 1 - 1e-7)
    return (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=-1)


@mistake("2.7")
def bernoulli_only_ones(x: Any, logits: Any) -> Any:
    """You leave out log(1 − p): only pixels that are 1 count."""
    return (x * (np.minimum(logits, 0) - np.log1p(np.exp(-np.abs(logits))))).sum(axis=-1)


@mistake("2.7")
def bernoulli_plus_softplus(x: Any, logits: Any) -> Any:
    """You add the softplus, where it should be subtracted."""
    softplus = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    return (x * logits + softplus).sum(axis=-1)


@mistake("2.7")
def bernoulli_softplus_without_max(x: Any, logits: Any) -> Any:
    """You leave out max(a, 0) of the softplus."""
    return (x * logits - np.log1p(np.exp(-np.abs(logits)))).sum(axis=-1)


@mistake("2.7")
def bernoulli_softplus_of_minus_a(x: Any, logits: Any) -> Any:
    """You have softplus(−a), where it should be softplus(a)."""
    softplus = np.maximum(-logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    return (x * logits - softplus).sum(axis=-1)


@mistake("2.7")
def bernoulli_in_bits(x: Any, logits: Any) -> Any:
    """You return bits: everything here is in nats."""
    softplus = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    return (x * logits - softplus).sum(axis=-1) / np.log(2)


@mistake("2.7")
def bernoulli_is_a_square(x: Any, logits: Any) -> Any:
    """You have the squared error, not the log likelihood of bits."""
    return -((x - sigmoid(logits)) ** 2).sum(axis=-1)


# ---- 2.8 its backward ----


@mistake("2.8")
def bernoulli_gradient_negative(x: Any, logits: Any) -> Any:
    """You have the gradient with its sign turned round: that is of the cross entropy."""
    return sigmoid(logits) - x


@mistake("2.8")
def bernoulli_gradient_without_sigmoid(x: Any, logits: Any) -> Any:
    """You forget the sigmoid: x − a."""
    return x - logits


@mistake("2.8")
def bernoulli_gradient_times_slope(x: Any, logits: Any) -> Any:
    """You multiply by the sigmoid's derivative once more: it has cancelled."""
    s = sigmoid(logits)
    return (x - s) * s * (1 - s)


@mistake("2.8")
def bernoulli_gradient_of_two_sigmoids(x: Any, logits: Any) -> Any:
    """You apply the sigmoid twice."""
    return x - sigmoid(sigmoid(logits))


@mistake("2.8")
def bernoulli_gradient_by_p(x: Any, logits: Any) -> Any:
    """You have the derivative by p, not by the logit."""
    p = sigmoid(logits)
    with np.errstate(all="ignore"):
        return x / p - (1 - x) / (1 - p)


@mistake("2.8")
def bernoulli_gradient_mean(x: Any, logits: Any) -> Any:
    """You divide by the number of pixels: the log likelihood is a sum."""
    return (x - sigmoid(logits)) / x.shape[-1]


@mistake("2.8")
def bernoulli_gradient_mean_of_the_batch(x: Any, logits: Any) -> Any:
    """You divide by the size of the batch: each data point has its own gradient."""
    return (x - sigmoid(logits)) / len(x)


@mistake("2.8")
def bernoulli_gradient_summed(x: Any, logits: Any) -> Any:
    """You sum over the pixels: the gradient has the shape of the logits."""
    return (x - sigmoid(logits)).sum(axis=-1)


@mistake("2.8")
def bernoulli_gradient_of_minus_a(x: Any, logits: Any) -> Any:
    """You have sigmoid(−a), where it should be sigmoid(a)."""
    return x - sigmoid(-logits)


@mistake("2.8")
def bernoulli_gradient_of_a_square(x: Any, logits: Any) -> Any:
    """You have 2 (x − sigmoid(a)): this is no squared error."""
    return 2 * (x - sigmoid(logits))


# ---- 2.9 backward of the log density ----


@mistake("2.9")
def density_gradient_negative(z: Any, mu: Any, logvar: Any) -> Any:
    """You have both gradients with their sign turned round."""
    s = np.exp(-logvar)
    return -(z - mu) * s, -0.5 * ((z - mu) ** 2 * s - 1)


@mistake("2.9")
def density_gradient_by_z(z: Any, mu: Any, logvar: Any) -> Any:
    """You have the derivative by z, (μ − z) / σ²: by μ it has the other sign."""
    s = np.exp(-logvar)
    return (mu - z) * s, 0.5 * ((z - mu) ** 2 * s - 1)


@mistake("2.9")
def density_gradient_of_logvar_negative(z: Any, mu: Any, logvar: Any) -> Any:
    """You have ∂/∂(log σ²) with its sign turned round."""
    s = np.exp(-logvar)
    return (z - mu) * s, 0.5 * (1 - (z - mu) ** 2 * s)


@mistake("2.9")
def density_gradient_divided_by_sigma(z: Any, mu: Any, logvar: Any) -> Any:
    """You divide by σ, where it should be σ²."""
    s = np.exp(-0.5 * logvar)
    return (z - mu) * s, 0.5 * ((z - mu) ** 2 * s - 1)


@mistake("2.9")
def density_gradient_of_mu_divided_by_sigma(z: Any, mu: Any, logvar: Any) -> Any:
    """You divide by σ in ∂/∂μ, where it should be σ²."""
    return (z - mu) * np.exp(-0.5 * logvar), 0.5 * ((z - mu) ** 2 * np.exp(-logvar) - 1)


@mistake("2.9")
def density_gradient_not_divided(z: Any, mu: Any, logvar: Any) -> Any:
    """You do not divide by σ²."""
    return z - mu + 0 * logvar, 0.5 * ((z - mu) ** 2 - 1) + 0 * logvar


@mistake("2.9")
def density_gradient_without_half(z: Any, mu: Any, logvar: Any) -> Any:
    """You leave out the ½ of ∂/∂(log σ²)."""
    s = np.exp(-logvar)
    return (z - mu) * s, (z - mu) ** 2 * s - 1


@mistake("2.9")
def density_gradient_without_minus_one(z: Any, mu: Any, logvar: Any) -> Any:
    """You leave out the −1 of ∂/∂(log σ²): log σ² itself has a derivative too."""
    s = np.exp(-logvar)
    return (z - mu) * s, 0.5 * (z - mu) ** 2 * s


@mistake("2.9")
def density_gradient_by_the_variance(z: Any, mu: Any, logvar: Any) -> Any:
    """You have the derivative by σ², not by log σ²: multiply by σ² once more."""
    s = np.exp(-logvar)
    return (z - mu) * s, 0.5 * ((z - mu) ** 2 * s - 1) * s


@mistake("2.9")
def density_gradient_with_logvar_as_log_sigma(z: Any, mu: Any, logvar: Any) -> Any:
    """You take log σ² for log σ: the variance is squared."""
    s = np.exp(-2 * logvar)
    return (z - mu) * s, (z - mu) ** 2 * s - 1


@mistake("2.9")
def density_gradient_swapped(z: Any, mu: Any, logvar: Any) -> Any:
    """You return ∂/∂(log σ²) before ∂/∂μ: the order is μ, log σ²."""
    s = np.exp(-logvar)
    return 0.5 * ((z - mu) ** 2 * s - 1), (z - mu) * s


@mistake("2.9")
def density_gradient_summed(z: Any, mu: Any, logvar: Any) -> Any:
    """You sum over the dimensions: a gradient has the shape of what it belongs to."""
    s = np.exp(-logvar)
    return ((z - mu) * s).sum(axis=-1), 0.5 * ((z - mu) ** 2 * s - 1).sum(axis=-1)
