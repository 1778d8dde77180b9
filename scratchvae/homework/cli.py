"""The commands `scratchvae homework list`, `make` and `grade`."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scratchvae.homework.exercises import select

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(commands: "Commands") -> None:
    """Make homework of this package, and grade it."""
    homework = commands.add_parser(
        "homework",
        help=add_commands.__doc__,
        description=add_commands.__doc__,
        epilog="example: scratchvae homework make assignment --exercises 1.1,2",
        allow_abbrev=False,
    )
    actions = homework.add_subparsers(dest="action", required=True, metavar="ACTION")

    shown = actions.add_parser(
        "list",
        help=show.__doc__,
        description=show.__doc__,
        epilog="example: scratchvae homework list",
    )
    shown.set_defaults(run=show)

    made = actions.add_parser(
        "make",
        help=make.__doc__,
        description=make.__doc__,
        epilog="example: scratchvae homework make assignment --exercises 1.1,2",
    )
    made.add_argument("out", type=Path, metavar="OUT", help="the folder to write; new or empty")
    made.add_argument(
        "--title", default="Homework: the variational autoencoder by hand", help="of ASSIGNMENT.md"
    )
    made.add_argument(
        "--with-data", action="store_true", help="copy MNIST's four files (11 MB) into it"
    )
    made.set_defaults(run=make)

    graded = actions.add_parser(
        "grade",
        help=grade.__doc__,
        description=grade.__doc__,
        epilog="example: scratchvae homework grade --all handed-in --csv grades.csv --jobs 2",
    )
    graded.add_argument(
        "submission",
        type=Path,
        nargs="?",
        metavar="SUBMISSION",
        help="a folder that holds the student's scratchvae/",
    )
    graded.add_argument("--json", type=Path, metavar="FILE", help="write Gradescope's results.json")
    graded.add_argument(
        "--all",
        type=Path,
        metavar="FOLDER",
        help="a folder that holds one folder for each submission",
    )
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
        "--sandbox",
        choices=("bwrap", "none"),
        default="bwrap",
        help="what students' code runs in: bubblewrap, or none: with your own rights (bwrap)",
    )
    graded.set_defaults(run=grade)

    for added in (made, graded):
        added.add_argument(
            "--exercises", metavar="N[,N...]", help="numbers, as 2.4, or chapters, as 2 (all)"
        )


def _selected(args: argparse.Namespace) -> list[str] | None:
    return (
        None if args.exercises is None else [number.strip() for number in args.exercises.split(",")]
    )


def show(args: argparse.Namespace) -> int:
    """List the exercises: number, points, function, equation, source, and what each builds on."""
    exercises = select()
    for e in exercises:
        print(f"{e.number:5} {e.points:2}  {e.title:42} {e.module}.{e.name}")
        print(
            f"{'':10}{e.equation}  ({e.source})"
            + (f"; builds on {', '.join(e.builds_on)}" if e.builds_on else "")
        )
    print(f"{len(exercises)} exercises, {sum(e.points for e in exercises)} points")
    return 0


def make(args: argparse.Namespace) -> int:
    """Write a handout that stands alone: the package with blank bodies, tests, ASSIGNMENT.md."""
    from scratchvae.homework.make import write

    asked = select(_selected(args))
    blanked = write(args.out, asked, args.title, args.with_data)
    extra = [e.number for e in blanked.exercises if e not in asked]
    points = sum(e.points for e in blanked.exercises)
    print(f"wrote {args.out}: {len(blanked.exercises)} exercises, {points} points")
    print(f"exercises {','.join(e.number for e in blanked.exercises)}")
    if extra:
        print(f"{', '.join(extra)} came with them: the same helper is in their answers")
    if blanked.unasked:
        print(f"blank too, and not asked for: {', '.join(blanked.unasked)}")
    if blanked.removed:
        print(f"taken out, since they are the answer: {', '.join(blanked.removed)}")
    return 0


def grade(args: argparse.Namespace) -> int:
    """Grade a submission, or a class: points, passed checks, and what each mistake is."""
    exercises = select(_selected(args))
    if (args.submission is None) == (args.all is None):
        raise ValueError("name one SUBMISSION, or a class by --all FOLDER")
    if args.seconds <= 0 or args.jobs < 1:
        raise ValueError("--seconds should be above 0 and --jobs 1 or more")
    place = args.submission or args.all
    if not place.is_dir():
        raise ValueError(f"{place} is no folder")
    from scratchvae.homework import report
    from scratchvae.homework.classroom import grade_all, results_folder
    from scratchvae.homework.grade import grade as grade_one
    from scratchvae.homework.key import Key

    if args.all is not None:
        results_folder(args.all, args.csv or Path("grades.csv"))
    key = Key(exercises, args.sandbox)
    if args.submission is not None:
        result = grade_one(args.submission.resolve(), key, seconds=args.seconds)
        sys.stdout.write(report.text(result))
        if args.json:
            report.write_json(args.json, report.gradescope(result))
            print(f"wrote {args.json}")
        return 0
    csv_path = args.csv or Path("grades.csv")
    grades = grade_all(args.all, csv_path, key, jobs=args.jobs, seconds=args.seconds)
    rows = report.class_rows(grades)
    table, picture = csv_path.with_suffix(".txt"), csv_path.with_suffix(".png")
    table.write_text(report.class_text(rows), encoding="utf-8")
    sys.stdout.write(report.class_text(rows))
    from scratchvae import figures

    figures.class_table(
        [(row.number, row.title, row.full, row.submissions, row.mistakes) for row in rows], picture
    )
    if args.json:
        report.write_json(args.json, [report.gradescope(g) for g in grades])
    print(f"wrote {csv_path}, {table}, {picture}")
    return 0
