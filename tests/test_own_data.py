"""Data of one's own: folders, arrays and tables, with and without labels and test images."""

import gzip
import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from conftest import write_idx, write_image_set

from scratchvae import (
    VAE,
    Adam,
    FileFormatError,
    active_units,
    binarize,
    evaluate,
    figures,
    fit,
    load_images,
    load_mnist,
    load_model,
    save_model,
)
from scratchvae.checkpoint import trained_on
from scratchvae.cli import main
from scratchvae.datasets import ImageSet, grey
from scratchvae.explorer.cli import add_commands as add_explore
from scratchvae.paper import add_commands as add_paper

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (30, 4, 3)).astype(np.uint8)
TABLE = RNG.standard_normal((30, 3))
LABELS = RNG.integers(0, 5, 30)


def sorted_rows(*parts: np.ndarray) -> np.ndarray:
    """All rows of the parts, in an order that does not depend on theirs."""
    rows = np.concatenate([part.reshape(len(part), -1) for part in parts])
    return rows[np.lexsort(rows.T)]


# ---- what is read ----


@pytest.mark.parametrize("name", ["faces-images-idx3-ubyte.gz", "faces.npy", "faces.npz"])
def test_one_array_becomes_a_data_set(tmp_path, name):
    """One array of pictures has no labels, and its last tenth after a shuffle is the test set:
    every row is in one of the two parts, and the same rows each time.
    """
    if name.endswith("gz"):
        write_idx(tmp_path / name, PICTURES)
    elif name.endswith("npy"):
        np.save(tmp_path / name, PICTURES)
    else:
        np.savez_compressed(tmp_path / name, anything=PICTURES)
    data = load_images(tmp_path / name)
    assert (data.train_images.shape, data.test_images.shape) == ((27, 12), (3, 12))
    assert data.train_labels is None and data.test_labels is None and data.divided
    assert data.image_shape == (4, 3) and data.name == name
    together = sorted_rows(data.train_images, data.test_images)
    np.testing.assert_array_equal(together, sorted_rows(PICTURES))
    assert not np.array_equal(data.train_images, PICTURES[:27].reshape(27, 12))
    assert data.identity == load_images(tmp_path / name).identity


def test_a_folder_with_one_idx_file(tmp_path):
    """A folder with one file of images, whatever its name, is that file; labels beside it count."""
    write_idx(tmp_path / "frey-images-idx3-ubyte.gz", PICTURES)
    assert load_images(tmp_path).train_labels is None
    write_idx(tmp_path / "frey-labels-idx1-ubyte", LABELS)
    data = load_images(tmp_path)
    both = np.concatenate([data.train_labels, data.test_labels])
    images = np.concatenate([data.train_images, data.test_images])
    for image, label in zip(images, both):  # each image has its own label
        assert label in LABELS[(PICTURES.reshape(30, 12) == image).all(axis=1)]


def test_mnists_names_with_and_without_labels_and_test_images(tmp_path):
    """Labels and test images may be missing together; one of a pair alone is an error."""
    folder = write_image_set(tmp_path / "x")
    whole = load_images(folder)
    assert not whole.divided and len(whole.test_labels) == 20
    assert whole.identity == load_mnist(folder).identity
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileFormatError, match="holds no t10k-labels-idx1-ubyte"):
        load_images(folder)
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    data = load_images(folder)
    assert data.train_labels is None and data.test_labels is None and not data.divided
    (folder / "t10k-images-idx3-ubyte.gz").rename(folder / "t10k-labels-idx1-ubyte.gz")
    with pytest.raises(FileFormatError, match=r"holds no .*(t10k-images|train-labels)"):
        load_images(folder)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    assert load_images(folder).divided and len(load_images(folder).test_images) == 6


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("train", "train_labels", "test", "test_labels"),
    ],
)
def test_the_names_of_a_npz(tmp_path, names):
    """Training and test images and labels are found by the usual names; others are ignored."""
    parts = PICTURES[:20], LABELS[:20], PICTURES[20:], LABELS[20:, None]
    np.savez(tmp_path / "x.npz", **dict(zip(names, parts)), more=np.zeros(3))
    data = load_images(tmp_path / "x.npz")
    np.testing.assert_array_equal(data.train_images, PICTURES[:20].reshape(20, 12))
    np.testing.assert_array_equal(data.test_images, PICTURES[20:].reshape(10, 12))
    np.testing.assert_array_equal(data.train_labels, LABELS[:20])
    np.testing.assert_array_equal(data.test_labels, LABELS[20:])
    assert not data.divided


def test_images_and_labels_of_a_npz(tmp_path):
    """images and labels are one set, which is divided; an image keeps its label."""
    images = np.arange(30, dtype=np.uint8)[:, None, None] * np.ones((4, 3), np.uint8)
    np.savez(tmp_path / "x.npz", images=images, labels=np.arange(30) + 1000)
    data = load_images(tmp_path / "x.npz")
    np.testing.assert_array_equal(data.train_images[:, 0] + 1000.0, data.train_labels)
    np.testing.assert_array_equal(data.test_images[:, 0] + 1000.0, data.test_labels)


@pytest.mark.parametrize("header", ["", "\ufeff", "height,width,age\n"])
def test_a_table(tmp_path, header):
    """A .csv is its numbers as written, with a header or none. A table has no image_shape."""
    lines = "".join(",".join(map(repr, row)) + "\n" for row in TABLE.tolist())
    (tmp_path / "t.csv").write_text(header + lines + "\n", encoding="utf-8")
    data = load_images(tmp_path / "t.csv")
    together = sorted_rows(data.train_images, data.test_images)
    np.testing.assert_array_equal(together, sorted_rows(TABLE))
    assert data.image_shape is None and data.train_images.dtype == np.float64


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (PICTURES.astype(np.int64), np.uint8),  # levels, in pictures
        (PICTURES > 127, np.bool_),
        ((PICTURES > 127).astype(np.int32), np.bool_),  # 0 and 1
        (PICTURES.astype(np.int16) * 2, np.float64),  # beyond 255: no levels
        (PICTURES[..., None], np.uint8),  # one channel
        (PICTURES / np.float32(255), np.float32),
    ],
)
def test_integers_have_the_one_meaning_that_they_can_have(tmp_path, array, dtype):
    """Levels, bits or numbers: the type of what is loaded, and its values are those of the file."""
    np.save(tmp_path / "x.npy", array)
    data = load_images(tmp_path / "x.npy")
    assert data.train_images.dtype == dtype
    together = sorted_rows(data.train_images, data.test_images)
    np.testing.assert_array_equal(together, sorted_rows(array.astype(dtype)))


def test_numbers_outside_of_0_and_1_are_no_pictures(tmp_path):
    """Real numbers have no black and no white, so (N, height, width) of them has no image_shape."""
    np.save(tmp_path / "x.npy", PICTURES / 100)
    assert load_images(tmp_path / "x.npy").image_shape is None
    np.save(tmp_path / "x.npy", PICTURES / 255)
    assert load_images(tmp_path / "x.npy").image_shape == (4, 3)


# ---- what cannot be used ----

WITH_NAN = TABLE.copy()
WITH_NAN[4, 2] = np.nan
CONSTANT = TABLE.copy()
CONSTANT[:, 1] = 7
BAD = {
    "one row": (TABLE[:1], "it has 1 row; it should have 2 or more"),
    "a constant column": (CONSTANT, "column 2 is 7 in every row; a column of a table should vary"),
    "NaN": (WITH_NAN, "training row 5, column 3 is nan; it should be finite"),
    "NaN in a picture": (
        np.where(np.arange(360).reshape(30, 4, 3) == 17, np.inf, 0.5),
        "training image 2, row 2, column 3 is inf",
    ),
    "words": (np.array([["a", "b"]] * 3), "the array is of type <U1; it should hold real numbers"),
    "complex": (TABLE * 1j, "the array is of type complex128"),
    "objects": (np.array([[None]] * 3), "cannot be read as .npy: Object arrays"),
    "ages or levels": (LABELS[:, None] + 20, r"of type int64 with numbers from 2\d to 2\d; it sh"),
    "bits as levels": ((PICTURES > 9).astype(np.uint8), "uint8 with the maximum 1"),
    "transparency": (
        np.zeros((5, 6, 6, 4)),
        r"\(5, 6, 6, 4\); .*images\[\.\.\., :3\] leaves the tr",
    ),
    "channels first": (
        np.zeros((5, 3, 6, 6)),
        r"\(5, 3, 6, 6\); .*numpy\.moveaxis\(images, 1, 3\)",
    ),
    "one picture": (PICTURES[:1], "it has 1 picture; it should have 2 or more"),
    "one picture again": (PICTURES[[7] * 30], "the 30 training images are all the same; they sh"),
    "one dimension": (np.arange(9.0), r"the dimensions \(9,\); they should be \(N, height, width"),
    "nothing": (np.zeros((0, 4)), r"the dimensions \(0, 4\)"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_modelled_is_refused(tmp_path, kind):
    """A FileFormatError of one sentence that has the file's name."""
    array, message = BAD[kind]
    np.save(tmp_path / "mine.npy", array)
    with pytest.raises(FileFormatError, match=message) as error:
        load_images(tmp_path / "mine.npy")
    assert "mine.npy" in str(error.value) and "\n" not in str(error.value)


BAD_TABLES = {
    "a word": ("a,b\n1,2\n3,x\n", "row 2, column 2 is 'x'; it should be a number"),
    "a gap": ("1,2\n3,\n", "row 2, column 2 is ''"),
    "a short row": ("1,2\n3\n", "row 2 has 1 entries; it should have 2"),
    "semicolons": ("a;b\n1;2\n", "row 1, column 1 is '1;2'; .* commas between"),
    "names alone": ("a,b\n", "no row of numbers"),
    "empty": ("", "no row of numbers"),
    "row numbers": (",a\n0,1.5\n1,2.5\n", "column 1 has no name.*index=False"),
    "no text": ("1,2\n\udcff,3\n", "t.csv cannot be read as .csv"),
}


@pytest.mark.parametrize("kind", BAD_TABLES)
def test_what_is_no_table_is_refused(tmp_path, kind):
    """A FileFormatError that says where, and has the file's name."""
    content, message = BAD_TABLES[kind]
    (tmp_path / "t.csv").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(FileFormatError, match=message) as error:
        load_images(tmp_path / "t.csv")
    assert "t.csv" in str(error.value)


BAD_PARTS = {
    "sizes": ({"x_train": PICTURES, "x_test": PICTURES[:, 1:]}, "4 x 3 pixels, test images 3 x"),
    "types": ({"x_train": PICTURES, "x_test": PICTURES / 255}, "type uint8, test images float64"),
    "labels": ({"images": PICTURES, "labels": LABELS[1:]}, r"30 training images but labels of sh"),
    "numbers": ({"images": PICTURES, "labels": LABELS / 2}, "labels are of type float64; they sh"),
    "one of two": (
        {"x_train": PICTURES, "y_train": LABELS, "x_test": PICTURES}, "one of training and test im"
    ),
    "names": ({"a": PICTURES, "b": LABELS}, "holds a, b; it should hold one array, or x_train"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_PARTS)
def test_parts_that_do_not_match_are_refused(tmp_path, kind):
    """Sizes, types, labels and names of a .npz, each with its sentence."""
    arrays, message = BAD_PARTS[kind]
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(FileFormatError, match=message):
        load_images(tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.csv", "x"])
def test_damaged_files_are_refused(tmp_path, name):
    """Bytes that are no such file, and none at all: FileFormatError with the name."""
    for content in (b"", b"\x93NUMPY", b"PK\x03\x04 and more", bytes(range(128, 256))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileFormatError, match=name):
            load_images(tmp_path / name)
    with pytest.raises(FileFormatError, match=r"no data: looked in .*nowhere\.npy"):
        load_images(tmp_path / "nowhere.npy")


def test_a_large_array_needs_permission(tmp_path):
    """A small .npz that stands for 8 MB, a .npy and a .csv: refused above max_memory."""
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((1000, 1000)))
    assert (tmp_path / "x.npz").stat().st_size < 100_000
    np.save(tmp_path / "x.npy", np.zeros((1000, 1000)))
    (tmp_path / "x.csv").write_text("1,2\n" * 100_000)
    for name in ("x.npz", "x.npy", "x.csv"):
        with pytest.raises(FileFormatError, match=r"max_memory \(--max-memory\) is 1000000"):
            load_images(tmp_path / name, max_memory=1_000_000)


# ---- what a model takes ----


def test_a_gaussian_decoder_models_real_numbers():
    """fit, evaluate and active_units of N(−5, 2²) in three columns: the bound of a new model comes
    to within 0.1 nats of the entropy's minus, −3 (½ log 2πe + log 2), and samples have the moments.
    """
    rng = np.random.default_rng(1)
    x = -5 + 2 * rng.standard_normal((2000, 3))
    vae = VAE(3, (16,), 1, decoder="gaussian")
    fit(vae, x, epochs=60, optimizer=Adam(vae.params, lr=0.02), progress=False)
    best = -3 * (0.5 * np.log(2 * np.pi * np.e) + np.log(2))
    assert abs(evaluate(vae, x).elbo - best) < 0.1
    drawn = vae.sample(20_000, seed=0, draw=True)
    np.testing.assert_allclose(drawn.mean(axis=0), [-5] * 3, atol=0.2)
    np.testing.assert_allclose(drawn.std(axis=0), [2] * 3, rtol=0.05)
    assert active_units(vae, x) in (0, 1)


@pytest.mark.parametrize("decoder", ["gaussian", "sigmoid-gaussian", "isotropic"])
def test_what_is_no_bernoulli_takes_any_finite_number(decoder):
    """Grey is the identity on floats; the bound is that of the rows themselves."""
    vae = VAE(3, (4,), 2, decoder=decoder, dtype=np.float64)
    x = 100 * TABLE
    np.testing.assert_array_equal(grey(x, dtype=np.float64), x)
    assert evaluate(vae, x).elbo == pytest.approx(evaluate(vae, x, pixels="grey").elbo, rel=1e-15)
    fit(vae, x, epochs=1, test_images=x, progress=False)
    with pytest.raises(ValueError, match=r"images\[0, 1\] is 1.*e\+30; it should be from"):
        fit(VAE(2, decoder=decoder), np.array([[0, 1e30]]), progress=False)
    with pytest.raises(TypeError, match="images is of type float64; it should be uint8, to be deq"):
        fit(vae, x, pixels="dequantized", progress=False)
    with pytest.raises(ValueError, match=r"images\[4, 2\] is nan; it should be finite"):
        fit(vae, WITH_NAN, progress=False)


@pytest.mark.parametrize("pixels", ["bits", "grey"])
def test_a_bernoulli_decoder_takes_probabilities_alone(pixels):
    """Numbers outside of [0, 1] are refused before a step, and the Gaussian decoder is named."""
    with pytest.raises(ValueError, match=r"images\[0, 0\] is .*decoder='gaussian'"):
        fit(VAE(3), 5 + TABLE, pixels=pixels, progress=False)
    with pytest.raises(ValueError, match=r"images\[0, 1\] is 1.5"):
        binarize(np.array([[0.5, 1.5]]), np.random.default_rng(0))


def test_fit_takes_pictures_lists_and_integers():
    """(N, height, width), lists and integers are the (N, n_x) array that they mean: the same θ."""

    def theta(images, **settings):
        vae = VAE(12, (3,), 2, **settings)
        fit(vae, images, epochs=1, progress=False)
        return vae.params.theta

    flat, bits = PICTURES.reshape(30, 12), PICTURES > 127
    for images in (PICTURES, PICTURES.astype(int)):
        np.testing.assert_array_equal(theta(images), theta(flat))
    for images in (bits.astype(int), bits.reshape(30, 12).tolist()):
        np.testing.assert_array_equal(theta(images), theta(bits.reshape(30, 12)))
    numbers = (flat / 10).tolist()
    np.testing.assert_array_equal(
        theta(numbers, decoder="gaussian"), theta(flat / 10, decoder="gaussian")
    )
    with pytest.raises(TypeError, match="images is of type int64 with numbers from 0 to 255; it"):
        theta(flat.astype(int))


@pytest.mark.parametrize("version", [1, 2])
def test_an_earlier_gaussian_keeps_its_sigmoid(tmp_path, version):
    """A file of version 1 or 2 with the decoder "gaussian" is a model whose mean is
    sigmoid(h W + b), in (0, 1).
    """
    vae = VAE(3, (4,), 2, decoder="gaussian", dtype=np.float64)
    vae.params.theta[...] = np.random.default_rng(0).standard_normal(vae.params.theta.size)
    del (settings := vae.settings)["min_sigma"]  # which they have not
    theta, config = vae.params.theta, json.dumps(settings)
    arrays = {"format": "scratchvae.VAE", "version": version, "config": config, "theta": theta}
    path = tmp_path / "m.npz"
    if version == 1:
        np.savez(path, **arrays)
    else:
        from scratchvae.archive import write_arrays

        write_arrays(path, {**arrays, "data": "null"})
    old, z = load_model(path), np.ones((1, 2))
    assert old.decoder == "sigmoid-gaussian" and old.min_sigma == 0
    np.testing.assert_allclose(old.decode(z), 1 / (1 + np.exp(-vae.decode(z))), rtol=1e-12)
    save_model(old, path)
    assert load_model(path).decoder == "sigmoid-gaussian"


# ---- the command line ----


def run(*arguments: object) -> int:
    return main([*map(str, arguments)], [add_explore, add_paper])


def test_a_table_at_the_command_line(tmp_path, capsys):
    """train says that it divides the data, and draws no pictures of a table; evaluate knows the
    same test rows; interpolate says why it draws nothing.
    """
    np.savetxt(tmp_path / "t.csv", TABLE, delimiter=",", header="a,b,c", comments="")
    data, out = ("--data", tmp_path / "t.csv"), tmp_path / "out"
    more = "--decoder", "gaussian", "--n-z", 2, "--hidden", 5, "--workers", 1, "--quiet"
    assert run("train", *data, "--out", out, "--epochs", 1, *more) == 0
    said = capsys.readouterr().out
    assert "t.csv has no test set: 3 of its 30 rows, drawn once and for all, test" in said
    assert "learning_curve.png latent_scatter.png\n" in said and "explore" not in said
    assert not (out / "samples.png").exists() and load_model(out / "model.npz").image_shape is None
    assert run("evaluate", out / "model.npz", *data, "--workers", 1) == 0
    captured = capsys.readouterr()
    assert captured.err == "" and captured.out.splitlines()[1:3] == [
        line for line in said.splitlines() if line.startswith(("train  ", "test  "))
    ]
    assert run("interpolate", out / "model.npz", *data) == 2
    assert "the model is of 3 numbers and has no image_shape" in capsys.readouterr().err


def test_samples_of_a_table_are_its_rows(tmp_path, capsys):
    """sample prints rows as a .csv has them, any number: draws of `vae.sample`, to nine digits."""
    vae = VAE(3, (4,), 2, decoder="gaussian")
    save_model(vae, tmp_path / "m.npz")
    assert run("sample", tmp_path / "m.npz", "--n", 20, "--seed", 7) == 0
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    ours = np.array(rows, np.float64)
    np.testing.assert_allclose(ours, vae.sample(20, 7, draw=True), rtol=1e-8)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "t.csv has numbers from -.* to .*, and bits need them from 0 to 1: real numbers need"),
        (["--decoder", "gaussian", "--pixels", "bits"], "t.csv has numbers from .* bits need"),
        (["--decoder", "gaussian", "--pixels", "dequantized"], "t.csv should hold uint8 levels"),
    ],
)
def test_train_names_the_file_that_the_decoder_cannot_model(tmp_path, capsys, more, message):
    """One sentence, before a folder is made."""
    np.savetxt(tmp_path / "t.csv", TABLE, delimiter=",")
    assert run("train", "--data", tmp_path / "t.csv", "--out", tmp_path / "out", *more) == 2
    captured = capsys.readouterr()
    assert re.search(message, captured.err) and captured.out == ""
    assert not (tmp_path / "out").exists()


def test_pictures_without_labels_at_the_command_line(tmp_path, capsys):
    """Each command takes a .npy, and nothing says "label"."""
    np.save(tmp_path / "faces.npy", np.repeat(PICTURES, 4, axis=0))
    data, out = ("--data", tmp_path / "faces.npy"), tmp_path / "out"
    more = "--n-z", 2, "--hidden", 5, "--workers", 1, "--quiet", "--batch-size", 10
    assert run("train", *data, "--out", out, "--epochs", 1, *more) == 0
    for name in ("samples", "manifold", "latent_scatter", "reconstructions"):
        assert (out / f"{name}.png").exists()
    for command in ("evaluate", "reconstruct", "interpolate", "explore"):
        assert run(command, out / "model.npz", *data) == 0, capsys.readouterr().err
    page = (out / "explore.html").read_text(encoding="utf-8")
    assert '"labels":null' in page
    assert "error" not in capsys.readouterr().err


def test_the_default_folder_has_the_files_name(tmp_path, monkeypatch):
    """faces.v2.npy is trained into runs/faces."""
    monkeypatch.chdir(tmp_path)
    np.save("faces.v2.npy", PICTURES)
    more = "--hidden", 3, "--n-z", 1, "--workers", 1, "--quiet", "--epochs", 1
    assert run("train", "--data", "faces.v2.npy", *more) == 0
    assert Path("runs/faces/model.npz").is_file()


@pytest.mark.parametrize("data", ["rows of 4", "pictures of another shape"])
def test_data_of_another_shape_than_the_models(tmp_path, capsys, data):
    """evaluate names both shapes."""
    model = VAE(12, (3,), 2, image_shape=(3, 4))
    save_model(model, tmp_path / "m.npz")
    array = RNG.random((9, 4)) if data == "rows of 4" else PICTURES
    np.save(tmp_path / "x.npy", array)
    assert run("evaluate", tmp_path / "m.npz", "--data", tmp_path / "x.npy") == 2
    theirs = "rows have 4 numbers" if data == "rows of 4" else "images are 4 x 3 pixels"
    assert f"the {theirs}; the model is of 3 x 4" in capsys.readouterr().err


def test_the_paper_is_of_pictures(tmp_path, capsys):
    """A table is refused before a job."""
    np.save(tmp_path / "x.npy", TABLE)
    out = "--out", tmp_path / "p"
    assert run("paper", "figure2", "--data", tmp_path / "x.npy", *out) == 2
    assert "x.npy is a table; the paper's figures are of pictures" in capsys.readouterr().err


@pytest.mark.parametrize("labels", [None, np.repeat([3, 1000], 25)])
def test_the_latent_plane_without_labels(labels):
    """The picture of points has a numeral for each class, and none where there are no labels."""
    mu = np.random.default_rng(0).standard_normal((50, 2))
    drawn = figures.latent_scatter(mu, labels)
    numerals = [] if labels is None else ["3", "1000"]
    assert [text.get_text() for text in drawn.axes[0].texts] == numerals


def test_a_gzip_of_an_idx_of_floats_is_named(tmp_path):
    """The error of one idx file has its name."""
    path = tmp_path / "f-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(struct.pack(">HBBI", 0, 13, 1, 0)))
    with pytest.raises(FileFormatError, match=r"f-images-idx3-ubyte\.gz cannot be read as an idx"):
        load_images(path)


# ---- how pictures are drawn ----


def test_pictures_with_a_border_of_0_are_ink_on_paper(tmp_path):
    """Most pixels at the border are 0: ink. Else, and in colour, pictures are drawn as they are.
    The file of a model knows it; a file of version 2 has no such entry.
    """
    images = np.zeros((4, 6, 5), np.uint8)
    images[:, 2:4, 2] = np.array([[200], [210], [220], [230]])
    photographs = np.maximum(images, 30)
    for name, array, ink in (("ink", images, True), ("photographs", photographs, False)):
        np.save(tmp_path / f"{name}.npy", array)
        data = load_images(tmp_path / f"{name}.npy")
        assert data.ink is ink
        save_model(VAE(30, (4,), 1), tmp_path / "model.npz", data.identity)
        assert trained_on(tmp_path / "model.npz") == data.identity
    colour = ImageSet(images.reshape(4, 30), None, images[:1].reshape(1, 30), None, (2, 5, 3))
    assert not colour.ink
    assert VAE(30, (4,), 1, image_shape=(2, 5, 3)).settings["image_shape"] == (2, 5, 3)
    with pytest.raises(ValueError, match=r"\(height, width, 3\) in colour, with the product 30"):
        VAE(30, (4,), 1, image_shape=(3, 5, 2))
