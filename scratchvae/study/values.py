"""The values that Part II shows: of a training step, of small runs, and of the examples."""

import doctest
import importlib
import io
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scratchvae.study.listing import Module, Part
from scratchvae.study.step import training_step
from scratchvae.study.trace import Step, record


@dataclass
class Values:
    """What each statement has computed when it ran first: (file, line) -> the steps.

    source: where the numbers come from, for each (file, function).
    counts: how many times each statement ran.
    """

    steps: dict[tuple[str, int], list[Step]] = field(default_factory=dict)
    source: dict[tuple[str, str], str] = field(default_factory=dict)
    counts: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, steps: Iterable[Step], source: str) -> None:
        """Keep the first run of each statement; a function of an earlier source keeps its own."""
        runs: dict[tuple[str, int], list[int]] = {}
        for step in steps:
            where = step.file, step.line
            if self.source.setdefault((step.file, step.function), source) != source:
                continue
            seen = runs.setdefault(where, [])
            kept = self.steps.setdefault(where, [])
            names = [other.name for other in kept]
            if (not kept or (seen and seen[0] == step.run)) and step.name not in names:
                kept.append(step)
            seen.append(step.run)
            self.counts[where] = len(set(seen))


def values_of(modules: Iterable[Module]) -> Values:
    """The training step of `scratchvae trace`, its variants, small runs, and the examples.

    The first one that runs a function gives its values.
    """
    values = Values()
    values.add(training_step().steps, "scratchvae trace")
    for option, names in VARIANTS.items():
        for name in names:
            traced = training_step(**{option: name}).steps  # type: ignore[arg-type]
            values.add(traced, f"scratchvae trace --{option} {name}")
    for what, (files, run) in runs().items():
        with np.errstate(all="ignore"):
            _, steps = record(run, files=[f"{name}.py" for name in files])
        values.add(steps, what)
    for each in modules:
        for part in each.parts:
            if ">>>" in part.doc and each.name not in EXPENSIVE:
                values.add(_of_example(each, part), f"the example of {part.name}")
    return values


EXPENSIVE = ("training", "parallel", "processes", "resume", "team")  # their examples train models
VARIANTS = {
    "decoder": ("gaussian", "sigmoid-gaussian", "isotropic", "continuous-bernoulli"),
    "activation": ("relu", "sigmoid"),
    "optimizer": ("adam", "adagrad"),
}


def runs() -> dict[str, tuple[tuple[str, ...], Callable[[], Any]]]:
    """What it is -> the files to record, and small calls of what no training step needs."""
    from scratchvae import datasets, evaluation, gradient_check, initializers, likelihood
    from scratchvae.autoencoder import Autoencoder
    from scratchvae.decoders import OUTPUTS
    from scratchvae.optimizers import Adam
    from scratchvae.pca import PCA
    from scratchvae.training import training_step as one_turn
    from scratchvae.vae import VAE

    x = np.array([[1.0, 0, 1, 1], [0, 1, 0, 0], [1, 1, 0, 1]])
    grey = (200 * x + 20).astype(np.uint8)
    vae = VAE(4, (3,), 2, dtype=np.float64, seed=0)
    model = Autoencoder(4, (3,), 2, dtype=np.float64, seed=0)

    def rng() -> np.random.Generator:
        return np.random.default_rng(0)

    def images() -> None:
        datasets.binarize(grey, rng())
        datasets.grey(grey)
        datasets.dequantize(grey, rng())
        list(datasets.minibatches(3, 2, rng()))

    def checks() -> None:
        vae.loss_and_grad(x, np.zeros((3, 2)))
        gradient_check.check_gradient(
            lambda: -float(vae.elbo(x, np.zeros((3, 2))).mean()), vae.params
        )
        gradient_check.complex_step(lambda theta: (theta**2).sum(), np.array([1.0, 2.0]))

    def autoencoder() -> None:
        model.loss_and_grad(x)
        model.reconstruct(x)
        model.encoder_only()

    def pca() -> None:
        fitted = PCA(2).fit(x)
        fitted.inverse_transform(fitted.transform(x))

    def draws() -> None:
        for decoder in OUTPUTS:
            VAE(4, (3,), 2, decoder=decoder, dtype=np.float64).sample(1, draw=True)
        VAE(4, (3,), 2, init="normal", dtype=np.float64)

    def likelihoods() -> None:
        for method, n in (("importance", 4), ("ais", 2), ("hmc", 12)):
            likelihood.log_likelihood(
                vae, x[:1], method=method, n_samples=n, n_temperatures=3, progress=False
            )

    return {
        "one turn of Algorithm 1": (
            ("training",),
            lambda: one_turn(vae, x, Adam(vae.params), rng()),
        ),
        "three small images": (("datasets",), images),
        "a check of the gradient": (("gradient_check",), checks),
        "a small autoencoder": (("autoencoder",), autoencoder),
        "PCA of three images": (("pca",), pca),
        "a draw of each decoder": (("decoders", "vae", "initializers", "parameters"), draws),
        "the likelihood of an image": (("likelihood", "hmc"), likelihoods),
        "the bound of three images": (("evaluation",), lambda: evaluation.evaluate(vae, x)),
        "active units": (("evaluation",), lambda: evaluation.active_units(vae, x)),
        "weights": (("initializers",), lambda: initializers.glorot(vae.params, vae.layers, rng())),
    }


def _of_example(each: Module, part: Part) -> list[Step]:
    examples = doctest.DocTestParser().get_examples(part.doc)
    loaded = importlib.import_module(f"scratchvae.{each.name}")
    names = dict(vars(loaded))

    def run() -> None:
        for example in examples:
            exec(compile(example.source, "<example>", "single"), names)

    with redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        _, steps = record(run, files=[f"{each.name}.py"])
    return steps


def shown(value: Any) -> str:
    """A value as text, with four digits."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc":
        with np.printoptions(precision=4, suppress=True, threshold=24, edgeitems=3, linewidth=60):
            return str(value).replace("-", "−")
    if isinstance(value, np.ndarray):
        with np.printoptions(threshold=24, edgeitems=3, linewidth=60):
            return str(value)
    if isinstance(value, float | np.floating):
        return f"{value:.6g}".replace("-", "−")
    return str(value)
