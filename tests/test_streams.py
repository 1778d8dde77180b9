"""One seed draws many things, and no two of them are the same random numbers."""

import ast
from itertools import combinations
from pathlib import Path

import numpy as np

import scratchvae
from scratchvae import VAE, Autoencoder, binarize, checks, fit, log_likelihood
from scratchvae.mcem import fit_encoder

PACKAGE = Path(scratchvae.__file__).parent
FILES = [
    *PACKAGE.glob("*.py"),
    *PACKAGE.glob("explorer/*.py"),
]  # the files that are run with a seed
IMAGES = np.tile(np.array([[0, 90, 180, 255]], np.uint8), (1200, 1))  # three chunks of evaluate


def calls(function):
    """Each call of a function of this name in the package, with its file."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == function:
                yield path.name, node


def purposes():
    return {node.args[2].value for _, node in calls("generator")}


def test_one_place_makes_generators():
    """`checks.generator` alone makes a generator from a seed, for a purpose that is written there.

    Two places have one purpose only where they are to draw the same: the weights of two models,
    `sample` and its picture, `log_likelihood` and its parts.
    """
    for name in ("default_rng", "SeedSequence", "Generator", "PCG64", "RandomState"):
        assert {file for file, _ in calls(name)} <= {"checks.py"}
    of_each = [(node.args[2].value, file) for file, node in calls("generator")]
    assert all(isinstance(purpose, str) for purpose, _ in of_each)
    twice = {p: sorted(f for q, f in of_each if p == q) for p, _ in of_each}
    assert {p: files for p, files in twice.items() if len(files) > 1} == {
        "weights": ["autoencoder.py", "vae.py"],
        "sample": ["figures.py", "vae.py"],
        "likelihood": ["likelihood.py", "likelihood.py"],
    }


def test_no_two_purposes_draw_the_same_numbers():
    """All purposes, seeds and indices, and plain seeds of a user, in pairs: no number in common.

    NumPy pads a seed with zeros: s, [s, 0] and [s, 0, 0] are one stream. No purpose falls
    on such a one, at any place of the first hundred.
    """
    made = {
        (seed, purpose, indices): checks.generator("seed", seed, purpose, *indices)
        for seed in (0, 1, 2)
        for purpose in purposes()
        for indices in ((), (0,), (1,), (0, 0), (0, 1), (1, 0))
    }
    plain = [(s, *more) for s in (0, 1, 2) for more in ((), (1,), (2,), (0, 1), (1, 1))]
    made |= {seed: np.random.default_rng(seed) for seed in plain}
    drawn = {name: set(rng.bit_generator.random_raw(100).tolist()) for name, rng in made.items()}
    assert len(drawn) == 3 * len(purposes()) * 6 + 15 and len(purposes()) > 10
    assert all(drawn[a].isdisjoint(drawn[b]) for a, b in combinations(drawn, 2))


def test_the_same_seed_everywhere_is_no_stream_twice(monkeypatch):
    """A model, its training, its bound, its log p(x) and samples, all with seed 0, and the bits
    of x by `default_rng(0)`: each generator begins in a state of its own.
    """
    begun, make = [], np.random.default_rng

    def recorded(seed):
        rng = make(seed)
        begun.append(rng.bit_generator.state["state"]["state"])
        return rng

    monkeypatch.setattr(np.random, "default_rng", recorded)
    x = binarize(IMAGES[:300], np.random.default_rng(0))
    vae = VAE(4, (3,), 1, seed=0)
    fit(vae, IMAGES, epochs=1, seed=0, test_images=IMAGES, progress=False)
    fit_encoder(vae, IMAGES, 1, seed=0)
    log_likelihood(vae, x, 200, seed=0)
    vae.sample(2, seed=0)
    assert len(begun) > 15
    assert len(set(begun)) == len(begun)


def test_a_model_and_its_rival_begin_with_the_same_weights():
    """The VAE's and the autoencoder's encoders differ in nothing but the training."""
    vae, rival = VAE(4, (3,), 2, seed=5), Autoencoder(4, (3,), 2, seed=5)
    np.testing.assert_array_equal(
        vae.params.values["encoder.0.W"], rival.params.values["encoder.0.W"]
    )
