"""How each exercise's function is called, and what of it is looked at. Runs beside the function, in its process; knows no answers.

A driver gets `package`, which imports a file of the package that the function stands in, and the inputs of one case.
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
    return getattr(package(module), name)(**inputs)


def call_without_warning(module: str, name: str, **inputs: Any) -> Any:
    """The same, where overflow is an error."""
    with np.errstate(over="raise", invalid="raise"):
        return getattr(package(module), name)(**inputs)


def _affine(W: Array, b: Array) -> tuple[Any, Any]:
    params = package("parameters").Parameters({"a.W": W.shape, "a.b": b.shape}, W.dtype)
    params.values["a.W"][...], params.values["a.b"][...] = W, b
    return params, package("layers").Affine(params, "a")


def affine_forward(W: Array, b: Array, x: Array) -> Any:
    """y, and the weights afterwards."""
    params, layer = _affine(W, b)
    return layer.forward(x), params.theta


def affine_backward_weights(W: Array, b: Array, x: Array, dy: Array) -> Any:
    """The gradient vector, which held something else before; twice, as training goes on."""
    params, layer = _affine(W, b)
    layer.forward(x)
    params.g[...] = 7
    layer.backward_weights(dy)
    first = params.g.copy()
    layer.backward_weights(dy)
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
    return layer.backward_input(dy), layer.backward_input(dy)


def _vae(x: Array, theta: Array, n_z: int, hidden: int) -> Any:
    vae = package("vae").VAE(x.shape[1], (hidden,) if hidden else (), n_z, dtype=theta.dtype)
    vae.params.theta[...] = theta[: vae.params.theta.size]
    return vae


def vae_forward(x: Array, theta: Array, eps: Array, n_z: int, hidden: int) -> Any:
    """The two terms."""
    vae = _vae(x, theta, n_z, hidden)
    return tuple(vae.forward(x, eps))


def vae_elbo_sampled(x: Array, theta: Array, eps: Array, n_z: int, hidden: int) -> Any:
    """The bound, its KL sampled."""
    return _vae(x, theta, n_z, hidden).elbo_sampled(x, eps)


def vae_backward(x: Array, theta: Array, eps: Array, n_z: int, hidden: int) -> Any:
    """The gradient vector, which held something else before."""
    vae = _vae(x, theta, n_z, hidden)
    vae.forward(x, eps)
    vae.params.g[...] = 7
    vae.backward()
    return vae.params.g, vae.params.theta


def central_difference(f: str, theta: Array, h: float) -> Any:
    """The gradient of one of a few functions, and θ afterwards."""
    functions: dict[str, Callable[[Array], float]] = {
        "cubes": lambda t: float((t**3).sum()),
        "waves": lambda t: float(np.sin(t).sum() + t[0] * t[-1]),
        "exp": lambda t: float(np.exp(t).sum()),
        "line": lambda t: float(3 * t[0] - t[-1]),
    }
    return package("gradient_check").central_difference(functions[f], theta, h), theta


def optimizer(
    name: str, theta: Array, gs: Array, lr: float, block: int, weight_decay: float
) -> Any:
    """θ after each step along the rows of gs, by blocks of `block` entries; and the last gradient afterwards."""
    module: Any = package("optimizers")
    params = package("parameters").Parameters({"w": theta.shape}, theta.dtype)
    params.theta[...] = theta
    module.BLOCK = block
    chosen = getattr(module, name)(params, lr=lr, weight_decay=weight_decay)
    path = []
    for g in gs:
        params.g[...] = g
        chosen.step()
        path.append(params.theta.copy())
    return np.array(path), params.g


def binarize(levels: Array, draws: int, seed: int) -> Any:
    """The share of ones at each level, how often neighbours differ, and whether all are 0 or 1. levels: (n,)."""
    images = np.repeat(levels[:, None], draws, axis=1)
    bits = package("datasets").binarize(images, np.random.default_rng(seed))
    differ = (bits[:, 1:] != bits[:, :-1]).mean(axis=1)
    again = package("datasets").binarize(images, np.random.default_rng(seed + 1))
    return (
        bits.mean(axis=1, dtype=np.float64),
        differ,
        bool(((bits == 0) | (bits == 1)).all()),
        (bits != again).mean(axis=1),
    )


def binarize_shape(levels: Array, draws: int, seed: int) -> Any:
    """Zeros of the shape and type that the bits have, by default and as float64."""
    images = np.repeat(levels[:, None], draws, axis=1)
    run, rng = package("datasets").binarize, np.random.default_rng(seed)
    return tuple(
        np.zeros(bits.shape, bits.dtype)
        for bits in (run(images, rng), run(images, rng, np.float64))
    )


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
    """The log of the mean and its standard error, of weights that come in two parts, or in one when cut is 0."""
    mean = package("likelihood").LogMean(log_w.shape[1])
    for part in np.split(log_w, [cut]) if cut else [log_w]:
        mean.add(part)
    return tuple(mean.result())


def importance_weighted_bound(
    x: Array, theta: Array, K: int, n_z: int, hidden: int, seed: int
) -> Any:
    """L_K and its standard error, and the gradient vector afterwards."""
    vae = _vae(x, theta, n_z, hidden)
    run = package("likelihood").importance_weighted_bound
    return tuple(run(vae, x, K, np.random.default_rng(seed)))


def trains(x: Array, steps: int) -> Any:
    """The whole package: θ before and after some steps of Algorithm 1 with Adam."""
    vae = package("vae").VAE(x.shape[1], (8,), 2, dtype=np.float64, seed=1)
    adam, rng = package("optimizers").Adam(vae.params, lr=0.02), np.random.default_rng(0)
    before = vae.params.theta.copy()
    for _ in range(steps):
        package("training").training_step(vae, x, adam, rng)
    return before, vae.params.theta
