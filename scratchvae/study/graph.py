"""The picture of one training step: values go to the right, gradients come back.

Matplotlib is imported here, and this file is imported only when the picture is drawn.
"""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from scratchvae.files import written_whole
from scratchvae.study.step import Quantity, TrainingStep

VALUE, GRADIENT, GREY = "k", "#B2182B", "0.45"
MOST = 6  # numbers of a node; of more, the first ones
WIDTH, ROW = 2.1, 0.26  # of a column of nodes, and of a line of text


@dataclass
class Node:
    """A value of the computation. x, y: of its middle, in columns and in lines of text."""

    title: str
    shape: tuple[int, ...]
    values: list[str]
    x: float
    y: float
    is_given: bool = False

    @property
    def height(self) -> float:
        """Of its box."""
        return ROW * (len(self.values) + 1.7)


@dataclass
class Edge:
    """start is used by end; gradient is what comes back, or None for data."""

    start: Node
    end: Node
    gradient: list[str] | None


@dataclass
class Weights:
    """W and b of a layer, and beside them their gradients."""

    name: str
    lines: list[tuple[str, str]]
    x: float
    y: float


def draw(step: TrainingStep, path: str | os.PathLike[str]) -> None:
    """Write the picture as a PNG."""
    nodes, edges, weights = _layout(step)
    right = max(node.x for node in nodes) + 0.65
    top = max(w.y + ROW * (len(w.lines) + 2) / 2 for w in weights) + 0.2
    bottom = min(
        min(w.y - ROW * (len(w.lines) + 2) / 2 for w in weights),
        min(node.y - node.height / 2 for node in nodes),
    )
    figure = Figure(figsize=(WIDTH * (right + 0.65), (top - bottom) * 0.62 + 0.9))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(-0.65, right), ylim=(bottom - 0.25, top + 1.1))
    for edge in edges:
        _draw_edge(axes, edge)
    for node in nodes:
        _draw_node(axes, node)
    for part in weights:
        _draw_weights(axes, part)
    sizes = "-".join(map(str, step.sizes))
    axes.text(
        -0.6, top + 0.9,
        f"One training step of a VAE {sizes}, seed {step.seed}: loss = {step.loss:.4g} nats",
        fontsize=14, va="top",
    )  # fmt: skip
    axes.text(-0.6, top + 0.45, "black: forward, the values", fontsize=10, va="top")
    axes.text(
        0.9, top + 0.45, "red: backward, ∂loss / ∂(what stands left of it)", fontsize=10, va="top",
        color=GRADIENT,
    )  # fmt: skip
    with written_whole(path) as part_path:
        figure.savefig(part_path, dpi=110, format="png")


# ---- what stands where ----


def _layout(step: TrainingStep) -> tuple[list[Node], list[Edge], list[Weights]]:
    deep, act = len(step.sizes) // 2 - 1, step.activation
    nodes: list[Node] = []
    edges: list[Edge] = []
    weights: list[Weights] = []

    def node(title: str, q: Quantity, x: float, y: float) -> Node:
        nodes.append(Node(title, q.shape, _numbers(q.value), x, y, q.phase == "given"))
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
        ("μ of x", "x_mu sigmoid", "dmu", "Gaussian._dmoments", 1.35),
        ("log σ² of x", "x_logvar", "dlogvar", "Gaussian._dmoments", -1.35),
    ],
    "isotropic": [("μ of x", "x_mu", "dy", "Isotropic.backward", 0.0)],
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


# ---- drawing ----


def _draw_node(axes: Any, node: Node) -> None:
    width = 0.52
    box = FancyBboxPatch(
        (node.x - width / 2, node.y - node.height / 2), width, node.height,
        boxstyle="round,pad=0.02,rounding_size=0.06", mutation_aspect=1.6,
        facecolor="0.93" if node.is_given else "w", edgecolor="k", lw=1.2, zorder=3,
    )  # fmt: skip
    axes.add_patch(box)
    top = node.y + node.height / 2
    axes.text(node.x, top - 0.5 * ROW, node.title, ha="center", va="center", fontsize=11, zorder=4)
    shape = _shape(node.shape) if node.shape else "a number"
    axes.text(
        node.x, top + 0.1, shape, ha="center", va="bottom", fontsize=7, color=GREY, zorder=4,
        bbox={"facecolor": "w", "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip
    for i, text in enumerate(node.values):
        axes.text(
            node.x + 0.16, top - (i + 1.7) * ROW, text, ha="right", va="center", fontsize=9,
            color=VALUE, zorder=4,
        )  # fmt: skip


_ARROW = {"arrowstyle": "-|>", "color": GREY, "lw": 1.1, "shrinkA": 0, "shrinkB": 0}


def _draw_edge(axes: Any, edge: Edge) -> None:
    start, end = edge.start, edge.end
    if start.title == "KL":  # to the right, and up
        corner, stop = (end.x, start.y), (end.x, end.y - end.height / 2 - 0.05)
        axes.plot([start.x + 0.29, corner[0]], [start.y, start.y], color=GREY, lw=1.1, zorder=1)
        axes.annotate("", stop, corner, arrowprops=_ARROW, zorder=1)
        _draw_gradient(axes, edge, ((start.x + end.x) / 2, start.y))
        return
    vertical = start.x == end.x
    if vertical:
        begin, stop = (start.x, start.y - start.height / 2), (end.x, end.y + end.height / 2 + 0.37)
    else:
        begin, stop = (start.x + 0.29, start.y), (end.x - 0.29, end.y)
        if start.y != end.y:  # not all in the middle of the box
            lower = min(0.3 * end.height, abs(start.y - end.y) / 4)
            stop = (stop[0], end.y + np.sign(start.y - end.y) * lower)
    axes.annotate("", stop, begin, arrowprops=_ARROW, zorder=1)
    t = 0.5 if end.title != "KL" else 0.72 if start.title == "μ" else 0.4
    middle = begin[0] + t * (stop[0] - begin[0]), begin[1] + t * (stop[1] - begin[1])
    _draw_gradient(axes, edge, middle)


def _draw_gradient(axes: Any, edge: Edge, place: tuple[float, float]) -> None:
    if edge.gradient is not None:
        axes.text(
            *place, "\n".join(edge.gradient), ha="center", va="center", fontsize=8,
            color=GRADIENT, linespacing=1.05, zorder=2,
            bbox={"facecolor": "w", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip


def _draw_weights(axes: Any, part: Weights) -> None:
    top = part.y + ROW * len(part.lines) / 2
    axes.text(part.x, top + 0.14, part.name, ha="center", va="bottom", fontsize=9)
    for i, (values, gradients) in enumerate(part.lines):
        y = top - (i + 0.5) * ROW
        style = {"va": "center", "fontsize": 6.5, "family": "DejaVu Sans Mono"}
        axes.text(part.x - 0.02, y, values, ha="right", color=VALUE, **style)
        axes.text(part.x + 0.02, y, gradients, ha="left", color=GRADIENT, **style)
