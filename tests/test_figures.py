"""The pictures, as arrays: what lies where."""

from statistics import NormalDist

import numpy as np
import pytest

from scratchvae import VAE
from scratchvae.figures import _tile, manifold_grid, pairs


def test_tiles_lie_row_by_row():
    """Image k is at row k // columns, column k % columns, upright, with the gap to its right and below; what is missing is paper."""
    images = np.arange(1, 4)[:, None] * np.arange(1, 7)  # three images of 2 x 3
    tiles = _tile(images, 2, (2, 3), gap=1)
    assert tiles.shape == (6, 8)
    for k in range(3):
        row, column = 3 * (k // 2), 4 * (k % 2)
        np.testing.assert_array_equal(
            tiles[row : row + 2, column : column + 3], images[k].reshape(2, 3)
        )
    assert tiles.sum() == images.sum()


@pytest.mark.parametrize("n", [1, 2, 5])
def test_manifold_is_even_in_probability(n):
    """Φ(z_j) = (i + ½) / n: each image stands for the same share of the prior; z₁ grows to the right, z₂ upwards."""
    z = manifold_grid(n).reshape(n, n, 2)
    shares = (np.arange(n) + 0.5) / n
    phi = np.vectorize(NormalDist().cdf)
    np.testing.assert_allclose(phi(z[:, :, 0]), np.tile(shares, (n, 1)), atol=1e-12)
    np.testing.assert_allclose(phi(z[:, :, 1]), np.tile(shares[::-1, None], n), atol=1e-12)


def test_reconstructions_lie_below_their_originals():
    """Rows alternate: originals, their reconstructions, the next originals; the last rows are filled up with paper."""
    originals = np.arange(1, 16)[:, None] * np.ones(4)
    rows, columns = pairs(originals, -originals)
    rows = rows.reshape(-1, columns, 4)
    assert columns == 12
    np.testing.assert_array_equal(rows[0, :, 0], np.arange(1, 13))
    np.testing.assert_array_equal(rows[1], -rows[0])
    np.testing.assert_array_equal(rows[2, :, 0], [13, 14, 15] + [0] * 9)
    np.testing.assert_array_equal(rows[3], -rows[2])


def test_the_manifold_needs_two_dimensions(tmp_path):
    """ValueError for n_z = 3."""
    from scratchvae.figures import manifold

    with pytest.raises(ValueError, match="n_z is 3"):
        manifold(VAE(4, n_z=3), (2, 2), tmp_path / "m.png")
