"""The teacher's side of the process in which students' code runs: start it, send tasks, read what comes back, stop it.

What it protects against, and what not, is in README.md here.
"""

import base64
import binascii
import contextlib
import json
import os
import select
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scratchvae.homework import wire

CHILD = Path(__file__).with_name("child.py")
MEMORY = 2 << 30  # bytes of address space


@dataclass
class Reply:
    """What one case came to. outputs: what the driver returned; or error: the exception's type and message."""

    outputs: Any = None
    error: tuple[str, str] | None = None
    after: dict[str, Any] = field(default_factory=dict)


@dataclass
class Result:
    """What one task came to. replies: one for each case that was answered. stopped: "" or why there are no more."""

    replies: list[Reply]
    stopped: str = ""
    printed: int = 0
    prints: str = ""
    seconds: float = 0.0


class Sandbox:
    """A context manager: the process, in an empty temporary folder, which goes when it ends."""

    def __enter__(self) -> "Sandbox":
        self._folder = tempfile.TemporaryDirectory(prefix="homework-", ignore_cleanup_errors=True)
        self._process: subprocess.Popen[bytes] | None = None
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._folder.cleanup()

    def _start(self) -> "subprocess.Popen[bytes]":
        places = [str(Path(np.__file__).resolve().parents[1])]
        environment = {
            "PATH": os.defpath, "HOME": self._folder.name, "TMPDIR": self._folder.name, "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1",
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-I", "-B", str(CHILD), json.dumps(places)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, cwd=self._folder.name, env=environment, start_new_session=True,
        )  # fmt: skip

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            self._process = None

    def run(
        self,
        package: Mapping[str, str],
        driver: str,
        fixed: Mapping[str, str],
        cases: Sequence[Mapping[str, Any]],
        *,
        seconds: float = 10.0,
    ) -> Result:
        """Run one task. package: file name without .py -> text. Whatever the code does, a Result comes back, in `seconds` and some."""
        sources = {
            "scratchvae" if name == "__init__" else f"scratchvae.{name}": text
            for name, text in package.items()
        }
        encoded = [{name: wire.encode(value) for name, value in case.items()} for case in cases]
        task = {
            "package": sources,
            "driver": driver,
            "fixed": dict(fixed),
            "cases": encoded,
            "seconds": seconds,
            "memory": MEMORY,
        }
        message = json.dumps(task).encode()
        try:
            if self._process is None or self._process.poll() is not None:
                self._stop()
                self._process = self._start()
            raw = self._exchange(message, seconds + 15)
        except (OSError, EOFError):
            raw = None
        if raw is None:
            self._stop()
            return Result([], "it stopped the process that it ran in")
        return _result(raw)

    def _exchange(self, message: bytes, seconds: float) -> dict[str, Any]:
        assert (
            self._process is not None
            and self._process.stdin is not None
            and self._process.stdout is not None
        )
        self._process.stdin.write(struct.pack(">I", len(message)) + message)
        self._process.stdin.flush()
        deadline, fd, received = (
            time.monotonic() + seconds,
            self._process.stdout.fileno(),
            bytearray(),
        )
        while len(received) < 4 or len(received) < 4 + struct.unpack(">I", received[:4])[0]:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise EOFError
            chunk = os.read(fd, 1 << 20)
            if not chunk:
                raise EOFError
            received += chunk
        reply: dict[str, Any] = json.loads(received[4:])
        return reply


def _result(raw: dict[str, Any]) -> Result:
    replies, stopped = [], str(raw["stopped"])
    for line in raw["lines"]:
        try:
            reply = json.loads(base64.b64decode(line))
            error = reply.get("error")
            replies.append(
                Reply(
                    wire.decode(reply.get("outputs")),
                    None if error is None else (str(error[0])[:60], str(error[1])[:300]),
                    {str(name): wire.decode(value) for name, value in reply["after"].items()},
                )
            )
        except (
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
            RecursionError,
            MemoryError,
            binascii.Error,
        ):
            stopped = stopped or "its answer could not be read"
            break
    return Result(replies, stopped, int(raw["printed"]), str(raw["prints"]), float(raw["seconds"]))
