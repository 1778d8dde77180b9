"""Reading what was handed in: text alone, and nothing outside the submission's own folder.

A submission is a folder. The package is a folder `scratchvae` with Python files, at most ten
folders down, or any folder that holds a file of the package by its name. Links are not followed.
"""

import codecs
import errno
import io
import os
import stat
import tokenize
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scratchvae.homework import asked
from scratchvae.homework.asked import Asked
from scratchvae.homework.sandbox import NotGraded
from scratchvae.homework.wire import plain

LARGEST_FILE, LARGEST_PACKAGE = 1_000_000, 5_000_000  # bytes
DEEPEST, MOST_ENTRIES = 10, 50_000  # folders down; files and folders looked at
METADATA = "submission_metadata.yml"  # Gradescope's, beside the submissions
# what is said of the machine, and of no file
MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EIO)
NO_STUDENTS = ("__MACOSX", "Thumbs.db", "desktop.ini", METADATA)
# codings by the names that Python gives them; others, as punycode, take minutes for 1 MB
CODINGS = (
    *("ascii", "utf-8", "utf-8-sig", "cp949", "euc_kr", "johab", "cp932", "shift_jis", "euc_jp"),
    *("gb2312", "gbk", "gb18030", "big5", "cp950", "koi8-r", "mac-roman"),
    *(f"iso8859-{n}" for n in range(1, 17)),
    *(f"cp125{n}" for n in range(9)),
)


class ClassFolder(ValueError):
    """One submission was asked for, and the folder holds several."""


@dataclass
class Submission:
    """files: of the package, name without .py -> text. problems: name without .py -> why not.

    note: a sentence on the whole, "" when there is nothing to say. found: where packages stand.
    asked: what its handout asked for, if it says so.
    """

    name: str
    files: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    note: str = ""
    found: list[Path] = field(default_factory=list)
    asked: Asked | None = None


def students(folder: Path) -> list[Path]:
    """The submissions of a class: every entry but hidden ones and what operating systems leave."""
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name not in NO_STUDENTS
    )


def is_passed_over(name: str) -> bool:
    """Whether the package is not looked for in a folder of this name: an environment, caches."""
    return name.startswith((".", "__")) or name in ("venv", "site-packages")


def read(folder: Path, modules: Collection[str], *, link_is_teachers: bool = False) -> Submission:
    """The submission. modules: the names of the package's files. Never raises for what is in it.

    NotGraded when the machine cannot read it.
    """
    handed_in = Submission(folder.name)
    if folder.is_symlink() and not link_is_teachers:
        handed_in.note = "it is a link, and links are not followed"
        return handed_in
    if not folder.is_dir():
        handed_in.note = "it is a file; it should be a folder that holds scratchvae/"
        return handed_in
    notes: list[str] = []
    found = sorted(_packages(folder, modules, notes), key=lambda place: (len(place.parts), place))
    named = [place for place in found if place.name == "scratchvae"]
    handed_in.found = named or found
    if not handed_in.found:
        notes.insert(0, "it is no package: there is no folder scratchvae/ with Python files in it")
    else:
        place, *others = handed_in.found
        if others:
            shown = ", ".join(plain(str(other.relative_to(folder)), 60) for other in others[:3])
            chosen = plain(str(place.relative_to(folder)), 60)
            notes.append(f"it holds {len(others) + 1} copies of the package: {chosen} is graded, "
                         f"{shown} {'are' if len(others) > 1 else 'is'} not")  # fmt: skip
        _read_files(place, handed_in)
        _read_asked(place, handed_in, notes)
    notes += [f"{plain(name, 60)}.py: {problem}" for name, problem in handed_in.problems.items()]
    handed_in.note = "; ".join(notes)
    return handed_in


def _packages(folder: Path, modules: Collection[str], notes: list[str]) -> Iterator[Path]:
    seen, todo = 0, [(folder, 0)]
    while todo:
        place, depth = todo.pop(0)
        inner: list[Path] = []
        scripts: list[str] = []
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    seen += 1
                    if seen > MOST_ENTRIES:
                        notes.append(
                            f"it has more than {MOST_ENTRIES:,} files: not all are looked at"
                        )
                        return
                    if entry.is_symlink() and entry.name == "scratchvae":
                        notes.append("its scratchvae is a link, and links are not followed")
                    elif entry.is_dir(follow_symlinks=False):
                        if not is_passed_over(entry.name):
                            inner.append(Path(entry.path))
                    elif entry.name.endswith(".py"):
                        scripts.append(entry.name[:-3])
        except OSError as error:
            notes.append(f"a folder cannot be read: {reason(error)}")
        if scripts and (place.name == "scratchvae" or any(name in modules for name in scripts)):
            yield place
        if depth < DEEPEST:
            todo += [(path, depth + 1) for path in sorted(inner)]


def _read_files(place: Path, handed_in: Submission) -> None:
    total = 0
    for path in sorted(place.glob("*.py"))[:200]:
        try:
            if not path.stem.isidentifier():
                raise ValueError("its name is no name of a module")
            data = content(path)
            total += len(data)
            if total > LARGEST_PACKAGE:
                raise ValueError(f"the package has more than {LARGEST_PACKAGE:,} bytes")
            handed_in.files[path.stem] = text(data)
        except OSError as error:
            handed_in.problems[path.stem] = f"it cannot be opened: {reason(error)}"
        except ValueError as error:
            handed_in.problems[path.stem] = plain(str(error))


def _read_asked(place: Path, handed_in: Submission, notes: list[str]) -> None:
    path = place / asked.NAME
    try:
        if path.is_symlink() or path.exists():
            handed_in.asked = asked.parse(content(path))
            notes += filter(None, [handed_in.asked.other_version()])
    except OSError as error:
        notes.append(f"{path.name} cannot be opened: {reason(error)}")
    except ValueError as error:
        notes.append(plain(str(error)))


def reason(error: OSError) -> str:
    """What the system says of a file, without its path. NotGraded when the machine is at fault."""
    if error.errno in MACHINE:
        raise NotGraded(error.strerror)
    return error.strerror or type(error).__name__


def content(path: Path) -> bytes:
    """The content of a plain file: no link, folder, pipe or device, and not too large."""
    if path.is_symlink():
        raise ValueError("it is a link, and links are not followed")
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError("it is no plain file")
    extra = os.O_NONBLOCK | os.O_NOFOLLOW  # should it have become a pipe or a link
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | extra)) as file:
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise ValueError(f"it is larger than {LARGEST_FILE:,} bytes")
    return data


def text(data: bytes) -> str:
    """Python source as Python reads it: a byte order mark, or a coding in its first two lines.

    ValueError with what to do about it.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("it is UTF-16, which Python does not read: save it as UTF-8")
    coding = "utf-8"
    try:
        coding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        if codecs.lookup(coding).name not in CODINGS:
            raise ValueError(f"it names the coding {coding}: save it as UTF-8")
        source = data.decode(coding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not {coding}: save it as UTF-8") from None
    except (SyntaxError, LookupError) as error:
        bad = "it is not UTF-8" if "invalid or missing" in str(error) else str(error)
        raise ValueError(f"{bad}: save it as UTF-8, or name its coding in line 1") from None
    return source.replace("\r\n", "\n").replace("\r", "\n")
