"""What an argument must be. It is checked before any work, and never repaired.

Each function raises `ValueError` or `TypeError`. The message has the argument's name,
what it was, and what it should be.

The functions that a user calls check their arguments. Layers and distributions do not:
their arrays come from a model, which has checked them.
"""

import os
import zlib
from collections.abc import Mapping, Sequence
from math import prod
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

FloatArray = NDArray[np.floating]  # as in parameters.py, which uses this file
T = TypeVar("T")


def shown(value: object) -> str:
    """value as a short text of one line."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # the text of a foreign object may fail, and a long whole number's does
        return f"of type {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def printable(text: str) -> str:
    """text in one line, with \\x1b for what is no visible character.

    A text from a file or a folder's name may move the cursor, or forge a line. What a
    person cannot see is written as Python writes it.
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


# ---- numbers ----


def positive_int(name: str, value: object, least: int = 1) -> int:
    """value as an int ≥ 1, or ≥ least."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} is {shown(value)}; it should be a whole number, {least} or more")
    if value < least:
        raise ValueError(f"{name} is {shown(value)}; it should be {least} or more")
    return int(value)


def sizes(name: str, value: object) -> tuple[int, ...]:
    """value, a list or another sequence, as a tuple of ints ≥ 1. It may be empty."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if not isinstance(value, Sequence) or isinstance(value, str | bytes | memoryview):
        raise TypeError(f"{name} is {shown(value)}; it should be a tuple of whole numbers")
    return tuple(positive_int(f"an entry of {name}", size) for size in value)


def image_shape(value: Sequence[int], n_x: int | None = None) -> tuple[int, ...]:
    """value as (height, width), or (height, width, 3) in colour, whose product is n_x if given."""
    shape = sizes("image_shape", value)
    if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)) or n_x not in (None, prod(shape)):
        product = "" if n_x is None else f", with the product {n_x}"
        raise ValueError(
            f"image_shape is {shown(value)}; it should be (height, width), or (height, width, 3) "
            f"in colour{product}"
        )
    return shape


def positive_number(name: str, value: float) -> float:
    """value as a finite float > 0."""
    if not 0 < (number := real(name, value)) < np.inf:
        raise ValueError(f"{name} is {shown(value)}; it should be a finite number above 0")
    return number


def number_from_zero(name: str, value: float) -> float:
    """value as a finite float ≥ 0."""
    return between(name, value, 0, np.finfo(float).max)


def between(name: str, value: float, low: float, high: float) -> float:
    """value as a float in [low, high]."""
    if not low <= (number := real(name, value)) <= high:
        limit = f"from {low:g} to {high:g}" if high < 1e300 else f"finite, {low:g} or more"
        raise ValueError(f"{name} is {shown(value)}; it should be {limit}")
    return number


def fraction(name: str, value: float) -> float:
    """value as a float in [0, 1)."""
    if not 0 <= (number := real(name, value)) < 1:
        raise ValueError(f"{name} is {shown(value)}; it should be at least 0 and below 1")
    return number


def real(name: str, value: object) -> float:
    """value as a float; NaN and ∞ are floats too."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {shown(value)}; it should be a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is {shown(value)}; it should be below 1e308") from None


# ---- other single values ----


def made_of_settings(name: str, value: Any, twin: Any, remembers: Sequence[str]) -> None:
    """value is what its constructor makes of its settings again, so that a copy is the same.

    twin: made by the constructor from value.settings. remembers: attributes that no setting
    has to know, since whoever makes the copy gives them to it, or the next call sets them.
    TypeError, naming the attribute, for one that the twin has not, or has otherwise.
    """
    mine, others = vars(value), vars(twin)
    for key in sorted({*mine, *others} - {*remembers}):
        if key not in mine or key not in others or not _alike(mine[key], others[key]):
            kind = type(value).__name__
            raise TypeError(
                f"{name} has {key} = {shown(mine.get(key))}, which {kind}(**settings) does not "
                f"give; {key} should be an argument of the constructor of {kind}, and in its "
                "`settings`"
            )


def _alike(a: Any, b: Any) -> bool:
    """Whether two attributes are the same: data by value, functions by code, other objects by
    type and by the numbers and texts that both have.
    """
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_alike, a, b))
    if hasattr(a, "__code__"):
        return bool(a.__code__ is b.__code__)
    if "__eq__" in {name for kind in type(a).__mro__[:-1] for name in vars(kind)}:
        return bool(a == b)
    theirs = getattr(b, "__dict__", {})  # a layer: its arrays are views of θ, or remembered
    return all(
        theirs.get(key, number) == number
        for key, number in getattr(a, "__dict__", {}).items()
        if isinstance(number, int | float | str)
    )


def instance(name: str, value: object, kind: type[T], should_be: str) -> T:
    """value, if it is of that kind."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} is {shown(value)}; it should be {should_be}")
    return value


def flag(name: str, value: object) -> bool:
    """value, if it is True or False."""
    return bool(instance(name, value, (bool, np.bool_), "True or False"))  # type: ignore[arg-type]


def function(name: str, value: T) -> T:
    """value, if it can be called."""
    if not callable(value):
        raise TypeError(f"{name} is {shown(value)}; it should be a function")
    return value


def one_of(name: str, value: str, choices: Mapping[str, object]) -> str:
    """value, if it is a key of choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {shown(value)}; it should be one of {', '.join(choices)}")
    return value


def float_dtype(value: DTypeLike) -> np.dtype[Any]:
    """value as a NumPy dtype: float32 or float64."""
    try:
        dtype = np.dtype(value)
    except Exception:  # NumPy asks the value, which may be anything
        dtype = None
    if value is None or dtype not in (np.float32, np.float64):
        was = shown(value) if dtype is None else shown(dtype.name)[1:-1]
        raise ValueError(f"dtype is {was}; it should be float32 or float64")
    return dtype


def whole_seed(name: str, value: object) -> int:
    """value as an int ≥ 0."""
    return positive_int(name, value, 0)


def generator(name: str, value: object, purpose: str, *indices: int) -> np.random.Generator:
    """The generator itself, or a new one with this seed, for this purpose alone.

    A seed is one number, but it draws many things: the weights, the order, the pixels, the
    noise. `default_rng(seed)` would give each of them the same random numbers. A longer
    seed does not help: NumPy pads it with zeros, so s, [s, 0] and [s, 0, 0] are one stream.
    NumPy's spawn keys make other streams, and none of them is that of a plain seed. The
    key is a checksum of the purpose, and then the indices, such as the number of a chunk.

    >>> for purpose in "weights", "training":
    ...     print(generator("seed", 0, purpose).random(3).round(4))
    [0.9335 0.0454 0.8561]
    [0.8728 0.3403 0.0404]
    """
    if isinstance(value, np.random.Generator):
        return value
    if not isinstance(value, Integral):
        raise TypeError(
            f"{name} is {shown(value)}; it should be a whole number, 0 or more, "
            "or a numpy.random.Generator"
        )
    key = (zlib.crc32(purpose.encode()), *indices)
    return np.random.default_rng(np.random.SeedSequence(whole_seed(name, value), spawn_key=key))


def path(name: str, value: object) -> Path:
    """value as a Path."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} is {shown(value)}; it should be a path")
    found = Path(value)
    if value == "" or "\0" in str(found):
        raise ValueError(f"{name} is {shown(value)}; it should be the name of a file or folder")
    return found


def memory(name: str, value: object, need: int) -> None:
    """The machine has `need` bytes of memory; name and value are what needs them."""
    try:
        have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows does not say
        have = 2**40
    if need > have:
        raise ValueError(
            f"{name} is {shown(value)}; it would take {min(need, 2**99) / 2**30:.3g} GiB of "
            f"memory, and the machine has {have / 2**30:.3g}: it should be smaller"
        )


# ---- arrays ----


def array(name: str, value: ArrayLike) -> NDArray[Any]:
    """value as an array of real numbers, not masked."""
    parts = value if isinstance(value, list | tuple) else [value]
    if any(hasattr(part, "filled") for part in parts):  # only NumPy's masked arrays have it
        raise TypeError(f"{name} is a masked array; it should have a number in every place")
    try:
        found = np.asarray(value)
    except Exception as error:  # a foreign object's own conversion may raise anything
        raise ValueError(
            f"{name} is {shown(value)}; it should be an array of numbers, with rows of one length"
        ) from error
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{name} is of type {found.dtype}; it should hold real numbers")
    return found


def rows(name: str, value: ArrayLike, columns: int) -> NDArray[Any]:
    """value as an array of real numbers, (B, columns), with B ≥ 1."""
    found = array(name, value)
    if found.ndim != 2 or found.shape[1] != columns or len(found) == 0:
        one = f"; of one data point, {name}[None]" if found.shape == (columns,) else ""
        raise ValueError(
            f"{name} has shape {found.shape}; it should be (B, {columns}), a data point in each "
            f"row{one}"
        )
    return found


def unit_interval(name: str, array: NDArray[Any]) -> None:
    """Every number of the array is in [0, 1]."""
    if not (array.min() >= 0 and array.max() <= 1):  # written so that NaN fails too
        where = first_index(~((array >= 0) & (array <= 1)))
        raise ValueError(
            f"{name}{where} is {array[tuple(where)]}; every pixel should be in [0, 1] "
            f"(for pixels from 0 to 255, use {name} / 255; for other numbers, a model with "
            "decoder='gaussian')"
        )


def levels(name: str, array: NDArray[Any]) -> None:
    """A uint8 array holds levels from 0 to 255: bits in it would be read as nearly black."""
    if array.dtype == np.uint8 and array.size and array.max() == 1:
        raise ValueError(
            f"{name} is uint8 with the maximum 1, and uint8 is read as 0 to 255, where 255 is "
            f"white. Bits should be {name}.astype(bool), or 0 and 255 in a file; levels that are "
            f"really so dark should be {name} / 255"
        )


def pixels(name: str, array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """pixel / 255 in this dtype for uint8, whose numbers are levels; another array as it is."""
    levels(name, array)
    return array.astype(dtype) / 255 if array.dtype == np.uint8 else array


def finite(name: str, array: NDArray[Any]) -> None:
    """No number of the array is NaN or infinite."""
    if not np.isfinite(array).all():
        where = first_index(~np.isfinite(array))
        raise ValueError(f"{name}{where} is {array[tuple(where)]}; it should be finite")


def cast(name: str, array: NDArray[Any], dtype: DTypeLike) -> FloatArray:
    """The array in this dtype. Its numbers are finite, and sums of their squares are too.

    The limit for a number is the fourth root of the largest number of the dtype: 4e9 for
    float32, 1e77 for float64.
    """
    with np.errstate(over="ignore"):  # a number too large for the dtype becomes inf
        found: FloatArray = array.astype(dtype, copy=False)
    limit = float(np.finfo(found.dtype).max) ** 0.25
    if found.size and not (-limit <= found.min() and found.max() <= limit):  # NaN fails too
        finite(name, found)
        where = first_index(np.abs(found) > limit)
        raise ValueError(
            f"{name}{where} is {found[tuple(where)]}; it should be from {-limit:.0e} to "
            f"{limit:.0e} in {found.dtype}, whose squares overflow"
        )
    return found


def noise(value: ArrayLike, batch: int, n_z: int, dtype: np.dtype[Any]) -> FloatArray:
    """eps as an (L, B, n_z) array of this dtype, all finite.

    (B, n_z) is also allowed; it means L = 1.
    """
    return samples("eps", value, batch, n_z, dtype)


def samples(name: str, value: ArrayLike, batch: int, n_z: int, dtype: np.dtype[Any]) -> FloatArray:
    """value as an (L, B, n_z) array of this dtype, all finite. (B, n_z) means L = 1."""
    found = array(name, value)
    if found.ndim not in (2, 3) or found.shape[-2:] != (batch, n_z) or len(found) == 0:
        raise ValueError(
            f"{name} has shape {found.shape}; it should be ({batch}, {n_z}), "
            f"or (L, {batch}, {n_z}) for L samples"
        )
    return cast(name, found, dtype).reshape(-1, batch, n_z)


def remembered(backward: str, needed: str, found: str) -> None:
    """The last call was `needed`, so `backward` is the derivative of this call.

    found: the last call that stored numbers in the layers. RuntimeError if it is another.
    """
    if found != needed:
        raise RuntimeError(
            f"{backward} should follow {needed} directly; "
            "there was none, or another call has used the layers since"
        )


def first_index(wrong: NDArray[np.bool_]) -> list[int]:
    """The index of the first True."""
    return [int(i) for i in np.argwhere(wrong)[0]]
