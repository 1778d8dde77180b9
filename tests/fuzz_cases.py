"""What the fuzzer calls: the functions, good arguments for them, and bad ones.

A case draws good arguments for one function, and a test of the answer. For each argument
that is to be spoilt it has a maker of bad values. Every one of these must be refused.
"""

import datetime
import json
import math
import tempfile
from pathlib import Path

import numpy as np
from conftest import write_idx, write_image_set

import scratchvae
from scratchvae import (
    PCA,
    SGD,
    VAE,
    Adagrad,
    Adam,
    Autoencoder,
    History,
    Parameters,
    binarize,
    figures,
    info,
)
from scratchvae.datasets import dequantize, grey
from scratchvae.decoders import OUTPUTS
from scratchvae.gradient_check import central_difference, compare, complex_step

FOLDER = Path(tempfile.gettempdir())  # the fuzzer has one of its own

# ---- good arguments ----


def pick(rng, *choices):
    """One of the choices."""
    return choices[rng.integers(len(choices))]


def form(rng, array):
    """The same numbers as an array or as a list."""
    return pick(rng, array, array, array.tolist())


def distributions(rng, n=1, shape=None):
    """n arrays of distributions of one shape along the last axis, some with zeros."""
    shape = shape or pick(rng, (1,), (2,), (5,), (3, 4), (2, 1, 6), (1, 100))
    arrays = []
    for _ in range(n):
        p = rng.random(shape) ** pick(rng, 1, 4, 30)
        p[..., 1:] *= rng.random(p[..., 1:].shape) < 0.8
        p[..., 0] += 1e-3
        arrays.append(p / p.sum(axis=-1, keepdims=True))
    return arrays


def base(rng):
    """Good bases of a logarithm."""
    return pick(rng, 2, 2.0, math.e, np.e, 10, 0.5, np.float32(2), 10**401, np.int64(3))


def log_of(a):
    """The logarithm of a base, an int of any size too."""
    return math.log(a)


def images(rng, n=6, n_x=12):
    """uint8 or floats in [0, 1]."""
    pixels = rng.integers(0, 256, (n, n_x), np.uint8)
    return pick(rng, pixels, pixels / 255, (pixels / 255).astype(np.float32))


def seed(rng):
    """A number or a generator."""
    return pick(rng, 0, 7, np.int64(3), np.uint8(1), 2**63, np.random.default_rng(1))


def vae(rng, **settings):
    """A small VAE of 12 pixels, 3 latent dimensions."""
    settings = {
        "decoder": pick(rng, *OUTPUTS),
        "activation": pick(rng, "tanh", "relu", "sigmoid"),
        "dtype": pick(rng, np.float32, np.float64),
        **settings,
    }
    return VAE(12, pick(rng, (), (5,), (4, 6)), 3, seed=int(rng.integers(99)), **settings)


def data(rng, n=4, n_x=12):
    """Bits."""
    return (rng.random((n, n_x)) < 0.5) * 1.0


def noise(rng, n=4, n_z=3):
    """(B, n_z) or (L, B, n_z)."""
    return rng.standard_normal(pick(rng, (n, n_z), (2, n, n_z)))


# ---- bad arguments: every one of these must be refused ----


class Odd:
    """Not a number, not an array, and its text is an error."""

    def __repr__(self):
        raise RuntimeError("no text")


class OddArray:
    """It says that it is an array, and is none."""

    def __array__(self, *args, **keywords):
        raise RuntimeError("no array")


NOTHING = [
    None, "x", b"3", object(), Odd(), {}, {"a": 1}, {1, 2}, lambda x: x, np.float64, ..., 1j,
    np.datetime64("2020-01-01"), datetime.timedelta(1), np.array([1j]), np.array(["a"]),
    np.array([b"3"]), np.array([None]), np.zeros(2, [("a", "f4")]), np.array(["2020"], "M8[Y]"),
    np.ma.masked_array([0.5, 0.5], [True, False]), np.ma.masked, [[1, 2], [3]], [10**401],
    [1, "a"], [None], OddArray(), [np.ma.masked_array([0.5, 0.5], [True, False])],
    iter([1, 2]), range, memoryview(b"ab").cast("c"), float, type, NotImplemented,
]  # fmt: skip


def spoilt(rng, good):
    """An array of numbers of the right shape that is bad for one reason."""
    array = np.array(good, dtype=float)
    entry = tuple(rng.integers(0, size) for size in array.shape)
    kind = rng.integers(8)
    if kind == 0:
        return np.ma.masked_array(array, rng.random(array.shape) < 0.5)
    if kind == 1:
        return array + 0j
    if kind == 2:
        return array.astype(str)
    if kind == 3:
        return array.astype(object)
    if kind == 4:
        return array.astype("M8[s]")
    if kind == 5:
        return array[..., None].view([("a", float)])[..., 0]
    array[entry] = np.nan if kind == 6 else pick(rng, np.inf, -np.inf)
    return array


def negative(rng, good):
    """A number below 0."""
    array = np.array(good, dtype=float)
    array[tuple(rng.integers(0, size) for size in array.shape)] = pick(rng, -1, -1e-9, -1e300)
    return array


def scaled(rng, good):
    """All numbers far too large."""
    return np.full(np.shape(good), pick(rng, 1e300, -1e300, 1.7e308))


def other_shape(rng, good):
    """One more axis at the front and the end, or one column more or less."""
    array = np.array(good, dtype=float)
    return pick(
        rng, array[None, None, None], array[..., None], np.concatenate([array, array], axis=-1),
        array[..., :0], array.ravel()[0],
    )  # fmt: skip


def any_of(*bad):
    """A maker: one of these values."""
    return lambda rng, good: pick(rng, *bad)


def nothing(rng, good):
    """Not a number and not an array of numbers."""
    return pick(rng, *NOTHING)


LISTS = [[], [1], (1,), np.array([2]), np.array(2.0)]
NUMBERS = [-1, -0.5, math.nan, math.inf, -math.inf, -(10**401)]
WHOLE = any_of(*NOTHING, *LISTS, *NUMBERS, 0, 1.0, 2.5, True, "3", np.bool_(True), np.float64(3))
SIZE = any_of(10**12, 10**30, 10**401, 2**63, 10**5000)
POSITIVE = any_of(*NOTHING, *LISTS, *NUMBERS, 0, 0.0, True, "3", 10**401, np.float32("nan"))
FROM_ZERO = any_of(*NOTHING, *LISTS, *NUMBERS, True, "3", 10**401)
FRACTION = any_of(*NOTHING, *LISTS, *NUMBERS, True, "0.5", 1, 1.0, 1.5, 10**401, -(10**5000))
NAME = any_of(
    *NOTHING, *LISTS, *NUMBERS, "", "no", b"tanh", ["tanh"], ("glorot",), True, 0, "X" * 9999
)
FLAG = any_of(*(x for x in NOTHING), *LISTS, *NUMBERS, "no", "yes", "", 0, 1)
SEED = any_of(*NOTHING, *NUMBERS, [], [1], 1.0, 2.5, True, "3", np.random, np.array(2.0),
              np.random.RandomState(1))  # fmt: skip
DTYPE = any_of("x", "int", int, np.int8, "f2", np.float16, "c16", object(), ">f4", [("a", "f4")],
               None, {}, [], Odd(), "float32,float32", np.longdouble, "M8", 3, "")  # fmt: skip
AXIS = any_of(*NOTHING, *LISTS, 9, -9, 1.0, "0", 2**70, -(10**401), True)
BASE = any_of(*NOTHING, *LISTS, *NUMBERS, 1, 1.0, 0, True, "2")
SIZES = any_of(*(x for x in NOTHING if not isinstance(x, np.ndarray)), 3, 2.5, "35", [0], [-1],
    [2.5],
               [True], [[3]], np.array([[3]]), np.array([1.5]), {3: 1}, {3}, ["3"],
                   [10**12])  # fmt: skip
SHAPE = any_of(*(x for x in NOTHING if x is not None), 12, "34", (3,), (3, 5), (3, 4, 1), (-3,
    -4), (12.0, 1), [[3], [4]],
               (True, 12), (10**401, 1), {3, 4}, np.array([[3, 4]]))  # fmt: skip
PATH = any_of(
    None, 3, 0, True, 1.5, object(), [], "", b"x", "a\0b", "\0", ".", "..", {}, Odd(), "x" * 5000
)
PNG = any_of(
    3, 0, True, 1.5, object(), [], "", b"x", "a\0b", "\0", ".", "..", {}, Odd(), "x" * 5000, "x.jpg"
)
KIND = any_of(*NOTHING, *LISTS, "adam", 3, Adam, VAE)
CALL = any_of(*(x for x in NOTHING if not callable(x)), 3, "log")


def one_of_makers(*makers):
    """A maker: one of these makers."""
    return lambda rng, good: pick(rng, *makers)(rng, good)


ARRAY = one_of_makers(nothing, spoilt, any_of([], [[]], np.zeros((0, 3))))
MATRIX = one_of_makers(ARRAY, other_shape, any_of(0.5, 3, 10**401))
DATA = one_of_makers(MATRIX, negative, scaled)
REAL = one_of_makers(MATRIX, scaled)
DISTRIBUTION = one_of_makers(
    ARRAY, negative, any_of(0.5, 3, True, [0.5, 0.6], [2, 3], [0.0, 0.0], [1e308, 1e308])
)
IMAGES = one_of_makers(
    spoilt, scaled, nothing, any_of([[9] * 12], np.full((2, 12), 9), np.zeros((0, 12)), [[0.5] * 5])
)


# ---- the cases ----

CASES = {}


def case(name, function, **bad):
    """Add a case: the function below draws the good arguments and a test of the answer.

    bad: for each argument that is to be spoilt, a maker of bad values.
    """

    def add(draw):
        CASES[name] = (function, bad, draw)
        return draw

    return add


def close(truth, rtol=1e-9, atol=1e-12):
    """A test: the answer has these numbers, and is of this shape."""
    return lambda answer: (
        np.shape(answer) == np.shape(truth)
        and np.allclose(np.asarray(answer, float), truth, rtol=rtol, atol=atol, equal_nan=False)
    )


def shaped(shape, dtype=None, low=-np.inf, high=np.inf):
    """A test: finite numbers of this shape and type, in [low, high]."""
    return lambda answer: (
        np.shape(answer) == shape
        and (dtype is None or answer.dtype == dtype)
        and np.isfinite(answer).all()
        and np.min(answer) >= low
        and np.max(answer) <= high
    )


def by_row(function, *arrays):
    """function(row, ...) of every row along the last axis, with Python's own numbers."""
    shape = arrays[0].shape[:-1]
    rows = [array.reshape(-1, array.shape[-1]).tolist() for array in arrays]
    return np.array([function(*row) for row in zip(*rows)]).reshape(shape)


def h(p, q):
    """Cross entropy in nats."""
    if any(a > 0 and b == 0 for a, b in zip(p, q)):
        return math.inf
    return math.fsum(-a * math.log(b) for a, b in zip(p, q) if a > 0)


def js(p, q):
    """Jensen-Shannon divergence in nats."""
    m = [(a + b) / 2 for a, b in zip(p, q)]
    return max(0.0, h(p, m) / 2 + h(q, m) / 2 - h(p, p) / 2 - h(q, q) / 2)


def _info_cases():
    one = {
        "entropy": (lambda p: h(p, p), True),
        "gini_impurity": (lambda p: math.fsum(a * (1 - a) for a in p), False),
        "misclassification_rate": (lambda p: 1 - max(p), False),
    }
    for name, (truth, unit) in one.items():
        bad = {"p": DISTRIBUTION, "axis": AXIS, **({"base": BASE} if unit else {})}

        @case(f"info.{name}", getattr(info, name), **bad)
        def _(rng, truth=truth, unit=unit):
            (p,) = distributions(rng)
            b, axis = base(rng), int(rng.integers(-p.ndim, p.ndim))
            expected = by_row(truth, p) / (log_of(b) if unit else 1)
            moved = form(rng, np.moveaxis(p, -1, axis))
            return {"p": moved, "axis": axis, **({"base": b} if unit else {})}, close(expected)

    two = {
        "cross_entropy": (h, True),
        "kl_divergence": (lambda p, q: h(p, q) - h(p, p), True),
        "jensen_shannon_divergence": (js, True),
        "total_variation": (lambda p, q: math.fsum(abs(a - b) for a, b in zip(p, q)) / 2, False),
    }
    for name, (truth, unit) in two.items():
        bad = {"p": DISTRIBUTION, "q": DISTRIBUTION, "axis": AXIS}

        @case(f"info.{name}", getattr(info, name), **bad, **({"base": BASE} if unit else {}))
        def _(rng, truth=truth, unit=unit):
            p, q = distributions(rng, 2)
            b = base(rng)
            expected = by_row(truth, p, q) / (log_of(b) if unit else 1)
            arguments = {"p": form(rng, p), "q": form(rng, q), "axis": -1}
            return {**arguments, **({"base": b} if unit else {})}, close(expected, atol=1e-10)


_info_cases()


@case("info.jensen_shannon_distance", info.jensen_shannon_distance, p=DISTRIBUTION,
      q=DISTRIBUTION, base=one_of_makers(BASE, any_of(0.5, 0.1)))  # fmt: skip
def _(rng):
    p, q = distributions(rng, 2)
    return {"p": p, "q": q, "base": 2}, close(np.sqrt(by_row(js, p, q) / math.log(2)), atol=1e-7)


@case("info.information", info.information, p=one_of_makers(ARRAY, negative, scaled), base=BASE)
def _(rng):
    p, b = rng.random(pick(rng, (), (3,), (2, 2))), base(rng)
    return {"p": p, "base": b}, close(-np.log(p) / log_of(b))


@case("info.binary_cross_entropy", info.binary_cross_entropy,
      y=DATA, y_hat=DATA, base=BASE)  # fmt: skip
def _(rng):
    y, p = rng.random((2, 3, 4))
    return {"y": y, "y_hat": p, "base": math.e}, close(-y * np.log(p) - (1 - y) * np.log(1 - p))


@case("info.binary_cross_entropy_from_logits", info.binary_cross_entropy_from_logits,
      y=DATA, a=MATRIX, base=BASE)  # fmt: skip
def _(rng):
    y, a = rng.random((3, 4)), rng.standard_normal((3, 4)) * pick(rng, 1, 1e4, 1e300)
    a = pick(rng, a, a.astype(np.float32) if np.abs(a).max() < 1e38 else a)
    truth = np.maximum(a, 0) - y * a + np.log1p(np.exp(-np.abs(a)))
    return {"y": y, "a": a, "base": math.e}, close(truth, 1e-6)


@case("info.information_gain", info.information_gain,
      parent=one_of_makers(ARRAY, negative, any_of(3, [0, 0], [[1, 2]])),
      children=one_of_makers(ARRAY, negative, other_shape, any_of(3, [1, 2])),
          base=BASE)  # fmt: skip
def _(rng):
    children = rng.integers(0, 9, (3, 4))
    children[0] += 1
    parent = children.sum(axis=0)
    gain = h(parent / parent.sum(), parent / parent.sum()) - sum(
        c.sum() / parent.sum() * h(c / c.sum(), c / c.sum()) for c in children if c.sum()
    )
    return {"parent": form(rng, parent), "children": form(rng, children), "base": 2}, close(
        gain / math.log(2)
    )


VECTOR = one_of_makers(DISTRIBUTION, any_of([[0.5, 0.5]]))


@case("info.code_lengths", info.code_lengths, q=VECTOR)
def _(rng):
    (q,) = distributions(rng, shape=(6,))
    truth = [math.ceil(-math.log2(a)) if a else math.inf for a in q.tolist()]
    return {"q": q}, close(truth)


@case("info.huffman_code", info.huffman_code, q=VECTOR)
def _(rng):
    (q,) = distributions(rng, shape=(pick(rng, 1, 2, 7),))

    def right(words):
        used = [w for w in words if w is not None]
        free = all(a == b or not b.startswith(a) for a in used for b in used)
        mean = sum(a * len(w) for a, w in zip(q, words) if w is not None)
        entropy = h(q.tolist(), q.tolist()) / math.log(2)
        return free and len(set(used)) == (q > 0).sum() and entropy - 1e-9 <= mean < entropy + 1

    return {"q": form(rng, q)}, right


@case("info.expected_length", info.expected_length, p=VECTOR,
      lengths=one_of_makers(nothing, negative, other_shape, any_of([], [1], math.nan)))  # fmt: skip
def _(rng):
    (p,) = distributions(rng, shape=(5,))
    lengths = np.where(p > 0, rng.integers(0, 9, 5), np.inf)
    return {"p": p, "lengths": lengths}, close(sum(a * b for a, b in zip(p, lengths) if a > 0))


LOGVAR = one_of_makers(ARRAY, any_of(-1e300, -1e5, [-1e9]))  # 1/σ overflows


@case("info.gaussian_entropy", info.gaussian_entropy, logvar=ARRAY, base=BASE)
def _(rng):
    logvar = rng.uniform(-50, 50, pick(rng, (), (3,), (2, 4)))
    dtype = pick(rng, np.float32, np.float64)
    truth = np.sum(np.atleast_1d(0.5 * (1 + math.log(2 * math.pi) + logvar)), axis=-1)
    test = close(truth / math.log(2), 1e-5, 1e-4)
    return {"logvar": logvar.astype(dtype), "base": 2}, lambda a: test(a) and a.dtype == dtype


def _gaussian_case(name, truth):
    bad = {
        "mu_p": one_of_makers(ARRAY, any_of([1, 2])), "logvar_p": ARRAY, "mu_q": ARRAY,
        "logvar_q": LOGVAR, "base": BASE,
    }  # fmt: skip

    @case(f"info.{name}", getattr(info, name), **bad)
    def _(rng):
        mu_p, mu_q = rng.standard_normal((2, 2, 3))
        lp, lq = rng.uniform(-5, 5, (2, 2, 3))
        dtype = pick(rng, np.float32, np.float64)
        test = close(truth(mu_p, lp, mu_q, lq).sum(axis=-1) / math.log(2), 1e-4, 1e-5)
        names = ("mu_p", "logvar_p", "mu_q", "logvar_q")
        arrays = dict(zip(names, (a.astype(dtype) for a in (mu_p, lp, mu_q, lq))))
        return {**arrays, "base": 2}, lambda a: test(a) and a.dtype == dtype


_gaussian_case("gaussian_cross_entropy", lambda m, a, n, b: 0.5 * (
    math.log(2 * math.pi) + b + (np.exp(a) + (m - n) ** 2) / np.exp(b)))  # fmt: skip
_gaussian_case("gaussian_kl", lambda m, a, n, b: 0.5 * (
    b - a - 1 + (np.exp(a) + (m - n) ** 2) / np.exp(b)))  # fmt: skip


def normal(mu, sigma):
    """A density."""
    return lambda x: np.exp(-0.5 * ((x - mu) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))


BAD_DENSITY = one_of_makers(CALL, any_of(
    lambda x: x, lambda x: "a", lambda x: None, lambda x: np.ones(3), lambda x: -np.ones(x.shape),
    lambda x: np.full(x.shape, np.nan), lambda x: [[1], [2, 3]], lambda x: np.ones(x.shape),
))  # fmt: skip
BOUND = one_of_makers(any_of(*NOTHING, math.nan, math.inf, -math.inf, "3", 10**401, [1], True))


@case("info.differential_entropy", info.differential_entropy, p=BAD_DENSITY, low=BOUND,
      high=BOUND, base=BASE)  # fmt: skip
def _(rng):
    sigma = rng.uniform(0.3, 2)
    return {"p": normal(0, sigma), "low": -20, "high": 20.0, "base": 2}, close(
        0.5 * math.log2(2 * math.pi * math.e * sigma**2), 1e-6
    )


@case("info.differential_kl", info.differential_kl, p=BAD_DENSITY,
      q=one_of_makers(CALL, any_of(lambda x: "a", lambda x: np.ones(3), lambda x: -x * x)),
      low=BOUND, high=BOUND, base=BASE)  # fmt: skip
def _(rng):
    mu = rng.uniform(-1, 1)
    arguments = {"p": normal(0, 1), "q": normal(mu, 1), "low": -15, "high": 15, "base": math.e}
    return arguments, close(mu**2 / 2, 1e-6)


BAD_LOG = one_of_makers(CALL, any_of(
    lambda x: "a", lambda x: None, lambda x: x[:1], lambda x: np.nan * x, lambda x: x + 1j,
    lambda x: [[1], [2, 3]],
))  # fmt: skip


@case("info.monte_carlo_kl", info.monte_carlo_kl, samples=one_of_makers(ARRAY, any_of(3, [1])),
      log_p=BAD_LOG, log_q=BAD_LOG, base=BASE)  # fmt: skip
def _(rng):
    x = rng.standard_normal(50)
    arguments = {"samples": form(rng, x), "log_p": lambda x: -(x**2) / 2, "base": math.e}
    d = -(x**2) / 2 + (x - 1) ** 2 / 2
    truth = (d.mean(), d.std(ddof=1) / math.sqrt(50))
    return {**arguments, "log_q": lambda x: -((x - 1) ** 2) / 2}, close(truth)


# models


@case("VAE", VAE, n_x=one_of_makers(WHOLE, SIZE), hidden=SIZES, n_z=one_of_makers(WHOLE, SIZE),
      decoder=NAME, activation=NAME, init=NAME, dtype=DTYPE, seed=SEED,
          image_shape=SHAPE, min_sigma=any_of(*LISTS, *NUMBERS, True, "3", 10**401))  # fmt: skip
def _(rng):
    arguments = {
        "n_x": pick(rng, 12, np.int32(12)), "hidden": pick(rng, (), (3,), [2, 5], np.array([4]),
        range(2, 4)),
        "n_z": 2, "decoder": pick(rng, *OUTPUTS),
        "activation": pick(rng, "tanh", "relu", "sigmoid"), "init": pick(rng, "glorot", "normal"),
        "dtype": pick(rng, "float32", np.float32, float, "f8", np.dtype("f4")), "seed": seed(rng),
        "image_shape": pick(rng, None, (3, 4), [12, 1], np.array([2, 6])),
        "min_sigma": pick(rng, None, 0, 0.0),
    }  # fmt: skip
    return (
        arguments,
        lambda m: (
            np.isfinite(m.params.theta).all()
            and m.params.theta.dtype == np.dtype(arguments["dtype"])
            and json.loads(json.dumps(m.settings)) is not None
        ),
    )


@case("Autoencoder", Autoencoder, n_x=one_of_makers(WHOLE, SIZE), hidden=SIZES,
      n_z=one_of_makers(WHOLE, SIZE), activation=NAME, dtype=DTYPE, seed=SEED)  # fmt: skip
def _(rng):
    arguments = {"n_x": 12, "hidden": pick(rng, (), [3]), "n_z": 2, "activation": "relu",
                 "dtype": "f4", "seed": seed(rng)}  # fmt: skip
    return arguments, lambda m: np.isfinite(m.params.theta).all()


def method(name, **bad):
    """A case of a method of a VAE."""
    return case(f"VAE.{name}", lambda vae, **a: getattr(vae, name)(**a), **bad)


def model_and(rng, **more):
    """The arguments of a method: a VAE and these."""
    return {"vae": vae(rng), **more}


@method("encode", x=DATA)
def _(rng):
    m = vae(rng, decoder="bernoulli")
    right = shaped((4, 3), m.dtype)
    return {"vae": m, "x": form(rng, data(rng))}, lambda a: right(a[0]) and right(a[1])


@case("VAE.encode, real numbers", lambda vae, x: vae.encode(x), x=REAL)
def _(rng):
    m = vae(rng, decoder=pick(rng, "gaussian", "isotropic"))
    right = shaped((4, 3), m.dtype)
    return {"vae": m, "x": rng.standard_normal((4, 12))}, lambda a: right(a[0]) and right(a[1])


@method("decode", z=REAL)
def _(rng):
    m = vae(rng)
    high = np.inf if m.decoder in ("gaussian", "isotropic") else 1
    z = rng.standard_normal((4, 3))
    return {"vae": m, "z": form(rng, z)}, shaped((4, 12), m.dtype, -high, high)


@method("reconstruct", x=DATA)
def _(rng):
    m = vae(rng, decoder="bernoulli")
    return {"vae": m, "x": data(rng)}, shaped((4, 12), m.dtype, 0, 1)


@method("sample", n=one_of_makers(WHOLE, SIZE), seed=SEED, draw=FLAG)
def _(rng):
    m, draw = vae(rng), pick(rng, True, False, np.bool_(True))
    right = shaped((5, 12), m.dtype)
    return {
        "vae": m,
        "n": 5,
        "seed": seed(rng),
        "draw": draw,
    }, lambda a: right(a) and (not draw or m.decoder != "bernoulli" or set(np.unique(a)) <= {0, 1})


def _bounds():
    for name in ("elbo", "elbo_sampled", "log_weights", "loss_and_grad"):

        @method(name, x=DATA, eps=REAL)
        def _(rng, name=name):
            m, eps = vae(rng, decoder="bernoulli"), noise(rng)
            L = 1 if eps.ndim == 2 else 2
            shape = {"log_weights": (L, 4), "loss_and_grad": ()}.get(name, (4,))
            right = shaped(shape, high=np.inf if name == "loss_and_grad" else 40)
            return {
                "vae": m,
                "x": form(rng, data(rng)),
                "eps": form(rng, eps),
            }, lambda a: right(a) and np.isfinite(m.params.g).all()


_bounds()


@method("log_joint", x=DATA, z=REAL)
def _(rng):
    m, z = vae(rng, decoder="bernoulli"), noise(rng)
    return {"vae": m, "x": data(rng), "z": z}, shaped((1 if z.ndim == 2 else 2, 4), high=0)


@case("Autoencoder.reconstruct", lambda m, x: m.reconstruct(x), x=REAL)
def _(rng):
    m = Autoencoder(12, (5,), 3, seed=1)
    return {"m": m, "x": rng.standard_normal((4, 12))}, shaped((4, 12), np.float32)


@case("Autoencoder.loss_and_grad", lambda m, x: m.loss_and_grad(x), x=REAL)
def _(rng):
    m = Autoencoder(12, (5,), 3, seed=1)
    return {"m": m, "x": rng.standard_normal((4, 12))}, shaped((), low=0)


@case("Parameters", Parameters, dtype=DTYPE, shapes=any_of(
    *(x for x in NOTHING if not isinstance(x, dict)), 3, [1], {"a": 3}, {"a": (-1,)},
    {"a": (2.5,)}, {1: (2,)}, {"a": "23"},
    {"a": (10**12, 10**12)}))  # fmt: skip
def _(rng):
    arguments = {"shapes": {"a": (2, 3), "b": [4]}, "dtype": "f8"}
    return arguments, lambda p: p.theta.shape == (10,) and p.values["a"].shape == (2, 3)


def _optimizers():
    kinds = {SGD: (), Adagrad: ("epsilon",), Adam: ("beta1", "beta2", "epsilon")}
    for kind, names in kinds.items():
        makers = {name: POSITIVE if name == "epsilon" else FRACTION for name in names}

        @case(kind.__name__, kind, params=KIND, lr=POSITIVE, weight_decay=FROM_ZERO, **makers)
        def _(rng, names=names, kind=kind):
            m = vae(rng)
            more = {name: pick(rng, 0.5, np.float32(0.25)) for name in names}
            more |= {"lr": pick(rng, 1, 0.01), "weight_decay": pick(rng, 0, 0.1)}

            def right(optimizer):
                m.params.g[...] = 1
                optimizer.step()
                return np.isfinite(m.params.theta).all()

            return {"params": m.params, **more}, right


_optimizers()


# data


def _pixels():
    for name, function in {"binarize": binarize, "grey": grey, "dequantize": dequantize}.items():
        below = [] if name == "grey" else [negative]

        @case(name, function, images=one_of_makers(spoilt, *below, scaled, nothing, any_of(
            np.zeros(3, int), [[0.5]], 3)), rng=any_of(
            *(x for x in NOTHING if x is not None), 3, "x", np.random.RandomState(1)),
                dtype=DTYPE)  # fmt: skip
        def _(rng, name=name):
            x = images(rng) if name != "dequantize" else rng.integers(0, 256, (2, 3), np.uint8)
            dtype = pick(rng, "f4", np.float64)
            return {"images": x, "rng": rng, "dtype": dtype}, shaped(x.shape, dtype, 0, 1)


_pixels()


@case("fit", scratchvae.fit, model=KIND, images=IMAGES, epochs=WHOLE, batch_size=WHOLE,
      optimizer=any_of(*(x for x in NOTHING if x is not None), "adam", Adam, 3), seed=SEED,
      test_images=one_of_makers(lambda rng, good: pick(rng, *NOTHING[1:]), any_of(np.zeros((2,
          3)), [[9] * 12])),
      pixels=any_of("no", "BITS", 3, ["bits"], b"bits", True, {}), workers=WHOLE,
      progress=FLAG)  # fmt: skip
def _(rng):
    m = pick(rng, vae(rng), Autoencoder(12, (5,), 3))
    arguments = {
        "model": m, "images": images(rng), "epochs": 2, "batch_size": pick(rng, 1, 4, 10**30),
        "optimizer": pick(rng, None, SGD(m.params, 1e-4), Adam(m.params)), "seed": seed(rng),
        "test_images": pick(rng, None, images(rng)), "pixels": pick(rng, None, "grey"),
        "workers": 1, "progress": False,
    }  # fmt: skip
    return arguments, lambda history: len(history.elbo) == 2 and np.isfinite(history.elbo).all()


@case("evaluate", scratchvae.evaluate, model=KIND, images=IMAGES, seed=one_of_makers(SEED, any_of(
      np.random.default_rng(1))), pixels=any_of("no", 3, ["bits"], True),
          workers=WHOLE)  # fmt: skip
def _(rng):
    m = pick(rng, vae(rng), Autoencoder(12, (5,), 3))
    x = images(rng)
    arguments = {"model": m, "images": x, "seed": pick(rng, 0, np.int64(3)), "workers": 1}
    return {
        **arguments,
        "pixels": pick(rng, None, "grey"),
    }, lambda b: np.isfinite(b).all() and abs(b.elbo - (b.reconstruction - b.kl)) < 1e-6


@case("active_units", scratchvae.active_units, vae=KIND, images=one_of_makers(IMAGES, any_of(
      np.zeros((1, 12), np.uint8))), seed=SEED, pixels=any_of("no", 3),
          threshold=FROM_ZERO)  # fmt: skip
def _(rng):
    arguments = {"vae": vae(rng), "images": images(rng), "seed": 1, "pixels": None}
    return {**arguments, "threshold": 0.01}, lambda n: n in range(4)


@case("log_likelihood", scratchvae.log_likelihood, vae=KIND, x=DATA,
      n_samples=any_of(*NOTHING[1:], 0, -1, 2.5, True, "3"), seed=SEED, method=NAME,
      n_temperatures=one_of_makers(WHOLE, SIZE), progress=FLAG)  # fmt: skip
def _(rng):
    arguments = {
        "vae": vae(rng, decoder="bernoulli"), "x": data(rng, 2), "n_samples": pick(rng, 20,
        np.int64(16)),
        "seed": seed(rng), "method": "ais", "n_temperatures": 3, "progress": False,
    }  # fmt: skip
    right = shaped((2,), np.float64, high=0)
    return arguments, lambda a: right(a.log_p) and (a.standard_error >= 0).all()


@case("log_likelihood, other methods", scratchvae.log_likelihood)
def _(rng):
    m = vae(rng, decoder="bernoulli")
    arguments = {
        "vae": m,
        "x": data(rng, 2),
        "n_samples": 16,
        "method": pick(rng, "importance", "hmc"),
    }
    right = shaped((2,), np.float64, high=0)
    return arguments, lambda a: right(a.log_p)


@case("fit, resume", scratchvae.fit, resume=one_of_makers(
      any_of(3, 0, 1.5, True, object(), [], "", b"x", "a\0b", ".", {}, Odd(), "/dev/null"),
      lambda rng, good: _damaged_training(rng)), overwrite=FLAG)  # fmt: skip
def _(rng):
    m = VAE(12, (2,), 1)
    path = _folder() / "training.npz"
    arguments = {"model": m, "images": data(rng, 3).astype(float), "progress": False}
    return {**arguments, "epochs": 2, "resume": path}, lambda h: len(h.elbo) == 2 and path.exists()


def _damaged_training(rng):
    path = _folder() / "training.npz"
    scratchvae.fit(VAE(12, (2,), 1), np.zeros((3, 12)), epochs=1, resume=path, progress=False)
    content = path.read_bytes()
    while (changed := damaged(rng, content)) == content:
        pass
    path.write_bytes(changed)
    return path


@case("Autoencoder.encode", lambda m, x: m.encode(x), x=REAL)
def _(rng):
    m = Autoencoder(12, (5,), 3, seed=1)
    return {"m": m, "x": rng.standard_normal((4, 12))}, shaped((4, 3), np.float32)


@case("Autoencoder.decode", lambda m, z: m.decode(z), z=REAL)
def _(rng):
    m = Autoencoder(12, (5,), 3, seed=1)
    return {"m": m, "z": rng.standard_normal((4, 3))}, shaped((4, 12), np.float32)


# PCA and gradients


@case("PCA", PCA, n_components=WHOLE)
def _(rng):
    return {"n_components": 2}, lambda p: p.n_components == 2


@case("PCA.fit", lambda X: PCA(2).fit(X), X=one_of_makers(
      ARRAY, scaled, any_of(0.5, [1, 2], [[1, 2]], [[1], [2]], np.zeros((2, 2, 2)))))  # fmt: skip
def _(rng):
    X = rng.standard_normal((5, 3)) * pick(rng, 1, 1e9)
    return (
        {"X": form(rng, X)},
        lambda p: (
            shaped((2, 3))(p.components) and np.allclose(p.components @ p.components.T, np.eye(2))
        ),
    )


@case("PCA.transform", lambda X: PCA(2).fit(np.eye(3)).transform(X), X=REAL)
def _(rng):
    return {"X": form(rng, rng.standard_normal((5, 3)))}, shaped((5, 2))


@case("PCA.inverse_transform", lambda Z: PCA(2).fit(np.eye(3)).inverse_transform(Z), Z=REAL)
def _(rng):
    return {"Z": form(rng, rng.standard_normal((5, 2)))}, shaped((5, 3))


@case("PCA before fit", lambda X: PCA(2).transform(X), X=any_of(np.eye(3)))
def _(rng):
    return {"X": np.eye(3)}, "raises"


def _loss_and_params(rng):
    params = Parameters({"w": (3,)}, np.float64)
    params.theta[...] = rng.standard_normal(3)
    params.g[...] = 2 * params.theta
    return params, lambda: float((params.theta**2).sum())


@case("check_gradient", scratchvae.check_gradient, params=KIND,
      loss=one_of_makers(CALL, any_of(lambda: "a", lambda: None, lambda: 1j, lambda: np.ones(3),
                                      lambda: np.float32(1), lambda: math.nan)),
      h=one_of_makers(POSITIVE, any_of(1e-300, 1e-20, 1e-14, 1.0, 1e300)),
      tolerance=one_of_makers(FROM_ZERO, any_of(1, 10, 1e300)))  # fmt: skip
def _(rng):
    params, loss = _loss_and_params(rng)
    wrong = rng.random() < 0.5
    if wrong:
        params.g[1] += pick(rng, 0.1, 1, -1)
    arguments = {"loss": loss, "params": params, "h": pick(rng, 1e-5, 1e-4), "tolerance": 1e-6}
    return arguments, lambda found: found[0].close == (not wrong)


THETA = one_of_makers(nothing, spoilt, any_of([[0.5]], 3, np.zeros((2, 2)), np.zeros(0)))


@case("central_difference", central_difference, f=CALL, theta=one_of_makers(THETA, any_of([1e20])),
      h=one_of_makers(POSITIVE, any_of(1e-300, 1e-40)))  # fmt: skip
def _(rng):
    theta = rng.uniform(0.5, 1, 4)
    arguments = {"f": lambda t: float((t**3).sum()), "theta": theta, "h": 1e-5}
    return arguments, close(3 * theta**2, 1e-7)


@case("complex_step", complex_step, f=CALL, theta=THETA, h=POSITIVE)
def _(rng):
    theta = rng.standard_normal(4)
    return {"f": lambda t: (t**3).sum(), "theta": theta, "h": 1e-20}, close(3 * theta**2)


@case("compare", compare, ours=one_of_makers(nothing, other_shape), theirs=one_of_makers(nothing,
    other_shape),
      tolerance=FROM_ZERO, rounding=FROM_ZERO)  # fmt: skip
def _(rng):
    ours = rng.standard_normal((2, 3))
    arguments = {"name": "w", "ours": ours, "theirs": ours + 1e-3, "tolerance": 1e-5}
    return {**arguments, "rounding": 0}, lambda c: not c.close and not c.exact


# files and pictures


def _folder():
    """A new folder."""
    return Path(tempfile.mkdtemp(dir=FOLDER))


@case("save_model", scratchvae.save_model, vae=KIND, path=PATH)
def _(rng):
    path, m = _folder() / "m.npz", vae(rng)
    return {
        "vae": m,
        "path": pick(rng, path, str(path)),
    }, lambda _: scratchvae.load_model(path).params.theta.tobytes() == m.params.theta.tobytes()


@case("load_model", scratchvae.load_model, path=one_of_makers(PATH, any_of("nowhere", "/",
    "/dev/null")),
      max_memory=one_of_makers(WHOLE, any_of(1, 100)))  # fmt: skip
def _(rng):
    path = _folder() / "m.npz"
    scratchvae.save_model(vae(rng), path)
    return {"path": path, "max_memory": 2**30}, lambda m: isinstance(m, VAE)


@case("read_idx", scratchvae.read_idx, path=one_of_makers(PATH, any_of("nowhere", "/",
    "/dev/null")),
      max_memory=one_of_makers(WHOLE, any_of(1, 10)))  # fmt: skip
def _(rng):
    path = _folder() / pick(rng, "a.gz", "a")
    array = rng.integers(0, 256, (4, 5), np.uint8)
    write_idx(path, array)
    return {"path": path, "max_memory": 10**6}, lambda a: (a == array).all()


@case("load_mnist", scratchvae.load_mnist, folder=one_of_makers(
      any_of(3, 0, 1.5, True, object(), [], "", b"x", "a\0b", "nowhere", "/dev/null", Odd()),
      lambda rng, good: _folder()), max_memory=one_of_makers(WHOLE, any_of(1, 10)))  # fmt: skip
def _(rng):
    folder = write_image_set(_folder() / "images", 3, 1)
    return {"folder": folder, "max_memory": 10**6}, lambda d: d.test_images.shape == (1, 30)


@case("History.save", lambda path: History().save(path), path=PATH)
def _(rng):
    path = _folder() / "h.json"
    return {"path": path}, lambda _: json.loads(path.read_text())["elbo"] == []


def is_png(path):
    """A test: the picture is there, and Matplotlib reads it."""
    from matplotlib.image import imread

    return lambda _: imread(path).ndim == 3


@case(
    "figures.samples",
    figures.samples,
    images=MATRIX,
    image_shape=one_of_makers(SHAPE, any_of(None)),
    ink=FLAG,
    path=PNG,
)
def _(rng):
    path = _folder() / "s.png"
    return {"images": data(rng), "image_shape": (3, 4), "path": path}, is_png(path)


@case("figures.reconstructions", figures.reconstructions, originals=MATRIX, seen=MATRIX,
      means=one_of_makers(MATRIX, any_of(np.zeros((2, 12)))),
          image_shape=one_of_makers(SHAPE, any_of(None)), path=PNG)  # fmt: skip
def _(rng):
    path = _folder() / "s.png"
    arguments = {"originals": data(rng), "seen": data(rng), "means": data(rng)}
    arguments["image_shape"] = (12, 1)
    return {**arguments, "path": path}, is_png(path)


@case("figures.manifold", figures.manifold, vae=one_of_makers(KIND, lambda rng, good: vae(rng)),
      image_shape=one_of_makers(SHAPE, any_of(None)), path=PNG, n=one_of_makers(WHOLE,
          SIZE))  # fmt: skip
def _(rng):
    path = _folder() / "s.png"
    m = VAE(12, (), 2, decoder=pick(rng, "bernoulli", "isotropic"))
    return {"vae": m, "image_shape": (3, 4), "path": path, "n": 3}, is_png(path)


@case("figures.two_samplings", figures.two_samplings, vae=KIND,
      image_shape=one_of_makers(SHAPE, any_of(None)), path=PNG, n=one_of_makers(WHOLE, SIZE),
          seed=SEED)  # fmt: skip
def _(rng):
    path = _folder() / "s.png"
    m = VAE(12, (), 2)
    arguments = {"vae": m, "image_shape": (3, 4), "path": path, "n": 2, "seed": 1}
    return arguments, is_png(path)


@case("figures.traversals", figures.traversals, vae=KIND,
      image_shape=one_of_makers(SHAPE, any_of(None)), path=PNG, n=one_of_makers(WHOLE, SIZE),
      x=any_of("x", {}, 3, [[1]], np.zeros((1, 12))),
      at=any_of("x", {}, 3, [[1]], [1, 2], [1, 2, math.nan]))  # fmt: skip
def _(rng):
    path = _folder() / "s.png"
    arguments = {"vae": vae(rng), "image_shape": (2, 2, 3), "x": data(rng), "at": [1, 0, 2]}
    return {**arguments, "n": 2, "path": path}, is_png(path)


@case("figures.latent_scatter", figures.latent_scatter, mu=MATRIX,
      labels=any_of(*(x for x in NOTHING if x is not None), [1], [[1]], 3),
      path=PNG)  # fmt: skip
def _(rng):
    path = _folder() / "s.png"
    mu, labels = rng.standard_normal((5, 2)), rng.integers(0, 9, 5).astype(np.uint8)
    return {"mu": mu, "labels": labels, "path": path}, is_png(path)


@case("figures.learning_curve", figures.learning_curve, history=KIND, path=PNG)
def _(rng):
    path = _folder() / "s.png"
    n = int(rng.integers(1, 4))
    history = History(*([[float(i) for i in range(n)]] * 7))
    return {"history": history, "path": path}, is_png(path)


def damaged(rng, content):
    """The bytes with some damage: a flip, a cut, something added, zeroed, or repeated."""
    content = bytearray(content)
    at = int(rng.integers(len(content)))
    kind = rng.integers(8)
    if kind < 4:
        content[at] ^= 1 << rng.integers(8)
    elif kind == 4:
        del content[at:]
    elif kind == 5:
        content[at:at] = rng.bytes(int(rng.integers(1, 20)))
    elif kind == 6:
        content[at : at + 8] = bytes(len(content[at : at + 8]))
    else:
        content += content[at:]
    return bytes(content)
