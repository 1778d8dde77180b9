"""Puts a wrong function into the package, trains with it, and measures what one can see of it.

What `wrong_vaes.py` shows is computed here. A *case* is one mistake of the homework's
catalogue, or several that belong together, as a wrong sampler and its own derivative.
"""

import contextlib
import io
import json
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from scratchvae import VAE, Adagrad, Adam, datasets, training
from scratchvae.gradient_check import check_gradient
from scratchvae.homework import catalogue
from scratchvae.homework.exercises import BY_NUMBER

ROOT = Path(__file__).resolve().parents[1]
CAUGHT_BY = Path(__file__).with_suffix(".json")  # case -> the test that fails under it

# the exercises whose functions run in a training step; 2.1 and 2.9 with the Gaussian decoder
GAUSSIAN, ADAGRAD, TURN = ("2.1", "2.9"), "3.9", "3.12"
TRAINED = (
    "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9", "3.1", "3.2", "3.3", "3.4",
    "3.5", "3.7", ADAGRAD, "3.10", "3.11", TURN,
)  # fmt: skip
# wrong in the same way forward and backward: the gradient is that of the wrong bound
PAIRS = {
    "log σ² read as log σ": (
        "sample_with_the_variance",
        "sample_gradient_of_logvar_as_log_sigma",
    ),
    "mean over the pixels": ("bernoulli_mean", "bernoulli_gradient_mean"),
    "KL without its ½": ("kl_without_half", "kl_gradient_without_any_half"),
    "KL with its sign turned round": ("kl_negative", "kl_gradient_negative"),
}


@dataclass(frozen=True)
class Case:
    """One mistake, or several that belong together. name: "2.3 sample_without_mu"."""

    name: str
    mistakes: tuple[catalogue.Mistake, ...]

    @property
    def number(self) -> str:
        """Of the first mistake's exercise."""
        return self.mistakes[0].number

    @property
    def sentence(self) -> str:
        """What is wrong."""
        if len(self.mistakes) > 1:
            return f"{self.name}, forward and backward"
        return self.mistakes[0].sentence


@dataclass(frozen=True)
class Seen:
    """What one can see of a case. None where it stopped with an error.

    reported: the bound that the wrong program reports, at the start and at the end, in nats.
    improves: whether it rose. gradient: whether a gradient check passes. moments: whether the
    z of the training have the declared mean and variance. true: the bound of its weights,
    computed by the right code. as_good: whether that is as good as the right program's, by
    `as_good_as_right`. stopped: the error, or "".
    """

    name: str
    reported: tuple[float, float] | None
    improves: bool
    gradient: bool
    moments: bool
    true: float | None
    as_good: bool
    stopped: str = ""


@lru_cache
def cases() -> tuple[Case, ...]:
    """All that can be trained: the pairs first, then the catalogue in its order."""
    trained = [m for m in catalogue.MISTAKES if m.number in TRAINED]
    by_name = {m.name: m for m in trained} | {f"{m.number} {m.name}": m for m in trained}
    pairs = [Case(name, tuple(by_name[part] for part in parts)) for name, parts in PAIRS.items()]
    return (*pairs, *(Case(f"{m.number} {m.name}", (m,)) for m in trained))


def case(name: str) -> Case:
    """The case of this name. KeyError when there is none."""
    return {case.name: case for case in cases()}[name]


@contextlib.contextmanager
def put_in(mistakes: Sequence[catalogue.Mistake]) -> Iterator[None]:
    """The package computes with the wrong functions, wherever it uses the right ones."""
    kept = []
    for mistake in mistakes:
        exercise = BY_NUMBER[mistake.number]
        owner = sys.modules[f"scratchvae.{exercise.module}"]
        *classes, name = exercise.name.split(".")
        if classes:
            places = [getattr(owner, classes[0])]
        else:
            right = getattr(owner, name)
            places = [
                module
                for module_name, module in list(sys.modules.items())
                if module_name.split(".")[0] == "scratchvae"
                and not module_name.startswith("scratchvae.homework")
                and getattr(module, name, None) is right
            ]
        for place in places:
            kept.append((place, name, getattr(place, name)))
            setattr(place, name, mistake.function)
        for key, function in datasets.PIXELS.items():  # a table that has `binarize`
            if not classes and function is right:
                kept.append((datasets.PIXELS, key, function))
                datasets.PIXELS[key] = mistake.function
    try:
        yield
    finally:
        for place, name, value in reversed(kept):
            if isinstance(place, dict):
                place[name] = value
            else:
                setattr(place, name, value)


# ---- the toy, and what one sees of a program that trains it ----

N_X, N_Z, STEPS, BATCH, SEED = 12, 2, 600, 40, 0
RISE = 0.05  # nats: less than this is noise


def images(n, seed):
    """n grey images of 12 pixels, uint8: one of four patterns, dark where the pattern is 0."""
    rng = np.random.default_rng(seed)
    patterns = np.repeat([[1, 1, 0], [0, 1, 1], [1, 0, 1], [0, 0, 0]], 4, axis=1)
    chosen = patterns[rng.integers(0, 4, n)]
    return np.where(chosen == 1, rng.integers(200, 256, (n, N_X)), rng.integers(0, 40, (n, N_X)))


def toy(number, seed=SEED):
    """The model and its optimizer. Its noise has L = 2 samples, but L = 1 for exercise 3.12."""
    decoder = "gaussian" if number in GAUSSIAN else "bernoulli"
    vae = VAE(N_X, (12,), N_Z, decoder=decoder, dtype=np.float64, seed=seed)
    if number != TURN:
        vae.noise = lambda n, rng: rng.standard_normal((2, n, N_Z))
    optimizer = Adagrad(vae.params, lr=0.1) if number == ADAGRAD else Adam(vae.params, lr=0.01)
    return vae, optimizer


def train(number, steps=STEPS, seed=SEED, after_step=None):
    """The toy after `steps` turns of Algorithm 1. Returns it, and the bounds that were reported."""
    vae, optimizer = toy(number, seed)
    data, rng, reported = images(400, 1).astype(np.uint8), np.random.default_rng(seed), []
    for step in range(steps):
        x = datasets.PIXELS[vae.pixels](data[rng.integers(0, len(data), BATCH)], rng, vae.dtype)
        reported.append(float(np.mean(training.training_step(vae, x, optimizer, rng)[0])))
        if after_step is not None:
            after_step(step, vae)
        if not np.isfinite(reported[-1]):
            break
    return vae, np.array(reported)


def true_bound(theta, number):
    """The mean bound of 300 new images, in nats; by the right code when not in `put_in`."""
    vae, _ = toy(number)
    vae.params.theta[...] = theta
    rng = np.random.default_rng(2)
    data = images(300, 3).astype(np.uint8)
    x = datasets.PIXELS[vae.pixels](data, rng, vae.dtype)
    with np.errstate(all="ignore"):
        return float(vae.elbo(x, rng.standard_normal((20, len(x), N_Z))).mean())


def right_bounds(number):
    """What the right program reaches with five seeds: the true bounds of its weights."""
    alone = (*GAUSSIAN, ADAGRAD, TURN)  # the others have one toy
    return _right_bounds(number if number in alone else "2.2")


@lru_cache
def _right_bounds(number):
    return tuple(true_bound(train(number, seed=seed)[0].params.theta, number) for seed in range(5))


def as_good_as_right(bound, number):
    """Whether it is at most as far below the lowest of five right programs as these lie apart."""
    right = right_bounds(number)
    return bool(bound >= min(right) - (max(right) - min(right)))


def gradient_agrees(number):
    """Whether the gradient is that of the reported loss, by central differences."""
    rng, decoder = np.random.default_rng(4), toy(number)[0].decoder
    vae = VAE(5, (4,), N_Z, decoder=decoder, dtype=np.float64, seed=1)  # few weights
    vae.params.theta[...] += rng.uniform(-0.2, 0.2, vae.params.theta.size)  # no bias is 0
    x = rng.integers(0, 2, (3, 5)) / 1
    eps = rng.standard_normal((2, 3, N_Z))
    vae.loss_and_grad(x, eps)
    loss = lambda: -float(np.mean(vae.elbo(x, eps)))
    return all(comparison.close for comparison in check_gradient(loss, vae.params, tolerance=1e-6))


def moments_agree(number, n=3000):
    """Whether z has the mean μ, the variance σ² and no correlations; and the bits have theirs.

    One image n times: what the decoder got as z in one turn, against what the heads said.
    """
    vae, optimizer = toy(number)
    rng = np.random.default_rng(5)
    for name, value in vae.params.values.items():  # heads that say something
        if name in ("mu.b", "logvar.b"):
            value[...] = [-1.0, 0.7]
    grey = images(1, 6).astype(np.uint8)
    draw = datasets.PIXELS[vae.pixels]
    x = draw(np.repeat(grey, n, axis=0), rng, vae.dtype)
    bits = vae.pixels != "bits" or moments_are(
        x, grey[0] / 255, grey[0] / 255 * (1 - grey[0] / 255)
    )
    seen = {}
    for name, place in {"mu": "mu", "logvar": "logvar", "z": "decoder.0"}.items():
        layer = vae.layers[place]
        layer.forward = spy(layer.forward, seen, name)
    training.training_step(vae, np.repeat(x[:1], n, axis=0), optimizer, rng)
    return bool(bits) and moments_are(seen["z"], seen["mu"][0], np.exp(seen["logvar"][0]))


def spy(forward, seen, name):
    """The layer's forward, which notes its output; of the decoder the input, which is z."""

    def noted(x):
        y = forward(x)
        seen.setdefault(name, np.array(x if name == "z" else y))
        return y

    return noted


def moments_are(sample, mean, variance):
    """Whether a sample, (n, d), has this mean and variance, and no correlations: at 5 errors."""
    n = len(sample)
    with np.errstate(all="ignore"):
        off = np.abs(sample.mean(axis=0) - mean) <= 5 * np.sqrt(variance / n) + 1e-9
        fourth = ((sample - mean) ** 4).mean(axis=0)
        error = 5 * np.sqrt(np.maximum(fourth - variance**2, 0) / n) + 1e-9
        spread = np.abs(((sample - mean) ** 2).mean(axis=0) - variance) <= error
        moving = variance > 1e-3
        correlation = np.corrcoef(sample[:, moving].T) if moving.sum() > 1 else np.eye(1)
    free = np.abs(correlation - np.eye(len(correlation))) <= 5 / np.sqrt(n)
    return bool(off.all() and spread.all() and free.all())


def look_at(case):
    """Train with the mistake in the package, and say what one sees."""
    number, stopped, reported, theta = case.number, "", None, None
    gradient = moments = False
    with put_in(case.mistakes), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            vae, reported = train(number)
            theta = vae.params.theta.copy()
        except Exception as error:
            stopped = f"{type(error).__name__}: {error}".splitlines()[0][:80]
        with contextlib.suppress(Exception):
            gradient = gradient_agrees(number)
        with contextlib.suppress(Exception):
            moments = moments_agree(number)
    true = None if theta is None else true_bound(theta, number)
    ends = None
    if reported is not None:
        tenth = max(1, len(reported) // 10)
        ends = float(reported[:tenth].mean()), float(reported[-tenth:].mean())
    return Seen(
        case.name,
        ends,
        ends is not None and bool(ends[1] > ends[0] + RISE),
        gradient,
        moments,
        true,
        true is not None and as_good_as_right(true, number),
        stopped,
    )


# ---- which test catches it ----

# where to look for it: the tests of the exercise's equation first, then whole files
LOOK_IN = {
    "2.1": "distributions::test_gaussian_density_has_mass_1_mean_mu_and_variance_exp_logvar",
    "2.2": "distributions::test_kl_is_its_integral",
    "2.3": "distributions::test_samples_have_the_declared_mean_and_variance",
    "2.4": "distributions::test_reparameterize_backward",
    "2.5": "distributions::test_kl_backward",
    "2.6": "layers::test_sigmoid_safe_form_is_the_equation",
    "2.7": "distributions::test_bernoulli_log_likelihood_is_eq_11",
    "2.8": "distributions::test_bernoulli_backward",
    "2.9": "distributions::test_gaussian_log_density_backward",
    "3.1": "layers::test_affine_backward",
    "3.2": "layers::test_affine_backward",
    "3.3": "layers::test_affine_backward",
    "3.4": "layers::test_smooth_activations_and_their_derivatives",
    "3.5": "vae::test_bound_worked_by_hand",
    "3.7": "vae::test_loss_and_gradient_against_the_formula",
    "3.9": "optimizers::test_adagrad_first_two_steps_by_hand",
    "3.10": "optimizers::test_adam_first_two_steps_by_hand",
    "3.11": "datasets::test_binarize_has_the_pixels_probability",
    "3.12": "training::test_one_epoch_is_algorithm_1",
}
FILES = ("distributions", "layers", "optimizers", "datasets", "vae", "training")


def failing_tests(case, nodes, first=True):
    """The tests among `nodes` that fail under the mistake; the first one only, or all."""
    import pytest
    from hypothesis import Phase, settings

    settings.register_profile(
        "museum", deadline=None, derandomize=True, database=None,
        phases=(Phase.explicit, Phase.generate), max_examples=100,
    )  # fmt: skip

    class Failures:
        def __init__(self):
            self.nodes = []

        def pytest_runtest_logreport(self, report):
            if report.failed:
                self.nodes.append(report.nodeid)

    failures, options = Failures(), ["-x"] if first else []
    for name in [name for name in sys.modules if name.startswith("test_")]:
        del sys.modules[name]  # it has the right functions under its own names
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary,
        put_in(case.mistakes),
        contextlib.redirect_stdout(io.StringIO()) as output,
        contextlib.redirect_stderr(output),
    ):
        code = pytest.main(
            [
                *(str(ROOT / node) for node in nodes), *options, "-q", "--tb=no", "-o", "addopts=",
                "-p", "no:cacheprovider", "--hypothesis-profile=museum", f"--rootdir={ROOT}",
                f"--basetemp={temporary}/tests", "-W", "ignore",
            ],
            plugins=[failures],
        )  # fmt: skip
    if code not in (0, 1) or (code == 1) != bool(failures.nodes):  # neither passed nor failed
        raise RuntimeError(f"pytest ended with {code}:\n{output.getvalue()[-2000:]}")
    for name in [name for name in sys.modules if name.startswith("test_")]:
        del sys.modules[name]
    return failures.nodes


def find(case):
    """The first test that fails under the mistake, where it is looked for, or ""."""
    first, _, name = LOOK_IN[case.number].partition("::")
    own = f"tests/test_{first}.py"
    files = [own, *(f"tests/test_{file}.py" for file in FILES if file != first)]
    for node in (f"{own}::{name}", *files):
        found = failing_tests(case, [node])
        if found:
            return found[0]
    return ""


def find_all(workers=2):
    """Write demos/museum.json anew: for each case the test that fails under it."""
    names = [case.name for case in cases()]
    with ProcessPoolExecutor(workers) as pool:
        found = dict(zip(names, pool.map(_find, names)))
    CAUGHT_BY.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return found


def _find(name):
    return find(case(name))
