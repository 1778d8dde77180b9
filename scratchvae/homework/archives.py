"""Archives as learning platforms export them, unpacked for the grader; whatever they say of
themselves.

A class may come as

    ada/scratchvae/...                                a folder for each student, with or without
    Ada Park_17_assignsubmission_file_/hw.zip         a zip in it (Moodle)
    parkada_17_4711_hw.zip                            a zip for each student (Canvas)
    parkada_17_4711_layers.py                         or the files of a student, one by one
    submission_123/scratchvae/..., submission_metadata.yml    (Gradescope)
    export.zip                                        or all of this in one zip

A zip may be a .tar.gz all the same, and hold the student's own zip, which is unpacked once. What
is no Python, a platform's other files beside it, is not read; who has handed in nothing else has
a sentence that says so.

Only Python files and `homework.json` are unpacked, none of an environment's; nothing else is
measured. An archive is refused whole when a name in it is absolute or has `..`, when it holds a
link, a file twice, a password, or when more than 50 MB of such files come out of it and of the
student's archives before it. The sizes in its headers are claims: what counts is what comes out.
"""

import gzip
import itertools
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from scratchvae.homework import gradescope, submission
from scratchvae.homework.grade import Grade
from scratchvae.homework.gradebook import Person
from scratchvae.homework.names import CANVAS, MOODLE, decoded, student
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


@dataclass(frozen=True)
class Row:
    """A student's: the name of the submission or of the person, the file that was handed in."""

    name: str
    grade: Grade
    time: str = ""
    file: str = ""
    person: Person | None = None


@dataclass
class Class:
    """submissions: a folder each, names differ. By their names, where there is something to say:

    notes: a sentence. files: what the file was called that was handed in. people: whose it is, as
    the platform says. times: when it was handed in. failed: those that this machine could not
    unpack.
    """

    submissions: list[Path] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)
    people: dict[str, list[Person]] = field(default_factory=dict)
    times: dict[str, str] = field(default_factory=dict)

    def rows(self, grades: Sequence[Grade]) -> list[Row]:
        """For each submission its people, with the same points; names differ.

        grades: of `submissions`, in their order.
        """
        rows: list[Row] = []
        taken: set[str] = set()
        for path, grade in zip(self.submissions, grades):
            time = self.times.get(path.name, "")
            people: list[Person | None] = [*self.people.get(path.name, [])]
            for person in people or [None]:
                said = [one for one in person or () if one]
                name = next((one for one in said if one not in taken), path.name)
                taken.add(name)
                theirs = replace(grade, name=name) if person else grade
                rows.append(Row(name, theirs, time, self.files.get(path.name, path.name), person))
        return rows


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
        _unpack_twice(place, out, LARGEST)
        yield out


@contextmanager
def unpacked(place: Path, students: Callable[[Path], list[Path]]) -> Iterator[Class]:
    """The submissions of a folder or of an archive, those that are archives unpacked for as long.

    students: which entries of a folder are submissions. Refused when `place` itself is an archive
    that is not unpacked. ValueError when Gradescope's table of submitters cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="homework-", ignore_cleanup_errors=True) as temporary:
        new = Path(temporary) / "class"
        if not place.is_dir():
            out = Path(temporary) / "export"
            wanted = (*WANTED, *ENDINGS, submission.METADATA)
            unpack(place, out, most=LARGEST_CLASS, wanted=wanted, folders=50 * MOST_FOLDERS,
                   names=True)  # fmt: skip
            place = out
        inside = students(place)
        if len(inside) == 1 and (inside[0] / submission.METADATA).is_file():
            place = inside[0]  # Gradescope's export is a folder in a zip
        found = _class(students(place), new)
        table = place / submission.METADATA
        if table.is_file():
            found.people, found.times = gradescope.submitters(table)
        yield found


def _class(entries: list[Path], new: Path) -> Class:
    found = Class()
    new.mkdir()
    of_one: dict[str, list[Path]] = {}
    for path in entries:
        of_one.setdefault(student(path.name) or f"/{path.name}", []).append(path)
    for who, paths in of_one.items():
        _add_student(found, paths, new, entries, platform=not who.startswith("/"))
    found.submissions.sort(key=lambda path: path.name)
    for path in found.submissions:
        form = CANVAS.fullmatch(path.name)
        if form and form["late"]:
            found.times[path.name] = "late"
    return found


def _add_student(
    found: Class, paths: list[Path], new: Path, entries: list[Path], *, platform: bool
) -> None:
    """What one student has handed in: each folder, each archive, and all Python files together.

    Moodle's online text, and a file that is not read, count where nothing else does.
    """
    folders = [path for path in paths if path.is_dir() or path.is_symlink()]
    files = [path for path in paths if path not in folders]
    loose = [path for path in files if platform and path.name.endswith(WANTED)]
    packed = [path for path in files if is_one(path)]
    others = [path for path in files if path not in loose + packed]
    texts = [p for p in folders if (form := MOODLE.fullmatch(p.name)) and form["kind"] != "file"]
    if len(texts) + len(others) < len(paths):
        folders, others = [path for path in folders if path not in texts], []
    for path in folders:
        inside = [] if path.is_symlink() else _files_of(path)
        zips = [one for one in inside if is_one(one)]
        if zips:
            _add(found, new / path.name, zips)
            continue
        found.submissions.append(path)
        if inside:
            found.notes[path.name] = _unread(inside)
    for path in packed:
        _add(found, _free(new, stem(path.name), path.name, entries), [path])
    if not platform:
        found.submissions += others
        return
    for together in (loose, others):
        if together:
            place = _free(new, stem(together[0].name), together[0].name, entries)
            (place / "scratchvae").mkdir(parents=True)
            found.submissions.append(place)
            found.files[place.name] = together[0].name
    for path in loose:  # Canvas calls the second hand-in of layers.py layers-1.py
        name = _own_file(path.name)
        target = found.submissions[-1] / "scratchvae" / re.sub(r"-\d+(?=\.(py|json)$)", "", name)
        try:
            target.write_bytes(submission.content(path))
        except (OSError, ValueError) as error:
            why = submission.reason(error) if isinstance(error, OSError) else error
            found.notes[target.parents[1].name] = f"{plain(name, 60)} cannot be read: {why}"
    if others:
        found.notes[found.submissions[-1].name] = _unread(others)


def _own_file(name: str) -> str:
    """The student's own name of a file, without what the platform has put before it."""
    form = MOODLE.fullmatch(name) or CANVAS.fullmatch(name)
    return (form["file"] if form else "") or name


def _unread(paths: list[Path]) -> str:
    shown = ", ".join(plain(_own_file(path.name), 60) for path in paths[:3])
    return f"it holds {shown} and no Python file: hand in scratchvae/, or a zip of it"


def _free(new: Path, name: str, other: str, entries: list[Path]) -> Path:
    """A folder for `ben.zip`: `ben`, unless somebody has that name; on some systems Ben is ben."""
    taken = {entry.name.casefold() for entry in entries if entry.name != other}
    taken |= {path.name.casefold() for path in new.iterdir()}
    numbered = (f"{other} ({n})" for n in itertools.count(2))
    return new / next(
        one for one in itertools.chain((name, other), numbered) if one.casefold() not in taken
    )


def _files_of(folder: Path) -> list[Path]:
    """The files of a folder in which nothing is unpacked yet; none of one with Python in it."""
    try:
        inside = sorted(p for p in folder.iterdir() if not p.is_symlink() and p.name[0] != ".")
    except OSError:  # `submission.read` says why
        return []
    if any(path.is_dir() or path.suffix == ".py" for path in inside):
        return []
    return [path for path in inside if path.is_file()]


def _add(found: Class, folder: Path, zips: list[Path]) -> None:
    folder.mkdir(parents=True)
    found.submissions.append(folder)
    found.files[folder.name] = zips[0].name
    left = LARGEST
    for n, path in enumerate(zips, 1):
        # the number keeps apart what is called alike, and makes no `..` of `...zip`
        out = folder if len(zips) == 1 else folder / f"{n} {plain(stem(path.name), 40)}"
        try:
            left -= _unpack_twice(path, out, left)
        except Refused as error:
            together = f", with the {n - 1} before it" if left < LARGEST else ""
            found.notes[folder.name] = f"{plain(path.name, 60)}{together} is refused: {error}"
        except NotGraded:
            found.failed.add(folder.name)


def _unpack_twice(archive: Path, out: Path, most: int) -> int:
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
