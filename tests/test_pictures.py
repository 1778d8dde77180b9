"""Folders of pictures: classes, kinds, what is refused; colour arrays; the names of classes."""

import os
import re
import struct
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import write_idx, write_image_set
from PIL import Image

from scratchvae import (
    VAE,
    FileFormatError,
    active_units,
    cli,
    evaluate,
    fit,
    load_images,
    save_model,
)

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (12, 5, 4), np.uint8)
COLOUR = RNG.integers(0, 256, (12, 5, 4, 3), np.uint8)


def save(path: Path, picture: np.ndarray, mode: str | None = None, **options: object) -> None:
    """Write a picture in the folder, which is made, after it is converted to this mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture)
    (image.convert(mode) if mode else image).save(path, **options)


def write_classes(folder: Path, pictures: np.ndarray, names: list[str]) -> Path:
    """The pictures in folders of these names: the first one in the first, and so on, in turn."""
    for i, picture in enumerate(pictures):
        save(folder / names[i % len(names)] / f"{i}.png", picture)
    return folder


def together(data) -> np.ndarray:
    """All images of a data set, in the order of their pixels."""
    images = np.concatenate([data.train_images, data.test_images])
    return images[np.lexsort(images.T)]


def flat(pictures: np.ndarray) -> np.ndarray:
    """The same of an array of pictures."""
    rows = pictures.reshape(len(pictures), -1)
    return rows[np.lexsort(rows.T)]


# ---- classes and parts ----


@pytest.mark.parametrize("pictures", [GREY, COLOUR])
def test_subfolders_are_classes(tmp_path, pictures):
    """Label k is the k-th folder by name; each picture keeps its label, and no pixel changes."""
    names = ["zebra", "고양이", "Ankle boot"]
    data = load_images(write_classes(tmp_path / "x", pictures, names))
    assert data.class_names == ("Ankle boot", "zebra", "고양이")
    assert data.image_shape == pictures.shape[1:] and data.divided and data.name == "x"
    np.testing.assert_array_equal(together(data), flat(pictures))
    images = np.concatenate([data.train_images, data.test_images])
    for image, label in zip(images, np.concatenate([data.train_labels, data.test_labels])):
        (i,) = np.flatnonzero((pictures.reshape(12, -1) == image).all(axis=1))
        assert data.class_names[label] == names[i % 3]
    assert data.identity == load_images(tmp_path / "x").identity


def test_pictures_without_subfolders_have_no_labels(tmp_path, monkeypatch):
    """The order is that of the names, whatever the system's is, and not that of "train"."""
    for i, picture in enumerate(GREY):
        save(tmp_path / f"{i:02}.bmp", picture)
    data = load_images(tmp_path)
    assert data.train_labels is None and data.test_labels is None and data.class_names is None
    np.testing.assert_array_equal(together(data), flat(GREY))
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: sorted(listed(self), reverse=True))
    np.testing.assert_array_equal(load_images(tmp_path).train_images, data.train_images)


@pytest.mark.parametrize("labelled", [True, False])
def test_train_and_test_are_the_two_parts(tmp_path, labelled):
    """With or without classes. A class need not be in test; its label is that of train."""
    names = ["a", "b"] if labelled else ["."]
    write_classes(tmp_path / "train", GREY[:8], names)
    write_classes(tmp_path / "test", GREY[8:], names[-1:])
    data = load_images(tmp_path)
    assert not data.divided and data.class_names == (("a", "b") if labelled else None)
    np.testing.assert_array_equal(flat(data.train_images), flat(GREY[:8]))
    np.testing.assert_array_equal(flat(data.test_images), flat(GREY[8:]))
    if labelled:
        assert (data.train_labels.tolist(), data.test_labels.tolist()) == (
            [0] * 4 + [1] * 4,
            [1] * 4,
        )


def test_a_class_may_be_called_train(tmp_path):
    """Among other classes, train is a class."""
    data = load_images(write_classes(tmp_path, GREY, ["bus", "train"]))
    assert data.class_names == ("bus", "train") and data.divided


def test_what_systems_leave_in_a_folder_is_left_out(tmp_path):
    """Hidden files, thumbnails' data bases and text change nothing."""
    folder = write_classes(tmp_path, GREY, ["a", "b"])
    before = load_images(folder).identity
    for name in (".DS_Store", "a/Thumbs.db", "a/._0.png", "README.txt", "b/labels.csv"):
        (folder / name).write_bytes(b"no picture")
    (folder / ".git").mkdir()
    (folder / "__MACOSX").mkdir()
    assert load_images(folder).identity == before


# ---- kinds of pictures ----

BITS = (GREY > 127).astype(np.uint8) * 255
MODES = {
    "bits": (BITS, "1", "png"), "bits in a TIFF": (BITS, "1", "tif"), "grey": (GREY, None, "png"),
    "grey BMP": (GREY, "L", "bmp"), "PGM": (GREY, None, "pgm"), "GIF": (GREY, None, "gif"),
    "grey palette": (GREY, "P", "png"), "grey as RGB": (GREY, "RGB", "png"),
    "grey as RGBA": (GREY, "RGBA", "png"), "grey and alpha": (GREY, "LA", "png"),
    "colour": (COLOUR, None, "png"), "opaque": (COLOUR, "RGBA", "png"),
    "PPM": (COLOUR, None, "ppm"), "TIFF": (COLOUR, None, "TIFF"),
    "palette": (COLOUR // 128 * 255, "P", "png"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MODES)
def test_the_array_does_not_depend_on_the_format(tmp_path, kind):
    """Grey is grey in every mode, colours are exact, and black and white are 0 and 255."""
    pictures, mode, suffix = MODES[kind]
    for i, picture in enumerate(pictures):
        image = Image.fromarray(picture)
        image = image.quantize(dither=Image.Dither.NONE) if mode == "P" else image.convert(mode)
        image.save(tmp_path / f"{i:02}.{suffix}")
    data = load_images(tmp_path)
    assert data.image_shape == pictures.shape[1:]
    np.testing.assert_array_equal(together(data), flat(pictures))


@pytest.mark.parametrize("first", ["grey", "colour"])
def test_a_grey_picture_among_coloured_ones_has_three_equal_numbers(tmp_path, first):
    """Wherever it stands, and in train or in test."""
    as_colour = np.repeat(GREY[..., None], 3, axis=3)
    parts = [("train", GREY), ("test", COLOUR)]
    for name, pictures in parts if first == "grey" else [("train", COLOUR), ("test", GREY)]:
        for i, picture in enumerate(pictures):
            save(tmp_path / name / f"{i:02}.png", picture)
    data = load_images(tmp_path)
    expected = (as_colour, COLOUR) if first == "grey" else (COLOUR, as_colour)
    assert data.image_shape == (5, 4, 3)
    np.testing.assert_array_equal(data.train_images, expected[0].reshape(12, -1))
    np.testing.assert_array_equal(data.test_images, expected[1].reshape(12, -1))


def test_a_turned_picture_is_turned_back(tmp_path):
    """EXIF orientation 6 says: turn the stored pixels by 90 degrees clockwise."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for i, picture in enumerate(GREY):
        save(tmp_path / f"{i:02}.png", np.rot90(picture), exif=exif)  # stored counterclockwise
    data = load_images(tmp_path)
    assert data.image_shape == (5, 4)
    np.testing.assert_array_equal(together(data), flat(GREY))
    save(tmp_path / "99.png", np.rot90(GREY[0]))  # its header's size is that of the others
    with pytest.raises(
        FileFormatError, match=r"99\.png .* 4 pixels high and 5 wide, and .*00\.png"
    ):
        load_images(tmp_path)


# ---- what is refused ----


def png(width: int, height: int, depth: int, kind: int, pixels: bytes) -> bytes:
    """A PNG by its definition: a length, a name, the content and a checksum of each chunk."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(each)) + name + each + struct.pack(">I", zlib.crc32(name + each))
        for name, each in chunks
    )


def frames(path: Path) -> None:
    pictures = [Image.fromarray(picture) for picture in GREY[:3]]
    pictures[0].save(path, save_all=True, append_images=pictures[1:])


def cut(path: Path) -> None:
    save(path, RNG.integers(0, 256, (5, 4, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:-40])


WRONG = {
    "size": ("a/z.png", lambda p: save(p, GREY[0, :4]), r"it is 4 pixels high and 4 wide, .*0\.png "
             r"is 5 high and 4 wide; all should have one size.*fit\(picture, \(4, 5\)\)"),
    "16 bits": ("a/z.png", lambda p: save(p, GREY[0].astype(np.uint16)), "should be .* of 8 bits"),
    "16 bits in colour": ("a/z.png", lambda p: p.write_bytes(png(4, 5, 16, 2, bytes(5 * 25))),
                          "it has 16 bits; it should be grey or RGB of 8 bits"),
    "16 bits in a PPM": ("a/z.ppm", lambda p: p.write_bytes(b"P6 4 5 65535\n" + bytes(120)),
                         "it has 16 bits"),
    "numbers": ("a/z.tif", lambda p: save(p, GREY[0].astype(np.float32)), "it has the mode F"),
    "CMYK": ("a/z.jpg", lambda p: save(p, GREY[0], "CMYK"), "it has the mode CMYK; it should be"),
    "alpha": ("a/z.png", lambda p: save(p, RNG.integers(0, 255, (5, 4, 4), np.uint8)),
              "is transparent in places; it should be opaque"),
    "a transparent colour": ("a/z.png", lambda p: save(p, 0 * GREY[0], transparency=0), "is trans"),
    "frames": ("a/z.gif", frames, "it has 3 frames; each should be a file of its own"),
    "half a file": ("a/z.png", cut, "cannot be used as a picture"),
    "no bytes": ("a/z.png", lambda p: p.touch(), "is no picture that Pillow reads"),
    "an array": ("a/z.npy", lambda p: np.save(p, GREY), "is no picture that Pillow reads"),
    "EPS": ("a/z.eps", lambda p: save(p, GREY[0], "RGB"), "is no picture that Pillow reads"),
    "a broken link": ("a/z.png", lambda p: p.symlink_to("nowhere"), "does not exist"),
    "an empty class": ("c", lambda p: p.mkdir(), "holds no picture; the folder of a class should"),
    "a class of text": ("c", lambda p: (p.mkdir(), (p / "a.txt").touch()), "holds no picture"),
    "a deeper folder": ("a/d", lambda p: p.mkdir(), "a holds the folder d; the folder of a class"),
    "beside": ("z.png", lambda p: save(p, GREY[0]), r"z\.png lies beside the folder a; pictures"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_such_picture_is_refused(tmp_path, kind):
    """A FileFormatError of one sentence that names the file; no picture is dropped."""
    folder = write_classes(tmp_path / "mine", GREY, ["a", "b"])
    name, make, message = WRONG[kind]
    make(folder / name)
    with pytest.raises(FileFormatError, match=message) as error:
        load_images(folder)
    assert str(folder / name.removesuffix("/d")) in str(error.value)
    assert "\n" not in str(error.value)


PARTS = {
    "three": (
        {"train/a": 2, "test/a": 2, "val/a": 2},
        "holds test, train, val; it should hold the",
    ),
    "no train": ({"test/a": 2, "val/a": 2}, "holds test, val; it should hold the two folders"),
    "train alone": ({"train/a": 2}, "holds train; it should hold the two folders train and test"),
    "beside the parts": ({"train": 2, "test": 2, ".": 1}, r"holds test, train, 0\.png; it should"),
    "labels of one": ({"train/a": 2, "test": 2}, "one of train and test has folders of classes"),
    "a new class": ({"train/a": 2, "test/c": 2}, "test/c is a class that train has not"),
    "an empty part": ({"train": 2, "test": 0}, "test holds no picture"),
    "nothing": ({".": 0}, "holds no picture, and no idx file such as train-images-idx3-ubyte"),
    "one picture": ({".": 1}, "it has 1 picture; it should have 2 or more"),
    "one to train": ({"train": 1, "test": 2}, "there is 1 training image; there should be 2"),
}


@pytest.mark.parametrize("kind", PARTS)
def test_folders_that_are_no_parts_are_refused(tmp_path, kind):
    """What train and test should hold; and how many pictures there should be."""
    folders, message = PARTS[kind]
    for name, n in folders.items():
        (tmp_path / "x" / name).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            save(tmp_path / "x" / name / f"{i}.png", GREY[i])
    with pytest.raises(FileFormatError, match=message):
        load_images(tmp_path / "x")


def test_pictures_that_are_all_the_same_are_refused(tmp_path):
    """Such as all black ones, which a wrong conversion makes."""
    for i in range(9):
        save(tmp_path / f"{i}.png", np.zeros((5, 4), np.uint8))
    with pytest.raises(FileFormatError, match="the 9 training images are all the same; they sho"):
        load_images(tmp_path)


def test_the_header_is_read_before_the_pixels(tmp_path):
    """A PNG of 60 kB that would be 60 million pixels, and pictures that are too many together."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/bomb.png").write_bytes(png(6000, 10_000, 8, 0, bytes(60_000_000)))
    tracemalloc.start()
    with pytest.raises(FileFormatError, match=r"bomb\.png .* 60000000 bytes, and max_memory \(--m"):
        load_images(tmp_path / "a", max_memory=10_000_000)
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()
    save(tmp_path / "a/a.png", GREY[0])  # the first one
    with pytest.raises(
        FileFormatError, match=r"bomb\.png .* it is 10000 pixels high and 6000 wide"
    ):
        load_images(tmp_path / "a", max_memory=10_000_000)
    folder = write_classes(tmp_path / "b", COLOUR, ["a", "b"])
    with pytest.raises(FileFormatError, match="12 of its size need 720 bytes, and max_memory"):
        load_images(folder, max_memory=719)
    assert len(load_images(folder, max_memory=720).train_images) == 11


def test_a_picture_by_itself_is_no_data_set(tmp_path):
    """The sentence says to name its folder."""
    save(tmp_path / "cat.png", GREY[0])
    with pytest.raises(FileFormatError, match=r"cat\.png .*should be named by their folder"):
        load_images(tmp_path / "cat.png")


# ---- arrays in colour ----


@pytest.mark.parametrize(
    "array", [COLOUR, COLOUR / np.float32(255), COLOUR.astype(int), COLOUR > 127]
)
def test_arrays_in_colour(tmp_path, array):
    """(N, height, width, 3) of levels, floats in [0, 1] or bits has the image_shape; one channel
    is grey.
    """
    np.save(tmp_path / "x.npy", array)
    data = load_images(tmp_path / "x.npy")
    assert data.image_shape == (5, 4, 3)
    np.testing.assert_array_equal(together(data), flat(array))
    np.savez(tmp_path / "x.npz", x_train=array[:8], x_test=array[8:])
    data = load_images(tmp_path / "x.npz")
    np.testing.assert_array_equal(data.test_images, array[8:].reshape(4, -1))
    np.save(tmp_path / "x.npy", array[..., 1:2])
    assert load_images(tmp_path / "x.npy").image_shape == (5, 4)
    wrong = array / 255.0
    wrong[2, 1, 0, 2] = np.nan
    np.save(tmp_path / "x.npy", wrong)
    with pytest.raises(
        FileFormatError, match="training image 3, row 2, column 1, channel 3 is nan"
    ):
        load_images(tmp_path / "x.npy")


def test_fit_and_evaluate_take_colour():
    """(N, height, width, 3) are the rows that they mean, and (N, height, width, 1) too; channels
    first and transparency are refused with what to type, also where the number of pixels fits.
    """
    found = []
    same = COLOUR, COLOUR.reshape(12, 60), COLOUR.reshape(12, 20, 3, 1), COLOUR.astype(int)
    for images in same:
        vae = VAE(60, (3,), 2, image_shape=(5, 4, 3))
        fit(vae, images, epochs=1, test_images=images, progress=False)
        found.append((vae.params.theta.tolist(), evaluate(vae, images), active_units(vae, images)))
    assert found == found[:1] * 4
    with pytest.raises(ValueError, match=r"\(12, 3, 5, 4\); .*numpy\.moveaxis\(images, 1, 3\)"):
        fit(vae, np.moveaxis(COLOUR, 3, 1), progress=False)
    with pytest.raises(ValueError, match=r"\(12, 5, 3, 4\); .* images\[\.\.\., :3\] leaves"):
        evaluate(vae, COLOUR.reshape(12, 5, 3, 4))


# ---- the names of classes ----

LABELS = np.arange(12) % 3
NAMES = ["T-shirt/top", "Ankle boot", "신발"]


def test_the_names_of_a_npz_and_of_idx_files(tmp_path):
    """class_names in a .npz, and the lines of class_names.txt beside idx files; they do not
    change which data set it is.
    """
    np.savez(tmp_path / "x.npz", images=GREY, labels=LABELS, class_names=NAMES)
    data = load_images(tmp_path / "x.npz")
    assert data.class_names == tuple(NAMES)
    np.savez(tmp_path / "y.npz", images=GREY, labels=LABELS)
    assert load_images(tmp_path / "y.npz").identity.checksum == data.identity.checksum
    folder = write_image_set(tmp_path / "idx")
    assert load_images(folder).class_names is None
    text = "\ufeff{} \r\n{}\n{}  \n\n".format(*NAMES)
    (folder / "class_names.txt").write_text(text, encoding="utf-8", newline="")
    assert load_images(folder).class_names == tuple(NAMES)
    (folder / "class_names.txt").write_bytes(b"Stra\xdfe\n")
    with pytest.raises(FileFormatError, match=r"class_names\.txt cannot be read as UTF-8"):
        load_images(folder)


WRONG_NAMES = {
    "too few": ({"labels": LABELS, "class_names": NAMES[:2]}, "label 2 has no name; the 2 names"),
    "negative": ({"labels": LABELS - 1, "class_names": NAMES}, "label -1 has no name"),
    "no labels": ({"class_names": NAMES}, "it has class_names but no labels"),
    "numbers": ({"labels": LABELS, "class_names": [1, 2, 3]}, "class_names is of type int64 and s"),
    "a table": ({"labels": LABELS, "class_names": [NAMES]}, r"shape \(1, 3\); it should be text"),
    "empty": ({"labels": LABELS, "class_names": ["a", " ", "b"]}, "the name of label 1 is ' '; it"),
    "a cursor": ({"labels": LABELS, "class_names": ["a", "b\x1b[2J", "c"]}, "should be printable"),
    "twice": ({"labels": LABELS, "class_names": ["a", "b", "b"]}, "labels 1 and 2 have the name"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG_NAMES)
def test_names_that_do_not_fit_are_refused(tmp_path, kind):
    """Each label has one name of its own, which can be printed."""
    arrays, message = WRONG_NAMES[kind]
    np.savez(tmp_path / "x.npz", images=GREY, **arrays)
    with pytest.raises(FileFormatError, match=message) as error:
        load_images(tmp_path / "x.npz")
    assert "x.npz" in str(error.value)


def test_names_of_test_labels_too(tmp_path):
    """A label that only the test images have needs a name as well."""
    arrays = {"x_train": GREY[:8], "y_train": LABELS[:8] % 2, "x_test": GREY[8:]}
    np.savez(tmp_path / "x.npz", **arrays, y_test=LABELS[8:], class_names=NAMES[:2])
    with pytest.raises(FileFormatError, match="label 2 has no name"):
        load_images(tmp_path / "x.npz")


@pytest.mark.skipif(sys.platform != "linux", reason="names are text there")
def test_a_folder_whose_name_is_no_text(tmp_path):
    """Its bytes are no UTF-8, so no picture could show it."""
    folder = write_classes(tmp_path, GREY, ["a", "b"])
    os.rename(folder / "b", os.fsencode(folder) + b"/\xff")
    with pytest.raises(FileFormatError, match=r"the name of label 1 is '\\udcff'; it should be pr"):
        load_images(folder)


# ---- the command line ----

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
OWN_DATA = README.split("\n## Your own data\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("command", re.findall(r"scratchvae (train --data pets[^`\n]*)", OWN_DATA))
def test_the_readmes_command_comes_to_the_training(tmp_path, monkeypatch, command):
    """It reads the folder of the README's example, and trains a model of its pictures."""
    monkeypatch.chdir(tmp_path)
    write_classes(Path("pets"), COLOUR, ["cat", "dog"])
    began = []
    monkeypatch.setattr(cli, "_train_into", lambda *all_: bool(began.append(all_)))
    assert cli.main(command.split()) == 0
    folder, vae, _, data, _ = began[0]
    assert folder == Path("runs/pets") and vae.image_shape == (5, 4, 3)
    assert data.class_names == ("cat", "dog")


def test_a_folder_of_pictures_at_the_command_line(tmp_path, monkeypatch, capsys):
    """A model of colour is evaluated on a folder; a wrong folder is named, and so is nowhere."""
    monkeypatch.chdir(tmp_path)
    folder = write_classes(Path("pets"), np.repeat(COLOUR, 2, axis=0), ["cat", "dog"])
    save_model(VAE(60, (3,), 2, image_shape=(5, 4, 3)), "m.npz", load_images(folder).identity)
    assert cli.main(["evaluate", "m.npz", "--data", "pets", "--workers", "1"]) == 0
    assert capsys.readouterr().err == ""
    write_idx(folder / "faces-images-idx3-ubyte.gz", GREY)  # idx files go first
    assert cli.main(["evaluate", "m.npz", "--data", "pets", "--workers", "1"]) == 2
    assert "images are 5 x 4 pixels; the model is of 5 x 4 x 3" in capsys.readouterr().err
    assert cli.main(["train", "--data", "nowhere"]) == 2
    assert "It should be a folder of pictures, a .npy, .npz" in capsys.readouterr().err
