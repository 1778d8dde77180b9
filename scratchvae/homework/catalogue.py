"""The classical wrong answers: for each exercise the bodies that are handed in, year after year, and the sentence that names the mistake.

A body stands in place of the reference's, under the same signature. What it returns in the cases of `checks.py` is compared with what a
student's function returns; where all of it agrees, that is the student's mistake.
"""

from dataclasses import dataclass

from scratchvae.homework import source
from scratchvae.homework.exercises import BY_NUMBER


@dataclass(frozen=True)
class Mistake:
    """number: of the exercise. sentence: what is said of it, after "this is". body: the wrong statements."""

    number: str
    sentence: str
    body: str

    def module(self, package: dict[str, str]) -> str:
        """The exercise's file with the wrong body in it. package: what it is graded in."""
        exercise = BY_NUMBER[self.number]
        return source.fill(
            package[exercise.module], exercise.name, self.body, f"{exercise.module}.py"
        )


_P = 'p = _distribution("p", p, axis)\n'
_PQ = "p, q = _two_distributions(p, q, axis)\n"
_Y = 'y, y_hat = _numbers("y", y, 0, 1), _numbers("y_hat", y_hat, 0, 1)\n_same_shape("y", y, "y_hat", y_hat)\n'
_SAFE = 'with np.errstate(divide="ignore", invalid="ignore"):\n    '
_H = "-(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0)).sum(axis=-1)"
_FORWARD = (
    "self._x = self.as_data(x)\nself._eps = checks.noise(eps, len(self._x), self.n_z, self.dtype)\n"
    "self._mu_logvar = mu, logvar = self._heads(self._x)\n"
)
_BACKWARD = """
eps, (mu, logvar) = self._eps, self._mu_logvar
L, B, _ = eps.shape
dh = self._output.backward({weight})
dz = layers.backward(self._decoder, dh).reshape(eps.shape)
dmu, dlogvar = reparameterize_backward(dz, logvar, eps)
dkl_dmu, dkl_dlogvar = gaussian_kl_backward(mu, logvar)
dmu += dkl_dmu{kl}
dlogvar += dkl_dlogvar{kl}
dh = {dh}
if self._encoder:
    layers.backward(self._encoder, dh)
"""
_TWO_HEADS = "self._mu.backward(dmu) + self._logvar.backward(dlogvar)"
_ADAM = """
U, V = self.U[block], self.V[block]
U *= self.beta1
U += (1 - self.beta1) * g
V *= self.beta2
V += (1 - self.beta2) * g * g
"""
_LOG_MEAN = """
m = np.maximum(self.m, log_w.max(axis=0))
with np.errstate(all="ignore"):
    shrink, w = np.exp(self.m - m), np.exp(log_w.astype(np.float64) - m)
    self.S1, self.S2 = np.nan_to_num({S1}) + w.sum(axis=0), np.nan_to_num({S2}) + (w * w).sum(axis=0)
self.m, self.K = m, self.K + len(log_w)
"""
_WEIGHTS = """
mu, logvar = vae.encode(x)
z = reparameterize(mu, logvar, rng.standard_normal((K, *mu.shape), vae.dtype))
log_w = (vae.log_joint(x, z) - gaussian_log_density(z, mu, logvar)).astype(np.float64)
"""


def _vae_backward(weight: str = "-1 / (L * B)", kl: str = " / B", dh: str = _TWO_HEADS) -> str:
    return _BACKWARD.format(weight=weight, kl=kl, dh=dh)


MISTAKES = (
    # 1.1 entropy
    Mistake("1.1", "the entropy with its sign turned round", f"{_P}return -({_H}) / _log(base)"),
    Mistake(
        "1.1",
        "the entropy in nats, whatever the base: the division by log(base) is missing",
        f"{_P}_log(base)\nreturn {_H}",
    ),
    Mistake(
        "1.1", "multiplied by log(base) where it should be divided", f"{_P}return {_H} * _log(base)"
    ),
    Mistake(
        "1.1",
        "0 log 0 computed as NaN: a probability of 0 should add 0",
        f"{_P}{_SAFE}return -(p * np.log(p)).sum(axis=-1) / _log(base)",
    ),
    Mistake(
        "1.1",
        "a small number added inside the logarithm against log 0: the value is off everywhere",
        f"{_P}return -(p * np.log(p + 1e-6)).sum(axis=-1) / _log(base)",
    ),
    Mistake(
        "1.1",
        "the mean over the outcomes where it should be the sum",
        f"{_P}return ({_H}) / p.shape[-1] / _log(base)",
    ),
    Mistake(
        "1.1",
        "the sum over the last axis, whatever `axis` says",
        f'_distribution("p", p, axis)\np = np.asarray(p)\nif p.dtype != np.float32:\n    p = p.astype(float)\nreturn {_H} / _log(base)',
    ),
    Mistake(
        "1.1",
        "the sum of the surprises, not weighted by p",
        f"{_P}{_SAFE}return -np.log(p).sum(axis=-1) / _log(base)",
    ),
    # 1.2 cross entropy
    Mistake(
        "1.2",
        "H(q, p): p and q are swapped",
        f"{_PQ}{_SAFE}return -np.where(q > 0, q * np.log(p), 0).sum(axis=-1) / _log(base)",
    ),
    Mistake(
        "1.2", "the entropy of p: q is not used in the logarithm", f"{_PQ}return {_H} / _log(base)"
    ),
    Mistake(
        "1.2",
        "the cross entropy with its sign turned round",
        f"{_PQ}{_SAFE}return np.where(p > 0, p * np.log(q), 0).sum(axis=-1) / _log(base)",
    ),
    Mistake(
        "1.2",
        "the KL divergence: the entropy of p is subtracted",
        f"{_PQ}{_SAFE}return np.where(p > 0, p * (np.log(np.where(p > 0, p, 1)) - np.log(q)), 0).sum(axis=-1) / _log(base)",
    ),
    Mistake(
        "1.2",
        "the cross entropy in nats, whatever the base",
        f"{_PQ}_log(base)\n{_SAFE}return -np.where(p > 0, p * np.log(q), 0).sum(axis=-1)",
    ),
    Mistake(
        "1.2",
        "0 log 0 computed as NaN: a probability of 0 should add 0",
        f"{_PQ}{_SAFE}return -(p * np.log(q)).sum(axis=-1) / _log(base)",
    ),
    # 1.3 KL
    Mistake(
        "1.3",
        "the KL with its sign turned round",
        f"{_PQ}{_SAFE}return np.where(p > 0, p * np.log(q / np.where(p > 0, p, 1)), 0).sum(axis=-1) / _log(base)",
    ),
    Mistake(
        "1.3",
        "KL(q ‖ p): p and q are swapped",
        f"{_PQ}{_SAFE}return np.where(q > 0, q * np.log(np.where(q > 0, q, 1) / p), 0).sum(axis=-1) / _log(base)",
    ),
    Mistake(
        "1.3",
        "the cross entropy: the entropy of p is not subtracted",
        f"{_PQ}{_SAFE}return -np.where(p > 0, p * np.log(q), 0).sum(axis=-1) / _log(base)",
    ),
    Mistake(
        "1.3",
        "the KL in nats, whatever the base",
        f"{_PQ}_log(base)\n{_SAFE}return np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / q), 0).sum(axis=-1)",
    ),
    Mistake(
        "1.3",
        "0 log 0 computed as NaN: a probability of 0 should add 0",
        f"{_PQ}{_SAFE}return (p * np.log(p / q)).sum(axis=-1) / _log(base)",
    ),
    Mistake(
        "1.3",
        "the absolute value of each term: terms of a KL may be negative, only their sum is not",
        f"{_PQ}{_SAFE}return np.abs(np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / q), 0)).sum(axis=-1) / _log(base)",
    ),
    # 1.4 binary cross entropy
    Mistake(
        "1.4",
        "the half for y = 1 alone: (1 − y) log(1 − ŷ) is missing",
        f"{_Y}{_SAFE}return -np.where(y > 0, y * np.log(y_hat), 0) / _log(base)",
    ),
    Mistake(
        "1.4",
        "y and ŷ swapped",
        f"{_Y}{_SAFE}a, b = y_hat * np.log(y), (1 - y_hat) * np.log(1 - y)\n"
        "return -(np.where(y_hat > 0, a, 0) + np.where(y_hat < 1, b, 0)) / _log(base)",
    ),
    Mistake(
        "1.4",
        "the mean over the entries where each entry should have its own",
        f"{_Y}{_SAFE}return -(np.where(y > 0, y * np.log(y_hat), 0) + np.where(y < 1, (1 - y) * np.log(1 - y_hat), 0)).mean() / _log(base)",
    ),
    Mistake(
        "1.4",
        "0 log 0 computed as NaN: where y = 0, log ŷ should add 0",
        f"{_Y}{_SAFE}return -(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / _log(base)",
    ),
    Mistake(
        "1.4",
        "ŷ clipped against log 0: what should be infinite is finite",
        f"{_Y}y_hat = np.clip(y_hat, 1e-12, 1 - 1e-12)\nreturn -(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / _log(base)",
    ),
    # 1.5 information gain
    Mistake(
        "1.5",
        "children weighed alike, not by their sizes N_k / N",
        """
parent, children = _numbers("parent", parent, 0), _numbers("children", children, 0)
if parent.ndim != 1 or children.ndim != 2 or not np.allclose(children.sum(axis=0), parent):
    raise ValueError("parent and children do not fit")
inside = [entropy(child / child.sum(), base=base) for child in children if child.sum()]
return float(entropy(parent / parent.sum(), base=base) - np.mean(inside))""",
    ),
    Mistake(
        "1.5",
        "the children's entropies added without weights",
        """
parent, children = _numbers("parent", parent, 0), _numbers("children", children, 0)
if parent.ndim != 1 or children.ndim != 2 or not np.allclose(children.sum(axis=0), parent):
    raise ValueError("parent and children do not fit")
inside = [entropy(child / child.sum(), base=base) for child in children if child.sum()]
return float(entropy(parent / parent.sum(), base=base) - np.sum(inside))""",
    ),
    Mistake(
        "1.5",
        "the mean entropy after the split: H(parent) is not there to subtract it from",
        """
parent, children = _numbers("parent", parent, 0), _numbers("children", children, 0)
if parent.ndim != 1 or children.ndim != 2 or not np.allclose(children.sum(axis=0), parent):
    raise ValueError("parent and children do not fit")
return float(sum(child.sum() / parent.sum() * entropy(child / child.sum(), base=base) for child in children if child.sum()))""",
    ),
    # 1.6 code lengths
    Mistake(
        "1.6",
        "rounded down where it should be rounded up: such lengths break Kraft's inequality",
        f'q = _distribution("q", _vector("q", q), -1)\n{_SAFE}return np.floor(-np.log2(q))',
    ),
    Mistake(
        "1.6",
        "not rounded up to whole bits",
        f'q = _distribution("q", _vector("q", q), -1)\n{_SAFE}return -np.log2(q)',
    ),
    Mistake(
        "1.6",
        "the natural logarithm where bits need log₂",
        f'q = _distribution("q", _vector("q", q), -1)\n{_SAFE}return np.ceil(-np.log(q))',
    ),
    # 2.1 Gaussian log density
    Mistake(
        "2.1",
        "log σ² taken for log σ: the variance is squared",
        "return -0.5 * (LOG_2PI + 2 * logvar + ((z - mu) / np.exp(logvar)) ** 2).sum(axis=-1)",
    ),
    Mistake(
        "2.1",
        "σ where σ² should divide",
        "return -0.5 * (LOG_2PI + logvar + (z - mu) ** 2 / np.exp(0.5 * logvar)).sum(axis=-1)",
    ),
    Mistake(
        "2.1",
        "without log 2π",
        "return -0.5 * (logvar + (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1)",
    ),
    Mistake(
        "2.1",
        "without ½",
        "return -(LOG_2PI + logvar + (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1)",
    ),
    Mistake(
        "2.1",
        "the mean over dimensions where it should be the sum",
        "return -0.5 * (LOG_2PI + logvar + (z - mu) ** 2 * np.exp(-logvar)).mean(axis=-1)",
    ),
    Mistake(
        "2.1",
        "log 2π counted once, not once for each dimension",
        "return -0.5 * (LOG_2PI + (logvar + (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1))",
    ),
    # 2.2 KL
    Mistake(
        "2.2",
        "the KL with its sign turned round",
        "return 0.5 * (1 + logvar - mu**2 - np.exp(logvar)).sum(axis=-1)",
    ),
    Mistake(
        "2.2", "the KL without its ½", "return -(1 + logvar - mu**2 - np.exp(logvar)).sum(axis=-1)"
    ),
    Mistake(
        "2.2",
        "log σ² taken for log σ: e^(2 log σ²) stands where σ² should",
        "return -0.5 * (1 + 2 * logvar - mu**2 - np.exp(2 * logvar)).sum(axis=-1)",
    ),
    Mistake(
        "2.2",
        "σ where σ² should be",
        "return -0.5 * (1 + logvar - mu**2 - np.exp(0.5 * logvar)).sum(axis=-1)",
    ),
    Mistake(
        "2.2",
        "the mean over latent dimensions where it should be the sum",
        "return -0.5 * (1 + logvar - mu**2 - np.exp(logvar)).mean(axis=-1)",
    ),
    Mistake(
        "2.2",
        "the sum over the first axis, the batch, where it should be over the last",
        "return -0.5 * (1 + logvar - mu**2 - np.exp(logvar)).sum(axis=0)",
    ),
    Mistake(
        "2.2",
        "without the 1: it is off by ½ for each dimension",
        "return -0.5 * (logvar - mu**2 - np.exp(logvar)).sum(axis=-1)",
    ),
    Mistake(
        "2.2",
        "μ where μ² should be",
        "return -0.5 * (1 + logvar - mu - np.exp(logvar)).sum(axis=-1)",
    ),
    # 2.3 reparameterization
    Mistake(
        "2.3",
        "σ² where σ should multiply ε (log σ² taken for log σ)",
        "return mu + np.exp(logvar) * eps",
    ),
    Mistake(
        "2.3", "log σ² itself multiplying ε: the exponential is missing", "return mu + logvar * eps"
    ),
    Mistake("2.3", "μ alone: ε is not used", "return mu + 0 * eps"),
    Mistake("2.3", "ε not multiplied by σ", "return mu + eps + 0 * logvar"),
    Mistake(
        "2.3",
        "minus σ ε: as a distribution the same, as a function of ε not",
        "return mu - np.exp(0.5 * logvar) * eps",
    ),
    # 2.4 its backward
    Mistake(
        "2.4",
        "ε not carried through to d(log σ²)",
        "return dz.sum(axis=0), dz.sum(axis=0) * 0.5 * np.exp(0.5 * logvar)",
    ),
    Mistake(
        "2.4",
        "without the ½ of d(log σ²)",
        "return dz.sum(axis=0), (dz * eps).sum(axis=0) * np.exp(0.5 * logvar)",
    ),
    Mistake(
        "2.4",
        "σ² where σ should be in d(log σ²)",
        "return dz.sum(axis=0), (dz * eps).sum(axis=0) * 0.5 * np.exp(logvar)",
    ),
    Mistake(
        "2.4",
        "the derivative by σ, not by log σ²: the chain rule stops one step early",
        "return dz.sum(axis=0), (dz * eps).sum(axis=0) + 0 * logvar",
    ),
    Mistake(
        "2.4",
        "the mean over the L samples where it should be the sum",
        "return dz.mean(axis=0), (dz * eps).mean(axis=0) * 0.5 * np.exp(0.5 * logvar)",
    ),
    Mistake(
        "2.4",
        "not summed over the L samples that share μ and σ",
        "return dz.copy(), dz * eps * 0.5 * np.exp(0.5 * logvar)",
    ),
    Mistake(
        "2.4",
        "a sum over the batch where it should be over the samples",
        "return dz.sum(axis=1), (dz * eps * 0.5 * np.exp(0.5 * logvar)).sum(axis=1)",
    ),
    # 2.5 backward of the KL
    Mistake(
        "2.5", "the gradient with its sign turned round", "return -mu, 0.5 * (1 - np.exp(logvar))"
    ),
    Mistake("2.5", "without the ½ of d(log σ²)", "return mu.copy(), np.exp(logvar) - 1"),
    Mistake("2.5", "2μ: the ½ before μ² is forgotten", "return 2 * mu, 0.5 * (np.exp(logvar) - 1)"),
    Mistake(
        "2.5",
        "the derivative by σ², not by log σ²",
        "return mu.copy(), 0.5 * (1 - np.exp(-logvar))",
    ),
    Mistake("2.5", "without the −1 of d(log σ²)", "return mu.copy(), 0.5 * np.exp(logvar)"),
    Mistake("2.5", "log σ² taken for log σ", "return mu.copy(), np.exp(2 * logvar) - 1"),
    # 2.6 sigmoid
    Mistake(
        "2.6",
        "the textbook formula by itself: e^(−a) overflows for a large negative a",
        "return 1 / (1 + np.exp(-a))",
    ),
    Mistake(
        "2.6",
        "σ(−a): the sign of a is turned round",
        "return np.exp(np.minimum(-a, 0)) / (1 + np.exp(-np.abs(a)))",
    ),
    Mistake(
        "2.6",
        "the sigmoid applied twice",
        "s = np.exp(np.minimum(a, 0)) / (1 + np.exp(-np.abs(a)))\nreturn 1 / (1 + np.exp(-s))",
    ),
    Mistake("2.6", "tanh, which runs from −1 to 1", "return np.tanh(a)"),
    Mistake(
        "2.6",
        "a clipped: far out the value stands still",
        "return 1 / (1 + np.exp(-np.clip(a, -30, 30)))",
    ),
    # 2.7 Bernoulli
    Mistake(
        "2.7",
        "the log likelihood with its sign turned round: the cross entropy",
        "return (np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits))) - x * logits).sum(axis=-1)",
    ),
    Mistake(
        "2.7",
        "a probability formed, and its logarithm taken: log 0 far out",
        'p = sigmoid(logits)\nwith np.errstate(all="ignore"):\n    return (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=-1)',
    ),
    Mistake(
        "2.7",
        "log(1 + e^a) as it stands: it overflows",
        'with np.errstate(over="ignore"):\n    return (x * logits - np.log(1 + np.exp(logits))).sum(axis=-1)',
    ),
    Mistake(
        "2.7",
        "the sigmoid applied twice: logits treated as what comes out of a sigmoid, and put through one again",
        "s = sigmoid(logits)\nreturn (x * s - np.log1p(np.exp(s))).sum(axis=-1)",
    ),
    Mistake(
        "2.7",
        "the mean over pixels where it should be the sum",
        "return (x * logits - np.maximum(logits, 0) - np.log1p(np.exp(-np.abs(logits)))).mean(axis=-1)",
    ),
    Mistake(
        "2.7",
        "a small number inside the logarithm against log 0: far out the value stops falling",
        "p = sigmoid(logits)\nreturn (x * np.log(p + 1e-7) + (1 - x) * np.log(1 - p + 1e-7)).sum(axis=-1)",
    ),
    Mistake(
        "2.7",
        "log(1 − p) missing: only pixels that are 1 count",
        "return (x * (np.minimum(logits, 0) - np.log1p(np.exp(-np.abs(logits))))).sum(axis=-1)",
    ),
    # 2.8 its backward
    Mistake("2.8", "the gradient with its sign turned round", "return sigmoid(logits) - x"),
    Mistake("2.8", "the sigmoid forgotten: x − a", "return x - logits"),
    Mistake(
        "2.8", "multiplied by σ′ once more", "s = sigmoid(logits)\nreturn (x - s) * s * (1 - s)"
    ),
    Mistake("2.8", "the sigmoid applied twice", "return x - sigmoid(sigmoid(logits))"),
    Mistake(
        "2.8",
        "the derivative by p, not by the logit",
        'p = sigmoid(logits)\nwith np.errstate(all="ignore"):\n    return x / p - (1 - x) / (1 - p)',
    ),
    # 2.9 backward of the log density
    Mistake(
        "2.9",
        "both gradients with their sign turned round",
        "s = np.exp(-logvar)\nreturn -(z - mu) * s, -0.5 * ((z - mu) ** 2 * s - 1)",
    ),
    Mistake(
        "2.9",
        "divided by σ where it should be σ²",
        "s = np.exp(-0.5 * logvar)\nreturn (z - mu) * s, 0.5 * ((z - mu) ** 2 * s - 1)",
    ),
    Mistake(
        "2.9",
        "without the ½ of d(log σ²)",
        "s = np.exp(-logvar)\nreturn (z - mu) * s, (z - mu) ** 2 * s - 1",
    ),
    Mistake(
        "2.9",
        "without the −1 of d(log σ²): log σ² itself is not differentiated",
        "s = np.exp(-logvar)\nreturn (z - mu) * s, 0.5 * (z - mu) ** 2 * s",
    ),
    # 3.1 to 3.3 affine
    Mistake("3.1", "x W without b", "self.x = x\nreturn x @ self.W"),
    Mistake("3.1", "x Wᵀ: a transpose too many", "self.x = x\nreturn x @ self.W.T + self.b"),
    Mistake("3.1", "x W − b", "self.x = x\nreturn x @ self.W - self.b"),
    Mistake(
        "3.2",
        "added to the gradient vector, where it should be written: what was there before stays",
        "self.dW += self.x.T @ dy\nself.db += dy.sum(axis=0)",
    ),
    Mistake(
        "3.2",
        "the mean over the batch where it should be the sum",
        "self.dW[...] = self.x.T @ dy / len(dy)\nself.db[...] = dy.mean(axis=0)",
    ),
    Mistake(
        "3.2",
        "db the mean over the batch where it should be the sum",
        "self.dW[...] = self.x.T @ dy\nself.db[...] = dy.mean(axis=0)",
    ),
    Mistake(
        "3.2",
        "self.dW replaced, not written to: the gradient vector never learns of it",
        "self.dW = self.x.T @ dy\nself.db = dy.sum(axis=0)",
    ),
    Mistake("3.2", "db not written", "self.dW[...] = self.x.T @ dy"),
    Mistake("3.3", "dy W: the transpose is missing", "return dy @ self.W"),
    Mistake("3.3", "the gradient with its sign turned round", "return -(dy @ self.W.T)"),
    # 3.4 tanh
    Mistake("3.4", "tanh of y again: 1 − tanh² y", "return dy * (1 - np.tanh(self.y) ** 2)"),
    Mistake("3.4", "1 − y where 1 − y² should be", "return dy * (1 - self.y)"),
    Mistake(
        "3.4",
        "the derivative of the logistic function, y (1 − y)",
        "return dy * self.y * (1 - self.y)",
    ),
    Mistake(
        "3.4", "the slope alone: dy is not multiplied in", "return 1 - self.y * self.y + 0 * dy"
    ),
    # 3.5 to 3.7 the bound and its gradient
    Mistake(
        "3.5",
        "the sum over the L samples where it should be the mean",
        f"{_FORWARD}z = reparameterize(mu, logvar, self._eps)\nreturn self._log_px_z(self._x, z).sum(axis=0), gaussian_kl(mu, logvar)",
    ),
    Mistake(
        "3.5",
        "the decoder at z = μ: ε is not used",
        f"{_FORWARD}z = mu + 0 * self._eps\nreturn self._log_px_z(self._x, z).mean(axis=0), gaussian_kl(mu, logvar)",
    ),
    Mistake(
        "3.5",
        "the mean over latent dimensions in the KL",
        f"{_FORWARD}z = reparameterize(mu, logvar, self._eps)\n"
        "return self._log_px_z(self._x, z).mean(axis=0), gaussian_kl(mu, logvar) / self.n_z",
    ),
    Mistake(
        "3.5",
        "the mean over pixels, beside a KL that is a sum",
        f"{_FORWARD}z = reparameterize(mu, logvar, self._eps)\n"
        "return self._log_px_z(self._x, z).mean(axis=0) / self.n_x, gaussian_kl(mu, logvar)",
    ),
    Mistake(
        "3.5",
        "the KL with its sign turned round",
        f"{_FORWARD}z = reparameterize(mu, logvar, self._eps)\nreturn self._log_px_z(self._x, z).mean(axis=0), -gaussian_kl(mu, logvar)",
    ),
    Mistake(
        "3.5",
        "the mean over the batch, where each data point should have its own",
        f"{_FORWARD}z = reparameterize(mu, logvar, self._eps)\nreturn self._log_px_z(self._x, z).mean(), gaussian_kl(mu, logvar).mean()",
    ),
    Mistake(
        "3.5",
        "the log of the mean of p(x|z) where it should be the mean of log p(x|z)",
        f"{_FORWARD}z = reparameterize(mu, logvar, self._eps)\n"
        "return np.log(np.exp(self._log_px_z(self._x, z)).mean(axis=0)), gaussian_kl(mu, logvar)",
    ),
    Mistake(
        "3.6", "the KL in closed form: that is estimator B, eq. (10)", "return self.elbo(x, eps)"
    ),
    Mistake(
        "3.6",
        "log p(z) forgotten",
        "reconstruction, _ = self.forward(x, eps)\nmu, logvar = self._mu_logvar\n"
        "z = reparameterize(mu, logvar, self._eps)\nreturn reconstruction - gaussian_log_density(z, mu, logvar).mean(axis=0)",
    ),
    Mistake(
        "3.6",
        "log q(z|x) added where it should be subtracted",
        "reconstruction, _ = self.forward(x, eps)\nmu, logvar = self._mu_logvar\n"
        "z = reparameterize(mu, logvar, self._eps)\n"
        "return reconstruction + (standard_normal_log_density(z) + gaussian_log_density(z, mu, logvar)).mean(axis=0)",
    ),
    Mistake(
        "3.6",
        "the sum over the L samples where it should be the mean",
        "reconstruction, _ = self.forward(x, eps)\n"
        "mu, logvar = self._mu_logvar\nz = reparameterize(mu, logvar, self._eps)\n"
        "return reconstruction + (standard_normal_log_density(z) - gaussian_log_density(z, mu, logvar)).sum(axis=0)",
    ),
    Mistake(
        "3.7",
        "the gradient of +𝓛 for the likelihood: the sign of its weight −1 / (L B) is missing",
        _vae_backward(weight="1 / (L * B)"),
    ),
    Mistake(
        "3.7", "the likelihood weighed −1 / B: the 1 / L is missing", _vae_backward(weight="-1 / B")
    ),
    Mistake(
        "3.7",
        "the likelihood weighed −1 / L: the mean over the batch is missing",
        _vae_backward(weight="-1 / L"),
    ),
    Mistake(
        "3.7",
        "the KL not divided by B: it is summed over the batch while the likelihood is averaged",
        _vae_backward(kl=""),
    ),
    Mistake("3.7", "no gradient of the KL", _vae_backward(kl=" * 0")),
    Mistake("3.7", "the KL's gradient with its sign turned round", _vae_backward(kl=" / -B")),
    Mistake(
        "3.7",
        "only the gradient of μ goes back to the encoder: h feeds both heads, and the gradients add",
        _vae_backward(dh="self._mu.backward(dmu)\nself._logvar.backward(dlogvar)"),
    ),
    Mistake(
        "3.7",
        "the encoder left out: its weights get no gradient",
        _vae_backward().replace("layers.backward(self._encoder, dh)", "pass"),
    ),
    # 3.8 central differences
    Mistake(
        "3.8",
        "the one-sided quotient (f(θ + h) − f(θ)) / h",
        "return np.array([(f(theta + h * e) - f(theta)) / h for e in np.eye(theta.size)])",
    ),
    Mistake(
        "3.8",
        "divided by h where the distance is 2h",
        "return np.array([(f(theta + h * e) - f(theta - h * e)) / h for e in np.eye(theta.size)])",
    ),
    Mistake(
        "3.8",
        "the difference with its sign turned round",
        "return np.array([(f(theta - h * e) - f(theta + h * e)) / (2 * h) for e in np.eye(theta.size)])",
    ),
    Mistake(
        "3.8",
        "every θ_i moved at once, not one at a time",
        "return np.full(theta.size, (f(theta + h) - f(theta - h)) / (2 * h))",
    ),
    # 3.9, 3.10 optimizers
    Mistake(
        "3.9",
        "s forgets: only the last g² is in it",
        "theta -= self.lr * g / (np.abs(g) + self.epsilon)",
    ),
    Mistake(
        "3.9",
        "without the root: divided by s",
        "s = self.s[block]\ns += g * g\ntheta -= self.lr * g / (s + self.epsilon)",
    ),
    Mistake(
        "3.9",
        "uphill: + α g where it should be −",
        "s = self.s[block]\ns += g * g\ntheta += self.lr * g / (np.sqrt(s) + self.epsilon)",
    ),
    Mistake(
        "3.9",
        "ε inside the root",
        "s = self.s[block]\ns += g * g\ntheta -= self.lr * g / np.sqrt(s + self.epsilon)",
    ),
    Mistake(
        "3.9",
        "g where g² should be added up",
        "s = self.s[block]\ns += np.abs(g)\ntheta -= self.lr * g / (np.sqrt(s) + self.epsilon)",
    ),
    Mistake(
        "3.10",
        "Adam without bias correction",
        f"{_ADAM}theta -= self.lr * U / (np.sqrt(V) + self.epsilon)",
    ),
    Mistake(
        "3.10",
        "ε inside the root",
        f"{_ADAM}m, v = U / (1 - self.beta1**self.t), V / (1 - self.beta2**self.t)\ntheta -= self.lr * m / np.sqrt(v + self.epsilon)",
    ),
    Mistake(
        "3.10",
        "uphill: + α m̂ where it should be −",
        f"{_ADAM}m, v = U / (1 - self.beta1**self.t), V / (1 - self.beta2**self.t)\ntheta += self.lr * m / (np.sqrt(v) + self.epsilon)",
    ),
    Mistake(
        "3.10",
        "without the root: divided by v̂",
        f"{_ADAM}m, v = U / (1 - self.beta1**self.t), V / (1 - self.beta2**self.t)\ntheta -= self.lr * m / (v + self.epsilon)",
    ),
    Mistake(
        "3.10",
        "β₁ and β₂ swapped",
        """
U, V = self.U[block], self.V[block]
U *= self.beta2
U += (1 - self.beta2) * g
V *= self.beta1
V += (1 - self.beta1) * g * g
m, v = U / (1 - self.beta2**self.t), V / (1 - self.beta1**self.t)
theta -= self.lr * m / (np.sqrt(v) + self.epsilon)""",
    ),
    Mistake(
        "3.10",
        "the correction of the first step at every step: 1 − β where 1 − βᵗ should be",
        f"{_ADAM}m, v = U / (1 - self.beta1), V / (1 - self.beta2)\ntheta -= self.lr * m / (np.sqrt(v) + self.epsilon)",
    ),
    # 3.11 binarization
    Mistake(
        "3.11",
        "a threshold at ½: nothing is drawn",
        "scaled = images / 255 if images.dtype == np.uint8 else images\nreturn (scaled > 0.5).astype(dtype)",
    ),
    Mistake(
        "3.11",
        "the grey levels themselves, not bits",
        "scaled = images / 255 if images.dtype == np.uint8 else images\nreturn scaled.astype(dtype)",
    ),
    Mistake(
        "3.11",
        "black for white: u > pixel",
        "scaled = images / 255 if images.dtype == np.uint8 else images\nreturn (rng.random(images.shape) >= scaled).astype(dtype)",
    ),
    Mistake(
        "3.11",
        "one u for each image, not one for each pixel",
        "scaled = images / 255 if images.dtype == np.uint8 else images\n"
        "u = rng.random((len(images), 1))\nreturn (u < scaled).astype(dtype)",
    ),
    # 3.12 Algorithm 1
    Mistake(
        "3.12",
        "no update: optimizer.step() is missing",
        """
eps = rng.standard_normal((len(x), vae.n_z), vae.dtype)
reconstruction, kl = vae.forward(x, eps)
vae.backward()
return Bound.mean(reconstruction, kl)""",
    ),
    Mistake(
        "3.12",
        "no backward pass: the update uses an old gradient",
        """
eps = rng.standard_normal((len(x), vae.n_z), vae.dtype)
reconstruction, kl = vae.forward(x, eps)
optimizer.step()
return Bound.mean(reconstruction, kl)""",
    ),
    Mistake(
        "3.12",
        "ε drawn evenly from [0, 1), not from N(0, 1)",
        """
eps = rng.random((len(x), vae.n_z), vae.dtype)
reconstruction, kl = vae.forward(x, eps)
vae.backward()
optimizer.step()
return Bound.mean(reconstruction, kl)""",
    ),
    Mistake(
        "3.12",
        "ε = 0: nothing is drawn",
        """
reconstruction, kl = vae.forward(x, np.zeros((len(x), vae.n_z), vae.dtype))
vae.backward()
optimizer.step()
return Bound.mean(reconstruction, kl)""",
    ),
    Mistake(
        "3.12",
        "the bound after the update, where it should be before",
        """
eps = rng.standard_normal((len(x), vae.n_z), vae.dtype)
vae.forward(x, eps)
vae.backward()
optimizer.step()
return Bound.mean(*vae.forward(x, eps))""",
    ),
    # 4.1 the log of a mean
    Mistake(
        "4.1",
        "the sums are not rescaled when a larger weight comes",
        _LOG_MEAN.format(S1="self.S1", S2="self.S2"),
    ),
    Mistake(
        "4.1",
        "the sum of squares is rescaled once, where its terms are squares",
        _LOG_MEAN.format(S1="self.S1 * shrink", S2="self.S2 * shrink"),
    ),
    Mistake(
        "4.1",
        "rescaled the wrong way: multiplied where it should be divided",
        _LOG_MEAN.format(S1="self.S1 / shrink", S2="self.S2 / shrink**2"),
    ),
    Mistake(
        "4.1",
        "only the last part is kept: what came before is not in the sums",
        _LOG_MEAN.format(S1="0 * self.S1", S2="0 * self.S2"),
    ),
    # 4.2 the importance-weighted bound
    Mistake(
        "4.2",
        "the mean of the logs where it should be the log of the mean",
        f"{_WEIGHTS}return log_w.mean(axis=0), log_w.std(axis=0) / np.sqrt(max(K - 1, 1))",
    ),
    Mistake(
        "4.2",
        "the weights upside down: q(z|x) / p(x, z)",
        f"{_WEIGHTS}weights = LogMean(len(x))\nweights.add(-log_w)\nreturn weights.result()",
    ),
    Mistake(
        "4.2",
        "p(x, z) not divided by q(z|x)",
        f"{_WEIGHTS}weights = LogMean(len(x))\nweights.add(vae.log_joint(x, z))\nreturn weights.result()",
    ),
    Mistake(
        "4.2",
        "the log of the sum where it should be the log of the mean: log K too much",
        f"{_WEIGHTS}weights = LogMean(len(x))\nweights.add(log_w)\nlog_mean, error = weights.result()\nreturn log_mean + np.log(K), error",
    ),
)


def of(number: str) -> list[Mistake]:
    """The wrong answers to one exercise."""
    return [mistake for mistake in MISTAKES if mistake.number == number]
