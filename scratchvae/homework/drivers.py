"""How each exercise's function is called, and what of it is looked at.

A driver runs beside the function, in its process, and knows no answers. It gets the inputs of
one case, and returns what the function returned or did.
"""

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Package = Callable[[str], ModuleType]
Array = NDArray[Any]


def package(name: str) -> ModuleType:
    """scratchvae.name"""
    return importlib.import_module(f"scratchvae.{name}")


def call(module: str, name: str, **inputs: Any) -> Any:
    """A function, with the inputs as its arguments."""
    return _called(getattr(package(module), name), inputs)


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


def affine_forward(W: Array, b: Array, x: Array, dy: Array | None = None) -> Any:
    """y, and the weights afterwards.

    With dy: the gradient vector that `backward_weights` finds from what `forward` remembered.
    """
    params, layer = _affine(W, b)
    if dy is None:
        return layer.forward(x), params.theta
    layer.forward(x + 1)
    layer.forward(x)
    layer.backward_weights(dy)
    return params.g


def affine_backward_weights(W: Array, b: Array, x: Array, dy: Array) -> Any:
    """The gradient vector, which held something else before; twice, as training goes on."""
    params, layer = _affine(W, b)
    layer.forward(x)
    params.g[...] = 7
    again = dy.copy()
    layer.backward_weights(dy)
    first = params.g.copy()
    layer.backward_weights(again)
    return first, params.g, params.theta


def affine_backward_input(W: Array, b: Array, x: Array, dy: Array) -> Any:
    """dx, and that nothing was written."""
    params, layer = _affine(W, b)
    layer.forward(x)
    params.g[...] = 7
    return layer.backward_input(dy), params.g, params.theta


def tanh_backward_input(x: Array, dy: Array) -> Any:
    """dx, twice."""
    layer = package("layers").Tanh()
    layer.forward(x)
    again = dy.copy()
    first = np.array(layer.backward_input(dy))
    return first, layer.backward_input(again)


def _vae(x: Array, theta: Array, n_z: int, hidden: int) -> Any:
    vae = package("vae").VAE(x.shape[1], (hidden,) if hidden else (), n_z, dtype=theta.dtype)
    vae.params.theta[...] = theta[: vae.params.theta.size]
    return vae


def vae_forward(
    x: Array, theta: Array, eps: Array, n_z: int, hidden: int, backward: bool = False
) -> Any:
    """The two terms.

    backward: the gradient vector that `backward` finds from what `forward` remembered.
    """
    vae = _vae(x, theta, n_z, hidden)
    if not backward:
        return tuple(vae.forward(x, eps))
    vae.forward(1 - x, eps)
    vae.forward(x, eps)
    return _gradient(vae)


def vae_log_weights(x: Array, theta: Array, eps: Array, n_z: int, hidden: int) -> Any:
    """The log weight of every sample."""
    return _vae(x, theta, n_z, hidden).log_weights(x, eps)


def vae_backward(x: Array, theta: Array, eps: Array, n_z: int, hidden: int) -> Any:
    """The gradient vector, which held something else before."""
    vae = _vae(x, theta, n_z, hidden)
    vae.forward(x, eps)
    vae.params.g[...] = 7
    return _gradient(vae), vae.params.theta


def _gradient(vae: Any) -> Any:
    """Of the last `forward`. That it came last is said here: a student's may not say so itself."""
    vae.remembered = "forward"
    vae.backward()
    return vae.params.g


def central_difference(f: str, theta: Array, h: float) -> Any:
    """The gradient of one of a few functions, and θ afterwards."""
    functions: dict[str, Callable[[Array], float]] = {
        "cubes": lambda t: float((t**3).sum()),
        "waves": lambda t: float(np.sin(t).sum() + t[0] * t[-1]),
        "exp": lambda t: float(np.exp(t).sum()),
        "line": lambda t: float(3 * t[0] - t[-1]),
    }
    return package("gradient_check").central_difference(functions[f], theta, h), theta


def optimizer(name: str, theta: Array, gs: Array, block: int, **options: float) -> Any:
    """θ after each step along the rows of gs, by blocks of `block` entries."""
    module: Any = package("optimizers")
    params = package("parameters").Parameters({"w": theta.shape}, theta.dtype)
    params.theta[...] = theta
    module.BLOCK = block
    chosen = getattr(module, name)(params, **options)
    path = []
    for g in gs:
        params.g[...] = g
        chosen.step()
        g[...] = params.g  # which should be as it was
        path.append(params.theta.copy())
    return np.array(path)


def binarize(images: Array, seed: int, dtype: str = "") -> Any:
    """The bits, drawn twice with one generator. dtype: asked for, if any."""
    run, rng = package("datasets").binarize, np.random.default_rng(seed)
    asked = {"dtype": np.dtype(dtype)} if dtype else {}
    return run(images, rng, **asked), run(images, rng, **asked)


def training_step(
    x: Array, theta: Array, n_z: int, hidden: int, lr: float, seed: int, steps: int
) -> Any:
    """The bounds returned, and θ afterwards."""
    vae = _vae(x, theta, n_z, hidden)
    sgd = package("optimizers").SGD(vae.params, lr=lr)
    rng = np.random.default_rng(seed)
    step = package("training").training_step
    vae.params.g[...] = 1  # what an earlier minibatch might have left
    return tuple(
        tuple(float(part) for part in step(vae, x, sgd, rng)) for _ in range(steps)
    ), vae.params.theta


def log_mean(log_w: Array, cut: int) -> Any:
    """The log of the mean and its standard error, of weights that come in parts.

    cut: where the second part begins; 0 for one part.
    """
    mean = package("likelihood").LogMean(log_w.shape[1])
    for part in np.split(log_w, [cut]) if cut else [log_w]:
        mean.add(part)
    return tuple(mean.result())


def importance_weighted_bound(
    x: Array, theta: Array, K: int, n_z: int, hidden: int, seed: int
) -> Any:
    """L_K and its standard error."""
    vae = _vae(x, theta, n_z, hidden)
    run = package("likelihood").importance_weighted_bound
    return tuple(run(vae, x, K, np.random.default_rng(seed)))


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
