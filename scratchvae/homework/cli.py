"""The commands `scratchvae homework list`, `make`, `grade`, and those for sheets."""

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from scratchvae.files import written_whole
from scratchvae.homework.asked import MOST_WHOLE, Asked
from scratchvae.homework.exercises import select, weights
from scratchvae.homework.sheets import cli as sheets
from scratchvae.options import Commands, command, file_name
from scratchvae.processes import check_workers
from scratchvae.progress import say


def add_commands(commands: Commands) -> None:
    """Make homework of this package, and grade it."""
    homework = commands.add_parser(
        "homework", help=add_commands.__doc__, description=add_commands.__doc__,
        epilog="example: scratchvae homework make assignment --exercises 1.1,2",
    )  # fmt: skip
    actions = homework.add_subparsers(dest="action", metavar="ACTION")

    def action(run: Callable[[argparse.Namespace], int], example: str) -> argparse.ArgumentParser:
        return command(actions, run, example, within="homework ")

    action(show, "list")

    made = action(make, "make assignment --exercises 1.1,2")
    made.add_argument("out", type=Path, metavar="OUT", help="the folder to write; new or empty")
    made.add_argument(
        "--title", default="Homework: the variational autoencoder by hand", help="of ASSIGNMENT.md"
    )
    made.add_argument(
        "--with-data", action="store_true", help="copy MNIST's four files (11 MB) into it"
    )
    made.add_argument(
        "--ci", choices=("classroom50",), help="write a list of tests for this platform too"
    )
    made.add_argument(
        "--also-blank", metavar="N[,N...]",
        help="exercises of later weeks: blank too, where no exercise of this handout needs them",
    )  # fmt: skip
    made.add_argument(
        "--level", choices=("normal", "hard"), default="normal",
        help="hard: docstrings with the source of the equation in place of the equation (normal)",
    )  # fmt: skip

    zipped = action(autograder, "autograder week3.zip --exercises 2.2,2.3,2.4")
    zipped.add_argument("out", type=Path, metavar="OUT.zip", help="the zip to write")
    zipped.add_argument("--title", default="", help="of the reports")
    zipped.add_argument(
        "--show", default="visible", metavar="MODE[,N=MODE...]",
        help="when students see the tests: visible, after_published or hidden (visible)",
    )  # fmt: skip

    graded = action(grade, "grade --all handed-in --csv grades.csv --jobs 2")
    graded.add_argument(
        "submission", type=Path, nargs="?", metavar="SUBMISSION",
        help="a folder or a zip that holds the student's scratchvae/",
    )  # fmt: skip
    graded.add_argument(
        "--json", type=file_name(".json"), metavar="FILE", help="write Gradescope's results.json"
    )
    graded.add_argument(
        "--handout", type=Path, metavar="FOLDER", help="what `make` wrote: grade what it asks for"
    )
    graded.add_argument(
        "--check", action="store_true", help="exit with 1 when anybody has less than full points"
    )
    graded.add_argument(
        "--into", type=Path, metavar="EXPORT.csv",
        help="with --all: fill one column of a table from Canvas, Moodle or elsewhere",
    )  # fmt: skip
    graded.add_argument("--column", metavar="NAME", help="with --into: the column to fill")
    graded.add_argument("--key", metavar="NAME", help="with --into: the column that names students")
    graded.add_argument(
        "--take", choices=("best", "last"),
        help="with --into: which of several attempts of one student counts",
    )  # fmt: skip
    graded.add_argument(
        "--handback", type=file_name(".zip"), metavar="FEEDBACK.zip",
        help="with --all: the reports in one zip, for Moodle or Canvas to hand back",
    )  # fmt: skip
    graded.add_argument(
        "--all", type=Path, metavar="FOLDER",
        help="a folder that holds a folder or a zip for each submission, or a zip of it",
    )  # fmt: skip
    graded.add_argument(
        "--csv", type=Path, metavar="FILE", help="with --all: the table of grades (grades.csv)"
    )
    graded.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="with --all: submissions at a time (1)"
    )
    graded.add_argument(
        "--seconds", type=float, default=4.0, help="for one exercise of one submission (4)"
    )
    graded.add_argument(
        "--sandbox", default="bwrap", metavar="KIND",
        help="what students' code runs in: bwrap (bubblewrap); none: with your own rights; "
        "user:NAME: for root, as this user (bwrap)",
    )  # fmt: skip

    sheets.add_actions(actions)
    for added in (zipped, graded):
        added.add_argument(
            "--points", default="", metavar="N=POINTS[,...]", help="your own, as 1.1=10,2=4"
        )
    for added in (made, zipped, graded):
        added.add_argument(
            "--whole", type=float, metavar="POINTS", help="for a package that trains at the end (0)"
        )
        added.add_argument(
            "--exercises", metavar="N[,N...]", help="numbers, as 2.4, chapters, as 2 (all), or page"
        )


def _selected(args: argparse.Namespace) -> list[str] | None:
    return None if args.exercises is None else _numbers(args.exercises)


def _whole(args: argparse.Namespace, handout: Asked | None = None) -> float:
    """Points for the whole package: of the command line, else of the teacher's handout, else 0."""
    whole = args.whole if args.whole is not None else handout.whole if handout else 0
    if not 0 <= whole <= MOST_WHOLE:
        raise ValueError(f"--whole {whole:g} should be from 0 to {MOST_WHOLE}")
    return float(whole)


def _numbers(text: str) -> list[str]:
    return [number.strip() for number in text.split(",")]


def show(args: argparse.Namespace) -> int:
    """List the exercises: number, points, function, equation, source, and what each builds on."""
    exercises = select()
    for e in exercises:
        say(f"{e.number:5} {e.points:2}  {e.title:42} {e.module}.{e.name}")
        say(
            f"{'':10}{e.equation}  ({e.source})"
            + (f"; builds on {', '.join(e.builds_on)}" if e.builds_on else "")
            + (f"; may call {', '.join(e.may_call)}" if e.may_call else "")
        )
    say(f"{len(exercises)} exercises, {sum(e.points for e in exercises)} points")
    say("and --exercises page, which stands alone: the gradients of demos/one_page.py, 12 points")
    return 0


def make(args: argparse.Namespace) -> int:
    """Write a handout that stands alone: the package with blank bodies, tests, ASSIGNMENT.md."""
    from scratchvae.homework.make import write

    asked = select(_selected(args))
    later = select(_numbers(args.also_blank)) if args.also_blank is not None else ()
    hard = args.level == "hard"
    blanked = write(args.out, asked, args.title, args.with_data, later, _whole(args), hard)
    if args.ci is not None:
        from scratchvae.homework.asked import classroom50

        with written_whole(args.out / "tests" / "classroom50.json") as part:
            part.write_text(classroom50(blanked.exercises), encoding="utf-8")
    extra = [e.number for e in blanked.exercises if e not in asked]
    points = sum(e.points for e in blanked.exercises)
    say(f"wrote {args.out}: {len(blanked.exercises)} exercises, {points} points")
    say(f"exercises {','.join(e.number for e in blanked.exercises)}")
    if extra:
        say(f"{', '.join(extra)} came with them: the same helper is in their answers")
    if blanked.unasked:
        say(f"blank too, and not asked for: {', '.join(blanked.unasked)}")
    if blanked.removed:
        say(f"taken out, since they are the answer: {', '.join(blanked.removed)}")
    return 0


def autograder(args: argparse.Namespace) -> int:
    """Write the zip that Gradescope takes: it grades these exercises there."""
    from scratchvae.homework import gradescope

    exercises = select(_selected(args))
    whole = _whole(args)
    gradescope.autograder(args.out, exercises, args.title, args.show, whole, args.points)
    own = weights(args.points, exercises)
    points = sum(own.get(e.number, e.points) for e in exercises)
    say(f"wrote {args.out}: {len(exercises)} exercises, {points:g} points")
    return 0


def grade(args: argparse.Namespace) -> int:
    """Grade a submission, or a class: points, passed checks, and what each mistake is."""
    from scratchvae.homework import archives, handback

    weights(args.points, select(_selected(args)))
    if (args.submission is None) == (args.all is None):
        raise ValueError("name one SUBMISSION, or a class by --all FOLDER")
    if args.seconds <= 0 or args.jobs < 1:
        raise ValueError("--seconds should be above 0 and --jobs 1 or more")
    check_workers("--jobs", args.jobs)
    if args.sandbox.startswith("user:") and args.jobs > 1:
        raise ValueError(
            f"--jobs {args.jobs} should be 1 with --sandbox {args.sandbox}: "
            "one user's processes can end each other"
        )
    place = args.submission or args.all
    if not place.is_dir() and not (place.is_file() and archives.is_one(place)):
        raise ValueError(f"{place} is no folder and no zip")
    if args.into is not None and (args.all is None or args.column is None):
        raise ValueError(
            "--into fills a column for a class: it needs --all FOLDER and --column NAME"
        )
    if args.all is None and (args.csv is not None or args.jobs != 1 or args.handback):
        raise ValueError("--csv and --jobs are for a class, so is --handback: they need --all")
    if args.into is None and (args.column is not None or args.key is not None or args.take):
        raise ValueError("--column and --key need --into EXPORT.csv, and so does --take")
    if args.handback and args.handback.exists() and not handback.is_archive(args.handback):
        raise FileExistsError(f"{args.handback} is there, and no zip of reports: name another")
    from scratchvae.homework.grade import NOT_GRADED
    from scratchvae.homework.sandbox import NotGraded

    try:
        return _grade_one(args) if args.submission is not None else _grade_all(args)
    except NotGraded as error:
        say(f"scratchvae homework: {NOT_GRADED}: {error}", error=True)
        return 1


def _grade_one(args: argparse.Namespace) -> int:
    from scratchvae.homework import archives, asked, gradescope, report, source, submission
    from scratchvae.homework.grade import grade as grade_one
    from scratchvae.homework.grade import weighted
    from scratchvae.homework.key import Key

    handout = asked.load(args.handout) if args.handout else None
    with archives.one(args.submission.resolve()) as folder:
        handed_in = submission.read(folder, source.reference(), link_is_teachers=True)
        exercises = asked.choose(handout, _selected(args), {folder.name: handed_in.asked})
        own = weights(args.points, exercises)
        key = Key(exercises, args.sandbox, _whole(args, handout))
        result = weighted(grade_one(folder, key, seconds=args.seconds), own)
    say(report.text(result), end="")
    if not result.final:
        return 1
    if args.json:
        report.write_json(args.json, gradescope.results(result))
        say(f"wrote {args.json}")
    return int(args.check and result.points < result.most)


def _grade_all(args: argparse.Namespace) -> int:
    from scratchvae.homework import (
        asked,
        exports,
        gradebook,
        gradescope,
        handback,
        report,
        source,
        submission,
    )
    from scratchvae.homework.classroom import grade_all, results_folder
    from scratchvae.homework.grade import NOT_GRADED
    from scratchvae.homework.key import Key

    csv_path = args.csv or Path("grades.csv")
    results_folder(args.all, csv_path)
    table, picture = csv_path.with_suffix(".txt"), csv_path.with_suffix(".png")
    gradebook.check_replaced(csv_path, table, picture)
    reports = handback.folder(args.all, csv_path)
    handout = asked.load(args.handout) if args.handout else None
    if args.into is not None:
        gradebook.fill(args.into, args.column, {}, args.key)  # ValueError before any work
    with exports.unpacked(args.all) as unpacked:
        submitted: dict[str, asked.Asked | None] = {}
        if handout is None and args.exercises is None:
            for path in unpacked.submissions:
                handed_in = submission.read(path, source.reference())
                if handed_in.files:  # a folder without a package has no say
                    submitted[path.name] = handed_in.asked
        exercises = asked.choose(handout, _selected(args), submitted)
        own = weights(args.points, exercises)
        if args.into is not None:
            names = [path.name for path in unpacked.submissions]
            unpacked.times |= gradebook.times(args.into, names, args.key)
        key = Key(exercises, args.sandbox, _whole(args, handout))
        grades = grade_all(
            args.all, csv_path, key,
            jobs=args.jobs, seconds=args.seconds, unpacked=unpacked, weights=own,
        )  # fmt: skip
    students = unpacked.rows(grades)
    # without a handout: what most say, so that nobody alone titles the others' reports
    titles = [handout.title] if handout else [one.title for one in submitted.values() if one]
    titles = [title for title, _ in Counter(titles).most_common(1)]
    rows = report.class_rows(grades)
    with written_whole(table, private=True) as part:
        part.write_text(report.class_text(rows), encoding="utf-8")
    say(report.class_text(rows), end="")
    from scratchvae import figures

    figures.class_table(rows, path=picture)
    title = titles[0] if titles else ""
    theirs = [row.grade for row in students]
    handback.write(reports, theirs, title)
    if args.json:
        report.write_json(args.json, [gradescope.results(g) for g in grades if g.final])
    say(f"wrote {csv_path}, {table}, {picture}, and {len(theirs)} reports in {reports}")
    done = [row for row in students if row.grade.final]
    if args.handback:
        left = handback.archive(
            args.handback, [row.grade for row in done], [row.file for row in done], title
        )
        say(f"wrote {args.handback}: {len(done) - len(left)} reports to hand back")
        if left:
            say(f"{len(left)} not in it, since their names are not Canvas's or Moodle's: "
                f"{', '.join(left)}")  # fmt: skip
    if args.into is not None:
        points = {row.name: row.grade.points for row in done}
        people = {row.name: row.person for row in done if row.person}
        filled = gradebook.fill(
            args.into, args.column, points, args.key, people=people, take=args.take or ""
        )
        say(filled.sentence(args.into, args.column))
    if failed := [grade.name for grade in grades if not grade.final]:
        say(f"{len(failed)} {NOT_GRADED}: {', '.join(failed)}", error=True)
    return int(bool(failed) or (args.check and any(g.points < g.most for g in grades)))
