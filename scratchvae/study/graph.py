"""What stands where in the picture of one training step, which `figures.py` draws.

Values go to the right, gradients come back.
"""

import os
from typing import Any

import numpy as np

from scratchvae import figures
from scratchvae.figures import ROW, Edge, Node, Weights
from scratchvae.study.step import Quantity, TrainingStep

MOST = 6  # numbers of a node; of more, the first ones


def draw(step: TrainingStep, path: str | os.PathLike[str]) -> None:
    """Write the picture as a PNG."""
    sizes = "-".join(map(str, step.sizes))
    title = f"One training step of a VAE {sizes}, seed {step.seed}: loss = {step.loss:.4g} nats"
    figures.training_step(*_layout(step), title, path=path)


# ---- what stands where ----


def _layout(step: TrainingStep) -> tuple[list[Node], list[Edge], list[Weights]]:
    deep, act = len(step.sizes) // 2 - 1, step.activation
    nodes: list[Node] = []
    edges: list[Edge] = []
    weights: list[Weights] = []

    def node(title: str, q: Quantity, x: float, y: float) -> Node:
        shape = _shape(q.shape) if q.shape else "a number"
        nodes.append(Node(title, shape, _numbers(q.value), x, y, q.phase == "given"))
        return nodes[-1]

    def edge(start: Node, end: Node, q: Quantity | None) -> None:
        edges.append(Edge(start, end, None if q is None else _numbers(q.value)))

    def layer(name: str, x: float, y: float) -> None:
        weights.append(Weights(name, _weights(step, name), x, y))

    # the encoder
    high = 2.6 + ROW * max(step.sizes[0], 3) / 2 if step.sizes[0] <= 5 else 3.0
    last = node("x", step.find("x", phase="given"), 0, 0)
    for i in range(deep):
        h = node("h" if deep == 1 else f"h{i + 1}", _forward(step, f"encoder.{i} {act}"), i + 1, 0)
        edge(last, h, _dx(step, f"encoder.{i}") if i else None)
        layer(f"encoder.{i}", i + 0.5, high)
        last = h
    at = deep + 1
    mu = node("μ", _forward(step, "mu"), at, 1.35)
    logvar = node("log σ²", _forward(step, "logvar"), at, -1.35)
    edge(last, mu, _dx(step, "mu"))
    edge(last, logvar, _dx(step, "logvar"))
    layer("mu", at - 0.2, high)
    layer("logvar", at - 0.2, -high)

    # the samples, and the decoder
    eps = node("ε", step.find("eps", phase="given"), at + 1, high)
    z = node("z", step.find("z"), at + 1, 0)
    kl = node("KL", step.find("kl"), at + 1.55, -high - 0.1)
    edge(eps, z, None)
    by_z = [q for q in step.quantities if q.function == "reparameterize_backward"]
    for head, through_z, name in zip((mu, logvar), by_z, ("dkl_dmu", "dkl_dlogvar")):
        edge(head, z, through_z)
        edge(head, kl, step.find(name))
    last, before = z, ""
    for i in range(deep):
        x = at + 2 + i
        h = node("h′" if deep == 1 else f"h′{i + 1}", _forward(step, f"decoder.{i} {act}"), x, 0)
        edge(last, h, _dx(step, f"decoder.{i}"))
        layer(f"decoder.{i}", x, high)
        last, before = h, f"decoder.{i}"
    assert before
    at += deep + 2
    log_p = node("log p(x|z)", step.find("log_px_z"), at + 1, 0)
    for j, (title, owner, name, function, y) in enumerate(OUTPUTS[step.decoder]):
        output = node(title, _forward(step, owner), at, y)
        affine = owner.split()[0]
        edge(last, output, _dx(step, affine))
        layer(affine, at + 0.3 + 1.5 * j, high)
        gradient = [q for q in step.quantities if q.function == function and q.name == name][-1]
        edge(output, log_p, gradient)
    loss = node("loss", step.find("loss"), at + 2, 0)
    edges.append(Edge(log_p, loss, ["−1"]))
    edges.append(Edge(kl, loss, ["1"]))
    return nodes, edges, weights


# title, layer, and the gradient's name and function
OUTPUTS = {
    "bernoulli": [("a", "logits", "dlogits", "Bernoulli._dlogits", 0.0)],
    "gaussian": [
        ("μ of x", "x_mu", "dmu", "Gaussian._dmoments", 1.35),
        ("s of x", "x_logvar", "ds", "Gaussian._dmoments", -1.35),
    ],
    "sigmoid-gaussian": [
        ("μ of x", "x_mu sigmoid", "dmu", "Gaussian._dmoments", 1.35),
        ("s of x", "x_logvar", "ds", "Gaussian._dmoments", -1.35),
    ],
    "isotropic": [("μ of x", "x_mu", "dy", "Isotropic.backward", 0.0)],
    "continuous-bernoulli": [("a", "logits", "dlogits", "ContinuousBernoulli._dlogits", 0.0)],
}


def _forward(step: TrainingStep, owner: str) -> Quantity:
    """What the layer gives: its last forward quantity."""
    return [q for q in step.quantities if q.owner == owner and q.phase == "forward"][-1]


def _dx(step: TrainingStep, owner: str) -> Quantity:
    """What the layer's backward pass returns."""
    return next(
        q for q in step.quantities if q.owner == owner and q.function == "Affine.backward_input"
    )


def _weights(step: TrainingStep, name: str) -> list[tuple[str, str]]:
    """Lines of W and of b, and of their gradients. Only shapes when there is no place."""
    lines, many = [], len(step.sizes) > 5
    for short in ("W", "b"):
        value = step.find(short, name, "given").value
        gradient = step.find(f"d{short}", name, "backward").value
        rows, drows = np.atleast_2d(value), np.atleast_2d(gradient)
        if many or rows.shape[1] > 4 or len(rows) > 5:
            largest = f"largest |d{short}| {_short(float(np.abs(gradient).max()))}"
            lines.append((f"{short} {_shape(value.shape)}", largest))
            continue
        for i, (row, drow) in enumerate(zip(rows, drows)):
            start = f"{short} " if i == 0 else "  "
            both = ["".join(f"{_short(v):>6}" for v in part) for part in (row, drow)]
            lines.append((start + both[0], both[1]))
    return lines


def _numbers(value: Any) -> list[str]:
    flat = np.asarray(value, float).ravel()
    shown = [_short(number) for number in flat[:MOST]]
    return shown + (["…"] if flat.size > MOST else [])


def _short(number: float) -> str:
    text = f"{round(number, 2) + 0.0:.2f}" if abs(number) < 100 else f"{number:.0f}"
    return text.replace("-", "−")


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
