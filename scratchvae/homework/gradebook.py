"""Points in tables: the class's own CSV, and one column of the teacher's export from a platform.

An export is somebody else's file. `fill` changes the cells of one column, in the rows of those
who are graded, and no other byte of it: not the quotes, not the newlines, not the byte order
mark. Each of these tells rows, where the table has the column:

    Canvas    ID; SIS User ID, SIS Login ID; the name
    Moodle    the first column, one word and a number ("Participant 17", "Teilnehmer/in17");
              the name, in the second; the e-mail address; a group, in any
    any CSV   the column that `key` names, and no other

A submission's name has one of the forms of `names.py`, or is the cell itself, or the number of a
Moodle cell. Only the platform's own form makes a number of a longer name: "Ada Park 2" is the
second copy of a folder, and not number 2. All that tells a row has to tell the same row. If not,
or if it tells several, the submission is doubtful: it is named, and not filled.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from scratchvae.files import written_whole
from scratchvae.homework import handback
from scratchvae.homework.grade import NOT_GRADED, Grade
from scratchvae.homework.names import CANVAS, MOODLE, decoded, same
from scratchvae.homework.wire import plain

MOST_CELL = 200  # characters
FIRST = ("submission", "points", "of")  # columns of the class's own CSV
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
TAKE = ("best", "last")  # which of several attempts of one student
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


class Person(NamedTuple):
    """What a platform says of who has handed something in; "" where it says nothing."""

    name: str
    sid: str = ""
    mail: str = ""


Index = dict[str, set[int]]  # a text -> the rows in which it stands
Own = Callable[[str, Person], list[str]]  # a submission's name, and whose it is -> such texts
PEOPLE = ("student", "full name", "name", "submission", "이름", "성명")  # names of columns


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
    in one row counts, of `TAKE`: the best; the last by the number of its file, where all have
    one. ValueError when the column, the key, or every way to find a row is missing.
    """
    table = _read(path)
    header = [table.value(0, i) for i in range(len(table.rows[0]))]
    target = _column(header, column, path)
    rows = _Rows(table, header, target, None if key is None else _column(header, key, path), path)
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
    rows = _Rows(table, header, -1, None if key is None else _column(header, key, path), path)
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


class _Rows:
    """Which rows a submission's name may be of. people: the columns with names."""

    def __init__(
        self, table: _Table, header: list[str], target: int, key: int | None, path: Path
    ) -> None:
        columns = [table.column(i) for i in range(len(header))]
        titles = {same(title): i for i, title in enumerate(header)}
        moodle = key is None and _numbered(columns[0])
        self.people = [i for i, title in enumerate(header) if same(title) in PEOPLE]
        if moodle and len(columns) > 1 and not any(re.search(r"\d", one) for one in columns[1]):
            self.people = [1]  # in the worksheet of names that are hidden it is the status
        self.ways: list[tuple[Index, Own]] = []
        if key is not None:
            self._add(columns[key], lambda name, who: [name, *_ids(name, CANVAS, MOODLE), *who])
        if moodle:
            self._add(columns[0], lambda name, who: [name, *_ids(name, MOODLE)])
        elif key is None and "id" in titles:
            self._add(columns[titles["id"]], lambda name, who: [name, *_ids(name, CANVAS)])
        if key is None:
            for title in titles.keys() & {"sis user id", "sis login id"}:
                self._add(columns[titles[title]], lambda name, who: [name, who.sid, who.mail])
            for said in [said for said in columns if _are_mail(said)][:1]:
                self._add(said, lambda name, who: [name, who.mail])
        self.names = [
            _index([(row, form(cell)) for row, cell in enumerate(columns[i], 1)
                    for form in (_words, _letters)])
            for i in self.people if key is None
        ]  # fmt: skip
        others = [i for i in range(len(columns)) if i not in (target, *self.people)]
        self.groups = [_index(enumerate(map(same, columns[i]), 1)) for i in others if moodle]
        if not self.ways and not self.names:
            raise ValueError(f"{path} has no column that names the student; say which one by --key")

    def _add(self, cells: list[str], own: Own) -> None:
        """A column whose cells are told by what `own` gives; of "word 17" the number will do."""
        said = list(enumerate(map(same, cells), 1))
        if _numbered(cells):
            said += [(row, re.sub(r"\D", "", cell)) for row, cell in said]
        self.ways.append((_index(said), own))

    def of(self, name: str, who: Person | None) -> tuple[set[int], bool]:
        """The rows, and whether they are sure: one, or those of a group."""
        form = MOODLE.fullmatch(name) or CANVAS.fullmatch(name)
        who = who or Person(form["name"] if form else name)
        named = [index.get(_words(who.name), index.get(_letters(who.name))) for index in self.names]
        if MOODLE.fullmatch(name) and not any(named):
            for index in self.groups:
                if group := index.get(same(who.name)):
                    return group, True
        told = [hit for hit in named if hit]
        for index, own in self.ways:
            hits = [index[text] for text in map(same, own(name, who)) if text in index]
            told += [set().union(*hits)] if hits else []
        if told:
            both = set.intersection(*told)
            return both or set().union(*told), len(both) == 1
        copied = re.fullmatch(r"(.*?)\W*(\d+)\W*", name)  # "Ada Park 2", "hw (2)"
        weak = [self.of(part, None)[0] for part in copied.groups()] if copied and copied[1] else []
        return set().union(*weak), False


def _index(cells: Iterable[tuple[int, str]]) -> Index:
    """What stands in a column -> its rows; of what is not empty."""
    found: Index = {}
    for row, cell in cells:
        if cell:
            found.setdefault(cell, set()).add(row)
    return found


def _numbered(cells: Sequence[str]) -> bool:
    """Whether they are one word and a number each, as Moodle's first column in any language."""
    found = [re.fullmatch(r"(\D*[^\d\s])\s*\d+", cell) for cell in cells if cell]
    return all(found) and len({one[1] for one in found if one}) == 1


def _ids(name: str, *forms: re.Pattern[str]) -> list[str]:
    """The number that a platform has put into the name."""
    return [found["id"] for form in forms if (found := form.fullmatch(name))]


def _words(name: str) -> str:
    """A name without the order of its parts: "Park, Ada" and "Ada Park" are one."""
    return " ".join(sorted(re.findall(r"[^\W_]+", same(name))))


def _letters(name: str) -> str:
    """A name as platforms write it in front of a file: "Park, Ada" is parkada."""
    return "".join(re.findall(r"[^\W_]+", same(name)))


def _are_mail(cells: Sequence[str]) -> bool:
    """Whether all, where there are any, are e-mail addresses."""
    return any(cells) and all(re.fullmatch(r"\S+@\S+", one) for one in cells if one)


def _is_heading(table: _Table, row: int) -> bool:
    """Canvas's rows that are no student: "Points Possible", "Manual Posting"."""
    return any("points possible" in table.value(row, i).casefold() for i in (0, 1)) or not any(
        table.value(row, i) for i in range(min(4, len(table.rows[row])))
    )
