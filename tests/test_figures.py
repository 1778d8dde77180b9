"""The pictures, as arrays: what lies where."""

from statistics import NormalDist

import numpy as np
import pytest

from scratchvae import VAE, figures


@pytest.fixture
def drawn(monkeypatch):
    """The figures that a test draws: they are kept here and not written."""
    kept = []
    monkeypatch.setattr(figures, "_save", lambda figure, path: kept.append(figure))
    return kept


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
def test_the_manifold_has_the_values_of_z_at_its_axes(n, drawn):
    """A tick stands at the middle of an image. Its label is the z of that image."""
    height, width = 2, 3
    vae = VAE(height * width, (4,), 2)
    figures.manifold(vae, (height, width), "not written", n)
    axes = drawn[0].axes[0]
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
        figures.manifold(VAE(4, n_z=3), (2, 2), "not written")


def test_two_samplings_show_the_mean_and_a_draw_of_each_z(drawn):
    """Number i stands at z_i; column i is the decoded z_i above a draw of bits.

    With large weights each pixel's mean is 0 or 1, and the draw is equal to it. With
    weights of 0 each mean is ½, and the draw is 0 or 1.
    """
    n, vae = 5, VAE(4, (3,), 2)

    def images_of(figure):
        """The two rows of images, without the gaps of 4 pixels. (2, n, 4)."""
        tiles = np.asarray(figure.axes[1].images[0].get_array()).reshape(2, 6, n, 6)
        return tiles[:, :2, :, :2].transpose(0, 2, 1, 3).reshape(2, n, 4)

    vae.params.theta[...] = 0
    figures.two_samplings(vae, (2, 2), "not written", n)
    means, draws = images_of(drawn[0])
    assert (means == 0.5).all() and set(np.unique(draws)) == {0, 1}

    vae.params.theta[...] = 100 * np.random.default_rng(0).standard_normal(vae.params.theta.size)
    figures.two_samplings(vae, (2, 2), "not written", n, seed=4)
    plane = drawn[1].axes[0]
    z = np.array([text.get_position() for text in plane.texts])
    assert [text.get_text() for text in plane.texts] == ["1", "2", "3", "4", "5"]
    assert len(np.unique(z)) == 2 * n
    means, draws = images_of(drawn[1])
    np.testing.assert_allclose(means, vae.decode(z), atol=1e-6)
    assert means.std() > 0.3  # the z_i decode to different images
    np.testing.assert_allclose(draws, means, atol=1e-3)


def test_two_samplings_need_a_plane():
    """ValueError for n_z = 1."""
    with pytest.raises(ValueError, match="n_z is 1"):
        figures.two_samplings(VAE(4, n_z=1), (2, 2), "not written")


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


def test_what_the_model_saw_lies_between_an_original_and_its_reconstruction(drawn):
    """Three rows, original, bits, mean; two where the model saw the originals themselves. The
    title says which.
    """
    grey, bits, means = (np.full((3, 4), value) for value in (0.3, 1.0, 0.6))
    for seen, values, words in (
        (bits, (0.3, 1, 0.6), "the bits that the model saw"),
        (grey + 0.01, (0.3, 0.31, 0.6), "the pixels that the model saw"),
        (grey, (0.3, 0.6), "Originals, and below each its reconstruction"),
    ):
        figures.reconstructions(grey, seen, means, (2, 2), "not written")
        axes = drawn[-1].axes[0]
        tiles = np.asarray(axes.images[0].get_array()).reshape(len(values), 3, 3, 3)[:, :2, :, :2]
        for row, value in zip(tiles, values):
            assert np.allclose(row, value)
        assert words in axes.get_title()
    grey, bits, means = (np.repeat(images[:1], 13, axis=0) for images in (grey, bits, means))
    figures.reconstructions(grey, bits, means, (2, 2), "not written")
    first, space, second = np.split(np.asarray(drawn[-1].axes[0].images[0].get_array()), [9, 10])
    assert first[:, 0].tolist() == second[:, 0].tolist() and not space.any() and first[0, 35] == 0
    with pytest.raises(ValueError, match="seen has 2 rows; it should have 13"):
        figures.reconstructions(grey, bits[:2], means, (2, 2), "not written")


def test_a_picture_is_a_png(tmp_path):
    """ValueError for a file whose name says something else."""
    for name in ("x.jpg", "x"):
        with pytest.raises(ValueError, match=r"should end in \.png"):
            figures.samples(np.ones((1, 4)), (2, 2), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(28, 28), (4, 200), (200, 4), (1, 784), (112, 92)])
@pytest.mark.parametrize("n", [1, 48, 1000])
def test_wide_and_tall_images_are_legible(shape, n, drawn):
    """No picture is more than 18 inches high, and each image has some area.

    An image has at least 0.1 square inches as one of 48. (One of 28 x 28 pixels has 1.)
    """
    images = np.full((n, shape[0] * shape[1]), 0.5)
    figures.samples(images, shape, "not written")
    figures.reconstructions(images, images, images, shape, "not written")
    figures.reconstructions(images, images.round(), images, shape, "not written")
    for figure, pictures in zip(drawn, (n, 2 * n, 3 * n)):
        width, height = figure.get_size_inches()
        assert height < 18 and width <= 7
        rows, columns = figure.axes[0].images[0].get_array().shape
        drawn_area = min(width, (height - 0.4) * columns / rows) ** 2 * rows / columns
        if n == 48:
            assert drawn_area / pictures > 0.1


def test_the_manifold_of_wide_images_fills_its_square(drawn):
    """Images of 4 x 200: the grid is stretched. Images of 2 x 3 keep their shape."""
    for shape, aspect in (((4, 200), "auto"), ((2, 3), 1.0)):
        figures.manifold(VAE(shape[0] * shape[1], (), 2), shape, "not written", 5)
        assert drawn[-1].axes[0].get_aspect() == aspect


def test_many_labels_become_a_scale_of_colours(drawn):
    """Up to 20 classes each have a label; 256 have a scale with nine of them."""
    for n, labels, axes in ((10, 10, 1), (20, 20, 1), (256, 0, 2)):
        mu = np.random.default_rng(0).standard_normal((512, 2))
        figures.latent_scatter(mu, (np.arange(512) % n).astype(np.uint8), "not written")
        assert len(drawn[-1].axes[0].texts) == labels and len(drawn[-1].axes) == axes
    ticks = [text.get_text() for text in drawn[-1].axes[1].get_yticklabels()]
    assert ticks[0] == "0" and ticks[-1] == "255" and len(ticks) == 9
