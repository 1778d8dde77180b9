"""Every picture of the package. Only this file imports Matplotlib, and only on use.

Each function returns the figure, which Jupyter shows, and with `path` it writes the PNG.
Images are (n, n_x). ink: grey images are drawn as ink on paper, 0 is white and 1 is black;
without it 0 is black and 1 is white, as in photographs. Images in colour, of the shape
(height, width, 3), are never ink. A Gaussian decoder's means may leave [0, 1]: they are drawn
as the nearer of 0 and 1.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from math import prod
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from scratchvae import checks
from scratchvae.evaluation import units
from scratchvae.files import written_whole
from scratchvae.history import History
from scratchvae.morph import on_sphere, straight
from scratchvae.parameters import FloatArray
from scratchvae.vae import VAE

PathName = str | os.PathLike[str]
Shape = tuple[int, ...]  # (height, width), or (height, width, 3)

# Okabe and Ito's blue, orange, green, red, sky, pink, and four more: people who cannot tell red
# from green can tell the first six apart. Names always stand beside ten
CLASS_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "k", "0.55", "#7A5C00",
    "#5D3A9B",
)  # fmt: skip
ROWS_OF_UNITS = 30  # of `traversals`, at most
LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Picture(Figure):
    """A Matplotlib figure that Jupyter shows. No window has it, so nobody has to close it."""

    def _repr_png_(self) -> bytes:
        drawn = BytesIO()
        self.savefig(drawn, format="png")
        return drawn.getvalue()


def learning_curve(
    history: History, *, kept: int | None = None, path: PathName | None = None
) -> Figure:
    """The bound after each epoch and its two parts, on training and test data.

    kept: the epoch whose model is kept, from 1; None: the last. It has the numbers.
    """
    checks.instance("history", history, History, "the History of a training")
    epochs = np.arange(1, len(history.elbo) + 1)
    mark = "o" if len(epochs) < 30 else None
    figure = Picture(figsize=(7, 8), layout="constrained")
    panels = figure.subplots(3, 1, sharex=True)
    titles = {
        "elbo": "The bound = reconstruction − KL",
        "reconstruction": "Reconstruction: E[log p(x|z)]",
        "kl": "KL(q(z|x) ‖ p(z))",
    }
    for axes, (name, title) in zip(panels, titles.items()):
        train, test = getattr(history, name), getattr(history, f"test_{name}")
        label = "training, while learning"
        axes.plot(epochs, train, color="0.6", marker=mark, ms=4, ls="--", label=label)
        if test:
            axes.plot(epochs, test, color="k", marker=mark, ms=4, label="test")
            shown = len(epochs) if kept is None else kept
            value = f"{test[shown - 1]:.1f}".replace("-", "−")
            if shown == len(epochs):
                end = epochs[-1], test[-1]
                axes.annotate(value, end, (6, 0), textcoords="offset points", va="center")
            else:
                axes.axvline(shown, color="0.6", lw=1)
                title += f"; {value} in epoch {shown}, which is kept"
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_ylabel("nats per data point")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, loc="lower right")
    panels[-1].set_xlabel("epoch")
    panels[-1].xaxis.get_major_locator().set_params(integer=True)
    return _save(figure, path)


def reconstructions(
    originals: FloatArray, seen: FloatArray, means: FloatArray, image_shape: Shape, *,
    ink: bool = True, path: PathName | None = None,
) -> Figure:  # fmt: skip
    """Originals, below each what the model saw of it, and below this the decoder's mean.

    All (n, n_x). seen: bits that were drawn from the originals, for example. If the model saw
    the originals themselves, they are drawn once.
    """
    originals = _images("originals", originals, image_shape)
    seen, means = _images("seen", seen, image_shape), _images("means", means, image_shape)
    for name, images in (("seen", seen), ("means", means)):
        if len(images) != len(originals):
            raise ValueError(
                f"{name} has {len(images)} rows; it should have {len(originals)}, as originals"
            )
    if np.array_equal(seen, originals):
        kinds, title = [originals, means], "Originals, and below each its reconstruction"
    else:
        drawn = "the bits" if np.isin(seen, (0, 1)).all() else "the pixels"
        kinds = [originals, seen, means]
        title = f"Originals, {drawn} that the model saw, and the reconstruction from these"
    white = _white(image_shape, ink)
    images, columns = in_turn(kinds, image_shape, white)
    return _save(_picture(images, columns, image_shape, title, white, together=len(kinds)), path)


def in_turn(
    kinds: Sequence[FloatArray], image_shape: Shape = (1, 1), white: float = 0.0
) -> tuple[FloatArray, int]:
    """A row of each kind in turn, then the next row of each. Every kind is (n, n_x).

    A row has 12 images if they are square, fewer if they are wide, and more if there are
    very many. White images fill the last rows up. Returns the images and the number of
    columns.
    """
    n = len(kinds[0])
    wide, square = 12 * image_shape[0] / image_shape[1], _columns(len(kinds) * n, image_shape)
    columns = min(n, max(round(wide), square))
    filled = [np.pad(k, ((0, -n % columns), (0, 0)), constant_values=white) for k in kinds]
    rows = np.stack([images.reshape(-1, columns, images.shape[1]) for images in filled], axis=1)
    return rows.reshape(-1, rows.shape[-1]), columns  # (n / columns, kinds, columns, n_x)


def _columns(n: int, image_shape: Shape) -> int:
    """The columns of n images that make the picture about square."""
    height, width = image_shape[:2]
    return min(n, int(np.ceil(np.sqrt(n * height / width))))


def samples(
    images: FloatArray, image_shape: Shape, *, ink: bool = True, path: PathName | None = None
) -> Figure:
    """Images made from draws of the prior, in a grid. (n, n_x)."""
    images, white = _images("images", images, image_shape), _white(image_shape, ink)
    columns = _columns(len(images), image_shape)
    return _save(_picture(images, columns, image_shape, "Decoded from z ~ N(0, I)", white), path)


def two_samplings(
    vae: VAE, image_shape: Shape, *, n: int = 8, seed: int = 0, ink: bool = True,
    path: PathName | None = None,
) -> Figure:  # fmt: skip
    """The two samplings of the generative model (notes §2): z ~ p(z), then x ~ p(x|z).

    Left: n draws z ~ p(z) = N(0, I), numbered. With n_z = 2 they are in the plane, and the
    circles are at 1 and 2 standard deviations. With another n_z each draw is a row of n_z
    bars, and the grey band is from −2 to 2. Right, for each z: the mean of p(x|z), and below
    it a draw x ~ p(x|z). They are `vae.sample(n, seed)` without and with draw=True, which
    have the same z. Pixels are independent given z, so a draw is less smooth than its mean.
    """
    checks.instance("vae", vae, VAE, "a VAE")
    checks.image_shape(image_shape, vae.n_x)
    seed = checks.whole_seed("seed", seed)
    checks.memory("n", n, 500_000 * checks.positive_int("n", n))
    z = vae.noise(n, checks.generator("seed", seed, "sample"))
    columns = int(np.ceil(np.sqrt(2 * n)))
    blocks = -(-n // columns)  # of two rows each, about as wide as high
    columns = -(-n // blocks)
    wide = max(4.2, 4.2 * columns / (2 * blocks))
    figure = Picture(figsize=(4.2 + wide, 4.6), layout="constrained")
    grid = figure.add_gridspec(blocks, 2, width_ratios=(3.8, wide))
    left = figure.add_subplot(grid[:, 0])
    (_plane if vae.n_z == 2 else _bars)(left, z)
    left.set_title("Sampling 1: z ~ p(z) = N(0, I)", fontsize=10)
    left.spines[["top", "right"]].set_visible(False)
    white = _white(image_shape, ink)
    images = np.full((2, blocks * columns, vae.n_x), white)
    images[:, :n] = vae.sample(n, seed), vae.sample(n, seed, draw=True)
    for block in range(blocks):
        axes, first = figure.add_subplot(grid[block, 1]), block * columns
        numbers = [str(i + 1) if i < n else "" for i in range(first, first + columns)]
        pairs = images[:, first : first + columns].reshape(-1, vae.n_x)
        _labelled(axes, pairs, image_shape, white, numbers, ["mean", "draw"])
        _legible(axes, image_shape)
        axes.tick_params(labeltop=True, labelbottom=False)
        if block == 0:
            axes.set_title("Sampling 2: mean of p(x|z), and a draw x ~ p(x|z)", fontsize=10)
    return _save(figure, path)


def _plane(axes: Any, z: FloatArray) -> None:
    """The numbers 1, 2, ... at z, (n, 2)."""
    angle = np.linspace(0, 2 * np.pi, 100)
    for radius in (1, 2):
        axes.plot(radius * np.cos(angle), radius * np.sin(angle), color="0.6", lw=1)
    for number, (z1, z2) in enumerate(z, start=1):
        axes.text(z1, z2, str(number), ha="center", va="center", weight="bold")
    reach = max(2.2, 1.1 * float(np.abs(z).max()))
    limits = (-reach, reach)
    axes.set(xlabel="z₁", ylabel="z₂", xlim=limits, ylim=limits, aspect="equal")
    axes.locator_params(integer=True)


def _bars(axes: Any, z: FloatArray) -> None:
    """Row i of bars is z_i, up from its line where it is positive. z: (n, n_z)."""
    n, n_z = z.shape
    unit = 0.45 / max(2.5, float(np.abs(z).max()))
    rows, j = np.arange(1, n + 1), np.arange(1, n_z + 1)
    for row, of_row in zip(rows, z):
        axes.axhspan(row - 2 * unit, row + 2 * unit, color="0.92", lw=0)
        axes.axhline(row, color="0.6", lw=0.8)
        axes.vlines(j, row, row - unit * of_row, color="k", lw=min(6.0, 160 / n_z))
    axes.set(xlabel="j of z_j; grey: from −2 to 2", xlim=(0.4, n_z + 0.6), ylim=(n + 0.6, 0.4))
    axes.set_yticks(rows, map(str, rows), weight="bold")
    axes.xaxis.get_major_locator().set_params(integer=True)


def morph(
    vae: VAE, x: FloatArray, image_shape: Shape, *, n: int = 11,
    names: Sequence[str] = ("x₀", "x₁"), ink: bool = True, path: PathName | None = None,
) -> Figure:  # fmt: skip
    """Two paths from μ(x₀) to μ(x₁), decoded at n steps each; see `morph.py`.

    At the left and right the two images, then the straight line, and below it the path on
    the sphere of equal prior density. The numbers are |z|. When no one path on the sphere
    joins the two codes, only the straight line is drawn. x: (2, n_x). n: 2 or more. names:
    of x₀ and x₁, for the title.
    """
    checks.image_shape(image_shape, checks.instance("vae", vae, VAE, "a VAE").n_x)
    if n < 2:
        raise ValueError(f"n is {n}; it should be 2 or more, since a path has two ends")
    (z0, z1), t = vae.encode(x)[0].astype(np.float64), np.linspace(0, 1, n)
    rows = {"straight line": straight(z0, z1, t)}
    with suppress(ValueError):  # opposite directions
        rows["on the sphere"] = on_sphere(z0, z1, t)
    figure = Picture(figsize=(1.4 + 0.8 * (n + 2), 0.7 + 1.15 * len(rows)), layout="constrained")
    for axes, (name, z) in zip(figure.subplots(len(rows), 1, squeeze=False)[:, 0], rows.items()):
        images = np.concatenate([x[:1], vae.decode(z), x[1:]])
        lengths = [f"{length:.2f}" for length in np.linalg.norm(z, axis=1)]
        texts = ["x₀", *lengths, "x₁"], [f"{name}\n|z| below"]
        _labelled(axes, images, image_shape, _white(image_shape, ink), *texts)
        axes.tick_params("x", labelsize=8)
        axes.tick_params("y", labelsize=9)
    of = "" if tuple(names) == ("x₀", "x₁") else f"x₀ is {names[0]}, x₁ is {names[1]}\n"
    figure.suptitle(f"{of}From μ(x₀) to μ(x₁): E[x|z(t)], t from 0 to 1", fontsize=10)
    return _save(figure, path)


def traversals(
    vae: VAE, image_shape: Shape, x: FloatArray | None = None, *, at: FloatArray | None = None,
    name: str = "the given code", n: int = 13, ink: bool = True, path: PathName | None = None,
) -> Figure:  # fmt: skip
    """What each unit of z does: E[x|z] with z_j from −3 to 3, and the other units held.

    A row for each active unit, with the mean of KL(q(z_j|x) ‖ p(z_j)) over x, in nats, and
    in the order of it. A unit that is not active changes nothing. Without x every unit has a
    row. At most 30 rows are drawn, and the title says so. If no unit is active, it says so,
    and all are drawn.
    x: (N, n_x), N ≥ 2, what the model saw of some data, such as bits. at: (n_z,), the code
    whose other units are held, such as vae.encode(x)[0][0]; None: 0. name: what `at` is, for
    the title. n: images in a row, 2 or more.
    """
    checks.instance("vae", vae, VAE, "a VAE")
    checks.image_shape(image_shape, vae.n_x)
    checks.memory("n", n, 32 * checks.positive_int("n", n, 2) * ROWS_OF_UNITS * vae.n_x)
    held = np.zeros(vae.n_z) if at is None else checks.array("at", at).astype(np.float64)
    if held.shape != (vae.n_z,):
        raise ValueError(f"at has shape {held.shape}; it should be ({vae.n_z},), a code")
    checks.finite("at", held)
    if x is None:
        which, kl, title = np.arange(vae.n_z), None, "Each unit"
    else:
        kl, active = units(vae, x)
        which = np.argsort(-kl)
        which = which[active[which]] if active.any() else which
        title = "Each active unit" if active.any() else "No unit is active. Each unit"
    if len(which) > ROWS_OF_UNITS:
        title += f", the first {ROWS_OF_UNITS} of {len(which)},"
        which = which[:ROWS_OF_UNITS]
    values = np.linspace(-3, 3, n)
    z = np.tile(held, (len(which), n, 1))
    z[np.arange(len(which)), :, which] = values
    labels = [
        f"z{str(j + 1).translate(LOWERED)}" + ("" if kl is None else f", KL {kl[j]:.2f} nats")
        for j in which
    ]
    high = 0.55 * min(2, max(0.5, image_shape[0] / image_shape[1]))
    figure = Picture(figsize=(1.5 + 0.55 * n, 0.6 + high * len(which)), layout="constrained")
    axes = figure.subplots()
    across = [f"{value:.3g}".replace("-", "−") for value in values]
    images = vae.decode(z.reshape(-1, vae.n_z))
    _labelled(axes, images, image_shape, _white(image_shape, ink), across, labels)
    _legible(axes, image_shape)
    axes.tick_params(labeltop=True, labelbottom=False, labelsize=8)
    others = "the others are 0" if at is None else f"the others are those of {name}"
    axes.set_title(f"{title} from −3 to 3; {others}", fontsize=10)
    return _save(figure, path)


def manifold(
    vae: VAE, image_shape: Shape, *, n: int = 20, ink: bool = True, path: PathName | None = None
) -> Figure:
    """AEVB Figure 4: the images of an n x n grid of z, for n_z = 2.

    The grid is even in the unit square. The inverse Φ⁻¹ of the normal distribution
    function turns it into z_j = Φ⁻¹((i + ½) / n), so each image stands for the same
    share of the prior. The numbers at the axes are these z_j, at most ten of them.
    ValueError when n_z is not 2.
    """
    checks.instance("vae", vae, VAE, "a VAE")
    checks.image_shape(image_shape, vae.n_x)
    checks.memory("n", n, 32 * checks.positive_int("n", n) ** 2 * vae.n_x)
    if vae.n_z != 2:
        raise ValueError(f"n_z is {vae.n_z} in vae; it should be 2 for a manifold")
    title = "Decoded from a grid of z, even in probability under N(0, I)"
    white = _white(image_shape, ink)
    figure = _picture(vae.decode(manifold_grid(n)), n, image_shape, title, white, gap=0)
    figure.set_size_inches(7.0, 7.2)
    axes = figure.axes[0]
    axes.axis("on")
    _legible(axes, image_shape)
    shown = np.unique(np.linspace(0, n - 1, min(n, 10)).round().astype(int))
    values = [f"{quantile:.2f}".replace("-", "−") for quantile in quantiles(n)[shown]]
    height, width = image_shape[:2]
    axes.set_xticks((shown + 0.5) * width - 0.5, values, fontsize=8)
    axes.set_yticks((n - shown - 0.5) * height - 0.5, values, fontsize=8)  # z₂ grows upwards
    axes.set(xlabel="z₁", ylabel="z₂")
    axes.spines[:].set_visible(False)
    return _save(figure, path)


def quantiles(n: int) -> FloatArray:
    """Φ⁻¹((i + ½) / n) for i = 0 ... n − 1: even in probability under N(0, 1). (n,)."""
    return np.array([NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)])


def manifold_grid(n: int) -> FloatArray:
    """All pairs of `quantiles(n)`, by rows. z₁ grows to the right, z₂ upwards. (n², 2)."""
    z1, z2 = np.meshgrid(quantiles(n), quantiles(n)[::-1])
    return np.stack([z1.ravel(), z2.ravel()], axis=1)


def latent_scatter(
    mu: FloatArray, labels: NDArray[np.integer[Any]] | None = None, *,
    class_names: Sequence[str] | None = None, path: PathName | None = None,
) -> Figure:  # fmt: skip
    """The means μ(x) of q(z|x) in the latent plane. Each class has a colour and its name.

    A name stands beside the points, and a line leads from it to the median of its class.
    mu: (N, 2). labels: (N,); None: one colour. class_names: label k is class_names[k]; None:
    its name is its number. More than 20 classes have a scale of colours in place of names.
    """
    mu = checks.rows("mu", mu, 2)
    checks.finite("mu", mu)
    kinds = np.unique(checks.array("labels", labels)) if labels is not None else np.arange(0)
    of = np.zeros(len(mu), int) if labels is None else np.searchsorted(kinds, labels)
    if of.shape != mu.shape[:1]:
        raise ValueError(f"labels has shape {of.shape}; it should be {mu.shape[:1]}")
    if class_names is not None and len(kinds) and not 0 <= kinds[0] <= kinds[-1] < len(class_names):
        raise ValueError(
            f"class_names has {len(class_names)} names; the labels are from {kinds[0]} to "
            f"{kinds[-1]}, and each should have one"
        )
    names = [str(kind) if class_names is None else class_names[int(kind)] for kind in kinds]
    # limits that hold all points, not too far from square, and the names at both sides
    low, high = mu.min(axis=0), mu.max(axis=0)
    long = float((high - low).max()) or 1.0
    inch = long / 6  # in units of z
    half = np.maximum((high - low) / 2, long / 4) + 0.15 * inch
    (left, bottom), (right, top) = (low + high) / 2 - half, (low + high) / 2 + half
    named = 0 < len(kinds) <= 20
    band = (0.2 + 0.09 * max(map(len, names))) * inch if named else 0.0
    limits = {"xlim": (left - band, right + band), "ylim": (bottom, top)}
    width = (right - left + 2 * band) / inch + (0.8 if len(kinds) <= 20 else 2.3)
    figure = Picture(figsize=(width, (top - bottom) / inch + 0.9), layout="constrained")
    axes = figure.subplots()
    if len(kinds) > 20:
        points = axes.scatter(mu[:, 0], mu[:, 1], c=of, cmap="viridis", s=2, alpha=0.6)
        scale = figure.colorbar(points, shrink=0.7, label="label")
        shown = np.unique(np.linspace(0, len(kinds) - 1, 9).round().astype(int))
        scale.set_ticks(shown.tolist(), labels=[names[k] for k in shown])
    else:
        colours = np.array(CLASS_COLOURS)[of % 10]
        size = min(16.0, max(2.0, 10_000 / len(mu)))  # of a dot; a cross needs more
        for which, marker, more in ((of < 10, "o", 1), (of >= 10, "x", 3)):
            z1, z2 = mu[which].T
            axes.scatter(z1, z2, c=colours[which], marker=marker, s=more * size, lw=0.5, alpha=0.6)
    if named:
        medians = np.array([np.median(mu[of == k], axis=0) for k in range(len(kinds))])
        by_side = np.array_split(np.argsort(medians[:, 0], kind="stable"), 2)
        for side, place, align in zip(by_side, (left, right), ("right", "left")):
            _name_classes(axes, side, medians, names, place, align, (bottom, top), 0.3 * inch)
    axes.set(xlabel="z₁", ylabel="z₂", aspect="equal", **limits)
    axes.set_xticks([tick for tick in axes.get_xticks() if left <= tick <= right])
    by_label = ", by label" if len(kinds) else ""
    axes.set_title(f"Where the encoder puts each of {len(mu):,} data points: μ(x){by_label}")
    axes.spines[["top", "right"]].set_visible(False)
    return _save(figure, path)


def _name_classes(
    axes: Any, side: NDArray[np.intp], medians: FloatArray, names: list[str], place: float,
    align: str, limits: tuple[float, float], apart: float,
) -> None:  # fmt: skip
    """The names of the classes `side` at z₁ = place, in the order of their medians' z₂.

    A line leads from each to its median. They are near to these heights, and `apart` or more.
    """
    side = side[np.argsort(medians[side, 1], kind="stable")]
    low, high = medians[side, 1][[0, -1]] if len(side) else (0.0, 0.0)
    reach = max(high - low, apart * (len(side) - 1)) / 2
    middle = np.clip((low + high) / 2, limits[0] + reach, limits[1] - reach)
    for k, y in zip(side, np.linspace(middle - reach, middle + reach, len(side))):
        axes.plot(*medians[k], "o" if k < 10 else "X", mfc=CLASS_COLOURS[k % 10], mec="w", ms=8)
        axes.annotate(
            names[k], medians[k], (place, y), ha=align, va="center", weight="bold",
            arrowprops={"arrowstyle": "-", "color": "k", "lw": 0.5, "shrinkB": 4},
        )  # fmt: skip


class Line(NamedTuple):
    """One curve of `published`. algorithm: gives the colour. paper: draw it behind, wide and pale.

    split: "train" is dashed. x, y: (points,).
    """

    algorithm: str
    split: str
    paper: bool
    x: Sequence[float]
    y: Sequence[float]


COLOURS = {"aevb": CLASS_COLOURS[3], "wake-sleep": CLASS_COLOURS[0], "mcem": CLASS_COLOURS[2]}
NAMES = {"aevb": "AEVB", "wake-sleep": "wake-sleep", "mcem": "Monte Carlo EM"}


def published(
    panels: Sequence[tuple[str, Sequence[Line]]], *, ylabel: str, xlim: tuple[float, float],
    ylim: tuple[float, float], path: PathName | None = None,
) -> Figure:  # fmt: skip
    """AEVB Figures 2 and 3: one panel for each setting, ours over the paper's own curves."""
    width = max(8.5, 1.5 + 2.9 * len(panels))  # the legend needs as much
    figure = Picture(figsize=(width, 4.4), layout="constrained")
    row = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    labelled = (1.0, 2.0, 5.0) if xlim[1] < 30 * xlim[0] else (1.0,)  # in each power of ten
    for axes, (title, lines) in zip(row, panels):
        for line in sorted(lines, key=lambda line: not line.paper):
            style = {"color": COLOURS[line.algorithm], "ls": "--" if line.split == "train" else "-"}
            pen = {"lw": 4, "alpha": 0.3} if line.paper else {"lw": 1.3, "marker": "o", "ms": 3}
            axes.plot(line.x, line.y, **style, **pen)
        axes.set_xscale("log")
        axes.set_xlim(xlim)
        axes.xaxis.set_major_locator(LogLocator(subs=labelled))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("training samples")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(ylim)
    row[0].set_ylabel(ylabel)
    there = {line.algorithm for _, lines in panels for line in lines}
    kinds = [kind for kind in COLOURS if kind in there]
    handles = [Line2D([], [], color=COLOURS[kind], label=NAMES[kind]) for kind in kinds]
    handles += [
        Line2D([], [], color="0.3", ls="-", label="test"),
        Line2D([], [], color="0.3", ls="--", label="train"),
        Line2D([], [], color="0.3", marker="o", ms=3, lw=1.3, label="this program"),
        Line2D([], [], color="0.3", lw=4, alpha=0.3, label="the paper"),
    ]
    columns = len(handles) if len(panels) > 3 else 4
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)
    return _save(figure, path)


def sample_sheets(
    sheets: Sequence[tuple[str, FloatArray]], image_shape: Shape, *, ink: bool = True,
    path: PathName | None = None,
) -> Figure:  # fmt: skip
    """AEVB Figure 5: for each model a square of images that are decoded from z ~ N(0, I).

    sheets: a title and the images, (n, n_x), of each.
    """
    figure = Picture(figsize=(3.4 * len(sheets), 3.8), dpi=150, layout="constrained")
    row = figure.subplots(1, len(sheets), squeeze=False)[0]
    for axes, (title, images) in zip(row, sheets):
        columns = int(np.ceil(np.sqrt(len(images))))
        white = _white(image_shape, ink)
        _show(axes, _tile(images, columns, image_shape, gap=1, white=white), white)
        axes.set_title(title, fontsize=10)
        axes.axis("off")
    return _save(figure, path)


def _images(name: str, images: FloatArray, image_shape: Shape) -> FloatArray:
    """The images, if they are (n, n_x) of this shape."""
    found = checks.rows(name, images, prod(checks.image_shape(image_shape)))
    checks.finite(name, found)
    return found


def _white(image_shape: Shape, ink: bool) -> float:
    """The number that is drawn as white: 0 for ink on paper, else 1."""
    return 0.0 if checks.flag("ink", ink) and len(image_shape) == 2 else 1.0


def _show(axes: Any, tiles: FloatArray, white: float) -> None:
    """Draw one image: ink with its sharp pixels, photographs smoothly."""
    how = {"cmap": "gray"} if white else {"cmap": "gray_r", "interpolation": "nearest"}
    axes.imshow(tiles.clip(0, 1) if tiles.ndim == 3 else tiles, vmin=0, vmax=1, **how)


def _labelled(
    axes: Any, images: FloatArray, image_shape: Shape, white: float, columns: list[str],
    rows: list[str],
) -> None:  # fmt: skip
    """Draw the images in a grid, with these texts beside its columns and rows."""
    gap = 4
    height, width = (side + gap for side in image_shape[:2])
    _show(axes, _tile(images, len(columns), image_shape, gap, white), white)
    axes.set_xticks((np.arange(len(columns)) + 0.5) * width - 2.5, columns)
    axes.set_yticks((np.arange(len(rows)) + 0.5) * height - 2.5, rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _legible(axes: Any, image_shape: Shape) -> None:
    """Stretch the pixels of images that are far from square, so that they fill the axes."""
    if not 0.5 <= image_shape[0] / image_shape[1] <= 2:
        axes.set_aspect("auto")


def _picture(
    images: FloatArray, columns: int, image_shape: Shape, title: str, white: float, gap: int = 1,
    together: int = 0,
) -> Figure:  # fmt: skip
    """A titled figure with the images in a grid. together: rows that a space parts from others."""
    tiles = _tile(images, columns, image_shape, gap, white)
    if together:
        height, space = together * (image_shape[0] + gap), 1 + image_shape[0] // 3
        parts = tiles.reshape(-1, height, *tiles.shape[1:])
        around = [(0, 0), (0, space), *[(0, 0)] * (tiles.ndim - 1)]
        parts = np.pad(parts, around, constant_values=white)
        tiles = parts.reshape(-1, *tiles.shape[1:])[:-space]
    ratio = tiles.shape[0] / tiles.shape[1]
    width = min(7.0, 14 / ratio)
    figure = Picture(figsize=(max(width, 4.0), width * ratio + 0.4), layout="constrained")
    axes = figure.subplots()
    _show(axes, tiles, white)
    axes.set_title(title, fontsize=10)
    axes.axis("off")
    return figure


def class_table(
    rows: Sequence[tuple[str, str, int, int, list[tuple[str, int]]]], *,
    path: PathName | None = None,
) -> Figure:  # fmt: skip
    """A class's homework: for each exercise, how many were right, and its mistakes.

    The most frequent mistakes stand first. The file is for its owner alone.
    rows: number, title, right, of how many, [(mistake, how many), ...].
    """
    most = 4  # mistakes shown for each exercise
    heights = [0.9 + max(1, min(most, len(mistakes))) for *_, mistakes in rows]
    inches = 0.8 + 0.2 * sum(heights)
    figure = Picture(figsize=(14, inches))
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
            left = len(mistakes) - most
            more = f"  (and {left} other kinds)" if i == most - 1 and left > 0 else ""
            y = middle + i - (min(most, len(mistakes)) - 1) / 2
            axes.text(1.5, y, f"{count} × {mistake[:88]}{more}", va="center", fontsize=8)
        top += height
    axes.set(xlim=(0, 1), ylim=(top, 0), yticks=[])
    axes.set_xticks([0, 0.5, 1], ["0", "half", "all"])
    axes.set_xlabel("right", fontsize=9)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return _save(figure, path, private=True)


VALUE, GRADIENT, GREY = "k", "#B2182B", "0.45"
WIDTH, ROW = 2.1, 0.26  # of a column of nodes, and of a line of text


class Node(NamedTuple):
    """A value of `training_step`. x, y: of its middle, in columns and in lines of text."""

    title: str
    shape: str
    values: list[str]
    x: float
    y: float
    is_given: bool

    @property
    def height(self) -> float:
        """Of its box."""
        return ROW * (len(self.values) + 1.7)


class Edge(NamedTuple):
    """start is used by end; gradient is what comes back, or None for data."""

    start: Node
    end: Node
    gradient: list[str] | None


class Weights(NamedTuple):
    """W and b of a layer, and beside them their gradients, line by line."""

    name: str
    lines: list[tuple[str, str]]
    x: float
    y: float


def training_step(
    nodes: Sequence[Node], edges: Sequence[Edge], weights: Sequence[Weights], title: str, *,
    path: PathName | None = None,
) -> Figure:  # fmt: skip
    """One training step in numbers: the values forwards in black, the gradients in red."""
    right = max(node.x for node in nodes) + 0.65
    ends = [(w.y, ROW * (len(w.lines) + 2) / 2) for w in weights]
    top = max(y + half for y, half in ends) + 0.2
    bottom = min(y - half for y, half in (*ends, *((n.y, n.height / 2) for n in nodes)))
    figure = Picture(figsize=(WIDTH * (right + 0.65), (top - bottom) * 0.62 + 0.9))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(-0.65, right), ylim=(bottom - 0.25, top + 1.1))
    for edge in edges:
        _draw_edge(axes, edge)
    for node in nodes:
        _draw_node(axes, node)
    for part in weights:
        _draw_weights(axes, part)
    axes.text(-0.6, top + 0.9, title, fontsize=14, va="top")
    axes.text(-0.6, top + 0.45, "black: forward, the values", fontsize=10, va="top")
    axes.text(
        0.9, top + 0.45, "red: backward, ∂loss / ∂(what stands left of it)", fontsize=10, va="top",
        color=GRADIENT,
    )  # fmt: skip
    return _save(figure, path)


def _draw_node(axes: Any, node: Node) -> None:
    width = 0.52
    box = FancyBboxPatch(
        (node.x - width / 2, node.y - node.height / 2), width, node.height,
        boxstyle="round,pad=0.02,rounding_size=0.06", mutation_aspect=1.6,
        facecolor="0.93" if node.is_given else "w", edgecolor="k", lw=1.2, zorder=3,
    )  # fmt: skip
    axes.add_patch(box)
    top = node.y + node.height / 2
    axes.text(node.x, top - 0.5 * ROW, node.title, ha="center", va="center", fontsize=11, zorder=4)
    axes.text(
        node.x, top + 0.1, node.shape, ha="center", va="bottom", fontsize=7, color=GREY, zorder=4,
        bbox={"facecolor": "w", "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip
    for i, text in enumerate(node.values):
        axes.text(
            node.x + 0.16, top - (i + 1.7) * ROW, text, ha="right", va="center", fontsize=9,
            color=VALUE, zorder=4,
        )  # fmt: skip


_ARROW = {"arrowstyle": "-|>", "color": GREY, "lw": 1.1, "shrinkA": 0, "shrinkB": 0}


def _draw_edge(axes: Any, edge: Edge) -> None:
    start, end = edge.start, edge.end
    if start.title == "KL":  # to the right, and up
        begin, stop = (end.x, start.y), (end.x, end.y - end.height / 2 - 0.05)
        axes.plot([start.x + 0.29, end.x], [start.y, start.y], color=GREY, lw=1.1, zorder=1)
    elif start.x == end.x:
        begin, stop = (start.x, start.y - start.height / 2), (end.x, end.y + end.height / 2 + 0.37)
    else:
        begin, stop = (start.x + 0.29, start.y), (end.x - 0.29, end.y)
        if start.y != end.y:  # not all in the middle of the box
            lower = min(0.3 * end.height, abs(start.y - end.y) / 4)
            stop = (stop[0], end.y + np.sign(start.y - end.y) * lower)
    axes.annotate("", stop, begin, arrowprops=_ARROW, zorder=1)
    if edge.gradient is not None:
        t = 0.5 if end.title != "KL" else 0.72 if start.title == "μ" else 0.4
        x, y = begin[0] + t * (stop[0] - begin[0]), begin[1] + t * (stop[1] - begin[1])
        if start.title == "KL":
            x, y = (start.x + end.x) / 2, start.y
        axes.text(
            x, y, "\n".join(edge.gradient), ha="center", va="center", fontsize=8,
            color=GRADIENT, linespacing=1.05, zorder=2,
            bbox={"facecolor": "w", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip


def _draw_weights(axes: Any, part: Weights) -> None:
    top = part.y + ROW * len(part.lines) / 2
    axes.text(part.x, top + 0.14, part.name, ha="center", va="bottom", fontsize=9)
    for i, (values, gradients) in enumerate(part.lines):
        y = top - (i + 0.5) * ROW
        style = {"va": "center", "fontsize": 6.5, "family": "DejaVu Sans Mono"}
        axes.text(part.x - 0.02, y, values, ha="right", color=VALUE, **style)
        axes.text(part.x + 0.02, y, gradients, ha="left", color=GRADIENT, **style)


def _tile(
    images: FloatArray, columns: int, image_shape: Shape, gap: int, white: float = 0.0
) -> FloatArray:
    """One large image: the images row by row, `gap` white pixels after each."""
    height, width, *colours = image_shape
    rows = -(-len(images) // columns)
    tiles = np.full((rows, height + gap, columns, width + gap, *colours), white)
    for k, image in enumerate(images):
        tiles[k // columns, :height, k % columns, :width] = image.reshape(image_shape)
    return tiles.reshape(rows * (height + gap), columns * (width + gap), *colours)


def _save(figure: Figure, path: PathName | None, *, private: bool = False) -> Figure:
    """The figure, which is written as a PNG if there is a path."""
    if path is not None:
        if (name := checks.path("path", path)).suffix.lower() != ".png":
            raise ValueError(
                f"path is {str(name)!r}; it should end in .png, as what is written does"
            )
        with written_whole(path, private=private) as part:
            figure.savefig(part, format="png", dpi=150)
    return figure
