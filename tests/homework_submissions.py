"""Submissions for the tests of the homework: correct variants of the reference."""

from pathlib import Path

from scratchvae.homework import sandbox, source
from scratchvae.homework.exercises import BY_NUMBER


def filled(number: str, body: str, top: str = "") -> dict[str, str]:
    """The reference's files with another body in one exercise's function, and more text after the file's imports."""
    exercise = BY_NUMBER[number]
    files = source.reference()
    text = source.fill(files[exercise.module], exercise.name, body, exercise.module)
    files[exercise.module] = text + top
    return files


def best_sandbox() -> str:
    """bubblewrap where it works; without it the tests that need it are skipped by name."""
    return "none" if sandbox._problem() else "bwrap"


def hand_in(folder: Path, files: dict[str, str]) -> Path:
    """Write a submission."""
    place = folder / "scratchvae"
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


# What may be handed in instead of the reference, all of it right: (exercise, how it differs, body, more at the top of the file)
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
    ("1.2", "masks", '''
p, q = _two_distributions(p, q, axis)
out = np.zeros_like(p)
with np.errstate(divide="ignore"):
    out[p > 0] = p[p > 0] * np.log(q[p > 0])
return -out.sum(axis=-1) / _log(base)''', ""),
    ("1.3", "cross entropy less entropy", '''
return cross_entropy(p, q, base=base, axis=axis) - entropy(p, base=base, axis=axis)''', ""),
    ("1.3", "log of the quotient", '''
p, q = _two_distributions(p, q, axis)
with np.errstate(divide="ignore", invalid="ignore"):
    return np.where(p > 0, p * np.log(p / q), 0).sum(axis=-1) / _log(base)''', ""),
    ("1.4", "four cases by np.where", '''
y, y_hat = _numbers("y", y, 0, 1), _numbers("y_hat", y_hat, 0, 1)
_same_shape("y", y, "y_hat", y_hat)
with np.errstate(divide="ignore", invalid="ignore"):
    ones = np.where(y > 0, y * np.log(y_hat), 0)
    zeros = np.where(y < 1, (1 - y) * np.log(1 - y_hat), 0)
return -(ones + zeros) / y.dtype.type(_log(base))''', ""),
    ("1.5", "the definition", '''
parent, children = np.asarray(parent, float), np.asarray(children, float)
if parent.ndim != 1 or children.ndim != 2 or not np.allclose(children.sum(axis=0), parent):
    raise ValueError("children do not add to the parent")
gain = entropy(parent / parent.sum(), base=base)
for child in children:
    if child.sum() > 0:
        gain -= child.sum() / parent.sum() * entropy(child / child.sum(), base=base)
return float(gain)''', ""),
    ("1.6", "the ceiling of the logarithm", '''
q = _distribution("q", _vector("q", q), -1)
with np.errstate(divide="ignore"):
    return np.ceil(-np.log2(q))''', ""),
    ("2.1", "dividing by the variance", "return -0.5 * np.sum(np.log(2 * np.pi) + logvar + (z - mu) ** 2 / np.exp(logvar), axis=-1)", ""),
    ("2.2", "the formula of the paper", "return -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=-1)", ""),
    ("2.2", "a sum of means", '''
total = np.zeros(mu.shape[:-1], mu.dtype)
for j in range(mu.shape[-1]):
    total = total + (mu[..., j] ** 2 + np.exp(logvar[..., j]) - logvar[..., j] - 1) / 2
return total''', ""),
    ("2.3", "σ by a square root", "return np.sqrt(np.exp(logvar)) * eps + mu", ""),
    ("2.4", "a loop over the samples", '''
sigma = np.exp(logvar / 2)
dmu, dlogvar = np.zeros_like(logvar), np.zeros_like(logvar)
for l in range(len(dz)):
    dmu += dz[l]
    dlogvar += dz[l] * eps[l] * sigma / 2
return dmu, dlogvar''', ""),
    ("2.4", "einsum, returned as a list", '''
half = np.einsum('lbj,lbj,bj->bj', dz, eps, np.exp(0.5 * logvar)) / 2
return [np.einsum('lbj->bj', dz), half]''', ""),
    ("2.5", "exp less 1", "return mu.copy(), (np.exp(logvar) - 1) / 2", ""),
    ("2.6", "by sign", '''
out = np.empty_like(a)
out[a >= 0] = 1 / (1 + np.exp(-a[a >= 0]))
e = np.exp(a[a < 0])
out[a < 0] = e / (1 + e)
return out''', ""),
    ("2.7", "logaddexp", "return np.sum(x * logits - np.logaddexp(0, logits), axis=-1)", ""),
    ("2.8", "a sigmoid of its own", '''
s = np.where(logits >= 0, 1, np.exp(-np.abs(logits))) / (1 + np.exp(-np.abs(logits)))
return x - s.astype(x.dtype)''', ""),
    ("2.9", "by the variance", "v = np.exp(logvar)\nreturn (z - mu) / v, ((z - mu) ** 2 / v - 1) / 2", ""),
    ("3.1", "np.dot", "self.x = x\nreturn np.dot(x, self.W) + self.b", ""),
    ("3.2", "a loop over the rows", '''
self.dW[...] = 0
self.db[...] = 0
for row, d in zip(self.x, dy):
    self.dW += np.outer(row, d)
    self.db += d''', ""),
    ("3.3", "einsum", "return np.einsum('bj,ij->bi', dy, self.W)", ""),
    ("3.4", "power", "return dy * (1 - self.y**2)", ""),
    ("3.5", "a loop over the samples", '''
self._x = self.as_data(x)
self._eps = checks.noise(eps, len(self._x), self.n_z, self.dtype)
self._mu_logvar = self.encode(x)
z = np.stack([reparameterize(*self._mu_logvar, e) for e in self._eps])
log_px = self._log_px_z(self._x, z)
return sum(log_px) / self.dtype.type(len(log_px)), gaussian_kl(*self._mu_logvar)''', ""),
    ("3.10", "the formula of the paper", '''
m, v = self.U[block], self.V[block]
m[...] = self.beta1 * m + (1 - self.beta1) * g
v[...] = self.beta2 * v + (1 - self.beta2) * g**2
m_hat, v_hat = m / (1 - self.beta1**self.t), v / (1 - self.beta2**self.t)
theta -= self.lr * m_hat / (np.sqrt(v_hat) + self.epsilon)''', ""),
    ("3.9", "in one line", "self.s[block] += g**2\ntheta -= self.lr * g / (np.sqrt(self.s[block]) + self.epsilon)", ""),
    ("3.11", "uniform numbers", '''
_check_pixels("images", images)
p = images / 255 if images.dtype == np.uint8 else images
return (rng.uniform(size=images.shape) < p).astype(dtype)''', ""),
    ("3.12", "by loss and gradient", '''
eps = rng.standard_normal((1, len(x), vae.n_z), vae.dtype)
vae.loss_and_grad(x, eps)
bound = Bound.mean(*vae.forward(x, eps))
optimizer.step()
return bound''', ""),
]  # fmt: skip
