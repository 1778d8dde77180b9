"""Files are written whole, and Ctrl-C waits for files that belong together."""

import errno
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import types
from pathlib import Path

import pytest

import scratchvae
from scratchvae import files
from scratchvae.files import (
    DiskFull,
    locked,
    owners_folder,
    remove_dead_parts,
    uninterrupted,
    written_whole,
)


def test_an_interrupt_waits_for_the_end_of_the_block():
    """SIGINT inside the block: all of the block runs, then KeyboardInterrupt is raised."""
    done = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), uninterrupted():
            signal.raise_signal(signal.SIGINT)  # to this thread
            done.append("all of it")
        assert done == ["all of it"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_needs_no_protection():
    """In a thread the block runs as it is: signal handlers belong to the main thread."""
    done = []

    def block():
        with uninterrupted():
            done.append(1)

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert done == [1]


def test_every_file_is_written_whole():
    """The package writes to the part that `written_whole` gives, or into a temporary folder."""
    writes = re.compile(r"(\w+)\.write_(?:text|bytes)\(|copyfile\(\w+, (\w+)|(\w+)\.open\(\"w")
    found = [
        (path.name, next(filter(None, match.groups())))
        for path in sorted(Path(scratchvae.__file__).parent.rglob("*.py"))
        for match in writes.finditer(path.read_text(encoding="utf-8"))
    ]
    assert len(found) > 10
    assert {(name, to) for name, to in found if to != "part"} == {("exports.py", "target")}


def test_a_failed_write_leaves_the_old_file(tmp_path):
    """An exception in the block: the old content stays, and no part of the new one."""
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(OSError, match="full"), written_whole(path) as part:
        part.write_text("new")
        raise OSError("full")
    assert path.read_text() == "old" and [file.name for file in tmp_path.iterdir()] == ["a"]


def test_two_writers_of_one_name_share_no_part(tmp_path):
    """Each writes a file of its own, in one process too, and the last move stays whole."""
    path = tmp_path / "a"
    with written_whole(path) as first:
        first.write_text("A" * 5)
        with written_whole(path) as second:
            second.write_text("B" * 9)
        assert path.read_text() == "B" * 9
    assert path.read_text() == "A" * 5 and os.listdir(tmp_path) == ["a"]


LAY_THERE = {
    "a symlink": lambda part, other: part.symlink_to(other),
    "a symlink to nothing": lambda part, other: part.symlink_to(other.with_name("none")),
    "a hard link": lambda part, other: os.link(other, part),
    "a file": lambda part, other: part.write_text("theirs"),
}


@pytest.mark.parametrize("kind", LAY_THERE)
def test_a_part_is_never_what_lay_there(tmp_path, monkeypatch, kind):
    """What has the part's name stays as it was, and is written to by nobody: the part takes
    another name.
    """
    names = iter(["0" * 16, "1" * 16])
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: next(names))
    other, taken = tmp_path / "other", tmp_path / f".scratchvae-{'0' * 16}.part"
    other.write_text("theirs")
    LAY_THERE[kind](taken, other)
    before = taken.lstat()
    with written_whole(tmp_path / "a") as part:
        assert part.name == f".scratchvae-{'1' * 16}.part"  # the first name was tried
        part.write_text("ours")
    assert other.read_text() == "theirs" and (tmp_path / "a").read_text() == "ours"
    assert (taken.lstat().st_ino, taken.lstat().st_size) == (before.st_ino, before.st_size)
    assert sorted(os.listdir(tmp_path)) == sorted([taken.name, "a", "other"])


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640, 0o444])
def test_the_mode_of_a_file_stays(tmp_path, mode):
    """What replaces a file has its mode; a part is never open to more people."""
    path = tmp_path / "a"
    path.touch()
    path.chmod(mode)
    with written_whole(path) as part:
        assert stat.S_IMODE(part.stat().st_mode) & ~mode & 0o077 == 0
        part.write_text("new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_private_file_is_its_owners_alone(tmp_path):
    """0600, of a new file and of one that others could read; a private folder is 0700."""
    (tmp_path / "old").touch(0o644)
    for name in ("old", "new"):
        with written_whole(tmp_path / name, private=True) as part:
            assert stat.S_IMODE(part.stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    for _ in range(2):
        owners_folder(tmp_path / "folder")
        assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700


def test_a_symlink_stays_a_symlink(tmp_path):
    """The file that it names is replaced, in another folder too."""
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "a")
    for text in ("one", "two"):
        with written_whole(tmp_path / "link") as part:
            part.write_text(text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "there" / "a").read_text() == text


@pytest.mark.parametrize("length", [1, 243, 244, 255])
def test_a_name_may_be_as_long_as_the_system_lets_it(tmp_path, length):
    """Up to 255 bytes."""
    with written_whole(tmp_path / ("a" * length)) as part:
        part.write_text("x")
    assert os.listdir(tmp_path) == ["a" * length]


def test_the_bytes_are_on_the_disk_before_the_name(tmp_path, monkeypatch):
    """fsync of the file, the move, fsync of the folder, in this order."""
    seen, fsync, replace = [], os.fsync, files.Path.replace
    monkeypatch.setattr(
        os, "fsync", lambda d: (seen.append("folder" if stat.S_ISDIR(os.fstat(d).st_mode) else
                                            os.fstat(d).st_size), fsync(d))[1]
    )  # fmt: skip
    monkeypatch.setattr(files.Path, "replace", lambda a, b: (seen.append("move"), replace(a, b))[1])
    with written_whole(tmp_path / "a") as part:
        part.write_text("12345")
    assert seen == [5, "move", "folder"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_with_its_file(tmp_path, number):
    """DiskFull has the file's name; the old file stays."""
    (tmp_path / "a").write_text("old")
    with pytest.raises(DiskFull, match="a is not written"), written_whole(tmp_path / "a"):
        raise OSError(number, "no")
    assert (tmp_path / "a").read_text() == "old" and os.listdir(tmp_path) == ["a"]


WRITER = """
import sys
from scratchvae.files import written_whole
with written_whole(sys.argv[1]) as part:
    part.write_text("half")
    print(part, flush=True)
    sys.stdin.read()
"""


def test_only_parts_of_dead_processes_are_removed(tmp_path):
    """A living writer keeps its part; once it is killed, the part goes. Others' files stay."""
    (tmp_path / ".film.mkv.part").touch()
    (tmp_path / ".scratchvae-film.part").touch()
    (tmp_path / f".scratchvae-{'0' * 16}.part").mkdir()
    others = sorted(os.listdir(tmp_path))
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "a")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    part = files.Path(writer.stdout.readline().strip())
    remove_dead_parts(tmp_path)
    assert part.read_text() == "half"
    writer.kill()
    writer.communicate()
    assert part.exists()
    remove_dead_parts(tmp_path)
    assert sorted(os.listdir(tmp_path)) == others


@pytest.mark.parametrize("stop", files.STOPS)
def test_every_stop_waits_for_the_end_of_the_block(stop):
    """SIGINT, SIGTERM and SIGHUP: the block ends, then the handler runs, after an error too."""
    came, done = [], []
    before = signal.signal(stop, lambda number, frame: came.append(number))
    try:
        with uninterrupted():
            signal.raise_signal(stop)
            done.append(list(came))
        assert done == [[]] and came == [stop]
        with pytest.raises(OSError, match="x"), uninterrupted():
            signal.raise_signal(stop)
            raise OSError("x")
        assert came == [stop, stop]
    finally:
        signal.signal(stop, before)


def test_the_first_of_two_stops_is_the_one_that_counts():
    """SIGTERM and then SIGINT come in the block: SIGTERM's handler runs at its end."""
    came, stops = [], (signal.SIGTERM, signal.SIGINT)
    before = {
        stop: signal.signal(stop, lambda number, frame: came.append(number)) for stop in stops
    }
    try:
        with uninterrupted():
            for stop in stops:
                signal.raise_signal(stop)
        assert came[0] == signal.SIGTERM
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)


def test_a_lock_is_no_symlink(tmp_path):
    """OSError, and what it names keeps its content."""
    (tmp_path / "other").write_text("theirs")
    (tmp_path / ".lock").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match=r"\.lock is no plain file"), locked(tmp_path):
        pass
    assert (tmp_path / "other").read_text() == "theirs"


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks(tmp_path, monkeypatch, capsys, number):
    """The block runs, and a line says that nothing stops another training."""

    def no_lock(descriptor):
        raise OSError(number, "no locks")

    monkeypatch.setattr(files, "_lock", no_lock)
    done = []
    with locked(tmp_path):
        done.append(1)
    assert done and "without locks" in capsys.readouterr().err


def test_windows_locks_one_byte(tmp_path, monkeypatch):
    """msvcrt locks at the present position: both ask for the same byte, so one is refused."""
    held = []

    def locking(descriptor, how, n):
        byte = os.lseek(descriptor, 0, os.SEEK_CUR)
        if byte in held:
            raise OSError(errno.EACCES, "locked")
        held.append(byte)

    monkeypatch.setitem(sys.modules, "msvcrt", types.SimpleNamespace(locking=locking, LK_NBLCK=1))
    monkeypatch.setattr(files.sys, "platform", "win32")
    in_use = pytest.raises(OSError, match=f"in use by process {os.getpid()}")
    with locked(tmp_path), in_use, locked(tmp_path):
        pass
    assert len(held) == 1
