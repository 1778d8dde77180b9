"""A training step as text: with all numbers, as a worksheet without them, or the numbers alone."""

import json
from typing import Any

import numpy as np

from scratchvae.study.step import Quantity, TrainingStep

WIDTH = 88
PHASES = {
    "given": "Given",
    "forward": "Forward: from x to the loss",
    "backward": "Backward: from the loss to every weight",
    "update": "Update: the optimizer's step",
}


def numbers(value: Any, blank: bool = False, exact: bool = False) -> list[str]:
    """The value's lines: a row of the matrix in each. A long row goes on in the next line.

    blank: a place to write in, for each number. exact: as few digits as give the number back.
    """
    rows = np.atleast_2d(np.asarray(value, float))
    rows = rows.reshape(-1, rows.shape[-1])
    lines = []
    for row in rows:
        line = ""
        for number in row:
            text = "_" * 9 if blank else repr(float(number)) if exact else f"{number + 0.0:.6g}"
            text = f"{text:>13}"
            if len(line) + len(text) > WIDTH - 5:
                lines.append(line)
                line = ""
            line += text
        lines.append(line)
    return lines


def title(q: Quantity) -> str:
    """Its number, name, layer, shape, and where it is computed."""
    name = f"{q.owner}.{q.name}" if q.phase == "given" and q.owner else q.name
    shape = f" ({', '.join(map(str, q.shape))}{',' if len(q.shape) == 1 else ''})"
    left = f"{q.number:3}. {name}{shape if q.shape else ''}"
    if q.owner and q.owner != name:
        left += f" of {q.owner}"
    return f"{left:<42}{q.file}:{q.line} {q.function}"


def text(step: TrainingStep, *, values: bool = True) -> str:
    """The whole step. values: False leaves a place to write in for every number."""
    lines = [*_head(step)]
    phase = ""
    for q in step.quantities:
        if q.phase != phase:
            phase = q.phase
            lines += ["", PHASES[phase], "─" * len(PHASES[phase])]
        if q.phase == "given":
            name = f"{q.owner}.{q.name}" if q.owner else q.name
            lines.append(f"     {name}" + (f": {q.equation}" if q.equation else ""))
            lines += [f"     {line}" for line in numbers(q.value, exact=True)]
            continue
        lines += [title(q), f"     {q.equation}"]
        if q.code != q.equation:
            lines += [f"     {line}" for line in q.code.splitlines()]
        lines += [f"     {line}" for line in numbers(q.value, blank=not values)]
        if values and q.difference is not None:
            lines.append(f"     complex step: largest difference {q.difference:.0e}")
    if values:
        lines += ["", _last(step)]
    return "\n".join(lines) + "\n"


def key(step: TrainingStep) -> str:
    """The numbers alone, for who marks a worksheet."""
    lines = [*_head(step), ""]
    for q in step.quantities:
        if q.phase != "given":
            first, *rest = numbers(q.value)
            name = f"{q.number:3}. {q.name}" + (f" of {q.owner}" if q.owner else "")
            lines += [f"{name:<34}{first.strip()}", *(" " * 34 + row.strip() for row in rest)]
    return "\n".join([*lines, "", _last(step)]) + "\n"


def as_json(step: TrainingStep) -> str:
    """All of it, for programs. Every number is written so that reading gives the same bits."""
    return (
        json.dumps(
            {
                "sizes": step.sizes,
                "decoder": step.decoder,
                "activation": step.activation,
                "optimizer": step.optimizer,
                "seed": step.seed,
                "loss": step.loss,
                "largest_difference": step.largest_difference,
                "quantities": [
                    {
                        "number": q.number, "phase": q.phase, "name": q.name, "layer": q.owner,
                        "shape": q.shape, "value": np.asarray(q.value).tolist(),
                        "equation": q.equation, "code": q.code, "function": q.function,
                        "file": q.file, "line": q.line, "difference": q.difference,
                    }
                    for q in step.quantities
                ],
            },
            ensure_ascii=False,
            indent=1,
        )
        + "\n"
    )  # fmt: skip


def _head(step: TrainingStep) -> list[str]:
    sizes = "-".join(map(str, step.sizes))
    return [
        f"One training step of a VAE {sizes}, {step.decoder}, {step.activation}, "
        f"{step.optimizer}; seed {step.seed}",
        "one image, one ε; a row is a data point; everything in nats",
    ]


def _last(step: TrainingStep) -> str:
    checked = [q for q in step.quantities if q.difference is not None]
    return (
        f"loss {step.loss:.6g} nats. {len(checked)} gradients compared with the complex step: "
        f"the largest difference is {step.largest_difference:.0e}"
    )
