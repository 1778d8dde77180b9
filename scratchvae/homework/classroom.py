"""A class at once: a folder of submissions, several at a time, resumable.

Each result is kept in a folder beside the CSV, with a stamp of all that it depends on: the
submission's files, the exercises, the reference, the grader's own code, the time limit, the
sandbox, and the versions of Python and NumPy. A result is taken over only under the same stamp.
The folder of results lies outside the folder of submissions: nothing that is handed in can be
taken for a result.

Any executor with the interface of `concurrent.futures` grades a class. All that is used of it is
`submit` with `grade_sent` and plain arguments. A worker gets the text of a submission, so it needs
no folder of this machine, and sends back plain data. It works out the key itself, once. It refuses
when it would not grade as this process does, since the stamp would then be wrong.
"""

import hashlib
import json
import platform
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from scratchvae.files import owners_folder
from scratchvae.homework import archives, gradebook, report, submission
from scratchvae.homework.asked import Asked
from scratchvae.homework.exercises import select
from scratchvae.homework.grade import SECONDS, Grade, grade_read
from scratchvae.homework.key import Key
from scratchvae.homework.submission import Submission
from scratchvae.homework.wire import plain
from scratchvae.jobs import explained
from scratchvae.progress import say

HERE = Path(__file__).parent
# read at the import: a worker that runs for weeks may have newer files beside it than it runs
CODE = {
    path.relative_to(HERE).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(HERE.rglob("*.py"))
}
AT_ONCE = 256  # submissions that an executor has at a time: it keeps their text in memory
PARTS = ("reference", "grader code", "Python or NumPy")  # what workers must have alike
making = threading.Lock()  # of the key in a worker with several threads


def grade_all(
    folder: Path,
    csv_path: Path,
    key: Key,
    *,
    jobs: int = 1,
    executor: Executor | None = None,
    seconds: float = SECONDS,
    quiet: bool = False,
    unpacked: archives.Class | None = None,
) -> list[Grade]:
    """Grade every folder in the folder, and write the CSV. ValueError before any work.

    jobs: threads of this process, which grade when there is no executor. When an executor fails on
    a submission, the others are still graded and kept; then ChildProcessError or ValueError says
    why. unpacked: what `archives.unpacked` made of the folder, when zips may be in it.
    """
    kept = results_folder(folder, csv_path)
    notes = unpacked.notes if unpacked is not None else {}
    submissions = unpacked.submissions if unpacked is not None else submission.students(folder)
    if not submissions:
        raise ValueError(f"{folder} holds no submissions; it should hold one folder for each")
    owners_folder(kept)
    grader = _grader(key, seconds)
    grades: dict[Path, Grade] = {}
    failures: list[tuple[str, Exception]] = []
    sent: set[Future[dict[str, Any]]] = set()  # what the executor has
    numbers, parts = tuple(exercise.number for exercise in key.exercises), _digests(key)

    def graded(handed_in: Submission) -> Grade:
        if executor is None:
            return grade_read(handed_in, key, seconds=seconds)
        arguments = _sent(handed_in), numbers, key.sandbox, seconds, parts
        future = executor.submit(grade_sent, *arguments)
        sent.add(future)
        try:
            return Grade.from_json(future.result())
        finally:
            sent.discard(future)  # the executor may forget it

    start = time.monotonic()
    with ThreadPoolExecutor(jobs if executor is None else AT_ONCE) as pool:
        waiting = {
            pool.submit(_one, path, kept, key, grader, graded, notes.get(path.name, "")): path
            for path in submissions
        }
        try:
            for done, future in enumerate(as_completed(waiting), 1):
                try:
                    result, resumed = future.result()
                except Exception as error:
                    if executor is None:
                        raise
                    name = plain(waiting[future].name)
                    failures.append((name, error))
                    if not quiet:
                        why = plain(str(error))
                        say(f"{done}/{len(submissions)}  not graded  {name}: {why}", error=True)
                    continue
                grades[waiting[future]] = result
                if not quiet:
                    how = "kept from before" if resumed else f"{time.monotonic() - start:.0f} s"
                    points = f"{result.points:g} of {result.most:g}"
                    say(f"{done}/{len(submissions)}  {points}  {result.name}  ({how})", error=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for future_sent in list(sent):
                future_sent.cancel()
            pool.shutdown(wait=True)
            raise
    if failures:
        raise _failed(failures, kept)
    in_order = [grades[path] for path in submissions]
    gradebook.write_csv(csv_path, in_order)
    return in_order


def _failed(failures: list[tuple[str, Exception]], kept: Path) -> Exception:
    """What to raise when an executor could not grade these."""
    name, first = failures[0]
    what = f"the grading of {name}"
    found = explained(what, first, len(failures), kept)
    if found is first:  # it says nothing of the class
        others = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        found = ValueError(f"{what}{others}: {first}; what is graded is in {kept}")
    return type(found)(f"{found}. Without --dask and --mpi, the rest is graded here")


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
    return [numbers, key.reference, CODE, seconds, key.sandbox, versions]


def _one(
    path: Path,
    kept: Path,
    key: Key,
    grader: list[object],
    graded: Callable[[Submission], Grade],
    note: str = "",
) -> tuple[Grade, bool]:
    """The result of one submission, and whether it was kept from before."""
    try:
        handed_in = submission.read(path, key.reference)
    except Exception as error:
        handed_in = Submission(path.name, note=f"it cannot be read: {type(error).__name__}")
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
    result = graded(handed_in)
    if result.final:
        report.write_json(place, {"stamp": stamp, "grade": result.as_json()})
    else:
        place.unlink(missing_ok=True)
    return result, False


# ---- by an executor ----


def grade_sent(
    handed_in: str, numbers: tuple[str, ...], sandbox: str, seconds: float, parts: Sequence[str]
) -> dict[str, Any]:
    """Grade what `_sent` gave, in a worker: `Grade.as_json()`.

    parts: the digests of what the process that asks has. ValueError when this one has others, or
    cannot grade.
    """
    worker = f"the worker on {platform.node()}"
    try:
        with making:
            key = _key(numbers, sandbox)
    except (OSError, ValueError) as error:
        raise ValueError(f"{worker} cannot grade: {error}") from None
    mine = _digests(key)
    others = [name for name, ours, theirs in zip(PARTS, mine, parts) if ours != theirs]
    if others:
        raise ValueError(
            f"{worker} differs in {', '.join(others)} from the process that asks it: install the "
            "same there, and start the worker again"
        )
    return grade_read(_received(handed_in), key, seconds=seconds).as_json()


@lru_cache(maxsize=1)
def _key(numbers: tuple[str, ...], sandbox: str) -> Key:
    return Key(select(numbers), sandbox)


def _digests(key: Key) -> list[str]:
    """Of each of the `PARTS`."""
    parts = [key.reference, CODE, [sys.version, np.__version__]]
    texts = [json.dumps(part, sort_keys=True) for part in parts]
    return [hashlib.sha256(text.encode("ascii")).hexdigest() for text in texts]


def _sent(handed_in: Submission) -> str:
    """The submission as JSON, in ASCII: a name may hold bytes that are no text."""
    said = {name: getattr(handed_in, name) for name in ("name", "files", "problems", "note")}
    return json.dumps({**said, "asked": handed_in.asked and vars(handed_in.asked)})


def _received(text: str) -> Submission:
    """What `_sent` gave."""
    said = json.loads(text)
    asked = said.pop("asked")
    if asked is not None:
        asked = Asked(**{**asked, "exercises": tuple(asked["exercises"])})
    return Submission(**said, asked=asked)
