"""Chapter 2: densities of Gaussian and Bernoulli variables, and their derivatives."""

from collections.abc import Callable

import numpy as np

from scratchvae.homework.domains.draws import Array, Draws, Inputs

FAR = (50.0, -50.0, 0.5, -1.5)  # log σ²


def typed(kind: str, inputs: Inputs) -> Inputs:
    """In float32 where types are looked at."""
    if kind != "shapes":
        return inputs
    return {name: np.asarray(value, np.float32) for name, value in inputs.items()}


def _broadcast(draws: Draws, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, with fewer axes before its last one, or with a 1 for one of them."""
    style, axes = draws.one("same", "same", "fewer", "one"), len(shape) - 1
    if style == "fewer":
        return shape[int(draws.rng.random() * (axes + 1)) :]
    if style == "one" and axes:
        i = int(draws.rng.random() * axes)
        return (*shape[:i], 1, *shape[i + 1 :])
    return shape


def _gaussian(draws: Draws, kind: str) -> Inputs:
    """z, mu, logvar: (..., n), which broadcast."""
    shape = (*draws.shape(), draws.one(1, 2, 3, 4))
    shapes = [shape, *(_broadcast(draws, shape) for _ in range(2))]
    if draws.one(0, 1):
        shapes = [shapes[2], shapes[1], shapes[0]]
    z, mu, logvar = (draws.numbers(one) for one in shapes)
    if kind == "extremes":
        logvar = draws.of(logvar.shape, *FAR)
        z = draws.of(z.shape, 1e3, -2.0, 0.25) if draws.next(0, 1, 1) else z
    return typed(kind, {"z": z, "mu": mu, "logvar": logvar})


def _q(draws: Draws, kind: str) -> Inputs:
    """mu, logvar: (..., n_z) each."""
    shape = (*draws.shape(), draws.one(1, 2, 3, 4))
    mu, logvar = draws.numbers(shape), draws.numbers(shape)
    if kind == "extremes":
        far = draws.next(True, True, False)
        logvar = draws.of(shape, *(FAR if far else (9e-4, -1e-5, 5e-9, 0.0)))
        mu = draws.of(shape, *((0.0, 1e4, 3.0) if far else (0.0,)))
        draws.digits = None if far else (0.0, 2e-15)
    found = typed(kind, {"mu": mu, "logvar": logvar})
    return found | ({"memory": True} if kind == "memory" else {})


def _samples(first: str, *, axis: bool) -> Callable[[Draws, str], Inputs]:
    """first (mu or dz), logvar, eps. axis: dz and eps have the axis L; of mu, eps may have it."""

    def draw(draws: Draws, kind: str) -> Inputs:
        B, n, L = draws.one(1, 2, 3, 4), draws.one(1, 2, 3), draws.one(1, 2, 3, 5)
        many = (L, B, n) if axis or draws.one(0, 1, 1) else (B, n)
        value, logvar = draws.numbers(many if axis else (B, n)), draws.numbers((B, n))
        if kind == "extremes":
            logvar = draws.of((B, n), *FAR)
        return typed(kind, {first: value, "logvar": logvar, "eps": draws.numbers(many)})

    return draw


def _logits(draws: Draws, kind: str) -> Inputs:
    """a: any shape."""
    shape = draws.shape()
    a = draws.numbers(shape, 3)
    if kind == "extremes":
        a = draws.of(shape, -1e4, 1e4, -600.0, 600.0, -40.0, 40.0, -21.0, 0.0)
    return typed(kind, {"a": a})


def _bernoulli(draws: Draws, kind: str) -> Inputs:
    """x, logits: (..., n_x), which broadcast; x may be grey."""
    shape = (*draws.shape(), draws.one(1, 2, 3, 5))
    shapes = [_broadcast(draws, shape), shape]
    if draws.one(0, 0, 1):
        shapes.reverse()
    x: Array = draws.rng.random(shapes[0])
    logits = draws.numbers(shapes[1], 2)
    if draws.one(0, 1, 1) or kind == "extremes":
        x = np.round(x)
    if kind == "extremes":
        far = draws.next((1e4, -1e4, 800.0, -800.0), (40.0, -40.0, 21.0, -21.0))
        logits = draws.of(shapes[1], *far)
    return typed(kind, {"x": x, "logits": logits})


DRAW: dict[str, Callable[[Draws, str], Inputs]] = {
    "gaussian_log_density": _gaussian,
    "gaussian_kl": _q,
    "reparameterize": _samples("mu", axis=False),
    "reparameterize_backward": _samples("dz", axis=True),
    "gaussian_kl_backward": _q,
    "sigmoid": _logits,
    "bernoulli_log_likelihood": _bernoulli,
    "bernoulli_log_likelihood_backward": _bernoulli,
    "gaussian_log_density_backward": _gaussian,
}
