"""Arrays out of files: idx, .npy, .npz, and .csv. A folder of pictures: `pictures.py`.

**idx** is the format of MNIST's files: two zero bytes, one byte for the type of the
numbers (8: unsigned bytes), one byte for the number of dimensions, every dimension as a
big-endian 32-bit integer, then the numbers, the last dimension fastest.

**.npy and .npz** are NumPy's: one array, and several arrays with names in a zip file. An
array of Python objects is refused, because to read it is to run what stands in the file.

**.csv** is a table of numbers: a row in each line, commas between them. The first line may
be the names of the columns. It is a header if no entry of it is a number. The names are
an array of their own, `COLUMNS`.

A file may promise more than anybody wants: 3 MB of gzip can hold 3 GB. Each reader has a
limit, max_memory, and refuses what is above it before it is read.
"""

import csv
import gzip
import os
import zipfile
import zlib
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from scratchvae import checks
from scratchvae.files import FileFormatError, readable, why

UBYTE = 8  # the idx code of unsigned bytes
CHUNK, GIGABYTE = 1 << 20, 1 << 30
COLUMNS = "columns"  # the names in a table's first line, in what is read of a .csv
NAME = 1000  # letters of a name: more is nobody's
DAMAGED = (OSError, EOFError, zlib.error, ValueError, zipfile.BadZipFile, MemoryError, csv.Error)


def read_arrays(path: Path, max_memory: int) -> dict[str, NDArray[Any]]:
    """The arrays of a file by their names; "" is the name of an only one.

    FileFormatError when the file is missing, damaged, or of another kind than its suffix
    says, or when an array has more than max_memory bytes. No suffix of ours: an idx file.
    """
    suffix = path.suffix.lower()
    if suffix not in READERS:
        return {"": read_idx(path, max_memory=max_memory)}
    readable(path)
    try:
        with open(path, "rb") as file:
            return READERS[suffix](file, max_memory)
    except DAMAGED as error:
        raise FileFormatError(
            f"{path} cannot be read as {suffix}: {why(error) or 'it ends too early'}"
        ) from error


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
        raise FileFormatError(f"{path} cannot be read as an idx file: {why(error)}") from error


def _parse_idx(file: BinaryIO | gzip.GzipFile, max_memory: int) -> NDArray[np.uint8]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise ValueError(
            f"it begins with {magic!r}, not with two zero bytes, a type and a number of "
            "dimensions. Pictures should be named by their folder"
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
    if len(numbers) >= min(CHUNK, prod(shape)):
        within(prod(shape), max_memory, "its header promises")
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


def _npy(file: BinaryIO, max_memory: int) -> dict[str, NDArray[Any]]:
    within(os.fstat(file.fileno()).st_size, max_memory, "it has")
    return {"": npy.read_array(file, allow_pickle=False)}


def _npz(file: BinaryIO, max_memory: int) -> dict[str, NDArray[Any]]:
    arrays = {}
    with zipfile.ZipFile(file) as archive:
        within(sum(member.file_size for member in archive.infolist()), max_memory, "it has")
        for name in archive.namelist():  # no member gives more bytes than its file_size
            with archive.open(name) as member:
                arrays[name.removesuffix(".npy")] = npy.read_array(member, allow_pickle=False)
    return {"": next(iter(arrays.values()))} if len(arrays) == 1 else arrays


def _csv(file: BinaryIO, max_memory: int) -> dict[str, NDArray[Any]]:
    """The numbers as float64, (rows, columns). Rows and columns are counted from 1."""
    lines = csv.reader(line.decode("utf-8-sig") for line in file)
    rows: list[NDArray[np.float64]] = []
    header, columns = [], 0
    for cells in filter(None, lines):  # an empty line has no cell
        if columns == 0:
            columns = len(cells)
            if not any(map(_is_number, cells)):
                header = cells
                continue
        row = len(rows) + 1
        within(row * columns * 8, max_memory, "its numbers need")
        if len(cells) != columns:
            raise ValueError(f"row {row} has {len(cells)} entries; it should have {columns}")
        for column, cell in enumerate(cells, 1):
            if not _is_number(cell):
                raise ValueError(
                    f"row {row}, column {column} is {checks.shown(cell)}; it should be a number, "
                    "with commas between the numbers"
                )
        rows.append(np.array([float(cell) for cell in cells]))
    if header and not header[0].strip():  # pandas' to_csv writes it
        raise ValueError(
            "column 1 has no name, so it is most likely the rows' numbers: write the file without "
            "them (in pandas, to_csv(..., index=False))"
        )
    if not rows:
        raise ValueError("it has no row of numbers")
    if len(longest := max(header, key=len, default="")) > NAME:
        raise ValueError(f"a column has a name of {len(longest)} letters; it should be short")
    return {"": np.stack(rows), **({COLUMNS: np.array(header)} if header else {})}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def within(need: int, max_memory: int, what: str) -> None:
    """ValueError when it needs more bytes than max_memory."""
    if need > max_memory:
        raise ValueError(
            f"{what} {need} bytes, and max_memory (--max-memory) is {max_memory}; it should be "
            "more, if you trust the file"
        )


READERS: dict[str, Callable[[BinaryIO, int], dict[str, NDArray[Any]]]] = {
    ".npy": _npy, ".npz": _npz, ".csv": _csv
}  # fmt: skip
