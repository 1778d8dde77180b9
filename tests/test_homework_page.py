"""`homework make --exercises page`: the gradient lines of demos/one_page.py, blank and graded."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from homework_submissions import best_sandbox, hand_in

from scratchvae import cli as core
from scratchvae.homework import cli, grade, gradescope, make, page
from scratchvae.homework.exercises import EXERCISES, PAGE, select
from scratchvae.homework.key import Key


@pytest.fixture(scope="module")
def key() -> Key:
    """Of the page."""
    return Key(PAGE, best_sandbox())


def public(folder: Path) -> str:
    """The last line of the public tests there."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, env={"PYTHONPATH": "."}, stdout=subprocess.PIPE)
    return done.stdout.decode().splitlines()[-1]


def test_handout_is_the_page_without_its_gradients(tmp_path: Path, key: Key) -> None:
    """Eleven lines are blank, and stand nowhere else; its public tests need them, and no more."""
    make.write(tmp_path / "h", PAGE, "T")
    ours, file = page.text().splitlines(), tmp_path / "h" / "scratchvae" / "one_page.py"
    theirs = file.read_text(encoding="utf-8").splitlines()
    blanked = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
    assert len(blanked) == 11 and all(
        b.partition("=")[2].strip(" ")[:3] == "..." for _, b in blanked
    )
    handed = "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "h").rglob("*.*y"))
    assert not any(a.partition("= ")[2].partition("  #")[0] in handed for a, _ in blanked)
    assert "def backward" not in handed  # the package's
    nothing = grade.grade(tmp_path / "h", key)
    assert nothing.points == 0 and {mark.kind for mark in nothing.marks} == {"not done"}
    assert public(tmp_path / "h").startswith("10 failed")
    file.write_text(page.text(), encoding="utf-8")
    assert public(tmp_path / "h").startswith("10 passed")
    result = grade.grade(tmp_path / "h", key)
    assert result.points == result.most == 12 and not result.note


@pytest.mark.parametrize("i, first", list(enumerate((1, 3, 4, 4, 5, 5))))
def test_a_mistake_is_named_at_the_first_gradient_that_it_spoils(
    i: int, first: int, tmp_path: Path, key: Key
) -> None:
    """The gradients before it keep their points."""
    sentence, text = page.wrong()[i]
    marks = grade.grade(hand_in(tmp_path / "x", {"one_page": text}), key).marks
    wrong = [mark for mark in marks if mark.points < mark.most]
    assert wrong[0].number == f"page.{first}" and wrong[-1].number == "page.5"
    assert {mark.mistake for mark in wrong} == {sentence} and not any(mark.points for mark in wrong)


def test_the_page_is_asked_for_by_name_and_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`all` leaves it out; a page alone in a folder is graded; Gradescope gets what grades it."""
    assert select() == list(EXERCISES) and select(["page"]) == list(PAGE)
    with pytest.raises(ValueError, match="there is no exercise 'page'"):
        select(["2.4", "page"])
    wrong = page.text().replace("0.5 * (dz", "0.4 * (dz")
    (tmp_path / "one_page.py").write_text(wrong, encoding="utf-8")
    asked = ["--exercises", "page", "--sandbox", best_sandbox(), "--json", str(tmp_path / "r.json")]
    assert core.main(["homework", "grade", str(tmp_path), *asked], rooms=[cli.add_commands]) == 0
    assert "dlogvar; dW_logvar, db_logvar: read ∂z/∂σ = ε" in capsys.readouterr().out
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["score"] == 6
    gradescope.autograder(tmp_path / "z.zip", PAGE, "T", "visible")
    assert "demos/one_page.py" in zipfile.ZipFile(tmp_path / "z.zip").namelist()
