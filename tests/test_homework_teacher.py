"""What a teacher hands out and back: homework.json, reports, Gradescope's zip, the commands."""

import csv
import html.parser
import io
import itertools
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chromium
import numpy as np
import pytest
from conftest import unread, until
from homework_submissions import best_sandbox, filled, hand_in

from scratchvae import __version__, cli
from scratchvae.homework import (
    asked,
    compare,
    domains,
    evidence,
    grade,
    gradescope,
    handback,
    judge,
    sandbox,
    source,
    submission,
)
from scratchvae.homework import cli as room
from scratchvae.homework.exercises import BY_NUMBER, EXERCISES, select, weights
from scratchvae.homework.grade import Grade, Mark, grade_read
from scratchvae.homework.here import Here
from scratchvae.homework.key import Key
from scratchvae.homework.sandbox import Reply, Result, Sandbox
from scratchvae.homework.sheets import cli as sheets
from scratchvae.homework.submission import Submission
from scratchvae.homework.wire import Opaque

SANDBOX = best_sandbox()
CHOSEN = ("2.2", "2.4", "3.1")
SIGN = "return -0.5 * (np.exp(logvar) - 1 - logvar + mu * mu).sum(axis=-1)"


def run(*arguments: str) -> int:
    """The command, with the homework's room."""
    return cli.main(list(arguments), rooms=[room.add_commands])


@pytest.fixture(scope="module")
def key() -> Key:
    return Key(select(CHOSEN), SANDBOX, seed=0)


@pytest.fixture(scope="module")
def handout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make` writes it, for exercises 2.2 and 2.4 and for Classroom 50."""
    folder = tmp_path_factory.mktemp("handout") / "h"
    options = ["--exercises", "2.2,2.4", "--title", "Week 3", "--ci", "classroom50"]
    assert run("homework", "make", str(folder), *options) == 0
    return folder


# ---- homework.json ----


def test_the_handout_says_what_it_asks(handout: Path) -> None:
    """What is written is read again: the exercises, the title, the version; beside the package."""
    found = asked.load(handout)
    assert found == asked.Asked(("2.2", "2.4"), "Week 3", __version__)
    assert found == asked.load(handout / "scratchvae" / "homework.json")
    assert json.loads((handout / "scratchvae" / "homework.json").read_text())["points"] == 16
    assert not found.other_version()


def test_what_stood_in_the_handout_has_no_points(handout: Path, key: Key) -> None:
    """3.1 is not asked for: right as it is, it counts 0; without the file it counts."""
    handed_in = submission.read(handout, key.reference)
    marks = {mark.number: mark for mark in grade_read(handed_in, key).marks}
    assert (marks["3.1"].points, marks["3.1"].kind) == (0, "not asked")
    assert marks["2.2"].kind == "not done" and "stood in the handout" in marks["3.1"].sentence
    handed_in.asked = None
    assert grade_read(handed_in, key).marks[2].points == BY_NUMBER["3.1"].points


def test_another_version_is_said(handout: Path, tmp_path: Path) -> None:
    """A handout made by another version of the package: both are named."""
    shutil.copytree(handout, tmp_path / "ada")
    path = tmp_path / "ada" / "scratchvae" / "homework.json"
    path.write_text(path.read_text().replace(__version__, "9.9.9"))
    note = submission.read(tmp_path / "ada", source.reference()).note
    assert "version 9.9.9" in note and f"version {__version__}" in note


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{" * 9000,
        '{"exercises": ["2.2"]}',
        '{"exercises": "2.2", "title": "", "version": ""}',
        '{"exercises": ["9.9"], "title": "", "version": ""}',
        '{"exercises": [[]], "title": "", "version": ""}',
        " " * 30_000,
        "1" * 9000,
    ],
)
def test_a_forged_record_is_no_record(text: str, tmp_path: Path) -> None:
    """Whatever stands in it, reading the submission goes on, with a sentence."""
    folder = hand_in(tmp_path / "eve", {"layers": "x = 1\n"})
    (folder / "scratchvae" / "homework.json").write_text(text)
    handed_in = submission.read(folder, source.reference())
    assert handed_in.asked is None and handed_in.files == {"layers": "x = 1\n"}
    assert handed_in.note.startswith("homework.json is not what")


def test_who_says_what_is_graded() -> None:
    """The handout, then --exercises within it, then all submissions if they agree, then all."""
    two, one = asked.Asked(("2.2", "2.4"), "T", "1"), asked.Asked(("2.2",), "T", "1")

    def numbers(*arguments: Any) -> list[str]:
        return [exercise.number for exercise in asked.choose(*arguments)]

    assert numbers(two, None, {"eve": one}) == ["2.2", "2.4"]
    assert numbers(two, ["2.4"], {}) == ["2.4"]
    assert numbers(None, ["1.1", "2.4"], {"eve": one}) == ["1.1", "2.4"]
    assert numbers(None, None, {"ada": two, "ben": two}) == ["2.2", "2.4"]
    for nobody in ({}, {"ada": None, "ben": None}):
        assert numbers(None, None, nobody) == [exercise.number for exercise in EXERCISES]
    with pytest.raises(ValueError, match=r"no homework.json: 2 of them, as ada; 2.2: 1 of them, a"):
        asked.choose(None, None, {"ada": None, "eve": one, "ben": None})
    with pytest.raises(ValueError, match=r"does not ask for 1\.1"):
        asked.choose(two, ["1.1", "2.2"], {})
    with pytest.raises(
        ValueError, match=r"differ \(2\.2, 2\.4: 2 of them.*2\.2: 1 of them, as eve"
    ):
        asked.choose(None, None, {"ada": two, "eve": one, "ben": two})


def test_the_list_for_classroom_50(handout: Path) -> None:
    """Within its limits; the points add up; each line runs tests of its own exercise alone."""
    tests = json.loads(asked.classroom50(EXERCISES))
    names = [test["name"] for test in tests]
    assert len(tests) == len(EXERCISES) + 1 <= 100 and len(set(names)) == len(names)
    assert sum(test["points"] for test in tests) == sum(e.points for e in EXERCISES)
    for test in tests:
        assert set(test) == {"name", "type", "run", "timeout", "points"} and test["type"] == "run"
        assert len(test["name"].encode()) <= 100 and 1 <= test["timeout"] <= 600
    last = json.loads((handout / "tests" / "classroom50.json").read_text())[-1]
    command = last["run"].replace("python3 -m pytest", "-p no:cacheprovider --collect-only")
    environment = {**os.environ, "PYTHONPATH": str(handout)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command.split()], cwd=handout, capture_output=True,
        text=True, env=environment, check=True,
    )  # fmt: skip
    found = set(re.findall(r"::(\w+)", done.stdout))
    text = (handout / "tests" / "test_homework.py").read_text(encoding="utf-8")
    marked = re.findall(r"@pytest.mark.exercise_2_4\n(?:@.*\n)*def (\w+)", text)
    assert found == {*marked, "test_what_is_drawn"} and last["points"] == BY_NUMBER["2.4"].points


# ---- reports ----

FAULTS = {
    "sign": ("2.2", SIGN),
    "unnamed": ("2.2", "return 0.4 * (np.exp(logvar) - 1 - logvar + mu * mu).sum(axis=-1)"),
    "in place": (
        "2.2",
        "mu *= mu\nreturn 0.5 * (np.exp(logvar.astype(float)) - 1 - logvar + mu).sum(axis=-1)",
    ),
    "half": ("2.4", "return dz.sum(axis=0), (dz * 0.3 * np.exp(0.5 * logvar)).sum(axis=0)"),
    "shape": ("2.4", "return dz, dz"),
    "raises": ("2.4", "raise KeyError('a' * 5000)"),
    "text": ("2.2", "return '<script>alert(1)</script>`|* [x](y) \\n\\x1b[31m' + '\\ud800' * 999"),
    "prints": ("2.2", "print('x' * 99999)\nreturn None"),
    "forgets": ("3.1", "return x @ self.W + self.b"),
    "exits": ("2.2", "import os\nos._exit(0)"),
    "hangs": ("2.2", "while True:\n    pass"),
    "not done": ("2.4", "raise NotImplementedError('Exercise 2.4')"),
}


@pytest.fixture(scope="module")
def graded(key: Key) -> dict[str, Grade]:
    """Each fault by itself, graded."""
    found: dict[str, Grade] = {}
    with Sandbox(SANDBOX) as box:
        for name, (number, body) in FAULTS.items():
            handed_in, exercise = Submission(name, filled(number, body)), BY_NUMBER[number]
            mark = grade._grade_one(exercise, handed_in, key, box, 0.8)[0]
            found[name] = Grade(name, [mark], False, "its own package was not tried")
    return found


def mark_of(graded: dict[str, Grade], fault: str) -> Mark:
    return next(mark for mark in graded[fault].marks if mark.number == FAULTS[fault][0])


def test_a_wrong_value_is_shown_at_the_smallest_input(graded: dict[str, Grade]) -> None:
    """KL(N(μ, e^s) ‖ N(0, 1)) = ½ (e^s − 1 − s + μ²), for one number each."""
    for fault, factor in (("sign", -1), ("unnamed", 0.8)):
        first = mark_of(graded, fault).evidence[0]
        mu, logvar = (float(text.partition("[")[2][:-1]) for text in first["called"])
        kl = 0.5 * (np.exp(logvar) - 1 - logvar + mu * mu)
        assert first["shown"] == [["", f"{kl:.6g}", f"{factor * kl:.6g}"]]
    wrong = mark_of(graded, "half").evidence[0]
    dz, logvar, eps = (np.array(json.loads(text.partition("=")[2])) for text in wrong["called"])
    sigma = np.exp(logvar / 2)
    ours, yours = 0.5 * sigma * (dz * eps).sum(axis=0), 0.3 * sigma * dz.sum(axis=0)
    assert wrong["shown"] == [["dlogvar", f"[[{ours.item():.6g}]]", f"[[{yours.item():.6g}]]"]]


def test_a_part_of_an_answer_is_called_by_its_name() -> None:
    """The names that evidence gives are as many as the parts of the reference's answer."""
    reference = {**source.reference(), "__init__": ""}
    for exercise in EXERCISES:
        job = domains.job(exercise.number)
        names = compare.PARTS.get(exercise.name, compare.PARTS.get(job.driver, ()))
        case = next(case for case in job.cases if case.kind == "value")
        reply = Here().run(reference, job.driver, job.fixed, [case.inputs]).replies[0]
        parts = len(reply.outputs) if isinstance(reply.outputs, tuple) else 0
        assert parts == len(names), (exercise.number, parts, names)


ODD: list[Any] = [
    None, "x", "\ud800" * 999, (), (1, 2, 3), {}, {"a": 1}, Opaque("object"), True, 10**400, -0.0,
    float("nan"), np.float32(1), np.zeros(0), np.zeros(3, bool), np.full((2, 3), np.inf),
    ((1.0, 2.0), (3.0,)), (np.zeros(3), Opaque("x")), np.zeros((5, 5), np.uint8),
    (np.zeros((40, 40)), np.zeros((40, 40))), np.zeros((1,) * 8), ((((((1,),),),),),),
]  # fmt: skip


@pytest.mark.parametrize("number", [exercise.number for exercise in EXERCISES])
def test_no_answer_is_too_odd_to_be_shown(number: str) -> None:
    """Evidence is found for any data that a function may return, in every exercise."""
    exercise, job = BY_NUMBER[number], domains.job(number)
    package = {**source.reference(), "__init__": ""}
    cases = [case.inputs for case in job.cases]
    right = Here().run(package, job.driver, job.fixed, cases)
    for odd in [*ODD, (right.replies[0].outputs, None), [right.replies[0].outputs]]:
        result = Result([Reply(odd, after=dict(case)) for case in cases])
        found = evidence._of(exercise, job, right, result, judge.close)
        assert found, odd
        for one in found:
            for text in (one["said"], *one["called"], *itertools.chain(*one["shown"])):
                assert text.isprintable() and len(text) < 2000


def test_all_faults_of_an_exercise_are_said(graded: dict[str, Grade]) -> None:
    """A changed argument by its name, and the wrong type of number; no fault that follows."""
    mark = mark_of(graded, "in place")
    text = " ".join(handback.said(mark))
    assert "argument mu" in text and "float32" in text and len(handback.said(mark)) == 2
    assert [shown["kind"] for shown in mark.evidence] == ["shapes", "inputs"]
    assert mark.evidence[1]["shown"] == [["mu afterwards", "[0.5]", "[0.25]"]]
    assert [shown["kind"] for shown in mark_of(graded, "unnamed").evidence] == ["value"]
    assert handback.said(mark_of(graded, "unnamed")) == ["Your value is wrong."]
    assert "prints" in " ".join(e["said"] for e in mark_of(graded, "prints").evidence)
    assert mark_of(graded, "not done").evidence[0]["said"] == "You have not done this one."
    assert "0.8 s" in handback.said(mark_of(graded, "hangs"))[0]
    assert handback.said(mark_of(graded, "forgets"))[0].startswith("You")


def test_a_changed_argument_is_shown_at_its_smallest() -> None:
    """Of three calls that all change it, in any order."""
    for sizes in itertools.permutations((1, 2, 3)):
        calls = [domains.Call("value", {"a": np.arange(1, n + 1)}) for n in sizes]
        replies = [Reply(0.0, after={"a": 2 * call.inputs["a"]}) for call in calls]
        (found,) = evidence._changed(calls, replies)
        assert found["called"] == ["a = [1]"]
        assert found["shown"] == [["a afterwards", "[1]", "[2]"]]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_exercise_fits_a_screen(fault: str, graded: dict[str, Grade]) -> None:
    """At most 24 lines, none of computed text over 96 columns; said to "you", by no other name."""
    mark = mark_of(graded, fault)
    text = handback.plain_text(mark)
    assert len(text.split("\n")) <= handback.LINES, text
    for line in text.split("\n"):
        limit = 4 + handback.COLUMNS if line.startswith("    ") else 2 * handback.COLUMNS
        assert len(line) <= limit, line
    whole = handback.markdown(graded[fault], "Week 3")
    assert not re.search(r"\b(ours|theirs|student|graded against)\b", whole), whole
    assert re.search(r"\b[Yy]ours?\b|\bYou\b", text)
    assert BY_NUMBER[mark.number].equation in text and BY_NUMBER[mark.number].source in text


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_report_is_whole_and_runs_nothing(fault: str, graded: dict[str, Grade]) -> None:
    """HTML without addresses, scripts, or the student's tags; no control characters."""
    page = handback.page(graded[fault], "Week <3>")
    reader = _Reader()
    reader.feed(page)
    allowed = {"html", "meta", "title", "style", "h1", "h2", "p", "ul", "li", "pre", "code"}
    assert set(reader.tags) <= allowed | {"table", "tr", "td"} and not reader.addresses
    text = handback.markdown(graded[fault], "Week <3>")
    assert all(letter.isprintable() or letter == "\n" for letter in page + text)
    assert page.encode() and text.encode()
    for line in text.split("\n"):
        assert not re.search(r"(?<!\\)<", line) or line.startswith(("  ", "at ")), line


@pytest.mark.skipif(chromium.find() is None, reason="no Chromium here; .ci/run installs one")
def test_nothing_leaves_a_report(graded: dict[str, Grade], tmp_path: Path) -> None:
    """The policy of a report refuses pictures and frames from the network, another base, a form,
    and a script that stands in it. Its own style is drawn, and no error is in the console.
    """
    path = tmp_path / "report.html"
    path.write_text(handback.page(graded[next(iter(FAULTS))], "Week 3"), encoding="utf-8")
    with chromium.Chromium(str(chromium.find()), tmp_path / "profile") as page:
        page.open(path)
        assert page.errors == [] and page.requests == [path.as_uri()]
        collapsed = "getComputedStyle(document.querySelector('table')).borderCollapse"
        assert page.js(collapsed) == "collapse"
        page.js("document.body.append(Object.assign(document.createElement('script'),"
                "{text: 'window.ran = true'}))")  # fmt: skip
        assert page.js("window.ran") is None
        assert page.refused() == ["base-uri", "form-action", "frame-src", "img-src"]


def test_reports_are_written_under_names_that_files_may_have(tmp_path: Path) -> None:
    """Two files each, in the folder and nowhere else, none over another; names nobody can abuse."""
    names = ["ada", "Ada", "../../up", "a/b", "a:b", "..", ".hidden", "박아다", "x" * 400, "\n", ""]
    devices = ["CON", "con.zip", "Aux .x", "nul", "prn", "COM1", "LPT9.a.b", "com¹", "CONOUT$"]
    names += [*devices, "Conrad", "com", "lpt10"]  # the last three are names as others are
    grades = [Grade(name, [Mark("2.2", "T", 8, 8)], True, "trains") for name in names]
    written = handback.write(tmp_path / "reports", grades, "T")
    assert len(set(written)) == 2 * len(names) == len(list((tmp_path / "reports").iterdir()))
    assert {path.parent for path in written} == {tmp_path / "reports"}
    assert list(tmp_path.iterdir()) == [tmp_path / "reports"]
    assert len({path.name.casefold() for path in written}) == len(written)
    assert not any(path.name.startswith(".") for path in written)
    assert [path.name for path in written].count("Conrad.md") == 1
    assert not {path.name.split(".")[0].strip().casefold() for path in written} & {
        device.split(".")[0].strip().casefold() for device in devices
    }


# ---- handed back ----


def moodle_reads(data: bytes, participants: set[int]) -> dict[int, tuple[str, bytes]]:
    """Participant -> the file's name and content, by the rules of Moodle's importer.

    mod/assign/feedback/file/importziplib.php, is_valid_filename_for_import: each name of the path
    in turn, in at most five parts between underscores; number, plugin type, plugin.
    """
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        for info in zipped.infolist():
            parts = ["", "import", *info.filename.split("/")]
            if info.is_dir() or parts[-1].startswith((".", "~")):
                continue
            while parts:
                whose = parts.pop(0).split("_", 4)
                if len(whose) < 4 or not whose[1].isdigit() or int(whose[1]) not in participants:
                    continue
                if whose[2:4] == ["assignsubmission", "file"]:
                    name = "/".join([*whose[4:], *parts]).lstrip("/")
                    found[int(whose[1])] = (name, zipped.read(info))
                    break
    return found


def canvas_reads(data: bytes, uploads: dict[tuple[int, int], str]) -> dict[int, tuple[str, bytes]]:
    """Student -> the name that they see and the content, by the rules of Canvas's importer.

    app/models/assignment.rb, infer_comment_context_from_filename: the first two whole numbers
    between underscores are student and attachment, which has to be that student's; the comment's
    file is called as the attachment is. uploads: (student, attachment) -> its name.
    """
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        for info in zipped.infolist():
            split = info.filename.rsplit("/", 1)[-1].split("_")
            student, attachment = [int(one) for one in split if re.fullmatch("[0-9]+", one)][:2]
            if (student, attachment) in uploads and not split[-1].startswith("link"):
                found[student] = (uploads[student, attachment], zipped.read(info))
    return found


def test_reports_are_handed_back_as_platforms_read_them(tmp_path: Path) -> None:
    """Moodle: report.html for each, with and without folders, of any name. Canvas: a zip in place
    of a zip, text in place of Python. Whose name no platform gave is named.
    """
    files = ["Ada Park_17_assignsubmission_file_", "박아다_18_assignsubmission_file",
             "Ben O’Hara_19_assignsubmission_file_hw.zip", "ben"]  # fmt: skip
    grades = [Grade(name, [Mark("2.2", "KL", 8, 8)], True, "trains") for name in files]
    path = tmp_path / "feedback.zip"
    assert handback.archive(path, grades, files, "Week 3") == ["ben"]
    read = moodle_reads(path.read_bytes(), {17, 18, 19})
    assert {who: name for who, (name, _) in read.items()} == dict.fromkeys(
        (17, 18, 19), "report.html"
    )
    for who, result in zip((17, 18, 19), grades):
        assert read[who][1].decode() == handback.page(result, "Week 3")
    assert handback.is_archive(path)

    files = ["parkada_17_4711_hw.zip", "chocyn_LATE_18_4712_layers-1.py", "leedan_19_text.html"]
    grades = [Grade(name, [Mark("2.2", "KL", 8, 8)], True, "trains") for name in files]
    assert handback.archive(path, grades, files) == ["leedan_19_text.html"]
    uploads = {(17, 4711): "hw.zip", (18, 4712): "layers.py", (19, 4713): "x"}
    seen = canvas_reads(path.read_bytes(), uploads)
    assert {who: name for who, (name, _) in seen.items()} == {17: "hw.zip", 18: "layers.py"}
    with zipfile.ZipFile(io.BytesIO(seen[17][1])) as zipped:
        assert zipped.read("report.html").decode() == handback.page(grades[0])
    assert seen[18][1].decode() == handback.markdown(grades[1])


def test_own_points_keep_the_shares() -> None:
    """Points of an exercise are the same share of the teacher's number; others stay."""
    result = Grade("ada", [Mark("1.1", "H", 6, 8), Mark("2.2", "KL", 8, 8)], True, "trains")
    own = weights("1=10,2.2=0.5,1.1=3", select(["1", "2.2"]))
    assert (own["1.2"], own["1.1"], own["2.2"]) == (10, 3, 0.5)
    marks = grade.weighted(result, own).marks
    assert [(mark.points, mark.most) for mark in marks] == [(2.25, 3), (0.5, 0.5)]
    assert grade.weighted(result, {}) == result
    for bad in ("1.1", "1.1=", "1.1=0", "1.1=-1", "1.1=nan", "1.1=x", "=3", "9.9=1", "2.2=1"):
        with pytest.raises(ValueError):
            weights(bad, select(["1.1"]))


# ---- Gradescope ----

FIELDS: dict[str, Any] = {
    "score": (int, float), "execution_time": (int, float), "output": str, "output_format": str,
    "test_output_format": str, "test_name_format": str, "visibility": str,
    "stdout_visibility": str, "extra_data": dict, "leaderboard": list, "tests": list,
}  # fmt: skip
TEST_FIELDS: dict[str, Any] = {
    "score": (int, float), "max_score": (int, float), "status": str, "name": str,
    "name_format": str, "number": str, "output": str, "output_format": str, "tags": list,
    "visibility": str, "extra_data": dict,
}  # fmt: skip
FORMATS = ("text", "html", "simple_format", "md", "ansi")
VISIBILITIES = ("hidden", "after_due_date", "after_published", "visible")


def check_fields(results: dict[str, Any]) -> None:
    """Every field is one of the published ones, of its type and with a value that it may have."""
    for fields, one in ((FIELDS, results), *((TEST_FIELDS, test) for test in results["tests"])):
        for name, value in one.items():
            assert isinstance(value, fields[name]) and not isinstance(value, bool), name
            if name.endswith("format"):
                assert value in FORMATS
            if name.endswith("visibility"):
                assert value in VISIBILITIES
        assert one.get("status", "passed") in ("passed", "failed")
    assert "score" in results or results["tests"]


@pytest.mark.parametrize("show", gradescope.SHOW)
def test_results_have_the_published_fields(show: str, graded: dict[str, Grade]) -> None:
    """For every fault; the tests are seen when --show says, the sentence on the files at once."""
    for fault, result in graded.items():
        results = gradescope.results(result, show, 1.25)
        check_fields(results)
        assert results["score"] == sum(t["score"] for t in results["tests"]) == result.points, fault
        *tests, whole = results["tests"]
        assert {test["visibility"] for test in tests} == {show}
        assert whole["visibility"] == "visible" and whole["max_score"] == 0
        json.dumps(results, allow_nan=False).encode("ascii")


def test_gradescope_gives_the_teachers_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """autograder --points: in results.json the score and the most are the teacher's."""
    archive = tmp_path / "week.zip"
    choice = ["--exercises", "1.6", "--points", "1.6=3.5"]
    assert run("homework", "autograder", str(archive), *choice) == 0
    with zipfile.ZipFile(archive) as zipped:
        zipped.extract(asked.NAME, tmp_path / "source")
    hand_in(tmp_path / "submission", source.reference())
    monkeypatch.setenv("AUTOGRADER_ROOT", str(tmp_path))
    monkeypatch.setenv("AUTOGRADER_USER", "")
    (tmp_path / "results").mkdir()
    assert gradescope.main() == 0
    result = json.loads((tmp_path / "results" / "results.json").read_text())
    assert (result["score"], result["tests"][0]["max_score"]) == (3.5, 3.5)


def test_show_may_differ_from_exercise_to_exercise() -> None:
    """One mode, then exceptions for exercises and chapters; anything else is an error."""
    shown = gradescope.visibility("after_published,2=hidden,2.4=visible")
    modes = [shown[number] for number in ("1.1", "2.2", "2.4", "3.1")]
    assert modes == ["after_published", "hidden", "visible", "after_published"]
    for bad in ("", "sometimes", "2.4", "9.9=hidden", "visible;hidden"):
        with pytest.raises(ValueError):
            gradescope.visibility(bad)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gradescope's machine after its image is built: the zip unpacked, setup.sh run."""
    place = tmp_path_factory.mktemp("autograder")
    archive = place / "week3.zip"
    show = ["--show", "visible,2.4=after_published", "--title", "Week 3"]
    assert run("homework", "autograder", str(archive), "--exercises", "2.2,2.4", *show) == 0
    with zipfile.ZipFile(archive) as zipped:
        for info in zipped.infolist():
            zipped.extract(info, place / "source")
            (place / "source" / info.filename).chmod(info.external_attr >> 16 & 0o777)
    shutil.copy(place / "source" / "run_autograder", place / "run_autograder")
    for name in ("submission", "results"):
        (place / name).mkdir()
    (place / "submission_metadata.json").write_text("{}")
    subprocess.run(["bash", "source/setup.sh"], cwd=place, env=machine(place), check=True)
    return place


def machine(place: Path, **more: str) -> dict[str, str]:
    """No network, no new user: a Python that is here. PYTHONPATH may not lead to this package."""
    python = {"AUTOGRADER_PYTHON": sys.executable, "AUTOGRADER_USER": ""}
    return {"PATH": os.defpath, "AUTOGRADER_ROOT": str(place), **python, **more}


def autograde(root: Path, **more: str) -> dict[str, Any]:
    """Run it on what is in submission/."""
    results = root / "results" / "results.json"
    results.unlink(missing_ok=True)
    environment = machine(root, **more)
    done = subprocess.run(
        ["./run_autograder"], cwd=root, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(results.read_text())
    check_fields(found)
    return found


def submit(root: Path, place: str, files: dict[str, str]) -> None:
    shutil.rmtree(root / "submission")
    target = root / "submission" / place
    target.mkdir(parents=True)
    for name, text in files.items():
        (target / f"{name}.py").write_text(text, encoding="utf-8")


def test_the_zip_has_what_gradescope_wants(root: Path) -> None:
    """The two scripts in its root, executable; no data, no demos, no tests; under 1 MB."""
    with zipfile.ZipFile(root / "week3.zip") as zipped:
        modes = {info.filename: info.external_attr >> 16 for info in zipped.infolist()}
    assert all(modes[name] == stat.S_IFREG | 0o755 for name in ("run_autograder", "setup.sh"))
    names = {name.split("/")[0] for name in modes}
    assert names == {"run_autograder", "setup.sh", "homework.json", "scratchvae"}
    assert all(name.endswith((".py", ".txt")) for name in modes if name.startswith("scratchvae/"))
    assert (root / "week3.zip").stat().st_size < 1_000_000
    for name in ("run_autograder", "setup.sh"):
        assert subprocess.run(["bash", "-n", root / "source" / name]).returncode == 0
    assert "pip install" not in gradescope.RUN and "apt-get" not in gradescope.RUN
    assert "chmod -R o=" in gradescope.SETUP and "adduser" in gradescope.SETUP


@pytest.mark.parametrize("place", ["", "a/b/c/d/e/hw3/scratchvae"])
def test_gradescope_grades_what_is_submitted(place: str, root: Path) -> None:
    """At any depth: 8 of 16 for a KL with its sign turned; in little time and memory."""
    submit(root, place, filled("2.2", SIGN))
    start = time.monotonic()
    begun = subprocess.Popen(["./run_autograder"], cwd=root, env=machine(root))
    used = os.wait4(begun.pid, 0)[2]
    begun.returncode = 0
    results = json.loads((root / "results" / "results.json").read_text())
    assert [test["score"] for test in results["tests"]] == [0, 8, 0] and results["score"] == 8
    assert [test["visibility"] for test in results["tests"]] == [
        "visible",
        "after_published",
        "visible",
    ]
    assert results["tests"][0]["output"].startswith("You have the KL with its sign turned round")
    assert 0 <= results["execution_time"] <= time.monotonic() - start + 0.05  # it has one digit
    assert used.ru_utime + used.ru_stime < 60  # of the 300 s that half a processor has
    assert "\nulimit -v 500000 " in gradescope.RUN  # kB for each process: it was enough
    assert stat.S_IMODE((root / "source" / "scratchvae" / "vae.py").stat().st_mode) & 0o007 == 0


def test_a_submission_without_a_package_is_told(root: Path) -> None:
    """0 points and a sentence that the student can see."""
    submit(root, "", {})
    results = autograde(root)
    assert results["score"] == 0 and "there is no folder scratchvae/" in results["output"]


def test_a_run_that_breaks_leaves_a_result_of_no_points(
    root: Path, record_property: Callable[[str, object], None]
) -> None:
    """The Python is missing, or the run is killed: results.json is there, with a sentence."""
    submit(root, "", filled("2.2", "while True:\n    pass"))  # so that it takes seconds
    broken = autograde(root, AUTOGRADER_PYTHON="/nowhere/python")
    assert broken["score"] == 0 and "tell your teacher" in broken["output"]
    (root / "results" / "results.json").unlink()
    begun = subprocess.Popen(
        ["./run_autograder"], cwd=root, env=machine(root), start_new_session=True
    )
    until((root / "results" / "results.json").exists, begun)
    os.killpg(begun.pid, 9)
    assert begun.wait() == -9
    record_property("interrupted", 1)
    results = json.loads((root / "results" / "results.json").read_text())
    check_fields(results)
    assert results["score"] == 0 and "did not come to its end" in results["output"]


def test_a_first_result_is_moved_to_its_name() -> None:
    """The script writes beside results.json, and moves: nobody reads half of one."""
    assert re.findall(r'>+ *"\$results[^"]*"', gradescope.RUN) == ['>"$results.part"']
    assert 'mv "$results.part" "$results"' in gradescope.RUN


@pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can run code as another user"
)
def test_students_code_is_another_user_who_cannot_read_the_reference(
    root: Path, tmp_path: Path
) -> None:
    """The function reports its user, and whether it can read the reference or write the result."""
    spy = f"""
import os
said = [os.getuid(), os.getgroups()]
for path, mode in (("{root}/source/scratchvae/vae.py", "r"), ("{root}/results/results.json", "a")):
    try:
        open(path, mode).close()
        said.append("open")
    except OSError as error:
        said.append(type(error).__name__)
raise RuntimeError(str(said))
"""
    submit(root, "", filled("2.2", spy))
    python = sys.executable
    if sandbox.cannot_read(sandbox.NOBODY):  # as where Python stands in root's own folder
        python = str(tmp_path / "python")
        asks_not = (
            "import runpy; from scratchvae.homework import sandbox; "
            "sandbox.cannot_read = lambda user: ''; "
            "runpy.run_module('scratchvae.homework.gradescope', run_name='__main__')"
        )
        Path(python).write_text(f'#!/bin/sh\nexec {sys.executable} -B -c "{asks_not}"\n')
        Path(python).chmod(0o755)
    results = autograde(root, AUTOGRADER_USER="nobody", AUTOGRADER_PYTHON=python)
    assert "[65534, [], 'PermissionError', 'PermissionError']" in results["tests"][0]["output"]
    assert results["tests"][1]["score"] == 8


# ---- the commands ----


def test_a_class_from_zips_to_the_gradebook(
    handout: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Zips in, what was asked from their homework.json; reports, and grades in an export."""
    monkeypatch.chdir(tmp_path)
    record = (handout / "scratchvae" / "homework.json").read_text()
    for name, body in (("ada", "return 0.5 * (np.exp(logvar) - 1 - logvar + mu * mu).sum(axis=-1)"),
                       ("ben", SIGN)):  # fmt: skip
        with zipfile.ZipFile(_made(tmp_path / "class") / f"{name}.zip", "w") as zipped:
            for module, text in filled("2.2", body).items():
                zipped.writestr(f"hw/scratchvae/{module}.py", text)
            zipped.writestr("hw/scratchvae/homework.json", record)
    with zipfile.ZipFile(tmp_path / "class" / "eve.zip", "w") as zipped:
        zipped.writestr("../../layers.py", "x")
    Path("e.csv").write_text("Student,hw\nAda,\nBen,\nCyn,\nEve,5\n")
    command = ["homework", "grade", "--sandbox", SANDBOX]
    into = ["--into", "e.csv", "--column", "hw"]
    assert run(*command, "--all", "class", "--csv", "out/g.csv", *into) == 0
    said = capsys.readouterr().out
    assert Path("e.csv").read_text() == "Student,hw\nAda,16\nBen,8\nCyn,\nEve,0\n"
    assert "1 in it without a submission, and left as they were: Cyn" in said
    rows = list(csv.DictReader(io.StringIO(Path("out/g.csv").read_text("utf-8-sig"))))
    assert [row["points"] for row in rows] == ["16", "8", "0"] and "ex 3.1" not in rows[0]
    assert rows[2]["comments"].startswith("eve.zip is refused: it holds a path with '..'")
    reports = sorted(path.name for path in Path("out/reports").iterdir())
    assert reports == [f"{n}.{s}" for n in ("ada", "ben", "eve") for s in ("html", "md")]
    assert Path("out/reports/ben.md").read_text().startswith("# Week 3: ben\n")
    assert not list(tmp_path.rglob("layers.py"))

    for arguments, sentence in (
        (["--all", "class", "--into", "e.csv"], "needs --all FOLDER and --column NAME"),
        (["--all", "class", "--into", "e.csv", "--column", "x"], "has no column 'x'"),
        (["--all", "class", "--handout", "class"], "is no handout"),
        (["--all", "class", "--handout", str(handout), "--exercises", "1.1"], "not ask for 1.1"),
        (["--all", ".", "--csv", "../g.csv"], ""),
        (["class/nobody.zip"], "is no folder and no zip"),
        (["class/eve.zip"], "a path with '..'"),
    ):
        if sentence:
            assert run(*command, *arguments) == 2
            assert sentence in capsys.readouterr().err


def test_a_class_of_moodle_there_and_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A German worksheet, an online text, own points: grades, times and reports, read as Moodle
    reads them.
    """
    monkeypatch.chdir(tmp_path)
    hand_in(tmp_path / "class" / "Ada Park_17_assignsubmission_file", source.reference())
    text = _made(tmp_path / "class" / "Ada Park_17_assignsubmission_onlinetext")
    (text / "onlinetext.html").write_text("<p>see the file</p>")
    Path("e.csv").write_text(
        'ID,"Vollständiger Name",Bewertung,"Zuletzt geändert (Abgabe)"\n'
        'Teilnehmer/in17,"Ada Park",,"Montag, 3. November 2025, 11:05"\n'
        'Teilnehmer/in18,"Ben Cho",,-\n',
        encoding="utf-8",
    )
    choice = ["--exercises", "2.2", "--points", "2.2=12.5", "--sandbox", SANDBOX]
    command = ["homework", "grade", "--all", "class", *choice, "--handback", "f.zip"]
    assert run(*command, "--into", "e.csv", "--column", "Bewertung", "--take", "best") == 0
    said = capsys.readouterr().out
    assert "wrote f.zip: 1 reports to hand back" in said and "1 cells of 'Bewertung'" in said
    rows = list(csv.reader(io.StringIO(Path("e.csv").read_text("utf-8"))))
    assert [row[2] for row in rows] == ["Bewertung", "12.5", ""]
    (row,) = csv.DictReader(io.StringIO(Path("grades.csv").read_text("utf-8-sig")))
    assert row["handed in"] == "Montag, 3. November 2025, 11:05" and row["of"] == "12.5"
    name, report = moodle_reads(Path("f.zip").read_bytes(), {17, 18})[17]
    assert name == "report.html" and b"12.5 of 12.5 points" in report
    Path("f.zip").write_bytes(b"somebody's own")
    assert run(*command) == 2 and Path("f.zip").read_bytes() == b"somebody's own"


def test_a_group_of_gradescope_has_a_row_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two submitters of one submission: two rows, two reports, two cells, by name, e-mail, SID;
    the table of submitters is nobody's work.
    """
    monkeypatch.chdir(tmp_path)
    hand_in(tmp_path / "class" / "submission_1", source.reference())
    (tmp_path / "class" / "submission_metadata.yml").write_text(
        "submission_1:\n  :submitters:\n  - :name: Ada Park\n    :sid: 'A-17'\n"
        "    :email: a@u.example\n  - :name: Ben Cho\n    :sid: 'A-18'\n    :email: b@u.example\n"
        "  :created_at: 2025-11-03 10:05:00.000000000 Z\n"
    )
    Path("e.csv").write_text("Student,ID,SIS User ID,hw\nPark Ada,9,A-17,\nBenjamin,8,A-18,\n")
    choice = ["--exercises", "2.2", "--sandbox", SANDBOX, "--into", "e.csv", "--column", "hw"]
    assert run("homework", "grade", "--all", "class", *choice) == 0
    assert Path("e.csv").read_text().count(",8\n") == 2
    rows = list(csv.DictReader(io.StringIO(Path("grades.csv").read_text("utf-8-sig"))))
    assert [row["submission"] for row in rows] == ["Ada Park", "Ben Cho"]
    assert {row["handed in"] for row in rows} == {"2025-11-03 10:05:00 Z"}
    assert {path.stem for path in Path("reports").iterdir()} == {"Ada Park", "Ben Cho"}
    assert "1 of 1" in Path("grades.txt").read_text()


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def test_output_that_goes_away_loses_no_file(tmp_path: Path) -> None:
    """Nobody reads what grading prints: exit code 0, and the table, the picture, the reports and
    the filled column are there; of one submission, its results.json.
    """
    hand_in(tmp_path / "class" / "ada", source.reference())
    (tmp_path / "e.csv").write_text("Student,hw\nAda,\n")
    options = ["--exercises", "2.2", "--sandbox", SANDBOX]
    grade_class = ["--all", "class", "--into", "e.csv", "--column", "hw"]
    for more in (grade_class, ["class/ada", "--json", "results.json"]):
        assert unread("homework", "grade", *more, *options, cwd=tmp_path) == 0
    assert (tmp_path / "e.csv").read_text() == "Student,hw\nAda,8\n"
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {"grades.csv", "grades.txt", "grades.png", "results.json"}
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == ["ada.html", "ada.md"]


def test_a_file_of_another_kind_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table, a text, a picture or a zip of somebody's own: refused before any work, and as it
    was. What an earlier call has written is replaced.
    """
    monkeypatch.chdir(tmp_path)
    hand_in(tmp_path / "class" / "ada", source.reference())
    choice = ["--exercises", "2.2"]
    grading = ["homework", "grade", "--all", "class", "--sandbox", SANDBOX, *choice]
    zipping = ["homework", "autograder", "week.zip", *choice]
    for command, name in (
        (grading, "grades.csv"), (grading, "grades.txt"), (grading, "grades.png"),
        (zipping, "week.zip"),
    ):  # fmt: skip
        Path(name).write_text("Student,points\nAda,9\n")
        assert run(*command) == 2
        assert f"{name} is there, and no" in capsys.readouterr().err
        assert Path(name).read_text() == "Student,points\nAda,9\n"
        Path(name).unlink()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["class"]
    for command in (grading, zipping):
        assert run(*command) == run(*command) == 0


def test_options_that_would_do_nothing_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--csv or --jobs for one submission, --column or --key without a table: exit code 2."""
    one, all_ = [str(tmp_path)], ["--all", str(tmp_path)]
    for options, words in (
        ([*one, "--csv", "g.csv"], "--csv and --jobs are for a class"),
        ([*one, "--jobs", "2"], "--csv and --jobs are for a class"),
        ([*all_, "--column", "hw"], "--column and --key need --into"),
        ([*all_, "--key", "ID"], "--column and --key need --into"),
        (
            [*all_, "--take", "best"],
            "--column and --key need --into EXPORT.csv, and so does --take",
        ),
        ([*one, "--handback", "f.zip"], "so is --handback: they need --all"),
        ([*one, "--points", "2.2"], "it should be N=POINTS"),
    ):
        assert run("homework", "grade", *options) == 2
        assert words in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("homework", "grade", *one, "--json", "results.csv")
    assert "should end in .json" in capsys.readouterr().err


def test_check_is_for_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--check exits with 0 at full points, with 1 below; without it always with 0 (above)."""
    monkeypatch.chdir(tmp_path)
    hand_in(tmp_path / "ada", source.reference())
    hand_in(tmp_path / "ben", filled("2.2", SIGN))
    choice = ["--exercises", "2.2", "--sandbox", SANDBOX]
    codes = [run("homework", "grade", name, "--check", *choice) for name in ("ada", "ben")]
    assert codes == [0, 1]


# ---- the guide ----

GUIDE = (Path(room.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_every_command_of_the_guide_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line that begins with scratchvae has options that there are, and exercises too."""
    commands = re.findall(r"^(?:\$ )?scratchvae (.+)$", GUIDE, re.MULTILINE)
    seen: list[str] = []
    for name in ("show", "make", "grade", "autograder"):
        monkeypatch.setattr(room, name, lambda args: seen.append(room._selected(args)) or 0)
    for name in ("sheet", "grade_sheet"):
        monkeypatch.setattr(sheets, name, lambda args: seen.append([args.topics]) or 0)
    for command in commands:
        words = shlex.split(command)
        if "--exercises" in words:
            select(words[words.index("--exercises") + 1].split(","))
        if words[1] != "list":
            assert run(*words) == 0, command
    assert len(commands) >= 12 and len(seen) == len([c for c in commands if " list" not in c])


def test_the_five_weeks_ask_each_exercise_once() -> None:
    """All exercises of the table, each in one week; the points of a week; demos that there are."""
    weeks = re.findall(r"make week\d --exercises (\S+)", GUIDE)
    chosen = [[e.number for e in select(week.split(","))] for week in weeks]
    assert sorted(number for week in chosen for number in week) == sorted(
        exercise.number for exercise in EXERCISES
    )
    rows = re.findall(r"^\| \d .*\|$", GUIDE, re.MULTILINE)
    for row, numbers in zip(rows, chosen, strict=True):
        cells = row.split(" | ")
        assert int(re.findall(r"\((\d+)", cells[-1])[0]) == sum(
            BY_NUMBER[number].points for number in numbers
        )
        package = Path(source.PACKAGE)
        for name in re.findall(r"`(\w+\.py)`", cells[2]):
            assert (package / name).is_file()
        for name in re.findall(r"`(\w+)`", cells[3]):
            demos = package.parent / "demos"
            assert not demos.is_dir() or (demos / f"{name}.py").is_file()


def test_backquotes_hide_no_markup(tmp_path: Path) -> None:
    """An odd number of backquotes does not make Markdown and this program disagree on code."""
    for name in ("``` <img src=x> `", "`` <img src=x> ` `", "` <img src=x> `` <img src=y> ``"):
        text = handback.markdown(Grade(name, [], False, f"its own package says {name}"))
        for code in re.findall(r"(?<![\\`])(`+)(?!`)(.*?)(?<!`)\1(?!`)", text):
            text = text.replace(f"{code[0]}{code[1]}{code[0]}", "")
        assert "img" in text or name.startswith("` ")
        assert not re.search(r"(?<!\\)<", text), text


@pytest.mark.parametrize("name", ["🦊" * 60, "n" * 255, "é" * 120], ids=["4", "1", "2"])
def test_a_report_of_any_name_can_be_written(name: str, tmp_path: Path) -> None:
    """A name of a folder has 255 bytes; that of the report, and of its unfinished part, more."""
    written = handback.write(tmp_path, [Grade(name, [], False, ""), Grade(name, [], False, "")])
    assert len(written) == 4 and all(path.is_file() for path in written)
