"""Archives unpacked, whatever they say of themselves: .zip, and .tar.gz all the same.

Only Python files and `homework.json` are unpacked, none of an environment's; nothing else is
measured. An archive is refused whole when a name in it is absolute or has `..`, when it holds a
link, a file twice, a password, or when more than 50 MB of such files come out of it and of the
student's archives before it. The sizes in its headers are claims: what counts is what comes out.
An archive in an archive is unpacked once.
"""

import gzip
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from scratchvae.homework import submission
from scratchvae.homework.names import decoded
from scratchvae.homework.sandbox import NotGraded
from scratchvae.homework.wire import plain

LARGEST = 50_000_000  # bytes, of what comes out of a student's archives
LARGEST_CLASS = 4_000_000_000  # of the teacher's own export
CONTENTS = 6_000_000  # bytes of a zip's table of contents: some 60,000 files
MOST_FOLDERS = 2_000  # in one archive; of the teacher's own export, for each of 50 students
ENDINGS = (".zip", ".tar.gz", ".tgz")
WANTED = (".py", "homework.json")


class Refused(ValueError):
    """A zip that is not unpacked: the sentence says why."""


def is_one(path: Path) -> bool:
    """Whether the file's name is an archive's."""
    return path.name.lower().endswith(ENDINGS)


def stem(name: str) -> str:
    """The name without its ending."""
    ending = next((one for one in ENDINGS if name.lower().endswith(one)), Path(name).suffix)
    return name[: -len(ending)] if ending else name


@contextmanager
def one(place: Path) -> Iterator[Path]:
    """A submission's folder, or what is in its archive, for as long. Refused: see `unpack`."""
    if place.is_dir():
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="homework-", ignore_cleanup_errors=True) as temporary:
        out = Path(temporary) / (stem(place.name).strip(".") or "submission")
        unpack_twice(place, out, LARGEST)
        yield out


def unpack_export(archive: Path, out: Path, *also: str) -> None:
    """Unpack a teacher's export of a class. Of what is not read, the names. Refused: see `unpack`.

    also: names of files to unpack beside the students'.
    """
    wanted = (*WANTED, *ENDINGS, *also)
    folders = 50 * MOST_FOLDERS
    unpack(archive, out, most=LARGEST_CLASS, wanted=wanted, folders=folders, names=True)


def unpack_twice(archive: Path, out: Path, most: int) -> int:
    """Unpack a student's archive; and, where it holds no Python, the archives in it.

    The bytes that came out.
    """
    left = most - unpack(archive, out, most=most, wanted=(*WANTED, *ENDINGS))
    inside = [path for path in sorted(out.rglob("*")) if is_one(path) and path.is_file()]
    if not any(out.rglob("*.py")):
        for n, path in enumerate(inside):
            moved = path.rename(out / f".{n}{path.name[len(stem(path.name)) :]}")
            left -= unpack(moved, path, most=left)
            moved.unlink()
    return most - left


def unpack(
    archive: Path,
    out: Path,
    *,
    most: int = LARGEST,
    wanted: tuple[str, ...] = WANTED,
    folders: int = MOST_FOLDERS,
    names: bool = False,
) -> int:
    """Write the files whose names end as wanted into the folder; the bytes that came out.

    names: a file beside them leaves its name, an empty file. Refused, and nothing is left.
    NotGraded when the machine fails.
    """
    try:
        return _unpack(archive, out, most, wanted, folders, names)
    except Refused:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        raise
    except (
        zipfile.BadZipFile, tarfile.TarError, zlib.error, OSError, EOFError, ValueError,
        RuntimeError, NotImplementedError, OverflowError, MemoryError,
    ) as error:  # fmt: skip
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        if isinstance(error, MemoryError):
            raise NotGraded("no memory") from None
        why = submission.reason(error) if isinstance(error, OSError) else str(error)
        raise Refused(f"it is no zip, or a damaged one ({plain(why, 80)})") from None


# the path's names; the size that it claims; opens it
Entry = tuple[list[str], int, Callable[[], IO[bytes] | None]]


def _unpack(
    archive: Path, out: Path, most: int, wanted: tuple[str, ...], folders: int, names: bool
) -> int:
    if archive.is_symlink() or not archive.is_file():
        raise Refused("it is no plain file")
    entries = _of_zip if archive.name.lower().endswith(".zip") else _of_tar

    def is_wanted(parts: Sequence[str]) -> bool:
        return parts[-1].lower().endswith(wanted)

    def kept(parts: Sequence[str]) -> bool:
        outside = parts[-1].startswith("._") or any(map(submission.is_passed_over, parts[:-1]))
        return not outside and (names or is_wanted(parts))

    too_large = f"it holds more than {most / 1e6:,.0f} MB; hand in scratchvae/ alone"
    with closing(entries(archive)) as found:
        sizes = {tuple(parts): size for parts, size, _ in found if kept(parts)}
    if sum(size for parts, size in sizes.items() if is_wanted(parts)) > most:
        raise Refused(too_large)
    if len({parts[:n] for parts in sizes for n in range(1, len(parts))}) > folders:
        raise Refused(f"it holds more than {folders:,} folders; hand in scratchvae/ alone")
    out.mkdir(parents=True, exist_ok=True)
    left = most
    with closing(entries(archive)) as found:
        for parts, _, opened in found:
            if not kept(parts):
                continue
            path = out.joinpath(*parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not is_wanted(parts):
                path.touch()
                continue
            source = opened()
            assert source is not None  # a plain file, as `_of_tar` gives no other
            with source, path.open("xb") as target:  # x: not twice
                while chunk := source.read(min(left + 1, 1 << 16)):
                    left -= len(chunk)
                    if left < 0:
                        raise Refused(too_large)
                    target.write(chunk)
    return most - left


def _of_zip(archive: Path) -> Generator[Entry, None, None]:
    """The files of a zip, after all of its names are found harmless."""
    if _contents(archive) > CONTENTS:
        raise Refused("it holds too many files; hand in scratchvae/ alone")
    with zipfile.ZipFile(archive) as zipped:
        for info, parts in [(info, _checked(info)) for info in zipped.infolist()]:
            if not info.is_dir():
                yield parts, info.file_size, partial(zipped.open, info)


def _of_tar(archive: Path) -> Generator[Entry, None, None]:
    """The files of a .tar.gz, one after the other: it has no table of contents."""
    with (
        _Limited(archive) as stream,
        tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as packed,
    ):
        for info in packed:
            parts = _parts(info.name)
            if not info.isfile() and not info.isdir():
                raise Refused(f"it holds a link or a device, {plain(info.name, 80)}")
            if info.isfile():
                yield parts, info.size, partial(packed.extractfile, info)


class _Limited(gzip.GzipFile):
    """A stream of which no more comes than an archive with an environment in it has."""

    left = 20 * LARGEST

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.left -= len(data)
        if self.left < 0:
            raise Refused(f"it is larger than {20 * LARGEST / 1e6:,.0f} MB")
        return data


class _Header(tarfile.TarInfo):
    """A header whose own text, a long name, is not long: Python reads it into memory."""

    @classmethod
    def frombuf(cls, *arguments: Any) -> "_Header":
        header = super().frombuf(*arguments)
        if not (header.isfile() or header.isdir()) and header.size > 100_000:
            raise Refused("it holds a header that is too long")
        return header


def _contents(archive: Path) -> int:
    """The size of the table of contents, by the records at the end that say it.

    Python reads the whole table into memory before one can ask how long it is. It believes the
    record of a large zip, PK 6 6, before the other; this takes the largest of all that it finds.
    """
    with archive.open("rb") as file:
        file.seek(max(0, archive.stat().st_size - 66_000))
        tail = file.read()
    records = ((b"PK\5\6", 12, 4), (b"PK\6\6", 40, 8))
    sizes = [
        int.from_bytes(tail[found.start() + at : found.start() + at + size], "little")
        for signature, at, size in records
        for found in re.finditer(signature, tail)
    ]
    return max(sizes, default=0)


def _checked(info: zipfile.ZipInfo) -> list[str]:
    """The names of the path, of a plain file or a folder that Python can read."""
    parts = _parts(_name(info))
    shown = plain("/".join(parts), 80)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Refused(f"it holds a link or a device, {shown}")
    if info.flag_bits & 1:
        raise Refused("it has a password")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(f"it holds {shown}, compressed in an unusual way; use an ordinary zip")
    return parts


def _parts(name: str) -> list[str]:
    """The names of the path, each of them harmless."""
    name = name.replace("\\", "/")
    shown = plain(name, 80)
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        raise Refused(f"it holds the absolute path {shown}")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused(f"it holds a path with '..', {shown}")
    if not parts or len(parts) > 20 or any(len(part.encode()) > 200 for part in parts):
        raise Refused(f"it holds a path that is empty or too long, {shown}")
    return parts


def _name(info: zipfile.ZipInfo) -> str:
    """The name. A zip whose names are not marked as UTF-8 may have them so all the same (macOS)."""
    if info.flag_bits & 0x800:
        return info.filename
    return decoded(info.filename.encode("cp437", "replace"), "cp437")[0]
