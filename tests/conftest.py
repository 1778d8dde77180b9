"""What the tests share: hypothesis profiles, small idx data sets, and interruptions."""

import gzip
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from scratchvae.homework.exercises import EXERCISES, PAGE
from scratchvae.study import book

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("dev", deadline=None, max_examples=100)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

HANG = 1800  # seconds: what takes longer hangs. No test waits so long for what goes on


def pytest_configure(config: pytest.Config) -> None:
    """The markers of the homework's public tests, which the handout's setup.cfg has.

    What a test starts takes its signals from pytest. A shell starts a job in the background with
    Ctrl-C ignored, and nohup ignores SIGHUP: then nothing that a test interrupts would stop.
    """
    for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", lambda *_: None)):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)
    for exercise in (*EXERCISES, *PAGE):
        config.addinivalue_line(
            "markers", f"{exercise.marker}: exercise {exercise.number}, {exercise.title}"
        )


def unread(*command: object, cwd: Path) -> int:
    """The command's exit code, in a process of its own, when nobody reads its output or errors."""
    read, write = os.pipe()
    os.close(read)
    try:
        root = str(Path(__file__).parents[1])
        return subprocess.run(
            [sys.executable, "-m", "scratchvae", *map(str, command)], cwd=cwd, timeout=120,
            env={**os.environ, "PYTHONPATH": root, "PYTHONUNBUFFERED": "1"},
            stdout=write, stderr=write,
        ).returncode  # fmt: skip
    finally:
        os.close(write)


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write an idx file of unsigned bytes, gzipped if the name ends in .gz.

    It does not use the package's reader.
    """
    content = (
        struct.pack(">HBB", 0, 8, array.ndim)
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.astype(np.uint8).tobytes()
    )
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_image_set(
    folder: Path, n_train: int = 60, n_test: int = 20, height: int = 6, width: int = 5
) -> Path:
    """Write a small image set under MNIST's names.

    It has two kinds of images: the left half is bright, or the right half is bright.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for part, n in (("train", n_train), ("t10k", n_test)):
        labels = rng.integers(0, 2, n)
        images = np.full((n, height, width), 10)
        images[labels == 0, :, : width // 2] = 240
        images[labels == 1, :, width // 2 :] = 240
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels)
    return folder


@pytest.fixture
def image_set(tmp_path: Path) -> Path:
    """A folder with a small image set of 6 x 5 pixels."""
    return write_image_set(tmp_path / "images")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The book, made once: its folder and its report. No test changes the folder.

    The edits of the homework's functions have tests of their own.
    """
    out, start = tmp_path_factory.mktemp("book"), time.process_time()
    report: Any = book.build(out, edits=False, printed=True)
    report.processor = time.process_time() - start
    return out, report


def until(
    seen: Callable[[], Any], process: "subprocess.Popen[Any] | None" = None, pause: float = 0.005
) -> Any:
    """Wait until `seen` returns something true, or the process ends. Returns what it returned."""
    deadline = time.monotonic() + HANG
    while not (result := seen()):
        if process is not None and process.poll() is not None:
            return seen()
        assert time.monotonic() < deadline, "it hangs"
        time.sleep(pause)
    return result


Interrupt = Callable[["subprocess.Popen[Any]", int], bool]


@pytest.fixture
def interrupt(record_property: Callable[[str, object], None]) -> Interrupt:
    """A function that sends a signal to a process, and says whether it ended by that.

    How many did is printed at the end of the run.
    """

    def interrupt(process: "subprocess.Popen[Any]", number: int) -> bool:
        process.send_signal(number)
        code = process.wait(timeout=HANG)
        by_the_signal = code in (-number, 128 + number, 130)  # 130: as Ctrl-C ends a command
        if by_the_signal:
            record_property("interrupted", 1)
        return by_the_signal

    return interrupt


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many processes each test interrupted that kills some."""
    for report in terminalreporter.getreports("passed"):
        count = sum(value for name, value in report.user_properties if name == "interrupted")
        if count:
            terminalreporter.line(f"{report.nodeid} interrupted {count}")
