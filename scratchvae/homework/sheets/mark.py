"""Marks for the answers of sheets: what is right, what follows, which mistake it is.

The table of answers has a row for each student: name, sheet (its number), and a column for
each blank, "1a", "1b", ...; a column "3w" has the points that a person gives for the answer in
words to question 3.

A number is right within its tolerance. It is right *by following*, with full points, when it is
what the student's own earlier numbers lead to: so a mistake is counted once. A wrong number
that a classical mistake gives is named.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scratchvae.homework.gradebook import cell
from scratchvae.homework.names import decoded, same
from scratchvae.homework.sheets.choose import LETTERS, Sheet, sheet
from scratchvae.homework.sheets.question import Answer, Question, Template, Text
from scratchvae.homework.sheets.students import rows_of
from scratchvae.homework.sheets.words import plain

MOST_COMMENT = 2000  # characters
RIGHT, FOLLOWS, WRONG, EMPTY = "right", "follows", "wrong", "empty"
FOLLOWED = Text("right for your own earlier number", "앞에서 구한 값에 대해서는 맞다")
UNREADABLE = Text("no number", "수가 아니다")
UNITS = re.compile(r"\s*(bits?|nats?|비트|내트)\.?$", re.IGNORECASE)
INFINITE = ("inf", "infinity", "infinite", "∞", "무한", "무한대", "oo")


@dataclass(frozen=True)
class Mark:
    """Of one blank. state: "right", "follows", "wrong" or "empty". why: what is named."""

    name: str
    points: float
    state: str
    why: Text | None = None


@dataclass(frozen=True)
class Marked:
    """A student's. points: of the blanks, and of the words where a person gave some."""

    name: str
    sheet: Sheet
    marks: tuple[Mark, ...]

    @property
    def points(self) -> float:
        """All together."""
        return sum(mark.points for mark in self.marks)

    def comments(self, lang: str = "en") -> str:
        """What is named, blank by blank."""
        return "; ".join(f"{m.name}: {plain(m.why, lang)}" for m in self.marks if m.why)


def number(text: str) -> float:
    """A number as somebody writes it: 0.811, −1,5, 3/4, inf, "2 bits". NaN for what is none."""
    text = UNITS.sub("", text.strip()).strip().replace("−", "-").replace("–", "-")
    sign = -1 if text.startswith("-") else 1
    if text.lstrip("+-").strip().casefold() in INFINITE:
        return sign * math.inf
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)  # a decimal comma
    found = re.fullmatch(
        r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\s*/\s*(\d+\.?\d*))?", text
    )
    if not found:
        return math.nan
    below = float(found[2]) if found[2] else 1.0
    return float(found[1]) / below if below else math.nan


def mark_question(question: Question, texts: Sequence[str], names: Sequence[str]) -> list[Mark]:
    """The marks of its blanks. texts: what the student wrote; "" for nothing."""
    answers = question.answers
    own = [number(text) for text in texts]
    # where a student wrote nothing, what follows is asked from the right number
    used = [
        answer.value if math.isnan(n) and isinstance(answer.value, float) else n
        for n, answer in zip(own, answers)
    ]
    return [
        _mark(answer, text, own[i], used, names[i])
        for i, (answer, text) in enumerate(zip(answers, texts))
    ]


def _mark(answer: Answer, text: str, own: float, used: Sequence[float], name: str) -> Mark:
    if not text.strip():
        return Mark(name, 0, EMPTY)
    points = answer.points
    if isinstance(answer.value, str):
        word = _word(text)
        follows = answer.follows(used) if answer.follows else answer.value
        if word == _word(answer.value):
            return Mark(name, points, RIGHT)
        if word == _word(str(follows)):
            return Mark(name, points, FOLLOWS, FOLLOWED)
        return Mark(name, 0, WRONG)
    if math.isnan(own):
        return Mark(name, 0, WRONG, UNREADABLE)
    if answer.accepts is not None:
        right = answer.accepts(used)
        return Mark(name, points if right else 0, RIGHT if right else WRONG)
    if _near(own, answer.value, answer.tolerance):
        return Mark(name, points, RIGHT)
    if answer.follows and _near(own, float(answer.follows(used)), answer.tolerance):
        return Mark(name, points, FOLLOWS, FOLLOWED)
    for mistake, value in answer.wrong:
        if _near(own, value, answer.tolerance):
            return Mark(name, 0, WRONG, mistake)
    return Mark(name, 0, WRONG)


def _near(a: float, b: float, tolerance: float) -> bool:
    return a == b or abs(a - b) <= tolerance + 1e-9


def _word(text: str) -> str:
    """A choice as it is compared: no case, no spaces, no commas; of "A = KL(p ‖ q)" the A."""
    return re.sub(r"[\s,.()\-→>]", "", same(text).split("=")[0])


def mark(made: Sheet, texts: Mapping[str, str]) -> Marked:
    """A student's marks. texts: blank -> what was written, "3w" -> points of a person.

    ValueError for points that are no number, or more than the question has for words.
    """
    marks: list[Mark] = []
    for i, question in enumerate(made.questions, 1):
        names = [f"{i}{letter}" for letter, _ in zip(LETTERS, question.answers)]
        marks += mark_question(question, [texts.get(name, "") for name in names], names)
        by_hand = texts.get(f"{i}w", "").strip()
        if by_hand:
            given = number(by_hand)
            if not 0 <= given <= question.hand:
                raise ValueError(
                    f"{made.name}: {i}w is {by_hand!r}; it should be from 0 to {question.hand}"
                )
            marks.append(Mark(f"{i}w", given, RIGHT if given else WRONG))
    return Marked(made.name, made, tuple(marks))


def read(path: Path, templates: Sequence[Template], seed: int | None = None) -> list[Marked]:
    """The marks for a table of answers. seed: the number of all sheets, if they have none.

    ValueError for a file that is no such table.
    """
    text, _ = decoded(path.read_bytes().removeprefix(b"\xef\xbb\xbf"), "cp1252", "latin-1")
    rows = rows_of(path, text)
    header = [same(title.strip()) for title in rows[0]] if rows else []
    needed = {"name"} | ({"sheet"} if seed is None else set())
    if not needed <= set(header):
        raise ValueError(
            f"{path} has the columns {', '.join(header) or 'none'}; it should have "
            f"{' and '.join(sorted(needed))}, and one for each blank: 1a, 1b, ..."
        )
    known = {*sheet(templates, 0).answers, *(f"{i}w" for i, _ in enumerate(templates, 1))}
    stray = [name for name in header if re.fullmatch(r"\d+[a-z]", name) and name not in known]
    if stray:
        raise ValueError(f"{path}: no blank is called {', '.join(stray)}; are the topics the same?")
    marked = []
    for n, cells in enumerate(rows[1:], 2):
        found = dict(zip(header, cells))
        if not any(one.strip() for one in cells):
            continue
        written = found.get("sheet", "").strip() or (str(seed) if seed is not None else "")
        if not written.isdecimal():
            raise ValueError(f"{path}, row {n}: sheet is {written!r}; it should be a number")
        marked.append(mark(sheet(templates, int(written), found["name"].strip()), found))
    return marked


def table(marked: Sequence[Marked], lang: str = "en") -> str:
    """The marks as CSV: name, sheet, points, of, each blank's points, comments."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = list(dict.fromkeys(mark.name for one in marked for mark in one.marks))
    names.sort(key=lambda name: (int(name[:-1]), name[-1]))
    writer.writerow(["name", "sheet", "points", "of", *names, "comments"])
    for one in marked:
        points = {mark.name: f"{mark.points:g}" for mark in one.marks}
        of_all = [f"{one.points:g}", str(one.sheet.points)]
        points_of = [points.get(name, "") for name in names]
        comments = cell(one.comments(lang), MOST_COMMENT)
        writer.writerow([cell(one.name), one.sheet.number, *of_all, *points_of, comments])
    return out.getvalue()


def empty_table(sheets: Sequence[Sheet]) -> str:
    """A table of answers to be filled: a row for each student."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    words = [f"{i}w" for i, question in enumerate(sheets[0].questions, 1) if question.words]
    names = sorted([*sheets[0].answers, *words], key=lambda name: (int(name[:-1]), name[-1]))
    writer.writerow(["name", "sheet", *names])
    for one in sheets:
        writer.writerow([cell(one.name), one.number, *([""] * len(names))])
    return out.getvalue()


def summary(marked: Sequence[Marked], lang: str = "en") -> str:
    """For the next lecture: of each blank how many are right, and which mistakes were made."""
    lines = []
    for name in marked[0].sheet.answers if marked else ():
        marks = [mark for one in marked for mark in one.marks if mark.name == name]
        right = sum(mark.state in (RIGHT, FOLLOWS) for mark in marks)
        whys = [plain(mark.why, lang) for mark in marks if mark.why and mark.state == WRONG]
        counted = sorted(((whys.count(why), why) for why in set(whys)), reverse=True)
        shown = "; ".join(f"{count} x {why}" for count, why in counted)
        lines.append(f"{name:5} {right} of {len(marks)}" + (f"   {shown}" if shown else ""))
    return "\n".join(lines) + "\n"
