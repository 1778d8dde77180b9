"""Wrong answers as students write them, and what each should be called. The test's own list.

number: [(name, body), ...]. name: of the catalogue's mistake, or of a fault of care (CARE), or ""
where no name is right, as for two mistakes at once. The bodies are not the catalogue's: other
formulas, loops, checks forgotten, float32 lost on the way.
"""

CARE = {
    "in place": "You write into your argument",
    "type": "You return another type of number",
    "accepts": "You accept what the docstring refuses",
    "finite": "You return a finite number where the right one is infinite",
    "nan": "You return NaN or an infinite number",
    "overflow": "You let a number overflow",
}

_PQ = 'p, q = np.asarray(p, float), np.asarray(q, float)\nwith np.errstate(all="ignore"):\n    '
_ADAM = """m, v = self.U[block], self.V[block]
m[:] = self.beta1 * m + (1 - self.beta1) * g
v[:] = self.beta2 * v + (1 - self.beta2) * g ** 2
"""
_FORWARD = """self._remembered = ""
self._x = self.as_data(x)
self._eps = checks.noise(eps, len(self._x), self.n_z, self.dtype)
self._mu_logvar = mu, logvar = self._heads(self._x)
z = reparameterize(mu, logvar, self._eps)
log_px = self._log_px_z(self._x, z)
self._remembered = "forward"
kl = gaussian_kl(mu, logvar)
"""
_BACK = """eps, (mu, logvar) = self._eps, self._mu_logvar
L, B, n = eps.shape
"""
_TAIL = """dmu, dlogvar = reparameterize_backward(dz.reshape(L, B, n), logvar, eps)
kmu, klogvar = gaussian_kl_backward(mu, logvar)
"""
_HEADS = "layers.backward_weights(self._encoder, self._mu.backward(dmu) + self._logvar.backward(dlogvar))"
_Z = """mu, logvar = self.encode(x)
eps = checks.noise(eps, len(mu), self.n_z, self.dtype)
z = mu + np.exp(logvar / 2) * eps
px = self._log_px_z(self.as_data(x), z)
pz = standard_normal_log_density(z)
qz = gaussian_log_density(z, mu, logvar)
"""
_TURN = """eps = model.noise(len(x), rng)
r, k = model.forward(x, eps)
"""

MISTAKES: dict[str, list[tuple[str, str]]] = {
    "1.1": [
        ("entropy_negative", "p = np.asarray(p)\nreturn np.sum(p * np.log(p), axis=axis) / np.log(base)"),
        ("entropy_in_nats", "p = _distribution('p', p, axis)\nreturn -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=-1)"),
        ("entropy_in_bits", "p = _distribution('p', p, axis)\nreturn -np.sum(p * np.log2(np.where(p > 0, p, 1)), axis=-1)"),
        ("entropy_of_zero_is_nan", "p = _distribution('p', p, axis)\nreturn -np.sum(p * np.log(p), axis=-1) / np.log(base)"),
        ("entropy_mean", "p = _distribution('p', p, axis)\nreturn np.mean(-p * np.log(np.where(p > 0, p, 1)), axis=-1) / np.log(base)"),
        ("entropy_of_the_last_axis", "p = np.asarray(p, float)\nreturn -sum(p[..., j] * np.log(p[..., j]) for j in range(p.shape[-1])) / np.log(base)"),
        ("entropy_with_a_tiny_number_added", "p = _distribution('p', p, axis)\nreturn -np.sum(p * np.log(p + 1e-12), axis=-1) / np.log(base)"),
        ("entropy_unweighted", "return -np.sum(np.log(p), axis=axis) / np.log(base)"),
        ("accepts", "p = np.asarray(p)\nreturn -np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0), axis=axis) / p.dtype.type(np.log(base))"),
        ("", "p = np.asarray(p, float)\nreturn np.exp(-np.sum(p * np.log(p), axis=axis))"),
    ],
    "1.2": [
        ("cross_entropy_swapped", _PQ + "return -np.sum(np.where(q > 0, q * np.log(p), 0), axis=axis) / np.log(base)"),
        ("cross_entropy_is_entropy", _PQ + "return -np.sum(p * np.log(p), axis=axis) / np.log(base)"),
        ("cross_entropy_negative", _PQ + "return np.sum(p * np.log(q), axis=axis) / np.log(base)"),
        ("cross_entropy_is_kl", _PQ + "return np.sum(p * np.log(p / q), axis=axis) / np.log(base)"),
        ("cross_entropy_in_bits", _PQ + "return -np.sum(p * np.log2(q), axis=axis)"),
        ("cross_entropy_in_nats", _PQ + "return -np.sum(p * np.log(q), axis=axis)"),
        ("cross_entropy_mean", _PQ + "return -np.mean(p * np.log(q), axis=axis) / np.log(base)"),
        ("cross_entropy_of_zero_is_nan", "p, q = _two_distributions(p, q, axis)\nwith np.errstate(all='ignore'):\n    return -np.sum(p * np.log(q), axis=-1) / np.log(base)"),
        ("", _PQ + "return -np.sum(p * np.log(q) + q * np.log(p), axis=axis) / np.log(base)"),
    ],
    "1.3": [
        ("kl_negative", _PQ + "return -np.sum(p * np.log(p / q), axis=axis) / np.log(base)"),
        ("kl_swapped", _PQ + "return np.sum(q * np.log(q / p), axis=axis) / np.log(base)"),
        ("kl_is_cross_entropy", "return cross_entropy(p, q, base=base, axis=axis)"),
        ("kl_in_nats", _PQ + "return np.sum(p * np.log(p / q), axis=axis)"),
        ("kl_in_bits", _PQ + "return np.sum(p * np.log2(p / q), axis=axis)"),
        ("kl_absolute", _PQ + "return np.sum(np.abs(p * np.log(p / q)), axis=axis) / np.log(base)"),
        ("kl_mean", _PQ + "return np.mean(p * np.log(p / q), axis=axis) / np.log(base)"),
        ("kl_plus_entropy", "return entropy(p, base=base, axis=axis) + cross_entropy(p, q, base=base, axis=axis)"),
        ("kl_of_zero_is_nan", "p, q = _two_distributions(p, q, axis)\nwith np.errstate(all='ignore'):\n    return np.sum(p * np.log(p / q), axis=-1) / np.log(base)"),
        ("kl_that_cancels", "return cross_entropy(p, q, base=base, axis=axis) - entropy(p, base=base, axis=axis)"),
    ],
    "1.4": [
        ("bce_only_ones", "y, y_hat = np.asarray(y), np.asarray(y_hat)\nreturn -y * np.log(y_hat) / np.log(base)"),
        ("bce_swapped", "y, y_hat = np.asarray(y), np.asarray(y_hat)\nwith np.errstate(all='ignore'):\n    return np.where((y > 0) & (y < 1), -y_hat * np.log(y) - (1 - y_hat) * np.log(1 - y), np.where((y_hat > 0) & (y_hat < 1), np.inf, 0)) / np.log(base)"),
        ("bce_negative", "return (y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / np.log(base)"),
        ("bce_mean", "return -np.mean(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / np.log(base)"),
        ("bce_sum", "return -np.sum(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / np.log(base)"),
        ("bce_in_bits", "return -(y * np.log2(y_hat) + (1 - y) * np.log2(1 - y_hat))"),
        ("bce_in_nats", "return -(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))"),
        ("bce_of_zero_is_nan", "y, y_hat = _numbers('y', y, 0, 1), _numbers('y_hat', y_hat, 0, 1)\n_same_shape('y', y, 'y_hat', y_hat)\nreturn -(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / np.log(base)"),
        ("finite", "y, y_hat = _numbers('y', y, 0, 1), _numbers('y_hat', y_hat, 0, 1)\n_same_shape('y', y, 'y_hat', y_hat)\nq = np.clip(y_hat, 1e-15, 1 - 1e-15)\nreturn -(y * np.log(q) + (1 - y) * np.log(1 - q)) / _log(base)"),
    ],
    "1.5": [
        ("gain_children_alike", "gain = entropy(np.asarray(parent) / np.sum(parent), base=base)\nreturn float(gain - np.mean([entropy(c / np.sum(c), base=base) for c in children if np.sum(c)]))"),
        ("gain_children_added", "gain = entropy(parent / np.sum(parent), base=base)\nfor c in children:\n    if c.sum():\n        gain -= entropy(c / c.sum(), base=base)\nreturn float(gain)"),
        ("gain_without_the_parent", "return float(sum(c.sum() / np.sum(parent) * entropy(c / c.sum(), base=base) for c in children if c.sum()))"),
        ("gain_in_bits", "left = sum(c.sum() / np.sum(parent) * entropy(c / c.sum()) for c in children if c.sum())\nreturn float(entropy(parent / np.sum(parent)) - left)"),
        ("gain_negative", "left = sum(c.sum() / np.sum(parent) * entropy(c / c.sum(), base=base) for c in children if c.sum())\nreturn float(left - entropy(parent / np.sum(parent), base=base))"),
        ("gain_of_the_empty_is_nan", "gain = entropy(parent / np.sum(parent), base=base)\nwith np.errstate(all='ignore'):\n    h = [-(c / c.sum() * np.log(np.where(c > 0, c / c.sum(), 1))).sum() / np.log(base) for c in children]\nreturn float(gain - np.array([c.sum() for c in children]) @ h / np.sum(parent))"),
        ("accepts", "parent, children = np.asarray(parent, float), np.asarray(children, float)\nleft = sum(c.sum() / parent.sum() * entropy(c / c.sum(), base=base) for c in children if c.sum())\nreturn float(entropy(parent / parent.sum(), base=base) - left)"),
    ],
    "1.6": [
        ("lengths_rounded_down", "q = _distribution('q', _vector('q', q), -1)\nreturn np.array([np.floor(-np.log2(v)) if v else np.inf for v in q])"),
        ("lengths_not_rounded", "return -np.log2(q)"),
        ("lengths_to_the_nearest", "return np.rint(-np.log2(q))"),
        ("lengths_in_nats", "return np.array([np.ceil(-np.log(v)) if v > 0 else np.inf for v in q])"),
        ("lengths_plus_one", "return np.floor(-np.log2(q)) + 1"),
        ("lengths_by_the_logarithm_of_a_quotient", "q = _distribution('q', _vector('q', q), -1)\nreturn np.array([np.ceil(np.log2(1 / v)) if v else np.inf for v in q])"),
    ],
    "2.1": [
        ("density_without_half", "return -np.sum(np.log(2 * np.pi) + logvar + (z - mu) ** 2 / np.exp(logvar), axis=-1)"),
        ("density_without_half", "return -(LOG_2PI + logvar + (z - mu) ** 2 / np.exp(logvar)).sum(axis=-1).astype(float)"),
        ("density_without_log_2pi", "v = np.exp(logvar)\nreturn -0.5 * np.sum(np.log(v) + (z - mu) ** 2 / v, axis=-1)"),
        ("density_with_logvar_as_log_sigma", "sigma = np.exp(logvar)\nreturn np.sum(-0.5 * np.log(2 * np.pi) - np.log(sigma) - (z - mu) ** 2 / (2 * sigma**2), axis=-1)"),
        ("density_divided_by_sigma", "sigma = np.exp(logvar / 2)\nreturn -0.5 * np.sum(LOG_2PI + logvar + (z - mu) ** 2 / sigma, axis=-1)"),
        ("density_with_the_root_of_logvar", "sigma = np.sqrt(logvar)\nreturn -0.5 * np.sum(LOG_2PI + logvar + (z - mu) ** 2 / sigma**2, axis=-1)"),
        ("density_mean", "return np.mean(-0.5 * (LOG_2PI + logvar + (z - mu) ** 2 * np.exp(-logvar)), axis=-1)"),
        ("density_with_one_log_2pi", "return -0.5 * LOG_2PI - 0.5 * np.sum(logvar + (z - mu) ** 2 * np.exp(-logvar), axis=-1)"),
        ("density_not_summed", "return -LOG_2PI / 2 - logvar / 2 - (z - mu) ** 2 / (2 * np.exp(logvar))"),
        ("density_of_everything", "return np.sum(-LOG_2PI / 2 - logvar / 2 - (z - mu) ** 2 / (2 * np.exp(logvar)))"),
        ("", "return -0.5 * np.sum(3 + logvar + (z - mu) ** 2 / np.exp(logvar), axis=-1)"),
    ],
    "2.2": [
        ("kl_negative", "return np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=-1) / 2"),
        ("kl_without_half", "return np.sum(mu**2 + np.exp(logvar) - logvar - 1, axis=-1)"),
        ("kl_without_half", "return np.sum(mu**2 + np.exp(logvar) - logvar - 1, axis=-1).astype(np.float64)"),
        ("kl_with_logvar_as_log_sigma", "sigma = np.exp(logvar)\nreturn 0.5 * np.sum(mu**2 + sigma**2 - np.log(sigma**2) - 1, axis=-1)"),
        ("kl_with_sigma", "return 0.5 * np.sum(mu**2 + np.sqrt(np.exp(logvar)) - logvar - 1, axis=-1)"),
        ("kl_mean", "return np.mean(mu**2 + np.exp(logvar) - logvar - 1, axis=-1) / 2"),
        ("kl_of_everything", "return np.sum(mu**2 + np.exp(logvar) - logvar - 1) / 2"),
        ("kl_without_one", "return np.sum(mu**2 + np.exp(logvar) - logvar, axis=-1) / 2"),
        ("kl_with_mu", "return np.sum(mu + np.exp(logvar) - logvar - 1, axis=-1) / 2"),
        ("kl_swapped", "return 0.5 * np.sum(logvar - 1 + (1 + mu**2) / np.exp(logvar), axis=-1)"),
        ("type", "return np.sum(mu**2 + np.exp(logvar.astype(float)) - logvar - 1, axis=-1) / 2"),
        ("", "return np.sum(mu**2 + np.exp(logvar) - logvar - 1, axis=-1) * 0.4"),
    ],
    "2.3": [
        ("sample_with_the_variance", "sigma = np.exp(logvar)\nreturn mu + sigma * eps"),
        ("sample_with_logvar", "return eps * logvar + mu"),
        ("sample_with_the_root_of_logvar", "sigma = logvar**0.5\nreturn mu + sigma * eps"),
        ("sample_without_noise", "return np.broadcast_to(mu, eps.shape).copy()"),
        ("sample_without_sigma", "return mu + eps"),
        ("sample_minus_noise", "return mu - np.sqrt(np.exp(logvar)) * eps"),
        ("sample_divided_by_sigma", "return mu + eps / np.exp(logvar / 2)"),
        ("in place", "eps *= np.exp(0.5 * logvar)\neps += mu\nreturn eps"),
    ],
    "2.4": [
        ("sample_gradient_without_noise", "s = np.exp(logvar / 2) / 2\nreturn np.sum(dz, axis=0), np.sum(dz * s, axis=0)"),
        ("sample_gradient_without_half", "return np.sum(dz, axis=0), np.sum(dz * eps * np.exp(logvar / 2), axis=0)"),
        ("sample_gradient_with_the_variance", "return np.sum(dz, axis=0), np.sum(dz * eps * np.exp(logvar) / 2, axis=0)"),
        ("sample_gradient_by_sigma", "return np.sum(dz, axis=0), np.sum(dz * eps, axis=0)"),
        ("sample_gradient_mean", "s = np.exp(logvar / 2) / 2\nreturn np.mean(dz, axis=0), np.mean(dz * eps * s, axis=0)"),
        ("sample_gradient_not_summed", "return dz, dz * eps * np.exp(logvar / 2) / 2"),
        ("sample_gradient_negative", "s = np.exp(logvar / 2) / 2\nreturn -np.sum(dz, axis=0), -np.sum(dz * eps * s, axis=0)"),
        ("sample_gradient_swapped", "s = np.exp(logvar / 2) / 2\nreturn np.sum(dz * eps * s, axis=0), np.sum(dz, axis=0)"),
        ("in place", "dmu = dz.sum(axis=0)\ndz *= eps\nreturn dmu, dz.sum(axis=0) * np.exp(logvar / 2) / 2"),
    ],
    "2.5": [
        ("kl_gradient_negative", "return -mu, (1 - np.exp(logvar)) / 2"),
        ("kl_gradient_without_half", "return mu, np.exp(logvar) - 1"),
        ("kl_gradient_with_two_mu", "return 2 * mu, np.exp(logvar) / 2 - 0.5"),
        ("kl_gradient_by_the_variance", "return mu, 0.5 - 0.5 / np.exp(logvar)"),
        ("kl_gradient_without_minus_one", "return mu, np.exp(logvar) / 2"),
        ("kl_gradient_with_sigma", "return mu, (np.exp(logvar / 2) - 1) / 2"),
        ("kl_gradient_swapped", "return (np.exp(logvar) - 1) / 2, mu"),
        ("", "return mu, np.exp(logvar) / 2 + 0.5"),
    ],
    "2.6": [
        ("sigmoid_that_overflows", "return 1.0 / (1.0 + np.exp(-a))"),
        ("sigmoid_that_overflows", "return (1 + np.exp(-a)) ** -1"),
        ("sigmoid_that_overflows_above", "e = np.exp(a)\nreturn e / (e + 1)"),
        ("sigmoid_of_minus_a", "return 1 / (1 + np.exp(np.clip(a, -500, 500)))"),
        ("sigmoid_is_tanh", "return (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))"),
        ("sigmoid_slope", "s = 1 / (1 + np.exp(-a))\nreturn s - s**2"),
        ("sigmoid_clipped", "return 1 / (1 + np.exp(-np.minimum(np.maximum(a, -30), 30)))"),
        ("sigmoid_is_softplus", "return np.logaddexp(0, a)"),
    ],
    "2.7": [
        ("bernoulli_negative", "return np.sum(np.logaddexp(0, logits) - x * logits, axis=-1)"),
        ("bernoulli_from_a_probability", "p = sigmoid(logits)\nreturn np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=-1)"),
        ("bernoulli_that_overflows", "return np.sum(x * logits - np.log1p(np.exp(logits)), axis=-1)"),
        ("bernoulli_mean", "return np.mean(x * logits - np.logaddexp(0, logits), axis=-1)"),
        ("bernoulli_of_everything", "return np.sum(x * logits - np.logaddexp(0, logits))"),
        ("bernoulli_clipped", "p = np.clip(sigmoid(logits), 1e-7, 1 - 1e-7)\nreturn np.sum(np.where(x > 0.5, x, 0) * np.log(p) + (1 - x) * np.log(1 - p) + np.where(x > 0.5, 0, x) * np.log(p), axis=-1)"),
        ("bernoulli_only_ones", "return np.sum(-x * np.logaddexp(0, -logits), axis=-1)"),
        ("bernoulli_softplus_without_max", "return np.sum(x * logits - np.log(1 + np.exp(-np.abs(logits))), axis=-1)"),
        ("bernoulli_of_a_sigmoid", "p = sigmoid(logits)\nreturn np.sum(x * p - np.logaddexp(0, p), axis=-1)"),
        ("in place", "x *= logits\nx -= np.logaddexp(0, logits)\nreturn x.sum(axis=-1)"),
    ],
    "2.8": [
        ("bernoulli_gradient_negative", "return 1 / (1 + np.exp(-np.clip(logits, -500, 500))) - x"),
        ("bernoulli_gradient_without_sigmoid", "return -logits + x"),
        ("bernoulli_gradient_times_slope", "p = sigmoid(logits)\nreturn (x - p) * p * (1 - p)"),
        ("bernoulli_gradient_by_p", "p = sigmoid(logits)\nreturn (x - p) / (p * (1 - p))"),
        ("bernoulli_gradient_mean", "return (x - sigmoid(logits)) / logits.shape[-1]"),
        ("in place", "x -= sigmoid(logits)\nreturn x"),
        ("in place", "logits[...] = x - sigmoid(logits)\nreturn logits"),
    ],
    "2.9": [
        ("density_gradient_negative", "v = np.exp(logvar)\nreturn (mu - z) / v, (1 - (z - mu) ** 2 / v) / 2"),
        ("density_gradient_without_half", "v = np.exp(logvar)\nreturn (z - mu) / v, (z - mu) ** 2 / v - 1"),
        ("density_gradient_without_minus_one", "v = np.exp(logvar)\nreturn (z - mu) / v, (z - mu) ** 2 / (2 * v)"),
        ("density_gradient_by_z", "v = np.exp(logvar)\nreturn (mu - z) / v, ((z - mu) ** 2 / v - 1) / 2"),
        ("density_gradient_by_the_variance", "v = np.exp(logvar)\nreturn (z - mu) / v, ((z - mu) ** 2 / v**2 - 1 / v) / 2"),
        ("density_gradient_not_divided", "return z - mu, ((z - mu) ** 2 - 1) / 2"),
    ],
    "3.1": [
        ("affine_without_b", "self.x = x\nreturn np.dot(x, self.W)"),
        ("affine_with_a_transpose", "self.x = x\nreturn np.dot(x, np.transpose(self.W)) + self.b"),
        ("affine_remembers_nothing", "return np.dot(x, self.W) + self.b"),
        ("affine_minus_b", "self.x = x\nreturn np.dot(x, self.W) - self.b"),
        ("in place", "self.x = x.copy()\ny = np.dot(x, self.W) + self.b\nx *= 0\nreturn y"),
    ],
    "3.2": [
        ("weights_added", "for row, d in zip(self.x, dy):\n    self.dW += np.outer(row, d)\n    self.db += d"),
        ("weights_mean", "self.dW[...] = np.dot(self.x.T, dy) / dy.shape[0]\nself.db[...] = np.sum(dy, axis=0) / dy.shape[0]"),
        ("weights_replaced", "self.dW = np.dot(self.x.T, dy)\nself.db = np.sum(dy, axis=0)"),
        ("weights_without_b", "self.dW[:] = np.dot(self.x.T, dy)"),
        ("weights_negative", "self.dW[:] = -np.dot(self.x.T, dy)\nself.db[:] = -np.sum(dy, axis=0)"),
        ("weights_transposed", "self.dW[:] = np.dot(dy.T, self.x)\nself.db[:] = np.sum(dy, axis=0)"),
        ("weights_b_is_one_number", "self.dW[:] = np.dot(self.x.T, dy)\nself.db[:] = np.sum(dy)"),
    ],
    "3.3": [
        ("input_without_a_transpose", "return np.dot(dy, self.W)"),
        ("input_negative", "return -np.dot(dy, self.W.T)"),
        ("input_swapped", "return np.dot(self.W, dy.T)"),
        ("input_is_the_weights", "return np.dot(self.x.T, dy)"),
    ],
    "3.4": [
        ("tanh_without_a_square", "return dy - dy * self.y"),
        ("tanh_of_y", "return dy / np.cosh(self.y) ** 2"),
        ("tanh_without_dy", "return 1 - self.y**2"),
        ("tanh_as_sigmoid", "return dy * (self.y - self.y**2)"),
        ("tanh_negative", "return -dy * (1 - self.y**2)"),
        ("in place", "dy *= 1 - self.y**2\nreturn dy"),
    ],
    "3.5": [
        ("forward_sum_over_samples", _FORWARD + "return np.sum(log_px, axis=0), kl"),
        ("forward_kl_negative", _FORWARD + "return np.mean(log_px, axis=0), -kl"),
        ("forward_mean_of_pixels", _FORWARD + "return np.mean(log_px, axis=0) / x.shape[1], kl"),
        ("forward_mean_of_the_batch", _FORWARD + "return np.mean(log_px), np.mean(kl)"),
        ("forward_log_of_the_mean", _FORWARD + "return np.log(np.mean(np.exp(log_px), axis=0)), kl"),
        ("forward_without_noise", _FORWARD.replace("reparameterize(mu, logvar, self._eps)", "np.broadcast_to(mu, self._eps.shape)") + "return np.mean(log_px, axis=0), kl"),
        ("forward_is_the_bound", _FORWARD + "return np.mean(log_px, axis=0) - kl, kl"),
        ("forward_first_sample", _FORWARD + "return log_px[0], kl"),
        ("forward_remembers_nothing", _FORWARD + "del self._eps, self._mu_logvar\nself._remembered = ''\nreturn log_px.mean(axis=0), kl"),
        ("accepts", _FORWARD.replace("checks.noise(eps, len(self._x), self.n_z, self.dtype)", "np.reshape(eps, (-1, len(x), np.shape(eps)[-1])).astype(self.dtype)") + "return np.nanmean(log_px, axis=0), kl"),
        ("", _FORWARD + "return np.median(log_px, axis=0) + 1, kl"),
    ],
    "3.6": [
        ("weights_without_the_prior", _Z + "return px - qz"),
        ("weights_plus_q", _Z + "return px + pz + qz"),
        ("weights_without_q", _Z + "return self.log_joint(x, z)"),
        ("weights_with_the_closed_kl", _Z + "return px - gaussian_kl(mu, logvar)"),
        ("weights_averaged", _Z + "return np.mean(px + pz - qz, axis=0)"),
        ("weights_upside_down", _Z + "return qz - px - pz"),
        ("weights_not_logs", _Z + "return np.exp(px) * np.exp(pz) / np.exp(qz)"),
    ],
    "3.7": [
        ("gradient_of_the_bound", _BACK + "dz = layers.backward(self._decoder, self._output.backward(1 / (L * B)))\n" + _TAIL + "dmu, dlogvar = dmu - kmu / B, dlogvar - klogvar / B\n" + _HEADS),
        ("gradient_likelihood_negative", _BACK + "dz = layers.backward(self._decoder, self._output.backward(1 / L / B))\n" + _TAIL + "dmu, dlogvar = dmu + kmu / B, dlogvar + klogvar / B\n" + _HEADS),
        ("gradient_not_over_samples", _BACK + "dz = layers.backward(self._decoder, self._output.backward(-1 / B))\n" + _TAIL + "dmu, dlogvar = dmu + kmu / B, dlogvar + klogvar / B\n" + _HEADS),
        ("gradient_kl_summed", _BACK + "dz = layers.backward(self._decoder, self._output.backward(-1 / L / B))\n" + _TAIL + "dmu, dlogvar = dmu + kmu, dlogvar + klogvar\n" + _HEADS),
        ("gradient_without_the_kl", _BACK + "dz = layers.backward(self._decoder, self._output.backward(-1 / L / B))\n" + _TAIL + _HEADS),
        ("gradient_without_the_encoder", _BACK + "dz = layers.backward(self._decoder, self._output.backward(-1 / L / B))\n" + _TAIL + "self._mu.backward(dmu + kmu / B)\nself._logvar.backward(dlogvar + klogvar / B)"),
        ("gradient_through_mu_alone", _BACK + "dz = layers.backward(self._decoder, self._output.backward(-1 / L / B))\n" + _TAIL + "dh = self._mu.backward(dmu + kmu / B)\nself._logvar.backward_weights(dlogvar + klogvar / B)\nlayers.backward_weights(self._encoder, dh)"),
        ("gradient_summed", _BACK + "dz = layers.backward(self._decoder, self._output.backward(-1 / L))\n" + _TAIL + "dmu, dlogvar = dmu + kmu, dlogvar + klogvar\n" + _HEADS),
        ("", _BACK + "dz = layers.backward(self._decoder, self._output.backward(-2 / L / B))\n" + _TAIL + "dmu, dlogvar = dmu + kmu / B, dlogvar + klogvar / B\n" + _HEADS),
    ],
    "3.8": [
        ("difference_one_sided", "g = np.zeros_like(theta)\nfor i in range(len(theta)):\n    up = theta.copy()\n    up[i] += h\n    g[i] = (f(up) - f(theta)) / h\nreturn g"),
        ("difference_over_h", "g = np.zeros_like(theta)\nfor i in range(len(theta)):\n    up, down = theta.copy(), theta.copy()\n    up[i] += h\n    down[i] -= h\n    g[i] = (f(up) - f(down)) / h\nreturn g"),
        ("difference_times_half_h", "g = np.zeros_like(theta)\nfor i in range(len(theta)):\n    e = h * (np.arange(len(theta)) == i)\n    g[i] = (f(theta + e) - f(theta - e)) / 2 * h\nreturn g"),
        ("difference_negative", "g = np.zeros_like(theta)\nfor i in range(len(theta)):\n    e = h * (np.arange(len(theta)) == i)\n    g[i] = (f(theta - e) - f(theta + e)) / (2 * h)\nreturn g"),
        ("in place", "g = np.zeros_like(theta)\nfor i in range(len(theta)):\n    theta[i] += h\n    up = f(theta)\n    theta[i] -= 2 * h\n    g[i] = (up - f(theta)) / (2 * h)\n    theta[i] += h + 1e-15\nreturn g"),
    ],
    "3.9": [
        ("adagrad_without_root", "self.s[block] += g**2\ntheta -= self.lr * g / (self.s[block] + self.epsilon)"),
        ("adagrad_uphill", "self.s[block] += g**2\ntheta += self.lr * g / (self.s[block] ** 0.5 + self.epsilon)"),
        ("adagrad_epsilon_inside", "self.s[block] += g**2\ntheta -= self.lr * g / (self.s[block] + self.epsilon) ** 0.5"),
        ("adagrad_forgets", "self.s[block] = g**2\ntheta -= self.lr * g / (self.s[block] ** 0.5 + self.epsilon)"),
        ("adagrad_is_sgd", "theta -= self.lr * g"),
        ("adagrad_of_a_copy", "self.s[block] += g**2\ntheta = theta - self.lr * g / (np.sqrt(self.s[block]) + self.epsilon)"),
        ("adagrad_late", "theta -= self.lr * g / (np.sqrt(self.s[block]) + self.epsilon)\nself.s[block] += g**2"),
    ],
    "3.10": [
        ("adam_without_correction", _ADAM + "theta -= self.lr * m / (v**0.5 + self.epsilon)"),
        ("adam_epsilon_inside", _ADAM + "theta -= self.lr * m / (1 - self.beta1**self.t) / np.sqrt(v / (1 - self.beta2**self.t) + self.epsilon)"),
        ("adam_t_too_large", _ADAM + "t = self.t + 1\ntheta -= self.lr * m / (1 - self.beta1**t) / (np.sqrt(v / (1 - self.beta2**t)) + self.epsilon)"),
        ("adam_t_too_small", _ADAM + "t = np.float64(self.t - 1)\ntheta -= self.lr * (m / (1 - self.beta1**t)) / (np.sqrt(v / (1 - self.beta2**t)) + self.epsilon)"),
        ("adam_uphill", _ADAM + "theta += self.lr * m / (1 - self.beta1**self.t) / (np.sqrt(v / (1 - self.beta2**self.t)) + self.epsilon)"),
        ("adam_without_root", _ADAM + "theta -= self.lr * m / (1 - self.beta1**self.t) / (v / (1 - self.beta2**self.t) + self.epsilon)"),
        ("adam_corrects_m_alone", _ADAM + "theta -= self.lr * m / (1 - self.beta1**self.t) / (np.sqrt(v) + self.epsilon)"),
        ("adam_epsilon_not_scaled", "U, V = self.U[block], self.V[block]\nU *= self.beta1\nU += g\nV *= self.beta2\nV += g * g\nw1 = (1 - self.beta1**self.t) / (1 - self.beta1)\nw2 = (1 - self.beta2**self.t) / (1 - self.beta2)\ntheta -= self.lr * w2**0.5 / w1 * U / (np.sqrt(V) + self.epsilon)"),
        ("adam_without_m", _ADAM + "theta -= self.lr * g / (np.sqrt(v / (1 - self.beta2**self.t)) + self.epsilon)"),
    ],
    "3.11": [
        ("bits_by_a_threshold", "p = images / 255 if images.dtype == np.uint8 else images\nreturn np.round(p).astype(dtype)"),
        ("bits_are_grey", "return grey(images, rng, dtype)"),
        ("bits_inverted", "_check_pixels('images', images)\np = images / 255 if images.dtype == np.uint8 else images\nreturn (rng.uniform(size=p.shape) > p).astype(dtype)"),
        ("bits_not_scaled", "return (rng.random(images.shape) < images).astype(dtype)"),
        ("bits_of_one_draw_a_row", "p = images / 255 if images.dtype == np.uint8 else images\nreturn (rng.random(len(p))[:, None] < p).astype(dtype)"),
        ("accepts", "p = images / 255 if images.dtype == np.uint8 else images\nreturn (rng.random(p.shape) < p).astype(dtype)"),
        ("bits_with_a_seed", "_check_pixels('images', images)\np = images / 255 if images.dtype == np.uint8 else images\nreturn (np.random.default_rng(3).random(p.shape) < p).astype(dtype)"),
        ("type", "_check_pixels('images', images)\np = images / 255 if images.dtype == np.uint8 else images\nreturn (rng.random(p.shape) < p).astype(float)"),
    ],
    "3.12": [
        ("turn_without_update", _TURN + "model.backward()\nreturn Bound.mean(r, k)"),
        ("turn_with_the_step_first", _TURN + "optimizer.step()\nmodel.backward()\nreturn Bound.mean(r, k)"),
        ("turn_with_one_noise", "eps = np.tile(model.noise(1, rng), (len(x), 1))\nr, k = model.forward(x, eps)\nmodel.backward()\noptimizer.step()\nreturn Bound.mean(r, k)"),
        ("turn_without_noise", "r, k = model.forward(x, 0 * model.noise(len(x), rng))\nmodel.backward()\noptimizer.step()\nreturn Bound.mean(r, k)"),
        ("turn_with_the_bound_after", _TURN + "model.backward()\noptimizer.step()\nreturn Bound.mean(*model.forward(x, eps))"),
        ("turn_without_gradient", _TURN + "optimizer.step()\nreturn Bound.mean(r, k)"),
        ("turn_adds_the_kl", _TURN + "model.backward()\noptimizer.step()\nb = Bound.mean(r, k)\nreturn Bound(b.reconstruction + b.kl, b.reconstruction, b.kl)"),
        ("", _TURN + "model.backward()\noptimizer.step()\nmodel.params.theta[...] = 0\nreturn Bound.mean(r, k)"),
    ],
    "4.1": [
        ("mean_not_rescaled", "m = np.maximum(self.m, log_w.max(axis=0))\nw = np.exp(log_w.astype(float) - m)\nself.S1 = self.S1 + np.sum(w, axis=0)\nself.S2 = self.S2 + np.sum(w**2, axis=0)\nself.m = m\nself.K += len(log_w)"),
        ("mean_squares_rescaled_once", "m = np.maximum(self.m, log_w.max(axis=0))\nw, s = np.exp(log_w.astype(float) - m), np.exp(self.m - m)\nself.S1 = self.S1 * s + np.sum(w, axis=0)\nself.S2 = self.S2 * s + np.sum(w**2, axis=0)\nself.m = m\nself.K += len(log_w)"),
        ("mean_without_squares", "m = np.maximum(self.m, log_w.max(axis=0))\nw, s = np.exp(log_w.astype(float) - m), np.exp(self.m - m)\nself.S1 = self.S1 * s + np.sum(w, axis=0)\nself.S2 = self.S2 * s * s + np.sum(w, axis=0)\nself.m = m\nself.K += len(log_w)"),
        ("mean_that_overflows", "w = np.exp(log_w.astype(float))\nself.m = np.zeros(len(self.m))\nself.S1 = self.S1 + np.sum(w, axis=0)\nself.S2 = self.S2 + np.sum(w**2, axis=0)\nself.K += len(log_w)"),
    ],
    "4.2": [
        ("bound_mean_of_the_logs", "w = LogMean(len(x))\nlw = vae.log_weights(x, rng.standard_normal((K, len(x), vae.n_z), vae.dtype)).astype(float)\nw.add(lw)\nreturn np.mean(lw, axis=0), w.result()[1]"),
        ("bound_upside_down", "w = LogMean(len(x))\nw.add(-vae.log_weights(x, rng.standard_normal((K, len(x), vae.n_z), vae.dtype)))\nreturn w.result()"),
        ("bound_log_of_the_sum", "w = LogMean(len(x))\nw.add(vae.log_weights(x, rng.standard_normal((K, len(x), vae.n_z), vae.dtype)))\na, b = w.result()\nreturn a + np.log(K), b"),
        ("bound_one_noise", "w = LogMean(len(x))\neps = np.tile(rng.standard_normal((K, 1, vae.n_z), vae.dtype), (1, len(x), 1))\nw.add(vae.log_weights(x, eps))\nreturn w.result()"),
    ],
}  # fmt: skip
