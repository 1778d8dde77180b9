"""The report that a student gets back, as Markdown and as one HTML file that needs no other.

Each exercise fits a screen: points, what is wrong said to the student, the smallest input that
shows it with what is expected and what came, the equation, and where to read.
"""

import html
import io
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scratchvae.files import owners_folder, written_whole
from scratchvae.homework.evidence import Evidence
from scratchvae.homework.exercises import BY_NUMBER, PAGE
from scratchvae.homework.grade import Grade, Mark
from scratchvae.homework.names import CANVAS, MOODLE
from scratchvae.homework.wire import plain

LINES, COLUMNS = 24, 96  # a screen
MADE = b"reports of scratchvae homework grade"  # the comment of a zip that is ours
SHOWN = 2  # pieces of evidence of one exercise
STYLE = """
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 sans-serif; }
pre { padding: .6rem .8rem; overflow-x: auto; background: #8882; font-size: .85rem; }
table { border-collapse: collapse; } td { padding: .1rem .8rem .1rem 0; }
h2 { margin-top: 2.2rem; font-size: 1.15rem; } .small { font-size: .9rem; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b; } }
"""
# a browser runs and fetches nothing for the page, whatever a student's text has in it
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

Block = tuple[str, list[str]]  # what it is, and its lines


def blocks(grade: Grade, title: str = "") -> Iterator[Block]:
    """The report: "h1", "h2", "p", "small" of a line each; "list", "pre" and "table" of several."""
    form = MOODLE.fullmatch(grade.name)
    person = form["name"] if form else grade.name
    yield "h1", [f"{title}: {person}" if title else person]
    if not grade.final:
        yield "p", ["This could not be graded. That says nothing of your work: tell your teacher."]
        return
    yield "p", [f"{grade.points:g} of {grade.most:g} points."]
    if grade.note:
        yield "p", [f"About your files: {to_you(grade.note)}."]
    yield (
        "table",
        [f"{mark.number}\t{mark.title}\t{mark.points:g} of {mark.most:g}" for mark in grade.marks],
    )
    for mark in grade.marks:
        if mark.points < mark.most or mark.sentence:
            yield from _exercise(mark)
    counts = (
        f": {grade.whole_points:g} of {grade.whole_most:g}" if grade.whole_most else " (no points)"
    )
    yield "h2", [f"The package as a whole{counts}"]
    yield "p", [f"{to_you(grade.whole)}."]


def _exercise(mark: Mark) -> Iterator[Block]:
    """At most `LINES` lines of `COLUMNS` columns."""
    exercise = BY_NUMBER[mark.number]
    yield "h2", [f"{mark.number} {mark.title}: {mark.points:g} of {mark.most:g}"]
    remarks = said(mark)
    yield "list" if len(remarks) > 1 else "p", [plain(text, 2 * COLUMNS) for text in remarks[:5]]
    for evidence in mark.evidence[:SHOWN]:
        if evidence["called"] or evidence["shown"]:
            yield "pre", _lines(evidence)
    yield "small", [f"The equation: `{exercise.equation}`"]
    kind = "comments" if exercise in PAGE else "docstring"
    where = f"the {kind} of `{exercise.name}` in `scratchvae/{exercise.module}.py`"
    yield "small", [f"Read: {where}; {exercise.source}."]


def said(mark: Mark) -> list[str]:
    """What is wrong, each fault in a sentence to the student."""
    remarks = mark.remarks or [evidence["said"] for evidence in mark.evidence]
    return list(dict.fromkeys(remarks)) or [to_you(mark.sentence) + "."]


def to_you(text: str) -> str:
    """A sentence of the grader, said to the student."""
    text = re.sub("^its own package", "Your own package", text)
    text = re.sub(r"(^|[;:] )it (?=is|holds|has|stood|cannot)", r"\1your submission ", text)
    return re.sub(r"\b(its)\b", "your", text)


def _lines(evidence: Evidence) -> list[str]:
    """The call, what is expected, what came. At most 9 lines, none longer than a screen."""
    lines, called = [], evidence["called"]
    together = f"at {', '.join(called)}"
    if len(together) <= COLUMNS:
        lines.append(together)
    else:
        lines += [f"{'at ' if not i else '   '}{one}" for i, one in enumerate(called[:4])]
    for name, expected, yours in evidence["shown"][:2]:
        if name:
            lines.append(f"{name}:")
        lines += [f"  expected  {expected}", f"  yours     {yours}"]
    return [plain(line, COLUMNS) for line in lines]


def plain_text(mark: Mark) -> str:
    """What is said of one exercise, without any markup."""
    if mark.points == mark.most and not mark.sentence:
        return "Right."
    text = ""
    for kind, lines in _exercise(mark):
        if kind == "pre":
            text += "".join(f"    {line}\n" for line in lines) + "\n"
        elif kind != "h2":
            text += "".join(line.replace("`", "") + "\n" for line in lines) + "\n"
    return text.rstrip("\n")


# ---- Markdown ----


def markdown(grade: Grade, title: str = "") -> str:
    """The report as Markdown."""
    return "\n".join(_markdown(kind, lines) for kind, lines in blocks(grade, title))


def _markdown(kind: str, lines: list[str]) -> str:
    if kind == "pre":
        return "```\n" + "".join(f"{line}\n" for line in lines) + "```\n"
    if kind == "table":
        rows = (f"| {_escaped(line.replace(chr(9), ' | '), '|')} |\n" for line in lines)
        return "| | exercise | points |\n|---|---|---|\n" + "".join(rows)
    if kind == "list":
        return "".join(f"- {_escaped(line)}\n" for line in lines)
    mark = {"h1": "# ", "h2": "## "}.get(kind, "")
    return "".join(f"{mark}{_escaped(line)}\n" for line in lines)


def _escaped(text: str, but: str = "") -> str:
    """No letter of the text is taken for Markdown or HTML. `code` in backquotes stays code.

    Two backquotes side by side begin another kind of code in Markdown: they are escaped.
    """
    codes = re.split(r"((?<!`)`[^`]+`(?!`))", text)
    return "".join(
        part if i % 2 else re.sub(r"([\\`*_{}\[\]<>#|&~])", lambda m: m[0] if m[0] in but else
                                  f"\\{m[0]}", part)
        for i, part in enumerate(codes)
    )  # fmt: skip


# ---- HTML ----


def page(grade: Grade, title: str = "") -> str:
    """The report as an HTML file that needs no other."""
    body = "".join(_html(kind, lines) for kind, lines in blocks(grade, title))
    head = html.escape(f"{title}: {grade.name}" if title else grade.name)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{head}</title>\n<style>{STYLE}</style>\n{body}</html>\n"
    )


def _html(kind: str, lines: list[str]) -> str:
    safe = [html.escape(line) for line in lines]
    if kind == "pre":
        return "<pre>" + "\n".join(safe) + "</pre>\n"
    if kind == "table":
        rows = ("".join(f"<td>{cell}</td>" for cell in line.split("\t")) for line in safe)
        return "<table>\n" + "".join(f"<tr>{row}</tr>\n" for row in rows) + "</table>\n"
    coded = [re.sub(r"`([^`]*)`", r"<code>\1</code>", line) for line in safe]
    if kind == "list":
        return "<ul>\n" + "".join(f"<li>{line}</li>\n" for line in coded) + "</ul>\n"
    tag, attributes = {"small": ("p", ' class="small"')}.get(kind, (kind, ""))
    return "".join(f"<{tag}{attributes}>{line}</{tag}>\n" for line in coded)


# ---- files ----


def folder(submissions: Path, csv_path: Path) -> Path:
    """Where the reports go: reports/ beside the CSV. ValueError when submissions lie there."""
    place = csv_path.parent / "reports"
    if place.resolve().is_relative_to(submissions.resolve()):
        raise ValueError(
            f"the reports would go to {place}, among the submissions: "
            "move the submissions, or name another place by --csv"
        )
    return place


def write(place: Path, grades: Sequence[Grade], title: str = "") -> list[Path]:
    """NAME.md and NAME.html for each submission. Names that differ get files that differ."""
    owners_folder(place)
    written, taken = [], set[str]()
    for grade in grades:
        name = base = file_name(grade.name)
        number = 2
        while name.casefold() in taken:
            name, number = f"{base} ({number})", number + 1
        taken.add(name.casefold())
        for suffix, text in ((".md", markdown(grade, title)), (".html", page(grade, title))):
            path = place / f"{name}{suffix}"
            with written_whole(path, private=True) as part:
                part.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def archive(
    path: Path, grades: Sequence[Grade], files: Sequence[str], title: str = ""
) -> list[str]:
    """The reports in one zip, as Canvas and Moodle read it; names of those that have no place.

    files: what each called the file or the folder that was handed in.

    Moodle ("Upload multiple feedback files in a zip") takes the participant from the second part
    of a folder's name, between the first two underscores. Canvas ("Upload submissions") takes the
    student and the file from the first two numbers between underscores, and attaches what it finds
    under the student's own name for that file: in a zip goes a zip with the report, in anything
    else the report as text.
    """
    left: list[str] = []
    out: dict[str, str | bytes] = {}
    for grade, file in zip(grades, files):
        moodle, canvas = MOODLE.fullmatch(file), CANVAS.fullmatch(file)
        report = page(grade, title)
        if moodle:
            out[f"{moodle['who']}_assignsubmission_file_/report.html"] = report
        elif canvas and canvas["number"]:
            kind = Path(file).suffix.lower()
            text = report if kind in (".html", ".htm") else markdown(grade, title)
            out[file] = _zip({"report.html": report}) if kind == ".zip" else text
        else:
            left.append(grade.name)
    with written_whole(path, private=True) as part:
        part.write_bytes(_zip(out, comment=MADE))
    return left


def is_archive(path: Path) -> bool:
    """Whether `archive` wrote the file."""
    try:
        with zipfile.ZipFile(path) as zipped:
            return zipped.comment == MADE
    except (OSError, zipfile.BadZipFile):
        return False


def _zip(files: Mapping[str, str | bytes], comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.comment = comment
        for name, content in files.items():
            info = zipfile.ZipInfo(name)  # of 1980: the same reports are the same zip
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            zipped.writestr(info, content)
    return out.getvalue()


def file_name(name: str) -> str:
    """A name that every file system takes, and that is hidden on none."""
    name = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", plain(name, 60))
    name = name.encode()[:180].decode(errors="ignore").strip(" .-")  # of the 255 bytes that it has
    if re.match(r"(con|prn|aux|nul|(com|lpt)[\d¹²³]|con(in|out)\$) *(\.|$)", name, re.I):
        name = f"_{name}"  # a device of Windows, whatever the ending
    return name or "unnamed"
