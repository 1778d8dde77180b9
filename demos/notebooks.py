"""Writes each demo as a Jupyter notebook, and one that walks through homework chapter 2.

    python -m demos notebooks --out DIR

A notebook is a JSON file (nbformat 4.5). The cells are those of the demo's source: a line
`# %%` begins one. Its text becomes a heading, a docstring after `# %% [markdown]` becomes
prose. Nothing is written a second time.

**A notebook stands alone.** Its first code cell holds the helpers that the demo imports, and
writes them into a temporary folder. So of what is not Python's own it needs the package
alone, and runs on a notebook service after `pip install`.

Notebooks are not committed. They are made, executed and published with the book
(`.github/workflows/pages.yml`): a stored picture would be a second copy of
`demos/pictures`, would change with every version of Matplotlib, and nobody would see that a
cell is older than the demo from which it was made.
"""

import argparse
import ast
import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

from scratchvae.files import made, written_whole
from scratchvae.homework import source
from scratchvae.homework.exercises import EXERCISES, Exercise
from scratchvae.options import Parser

HERE = Path(__file__).resolve().parent
NO_DEMOS = ("__main__", "common", "korean", "museum", "notebooks", "quadrature", "walk")
DEMOS = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NO_DEMOS)
WALK = "homework_chapter_2"


class Cell(NamedTuple):
    """kind: "markdown" or "code"."""

    kind: str
    text: str


def cells_of(text: str) -> list[Cell]:
    """The cells of a source in percent format, without the empty ones."""
    cells: list[Cell] = []
    parts = re.split(r"^# %%(.*)\n", text, flags=re.M)
    if parts[0].strip():
        cells.append(Cell("code", parts[0].strip("\n")))
    for head, body in zip(parts[1::2], parts[2::2]):
        head = head.strip()
        if head == "[markdown]":
            cells.append(Cell("markdown", prose(ast.literal_eval(body.strip()))))
            continue
        if head:
            cells.append(Cell("markdown", f"## {head}"))
        if body.strip():
            cells.append(Cell("code", body.strip("\n")))
    return cells


def prose(docstring: str) -> str:
    """A docstring as Markdown: its first sentence is the title; indented lines stay so."""
    first, _, rest = docstring.strip().partition("\n\n")
    title, stop, more = " ".join(first.split()).partition(". ")
    said = f"\n{more}\n" if stop else ""
    return f"# {title.rstrip('.')}\n{said}\n{rest}"


def document(name: str, cells: list[Cell]) -> dict[str, Any]:
    """The notebook, as JSON has it."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "cells": [
            {
                "cell_type": cell.kind,
                "id": f"{name.replace('_', '-')[:50]}-{i}",
                "metadata": FOLDED if cell.text.startswith(HELPERS) else {},
                "source": cell.text.splitlines(keepends=True),
                **({"outputs": [], "execution_count": None} if cell.kind == "code" else {}),
            }
            for i, cell in enumerate(cells)
        ],
    }


HELPERS = "# The demos' helpers"  # how their cell begins
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}


def helpers_of(name: str) -> list[str]:
    """The files beside the demo that it needs: what it imports, what these import, their data."""
    todo, found = [name], []
    while todo:
        stem = todo.pop()
        for node in ast.parse((HERE / f"{stem}.py").read_text(encoding="utf-8")).body:
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for other in names:
                if other and (HERE / f"{other}.py").exists() and f"{other}.py" not in found:
                    found.append(f"{other}.py")
                    todo.append(other)
    data = [f"{Path(file).stem}.json" for file in found]
    return found + [file for file in data if (HERE / file).exists()]


def first_cell(name: str, files: list[str], repository: str = "") -> Cell:
    """What the notebook needs beside the package. repository: where `pip` finds the package."""
    install = (
        'import importlib.util\n\nif importlib.util.find_spec("scratchvae") is None:\n'
        f'    %pip install -q "scratchvae @ git+{repository}"\n\n'
        if repository else ""
    )  # fmt: skip
    if not files:
        return Cell("code", f'{install}import sys\n\nsys.argv = ["{name}.py"]')
    texts = "".join(
        f"HELPERS[{file!r}] = r'''{(HERE / file).read_text(encoding='utf-8')}'''\n"
        for file in files
    )
    named = f'\n\nimport common\n\ncommon.DEMO = "{name}"' if "common.py" in files else ""
    return Cell(
        "code",
        f"{HELPERS}, written into a folder of their own. Beside them this notebook needs\n"
        f"# scratchvae alone, and what `pip` installs with it.\n{install}"
        f"import sys\nimport tempfile\nfrom pathlib import Path\n\nHELPERS = {{}}\n{texts}"
        "folder = Path(tempfile.mkdtemp())\n"
        "for name, text in HELPERS.items():\n"
        '    (folder / name).write_text(text, encoding="utf-8")\n'
        f'sys.path.insert(0, str(folder))\nsys.argv = ["{name}.py"]{named}',
    )


def demo(name: str, repository: str = "") -> dict[str, Any]:
    """The notebook of a demo."""
    cells = cells_of((HERE / f"{name}.py").read_text(encoding="utf-8"))
    if cells[0].kind == "code":  # a module with a docstring before its first `# %%`
        text = cells[0].text
        docstring = ast.get_docstring(ast.parse(text))
        if docstring is not None:
            end = ast.parse(text).body[0].end_lineno or 0
            rest = "\n".join(text.splitlines()[end:]).strip("\n")
            start = [Cell("markdown", prose(docstring))]
            cells = start + ([Cell("code", rest)] if rest else []) + cells[1:]
    return document(name, [cells[0], first_cell(name, helpers_of(name), repository), *cells[1:]])


# ---- the walk through homework chapter 2 ----

WALK_TITLE = """# Homework chapter 2: fill in, and see at once

Each cell below has a function without its body. Write the body, run the cell, and read what
the grader says. It runs the grader's own cases: values, shapes, extreme inputs, and whether
your arguments are left as they were. A classical mistake is named.

At the end one backward pass of a small VAE waits for you: fill in da, dz, dμ, dlog σ². Each is
compared as soon as it is there."""

# name, what is to be filled in, its equation as the package has it, and a right answer
BACKWARD = (
    ("da", "∂loss/∂a, of the logits", "da = −(x − sigmoid(a)) / (L B)",
     "-(w.x - 1 / (1 + np.exp(-w.a)))"),
    ("dU", "∂loss/∂U, of the output layer's weights", "dW = xᵀ dy, with x = h′ and dy = da",
     "w.h_z.T @ da"),
    ("dh_z", "∂loss/∂h′", "dx = dy Wᵀ", "da @ w.U.T"),
    ("dz", "∂loss/∂z, through tanh and the decoder's hidden layer",
     "dy ⊙ (1 − h′²), then dx = dy Vᵀ", "(dh_z * (1 - w.h_z**2)) @ w.V.T"),
    ("dmu", "∂loss/∂μ: through z, and of the KL", "dμ = Σ_l dz_l + μ / B", "dz + w.mu"),
    ("dlogvar", "∂loss/∂log σ²: through z, and of the KL",
     "dlog σ² = Σ_l dz_l ⊙ ε_l ⊙ ½ σ + ½ (σ² − 1) / B",
     "dz * w.eps * 0.5 * np.exp(w.logvar / 2) + 0.5 * (np.exp(w.logvar) - 1)"),
    ("dh", "∂loss/∂h: both heads use h, so their gradients add",
     "dh = dμ W_μᵀ + dlog σ² W_log σ²ᵀ", "dmu @ w.W_mu.T + dlogvar @ w.W_logvar.T"),
)  # fmt: skip


def walk(repository: str = "", *, solved: bool = False) -> dict[str, Any]:
    """The notebook. solved: with right answers filled in, for the tests."""
    cells = [
        Cell("markdown", WALK_TITLE),
        first_cell(WALK, ["walk.py"], repository),
        Cell("code", "import numpy as np\nfrom walk import Walk, check\n"
                     "from scratchvae.layers import sigmoid\n\nLOG_2PI = np.log(2 * np.pi)"),
    ]  # fmt: skip
    for exercise in EXERCISES:
        if exercise.number.startswith("2."):
            cells += _exercise(exercise, solved)
    cells += [
        Cell(
            "markdown",
            "## One backward pass\n\nThe numbers are those of `scratchvae trace --seed 0`: one "
            "image, one ε, so B = 1 and L = 1. `w` has x, eps, h, mu, logvar, z, h_z (that is "
            "h′), a, and the weights W_mu, W_logvar, V (z to h′), U (h′ to a). In the place of "
            "`None` write the gradient.",
        ),
        Cell("code", "w = Walk(seed=0)\nprint(w.x, w.eps, w.mu, w.logvar, w.z, w.a, sep='\\n')"),
    ]
    for name, words, equation, answer in BACKWARD:
        cells += [
            Cell("markdown", f"### {name}: {words}\n\n    {equation}"),
            Cell("code", f'{name} = {answer if solved else None}\n\nw.compare("{name}", {name});'),
        ]
    return document(WALK, cells)


def _exercise(exercise: Exercise, solved: bool) -> list[Cell]:
    text = source.reference()[exercise.module]
    function = source.need(text, exercise.name, exercise.module)
    lines = text.splitlines()
    statements = source.body(function)
    head = "\n".join(lines[function.lineno - 1 : function.body[0].end_lineno])
    head = re.sub(r"(: |-> )(FloatArray|tuple\[FloatArray, FloatArray\])", "", head)
    head = head.replace(" :\n", ":\n", 1)
    body = "    raise NotImplementedError"
    if solved:
        body = "\n".join(lines[statements[0].lineno - 1 : function.end_lineno])
    return [
        Cell(
            "markdown",
            f"## {exercise.number} {exercise.title}\n\n    {exercise.equation}\n\n"
            f"{exercise.source}; {exercise.points} points.",
        ),
        Cell("code", f'{head}\n{body}\n\n\ncheck("{exercise.number}", {exercise.name});'),
    ]


# ---- the command ----


def main(arguments: list[str]) -> int:
    """Write all notebooks. Returns 0, or 2 where somebody's work would be replaced."""
    parser = Parser(
        prog="python -m demos notebooks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, default=Path("notebooks"), metavar="DIR", help="the folder (notebooks)"
    )
    parser.add_argument(
        "--repository",
        default="",
        metavar="URL",
        help="where the package is: each notebook then installs it from there",
    )
    args = parser.parse_args(arguments)
    out, texts = args.out, {}
    for name in (*DEMOS, WALK):
        notebook = walk(args.repository) if name == WALK else demo(name, args.repository)
        texts[out / f"{name}.ipynb"] = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding="utf-8") != text:
            print(
                f"{path} was run or edited: move it away, or name another folder by --out",
                file=sys.stderr,
            )
            return 2
    made(out)
    for path, text in texts.items():
        with written_whole(path) as part:
            part.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
    return 0
