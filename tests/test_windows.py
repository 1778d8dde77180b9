"""What Windows lacks is not needed by what runs there: tried without it, on any system."""

import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import HANG
from homework_submissions import hand_in

from scratchvae.homework import gradescope, source
from scratchvae.homework.exercises import select

ROOT = Path(__file__).parents[1]
WITHOUT = """
import os, sys
for name in ("pwd", "grp", "resource", "fcntl", "termios"):
    sys.modules[name] = None  # an import of it raises ImportError
for name in ("fork", "forkpty", "geteuid", "getegid", "setuid", "killpg", "mkfifo", "wait4"):
    if hasattr(os, name):
        delattr(os, name)
"""


def run(code: str, *arguments: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """A Python program without what Windows lacks."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code, *arguments],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True, text=True, encoding="utf-8", timeout=HANG,
    )  # fmt: skip


def test_all_tests_are_collected() -> None:
    """No module of the package and no test needs it when it is imported."""
    code = "import pytest; sys.exit(pytest.main(['--collect-only', '-p', 'no:cacheprovider']))"
    collected = run(code)
    assert collected.returncode == 0, collected.stdout[-3000:] + collected.stderr


@pytest.mark.parametrize("sandbox", ["bwrap", "none", "user:student"])
def test_grading_says_where_it_can_be_done(tmp_path: Path, sandbox: str) -> None:
    """Grading forks: one sentence that says where to grade, exit code 2, and no traceback."""
    hand_in(tmp_path / "ada", source.reference())
    code = "from scratchvae.__main__ import main; sys.exit(main())"
    command = ["homework", "grade", "ada", "--exercises", "2.2", "--sandbox", sandbox]
    graded = run(code, *command, cwd=tmp_path)
    assert graded.returncode == 2 and "Traceback" not in graded.stderr, graded.stderr
    assert ("only root" if sandbox.startswith("user") else "no fork: grade on") in graded.stderr


def test_the_scripts_of_a_zip_can_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip that is written on Windows says that its modes are those of Unix."""
    monkeypatch.setattr(sys, "platform", "win32")  # zipfile asks it
    gradescope.autograder(tmp_path / "a.zip", select(["2.2"]), "Week 3", "visible")
    monkeypatch.undo()
    with zipfile.ZipFile(tmp_path / "a.zip") as zipped:
        for info in zipped.infolist():
            assert info.create_system == 3
            runs = bool(info.external_attr >> 16 & stat.S_IXUSR)
            assert runs == (info.filename in ("setup.sh", "run_autograder"))
