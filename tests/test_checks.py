"""What an argument is not: each call is refused with a sentence that names the argument."""

import numpy as np
import pytest

from scratchvae import (
    PCA,
    SGD,
    VAE,
    Adam,
    Autoencoder,
    Parameters,
    binarize,
    check_gradient,
    evaluate,
    figures,
    fit,
    info,
    log_likelihood,
    save_model,
)
from scratchvae.gradient_check import central_difference

IMAGES = np.zeros((4, 6), np.uint8)
GAUSSIAN = VAE(6, (3,), 2, decoder="gaussian")
BITS = VAE(6, (3,), 2)
MASKED = np.ma.masked_array(np.zeros((2, 6)), np.eye(2, 6))
DATES = np.zeros((2, 6), "M8[D]")
RECORDS = np.zeros((2, 6), [("a", float)])
PARAMS = Parameters({"w": (2,)}, np.float64)
HUGE = 10**401

BAD_CALLS = {
    "float32 overflows": (lambda: GAUSSIAN.encode(np.full((1, 6), 1e39)), r"x\[0, 0\] is inf"),
    "its square overflows": (
        lambda: GAUSSIAN.encode(np.full((1, 6), 1e30)),
        r"x\[0, 0\] is 1.0.*e\+30",
    ),
    "noise": (lambda: BITS.elbo(np.zeros((1, 6)), np.full((1, 2), 1e30)), r"eps\[0, 0\] is 1"),
    "autoencoder": (lambda: Autoencoder(6).encode(np.full((1, 6), 1e39)), r"x\[0, 0\] is inf"),
    "PCA of NaN": (lambda: PCA(1).fit(np.eye(3)).transform([[0, np.nan, 0]]), r"X\[0, 1\] is nan"),
    "PCA before fit": (lambda: PCA(1).transform(np.eye(3)), r"fit\(X\) should come first"),
    "a mask": (lambda: BITS.encode(MASKED), "x is a masked array"),
    "a mask in images": (lambda: evaluate(BITS, MASKED), "images is a masked array"),
    "a mask in a list": (lambda: info.entropy([MASKED[0]]), "p is a masked array"),
    "dates": (lambda: BITS.encode(DATES), "x is of type datetime64"),
    "records": (lambda: BITS.encode(RECORDS), "x is of type"),
    "ragged rows": (lambda: BITS.encode([[1, 2], [3]]), "x is .*rows of one length"),
    "hidden bytes": (lambda: VAE(6, b"3"), "hidden is b'3'; it should be a tuple"),
    "hidden number": (lambda: VAE(6, 3), "hidden is 3; it should be a tuple"),
    "a word for a flag": (lambda: BITS.sample(1, draw="no"), "draw is 'no'; it should be True or"),
    "progress": (lambda: fit(BITS, IMAGES, progress="no"), "progress is 'no'"),
    "no parameters": (lambda: SGD("x"), "params is 'x'; it should be Parameters"),
    "a name for an optimizer": (lambda: fit(BITS, IMAGES, optimizer="adam"), "optimizer is 'adam'"),
    "no model": (lambda: fit("vae", IMAGES), "model is 'vae'"),
    "no images": (lambda: fit(BITS, None), "images is a NoneType"),
    "another model": (lambda: log_likelihood(Autoencoder(6), IMAGES), "vae is Autoencoder"),
    "a large number": (lambda: Adam(BITS.params, lr=HUGE), "lr is 1000.*; it should be"),
    "a large list": (lambda: info.entropy([HUGE]), "p is of type object"),
    "too many pixels": (lambda: VAE(10**12), r"\(n_x, hidden, n_z\) is .* GiB of memory"),
    "too many samples": (lambda: BITS.sample(10**12), "n is 1000000000000; .* GiB of memory"),
    "too many temperatures": (
        lambda: log_likelihood(BITS, np.eye(6), method="ais", n_temperatures=10**12),
        "n_temperatures is 1000000000000; .* GiB",
    ),
    "no seed": (lambda: VAE(6, seed=None), "seed is None; it should be a whole number"),
    "a seed below 0": (lambda: VAE(6, seed=-1), "seed is -1; it should be 0 or more"),
    "a seed of words": (lambda: BITS.sample(1, "x"), "seed is 'x'"),
    "a generator": (lambda: evaluate(BITS, IMAGES, seed=np.random.default_rng()), "seed is Gen"),
    "no generator": (lambda: binarize(IMAGES, 0), "rng is 0; it should be a numpy.random.Gen"),
    "an unknown dtype": (lambda: VAE(6, dtype="x"), "dtype is 'x'; it should be float32"),
    "an unhashable name": (lambda: VAE(6, activation=["tanh"]), r"activation is \['tanh'\]; it s"),
    "no base": (lambda: info.entropy([1.0], base=None), "base is None; it should be a number"),
    "no axis": (lambda: info.entropy([1.0], axis=1), "axis is 1; for p it should be -1 to 0"),
    "half an axis": (lambda: info.entropy([1.0], axis=0.5), "axis is 0.5; it should be a whole"),
    "ragged p": (lambda: info.kl_divergence([[1], [0, 1]], [1.0]), "p is .*an array of numbers"),
    "no density": (lambda: info.differential_entropy(3, 0, 1), "p is 3; it should be a function"),
    "no σ": (lambda: info.gaussian_kl(0, 0, 0, -2000), "logvar_q is -2000"),
    "no path": (lambda: save_model(BITS, 1), "path is 1; it should be a path"),
    "a folder": (lambda: save_model(BITS, "."), "path is '.'; it should be the name of a file"),
    "a null": (lambda: save_model(BITS, "a\0b"), "path is .*should be the name"),
    "image_shape": (lambda: figures.samples(IMAGES, None), "image_shape is None"),
    "labels": (lambda: figures.latent_scatter(np.eye(2), [1]), r"labels has shape \(1,\)"),
    "a step of nothing": (lambda: check_gradient(lambda: 0.0, PARAMS, h=1e-300), "h is 1e-300"),
    "a step of zero": (lambda: check_gradient(lambda: 0.0, PARAMS, h=0), "h is 0; it should be"),
    "too tolerant": (
        lambda: check_gradient(lambda: 0.0, PARAMS, tolerance=np.inf),
        "tolerance is inf; it should be from 0 to 0.01",
    ),
    "float32 loss": (
        lambda: check_gradient(lambda: np.float32(1), PARAMS),
        r"loss\(\) is .*64 bits",
    ),
    "a step that is rounded away": (
        lambda: central_difference(np.sum, np.array([1.0, 1e12])),
        r"h is 1e-05; it should be larger: theta\[1\]",
    ),
}


@pytest.mark.parametrize("kind", BAD_CALLS)
@pytest.mark.filterwarnings("error")
def test_bad_input_is_named(kind):
    """ValueError or TypeError with the argument, what it was, and what it should be."""
    call, message = BAD_CALLS[kind]
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_a_device_is_not_replaced(tmp_path):
    """A path that is there and is no file is refused, and stays what it is."""
    import os
    import stat

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match=r"path is .*; it should be a file"):
        save_model(BITS, pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_what_is_meant_is_accepted():
    """Whole numbers of NumPy, lists, generators and large bases of a logarithm are good."""
    vae = VAE(np.int64(6), [np.int32(3)], 2, seed=np.random.default_rng(0), image_shape=[2, 3])
    assert vae.settings["hidden"] == [3] and vae.image_shape == (2, 3)
    assert vae.sample(np.uint8(2), np.int64(1), draw=np.True_).shape == (2, 6)
    assert info.entropy([0.5, 0.5], base=HUGE) == pytest.approx(np.log(2) / 401 / np.log(10))
    assert evaluate(vae, IMAGES, seed=np.int64(3)) == evaluate(vae, IMAGES, seed=3)
