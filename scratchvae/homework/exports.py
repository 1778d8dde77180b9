"""A class as learning platforms export it: who has handed in what, and when.

    ada/scratchvae/...                                a folder for each student, with or without
    Ada Park_17_assignsubmission_file_/hw.zip         a zip in it (Moodle)
    parkada_17_4711_hw.zip                            a zip for each student (Canvas)
    parkada_17_4711_layers.py                         or the files of a student, one by one
    submission_123/..., submission_metadata.yml       a table says whose it is (Gradescope)
    export.zip                                        or all of this in one zip

What is no Python, a platform's other files beside it, is not read. Who has handed in nothing else
has a row all the same, and a sentence that says so.
"""

import itertools
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from scratchvae.homework import archives, gradescope, submission
from scratchvae.homework.grade import Grade
from scratchvae.homework.names import CANVAS, MOODLE, student
from scratchvae.homework.rows import Person
from scratchvae.homework.sandbox import NotGraded
from scratchvae.homework.wire import plain


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


@contextmanager
def unpacked(place: Path) -> Iterator[Class]:
    """The submissions of a folder or of an archive, those that are archives unpacked for as long.

    Refused when `place` itself is an archive that is not unpacked. ValueError when Gradescope's
    table of submitters cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="homework-", ignore_cleanup_errors=True) as temporary:
        new = Path(temporary) / "class"
        if not place.is_dir():
            out = Path(temporary) / "export"
            archives.unpack_export(place, out, submission.METADATA)
            place = out
            inside = submission.students(out)
            if len(inside) == 1 and (inside[0] / submission.METADATA).is_file():
                # Gradescope's export is a folder in a zip; a student's folder is none
                place = out if student(inside[0].name) else inside[0]
        found = _class(submission.students(place), new)
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
    loose = [path for path in files if platform and path.name.endswith(archives.WANTED)]
    packed = [path for path in files if archives.is_one(path)]
    others = [path for path in files if path not in loose + packed]
    texts = [p for p in folders if (form := MOODLE.fullmatch(p.name)) and form["kind"] != "file"]
    if len(texts) + len(others) < len(paths):
        folders, others = [path for path in folders if path not in texts], []
    for path in folders:
        inside = [] if path.is_symlink() else _files_of(path)
        zips = [one for one in inside if archives.is_one(one)]
        if zips:
            _add(found, new / path.name, zips)
            continue
        found.submissions.append(path)
        if inside:
            found.notes[path.name] = _unread(inside)
    for path in packed:
        place = _free(new, archives.stem(path.name), path.name, entries)
        _add(found, place, [path])
        found.files[place.name] = path.name
    if not platform:
        found.submissions += others
        return
    for together in (loose, others):
        if together:
            place = _free(new, archives.stem(together[0].name), together[0].name, entries)
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
    left = archives.LARGEST
    for n, path in enumerate(zips, 1):
        # the number keeps apart what is called alike, and makes no `..` of `...zip`
        out = folder if len(zips) == 1 else folder / f"{n} {plain(archives.stem(path.name), 40)}"
        try:
            left -= archives.unpack_twice(path, out, left)
        except archives.Refused as error:
            together = f", with the {n - 1} before it" if left < archives.LARGEST else ""
            found.notes[folder.name] = f"{plain(path.name, 60)}{together} is refused: {error}"
        except NotGraded:
            found.failed.add(folder.name)
