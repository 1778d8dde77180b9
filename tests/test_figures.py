"""The pictures, as arrays: what lies where."""

import io
from statistics import NormalDist

import numpy as np
import pytest
from PIL import Image

from scratchvae import VAE, History, figures
from scratchvae.distributions import gaussian_kl


def test_tiles_lie_row_by_row():
    """Image k is at row k // columns, column k % columns, upright.

    The gap is to its right and below it. What is missing is white.
    """
    images = np.arange(1, 4)[:, None] * np.arange(1, 7)  # three images of 2 x 3
    tiles = figures._tile(images, 2, (2, 3), gap=1)
    assert tiles.shape == (6, 8)
    for k in range(3):
        row, column = 3 * (k // 2), 4 * (k % 2)
        here = tiles[row : row + 2, column : column + 3]
        np.testing.assert_array_equal(here, images[k].reshape(2, 3))
    assert tiles.sum() == images.sum()


@pytest.mark.parametrize("n", [1, 2, 5])
def test_manifold_is_even_in_probability(n):
    """Φ(z_j) = (i + ½) / n: each image stands for the same share of the prior.

    z₁ grows to the right, z₂ upwards.
    """
    z = figures.manifold_grid(n).reshape(n, n, 2)
    shares = (np.arange(n) + 0.5) / n
    phi = np.vectorize(NormalDist().cdf)
    np.testing.assert_allclose(phi(z[:, :, 0]), np.tile(shares, (n, 1)), atol=1e-12)
    np.testing.assert_allclose(phi(z[:, :, 1]), np.tile(shares[::-1, None], n), atol=1e-12)


@pytest.mark.parametrize("n", [1, 3, 20])
def test_the_manifold_has_the_values_of_z_at_its_axes(n):
    """A tick stands at the middle of an image. Its label is the z of that image."""
    height, width = 2, 3
    vae = VAE(height * width, (4,), 2)
    axes = figures.manifold(vae, (height, width), n=n).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("z₁", "z₂")
    tiles = np.asarray(axes.images[0].get_array())
    ticks = [
        [(at, float(label.get_text().replace("−", "-"))) for at, label in zip(places, labels)]
        for places, labels in (
            (axes.get_xticks(), axes.get_xticklabels()),
            (axes.get_yticks(), axes.get_yticklabels()),
        )
    ]
    assert len(ticks[0]) == len(ticks[1]) == min(n, 10)
    for across, z1 in ticks[0]:
        for down, z2 in ticks[1]:
            column, row = int((across + 0.5) // width), int((down + 0.5) // height)
            assert across == column * width + (width - 1) / 2  # pixels are at 0, 1, ..., width − 1
            assert down == row * height + (height - 1) / 2
            there = tiles[row * height :, column * width :][:height, :width]
            expected = vae.decode([[z1, z2]]).reshape(height, width)
            np.testing.assert_allclose(there, expected, atol=0.01)  # labels have two decimals


def test_the_manifold_needs_two_dimensions():
    """ValueError for n_z = 3."""
    with pytest.raises(ValueError, match="n_z is 3"):
        figures.manifold(VAE(4, n_z=3), (2, 2))


def images_of(figure, n):
    """The means and the draws of `two_samplings`, without the gaps of 4 pixels. (2, n, 4)."""
    blocks = [np.asarray(axes.images[0].get_array()) for axes in figure.axes[1:]]
    blocks = [block.reshape(2, 6, -1, 6)[:, :2, :, :2] for block in blocks]
    pairs = np.concatenate([block.transpose(0, 2, 1, 3) for block in blocks], axis=1)
    numbers = [text.get_text() for axes in figure.axes[1:] for text in axes.get_xticklabels()]
    assert numbers[:n] == [str(i + 1) for i in range(n)] and not any(numbers[n:])
    assert not pairs[:, n:].any()  # blank
    return pairs[:, :n].reshape(2, n, 4)


@pytest.mark.parametrize(("n", "n_z"), [(5, 1), (1, 2), (8, 2), (1, 3), (5, 3)])
def test_two_samplings_show_the_mean_and_a_draw_of_each_z(n, n_z):
    """Number i stands at z_i, or before the bars that are as long as its n_z numbers. Image i is
    the decoded z_i above a draw of bits.

    With large weights each pixel's mean is 0 or 1, and the draw is equal to it. With
    weights of 0 each mean is ½, and the draw is 0 or 1.
    """
    vae = VAE(4, (3,), n_z)
    vae.params.theta[...] = 0
    means, draws = images_of(figures.two_samplings(vae, (2, 2), n=n), n)
    assert (means == 0.5).all() and set(np.unique(draws)) == {0, 1}

    vae.params.theta[...] = 100 * np.random.default_rng(0).standard_normal(vae.params.theta.size)
    figure = figures.two_samplings(vae, (2, 2), n=n, seed=4)
    left = figure.axes[0]
    if n_z == 2:
        z = np.array([text.get_position() for text in left.texts])
        assert [text.get_text() for text in left.texts] == [str(i + 1) for i in range(n)]
    else:
        bars = np.array([bar for row in left.collections for bar in row.get_segments()])
        bars = bars.reshape(n, n_z, 2, 2)  # row, unit, ends, (across, down)
        assert (bars[:, :, 0, 1] == np.arange(1, n + 1)[:, None]).all()
        assert (bars[:, :, :, 0] == np.arange(1, n_z + 1)[:, None]).all()
        unit = left.patches[0].get_height() / 4  # it is grey from −2 to 2
        z = (bars[:, :, 0, 1] - bars[:, :, 1, 1]) / unit
    assert len(np.unique(z)) == n_z * n
    means, draws = images_of(figure, n)
    np.testing.assert_allclose(means, vae.decode(z), atol=1e-6)
    assert means.std() > 0.3  # the z_i decode to different images
    np.testing.assert_allclose(draws, means, atol=1e-3)


def test_traversals_move_one_unit():
    """Row r is the decoded z with z_j from −3 to 3 for the unit j of the r-th largest KL, as its
    label says, and the others as in `at`. Units that are not active have no row.
    """
    vae = VAE(6, (5,), 4, dtype=np.float64, seed=1)
    vae.params.theta *= 3
    vae.params.values["mu.W"][:, 2] = 0  # μ₃ is the same for every x: not active
    vae.params.values["logvar.b"][:] = [-1, -5, -9, -3]
    x = (np.random.default_rng(0).random((40, 6)) < 0.5) * 1.0
    mu, logvar = vae.encode(x)
    kl = np.array([gaussian_kl(mu[:, [j]], logvar[:, [j]]).mean() for j in range(4)])
    order = [j for j in np.argsort(kl)[::-1] if j != 2]
    axes = figures.traversals(vae, (2, 3), x, at=mu[7], n=5).axes[0]
    tiles = np.asarray(axes.images[0].get_array()).reshape(3, 6, 5, 7)[:, :2, :, :3]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == [f"z{'₁₂₃₄'[j]}, KL {kl[j]:.2f} nats" for j in order]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["−3", "−1.5", "0", "1.5", "3"]
    for j, row in zip(order, tiles.transpose(0, 2, 1, 3)):
        for value, image in zip((-3, -1.5, 0, 1.5, 3), row):
            z = mu[7].copy()
            z[j] = value
            np.testing.assert_allclose(image.ravel(), vae.decode(z[None])[0])
    plain = figures.traversals(vae, (2, 3)).axes[0]
    assert [text.get_text() for text in plain.get_yticklabels()] == ["z₁", "z₂", "z₃", "z₄"]
    assert plain.get_title() == "Each unit from −3 to 3; the others are 0"
    with pytest.raises(ValueError, match=r"at has shape \(3,\)"):
        figures.traversals(vae, (2, 3), x, at=mu[7, :3])


def test_traversals_say_when_no_unit_is_active():
    """μ that does not depend on x. And of very many units, the first ones are drawn."""
    vae, x = VAE(4, (3,), 40), np.eye(4)
    vae.params.values["mu.W"][:] = 0
    axes = figures.traversals(vae, (2, 2), x).axes[0]
    said = "No unit is active. Each unit, the first 30 of 40, from −3 to 3; the others are 0"
    assert axes.get_title() == said and len(axes.get_yticks()) == 30


def test_reconstructions_lie_below_their_originals():
    """Rows alternate: originals, their reconstructions, the next originals.

    Blank images fill the last two rows up.
    """
    originals = np.arange(1, 16)[:, None] * np.ones(4)
    rows, columns = figures.in_turn([originals, -originals])
    rows = rows.reshape(-1, columns, 4)
    assert columns == 12
    np.testing.assert_array_equal(rows[0, :, 0], np.arange(1, 13))
    np.testing.assert_array_equal(rows[1], -rows[0])
    np.testing.assert_array_equal(rows[2, :, 0], [13, 14, 15] + [0] * 9)
    np.testing.assert_array_equal(rows[3], -rows[2])


def test_what_the_model_saw_lies_between_an_original_and_its_reconstruction():
    """Three rows, original, bits, mean; two where the model saw the originals themselves. The
    title says which.
    """
    grey, bits, means = (np.full((3, 4), value) for value in (0.3, 1.0, 0.6))
    for seen, values, words in (
        (bits, (0.3, 1, 0.6), "the bits that the model saw"),
        (grey + 0.01, (0.3, 0.31, 0.6), "the pixels that the model saw"),
        (grey, (0.3, 0.6), "Originals, and below each its reconstruction"),
    ):
        axes = figures.reconstructions(grey, seen, means, (2, 2)).axes[0]
        tiles = np.asarray(axes.images[0].get_array()).reshape(len(values), 3, 3, 3)[:, :2, :, :2]
        for row, value in zip(tiles, values):
            assert np.allclose(row, value)
        assert words in axes.get_title()
    grey, bits, means = (np.repeat(images[:1], 13, axis=0) for images in (grey, bits, means))
    tiles = figures.reconstructions(grey, bits, means, (2, 2)).axes[0].images[0].get_array()
    first, space, second = np.split(np.asarray(tiles), [9, 10])
    assert first[:, 0].tolist() == second[:, 0].tolist() and not space.any() and first[0, 35] == 0
    with pytest.raises(ValueError, match="seen has 2 rows; it should have 13"):
        figures.reconstructions(grey, bits[:2], means, (2, 2))


SOME = VAE(12, (), 2, decoder="gaussian", seed=3)  # its means leave [0, 1]
SEEN = np.linspace(-0.2, 1.2, 156).reshape(13, 12)  # in colour, of 2 x 2 pixels
TWICE = np.concatenate([SEEN, SEEN])  # more than a row
DRAWN = {  # each function that draws images, and how many there are
    "samples": (13, lambda **how: figures.samples(SEEN, **how)),
    "reconstructions": (52, lambda **how: figures.reconstructions(*[TWICE] * 3, **how)),
    "two_samplings": (10, lambda **how: figures.two_samplings(SOME, n=5, **how)),
    "morph": (8, lambda **how: figures.morph(SOME, SEEN[[0, 7]], n=2, **how)),
    "traversals": (4, lambda **how: figures.traversals(SOME, n=2, **how)),
    "manifold": (4, lambda **how: figures.manifold(SOME, n=2, **how)),
    "sample_sheets": (13, lambda **how: figures.sample_sheets([("", SEEN)], **how)),
}


def shown(figure):
    """The pixels of its pictures as they are drawn, one RGB for each pixel of a tile. (n, 3)."""
    return np.concatenate([
        image.to_rgba(image.get_array(), bytes=True).reshape(-1, 4)[:, :3]
        for axes in figure.axes for image in axes.images
    ]).astype(int)  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_ink_grey_and_colour(name, caplog):
    """As ink, 0 is drawn white and 1 black; else 0 black and 1 white; all around is white.
    In colour a pixel has its red, green and blue, with ink or without. What leaves [0, 1] is
    drawn as its end.
    """
    count, draw = DRAWN[name]
    ink, light = (shown(draw(image_shape=(4, 3), ink=ink)) for ink in (True, False))
    assert (ink == ink[:, :1]).all() and (light == light[:, :1]).all()  # grey
    pixels = (ink != 255).any(axis=1) | (light != 255).any(axis=1)
    assert pixels.sum() == 12 * count
    assert np.abs((ink + light)[pixels] - 255).max() <= 1  # both are rounded
    coloured = shown(draw(image_shape=(2, 2, 3)))
    assert (coloured == shown(draw(image_shape=(2, 2, 3), ink=False))).all()
    if name in ("samples", "reconstructions", "sample_sheets"):
        apart = np.abs(255 * SEEN.clip(0, 1).reshape(-1, 1, 3) - coloured).max(axis=2)
        assert apart.min(axis=1).max() <= 1  # each pixel is there, with its three levels
    assert not caplog.records  # Matplotlib has nothing to say


def test_a_notebook_shows_the_picture():
    """It asks for a PNG by the name that IPython gives. The pixels are those of the images."""
    png = figures.samples(np.eye(4), (2, 2), ink=False)._repr_png_()
    with Image.open(io.BytesIO(png)) as opened:
        drawn = np.asarray(opened.convert("L"))
    assert 0.1 < (drawn == 0).mean() < (drawn == 255).mean()  # 12 of 16 pixels are black


def test_names_stand_beside_the_points():
    """A name for each class, beyond all points; its line leads to the median of the class."""
    rng = np.random.default_rng(0)
    mu, labels = rng.standard_normal((400, 2)), rng.integers(0, 3, 400)
    axes = figures.latent_scatter(mu, labels, class_names=["Coat", "Bag", "Boot"]).axes[0]
    assert [text.get_text() for text in axes.texts] != []
    for text in axes.texts:
        k = ["Coat", "Bag", "Boot"].index(text.get_text())
        np.testing.assert_allclose(text.xy, np.median(mu[labels == k], axis=0))
        left = text.get_ha() == "right"
        x = text.get_position()[0]
        assert x < mu[:, 0].min() if left else x > mu[:, 0].max()
    heights = sorted((t.get_ha(), t.get_position()[1]) for t in axes.texts)
    assert len(heights) == 3 and (mu[:, 1].min() <= [y for _, y in heights]).all()
    with pytest.raises(ValueError, match="class_names has 2 names; the labels are from 0 to 2"):
        figures.latent_scatter(mu, labels, class_names=["Coat", "Bag"])
    one = figures.latent_scatter(mu[:1], labels[:1]).axes[0]  # one point has no extent
    assert len(one.texts) == 1


def test_a_picture_is_a_png(tmp_path):
    """ValueError for a file whose name says something else."""
    for name in ("x.jpg", "x"):
        with pytest.raises(ValueError, match=r"should end in \.png"):
            figures.samples(np.ones((1, 4)), (2, 2), path=tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(28, 28), (4, 200), (200, 4), (1, 784), (112, 92)])
@pytest.mark.parametrize("n", [1, 48, 1000])
def test_wide_and_tall_images_are_legible(shape, n):
    """No picture is more than 18 inches high, and each image has some area.

    An image has at least 0.1 square inches as one of 48. (One of 28 x 28 pixels has 1.)
    """
    images = np.full((n, shape[0] * shape[1]), 0.5)
    drawn = [
        figures.samples(images, shape),
        figures.reconstructions(images, images, images, shape),
        figures.reconstructions(images, images.round(), images, shape),
    ]
    for figure, pictures in zip(drawn, (n, 2 * n, 3 * n)):
        width, height = figure.get_size_inches()
        assert height < 18 and width <= 7
        rows, columns = figure.axes[0].images[0].get_array().shape
        drawn_area = min(width, (height - 0.4) * columns / rows) ** 2 * rows / columns
        if n == 48:
            assert drawn_area / pictures > 0.1


def test_the_manifold_of_wide_images_fills_its_square():
    """Images of 4 x 200: the grid is stretched. Images of 2 x 3 keep their shape."""
    for shape, aspect in (((4, 200), "auto"), ((2, 3), 1.0)):
        drawn = figures.manifold(VAE(shape[0] * shape[1], (), 2), shape, n=5)
        assert drawn.axes[0].get_aspect() == aspect


def test_many_labels_become_a_scale_of_colours():
    """Up to 20 classes each have a label; 256 have a scale with nine of them."""
    for n, labels, axes in ((10, 10, 1), (20, 20, 1), (256, 0, 2)):
        mu = np.random.default_rng(0).standard_normal((512, 2))
        drawn = figures.latent_scatter(mu, (np.arange(512) % n).astype(np.uint8))
        assert len(drawn.axes[0].texts) == labels and len(drawn.axes) == axes
    ticks = [text.get_text() for text in drawn.axes[1].get_yticklabels()]
    assert ticks[0] == "0" and ticks[-1] == "255" and len(ticks) == 9


def test_the_learning_curve_marks_the_epoch_that_is_kept():
    """An epoch before the last has a line and its numbers in the titles; the last has none."""
    history = History([0.0] * 3, [0.0] * 3, [0.0] * 3, [-9.0, -7.5, -8.0], [-5.0] * 3, [2.0] * 3)
    for kept, title, lines in ((2, "−7.5 in epoch 2, which is kept", 3), (3, "", 2), (None, "", 2)):
        axes = figures.learning_curve(history, kept=kept).axes[0]
        assert title in axes.get_title("left") and len(axes.lines) == lines
        assert ("kept" in axes.get_title("left")) == bool(title)
