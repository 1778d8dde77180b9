"""`--exercises page`: demos/one_page.py, the whole VAE in 100 lines, without its gradients.

It is handed out as `scratchvae/one_page.py`, with what `load_mnist` needs of the package and no
more: the package has the gradients too. Each is graded by the VAE of the package.
"""

import re
from pathlib import Path

from scratchvae.homework.exercises import PAGE
from scratchvae.homework.source import PACKAGE, SourceError, reference

NAME = "one_page"
PATH = PACKAGE.parent / "demos" / f"{NAME}.py"
# what load_mnist imports
NEEDED = ("checks", "datasets", "files", "parameters", "pictures", "readers")
GRADIENT = re.compile(r"^    (d[Wabslmz]\w*(?:, db\w+)?) = (.+?)(  #.*)?$", re.M)
WRONG = (  # what stands in the page, what stands there wrongly, and what is said of it
    ("(sigmoid(a) - x) / len(x)", "sigmoid(a) - x", "You leave out 1/B in da: the loss is a mean."),
    ("dz + mu", "dz - mu", "You have the KL in dmu with its sign turned round."),
    ("dz * eps * sigma", "dz * sigma", "You forget ε in dlogvar: ∂z/∂σ = ε."),
    ("sigma + (", "sigma - (", "You have the KL in dlogvar with its sign turned round."),
    (" + dlogvar @ W_logvar.T", "", "You go back from μ to h1 alone: h1 is used twice, both add."),
    ("* (1 - h1 * h1)", "", "You leave out tanh′ = 1 − h1² in ds1."),
)
RIGHT = """import numpy as np
from scratchvae.vae import VAE
def loss_and_gradient(theta, x, eps):
    vae = VAE(x.shape[1], (theta[1].size,), theta[3].size, dtype=x.dtype)
    vae.params.theta[...] = np.concatenate([W.ravel() for W in theta])
    return vae.loss_and_grad(x, eps), [*vae.params.grads.values()]
"""
ASSIGNMENT = """# {title}

`scratchvae/one_page.py` is the whole VAE. In `loss_and_gradient` each gradient is blank: replace
each `...`. The comment beside it says what it follows from. You may add functions. Use NumPy,
and no automatic differentiation. A gradient is found from those above it: begin with the first
that is wrong. Hand in the folder `scratchvae/`.

| | gradient | what it follows from | source | points |
|---|---|---|---|---|
{rows}
```
python -m pip install numpy pytest
python -m pytest -m exercise_page_1  # the tests of page.1 alone; without -m all
python -m scratchvae.one_page        # trains, with the four files of MNIST in data/
```

AEVB is arXiv 1312.6114.
"""


def text() -> str:
    """The page. SourceError where the package is installed without the demos."""
    if not PATH.is_file():
        raise SourceError(f"the page is demos/{NAME}.py of a clone, and here is no such file")
    page = PATH.read_text(encoding="utf-8")
    return page.replace(f"python demos/{NAME}.py", f"python -m scratchvae.{NAME}")


def blank() -> str:
    """The page with `...` for each gradient. The comments, which derive them, stay."""
    return GRADIENT.sub(
        lambda m: f"    {m[1]} = {re.sub('[^, ]+', '...', m[1])}{m[3] or ''}", text()
    )


def package() -> dict[str, str]:
    """The handout's package, file name without .py -> text."""
    whole, start = reference(), "from scratchvae.datasets import load_mnist as load_mnist\n"
    return {"__init__": start, NAME: blank(), **{name: whole[name] for name in NEEDED}}


def texts(title: str) -> dict[str, str]:
    """The handout's other files that are of the page alone, path -> text."""
    row = "| {0.number} | {0.title} | {0.equation} | {0.source} | {0.points} |\n"
    rows = "".join(row.format(exercise) for exercise in PAGE)
    tests = Path(__file__).with_name("public_page.py").read_text(encoding="utf-8")
    task = ASSIGNMENT.format(title=title, rows=rows)
    return {"ASSIGNMENT.md": task, "tests/test_homework.py": tests}


def wrong() -> list[tuple[str, str]]:
    """Of each classical mistake the sentence, and the page that has it."""
    return [(sentence, text().replace(right, mistake)) for right, mistake, sentence in WRONG]
