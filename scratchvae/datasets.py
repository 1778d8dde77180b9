"""Data sets: idx files, MNIST, minibatches, and what a model sees of a pixel.

**idx** is the format of MNIST's files: two zero bytes, one byte for the type of the
numbers (8: unsigned bytes), one byte for the number of dimensions, every dimension as a
big-endian 32-bit integer, then the numbers, the last dimension fastest.

**Bits.** A Bernoulli decoder models pixels that are 0 or 1. A grey pixel of MNIST, 0 to
255, is read as the *probability* pixel / 255 that the bit is 1. The bits are drawn anew
each time an image is used. Draw a number u from 0, 1, ..., 254, all with the same
probability. Then u < pixel holds for exactly `pixel` of the 255 values, so

    x = 1 if u < pixel else 0       has       P(x = 1) = pixel / 255, exactly.

**Grey.** x = pixel / 255. For a Gaussian decoder x is a number in [0, 1]. For a Bernoulli
decoder log p(x|z) is then minus a cross entropy and no likelihood: it cannot rise above
minus the entropy of the grey pixels.

**Dequantized.** x = (pixel + u) / 256, u ~ U[0, 1): continuous numbers for a density.

**One meaning.** uint8 is 0 to 255 in every function of the package, and bool is 0 and 1.
A uint8 array whose maximum is 1 is most likely bits, which would be read as black images.
So it is refused. A minibatch of dark images may have this maximum too: `part` says that
the images are some of a data set that is checked already.

Images stay uint8 in memory, 47 MB for MNIST and a quarter of float32. They become floats
one minibatch at a time.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from scratchvae import checks
from scratchvae.files import FileFormatError, readable
from scratchvae.parameters import FloatArray

Images = NDArray[np.uint8] | NDArray[np.bool_] | FloatArray
UBYTE = 8  # the idx code of unsigned bytes
CHUNK, GIGABYTE = 1 << 20, 1 << 30


class Identity(NamedTuple):
    """What a data set is known by: a name for people, the images' shape, and a checksum."""

    name: str
    image_shape: tuple[int, int]
    checksum: str


@dataclass(frozen=True)
class ImageSet:
    """A data set of images with a label each.

    train_images (N, n_x), train_labels (N,), test_images, test_labels: uint8.
    image_shape: (height, width), with n_x = height · width.
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    image_shape: tuple[int, int]
    name: str = ""

    @cached_property
    def identity(self) -> Identity:
        """The checksum is of all images and labels."""
        digest = hashlib.sha256(str(self.image_shape).encode())
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(np.ascontiguousarray(array).data)
        return Identity(self.name, self.image_shape, digest.hexdigest())


def load_mnist(
    folder: str | os.PathLike[str] | None = None, *, max_memory: int = GIGABYTE
) -> ImageSet:
    """MNIST, or another idx image set whose files have MNIST's names.

    folder: where the files are, gzipped (.gz) or not. None: $SCRATCHVAE_DATA if it is
    set, else the folder data/ in the package or beside it.
    FileFormatError when a file is missing, damaged, or does not match the others, or when a
    file has more than max_memory bytes of images.
    """
    place = data_folder(folder)
    train, train_labels = _images_and_labels(place, "train", max_memory)
    test, test_labels = _images_and_labels(place, "t10k", max_memory)
    if train.shape[1:] != test.shape[1:]:
        raise FileFormatError(
            f"{place}: training images are {train.shape[1]} x {train.shape[2]} pixels, "
            f"test images {test.shape[1]} x {test.shape[2]}; they should be of one size"
        )
    image_shape = train.shape[1], train.shape[2]
    n_x = prod(image_shape)
    name = "MNIST" if place in own_places() else place.resolve().name
    return ImageSet(
        train.reshape(-1, n_x), train_labels, test.reshape(-1, n_x), test_labels, image_shape, name
    )


def data_folder(folder: str | os.PathLike[str] | None) -> Path:
    """The folder asked for; else $SCRATCHVAE_DATA; else data/ in the package or beside it."""
    if folder is None and os.environ.get("SCRATCHVAE_DATA"):
        folder = os.environ["SCRATCHVAE_DATA"]
    places = own_places() if folder is None else [checks.path("folder", folder)]
    for place in places:
        try:
            if place.is_dir():
                return place
        except OSError:  # a name that the system cannot have
            break
    raise FileFormatError(
        f"no data folder: looked in {' and '.join(map(str, places))}. It should hold "
        "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
        "t10k-labels-idx1-ubyte.gz; the package's repository has MNIST's four files in data/. "
        "Name the folder with --data or $SCRATCHVAE_DATA"
    )


def own_places() -> list[Path]:
    """Where the package's own data may be: data/ in the package, or beside it."""
    package = Path(__file__).resolve().parent
    return [package / "data", package.parent / "data"]


def _images_and_labels(
    folder: Path, part: str, max_memory: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images (N, height, width) and labels (N,) of "train" or "t10k"."""
    images, labels = (
        read_idx(_find(folder, f"{part}-{kind}-ubyte"), max_memory=max_memory)
        for kind in ("images-idx3", "labels-idx1")
    )
    if images.ndim != 3 or images.size == 0:
        raise FileFormatError(
            f"{folder}: {part} images have the dimensions {images.shape}; "
            "they should be (N, height, width)"
        )
    if labels.shape != images.shape[:1]:
        raise FileFormatError(
            f"{folder}: {len(images)} {part} images but labels of shape {labels.shape}; "
            "each image should have one label"
        )
    return images, labels


def _find(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise FileFormatError(f"{folder} holds no {name}.gz and no {name}")


def read_idx(path: str | os.PathLike[str], *, max_memory: int = GIGABYTE) -> NDArray[np.uint8]:
    """The array of an idx file of unsigned bytes, gzipped when its name ends in .gz.

    FileFormatError when the file is missing, no gzip, no idx, or holds less or more than its
    header says, or when that is more than max_memory bytes. (A gzip of 3 MB can hold 3 GB.)
    It takes no more memory than the file holds, whatever the header says.
    """
    path, max_memory = readable(path), checks.positive_int("max_memory", max_memory)
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as file:
            return _parse_idx(file, max_memory)
    except (OSError, EOFError, zlib.error, ValueError) as error:  # gzip.BadGzipFile is an OSError
        raise FileFormatError(f"{path} cannot be read as an idx file: {error}") from error


def _parse_idx(file: BinaryIO | gzip.GzipFile, max_memory: int) -> NDArray[np.uint8]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise ValueError(
            f"it begins with {magic!r}, not with two zero bytes, a type and a number of dimensions"
        )
    if magic[2] != UBYTE:
        raise ValueError(
            f"its numbers are of type {magic[2]:#04x}; only unsigned bytes ({UBYTE:#04x}) are read"
        )
    header = file.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise ValueError(f"it ends within the sizes of its {magic[3]} dimensions")
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4"))
    numbers = bytearray(file.read(CHUNK))
    if prod(shape) > max_memory and len(numbers) >= min(CHUNK, prod(shape)):
        raise ValueError(
            f"its header promises {prod(shape)} bytes, and max_memory (--max-memory) is "
            f"{max_memory}; it should be more, if you trust the file"
        )
    # by chunks: the header may promise anything
    while len(numbers) <= prod(shape) and (chunk := file.read(CHUNK)):
        numbers += chunk
    if len(numbers) != prod(shape):
        more = "or more " if len(numbers) > prod(shape) else ""
        raise ValueError(
            f"its header promises {' x '.join(map(str, shape))} = {prod(shape)} bytes, "
            f"but {len(numbers)} {more}follow"
        )
    return np.frombuffer(numbers, np.uint8).reshape(shape)


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
        # 0, 1, ..., 254: u < 255 always, u < 0 never
        u: NDArray[Any] = rng.integers(0, 255, images.shape, np.uint8)
    else:
        u = rng.random(images.shape)  # [0, 1): u < 1 always, u < 0 never
    return (u < images).astype(dtype)


def grey(
    images: Images,
    rng: np.random.Generator | None = None,
    dtype: DTypeLike = np.float32,
    *,
    part: bool = False,
) -> FloatArray:
    """The images as floats in [0, 1]: pixel / 255 if they are uint8. It draws nothing from rng."""
    dtype = _check_draw(images, rng, dtype, part)
    return images.astype(dtype) / 255 if images.dtype == np.uint8 else images.astype(dtype)


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


def check_images(name: str, images: Images, n_x: int) -> None:
    """Raise unless the images are (N, n_x), N ≥ 1, and uint8, bool, or floats in [0, 1].

    The images are a whole data set: uint8 whose maximum is 1 is refused.
    """
    _check_array(name, images)
    if images.ndim != 2 or images.shape[1] != n_x or len(images) == 0:
        raise ValueError(
            f"{name} has shape {images.shape}; it should be (N, {n_x}), an image in each row"
        )
    _check_pixels(name, images)
    checks.levels(name, images)


def _check_draw(
    images: Images, rng: np.random.Generator | None, dtype: DTypeLike, part: bool
) -> np.dtype[Any]:
    """The arguments of `binarize`, `grey` and `dequantize`. Returns the dtype."""
    _check_pixels("images", images)
    if not part:
        checks.levels("images", images)
    if rng is not None:
        checks.instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
    return checks.float_dtype(dtype)


def _check_array(name: str, images: Images) -> None:
    if not isinstance(images, np.ndarray):
        raise TypeError(f"{name} is a {type(images).__name__}; it should be a NumPy array")
    checks.array(name, images)


def _check_pixels(name: str, images: Images) -> None:
    _check_array(name, images)
    if images.dtype in (np.uint8, np.bool_):
        return
    if images.dtype.kind != "f":
        raise TypeError(
            f"{name} is of type {images.dtype}; it should be uint8 pixels, or floats in [0, 1], "
            "or bool for bits"
        )
    if images.size:
        checks.unit_interval(name, images)
