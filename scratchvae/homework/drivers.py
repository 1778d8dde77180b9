"""How each exercise's function is called, and what of it is looked at.

A driver runs beside the function, in its process, and knows no answers. It gets the inputs of
one case, and returns what the function returned or did.
"""

import contextlib
import importlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Package = Callable[[str], ModuleType]
REMEMBERED = ("_x", "_eps", "_mu_logvar")  # by VAE.forward, as its docstring says


def drive(driver: str, fixed: dict[str, str], inputs: dict[str, Any]) -> Any:
    """What this driver returns. inputs: with order, arrays whose columns are contiguous, "F"."""
    if inputs.pop("order", "C") == "F":
        for name, value in inputs.items():
            if isinstance(value, np.ndarray) and value.ndim > 1:
                inputs[name] = np.asfortranarray(value)
    return globals()[driver](**fixed, **inputs)


@contextlib.contextmanager
def constant(module: str, name: str, value: int) -> Iterator[None]:
    """A constant of the package has another value, for this time."""
    kept = getattr(package(module), name)
    setattr(package(module), name, value)
    try:
        yield
    finally:
        setattr(package(module), name, kept)


def package(name: str) -> ModuleType:
    """scratchvae.name"""
    return importlib.import_module(f"scratchvae.{name}")


def call(module: str, name: str, **inputs: Any) -> Any:
    """A function, with the inputs as its arguments."""
    return _called(getattr(package(module), name), inputs)


def call_for_new(module: str, name: str, memory: bool = False, **inputs: Any) -> Any:
    """The same. memory: whether an array that it returns is an argument itself."""
    found = call(module, name, **inputs)
    if not memory:
        return found
    arrays = [part for part in found if isinstance(part, np.ndarray)]
    return any(np.shares_memory(part, value) for part in arrays for value in inputs.values())


def call_without_warning(module: str, name: str, **inputs: Any) -> Any:
    """The same, where overflow is an error."""
    with np.errstate(over="raise", invalid="raise"):
        return _called(getattr(package(module), name), inputs)


def _called(function: Any, inputs: dict[str, Any]) -> Any:
    """By name; by position up to the last argument that the student has given another name."""
    code = getattr(function, "__code__", None)
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code else tuple(inputs)
    names = list(inputs)
    last = max((i for i, name in enumerate(names) if name not in known), default=-1) + 1
    return function(
        *(inputs[name] for name in names[:last]), **{n: inputs[n] for n in names[last:]}
    )


def _affine(W: Array, b: Array) -> tuple[Any, Any]:
    params = package("parameters").Parameters({"a.W": W.shape, "a.b": b.shape}, W.dtype)
    params.values["a.W"][...], params.values["a.b"][...] = W, b
    layer = package("layers").Affine(*W.shape)
    layer.connect(params, "a")
    return params, layer


def affine_forward(W: Array, b: Array, x: Array, memory: bool = False) -> Any:
    """y, and the weights afterwards. memory: layer.x, after two calls."""
    params, layer = _affine(W, b)
    if not memory:
        y = layer.forward(x)
        kept = params.theta.copy()
        params.theta += 1
        return y, layer.forward(x), params.theta - kept
    layer.forward(x + 1)
    layer.forward(x)
    return layer.x


def affine_backward_weights(W: Array, b: Array, x: Array, dy: Array) -> Any:
    """The gradient vector, which held something else before; twice, as training goes on; and of
    another x in the same array.
    """
    params, layer = _affine(W, b)
    layer.forward(x)
    params.g[...] = 7
    again = dy.copy()
    layer.backward_weights(dy)
    first = params.g.copy()
    params.g[...] = np.nan
    layer.backward_weights(again.copy())
    second = params.g.copy()
    other = x.copy()
    for step in (0, 1):  # another x in the array that is remembered
        other += step
        layer.forward(other)
        layer.backward_weights(again.copy())
    return first, second, params.g, params.theta


def affine_backward_input(W: Array, b: Array, x: Array, dy: Array) -> Any:
    """dx, that nothing was written, and dx of other weights."""
    params, layer = _affine(W, b)
    layer.forward(x)
    params.g[...] = 7
    again = dy.copy()
    first = np.array(layer.backward_input(dy))
    kept = params.theta.copy()
    params.theta += 1
    return first, params.g, kept, layer.backward_input(again)


def tanh_backward_input(x: Array, dy: Array) -> Any:
    """dx, twice."""
    layer = package("layers").Tanh()
    layer.forward(x)
    again = dy.copy()
    first = layer.backward_input(dy)
    return first, layer.backward_input(again)


def _vae(theta: Array, **settings: Any) -> Any:
    vae = package("vae").VAE(**settings, dtype=theta.dtype)
    vae.params.theta[...] = theta
    return vae


def vae_forward(x: Array, eps: Array, memory: bool = False, **model: Any) -> Any:
    """The two terms.

    memory: what it remembers, and what the layers do; of what it refuses, whether `backward` may
    run after it.
    """
    vae = _vae(**model)
    if not memory:
        return tuple(vae.forward(x, eps))
    vae.remembered = "forward"
    try:
        vae.forward(0 * x, eps)
        vae.forward(x, eps)
    except (TypeError, ValueError):
        return vae.remembered == "forward"
    remembered = [vars(layer).get(name) for layer in vae.layers.values() for name in ("x", "y")]
    arrays = tuple(value for value in remembered if value is not None)
    return *(getattr(vae, name) for name in REMEMBERED), vae.remembered, arrays


def vae_log_weights(x: Array, eps: Array, memory: bool = False, **model: Any) -> Any:
    """The log weight of every sample. memory: whether `backward` may run after it."""
    vae = _vae(**model)
    vae.remembered = "forward"
    if not memory:
        return vae.log_weights(x, eps)
    with contextlib.suppress(TypeError, ValueError):
        vae.log_weights(x, eps)
    return vae.remembered == "forward"


def vae_backward(x: Array, eps: Array, between: str | None = None, **model: Any) -> Any:
    """The gradient vector, which held something else before; θ; and whether the layers were used
    forwards more often than a recomputation takes, as differences need it.

    between: another call before it; "" for none at all.
    """
    vae, affine = _vae(**model), package("layers").Affine
    if between != "":
        vae.forward(1 - x, eps)
        vae.forward(x, eps)
    if between:
        getattr(vae, between)(*((x, eps) if between == "log_joint" else (x,)))
    if between is None:
        vae.remembered = "forward"  # a student's may not say so itself
    g = vae.params.g
    g[...] = 7
    used, forward = [], affine.forward

    def counted(layer: Any, x: Array) -> Any:
        used.append(layer)
        return forward(layer, x)

    affine.forward = counted
    try:
        vae.backward()
    finally:
        affine.forward = forward
    return g, vae.params.theta, len(used) > 3 * len(vae.layers)


def central_difference(f: str, theta: Array, **h: float) -> Any:
    """The gradient of one of a few functions, θ afterwards, how many θ_i differ from it at most
    when f is called, and whether θ is itself then.
    """
    functions: dict[str, Callable[[Array], float]] = {
        "cubes": lambda t: float((t**3).sum()),
        "waves": lambda t: float(np.sin(t).sum() + t[0] * t[-1]),
        "exp": lambda t: float(np.exp(t).sum()),
        "line": lambda t: float(3 * t[0] - t[-1]),
    }
    start, moved, kept = theta.copy(), [0], [True]

    def watched(t: Array) -> float:
        moved.append(int((np.asarray(t) != start).sum()))
        kept.append(np.array_equal(theta, start))
        return functions[f](t)

    found = package("gradient_check").central_difference(watched, theta, **h)
    return found, theta, max(moved), all(kept)


def optimizer(
    name: str, theta: Array, gs: Array, block: int, resume: int | None = None, **options: float
) -> Any:
    """θ after each step along the rows of gs, by blocks of `block` entries.

    resume: before which step another optimizer takes over, with the same t and sums.
    """
    module: Any = package("optimizers")
    params = package("parameters").Parameters({"w": theta.shape}, theta.dtype)
    params.theta[...] = theta
    chosen = getattr(module, name)(params, **options)
    sums = {key: getattr(chosen, key) for key in chosen.sums}
    path = []
    for i, g in enumerate(gs):
        if i == resume:
            last, chosen = chosen, getattr(module, name)(params, **options)
            chosen.t = last.t
            for key in chosen.sums:
                getattr(chosen, key)[...] = sums[key]  # which are changed in place
        params.g[...] = g
        with constant("optimizers", "BLOCK", block):
            chosen.step()
        g[...] = params.g  # which should be as it was
        path.append(params.theta.copy())
    return np.array(path)


def binarize(images: Array, seed: int, times: int, dtype: str = "") -> Any:
    """The bits; or of many draws of each level their shares, and whether the same seed gives the
    same bits.

    The shares are of ones; of neighbours that differ; of bits that differ from the row above;
    and of bits that differ when drawn again.
    """
    run, rng = package("datasets").binarize, np.random.default_rng(seed)
    asked = {"dtype": np.dtype(dtype)} if dtype else {}
    if not times:
        bits = run(images, rng, **asked)
        return np.where((images == 0) | (images == 255 * (images > 1) + (images <= 1)), bits, 0)
    many = np.repeat(images[:, None], times, axis=1)  # (levels, times)
    bits, again = (np.asarray(run(many, rng, **asked), float) for _ in range(2))
    same = np.array_equal(bits, run(many, np.random.default_rng(seed), **asked))
    return (
        bool(((bits == 0) | (bits == 1)).all()),
        same,
        bits.mean(axis=1),
        (bits[:, 1:] != bits[:, :-1]).mean(axis=1),
        (bits != np.roll(bits, 1, axis=0)).mean(axis=1),
        (bits != again).mean(axis=1),
    )


def training_step(
    x: Array, optimizer: str, lr: float, weight_decay: float, seed: int, steps: int, **model: Any
) -> Any:
    """The bounds returned, and θ afterwards."""
    vae = _vae(**model)
    options = {"weight_decay": weight_decay} | ({} if optimizer == "SGD" else {"epsilon": 0.1})
    chosen = getattr(package("optimizers"), optimizer)(vae.params, lr=lr, **options)
    rng = np.random.default_rng(seed)
    step, noise = package("training").training_step, vae.noise
    vae.noise = lambda n, rng: -noise(n, rng)  # a model may have another noise
    vae.params.g[...] = 1  # what an earlier minibatch might have left
    return tuple(
        tuple(float(part) for part in step(vae, x, chosen, rng)) for _ in range(steps)
    ), vae.params.theta


def log_mean(log_w: Array, parts: tuple[int, ...]) -> Any:
    """The log of the mean and its standard error, of weights that come in parts."""
    mean = package("likelihood").LogMean(log_w.shape[1])
    list(map(mean.add, np.split(log_w, np.cumsum(parts)[:-1])))
    return mean.result()


def importance_weighted_bound(x: Array, K: int, rows: int, seed: int, **model: Any) -> Any:
    """L_K and its standard error. rows: of z in the decoder at a time."""
    vae, rng = _vae(**model), np.random.default_rng(seed)
    with constant("likelihood", "ROWS", rows):
        return tuple(package("likelihood").importance_weighted_bound(vae, x, K, rng))


def one_page(layer: str, x: Array, eps: Array, **theta: Array) -> Any:
    """dW and db of one layer, 0 to 4 in the order of the weights."""
    run, i = package("one_page").loss_and_gradient, 2 * int(layer)
    found = tuple(run(list(theta.values()), x, eps)[1][i : i + 2])
    if any(part is ... for part in found):
        raise NotImplementedError("...")
    return found


def trains(x: Array, steps: int) -> Any:
    """The whole package: θ before and after some steps of Algorithm 1 with Adam."""
    vae = package("vae").VAE(x.shape[1], (8,), 2, dtype=np.float64, seed=1)
    adam, rng = package("optimizers").Adam(vae.params, lr=0.02), np.random.default_rng(0)
    before = vae.params.theta.copy()
    for _ in range(steps):
        package("training").training_step(vae, x, adam, rng)
    return before, vae.params.theta
