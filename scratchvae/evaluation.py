"""What a trained model reached: its bound on a data set, in two parts, and the latent units that it uses."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from scratchvae import datasets
from scratchvae.datasets import Images
from scratchvae.parameters import FloatArray, Parameters
from scratchvae.vae import VAE

CHUNK = 500  # images at a time: few enough to stay in the cache, enough for the matrix products


class Model(Protocol):
    """What `fit` and `evaluate` need of a model: a VAE has it, and an Autoencoder."""

    params: Parameters
    n_x: int
    n_z: int
    dtype: np.dtype[Any]

    @property
    def binary(self) -> bool:
        """Whether it wants bits."""

    def forward(self, x: ArrayLike, eps: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """The two terms of the objective for each row, reconstruction and KL."""

    def backward(self) -> None:
        """The gradient of minus the mean objective, into params.g."""


class Bound(NamedTuple):
    """The mean of eq. (10) over a data set, in nats per data point, and its parts: elbo = reconstruction − kl."""

    elbo: float
    reconstruction: float
    kl: float

    @classmethod
    def mean(cls, reconstruction: FloatArray, kl: FloatArray) -> "Bound":
        """Of the two terms of each data point, (B,) each."""
        mean_reconstruction, mean_kl = (
            reconstruction.mean(dtype=np.float64).item(),
            kl.mean(dtype=np.float64).item(),
        )
        return cls(mean_reconstruction - mean_kl, mean_reconstruction, mean_kl)


def evaluate(
    vae: Model,
    images: Images,
    *,
    seed: int = 0,
    binarize: bool | None = None,
    dequantize: bool = False,
) -> Bound:
    """The mean bound over the images, with one sample z of each (L = 1).

    images: (N, n_x), uint8 or floats in [0, 1]. The same seed gives the same bits whatever the model, so a data set is binarised once
    for all models that are compared on it, and the same noise for models of one n_z and dtype. binarize, dequantize: as for `fit`.
    """
    chunks, noise = (
        _chunks(vae, images, seed, binarize, dequantize),
        np.random.default_rng([seed, 1]),
    )
    parts = [vae.forward(x, noise.standard_normal((len(x), vae.n_z), vae.dtype)) for x in chunks]
    reconstruction, kl = (np.concatenate(part) for part in zip(*parts))
    return Bound.mean(reconstruction, kl)


def active_units(
    vae: VAE,
    images: Images,
    *,
    seed: int = 0,
    binarize: bool | None = None,
    threshold: float = 1e-2,
) -> int:
    """How many latent dimensions carry something of x: those with Var_x( E_q(z|x)[z_j] ) > threshold.

    E_q(z|x)[z_j] is μ_j(x). A dimension that the encoder does not use has q(z_j|x) = p(z_j) = N(0, 1) for every x, so that its μ_j
    does not vary. The definition and the threshold 0.01 are from Burda, Grosse and Salakhutdinov 2015, section 5.2.
    images: (N, n_x), N ≥ 2.
    """
    if len(images) < 2:
        raise ValueError(f"images has shape {images.shape}; a variance takes 2 images or more")
    mu = np.concatenate([vae.encode(x)[0] for x in _chunks(vae, images, seed, binarize, False)])
    return int((mu.var(axis=0, dtype=np.float64) > threshold).sum())


def _chunks(
    vae: Model, images: Images, seed: int, binarize: bool | None, dequantize: bool
) -> Iterator[FloatArray]:
    """The images as the model sees them, CHUNK at a time: drawn by a generator that draws nothing else."""
    rng = np.random.default_rng([seed, 0])
    datasets.check_images("images", images, vae.n_x)
    as_seen = datasets.as_seen(vae.binary if binarize is None else binarize, dequantize)
    for start in range(0, len(images), CHUNK):
        yield as_seen(images[start : start + CHUNK], rng, vae.dtype)
