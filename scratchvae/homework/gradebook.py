"""Points in tables: the class's own CSV, and one column of the teacher's export from a platform.

An export is somebody else's file. `fill` changes the cells of one column, in the rows of those
who are graded, and no other byte of it: not the quotes, not the newlines, not the byte order
mark. How a row is found is in `rows.py`.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scratchvae.files import written_whole
from scratchvae.homework import handback
from scratchvae.homework.grade import NOT_GRADED, Grade
from scratchvae.homework.names import CANVAS, decoded, same
from scratchvae.homework.rows import Person, Rows
from scratchvae.homework.wire import plain

MOST_CELL = 200  # characters
FIRST = ("submission", "points", "of")  # columns of the class's own CSV
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
DATE = re.compile(r"(?=.*\d{4})(?=.*\d{1,2}[:.h]\d\d).+", re.DOTALL)  # a year, and a time


# ---- the class's own ----


def class_csv(grades: Sequence[Grade], times: Sequence[str] = ()) -> str:
    """A row for each submission: points, the points of each exercise, training, comments.

    times: when each was handed in, or ""; a column if there is any. A spreadsheet makes 3.1 of
    3.10, so a column is called "ex 3.10". Without a mark there is none.
    """
    handed_in = ["handed in"] if any(times) else []
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    numbers = [f"ex {mark.number}" for mark in grades[0].marks] if grades else []
    table.writerow([*FIRST, *numbers, "trains", *handed_in, "comments"])
    for i, grade in enumerate(grades):
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
        when = [cell(times[i])] if handed_in else []
        table.writerow([cell(grade.name), *total, *points, trains, *when, cell(comments)])
    return out.getvalue()


def write_csv(path: Path, grades: Sequence[Grade], times: Sequence[str] = ()) -> None:
    """The same as a file: UTF-8 with a byte order mark, by which Excel knows it."""
    with written_whole(path, private=True) as part:
        part.write_bytes(class_csv(grades, times).encode("utf-8-sig"))


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


@dataclass
class Filled:
    """filled: cells. missing: submissions without a row. doubtful: with several, or not surely
    one. taken: what was done with several attempts. without: rows without a submission.
    """

    filled: int = 0
    missing: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)

    def sentence(self, path: Path, column: str) -> str:
        """What was done, and who was not found."""
        lines = [f"{path}: {self.filled} cells of {column!r} are filled", *self.taken]
        for names, what in (
            (self.missing, "not found in it"),
            (self.doubtful, "in several of its rows, or not surely in one, and not filled"),
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

    def column(self, column: int) -> list[str]:
        """Its cells, below the header."""
        return [self.value(row, column) for row in range(1, len(self.rows))]


def fill(
    path: Path,
    column: str,
    points: Mapping[str, float],
    key: str | None = None,
    *,
    people: Mapping[str, Person] | None = None,
    take: str = "",
) -> Filled:
    """Write the points into the column. points: submission's name -> points.

    people: who a submission is of, where the platform says it. take: which of several attempts
    in one row counts: "best", or "last" by the number of its file, where all have one. ValueError
    when the column, the key, or every way to find a row is missing.
    """
    table = _read(path)
    header = [table.value(0, i) for i in range(len(table.rows[0]))]
    target = _column(header, column, path)
    rows = _rows(table, header, target, key, path)
    done = Filled()
    of_row: dict[int, list[str]] = {}
    for name in points:
        found, sure = rows.of(name, (people or {}).get(name))
        for row in found if sure else ():
            of_row.setdefault(row, []).append(name)
        if not sure:
            (done.doubtful if found else done.missing).append(name)
    edits = []
    for row, names in of_row.items():
        name = _taken(names, points, take)
        if not name or target >= len(table.rows[row]):
            done.doubtful += names
            continue
        if len(names) > 1:
            shown = ", ".join(f"{plain(one, 60)} ({points[one]:g})" for one in names)
            done.taken.append(f"attempts of one student: {shown}; taken: {plain(name, 60)}")
        start, end = table.rows[row][target]
        old = table.text[start:end]
        new = f"{points[name]:g}"
        edits.append((start, end, f'"{new}"' if old.startswith('"') else new))
    text = table.text
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    with written_whole(path) as part:
        part.write_bytes(text.encode(table.coding))
    done.filled = len(edits)
    done.missing.sort()
    done.doubtful = sorted(set(done.doubtful))
    done.without = [
        next((said for i in rows.people if (said := table.value(row, i))), f"row {row + 1}")
        for row in range(1, len(table.rows))
        if row not in of_row and not _is_heading(table, row)
    ]
    return done


def _taken(names: Sequence[str], points: Mapping[str, float], take: str) -> str:
    """The one attempt whose points count, or "" when nobody can say."""
    if len(names) == 1:
        return names[0]
    numbers = {name: int(found["number"] or 0) if (found := CANVAS.fullmatch(name)) else 0
               for name in names}  # fmt: skip
    if take == "best":
        return max(names, key=lambda name: (points[name], numbers[name]))
    return max(names, key=lambda name: numbers[name]) if take and all(numbers.values()) else ""


def times(path: Path, names: Iterable[str], key: str | None = None) -> dict[str, str]:
    """When each was handed in, as Moodle's worksheet has it: its first column of dates."""
    table = _read(path)
    header = [table.value(0, i) for i in range(len(table.rows[0]))]
    rows = _rows(table, header, -1, key, path)
    for column in range(len(header)):
        said = [one for one in table.column(column) if one not in ("", "-")]
        if said and all(map(DATE.fullmatch, said)):
            found = {name: rows.of(name, None) for name in names}
            return {
                name: table.value(min(hit), column) for name, (hit, sure) in found.items() if sure
            }
    return {}


def _read(path: Path) -> _Table:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        coding = "utf-16-le" if data.startswith(b"\xff\xfe") else "utf-16-be"
        try:
            text = data.decode(coding)
        except UnicodeDecodeError:
            raise ValueError(f"{path} is damaged: it is no {coding}") from None
    else:
        text, coding = decoded(data, "cp1252", "latin-1")
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
    for fits in (
        lambda title: title == name,
        lambda title: re.sub(r"\s*\(\d+\)$", "", title) == name,
        lambda title: same(title) == same(name),
    ):
        found = [i for i, title in enumerate(header) if fits(title)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{path} has {len(found)} columns {name!r}; name one of them in full")
    shown = ", ".join(repr(plain(title, 40)) for title in header[:30])
    raise ValueError(f"{path} has no column {name!r}; it has {shown}")


def _rows(table: _Table, header: list[str], target: int, key: str | None, path: Path) -> Rows:
    columns = [table.column(i) for i in range(len(header))]
    rows = Rows(header, columns, target, None if key is None else _column(header, key, path))
    if not rows.ways and not rows.names:
        raise ValueError(f"{path} has no column that names the student; say which one by --key")
    return rows


def _is_heading(table: _Table, row: int) -> bool:
    """Canvas's rows that are no student: "Points Possible", "Manual Posting"."""
    return any("points possible" in table.value(row, i).casefold() for i in (0, 1)) or not any(
        table.value(row, i) for i in range(min(4, len(table.rows[row])))
    )
