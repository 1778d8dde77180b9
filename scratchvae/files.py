"""Files: the exception for a wrong file, and a write that never leaves half a file."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from scratchvae import checks


class FileFormatError(Exception):
    """A file is missing, damaged, or of the wrong kind.

    The message has the file's name, and says what is wrong.
    """


def readable(value: str | os.PathLike[str]) -> Path:
    """The path of a file that is there; FileFormatError if there is none, or a folder."""
    path = checks.path("path", value)
    try:
        found = path.is_file()
    except OSError:  # a name that the system cannot have
        found = False
    if not found:
        raise FileFormatError(f"{path} does not exist, or is no file")
    return path


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the block another name in the same folder, and let it write to that name.

    If the block ends without an error, the new file is moved over `path`. A move within
    one folder is atomic: a reader of `path` sees the old file or the new file, and
    never a part of one. An interrupted write does not damage the old file. If the block
    raises, the new file is removed.
    """
    path = checks.path("path", path)
    if not path.name or path.name == "..":
        raise ValueError(f"path is {str(path)!r}; it should be the name of a file")
    if path.exists() and not path.is_file():  # a device would be replaced by a file
        raise ValueError(f"path is {str(path)!r}; it should be a file, and not a folder or device")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: {path.parent} is no folder")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the end of the block, and then has its usual effect.

    So a block that writes several files writes all of them. Python runs signal handlers
    only in the main thread. In another thread the block needs no protection.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(*came[0])


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. OSError, with the other's number, when one holds it.

    The system gives the lock back when a process ends, however it ends.
    """
    path = folder / ".lock"
    file = open(path, "a+")  # noqa: SIM115  it is open as long as the lock is held
    try:
        _lock(file)
    except OSError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise OSError(
            f"{folder} is in use by process {holder}: another training writes there"
        ) from None
    try:
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
    finally:
        file.close()


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
