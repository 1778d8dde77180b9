"""What grading writes: text, Gradescope's results.json, a class's CSV, the table of its mistakes.

Files are written whole.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scratchvae.files import written_whole
from scratchvae.homework.grade import NOT_GRADED, Grade, Mark


def line(mark: Mark) -> str:
    """One exercise in one line."""
    passed = " ".join(f"{kind} {done}/{total}" for kind, (done, total) in mark.passed.items())
    sentence = f"\n       {mark.sentence}" if mark.sentence else ""
    return f"{mark.number:>5}  {mark.points:4g} / {mark.most:<4g}{mark.title:42} {passed}{sentence}"


def text(grade: Grade) -> str:
    """A submission's result, to be read."""
    note = f"{grade.note}\n" if grade.note else ""
    lines = "\n".join(map(line, grade.marks))
    points = f"{grade.points:g} of {grade.most:g} points" if grade.final else NOT_GRADED
    whole = f"{grade.whole_points:4g} / {grade.whole_most:<4g}" if grade.whole_most else ""
    return f"{grade.name}: {points}\n{note}{lines}\nwhole  {whole}{grade.whole}\n"


def write_json(path: Path, data: object, *, private: bool = True) -> None:
    """Write JSON, in ASCII. private: for its owner alone, as a student's data should be."""
    with written_whole(path, private=private) as part:
        part.write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", encoding="ascii")


class Row(NamedTuple):
    """One exercise in a class. mistakes: sentence and how many, the most frequent first."""

    number: str
    title: str
    full: int
    submissions: int
    mistakes: list[tuple[str, int]]


def class_rows(grades: Sequence[Grade]) -> list[Row]:
    """The mistakes of a class for each exercise, by name, or by kind where there is no name."""
    rows = []
    for marks in zip(*(grade.marks for grade in grades)):
        counts = Counter(_kind_of(mark) for mark in marks if mark.points < mark.most)
        full, first = sum(mark.points == mark.most for mark in marks), marks[0]
        rows.append(Row(first.number, first.title, full, len(marks), counts.most_common()))
    return rows


KINDS = {
    "not done": "not done",
    "no answer": "it did not end, or crashed",
    "missing": "the function is missing",
    "no Python": "the file is no Python",
    "grader": "not graded: the machine or the grader failed",
}


def _kind_of(mark: Mark) -> str:
    return mark.mistake or KINDS.get(mark.kind, "other")


def class_text(rows: Sequence[Row]) -> str:
    """The table as text."""
    lines = [f"{'':6}{'exercise':42}{'right':>10}  mistakes"]
    for row in rows:
        first, *rest = [f"{count} x {sentence}" for sentence, count in row.mistakes] or [""]
        lines.append(
            f"{row.number:5} {row.title:42}{row.full:>4} of {row.submissions:<3}  {first}".rstrip()
        )
        lines += [f"{'':60}{other}" for other in rest]
    return "\n".join(lines) + "\n"
