"""A class at once: a folder of submissions, several at a time, resumable."""

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from scratchvae.homework import report
from scratchvae.homework.exercises import Exercise
from scratchvae.homework.grade import SECONDS, Grade, Key, Mark, grade, read

VERSION = 1


def grade_all(
    folder: Path,
    csv_path: Path,
    exercises: Sequence[Exercise],
    *,
    jobs: int = 1,
    seconds: float = SECONDS,
    quiet: bool = False,
) -> list[Grade]:
    """Grade every folder in the folder; write the CSV, and beside it a folder with each result, so that a run that stopped goes on.

    A result is taken over only if the submission's files and the exercises are what they were.
    """
    submissions = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    if not submissions:
        raise ValueError(f"{folder} holds no submissions; it should hold one folder for each")
    kept = csv_path.with_suffix("")
    if kept == csv_path:
        raise ValueError(f"{csv_path} should end in .csv")
    kept.mkdir(parents=True, exist_ok=True)
    key = Key()
    grades: dict[str, Grade] = {}
    start = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        waiting = {
            pool.submit(_one, path, kept, exercises, key, seconds): path for path in submissions
        }
        try:
            for done, future in enumerate(as_completed(waiting), 1):
                result, resumed = future.result()
                grades[waiting[future].name] = result
                if not quiet:
                    how = "kept from before" if resumed else f"{time.monotonic() - start:.0f} s"
                    print(
                        f"{done}/{len(submissions)}  {result.points:g} of {result.most:g}  {result.name}  ({how})",
                        file=sys.stderr,
                        flush=True,
                    )
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    in_order = [grades[path.name] for path in submissions]
    report.write_csv(csv_path, in_order)
    return in_order


def _one(
    path: Path, kept: Path, exercises: Sequence[Exercise], key: Key, seconds: float
) -> tuple[Grade, bool]:
    files, note = read(path)
    numbers = [exercise.number for exercise in exercises]
    stamp = hashlib.sha256(
        json.dumps([VERSION, numbers, files, note, key.reference], sort_keys=True).encode(
            "utf-8", "replace"
        )
    ).hexdigest()
    place = kept / f"{hashlib.sha256(path.name.encode('utf-8', 'replace')).hexdigest()[:16]}.json"
    try:
        saved = json.loads(place.read_text(encoding="utf-8"))
        if saved["stamp"] == stamp:
            return Grade.from_json(saved["grade"]), True
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        result = grade(path, exercises, key, seconds=seconds)
    except Exception as error:  # nothing that is handed in may end the class's run
        marks = [
            Mark(
                e.number,
                e.title,
                0,
                e.points,
                {},
                f"the grader failed: {type(error).__name__}: {error}",
            )
            for e in exercises
        ]
        result = Grade(
            path.name,
            marks,
            False,
            "not graded",
            f"the grader failed: {type(error).__name__}: {error}",
        )
        return result, False
    report.write_json(place, {"stamp": stamp, "grade": result.as_json()})
    return result, False
