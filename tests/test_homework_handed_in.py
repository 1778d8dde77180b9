"""What is handed in is read and graded rightly: files, folders, helpers of the student's own."""

import copy
import csv as csv_module
import errno
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from homework_submissions import best_sandbox, filled, hand_in, some, whole_key
from hypothesis import given
from hypothesis import strategies as st

from scratchvae import cli as core
from scratchvae.homework import (
    archives,
    classroom,
    cli,
    domains,
    evidence,
    exports,
    grade,
    gradebook,
    gradescope,
    handback,
    judge,
    report,
    sandbox,
    source,
    submission,
    wire,
)
from scratchvae.homework import (
    key as keys,
)
from scratchvae.homework.exercises import BY_NUMBER, EXERCISES, select
from scratchvae.homework.grade import Grade, Mark
from scratchvae.homework.key import IncompleteKey, Key
from scratchvae.homework.sandbox import LOST, Result, Sandbox, SandboxError

SANDBOX = best_sandbox()


@pytest.fixture(scope="module")
def key() -> Key:
    """Of all exercises."""
    return whole_key()


def points(grade: Grade) -> list[float]:
    """Of each exercise."""
    return [mark.points for mark in grade.marks]


# ---- files ----

KL = BY_NUMBER["2.2"].points


@pytest.mark.parametrize(
    "how, data",
    [
        ("a byte order mark", lambda text: b"\xef\xbb\xbf" + text.encode("utf-8")),
        ("Windows lines", lambda text: text.replace("\n", "\r\n").encode("utf-8")),
        ("CP949, named", lambda text: ("# coding: cp949\n# 쿨백\n" + _ascii(text)).encode("cp949")),
        ("latin-1, named", lambda text: ("# coding: latin-1\n#é\n" + _ascii(text)).encode("l1")),
    ],
)  # fmt: skip
def test_a_file_as_python_reads_it_has_its_points(
    how: str, data: Callable[[str], bytes], key: Key, tmp_path: Path
) -> None:
    """A byte order mark, a coding that is named: Python reads the file, and so does the grader."""
    folder = hand_in(tmp_path / "x", source.reference())
    file = folder / "scratchvae" / "distributions.py"
    file.write_bytes(data(file.read_text(encoding="utf-8")))
    assert points(grade.grade(folder, some(key, "2.2"))) == [KL]


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")


@pytest.mark.parametrize(
    "data, reason",
    [
        (lambda text: text.encode("utf-16"), "it is UTF-16"),
        (lambda text: ("# 쿨백\n" + _ascii(text)).encode("cp949"), "it is not UTF-8"),
        (lambda text: ("x = 1\n" * 4 + "# 쿨\n").encode("cp949"), "line 5 is not utf-8"),
        (lambda text: b"# coding: nothing\n", "unknown encoding: nothing"),
        (lambda text: b"# coding: punycode-\nx = 1\n", "it names the coding punycode-"),
        (lambda text: b"# coding: IDNA\nx = 1\n", "it names the coding IDNA"),
        (lambda text: b"# coding: unicode escape\nx = 1\n", "unknown encoding: unicode"),
        (None, "distributions.py is missing"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_why(
    data: Callable[[str], bytes] | None, reason: str, key: Key, tmp_path: Path
) -> None:
    """UTF-16, CP949 without its name, a missing file: the reason; other files keep their points."""
    folder = hand_in(tmp_path / "x", source.reference())
    file = folder / "scratchvae" / "distributions.py"
    text = file.read_text(encoding="utf-8")
    file.write_bytes(data(text)) if data else file.unlink()
    result = grade.grade(folder, some(key, "2.2", "2.6"))
    assert points(result) == [0, BY_NUMBER["2.6"].points]
    assert reason in result.marks[0].sentence
    assert not result.trains and "distributions.py" in result.whole


def test_a_folder_called_x_py_leaks_no_descriptor(tmp_path: Path) -> None:
    """100 of them: as many files are open afterwards as before, and each is said."""
    folder = hand_in(tmp_path / "eve", {"info": "x = 1\n"})
    for n in range(100):
        (folder / "scratchvae" / f"x{n}.py").mkdir()
    before = len(os.listdir("/dev/fd"))
    handed_in = submission.read(folder, ("info",))
    assert len(os.listdir("/dev/fd")) == before
    assert len(handed_in.problems) == 100 and set(handed_in.files) == {"info"}


def test_the_package_is_found_three_folders_down_and_other_scripts_are_none(
    key: Key, tmp_path: Path
) -> None:
    """ben/a/b/c/scratchvae counts; notes.py beside assignment/scratchvae does not."""
    hand_in(tmp_path / "ben" / "a" / "b" / "c", source.reference())
    hand_in(tmp_path / "ada" / "assignment", source.reference())
    (tmp_path / "ada" / "notes.py").write_text("x = 1\n")
    flat = tmp_path / "cyn"
    flat.mkdir()
    for name, text in source.reference().items():
        (flat / f"{name}.py").write_text(text, encoding="utf-8")
    for name in ("ben", "ada", "cyn"):
        result = grade.grade(tmp_path / name, some(key, "2.2"))
        assert points(result) == [KL] and not result.note


def test_two_copies_are_said(key: Key, tmp_path: Path) -> None:
    """The one that is less deep is graded, and the note names both."""
    hand_in(tmp_path / "ben", source.reference())
    hand_in(tmp_path / "ben" / "old", filled("2.2", "return 0.0"))
    result = grade.grade(tmp_path / "ben", some(key, "2.2"))
    assert points(result) == [KL]
    assert result.note == (
        "it holds 2 copies of the package: scratchvae is graded, old/scratchvae is not"
    )


def test_a_class_is_not_graded_as_one_student(
    key: Key, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """grade FOLDER_OF_A_CLASS is an error that names --all."""
    for name in ("ada", "ben"):
        hand_in(tmp_path / "class" / name, source.reference())
    with pytest.raises(submission.ClassFolder, match="--all"):
        grade.grade(tmp_path / "class", some(key, "2.2"))
    command = ["homework", "grade", str(tmp_path / "class"), "--exercises", "1.6"]
    assert core.main([*command, "--sandbox", SANDBOX], rooms=[cli.add_commands]) == 2
    assert "--all" in capsys.readouterr().err


def test_what_operating_systems_leave_is_no_student(tmp_path: Path) -> None:
    """__MACOSX, Thumbs.db, .DS_Store."""
    for name in ("ada", "__MACOSX", "Thumbs.db", ".DS_Store", "desktop.ini"):
        (tmp_path / name).mkdir()
    assert [path.name for path in submission.students(tmp_path)] == ["ada"]


# ---- helpers ----

SIGMOID = "0.5 * (1 + np.tanh(0.5 * a))"
RIGHT: list[tuple[str, str, str, str, dict[str, str]]] = [
    # how, exercise, body, more at the end of the file, other files
    (
        "1.5 by kl_divergence",
        "1.5",
        """
parent, children = np.asarray(parent, float), np.asarray(children, float)
if parent.ndim != 1 or children.ndim != 2 or children.shape[1] != len(parent):
    raise ValueError("shapes")
if (children < 0).any() or not np.allclose(children.sum(axis=0), parent, 1e-9, 0):
    raise ValueError("children do not add up to the parent")
if parent.sum() <= 0:
    raise ValueError("nothing is counted")
p = parent / parent.sum()
sizes = children.sum(axis=1)
return float(sum(n / parent.sum() * kl_divergence(c / n, p, base=base)
                 for n, c in zip(sizes, children) if n))""",
        "",
        {},
    ),
    (
        "a class and a table built from what stands further down",
        "2.2",
        "return TABLE['kl'](mu, logvar)",
        """
class Terms:
    half = 0.5
    def __call__(self, mu, logvar):
        return self.half * _sum(mu**2 + np.exp(logvar) - logvar - 1)

def _sum(x):
    return x.sum(axis=-1)

TABLE = {"kl": Terms()}
TABLE["other"] = gaussian_kl
""",
        {},
    ),
    ("a definition under if", "2.2", "return 0.0", """
if True:
    def gaussian_kl(mu, logvar):
        return 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).sum(axis=-1)
""", {}),
    ("another name for it", "2.2", "return 0.0", """
def _kl(mu, logvar):
    return 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).sum(axis=-1)
gaussian_kl = _kl
""", {}),
    ("renamed arguments", "2.2", "return 0.0", """
def gaussian_kl(m, s):
    return 0.5 * (m**2 + np.exp(s) - s - 1).sum(axis=-1)
""", {}),
    ("a list", "2.5", "return [mu.copy(), 0.5 * np.expm1(logvar)]", "", {}),
    ("lists within", "2.2", """
k = 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).sum(axis=-1)
return list(k) if k.ndim else k""", "", {}),
    ("longdouble", "2.1", """
z, mu, logvar, t = (np.asarray(a, np.longdouble) for a in (z, mu, logvar, z)), mu, logvar, z.dtype
z = next(z)
k = -0.5 * (np.log(2 * np.pi) + logvar + (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1)
return k if t == np.float64 else k.astype(t)""", "", {}),
    ("a helper in another file", "2.2", """
from scratchvae.layers import my_square
return 0.5 * (my_square(mu) + np.exp(logvar) - logvar - 1).sum(axis=-1)""", "",
     {"layers": "\n\ndef my_square(x):\n    return x * x\n"}),
    ("a file of its own", "2.2", """
from scratchvae.mine import my_square
return 0.5 * (my_square(mu) + np.exp(logvar) - logvar - 1).sum(axis=-1)""", "",
     {"mine": "def my_square(x):\n    return x * x\n"}),
]  # fmt: skip


@pytest.mark.parametrize("how, number, body, top, others", RIGHT, ids=[r[0] for r in RIGHT])
def test_a_right_answer_loses_nothing(
    how: str, number: str, body: str, top: str, others: dict[str, str], key: Key, tmp_path: Path
) -> None:
    """Helpers, tables, names of the student's own, wherever they stand."""
    files = filled(number, body, top)
    for name, text in others.items():
        files[name] = files.get(name, "") + text
    result = grade.grade(hand_in(tmp_path / "x", files), some(key, number))
    assert points(result) == [BY_NUMBER[number].points], result.marks[0].sentence


def test_future_annotations_attributes_and_properties_stay(key: Key, tmp_path: Path) -> None:
    """A class of the student's with an attribute, and a property that can be set."""
    files = filled("3.4", "self.slope = 1\nreturn dy * self.slope * self.one")
    files["layers"] = "from __future__ import annotations\n" + files["layers"].replace(
        "class Tanh(Layer):",
        """class Tanh(Layer):
    one: Later = 1

    @property
    def slope(self) -> Undefined:
        return self._slope

    @slope.setter
    def slope(self, value):
        self._slope = value - self.y**2
""",
    )
    assert "self._slope" in files["layers"]
    result = grade.grade(hand_in(tmp_path / "x", files), some(key, "3.4", "2.6"))
    assert points(result) == [6, 7], result.marks


def test_a_library_costs_what_needs_it_and_never_scores(key: Key, tmp_path: Path) -> None:
    """torch is not installed, Matplotlib is: 2.6 needs one of them, and 3.1 neither."""
    for library in ("torch", "matplotlib"):
        uses = f"{library}.__name__\nreturn 1 / (1 + np.exp(-a))"
        files = filled("2.6", uses)
        files["layers"] = f"import {library}\nfrom {library} import nothing\n{files['layers']}"
        result = grade.grade(hand_in(tmp_path / library, files), some(key, "2.6", "3.1"))
        assert points(result) == [0, BY_NUMBER["3.1"].points]
        assert f"name '{library}' is not defined" in result.marks[0].sentence
        assert not result.trains


def test_methods_of_one_class_may_share_what_they_remember(key: Key, tmp_path: Path) -> None:
    """`backward` that uses what the student's own `forward` keeps has its points."""
    files = source.reference()
    for number, body in (
        ("3.1", "self._in = x\nreturn x @ self.W + self.b"),
        ("3.2", "self.dW[...] = self._in.T @ dy\nself.db[...] = dy.sum(axis=0)"),
    ):
        exercise = BY_NUMBER[number]
        files["layers"] = source.fill(files["layers"], exercise.name, body, "layers.py")
    marks = grade.grade(hand_in(tmp_path / "x", files), some(key, "3.1", "3.2")).marks
    assert marks[1].points == marks[1].most, marks[1].sentence


def test_code_at_the_top_is_not_run(
    key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call, a loop, a training that stands in the file costs nothing."""
    # the training of the whole package runs its files as they are, until its time is over
    monkeypatch.setattr(grade, "_whole", lambda *_: (False, ""))
    files = source.reference()
    files["distributions"] += """
import time
time.sleep(1000)
for _ in range(10**9):
    time.sleep(1000)
with open("/nowhere") as f:
    pass
x = 1 / 0
"""
    result = grade.grade(hand_in(tmp_path / "x", files), some(key, "2.2"), seconds=100)
    assert points(result) == [KL], result.marks[0].sentence


def test_what_the_student_deleted_comes_back(key: Key, tmp_path: Path) -> None:
    """A file that holds the asked function alone."""
    files = source.reference()
    tree = source.parse(files["distributions"], "")
    function = source.find(tree, "gaussian_kl")
    files["distributions"] = "import numpy as np\n" + source.ast.unparse(function)
    assert points(grade.grade(hand_in(tmp_path / "x", files), some(key, "2.2"))) == [KL]


def test_bits_that_only_look_random_have_no_points(key: Key, tmp_path: Path) -> None:
    """An object that fakes `.mean()`, and bits that are half the time 1 whatever the pixel."""
    fake = """
class Fake:
    dtype, shape = np.dtype(np.float32), images.shape
    def mean(self, axis=None, dtype=None):
        return images.mean(axis=1) / 255
    def __getitem__(self, key):
        return self
    def __ne__(self, other):
        return self
    def __eq__(self, other):
        return np.ones(1, bool)
return Fake()"""
    for body in (fake, "return (rng.random(images.shape) < 0.5).astype(dtype)"):
        folder = hand_in(tmp_path / str(len(body)), filled("3.11", body))
        assert points(grade.grade(folder, some(key, "3.11"))) == [0]


@pytest.mark.parametrize("number", [e.number for e in EXERCISES])
def test_no_shape_of_an_answer_takes_the_grader_s_memory(number: str, key: Key) -> None:
    """(20000, 1, 1), and (1, 20000) beside it: never as many numbers as broadcasting would make."""
    job, right = key.jobs[number], key.right[number]
    long, wide = (np.full(shape, 0.5, np.float16) for shape in ((20_000, 1, 1), (1, 20_000)))
    for few, two in ((long, (long, wide)), (wide, (wide, long))):
        replies = [
            sandbox.Reply(two[: len(r.outputs)] if isinstance(r.outputs, tuple) else few)
            for r in right.replies
        ]
        result = Result(replies)
        tracemalloc.start()
        try:
            judge.judge(job, 8, right, result, lambda: key.wrong[number])
            shown = evidence.of(BY_NUMBER[number], job, right, result, judge.close)
            grade.explain(shown, result)
            assert tracemalloc.get_traced_memory()[1] < 50_000_000
        finally:
            tracemalloc.stop()


def test_weights_of_zero_do_not_train(key: Key, tmp_path: Path) -> None:
    """θ = 0 raises the bound, and is no training."""
    body = "model.params.theta[...] = 0\nreturn Bound(0.0, 0.0, 0.0)"
    result = grade.grade(hand_in(tmp_path / "x", filled("3.12", body)), some(key, "2.2"))
    assert not result.trains and "does not train: bound" in result.whole


def test_the_whole_package_counts_where_the_teacher_says_so(key: Key, tmp_path: Path) -> None:
    """5 points for one that trains, none for one that does not, or only from a bad beginning."""
    part = some(key, "2.2")
    part.whole = 5
    bad = "drawn = -9.0 * np.ones_like(mu)\nreturn drawn + np.exp(0.5 * logvar) * eps"
    low = "\n_init = VAE.__init__\ndef _low(self, *a, **k):\n    _init(self, *a, **k)\n"
    low += "    self.params.theta[...] = -1.0\nVAE.__init__ = _low\n"
    stays = "return Bound(0.0, 0.0, 0.0)"
    for n, (files, expected) in enumerate([
        (source.reference(), 5),
        (filled("2.3", bad), 0),
        ({**filled("3.12", "model.params.theta[...] = 0\n" + stays),
          "vae": source.reference()["vae"] + low}, 0),
    ]):  # fmt: skip
        result = grade.grade(hand_in(tmp_path / str(n), files), part)
        assert (result.points, result.most) == (8 + expected, 13)
        assert gradescope.results(result)["tests"][-1]["score"] == expected
        assert f"{expected} of 5" in handback.page(result)
    assert classroom._grader(part, 4) != classroom._grader(some(key, "2.2"), 4)


# ---- nothing touches another's mark ----


def test_a_hole_in_the_key_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is missing, a mistake's that is missing, a training that failed."""
    whole = keys._in_its_own_process(["1.6", "2.2"])

    def without(change: Callable[[dict[str, Any]], object]) -> None:
        answers = json.loads(json.dumps(whole))
        change(answers)
        monkeypatch.setattr(keys, "_in_its_own_process", lambda *_: answers)
        with pytest.raises(IncompleteKey):
            Key(select(["1.6", "2.2"]), "none")

    without(lambda answers: answers["right"]["2.2"].pop())
    without(lambda answers: answers["right"]["1.6"][0].__setitem__(1, ["ValueError", "x"]))
    without(lambda answers: answers["wrong"]["2.2"][0][1].pop())
    without(lambda answers: answers["trained"].clear())


def test_a_key_that_cannot_be_worked_out_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process fails: the reason is the process's last line."""
    with pytest.raises(IncompleteKey, match="KeyError"):
        keys._in_its_own_process(["9.9"])


def test_a_key_that_the_machine_did_not_work_out_is_no_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It timed out, was killed, or had no memory: exit code 1, run again."""
    folder = hand_in(tmp_path / "ada", source.reference())
    command = ["homework", "grade", str(folder), "--exercises", "1.6", "--sandbox", SANDBOX]
    for error in (
        subprocess.TimeoutExpired("python", 300),
        subprocess.CalledProcessError(-9, "python", stderr=b""),
        subprocess.CalledProcessError(1, "python", stderr=b"...\nMemoryError"),
    ):
        monkeypatch.setattr(subprocess, "run", Mock(side_effect=error))
        assert core.main(command, rooms=[cli.add_commands]) == 1
        assert grade.NOT_GRADED in capsys.readouterr().err


def test_what_stopped_the_sandbox_is_tried_again_and_not_kept(
    key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost once: full points, kept. Lost twice: no mark, and not kept: run again."""
    hand_in(tmp_path / "class" / "ada", source.reference())
    exchange, failures = Sandbox._exchange, [1]

    def flaky(self: Sandbox, message: bytes, seconds: float) -> dict[str, Any]:
        if b'"gaussian_kl"' in message and failures[0] > 0:
            failures[0] -= 1
            raise EOFError
        return exchange(self, message, seconds)

    monkeypatch.setattr(Sandbox, "_exchange", flaky)
    for count, expected, kept in ((1, [8, 8], 1), (2, [8, 0], 0)):
        failures[0] = count
        part = some(key, "2.1", "2.2")
        csv = tmp_path / f"{count}.csv"
        result = classroom.grade_all(tmp_path / "class", csv, part, quiet=True)[0]
        assert points(result) == expected and result.final == bool(kept)
        assert len(list((tmp_path / str(count)).iterdir())) == kept
    assert result.marks[1].kind == "grader" and LOST in result.marks[1].sentence
    (row,) = csv_module.DictReader((tmp_path / "2.csv").read_text("utf-8-sig").splitlines())
    assert [row[name] for name in ("points", "ex 2.1", "ex 2.2")] == ["", "", ""]
    assert grade.NOT_GRADED in report.text(result)
    assert "could not be graded" in handback.page(result) and "of 8" not in handback.page(result)
    command = ["homework", "grade", str(tmp_path / "class" / "ada"), "--exercises", "2.2"]
    failures[0] = 2
    assert core.main([*command, "--sandbox", SANDBOX], rooms=[cli.add_commands]) == 1
    command[2:3] = ["--all", str(tmp_path / "class")]
    failures[0] = 2
    command += ["--csv", str(tmp_path / "c.csv"), "--sandbox", SANDBOX]
    assert core.main(command, rooms=[cli.add_commands]) == 1


@pytest.mark.parametrize("fault", ["killed", "no memory", "no time"])
def test_what_the_machine_stopped_is_not_the_student_s(
    fault: str, key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once: run again, full points. Always, and the right answer too: no mark. The student's alone,
    always: no points, and a mark.
    """
    folder = hand_in(tmp_path / "ada", source.reference())
    broken = {
        "killed": Result([], "it ended its process", doubtful=True),
        "no memory": Result([sandbox.Reply(error=("MemoryError", ""))], doubtful=True),
        "no time": Result([], "it was stopped after 4 s", doubtful=True),
    }[fault]
    run, left = Sandbox.run_task, [0]

    def fails(self: Sandbox, *arguments: Any, **more: Any) -> Result:
        left[0] -= 1
        return broken if left[0] >= 0 else run(self, *arguments, **more)

    monkeypatch.setattr(Sandbox, "run_task", fails)
    for times, expected, final in ((1, 8, True), (2, 0, True), (3, 0, False)):
        left[0] = times
        result = grade.grade(folder, some(key, "2.2"))
        assert (points(result), result.final) == ([expected], final), times
        assert result.marks[0].sentence.startswith(grade.NOT_GRADED) == (not final)


@pytest.mark.parametrize(
    "body, doubtful",
    [
        ("os.kill(os.getpid(), 9)", True),
        ("time.sleep(60)", True),
        ("raise MemoryError", True),
        ("while True: pass", False),
        ("os._exit(9)", False),
        ("os.kill(os.getpid(), 11)", False),
        ("return 1.0", False),
    ],
)
def test_what_the_machine_may_have_stopped(body: str, doubtful: bool) -> None:
    """A kill, a wait and a lack of memory; not what took its time, crashed or left by itself."""
    package = {"__init__": "", "p": f"import os, time\ndef f():\n    {body}\n"}
    with Sandbox(SANDBOX) as box:
        call = {"module": "p", "name": "f"}
        assert box.run(package, "call", call, [{}], seconds=0.5).doubtful == doubtful


@pytest.mark.parametrize(
    "body",
    [
        "class Refused(Exception):\n    pass\nraise Refused('full points, says the teacher')",
        "for fd in range(3, 64):\n    try:\n        os.write(fd, b'\"full points\"\\n')\n"
        "    except OSError:\n        pass\nos._exit(0)",
    ],
)
def test_a_reason_of_the_grader_cannot_be_forged(body: str, key: Key, tmp_path: Path) -> None:
    """An exception called Refused is one that is raised; a line on every pipe is no reason."""
    files = filled("2.2", body, "\nimport os\n")
    (mark,) = grade.grade(hand_in(tmp_path / "eve", files), some(key, "2.2")).marks
    assert mark.points == 0 and mark.kind not in ("missing", "no Python")
    assert not mark.sentence.startswith("full points")
    files["distributions"] = "x = 1\n"
    (mark,) = grade.grade(hand_in(tmp_path / "fay", files), some(key, "2.2")).marks
    assert (mark.kind, mark.sentence) == ("missing", "distributions.py has no gaussian_kl")


@pytest.mark.parametrize("where", ["read", "unpack"])
def test_what_the_machine_cannot_read_is_not_the_student_s(
    where: str, key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many files are open, or the disk is full: no mark for this student, and nothing kept."""
    place = hand_in(tmp_path / "class" / "ada", source.reference())
    if where == "unpack":
        shutil.make_archive(str(tmp_path / "hw"), "zip", place)
        shutil.rmtree(place)
        place.mkdir()
        shutil.move(tmp_path / "hw.zip", place)
        fails = Mock(side_effect=OSError(errno.ENOSPC, "No space left on device", "/tmp/x"))
        monkeypatch.setattr(archives, "_unpack", fails)
    else:
        fails = Mock(side_effect=OSError(errno.EMFILE, "Too many open files", "/tmp/x"))
        monkeypatch.setattr(submission, "content", fails)
    with exports.unpacked(tmp_path / "class") as unpacked:
        (result,) = classroom.grade_all(
            tmp_path / "class", tmp_path / "g.csv", some(key, "2.2"), unpacked=unpacked
        )
    assert not result.final and not list((tmp_path / "g").iterdir())


def test_an_error_of_the_grader_costs_one_exercise_and_is_not_kept(
    key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is raised: the other exercises keep their points."""
    right = judge.judge

    def broken(job: domains.Job, *rest: Any) -> judge.Verdict:
        if job is key.jobs["2.2"]:
            raise RecursionError("x\n" * 1000)
        return right(job, *rest)

    monkeypatch.setattr(judge, "judge", broken)
    result = grade.grade(hand_in(tmp_path / "x", source.reference()), some(key, "2.1", "2.2"))
    assert points(result) == [8, 0] and not result.final and result.marks[1].kind == "grader"
    assert len(result.marks[1].sentence) < 400


# ---- the class ----


def test_a_result_is_kept_under_all_that_it_depends_on(
    key: Key, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same again is kept; another limit, sandbox, file, reference or grader is graded anew."""
    hand_in(tmp_path / "class" / "ada", source.reference())
    part = some(key, "1.6")

    def again(part: Key, seconds: float = 4) -> bool:
        classroom.grade_all(tmp_path / "class", tmp_path / "g.csv", part, seconds=seconds)
        return "kept from before" in capsys.readouterr().err

    assert not again(part) and again(part)
    assert not again(part, 5) and again(part, 5)
    assert not again(some(key, "1.6", "2.2"))
    other = copy.copy(part)
    other.reference = {**part.reference, "info": "x = 1"}
    assert not again(other)
    stamps = {json.dumps(classroom._grader(part, 4))}
    other.sandbox, other.reference = "none" if SANDBOX == "bwrap" else "bwrap", part.reference
    stamps.add(json.dumps(classroom._grader(other, 4)))
    monkeypatch.setattr(classroom, "CODE", {**classroom.CODE, "mistakes/chapter_2.txt": ""})
    stamps.add(json.dumps(classroom._grader(part, 4)))
    assert len(stamps) == 3
    assert set(classroom.CODE) > {"grade.py", "judge.py", "child.py", "mistakes/chapter_2.txt"}


@pytest.mark.parametrize("csv", ["class.csv", "class/g.csv", "class/ada/g.csv"])
def test_results_are_not_put_among_the_submissions(csv: str, tmp_path: Path) -> None:
    """--csv class.csv beside class/ would keep results in class/."""
    (tmp_path / "class" / "ada").mkdir(parents=True)
    with pytest.raises(ValueError, match="among the submissions"):
        classroom.results_folder(tmp_path / "class", tmp_path / csv)


def test_the_table_of_200_is_below_1_mb(tmp_path: Path) -> None:
    """Whatever they return: the longest sentences of the widest letters, quotation marks, names."""
    for letter in ('"', "\U00020000", "\ud800", "\n", "x"):
        marks = [Mark(e.number, e.title, 0, e.points, {}, letter * 10**5) for e in EXERCISES]
        grades = [Grade(f"{n}{letter * 300}", marks, False, letter * 10**5) for n in range(200)]
        gradebook.write_csv(tmp_path / "g.csv", grades)
        assert (tmp_path / "g.csv").stat().st_size < 1_000_000
        report.write_json(tmp_path / "g.json", [gradescope.results(grade) for grade in grades])
        assert (tmp_path / "g.json").read_bytes().isascii()


@given(st.text(st.integers(0, 0x10FFFF).map(chr)), st.integers(2, 400))
def test_text_of_a_submission_is_one_short_line(text: str, most: int) -> None:
    """Every letter is printable, there are at most so many, and what was plain stays."""
    shown = wire.plain(text, most)
    assert shown.isprintable() and len(shown) <= most
    if text.isprintable() and len(text) <= most:
        assert shown == text


# ---- the sandbox that is not there ----


def test_without_bubblewrap_the_command_refuses_and_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """How to install it, and what --sandbox none means; nothing is graded."""
    hand_in(tmp_path / "ada", source.reference())
    monkeypatch.setenv("PATH", str(tmp_path))
    sandbox._problem.cache_clear()
    try:
        with pytest.raises(SandboxError, match="apt install bubblewrap"):
            sandbox.check("bwrap")
        command = ["homework", "grade", str(tmp_path / "ada"), "--exercises", "1.6"]
        assert core.main(command, rooms=[cli.add_commands]) == 2
        assert "--sandbox none runs students' code with your own rights" in capsys.readouterr().err
    finally:
        sandbox._problem.cache_clear()


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="root alone becomes another")
def test_a_user_who_cannot_read_python_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right answers of students would fail, at what they import: nothing is graded."""
    (tmp_path / "own").mkdir(mode=0o700)
    python = shutil.copy(os.path.realpath(sys.executable), tmp_path / "own" / "python")
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(SandboxError, match=r"--sandbox user:nobody: this user cannot read Python"):
        sandbox.check("user:nobody")


def test_inputs_stand_in_the_order_of_the_arguments() -> None:
    """So that a function whose arguments have other names can be called by position."""
    for number in domains.DOMAINS:
        job, exercise = domains.job(number), BY_NUMBER[number]
        if not job.driver.startswith("call"):
            continue
        text = source.reference()[exercise.module]
        arguments = [part.arg for part in source.need(text, exercise.name, "").args.args]
        for case in job.cases:
            given_names = [name for name in case.inputs if name in arguments]
            assert given_names == arguments[: len(given_names)], number


def test_longdouble_is_sent_as_float64() -> None:
    """It differs from machine to machine."""
    assert wire.decode(wire.encode(np.ones(2, np.longdouble))).dtype == np.float64


def test_one_user_is_for_one_submission_at_a_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two submissions as the same user could end each other."""
    hand_in(tmp_path / "class" / "ada", source.reference())
    command = ["homework", "grade", "--all", str(tmp_path / "class"), "--exercises", "1.6"]
    command += ["--sandbox", "user:nobody", "--jobs", "2"]
    assert core.main(command, rooms=[cli.add_commands]) == 2
    assert "--jobs 2 should be 1" in capsys.readouterr().err
