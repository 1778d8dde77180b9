"""`look.py`: what a chapter ends in."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scratchvae.homework import make, source
from scratchvae.homework.exercises import EXERCISES, select
from scratchvae.homework.here import package

GUIDE = (source.PACKAGE / "homework" / "README.md").read_text(encoding="utf-8")
HANDED_OUT = make.blank(EXERCISES)


def look(texts: dict[str, str], *arguments: str) -> int:
    """Run look.py with this package."""
    scope: dict[str, Any] = {"__name__": "look"}
    with package(texts):
        exec(compile(make.look(HANDED_OUT)[0], "look.py", "exec"), scope)
        main: Callable[[list[str]], int] = scope["main"]
        return main([*arguments])


@pytest.mark.parametrize("chapter", "1234")
def test_each_chapter_ends_in_numbers_and_a_picture(
    chapter: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the reference: what is printed is ASCII, and the guide's rubric has its numbers.

    To 1 %: a training ends a little elsewhere on another machine.
    """
    monkeypatch.chdir(tmp_path)
    assert look(source.reference(), chapter) == 0
    printed = capsys.readouterr().out
    assert printed.isascii() and f"wrote look_{chapter}.png" in printed
    assert make.look(HANDED_OUT)[1][chapter] in printed
    assert (tmp_path / f"look_{chapter}.png").read_bytes().startswith(b"\x89PNG")
    rubric = "".join(re.findall(rf"^\| {chapter}\.[123] \|.*", GUIDE, re.MULTILINE))
    numbers = np.array([float(number) for number in re.findall(r"\d+\.\d{3}", printed)])
    said = set(re.findall(r"\d+\.\d{3}", rubric)) - {"4.089", "0.047", "1.411", "0.001"}
    assert said and all(np.isclose(numbers, float(s), rtol=0.01).any() for s in said)
    assert len(re.findall(r"^\d\. ", printed, re.MULTILINE)) == 3 == rubric.count(f"| {chapter}.")


@pytest.mark.parametrize("chapter", "1234")
def test_the_untouched_handout_is_told_what_is_missing(
    chapter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence with the exercise, and exit code 1; another chapter: 2."""
    assert look(HANDED_OUT.package, chapter) == 1
    said = capsys.readouterr().out
    assert re.fullmatch(rf"look.py: chapter {chapter} .*Exercise \d.*is not done\n", said)
    assert look(HANDED_OUT.package, "5") == 2
    assert capsys.readouterr().out == "look.py: name a chapter, of 1, 2, 3, 4\n"


def test_no_picture_without_matplotlib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The numbers and the questions are printed, and the exit code is 0."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert look(source.reference(), "1") == 0
    assert "no picture: it needs the whole package, and Matplotlib" in capsys.readouterr().out
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "asked, later, chapters",
    [
        ("1", "", "1"),
        ("1.1,1.2,1.4,1.6", "1.3,1.5", ""),
        ("1.3,1.5,3.8", "2", "1"),
        ("2", "3,4", "2"),
        ("2.6", "", ""),
        ("3.6,3.9,3.10,3.11,3.12,4", "", "34"),
        ("3", "4", "3"),
    ],
)
def test_a_handout_looks_at_what_it_has(asked: str, later: str, chapters: str) -> None:
    """A chapter is looked at if the handout asks for some of it, and hides nothing that it needs.

    The file has no function of another chapter, and nothing that these do not use.
    """
    hidden = select(later.split(",")) if later else ()
    blanked = make.blank(select(asked.split(",")), hidden)
    needed = make._needed(blanked.package, blanked.exercises, "")
    text, questions = make.look(make._with(blanked, needed))
    words = make.assignment(blanked, "T", questions=questions)
    assert re.findall(r"^python look.py (\d)$", words, re.MULTILINE) == [*chapters]
    assert bool(text) == bool(chapters)
    assert re.findall(r"def chapter_(\d)", text) == [*chapters]
    assert ("LATIN" in text) == ("1" in chapters)
    assert ("def trained" in text) == bool({*chapters} & {"3", "4"})
