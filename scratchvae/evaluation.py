"""What a trained model reached: its bound on a data set, in two parts, and its active units."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from scratchvae import checks, datasets
from scratchvae.datasets import PIXELS, Draw, Images
from scratchvae.parameters import FloatArray, Parameters
from scratchvae.vae import VAE

CHUNK = 500  # images at a time: few enough for the cache, enough for the matrix products


class Model(Protocol):
    """What `fit` and `evaluate` need of a model. A VAE has it, and an Autoencoder."""

    params: Parameters
    n_x: int
    n_z: int
    dtype: np.dtype[Any]

    @property
    def pixels(self) -> str:
        """What it models: one of `datasets.PIXELS`."""

    def noise(self, n: int, rng: np.random.Generator) -> Any:
        """ε for n data points."""

    def forward(self, x: ArrayLike, eps: Any) -> tuple[FloatArray, FloatArray]:
        """The two terms of the objective for each row, reconstruction and KL."""

    def backward(self) -> None:
        """The gradient of minus the mean objective, into params.g."""


class Bound(NamedTuple):
    """The mean of eq. (10) over a data set, in nats per data point: elbo = reconstruction − kl."""

    elbo: float
    reconstruction: float
    kl: float

    @classmethod
    def mean(cls, reconstruction: FloatArray, kl: FloatArray) -> "Bound":
        """Of the two terms of each data point, (B,) each."""
        mean_reconstruction = reconstruction.mean(dtype=np.float64).item()
        mean_kl = kl.mean(dtype=np.float64).item()
        return cls(mean_reconstruction - mean_kl, mean_reconstruction, mean_kl)


def evaluate(model: Model, images: Images, *, seed: int = 0, pixels: str | None = None) -> Bound:
    """The mean bound over the images, with one sample z of each (L = 1).

    images: (N, n_x), uint8 or floats in [0, 1]. pixels: as for `fit`.
    The same seed gives the same pixels for every model, so all models that are compared see
    the same bits. The noise too is the same for models with the same n_z and dtype.
    """
    noise = np.random.default_rng([seed, 1])
    parts = [
        model.forward(x, model.noise(len(x), noise)) for x in _chunks(model, images, seed, pixels)
    ]
    reconstruction, kl = (np.concatenate(part) for part in zip(*parts))
    return Bound.mean(reconstruction, kl)


def active_units(
    vae: VAE,
    images: Images,
    *,
    seed: int = 0,
    pixels: str | None = None,
    threshold: float = 1e-2,
) -> int:
    """How many latent dimensions tell something about x: Var_x( E_q(z|x)[z_j] ) > threshold.

    E_q(z|x)[z_j] is μ_j(x). When the encoder does not use dimension j, q(z_j|x) = N(0, 1) for
    every x, so μ_j does not vary. The definition and the threshold 0.01 are from Burda, Grosse
    and Salakhutdinov 2015, section 5.2.
    images: (N, n_x), N ≥ 2.
    """
    if len(images) < 2:
        raise ValueError(f"images has shape {images.shape}; a variance needs 2 images or more")
    mu = np.concatenate([vae.encode(x)[0] for x in _chunks(vae, images, seed, pixels)])
    return int((mu.var(axis=0, dtype=np.float64) > threshold).sum())


def seen_by(model: Model, pixels: str | None) -> Draw:
    """How images become the x that the model sees; pixels None is the model's own choice.

    ValueError for an unknown name, and for "dequantized" with a decoder that models bits.
    """
    chosen = checks.one_of("pixels", model.pixels if pixels is None else pixels, PIXELS)
    if (model.pixels, chosen) == ("bits", "dequantized"):
        raise ValueError(
            "pixels is 'dequantized'; for a decoder of bits it should be 'bits' or 'grey'"
        )
    return PIXELS[chosen]


def _chunks(model: Model, images: Images, seed: int, pixels: str | None) -> Iterator[FloatArray]:
    """The images as the model sees them, CHUNK at a time, with a generator of their own."""
    datasets.check_images("images", images, model.n_x)
    draw, rng = seen_by(model, pixels), np.random.default_rng([seed, 0])
    for start in range(0, len(images), CHUNK):
        yield draw(images[start : start + CHUNK], rng, model.dtype)
