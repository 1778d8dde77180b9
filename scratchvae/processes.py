"""Other processes of the same program: one BLAS thread each, and none outlives its parent.

NumPy's matrix products run in a library (BLAS) that starts as many threads as there are
cores. Several processes with several threads each would fight for the cores, so each
process gets one thread. The library reads its number of threads from the environment
when NumPy is imported, so the environment has to say it before the process starts.

Processes are *spawned*: each is a new Python that imports the package. This works on
every system. A script that uses it needs the guard `if __name__ == "__main__":`, since
each new process imports the script too.
"""

import ctypes
import multiprocessing
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from scratchvae.files import STOPS, uninterrupted, why

SPAWN = multiprocessing.get_context("spawn")
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# glibc alone reads these: keep freed memory, in place of giving it back at every step
MEMORY = {"MALLOC_TRIM_THRESHOLD_": "268435456", "MALLOC_MMAP_THRESHOLD_": "268435456"}

MEGABYTE = 2**20
PROCESS = 64 * MEGABYTE  # of a new Python with NumPy and this package, and its small arrays
FEWEST = 32  # processes that any machine may start, if it has the memory
VERSION_1 = ["cpu.cfs_quota_us", "cpu.cfs_period_us"]  # of the control groups
CGROUPS, MY_CGROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")

Result = TypeVar("Result")
_here: list[Any] = []  # in a worker of `map_with`: what `make` made


class WorkerDied(ChildProcessError):
    """A worker process ended in the middle of its work."""


def cores() -> int:
    """The cores that this process may use, at most 4: more do not pay for a small network."""
    return min(all_cores(), 4)


def all_cores() -> int:
    """The cores that this process may use: its affinity, and a container's quota of time."""
    available = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    n = len(available) if available else os.cpu_count() or 1
    return max(1, min(n, int(_quota())))


def _quota() -> float:
    """How many cores' time the control groups of this process give it: the least of them.

    Version 2 has a file cpu.max with "quota period", or "max period". Version 1 has the two
    numbers in two files, and −1 for no limit.
    """
    least = float(os.cpu_count() or 1)
    for folder in _cgroup_folders("cpu"):
        with suppress(OSError, ValueError, ZeroDivisionError):  # no such limit in this group
            names = ["cpu.max"] if (folder / "cpu.max").exists() else VERSION_1
            quota, period = " ".join((folder / name).read_text() for name in names).split()
            if quota not in ("max", "-1"):
                least = min(least, int(quota) / int(period))
    return least


def _free_memory() -> float:
    """Bytes that can be taken before the machine, or the container, has none: ∞ if unknown."""
    free = float("inf")
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(1024.0 * int(x.split()[1]) for x in lines if x.startswith("MemAvailable"))
    for folder in _cgroup_folders("memory"):
        for names in ("max", "current"), ("limit_in_bytes", "usage_in_bytes"):  # version 2, and 1
            with suppress(OSError, ValueError):  # "max" is no number, or no such file
                limit, used = (int((folder / f"memory.{name}").read_text()) for name in names)
                free = min(free, max(0, limit - used))
    return free


def _cgroup_folders(kind: str) -> list[Path]:
    """The folders of this process's control groups, and those above them."""
    try:
        lines = MY_CGROUPS.read_text().splitlines()
    except OSError:  # not Linux
        return []
    found = []
    for line in lines:
        _, kinds, group = line.split(":", 2)
        if kinds and kind not in kinds.split(","):
            continue
        root = CGROUPS / kinds if kinds else CGROUPS
        inside = root / group.lstrip("/")
        found += [x for x in (inside, *inside.parents) if x.is_relative_to(root)]
    return found


def check_workers(name: str, workers: int, each: int = 0, shared: int = 0) -> None:
    """ValueError when so many processes cannot run here, before the first one starts.

    At most 4 for each core, or FEWEST if that is more, and the memory has to be there: PROCESS
    and `each` bytes for each of them, and `shared` bytes once.
    """
    n, need, free = all_cores(), workers * (PROCESS + each) + shared, _free_memory()
    most = max(4 * n, FEWEST)
    if workers > most:
        raise ValueError(
            f"{name} is {workers}; it should be at most {most} on this machine, which has {n} "
            f"core{'' if n == 1 else 's'} for it"
        )
    if workers > 1 and need > free:
        raise ValueError(
            f"{name} is {workers}; so many processes need {need / 2**30:.1f} GiB of memory, and "
            f"{free / 2**30:.1f} GiB are free: it should be smaller"
        )


@contextmanager
def shared_memory_needed(use: str = "--workers 1 (workers=1)") -> Iterator[None]:
    """Make shared memory or semaphores in this block: OSError that says what to do without."""
    try:
        _start_the_tracker()
        yield
    except (ImportError, NotImplementedError, OSError) as error:
        raise OSError(
            f"several processes need shared memory, and this system gives none ({why(error)}; on "
            f"Linux it is /dev/shm): one process needs none of it: {use}"
        ) from error


def _start_the_tracker() -> None:
    """Start Python's process that frees shared memory, so that SIGHUP does not end it.

    It leaves SIGINT and SIGTERM to its parent by itself. It inherits the blocked signals.
    """
    if sys.platform != "win32":
        from multiprocessing import resource_tracker

        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
        try:
            resource_tracker.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def blas_threads(verb: str, *number: int) -> Any:
    """Call NumPy's BLAS: "get" its number of threads, or "set" it. None if it has no such name.

    The name of the function differs between libraries. It is looked up in NumPy's own
    extension module and in the libraries that this one has loaded.
    """
    names = [f"{a}openblas_{verb}_num_threads{z}" for z in ("64_", "") for a in ("scipy_", "")]
    mkl = {"get": "MKL_Get_Max_Threads", "set": "MKL_Set_Num_Threads"}[verb]
    with suppress(ImportError, OSError):
        library = ctypes.CDLL(str(import_module("numpy._core._multiarray_umath").__file__))
        for name in (*names, mkl):
            if hasattr(library, name):
                return getattr(library, name)(*number)
    return None


def arithmetic() -> dict[str, Any]:
    """What rounds the sums of a matrix product, by name: another one gives other bits."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "NumPy": np.__version__, "BLAS": f"{blas.get('name')} {blas.get('version')}",
        "BLAS threads": blas_threads("get"), "processor": platform.machine(),
    }  # fmt: skip


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes that are started in the block have one BLAS thread."""
    wanted = {**dict.fromkeys(THREADS, "1"), **MEMORY}
    before = {name: os.environ[name] for name in wanted if name in os.environ}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Start processes in this block: Ctrl-C, SIGTERM and SIGHUP wait until it ends.

    A start that is broken off leaves half a process. And a process that a signal ends before it
    has read what the parent writes lets the parent wait forever. So the new processes are born
    with these signals blocked (not on Windows); `live_with_the_parent` takes the block away.
    What nohup ignores stays ignored: a new process inherits that, but no handler of Python.
    """
    with uninterrupted():
        _mask("SIG_BLOCK")
        try:
            yield
        finally:
            _mask("SIG_UNBLOCK")


def _mask(how: str) -> None:
    """Windows has no mask, and signals come to the main thread."""
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(getattr(signal, how), STOPS)


def live_with_the_parent() -> None:
    """In a new process: end when the parent ends, even when it is killed.

    A terminal sends Ctrl-C and SIGHUP to all its processes; they are left to the parent.
    """
    for stop in set(STOPS) - {signal.SIGTERM}:
        signal.signal(stop, signal.SIG_IGN)
    _mask("SIG_UNBLOCK")
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def map_with(
    make: Callable[..., Any], arguments: Sequence[Any], function: Callable[..., Result],
    tasks: Sequence[tuple[Any, ...]], workers: int,
) -> Iterator[Result]:  # fmt: skip
    """function(make(*arguments), *task) of each task in turn, computed by `workers` processes.

    Each process calls `make` once. make, function: functions of a module. WorkerDied when a
    process is ended from outside.
    """
    with shared_memory_needed():
        pool = ProcessPoolExecutor(
            min(workers, len(tasks)), SPAWN, initializer=_start, initargs=(make, arguments)
        )
    try:
        with one_thread_each(), pool:
            with undisturbed():
                results = pool.map(_call, [function] * len(tasks), tasks)  # starts the processes
            yield from results
    except BrokenProcessPool as error:
        raise WorkerDied(
            "a worker process ended before its part was computed; what is written already stays. "
            "Try again, with fewer --workers (workers) if there was too little memory"
        ) from error


def _start(make: Callable[..., Any], arguments: Sequence[Any]) -> None:
    live_with_the_parent()
    _here.append(make(*arguments))


def _call(function: Callable[..., Result], task: tuple[Any, ...]) -> Result:
    return function(_here[0], *task)
