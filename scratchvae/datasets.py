"""Data sets: MNIST and your own, minibatches, and what a model sees of a pixel.

**Pictures and tables.** An array (N, height, width) is N pictures, and (N, height, width,
3) is N pictures in colour. An array (N, n) is a table: N rows of n numbers. uint8 and bool
are levels and bits, floats are numbers. Other integers are taken where they can mean one
thing: 0 and 1 are bits, a number beyond 0 to 255 is no level. Integers from 0 to 255 are
levels in pictures; in a table they may be ages, so it should say what they are by its type.

**Bits.** A Bernoulli decoder models pixels that are 0 or 1. A grey pixel of MNIST, 0 to
255, is read as the *probability* pixel / 255 that the bit is 1. The bits are drawn anew
each time an image is used. Draw a number u from 0, 1, ..., 254, all with the same
probability. Then u < pixel holds for exactly `pixel` of the 255 values, so

    x = 1 if u < pixel else 0       has       P(x = 1) = pixel / 255, exactly.

**Grey.** x = pixel / 255, and floats are x as they are. A Gaussian decoder models any real
numbers, so nothing confines them. For a Bernoulli decoder x is in [0, 1], and log p(x|z)
is then minus a cross entropy and no likelihood: it cannot rise above minus the entropy of
the grey pixels. For a likelihood draw bits, or take a decoder of grey levels: a Gaussian,
or the continuous Bernoulli, which divides by what is missing to a density (Loaiza-Ganem
and Cunningham 2019, arXiv 1907.06845; `distributions.py`).

**Dequantized.** x = (pixel + u) / 256, u ~ U[0, 1): continuous numbers for a density.

**Standardized.** The columns of a table may be centimetres and won. A training begins with
outputs of about 0 and σ = 1, and moves each weight by about the learning rate, so numbers
that are far from this scale take many steps. x = (row − mean) / scale has the mean 0 and
the standard deviation 1 in each column of the training rows. `Units` has the way back.

**One meaning.** uint8 is 0 to 255 in every function of the package, and bool is 0 and 1.
A uint8 array whose maximum is 1 is most likely bits, which would be read as black images.
So it is refused. A minibatch of dark images may have this maximum too: `part` says that
the images are some of a data set that is checked already.

Images stay uint8 in memory, 47 MB for MNIST and a quarter of float32. They become floats
one minibatch at a time.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from scratchvae import checks
from scratchvae.files import FileFormatError
from scratchvae.parameters import FloatArray
from scratchvae.pictures import read_pictures
from scratchvae.readers import COLUMNS, GIGABYTE, read_arrays, read_idx, within

Images = NDArray[np.uint8] | NDArray[np.bool_] | FloatArray
Labels = NDArray[np.integer[Any]]
IDX = "-images-idx3-ubyte", "-labels-idx1-ubyte"  # how the names of a folder's files end
NAMES = "class_names"  # in a .npz, or class_names.txt in a folder of idx files
PARTS = (  # names in a .npz: training images and labels, test images and labels
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("train", "train_labels", "test", "test_labels"),
    ("images", "labels", "test_images", "test_labels"),
)


class Units(NamedTuple):
    """The units of a table that is standardized: row_j = mean_j + scale_j x_j, column by column.

    mean, scale: a number for each column, finite, and scale_j > 0.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]

    def standardized(self, rows: ArrayLike) -> FloatArray:
        """x_j = (row_j − mean_j) / scale_j. (N, n_x), float64."""
        x = checks.rows("rows", rows, len(self.mean)).astype(np.float64)
        return (x - np.array(self.mean)) / np.array(self.scale)

    def rows(self, x: ArrayLike) -> FloatArray:
        """row_j = mean_j + scale_j x_j, in the table's units. (N, n_x), float64."""
        standardized = checks.rows("x", x, len(self.mean)).astype(np.float64)
        return np.array(self.mean) + np.array(self.scale) * standardized

    @property
    def log_scale(self) -> float:
        """Σ_j log scale_j: what log p of a row is below log p of the standardized row, in nats.

        A density is a probability per volume. dx = d row / Π_j scale_j, and a set of rows has the
        probability of the set of their x, ∫ p(row) d row = ∫ p(x) dx. So

            p(row) = p(x) / Π_j scale_j,       log p(row) = log p(x) − Σ_j log scale_j,

        and the same for a bound of log p. A set of rows that is 10 times as wide in other units
        has a density that is 10 times as low.
        """
        return float(np.log(self.scale).sum())


class Identity(NamedTuple):
    """What a data set is known by: a name for people, the images' shape, and a checksum.

    ink: how its pictures are drawn. units, columns: of a table. See `ImageSet`.
    """

    name: str
    image_shape: tuple[int, ...] | None
    checksum: str
    ink: bool = True
    units: Units | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class ImageSet:
    """A data set: images or rows of a table, with a label each or without labels.

    train_images (N, n_x), test_images: uint8, bool or floats. train_labels (N,), test_labels:
    whole numbers, or None. image_shape: (height, width), or (height, width, 3) in colour; n_x is
    their product. None for a table. divided: the test images are a part of the one set that there
    was. class_names: the name of label k is class_names[k]; None: a label's name is its number.
    units: of a table whose rows here are standardized; None: they are as in the file. columns: the
    names of a table's columns, if it has them.
    """

    train_images: Images
    train_labels: Labels | None
    test_images: Images
    test_labels: Labels | None
    image_shape: tuple[int, ...] | None
    name: str = ""
    divided: bool = False
    class_names: tuple[str, ...] | None = None
    units: Units | None = None
    columns: tuple[str, ...] | None = None

    @cached_property
    def identity(self) -> Identity:
        """The checksum is of all images and labels, as they are here, and not of the names of
        classes: a model never sees these, and stays the model of this data set when a class gets
        a better name.
        """
        digest = hashlib.sha256(str(self.image_shape).encode())
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            if array is not None:
                digest.update(np.ascontiguousarray(array).data)
        checksum = digest.hexdigest()
        return Identity(self.name, self.image_shape, checksum, self.ink, self.units, self.columns)

    @cached_property
    def ink(self) -> bool:
        """Whether pictures are drawn as ink on paper: 0 is white, and 1 is black.

        So it is where most pixels at the border are 0, as for MNIST. Photographs are drawn as they
        are: 0 is black, 1 is white. Pictures in colour too.
        """
        if self.image_shape is None:  # a model of bits may be drawn all the same
            return True
        if len(self.image_shape) == 3:
            return False
        images = self.train_images.reshape(-1, *self.image_shape)
        border = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
        return bool(np.mean([(edge == 0).mean() for edge in border]) > 0.5)

    def standardized(self, units: Units | None = None) -> "ImageSet":
        """The table with each column standardized: (row − mean) / scale, as float64.

        units: those that a model has been trained with; None: mean and standard deviation of the
        training rows alone, √((1/N) Σ (row − mean)²), so that nothing is known of the test rows.
        ValueError for what is no table of real numbers, for a column whose scale would be 0 or
        infinite, and for a table that is standardized already.
        """
        if self.image_shape is not None or self.train_images.dtype.kind != "f" or self.units:
            holds = f"numbers of type {self.train_images.dtype}"
            holds = "pictures" if self.image_shape is not None else holds
            holds = "standardized numbers" if self.units else holds
            raise ValueError(
                f"{self.name} holds {holds}; to be standardized (--standardize) it should be a "
                "table of real numbers, of type float64 or float32"
            )
        if units is None:
            table = self.train_images.astype(np.float64)
            with np.errstate(over="ignore", invalid="ignore"):
                mean, scale = table.mean(axis=0), table.std(axis=0)
            scale[(table == table[:1]).all(axis=0)] = 0  # the mean of equal numbers may round
            wrong = ~(np.isfinite(scale) & (scale > 0))
            if wrong.any():
                column = checks.first_index(wrong)[0]
                raise ValueError(
                    f"column {column + 1} of {self.name} has the standard deviation "
                    f"{scale[column]:g} in the training rows; it should be finite and above 0"
                )
            units = Units(tuple(mean.tolist()), tuple(scale.tolist()))
        train, test = map(units.standardized, (self.train_images, self.test_images))
        return replace(self, train_images=train, test_images=test, units=units)

    def in_units(self, rows: ArrayLike) -> FloatArray:
        """Rows of a model of this data in the data's units, (N, n_x): samples, for example."""
        return np.asarray(rows) if self.units is None else self.units.rows(rows)


def load_images(
    path: str | os.PathLike[str] | None = None, *, standardize: bool = False,
    max_memory: int = GIGABYTE,
) -> ImageSet:  # fmt: skip
    """A data set from a folder or a file.

    path: a folder of idx files, gzipped (.gz) or not, with MNIST's names or with one file of
    images, with or without labels and test images; a folder of pictures, where subfolders are
    classes (`pictures.py`); one idx file; a .npy; a .npz with x_train, y_train, x_test, y_test,
    or others of `PARTS`, or with one array; a .csv. None: $SCRATCHVAE_DATA if it is set, else
    the folder data/ in the package or beside it, MNIST.
    The names of classes are those of the subfolders, an array of text class_names in a .npz, or
    the lines of class_names.txt beside idx files: line 1 is the name of label 0.
    Where there are no test images, the last tenth after a shuffle are them. The shuffle is
    always the same, so that the next command has the same ones.
    standardize: each column of a table gets mean 0 and standard deviation 1 in the training
    rows, see `ImageSet.standardized`; `in_units` of the data set has the way back.
    FileFormatError when a file is missing, damaged, or does not match the others, or when a
    file has more than max_memory bytes, or all pictures have. And when the data cannot be
    modelled: fewer than 2 rows, a number that is not finite, a table's column with the same
    number in every row, pictures that are all the same.
    """
    place, standardize = data_place(path), checks.flag("standardize", standardize)
    read = _of_folder if place.is_dir() else read_arrays
    arrays = read(place, max_memory)
    names = arrays.pop(NAMES, None)
    columns = arrays.pop(COLUMNS, None) if "" in arrays else None
    parts = _of_arrays(place, arrays)
    try:
        train, train_labels, test, test_labels = _checked(*parts)
        class_names = None if names is None else _class_names(names, train_labels, test_labels)
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{place}: {error}") from error
    divided = test is None
    if test is None:
        order = checks.generator("seed", 0, "test images").permutation(len(train))
        first, last = np.split(order, [-max(1, len(train) // 10)])
        train, test = train[first], train[last]
        if train_labels is not None:
            train_labels, test_labels = train_labels[first], train_labels[last]
    pictures = train.ndim > 2 and in_unit_interval(train) and in_unit_interval(test)
    name = "MNIST" if place in own_places() else place.resolve().name
    data = ImageSet(
        train.reshape(len(train), -1), train_labels, test.reshape(len(test), -1), test_labels,
        train.shape[1:] if pictures else None, name, divided, class_names,
        columns=None if columns is None else tuple(columns.tolist()),
    )  # fmt: skip
    return data.standardized() if standardize else data


def load_mnist(
    folder: str | os.PathLike[str] | None = None, *, max_memory: int = GIGABYTE
) -> ImageSet:
    """MNIST. With a folder or a file: `load_images` of it."""
    place = None if folder is None else checks.path("folder", folder)
    return load_images(place, max_memory=max_memory)


def data_place(path: str | os.PathLike[str] | None) -> Path:
    """What is asked for; else $SCRATCHVAE_DATA; else data/ in the package or beside it."""
    if path is None and os.environ.get("SCRATCHVAE_DATA"):
        path = os.environ["SCRATCHVAE_DATA"]
    places = own_places() if path is None else [checks.path("path", path)]
    for place in places:
        try:
            if place.is_file() or place.is_dir():
                return place
        except OSError:  # a name that the system cannot have
            break
    raise FileFormatError(
        f"no data: looked in {' and '.join(map(str, places))}. It should be a folder of pictures, "
        "a .npy, .npz, .csv or idx file, or a folder of idx files such as "
        "train-images-idx3-ubyte.gz; the package's repository has MNIST's four files in data/. "
        "Name it with --data or $SCRATCHVAE_DATA"
    )


def own_places() -> list[Path]:
    """Where the package's own data may be: data/ in the package, or beside it."""
    package = Path(__file__).resolve().parent
    return [package / "data", package.parent / "data"]


# training images and labels, test images and labels
Parts = tuple[NDArray[Any], NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None]


def _of_folder(folder: Path, max_memory: int) -> dict[str, NDArray[Any]]:
    """The idx files that are there: those with MNIST's names, or the only one of images.

    Where there is none, the pictures. The names are of `PARTS`.
    """
    there = {path.name.removesuffix(".gz") for path in folder.iterdir()}
    parts = {name.removesuffix(kind) for name in there for kind in IDX if name.endswith(kind)}
    if not parts:
        return read_pictures(folder, max_memory)
    train = next(iter(parts)) if len(parts) == 1 and parts != {"t10k"} else "train"
    wanted = {"train": train, "test": "t10k"} if "t10k" in parts else {"train": train}
    labelled = any(part + IDX[1] in there for part in wanted.values())

    def read(name: str) -> NDArray[np.uint8]:
        for path in (folder / f"{name}.gz", folder / name):
            if path.is_file():
                return read_idx(path, max_memory=max_memory)
        raise FileFormatError(f"{folder} holds no {name}.gz and no {name}")

    found: dict[str, NDArray[Any]] = {}
    for part, name in wanted.items():
        found[f"{part}_images"] = read(name + IDX[0])
        if labelled:
            found[f"{part}_labels"] = read(name + IDX[1])
    if (names := folder / f"{NAMES}.txt").is_file():
        try:
            within(names.stat().st_size, max_memory, "it has")
            lines = names.read_text("utf-8-sig").rstrip().splitlines()
        except ValueError as error:
            raise FileFormatError(f"{names} cannot be read as UTF-8: {error}") from error
        found[NAMES] = np.array([line.strip() for line in lines], np.str_)
    return found


def _of_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> Parts:
    """Those of a file, by their names."""
    if [*arrays] == [""]:
        return arrays[""], None, None, None
    for names in PARTS:
        if names[0] in arrays:
            _, labels, test, test_labels = (arrays.get(name) for name in names)
            return arrays[names[0]], labels, test, test_labels
    raise FileFormatError(
        f"{path} holds {', '.join(arrays) or 'nothing'}; it should hold one array, or "
        f"{', or '.join(', '.join(names) for names in PARTS[:2])}"
    )


def _checked(
    train: NDArray[Any], train_labels: NDArray[Any] | None, test: NDArray[Any] | None,
    test_labels: NDArray[Any] | None,
) -> tuple[Images, Labels | None, Images | None, Labels | None]:  # fmt: skip
    """The parts with one meaning each. Errors say which part, and where."""
    train = _shaped("training", train)
    both = [train] if test is None else [train, _shaped("test", test)]
    sizes = [" x ".join(map(str, images.shape[1:])) for images in both]
    if len({*sizes}) > 1:
        raise ValueError(
            f"training images are {sizes[0]} pixels, test images {sizes[1]}; they should be of one "
            "size"
        )
    if test is None and len(train) < 2:
        what = "row" if train.ndim == 2 else "picture"
        raise ValueError(f"it has 1 {what}; it should have 2 or more, of which one is to test")
    if len({images.dtype for images in both}) > 1:
        raise TypeError(
            f"training images are of type {train.dtype}, test images {both[1].dtype}; they should "
            "be of one type"
        )
    whole = train if train.dtype == np.uint8 else np.concatenate(both)
    kind = one_meaning("the array", whole, train.ndim > 2).dtype
    found = []
    for part, images in zip(("training", "test"), both):
        images = images.astype(kind, copy=False)
        checks.levels("the array", images)
        if kind.kind == "f":
            wrong = ~np.isfinite(images)
            if wrong.any():
                raise ValueError(
                    f"{part} {_place(checks.first_index(wrong))} is {images[wrong][0]}; it should "
                    "be finite (counted from 1)"
                )
        found.append(images)
    if kind.kind == "f" and train.ndim == 2:
        same = np.flatnonzero((train == train[:1]).all(axis=0))
        if len(same):
            raise ValueError(
                f"column {same[0] + 1} is {train[0, same[0]]:g} in every row; a column of a table "
                "should vary. Leave it out, or save pictures as (N, height, width)"
            )
    if train.ndim > 2 and all((image == train[0]).all() for image in train):
        raise ValueError(
            f"the {len(train)} training images are all the same; they should differ"
            if len(train) > 1
            else "there is 1 training image; there should be 2 or more"
        )
    labels = [
        None if each is None else _labels(part, each, len(images))
        for part, each, images in zip(("training", "test"), (train_labels, test_labels), both)
    ]
    if len(both) == 2 and (labels[0] is None) != (labels[1] is None):
        raise ValueError("one of training and test images has labels; both should, or neither")
    return found[0], labels[0], *((found[1], labels[1]) if len(both) == 2 else (None, None))


def _shaped(part: str, images: NDArray[Any]) -> NDArray[Any]:
    """(N, height, width), (N, height, width, 3), or (N, n)."""
    if images.size == 0 or not (images.ndim == 2 or _pictures(images)):
        raise ValueError(
            f"{part} images have the dimensions {images.shape}; they should be (N, height, width), "
            f"(N, height, width, 3) in colour, or (N, n) for a table{_advice(images)}"
        )
    return images[..., 0] if images.ndim == 4 and images.shape[3] == 1 else images


def _pictures(array: NDArray[Any]) -> bool:
    """(N, height, width), or with the channels last: one, or red, green and blue."""
    return array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (1, 3))


def _advice(array: NDArray[Any]) -> str:
    """What to type where pictures have their channels first, or one for transparency."""
    if array.ndim == 4 and array.shape[1] in (1, 3):
        return ". numpy.moveaxis(images, 1, 3) puts the channels last"
    if array.ndim == 4 and array.shape[3] == 4:
        return ". images[..., :3] leaves the transparency out"
    return ""


def _class_names(names: NDArray[Any], *labels: Labels | None) -> tuple[str, ...]:
    """The names, one for each label that there is, and no two the same."""
    if names.ndim != 1 or names.dtype.kind != "U":
        raise TypeError(
            f"{NAMES} is of type {names.dtype} and shape {names.shape}; it should be text, (K,)"
        )
    if labels[0] is None:
        raise ValueError(f"it has {NAMES} but no labels; it should have both, or neither")
    found = tuple(names.tolist())
    for k, name in enumerate(found):
        if not name.strip() or not name.isprintable():
            raise ValueError(f"the name of label {k} is {name!r}; it should be printable text")
    if len({*found}) < len(found):
        k = next(k for k, name in enumerate(found) if name in found[:k])
        raise ValueError(
            f"labels {found.index(found[k])} and {k} have the name {found[k]!r}; each should have "
            "its own"
        )
    for each in labels:
        if each is not None and not (each.min() >= 0 and each.max() < len(found)):
            wrong = each[(each < 0) | (each >= len(found))][0]
            raise ValueError(
                f"label {wrong} has no name; the {len(found)} names are of the labels from 0 on"
            )
    return found


def _labels(part: str, labels: NDArray[Any], n: int) -> Labels:
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.shape != (n,):
        raise ValueError(
            f"{n} {part} images but labels of shape {labels.shape}; each image should have one "
            "label"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{part} labels are of type {labels.dtype}; they should be whole numbers")
    return labels


def _place(index: list[int]) -> str:
    """An index for people, from 1."""
    names = ("row", "column") if len(index) == 2 else ("image", "row", "column", "channel")
    return ", ".join(f"{name} {i + 1}" for name, i in zip(names, index))


def in_unit_interval(images: Images) -> bool:
    """Whether they are levels or bits; other numbers have no black and no white."""
    return images.dtype.kind != "f" or bool(images.min() >= 0 and images.max() <= 1)


def one_meaning(name: str, array: NDArray[Any], pictures: bool) -> Images:
    """uint8, bool and floats as they are, and other integers as the one that they can mean.

    0 and 1 are bits; numbers below 0 or above 255 are no levels, so they are numbers. From 0
    to 255 they are levels in pictures. In a table they may be both: TypeError.
    """
    if array.dtype in (np.uint8, np.bool_) or array.dtype.kind == "f":
        return array
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} is of type {array.dtype}; it should hold real numbers")
    low, high = array.min(), array.max()
    if low >= 0 and high <= 1:
        return array.astype(np.bool_)
    if low < 0 or high > 255:
        return array.astype(np.float64)
    if pictures:
        return array.astype(np.uint8)
    raise TypeError(
        f"{name} is of type {array.dtype} with numbers from {low} to {high}; it should be of type "
        "uint8 if they are levels from 0 to 255, and float64 if they are numbers"
    )


def minibatches(n: int, batch_size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """0 ... n − 1 in a new random order, `batch_size` at a time; the last one may be shorter."""
    order = rng.permutation(n)
    for start in range(0, n, batch_size):
        yield order[start : start + batch_size]


def binarize(
    images: Images, rng: np.random.Generator, dtype: DTypeLike = np.float32, *, part: bool = False
) -> FloatArray:
    """x ~ Bernoulli(pixel): a fresh draw of every pixel, 0 or 1.

    images: any shape; uint8, where 255 is certainly 1, or floats in [0, 1], which are the
    probabilities, or bool, which is 0 and 1. Another dtype: TypeError. A float outside of
    [0, 1], or NaN: ValueError. uint8 whose maximum is 1: ValueError, unless `part`.
    Returns the same shape, 0 or 1, as floats of that dtype.
    """
    dtype = _check_draw(images, rng, dtype, part)
    if images.dtype == np.uint8:
        return (_one_to_255(images.shape, rng) <= images).astype(dtype)  # P(u ≤ p) = p / 255
    u = rng.random(images.shape)  # [0, 1): u < 1 always, u < 0 never
    return (u < images).astype(dtype)


def _one_to_255(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    """1, ..., 255, each with the same probability: random bytes, and a 0 is drawn again.

    These are the numbers of 1 + rng.integers(0, 255, shape, np.uint8), in half the time. As
    there, rng gives four bytes at a time.
    """
    n, drawn = prod(shape), b""
    while len(drawn) < n:
        drawn += rng.bytes(4 * ceil((n - len(drawn)) / 4)).replace(b"\0", b"")
    return np.frombuffer(drawn, np.uint8, n).reshape(shape)


def grey(
    images: Images,
    rng: np.random.Generator | None = None,
    dtype: DTypeLike = np.float32,
    *,
    part: bool = False,
) -> FloatArray:
    """The images as floats: pixel / 255 if they are uint8. It draws nothing from rng."""
    dtype = _check_draw(images, rng, dtype, part, confined=False)
    if images.dtype == np.uint8:
        return images.astype(dtype) / 255
    return checks.cast("images", images, dtype)


def dequantize(
    images: Images, rng: np.random.Generator, dtype: DTypeLike = np.float32, *, part: bool = False
) -> FloatArray:
    """(pixel + u) / 256 with u ~ U[0, 1): continuous grey levels, for a density.

    The 256 levels are points, and a density can grow without limit at a point. With u, a level
    is spread over its bin of width 1/256. The integral of the density over all bins is 1, so
    it cannot be high everywhere.
    images: uint8 of any shape. Returns the same shape, floats in [0, 1). TypeError for floats,
    whose bins are not known.
    """
    dtype = _check_draw(images, rng, dtype, part)
    if images.dtype != np.uint8:
        raise TypeError(f"images is of type {images.dtype}; it should be uint8, to be dequantized")
    # 8 + 16 bits: even float32 holds pixel + u exactly
    u = rng.integers(0, 65_536, images.shape, np.uint16).astype(dtype) / 65_536
    return (images + u) / 256


Draw = Callable[[Images, np.random.Generator, DTypeLike], FloatArray]
PIXELS: dict[str, Callable[..., FloatArray]] = {
    "bits": binarize, "grey": grey, "dequantized": dequantize,
}  # fmt: skip


def as_images(name: str, value: ArrayLike, n_x: int, dtype: DTypeLike, *seen: str | None) -> Images:
    """A whole data set as (N, n_x), N ≥ 1: uint8, bool, or floats that the model takes.

    value: (N, n_x), (N, height, width) or (N, height, width, 3), an array or lists; integers as
    in `one_meaning`.
    seen: what the model models and what it is given, of `PIXELS`. Bits need numbers in
    [0, 1], and only uint8 is dequantized; other floats are any finite numbers whose squares
    `dtype` holds. uint8 whose maximum is 1 is refused.
    """
    if not isinstance(value, np.ndarray | list | tuple):
        raise TypeError(f"{name} is a {type(value).__name__}; it should be a NumPy array")
    array = checks.array(name, value)
    rows = array.reshape(len(array), -1) if array.size and _pictures(array) else array
    if rows.ndim != 2 or rows.shape[1] != n_x or len(rows) == 0:
        raise ValueError(
            f"{name} has shape {array.shape}; it should be (N, {n_x}), an image in each row"
            f"{_advice(array)}"
        )
    images = one_meaning(name, rows, array.ndim > 2)
    checks.levels(name, images)
    if images.dtype != np.uint8 and "dequantized" in seen:
        raise TypeError(f"{name} is of type {images.dtype}; it should be uint8, to be dequantized")
    if images.dtype.kind == "f" and "bits" in seen:
        checks.unit_interval(name, images)
    elif images.dtype.kind == "f":
        checks.cast(name, images, dtype)
    return images


def _check_draw(
    images: Images, rng: np.random.Generator | None, dtype: DTypeLike, part: bool,
    confined: bool = True,
) -> np.dtype[Any]:  # fmt: skip
    """The arguments of `binarize`, `grey` and `dequantize`. Returns the dtype."""
    _check_pixels("images", images, confined)
    if not part:
        checks.levels("images", images)
    if rng is not None:
        checks.instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
    return checks.float_dtype(dtype)


def _check_pixels(name: str, images: Images, confined: bool = True) -> None:
    """uint8, bool, or floats: in [0, 1] where they are confined to it."""
    if not isinstance(images, np.ndarray):
        raise TypeError(f"{name} is a {type(images).__name__}; it should be a NumPy array")
    checks.array(name, images)
    if images.dtype in (np.uint8, np.bool_):
        return
    if images.dtype.kind != "f":
        raise TypeError(
            f"{name} is of type {images.dtype}; it should be uint8 pixels, or floats in [0, 1], "
            "or bool for bits"
        )
    if images.size and confined:
        checks.unit_interval(name, images)
