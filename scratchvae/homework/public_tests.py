"""The public tests of the homework: `pytest -m exercise_2_4` runs those of exercise 2.4.

Of each exercise some numbers are worked out by hand, and some dozen calls are drawn from what its
docstring allows: the grader draws others from the same descriptions. A test uses only its own
exercise and those that it builds on. A failed test says what was expected and what your function
gave.
"""

import copy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from scratchvae.homework.compare import called, refuses, text, why, wrong_parts
from scratchvae.homework.domains import KINDS, PUBLIC, Call, Job
from scratchvae.homework.domains import job as job_of
from scratchvae.homework.drivers import drive
from scratchvae.homework.expected import NUMBERS, answers
from scratchvae.homework.wire import afterwards, decode, encode, raised

Array = Any


def fail(what: str, expected: object, got: object) -> None:
    """Say so."""
    raise AssertionError(f"{what}: expected {expected}, got {got}")


# ---- what is drawn ----


def agrees(job: Job, call: Call, right: Any, last: list[Any]) -> None:
    """The call gives what is right, or an error where one is right; its arguments stay, and what
    the last call returned.
    """
    at, inputs = f"at {', '.join(called(call))}", copy.deepcopy(call.inputs)
    sent = {name: encode(value) for name, value in inputs.items()}
    try:
        found = drive(job.driver, job.fixed, inputs)
        encoded = encode(found)
        got, after = decode(encoded), afterwards(sent, inputs, *last)
        last[:] = found, encoded
    except (NotImplementedError, AssertionError):
        raise
    except Exception as error:
        if right[1] is None or not refuses(right[1], raised(error)[0]):
            fail(at, right[1] or "no error", repr(error))
        return
    if right[1] is not None:
        fail(at, f"a {right[1]}", text(got))
    expected = decode(right[0])
    if wrong := why(expected, got, call):
        if got is None:
            fail(at, "numbers", "None: a `return` is missing")
        name, ours, theirs = wrong_parts(job, call, expected, got)[0]
        fail(f"{name} {at}".strip(), ours, f"{theirs}: {wrong}")
    for name in after:
        fail(f"{name} afterwards, {at}", "as it was", text(inputs.get(name, "other numbers")))


def forbidden(where: str, *_: Any, **__: Any) -> None:
    """In place of a function that the exercise has to do without."""
    fail(f"{where}, of another exercise", "no call", "a call")


@contextmanager
def apart(names: list[str]) -> Iterator[None]:
    """These functions, "module.name", are not there, wherever they were imported."""
    places: list[tuple[Any, str, Any]] = []
    modules = [m for name, m in sys.modules.items() if name.split(".")[0] == "scratchvae"]
    for where in names:
        module, *path = where.split(".")
        holder = sys.modules.get(f"scratchvae.{module}")
        for part in path[:-1]:
            holder = getattr(holder, part, None)
        function = getattr(holder, path[-1], None)
        if function is not None:
            holders = [holder] if len(path) > 1 else modules
            places += [(h, path[-1], function) for h in holders
                       if vars(h).get(path[-1]) is function]  # fmt: skip
    for holder, name, _ in places:
        setattr(holder, name, partial(forbidden, name))
    try:
        yield
    finally:
        for holder, name, function in places:
            setattr(holder, name, function)


def drawn(number: str) -> None:
    """All drawn calls; the smallest that is wrong is said. What they may not call is not there."""
    job, known, wrong, last = job_of(number, *PUBLIC), answers(number), [], [None, None]
    with apart(known["apart"]), np.errstate(all="ignore"):
        for call, right in zip(job.cases, known["right"]):
            try:
                agrees(job, call, right, last)
            except (NotImplementedError, AssertionError) as error:
                size = sum(map(np.size, call.inputs.values()))
                wrong.append((KINDS.index(call.kind), size, len(str(error)), error))
    if wrong:
        raise min(wrong, key=lambda one: one[:3])[3]


# ---- by hand ----


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


@pytest.mark.exercise_1_1
def test_entropy_by_hand() -> None:
    gives(1.75, info.entropy, [0.5, 0.25, 0.125, 0.125])  # ½·1 + ¼·2 + ⅛·3 + ⅛·3
    gives(2.0, info.entropy, np.full(9, 1 / 9), base=3.0)
    gives([1.0, 0.0], info.entropy, [[0.5, 1.0], [0.5, 0.0]], axis=0)


@pytest.mark.exercise_1_2
def test_cross_entropy_is_the_mean_length_of_messages() -> None:
    p, q = [0.5, 0.25, 0.125, 0.125], [0.125, 0.125, 0.25, 0.5]
    gives(0.5 * 3 + 0.25 * 3 + 0.125 * 2 + 0.125 * 1, info.cross_entropy, p, q)
    gives(np.inf, info.cross_entropy, [0.5, 0.5], [1.0, 0.0])  # the impossible


@pytest.mark.exercise_1_3
def test_kl_by_hand() -> None:
    kl = info.kl_divergence
    gives(0.5 * 1 + 0 - 0.25 * 1, kl, [0.5, 0.25, 0.25], [0.25, 0.25, 0.5])
    gives(2.0, kl, [1.0, 0.0], [1 / 9, 8 / 9], base=3.0)
    columns = [[0.5, 1.0], [0.5, 0.0]], [[0.25, 0.5], [0.75, 0.5]]
    gives([1 - 0.5 * np.log2(3), 1.0], kl, *columns, axis=0)


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


@pytest.mark.exercise_1_6
def test_code_lengths_by_hand() -> None:
    gives([1, 2, 3, 3], info.code_lengths, [0.5, 0.25, 0.125, 0.125])  # exact powers
    gives([2, 2, 3, 5], info.code_lengths, [0.4, 0.35, 0.2, 0.05])
    less = np.nextafter(1 / 256, 0)  # just below ½⁸, where a logarithm rounds to −8
    gives([1, 9], info.code_lengths, [1 - less, less])


# ---- 2 distributions ----


@pytest.mark.exercise_2_1
def test_gaussian_log_density_in_one_dimension() -> None:
    for z, mu, logvar in ((0.0, 0.0, 0.0), (3.0, 1.0, np.log(4)), (-0.5, 0.7, -1.2)):
        expected = np.log(NormalDist(mu, np.exp(logvar) ** 0.5).pdf(z))
        point = [np.array([number]) for number in (z, mu, logvar)]
        gives(expected, distributions.gaussian_log_density, *point)


@pytest.mark.exercise_2_2
def test_kl_of_a_gaussian_by_hand() -> None:
    mu, logvar = np.array([[3.0, 1.0], [0.0, 0.0]]), np.zeros((2, 2))
    gives([5.0, 0.0], distributions.gaussian_kl, mu, logvar)  # ½ μ² where σ = 1
    gives(1.5 * (3 - np.log(4)), distributions.gaussian_kl, np.zeros(3), np.full(3, np.log(4)))


@pytest.mark.exercise_2_3
def test_sample_by_hand() -> None:
    arguments = np.array([[1.0, 2.0]]), np.log([[4.0, 0.25]]), np.array([[1.0, -2.0]])
    gives([[3.0, 1.0]], distributions.reparameterize, *arguments)


@pytest.mark.exercise_2_4
def test_backward_of_the_sample_by_hand() -> None:
    dmu, dlogvar = distributions.reparameterize_backward(
        np.array([[[2.0]], [[5.0]]]), np.array([[np.log(16)]]), np.array([[[3.0]], [[-1.0]]])
    )
    near(dmu, [[7.0]], what="dmu")
    near(dlogvar, [[2.0]], what="dlogvar")


@pytest.mark.exercise_2_5
def test_backward_of_the_kl_by_hand() -> None:
    dmu, dlogvar, *_ = distributions.gaussian_kl_backward(np.array([2.0]), np.array([np.log(5)]))
    near(dmu, [2.0], what="dmu")
    near(dlogvar, [2.0], what="dlogvar")


@pytest.mark.exercise_2_6
def test_sigmoid_of_log_odds() -> None:
    gives([0.5, 0.75, 0.25, 0.9], layers.sigmoid, np.log([1.0, 3.0, 1 / 3, 9.0]))


@pytest.mark.exercise_2_7
def test_bernoulli_from_log_odds() -> None:
    log_p, x, logits = distributions.bernoulli_log_likelihood, [[1.0, 0.0]], np.log([[3.0, 1 / 9]])
    gives([np.log(0.75 * 0.9)], log_p, np.array(x), logits)
    gives([np.log(0.25 * 0.1)], log_p, 1 - np.array(x), logits)
    grey = 0.5 * np.log(0.75) + 0.5 * np.log(0.25)
    gives(grey, log_p, np.array([0.5]), np.log([3.0]))


@pytest.mark.exercise_2_8
def test_backward_of_the_bernoulli_by_hand() -> None:
    gradient = distributions.bernoulli_log_likelihood_backward
    logits, x = np.log([[3.0, 1 / 9], [1.0, 4.0]]), np.array([[0.0, 1.0], [1.0, 0.5]])
    gives([[-0.75, 0.9], [0.5, -0.3]], gradient, x, logits)


@pytest.mark.exercise_2_9
def test_backward_of_the_gaussian_density_by_hand() -> None:
    gradient = distributions.gaussian_log_density_backward
    dmu, dlogvar = gradient(np.array([5.0]), np.array([1.0]), np.log([4.0]))
    near(dmu, [1.0], what="dmu")
    near(dlogvar, [1.5], what="dlogvar")


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
    _, layer = affine([[1, 2, 3], [4, 5, 6]], [10, 20, 30])
    x = np.array([[1.0, 1.0], [2.0, -1.0]])
    near(layer.forward(x), [[15, 27, 39], [8, 19, 30]], what="y")


@pytest.mark.exercise_3_2
def test_affine_gradient_of_the_weights_by_hand() -> None:
    params, layer = affine([[1, 2], [3, 4]], [5, 6])
    layer.forward(np.array([[1.0, -1.0], [2.0, 3.0], [0.0, 1.0]]))
    layer.backward_weights(np.array([[1.0, 0.0], [1.0, 2.0], [4.0, -1.0]]))
    near(params.grads["a.W"], [[3, 4], [6, 5]], what="dW in the gradient vector")
    near(params.grads["a.b"], [6, 1], what="db in the gradient vector")


@pytest.mark.exercise_3_3
def test_affine_gradient_of_the_input_by_hand() -> None:
    _, layer = affine([[1, 2, 0], [3, 4, -1]], [0, 0, 0])
    layer.forward(np.zeros((2, 2)))
    near(layer.backward_input(np.array([[1.0, 1.0, 2.0], [0.0, 3.0, 1.0]])), [[3, 5], [6, 11]],
         what="dx")  # fmt: skip


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


def one_by_one(made: Any, x: Array, eps: Array) -> tuple[Array, Array]:
    """log p(x|z) and KL of each data point with each of its ε: (L, B) arrays.

    The probability of a bit is what the decoder gives for it.
    """
    log_px, kl = np.zeros(eps.shape[:2]), np.zeros(eps.shape[:2])
    for i, b in np.ndindex(*eps.shape[:2]):
        mu, logvar = made.encode(x[b : b + 1])
        p = made.decode(distributions.reparameterize(mu, logvar, eps[i, b : b + 1]))[0]
        log_px[i, b] = np.log(np.where(x[b] == 1, p, 1 - p)).sum()
        kl[i, b] = distributions.gaussian_kl(mu, logvar)[0]
    return log_px, kl


def loss_of(made: Any, x: Array, eps: Array) -> Callable[[Array], float]:
    """Minus the mean bound as a function of θ; the model's own θ stays."""

    def loss(theta: Array) -> float:
        kept = made.params.theta.copy()
        made.params.theta[...] = theta
        log_px, kl = one_by_one(made, x, eps)
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
    reconstruction, kl = made.forward(x, eps)
    log_px, kls = one_by_one(made, x, eps)
    near(reconstruction, log_px.mean(axis=0), what="the first term")
    near(kl, kls[0], what="the second term, KL")


def known() -> tuple[Any, Array]:
    """A model in which x and z are independent, p(x) = ¼ and q(z|x) = N(1, 1); and two points."""
    made: Any = vae.VAE(2, (), 1, dtype=np.float64)
    made.params.theta[...] = 0
    made.params.values["mu.b"][...] = 1
    return made, np.array([[0.0, 1.0], [1.0, 1.0]])


@pytest.mark.exercise_3_6
def test_log_weights_of_a_model_whose_weights_are_known() -> None:
    made, x = known()
    eps = np.array([[[0.5], [-1.0]], [[2.0], [0.0]]])
    expected = np.log(0.25) - 0.5 * (1 + eps) ** 2 + 0.5 * eps**2  # p(x) p(z) / q(z|x)
    near(made.log_weights(x, eps), expected[..., 0], what="log w, (L, B)")


@pytest.mark.exercise_3_7
@pytest.mark.parametrize("L, B, hidden", [(1, 1, ()), (1, 3, (3,)), (3, 2, ())])
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


@pytest.mark.exercise_3_8
def test_central_difference_is_exact_up_to_h_squared() -> None:
    theta = np.array([1.0, -2.0, 3.0])
    f = gradient_check.central_difference
    cubes = unchanged(lambda t: f(lambda v: float((v**3).sum()), t, 0.1), theta)
    near(cubes, 3 * theta**2 + 0.01, what="the gradient of Σ θ³ at [1, -2, 3], h = 0.1")
    product = f(lambda v: float(v[0] * v[1] - v[2]), theta, 0.5)
    near(product, [-2.0, 1.0, -1.0], what="the gradient of θ₁ θ₂ − θ₃ at [1, -2, 3], h = ½")


def steps(name: str, gs: Array, lr: float, **options: Any) -> Array:
    """θ after each step from 0, with these gradients."""
    params = parameters.Parameters({"w": gs.shape[1:]}, np.float64)
    chosen, path = getattr(optimizers, name)(params, lr=lr, **options), []
    for g in gs:
        params.g[...] = g
        chosen.step()
        near(params.g, g, what="g after a step")
        path.append(params.theta.copy())
    return np.array(path)


@pytest.mark.exercise_3_9
def test_adagrad_by_hand() -> None:
    path = steps("Adagrad", np.array([[3.0], [4.0], [12.0]]), 0.1)
    expected = -np.cumsum([[0.1], [0.1 * 4 / 5], [0.1 * 12 / 13]], axis=0)
    near(path, expected, 1e-7, what="θ after g = 3, 4, 12 at lr = 0.1")
    path = steps("Adagrad", np.array([[3.0]]), 0.5, epsilon=2.0)
    near(path, [[-0.5 * 3 / (3 + 2)]], what="θ after g = 3 at lr = ½, epsilon = 2")


@pytest.mark.exercise_3_10
def test_adam_by_hand() -> None:
    first = steps("Adam", np.array([[4.0, -0.01, 1e-3]]), 0.1)[0]  # it has the length lr
    near(first, [-0.1, 0.1, -0.1], 1e-5, what="θ after g = [4, -0.01, 0.001] at lr = 0.1")
    # g = 1, then −3: m̂ = (0.9·1 − 3)/1.9, v̂ = (0.999·1 + 9)/1.999
    second = steps("Adam", np.array([[1.0], [-3.0]]), 1.0)[1]
    expected = [-1 + 2.1 / 1.9 / np.sqrt(9.999 / 1.999)]
    near(second, expected, 1e-7, what="θ after g = 1, -3 at lr = 1")


@pytest.mark.exercise_3_11
def test_pixels_that_are_certain() -> None:
    rng, levels = np.random.default_rng(10), np.array([[0], [255]], np.uint8)
    near(datasets.binarize(levels, rng), [[0.0], [1.0]], what="the bits of levels 0 and 255")
    near(datasets.binarize(levels / 255, rng), [[0.0], [1.0]], what="the bits of 0.0 and 1.0")


@pytest.mark.exercise_3_12
def test_one_turn_of_algorithm_1() -> None:
    made, (x, _) = model(), batch(1, 3)
    before, sgd = made.params.theta.copy(), optimizers.SGD(made.params, lr=0.1)
    eps = made.noise(3, np.random.default_rng(3))[None]
    log_px, kl = one_by_one(made, x, eps)
    expected = before - 0.1 * slope(loss_of(made, x, eps), before)
    made.params.g[...] = 7

    bound = training.training_step(made, x, sgd, np.random.default_rng(3))
    parts = [(log_px - kl).mean(), log_px.mean(), kl.mean()]
    near(tuple(bound), parts, what="the mean bound, its reconstruction, its KL")
    near(made.params.theta, expected, 1e-7, what="θ after the step")


# ---- 4 importance weights ----


@pytest.mark.exercise_4_1
def test_the_log_of_a_mean_that_comes_in_parts() -> None:
    w = np.array([[1.0, 8.0], [3.0, 2.0], [2.0, 2.0], [10.0, 4.0]])
    mean = likelihood.LogMean(2)
    mean.add(np.log(w[:1]))
    mean.add(np.log(w[1:]))
    log_mean, error = mean.result()
    near(log_mean, [np.log(4), np.log(4)], what="the log of the mean of [1, 3, 2, 10]")
    near(error, w.std(axis=0, ddof=1) / 2 / 4, what="its standard error")


@pytest.mark.exercise_4_2
def test_the_importance_weighted_bound_of_a_model_whose_weights_are_known() -> None:
    made, x = known()
    z = 1 + np.random.default_rng(5).standard_normal((3, 2))
    w = 0.25 * np.exp(-0.5 * z**2 + 0.5 * (z - 1) ** 2)  # p(x) p(z) / q(z|x)
    bound, error = likelihood.importance_weighted_bound(made, x, 3, np.random.default_rng(5))
    near(bound, np.log(w.mean(axis=0)), what="L_K for K = 3")
    expected = w.std(axis=0, ddof=1) / np.sqrt(3) / w.mean(axis=0)
    near(error, expected, what="its standard error")


# ---- drawn ----


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=getattr(pytest.mark, f"exercise_{n.replace('.', '_')}"))
     for n in NUMBERS],
)  # fmt: skip
def test_what_is_drawn(number: str) -> None:
    drawn(number)
