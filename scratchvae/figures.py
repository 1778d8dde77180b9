"""Every picture of the package. Matplotlib is imported here and nowhere else, and only when a picture is drawn.

Each function writes one PNG. Images are (n, n_x) with values in [0, 1], 1 drawn as ink.
"""

import os
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scratchvae.files import written_whole
from scratchvae.parameters import FloatArray
from scratchvae.training import History
from scratchvae.vae import VAE

PathName = str | os.PathLike[str]


def learning_curve(history: History, path: PathName) -> None:
    """The bound after each epoch, and below it its two parts, on training and test data."""
    epochs = np.arange(1, len(history.elbo) + 1)
    mark = "o" if len(epochs) < 30 else None
    figure = Figure(figsize=(7, 8), layout="constrained")
    panels = figure.subplots(3, 1, sharex=True)
    for axes, name, title in zip(
        panels, ("elbo", "reconstruction", "kl"),
        ("The bound = reconstruction − KL", "Reconstruction: E[log p(x|z)]", "KL(q(z|x) ‖ p(z))"),
    ):  # fmt: skip
        train, test = getattr(history, name), getattr(history, f"test_{name}")
        axes.plot(
            epochs, train, color="0.6", marker=mark, ms=4, ls="--", label="training, while learning"
        )
        if test:
            axes.plot(epochs, test, color="k", marker=mark, ms=4, label="test")
            axes.annotate(
                f"{test[-1]:.1f}".replace("-", "−"),
                (epochs[-1], test[-1]),
                (6, 0),
                textcoords="offset points",
                va="center",
            )
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_ylabel("nats per image")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, loc="lower right")
    panels[-1].set_xlabel("epoch")
    panels[-1].xaxis.get_major_locator().set_params(integer=True)
    _save(figure, path)


def reconstructions(
    originals: FloatArray, means: FloatArray, image_shape: tuple[int, int], path: PathName
) -> None:
    """Originals above the decoder's means, pair by pair. Both (n, n_x)."""
    images, columns = pairs(originals, means)
    _save(
        _picture(images, columns, image_shape, "Originals, and below each its reconstruction"), path
    )


def pairs(originals: FloatArray, means: FloatArray) -> tuple[FloatArray, int]:
    """Rows of at most 12 originals, each followed by the row of their means, filled up with paper. Returns the images and the columns."""
    columns = min(len(originals), 12)
    rows = []
    for start in range(0, len(originals), columns):
        for images in (originals[start : start + columns], means[start : start + columns]):
            rows.append(
                np.concatenate([images, np.zeros((columns - len(images), images.shape[1]))])
            )
    return np.concatenate(rows), columns


def samples(means: FloatArray, image_shape: tuple[int, int], path: PathName) -> None:
    """Images decoded from draws of the prior, in a grid. (n, n_x)."""
    columns = int(np.ceil(np.sqrt(len(means))))
    _save(_picture(means, columns, image_shape, "Decoded from z ~ N(0, I)"), path)


def manifold(vae: VAE, image_shape: tuple[int, int], path: PathName, n: int = 20) -> None:
    """AEVB Figure 4: the images of an n x n grid of z, for n_z = 2.

    The grid is even in the unit square and is carried to z by the inverse of the Gaussian's distribution function, so that each image
    stands for the same share of the prior: z_j = Φ⁻¹((i + ½) / n). ValueError when n_z is not 2.
    """
    if vae.n_z != 2:
        raise ValueError(f"n_z is {vae.n_z}; the manifold is drawn of models with n_z = 2")
    _save(
        _picture(
            vae.decode(manifold_grid(n)),
            n,
            image_shape,
            "Decoded from a grid of z, even in probability under N(0, I)",
            gap=0,
        ),
        path,
    )


def manifold_grid(n: int) -> FloatArray:
    """z_j = Φ⁻¹((i + ½) / n) for i = 0 ... n − 1, row by row; z₁ grows to the right, z₂ upwards. Returns (n², 2)."""
    quantiles = np.array([NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)])
    z1, z2 = np.meshgrid(quantiles, quantiles[::-1])
    return np.stack([z1.ravel(), z2.ravel()], axis=1)


def latent_scatter(mu: FloatArray, labels: NDArray[np.uint8], path: PathName) -> None:
    """The means μ(x) of q(z|x) in the latent plane, coloured and lettered by digit. mu: (N, 2); labels: (N,)."""
    figure = Figure(figsize=(7.5, 7), layout="constrained")
    axes = figure.subplots()
    kinds = np.unique(labels)
    points = axes.scatter(
        mu[:, 0],
        mu[:, 1],
        c=np.searchsorted(kinds, labels),
        cmap="tab10" if len(kinds) <= 10 else "viridis",
        s=2,
        alpha=0.6,
    )
    for i, kind in enumerate(kinds):
        centre = np.median(mu[labels == kind], axis=0)
        axes.text(centre[0], centre[1], str(kind), ha="center", va="center", fontsize=12, weight="bold", color=points.to_rgba(np.array(i)),
                  bbox={"boxstyle": "circle,pad=0.15", "fc": "white", "ec": "0.5", "alpha": 0.85})  # fmt: skip
    axes.set(
        title="Where the encoder puts each image: μ(x), by label",
        xlabel="z₁",
        ylabel="z₂",
        aspect="equal",
    )
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def _picture(
    images: FloatArray, columns: int, image_shape: tuple[int, int], title: str, gap: int = 1
) -> Figure:
    """A titled figure with the images in a grid."""
    tiles = _tile(images, columns, image_shape, gap)
    width = 7.0
    figure = Figure(
        figsize=(width, width * tiles.shape[0] / tiles.shape[1] + 0.4),
        dpi=150,
        layout="constrained",
    )
    axes = figure.subplots()
    axes.imshow(tiles, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(title, fontsize=10)
    axes.axis("off")
    return figure


def class_table(
    rows: Sequence[tuple[str, str, int, int, list[tuple[str, int]]]], path: PathName
) -> None:
    """A class's homework: for each exercise a bar of how many were right, and its mistakes, the most frequent first.

    rows: number, title, right, of how many, [(mistake, how many), ...].
    """
    most = 4  # mistakes shown for each exercise
    heights = [0.9 + max(1, min(most, len(mistakes))) for *_, mistakes in rows]
    inches = 0.8 + 0.2 * sum(heights)
    figure = Figure(figsize=(14, inches))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.27, right=0.42, top=1 - 0.1 / inches, bottom=0.6 / inches)
    top = 0.0
    for (number, title, right, of, mistakes), height in zip(rows, heights):
        middle = top + height / 2
        axes.barh(middle, 1, height=0.8, color="0.9")
        axes.barh(middle, right / of, height=0.8, color="0.4")
        axes.text(-0.04, middle, f"{number}  {title}", ha="right", va="center", fontsize=9)
        axes.text(1.04, middle, f"{right} of {of}", va="center", fontsize=9)
        for i, (mistake, count) in enumerate(mistakes[:most]):
            more = (
                f"  (and {len(mistakes) - most} other kinds)"
                if i == most - 1 and len(mistakes) > most
                else ""
            )
            y = middle + i - (min(most, len(mistakes)) - 1) / 2
            axes.text(1.5, y, f"{count} × {mistake[:88]}{more}", va="center", fontsize=8)
        top += height
    axes.set(
        xlim=(0, 1), ylim=(top, 0), yticks=[], xticks=[0, 0.5, 1], xticklabels=["0", "half", "all"]
    )
    axes.set_xlabel("right", fontsize=9)
    axes.spines[["top", "right", "left"]].set_visible(False)
    _save(figure, path)


def _tile(images: FloatArray, columns: int, image_shape: tuple[int, int], gap: int) -> FloatArray:
    """One large image: the images row by row, `gap` pixels of paper between them."""
    height, width = image_shape
    rows = -(-len(images) // columns)
    tiles = np.zeros((rows, height + gap, columns, width + gap))
    for k, image in enumerate(images):
        tiles[k // columns, :height, k % columns, :width] = image.reshape(image_shape)
    return tiles.reshape(rows * (height + gap), columns * (width + gap))


def _save(figure: Figure, path: PathName) -> None:
    with written_whole(path) as part:
        figure.savefig(part, format="png", dpi=150)
