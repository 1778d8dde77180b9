"""The museum of wrong VAEs: what it measures, and the tests that it says fail under a mistake."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scratchvae import VAE, datasets, distributions, evaluation, layers, training, vae
from scratchvae.homework import catalogue

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "demos")]

import museum  # noqa: E402
import wrong_vaes  # noqa: E402

CAUGHT_BY = json.loads(museum.CAUGHT_BY.read_text(encoding="utf-8"))


def test_every_mistake_that_can_be_trained_has_a_test():
    """museum.json has each case of the catalogue, and the test exists."""
    assert set(CAUGHT_BY) == {case.name for case in museum.cases()}
    assert len(CAUGHT_BY) == len(museum.cases())
    trained = {m.function for m in catalogue.MISTAKES if m.number in museum.TRAINED}
    assert {m.function for case in museum.cases() for m in case.mistakes} == trained
    names = {
        path.name: {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body
                    if isinstance(node, ast.FunctionDef)}
        for path in (ROOT / "tests").glob("test_*.py")
    }  # fmt: skip
    for test in CAUGHT_BY.values():
        file, _, name = test.removeprefix("tests/").partition("::")
        assert name.split("[")[0] in names[file], test


def test_a_sample_of_these_tests_fails_under_the_mistake_and_passes_without():
    """Every 17th case and the pairs, each in the package: its test fails. Without it: it passes.

    `python demos/wrong_vaes.py --all` runs them all.
    """
    names = [case.name for case in museum.cases()]
    sample = names[: len(museum.PAIRS)] + names[len(museum.PAIRS) + 5 :: 17]
    code = """
import json, sys
sys.path.insert(0, "demos")
import museum
names, tests = json.loads(sys.argv[1])
failed = [museum.failing_tests(museum.case(name), [test]) for name, test in zip(names, tests)]
nothing = museum.Case("nothing", ())
print(json.dumps([failed, museum.failing_tests(nothing, sorted(set(tests)), first=False)]))
"""
    tests = [CAUGHT_BY[name] for name in sample]
    result = subprocess.run(
        [sys.executable, "-c", code, json.dumps([sample, tests])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    failed, without = json.loads(result.stdout)
    assert len(sample) >= 18
    for name, test, nodes in zip(sample, tests, failed):
        assert nodes == [test], f"{test} passes under {name}: run demos/wrong_vaes.py --find"
    assert without == []


def test_put_in_reaches_every_user_of_the_function_and_leaves_no_trace():
    """Inside, `vae`, `decoders` and the table of pixels have the wrong one; then the right one."""
    kl, sampler = distributions.gaussian_kl, distributions.reparameterize
    forward, bits = layers.Affine.forward, datasets.binarize
    for name, read in {
        "2.2 kl_negative": lambda: [distributions.gaussian_kl, vae.gaussian_kl],
        "2.3 sample_without_mu": lambda: [vae.reparameterize, distributions.reparameterize],
        "3.1 affine_without_b": lambda: [layers.Affine.forward],
        "3.11 bits_are_grey": lambda: [evaluation.PIXELS["bits"], datasets.binarize],
        "3.12 turn_without_update": lambda: [training.training_step],
    }.items():
        (mistake,) = museum.case(name).mistakes
        before = read()
        with museum.put_in([mistake]):
            assert all(function is mistake.function for function in read())
        assert read() == before
    with pytest.raises(ZeroDivisionError), museum.put_in(museum.case("2.2 kl_negative").mistakes):
        raise ZeroDivisionError
    assert (distributions.gaussian_kl, vae.gaussian_kl) == (kl, kl)
    assert vae.reparameterize is sampler
    assert layers.Affine.forward is forward and datasets.PIXELS["bits"] is bits


@pytest.mark.parametrize("number", ["2.2", "2.9", "3.9", "3.12"])
def test_the_right_program_passes_all_that_is_measured(number):
    """Nothing put in: the bound rises, the gradient and the moments agree, the bound is as good."""
    names = [m for m in catalogue.MISTAKES if m.number == number]
    assert museum.gradient_agrees(number) and museum.moments_agree(number) and names
    toy, reported = museum.train(number)
    assert reported[-60:].mean() > reported[:60].mean() + museum.RISE
    assert museum.as_good_as_right(museum.true_bound(toy.params.theta, number), number)


def test_the_opening_exhibit():
    """log σ² read as log σ, forward and backward: only the moments and the true bound see it."""
    seen = museum.look_at(museum.case("log σ² read as log σ"))
    assert seen.improves and seen.gradient and not seen.moments and not seen.as_good
    mistakes = museum.case("log σ² read as log σ").mistakes
    eps = np.random.default_rng(0).standard_normal((100_000, 1))
    with museum.put_in(mistakes):
        z = distributions.reparameterize(np.zeros((1, 1)), np.log([[4.0]]), eps)
    assert abs(z.var() / 16 - 1) < 0.03  # σ⁴, where σ² = 4 is declared


def test_what_was_not_run_is_said(monkeypatch):
    """Without the test extra the demo names what is missing, and who says that a test fails."""
    seen = museum.Seen("a", (0.0, 1.0), True, True, True, 0.0, True)
    found = [(seen, "tests/test_a.py::test", fails) for fails in (None, True, False)]
    monkeypatch.setattr(wrong_vaes, "MISSING", [])
    said = wrong_vaes.of_the_tests(found[1:])
    assert said == "A test fails under 1 of 2; 2 tests were run."
    monkeypatch.setattr(wrong_vaes, "MISSING", ["pytest", "hypothesis"])
    said = wrong_vaes.of_the_tests(found[:1])
    assert said.startswith("No test was run: pytest and hypothesis should be installed")
    assert said.endswith("museum.json has a test that fails under each of 1.")


def test_a_mistake_that_stops_is_recorded():
    """Not a number that could be taken for a result."""
    seen = museum.look_at(museum.case("3.1 affine_with_a_transpose"))
    assert seen.stopped.startswith("ValueError") and seen.reported is None and seen.true is None
    assert not (seen.improves or seen.as_good)


@pytest.mark.parametrize(
    "change, agree",
    [
        (lambda z: z, True),
        (lambda z: z + 0.1, False),
        (lambda z: 1.2 * z, False),
        (lambda z: np.stack([z[:, 0], 0.5 * z[:, 0] + 0.75**0.5 * z[:, 1]], axis=1), False),
    ],
)
def test_moments(change, agree):
    """Mean, variance, correlation: each by itself is seen, at 5 standard errors."""
    z = np.random.default_rng(1).standard_normal((10_000, 2))
    assert museum.moments_are(change(z), np.zeros(2), np.ones(2)) is agree


def test_the_true_bound_is_the_package_s():
    """The mean of `elbo` over the same images, pixels and noise."""
    toy = VAE(museum.N_X, (12,), museum.N_Z, dtype=np.float64, seed=7)
    rng = np.random.default_rng(2)
    x = datasets.binarize(museum.images(300, 3).astype(np.uint8), rng, np.float64)
    eps = rng.standard_normal((20, 300, museum.N_Z))
    assert museum.true_bound(toy.params.theta, "2.2") == toy.elbo(x, eps).mean()
