"""The names of a class: one a line, or those of a gradebook's export."""

import csv
import io
from pathlib import Path

from scratchvae.homework.names import decoded
from scratchvae.homework.rows import Rows


def rows_of(path: Path, text: str) -> list[list[str]]:
    """The rows of a table with commas, semicolons or tabs. ValueError when it is none."""
    first = text.splitlines()[0] if text.strip() else ""
    try:
        return list(csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count)))
    except csv.Error as error:
        raise ValueError(f"{path} is no table: {error}") from None


def names_of(path: Path) -> list[str]:
    """The names, in their order. A .csv is an export from Canvas, Moodle or elsewhere.

    ValueError when there is none, or no column of names.
    """
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16")
    else:
        text, _ = decoded(data.removeprefix(b"\xef\xbb\xbf"), "cp1252", "latin-1")
    if path.suffix.lower() != ".csv":
        names = [line.strip() for line in text.splitlines() if line.strip()]
    else:
        table = rows_of(path, text)
        names = _of_table(path, [row for row in table if any(cell.strip() for cell in row)])
    if not names:
        raise ValueError(f"{path} has no names; it should have one a line, or be an export")
    return names


def _of_table(path: Path, table: list[list[str]]) -> list[str]:
    header = table[0] if table else []
    body = [row + [""] * (len(header) - len(row)) for row in table[1:]]
    columns = [[row[i].strip() for row in body] for i in range(len(header))]
    people = Rows(header, columns, -1, None).people if body else []
    if not people:
        shown = ", ".join(header)
        raise ValueError(f"{path} has no column of names; it has {shown or 'nothing'}")
    named = [name for name in columns[people[0]] if name]
    return [name for name in named if "points possible" not in name.casefold()]
