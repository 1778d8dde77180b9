"""Files: the exception for a wrong file, and a write that never leaves half a file."""

import errno
import os
import re
import secrets
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from scratchvae import checks

PART = re.compile(r"\.scratchvae-[0-9a-f]{16}\.part")  # what `written_whole` names its parts
PRIVATE = 0o600  # a file for its owner alone
BUSY = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)  # another process holds the lock
UNKNOWN = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
LOCKED_BYTE = 1 << 30  # Windows: behind the text, because nobody may read a locked byte
STOPS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


WHY = {  # what the number of an OSError means, for a sentence about a file
    errno.ENOENT: "it does not exist",
    errno.EACCES: "there is no permission",
    errno.EPERM: "there is no permission",
    errno.EROFS: "its disk can only be read",
    errno.EEXIST: "it is there already",
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "a part of its path is a file and no folder",
    errno.ENAMETOOLONG: "its name is too long",
    errno.ELOOP: "its links lead in a circle",
}


class FileFormatError(Exception):
    """A file is missing, damaged, or of the wrong kind.

    The message has the file's name, and says what is wrong.
    """


class DiskFull(OSError):
    """There is no space for a file. The message has the file's name."""


def why(error: BaseException) -> str:
    """The error's text; of an OSError what its number means, without the number."""
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    return WHY.get(error.errno, os.strerror(error.errno))


def sentence(error: BaseException) -> str:
    """What `why` says, with the name of the file, where an OSError has one."""
    name = getattr(error, "filename", None)
    return why(error) if name is None else f"{name} cannot be used: {why(error)}"


def _cannot(path: Path, be: str, error: OSError) -> OSError:
    """The error as a sentence: this path cannot `be` "written". DiskFull if that is why."""
    if error.errno in FULL:
        return DiskFull(f"{path} is not {be}: {why(error)}")
    reason = "nothing can be made there" if error.errno == errno.ENOENT else why(error)
    return type(error)(f"{path} cannot be {be}: {reason}; name another place")


def readable(value: str | os.PathLike[str]) -> Path:
    """The path of a file that is there. FileFormatError, which says why, if it cannot be read."""
    path = checks.path("path", value)
    try:
        if path.stat() and not path.is_file():
            raise FileFormatError(f"{path} is no file; a file should be named")
        with open(path, "rb"):
            return path
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read: {why(error)}") from error


@contextmanager
def written_whole(path: str | os.PathLike[str], *, private: bool = False) -> Iterator[Path]:
    """Give the block another name in the same folder, and let it write to that name.

    If the block ends without an error, the new file is moved over `path`. A move within
    one folder is atomic: a reader of `path` sees the old file or the new file, and
    never a part of one. The bytes are on the disk before the move, where the system has
    fsync, so a power cut leaves one of both too. If the block raises, the new file is
    removed. DiskFull, with the name, when there is no space.

    The part is a new file with a random name, so two processes never write to one part.
    It keeps the mode of the file that it replaces; private: for its owner alone. Where
    `path` is a symlink, the file that it names is replaced, and the link stays.
    """
    path = checks.path("path", path)
    if not path.name or path.name == "..":
        raise ValueError(f"path is {str(path)!r}; it should be the name of a file")
    target = path
    try:
        if path.exists() and not path.is_file():  # a device would be replaced by a file
            raise ValueError(
                f"path is {str(path)!r}; it should be a file, and not a folder or device"
            )
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        if not target.parent.is_dir():
            wrong = "is a file and no folder" if target.parent.exists() else "does not exist"
            raise FileNotFoundError(
                f"{path} cannot be written: {target.parent} {wrong}; name a folder that is there"
            )
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
        mode = PRIVATE if private else mode
        part, held = _new_part(target.parent, 0o666 if mode is None else mode & 0o777 | 0o600)
        try:
            yield part
            if mode is not None:
                os.chmod(part, mode)
            _to_disk(held.fileno())
            if sys.platform == "win32":  # it moves no open file
                held.close()
            part.replace(target)
        finally:
            held.close()
            part.unlink(missing_ok=True)
        _folder_to_disk(target.parent)
    except OSError as error:
        name = Path(str(error.filename))
        ours = error.filename is None or name in (path, target) or PART.fullmatch(name.name)
        if error.errno is None or not ours:  # said already, or of a file that the block reads
            raise
        raise _cannot(path, "written", error) from error


def made(folder: Path, mode: int = 0o777) -> Path:
    """The folder, made if need be with those above it. An OSError says why it cannot be."""
    try:
        folder.mkdir(mode, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise FileExistsError(f"{folder} is a file; it should be a folder") from error
    except OSError as error:
        raise _cannot(folder, "made", error) from error
    return folder


def writable(folder: Path) -> Path:
    """The folder, made if need be; an OSError now is better than after the work."""
    made(folder)
    with written_whole(folder / ".writable") as part:
        part.touch()
    (folder / ".writable").unlink()
    return folder


def owners_folder(folder: Path) -> None:
    """The folder, made if need be, for its owner alone: others' data is in it."""
    made(folder, 0o700)
    with suppress(PermissionError):  # another's folder, which he shares
        folder.chmod(0o700)


def _new_part(folder: Path, mode: int) -> tuple[Path, BinaryIO]:
    """A new file, open and locked: a part that nobody holds belongs to a dead process."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    while True:
        part = folder / f".scratchvae-{secrets.token_hex(8)}.part"
        try:
            held = os.fdopen(os.open(part, flags, mode), "rb")
        except FileExistsError:
            continue
        if sys.platform != "win32":
            import fcntl

            with suppress(OSError):  # without locks nobody removes it either
                fcntl.flock(held, fcntl.LOCK_EX)
        if part.exists():  # `remove_dead_parts` did not come between open and lock
            return part, held
        held.close()


def remove_dead_parts(folder: Path) -> None:
    """Remove the parts of `written_whole` in the folder whose writers are dead.

    A writer holds a lock on its part, and the system gives the lock back when it ends,
    however it ends. So a part that can be locked is dead. The number of a process would
    not tell: another container counts its own. The age would not: a large file takes
    long. On a file system without locks nothing is removed. Windows removes no file that
    a process has open.
    """
    for part in folder.iterdir():
        if PART.fullmatch(part.name) and not part.is_symlink() and part.is_file():
            with suppress(OSError):
                if sys.platform == "win32":
                    part.unlink()
                    continue
                descriptor = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
                with os.fdopen(descriptor, "rb"):
                    _lock(descriptor)
                    part.unlink(missing_ok=True)


def _to_disk(descriptor: int) -> None:
    """fsync, where the file system has one."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNKNOWN:
            raise


def _folder_to_disk(folder: Path) -> None:
    """The new name is on the disk too. Windows does not let one."""
    if sys.platform != "win32":
        with suppress(OSError):  # the file is whole; not every system has it for a folder
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP wait until the end of the block: then their usual effect.

    So a block that writes several files writes all of them. Python runs signal handlers
    only in the main thread. In another thread the block needs no protection.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        stop: signal.signal(stop, lambda number, _: came.append(number))
        for stop in STOPS
        if signal.getsignal(stop) != signal.SIG_IGN  # what nohup ignores stays ignored
    }
    try:
        yield
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)
        if came:
            signal.raise_signal(came[0])


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. OSError, with the other's number, when one holds it.

    What interrupted writes of dead processes left in the folder goes first.
    The system gives the lock back when a process ends, however it ends. Where the file
    system has no locks, a line on stderr says so, and the block runs.
    """
    path = folder / ".lock"
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise OSError(f"{path} is no plain file; it should be removed: a training locks it")
    with os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0) as file:
        try:
            _lock(file.fileno())
        except OSError as error:
            if error.errno in BUSY:
                file.seek(0)
                holder = checks.printable(file.read(20).decode(errors="replace").strip())
                raise OSError(
                    f"{folder} is in use by process {holder}: another training writes there"
                ) from None
            if error.errno not in UNKNOWN:
                raise
            print(
                f"{checks.printable(str(folder))} is on a file system without locks: nothing "
                "stops another training that writes there",
                file=sys.stderr,
            )
        file.truncate(0)
        file.seek(0)
        file.write(str(os.getpid()).encode())
        remove_dead_parts(folder)
        yield


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)  # it locks at the present position
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
