"""Homework: what is handed out gives nothing away, and what comes back is marked rightly."""

import ast
import builtins
import csv
import json
import keyword
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import write_image_set
from homework_marks import public_tests
from homework_submissions import best_sandbox, filled, hand_in, some, whole_key
from homework_variants import VARIANTS

from scratchvae import cli as core
from scratchvae.homework import asked, catalogue, cli, grade, judge, leaks, make, source
from scratchvae.homework.exercises import BY_NUMBER, EXERCISES, Exercise, closure, select
from scratchvae.homework.here import package
from scratchvae.homework.key import Key
from scratchvae.homework.merge import merge
from scratchvae.homework.sandbox import Sandbox
from scratchvae.homework.source import SourceError
from scratchvae.homework.submission import Submission

IDS = [exercise.number for exercise in EXERCISES]
SANDBOX = best_sandbox()
WITH_HOMEWORK = {"tests/test_homework.py", "scratchvae/homework.json"}  # of the handout
BESIDE = {
    f"tests/homework/{name}"
    for name in (*make.BESIDE, "__init__.py", "expected.py", "answers.json")
}


@pytest.fixture(scope="module")
def key() -> Key:
    """Of all exercises."""
    return whole_key()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One process for the tests that grade one exercise."""
    with Sandbox(SANDBOX) as opened:
        yield opened


def run(*command: str) -> int:
    """The command line, with the homework's commands."""
    return core.main(command, rooms=[cli.add_commands])


def mark_of(number: str, files: dict[str, str], key: Key, sandbox: Sandbox) -> grade.Mark:
    """Of one exercise."""
    handed_in = Submission("x", files)
    return grade._grade_one(BY_NUMBER[number], handed_in, key, sandbox, 10)[0]


def public_results(texts: dict[str, str], exercise: Exercise) -> list[bool]:
    """Whether each public test of the exercise passes with this package."""
    with package(texts):
        scope: dict[str, Any] = {"__name__": "public"}
        exec(
            compile(make.PUBLIC_TESTS.read_text(encoding="utf-8"), "public_tests.py", "exec"), scope
        )
        return [_passes(test) for _, test in public_tests(scope, exercise.number)]


def _passes(test: Callable[[], None]) -> bool:
    try:
        with np.errstate(all="ignore"):
            test()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return False
    return True


# ---- the table ----


def test_the_table_is_in_order_and_every_function_is_there() -> None:
    """Each exercise builds on earlier ones only, and is where the table says, with a docstring."""
    order = {exercise.number: i for i, exercise in enumerate(EXERCISES)}
    assert len(order) == len(EXERCISES) and 24 <= len(EXERCISES) <= 34
    assert BY_NUMBER["1.1"].name == "entropy" and BY_NUMBER["2.4"].name == "reparameterize_backward"
    for exercise in EXERCISES:
        function = source.need(source.reference()[exercise.module], exercise.name, exercise.module)
        assert source.ast.get_docstring(function)
        assert all(order[other] < order[exercise.number] for other in exercise.builds_on)
        later = {other for other in exercise.may_call if order[other] > order[exercise.number]}
        assert later == ({"1.3"} if exercise.number == "1.1" else set())  # log n − KL(p ‖ uniform)
        assert exercise.number not in closure(exercise.number)
    assert [e.number for e in select(["2", "1.1"])] == [
        "1.1",
        *(n for n in IDS if n.startswith("2.")),
    ]
    with pytest.raises(ValueError, match=r"there is no exercise '9\.9'"):
        select(["9.9"])


# ---- making it ----


def test_handout_is_the_reference_but_for_the_blanked_bodies() -> None:
    """Every line of the handout's package is a line of the reference, in its order, or a `raise`.

    The `raise` has the exercise's number.
    """
    blanked = make.blank(EXERCISES)
    for name, text in source.reference().items():
        ours, theirs = (
            iter(text.splitlines(keepends=True)),
            blanked.package[name].splitlines(keepends=True),
        )
        for line in theirs:
            if not line.strip().startswith("raise NotImplementedError("):
                assert any(line == other for other in ours), (
                    f"{name}.py: {line!r} is not of the reference"
                )
    for exercise in EXERCISES:
        function = source.need(blanked.package[exercise.module], exercise.name, exercise.module)
        original = source.need(source.reference()[exercise.module], exercise.name, exercise.module)
        assert (
            f'raise NotImplementedError("Exercise {exercise.number}: {exercise.title}")'
            in blanked.package[exercise.module]
        )
        assert len(source.body(function)) == 1
        assert source.ast.get_docstring(function, clean=False) == source.ast.get_docstring(
            original, clean=False
        )
        assert source.ast.dump(function.args) == source.ast.dump(original.args)


@pytest.mark.parametrize("number", [*IDS, "1", "2", "3"])
def test_no_choice_of_exercises_leaves_an_answer_standing(number: str) -> None:
    """make succeeds for each exercise and each chapter: what says the answer goes with it."""
    blanked, files = make.handout(select([number]), "T")
    assert {e.number for e in select([number])} <= {e.number for e in blanked.exercises}
    assert not any("homework" in name for name in set(files) - WITH_HOMEWORK - BESIDE)
    assert not any("scratchvae.homework" in text for text in files.values())
    assert not dangling(files)


# a function of SciPy; the grey level in a formula
ELSEWHERE = {"jensenshannon", "pixel"}


def dangling(files: dict[str, str]) -> set[str]:
    """What the texts of a handout name that is not in it: functions, names in backquotes, files.

    What stands in files of the package that the handout does not have, as its __init__ says, is
    no such thing.
    """
    reference = source.reference()
    elsewhere = {name for name in reference if f"scratchvae/{name}.py" not in files}
    code = {name: source.parse(text, name) for name, text in files.items() if name.endswith(".py")}
    known, words = {*dir(builtins), *keyword.kwlist}, set[str]()
    for tree in (*code.values(), *(source.parse(reference[name], "") for name in elsewhere)):
        for node in ast.walk(tree):
            for field in ("id", "attr", "arg", "name"):
                known.add(str(getattr(node, field, "")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words |= {node.value} if " " not in node.value else set()
    defined = {name for tree in code.values() for name in source.functions(tree)}
    found = {
        name
        for module in reference.keys() - elsewhere
        for name in source.functions(source.parse(reference[module], ""))
        if name not in defined
        and any(re.search(rf"\b{name.split('.')[-1]}\b", text) for text in files.values())
    }
    ends = {path for file in files for path in (file, file.rpartition("/")[2])}
    ends |= {f"{name}.py" for name in elsewhere}
    for text in files.values():
        found |= {
            path
            for path in re.findall(r"[\w/.-]+\.(?:py|md|ipynb|html|cfg|toml)\b", text)
            if path not in ends
        }
        found |= set(re.findall(r"\b(?:demos?|docs|tutorials?|notebooks?)\b", text))
        for name in re.findall(r"(?<!`)`([A-Za-z_][\w.]*)(?:\(\))?`(?!`)", text):
            if name.startswith("np.") and hasattr(np, name[3:]):
                continue
            if name.split(".")[-1] not in known | words | ELSEWHERE and name not in ends:
                found.add(name)
    return found


def test_what_is_named_and_not_there_is_found() -> None:
    """A helper that was taken out, a demo, a file, a name in backquotes."""
    _, files = make.handout(EXERCISES, "T")
    text = files["scratchvae/pca.py"]
    for words, said in (
        ("# as _p_log_q does", {"_p_log_q"}),
        ("# see `demos/pca.py`", {"demos", "demos/pca.py"}),
        ("# see guide.md", {"guide.md"}),
        ("# as `layers.softmax` does", {"layers.softmax"}),
    ):
        assert dangling({**files, "scratchvae/pca.py": f"{text}\n{words}\n"}) == said


PLANTS = [
    (
        "distributions",
        "\n\ndef sample(m, s, t):\n    drawn = m + np.exp(0.5 * s) * t\n    return drawn * 1\n",
        "distributions.reparameterize",
    ),
    (
        "vae",
        "\n\nclass Other:\n    def kl(self, a, b):\n"
        "        return 0.5 * (np.expm1(b) - b + a * a).sum(axis=-1)\n",
        "distributions.gaussian_kl",
    ),
    (
        "files",
        "\n\ndef logistic(t):\n    small = np.exp(-np.abs(t))\n"
        "    return np.maximum(small, t >= 0) / (1 + small)\n",
        "layers.sigmoid",
    ),
    (
        "layers",
        "\n\ndef again(x):\n    def inner(a, b):\n"
        "        return a - sigmoid(b)\n    return inner\n",
        "bernoulli_log_likelihood_backward",
    ),
    (
        "checks",
        '\n\ndef hint():\n    """return mu + np.exp(0.5 * logvar) * eps"""\n',
        "distributions.reparameterize",
    ),
    ("checks", "\n\n# np.matmul(self.x.T, dy, out = self.dW)\n", "layers.Affine.backward_weights"),
]


@pytest.mark.parametrize("module, text, answer", PLANTS, ids=range(len(PLANTS)))
def test_an_answer_that_stands_elsewhere_is_found(
    module: str, text: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under other names, in a nested function, in a docstring or a comment.

    make fails and says where.
    """
    reference = source.reference()
    monkeypatch.setattr(
        source, "reference", lambda: {**reference, module: reference[module] + text}
    )
    with pytest.raises(
        make.LeakError, match=f"{answer.split('.')[-1]} stands in scratchvae/{module}.py"
    ):
        make.handout(EXERCISES, "T")


def test_a_function_that_has_moved_fails_the_making(monkeypatch: pytest.MonkeyPatch) -> None:
    """make says which function is not where the table has it."""
    reference = source.reference()
    monkeypatch.setattr(
        source,
        "reference",
        lambda: {
            **reference,
            "layers": reference["layers"].replace("def sigmoid(", "def logistic("),
        },
    )
    with pytest.raises(SourceError, match=r"layers\.py has no sigmoid"):
        make.handout(EXERCISES, "T")


def test_names_of_the_package_are_not_renamed_in_the_search() -> None:
    """x − sigmoid(a) and u − tanh(v) are different; a + b and c + d are the same."""
    one, two, three = (
        source.parse(f"def f(x, a):\n    return x - {g}(a)\n", "")
        for g in ("sigmoid", "tanh", "sigmoid")
    )
    shapes = [leaks._whole(tree.body[0]) for tree in (one, two, three)]  # type: ignore[arg-type]
    assert shapes[0] == shapes[2] != shapes[1]


# ---- the public tests ----


@pytest.mark.parametrize("number", IDS)
def test_public_tests_need_only_what_the_exercise_builds_on(number: str) -> None:
    """They pass with every exercise blank that it does not build on, and may not call.

    Every one of them fails while its own is blank.
    """
    exercise = BY_NUMBER[number]
    around = make.package_around(exercise)
    solved = {
        **around,
        exercise.module: ast.unparse(
            merge(around[exercise.module], _with_helpers(exercise), exercise.name, exercise.module)
        ),
    }
    passed, blank = (
        public_results(solved, exercise),
        public_results(make.blank(EXERCISES).package, exercise),
    )
    assert passed and all(passed)
    assert blank and not any(blank)


@pytest.mark.parametrize("number", IDS)
def test_what_an_exercise_builds_on_is_what_its_public_tests_need(number: str) -> None:
    """They pass with only these and itself filled in; without any one of them a test fails."""
    exercise = BY_NUMBER[number]

    def passes(filled_in: set[str]) -> bool:
        return all(public_results(_only(filled_in | {number}), exercise))

    needed = set(exercise.builds_on)
    assert list(exercise.builds_on) == [n for n in IDS if n in needed]
    assert passes(needed)
    assert not any(passes(needed - {other}) for other in needed)
    assert not needed & set(exercise.may_call)


def _only(numbers: set[str]) -> dict[str, str]:
    """The reference with these exercises alone; the others are blank."""
    package = {**source.reference(), "__init__": '__version__ = "0"\n'}
    for exercise in EXERCISES:
        if exercise.number not in numbers:
            name, file = exercise.module, f"{exercise.module}.py"
            package[name] = source.blank(package[name], exercise.name, "blank", file)
    return package


def _with_helpers(exercise: Exercise) -> str:
    return source.reference()[exercise.module]


# ---- grading ----


def test_reference_has_full_points_and_the_untouched_handout_none(key: Key, tmp_path: Path) -> None:
    """Every check of every exercise, and the package trains; in the handout nothing is right."""
    ours = grade.grade(hand_in(tmp_path / "reference", source.reference()), key)
    assert ours.points == ours.most and ours.trains and ours.final and not ours.note
    assert all(mark.kind == "right" and not mark.sentence for mark in ours.marks)
    assert all(done == total > 0 for mark in ours.marks for done, total in mark.passed.values())
    make.write(tmp_path / "handout", EXERCISES, "T")
    theirs = grade.grade(tmp_path / "handout", key)
    assert theirs.points == 0 and not theirs.trains
    assert all(mark.kind == "not done" for mark in theirs.marks)
    assert all(mark.sentence.startswith("not done") for mark in theirs.marks)


@pytest.mark.parametrize("number", IDS)
def test_each_classical_mistake_loses_points_and_has_its_name(number: str, key: Key) -> None:
    """What the key holds of a mistake is judged as a student's would be."""
    job, right, most = key.jobs[number], key.right[number], BY_NUMBER[number].points
    for sentence, wrong in key.wrong[number]:
        verdict = judge.judge(job, most, right, wrong, lambda: key.wrong[number])
        assert verdict.points < most and verdict.remarks[0] == sentence


@pytest.mark.parametrize("number", IDS)
def test_a_mistake_is_named_from_the_sandbox_too(number: str, key: Key, sandbox: Sandbox) -> None:
    """The first mistake of each exercise, handed in as a file."""
    mistake = catalogue.of(number)[0]
    mark = mark_of(number, filled(number, mistake.body, mistake.helpers), key, sandbox)
    assert mark.points < mark.most
    assert (mark.kind, mark.mistake) == ("mistake", mistake.sentence)


@pytest.mark.parametrize("number", IDS)
def test_a_correct_variant_loses_nothing(number: str, key: Key, sandbox: Sandbox) -> None:
    """From the sandbox too, where the first of each exercise is tried: full points."""
    body, top = next((body, top) for other, _, body, top in VARIANTS if other == number)
    mark = mark_of(number, filled(number, body, top), key, sandbox)
    assert mark.points == mark.most, mark.sentence


def test_points_for_care(key: Key, sandbox: Sandbox) -> None:
    """Right in float64; an argument is changed, float32 becomes float64, or bad input goes through.

    Each costs one point.
    """
    change = """
mu *= 1
logvar -= 0.5
logvar += 0.25
return 0.5 * (np.exp(logvar + 0.25) - logvar - 0.25 - 1 + mu * mu).sum(axis=-1)"""
    wide = "return 0.5 * (np.exp(logvar.astype(float)) - 1 - logvar + mu * mu).sum(axis=-1)"
    loose = """
q = np.asarray(q, float)
return np.where(q > 0, 1.0 - np.frexp(q)[1], np.inf)"""
    for number, body, kind in (
        ("2.2", change, "inputs"),
        ("2.2", wide, "shapes"),
        ("1.6", loose, "errors"),
    ):
        mark = mark_of(number, filled(number, body), key, sandbox)
        assert [k for k, (done, total) in mark.passed.items() if done < total] == [kind], mark
        assert mark.points == mark.most - 1 and mark.sentence


def test_a_mistake_that_nobody_made_before_is_shown_at_the_smallest_input(
    key: Key, sandbox: Sandbox
) -> None:
    """The input, what is expected, what came: KL of mu and logvar, each one number."""
    body = "return 0.4 * (np.exp(logvar) - 1 - logvar + mu * mu).sum(axis=-1)"
    mark = mark_of("2.2", filled("2.2", body), key, sandbox)
    assert mark.kind == "other" and not mark.mistake and mark.points == 0
    pattern = r"at mu = \[(.*)\], logvar = \[(.*)\]: (.*) expected, (.*) came"
    mu, logvar, *values = map(float, re.fullmatch(pattern, mark.sentence).groups())  # type: ignore
    kl = 0.5 * (np.exp(logvar) - 1 - logvar + mu * mu)
    assert np.allclose(values, [kl, 0.8 * kl], rtol=1e-4)


def test_one_mistake_costs_one_exercise(key: Key, tmp_path: Path) -> None:
    """With a wrong sigmoid, what builds on it keeps its points; the whole is judged by itself."""
    files = filled("2.6", "return np.tanh(a)")
    result = grade.grade(hand_in(tmp_path / "x", files), key)
    assert [mark.number for mark in result.marks if mark.points < mark.most] == ["2.6"]
    uphill = filled("2.8", "return sigmoid(logits) - x")
    result = grade.grade(hand_in(tmp_path / "y", uphill), some(key, "2.8"))
    assert not result.trains and "does not train: bound" in result.whole


# ---- the commands ----


def test_commands_list_make_and_grade_a_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """list; make; grade one to results.json; grade a class to CSV, text and PNG.

    Graded again, the results are kept from before.
    """
    monkeypatch.chdir(tmp_path)
    assert run("homework", "list") == 0
    assert "2.4" in capsys.readouterr().out
    assert run("homework", "make", "handout", "--exercises", "2.2,2.4", "--title", "Week 3") == 0
    assert (
        (tmp_path / "handout" / "ASSIGNMENT.md")
        .read_text(encoding="utf-8")
        .startswith("# Week 3\n")
    )
    assert run("homework", "make", "handout") == 2
    assert run("homework", "make", "other", "--exercises", "7") == 2
    assert run("homework", "grade") == 2
    assert run("homework", "grade", "nowhere") == 2

    hand_in(tmp_path / "class" / "ada", source.reference())
    wrong = catalogue.of("2.2")[0]
    hand_in(tmp_path / "class" / "=ben", filled("2.2", wrong.body, wrong.helpers))
    (tmp_path / "class" / "cyn").mkdir()
    choice = ["--exercises", "2.2,2.4", "--sandbox", SANDBOX]
    assert run("homework", "grade", "class/=ben", "--json", "results.json", *choice) == 0
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results["score"] == 8 and [test["max_score"] for test in results["tests"]] == [8, 8, 0]
    assert results["tests"][0]["output"].startswith(wrong.sentence)
    capsys.readouterr()
    for again in (False, True):
        assert (
            run("homework", "grade", "--all", "class", "--csv", "g.csv", "--jobs", "2", *choice)
            == 0
        )
        assert ("kept from before" in capsys.readouterr().err) == again
    rows = list(csv.DictReader((tmp_path / "g.csv").open(encoding="utf-8-sig")))
    assert [(row["submission"], row["points"], row["ex 2.2"]) for row in rows] == [
        ("'=ben", "8", "0"),
        ("ada", "16", "8"),
        ("cyn", "0", "0"),
    ]
    assert f"1 x {wrong.sentence}" in (tmp_path / "g.txt").read_text(encoding="utf-8")
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_what_grading_writes_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`grade --all` and `grade --json`: files are 0600 and folders 0700, also where others could
    read what is replaced.
    """
    monkeypatch.chdir(tmp_path)
    hand_in(tmp_path / "class" / "ada", source.reference())
    (tmp_path / "class" / "cyn").mkdir()
    choice = ["--exercises", "2.2", "--sandbox", SANDBOX]
    out = tmp_path / "out"
    out.mkdir()
    grading = ["homework", "grade", "--all", "class", "--csv", "out/g.csv", "--json", "out/r.json"]
    before = os.umask(0o022)
    try:
        for _ in range(2):
            assert run(*grading, *choice) == 0
            assert run("homework", "grade", "class/ada", "--json", "out/ada.json", *choice) == 0
            written = sorted(out.rglob("*"))
            modes = {
                str(path.relative_to(out)): stat.S_IMODE(path.stat().st_mode) for path in written
            }
            assert modes == {
                str(path.relative_to(out)): 0o700 if path.is_dir() else 0o600 for path in written
            }
            assert {"g.csv", "g.txt", "g.png", "r.json", "ada.json"} < set(modes)
            assert {path.suffix for path in written} >= {".md", ".html"}
            assert sum(path.is_dir() for path in written) == 2  # of the results and the reports
            for path in written:
                path.chmod(0o755 if path.is_dir() else 0o644)
            for path in (file for file in written if file.suffix == ".json" and file.parent != out):
                path.unlink()  # what is kept is not written again
    finally:
        os.umask(before)


def test_handout_stands_alone(tmp_path: Path) -> None:
    """pytest knows a marker for each exercise, and every test fails: also where the right package
    is installed, and pytest does not look into the folder that it is started in.
    """
    make.write(tmp_path / "h", select(["2.3", "2.4"]), "T")
    installed = str(hand_in(tmp_path / "installed", source.reference()))
    options = ["-p", "no:cacheprovider", "-m", "exercise_2_4"]
    code = f"import sys; sys.path.insert(0, {installed!r}); import pytest; pytest.main({options})"
    command = [sys.executable, "-I", "-c", code]
    run = subprocess.run(command, cwd=tmp_path / "h", capture_output=True, text=True)
    assert "2 failed, 2 deselected" in run.stdout, run.stdout + run.stderr


@pytest.mark.parametrize(
    "number, files",
    [
        ("1", {"info"}),
        ("2.6", {"layers", "parameters", "checks"}),
        ("3.5", source.reference().keys() - {"__init__"}),
    ],
)
def test_a_handout_has_the_files_that_it_needs(number: str, files: set[str]) -> None:
    """Chapter 1 is one file, a layer three; what needs the model has all. Its tests import no more,
    and hold no helper that is not called.
    """
    blanked, texts = make.handout(select([number]), "T")
    assert blanked.package.keys() == files | {"__init__"}
    tree = ast.parse(texts["tests/test_homework.py"])
    named = {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert named & source.reference().keys() <= files
    called = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert {n for n in source.functions(tree) if not n.startswith("test_")} <= called
    assert ("## Data" in texts["ASSIGNMENT.md"]) == ("training" in files)


def test_points_for_the_whole_are_the_teacher_s(tmp_path: Path) -> None:
    """A handout that can train says them, and another is refused."""
    make.write(tmp_path / "h", select(["3.12"]), "T", whole=5)
    assert "\n5 more points" in (tmp_path / "h" / "ASSIGNMENT.md").read_text(encoding="utf-8")
    assert asked.load(tmp_path / "h").whole == 5
    with pytest.raises(ValueError, match="no package that can train"):
        make.handout(select(["1"]), "T", whole=5)
    with pytest.raises(ValueError, match="no package that can train"):
        make.handout(select(["3.12"]), "T", select(["4"]), 5)


def test_what_later_weeks_ask_is_blank_where_nothing_needs_it(tmp_path: Path) -> None:
    """In the week of 2.6 and 3.5, of chapters 2 to 4, all but what 3.5 builds on. Its right answer
    passes.
    """
    later = [e for e in EXERCISES if e.number[0] in "234"]
    blanked = make.blank(select(["2.6", "3.5"]), later)
    kept = closure("3.5") | {"2.6", "3.5"}
    assert {e.where for e in later if e.number not in kept} <= set(blanked.unasked)
    assert not {BY_NUMBER[number].where for number in kept} & set(blanked.unasked)
    for exercise in blanked.exercises:
        name, module = exercise.name, exercise.module
        right = source.reference()[module]
        merged = merge(blanked.package[module], right, name, module)
        blanked.package[module] = ast.unparse(merged)
    assert all(public_results(blanked.package, BY_NUMBER["3.5"]))
    # a helper goes with them, unless an exercise that stays calls it
    assert make.blank(select(["1.6"]), select(["1.3", "1.5"])).removed == ["info._gibbs_terms"]
    assert make.blank(select(["1.6"]), select(["1.3"])).removed == []
    assert run("homework", "make", str(tmp_path / "h"), "--exercises", "1.1", "--also-blank",
               "1.6") == 0  # fmt: skip
    assert "`info.code_lengths`" in (tmp_path / "h" / "ASSIGNMENT.md").read_text(encoding="utf-8")


def test_the_handout_has_the_data_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--with-data: the idx files, byte for byte. Where there are none, one sentence, no handout."""
    images = write_image_set(tmp_path / "images")
    monkeypatch.setenv("SCRATCHVAE_DATA", str(images))
    make.write(tmp_path / "week", select(["1.1"]), "Week 1", with_data=True)
    given = {path.name: path.read_bytes() for path in images.iterdir()}
    found = {path.name: path.read_bytes() for path in (tmp_path / "week" / "data").iterdir()}
    assert found == given and len(given) == 4
    np.save(tmp_path / "table.npy", np.eye(3))
    monkeypatch.setenv("SCRATCHVAE_DATA", str(tmp_path / "table.npy"))
    with pytest.raises(ValueError, match=r"table\.npy holds no idx files"):
        make.write(tmp_path / "other", select(["1.1"]), "Week 1", with_data=True)
    assert not (tmp_path / "other").exists()
