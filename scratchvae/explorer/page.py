"""The explorer's file: explorer.html with the script, the weights and test images in it.

The file has all that it needs. A Content-Security-Policy in it forbids every request.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scratchvae import checks
from scratchvae.datasets import grey
from scratchvae.explorer.weights import packed, text, unpacked
from scratchvae.parameters import FloatArray
from scratchvae.vae import VAE

HERE = Path(__file__).parent
SETTINGS = "n_x", "n_z", "hidden", "decoder", "activation", "min_sigma"
DECODERS = (  # `family` in explorer.js
    "bernoulli", "continuous-bernoulli", "gaussian", "sigmoid-gaussian", "isotropic",
)  # fmt: skip
CHECKED = 200  # images, and as many z, on which the rounded weights are compared


class Difference(NamedTuple):
    """The largest change by the rounding: of a pixel's mean, and of the bound in nats."""

    pixels: float
    bound: float


def page(
    vae: VAE,
    images: FloatArray,
    labels: NDArray[np.integer[Any]] | None,
    *,
    calibration: FloatArray,
    name: str = "pictures",
    class_names: Sequence[str] | None = None,
    ink: bool = True,
    model: str = "",
    precise: bool = False,
    seed: int = 0,
) -> tuple[str, Difference]:
    """The HTML, and how far its model is from `vae`.

    images: (N, n_x), test images as the model sees them, in [0, 1]; bits, or levels, of
    which the page has the nearest k / 255. labels: (N,), or None. calibration: (B, n_x),
    images for the second moments of the layers' inputs, and for the activity of each unit.
    name, class_names, ink: those of the data set, see `ImageSet`. model: what the model is
    called. ValueError when the model has no image_shape, or a decoder that the page does not
    know.
    """
    check_decoder(vae)
    if vae.image_shape is None:
        raise ValueError("the model has no image_shape, (height, width); the explorer needs one")
    layers = packed(vae, calibration, precise=precise, seed=seed)
    data = {
        "name": name,
        "class_names": None if class_names is None else list(class_names),
        "ink": ink,
        "model": model,
        "bits_of_a_weight": 16 if precise else 8,
        **{key: vae.settings[key] for key in SETTINGS},
        "image_shape": list(vae.image_shape),
        "layers": layers,
        "activity": [float(f"{v:.3g}") for v in vae.encode(calibration)[0].var(axis=0)],
        "images": packed_images(images),
        "labels": None if labels is None else labels.tolist(),
        "seed": seed,
    }
    return filled(data), difference(vae, unpacked(vae, layers), images[:CHECKED], seed)


def check_decoder(vae: VAE) -> None:
    """ValueError for a decoder that the page does not know."""
    if vae.decoder not in DECODERS:
        raise ValueError(
            f"the model's decoder is {vae.decoder!r}; for the explorer it should be one of "
            f"{', '.join(DECODERS)}"
        )


def filled(data: dict[str, Any]) -> str:
    """explorer.html with the script and the data at their places."""
    template, script = _source("explorer.html"), _source("explorer.js")
    # "<" in a name must not end the element
    json_text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    before, data_place, rest = template.partition("{/* data */}")
    between, script_place, after = rest.partition("/* explorer.js */")
    if not script_place or not data_place:
        raise ValueError("explorer.html has no place for the script or the data")
    return before + json_text + between + script + after


@cache
def _source(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def packed_images(images: FloatArray) -> dict[str, Any]:
    """Bits, eight in a byte and each image in whole bytes, or levels, a byte each."""
    if np.isin(images, (0, 1)).all():
        return {"n": len(images), "bits": text(np.packbits(images.astype(np.uint8), axis=1))}
    checks.unit_interval("images", images)
    levels = np.round(grey(images) * 255).astype(np.uint8)
    return {"n": len(images), "levels": text(levels)}


def difference(vae: VAE, other: VAE, x: FloatArray, seed: int = 0) -> Difference:
    """The largest differences of two models: E[x|z] at z = μ(x) and z ~ p(z), and the bound."""
    rng = checks.generator("seed", seed, "explorer difference")
    z, eps = vae.noise(CHECKED, rng), vae.noise(len(x), rng)
    return Difference(
        float(
            max(
                np.abs(other.reconstruct(x) - vae.reconstruct(x)).max(),
                np.abs(other.decode(z) - vae.decode(z)).max(),
            )
        ),
        float(np.abs(other.elbo(x, eps) - vae.elbo(x, eps)).max()),
    )
