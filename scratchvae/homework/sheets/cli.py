"""The commands `scratchvae homework sheet` and `grade-sheet`."""

import argparse
from pathlib import Path

from scratchvae.files import written_whole
from scratchvae.options import Commands, from_zero, positive
from scratchvae.progress import say

LANGUAGES = ("en", "ko")


def add_actions(actions: Commands) -> None:
    """Add both to the commands of `scratchvae homework`."""
    sheets = actions.add_parser(
        "sheet",
        help=sheet.__doc__,
        description=sheet.__doc__,
        epilog="example: scratchvae homework sheet --topics 1.2,1.4 --seed 7 --out week2.html",
    )
    sheets.add_argument(
        "--out", type=_page, metavar="FILE", help="the page to write: .html to print, or .md"
    )
    sheets.add_argument("--key", action="store_true", help="with every result and step")
    sheets.add_argument(
        "--class",
        dest="students",
        type=Path,
        metavar="FILE",
        help="a sheet for each student: names, one a line, or a gradebook's export as .csv",
    )
    sheets.add_argument("--title", default="", help="of the page")
    sheets.add_argument("--list", action="store_true", help="list all questions, and write nothing")
    sheets.set_defaults(run=sheet)

    marks = actions.add_parser(
        "grade-sheet",
        help=grade_sheet.__doc__,
        description=grade_sheet.__doc__,
        epilog="example: scratchvae homework grade-sheet answers.csv --topics 1.2,1.4",
    )
    marks.add_argument("answers", type=Path, metavar="ANSWERS.csv", help="name, sheet, 1a, 1b, ...")
    marks.add_argument(
        "--csv", type=Path, default=Path("marks.csv"), metavar="FILE", help="the marks (marks.csv)"
    )
    marks.add_argument(
        "--into", type=Path, metavar="EXPORT.csv", help="fill one column of a gradebook as well"
    )
    marks.add_argument("--column", metavar="NAME", help="with --into: the column to fill")
    marks.set_defaults(run=grade_sheet)
    for added in (sheets, marks):
        added.add_argument(
            "--topics", default="", metavar="T[,T...]", help="as 1.2,2-bound, or questions' names"
        )
        added.add_argument("--minutes", type=positive, default=45, help="of the whole sheet (45)")
        added.add_argument("--seed", type=from_zero, help="the number of the sheet (0)")
        added.add_argument("--lang", choices=LANGUAGES, default="en")


def _page(text: str) -> Path:
    if not text.endswith((".html", ".md")):
        raise argparse.ArgumentTypeError(f"{text!r} should end in .html or .md")
    return Path(text)


def sheet(args: argparse.Namespace) -> int:
    """Make a printable sheet of exercises by hand, with numbers of its own, or its key."""
    from scratchvae.homework.sheets import choose, write
    from scratchvae.homework.sheets.students import names_of

    if args.list:
        return _list(args.lang)
    if args.out is None or not args.topics:
        raise ValueError("--topics and --out should be given, or --list")
    if args.students is not None and (args.seed is not None or args.key):
        raise ValueError("--class makes the seeds of the names, and the keys: no --seed, no --key")
    templates = choose.choose(_topics(args.topics), args.minutes)
    title = args.title or args.out.stem
    if args.students is None:
        one = choose.sheet(templates, args.seed or 0)
        write.page_of(args.out, [one], title, args.lang, args.key)
        say(f"wrote {args.out}: {len(templates)} questions, {one.points} points, {one.minutes} min")
        return 0
    say(write.of_class(args.out, templates, names_of(args.students), title, args.lang))
    return 0


def _list(lang: str) -> int:
    from scratchvae.homework.sheets import choose, question

    assert choose.topics()  # the import has registered them
    for t in question.TEMPLATES.values():
        asked = t.question(0)
        first = (t.function.__doc__ or "").splitlines()[0]
        what = first if lang == "en" else f"{question.said(asked.text, lang)[:60]}..."
        say(f"{t.topic:12} {t.name:20} {asked.points:2} points {t.minutes:2} min  {what}")
    say(f"{len(question.TEMPLATES)} questions")
    return 0


def _topics(text: str) -> list[str]:
    return [topic.strip() for topic in text.split(",") if topic.strip()]


def grade_sheet(args: argparse.Namespace) -> int:
    """Mark a table of answers to sheets: numbers, what follows from them, and which mistakes."""
    from scratchvae.homework import gradebook
    from scratchvae.homework.sheets import choose, mark

    if not args.topics:
        raise ValueError("--topics should be those of the sheet")
    if (args.into is None) != (args.column is None):
        raise ValueError("--into EXPORT.csv and --column NAME go together")
    marked = mark.read(args.answers, choose.choose(_topics(args.topics), args.minutes), args.seed)
    if args.into is not None:
        points = {one.name: one.points for one in marked}
        say(gradebook.fill(args.into, args.column, points).sentence(args.into, args.column))
    with written_whole(args.csv, private=True) as part:
        part.write_text("\ufeff" + mark.table(marked, args.lang), encoding="utf-8")
    say(mark.summary(marked, args.lang), end="")
    say(f"wrote {args.csv}, with the marks of {len(marked)}")
    return 0
