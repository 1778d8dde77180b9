"""The process in which students' code runs. `sandbox.py` starts it, and sends it tasks.

This process runs no student's code. It forks for each task, and the fork

1. reads the task. This process does not: its memory is copied into every later fork, and what
   one exercise is graded in can be the answer of another;
2. takes limits: one process, memory, the size of a file, open files, processor time;
3. as root it becomes another user;
4. reads the student's files and sets the exercise's function into the package (`merge.py`);
   writes one line of JSON: why it could not be, or "". No student's code has run by then, so
   none can write this line;
5. calls it with each case, and writes one line of JSON for each: into memory that this process
   shares, where it stays when the fork is killed, and where nobody has to be woken for it.

When the task ends, or its time is over, every other process here is killed. A task that leaves
a file behind, or has changed this process's limits, says so (`left`), and the sandbox is
thrown away: the next task finds nothing of the one before.

Inside bubblewrap this process is number 1 of its own process namespace. Number 1 cannot be
killed or stopped from inside, and since it is not dumpable, nothing inside can read its memory
or open its pipes. It holds no expected values. The package that it is given has the exercise's
answer only if the student wrote it.
"""

import base64
import contextlib
import ctypes
import importlib.abc
import importlib.machinery
import importlib.util
import json
import mmap
import os
import re
import select
import signal
import struct
import sys
import time
import types
from typing import Any, BinaryIO

with contextlib.suppress(ImportError):  # Windows has none, and there no child is started
    import resource

SIZE = struct.Struct("=Q")
HEADER = struct.Struct(">IId")  # of a task: its bytes, its cases, and the seconds that it has
MOST_OUTPUT, MOST_PRINTED = 8_000_000, 2_000  # bytes of answers taken; characters of prints kept
LIMITS = {
    "NPROC": 0,  # no process and no thread beside this one
    "AS": 2 << 30,
    "FSIZE": 1_000_000,
    "NOFILE": 64,
    "CORE": 0,
}


# What the package imports is loaded before the forks: another user may not read Python's own
# folder.
READY = (
    *("concurrent.futures.process", "csv", "dataclasses", "gzip", "heapq", "numbers"),
    *("multiprocessing.connection", "multiprocessing.shared_memory", "pathlib", "platform"),
    *("shutil", "unicodedata", "zipfile", "zlib"),
)


DEFINED = re.compile(r"^\s*(?:async\s+)?(?:def|class)\s+\w+|^\w+[^\n=(]*=|^.*import.*", re.M)


def adds(ours: str, theirs: str) -> bool:
    """Whether the student's file may define something that ours does not: most files do not."""
    return ours != theirs and not set(DEFINED.findall(theirs)) <= set(DEFINED.findall(ours))


class Sources(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports scratchvae from source texts alone, the student's set into the reference's.

    refused: "" or why the exercise's function cannot be found or read.
    """

    def __init__(self, task: dict[str, Any]) -> None:
        self.texts, self.theirs = task["package"], task.get("theirs", {})
        self.module: str
        self.function: str
        self.module, self.function = task.get("exercise") or ("", "")
        self.whole_class, self.refused = bool(task.get("whole_class")), ""
        self.merged: Any = None
        if self.module in self.theirs:
            try:
                self.merged = self.merge(self.module, self.function)
            except merge.SourceError as error:
                self.refused = str(error)
            except RecursionError:
                self.refused = f"{self.module}.py is no Python: it is nested too deeply"

    def merge(self, name: str, function: str) -> Any:
        """The reference's module with the student's function and what the student added."""
        ours, file = self.texts.get(name, ""), f"{name}.py"
        return merge.merge(ours, self.theirs[name], function, file, self.whole_class)

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module. Nothing else called scratchvae is found, wherever it is installed."""
        package, _, module = name.partition(".")
        if package != "scratchvae":
            return None
        if module and module not in self.texts and module not in self.theirs:
            raise ModuleNotFoundError(f"there is no {module}.py in the package", name=name)
        return importlib.util.spec_from_loader(name, self, is_package=not module)

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the text: of the reference with what the student added to it."""
        name = module.__name__.partition(".")[2] or "__init__"
        module.__file__ = file = f"{name}.py"
        ours, theirs = self.texts.get(name, ""), self.theirs.get(name)
        code: Any = ours
        if name == self.module and self.merged is not None:
            code = self.merged
        elif theirs is not None and name != "__init__" and adds(ours, theirs):
            with contextlib.suppress(merge.SourceError):
                code = self.merge(name, "")
        exec(compile(code, file, "exec"), module.__dict__)


class Shared:
    """Memory of two processes: how many bytes, and these."""

    def __init__(self) -> None:
        self.memory, self.size = mmap.mmap(-1, SIZE.size + MOST_OUTPUT), 0

    def write(self, line: bytes) -> None:
        """A line more. What would be too large is not written, and ends this process."""
        self.size += len(line)
        if self.size <= MOST_OUTPUT:
            end = SIZE.size + self.size
            self.memory[end - len(line) : end] = line
        SIZE.pack_into(self.memory, 0, self.size)
        if self.size > MOST_OUTPUT:
            os._exit(0)

    def read(self) -> bytes | None:
        """All that was written; None: it was too large."""
        size = SIZE.unpack_from(self.memory)[0]
        return self.memory[SIZE.size : SIZE.size + size] if size <= MOST_OUTPUT else None


def run(task: dict[str, Any], refusal: BinaryIO, answers: Shared) -> None:
    """In the fork: say whether the function is refused, then a line for each case."""
    sources = Sources(task)
    refusal.write(json.dumps(sources.refused).encode() + b"\n")
    refusal.flush()
    if sources.refused:
        return
    sys.meta_path.insert(0, sources)
    last: tuple[Any, Any] = None, None
    for case in task["cases"]:
        inputs = {name: wire.decode(value) for name, value in case.items()}
        reply: dict[str, Any] = {}
        outputs = None
        try:
            outputs = drivers.drive(task["driver"], task["fixed"], inputs)
            reply["outputs"] = wire.encode(outputs)
        except BaseException as error:  # SystemExit and KeyboardInterrupt are answers too
            reply["error"] = wire.raised(error)
        if after := wire.afterwards(case, inputs, *last):
            reply["after"] = after
        last = outputs, reply.get("outputs")
        answers.write(json.dumps(reply).encode() + b"\n")


def limits(seconds: float, user: int | None) -> None:
    """Of this process, for good. user: whom root becomes."""
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    for name, most in {**LIMITS, "CPU": int(seconds) + 2}.items():
        what = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS has no limit of address space
            resource.setrlimit(what, (most, most))


def supervise(
    length: int, cases: int, seconds: float, protocol: tuple[int, int], user: int | None
) -> dict[str, Any]:
    """Fork, run, and gather what comes back until it ends or its time is over.

    length: bytes of the task, which the fork reads. cases: how many it has.
    doubtful: the fork was killed, and not from here; or it had less than a quarter of its time on
    a processor. The machine may have done this, or the code: its parent decides.
    """
    answers_out, answers_in = os.pipe()
    prints_out, prints_in = os.pipe()
    shared = Shared()
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            task = json.loads(read_exactly(protocol[0], length))
            os.write(answers_in, b"\n")
            for fd in (*protocol, answers_out, prints_out):
                os.close(fd)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(prints_in, 1)
            os.dup2(prints_in, 2)
            limits(seconds, user)
            with os.fdopen(answers_in, "wb") as out:
                run(task, out, shared)
            sys.stdout.flush()
        finally:
            os._exit(0)
    os.close(answers_in)
    os.close(prints_in)
    os.read(answers_out, 1)  # the task is read
    start = time.monotonic()
    answers, printed, stopped, late = bytearray(), 0, "", False
    open_pipes = {answers_out, prints_out}
    while answers_out in open_pipes and not stopped:
        left = seconds - (time.monotonic() - start)
        if left <= 0:
            stopped, late = f"it was stopped after {seconds:g} s", True
            break
        for fd in select.select(list(open_pipes), [], [], left)[0]:
            chunk = os.read(fd, 1 << 16)
            if not chunk:
                open_pipes.discard(fd)
            elif fd == answers_out:
                answers += chunk
            else:
                printed += len(chunk)
        if len(answers) > MOST_OUTPUT:
            break
    status, used = end(pid)
    given = shared.read()
    shared.memory.close()
    if given is None or len(answers) > MOST_OUTPUT:
        stopped = "its answers were too large"
    os.close(answers_out)
    os.close(prints_out)
    first = bytes(answers[:MOST_OUTPUT]).partition(b"\n")
    lines = ([first[0]] if first[1] else []) + (given or b"").split(b"\n")[:-1][:cases]
    doubtful = late and used < seconds / 4
    if not stopped and len(lines) < 1 + cases:
        doubtful = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if os.WIFSIGNALED(status) and not doubtful:
            stopped = f"it crashed ({signal.Signals(os.WTERMSIG(status)).name})"
        else:
            stopped = "it ended its process"
    return {
        "lines": [base64.b64encode(line).decode() for line in lines],
        "stopped": stopped,
        "doubtful": doubtful,
        "printed": printed,
    }


def end(pid: int) -> tuple[int, float]:
    """Kill the fork and all that it started; its status, and the processor time that it took."""
    with contextlib.suppress(OSError):
        if os.getpid() == 1:
            os.kill(-1, signal.SIGKILL)  # every process of this namespace but this one
        else:
            os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    if os.getpid() == 1:
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)
    return status, usage.ru_utime + usage.ru_stime


def state() -> list[object]:
    """What a task could leave to the next one: files, and the limits of this process.

    The folder's ctime changes with its files, mode, times and attributes; nobody can set it.
    """
    known = (getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_"))
    changed = os.stat(".").st_ctime_ns
    return [os.listdir("."), changed, *(resource.getrlimit(what) for what in known)]


def read_exactly(fd: int, size: int) -> bytes:
    """So many bytes; fewer when the other side is closed."""
    parts = bytearray()
    while len(parts) < size and (chunk := os.read(fd, min(1 << 20, size - len(parts)))):
        parts += chunk
    return bytes(parts)


def main(user: int | None) -> None:
    """Take tasks, one at a time, and forget each before the next."""
    with contextlib.suppress(OSError, AttributeError):  # not on macOS
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    protocol = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    before = state()
    while len(header := read_exactly(protocol[0], HEADER.size)) == HEADER.size:
        length, cases, seconds = HEADER.unpack(header)
        reply = supervise(length, cases, seconds, protocol, user)
        reply["left"] = state() != before
        message = json.dumps(reply).encode()
        message = struct.pack(">I", len(message)) + message
        while message:
            message = message[os.write(protocol[1], message) :]


if __name__ == "__main__":
    # -I -S: neither the working directory nor any installed package can be imported. NumPy is
    # loaded here, before the forks, and its folder leaves the path again.
    place, number = sys.argv[1:]
    beside = os.path.dirname(os.path.realpath(__file__))
    sys.path[:0] = [place, beside]
    import drivers  # type: ignore[import-not-found]
    import merge  # type: ignore[import-not-found]
    import numpy.polynomial
    import numpy.random  # noqa: F401
    import wire  # type: ignore[import-not-found]

    sys.path.remove(place)
    sys.path.remove(beside)
    del drivers.__file__, wire.__file__, merge.__file__
    for standard in READY:
        importlib.import_module(standard)
    main(int(number) if number else None)
