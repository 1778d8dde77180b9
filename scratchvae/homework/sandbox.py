"""The teacher's side of the process in which students' code runs: start it, send tasks, stop it.

Isolation is the operating system's work. The process stands inside bubblewrap (`bwrap`):

    no network                             --unshare-net
    processes and /proc of its own         --unshare-pid, --proc
    shared memory and names of its own     --unshare-ipc, --unshare-uts
    another user                           --unshare-user; from root: setuid, see `child.py`
    files: Python's and NumPy's, read-only --ro-bind; no other package, no home, no /tmp
    one place to write, 64 MB, in memory   --tmpfs
    it ends when the grader ends           --die-with-parent
    what outlives a process                refused by a system call filter (`_filter`)

The limits of one task (time, memory, processes, size of a file) are set in `child.py`. One
sandbox serves one submission. It is thrown away when a task has left something behind, or has
stopped it; what stopped it is tried once more in a fresh one. So a task can touch no other
task, and a submission no other submission.

`--sandbox user:NAME`, for root, starts the same process without bubblewrap, as another user:
one submission at a time, since two could end each other. `--sandbox none` starts it as the
teacher. The limits hold, and nothing else does: the code can read, write and send whatever the
teacher can.
"""

import base64
import contextlib
import functools
import json
import os
import platform
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from scratchvae.homework import wire

KINDS = ("bwrap", "none", "user:NAME")
HERE, FILES = Path(__file__).parent, ("child.py", "drivers.py", "merge.py", "wire.py")
TEMPORARY = 64 << 20  # bytes
NOBODY = 65534  # the user that the code runs as
MOST_REPLY = 1 << 25
LOST = "it stopped the process that it ran in"
INSTALL = (
    "install it (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap), or use "
    "the container of scratchvae/homework/README.md. "
    "--sandbox none runs students' code with your own rights"
)
FORKS = (
    "students' code runs in a process that forks, and this system has no fork: grade on Linux or "
    "macOS, or in the container of scratchvae/homework/README.md"
)
# Per machine: the architecture's number in a filter, and the numbers of the system calls shmget,
# semget, msgget, mq_open, add_key, request_key, keyctl, unshare, setns: what they make outlives
# the process, or is a namespace of its own; of io_uring_setup, which calls without a call; and,
# last, of socket.
CALLS = {
    "x86_64": (0xC000003E, (29, 64, 68, 240, 248, 249, 250, 272, 308, 425), 41),
    "aarch64": (0xC00000B7, (194, 190, 186, 180, 217, 218, 219, 97, 268, 425), 198),
}
# AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: what --unshare-net keeps inside. AF_VSOCK leads to the
# host of a virtual machine, whatever the namespace.
FAMILIES = (1, 2, 10, 16)


class SandboxError(ValueError):
    """There is no sandbox to run students' code in: the sentence says what to do."""


class NotGraded(RuntimeError):
    """The machine failed, and no submission: nobody has a mark by it."""


@dataclass
class Reply:
    """What one case came to. outputs: what the driver returned; or error: type and message.

    after: the arguments that are not as they were.
    """

    outputs: Any = None
    error: tuple[str, str] | None = None
    after: dict[str, Any] = field(default_factory=dict)


@dataclass
class Result:
    """What one task came to. replies: one for each case that was answered.

    refused: "" or why the function could not be set into the package. stopped: "" or why there
    are no more. printed: how many bytes. doubtful: the machine may have stopped it, or have had
    no memory for it.
    """

    replies: list[Reply]
    stopped: str = ""
    printed: int = 0
    refused: str = ""
    doubtful: bool = False


def check(kind: str) -> None:
    """SandboxError when students' code cannot be run in this kind of sandbox."""
    if kind.startswith("user:"):
        if why := cannot_read(_user(kind)):
            raise SandboxError(
                f"--sandbox {kind}: this user cannot read Python and NumPy ({why}), and right "
                "answers would fail: install them where everybody can read them, as in /usr or /opt"
            )
    elif kind not in KINDS:
        raise ValueError(f"sandbox = {kind!r}; it should be one of {', '.join(KINDS)}")
    if not hasattr(os, "fork"):
        raise SandboxError(FORKS)
    if kind == "bwrap" and (problem := _problem()):
        raise SandboxError(problem)


def _user(kind: str) -> int:
    """The number of the user of "user:NAME". SandboxError when nobody can become that user."""
    name = kind.partition(":")[2]
    if not _is_root():
        raise SandboxError(f"--sandbox {kind}: only root can run code as another user")
    import pwd  # Windows has none

    try:
        number = pwd.getpwnam(name).pw_uid
    except KeyError:
        raise SandboxError(f"--sandbox {kind}: there is no user {name!r} here") from None
    if number == 0:
        raise SandboxError(f"--sandbox {kind}: it should be a user without rights, not root")
    return number


def cannot_read(user: int) -> str:
    """Why this user cannot import what Python and NumPy load when it is first used; "" if so."""
    code = "import sys; sys.path.append(sys.argv[1]); import numpy.ma, random, statistics"
    command = [os.path.realpath(sys.executable), "-I", "-S", "-B", "-c", code]
    try:
        subprocess.run(
            [*command, str(Path(np.__file__).resolve().parents[1])],
            user=user, group=user, extra_groups=[], cwd="/", env=_environment(),
            check=True, capture_output=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return f"{type(error).__name__} at {command[0]}"
    return ""


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0  # Windows has none


@functools.cache
def _problem() -> str:
    """Why bubblewrap cannot be used here, by trying it; "" when it can."""
    if not hasattr(os, "fork"):
        return FORKS
    if shutil.which("bwrap") is None:
        return f"bubblewrap (bwrap) is not here: {INSTALL}"
    with _command("bwrap", "pass") as (command, fds):
        tried = subprocess.run(
            command, input=b"", capture_output=True, pass_fds=fds, env=_environment(), check=False
        )
    if tried.returncode == 0:
        return ""
    said = wire.plain(tried.stderr.decode(errors="replace").strip())
    return f"bubblewrap does not work here ({said}): use version 0.7 or newer, or {INSTALL}"


def _environment() -> dict[str, str]:
    threads = ("OPENBLAS", "OMP", "MKL", "VECLIB_MAXIMUM")
    return {
        "PATH": os.defpath,
        "HOME": "/tmp",
        "LC_ALL": "C.UTF-8",
        **{f"{name}_NUM_THREADS": "1" for name in threads},
    }


@contextlib.contextmanager
def _command(kind: str, code: str = "") -> Iterator[tuple[list[str], list[int]]]:
    """The command line, and the descriptors that it reads. code: in place of `child.py`."""
    python = os.path.realpath(sys.executable)
    numpy = Path(np.__file__).resolve().parent
    options = [python, "-I", "-S", "-B", *(["-c", code] if code else [])]
    if kind != "bwrap":
        user = "" if kind == "none" else str(_user(kind))
        yield [*options, str(HERE / "child.py"), str(numpy.parent), user], []
        return
    root = _is_root()
    capabilities = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL")  # to become another user, and end it
    base = Path(sys.base_prefix).resolve()
    system = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/nix/store")
    folders = [*system, "/etc/ld.so.cache", "/etc/alternatives", f"{base}/lib", f"{base}/lib64"]
    entered = {folder for path in (Path(python), base / "lib") for folder in path.parents}
    above = sorted(str(folder) for folder in entered)[1:]  # without /
    packages = [
        str(path)
        for folder in {"/usr/lib", f"{base}/lib", f"{base}/lib64"}
        for pattern in ("python3*/site-packages", "python3*/dist-packages")
        for path in Path(folder).glob(pattern)
    ]
    own = str(HERE.parent.resolve())  # the reference, should it stand below one of the folders
    below = any(Path(own).is_relative_to(Path(folder).resolve()) for folder in folders)
    inside = "/homework"
    command = [
        str(shutil.which("bwrap")),
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        *("--unshare-cgroup-try", "--die-with-parent", "--as-pid-1"),
        *(
            [word for name in capabilities for word in ("--cap-add", name)]
            if root
            else ["--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)]
        ),
        *("--perms", "1777", "--size", str(TEMPORARY), "--tmpfs", "/tmp"),
        *(word for folder in above for word in ("--perms", "0755", "--dir", folder)),
        *(word for folder in folders for word in ("--ro-bind-try", folder, folder)),
        *("--ro-bind-try", python, python),
        *(word for path in packages for word in ("--tmpfs", path, "--remount-ro", path)),
        *(("--tmpfs", own, "--remount-ro", own) if below else ()),
        # NumPy imports some of its parts when they are first used, as numpy.ma: by the other user
        *(w for at in (inside, f"{inside}/packages") for w in ("--perms", "0755", "--dir", at)),
        *("--ro-bind", str(numpy), f"{inside}/packages/numpy"),
        *("--ro-bind-try", f"{numpy}.libs", f"{inside}/packages/numpy.libs"),
        *(word for name in FILES for word in ("--ro-bind", str(HERE / name), f"{inside}/{name}")),
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--remount-ro", "/", "--chdir", "/tmp"),
    ]
    fds: list[int] = []
    rules = _filter()
    if rules:
        reading, writing = os.pipe()
        os.write(writing, rules)
        os.close(writing)
        fds, command = [reading], [*command, "--seccomp", str(reading)]
    user = str(NOBODY) if root else ""
    try:
        arguments = [] if code else [f"{inside}/child.py", f"{inside}/packages", user]
        yield [*command, "--", *options, *arguments], fds
    finally:
        for fd in fds:
            os.close(fd)


def _filter() -> bytes:
    """A program of the kernel's packet filter that refuses `CALLS`, and `socket` but of `FAMILIES`.

    Empty on other machines. Each instruction: what to do, jumps if so and if not, a number.
    """
    if platform.machine() not in CALLS:
        return b""
    architecture, numbers, socket = CALLS[platform.machine()]
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    refuse, allow = 0x00050000 | 1, 0x7FFF0000  # EPERM
    n, m = len(numbers), len(FAMILIES)
    program = [
        (load, 0, 0, 4),  # the architecture
        (equal, 0, n + m + 5, architecture),
        (load, 0, 0, 0),  # the number of the call
        (at_least, n + m + 3, 0, 0x40000000),  # the numbers of another convention on x86_64
        *((equal, n + m + 2 - i, 0, number) for i, number in enumerate(numbers)),
        (equal, 0, m + 1, socket),
        (load, 0, 0, 16),  # its first argument, an int: the lower half, in this order of bytes
        *((equal, m - 1 - i, 0, family) for i, family in enumerate(FAMILIES[:-1])),
        (equal, 0, 1, FAMILIES[-1]),
        (answer, 0, 0, allow),
        (answer, 0, 0, refuse),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


class Task(NamedTuple):
    """What is the same for every submission, as the beginning of a JSON object; how many cases."""

    text: bytes
    cases: int

    @classmethod
    def of(
        cls,
        package: Mapping[str, str],
        driver: str,
        fixed: Mapping[str, str],
        cases: Sequence[Mapping[str, Any]],
    ) -> "Task":
        """package: file name without .py -> text."""
        sent = [{name: wire.encode(value) for name, value in case.items()} for case in cases]
        data = {"package": dict(package), "driver": driver, "fixed": dict(fixed), "cases": sent}
        return cls(f"{json.dumps(data)[:-1]}, ".encode("ascii"), len(cases))


class Sandbox:
    """A context manager: the process, which is gone when it ends. kind: see above."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> "subprocess.Popen[bytes]":
        place = None
        if self._kind != "bwrap":
            self._folder = tempfile.TemporaryDirectory(prefix="homework-")
            place = self._folder.name
            if self._kind != "none":
                os.chown(place, _user(self._kind), -1)
        with _command(self._kind) as (command, fds):
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=place,
                env=_environment(),
                pass_fds=fds,
                start_new_session=True,
            )
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)
        return process

    def stop(self) -> None:
        """Kill the process, and with it all that it started. This does not raise."""
        if self._process is not None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError, ValueError):
                    if pipe is not None:
                        pipe.close()
            self._process = None
        if self._folder is not None:
            with contextlib.suppress(Exception):  # a nest of folders, or one that is not ours
                self._folder.cleanup()
            self._folder = None

    def run(
        self,
        package: Mapping[str, str],
        driver: str,
        fixed: Mapping[str, str],
        cases: Sequence[Mapping[str, Any]],
        *,
        seconds: float = 10.0,
        theirs: Mapping[str, str] | None = None,
        exercise: tuple[str, str] | None = None,
        whole_class: bool = False,
    ) -> Result:
        """Run one task. package: file name without .py -> text. A Result comes back in any case.

        theirs, exercise, whole_class: what `merge.py` sets into the package.
        """
        return self.run_task(
            Task.of(package, driver, fixed, cases),
            seconds=seconds, theirs=theirs, exercise=exercise, whole_class=whole_class,
        )  # fmt: skip

    def run_task(
        self,
        task: Task,
        *,
        seconds: float,
        theirs: Mapping[str, str] | None = None,
        exercise: tuple[str, str] | None = None,
        whole_class: bool = False,
    ) -> Result:
        """The same, of what many submissions have in common."""
        own = {"theirs": dict(theirs or {}), "exercise": exercise, "whole_class": whole_class}
        message = task.text + json.dumps(own)[1:].encode("ascii")
        message = struct.pack(">IId", len(message), task.cases, seconds) + message
        for _ in range(2):
            try:
                if self._process is None:
                    self._process = self._start()
                raw = self._exchange(message, seconds + 10)
            except (OSError, EOFError, ValueError, RecursionError):
                self.stop()
                continue
            if raw.get("left"):
                self.stop()
            return _result(raw)
        return Result([], LOST)

    def _exchange(self, message: bytes, seconds: float) -> dict[str, Any]:
        """Send and receive, both before the deadline. EOFError otherwise."""
        assert self._process is not None
        assert self._process.stdin is not None and self._process.stdout is not None
        to, fro = self._process.stdin.fileno(), self._process.stdout.fileno()
        deadline = time.monotonic() + seconds
        rest = memoryview(message)
        while rest:
            _wait(to, select.POLLOUT, deadline)
            rest = rest[os.write(to, rest[:65536]) :]
        received, size = bytearray(), 4
        while len(received) < size:
            _wait(fro, select.POLLIN, deadline)
            chunk = os.read(fro, 1 << 20)
            if not chunk:
                raise EOFError
            received += chunk
            if size == 4 and len(received) >= 4:
                size += struct.unpack(">I", received[:4])[0]
                if size > MOST_REPLY:
                    raise EOFError
        reply: dict[str, Any] = json.loads(received[4:])
        return reply


def _wait(fd: int, event: int, deadline: float) -> None:
    """Until it can be read, or written. EOFError at the deadline. (`select` ends at 1024.)"""
    poll = select.poll()
    poll.register(fd, event)
    if not poll.poll(max(0.0, 1000 * (deadline - time.monotonic()))):
        raise EOFError


def _result(raw: dict[str, Any]) -> Result:
    replies, stopped = [], str(raw["stopped"])
    lines = [base64.b64decode(line) for line in raw["lines"]]
    if lines and (refused := json.loads(lines[0])):
        return Result([], refused=wire.plain(refused))
    for line in lines[1:]:
        try:
            reply = json.loads(line)
            error = reply.get("error")
            if error is not None:
                error = wire.plain(str(error[0]), 60), wire.plain(str(error[1]))
            outputs = wire.decode(reply.get("outputs"))
            changed = reply.get("after", {})
            after = {str(name): wire.decode(value) for name, value in changed.items()}
            replies.append(Reply(outputs, error, after))
        except Exception:  # it is a student's, and may be anything
            stopped = stopped or "its answer could not be read"
            break
    doubtful = raw["doubtful"] or any(r.error and "MemoryError" in r.error[0] for r in replies)
    return Result(replies, stopped, int(raw["printed"]), doubtful=doubtful)
