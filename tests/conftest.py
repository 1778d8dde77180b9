"""What the tests share: hypothesis profiles, and small idx data sets."""

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from scratchvae.homework.exercises import EXERCISES

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("dev", deadline=None, max_examples=100)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_configure(config: pytest.Config) -> None:
    """The markers of the homework's public tests, which the handout's setup.cfg has."""
    for exercise in EXERCISES:
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
