"""Long runs as jobs: pure functions of a configuration, on one core or on many machines.

**A job** is a frozen dataclass: all that its result depends on, and nothing else. Its
result is a file, which holds the configuration too. From this follows the rest:

- A finished job is never run again: its file is there, with the same configuration.
- A job that was killed goes on. It writes its state as it goes, in one file that is
  written whole (`resume.py`), and the rest of the run has the bits of an undisturbed
  one.
- Where a job runs does not matter. Two processes that run the same job write the same
  numbers, so no harm is done when a cluster starts a job twice.

**Any executor** with the interface of `concurrent.futures` runs the jobs. All that is
used of it is `submit` with a function of a module and plain arguments. The folder of
the results has to be one that all workers can reach.

**One BLAS thread each.** NumPy's matrix products start a thread for each core, and two
such processes on two cores are several times slower than one. A new process reads the
number of threads from its environment (`processes.py`). But a process of a cluster is
started by somebody else, and NumPy may be loaded in it already. So each job also asks
the library itself for one thread (`processes.blas_threads`).
"""

import hashlib
import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol

from scratchvae import processes
from scratchvae.checks import printable
from scratchvae.files import FileFormatError, written_whole
from scratchvae.progress import put, say
from scratchvae.resume import difference

FORMAT, VERSION = "scratchvae.Job", 1
ENDINGS = (".share", ".state", ".lr")  # of the files .NAME.ending of an unfinished job
Result = dict[str, Any]
Report = Callable[[float], None]  # takes the share that is done, 0 to 1


class Job(Protocol):
    """A frozen dataclass with these."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def name(self) -> str:
        """The name of its files, without an ending: different for different jobs of a folder."""

    @property
    def size(self) -> float:
        """How much work it is, in any unit that all jobs of a list share."""

    def run(self, folder: Path, report: Report) -> Result:
        """Do it. It may keep its state in `folder`, in files .NAME.ending with these `ENDINGS`."""


# ---- one job ----


def run_job(job: Job, folder: str, draw: Callable[[], None] | None = None) -> Result:
    """Run a job, or read what it gave before. This is what an executor gets.

    folder: of the result file, and of the state of an unfinished job. draw: called now and
    then, in the process that shows the progress.
    """
    place = Path(folder)
    found = result_of(job, place)
    if found is not None:
        return found
    processes.blas_threads("set", 1)
    mark, shown = place / f".{job.name}.share", 0.0

    def report(share: float) -> None:
        nonlocal shown
        if time.monotonic() - shown > 0.5:
            shown = time.monotonic()
            with suppress(OSError), written_whole(mark) as part:
                part.write_text(f"{share:.4f}")
            if draw is not None:
                draw()

    report(0.0)
    result = job.run(place, report)
    write_result(job, place, result)
    for ending in ENDINGS:  # of no use any more
        (place / f".{job.name}{ending}").unlink(missing_ok=True)
    return result


def write_result(job: Job, folder: Path, result: Result) -> None:
    """The result file: JSON with the configuration and the numbers."""
    content = {"format": FORMAT, "version": VERSION, "job": _configuration(job), "result": result}
    content["sha256"] = _checksum(content)
    with written_whole(folder / f"{job.name}.json") as part:
        part.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")


def result_of(job: Job, folder: Path) -> Result | None:
    """What the job gave; None when it has not finished.

    FileFormatError for a damaged file; ValueError for one of another configuration.
    """
    path = folder / f"{job.name}.json"
    try:
        content = json.loads(path.read_text())
        if (content["format"], content["version"]) != (FORMAT, VERSION):
            raise ValueError(f"it is {content['format']!r} version {content['version']}")
        if content.pop("sha256") != _checksum(content):
            raise ValueError("its checksum is wrong: the file is damaged")
        theirs, result = dict(content["job"]), dict(content["result"])
    except FileNotFoundError:
        return None
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise FileFormatError(
            f"{path} is no result of a job ({error}); move it away, and the job runs again"
        ) from error
    differ = difference(theirs, _configuration(job), repr)
    if differ:
        raise ValueError(
            f"{path} holds a result of another configuration: {differ}. "
            "Choose another folder with --out"
        )
    return result


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _configuration(job: Job) -> dict[str, Any]:
    """The job as JSON has it: its kind and its fields."""
    return dict(json.loads(json.dumps({"kind": type(job).__name__, **asdict(job)})))


# ---- many jobs ----


def run_jobs(
    jobs: Sequence[Job], executor: Executor | None, folder: Path, *, progress: bool = True
) -> list[Result]:
    """The result of each job. Those that are finished are read, the others run.

    executor: any of `concurrent.futures`; None runs the jobs here, one after the other.
    Every file of the folder is looked at before any job begins. When a job fails, the others
    still run, and then its exception is raised; when the workers die, ChildProcessError.
    """
    found = {job.name: result_of(job, folder) for job in jobs}
    todo = [job for job in dict.fromkeys(jobs) if found[job.name] is None]
    board, failures = Board(jobs, todo, folder, progress), []
    outcomes = _here if executor is None else partial(_by, executor)
    for job, outcome in outcomes(todo, board, folder):
        if isinstance(outcome, Exception):
            failures.append((job, outcome))
            board.failed(job, outcome)
            continue
        if result_of(job, folder) is None:  # a worker that has another file system
            write_result(job, folder, outcome)
        found[job.name] = outcome
        board.finished(job)
    if failures:
        job, error = failures[0]
        raise _explained(job.name, error, len(failures), folder)
    return [result for job in jobs if (result := found[job.name]) is not None]


Outcome = tuple[Job, Result | Exception]


def _here(jobs: Sequence[Job], board: "Board", folder: Path) -> Iterator[Outcome]:
    """Each job with its result or its exception, one after the other in this process."""
    for job in jobs:
        board.draw()
        try:
            yield job, run_job(job, str(folder), board.draw)
        except Exception as error:
            yield job, error


def _by(executor: Executor, jobs: Sequence[Job], board: "Board", folder: Path) -> Iterator[Outcome]:
    """Each job with its result or its exception, in the order in which they end."""
    with processes.undisturbed():  # a process of the pool is started whole
        futures = {executor.submit(run_job, job, str(folder)): job for job in jobs}
    left: set[Future[Result]] = set(futures)
    try:
        while left:
            done, left = wait(left, timeout=0.5, return_when="FIRST_COMPLETED")
            for future in done:
                try:
                    outcome: Result | Exception = future.result()
                except Exception as error:  # CancelledError is one: the scheduler has gone
                    outcome = error
                yield futures[future], outcome
            board.draw()
    finally:
        for future in left:
            future.cancel()


def _explained(name: str, error: Exception, n: int, folder: Path) -> Exception:
    """What to raise for the first of n failures: one sentence that says what to do.

    name: of what failed. folder: of the results that are finished.
    """
    others = f" (and {n - 1} more)" if n > 1 else ""
    kept = f"what is finished is in {folder}, and the same command goes on from there"
    if isinstance(error, BrokenProcessPool) or type(error).__name__ == "KilledWorker":
        return ChildProcessError(f"a worker process died during {name}{others}; {kept}")
    if "Cancelled" in type(error).__name__:  # of concurrent.futures, or Dask's own
        return ChildProcessError(f"the cluster's scheduler went away during {name}{others}; {kept}")
    if isinstance(error, ModuleNotFoundError) or "deserializ" in str(error):
        return ValueError(
            f"a worker cannot import what {name} needs{others}: {error}. It should have "
            "scratchvae installed, in this version"
        )
    if isinstance(error, (FileFormatError, FloatingPointError, OSError, ValueError)):
        return error
    return ChildProcessError(f"{name} failed{others}: {error!r}; {kept}")


# ---- executors ----


@contextmanager
def local(workers: int) -> Iterator[Executor | None]:
    """That many processes of this machine, with one BLAS thread each. 1: none, but this one.

    ValueError when the machine is too small for so many.
    """
    if workers == 1:
        yield None
        return
    processes.check_workers("--jobs", workers)
    with processes.one_thread_each():
        with processes.shared_memory_needed("--jobs 1"):
            pool = ProcessPoolExecutor(
                workers, processes.SPAWN, initializer=processes.live_with_the_parent
            )
        try:
            yield pool
        except BaseException:
            for child in multiprocessing.active_children():
                child.terminate()  # they hold nothing that is not on disk
            raise
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def dask(address: str) -> Iterator[Executor]:
    """The workers of a Dask cluster. OSError when nobody answers."""
    if not address:
        raise ValueError("--dask is empty; it should be the address of a scheduler")
    distributed = _extra("distributed", "--dask")
    try:
        client = distributed.Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise OSError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        # a task that a worker cannot read would end the worker, and wait for another one forever
        ours = import_module("scratchvae").__version__

        def version() -> str | None:  # a function in a function is sent whole, not by its name
            from importlib import import_module
            from importlib.util import find_spec

            found = find_spec("scratchvae") and import_module("scratchvae").__version__
            return str(found) if found else None

        versions = client.run(version, on_error="return")
        if not versions:
            raise OSError(f"the Dask cluster at {address} has no workers")
        for worker, theirs in versions.items():
            if theirs != ours:
                has = "no scratchvae" if theirs is None else f"scratchvae {theirs}"
                if isinstance(theirs, BaseException):
                    has = f"a scratchvae that it cannot import ({theirs})"
                raise ValueError(
                    f"the Dask worker {worker} has {has}; it should be installed there, "
                    f"in the version {ours}"
                )
        # a job has effects, so that equal arguments must not give an earlier job's future
        yield client.get_executor(pure=False)


@contextmanager
def mpi() -> Iterator[Executor]:
    """The processes of `mpiexec -n N python -m mpi4py.futures -m scratchvae ...`."""
    with _extra("mpi4py.futures", "--mpi").MPIPoolExecutor() as pool:
        yield pool


def _extra(module: str, option: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ValueError(
            f"{option} needs {module}, which is not installed: pip install 'scratchvae[cluster]'"
        ) from error


# ---- progress ----


class Board:
    """One line for each running job and one for the whole, with the time left, on stderr.

    Jobs say in small files how far they are. On a terminal the lines are redrawn in place.
    Elsewhere there is a line for each job that ends.
    """

    def __init__(self, jobs: Sequence[Job], todo: Sequence[Job], folder: Path, show: bool) -> None:
        self.jobs, self.folder = list(dict.fromkeys(jobs)), folder
        self.left = {job.name: job for job in todo}
        self.on = show and sys.stderr is not None and bool(todo)
        self.terminal = self.on and sys.stderr.isatty()
        self.start, self.lines = time.perf_counter(), 0
        self.at_start = self._done()

    def _shares(self) -> dict[str, float]:
        shares = {}
        for name in self.left:
            with suppress(OSError, ValueError):
                shares[name] = float((self.folder / f".{name}.share").read_text())
        return shares

    def _done(self) -> float:
        """The share of the whole that is done."""
        total = sum(job.size for job in self.jobs)
        shares = self._shares()
        left = sum(job.size * (1 - shares.get(name, 0)) for name, job in self.left.items())
        return 1 - left / total

    def _whole(self) -> str:
        n, done = len(self.jobs), self._done()
        spent, since = time.perf_counter() - self.start, done - self.at_start
        left = _clock(spent * (1 - done) / since) + " left" if since > 0 else "just begun"
        return f"{n - len(self.left)} of {n} jobs done, {done:.0%} of the work, {left}"

    def draw(self) -> None:
        """The lines, on a terminal."""
        if self.terminal:
            shares = self._shares()
            rows = [f"  {name}  {share:4.0%}" for name, share in shares.items()]
            self._write([*rows, self._whole()])

    def _write(self, rows: list[str]) -> None:
        up = f"\x1b[{self.lines}A" if self.lines else ""
        text = "".join(f"\r\x1b[K{row}\n" for row in rows)
        put(f"{up}\x1b[J{text}", end="", error=True)
        self.lines = len(rows)

    def finished(self, job: Job) -> None:
        """The job is done."""
        self.left.pop(job.name, None)
        if self.on and not self.terminal:
            say(f"{job.name} done; {self._whole()}", error=True)

    def failed(self, job: Job, error: Exception) -> None:
        """The job raised."""
        if self.on and not self.terminal:
            say(printable(f"{job.name} failed: {error}"), error=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
