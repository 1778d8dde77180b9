"""What the tests of the homework share: submissions in folders, and the sandbox."""

import copy
from functools import cache
from pathlib import Path

from scratchvae.homework import sandbox, source
from scratchvae.homework.exercises import BY_NUMBER, EXERCISES, select
from scratchvae.homework.key import Key


def filled(number: str, body: str, top: str = "") -> dict[str, str]:
    """The reference's files with another body in one function, and more text at its file's end."""
    exercise = BY_NUMBER[number]
    files = source.reference()
    text = source.fill(files[exercise.module], exercise.name, body, exercise.module)
    files[exercise.module] = text + top
    return files


def best_sandbox() -> str:
    """bubblewrap where it works; without it the tests that need it are skipped by name."""
    return "none" if sandbox._problem() else "bwrap"


@cache
def whole_key() -> Key:
    """Of all exercises: worked out once for all tests."""
    return Key(EXERCISES, best_sandbox(), seed=0)


def some(key: Key, *numbers: str) -> Key:
    """The same key, of these exercises alone."""
    part = copy.copy(key)
    part.exercises = select(numbers)
    return part


def hand_in(folder: Path, files: dict[str, str]) -> Path:
    """Write a submission."""
    place = folder / "scratchvae"
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / f"{name}.py").write_text(text, encoding="utf-8")
    return folder
