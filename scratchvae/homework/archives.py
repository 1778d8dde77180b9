"""Zips as learning platforms export them, unpacked for the grader; whatever a zip says of itself.

A class may come as

    ada/scratchvae/...                                a folder for each student, with or without
    Ada Park_17_assignsubmission_file_/hw.zip         a zip in it (Moodle)
    parkada_17_4711_hw.zip                            a zip for each student (Canvas)
    parkada_17_4711_layers.py                         or the files of a student, one by one
    export.zip                                        or all of this in one zip

Only Python files and `homework.json` are unpacked. A zip is refused whole when a name in it is
absolute or has `..`, when it holds a link, a file twice, a password, or when more than 50 MB come
out of it and of the student's zips before it. The sizes in a zip's headers are claims: what
counts is what comes out.
"""

import itertools
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scratchvae.homework import submission
from scratchvae.homework.sandbox import NotGraded
from scratchvae.homework.wire import plain

LARGEST = 50_000_000  # bytes, of a student's zips and of what comes out of them
LARGEST_CLASS = 4_000_000_000  # of the teacher's own export
CONTENTS = 2_000_000  # bytes of a zip's table of contents: some 20,000 files
MOST_FOLDERS = 2_000  # in one zip; of the teacher's own export, for each of 50 students
NOT_UNPACKED = ("__MACOSX", ".git", ".venv", "venv", "site-packages", "__pycache__")
CANVAS = re.compile(r"(?P<who>[^_]+_(?:LATE_)?\d+)_\d+_(?P<file>.+)")


class Refused(ValueError):
    """A zip that is not unpacked: the sentence says why."""


@dataclass
class Class:
    """submissions: a folder each, names differ. notes: name -> what is to be said of it.

    failed: the names of those that this machine could not unpack.
    """

    submissions: list[Path] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)


@contextmanager
def one(place: Path) -> Iterator[Path]:
    """A submission's folder, or what is in its zip, for as long. Refused: see `unpack`."""
    if place.is_dir():
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="homework-", ignore_cleanup_errors=True) as temporary:
        unpack(place, Path(temporary) / place.stem)
        yield Path(temporary) / place.stem


@contextmanager
def unpacked(place: Path, students: Callable[[Path], list[Path]]) -> Iterator[Class]:
    """The submissions of a folder or of a zip, those that are zips unpacked for as long.

    students: which entries of a folder are submissions. Refused when `place` itself is a zip
    that is not unpacked.
    """
    with tempfile.TemporaryDirectory(prefix="homework-", ignore_cleanup_errors=True) as temporary:
        new = Path(temporary) / "class"
        if not place.is_dir():
            out = Path(temporary) / "export"
            wanted = (".py", ".zip", "homework.json")
            unpack(place, out, most=LARGEST_CLASS, wanted=wanted, folders=50 * MOST_FOLDERS)
            place = out
        yield _class(students(place), new)


def _class(entries: list[Path], new: Path) -> Class:
    found = Class()
    new.mkdir()
    loose: dict[str, list[tuple[Path, str]]] = {}
    for path in entries:
        canvas = CANVAS.fullmatch(path.name)
        if path.is_symlink() or path.is_dir():
            zips = [] if path.is_symlink() else _zips_of(path)
            if zips:
                _add(found, new / path.name, zips)
            else:
                found.submissions.append(path)
        elif path.suffix.lower() == ".zip":
            _add(found, _free(new, path.stem, path.name, entries), [path])
        elif path.suffix == ".py" and canvas:
            loose.setdefault(canvas["who"], []).append((path, canvas["file"]))
        else:
            found.submissions.append(path)
    for files in loose.values():
        place = _free(new, files[0][0].stem, files[0][0].name, entries)
        (place / "scratchvae").mkdir(parents=True)
        found.submissions.append(place)
        for path, name in files:  # Canvas calls the second hand-in of layers.py layers-1.py
            target = place / "scratchvae" / re.sub(r"-\d+\.py$", ".py", name)
            try:
                target.write_bytes(submission.content(path))
            except (OSError, ValueError) as error:
                why = submission.reason(error) if isinstance(error, OSError) else error
                found.notes[place.name] = f"{plain(name, 60)} cannot be read: {why}"
    found.submissions.sort(key=lambda path: path.name)
    return found


def _free(new: Path, name: str, other: str, entries: list[Path]) -> Path:
    """A folder for `ben.zip`: `ben`, unless somebody has that name; on some systems Ben is ben."""
    taken = {entry.name.casefold() for entry in entries if entry.name != other}
    taken |= {path.name.casefold() for path in new.iterdir()}
    numbered = (f"{other} ({n})" for n in itertools.count(2))
    return new / next(
        one for one in itertools.chain((name, other), numbered) if one.casefold() not in taken
    )


def _zips_of(folder: Path) -> list[Path]:
    """The zips at the top of a folder in which nothing is unpacked yet."""
    try:
        inside = [path for path in folder.iterdir() if not path.is_symlink()]
    except OSError:  # `submission.read` says why
        return []
    if any(path.is_dir() or path.suffix == ".py" for path in inside):
        return []
    return sorted(path for path in inside if path.suffix.lower() == ".zip" and path.is_file())


def _add(found: Class, folder: Path, zips: list[Path]) -> None:
    folder.mkdir(parents=True)
    found.submissions.append(folder)
    left = LARGEST
    for n, path in enumerate(zips, 1):
        # the number keeps apart what is called alike, and makes no `..` of `...zip`
        out = folder if len(zips) == 1 else folder / f"{n} {plain(path.stem, 40)}"
        try:
            left -= unpack(path, out, most=left)
        except Refused as error:
            together = f", with the {n - 1} before it" if left < LARGEST else ""
            found.notes[folder.name] = f"{plain(path.name, 60)}{together} is refused: {error}"
        except NotGraded:
            found.failed.add(folder.name)


def unpack(
    archive: Path,
    out: Path,
    *,
    most: int = LARGEST,
    wanted: tuple[str, ...] = (".py", "homework.json"),
    folders: int = MOST_FOLDERS,
) -> int:
    """Write the files whose names end as wanted into the folder; how many bytes.

    Refused, and nothing is left. NotGraded when the machine fails.
    """
    try:
        return _unpack(archive, out, most, wanted, folders)
    except Refused:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        raise
    except (
        zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError,
        NotImplementedError, OverflowError, MemoryError,
    ) as error:  # fmt: skip
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        if isinstance(error, MemoryError):
            raise NotGraded("no memory") from None
        why = submission.reason(error) if isinstance(error, OSError) else str(error)
        raise Refused(f"it is no zip, or a damaged one ({plain(why, 80)})") from None


def _unpack(archive: Path, out: Path, most: int, wanted: tuple[str, ...], folders: int) -> int:
    megabytes = f"{most / 1e6:,.0f} MB"
    if archive.is_symlink() or not archive.is_file():
        raise Refused("it is no plain file")
    if archive.stat().st_size > most:
        raise Refused(f"it is larger than {megabytes}")
    if _contents(archive) > CONTENTS:
        raise Refused("it holds too many files; hand in scratchvae/ alone")
    out.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as zipped:
        entries = [(info, _parts(info)) for info in zipped.infolist()]
        if sum(info.file_size for info, _ in entries) > most:
            raise Refused(f"it holds more than {megabytes}; hand in scratchvae/ alone")
        entries = [
            (info, parts)
            for info, parts in entries
            if not info.is_dir()
            and parts[-1].endswith(wanted)
            and not any(part in NOT_UNPACKED or part.startswith("._") for part in parts)
        ]
        if len({tuple(parts[:n]) for _, parts in entries for n in range(1, len(parts))}) > folders:
            raise Refused(f"it holds more than {folders:,} folders; hand in scratchvae/ alone")
        left = most
        for info, parts in entries:
            path = out.joinpath(*parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            with zipped.open(info) as source, path.open("xb") as target:  # x: not twice
                while chunk := source.read(min(left + 1, 1 << 16)):
                    left -= len(chunk)
                    if left < 0:
                        raise Refused(f"it holds more than {megabytes}")
                    target.write(chunk)
    return most - left


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


def _parts(info: zipfile.ZipInfo) -> list[str]:
    """The names of the path, each of them harmless."""
    name = _name(info).replace("\\", "/")
    shown = plain(name, 80)
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        raise Refused(f"it holds the absolute path {shown}")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused(f"it holds a path with '..', {shown}")
    if not parts or len(parts) > 20 or any(len(part.encode()) > 200 for part in parts):
        raise Refused(f"it holds a path that is empty or too long, {shown}")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Refused(f"it holds a link or a device, {shown}")
    if info.flag_bits & 1:
        raise Refused("it has a password")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(f"it holds {shown}, compressed in an unusual way; use an ordinary zip")
    return parts


def _name(info: zipfile.ZipInfo) -> str:
    """The name. A zip whose names are not marked as UTF-8 may have them so all the same (macOS)."""
    if info.flag_bits & 0x800:
        return info.filename
    raw = info.filename.encode("cp437", "replace")
    for coding in ("utf-8", "cp949"):
        try:
            return raw.decode(coding)
        except UnicodeDecodeError:
            pass
    return info.filename
