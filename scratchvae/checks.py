"""What an argument must be. It is checked before any work, and never repaired.

Each function raises `ValueError` or `TypeError`. The message has the argument's name,
what it was, and what it should be.
"""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from scratchvae.parameters import FloatArray


def positive_int(name: str, value: object) -> int:
    """value as an int ≥ 1."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} is {value!r}; it should be a whole number, 1 or more")
    if value < 1:
        raise ValueError(f"{name} is {value}; it should be 1 or more")
    return int(value)


def image_shape(value: Sequence[int], n_x: int) -> tuple[int, int]:
    """value as (height, width), both ≥ 1, with height · width = n_x."""
    if (
        len(value) != 2
        or positive_int("image_shape", value[0]) * positive_int("image_shape", value[1]) != n_x
    ):
        raise ValueError(
            f"image_shape is {value}; it should be (height, width), with height · width = {n_x}"
        )
    return int(value[0]), int(value[1])


def positive_number(name: str, value: float) -> float:
    """value as a finite float > 0."""
    _real(name, value)
    if not 0 < value < np.inf:
        raise ValueError(f"{name} is {value}; it should be a finite number above 0")
    return float(value)


def number_from_zero(name: str, value: float) -> float:
    """value as a finite float ≥ 0."""
    _real(name, value)
    if not 0 <= value < np.inf:
        raise ValueError(f"{name} is {value}; it should be a finite number, 0 or more")
    return float(value)


def fraction(name: str, value: float) -> float:
    """value as a float in [0, 1)."""
    _real(name, value)
    if not 0 <= value < 1:
        raise ValueError(f"{name} is {value}; it should be at least 0 and below 1")
    return float(value)


def one_of(name: str, value: str, choices: Mapping[str, object]) -> str:
    """value, if it is a key of choices."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; it should be one of {', '.join(choices)}")
    return value


def float_dtype(value: DTypeLike) -> np.dtype[Any]:
    """value as a NumPy dtype: float32 or float64."""
    dtype = np.dtype(value)
    if value is None or dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype is {dtype}; it should be float32 or float64")
    return dtype


def rows(name: str, value: ArrayLike, columns: int) -> NDArray[Any]:
    """value as an array of real numbers, (B, columns), with B ≥ 1."""
    array = _numbers(name, value)
    if array.ndim != 2 or array.shape[1] != columns or len(array) == 0:
        raise ValueError(
            f"{name} has shape {array.shape}; it should be (B, {columns}), a data point in each row"
        )
    return array


def unit_interval(name: str, array: NDArray[Any]) -> None:
    """Every number of the array is in [0, 1]."""
    if not (array.min() >= 0 and array.max() <= 1):  # written so that NaN fails too
        where = first_index(~((array >= 0) & (array <= 1)))
        raise ValueError(
            f"{name}{where} is {array[tuple(where)]}; every pixel should be in [0, 1] "
            f"(for pixels from 0 to 255, use {name} / 255, or binarize({name}, rng) for bits)"
        )


def finite(name: str, array: NDArray[Any]) -> None:
    """No number of the array is NaN or infinite."""
    if not np.isfinite(array).all():
        where = first_index(~np.isfinite(array))
        raise ValueError(f"{name}{where} is {array[tuple(where)]}; it should be finite")


def noise(value: ArrayLike, batch: int, n_z: int, dtype: np.dtype[Any]) -> FloatArray:
    """eps as an (L, B, n_z) array of this dtype, all finite.

    (B, n_z) is also allowed; it means L = 1.
    """
    eps = samples("eps", value, batch, n_z, dtype)
    finite("eps", eps)
    return eps.reshape(-1, batch, n_z)


def samples(name: str, value: ArrayLike, batch: int, n_z: int, dtype: np.dtype[Any]) -> FloatArray:
    """value as an array of this dtype, (B, n_z) or (L, B, n_z)."""
    array = _numbers(name, value)
    if array.ndim not in (2, 3) or array.shape[-2:] != (batch, n_z) or len(array) == 0:
        raise ValueError(
            f"{name} has shape {array.shape}; it should be ({batch}, {n_z}), "
            f"or (L, {batch}, {n_z}) for L samples"
        )
    with np.errstate(over="ignore"):  # a number too large for float32 becomes inf
        return array.astype(dtype, copy=False)


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


def _real(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}; it should be a number")


def _numbers(name: str, value: ArrayLike) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} is of type {array.dtype}; it should hold real numbers")
    return array
