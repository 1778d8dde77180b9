"""Right answers that differ from the reference: none may lose a point, none is a mistake.

VARIANTS: (exercise, how it differs, body, more text at the end of its file).
UNNOTICED: the same, of right numbers without something else that the docstring promises. The
public tests fail; the grader, which looks at numbers, takes no point.
FILES: (exercise, how it differs, what makes it of the handed-in files, name without .py -> text).
"""

from collections.abc import Callable

from homework_submissions import filled

_FORWARD = """self.remembered = ""
self._x = self.as_data(x)
self._eps = checks.noise(eps, len(self._x), self.n_z, self.dtype)
"""
_ADAM = """m, v = self.U[block], self.V[block]
m[...] = self.beta1 * m + (1 - self.beta1) * g
v[...] = self.beta2 * v + (1 - self.beta2) * g**2
"""

VARIANTS = [
    ("1.1", "np.where", '''
p = _distribution("p", p, axis)
safe = np.where(p > 0, p, 1)
return -(p * np.log(safe)).sum(axis=-1) / _log(base)''', ""),
    ("1.1", "loops and another helper", '''
p = _distribution("p", p, axis)
scale = _log(base)
flat = p.reshape(-1, p.shape[-1])
out = np.array([_one(row) for row in flat], p.dtype) / p.dtype.type(scale)
return out.reshape(p.shape[:-1])[()]''', '''

def _one(row):
    total = 0.0
    for probability in row:
        if probability > 0:
            total -= probability * np.log(probability)
    return total
'''),
    ("1.1", "its own _p_log_q", '''
p = _distribution("p", p, axis)
return -_p_log_q(p).sum(axis=-1) / _log(base)''', '''

def _p_log_q(p):
    return np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0)
'''),
    ("1.1", "checks of its own", '''
if base <= 0 or base == 1:
    raise ValueError("no base")
p = np.asarray(p)
p = p if p.dtype == np.float32 else p.astype(float)
if p.size == 0 or not np.all(p >= 0) or not np.allclose(p.sum(axis=axis), 1):
    raise ValueError("no distribution")
terms = np.zeros_like(p)
np.log(p, out=terms, where=p > 0)
return -np.sum(p * terms, axis=axis) / math.log(base)''', ""),
    ("1.2", "masks", '''
p, q = _two_distributions(p, q, axis)
out = np.zeros_like(p)
with np.errstate(divide="ignore"):
    out[p > 0] = p[p > 0] * np.log(q[p > 0])
return -out.sum(axis=-1) / _log(base)''', ""),
    ("1.2", "log2 times a factor", '''
p, q = _two_distributions(p, q, axis)
with np.errstate(divide="ignore", invalid="ignore"):
    bits = -np.where(p > 0, p * np.log2(q), 0).sum(axis=-1)
return bits * (math.log(2) / _log(base))''', ""),
    ("1.3", "log of the quotient", '''
p, q = _two_distributions(p, q, axis)
with np.errstate(divide="ignore", invalid="ignore"):
    terms = np.where(p > 0, p * np.log(p / q), 0)
return (terms - p + q).sum(axis=-1) / _log(base)''', ""),
    ("1.3", "difference of logarithms", '''
p, q = _two_distributions(p, q, axis)
with np.errstate(divide="ignore", invalid="ignore"):
    terms = np.where(p > 0, p * (np.log(np.where(p > 0, p, 1)) - np.log(q)), 0)
return np.sum(terms + (q - p), axis=-1) / _log(base)''', ""),
    ("1.4", "four cases by np.where", '''
y, y_hat = _numbers("y", y, 0, 1), _numbers("y_hat", y_hat, 0, 1)
_same_shape("y", y, "y_hat", y_hat)
with np.errstate(divide="ignore", invalid="ignore"):
    ones = np.where(y > 0, y * np.log(y_hat), 0)
    zeros = np.where(y < 1, (1 - y) * np.log(1 - y_hat), 0)
return -(ones + zeros) / y.dtype.type(_log(base))''', ""),
    ("1.4", "log1p, and a class of checks", '''
y, y_hat = Both(y, y_hat).arrays
with np.errstate(divide="ignore", invalid="ignore"):
    a, b = y * np.log(y_hat), (1 - y) * np.log1p(-y_hat)
a[y == 0] = 0
b[y == 1] = 0
return -(a + b) / _log(base)''', '''

class Both:
    def __init__(self, *pair):
        arrays = [np.array(part) for part in pair]
        if arrays[0].shape != arrays[1].shape:
            raise ValueError("shapes")
        for array in arrays:
            if not ((array >= 0) & (array <= 1)).all():
                raise ValueError("not in [0, 1]")
        self.arrays = [a if a.dtype == np.float32 else a.astype(float) for a in arrays]
'''),
    ("1.5", "the definition", '''
parent, children = np.asarray(parent, float), np.asarray(children, float)
if parent.ndim != 1 or children.ndim != 2 or not np.allclose(children.sum(axis=0), parent, 1e-9, 0):
    raise ValueError("children do not add to the parent")
if (children < 0).any() or parent.sum() == 0:
    raise ValueError("no counts")
gain = entropy(parent / parent.sum(), base=base)
for child in children:
    if child.sum() > 0:
        gain -= child.sum() / parent.sum() * entropy(child / child.sum(), base=base)
return float(gain)''', ""),
    ("1.5", "kl_divergence of the joint distribution from the product", '''
parent, children = np.asarray(parent, float), np.asarray(children, float)
if children.ndim != 2 or parent.shape != children.shape[1:] or parent.sum() <= 0:
    raise ValueError("shapes")
if (children < 0).any() or not np.allclose(children.sum(axis=0), parent, 1e-9, 0):
    raise ValueError("children do not add to the parent")
joint = children / children.sum()
product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
return float(kl_divergence(joint.ravel(), product.ravel(), base=base))''', ""),
    ("1.6", "by frexp in a loop", '''
q = _distribution("q", _vector("q", q), -1)
return np.array([1.0 - math.frexp(v)[1] if v > 0 else np.inf for v in q])''', ""),
    ("1.6", "by counting doublings, as a list", '''
out = []
for v in _distribution("q", _vector("q", q), -1):
    length = 0
    while 0 < v * 2.0**length < 1:
        length += 1
    out.append(float(length) if v > 0 else np.inf)
return out''', ""),
    ("2.1", "dividing by the variance", '''
terms = np.log(2 * np.pi) + logvar + (z - mu) ** 2 / np.exp(logvar)
return -0.5 * np.sum(terms, axis=-1)''', ""),
    ("2.1", "three sums", '''
n = np.broadcast(z, mu, logvar).shape[-1]
square = np.square((z - mu) / np.exp(logvar / 2)).sum(axis=-1)
return -(n * LOG_2PI + np.sum(logvar, axis=-1) + square) / 2''', ""),
    ("2.2", "the formula of the paper", '''
return -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=-1)''', ""),
    ("2.2", "a sum in a loop", '''
total = np.zeros(mu.shape[:-1], mu.dtype)
for j in range(mu.shape[-1]):
    total = total + (mu[..., j] ** 2 + np.exp(logvar[..., j]) - logvar[..., j] - 1) / 2
return total''', ""),
    ("2.2", "computed in longdouble", '''
m, s = mu.astype(np.longdouble), logvar.astype(np.longdouble)
return (np.sum(m * m + np.exp(s) - s - 1, axis=-1) / 2).astype(mu.dtype)''', ""),
    ("2.2", "longdouble for float64", '''
s = logvar.astype(np.longdouble) if logvar.dtype == np.float64 else logvar
return np.sum(mu * mu + np.exp(s) - s - 1, axis=-1) / 2''', ""),
    ("2.2", "a part of NumPy that is imported when it is used", '''
terms = np.ma.masked_array(mu**2 + np.exp(logvar) - 1 - logvar)
np.testing.assert_array_equal(np.fft.ifft(np.fft.fft(np.ones(4))).real, 1)
return mu.dtype.type(0.5) * terms.sum(axis=-1)''', ""),
    ("2.3", "σ by a square root", "return np.sqrt(np.exp(logvar)) * eps + mu", ""),
    ("2.3", "one sample at a time, as a list", '''
sigma = np.exp(logvar / 2)
return [mu + sigma * e for e in eps] if eps.ndim == 3 else mu + sigma * eps''', ""),
    ("2.4", "a loop over the samples", '''
sigma = np.exp(logvar / 2)
dmu, dlogvar = np.zeros_like(logvar), np.zeros_like(logvar)
for l in range(len(dz)):
    dmu += dz[l]
    dlogvar += dz[l] * eps[l] * sigma / 2
return dmu, dlogvar''', ""),
    ("2.4", "einsum, returned as a list", '''
half = np.einsum("lbj,lbj,bj->bj", dz, eps, np.exp(0.5 * logvar)) / 2
return [np.einsum("lbj->bj", dz), half]''', ""),
    ("2.5", "exp less 1", "return mu.copy(), (np.exp(logvar) - 1) / 2", ""),
    ("2.5", "σ squared", "sigma = np.exp(logvar / 2)\nreturn 1 * mu, (sigma**2 - 1) / 2", ""),
    ("2.6", "by sign", '''
out = np.empty_like(a)
out[a >= 0] = 1 / (1 + np.exp(-a[a >= 0]))
e = np.exp(a[a < 0])
out[a < 0] = e / (1 + e)
return out''', ""),
    ("2.6", "by tanh", "return (1 + np.tanh(a / 2)) / 2", ""),
    ("2.6", "by logaddexp", "return np.exp(-np.logaddexp(0, -a))", ""),
    ("2.7", "logaddexp", "return np.sum(x * logits - np.logaddexp(0, logits), axis=-1)", ""),
    ("2.7", "the docstring's own formula", '''
softplus = np.maximum(logits, 0) + np.log(1 + np.exp(-np.abs(logits)))
return np.sum(x * logits - softplus, axis=-1)''', ""),
    ("2.7", "two logarithms of probabilities", '''
log_p, log_not_p = -np.logaddexp(0, -logits), -np.logaddexp(0, logits)
return (x * log_p + (1 - x) * log_not_p).sum(axis=-1)''', ""),
    ("2.8", "a sigmoid of its own", '''
s = np.where(logits >= 0, 1, np.exp(-np.abs(logits))) / (1 + np.exp(-np.abs(logits)))
return x - s.astype(x.dtype)''', ""),
    ("2.8", "by tanh", "return x - 0.5 - np.tanh(logits / 2) / 2", ""),
    ("2.9", "by the variance", '''
v = np.exp(logvar)
return (z - mu) / v, ((z - mu) ** 2 / v - 1) / 2''', ""),
    ("2.9", "by the first in the second", '''
dmu = (z - mu) * np.exp(-logvar)
return (dmu, dmu * (z - mu) / 2 - 0.5)''', ""),
    ("3.1", "np.dot", "self.x = x\nreturn np.dot(x, self.W) + self.b", ""),
    ("3.1", "einsum, x remembered as a copy", '''
self.x = np.array(x)
return np.einsum("bi,ij->bj", x, self.W) + self.b[None, :]''', ""),
    ("3.2", "a loop over the rows", '''
self.dW[...] = 0
self.db[...] = 0
for row, d in zip(self.x, dy):
    self.dW += np.outer(row, d)
    self.db += d''', ""),
    ("3.2", "np.dot into a slice", '''
self.dW[:, :] = np.dot(self.x.T, dy)
self.db[:] = np.ones(len(dy)) @ dy''', ""),
    ("3.3", "einsum", 'return np.einsum("bj,ij->bi", dy, self.W)', ""),
    ("3.3", "twice transposed", "return (self.W @ dy.T).T", ""),
    ("3.4", "power", "return dy * (1 - self.y**2)", ""),
    ("3.4", "a product of two", "return (1 - self.y) * dy * (1 + self.y)", ""),
    ("3.5", "a loop over the samples", _FORWARD + '''
self._mu_logvar = self.encode(x)
z = np.stack([reparameterize(*self._mu_logvar, e) for e in self._eps])
log_px = self._log_px_z(self._x, z)
self.remembered = "forward"
return sum(log_px) / self.dtype.type(len(log_px)), gaussian_kl(*self._mu_logvar)''', ""),
    ("3.5", "the decoder called by hand", _FORWARD + '''
h = layers.forward(self._encoder, self._x)
mu, logvar = self._mu.forward(h), self._logvar.forward(h)
self._mu_logvar = (mu, logvar)
z = reparameterize(mu, logvar, self._eps)
h = layers.forward(self._decoder, z.reshape(-1, self.n_z))
log_px = self._output.log_likelihood(self._x, h)
self.remembered = "forward"
return [log_px.sum(axis=0) / len(log_px), gaussian_kl(mu, logvar)]''', ""),
    ("3.6", "log p(x, z) less log q", '''
mu, logvar = self.encode(x)
z = reparameterize(mu, logvar, checks.noise(eps, len(mu), self.n_z, self.dtype))
return self.log_joint(x, z) - gaussian_log_density(z, mu, logvar)''', ""),
    ("3.6", "one sample at a time", '''
mu, logvar = self.encode(x)
out = []
for e in checks.noise(eps, len(mu), self.n_z, self.dtype):
    z = reparameterize(mu, logvar, e)
    px = self._log_px_z(self.as_data(x), z[None])[0]
    out.append(px + standard_normal_log_density(z) - gaussian_log_density(z, mu, logvar))
return np.array(out)''', ""),
    ("3.7", "the KL first, the weights later", '''
checks.remembered("backward", "forward", self.remembered)
(mu, logvar), (L, B, n) = self._mu_logvar, self._eps.shape
gmu, glogvar = (self.beta * part / B for part in gaussian_kl_backward(mu, logvar))
dz = layers.backward(self._decoder, self._output.backward(-1.0)).reshape(L, B, n)
dmu, dlogvar = reparameterize_backward(dz, logvar, self._eps)
for name in self.params.grads:
    if name.startswith(("decoder", "logits", "x_")):
        self.params.grads[name][...] /= L * B
dh = self._mu.backward(dmu / (L * B) + gmu)
dh = dh + self._logvar.backward(dlogvar / (L * B) + glogvar)
layers.backward_weights(self._encoder, dh)''', ""),
    ("3.7", "the formulas in place of the functions", '''
checks.remembered("backward", "forward", self.remembered)
eps, (mu, logvar) = self._eps, self._mu_logvar
L, B, n = eps.shape
dz = layers.backward(self._decoder, self._output.backward(-1 / L / B)).reshape(L, B, n)
sigma = np.exp(logvar / 2)
dmu = dz.sum(axis=0) + self.beta * mu / B
dlogvar = (dz * eps * sigma).sum(axis=0) / 2 + self.beta * (sigma**2 - 1) / (2 * B)
dh = self._mu.backward(dmu) + self._logvar.backward(dlogvar)
if self._encoder:
    layers.backward(self._encoder, dh)''', ""),
    ("3.8", "rows of the identity", '''
_moved(f, theta, h)
steps = h * np.eye(theta.size)
return np.array([(f(theta + step) - f(theta - step)) / (2 * h) for step in steps])''', ""),
    ("3.8", "a copy that is moved and put back", '''
if ((theta + h == theta) | (theta - h == theta)).any():
    raise ValueError(h)
moved, out = theta.copy(), []
for i, value in enumerate(theta):
    moved[i] = value + h
    up = f(moved)
    moved[i] = value - h
    out.append((up - f(moved)) / (2 * h))
    moved[i] = value
return out''', ""),
    ("3.9", "in one line", '''
self.s[block] += g**2
theta -= self.lr * g / (np.sqrt(self.s[block]) + self.epsilon)''', ""),
    ("3.9", "θ written through a slice", '''
s = self.s[block]
s[:] = s + np.square(g)
theta[:] = theta - self.lr * (g / (s**0.5 + self.epsilon))''', ""),
    ("3.10", "the formula of the paper", _ADAM + '''
m_hat, v_hat = m / (1 - self.beta1**self.t), v / (1 - self.beta2**self.t)
theta -= self.lr * m_hat / (np.sqrt(v_hat) + self.epsilon)''', ""),
    ("3.10", "the paper's other order", _ADAM + '''
root = np.sqrt(1 - self.beta2**self.t)
alpha = self.lr * root / (1 - self.beta1**self.t)
theta -= alpha * m / (np.sqrt(v) + self.epsilon * root)''', ""),
    ("3.11", "uniform numbers", '''
dtype = _check_draw(images, rng, dtype, part)
p = images / 255 if images.dtype == np.uint8 else images
return (rng.uniform(size=images.shape) < p).astype(dtype)''', ""),
    ("3.11", "rng.binomial", '''
if images.dtype == np.uint8:
    if images.size and images.max() == 1 and not part:
        raise ValueError("bits")
    p = images / 255
elif images.dtype.kind not in "fb":
    raise TypeError("uint8 or floats")
elif not ((images >= 0) & (images <= 1)).all():
    raise ValueError("not in [0, 1]")
else:
    p = images
return rng.binomial(1, p).astype(dtype)''', ""),
    ("3.12", "elbo, then the parts", '''
eps = model.noise(len(x), rng)
terms = model.forward(x, eps)
bound = Bound.mean(*terms)
model.backward()
optimizer.step()
return bound''', ""),
    ("3.12", "means of its own", '''
reconstruction, kl = model.forward(x, model.noise(x.shape[0], rng))
model.backward()
optimizer.step()
r, k = float(np.mean(reconstruction, dtype=float)), float(np.mean(kl, dtype=float))
return Bound(elbo=r - k, reconstruction=r, kl=k)''', ""),
    ("4.1", "logaddexp", '''
log_w = np.asarray(log_w, float)
m = np.maximum(self.m, log_w.max(axis=0))
old = np.exp(self.m - m)
self.S1 = old * self.S1 + np.exp(log_w - m).sum(axis=0)
self.S2 = old**2 * self.S2 + np.exp(2 * (log_w - m)).sum(axis=0)
self.m = m
self.K += log_w.shape[0]''', ""),
    ("4.1", "one weight at a time", '''
for row in log_w:
    m = np.maximum(self.m, row.astype(float))
    shrink, w = np.exp(self.m - m), np.exp(row.astype(float) - m)
    self.S1, self.S2 = self.S1 * shrink + w, self.S2 * shrink * shrink + w * w
    self.m, self.K = m, self.K + 1''', ""),
    ("4.2", "all weights kept, then LogMean", '''
parts = [
    vae.log_weights(x, rng.standard_normal((k, len(x), vae.n_z), vae.dtype))
    for k in _groups(K, len(x))
]
mean = LogMean(len(x))
mean.add(np.concatenate(parts))
return mean.result()''', ""),
    ("4.2", "the largest taken out by hand", '''
groups = [rng.standard_normal((k, len(x), vae.n_z), vae.dtype) for k in _groups(K, len(x))]
log_w = np.concatenate([vae.log_weights(x, eps) for eps in groups]).astype(float)
top = log_w.max(axis=0)
w = np.exp(log_w - top)
if K == 1:
    return top, np.full(len(top), np.inf)
error = w.std(axis=0, ddof=1) / np.sqrt(K) / w.mean(axis=0)
return top + np.log(w.mean(axis=0)), error''', ""),
]  # fmt: skip

UNNOTICED = [
    ("2.5", "μ itself", "return mu, np.expm1(logvar) / 2", ""),
    ("3.5", "does not say that it came last", """
self._x, self._mu_logvar = self.as_data(x), self.encode(x)
self._eps = checks.noise(eps, len(self._x), self.n_z, self.dtype)
log_px = self._log_px_z(self._x, reparameterize(*self._mu_logvar, self._eps))
return np.mean(log_px, axis=0), gaussian_kl(*self._mu_logvar)""", ""),
    ("3.6", "the layers, without saying so", """
x = self.as_data(x)
mu, logvar = self._heads(x)
z = reparameterize(mu, logvar, checks.noise(eps, len(mu), self.n_z, self.dtype))
ratio = standard_normal_log_density(z) - gaussian_log_density(z, mu, logvar)
return self._log_px_z(x, z) + ratio""", ""),
    ("3.7", "without its check", """
eps, (mu, logvar) = self._eps, self._mu_logvar
L, B, n = eps.shape
dz = layers.backward(self._decoder, self._output.backward(-1 / L / B)).reshape(L, B, n)
dmu, dlogvar = reparameterize_backward(dz, logvar, eps)
gmu, glogvar = gaussian_kl_backward(mu, logvar)
dh = self._mu.backward(dmu + self.beta * gmu / B)
dh += self._logvar.backward(dlogvar + self.beta * glogvar / B)
layers.backward_weights(self._encoder, dh)""", ""),
]  # fmt: skip

Files = dict[str, str]
RIGHT_KL = "0.5 * (np.exp(logvar) - 1 - logvar + mu * mu).sum(axis=-1)"


def _top(files: Files, module: str, text: str) -> Files:
    """More text after the file's last import."""
    lines = files[module].splitlines(keepends=True)
    last = max(i for i, line in enumerate(lines) if line.startswith(("import ", "from ")))
    while not lines[last].strip().endswith(")") and "(" in lines[last]:
        last += 1
    return {**files, module: "".join([*lines[: last + 1], text, *lines[last + 1 :]])}


def _future() -> Files:
    files = filled("2.2", f"return {RIGHT_KL}")
    start, quote, rest = files["distributions"].partition('"""\n\nimport numpy')
    text = f"{start}{quote[:4]}from __future__ import annotations\n\nimport numpy{rest}"
    return {**files, "distributions": text}


def _table() -> Files:
    files = filled("2.2", "return TABLE['kl'](mu, logvar)")
    table = f"\n\ndef _own(mu, logvar):\n    return {RIGHT_KL}\n\n\nTABLE = {{'kl': _own}}\n"
    return {**files, "distributions": files["distributions"] + table}


def _class_at_the_top() -> Files:
    files = filled("2.3", "return Sample(mu, logvar).at(eps)")
    text = '''

class Sample:
    """Used further down, and uses np from further up."""

    half = 0.5

    def __init__(self, mu, logvar):
        self.mu, self.sigma = mu, np.exp(self.half * logvar)

    def at(self, eps):
        return self.mu + self.sigma * eps

'''
    return _top(files, "distributions", text)


def _conditional_definition() -> Files:
    files = filled("2.2", "pass")
    body = f"    def gaussian_kl(mu, logvar):\n        return {RIGHT_KL}\n"
    return {**files, "distributions": files["distributions"] + "\n\nif True:\n\n" + body}


def _another_name() -> Files:
    files = filled("2.2", "pass")
    text = f"\n\ndef _kl(mu, logvar):\n    return {RIGHT_KL}\n\n\ngaussian_kl = _kl\n"
    return {**files, "distributions": files["distributions"] + text}


def _helper_in_a_new_file() -> Files:
    body = "from scratchvae.own import half_sum\n\nreturn half_sum(mu, logvar)"
    own = "import numpy as np\n\n\ndef half_sum(mu, logvar):\n"
    own += "    return 0.5 * (np.exp(logvar) - 1 - logvar + mu * mu).sum(axis=-1)\n"
    return {**filled("2.2", body), "own": own}


def _helper_in_another_file() -> Files:
    files = filled(
        "2.3", "from scratchvae.parameters import spread\n\nreturn mu + spread(logvar) * eps"
    )
    text = "\n\ndef spread(logvar):\n    return np.sqrt(np.exp(logvar))\n"
    return {**files, "parameters": files["parameters"] + text}


def _state_of_its_own() -> Files:
    forward = filled("3.1", "self._in = self.x = x\nreturn x @ self.W + self.b")
    text = forward["layers"].replace(
        "np.matmul(self.x.T, dy, out=self.dW)", "np.matmul(self._in.T, dy, out=self.dW)"
    )
    assert text != forward["layers"]
    return {**forward, "layers": text}


def _state_under_another_name() -> Files:
    files = _state_of_its_own()
    return {**files, "layers": files["layers"].replace("self._in = self.x = x", "self._in = x")}


def _state_of_the_bound() -> Files:
    text = filled("3.5", _FORWARD + '''
self._B = len(self._x)
self._mu_logvar = mu, logvar = self._heads(self._x)
log_px = self._log_px_z(self._x, reparameterize(mu, logvar, self._eps))
self.remembered = "forward"
return log_px.mean(axis=0), gaussian_kl(mu, logvar)''')["vae"]  # fmt: skip
    changed = text.replace("L, B, _ = eps.shape", "L, B = len(eps), self._B")
    assert changed != text
    return {**filled("3.5", "pass"), "vae": changed}


def _property_with_a_setter() -> Files:
    files = filled("3.4", "return dy * self.slope")
    own = """
    scale = 1.0

    @property
    def slope(self) -> FloatArray:
        return self.scale * (1 - self.y**2)

    @slope.setter
    def slope(self, value: float) -> None:
        self.scale = value

    @staticmethod
    def _twice(t: float) -> float:
        return 2 * t

"""
    head = "class Tanh(Layer):\n"
    before, _, after = files["layers"].partition(head)
    docstring, _, rest = after.partition('"""\n\n')
    return {**files, "layers": f'{before}{head}{docstring}"""\n{own}{rest}'}


def _import_that_is_missing() -> Files:
    files = filled("3.3", "return dy @ self.W.T")
    return _top(files, "layers", "\nimport a_library_that_nobody_has\n")


def _prints_and_trains_at_the_top() -> Files:
    files = filled("2.6", "e = np.exp(-np.abs(a))\nreturn np.where(a >= 0, 1, e) / (1 + e)")
    return {
        **files,
        "layers": files["layers"] + "\nprint('done')\nfor i in range(10**12):\n    i\n",
    }


def _notes_beside() -> Files:
    return {**filled("2.2", f"return {RIGHT_KL}"), "notes": "my notes: no Python at all\n"}


def _deleted_what_is_not_asked() -> Files:
    files = filled("2.2", f"return {RIGHT_KL}")
    start = files["distributions"].index("def standard_normal_log_density")
    end = files["distributions"].index("def gaussian_kl(")
    return {**files, "distributions": files["distributions"][:start] + files["distributions"][end:]}


FILES: list[tuple[str, str, Callable[[], Files]]] = [
    ("2.2", "from __future__ import annotations", _future),
    ("2.2", "a table of functions at the end", _table),
    ("2.3", "a class at the top", _class_at_the_top),
    ("2.2", "if True: def", _conditional_definition),
    ("2.2", "gaussian_kl = _kl", _another_name),
    ("2.2", "a helper in a new file", _helper_in_a_new_file),
    ("2.3", "a helper in another file", _helper_in_another_file),
    ("3.1", "state of its own beside self.x", _state_of_its_own),
    ("3.2", "state of its own beside self.x", _state_of_its_own),
    ("3.2", "state under another name", _state_under_another_name),
    ("3.5", "state of its own: self._B", _state_of_the_bound),
    ("3.7", "state of its own: self._B", _state_of_the_bound),
    ("3.4", "class attributes, a property with a setter", _property_with_a_setter),
    ("3.3", "an import of what is not installed", _import_that_is_missing),
    ("2.6", "work at the top level", _prints_and_trains_at_the_top),
    ("2.2", "notes.py beside", _notes_beside),
    ("2.2", "what is not asked is deleted", _deleted_what_is_not_asked),
]
