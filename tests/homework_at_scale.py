"""A class of 200, generated from the catalogue: is every mistake in the table, and in what time?

    python tests/homework_at_scale.py [200] [--jobs 2]        not run by pytest: it takes minutes

Each submission is the reference with one to three classical mistakes, or none; every tenth has
a hostile function as well.
"""

import argparse
import csv
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from homework_hostile import BODIES
from homework_submissions import best_sandbox, hand_in

from scratchvae.homework import catalogue, source
from scratchvae.homework.classroom import grade_all
from scratchvae.homework.exercises import BY_NUMBER, EXERCISES
from scratchvae.homework.key import Key


def submission(k: int, rng: np.random.Generator) -> tuple[dict[str, str], dict[str, str]]:
    """The files, and what each wrong exercise should be called ("" for a hostile one)."""
    files, wrong = source.reference(), {}
    first = catalogue.MISTAKES[
        k % len(catalogue.MISTAKES)
    ]  # each mistake at least once in a class of 200
    others = [
        catalogue.MISTAKES[i]
        for i in rng.integers(0, len(catalogue.MISTAKES), int(rng.integers(0, 3)))
    ]
    bodies = {
        mistake.number: (mistake.body, mistake.helpers, mistake.sentence)
        for mistake in ([*others, first] if k % 20 != 19 else [])
    }
    if k % 10 == 5:
        bodies["2.2"] = (
            list(BODIES.values())[k // 10 % len(BODIES)]
            .replace("OUTSIDE", "/nowhere")
            .replace("SECRET", "/nowhere"),
            "",
            "",
        )
    for number, (body, helpers, sentence) in bodies.items():
        exercise = BY_NUMBER[number]
        files[exercise.module] = source.fill(
            files[exercise.module], exercise.name, body, exercise.module
        )
        files[exercise.module] += helpers
        wrong[number] = sentence
    return files, wrong


def main() -> int:
    """Print the figures. Returns how many submissions were judged wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", type=int, nargs="?", default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sandbox", default=best_sandbox())
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        expected = {}
        for k in range(args.n):
            files, expected[f"s{k:03}"] = submission(k, rng)
            hand_in(place / "class" / f"s{k:03}", files)
        start = time.monotonic()
        key = Key(EXERCISES, args.sandbox)
        grades = grade_all(place / "class", place / "g.csv", key, jobs=args.jobs)
        seconds = time.monotonic() - start
        with (place / "g.csv").open(encoding="utf-8-sig") as file:
            rows = {row["submission"]: row for row in csv.DictReader(file)}
        size = (place / "g.csv").stat().st_size
    bad = 0
    for grade in grades:
        wrong = expected[grade.name]
        for mark in grade.marks:
            full = mark.points == mark.most
            right = (full and mark.number not in wrong) or (
                not full
                and mark.number in wrong
                and (mark.mistake == wrong[mark.number] or not (wrong[mark.number] or mark.points))
            )
            if not right or float(rows[grade.name][f"ex {mark.number}"]) != mark.points:
                bad += 1
                print(
                    f"{grade.name} {mark.number}: expected {wrong.get(mark.number, 'right')!r}, "
                    f"got {mark.points:g} {mark.sentence!r}"
                )
    mistakes = sum(len(wrong) for wrong in expected.values())
    print(
        f"{args.n} submissions with {mistakes} mistakes in {seconds:.0f} s, "
        f"{args.jobs} at a time: {seconds / args.n:.1f} s each"
    )
    print(f"the CSV has {size:,} bytes")
    print(f"{bad} marks not as they should be, of {args.n * len(EXERCISES)}")
    return bad


if __name__ == "__main__":
    sys.exit(min(main(), 1))
