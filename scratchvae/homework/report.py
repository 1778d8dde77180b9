"""What grading writes: text, Gradescope's results.json, the CSV of a class, the table of its mistakes.

Files are written whole.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scratchvae.files import written_whole
from scratchvae.homework.grade import Grade, Mark


def line(mark: Mark) -> str:
    """One exercise in one line."""
    passed = " ".join(f"{kind} {done}/{total}" for kind, (done, total) in mark.passed.items())
    sentence = f"\n       {mark.sentence}" if mark.sentence else ""
    return f"{mark.number:>5}  {mark.points:4g} / {mark.most:<4g}{mark.title:42} {passed}{sentence}"


def text(grade: Grade) -> str:
    """A submission's result, to be read."""
    note = f"{grade.note}\n" if grade.note else ""
    lines = "\n".join(map(line, grade.marks))
    points = f"{grade.points:g} of {grade.most:g} points"
    return f"{grade.name}: {points}\n{note}{lines}\nwhole  {grade.whole}\n"


def gradescope(grade: Grade) -> dict[str, object]:
    """https://gradescope-autograders.readthedocs.io: results.json."""
    tests: list[dict[str, object]] = [
        {
            "number": mark.number,
            "name": mark.title,
            "score": mark.points,
            "max_score": mark.most,
            "status": "passed" if mark.points == mark.most else "failed",
            "output": mark.sentence or "right",
            "visibility": "visible",
        }
        for mark in grade.marks
    ]
    tests.append(
        {
            "number": "whole",
            "name": "the whole package",
            "score": 0,
            "max_score": 0,
            "output": grade.whole,
            "visibility": "visible",
        }
    )
    return {
        "score": grade.points,
        "output": grade.note or f"{grade.points:g} of {grade.most:g} points",
        "output_format": "text",
        "tests": tests,
    }


def write_json(path: Path, data: object) -> None:
    """Write JSON."""
    with written_whole(path) as part:
        part.write_text(
            json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )


def write_csv(path: Path, grades: Sequence[Grade]) -> None:
    """A row for each submission: name, points, a column for each exercise, training, and comments."""
    numbers = [mark.number for mark in grades[0].marks] if grades else []
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["submission", "points", "of", *numbers, "trains", "comments"])
    for grade in grades:
        said = "; ".join(
            [
                *([grade.note] if grade.note else []),
                *(f"{mark.number}: {mark.sentence}" for mark in grade.marks if mark.sentence),
            ]
        )
        cells = [f"{mark.points:g}" for mark in grade.marks]
        table.writerow(
            [
                _cell(grade.name),
                f"{grade.points:g}",
                f"{grade.most:g}",
                *cells,
                "yes" if grade.trains else "no",
                _cell(said),
            ]
        )
    with written_whole(path) as part:
        part.write_text(out.getvalue(), encoding="utf-8")


def _cell(value: str) -> str:
    """A text that a spreadsheet does not take for a formula, without control characters."""
    value = "".join(letter if letter.isprintable() else " " for letter in value)
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


@dataclass(frozen=True)
class Row:
    """One exercise in a class. mistakes: sentence and how many, the most frequent first."""

    number: str
    title: str
    full: int
    submissions: int
    mistakes: list[tuple[str, int]]


def class_rows(grades: Sequence[Grade]) -> list[Row]:
    """The mistakes of a class for each exercise: by name where there is one, by their kind otherwise."""
    rows = []
    for marks in zip(*(grade.marks for grade in grades)):
        counts = Counter(_kind_of(mark) for mark in marks if mark.points < mark.most)
        rows.append(
            Row(
                marks[0].number,
                marks[0].title,
                sum(mark.points == mark.most for mark in marks),
                len(marks),
                counts.most_common(),
            )
        )
    return rows


def _kind_of(mark: Mark) -> str:
    if mark.mistake:
        return mark.mistake
    if mark.sentence.startswith("not done"):
        return "not done"
    if mark.sentence.startswith("no answer") or "; then it " in mark.sentence:
        return "it did not end, or crashed"
    if mark.sentence.endswith("is missing") or " has no " in mark.sentence:
        return "the function is missing"
    if "is no Python" in mark.sentence:
        return "the file is no Python"
    return "other"


def class_text(rows: Sequence[Row]) -> str:
    """The table as text."""
    lines = [f"{'':6}{'exercise':42}{'right':>10}  mistakes"]
    for row in rows:
        first, *rest = [f"{count} x {sentence}" for sentence, count in row.mistakes] or [""]
        lines.append(
            f"{row.number:6}{row.title:42}{row.full:>4} of {row.submissions:<3}  {first}".rstrip()
        )
        lines += [f"{'':60}{other}" for other in rest]
    return "\n".join(lines) + "\n"
