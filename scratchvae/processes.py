"""Other processes of the same program: one BLAS thread each, and none outlives its parent.

NumPy's matrix products run in a library (BLAS) that starts as many threads as there are
cores. Several processes with several threads each would fight for the cores, so each
process gets one thread. The library reads its number of threads from the environment
when NumPy is imported, so the environment has to say it before the process starts.

Processes are *spawned*: each is a new Python that imports the package. This works on
every system. A script that uses it needs the guard `if __name__ == "__main__":`, since
each new process imports the script too.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

SPAWN = multiprocessing.get_context("spawn")
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# glibc alone reads these: keep freed memory, in place of giving it back at every step
MEMORY = {"MALLOC_TRIM_THRESHOLD_": "268435456", "MALLOC_MMAP_THRESHOLD_": "268435456"}

STOPS = (signal.SIGINT, signal.SIGTERM)

Result = TypeVar("Result")
_here: list[Any] = []  # in a worker of `map_with`: what `make` made


def cores() -> int:
    """The cores that this process may use, at most 4: more do not pay for a small network."""
    available = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    return min(len(available) if available else os.cpu_count() or 1, 4)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes that are started in the block have one BLAS thread."""
    wanted = {**dict.fromkeys(THREADS, "1"), **MEMORY}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def undisturbed() -> Iterator[None]:
    """Start processes in this block: Ctrl-C and SIGTERM wait until it ends.

    A start that is broken off leaves half a process. And a process that a signal ends before it
    has read what the parent writes lets the parent wait forever. So the new processes are born
    with both signals blocked (not on Windows); `live_with_the_parent` takes the block away.
    """
    if threading.current_thread() is not threading.main_thread():  # signals come to that one
        yield
        return
    came: list[int] = []
    before = {stop: signal.signal(stop, lambda number, _: came.append(number)) for stop in STOPS}
    _mask("SIG_BLOCK")
    try:
        yield
    finally:
        _mask("SIG_UNBLOCK")
        for stop, handler in before.items():
            signal.signal(stop, handler)
        if came:
            signal.raise_signal(came[0])


def _mask(how: str) -> None:
    if hasattr(signal, "pthread_sigmask"):  # Windows has none
        signal.pthread_sigmask(getattr(signal, how), STOPS)


def live_with_the_parent() -> None:
    """In a new process: end when the parent ends, even when it is killed; leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _mask("SIG_UNBLOCK")
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def map_with(
    make: Callable[..., Any],
    arguments: Sequence[Any],
    function: Callable[..., Result],
    tasks: Sequence[tuple[Any, ...]],
    workers: int,
) -> Iterator[Result]:
    """function(make(*arguments), *task) of each task in turn, computed by `workers` processes.

    Each process calls `make` once. make, function: functions of a module.
    """
    with (
        one_thread_each(),
        ProcessPoolExecutor(
            min(workers, len(tasks)), SPAWN, initializer=_start, initargs=(make, arguments)
        ) as pool,
    ):
        with undisturbed():
            results = pool.map(_call, [function] * len(tasks), tasks)  # starts the processes
        yield from results


def _start(make: Callable[..., Any], arguments: Sequence[Any]) -> None:
    live_with_the_parent()
    _here.append(make(*arguments))


def _call(function: Callable[..., Result], task: tuple[Any, ...]) -> Result:
    return function(_here[0], *task)
