"""A class at once: a folder of submissions, several at a time, resumable.

Each result is kept in a folder beside the CSV, with a stamp of all that it depends on: the
submission's files, the exercises, the reference, the grader's own code, the time limit, the
sandbox, and the versions of Python and NumPy. A result is taken over only under the same stamp.
The folder of results lies outside the folder of submissions: nothing that is handed in can be
taken for a result.
"""

import hashlib
import json
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np

from scratchvae.files import owners_folder
from scratchvae.homework import exports, gradebook, report, submission
from scratchvae.homework.grade import NOT_GRADED, SECONDS, Grade, grade_read, weighted
from scratchvae.homework.key import Key
from scratchvae.homework.submission import Submission
from scratchvae.progress import say

HERE = Path(__file__).parent
# read at the import: a long run may have newer files beside it than it runs
CODE = {
    path.relative_to(HERE).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*HERE.glob("*.py"), *HERE.glob("domains/*.py"), *HERE.glob("*/*.txt")])
}


def grade_all(
    folder: Path,
    csv_path: Path,
    key: Key,
    *,
    jobs: int = 1,
    seconds: float = SECONDS,
    quiet: bool = False,
    unpacked: exports.Class | None = None,
    weights: Mapping[str, float] | None = None,
) -> list[Grade]:
    """Grade every folder in the folder, and write the CSV. ValueError before any work.

    jobs: submissions at a time, each in a sandbox of its own. unpacked: what `exports.unpacked`
    made of the folder, when zips may be in it. weights: the teacher's own points.
    """
    kept = results_folder(folder, csv_path)
    if unpacked is None:
        unpacked = exports.Class(submission.students(folder))
    submissions, notes, failed = unpacked.submissions, unpacked.notes, unpacked.failed
    if not submissions:
        raise ValueError(f"{folder} holds no submissions; it should hold one folder for each")
    owners_folder(kept)
    grader = _grader(key, seconds)
    grades: dict[Path, Grade] = {}
    start = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        waiting = {
            pool.submit(
                _one, path, kept, key, grader, seconds, notes.get(path.name, ""),
                path.name in failed,
            ): path
            for path in submissions
        }  # fmt: skip
        try:
            for done, future in enumerate(as_completed(waiting), 1):
                result, resumed = future.result()
                result = weighted(result, weights or {})
                grades[waiting[future]] = result
                if not quiet:
                    how = "kept from before" if resumed else f"{time.monotonic() - start:.0f} s"
                    points = f"{result.points:g} of {result.most:g}" if result.final else NOT_GRADED
                    say(f"{done}/{len(submissions)}  {points}  {result.name}  ({how})", error=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    in_order = [grades[path] for path in submissions]
    rows = unpacked.rows(in_order)
    gradebook.write_csv(csv_path, [row.grade for row in rows], [row.time for row in rows])
    return in_order


def results_folder(folder: Path, csv_path: Path) -> Path:
    """Where results are kept: grades/ beside grades.csv. ValueError when submissions lie there."""
    kept = csv_path.with_suffix("")
    if kept == csv_path:
        raise ValueError(f"{csv_path} should end in .csv")
    submitted = folder.resolve()
    if kept.resolve().is_relative_to(submitted):
        raise ValueError(
            f"--csv {csv_path} would put results into {folder}, among the submissions: "
            "name a place outside it"
        )
    return kept


def _grader(key: Key, seconds: float) -> list[object]:
    """What a result depends on beside the submission."""
    numbers = [exercise.number for exercise in key.exercises]
    versions = [sys.version, np.__version__]
    return [numbers, key.whole, key.reference, CODE, seconds, key.sandbox, versions]


def _one(
    path: Path, kept: Path, key: Key, grader: list[object], seconds: float, note: str, failed: bool
) -> tuple[Grade, bool]:
    """The result of one submission, and whether it was kept from before. failed: not unpacked."""
    try:
        handed_in = submission.read(path, key.reference)
    except Exception as error:  # not for what is in it
        handed_in = Submission(path.name, note=f"it cannot be read: {type(error).__name__}")
        failed = True
    handed_in.note = note or handed_in.note
    named = handed_in.asked.exercises if handed_in.asked else None
    said = [handed_in.name, handed_in.files, handed_in.problems, handed_in.note, named, grader]
    stamp = hashlib.sha256(json.dumps(said, sort_keys=True).encode("ascii")).hexdigest()
    name = hashlib.sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    place = kept / f"{name}.json"
    try:
        saved = json.loads(place.read_text(encoding="ascii"))
        if saved["stamp"] == stamp:
            return Grade.from_json(saved["grade"]), True
    except (OSError, ValueError, KeyError, TypeError):
        pass
    result = grade_read(handed_in, key, seconds=seconds)
    result.final &= not failed
    if result.final:
        report.write_json(place, {"stamp": stamp, "grade": result.as_json()})
    else:
        place.unlink(missing_ok=True)
    return result, False
