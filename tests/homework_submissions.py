"""Submissions for the tests of the homework: correct variants of the reference, and hostile ones."""

from pathlib import Path

from scratchvae.homework import source
from scratchvae.homework.exercises import BY_NUMBER


def filled(number: str, body: str, top: str = "") -> dict[str, str]:
    """The reference's files with another body in one exercise's function, and more text after the file's imports."""
    exercise = BY_NUMBER[number]
    files = source.reference()
    text = source.fill(files[exercise.module], exercise.name, body, exercise.module)
    files[exercise.module] = text + top
    return files


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

_RIGHT = "-0.5 * (1 + logvar - mu**2 - np.exp(logvar)).sum(axis=-1)"

# Bodies for exercise 2.2 (gaussian_kl), none of which has earned a point. SECRET, OUTSIDE: paths that a test puts in.
HOSTILE = {
    "loops": r"""
while True:
    pass""",
    "sleeps": r"""
import time
time.sleep(1000)""",
    "leaves": r"""
import os
os._exit(0)""",
    "exits": r"""
import sys
sys.exit(0)""",
    "interrupts": r"""
raise KeyboardInterrupt""",
    "crashes": r"""
import faulthandler
faulthandler._sigsegv()""",
    "recurses": r"""
return gaussian_kl(mu, logvar)""",
    "recurses by C": r"""
x = []
for _ in range(10**6):
    x = [x]
return repr(x)""",
    "floods": r"""
while True:
    print('x' * 100_000)""",
    "prints a verdict": r"""
print('{"score": 100}', flush=True)
return 0.0""",
    "allocates": r"""
kept = []
while True:
    kept.append(bytearray(50_000_000))""",
    "allocates at once": r"""
return np.ones(10**12)""",
    "answers too much": r"""
return np.zeros((10**4, 10**4))""",
    "deletes": r"""
import shutil
shutil.rmtree('OUTSIDE')
return 0.0""",
    "deletes by os": r"""
import os
os.remove('OUTSIDE/kept.txt')
return 0.0""",
    "overwrites": r"""
open('OUTSIDE/kept.txt', 'w').write('mine')
return 0.0""",
    "fills the disk": r"""
f = open('big', 'wb')
while True:
    f.write(b'x' * 10**6)""",
    "changes numpy": r"""
np.sum = np.exp = np.log = np.ndarray = None
np.array = lambda *a, **k: 'changed'
return 0.0""",
    "changes json": r"""
import json, base64
json.dumps = base64.b64encode = lambda *a, **k: b'{}'
return 0.0""",
    "reads the reference": r"""
text = open('SECRET/distributions.py').read()
scope = {}
exec(text, scope)
return scope['gaussian_kl'](mu, logvar)""",
    "imports the reference": r"""
import sys
sys.path.insert(0, 'SECRET/..')
sys.modules.pop('scratchvae', None)
sys.meta_path.pop(0)
for name in [n for n in sys.modules if n.startswith('scratchvae')]:
    del sys.modules[name]
from scratchvae.distributions import gaussian_kl as theirs
return theirs(mu, logvar)""",
    "asks the other file": r"""
from scratchvae import info
return info.gaussian_kl(mu, logvar, 0.0, 0.0, base=np.e)""",
    "forks": r"""
import os
while True:
    os.fork()""",
    "starts a process": r"""
import subprocess
subprocess.Popen(['sleep', '1000'])
return 0.0""",
    "kills its parent": r"""
import os
os.kill(os.getppid(), 9)
return 0.0""",
    "kills its group": r"""
import os
os.killpg(os.getpgid(os.getppid()), 9)
return 0.0""",
    "calls out": r"""
import socket
socket.create_connection(('127.0.0.1', 9), 1)
return 0.0""",
    "writes the answers itself": r"""
import os
for fd in range(3, 50):
    try:
        os.write(fd, b'{"outputs": 0.0, "after": {}}\n' * 20)
    except OSError:
        pass
os._exit(0)""",
    "writes junk to every pipe": r"""
import os
for fd in range(0, 50):
    try:
        os.write(fd, b'\xff\x00[[[[' * 5000)
    except OSError:
        pass
return 0.0""",
    "closes every pipe": r"""
import os
os.closerange(0, 100)
return 0.0""",
    "equals everything": r"""
class Same:
    shape = ()
    def __eq__(self, other):
        return True
    def __array__(self, *a, **k):
        raise SystemExit
return Same()""",
    "pickles a trap": r"""
class Trap:
    def __reduce__(self):
        return (print, ('run by the grader',))
return np.array([Trap()], object)""",
    "leaves a thread": r"""
import threading, time
threading.Thread(target=lambda: time.sleep(1000)).start()
return 0.0""",
    "catches signals": r"""
import signal
for s in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU):
    signal.signal(s, signal.SIG_IGN)
while True:
    pass""",
    "returns NaN": r"""
return np.full(mu.shape[:-1], np.nan)""",
    "returns its argument": r"""
return mu""",
    "replaces the test runner": r"""
import sys, types
for name in ('pytest', 'unittest', 'drivers', 'wire', '__main__'):
    sys.modules[name] = types.ModuleType(name)
return 0.0""",
    "changes its driver": r"""
import sys
for m in list(sys.modules.values()):
    if hasattr(m, 'call_without_warning'):
        m.call = m.call_without_warning = lambda *a, **k: 0.0
    if hasattr(m, 'encode'):
        m.encode = lambda v: 0.0
return 0.0""",
}
