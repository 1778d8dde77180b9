"""The picture of one training step."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from scratchvae.figures import PathName, save

VALUE, GRADIENT, GREY = "k", "#B2182B", "0.45"
WIDTH, ROW = 2.1, 0.26  # of a column of nodes, and of a line of text


class Node(NamedTuple):
    """A value of `training_step`. x, y: of its middle, in columns and in lines of text."""

    title: str
    shape: str
    values: list[str]
    x: float
    y: float
    is_given: bool

    @property
    def height(self) -> float:
        """Of its box."""
        return ROW * (len(self.values) + 1.7)


class Edge(NamedTuple):
    """start is used by end; gradient is what comes back, or None for data."""

    start: Node
    end: Node
    gradient: list[str] | None


class Weights(NamedTuple):
    """W and b of a layer, and beside them their gradients, line by line."""

    name: str
    lines: list[tuple[str, str]]
    x: float
    y: float


def training_step(
    nodes: Sequence[Node], edges: Sequence[Edge], weights: Sequence[Weights], title: str,
    path: PathName,
) -> None:  # fmt: skip
    """One training step in numbers: the values forwards in black, the gradients in red."""
    right = max(node.x for node in nodes) + 0.65
    ends = [(w.y, ROW * (len(w.lines) + 2) / 2) for w in weights]
    top = max(y + half for y, half in ends) + 0.2
    bottom = min(y - half for y, half in (*ends, *((n.y, n.height / 2) for n in nodes)))
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
    axes.text(-0.6, top + 0.9, title, fontsize=14, va="top")
    axes.text(-0.6, top + 0.45, "black: forward, the values", fontsize=10, va="top")
    axes.text(
        0.9, top + 0.45, "red: backward, ∂loss / ∂(what stands left of it)", fontsize=10, va="top",
        color=GRADIENT,
    )  # fmt: skip
    save(figure, path)


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
    axes.text(
        node.x, top + 0.1, node.shape, ha="center", va="bottom", fontsize=7, color=GREY, zorder=4,
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
        begin, stop = (end.x, start.y), (end.x, end.y - end.height / 2 - 0.05)
        axes.plot([start.x + 0.29, end.x], [start.y, start.y], color=GREY, lw=1.1, zorder=1)
    elif start.x == end.x:
        begin, stop = (start.x, start.y - start.height / 2), (end.x, end.y + end.height / 2 + 0.37)
    else:
        begin, stop = (start.x + 0.29, start.y), (end.x - 0.29, end.y)
        if start.y != end.y:  # not all in the middle of the box
            lower = min(0.3 * end.height, abs(start.y - end.y) / 4)
            stop = (stop[0], end.y + np.sign(start.y - end.y) * lower)
    axes.annotate("", stop, begin, arrowprops=_ARROW, zorder=1)
    if edge.gradient is not None:
        t = 0.5 if end.title != "KL" else 0.72 if start.title == "μ" else 0.4
        x, y = begin[0] + t * (stop[0] - begin[0]), begin[1] + t * (stop[1] - begin[1])
        if start.title == "KL":
            x, y = (start.x + end.x) / 2, start.y
        axes.text(
            x, y, "\n".join(edge.gradient), ha="center", va="center", fontsize=8,
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
