"""A training step as text: with all numbers, as a worksheet without them, or the numbers alone."""

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np

from scratchvae.distributions import reparameterize
from scratchvae.parameters import views
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
        lines += [title(q), *([f"     {q.equation}"] if q.equation else [])]
        if q.code != q.equation:
            lines += [f"     {line}" for line in q.code.splitlines()]
        lines += [f"     {line}" for line in _numbers(step, q, blank=not values)]
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
            first, *rest = _numbers(step, q)
            name = f"{q.number:3}. {q.name}"
            name += f" of {q.owner}" if q.owner and q.owner != q.name else ""
            lines += [f"{name:<34}{first.strip()}", *(" " * 34 + row.strip() for row in rest)]
    return "\n".join([*lines, "", _last(step)]) + "\n"


def _numbers(step: TrainingStep, q: Quantity, blank: bool = False) -> list[str]:
    """Its lines; of the whole vector θ, those of each weight, after the weight's name."""
    if q.name != "theta":
        return numbers(q.value, blank=blank)
    lines = []
    for name, value in views(np.asarray(q.value), step.vae.params.shapes).items():
        first, *rest = numbers(value, blank=blank)
        lines += [f"{name:<14}{first.strip():>13}" if np.size(value) == 1 else name]
        lines += [] if np.size(value) == 1 else [first, *rest]
    return lines


# ---- less of it ----


def short(step: TrainingStep) -> TrainingStep:
    """What somebody computes by hand: sums, not what they are made of; σ and p; no update.

    Left out are x W before b is added, the parts of the stable softplus, and numbers that are
    shown already. σ = e^(½ log σ²) is added, and p = sigmoid(a) stands where a does.
    """
    kept: list[Quantity] = []
    for q in step.quantities:
        if q.phase == "given" and q.name != "lr":
            kept.append(q)
        elif q.phase in ("forward", "backward") and not _is_part(step, q):
            if q.name == "sigmoid(a)":
                logits = max(i for i, other in enumerate(kept) if other.name == "logits")
                kept.insert(logits + 1, replace(q, name="p", owner="", phase="forward"))
                continue
            kept.append(q)
            if q.name == "logvar":
                sigma = np.exp(0.5 * np.asarray(q.value))
                kept.append(replace(
                    q, name="sigma", owner="", names=(), value=sigma, key=-1, code="",
                    equation="σ = e^(½ log σ²)", function="reparameterize",
                    file="distributions.py", line=reparameterize.__code__.co_firstlineno,
                ))  # fmt: skip
    order = {"given": 0, "forward": 1, "backward": 2}
    kept.sort(key=lambda q: order[q.phase])
    count = iter(range(1, len(kept) + 1))
    numbered = [q if q.phase == "given" else replace(q, number=next(count)) for q in kept]
    return replace(step, quantities=tuple(numbered))


def _is_part(step: TrainingStep, q: Quantity) -> bool:
    """Whether a later line of the same call adds to it, or it is shown under another name."""
    this = step.steps[q.key]
    later = step.steps[q.key + 1 :]
    added = any(s.run == this.run and s.name == this.name and s.new for s in later)
    return added or q.name in ("reconstruction", "objective")


def without_code(step: TrainingStep) -> TrainingStep:
    """The step with no line of the source: equations and numbers alone."""

    def bare(q: Quantity) -> Quantity:
        is_code = q.equation == " ".join(q.code.split())
        name = q.name if re.fullmatch(r"[\w′()∂/ ]+", q.name) else "dx"
        return replace(q, name=name, code="", equation="" if is_code else q.equation)

    return replace(step, quantities=tuple(map(bare, step.quantities)))


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
