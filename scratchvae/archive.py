"""Arrays in one file that notices every flipped bit.

The file is a .npz without pickle and without compression, and `np.load` opens it too. A
.npz is a zip file, and a zip file may end with a comment. Here the comment is "sha256 "
and a checksum of all bytes before the checksum. The reader computes the checksum again,
before it trusts a single number of the file.

**Memory.** A file may promise more than it holds: a kilobyte of zip can stand for a
gigabyte. The arrays here are not compressed, so an array is never larger than its file.
The reader looks at shapes and types first. It allocates nothing for an array; the caller
gives it one of the shape that is right.
"""

import hashlib
import os
import zipfile
from collections.abc import Mapping
from math import prod
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from scratchvae.files import uninterrupted, written_whole

MARK, DIGITS = b"sha256 ", 64
CHUNK = 1 << 20
SMALL = 1 << 26  # bytes of an array that is not asked for by its shape: names of many columns


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Any]) -> None:
    """Write the arrays as .npz with a checksum. An interrupted write loses nothing.

    Ctrl-C waits for its end: a zip file that is left half open says so on stderr.
    """
    with uninterrupted(), written_whole(path) as part, open(part, "w+b") as file:
        np.savez(file, **arrays)
        with zipfile.ZipFile(file, "a") as archive:
            archive.comment = MARK + bytes(DIGITS)
        checksum = _checksum(file)  # it reads up to the place where the checksum belongs
        file.write(checksum)


class ArrayFile:
    """The arrays of a file that is open. A file that is not as it should be: ValueError,
    or another exception of zipfile and NumPy.

    checked: the file has a checksum, and it is right. False: it has none.
    """

    def __init__(self, file: BinaryIO) -> None:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - len(MARK) - DIGITS))
        self.checked = file.read(len(MARK)) == MARK
        if self.checked and _checksum(file) != file.read(DIGITS):
            raise ValueError("its checksum is wrong: the file is damaged")
        try:
            self._zip = zipfile.ZipFile(file)
        except zipfile.BadZipFile as error:
            raise ValueError("it is no .npz file, or only a part of one") from error
        members = self._zip.infolist()
        self.names = sorted(member.filename.removesuffix(".npy") for member in members)
        if any(m.compress_type != zipfile.ZIP_STORED or m.file_size > size for m in members):
            raise ValueError("its arrays are compressed, and should not be")

    def small(self, name: str) -> NDArray[Any]:
        """An array of at most 64 megabytes."""
        with self._zip.open(f"{name}.npy") as file:
            shape, dtype = _header(file)
        if prod(shape) * dtype.itemsize > SMALL:
            raise ValueError(f"{name} has shape {shape}; it should be small")
        array = np.empty(shape, dtype)
        self.into(name, array)
        return array

    def text(self, name: str) -> str:
        """One text."""
        array = self.small(name)
        if array.shape != () or array.dtype.kind != "U":
            raise ValueError(f"{name} is {array.shape} of {array.dtype}; it should be one text")
        return str(array)

    def whole(self, name: str) -> int:
        """One whole number."""
        array = self.small(name)
        if array.shape != () or array.dtype.kind != "i":
            raise ValueError(f"{name} is {array!r}; it should be one whole number")
        return int(array)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array, before it is read."""
        with self._zip.open(f"{name}.npy") as file:
            return _header(file)[0]

    def into(self, name: str, array: NDArray[Any]) -> None:
        """Read into this array. ValueError unless shape and type are those of the file."""
        with self._zip.open(f"{name}.npy") as file:
            shape, dtype = _header(file)
            if (shape, dtype) != (array.shape, array.dtype):
                raise ValueError(
                    f"{name} is {shape} of {dtype}; it should be {array.shape} of {array.dtype}"
                )
            view = array.reshape(-1).view(np.uint8)
            for start in range(0, len(view), CHUNK):
                part = view[start : start + CHUNK]
                content = file.read(len(part))
                if len(content) < len(part):
                    raise ValueError(f"{name} is shorter than its shape")
                part[...] = np.frombuffer(content, np.uint8)
            if file.read(1):
                raise ValueError(f"{name} is longer than its shape")


def _header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    if npy.read_magic(file) != (1, 0):
        raise ValueError("it has an array of another version of .npy")
    shape, fortran, dtype = npy.read_array_header_1_0(file)
    if fortran or dtype.hasobject:
        raise ValueError(f"it has an array of {dtype}, or in another order")
    return shape, dtype


def _checksum(file: BinaryIO) -> bytes:
    """Of all bytes before the last 64. Leaves the file there."""
    left = file.seek(-DIGITS, os.SEEK_END)
    file.seek(0)
    digest = hashlib.sha256()
    while left:
        part = file.read(min(CHUNK, left))
        digest.update(part)
        left -= len(part)
    return digest.hexdigest().encode()
