"""Data: idx files of any size, what is wrong with wrong ones, binarization, minibatches."""

import gzip
import hashlib
import math
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from conftest import write_idx, write_image_set
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchvae import (
    PCA,
    VAE,
    Autoencoder,
    FileFormatError,
    active_units,
    binarize,
    evaluate,
    fit,
    load_mnist,
    log_likelihood,
    read_idx,
)
from scratchvae.datasets import dequantize, grey, minibatches

HEADER = struct.pack(">HBB", 0, 8, 1)


def test_mnist_is_mnist():
    """The embedded data set is the published one: shapes, and the MD5 of each file
    unzipped, header and all.
    """
    mnist = load_mnist()
    assert mnist.train_images.shape == (60_000, 784) and mnist.test_images.shape == (10_000, 784)
    assert mnist.image_shape == (28, 28) and mnist.train_images.dtype == np.uint8
    md5s = []
    for images, labels in (
        (mnist.train_images, mnist.train_labels),
        (mnist.test_images, mnist.test_labels),
    ):
        md5s.append(
            hashlib.md5(
                struct.pack(">IIII", 0x803, len(images), 28, 28) + images.tobytes()
            ).hexdigest()
        )
        md5s.append(
            hashlib.md5(struct.pack(">II", 0x801, len(labels)) + labels.tobytes()).hexdigest()
        )
    assert md5s == [
        "6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637",
    ]  # fmt: skip


@given(array=hnp.arrays(np.uint8, hnp.array_shapes(max_dims=4, max_side=6)), zipped=st.booleans())
def test_idx_files_of_any_size(tmp_path_factory, array, zipped):
    """Reading gives what was written, for any dimensions, gzipped or not."""
    path = tmp_path_factory.mktemp("idx") / ("a.gz" if zipped else "a")
    write_idx(path, array)
    np.testing.assert_array_equal(read_idx(path), array)


BAD_FILES = {
    "empty": (b"", "begins with"),
    "no idx": (b"\x89PNG\r\n\x1a\n", "begins with"),
    "floats": (struct.pack(">HBBI", 0, 13, 1, 0), "type 0x0d"),
    "header cut": (struct.pack(">HBBI", 0, 8, 3, 5), "ends within the sizes"),
    "too little": (HEADER + struct.pack(">I", 5) + b"1234", "promises 5 = 5 bytes, but 4 follow"),
    "too much": (
        HEADER + struct.pack(">I", 3) + b"1234",
        "promises 3 = 3 bytes, but 4 or more follow",
    ),
    "promises everything": (
        struct.pack(">HBB", 0, 8, 3) + struct.pack(">III", *[2**32 - 1] * 3) + b"1234",
        "but 4 follow",
    ),
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_idx_files_are_refused(tmp_path, kind, zipped):
    """A file that is no idx, or holds less or more than it promises, gets a
    FileFormatError that says so.
    """
    content, message = BAD_FILES[kind]
    path = tmp_path / ("bad.gz" if zipped else "bad")
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(FileFormatError, match=message) as error:
        read_idx(path)
    assert "bad" in str(error.value)


def test_bad_gzip_files_are_refused(tmp_path):
    """Not gzip, gzip cut short, gzip with a flipped byte, a folder, nothing at all: each a
    FileFormatError with the name.
    """
    good = gzip.compress(HEADER + struct.pack(">I", 1000) + np.random.default_rng(0).bytes(1000))
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 0xFF
    for content in (HEADER, good[:-300], bytes(flipped)):
        path = tmp_path / "x.gz"
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"x\.gz"):
            read_idx(path)
    (tmp_path / "folder.gz").mkdir()
    for name in ("folder.gz", "missing.gz"):
        with pytest.raises(FileFormatError, match=name):
            read_idx(tmp_path / name)


def test_a_lying_header_takes_no_memory(tmp_path):
    """A header that promises 2⁹⁶ numbers in a file of four costs no more than the reading
    buffer.
    """
    path = tmp_path / "liar"
    path.write_bytes(BAD_FILES["promises everything"][0])
    tracemalloc.start()
    with pytest.raises(FileFormatError):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


def test_an_image_set_of_another_size(image_set):
    """Any idx image set with MNIST's names loads; its image shape is that of its files."""
    data = load_mnist(image_set)
    assert (
        data.train_images.shape == (60, 30)
        and data.test_images.shape == (20, 30)
        and data.image_shape == (6, 5)
    )
    assert data.train_labels.shape == (60,)


def test_where_the_data_is_looked_for(image_set, tmp_path, monkeypatch):
    """$SCRATCHVAE_DATA goes before the embedded copy, the argument before both, and the
    working folder does not matter.
    """
    monkeypatch.chdir(tmp_path)
    assert len(load_mnist().train_images) == 60_000
    monkeypatch.setenv("SCRATCHVAE_DATA", str(image_set))
    assert len(load_mnist().train_images) == 60
    monkeypatch.setenv("SCRATCHVAE_DATA", str(tmp_path / "nowhere"))
    assert len(load_mnist(image_set).train_images) == 60
    with pytest.raises(FileFormatError, match=r"looked in .*nowhere.*SCRATCHVAE_DATA"):
        load_mnist()


def test_sets_that_do_not_match_are_refused(tmp_path):
    """Other counts of images and labels, other sizes of test images, a missing file, no
    images: named.
    """

    def changed(name, array):
        folder = write_image_set(tmp_path / str(len(list(tmp_path.iterdir()))))
        write_idx(folder / name, array)
        return folder

    with pytest.raises(FileFormatError, match="60 training images but labels of shape \\(59,\\)"):
        load_mnist(changed("train-labels-idx1-ubyte.gz", np.zeros(59)))
    with pytest.raises(
        FileFormatError, match="training images are 6 x 5 pixels, test images 7 x 5"
    ):
        load_mnist(changed("t10k-images-idx3-ubyte.gz", np.zeros((20, 7, 5))))
    with pytest.raises(FileFormatError, match="test images have the dimensions \\(0, 6, 5\\)"):
        load_mnist(changed("t10k-images-idx3-ubyte.gz", np.zeros((0, 6, 5))))
    with pytest.raises(FileFormatError, match="training images have the dimensions \\(60,\\)"):
        load_mnist(changed("train-images-idx3-ubyte.gz", np.zeros(60)))
    folder = write_image_set(tmp_path / "missing")
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileFormatError, match="holds no t10k-labels-idx1-ubyte"):
        load_mnist(folder)


@pytest.mark.parametrize("as_floats", [True, False])
def test_binarize_has_the_pixels_probability(as_floats):
    """P(x = 1) = pixel / 255: the frequencies of all 256 grey levels, within 5 standard
    errors; 0 and 255 are certain.
    """
    levels = np.arange(256, dtype=np.uint8)
    N = 20_000
    images = np.tile(levels, (N, 1))
    x = binarize(images / 255 if as_floats else images, np.random.default_rng(0))
    assert x.dtype == np.float32 and set(np.unique(x)) == {0, 1}
    p = levels / 255
    assert (np.abs(x.mean(axis=0) - p) <= 5 * np.sqrt(p * (1 - p) / N)).all()


def test_binarize_is_exact_for_bytes():
    """u is even on 0 ... 254 and never 255: were it even on 0 ... 255, a pixel of 255
    would be 0 once in 256.
    """
    assert binarize(np.full((1000, 1000), 255, np.uint8), np.random.default_rng(0)).min() == 1
    assert binarize(np.ones((1000, 1000), np.float32), np.random.default_rng(0)).min() == 1
    assert binarize(np.zeros((1000, 1000), np.uint8), np.random.default_rng(0)).max() == 0


def test_dequantize_spreads_each_level_over_its_bin():
    """(pixel + u) / 256: floor gives the pixel back, u is even on [0, 1) (mean ½, variance
    1/12), new at every call.
    """
    levels = np.tile(np.arange(256, dtype=np.uint8), (400, 1))
    x = dequantize(levels, np.random.default_rng(0), np.float64)
    np.testing.assert_array_equal(np.floor(x * 256), levels)
    u = x * 256 - levels
    assert abs(u.mean() - 0.5) < 5 * math.sqrt(1 / 12 / u.size) and abs(u.var() - 1 / 12) < 1e-3
    with pytest.raises(TypeError, match="float64"):
        dequantize(x, np.random.default_rng(0))


def test_a_bin_has_its_lower_end_and_not_its_upper():
    """u is one of 65,536 numbers from 0 on: 0 and the largest, 1 − 2⁻¹⁶, are among two million
    (each is missed with a chance of e^−30), and 1 is not.
    """
    u = 256 * dequantize(np.zeros((2000, 1000), np.uint8), np.random.default_rng(0), np.float64)
    assert (u.min(), u.max()) == (0, 1 - 2.0**-16)


def test_grey():
    """Grey is pixel / 255; floats stay what they are."""
    np.testing.assert_allclose(grey(np.array([0, 51, 255], np.uint8)), [0, 0.2, 1], rtol=1e-6)
    np.testing.assert_array_equal(grey(np.array([0, 0.2, 1]), dtype=np.float64), [0, 0.2, 1])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.array([[0.5, np.nan]]), r"images\[0, 1\] is nan"),
        (np.array([[0, 255]]), "images is of type int64"),
        (np.array([["a"]]), "images is of type <U1"),
    ],
)
def test_images_that_are_none_are_refused(images, message):
    """NaN, values outside [0, 1], and numbers of a type that says nothing of their scale."""
    for function in (lambda: binarize(images, np.random.default_rng(0)), lambda: grey(images)):
        with pytest.raises((ValueError, TypeError), match=message):
            function()


@given(n=st.integers(1, 50), batch_size=st.integers(1, 60))
def test_minibatches_meet_every_image_once(n, batch_size):
    """A pass is a permutation, cut into pieces of batch_size; the last may be shorter, and
    is not dropped.
    """
    batches = list(minibatches(n, batch_size, np.random.default_rng(0)))
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert len(batches[-1]) == n - batch_size * (len(batches) - 1)


def test_the_data_folder_says_what_it_holds():
    """data/README.md names the checksums that the test above computes."""
    readme = (Path(__file__).parents[1] / "data" / "README.md").read_text()
    for md5 in ("6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624"):
        assert md5 in readme
    for md5 in ("2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"):
        assert md5 in readme
    assert "CC BY-SA 3.0" in readme


def test_an_image_set_is_known_by_its_content(image_set, tmp_path):
    """The same files in another folder have the same checksum; one changed pixel has another."""
    data = load_mnist(image_set)
    assert data.identity.name == "images" and data.identity.image_shape == (6, 5)
    again = load_mnist(write_image_set(tmp_path / "again"))
    assert again.identity.checksum == data.identity.checksum and again.identity.name == "again"
    images = data.test_images.reshape(-1, 6, 5).copy()
    images[3, 2, 1] ^= 1
    write_idx(tmp_path / "again" / "t10k-images-idx3-ubyte.gz", images)
    assert load_mnist(tmp_path / "again").identity.checksum != data.identity.checksum


DARK = np.random.default_rng(0).integers(0, 2, (600, 12), np.uint8)
LEVELS = np.random.default_rng(1).integers(0, 256, (600, 12), np.uint8)


def calls_on(images):
    """Every function that takes images, by name: what it gives for these."""
    models = {"bernoulli": VAE(12, (5,), 2), "gaussian": VAE(12, (5,), 2, decoder="gaussian")}
    eps, found = np.ones((len(images), 2)), {}
    for name, vae in models.items():
        found |= {
            f"{name} encode": lambda vae=vae: vae.encode(images)[0],
            f"{name} reconstruct": lambda vae=vae: vae.reconstruct(images),
            f"{name} elbo": lambda vae=vae: vae.elbo(images, eps),
            f"{name} loss_and_grad": lambda vae=vae: vae.loss_and_grad(images, eps),
            f"{name} log_weights": lambda vae=vae: vae.log_weights(images, eps),
            f"{name} log_joint": lambda vae=vae: vae.log_joint(images, eps),
            f"{name} log_likelihood": lambda vae=vae: (
                log_likelihood(vae, images[:50], 8, method="importance", progress=False).log_p
            ),
            f"{name} evaluate": lambda vae=vae: evaluate(vae, images, pixels="grey"),
            f"{name} fit": lambda vae=vae: (
                fit(vae, images, epochs=1, pixels="grey", progress=False).elbo
            ),
            f"{name} active_units": lambda vae=vae: active_units(vae, images, pixels="grey"),
        }
    autoencoder = Autoencoder(12, (5,), 2)
    return found | {
        "binarize": lambda: binarize(images, np.random.default_rng(0)),
        "grey": lambda: grey(images),
        "Autoencoder.encode": lambda: autoencoder.encode(images),
        "Autoencoder.reconstruct": lambda: autoencoder.reconstruct(images),
        "Autoencoder.loss_and_grad": lambda: autoencoder.loss_and_grad(images),
        "Autoencoder.encoder_only": lambda: autoencoder.encoder_only()(images),
        "PCA": lambda: PCA(2).fit(images).transform(images),
    }


@pytest.mark.parametrize("name", [*calls_on(DARK)])
def test_uint8_and_bool_have_one_meaning(name):
    """uint8 is pixel / 255, and bool is 0 and 1, in every function; uint8 of 0 and 1 is refused,
    with what to do. An image set that is all black is one.
    """
    if name != "binarize":  # it draws other random numbers for floats
        of_floats = calls_on(LEVELS.astype(np.float32) / 255)[name]()
        np.testing.assert_allclose(calls_on(LEVELS)[name](), of_floats, rtol=1e-5, atol=1e-5)
    of_bits = calls_on(DARK.astype(np.float32))[name]()
    np.testing.assert_array_equal(calls_on(DARK.astype(bool))[name](), of_bits)
    with pytest.raises(ValueError, match=r"uint8 with the maximum 1.*\.astype\(bool\)"):
        calls_on(DARK)[name]()
    assert np.isfinite(calls_on(np.zeros((600, 12), np.uint8))[name]()).all()


@given(
    st.sampled_from(["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"]), st.integers(0, 2**32),
    st.tuples(st.integers(0, 40), st.integers(0, 40)), st.booleans(),
)  # fmt: skip
def test_bits_of_bytes_are_those_of_numpy(kind, seed, shape, odd):
    """x = [u < pixel] with u = rng.integers(0, 255), the numbers that this package drew always,
    for every generator of NumPy, and the generator goes on as after it.
    """
    images = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    ours, theirs = (np.random.Generator(getattr(np.random, kind)(seed)) for _ in range(2))
    for rng in (ours, theirs):
        rng.integers(0, 2**32, 1 + odd, np.uint32)  # half a number may be left
    expected = theirs.integers(0, 255, shape, np.uint8) < images
    np.testing.assert_array_equal(binarize(images, ours, part=True), expected)
    np.testing.assert_array_equal(ours.integers(0, 2**32, 3), theirs.integers(0, 2**32, 3))


def test_a_dark_minibatch_is_no_bits():
    """A whole set is looked at and no part of it: minibatches and chunks with the maximum 1
    train and count as levels, in one process and in two.
    """
    images = np.vstack([DARK, np.full((1, 12), 255, np.uint8)])
    for workers in (1, 2):
        vae = VAE(12, (5,), 2)
        kw = {"epochs": 1, "batch_size": 20, "workers": workers, "progress": False}
        assert np.isfinite(fit(vae, images, **kw).elbo).all()
    assert np.isfinite(evaluate(vae, images).elbo)  # its first chunk has the maximum 1
    assert active_units(vae, images) <= 2
    with pytest.raises(ValueError, match="uint8 with the maximum 1"):
        fit(vae, images, test_images=DARK, progress=False)
    assert binarize(DARK, np.random.default_rng(0), part=True).mean() < 0.02


def test_bits_cannot_be_dequantized():
    """A bool has no bin: TypeError, as for floats."""
    with pytest.raises(TypeError, match="type bool; it should be uint8"):
        dequantize(DARK.astype(bool), np.random.default_rng(0))
