"""The process in which students' code runs. Started by `sandbox.py` as a script, in an empty folder, with tasks on its standard input.

This process itself runs none of their code. For each task it forks; the fork takes limits of memory, time and file size, gives up the
pipes of its parent, and runs the one task: a package, given as source text, and the cases to call it with. It sends one line for each case.
It holds no expected values, and the package that it is given has the exercise's answer only if the student wrote it.
"""

import base64
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import select
import signal
import struct
import sys
import time
import types
from typing import Any, BinaryIO

MOST_OUTPUT, MOST_PRINTED = 8_000_000, 2_000  # bytes of answers taken; characters of prints kept
REFUSED = (
    "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen", "pty.spawn", "os.kill", "os.killpg",
    "signal.pthread_kill", "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "ctypes.", "os.putenv", "ptrace",
)  # fmt: skip
WRITES = (
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.mkdir",
    "shutil.",
)


class Sources(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports scratchvae from source texts: nothing of it stands on a disk."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module, if its text is here."""
        if name not in self.texts:
            return None
        is_package = (
            any(other.startswith(f"{name}.") for other in self.texts) or name == "scratchvae"
        )
        return importlib.util.spec_from_loader(name, self, is_package=is_package)

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the text."""
        name = module.__name__
        module.__file__ = f"{name.replace('.', '/')}.py"
        exec(compile(self.texts[name], module.__file__, "exec"), module.__dict__)


def guard(folder: str, secret: str) -> None:
    """Refuse new processes, signals, sockets, writing outside the folder, and reading the reference: a hook that cannot be taken off."""
    here = os.path.realpath(folder) + os.sep
    realpath, fsdecode = os.path.realpath, os.fsdecode
    # bound here, so that a student who changes `os` does not change these

    def inside(path: object) -> bool:
        return not isinstance(path, str | bytes | os.PathLike) or realpath(
            fsdecode(path)
        ).startswith(here)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and len(arguments) > 2:
            path, mode, flags = arguments[0], arguments[1], arguments[2]
            if isinstance(path, int):
                return
            writes = isinstance(mode, str) and any(letter in mode for letter in "wax+")
            if isinstance(flags, int) and flags & (
                os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
            ):
                writes = True
            if writes and not inside(path) and fsdecode(path) != os.devnull:
                raise PermissionError("homework may not write outside its folder")
            if realpath(fsdecode(path)).startswith(secret):
                raise PermissionError("homework may not read the reference")
        elif event.startswith(REFUSED):
            raise PermissionError(f"homework may not use {event}")
        elif event.startswith(WRITES) and not all(inside(argument) for argument in arguments):
            raise PermissionError(f"homework may not use {event} outside its folder")

    sys.addaudithook(hook)


def run(task: dict[str, Any], answers: BinaryIO, folder: str, secret: str) -> None:
    """In the fork: call the driver with each case, and write a line for each."""
    sys.meta_path.insert(0, Sources(task["package"]))
    dumps, write, clock = json.dumps, answers.write, time.perf_counter
    encode, decode = wire.encode, wire.decode
    driver = getattr(drivers, task["driver"])
    guard(folder, secret)
    for case in task["cases"]:
        inputs = {name: decode(value) for name, value in case.items()}
        start = clock()
        reply: dict[str, Any] = {}
        try:
            reply["outputs"] = encode(driver(**task["fixed"], **inputs))
        except (
            BaseException
        ) as error:  # SystemExit and KeyboardInterrupt are answers too: wrong ones
            reply["error"] = [type(error).__name__, str(error)[:300]]
        reply["after"] = {name: encode(value) for name, value in inputs.items()}
        reply["seconds"] = clock() - start
        write(dumps(reply).encode() + b"\n")
        answers.flush()


def limits(seconds: float, memory: int) -> None:
    """Of this process: processor time, memory, the size of a file it writes, no core dump."""
    for what, value in (
        (resource.RLIMIT_CPU, int(seconds) + 2),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 1_000_000),
        (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        hard = resource.getrlimit(what)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))


def supervise(task: dict[str, Any], protocol: tuple[int, int], secret: str) -> dict[str, Any]:
    """Fork, run, and gather what comes back until it ends or its time is over."""
    folder = os.getcwd()
    answers_out, answers_in = os.pipe()
    prints_out, prints_in = os.pipe()
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            for fd in (*protocol, answers_out, prints_out):
                os.close(fd)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(prints_in, 1)
            os.dup2(prints_in, 2)
            limits(task["seconds"], task["memory"])
            with os.fdopen(answers_in, "wb") as out:
                run(task, out, folder, secret)
            sys.stdout.flush()
        except BaseException:
            pass
        finally:
            os._exit(0)
    os.close(answers_in)
    os.close(prints_in)
    answers, printed, prints, stopped = bytearray(), 0, bytearray(), ""
    open_pipes = {answers_out, prints_out}
    while answers_out in open_pipes:
        left = task["seconds"] - (time.monotonic() - start)
        if left <= 0:
            stopped = f"it was stopped after {task['seconds']:g} s"
            break
        for fd in select.select(list(open_pipes), [], [], left)[0]:
            chunk = os.read(fd, 1 << 16)
            if not chunk:
                open_pipes.discard(fd)
            elif fd == answers_out:
                answers += chunk
            else:
                printed += len(chunk)
                prints += chunk[: max(0, MOST_PRINTED - len(prints))]
        if len(answers) > MOST_OUTPUT:
            stopped = "its answers were too large"
            break
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    os.close(answers_out)
    os.close(prints_out)
    lines = bytes(answers[:MOST_OUTPUT]).split(b"\n")[:-1][: len(task["cases"])]
    if not stopped and len(lines) < len(task["cases"]):
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
            stopped = f"it crashed ({signal.Signals(os.WTERMSIG(status)).name})"
        else:
            stopped = "it ended its process"
    return {
        "lines": [base64.b64encode(line).decode() for line in lines], "stopped": stopped, "printed": printed,
        "prints": prints.decode(errors="replace"), "seconds": time.monotonic() - start,
    }  # fmt: skip


def read_exactly(fd: int, size: int) -> bytes:
    """So many bytes; fewer when the other side has gone."""
    parts = bytearray()
    while len(parts) < size and (chunk := os.read(fd, min(1 << 20, size - len(parts)))):
        parts += chunk
    return bytes(parts)


def main() -> None:
    """Take tasks, one at a time, and forget each before the next: no fork sees another exercise's package."""
    protocol = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    secret = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep
    while len(header := read_exactly(protocol[0], 4)) == 4:
        task = json.loads(read_exactly(protocol[0], struct.unpack(">I", header)[0]))
        for name in os.listdir("."):  # what the fork before has left
            if os.path.isfile(name) or os.path.islink(name):
                os.unlink(name)
        reply = json.dumps(supervise(task, protocol, secret)).encode()
        del task
        os.write(protocol[1], struct.pack(">I", len(reply)))
        sent = 0
        while sent < len(reply):
            sent += os.write(protocol[1], reply[sent:])


if __name__ == "__main__":
    sys.path[:0] = [
        place for place in json.loads(sys.argv[1]) if place not in sys.path
    ]  # where NumPy is
    import numpy.polynomial
    import numpy.random  # noqa: F401  (loaded once, before the forks)

    beside = os.path.dirname(os.path.realpath(__file__))
    sys.path.insert(0, beside)
    import drivers  # type: ignore[import-not-found]
    import wire  # type: ignore[import-not-found]

    sys.path.remove(beside)
    del drivers.__file__, wire.__file__
    main()
