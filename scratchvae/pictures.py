"""A folder of pictures as arrays. Pillow reads them, which comes with Matplotlib.

**Classes.** Pictures that lie in the folder itself have no labels. Where it has subfolders,
each is a class: its pictures have the label k, the place of its name in the sorted names,
from 0 on. Two subfolders train/ and test/ are the two parts, and each has pictures or the
classes. A class of test/ is one of train/.

    cats/            pets/cat/  pets/dog/            pets/train/cat/  pets/train/dog/
                                                     pets/test/cat/   pets/test/dog/

**One array.** All pictures have one size. A picture is grey where its three colours are
equal at every pixel, however the file stores them. If all pictures are grey, the array is
(N, height, width). Else it is (N, height, width, 3), red, green, blue, and a grey picture
has three equal numbers. So nothing is lost, and the array does not depend on the format. It
is uint8 from 0 to 255; black and white of one bit are 0 and 255. The order is that of the
names, class by class.

**What is read.** Every format of Pillow that needs no other program. A palette is looked
up. A JPEG that a camera has turned (EXIF) is turned back. Transparency must be opaque
everywhere: what is seen behind it is not known. 16 bits, numbers and CMYK are refused: they
have no exact meaning from 0 to 255. So are several frames in one file.

**What is left out.** Hidden files, those that systems leave in a folder, and text. Every
other file has to be a picture: none is left out because it cannot be read.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchvae.files import FileFormatError, readable
from scratchvae.readers import within

LEFT_OUT = ("thumbs.db", "desktop.ini", "__macosx")  # what systems write, in lower case
TEXT = (".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".html")
PARTS = {"train", "test", "val", "valid", "validation"}  # no names of classes, by themselves
GREY, COLOUR = ("1", "L"), ("P", "PA", "LA", "RGB", "RGBA", "RGBX", "YCbCr")
RUNS_A_PROGRAM = "EPS"  # Ghostscript


def read_pictures(folder: Path, max_memory: int) -> dict[str, NDArray[Any]]:
    """train_images, and as far as there are, test_images, train_labels, test_labels, class_names.

    FileFormatError, with the file's name, when a file is no picture, of another size than the
    first, or has no exact levels; when a class is empty; when the array needs more than
    max_memory bytes. A size is looked at before its picture is decoded.
    """
    folders, files = _inside(folder)
    named = {path.name.lower(): path for path in folders}
    if {*named} == {"train", "test"} and len(folders) == 2 and not files:
        train, test = _classes(named["train"]), _classes(named["test"])
    elif {*named} <= PARTS and {*named} & {"train", "test"}:
        raise FileFormatError(
            f"{folder} holds {', '.join(path.name for path in folders + files[:1])}; it should "
            "hold the two folders train and test alone, or pictures, or a folder for each class"
        )
    else:
        train, test = _classes(folder), {}
    if test and ("" in train) != ("" in test):
        raise FileFormatError(
            f"{folder}: one of train and test has folders of classes; both should, or neither"
        )
    classes = [*train]
    for name in test:
        if name not in train:
            raise FileFormatError(
                f"{test[name][0].parent} is a class that train has not; train should have it too"
            )
    first, last = ([path for of in part.values() for path in of] for part in (train, test))
    stacked, n = _stacked(first + last, max_memory), len(first)
    found = {"train_images": stacked[:n]}
    if test:
        found["test_images"] = stacked[n:]
    for part, of in (("train", train), ("test", test)):
        if of and "" not in of:
            labels = [k for k, name in enumerate(classes) for _ in of.get(name, ())]
            found[f"{part}_labels"] = np.array(labels)
            found["class_names"] = np.array(classes)
    return found


def _inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders and the files in it, by name. Those that are left out are not among them."""
    there = [
        path
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if not path.name.startswith(".") and path.name.lower() not in LEFT_OUT
    ]
    files = [path for path in there if not path.is_dir() and path.suffix.lower() not in TEXT]
    return [path for path in there if path.is_dir()], files


def _classes(folder: Path) -> dict[str, list[Path]]:
    """The files of each class by its name; "" is the name where there are no classes."""
    folders, files = _inside(folder)
    if not folders and not files:
        raise FileFormatError(
            f"{folder} holds no picture, and no idx file such as train-images-idx3-ubyte.gz. A "
            ".npy, .npz or .csv should be named itself"
        )
    if not folders:
        return {"": files}
    found = {}
    for inner in folders:
        deeper, found[inner.name] = _inside(inner)
        if deeper or not found[inner.name]:
            holds = f"the folder {deeper[0].name}" if deeper else "no picture"
            raise FileFormatError(
                f"{inner} holds {holds}; the folder of a class should hold its pictures alone"
            )
    if files:
        raise FileFormatError(
            f"{files[0]} lies beside the folder {folders[0].name}; pictures should all be in "
            "folders of classes, or there should be no folder"
        )
    return found


def _stacked(files: list[Path], max_memory: int) -> NDArray[np.uint8]:
    """(N, height, width) if all are grey, else (N, height, width, 3)."""
    from PIL import Image

    with warnings.catch_warnings():  # of large pictures: max_memory is the limit here
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        images = np.empty((0, 0, 0), np.uint8)
        for i, path in enumerate(files):
            first = None if i == 0 else (files[0], images.shape[1], images.shape[2])
            picture = _levels(path, first, len(files), max_memory)
            if i == 0:
                images = np.empty((len(files), *picture.shape), np.uint8)
            if picture.ndim == images.ndim:  # the first one in colour
                images = np.repeat(images[..., None], 3, axis=3)
            images[i] = picture if picture.ndim == images.ndim - 1 else picture[..., None]
    return images


def _levels(
    path: Path, first: tuple[Path, int, int] | None, n: int, max_memory: int
) -> NDArray[np.uint8]:
    """A picture, one of n: (height, width) if it is grey, else (height, width, 3).

    first: the first picture's file, height and width, which the others have too.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.init()
    readable(path)
    try:
        with Image.open(
            path, formats=[name for name in Image.ID if name != RUNS_A_PROGRAM]
        ) as file:
            grey = file.mode in GREY and "transparency" not in file.info
            _check_header(file, first)
            need = n * file.width * file.height * (1 if grey else 3)
            within(need, max_memory, f"{n} of its size need")
            turned = ImageOps.exif_transpose(file)
            if first:
                _check_size((turned.height, turned.width), first)
            if grey:
                return np.asarray(turned.convert("L"))
            rgba = np.asarray(turned.convert("RGBA"))
    except UnidentifiedImageError as error:
        raise FileFormatError(
            f"{path} is no picture that Pillow reads; the folder should hold pictures alone. A "
            "file of an array should be named itself"
        ) from error
    except Exception as error:  # a damaged file: each format has exceptions of its own
        why = str(error) or type(error).__name__
        raise FileFormatError(f"{path} cannot be used as a picture: {why}") from error
    if rgba[..., 3].min() < 255:
        raise FileFormatError(
            f"{path} is transparent in places; it should be opaque: paste it on a background"
        )
    red = rgba[..., 0]
    return red if (rgba[..., 1:3] == red[..., None]).all() else rgba[..., :3]


def _check_header(file: Any, first: tuple[Path, int, int] | None) -> None:
    """Size, kind and frames, before a pixel is decoded. A camera may have turned it."""
    if first and sorted(file.size) != sorted(first[1:]):
        _check_size((file.height, file.width), first)
    # Pillow gives the upper half of 16 bits, and says it in the decoder's arguments alone
    deep = any(mark in str(tile[3]) for tile in file.tile for mark in (";16", "65535"))
    if deep or file.mode not in GREY + COLOUR:
        kind = "16 bits" if deep else f"the mode {file.mode}"
        raise ValueError(
            f"it has {kind}; it should be grey or RGB of 8 bits. Convert it, or save all pictures "
            "as one array of floats from 0 to 1 in a .npy"
        )
    if getattr(file, "is_animated", False) and file.format != "MPO":  # a camera's previews
        raise ValueError(f"it has {file.n_frames} frames; each should be a file of its own")


def _check_size(size: tuple[int, int], first: tuple[Path, int, int]) -> None:
    if size != first[1:]:
        raise ValueError(
            f"it is {size[0]} pixels high and {size[1]} wide, and {first[0]} is {first[1]} "
            f"high and {first[2]} wide; all should have one size: scale or crop them, for example "
            f"with PIL.ImageOps.fit(picture, ({first[2]}, {first[1]}))"
        )
