"""`demos/one_page.py`, the whole VAE in 100 lines, is the VAE of the package."""

import importlib.util
from pathlib import Path

import numpy as np

from scratchvae import VAE, Adam, binarize, load_mnist
from scratchvae.datasets import minibatches
from scratchvae.training import training_step

PAGE = Path(__file__).parents[1] / "demos" / "one_page.py"
spec = importlib.util.spec_from_file_location("one_page", PAGE)
one_page = importlib.util.module_from_spec(spec)
spec.loader.exec_module(one_page)


def test_one_page_is_the_package():
    """After 50 steps from the same seeds, the bounds and all weights are those of the package.

    float64: both sides round differently at 1e-16, and Adam divides by √v̂ of small gradients.
    """
    images, dtype = load_mnist().train_images[:5000], np.float64
    theta = one_page.draw_weights(np.random.default_rng(7), dtype)
    vae = VAE(784, (500,), 20, seed=np.random.default_rng(7), dtype=dtype)
    assert [W.shape for W in theta] == list(vae.params.shapes.values())
    for ours, theirs in zip(theta, vae.params.values.values()):
        np.testing.assert_array_equal(ours, theirs)

    (bound,) = one_page.train(theta, images, np.random.default_rng(8), n=1)
    rng, adam, total = np.random.default_rng(8), Adam(vae.params), 0.0
    for rows in minibatches(len(images), 100, rng):
        total += len(rows) * training_step(vae, binarize(images[rows], rng, dtype), adam, rng).elbo
    assert adam.t == 50
    np.testing.assert_allclose(bound, total / len(images), rtol=0, atol=1e-10)
    for ours, theirs in zip(theta, vae.params.values.values()):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)


def test_one_page_counts_every_image():
    """The last minibatch may be shorter: 150 images are a step of 100 and a step of 50."""
    images = load_mnist().train_images[:150]
    theta = one_page.draw_weights(np.random.default_rng(0), np.float64)
    vae = VAE(784, (500,), 20, seed=np.random.default_rng(0), dtype=np.float64)
    (bound,) = one_page.train(theta, images, np.random.default_rng(1), n=1)
    rng, adam, total = np.random.default_rng(1), Adam(vae.params), 0.0
    for rows in minibatches(150, 100, rng):
        x = binarize(images[rows], rng, np.float64)
        total += len(rows) * training_step(vae, x, adam, rng).elbo
    np.testing.assert_allclose(bound, total / 150, rtol=0, atol=1e-10)


def test_one_page_is_one_page():
    """At most 100 lines of at most 100 columns, no class, and of the package load_mnist alone."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 100 and max(map(len, lines)) <= 100
    assert not any(line.lstrip().startswith("class ") for line in lines)
    imports = [line for line in lines if "import " in line]
    assert imports == ["import numpy as np", "from scratchvae import load_mnist"]
