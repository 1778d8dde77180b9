"""Points in tables: the class's own CSV, and one column of the teacher's export from a platform.

An export is somebody else's file. `fill` changes the cells of one column, in the rows of those
who are graded, and no other byte of it: not the quotes, not the newlines, not the byte order
mark. A row is found by

    Canvas    ID, then SIS User ID, SIS Login ID, then the name
    Moodle    Identifier ("Participant 17"), then the e-mail address, then the name
    any CSV   the column that `key` names

and a submission's folder says who it is in one of these ways:

    17 or ada@uni.example                             the key itself
    parkada_17_4711_hw                                Canvas: name, ID, number of the file
    Ada Park_17_assignsubmission_file_                Moodle: name, Identifier
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scratchvae.files import written_whole
from scratchvae.homework import handback
from scratchvae.homework.grade import NOT_GRADED, Grade
from scratchvae.homework.wire import plain

MOST_CELL = 200  # characters
FIRST = ("submission", "points", "of")  # columns of the class's own CSV
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_\d+_.*")
MOODLE = re.compile(r"(?P<name>[^_]+)_(?P<id>\d+)_assignsubmission_.*")


# ---- the class's own ----


def class_csv(grades: Sequence[Grade]) -> str:
    """A row for each submission: points, the points of each exercise, training, comments.

    A spreadsheet makes 3.1 of 3.10, so a column is called "ex 3.10". Without a mark there is none.
    """
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    numbers = [f"ex {mark.number}" for mark in grades[0].marks] if grades else []
    table.writerow([*FIRST, *numbers, "trains", "comments"])
    for grade in grades:
        said = [
            f"{mark.number}: {handback.said(mark)[0].rstrip('.')}"
            for mark in grade.marks
            if mark.sentence
        ]
        first = [] if grade.final else [NOT_GRADED]
        comments = "; ".join([*first, *([grade.note] if grade.note else []), *said])
        points = [f"{mark.points:g}" if grade.final else "" for mark in grade.marks]
        total = [f"{grade.points:g}" if grade.final else "", f"{grade.most:g}"]
        trains = "yes" if grade.trains else "no"
        table.writerow([cell(grade.name), *total, *points, trains, cell(comments)])
    return out.getvalue()


def write_csv(path: Path, grades: Sequence[Grade]) -> None:
    """The same as a file: UTF-8 with a byte order mark, by which Excel knows it."""
    with written_whole(path, private=True) as part:
        part.write_bytes(class_csv(grades).encode("utf-8-sig"))


def check_replaced(path: Path, *beside: Path) -> None:
    """FileExistsError when the class's CSV would replace a file that is no such CSV.

    beside: files that are written with it, and are there without it only when they are others.
    """
    first = ",".join(FIRST).encode("utf-8-sig")
    ours = path.is_file() and path.read_bytes()[: len(first)] == first
    for other in (path, *beside):
        if other.exists() and not ours:
            raise FileExistsError(
                f"{other} is there, and not of an earlier grading: name another file by --csv"
            )


def cell(text: str, most: int = MOST_CELL) -> str:
    """A text that a spreadsheet does not take for a formula: one line, not long.

    Where a comma stands in decimal numbers, a spreadsheet begins a new cell after a semicolon.
    """
    first = "'" if text.startswith(FORMULA) else ""
    begins = "|".join(map(re.escape, FORMULA))
    return first + re.sub(f";(?={begins})", ";'", plain(text, most))[: most - len(first)]


# ---- the teacher's export ----


@dataclass(frozen=True)
class Filled:
    """filled: rows. missing: submissions without a row. doubtful: with several. without: rows."""

    filled: int
    missing: list[str]
    doubtful: list[str]
    without: list[str]

    def sentence(self, path: Path, column: str) -> str:
        """What was done, and who was not found."""
        lines = [f"{path}: {self.filled} cells of {column!r} are filled"]
        for names, what in (
            (self.missing, "not found in it"),
            (self.doubtful, "in several of its rows, and not filled"),
            (self.without, "in it without a submission, and left as they were"),
        ):
            if names:
                shown = ", ".join(plain(name, 60) for name in names)
                lines.append(f"{len(names)} {what}: {shown}")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Table:
    """text: all of the file. rows: for each row the (start, end) of its cells in the text."""

    text: str
    coding: str
    rows: list[list[tuple[int, int]]]

    def value(self, row: int, column: int) -> str:
        """The cell without its quotes; "" where the row is too short."""
        if column >= len(self.rows[row]):
            return ""
        start, end = self.rows[row][column]
        raw = self.text[start:end].strip()
        quoted = len(raw) > 1 and raw[0] == raw[-1] == '"'
        return (raw[1:-1].replace('""', '"') if quoted else raw).strip()


def fill(path: Path, column: str, points: Mapping[str, float], key: str | None = None) -> Filled:
    """Write the points into the column. points: submission's name -> points.

    ValueError when the column, the key, or every way to find a row is missing.
    """
    table = _read(path)
    header = [table.value(0, i) for i in range(len(table.rows[0]))]
    target = _column(header, column, path)
    ways = _ways(table, header, None if key is None else _column(header, key, path), path)
    rows = range(1, len(table.rows))
    of_row: dict[int, list[str]] = {}
    missing: list[str] = []
    doubtful: list[str] = []
    for name in points:
        found = next((hit for way in ways if (hit := [r for r in rows if way(name, r)])), [])
        if len(found) == 1:
            of_row.setdefault(found[0], []).append(name)
        else:
            (doubtful if found else missing).append(name)
    edits = []
    for row, names in of_row.items():
        if len(names) > 1 or target >= len(table.rows[row]):
            doubtful += names
            continue
        start, end = table.rows[row][target]
        old = table.text[start:end]
        new = f"{points[names[0]]:g}"
        edits.append((start, end, f'"{new}"' if old.startswith('"') else new))
    text = table.text
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    with written_whole(path) as part:
        part.write_bytes(text.encode(table.coding))
    people = _people(header)
    without = [
        next((said for i in people if (said := table.value(row, i))), f"row {row + 1}")
        for row in rows
        if row not in of_row and not _is_heading(table, row)
    ]
    return Filled(len(edits), sorted(missing), sorted(doubtful), without)


def _read(path: Path) -> _Table:
    data = path.read_bytes()
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    order = "utf-16-le" if data.startswith(b"\xff\xfe") else "utf-16-be"
    for coding in (order,) if wide else ("utf-8", "cp949", "latin-1"):
        try:
            text = data.decode(coding)
        except UnicodeDecodeError:
            continue
        if text.encode(coding) == data:
            break
    else:
        raise ValueError(f"{path} is damaged: it is no {order}")
    first = re.sub('"[^"]*"', "", text.lstrip("\ufeff\r\n").splitlines()[0] if text.strip() else "")
    delimiter = max(",;\t", key=first.count)
    rows = _cells(text, delimiter)
    if len(rows) < 2:
        raise ValueError(f"{path} is no table: it should have a header and a row for each student")
    return _Table(text, coding, rows)


def _cells(text: str, delimiter: str) -> list[list[tuple[int, int]]]:
    """Where each cell stands. In quotes it may hold delimiters, newlines, and doubled quotes."""
    pattern = re.compile(
        rf'"[^"]*(?:""[^"]*)*"(?=[{delimiter}\r\n]|$)|[^{delimiter}\r\n]*', re.DOTALL
    )
    rows: list[list[tuple[int, int]]] = [[]]
    at = 1 if text.startswith("\ufeff") else 0
    while True:
        found = pattern.match(text, at)
        assert found is not None  # the second form matches the empty text
        rows[-1].append(found.span())
        at = found.end()
        if at >= len(text):
            break
        if text[at] == delimiter:
            at += 1
            continue
        at += 2 if text.startswith("\r\n", at) else 1
        if at >= len(text):
            break
        rows.append([])
    return [row for row in rows if len(row) > 1 or row[0][0] < row[0][1]]


def _column(header: list[str], name: str, path: Path) -> int:
    """The column of this name; Canvas adds a number to its names, as in "Week 3 (4711)"."""
    for same in (
        lambda title: title == name,
        lambda title: re.sub(r"\s*\(\d+\)$", "", title) == name,
        lambda title: title.casefold() == name.casefold(),
    ):
        found = [i for i, title in enumerate(header) if same(title)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{path} has {len(found)} columns {name!r}; name one of them in full")
    shown = ", ".join(repr(plain(title, 40)) for title in header[:30])
    raise ValueError(f"{path} has no column {name!r}; it has {shown}")


Way = Callable[[str, int], bool]


def _ways(table: _Table, header: list[str], key: int | None, path: Path) -> list[Way]:
    """How a submission's name may tell its row, the surest first."""

    def by(column: int, own: Callable[[str], list[str]]) -> Way:
        values = [table.value(row, column).casefold() for row in range(len(table.rows))]
        return lambda name, row: bool(values[row]) and values[row] in own(name)

    if key is not None:
        return [by(key, _keys)]
    columns = {title.casefold(): i for i, title in enumerate(header)}
    ways = [
        by(columns[title], _keys)
        for title in ("id", "sis user id", "sis login id")
        if title in columns
    ]
    numbers = _identifiers(table)
    if numbers is not None:
        wanted = [re.sub(r"\D", "", table.value(r, numbers)) for r in range(len(table.rows))]
        ways.append(lambda name, row: bool(wanted[row]) and wanted[row] in _numbers(name))
    mail = _mail(table)
    if mail is not None:
        ways.append(by(mail, _keys))
    for names in _people(header):
        people = [_person(table.value(row, names)) for row in range(len(table.rows))]
        joined = [table.value(row, names) for row in range(len(table.rows))]

        def named(
            name: str, row: int, people: list[str] = people, said: list[str] = joined
        ) -> bool:
            own = _own_name(name)
            return bool(people[row]) and (_person(own) == people[row] or own == _canvas(said[row]))

        ways.append(named)
    if not ways:
        raise ValueError(f"{path} has no column that names the student; say which one by --key")
    return ways


def _keys(name: str) -> list[str]:
    """What of a submission's name may be a key."""
    found = [name.casefold(), *(_numbers(name))]
    return [*found, f"participant {found[-1]}"] if len(found) > 1 else found


def _numbers(name: str) -> list[str]:
    found = MOODLE.fullmatch(name) or CANVAS.fullmatch(name)
    alone = re.fullmatch(r"(?:\D+ )?(\d+)", name)
    return [found["id"]] if found else [alone[1]] if alone else []


def _own_name(name: str) -> str:
    found = MOODLE.fullmatch(name) or CANVAS.fullmatch(name)
    return found["name"] if found else name


def _person(name: str) -> str:
    """A name without the order of its parts: "Park, Ada" and "Ada Park" are one."""
    return " ".join(sorted(re.findall(r"[^\W_]+", name.casefold())))


def _canvas(name: str) -> str:
    """A name as Canvas writes it in front of a file: "Park, Ada" is parkada."""
    return "".join(re.findall(r"[^\W_]+", name.casefold()))


def _people(header: list[str]) -> list[int]:
    known = ("student", "full name", "name", "submission", "이름", "성명")
    return [i for i, title in enumerate(header) if title.casefold() in known]


def _identifiers(table: _Table) -> int | None:
    """Moodle's "Identifier", in any language: all its cells are a word and a number."""
    rows = range(1, len(table.rows))
    said = [table.value(row, 0) for row in rows]
    return 0 if said and all(re.fullmatch(r"[^\W\d]+ \d+", one) for one in said) else None


def _mail(table: _Table) -> int | None:
    """The first column whose cells, where there are any, are all e-mail addresses."""
    for column in range(len(table.rows[0])):
        said = [table.value(row, column) for row in range(1, len(table.rows))]
        if any(said) and all(re.fullmatch(r"\S+@\S+", one) for one in said if one):
            return column
    return None


def _is_heading(table: _Table, row: int) -> bool:
    """Canvas's rows that are no student: "Points Possible", "Manual Posting"."""
    return any("points possible" in table.value(row, i).casefold() for i in (0, 1)) or not any(
        table.value(row, i) for i in range(min(4, len(table.rows[row])))
    )
