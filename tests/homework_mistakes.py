"""Wrong answers as students write them, and what each should be called. The test's own list.

Each begins with a comment: the exercise, the name, and what the body begins with (BEGINNINGS).
The name is of the catalogue's mistake, or of a fault of care (CARE), or "-" where no name is
right, as for two mistakes at once. The bodies are not the catalogue's: other formulas, loops,
checks forgotten, float32 lost on the way.
"""

CARE = {
    "in place": "You write into your argument",
    "type": "You return another type of number",
    "accepts": "You accept what the docstring refuses",
    "finite": "You return a finite number where the right one is infinite",
}

BEGINNINGS = {
    "FORWARD": """\
self.remembered = ""
self._x = self.as_data(x)
self._eps = checks.noise(eps, len(self._x), self.n_z, self.dtype)
self._mu_logvar = mu, logvar = self._heads(self._x)
z = reparameterize(mu, logvar, self._eps)
log_px = self._log_px_z(self._x, z)
self.remembered = "forward"
kl = gaussian_kl(mu, logvar)
""",
    "Z": """\
mu, logvar = self.encode(x)
eps = checks.noise(eps, len(mu), self.n_z, self.dtype)
z = mu + np.exp(logvar / 2) * eps
px = self._log_px_z(self.as_data(x), z)
pz = standard_normal_log_density(z)
qz = gaussian_log_density(z, mu, logvar)
""",
    "TURN": """\
eps = model.noise(len(x), rng)
r, k = model.forward(x, eps)
""",
    "ADAM": """\
m, v = self.U[block], self.V[block]
m[:] = self.beta1 * m + (1 - self.beta1) * g
v[:] = self.beta2 * v + (1 - self.beta2) * g ** 2
""",
    "BACK": """\
eps, (mu, logvar) = self._eps, self._mu_logvar
L, B, n = eps.shape
""",
}

TEXT = r"""
# 1.1 entropy_negative
p = np.asarray(p)
return np.sum(p * np.log(p), axis=axis) / np.log(base)
# 1.1 entropy_in_nats
p = _distribution("p", p, axis)
return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=-1)
# 1.1 entropy_in_bits
p = _distribution("p", p, axis)
return -np.sum(p * np.log2(np.where(p > 0, p, 1)), axis=-1)
# 1.1 entropy_of_zero_is_nan
p = _distribution("p", p, axis)
return -np.sum(p * np.log(p), axis=-1) / np.log(base)
# 1.1 entropy_mean
p = _distribution("p", p, axis)
return np.mean(-p * np.log(np.where(p > 0, p, 1)), axis=-1) / np.log(base)
# 1.1 entropy_of_the_last_axis
p = np.asarray(p, float)
return -sum(p[..., j] * np.log(p[..., j]) for j in range(p.shape[-1])) / np.log(base)
# 1.1 entropy_with_a_tiny_number_added
p = _distribution("p", p, axis)
return -np.sum(p * np.log(p + 1e-12), axis=-1) / np.log(base)
# 1.1 entropy_unweighted
return -np.sum(np.log(p), axis=axis) / np.log(base)
# 1.1 accepts
p = np.asarray(p)
return -np.sum(
    np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0), axis=axis
) / p.dtype.type(np.log(base))
# 1.1 -
p = np.asarray(p, float)
return np.exp(-np.sum(p * np.log(p), axis=axis))
# 1.2 cross_entropy_swapped
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return -np.sum(np.where(q > 0, q * np.log(p), 0), axis=axis) / np.log(base)
# 1.2 cross_entropy_is_entropy
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return -np.sum(p * np.log(p), axis=axis) / np.log(base)
# 1.2 cross_entropy_negative
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return np.sum(p * np.log(q), axis=axis) / np.log(base)
# 1.2 cross_entropy_is_kl
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return np.sum(p * np.log(p / q), axis=axis) / np.log(base)
# 1.2 cross_entropy_in_bits
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return -np.sum(p * np.log2(q), axis=axis)
# 1.2 cross_entropy_in_nats
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return -np.sum(p * np.log(q), axis=axis)
# 1.2 cross_entropy_mean
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return -np.mean(p * np.log(q), axis=axis) / np.log(base)
# 1.2 cross_entropy_of_zero_is_nan
p, q = _two_distributions(p, q, axis)
with np.errstate(all="ignore"):
    return -np.sum(p * np.log(q), axis=-1) / np.log(base)
# 1.2 -
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return -np.sum(p * np.log(q) + q * np.log(p), axis=axis) / np.log(base)
# 1.3 kl_negative
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return -np.sum(p * np.log(p / q), axis=axis) / np.log(base)
# 1.3 kl_swapped
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return np.sum(q * np.log(q / p), axis=axis) / np.log(base)
# 1.3 kl_is_cross_entropy
return cross_entropy(p, q, base=base, axis=axis)
# 1.3 kl_in_nats
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return np.sum(p * np.log(p / q), axis=axis)
# 1.3 kl_in_bits
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return np.sum(p * np.log2(p / q), axis=axis)
# 1.3 kl_absolute
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return np.sum(np.abs(p * np.log(p / q)), axis=axis) / np.log(base)
# 1.3 kl_mean
p, q = np.asarray(p, float), np.asarray(q, float)
with np.errstate(all="ignore"):
    return np.mean(p * np.log(p / q), axis=axis) / np.log(base)
# 1.3 kl_plus_entropy
return entropy(p, base=base, axis=axis) + cross_entropy(p, q, base=base, axis=axis)
# 1.3 kl_of_zero_is_nan
p, q = _two_distributions(p, q, axis)
with np.errstate(all="ignore"):
    return np.sum(p * np.log(p / q), axis=-1) / np.log(base)
# 1.3 kl_that_cancels
return cross_entropy(p, q, base=base, axis=axis) - entropy(p, base=base, axis=axis)
# 1.4 bce_only_ones
y, y_hat = np.asarray(y), np.asarray(y_hat)
return -y * np.log(y_hat) / np.log(base)
# 1.4 bce_swapped
y, y_hat = np.asarray(y), np.asarray(y_hat)
with np.errstate(all="ignore"):
    return np.where(
        (y > 0) & (y < 1),
        -y_hat * np.log(y) - (1 - y_hat) * np.log(1 - y),
        np.where((y_hat > 0) & (y_hat < 1), np.inf, 0),
    ) / np.log(base)
# 1.4 bce_negative
return (y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / np.log(base)
# 1.4 bce_mean
return -np.mean(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / np.log(base)
# 1.4 bce_sum
return -np.sum(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / np.log(base)
# 1.4 bce_in_bits
return -(y * np.log2(y_hat) + (1 - y) * np.log2(1 - y_hat))
# 1.4 bce_in_nats
return -(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))
# 1.4 bce_of_zero_is_nan
y, y_hat = _numbers("y", y, 0, 1), _numbers("y_hat", y_hat, 0, 1)
_same_shape("y", y, "y_hat", y_hat)
return -(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / np.log(base)
# 1.4 finite
y, y_hat = _numbers("y", y, 0, 1), _numbers("y_hat", y_hat, 0, 1)
_same_shape("y", y, "y_hat", y_hat)
q = np.clip(y_hat, 1e-15, 1 - 1e-15)
return -(y * np.log(q) + (1 - y) * np.log(1 - q)) / _log(base)
# 1.5 gain_children_alike
gain = entropy(np.asarray(parent) / np.sum(parent), base=base)
return float(
    gain - np.mean([entropy(c / np.sum(c), base=base) for c in children if np.sum(c)])
)
# 1.5 gain_children_added
gain = entropy(parent / np.sum(parent), base=base)
for c in children:
    if c.sum():
        gain -= entropy(c / c.sum(), base=base)
return float(gain)
# 1.5 gain_without_the_parent
return float(
    sum(
        c.sum() / np.sum(parent) * entropy(c / c.sum(), base=base)
        for c in children
        if c.sum()
    )
)
# 1.5 gain_in_bits
left = sum(c.sum() / np.sum(parent) * entropy(c / c.sum()) for c in children if c.sum())
return float(entropy(parent / np.sum(parent)) - left)
# 1.5 gain_negative
left = sum(
    c.sum() / np.sum(parent) * entropy(c / c.sum(), base=base)
    for c in children
    if c.sum()
)
return float(left - entropy(parent / np.sum(parent), base=base))
# 1.5 gain_of_the_empty_is_nan
gain = entropy(parent / np.sum(parent), base=base)
with np.errstate(all="ignore"):
    h = [
        -(c / c.sum() * np.log(np.where(c > 0, c / c.sum(), 1))).sum() / np.log(base)
        for c in children
    ]
return float(gain - np.array([c.sum() for c in children]) @ h / np.sum(parent))
# 1.5 accepts
parent, children = np.asarray(parent, float), np.asarray(children, float)
left = sum(
    c.sum() / parent.sum() * entropy(c / c.sum(), base=base)
    for c in children
    if c.sum()
)
return float(entropy(parent / parent.sum(), base=base) - left)
# 1.6 lengths_rounded_down
q = _distribution("q", _vector("q", q), -1)
return np.array([np.floor(-np.log2(v)) if v else np.inf for v in q])
# 1.6 lengths_not_rounded
return -np.log2(q)
# 1.6 lengths_to_the_nearest
return np.rint(-np.log2(q))
# 1.6 lengths_in_nats
return np.array([np.ceil(-np.log(v)) if v > 0 else np.inf for v in q])
# 1.6 lengths_plus_one
return np.floor(-np.log2(q)) + 1
# 1.6 lengths_by_the_logarithm_of_a_quotient
q = _distribution("q", _vector("q", q), -1)
return np.array([np.ceil(np.log2(1 / v)) if v else np.inf for v in q])
# 2.1 density_without_half
return -np.sum(np.log(2 * np.pi) + logvar + (z - mu) ** 2 / np.exp(logvar), axis=-1)
# 2.1 density_without_half
return -(LOG_2PI + logvar + (z - mu) ** 2 / np.exp(logvar)).sum(axis=-1).astype(float)
# 2.1 density_without_log_2pi
v = np.exp(logvar)
return -0.5 * np.sum(np.log(v) + (z - mu) ** 2 / v, axis=-1)
# 2.1 density_with_logvar_as_log_sigma
sigma = np.exp(logvar)
return np.sum(
    -0.5 * np.log(2 * np.pi) - np.log(sigma) - (z - mu) ** 2 / (2 * sigma**2), axis=-1
)
# 2.1 density_divided_by_sigma
sigma = np.exp(logvar / 2)
return -0.5 * np.sum(LOG_2PI + logvar + (z - mu) ** 2 / sigma, axis=-1)
# 2.1 density_with_the_root_of_logvar
sigma = np.sqrt(logvar)
return -0.5 * np.sum(LOG_2PI + logvar + (z - mu) ** 2 / sigma**2, axis=-1)
# 2.1 density_mean
return np.mean(-0.5 * (LOG_2PI + logvar + (z - mu) ** 2 * np.exp(-logvar)), axis=-1)
# 2.1 density_with_one_log_2pi
return -0.5 * LOG_2PI - 0.5 * np.sum(logvar + (z - mu) ** 2 * np.exp(-logvar), axis=-1)
# 2.1 density_not_summed
return -LOG_2PI / 2 - logvar / 2 - (z - mu) ** 2 / (2 * np.exp(logvar))
# 2.1 density_of_everything
return np.sum(-LOG_2PI / 2 - logvar / 2 - (z - mu) ** 2 / (2 * np.exp(logvar)))
# 2.1 -
return -0.5 * np.sum(3 + logvar + (z - mu) ** 2 / np.exp(logvar), axis=-1)
# 2.2 kl_negative
return np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=-1) / 2
# 2.2 kl_without_half
return np.sum(mu**2 + np.exp(logvar) - logvar - 1, axis=-1)
# 2.2 kl_without_half
return np.sum(mu**2 + np.exp(logvar) - logvar - 1, axis=-1).astype(np.float64)
# 2.2 kl_with_logvar_as_log_sigma
sigma = np.exp(logvar)
return 0.5 * np.sum(mu**2 + sigma**2 - np.log(sigma**2) - 1, axis=-1)
# 2.2 kl_with_sigma
return 0.5 * np.sum(mu**2 + np.sqrt(np.exp(logvar)) - logvar - 1, axis=-1)
# 2.2 kl_mean
return np.mean(mu**2 + np.exp(logvar) - logvar - 1, axis=-1) / 2
# 2.2 kl_of_everything
return np.sum(mu**2 + np.exp(logvar) - logvar - 1) / 2
# 2.2 kl_without_one
return np.sum(mu**2 + np.exp(logvar) - logvar, axis=-1) / 2
# 2.2 kl_with_mu
return np.sum(mu + np.exp(logvar) - logvar - 1, axis=-1) / 2
# 2.2 kl_swapped
return 0.5 * np.sum(logvar - 1 + (1 + mu**2) / np.exp(logvar), axis=-1)
# 2.2 type
return np.sum(mu**2 + np.exp(logvar.astype(float)) - logvar - 1, axis=-1) / 2
# 2.2 -
return np.sum(mu**2 + np.exp(logvar) - logvar - 1, axis=-1) * 0.4
# 2.3 sample_with_the_variance
sigma = np.exp(logvar)
return mu + sigma * eps
# 2.3 sample_with_logvar
return eps * logvar + mu
# 2.3 sample_with_the_root_of_logvar
sigma = logvar**0.5
return mu + sigma * eps
# 2.3 sample_without_noise
return np.broadcast_to(mu, eps.shape).copy()
# 2.3 sample_without_sigma
return mu + eps
# 2.3 sample_minus_noise
return mu - np.sqrt(np.exp(logvar)) * eps
# 2.3 sample_divided_by_sigma
return mu + eps / np.exp(logvar / 2)
# 2.3 in place
eps *= np.exp(0.5 * logvar)
eps += mu
return eps
# 2.4 sample_gradient_without_noise
s = np.exp(logvar / 2) / 2
return np.sum(dz, axis=0), np.sum(dz * s, axis=0)
# 2.4 sample_gradient_without_half
return np.sum(dz, axis=0), np.sum(dz * eps * np.exp(logvar / 2), axis=0)
# 2.4 sample_gradient_with_the_variance
return np.sum(dz, axis=0), np.sum(dz * eps * np.exp(logvar) / 2, axis=0)
# 2.4 sample_gradient_by_sigma
return np.sum(dz, axis=0), np.sum(dz * eps, axis=0)
# 2.4 sample_gradient_mean
s = np.exp(logvar / 2) / 2
return np.mean(dz, axis=0), np.mean(dz * eps * s, axis=0)
# 2.4 sample_gradient_not_summed
return dz, dz * eps * np.exp(logvar / 2) / 2
# 2.4 sample_gradient_negative
s = np.exp(logvar / 2) / 2
return -np.sum(dz, axis=0), -np.sum(dz * eps * s, axis=0)
# 2.4 sample_gradient_swapped
s = np.exp(logvar / 2) / 2
return np.sum(dz * eps * s, axis=0), np.sum(dz, axis=0)
# 2.4 in place
dmu = dz.sum(axis=0)
dz *= eps
return dmu, dz.sum(axis=0) * np.exp(logvar / 2) / 2
# 2.5 kl_gradient_negative
return -mu, (1 - np.exp(logvar)) / 2
# 2.5 kl_gradient_without_half
return mu, np.exp(logvar) - 1
# 2.5 kl_gradient_with_two_mu
return 2 * mu, np.exp(logvar) / 2 - 0.5
# 2.5 kl_gradient_by_the_variance
return mu, 0.5 - 0.5 / np.exp(logvar)
# 2.5 kl_gradient_without_minus_one
return mu, np.exp(logvar) / 2
# 2.5 kl_gradient_with_sigma
return mu, (np.exp(logvar / 2) - 1) / 2
# 2.5 kl_gradient_swapped
return (np.exp(logvar) - 1) / 2, mu
# 2.5 -
return mu, np.exp(logvar) / 2 + 0.5
# 2.6 sigmoid_that_overflows
return 1.0 / (1.0 + np.exp(-a))
# 2.6 sigmoid_that_overflows
return (1 + np.exp(-a)) ** -1
# 2.6 sigmoid_that_overflows_above
e = np.exp(a)
return e / (e + 1)
# 2.6 sigmoid_of_minus_a
return 1 / (1 + np.exp(np.clip(a, -500, 500)))
# 2.6 sigmoid_is_tanh
return (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))
# 2.6 sigmoid_slope
s = 1 / (1 + np.exp(-a))
return s - s**2
# 2.6 sigmoid_clipped
return 1 / (1 + np.exp(-np.minimum(np.maximum(a, -30), 30)))
# 2.6 sigmoid_is_softplus
return np.logaddexp(0, a)
# 2.7 bernoulli_negative
return np.sum(np.logaddexp(0, logits) - x * logits, axis=-1)
# 2.7 bernoulli_from_a_probability
p = sigmoid(logits)
return np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=-1)
# 2.7 bernoulli_that_overflows
return np.sum(x * logits - np.log1p(np.exp(logits)), axis=-1)
# 2.7 bernoulli_mean
return np.mean(x * logits - np.logaddexp(0, logits), axis=-1)
# 2.7 bernoulli_of_everything
return np.sum(x * logits - np.logaddexp(0, logits))
# 2.7 bernoulli_clipped
p = np.clip(sigmoid(logits), 1e-7, 1 - 1e-7)
return np.sum(
    np.where(x > 0.5, x, 0) * np.log(p)
    + (1 - x) * np.log(1 - p)
    + np.where(x > 0.5, 0, x) * np.log(p),
    axis=-1,
)
# 2.7 bernoulli_only_ones
return np.sum(-x * np.logaddexp(0, -logits), axis=-1)
# 2.7 bernoulli_softplus_without_max
return np.sum(x * logits - np.log(1 + np.exp(-np.abs(logits))), axis=-1)
# 2.7 bernoulli_of_a_sigmoid
p = sigmoid(logits)
return np.sum(x * p - np.logaddexp(0, p), axis=-1)
# 2.7 in place
x *= logits
x -= np.logaddexp(0, logits)
return x.sum(axis=-1)
# 2.8 bernoulli_gradient_negative
return 1 / (1 + np.exp(-np.clip(logits, -500, 500))) - x
# 2.8 bernoulli_gradient_without_sigmoid
return -logits + x
# 2.8 bernoulli_gradient_times_slope
p = sigmoid(logits)
return (x - p) * p * (1 - p)
# 2.8 bernoulli_gradient_by_p
p = sigmoid(logits)
return (x - p) / (p * (1 - p))
# 2.8 bernoulli_gradient_mean
return (x - sigmoid(logits)) / logits.shape[-1]
# 2.8 in place
x -= sigmoid(logits)
return x
# 2.8 in place
logits[...] = x - sigmoid(logits)
return logits
# 2.9 density_gradient_negative
v = np.exp(logvar)
return (mu - z) / v, (1 - (z - mu) ** 2 / v) / 2
# 2.9 density_gradient_without_half
v = np.exp(logvar)
return (z - mu) / v, (z - mu) ** 2 / v - 1
# 2.9 density_gradient_without_minus_one
v = np.exp(logvar)
return (z - mu) / v, (z - mu) ** 2 / (2 * v)
# 2.9 density_gradient_by_z
v = np.exp(logvar)
return (mu - z) / v, ((z - mu) ** 2 / v - 1) / 2
# 2.9 density_gradient_by_the_variance
v = np.exp(logvar)
return (z - mu) / v, ((z - mu) ** 2 / v**2 - 1 / v) / 2
# 2.9 density_gradient_not_divided
return z - mu, ((z - mu) ** 2 - 1) / 2
# 3.1 affine_without_b
self.x = x
return np.dot(x, self.W)
# 3.1 affine_with_a_transpose
self.x = x
return np.dot(x, np.transpose(self.W)) + self.b
# 3.1 affine_remembers_nothing
return np.dot(x, self.W) + self.b
# 3.1 affine_minus_b
self.x = x
return np.dot(x, self.W) - self.b
# 3.1 in place
self.x = x.copy()
y = np.dot(x, self.W) + self.b
x *= 0
return y
# 3.2 weights_added
for row, d in zip(self.x, dy):
    self.dW += np.outer(row, d)
    self.db += d
# 3.2 weights_mean
self.dW[...] = np.dot(self.x.T, dy) / dy.shape[0]
self.db[...] = np.sum(dy, axis=0) / dy.shape[0]
# 3.2 weights_replaced
self.dW = np.dot(self.x.T, dy)
self.db = np.sum(dy, axis=0)
# 3.2 weights_without_b
self.dW[:] = np.dot(self.x.T, dy)
# 3.2 weights_negative
self.dW[:] = -np.dot(self.x.T, dy)
self.db[:] = -np.sum(dy, axis=0)
# 3.2 weights_transposed
self.dW[:] = np.dot(dy.T, self.x)
self.db[:] = np.sum(dy, axis=0)
# 3.2 weights_b_is_one_number
self.dW[:] = np.dot(self.x.T, dy)
self.db[:] = np.sum(dy)
# 3.3 input_without_a_transpose
return np.dot(dy, self.W)
# 3.3 input_negative
return -np.dot(dy, self.W.T)
# 3.3 input_swapped
return np.dot(self.W, dy.T)
# 3.3 input_is_the_weights
return np.dot(self.x.T, dy)
# 3.4 tanh_without_a_square
return dy - dy * self.y
# 3.4 tanh_of_y
return dy / np.cosh(self.y) ** 2
# 3.4 tanh_without_dy
return 1 - self.y**2
# 3.4 tanh_as_sigmoid
return dy * (self.y - self.y**2)
# 3.4 tanh_negative
return -dy * (1 - self.y**2)
# 3.4 in place
dy *= 1 - self.y**2
return dy
# 3.5 forward_sum_over_samples FORWARD
return np.sum(log_px, axis=0), kl
# 3.5 forward_kl_negative FORWARD
return np.mean(log_px, axis=0), -kl
# 3.5 forward_mean_of_pixels FORWARD
return np.mean(log_px, axis=0) / x.shape[1], kl
# 3.5 forward_mean_of_the_batch FORWARD
return np.mean(log_px), np.mean(kl)
# 3.5 forward_log_of_the_mean FORWARD
return np.log(np.mean(np.exp(log_px), axis=0)), kl
# 3.5 forward_without_noise
self.remembered = ""
self._x = self.as_data(x)
self._eps = checks.noise(eps, len(self._x), self.n_z, self.dtype)
self._mu_logvar = mu, logvar = self._heads(self._x)
z = np.broadcast_to(mu, self._eps.shape)
log_px = self._log_px_z(self._x, z)
self.remembered = "forward"
kl = gaussian_kl(mu, logvar)
return np.mean(log_px, axis=0), kl
# 3.5 forward_is_the_bound FORWARD
return np.mean(log_px, axis=0) - kl, kl
# 3.5 forward_first_sample FORWARD
return log_px[0], kl
# 3.5 forward_remembers_nothing FORWARD
del self._eps, self._mu_logvar
self.remembered = ""
return log_px.mean(axis=0), kl
# 3.5 accepts
self.remembered = ""
self._x = self.as_data(x)
self._eps = np.reshape(eps, (-1, len(x), np.shape(eps)[-1])).astype(self.dtype)
self._mu_logvar = mu, logvar = self._heads(self._x)
z = reparameterize(mu, logvar, self._eps)
log_px = self._log_px_z(self._x, z)
self.remembered = "forward"
kl = gaussian_kl(mu, logvar)
return np.nanmean(log_px, axis=0), kl
# 3.5 - FORWARD
return np.median(log_px, axis=0) + 1, kl
# 3.6 weights_without_the_prior Z
return px - qz
# 3.6 weights_plus_q Z
return px + pz + qz
# 3.6 weights_without_q Z
return self.log_joint(x, z)
# 3.6 weights_with_the_closed_kl Z
return px - gaussian_kl(mu, logvar)
# 3.6 weights_averaged Z
return np.mean(px + pz - qz, axis=0)
# 3.6 weights_upside_down Z
return qz - px - pz
# 3.6 weights_not_logs Z
return np.exp(px) * np.exp(pz) / np.exp(qz)
# 3.7 gradient_of_the_bound BACK
dz = layers.backward(self._decoder, self._output.backward(1 / (L * B)))
dmu, dlogvar = reparameterize_backward(dz.reshape(L, B, n), logvar, eps)
kmu, klogvar = gaussian_kl_backward(mu, logvar)
dmu, dlogvar = dmu - kmu / B, dlogvar - klogvar / B
layers.backward_weights(
    self._encoder, self._mu.backward(dmu) + self._logvar.backward(dlogvar)
)
# 3.7 gradient_likelihood_negative BACK
dz = layers.backward(self._decoder, self._output.backward(1 / L / B))
dmu, dlogvar = reparameterize_backward(dz.reshape(L, B, n), logvar, eps)
kmu, klogvar = gaussian_kl_backward(mu, logvar)
dmu, dlogvar = dmu + kmu / B, dlogvar + klogvar / B
layers.backward_weights(
    self._encoder, self._mu.backward(dmu) + self._logvar.backward(dlogvar)
)
# 3.7 gradient_not_over_samples BACK
dz = layers.backward(self._decoder, self._output.backward(-1 / B))
dmu, dlogvar = reparameterize_backward(dz.reshape(L, B, n), logvar, eps)
kmu, klogvar = gaussian_kl_backward(mu, logvar)
dmu, dlogvar = dmu + kmu / B, dlogvar + klogvar / B
layers.backward_weights(
    self._encoder, self._mu.backward(dmu) + self._logvar.backward(dlogvar)
)
# 3.7 gradient_kl_summed BACK
dz = layers.backward(self._decoder, self._output.backward(-1 / L / B))
dmu, dlogvar = reparameterize_backward(dz.reshape(L, B, n), logvar, eps)
kmu, klogvar = gaussian_kl_backward(mu, logvar)
dmu, dlogvar = dmu + kmu, dlogvar + klogvar
layers.backward_weights(
    self._encoder, self._mu.backward(dmu) + self._logvar.backward(dlogvar)
)
# 3.7 gradient_without_the_kl BACK
dz = layers.backward(self._decoder, self._output.backward(-1 / L / B))
dmu, dlogvar = reparameterize_backward(dz.reshape(L, B, n), logvar, eps)
kmu, klogvar = gaussian_kl_backward(mu, logvar)
layers.backward_weights(
    self._encoder, self._mu.backward(dmu) + self._logvar.backward(dlogvar)
)
# 3.7 gradient_without_the_encoder BACK
dz = layers.backward(self._decoder, self._output.backward(-1 / L / B))
dmu, dlogvar = reparameterize_backward(dz.reshape(L, B, n), logvar, eps)
kmu, klogvar = gaussian_kl_backward(mu, logvar)
self._mu.backward(dmu + kmu / B)
self._logvar.backward(dlogvar + klogvar / B)
# 3.7 gradient_through_mu_alone BACK
dz = layers.backward(self._decoder, self._output.backward(-1 / L / B))
dmu, dlogvar = reparameterize_backward(dz.reshape(L, B, n), logvar, eps)
kmu, klogvar = gaussian_kl_backward(mu, logvar)
dh = self._mu.backward(dmu + kmu / B)
self._logvar.backward_weights(dlogvar + klogvar / B)
layers.backward_weights(self._encoder, dh)
# 3.7 gradient_summed BACK
dz = layers.backward(self._decoder, self._output.backward(-1 / L))
dmu, dlogvar = reparameterize_backward(dz.reshape(L, B, n), logvar, eps)
kmu, klogvar = gaussian_kl_backward(mu, logvar)
dmu, dlogvar = dmu + kmu, dlogvar + klogvar
layers.backward_weights(
    self._encoder, self._mu.backward(dmu) + self._logvar.backward(dlogvar)
)
# 3.7 - BACK
dz = layers.backward(self._decoder, self._output.backward(-2 / L / B))
dmu, dlogvar = reparameterize_backward(dz.reshape(L, B, n), logvar, eps)
kmu, klogvar = gaussian_kl_backward(mu, logvar)
dmu, dlogvar = dmu + kmu / B, dlogvar + klogvar / B
layers.backward_weights(
    self._encoder, self._mu.backward(dmu) + self._logvar.backward(dlogvar)
)
# 3.8 difference_one_sided
g = np.zeros_like(theta)
for i in range(len(theta)):
    up = theta.copy()
    up[i] += h
    g[i] = (f(up) - f(theta)) / h
return g
# 3.8 difference_over_h
g = np.zeros_like(theta)
for i in range(len(theta)):
    up, down = theta.copy(), theta.copy()
    up[i] += h
    down[i] -= h
    g[i] = (f(up) - f(down)) / h
return g
# 3.8 difference_times_half_h
g = np.zeros_like(theta)
for i in range(len(theta)):
    e = h * (np.arange(len(theta)) == i)
    g[i] = (f(theta + e) - f(theta - e)) / 2 * h
return g
# 3.8 difference_negative
g = np.zeros_like(theta)
for i in range(len(theta)):
    e = h * (np.arange(len(theta)) == i)
    g[i] = (f(theta - e) - f(theta + e)) / (2 * h)
return g
# 3.8 in place
g = np.zeros_like(theta)
for i in range(len(theta)):
    theta[i] += h
    up = f(theta)
    theta[i] -= 2 * h
    g[i] = (up - f(theta)) / (2 * h)
    theta[i] += h + 1e-15
return g
# 3.9 adagrad_without_root
self.s[block] += g**2
theta -= self.lr * g / (self.s[block] + self.epsilon)
# 3.9 adagrad_uphill
self.s[block] += g**2
theta += self.lr * g / (self.s[block] ** 0.5 + self.epsilon)
# 3.9 adagrad_epsilon_inside
self.s[block] += g**2
theta -= self.lr * g / (self.s[block] + self.epsilon) ** 0.5
# 3.9 adagrad_forgets
self.s[block] = g**2
theta -= self.lr * g / (self.s[block] ** 0.5 + self.epsilon)
# 3.9 adagrad_is_sgd
theta -= self.lr * g
# 3.9 adagrad_of_a_copy
self.s[block] += g**2
theta = theta - self.lr * g / (np.sqrt(self.s[block]) + self.epsilon)
# 3.9 adagrad_late
theta -= self.lr * g / (np.sqrt(self.s[block]) + self.epsilon)
self.s[block] += g**2
# 3.10 adam_without_correction ADAM
theta -= self.lr * m / (v**0.5 + self.epsilon)
# 3.10 adam_epsilon_inside ADAM
theta -= (
    self.lr
    * m
    / (1 - self.beta1**self.t)
    / np.sqrt(v / (1 - self.beta2**self.t) + self.epsilon)
)
# 3.10 adam_t_too_large ADAM
t = self.t + 1
theta -= (
    self.lr
    * m
    / (1 - self.beta1**t)
    / (np.sqrt(v / (1 - self.beta2**t)) + self.epsilon)
)
# 3.10 adam_t_too_small ADAM
t = np.float64(self.t - 1)
theta -= (
    self.lr
    * (m / (1 - self.beta1**t))
    / (np.sqrt(v / (1 - self.beta2**t)) + self.epsilon)
)
# 3.10 adam_uphill ADAM
theta += (
    self.lr
    * m
    / (1 - self.beta1**self.t)
    / (np.sqrt(v / (1 - self.beta2**self.t)) + self.epsilon)
)
# 3.10 adam_without_root ADAM
theta -= (
    self.lr
    * m
    / (1 - self.beta1**self.t)
    / (v / (1 - self.beta2**self.t) + self.epsilon)
)
# 3.10 adam_corrects_m_alone ADAM
theta -= self.lr * m / (1 - self.beta1**self.t) / (np.sqrt(v) + self.epsilon)
# 3.10 adam_epsilon_not_scaled
U, V = self.U[block], self.V[block]
U *= self.beta1
U += g
V *= self.beta2
V += g * g
w1 = (1 - self.beta1**self.t) / (1 - self.beta1)
w2 = (1 - self.beta2**self.t) / (1 - self.beta2)
theta -= self.lr * w2**0.5 / w1 * U / (np.sqrt(V) + self.epsilon)
# 3.10 adam_without_m ADAM
theta -= self.lr * g / (np.sqrt(v / (1 - self.beta2**self.t)) + self.epsilon)
# 3.11 bits_by_a_threshold
p = images / 255 if images.dtype == np.uint8 else images
return np.round(p).astype(dtype)
# 3.11 bits_are_grey
return grey(images, rng, dtype)
# 3.11 bits_inverted
_check_pixels("images", images)
p = images / 255 if images.dtype == np.uint8 else images
return (rng.uniform(size=p.shape) > p).astype(dtype)
# 3.11 bits_not_scaled
return (rng.random(images.shape) < images).astype(dtype)
# 3.11 bits_of_one_draw_a_row
p = images / 255 if images.dtype == np.uint8 else images
return (rng.random(len(p))[:, None] < p).astype(dtype)
# 3.11 accepts
p = images / 255 if images.dtype == np.uint8 else images
return (rng.random(p.shape) < p).astype(dtype)
# 3.11 bits_with_a_seed
_check_pixels("images", images)
p = images / 255 if images.dtype == np.uint8 else images
return (np.random.default_rng(3).random(p.shape) < p).astype(dtype)
# 3.11 type
_check_pixels("images", images)
p = images / 255 if images.dtype == np.uint8 else images
return (rng.random(p.shape) < p).astype(float)
# 3.12 turn_without_update TURN
model.backward()
return Bound.mean(r, k)
# 3.12 turn_with_the_step_first TURN
optimizer.step()
model.backward()
return Bound.mean(r, k)
# 3.12 turn_with_one_noise
eps = np.tile(model.noise(1, rng), (len(x), 1))
r, k = model.forward(x, eps)
model.backward()
optimizer.step()
return Bound.mean(r, k)
# 3.12 turn_without_noise
r, k = model.forward(x, 0 * model.noise(len(x), rng))
model.backward()
optimizer.step()
return Bound.mean(r, k)
# 3.12 turn_with_the_bound_after TURN
model.backward()
optimizer.step()
return Bound.mean(*model.forward(x, eps))
# 3.12 turn_without_gradient TURN
optimizer.step()
return Bound.mean(r, k)
# 3.12 turn_adds_the_kl TURN
model.backward()
optimizer.step()
b = Bound.mean(r, k)
return Bound(b.reconstruction + b.kl, b.reconstruction, b.kl)
# 3.12 - TURN
model.backward()
optimizer.step()
model.params.theta[...] = 0
return Bound.mean(r, k)
# 4.1 mean_not_rescaled
m = np.maximum(self.m, log_w.max(axis=0))
w = np.exp(log_w.astype(float) - m)
self.S1 = self.S1 + np.sum(w, axis=0)
self.S2 = self.S2 + np.sum(w**2, axis=0)
self.m = m
self.K += len(log_w)
# 4.1 mean_squares_rescaled_once
m = np.maximum(self.m, log_w.max(axis=0))
w, s = np.exp(log_w.astype(float) - m), np.exp(self.m - m)
self.S1 = self.S1 * s + np.sum(w, axis=0)
self.S2 = self.S2 * s + np.sum(w**2, axis=0)
self.m = m
self.K += len(log_w)
# 4.1 mean_without_squares
m = np.maximum(self.m, log_w.max(axis=0))
w, s = np.exp(log_w.astype(float) - m), np.exp(self.m - m)
self.S1 = self.S1 * s + np.sum(w, axis=0)
self.S2 = self.S2 * s * s + np.sum(w, axis=0)
self.m = m
self.K += len(log_w)
# 4.1 mean_that_overflows
w = np.exp(log_w.astype(float))
self.m = np.zeros(len(self.m))
self.S1 = self.S1 + np.sum(w, axis=0)
self.S2 = self.S2 + np.sum(w**2, axis=0)
self.K += len(log_w)
# 4.2 bound_mean_of_the_logs
w = LogMean(len(x))
lw = vae.log_weights(x, rng.standard_normal((K, len(x), vae.n_z), vae.dtype)).astype(
    float
)
w.add(lw)
return np.mean(lw, axis=0), w.result()[1]
# 4.2 bound_upside_down
w = LogMean(len(x))
w.add(-vae.log_weights(x, rng.standard_normal((K, len(x), vae.n_z), vae.dtype)))
return w.result()
# 4.2 bound_log_of_the_sum
w = LogMean(len(x))
w.add(vae.log_weights(x, rng.standard_normal((K, len(x), vae.n_z), vae.dtype)))
a, b = w.result()
return a + np.log(K), b
# 4.2 bound_one_noise
w = LogMean(len(x))
eps = np.tile(rng.standard_normal((K, 1, vae.n_z), vae.dtype), (1, len(x), 1))
w.add(vae.log_weights(x, eps))
return w.result()
"""


def _read() -> dict[str, list[tuple[str, str]]]:
    """number -> [(name or "", body), ...]"""
    found: dict[str, list[tuple[str, str]]] = {}
    for part in TEXT.split("\n# ")[1:]:
        head, _, body = part.partition("\n")
        number, name, *beginning = head.replace("in place", "in_place").split()
        body = "".join(BEGINNINGS[word] for word in beginning) + body
        found.setdefault(number, []).append((name.strip("-").replace("in_place", "in place"), body))
    return found


MISTAKES = _read()
