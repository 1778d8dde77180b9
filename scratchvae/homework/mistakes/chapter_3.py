"""Wrong answers to chapter 3: layers, the bound, its gradient, optimizers, Algorithm 1."""

from typing import Any

import numpy as np

from scratchvae import checks, layers
from scratchvae.distributions import (
    gaussian_kl,
    gaussian_kl_backward,
    gaussian_log_density,
    reparameterize,
    reparameterize_backward,
    standard_normal_log_density,
)
from scratchvae.history import Bound
from scratchvae.homework.mistakes import mistake

# ---- 3.1 affine layer, forward ----


@mistake("3.1")
def affine_without_b(self: Any, x: Any) -> Any:
    """You do not add b."""
    self.x = x
    return x @ self.W


@mistake("3.1")
def affine_with_a_transpose(self: Any, x: Any) -> Any:
    """You have x Wᵀ: a transpose too many."""
    self.x = x
    return x @ self.W.T + self.b


@mistake("3.1")
def affine_minus_b(self: Any, x: Any) -> Any:
    """You subtract b, where it should be added."""
    self.x = x
    return x @ self.W - self.b


@mistake("3.1")
def affine_entry_by_entry(self: Any, x: Any) -> Any:
    """You multiply entry by entry: x W is a matrix product."""
    self.x = x
    return x * self.W + self.b


@mistake("3.1")
def affine_of_x_plus_b(self: Any, x: Any) -> Any:
    """You add b to each product inside of the sum: b is added once, after it."""
    self.x = x
    return x @ (self.W + self.b)


@mistake("3.1")
def affine_with_tanh(self: Any, x: Any) -> Any:
    """You apply tanh: that is the next layer's work."""
    self.x = x
    return np.tanh(x @ self.W + self.b)


@mistake("3.1")
def affine_of_one_row(self: Any, x: Any) -> Any:
    """You use the first row of x for all rows."""
    self.x = x
    return np.broadcast_to(x[:1] @ self.W + self.b, (len(x), len(self.b))).copy()


@mistake("3.1")
def affine_remembers_nothing(self: Any, x: Any) -> Any:
    """You do not store x as self.x: `backward_weights` needs it."""
    return x @ self.W + self.b


@mistake("3.1")
def affine_remembers_y(self: Any, x: Any) -> Any:
    """You store y as self.x: `backward_weights` needs x."""
    self.x = x @ self.W + self.b
    return self.x


@mistake("3.1")
def affine_remembers_the_first(self: Any, x: Any) -> Any:
    """You store the first x that came: `backward_weights` needs the last."""
    if not hasattr(self, "x"):
        self.x = x
    return x @ self.W + self.b


# ---- 3.2 affine layer, gradient of the weights ----


@mistake("3.2")
def weights_added(self: Any, dy: Any) -> None:
    """You add to the gradient vector, where it should be written: what was there before stays."""
    self.dW += self.x.T @ dy
    self.db += dy.sum(axis=0)


@mistake("3.2")
def weights_mean(self: Any, dy: Any) -> None:
    """You take the mean over the batch, where it should be the sum."""
    self.dW[...] = self.x.T @ dy / len(dy)
    self.db[...] = dy.mean(axis=0)


@mistake("3.2")
def weights_mean_of_b(self: Any, dy: Any) -> None:
    """You take the mean over the batch for db, where it should be the sum."""
    self.dW[...] = self.x.T @ dy
    self.db[...] = dy.mean(axis=0)


@mistake("3.2")
def weights_mean_of_W(self: Any, dy: Any) -> None:
    """You take the mean over the batch for dW, where it should be the sum."""
    self.dW[...] = self.x.T @ dy / len(dy)
    self.db[...] = dy.sum(axis=0)


@mistake("3.2")
def weights_replaced(self: Any, dy: Any) -> None:
    """You replace self.dW, and do not write into it: the gradient vector never learns of it."""
    self.dW = self.x.T @ dy
    self.db = dy.sum(axis=0)


@mistake("3.2")
def weights_without_b(self: Any, dy: Any) -> None:
    """You do not write db."""
    self.dW[...] = self.x.T @ dy


@mistake("3.2")
def weights_without_W(self: Any, dy: Any) -> None:
    """You do not write dW."""
    self.db[...] = dy.sum(axis=0)


@mistake("3.2")
def weights_negative(self: Any, dy: Any) -> None:
    """You have both gradients with their sign turned round."""
    self.dW[...] = -(self.x.T @ dy)
    self.db[...] = -dy.sum(axis=0)


@mistake("3.2")
def weights_transposed(self: Any, dy: Any) -> None:
    """You have dyᵀ x, the transpose of dW: it should be xᵀ dy."""
    self.db[...] = dy.sum(axis=0)
    self.dW[...] = dy.T @ self.x


@mistake("3.2")
def weights_transposed_and_reshaped(self: Any, dy: Any) -> None:
    """You have dyᵀ x in the shape of dW: a reshape is no transpose, it should be xᵀ dy."""
    self.db[...] = dy.sum(axis=0)
    self.dW[...] = (dy.T @ self.x).reshape(self.dW.shape)


@mistake("3.2")
def weights_b_of_the_other_axis(self: Any, dy: Any) -> None:
    """You sum dy over its columns for db: the sum is over the rows, the data points."""
    self.dW[...] = self.x.T @ dy
    self.db[...] = dy.sum(axis=1)


@mistake("3.2")
def weights_b_is_one_number(self: Any, dy: Any) -> None:
    """You sum dy over both axes for db: each output has its own."""
    self.dW[...] = self.x.T @ dy
    self.db[...] = dy.sum()


@mistake("3.2")
def weights_of_the_last_row(self: Any, dy: Any) -> None:
    """You have the gradient of the last row alone: the rows' gradients add."""
    for x, d in zip(self.x, dy):
        self.dW[...] = np.outer(x, d)
        self.db[...] = d


# ---- 3.3 affine layer, gradient of the input ----


@mistake("3.3")
def input_without_a_transpose(self: Any, dy: Any) -> Any:
    """You have dy W: the transpose is missing."""
    return dy @ self.W


@mistake("3.3")
def input_negative(self: Any, dy: Any) -> Any:
    """You have the gradient with its sign turned round."""
    return -(dy @ self.W.T)


@mistake("3.3")
def input_plus_b(self: Any, dy: Any) -> Any:
    """You handle b as on the way forward: it is not in the derivative by x."""
    return (dy - self.b) @ self.W.T


@mistake("3.3")
def input_times_x(self: Any, dy: Any) -> Any:
    """You multiply by x once more: the derivative of x W by x is W alone."""
    return dy @ self.W.T * self.x


@mistake("3.3")
def input_is_the_weights(self: Any, dy: Any) -> Any:
    """You return dW: what is asked for is dx."""
    return self.x.T @ dy


@mistake("3.3")
def input_mean(self: Any, dy: Any) -> Any:
    """You divide by the size of the batch: each row has its own dx."""
    return dy @ self.W.T / len(dy)


@mistake("3.3")
def input_swapped(self: Any, dy: Any) -> Any:
    """You have W dyᵀ, the transpose of dx: rows should be data points."""
    return self.W @ dy.T


@mistake("3.3")
def input_and_weights(self: Any, dy: Any) -> Any:
    """You write dW as well: `backward_input` should write nothing."""
    self.dW[...] = self.x.T @ dy
    self.db[...] = dy.sum(axis=0)
    return dy @ self.W.T


# ---- 3.4 tanh layer, backward ----


@mistake("3.4")
def tanh_of_y(self: Any, dy: Any) -> Any:
    """You take tanh of y again: y is tanh x already."""
    return dy * (1 - np.tanh(self.y) ** 2)


@mistake("3.4")
def tanh_without_a_square(self: Any, dy: Any) -> Any:
    """You have 1 − y, where it should be 1 − y²."""
    return dy * (1 - self.y)


@mistake("3.4")
def tanh_plus(self: Any, dy: Any) -> Any:
    """You have 1 + y², where it should be 1 − y²."""
    return dy * (1 + self.y**2)


@mistake("3.4")
def tanh_as_sigmoid(self: Any, dy: Any) -> Any:
    """You have y (1 − y), the derivative of the logistic function."""
    return dy * self.y * (1 - self.y)


@mistake("3.4")
def tanh_without_dy(self: Any, dy: Any) -> Any:
    """You have the slope alone: dy is not multiplied in."""
    return 1 - self.y * self.y + 0 * dy


@mistake("3.4")
def tanh_without_slope(self: Any, dy: Any) -> Any:
    """You pass dy on as it is: the slope 1 − y² is missing."""
    return dy + 0 * self.y


@mistake("3.4")
def tanh_negative(self: Any, dy: Any) -> Any:
    """You have the gradient with its sign turned round."""
    return dy * (self.y**2 - 1)


@mistake("3.4")
def tanh_of_dy(self: Any, dy: Any) -> Any:
    """You take the slope at dy: it belongs at the y of `forward`."""
    return dy * (1 - np.tanh(dy) ** 2)


@mistake("3.4")
def tanh_twice_y(self: Any, dy: Any) -> Any:
    """You have the derivative of 1 − y², −2y, where the slope is 1 − y² itself."""
    return dy * (-2 * self.y)


@mistake("3.4")
def tanh_forward_again(self: Any, dy: Any) -> Any:
    """You apply tanh to dy: the way back multiplies by the slope."""
    return np.tanh(dy) + 0 * self.y


# ---- 3.5 the two terms of the bound ----


def _terms(self: Any, x: Any, eps: Any) -> Any:
    """z, log p(x|z) of every sample, and KL; everything remembered."""
    self.remembered = ""
    self._x = self.as_data(x)
    self._eps = checks.noise(eps, len(self._x), self.n_z, self.dtype)
    self._mu_logvar = mu, logvar = self._heads(self._x)
    z = reparameterize(mu, logvar, self._eps)
    log_px_z = self._log_px_z(self._x, z)
    self.remembered = "forward"
    return z, log_px_z, gaussian_kl(mu, logvar)


@mistake("3.5")
def forward_sum_over_samples(self: Any, x: Any, eps: Any) -> Any:
    """You take the sum over the L samples, where it should be the mean."""
    _, log_px_z, kl = _terms(self, x, eps)
    return log_px_z.sum(axis=0), kl


@mistake("3.5")
def forward_without_noise(self: Any, x: Any, eps: Any) -> Any:
    """You put μ into the decoder: ε is not used."""
    _, log_px_z, kl = _terms(self, x, 0 * np.asarray(eps))
    return log_px_z.mean(axis=0), kl


@mistake("3.5")
def forward_first_sample(self: Any, x: Any, eps: Any) -> Any:
    """You use the first of the L samples alone."""
    _, log_px_z, kl = _terms(self, x, eps)
    return log_px_z[0], kl


@mistake("3.5")
def forward_mean_of_noise(self: Any, x: Any, eps: Any) -> Any:
    """You average the noise, and decode once: decode each sample, and average log p(x|z)."""
    L = len(eps) if np.ndim(eps) == 3 else 1
    mean = np.reshape(eps, (L, len(x), -1)).mean(axis=0)
    _, log_px_z, kl = _terms(self, x, mean)
    return log_px_z.mean(axis=0), kl


@mistake("3.5")
def forward_one_noise_for_the_batch(self: Any, x: Any, eps: Any) -> Any:
    """You use one ε for the whole batch: each data point has its own."""
    eps = np.asarray(eps)
    _, log_px_z, kl = _terms(self, x, np.broadcast_to(eps[..., :1, :], eps.shape))
    return log_px_z.mean(axis=0), kl


@mistake("3.5")
def forward_mean_of_the_kl(self: Any, x: Any, eps: Any) -> Any:
    """You take the mean over the latent dimensions in the KL."""
    _, log_px_z, kl = _terms(self, x, eps)
    return log_px_z.mean(axis=0), kl / self.n_z


@mistake("3.5")
def forward_mean_of_pixels(self: Any, x: Any, eps: Any) -> Any:
    """You take the mean over the pixels, beside a KL that is a sum."""
    _, log_px_z, kl = _terms(self, x, eps)
    return log_px_z.mean(axis=0) / self.n_x, kl


@mistake("3.5")
def forward_kl_negative(self: Any, x: Any, eps: Any) -> Any:
    """You return −KL: the second term is the KL itself, the bound subtracts it."""
    _, log_px_z, kl = _terms(self, x, eps)
    return log_px_z.mean(axis=0), -kl


@mistake("3.5")
def forward_likelihood_negative(self: Any, x: Any, eps: Any) -> Any:
    """You return −log p(x|z), a loss: the first term is the log likelihood itself."""
    _, log_px_z, kl = _terms(self, x, eps)
    return -log_px_z.mean(axis=0), kl


@mistake("3.5")
def forward_mean_of_the_batch(self: Any, x: Any, eps: Any) -> Any:
    """You take the mean over the batch: each data point should have its own terms."""
    _, log_px_z, kl = _terms(self, x, eps)
    return log_px_z.mean(), kl.mean()


@mistake("3.5")
def forward_log_of_the_mean(self: Any, x: Any, eps: Any) -> Any:
    """You have the log of the mean of p(x|z): it should be the mean of log p(x|z)."""
    _, log_px_z, kl = _terms(self, x, eps)
    return np.log(np.exp(log_px_z).mean(axis=0)), kl


@mistake("3.5")
def forward_swapped(self: Any, x: Any, eps: Any) -> Any:
    """You return the KL first: the order is the likelihood, the KL."""
    _, log_px_z, kl = _terms(self, x, eps)
    return kl, log_px_z.mean(axis=0)


@mistake("3.5")
def forward_is_the_bound(self: Any, x: Any, eps: Any) -> Any:
    """You return the bound in place of the first term: its KL is subtracted already."""
    _, log_px_z, kl = _terms(self, x, eps)
    return log_px_z.mean(axis=0) - kl, kl


@mistake("3.5")
def forward_samples_the_kl(self: Any, x: Any, eps: Any) -> Any:
    """You sample the KL: here it is known in closed form."""
    z, log_px_z, _ = _terms(self, x, eps)
    log_ratio = 0.5 * (z**2 - self._eps**2 - self._mu_logvar[1]).sum(axis=-1)  # log q − log p
    return log_px_z.mean(axis=0), log_ratio.mean(axis=0)


@mistake("3.5")
def forward_kl_of_every_sample(self: Any, x: Any, eps: Any) -> Any:
    """You count the KL once for each of the L samples: it counts once."""
    _, log_px_z, kl = _terms(self, x, eps)
    return log_px_z.mean(axis=0), kl * len(log_px_z)


@mistake("3.5")
def forward_remembers_nothing(self: Any, x: Any, eps: Any) -> Any:
    """You do not remember what `backward` needs: the docstring has the names."""
    self.remembered = ""
    x = self.as_data(x)
    eps = checks.noise(eps, len(x), self.n_z, self.dtype)
    mu, logvar = self._heads(x)
    log_px_z = self._log_px_z(x, reparameterize(mu, logvar, eps))
    return log_px_z.mean(axis=0), gaussian_kl(mu, logvar)


# ---- 3.6 the log weights ----


def _pieces(self: Any, x: Any, eps: Any) -> Any:
    """log p(x|z), log p(z) and log q(z|x) of every sample."""
    mu, logvar = self.encode(x)
    z = reparameterize(mu, logvar, checks.noise(eps, len(mu), self.n_z, self.dtype))
    log_px_z = self._log_px_z(self.as_data(x), z)
    return log_px_z, standard_normal_log_density(z), gaussian_log_density(z, mu, logvar)


@mistake("3.6")
def weights_with_the_closed_kl(self: Any, x: Any, eps: Any) -> Any:
    """You have the KL in closed form: a log weight has log p(z) − log q(z|x) at its own z."""
    mu, logvar = self.encode(x)
    log_px_z, _, _ = _pieces(self, x, eps)
    return log_px_z - gaussian_kl(mu, logvar)


@mistake("3.6")
def weights_without_the_prior(self: Any, x: Any, eps: Any) -> Any:
    """You forget log p(z)."""
    log_px_z, _, log_q = _pieces(self, x, eps)
    return log_px_z - log_q


@mistake("3.6")
def weights_without_q(self: Any, x: Any, eps: Any) -> Any:
    """You forget log q(z|x): that is log p(x, z)."""
    log_px_z, log_pz, _ = _pieces(self, x, eps)
    return log_px_z + log_pz


@mistake("3.6")
def weights_without_the_likelihood(self: Any, x: Any, eps: Any) -> Any:
    """You forget log p(x|z)."""
    _, log_pz, log_q = _pieces(self, x, eps)
    return log_pz - log_q


@mistake("3.6")
def weights_plus_q(self: Any, x: Any, eps: Any) -> Any:
    """You add log q(z|x), where it should be subtracted."""
    return sum(_pieces(self, x, eps))


@mistake("3.6")
def weights_minus_the_prior(self: Any, x: Any, eps: Any) -> Any:
    """You subtract log p(z), and add log q(z|x): it is the other way round."""
    log_px_z, log_pz, log_q = _pieces(self, x, eps)
    return log_px_z - log_pz + log_q


@mistake("3.6")
def weights_upside_down(self: Any, x: Any, eps: Any) -> Any:
    """You have the log weights with their sign turned round: q / p, where it should be p / q."""
    log_px_z, log_pz, log_q = _pieces(self, x, eps)
    return log_q - log_px_z - log_pz


@mistake("3.6")
def weights_averaged(self: Any, x: Any, eps: Any) -> Any:
    """You take the mean over the samples: each sample should have its own log weight."""
    log_px_z, log_pz, log_q = _pieces(self, x, eps)
    return (log_px_z + log_pz - log_q).mean(axis=0)


@mistake("3.6")
def weights_not_logs(self: Any, x: Any, eps: Any) -> Any:
    """You return the weights: their logarithms are asked for."""
    log_px_z, log_pz, log_q = _pieces(self, x, eps)
    return np.exp(log_px_z + log_pz - log_q)


@mistake("3.6")
def weights_prior_at_the_noise(self: Any, x: Any, eps: Any) -> Any:
    """You take the prior's density at ε: it belongs at z."""
    log_px_z, _, log_q = _pieces(self, x, eps)
    noise = checks.noise(eps, len(x), self.n_z, self.dtype)
    return log_px_z + standard_normal_log_density(noise) - log_q


@mistake("3.6")
def weights_q_at_the_noise(self: Any, x: Any, eps: Any) -> Any:
    """You take N(ε; 0, I) for q(z|x): the −Σ log σ of the change of variables is missing."""
    log_px_z, log_pz, _ = _pieces(self, x, eps)
    noise = checks.noise(eps, len(x), self.n_z, self.dtype)
    return log_px_z + log_pz - standard_normal_log_density(noise)


# ---- 3.7 the gradient of the bound ----


def _gradient(self: Any, weight: float, kl: float, encoder: bool = True) -> None:
    """The right steps. weight: of each log p(x|z). kl: the weight of each KL."""
    eps, (mu, logvar) = self._eps, self._mu_logvar
    dz = layers.backward(self._decoder, self._output.backward(weight)).reshape(eps.shape)
    dmu, dlogvar = reparameterize_backward(dz, logvar, eps)
    dkl_dmu, dkl_dlogvar = gaussian_kl_backward(mu, logvar)
    dh = self._mu.backward(dmu + kl * dkl_dmu)
    dh += self._logvar.backward(dlogvar + kl * dkl_dlogvar)
    if encoder:
        layers.backward_weights(self._encoder, dh)


@mistake("3.7")
def gradient_of_the_bound(self: Any) -> None:
    """You have the gradient of the bound, not of the loss: the whole sign is turned round."""
    L, B, _ = self._eps.shape
    _gradient(self, 1 / (L * B), -1 / B)


@mistake("3.7")
def gradient_likelihood_negative(self: Any) -> None:
    """You have the likelihood's gradient with the sign of +𝓛: its weight is −1 / (L B)."""
    L, B, _ = self._eps.shape
    _gradient(self, 1 / (L * B), 1 / B)


@mistake("3.7")
def gradient_not_over_samples(self: Any) -> None:
    """You weigh the likelihood by −1 / B: the 1 / L is missing."""
    B = self._eps.shape[1]
    _gradient(self, -1 / B, 1 / B)


@mistake("3.7")
def gradient_not_over_the_batch(self: Any) -> None:
    """You weigh the likelihood by −1 / L: the mean over the batch is missing."""
    L, B, _ = self._eps.shape
    _gradient(self, -1 / L, 1 / B)


@mistake("3.7")
def gradient_summed(self: Any) -> None:
    """You have the gradient of the summed loss: both terms are to be divided by B."""
    _gradient(self, -1 / len(self._eps), 1)


@mistake("3.7")
def gradient_not_averaged(self: Any) -> None:
    """You weigh the likelihood by −1: divide by L and by B."""
    B = self._eps.shape[1]
    _gradient(self, -1, 1 / B)


@mistake("3.7")
def gradient_kl_summed(self: Any) -> None:
    """You do not divide the KL by B: it is summed while the likelihood is averaged."""
    L, B, _ = self._eps.shape
    _gradient(self, -1 / (L * B), 1)


@mistake("3.7")
def gradient_kl_over_samples(self: Any) -> None:
    """You divide the KL by L too: it counts once, whatever L."""
    L, B, _ = self._eps.shape
    _gradient(self, -1 / (L * B), 1 / (L * B))


@mistake("3.7")
def gradient_kl_of_every_sample(self: Any) -> None:
    """You count the KL once for each of the L samples: it counts once."""
    L, B, _ = self._eps.shape
    _gradient(self, -1 / (L * B), L / B)


@mistake("3.7")
def gradient_without_the_kl(self: Any) -> None:
    """You have no gradient of the KL."""
    L, B, _ = self._eps.shape
    _gradient(self, -1 / (L * B), 0)


@mistake("3.7")
def gradient_of_the_kl_alone(self: Any) -> None:
    """You have no gradient of the likelihood."""
    _gradient(self, 0, 1 / self._eps.shape[1])


@mistake("3.7")
def gradient_kl_negative(self: Any) -> None:
    """You have the KL's gradient with its sign turned round."""
    L, B, _ = self._eps.shape
    _gradient(self, -1 / (L * B), -1 / B)


@mistake("3.7")
def gradient_without_the_encoder(self: Any) -> None:
    """You leave the encoder out: its weights get no gradient."""
    L, B, _ = self._eps.shape
    _gradient(self, -1 / (L * B), 1 / B, encoder=False)


@mistake("3.7")
def gradient_through_mu_alone(self: Any) -> None:
    """You send only dμ's gradient back to the encoder: h feeds both heads, the gradients add."""
    eps, (mu, logvar) = self._eps, self._mu_logvar
    L, B, _ = eps.shape
    dh = self._output.backward(-1 / (L * B))
    dz = layers.backward(self._decoder, dh).reshape(eps.shape)
    dmu, dlogvar = reparameterize_backward(dz, logvar, eps)
    dkl_dmu, dkl_dlogvar = gaussian_kl_backward(mu, logvar)
    self._logvar.backward(dlogvar + dkl_dlogvar / B)
    layers.backward_weights(self._encoder, self._mu.backward(dmu + dkl_dmu / B))


@mistake("3.7")
def gradient_through_logvar_alone(self: Any) -> None:
    """You send only d(log σ²)'s gradient back to the encoder: h feeds both heads, they add."""
    eps, (mu, logvar) = self._eps, self._mu_logvar
    L, B, _ = eps.shape
    dh = self._output.backward(-1 / (L * B))
    dz = layers.backward(self._decoder, dh).reshape(eps.shape)
    dmu, dlogvar = reparameterize_backward(dz, logvar, eps)
    dkl_dmu, dkl_dlogvar = gaussian_kl_backward(mu, logvar)
    self._mu.backward(dmu + dkl_dmu / B)
    layers.backward_weights(self._encoder, self._logvar.backward(dlogvar + dkl_dlogvar / B))


@mistake("3.7")
def gradient_heads_swapped(self: Any) -> None:
    """You send dμ into the head of log σ², and d(log σ²) into the head of μ."""
    eps, (mu, logvar) = self._eps, self._mu_logvar
    L, B, _ = eps.shape
    dh = self._output.backward(-1 / (L * B))
    dz = layers.backward(self._decoder, dh).reshape(eps.shape)
    dmu, dlogvar = reparameterize_backward(dz, logvar, eps)
    dkl_dmu, dkl_dlogvar = gaussian_kl_backward(mu, logvar)
    dh = self._mu.backward(dlogvar + dkl_dlogvar / B) + self._logvar.backward(dmu + dkl_dmu / B)
    layers.backward_weights(self._encoder, dh)


@mistake("3.7")
def gradient_of_mu_through_dz_alone(self: Any) -> None:
    """You do not send the gradient through σ: d(log σ²) has the KL's part alone."""
    eps, (mu, logvar) = self._eps, self._mu_logvar
    L, B, _ = eps.shape
    dh = self._output.backward(-1 / (L * B))
    dmu = layers.backward(self._decoder, dh).reshape(eps.shape).sum(axis=0)
    dkl_dmu, dkl_dlogvar = gaussian_kl_backward(mu, logvar)
    dh = self._mu.backward(dmu + dkl_dmu / B) + self._logvar.backward(dkl_dlogvar / B)
    layers.backward_weights(self._encoder, dh)


# ---- 3.8 central differences ----


@mistake("3.8")
def difference_one_sided(f: Any, theta: Any, h: float = 1e-5) -> Any:
    """You have the one-sided quotient (f(θ + h) − f(θ)) / h."""
    return np.array([(f(theta + h * e) - f(theta)) / h for e in np.eye(theta.size)])


@mistake("3.8")
def difference_backward(f: Any, theta: Any, h: float = 1e-5) -> Any:
    """You have the one-sided quotient (f(θ) − f(θ − h)) / h."""
    return np.array([(f(theta) - f(theta - h * e)) / h for e in np.eye(theta.size)])


@mistake("3.8")
def difference_over_h(f: Any, theta: Any, h: float = 1e-5) -> Any:
    """You divide by h, where the distance is 2h."""
    return np.array([(f(theta + h * e) - f(theta - h * e)) / h for e in np.eye(theta.size)])


@mistake("3.8")
def difference_not_divided(f: Any, theta: Any, h: float = 1e-5) -> Any:
    """You do not divide by 2h."""
    return np.array([f(theta + h * e) - f(theta - h * e) for e in np.eye(theta.size)])


@mistake("3.8")
def difference_times_half_h(f: Any, theta: Any, h: float = 1e-5) -> Any:
    """You write / 2 * h: that multiplies by h. Divide by (2 * h)."""
    return np.array([(f(theta + h * e) - f(theta - h * e)) / 2 * h for e in np.eye(theta.size)])


@mistake("3.8")
def difference_negative(f: Any, theta: Any, h: float = 1e-5) -> Any:
    """You have the difference with its sign turned round."""
    return np.array([(f(theta - h * e) - f(theta + h * e)) / (2 * h) for e in np.eye(theta.size)])


@mistake("3.8")
def difference_of_half_a_step(f: Any, theta: Any, h: float = 1e-5) -> Any:
    """You step by h / 2 to each side: the step is h."""
    e = np.eye(theta.size) * h / 2
    return np.array([(f(theta + step) - f(theta - step)) / h for step in e])


@mistake("3.8")
def difference_all_at_once(f: Any, theta: Any, h: float = 1e-5) -> Any:
    """You move every θ_i at once: move one at a time."""
    return np.full(theta.size, (f(theta + h) - f(theta - h)) / (2 * h))


@mistake("3.8")
def difference_that_does_not_go_back(f: Any, theta: Any, h: float = 1e-5) -> Any:
    """You leave θ_i where the last step put it: it has to be back before the next."""
    moved, gradient = theta.copy(), []
    for i in range(theta.size):
        moved[i] += h
        up = f(moved)
        moved[i] -= 2 * h
        gradient.append((up - f(moved)) / (2 * h))
    return np.array(gradient)


# ---- 3.9 Adagrad ----


@mistake("3.9")
def adagrad_forgets(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You keep only the last g²: s adds up from the first step on."""
    theta -= self.lr * g / (np.abs(g) + self.epsilon)


@mistake("3.9")
def adagrad_without_root(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You divide by s: it should be its root."""
    s = self.s[block]
    s += g * g
    theta -= self.lr * g / (s + self.epsilon)


@mistake("3.9")
def adagrad_uphill(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You go uphill: + α g, where it should be −."""
    s = self.s[block]
    s += g * g
    theta += self.lr * g / (np.sqrt(s) + self.epsilon)


@mistake("3.9")
def adagrad_epsilon_inside(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You have epsilon inside the root: it is added to the root."""
    s = self.s[block]
    s += g * g
    theta -= self.lr * g / np.sqrt(s + self.epsilon)


@mistake("3.9")
def adagrad_without_epsilon(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You leave out epsilon: a gradient that was always 0 gives 0 / 0."""
    s = self.s[block]
    s += g * g
    with np.errstate(invalid="ignore", divide="ignore"):
        theta -= self.lr * g / np.sqrt(s)


@mistake("3.9")
def adagrad_adds_absolutes(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You add up |g|, where it should be g²."""
    s = self.s[block]
    s += np.abs(g)
    theta -= self.lr * g / (np.sqrt(s) + self.epsilon)


@mistake("3.9")
def adagrad_late(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You use s as it was before this step: add g² first."""
    s = self.s[block]
    theta -= self.lr * g / (np.sqrt(s) + self.epsilon)
    s += g * g


@mistake("3.9")
def adagrad_is_rmsprop(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You have a running mean of g², which is RMSprop: Adagrad's s is a sum."""
    s = self.s[block]
    s *= 0.9
    s += 0.1 * g * g
    theta -= self.lr * g / (np.sqrt(s) + self.epsilon)


@mistake("3.9")
def adagrad_is_sgd(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You have θ ← θ − α g: it is not divided by √s."""
    theta -= self.lr * g


@mistake("3.9")
def adagrad_without_lr(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You leave out the learning rate."""
    s = self.s[block]
    s += g * g
    theta -= g / (np.sqrt(s) + self.epsilon)


@mistake("3.9")
def adagrad_of_a_copy(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You make a new θ: it has to be changed in place."""
    s = self.s[block]
    s += g * g
    theta = theta - self.lr * g / (np.sqrt(s) + self.epsilon)


@mistake("3.9")
def adagrad_of_one_block(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You use the first entries of s for every block: take self.s[block]."""
    s = self.s[: len(theta)]
    s += g * g
    theta -= self.lr * g / (np.sqrt(s) + self.epsilon)


# ---- 3.10 Adam ----


def _means(self: Any, g: Any, block: slice, t: float) -> Any:
    """m̂ and v̂, the sums kept as running means, corrected as at step t."""
    U, V = self.U[block], self.V[block]
    U *= self.beta1
    U += (1 - self.beta1) * g
    V *= self.beta2
    V += (1 - self.beta2) * g * g
    with np.errstate(divide="ignore", invalid="ignore"):
        return U / np.float64(1 - self.beta1**t), V / np.float64(1 - self.beta2**t)


@mistake("3.10")
def adam_without_correction(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You leave out the correction: m and v start at 0, so divide them by 1 − βᵗ."""
    m, v = _means(self, g, block, np.inf)
    theta -= self.lr * m / (np.sqrt(v) + self.epsilon)


@mistake("3.10")
def adam_corrects_m_alone(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You correct m alone: v starts at 0 too."""
    m, v = _means(self, g, block, self.t)
    theta -= self.lr * m / (np.sqrt(v * (1 - self.beta2**self.t)) + self.epsilon)


@mistake("3.10")
def adam_corrects_v_alone(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You correct v alone: m starts at 0 too."""
    m, v = _means(self, g, block, self.t)
    theta -= self.lr * m * (1 - self.beta1**self.t) / (np.sqrt(v) + self.epsilon)


@mistake("3.10")
def adam_t_too_small(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You correct with t − 1: t is 1 at the first step."""
    m, v = _means(self, g, block, self.t - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        theta -= self.lr * m / (np.sqrt(v) + self.epsilon)


@mistake("3.10")
def adam_t_too_large(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You correct with t + 1: t is counted by `step` already, and is 1 at the first step."""
    m, v = _means(self, g, block, self.t + 1)
    theta -= self.lr * m / (np.sqrt(v) + self.epsilon)


@mistake("3.10")
def adam_counts_blocks(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You count t in `update`, which is called once for each block: `step` counts it."""
    self.t += 1
    m, v = _means(self, g, block, self.t)
    theta -= self.lr * m / (np.sqrt(v) + self.epsilon)


@mistake("3.10")
def adam_corrects_as_at_first(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You have the correction of the first step at every step: 1 − β, where 1 − βᵗ should be."""
    m, v = _means(self, g, block, 1)
    theta -= self.lr * m / (np.sqrt(v) + self.epsilon)


@mistake("3.10")
def adam_epsilon_inside(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You have epsilon inside the root: it is added to the root."""
    m, v = _means(self, g, block, self.t)
    theta -= self.lr * m / np.sqrt(v + self.epsilon)


@mistake("3.10")
def adam_epsilon_not_scaled(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You add epsilon to √V: beside the sums of the code it is epsilon √w₂."""
    m, v = _means(self, g, block, self.t)
    w2 = (1 - self.beta2**self.t) / (1 - self.beta2)
    theta -= self.lr * m / (np.sqrt(v) + self.epsilon / np.sqrt(w2))


@mistake("3.10")
def adam_epsilon_before_correction(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You add epsilon before the correction of v: it is added to √v̂."""
    m, v = _means(self, g, block, self.t)
    root = np.sqrt(1 - self.beta2**self.t)
    theta -= self.lr * root * m / (np.sqrt(v) * root + self.epsilon)


@mistake("3.10")
def adam_uphill(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You go uphill: + α m̂, where it should be −."""
    m, v = _means(self, g, block, self.t)
    theta += self.lr * m / (np.sqrt(v) + self.epsilon)


@mistake("3.10")
def adam_without_root(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You divide by v̂: it should be its root."""
    m, v = _means(self, g, block, self.t)
    theta -= self.lr * m / (v + self.epsilon)


@mistake("3.10")
def adam_without_lr(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You leave out the learning rate."""
    m, v = _means(self, g, block, self.t)
    theta -= m / (np.sqrt(v) + self.epsilon)


@mistake("3.10")
def adam_without_m(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You step along g, which is RMSprop: Adam steps along m̂."""
    _, v = _means(self, g, block, self.t)
    theta -= self.lr * g / (np.sqrt(v) + self.epsilon)


@mistake("3.10")
def adam_of_a_copy(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You make a new θ: it has to be changed in place."""
    m, v = _means(self, g, block, self.t)
    theta = theta - self.lr * m / (np.sqrt(v) + self.epsilon)


@mistake("3.10")
def adam_of_absolutes(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You have |g| in v: it should be g²."""
    U, V = self.U[block], self.V[block]
    U[...] = self.beta1 * U + (1 - self.beta1) * g
    V[...] = self.beta2 * V + (1 - self.beta2) * np.abs(g)
    m, v = U / (1 - self.beta1**self.t), V / (1 - self.beta2**self.t)
    theta -= self.lr * m / (np.sqrt(v) + self.epsilon)


@mistake("3.10")
def adam_betas_swapped(self: Any, theta: Any, g: Any, block: slice, work: Any) -> None:
    """You have β₁ and β₂ swapped."""
    U, V = self.U[block], self.V[block]
    U[...] = self.beta2 * U + (1 - self.beta2) * g
    V[...] = self.beta1 * V + (1 - self.beta1) * g * g
    m, v = U / (1 - self.beta2**self.t), V / (1 - self.beta1**self.t)
    theta -= self.lr * m / (np.sqrt(v) + self.epsilon)


# ---- 3.11 bits from grey pixels ----


def _scaled(images: Any) -> Any:
    return images / 255 if images.dtype == np.uint8 else images


@mistake("3.11")
def bits_by_a_threshold(
    images: Any, rng: Any, dtype: Any = np.float32, *, part: Any = False
) -> Any:
    """You have a threshold at ½: nothing is drawn."""
    return (_scaled(images) > 0.5).astype(dtype)


@mistake("3.11")
def bits_are_grey(images: Any, rng: Any, dtype: Any = np.float32, *, part: Any = False) -> Any:
    """You return the grey levels themselves: they are the probabilities of the bits."""
    return _scaled(images).astype(dtype)


@mistake("3.11")
def bits_inverted(images: Any, rng: Any, dtype: Any = np.float32, *, part: Any = False) -> Any:
    """You have black for white: a bit is 1 where u is below the pixel."""
    return (rng.random(images.shape) >= _scaled(images)).astype(dtype)


@mistake("3.11")
def bits_of_one_draw_a_row(
    images: Any, rng: Any, dtype: Any = np.float32, *, part: Any = False
) -> Any:
    """You draw one u for each image: each pixel has its own."""
    return (rng.random((len(images), 1)) < _scaled(images)).astype(dtype)


@mistake("3.11")
def bits_of_one_draw_a_column(
    images: Any, rng: Any, dtype: Any = np.float32, *, part: Any = False
) -> Any:
    """You draw one u for each pixel of all images: each image has its own."""
    return (rng.random(images.shape[1:]) < _scaled(images)).astype(dtype)


@mistake("3.11")
def bits_of_one_draw(images: Any, rng: Any, dtype: Any = np.float32, *, part: Any = False) -> Any:
    """You draw one u for all pixels: each pixel has its own."""
    return (rng.random() < _scaled(images)).astype(dtype)


@mistake("3.11")
def bits_not_scaled(images: Any, rng: Any, dtype: Any = np.float32, *, part: Any = False) -> Any:
    """You do not divide uint8 pixels by 255: every pixel above 0 becomes 1."""
    return (rng.random(images.shape) < images).astype(dtype)


@mistake("3.11")
def bits_always_scaled(images: Any, rng: Any, dtype: Any = np.float32, *, part: Any = False) -> Any:
    """You divide floats by 255 as well: they are probabilities already."""
    return (rng.random(images.shape) < images / 255).astype(dtype)


@mistake("3.11")
def bits_of_a_normal(images: Any, rng: Any, dtype: Any = np.float32, *, part: Any = False) -> Any:
    """You draw u from N(0, 1): it should be evenly from [0, 1)."""
    return (rng.standard_normal(images.shape) < _scaled(images)).astype(dtype)


@mistake("3.11")
def bits_with_a_seed(images: Any, rng: Any, dtype: Any = np.float32, *, part: Any = False) -> Any:
    """You make a generator of your own: the bits are the same at every call. Use rng."""
    return (np.random.default_rng(0).random(images.shape) < _scaled(images)).astype(dtype)


@mistake("3.11")
def bits_of_half(images: Any, rng: Any, dtype: Any = np.float32, *, part: Any = False) -> Any:
    """You draw every bit with probability ½: the pixel is the probability."""
    return (rng.random(images.shape) < 0.5).astype(dtype)


@mistake("3.11")
def bits_by_256(images: Any, rng: Any, dtype: Any = np.float32, *, part: Any = False) -> Any:
    """You divide by 256: a pixel of 255 should be 1 for certain."""
    pixels = images / 256 if images.dtype == np.uint8 else images
    return (rng.random(images.shape) < pixels).astype(dtype)


# ---- 3.12 one turn of Algorithm 1 ----


@mistake("3.12")
def turn_without_update(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You do not update: optimizer.step() is missing."""
    terms = model.forward(x, model.noise(len(x), rng))
    model.backward()
    return Bound.mean(*terms)


@mistake("3.12")
def turn_without_gradient(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You do not call backward: the update uses an old gradient."""
    terms = model.forward(x, model.noise(len(x), rng))
    optimizer.step()
    return Bound.mean(*terms)


@mistake("3.12")
def turn_with_the_step_first(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You update before the gradient is found: the step uses the one of the turn before."""
    terms = model.forward(x, model.noise(len(x), rng))
    optimizer.step()
    model.backward()
    return Bound.mean(*terms)


@mistake("3.12")
def turn_with_two_steps(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You update twice."""
    terms = model.forward(x, model.noise(len(x), rng))
    model.backward()
    optimizer.step()
    optimizer.step()
    return Bound.mean(*terms)


@mistake("3.12")
def turn_with_even_noise(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You draw ε evenly from [0, 1): it should be from N(0, I)."""
    terms = model.forward(x, rng.random((len(x), model.n_z)))
    model.backward()
    optimizer.step()
    return Bound.mean(*terms)


@mistake("3.12")
def turn_without_noise(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You have ε = 0: nothing is drawn."""
    terms = model.forward(x, np.zeros((len(x), model.n_z)))
    model.backward()
    optimizer.step()
    return Bound.mean(*terms)


@mistake("3.12")
def turn_with_one_noise(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You use one ε for the whole batch: each data point has its own."""
    terms = model.forward(x, np.repeat(model.noise(1, rng), len(x), axis=0))
    model.backward()
    optimizer.step()
    return Bound.mean(*terms)


@mistake("3.12")
def turn_with_a_seed(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You make a generator of your own: ε is the same at every turn. Use rng."""
    terms = model.forward(x, model.noise(len(x), np.random.default_rng(0)))
    model.backward()
    optimizer.step()
    return Bound.mean(*terms)


@mistake("3.12")
def turn_with_the_bound_after(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You return the bound after the update: it should be the one before."""
    eps = model.noise(len(x), rng)
    model.forward(x, eps)
    model.backward()
    optimizer.step()
    return Bound.mean(*model.forward(x, eps))


@mistake("3.12")
def turn_with_new_noise(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You draw ε twice: the bound and its gradient belong to the same ε."""
    terms = model.forward(x, model.noise(len(x), rng))
    model.forward(x, model.noise(len(x), rng))
    model.backward()
    optimizer.step()
    return Bound.mean(*terms)


@mistake("3.12")
def turn_returns_the_loss(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You return the loss, minus the bound, in place of the bound."""
    terms = model.forward(x, model.noise(len(x), rng))
    model.backward()
    optimizer.step()
    bound = Bound.mean(*terms)
    return Bound(-bound.elbo, bound.reconstruction, bound.kl)


@mistake("3.12")
def turn_returns_sums(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You return sums over the minibatch: they should be means."""
    terms = model.forward(x, model.noise(len(x), rng))
    model.backward()
    optimizer.step()
    return Bound(*(len(x) * part for part in Bound.mean(*terms)))


@mistake("3.12")
def turn_adds_the_kl(model: Any, x: Any, optimizer: Any, rng: Any) -> Any:
    """You add the KL: the bound is the reconstruction minus the KL."""
    terms = model.forward(x, model.noise(len(x), rng))
    model.backward()
    optimizer.step()
    _, reconstruction, kl = Bound.mean(*terms)
    return Bound(reconstruction + kl, reconstruction, kl)
