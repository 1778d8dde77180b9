"""Chapters 3 and 4, and the page: layers, models, optimizers, weights.

Where a method keeps state, the inputs say a sequence of calls: the drivers make them.
"""

from collections.abc import Callable

import numpy as np

from scratchvae.homework.domains.chapter_2 import typed
from scratchvae.homework.domains.draws import Draws, Inputs

Draw = Callable[[Draws, str], Inputs]
DECODERS = ("bernoulli", "bernoulli", "gaussian", "sigmoid-gaussian", "isotropic",
            "continuous-bernoulli")  # fmt: skip


def _affine(*names: str) -> Draw:
    """W: (n_in, n_out), b, x: (B, n_in), dy: (B, n_out)."""

    def draw(draws: Draws, kind: str) -> Inputs:
        B, n_in, n_out = (draws.one(1, 2, 3, 4) for _ in range(3))
        if draws.one(0, 0, 1):
            n_in = n_out = draws.one(1, 2, 3)
        shapes = {"W": (n_in, n_out), "b": (n_out,), "x": (B, n_in), "dy": (B, n_out)}
        found = typed(kind, {name: draws.numbers(shapes[name]) for name in names})
        return found | ({"memory": True} if kind == "memory" else {})

    return draw


def _tanh(draws: Draws, kind: str) -> Inputs:
    """x, dy: the same shape."""
    shape = draws.shape()
    x = draws.of(shape, -1e4, 1e4, 20.0, 0.0) if kind == "extremes" else draws.numbers(shape)
    return typed(kind, {"x": x, "dy": draws.numbers(shape)})


def _weights(n_x: int, hidden: tuple[int, ...], n_z: int, decoder: str) -> int:
    """How many weights the model has."""
    heads = 2 if "gaussian" in decoder else 1
    pairs = [*zip((n_x, *hidden), hidden), *zip((n_z, *hidden[::-1]), hidden[::-1])]
    pairs += 2 * [((n_x, *hidden)[-1], n_z)] + heads * [((n_z, *hidden[::-1])[-1], n_x)]
    return sum((n_in + 1) * n_out for n_in, n_out in pairs) + (decoder == "isotropic")


def _model(draws: Draws, kind: str) -> Inputs:
    """x: (B, n_x), and a model for it: n_z, hidden, activation, decoder, theta."""
    B, n_x, n_z = draws.one(1, 2, 3, 4), draws.one(1, 2, 3, 4), draws.one(1, 2, 2, 3)
    hidden = tuple(draws.one(1, 2, 3) for _ in range(draws.one(0, 1, 1, 2, 3)))
    decoder, activation = draws.one(*DECODERS), draws.one("tanh", "tanh", "relu", "sigmoid")
    x = draws.numbers((B, n_x)) if "gaussian" in decoder else draws.rng.random((B, n_x))
    x = np.round(x) if decoder == "bernoulli" else x
    theta = 0.7 * draws.rng.standard_normal(_weights(n_x, hidden, n_z, decoder))
    found = typed(kind, {"x": x, "theta": theta})
    return found | {
        "n_x": n_x, "n_z": n_z, "hidden": hidden, "activation": activation, "decoder": decoder,
    }  # fmt: skip


def _with_noise(*, after: bool = False) -> Draw:
    """The model, and eps: (B, n_z) or (L, B, n_z).

    Memory is also looked at after an error. after: what `backward` finds before it, and β as an
    extreme.
    """

    def draw(draws: Draws, kind: str) -> Inputs:
        found = _model(draws, kind)
        B, n_z, L = len(found["x"]), found["n_z"], draws.one(1, 1, 2, 3)
        shape = (L, B, n_z) if draws.one(0, 1, 1) else (B, n_z)
        found |= typed(kind, {"eps": draws.rng.standard_normal(shape)})
        if kind == "errors":
            found |= (
                {"between": draws.next("encode", "reconstruct", "log_joint", "")}
                if after
                else (_refused(draws, found))
            )
        elif kind == "memory":
            found["memory"] = True
            found |= _refused(draws, found) if draws.next(0, 0, 1) else {}
        elif kind == "extremes":
            found["beta"] = draws.one(0.0, 0.5, 4.0)
        return found

    return draw


def _refused(draws: Draws, inputs: Inputs) -> Inputs:
    """An eps or an x that the docstring refuses."""
    x, eps = inputs["x"], inputs["eps"]
    what = draws.next("rows", "nan", "columns", "inf", "axes", "x", "x columns", "none")
    wrong: dict[str, Callable[[], Inputs]] = {
        "rows": lambda: {"eps": np.concatenate([eps, eps], axis=-2)},
        "columns": lambda: {"eps": np.concatenate([eps, eps], axis=-1)},
        "nan": lambda: {"eps": draws.spoiled(eps, np.nan)},
        "inf": lambda: {"eps": draws.spoiled(eps, np.inf, -np.inf)},
        "axes": lambda: {"eps": draws.one(eps.reshape(1, 1, *eps.shape[-2:], -1), eps.ravel())},
        "none": lambda: {"eps": np.zeros((0, len(x), inputs["n_z"]))},
        "x": lambda: {"x": draws.spoiled(x, np.nan, np.inf)},
        "x columns": lambda: {"x": np.concatenate([x, x], axis=1)},
    }
    return wrong[what]()


def _difference(draws: Draws, kind: str) -> Inputs:
    """f: of one of a few functions its name. theta: (n,). h: often none."""
    theta = draws.numbers((draws.one(1, 2, 3, 5),))
    h = draws.one(0.5, 0.1, 0.01, 1e-3, None)
    if kind == "errors":
        theta = draws.next(theta + draws.one(1e3, -5e4), np.append(theta, 1e3))  # all, or one
        h = draws.one(1e-14, 1e-16)
    found: Inputs = {"f": draws.one("cubes", "waves", "exp", "line"), "theta": theta}
    return found if h is None else found | {"h": h}


def _optimizer(*settings: str) -> Draw:
    """theta: (n,). gs: (steps, n). block: entries at a time. resume: the step before which another
    optimizer takes over, with the same t and sums.
    """

    def draw(draws: Draws, kind: str) -> Inputs:
        n, steps = draws.one(1, 2, 3, 7), draws.one(1, 2, 3, 5)
        gs = draws.numbers((steps, n)) + 0.25
        if kind == "extremes":
            gs = draws.of((steps, n), *draws.next((0.0,), (1e30, -1e30, 0.0), (1e-9, 3e-8, 0.0)))
        found = typed(kind, {"theta": draws.numbers((n,)), "gs": gs})
        found |= {"block": draws.one(2, 4, 64), "lr": draws.one(0.05, 0.1, 1.0)}
        if steps > 1 and draws.one(0, 1):
            found["resume"] = 1 + int(draws.rng.random() * (steps - 1))
        values = {"weight_decay": (0.1, 1.0), "epsilon": (0.5, 2.0), "beta1": (0.5, 0.0),
                  "beta2": (0.75, 0.9)}  # fmt: skip
        chosen = [name for name in ("weight_decay", *settings) if draws.one(0, 0, 1)]
        return found | {name: draws.one(*values[name]) for name in chosen}

    return draw


def _pixels(draws: Draws, kind: str) -> Inputs:
    """images: uint8, floats in [0, 1] or bool. times: of value and extremes, draws of each level;
    0: the bits of an array of any shape, of a dtype.
    """
    several, bytes_ = kind in ("value", "extremes"), draws.one(0, 1)
    shape = (draws.one(1, 2, 3), *(() if several else draws.shape()))
    certain = (0, 255) if kind == "extremes" else (0, 51, 128, 255)
    images = draws.of(shape, *((26, 51, 102, 153, 204, 230) if kind == "value" else certain))
    found: Inputs = {"seed": int(draws.rng.random() * 1e6), "times": 10_000 if several else 0}
    if kind == "value" and draws.turn == 1:  # 230/256 is another share
        images, bytes_, found["times"], draws.digits = np.array([230]), 1, 10**6, (0.0, 0.002)
    if not several:
        images.flat[0] = 255
        found |= {"dtype": draws.one("float32", "float64")} if draws.one(0, 1, 1) else {}
    bits = images > 0
    images = images.astype(np.uint8) if bytes_ else images / 255
    if kind == "extremes" and draws.one(0, 0, 1):
        images = bits
    if kind == "errors":
        images = draws.next(*(draws.spoiled(images, bad) for bad in (1.5, -0.1, np.nan)),
                            bits.astype(np.uint8), bits.astype(np.int64))  # fmt: skip
    return {"images": np.asarray(images), **found}


def _training(draws: Draws, kind: str) -> Inputs:
    """A model, an optimizer, and so many steps on one minibatch."""
    return {
        **_model(draws, kind), "beta": draws.one(1.0, 1.0, 0.5),
        "optimizer": draws.one("SGD", "SGD", "Adagrad", "Adam"), "lr": draws.one(0.1, 0.02),
        "weight_decay": draws.one(0.0, 0.0, 0.5), "seed": int(draws.rng.random() * 1e6),
        "steps": draws.one(1, 2),
    }  # fmt: skip


def _log_weights(draws: Draws, kind: str) -> Inputs:
    """log_w: (K, n). parts: how many rows come at a time."""
    n, parts = draws.one(1, 2, 3), [draws.one(1, 1, 2, 3) for _ in range(draws.one(1, 1, 2, 3))]
    log_w = 2 * draws.numbers((sum(parts), n))
    log_w = draws.one(log_w, np.sort(log_w, axis=0), np.sort(log_w, axis=0)[::-1].copy())
    if kind == "extremes":
        log_w = log_w + draws.next(2000, -3000, 900)
        log_w += draws.of(log_w.shape, 0, *draws.next((-4000.0, 3000.0), (-np.inf,), (0,)))
    return typed(kind, {"log_w": log_w}) | {"parts": tuple(parts)}


def _importance(draws: Draws, kind: str) -> Inputs:
    """A model, K samples, and how many rows of them are computed at a time."""
    found = _model(draws, kind) | {"K": draws.one(1, 2, 3, 5, 8), "rows": draws.one(2, 6, 1000)}
    if kind == "extremes":  # weights of e^−1000
        found |= {"decoder": "isotropic", "hidden": (), "x": 60 + found["x"]}
        n = _weights(found["n_x"], (), found["n_z"], "isotropic")
        found["theta"] = 0.05 * draws.rng.standard_normal(n)
        draws.digits = 1e-8, 1e-8
    return found | {"seed": int(draws.rng.random() * 1e6)}


def _one_page(draws: Draws, kind: str) -> Inputs:
    """x, eps and θ of the page."""
    B, n_x, n_h, n_z = draws.one(2, 3, 5), *(draws.one(1, 2, 3, 5) for _ in range(3))
    sizes = {"1": (n_x, n_h), "_mu": (n_h, n_z), "_logvar": (n_h, n_z)}
    sizes |= {"2": (n_z, n_h), "3": (n_h, n_x)}
    found = {"x": np.round(draws.rng.random((B, n_x))), "eps": draws.rng.standard_normal((B, n_z))}
    for name, size in sizes.items():
        found |= {f"W{name}": draws.rng.standard_normal(size)}
        found |= {f"b{name}": draws.rng.standard_normal(size[1])}
    return found


DRAW: dict[str, Draw] = {
    "affine_forward": _affine("W", "b", "x"),
    "affine_backward_weights": _affine("W", "b", "x", "dy"),
    "affine_backward_input": _affine("W", "b", "x", "dy"),
    "tanh_backward_input": _tanh,
    "vae_forward": _with_noise(),
    "vae_log_weights": _with_noise(),
    "vae_backward": _with_noise(after=True),
    "central_difference": _difference,
    "Adagrad": _optimizer("epsilon"),
    "Adam": _optimizer("epsilon", "beta1", "beta2"),
    "binarize": _pixels,
    "training_step": _training,
    "log_mean": _log_weights,
    "importance_weighted_bound": _importance,
    "one_page": _one_page,
}
