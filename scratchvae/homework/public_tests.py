"""The public tests of the homework: `pytest -m exercise_2_4` runs those of exercise 2.4.

The expected numbers do not come from the functions that are tested: they come by hand, by
quadrature, by differences, by counting. A test uses only its own exercise and those that it
builds on. A failed test says what was expected and what your function gave.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from scratchvae import (
    datasets,
    distributions,
    gradient_check,
    info,
    layers,
    likelihood,
    optimizers,
    parameters,
    training,
    vae,
)
from scratchvae.homework.domains import KINDS, Call, public
from scratchvae.homework.expected import answers

Array = Any


def slope(f: Callable[[Array], float], x: Array, h: float = 1e-3) -> Array:
    """The numerical gradient of f at x, any shape, from four points beside each entry.

    Their weights make the error h⁴ f⁽⁵⁾ / 30.
    """
    weights = {-2.0: 1 / 12, -1.0: -2 / 3, 1.0: 2 / 3, 2.0: -1 / 12}
    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        for steps, weight in weights.items():
            moved = x.copy()
            moved[index] += steps * h
            gradient[index] += weight * f(moved) / h
    return gradient


def fail(what: str, expected: object, got: object) -> None:
    """Say so."""
    raise AssertionError(f"{what}: expected {expected}, got {got}")


def near(value: Array, expected: Array, error: Array = 1e-9, *, what: str) -> None:
    """Same shape, and equal to within an error relative to the largest entry.

    error: for each entry its own, or one number, relative to 1 + the largest.
    """
    if value is None:
        fail(what, "numbers", "None: a `return` is missing")
    value = list(value) if isinstance(value, Iterator) else value
    value, expected = np.asarray(value, float), np.asarray(expected, float)
    if value.shape != expected.shape:
        fail(f"the shape of {what}", expected.shape, value.shape)
    if isinstance(error, float):
        error = error * (1 + np.max(np.abs(expected), where=np.isfinite(expected), initial=0))
    with np.errstate(invalid="ignore"):
        wrong = ~((value == expected) | (np.abs(value - expected) <= error))
    if wrong.any():
        if expected.size > 12:
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            what = f"{what}, entry {list(index)}"
            value, expected = value[index], expected[index]
        fail(what, expected.tolist(), value.tolist())


def of_type(value: Array, dtype: Any, what: str) -> None:
    """The numbers are of this type."""
    if np.asarray(value).dtype != dtype:
        fail(f"the type of {what}", np.dtype(dtype), np.asarray(value).dtype)


def short(value: Any) -> str:
    """An argument, as a message shows it."""
    if isinstance(value, float | int):
        return repr(value)
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        return str(getattr(value, "__name__", type(value).__name__))
    if array.size > 12:
        return f"<{array.dtype}, shape {array.shape}>"
    return " ".join(np.array2string(array, floatmode="unique", separator=", ").split())


def written(function: Callable[..., Any], arguments: Any, options: dict[str, Any]) -> str:
    """The call: "entropy([0.5, 0.5], base=3)"."""
    named = (f"{name}={short(value)}" for name, value in options.items())
    name = getattr(function, "__name__", "function")
    return f"{name}({', '.join([*map(short, arguments), *named])})"


def unchanged(function: Callable[..., Any], *arguments: Array, **options: Any) -> Any:
    """Call it; its arguments are afterwards as they were."""
    kept = copy.deepcopy(arguments)
    result = function(*arguments, **options)
    for number, (now, before) in enumerate(zip(arguments, kept), start=1):
        if not np.array_equal(now, before, equal_nan=True):
            call = written(function, kept, options)
            fail(f"argument {number} after {call}", "as it was", short(now))
    return result


def gives(
    expected: Array,
    function: Callable[..., Any],
    *arguments: Array,
    error: Array = 1e-9,
    **options: Any,
) -> Any:
    """The call returns this, and leaves its arguments alone."""
    call = written(function, arguments, options)
    try:
        result = unchanged(function, *arguments, **options)
    except (NotImplementedError, AssertionError):
        raise
    except Exception as raised:
        fail(call, short(expected), repr(raised))
    near(result, expected, error, what=call)
    return result


def refused(function: Callable[..., Any], *arguments: Array, **options: Any) -> None:
    """The call raises a ValueError."""
    call = written(function, arguments, options)
    try:
        result = function(*arguments, **options)
    except (NotImplementedError, TypeError):
        raise
    except ValueError:
        return
    except Exception as error:
        fail(call, "a ValueError", repr(error))
    fail(call, "a ValueError", short(result))


def finite(value: Array, what: str) -> None:
    """No NaN, nothing infinite."""
    if not np.isfinite(value).all():
        fail(what, "finite numbers", np.asarray(value).tolist())


# ---- 1 information ----


def agrees(call: Call, right: Any, function: Callable[..., Any]) -> None:
    """The call gives what is right, or a ValueError or TypeError where that is right."""
    options = {name: value for name, value in call.inputs.items() if name in ("axis", "base")}
    arguments = [value for name, value in call.inputs.items() if name not in options]
    if right is None:
        with suppress(TypeError):
            refused(function, *arguments, **options)
        return
    dtype, expected = np.dtype(right[0]), np.array(right[1])
    finite_size = np.where(np.isfinite(expected), np.abs(expected), 0)
    size = finite_size if call.kind == "extremes" else finite_size.max(initial=0)
    bound = np.broadcast_to(call.rtol * size + call.atol, expected.shape)
    result = gives(expected, function, *arguments, error=bound, **options)
    if call.kind == "shapes" and isinstance(result, np.ndarray) and result.ndim:
        of_type(result, dtype, written(function, arguments, options))


def called(name: str, *_: Any, **__: Any) -> None:
    """In place of a function that the exercise has to do without."""
    fail(f"{name}, of another exercise", "no call", "a call")


def drawn(number: str, function: Callable[..., Any]) -> None:
    """All drawn calls; the smallest that is wrong is said. What they may not call is not there."""
    known, wrong = answers(number), []
    kept = {name: getattr(info, name) for name in known["apart"]}
    for name in kept:
        setattr(info, name, partial(called, name))
    try:
        for call, right in zip(public(number), known["right"]):
            try:
                agrees(call, right, function)
            except (NotImplementedError, AssertionError) as error:
                size = sum(map(np.size, call.inputs.values()))
                wrong.append((KINDS.index(call.kind), size, len(str(error)), error))
    finally:
        vars(info).update(kept)
    if wrong:
        raise min(wrong, key=lambda one: one[:3])[3]


@pytest.mark.exercise_1_1
def test_entropy_by_hand() -> None:
    gives(1.75, info.entropy, [0.5, 0.25, 0.125, 0.125])  # ½·1 + ¼·2 + ⅛·3 + ⅛·3
    gives(2.0, info.entropy, np.full(9, 1 / 9), base=3.0)
    gives([1.0, 0.0], info.entropy, [[0.5, 1.0], [0.5, 0.0]], axis=0)


@pytest.mark.exercise_1_1
def test_entropy_of_what_is_drawn() -> None:
    drawn("1.1", info.entropy)


@pytest.mark.exercise_1_2
def test_cross_entropy_is_the_mean_length_of_messages() -> None:
    p, q = [0.5, 0.25, 0.125, 0.125], [0.125, 0.125, 0.25, 0.5]
    gives(0.5 * 3 + 0.25 * 3 + 0.125 * 2 + 0.125 * 1, info.cross_entropy, p, q)
    gives(np.inf, info.cross_entropy, [0.5, 0.5], [1.0, 0.0])  # the impossible


@pytest.mark.exercise_1_2
def test_cross_entropy_of_what_is_drawn() -> None:
    drawn("1.2", info.cross_entropy)


@pytest.mark.exercise_1_3
def test_kl_by_hand() -> None:
    kl = info.kl_divergence
    gives(0.5 * 1 + 0 - 0.25 * 1, kl, [0.5, 0.25, 0.25], [0.25, 0.25, 0.5])
    gives(2.0, kl, [1.0, 0.0], [1 / 9, 8 / 9], base=3.0)
    columns = [[0.5, 1.0], [0.5, 0.0]], [[0.25, 0.5], [0.75, 0.5]]
    gives([1 - 0.5 * np.log2(3), 1.0], kl, *columns, axis=0)


@pytest.mark.exercise_1_3
def test_kl_of_what_is_drawn() -> None:
    drawn("1.3", info.kl_divergence)


@pytest.mark.exercise_1_3
def test_kl_of_nearly_equal_distributions_keeps_its_digits() -> None:
    """p log(p/q) with q = (1 + u) p is −p log(1 + u): KL is about ½ Σ p u², here 10⁻¹² nats.

    H(p, q) and H(p) are 14 bits each: their difference has lost these digits.
    """
    n = 16_384
    u = np.where(np.arange(n) % 2 == 0, 1e-6, -1e-6)
    kl = info.kl_divergence(np.full(n, 1 / n), (1 + u) / n)
    near(kl * 2e12 * np.log(2), 1.0, 1e-4, what="KL / (½ Σ p u²) for q = (1 + u) p, u = ±10⁻⁶")


@pytest.mark.exercise_1_3
def test_kl_of_sums_that_are_not_quite_one_has_their_difference() -> None:
    """Σ p log(p/q) − Σ p + Σ q: for q = (1 + u) p it is 1 · (u − log(1 + u)), about ½ u²."""
    p = [0.5, 0.25, 0.25]
    for u in (1e-8, -1e-8):  # KL is 10⁻¹⁶, and Σ p log(p/q) alone is 10⁻⁸
        gives(0.0, info.kl_divergence, p, np.multiply(p, 1 + u), error=1e-12)
        gives(0.0, info.kl_divergence, np.multiply(p, 1 + u), p, error=1e-12)


@pytest.mark.exercise_1_4
def test_binary_cross_entropy_by_hand() -> None:
    f = info.binary_cross_entropy
    gives([2.0, np.log2(4 / 3), 0.0], f, [1.0, 0.0, 1.0], [0.25, 0.25, 1.0], base=2.0)
    gives([3.0], f, [1.0], [np.exp(-3)])  # in nats
    refused(f, [2.0], [0.5])


@pytest.mark.exercise_1_4
def test_binary_cross_entropy_of_what_is_drawn() -> None:
    drawn("1.4", info.binary_cross_entropy)


@pytest.mark.exercise_1_5
def test_information_gain_by_hand() -> None:
    f = info.information_gain
    gain = gives(1.0, f, [4, 4], [[4, 0], [0, 4]])  # all is told
    gives(1 - 0.75 * (np.log2(3) - 2 / 3), f, [4, 4], [[4, 2], [0, 2]])  # 6 of 8 have H(⅔, ⅓)
    if not isinstance(gain, float):
        fail("the type of the gain", "float", type(gain).__name__)
    refused(f, [1, 1], [[1, 1.01]])
    # 0.1 + 0.2 is not quite 0.3
    gives(0.0, info.information_gain, [0.3, 0.6], [[0.1, 0.2], [0.2, 0.4]])


@pytest.mark.exercise_1_5
def test_information_gain_of_what_is_drawn() -> None:
    drawn("1.5", info.information_gain)


@pytest.mark.exercise_1_6
def test_code_lengths_by_hand() -> None:
    gives([1, 2, 3, 3], info.code_lengths, [0.5, 0.25, 0.125, 0.125])  # exact powers
    gives([2, 2, 3, 5], info.code_lengths, [0.4, 0.35, 0.2, 0.05])
    less = np.nextafter(1 / 256, 0)  # just below ½⁸, where a logarithm rounds to −8
    gives([1, 9], info.code_lengths, [1 - less, less])


@pytest.mark.exercise_1_6
def test_code_lengths_of_what_is_drawn() -> None:
    drawn("1.6", info.code_lengths)


# ---- 2 distributions ----


@pytest.mark.exercise_2_1
def test_gaussian_log_density_in_one_dimension() -> None:
    for z, mu, logvar in ((0.0, 0.0, 0.0), (3.0, 1.0, np.log(4)), (-0.5, 0.7, -1.2)):
        expected = np.log(NormalDist(mu, np.exp(logvar) ** 0.5).pdf(z))
        got = distributions.gaussian_log_density(np.array([z]), np.array([mu]), np.array([logvar]))
        near(got, expected, what=f"log N at z = {z}, mu = {mu}, logvar = {logvar:.4g}")


@pytest.mark.exercise_2_1
def test_gaussian_density_has_mass_one_and_its_moments() -> None:
    z = np.linspace(-40, 40, 80_001)[:, None]
    for mu, logvar in ((0.0, 0.0), (1.5, 1.2), (-2.0, -1.0)):
        here = f"at mu = {mu}, logvar = {logvar}"
        log_density = distributions.gaussian_log_density(z, np.array([mu]), np.array([logvar]))
        density = np.exp(log_density) * 0.001
        near(density.sum(), 1.0, 1e-8, what=f"the mass {here}")
        near((density * z[:, 0]).sum(), mu, 1e-8, what=f"the mean {here}")
        variance = (density * (z[:, 0] - mu) ** 2).sum()
        near(variance, np.exp(logvar), 1e-8, what=f"the variance {here}")


@pytest.mark.exercise_2_1
def test_gaussian_densities_of_independent_dimensions_multiply() -> None:
    rng = np.random.default_rng(0)
    z, mu, logvar = rng.standard_normal((3, 4, 3))
    joint = unchanged(distributions.gaussian_log_density, z, mu, logvar)
    alone = [
        distributions.gaussian_log_density(z[:, i : i + 1], mu[:, i : i + 1], logvar[:, i : i + 1])
        for i in range(3)
    ]
    near(joint, sum(alone), what="log N of 3 dimensions, beside the sum over each alone")
    far = np.array([-50.0, 50.0])
    finite(
        distributions.gaussian_log_density(np.array([2.0, 3.0]), np.zeros(2), far),
        "log N at logvar = [-50, 50]",
    )


@pytest.mark.exercise_2_2
def test_kl_of_a_gaussian_by_quadrature() -> None:
    z = np.linspace(-30, 30, 6001)
    log_p = np.log([NormalDist().pdf(point) for point in z])
    for mu, logvar in ((0.7, 0.0), (0.0, 1.1), (-1.3, -0.8)):
        q = np.array([NormalDist(mu, np.exp(logvar) ** 0.5).pdf(point) for point in z])
        here = q > 0
        expected = (q[here] * (np.log(q[here]) - log_p[here])).sum() * 0.01
        got = distributions.gaussian_kl(np.array([mu]), np.array([logvar]))
        near(got, expected, 1e-8, what=f"KL at mu = {mu}, logvar = {logvar}")


@pytest.mark.exercise_2_2
def test_kl_of_a_gaussian_adds_over_the_last_axis() -> None:
    mu, logvar = np.array([[3.0, 1.0], [0.0, 0.0]]), np.zeros((2, 2))
    gives([5.0, 0.0], distributions.gaussian_kl, mu, logvar)  # ½ μ² where σ = 1
    gives(1.5 * (3 - np.log(4)), distributions.gaussian_kl, np.zeros(3), np.full(3, np.log(4)))
    far = distributions.gaussian_kl(np.array([[1e4, 0.0]]), np.array([[-50.0, 50.0]]))
    finite(far, "KL at logvar = [-50, 50]")


@pytest.mark.exercise_2_3
def test_sample_has_the_declared_mean_and_variance() -> None:
    eps = np.linspace(-1, 1, 5).reshape(5, 1, 1) * np.sqrt(2)  # mean 0, mean square 1
    z = np.asarray(distributions.reparameterize(np.array([[3.0]]), np.log([[9.0]]), eps))
    near(z, z.reshape(5, 1, 1), what="z")
    near(z.mean(), 3.0, what="the mean of z")
    near(z.var(), 9.0, what="the variance of z")
    arguments = np.array([[1.0, 2.0]]), np.log([[4.0, 0.25]]), np.array([[1.0, -2.0]])
    gives([[3.0, 1.0]], distributions.reparameterize, *arguments)


@pytest.mark.exercise_2_3
def test_sample_changes_nothing() -> None:
    unchanged(distributions.reparameterize, np.ones((2, 3)), np.ones((2, 3)), np.ones((4, 2, 3)))


@pytest.mark.exercise_2_4
def test_backward_of_the_sample_by_hand() -> None:
    dmu, dlogvar = distributions.reparameterize_backward(
        np.array([[[2.0]], [[5.0]]]), np.array([[np.log(16)]]), np.array([[[3.0]], [[-1.0]]])
    )
    near(dmu, [[7.0]], what="dmu")
    near(dlogvar, [[2.0]], what="dlogvar")


@pytest.mark.exercise_2_4
def test_backward_of_samples_of_a_batch_by_hand() -> None:
    dz = np.array([[[1.0, 2.0], [3.0, -1.0]], [[0.0, -4.0], [2.0, 5.0]], [[-2.0, 1.0], [1.0, 1.0]]])
    eps = np.array([[[2.0, 1.0], [1.0, 3.0]], [[5.0, -1.0], [0.5, 1.0]], [[1.0, 2.0], [-2.0, 0.0]]])
    logvar = np.log([[4.0, 16.0], [1.0, 64.0]])
    dmu, dlogvar = unchanged(distributions.reparameterize_backward, dz, logvar, eps)
    near(dmu, [[-1.0, -1.0], [6.0, 5.0]], what="dmu")
    near(dlogvar, [[0.0, 16.0], [1.0, 8.0]], what="dlogvar")


@pytest.mark.exercise_2_5
def test_backward_of_the_kl_by_hand() -> None:
    dmu, dlogvar = distributions.gaussian_kl_backward(np.array([2.0]), np.array([np.log(5)]))
    near(dmu, [2.0], what="dmu")
    near(dlogvar, [2.0], what="dlogvar")
    mu, logvar = np.array([[-1.5, 0.0], [0.3, 7.0]]), np.log([[0.5, 1.0], [9.0, 3.0]])
    dmu, dlogvar = unchanged(distributions.gaussian_kl_backward, mu, logvar)
    near(dmu, [[-1.5, 0.0], [0.3, 7.0]], what="dmu")
    near(dlogvar, [[-0.25, 0.0], [4.0, 1.0]], what="dlogvar")
    if np.shares_memory(dmu, mu):  # `VAE.backward` adds to dmu
        fail("dmu", "a new array", "mu itself")


@pytest.mark.exercise_2_6
def test_sigmoid_of_log_odds() -> None:
    gives([0.5, 0.75, 0.25, 0.9], layers.sigmoid, np.log([1.0, 3.0, 1 / 3, 9.0]))
    a = np.array([[-3.0, 2.0]])
    both = unchanged(layers.sigmoid, a) + layers.sigmoid(-a)
    near(both, [[1.0, 1.0]], what="sigmoid(a) + sigmoid(−a) at a = [[-3, 2]]")


@pytest.mark.exercise_2_6
def test_sigmoid_far_out() -> None:
    with np.errstate(over="raise", invalid="raise"):
        gives([0.0, 1.0, 0.5], layers.sigmoid, np.array([-1e4, 1e4, 0.0]))
        far = layers.sigmoid(np.array([-20.0]))
    near(far / 2.0611536181902037e-09, [1.0], 1e-6, what="sigmoid(−20) / 2.06e-09")  # not 0
    of_type(layers.sigmoid(np.zeros(2, np.float32)), np.float32, "sigmoid of float32")


@pytest.mark.exercise_2_7
def test_bernoulli_from_log_odds() -> None:
    log_p, what = distributions.bernoulli_log_likelihood, "log p(x|z) at x = {}, p = {}"
    near(log_p(np.array([1.0]), np.log([3.0])), np.log(0.75), what=what.format(1, 0.75))
    near(log_p(np.array([0.0]), np.log([3.0])), np.log(0.25), what=what.format(0, 0.75))
    logits, x = np.log([[3.0, 1 / 9]]), np.array([[1.0, 0.0]])
    near(unchanged(log_p, x, logits), [np.log(0.75 * 0.9)], what=what.format(x, [[0.75, 0.1]]))
    near(log_p(1 - x, logits), [np.log(0.25 * 0.1)], what=what.format(1 - x, [[0.75, 0.1]]))
    grey = 0.5 * np.log(0.75) + 0.5 * np.log(0.25)
    near(log_p(np.array([0.5]), np.log([3.0])), grey, what=what.format(0.5, 0.75))


@pytest.mark.exercise_2_7
def test_bernoulli_of_all_images_has_mass_one_and_is_finite_far_out() -> None:
    x = np.array([[i, j, k] for i in (0.0, 1.0) for j in (0.0, 1.0) for k in (0.0, 1.0)])
    log_p = distributions.bernoulli_log_likelihood(x, np.array([0.3, -2.0, 1.7]))
    near(np.exp(log_p).sum(), 1.0, what="the sum of p(x|z) over all x of 3 pixels")
    x, logits = np.array([[1.0], [0.0], [0.0]]), np.array([[1e4], [1e4], [-1e4]])
    far = distributions.bernoulli_log_likelihood(x, logits)
    near(far, [0.0, -1e4, 0.0], what=f"log p(x|z) at x = {x.tolist()}, logits = {logits.tolist()}")
    many = distributions.bernoulli_log_likelihood(np.zeros((5, 3)), np.zeros((2, 5, 3)))
    near(many, np.full((2, 5), -3 * np.log(2)), what="log p(x|z) for L = 2, B = 5, logits of 0")


@pytest.mark.exercise_2_8
def test_backward_of_the_bernoulli_by_hand() -> None:
    gradient = distributions.bernoulli_log_likelihood_backward
    gives([0.25], gradient, np.array([1.0]), np.log([3.0]))  # 1 − ¾
    logits, x = np.log([[3.0, 1 / 9], [1.0, 4.0]]), np.array([[0.0, 1.0], [1.0, 0.5]])
    gives([[-0.75, 0.9], [0.5, -0.3]], gradient, x, logits)
    gives([0.0, -1.0], gradient, np.array([1.0, 0.0]), np.array([1e4, 1e4]))


@pytest.mark.exercise_2_9
def test_backward_of_the_gaussian_density_by_hand() -> None:
    gradient = distributions.gaussian_log_density_backward
    dmu, dlogvar = gradient(np.array([5.0]), np.array([1.0]), np.log([4.0]))
    near(dmu, [1.0], what="dmu")
    near(dlogvar, [1.5], what="dlogvar")
    z, mu = np.array([[3.0, 0.0], [-1.0, 2.0]]), np.array([[1.0, 1.0], [-1.0, -4.0]])
    dmu, dlogvar = unchanged(gradient, z, mu, np.log([[2.0, 0.25], [3.0, 9.0]]))
    near(dmu, [[1.0, -4.0], [0.0, 2 / 3]], what="dmu")
    near(dlogvar, [[0.5, 1.5], [-0.5, 1.5]], what="dlogvar")


# ---- 3 layers, the bound, its gradient, Algorithm 1 ----


def affine(W: Array, b: Array) -> tuple[Any, Any]:
    """Parameters, and a layer with these weights."""
    W, b = np.array(W, float), np.array(b, float)
    params = parameters.Parameters({"a.W": W.shape, "a.b": b.shape}, np.float64)
    params.values["a.W"][...], params.values["a.b"][...] = W, b
    layer = layers.Affine(*W.shape)
    layer.connect(params, "a")
    return params, layer


@pytest.mark.exercise_3_1
def test_affine_by_hand() -> None:
    params, layer = affine([[1, 2, 3], [4, 5, 6]], [10, 20, 30])
    x = np.array([[1.0, 1.0], [2.0, -1.0]])
    near(unchanged(layer.forward, x), [[15, 27, 39], [8, 19, 30]], what="y")
    near(params.theta, [1, 2, 3, 4, 5, 6, 10, 20, 30], what="the weights after forward")
    near(layer.x, x, what="layer.x, which `backward_weights` needs")


@pytest.mark.exercise_3_2
def test_affine_gradient_of_the_weights() -> None:
    """y is linear in W: dW_ij is Σ dy y, where y comes from the W whose only entry is a 1 at ij."""
    rng = np.random.default_rng(5)
    x, dy = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    params, layer = affine(rng.standard_normal((3, 2)), rng.standard_normal(2))
    dW, db, zero = np.zeros((3, 2)), np.zeros(2), np.zeros((3, 2))
    for index in np.ndindex(3, 2):
        one = zero.copy()
        one[index] = 1
        dW[index] = (dy * affine(one, [0, 0])[1].forward(x)).sum()
    for j in range(2):
        db[j] = (dy * affine(zero, np.eye(2)[j])[1].forward(x)).sum()
    layer.forward(x)
    for _ in range(2):  # written, not added
        params.g[...] = 7
        unchanged(layer.backward_weights, dy)
        near(params.grads["a.W"], dW, what="dW in the gradient vector")
        near(params.grads["a.b"], db, what="db in the gradient vector")


@pytest.mark.exercise_3_3
def test_affine_gradient_of_the_input() -> None:
    """y is linear in x: dx_ni is Σ dy y, where y comes from the x whose only entry is a 1 at ni."""
    rng = np.random.default_rng(6)
    for n_in, n_out in ((3, 2), (3, 3)):
        dy, W = rng.standard_normal((4, n_out)), rng.standard_normal((n_in, n_out))
        params, layer = affine(W, np.zeros(n_out))
        dx = np.zeros((4, n_in))
        for index in np.ndindex(4, n_in):
            one = np.zeros((4, n_in))
            one[index] = 1
            dx[index] = (dy * layer.forward(one)).sum()
        layer.forward(rng.standard_normal((4, n_in)))
        near(unchanged(layer.backward_input, dy), dx, what="dx")
        near(params.g, np.zeros(params.g.size), what="the gradient vector, which stays")


@pytest.mark.exercise_3_4
def test_tanh_backward_is_its_derivative() -> None:
    rng = np.random.default_rng(7)
    x, dy = rng.standard_normal((2, 3, 4))
    layer = layers.Tanh()
    layer.forward(x)
    got = unchanged(layer.backward_input, dy)
    expected = slope(lambda x: float((dy * (1 - 2 / (np.exp(2 * x) + 1))).sum()), x)
    near(got, expected, 1e-7, what="dx")


def model(n_z: int = 2, hidden: tuple[int, ...] = (3,), seed: int = 0) -> Any:
    """A small VAE in float64, its biases moved away from 0."""
    made = vae.VAE(4, hidden, n_z, dtype=np.float64)
    made.params.theta[...] = 0.7 * np.random.default_rng(seed).standard_normal(
        made.params.theta.size
    )
    return made


def one_by_one(made: Any, x: Array, eps: Array) -> tuple[Array, Array, Array]:
    """log p(x|z) and KL of each data point with each of its ε, and z: (L, B) arrays, and a list.

    The probability of a bit is what the decoder gives for it.
    """
    log_px, kl, samples = np.zeros(eps.shape[:2]), np.zeros(eps.shape[:2]), []
    for i, b in np.ndindex(*eps.shape[:2]):
        mu, logvar = made.encode(x[b : b + 1])
        z = distributions.reparameterize(mu, logvar, eps[i, b : b + 1])
        p = made.decode(z)[0]
        log_px[i, b] = np.log(np.where(x[b] == 1, p, 1 - p)).sum()
        kl[i, b] = distributions.gaussian_kl(mu, logvar)[0]
        samples.append((z, mu, logvar))
    return log_px, kl, samples


def loss_of(made: Any, x: Array, eps: Array) -> Callable[[Array], float]:
    """Minus the mean bound as a function of θ; the model's own θ stays."""

    def loss(theta: Array) -> float:
        kept = made.params.theta.copy()
        made.params.theta[...] = theta
        log_px, kl, _ = one_by_one(made, x, eps)
        made.params.theta[...] = kept
        return -float((log_px - kl).mean())

    return loss


def batch(L: int, B: int, seed: int = 8) -> tuple[Array, Array]:
    """x: (B, 4) bits. eps: (L, B, 2)."""
    rng = np.random.default_rng(seed)
    return (rng.random((B, 4)) < 0.5).astype(float), rng.standard_normal((L, B, 2))


@pytest.mark.exercise_3_5
def test_two_terms_of_the_bound_one_by_one() -> None:
    made, (x, eps) = model(), batch(3, 2)
    reconstruction, kl = unchanged(made.forward, x, eps)
    log_px, kls, _ = one_by_one(made, x, eps)
    near(reconstruction, log_px.mean(axis=0), what="the first term")
    near(kl, kls[0], what="the second term, KL")
    one, _ = made.forward(x, eps[0])  # (B, n_z) stands for L = 1
    near(one, log_px[0], what="the first term, eps of shape (B, n_z)")
    if made.remembered != "forward":
        fail("self.remembered after forward", "'forward'", repr(made.remembered))


@pytest.mark.exercise_3_5
def test_what_is_no_data_or_no_noise_is_an_error() -> None:
    made, (x, eps) = model(), batch(3, 2)
    bad_eps = eps.copy()
    bad_eps[0, 0, 0] = np.nan
    for bad_x, eps_for_it in ((x + 1, eps), (x, eps[:, :1]), (x[:, :3], eps), (x, bad_eps)):
        made.remembered = "forward"  # as after an earlier call
        refused(made.forward, bad_x, eps_for_it)
        if made.remembered != "":
            fail("self.remembered after an error", "''", repr(made.remembered))


@pytest.mark.exercise_3_6
def test_log_weights_one_by_one() -> None:
    made, (x, eps) = model(), batch(3, 2)
    log_px, _, samples = one_by_one(made, x, eps)
    log_ratio = [
        (
            distributions.standard_normal_log_density(z)
            - distributions.gaussian_log_density(z, mu, logvar)
        )[0]
        for z, mu, logvar in samples
    ]
    expected = log_px + np.reshape(log_ratio, (3, 2))
    near(unchanged(made.log_weights, x, eps), expected, what="log w, (L, B)")
    made.remembered = "forward"  # as after an earlier call
    near(made.log_weights(x, eps[0]), expected[:1], what="log w, eps of shape (B, n_z)")
    if made.remembered == "forward":
        fail("self.remembered after log_weights", "''", "'forward'")


@pytest.mark.exercise_3_6
def test_log_weights_of_what_is_no_data_or_no_noise_are_an_error() -> None:
    made, (x, eps) = model(), batch(3, 2)
    bad_eps = eps.copy()
    bad_eps[0, 0, 0] = np.nan
    for bad_x, eps_for_it in ((x + 1, eps), (x, eps[:, :1]), (x[:, :3], eps), (x, bad_eps)):
        refused(made.log_weights, bad_x, eps_for_it)


@pytest.mark.exercise_3_7
@pytest.mark.parametrize("L, B, hidden", [(1, 1, ()), (1, 1, (3,)), (1, 3, (3,)), (3, 2, ())])
def test_gradient_of_the_bound_against_differences(L: int, B: int, hidden: tuple[int]) -> None:
    made, (x, eps) = model(hidden=hidden), batch(L, B)
    made.forward(x, eps)
    made.params.g[...] = 7
    made.backward()
    got = {name: gradient.copy() for name, gradient in made.params.grads.items()}
    made.params.g[...] = slope(loss_of(made, x, eps), made.params.theta)
    wrong = []
    for name, expected in reversed(made.params.grads.items()):  # from the output backwards
        try:
            near(got[name], expected, 1e-7, what=f"the gradient of {name} at L = {L}, B = {B}")
        except AssertionError as error:
            wrong.append((name, error))
    if wrong:
        others = ", ".join(name for name, _ in wrong[1:]) or "none"
        raise AssertionError(f"{wrong[0][1]}\nother wrong gradients: {others}")


@pytest.mark.exercise_3_7
def test_backward_after_another_call_than_forward_is_an_error() -> None:
    made, (x, eps) = model(), batch(1, 2)
    made.forward(x, eps)
    made.encode(x)
    try:
        made.backward()
    except RuntimeError as error:
        if isinstance(error, NotImplementedError):
            raise
    else:
        fail("backward, when encode came after forward", "a RuntimeError", "a gradient")


@pytest.mark.exercise_3_8
def test_central_difference_is_exact_up_to_h_squared() -> None:
    theta = np.array([1.0, -2.0, 3.0])
    f = gradient_check.central_difference
    cubes = unchanged(lambda t: f(lambda v: float((v**3).sum()), t, 0.1), theta)
    near(cubes, 3 * theta**2 + 0.01, what="the gradient of Σ θ³ at [1, -2, 3], h = 0.1")
    product = f(lambda v: float(v[0] * v[1] - v[2]), theta, 0.5)
    near(product, [-2.0, 1.0, -1.0], what="the gradient of θ₁ θ₂ − θ₃ at [1, -2, 3], h = ½")
    powers = f(lambda v: float(np.exp(v).sum()), np.zeros(2))
    near(powers, [1.0, 1.0], 1e-7, what="the gradient of Σ e^θ at [0, 0]")
    seen: list[int] = []

    def count(v: Array) -> float:
        seen.append(int((v != theta).sum()))
        return 0.0

    gradient_check.central_difference(count, theta)
    near(max(seen), 1, what="how many θ_i differ when f is called")


def steps(name: str, gs: Array, lr: float, block: int = 64, **options: Any) -> Array:
    """θ after each step from 0, with these gradients; by blocks."""
    params = parameters.Parameters({"w": gs.shape[1:]}, np.float64)
    kept, optimizers.BLOCK = optimizers.BLOCK, block
    try:
        chosen, path = getattr(optimizers, name)(params, lr=lr, **options), []
        for g in gs:
            params.g[...] = g
            chosen.step()
            near(params.g, g, what="g after a step")
            path.append(params.theta.copy())
    finally:
        optimizers.BLOCK = kept
    return np.array(path)


@pytest.mark.exercise_3_9
def test_adagrad_by_hand() -> None:
    path = steps("Adagrad", np.array([[3.0], [4.0], [12.0]]), 0.1)
    expected = -np.cumsum([[0.1], [0.1 * 4 / 5], [0.1 * 12 / 13]], axis=0)
    near(path, expected, 1e-7, what="θ after g = 3, 4, 12 at lr = 0.1")
    path = steps("Adagrad", np.array([[2.0, -2.0, 1.0]] * 2), 1.0, block=2)
    two_steps = [-1 - 0.5**0.5, 1 + 0.5**0.5, -1 - 0.5**0.5]
    near(path[1], two_steps, 1e-7, what="θ after g = [2, -2, 1] twice, lr = 1, by blocks of 2")
    path = steps("Adagrad", np.array([[3.0]]), 0.5, epsilon=2.0)
    near(path, [[-0.5 * 3 / (3 + 2)]], what="θ after g = 3 at lr = ½, epsilon = 2")


@pytest.mark.exercise_3_10
def test_adam_by_hand() -> None:
    first = steps("Adam", np.array([[4.0, -0.01, 1e-3]]), 0.1)[0]  # it has the length lr
    near(first, [-0.1, 0.1, -0.1], 1e-5, what="θ after g = [4, -0.01, 0.001] at lr = 0.1")
    same = steps("Adam", np.array([[5.0]] * 4), 0.1)  # the mean of equal gradients is theirs
    near(same, [[-0.1], [-0.2], [-0.3], [-0.4]], 1e-7, what="θ after g = 5, 5, 5, 5 at lr = 0.1")
    # g = 1, then −3: m̂ = (0.9·1 − 3)/1.9, v̂ = (0.999·1 + 9)/1.999
    second = steps("Adam", np.array([[1.0], [-3.0]]), 1.0)[1]
    expected = [-1 + 2.1 / 1.9 / np.sqrt(9.999 / 1.999)]
    near(second, expected, 1e-7, what="θ after g = 1, -3 at lr = 1")
    # β₁ = ½, β₂ = ¾: weights 1, ½, ¼ and 1, ¾, 9/16 backwards in time
    g = np.array([[2.0], [-1.0], [4.0]])
    m, v = (4 - 0.5 + 0.25 * 2) / 1.75, (16 + 0.75 + 9 / 16 * 4) / (37 / 16)
    path = steps("Adam", g, 0.3, beta1=0.5, beta2=0.75, epsilon=0.5)
    here = "at lr = 0.3, beta1 = ½, beta2 = ¾, epsilon = ½"
    near(path[0], [-0.3 * 2 / (2 + 0.5)], what=f"θ after g = 2 {here}")
    near(path[2] - path[1], [-0.3 * m / (v**0.5 + 0.5)], what=f"step 3 of g = 2, -1, 4 {here}")


@pytest.mark.exercise_3_10
def test_adam_block_by_block_is_adam() -> None:
    gs = np.random.default_rng(9).standard_normal((4, 7))
    whole = steps("Adam", gs, 0.1)
    near(steps("Adam", gs, 0.1, block=3), whole, what="θ of 7 entries by blocks of 3")


@pytest.mark.exercise_3_11
def test_bits_have_the_probability_of_the_pixel() -> None:
    rng = np.random.default_rng(10)
    levels = np.array([0, 1, 51, 204, 254, 255], np.uint8)
    shares = levels / 255
    images: Array
    for images in (levels, shares):
        kind = f"of {images.dtype} pixels"
        bits = datasets.binarize(np.repeat(images[:, None], 100_000, axis=1), rng)
        near(sorted(set(np.unique(bits).tolist())), [0.0, 1.0], what=f"the values {kind}")
        of_type(bits, np.float32, f"the bits {kind}")
        for level, share, row in zip(images, shares, bits):
            off = 5 * np.sqrt(share * (1 - share) / 100_000)  # 0 for 0 and 255
            near(row.mean(), share, off, what=f"the share of ones at the level {level}, {kind}")
        differ = np.mean(bits[2, 1:] != bits[2, :-1])
        what = f"how often neighbours at {images[2]:.6g} differ, {kind}"
        near(differ, 2 * 0.2 * 0.8, 0.01, what=what)
    bits = datasets.binarize(np.array([[0.5]]), rng, np.float64)
    of_type(bits, np.float64, "the bits, asked for as float64")


@pytest.mark.exercise_3_11
def test_bits_of_what_are_no_pixels_are_an_error() -> None:
    for images in (np.array([[1.5]]), np.array([[-0.1]]), np.array([[np.nan]])):
        refused(datasets.binarize, images, np.random.default_rng(0))


@pytest.mark.exercise_3_12
def test_one_turn_of_algorithm_1() -> None:
    made, (x, _) = model(), batch(1, 3)
    before, sgd = made.params.theta.copy(), optimizers.SGD(made.params, lr=0.1)
    eps = made.noise(3, np.random.default_rng(3))[None]
    log_px, kl, _ = one_by_one(made, x, eps)
    expected = before - 0.1 * slope(loss_of(made, x, eps), before)
    made.params.g[...] = 7

    bound = training.training_step(made, x, sgd, np.random.default_rng(3))
    parts = [(log_px - kl).mean(), log_px.mean(), kl.mean()]
    near(tuple(bound), parts, what="the mean bound, its reconstruction, its KL")
    near(made.params.theta, expected, 1e-7, what="θ after the step")


@pytest.mark.exercise_3_12
def test_noise_of_a_float32_model_is_float32() -> None:
    made: Any = vae.VAE(4, (3,), 2)
    seen, forward = [], made.forward

    def watched(x: Array, eps: Array) -> Any:
        seen.append(np.asarray(eps).dtype)
        return forward(x, eps)

    made.forward = watched
    training.training_step(
        made, np.ones((5, 4), np.float32), optimizers.SGD(made.params), np.random.default_rng(0)
    )
    of_type(np.zeros(0, seen[0]), np.float32, "ε, for a float32 model")


@pytest.mark.exercise_4_1
def test_the_log_of_a_mean_that_comes_in_parts() -> None:
    w = np.array([[1.0, 8.0], [3.0, 2.0], [2.0, 2.0], [10.0, 4.0]])
    for parts in ([4], [1, 3], [2, 2], [3, 1], [1, 1, 1, 1]):
        mean = likelihood.LogMean(2)
        start = 0
        for size in parts:
            mean.add(np.log(w[start : start + size]))
            start += size
        log_mean, error = mean.result()
        here = f"of 4 weights that come in parts of {parts}"
        near(log_mean, [np.log(4), np.log(4)], what=f"the log of the mean {here}")
        near(error, w.std(axis=0, ddof=1) / 2 / 4, what=f"the standard error {here}")


@pytest.mark.exercise_4_1
def test_no_weight_is_too_large_or_too_small() -> None:
    mean = likelihood.LogMean(1)
    with np.errstate(over="raise", invalid="raise"):
        for log_w in (-5000.0, 3000.0, 3000.0, -4000.0):
            mean.add(np.array([[log_w]]))
    result = mean.result()[0]
    near(result, [3000 - np.log(2)], what="log mean of log w = -5000, 3000, 3000, -4000")


@pytest.mark.exercise_4_2
def test_the_importance_weighted_bound_of_a_model_whose_weights_are_known() -> None:
    made: Any = vae.VAE(2, (), 1, dtype=np.float64)
    made.params.theta[...] = 0  # x and z are independent, p(x) = ¼; q(z|x) = N(1, 1)
    made.params.values["mu.b"][...] = 1
    x = np.array([[0.0, 1.0], [1.0, 1.0]])
    z = 1 + np.random.default_rng(5).standard_normal((3, 2))
    w = 0.25 * np.exp(-0.5 * z**2 + 0.5 * (z - 1) ** 2)  # p(x) p(z) / q(z|x)
    bound, error = likelihood.importance_weighted_bound(made, x, 3, np.random.default_rng(5))
    near(bound, np.log(w.mean(axis=0)), what="L_K for K = 3")
    expected = w.std(axis=0, ddof=1) / np.sqrt(3) / w.mean(axis=0)
    near(error, expected, what="its standard error")


@pytest.mark.exercise_4_2
def test_many_weights_find_the_integral() -> None:
    made: Any = vae.VAE(2, (), 1, dtype=np.float64)
    made.params.theta[...] = 0
    made.params.values["mu.b"][...] = 0.3
    bound, error = likelihood.importance_weighted_bound(
        made, np.array([[0.0, 1.0]]), 20_000, np.random.default_rng(6)
    )
    near(bound[0], np.log(0.25), 5 * error[0], what="L_K for K = 20,000, near log p(x)")
    near(error[0], 0.0, 0.01, what="its standard error")
