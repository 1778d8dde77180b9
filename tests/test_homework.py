"""Homework: what is handed out gives nothing away, what comes back is marked rightly, and nothing that is handed in stops the run."""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import homework_mutations
import numpy as np
import pytest
from homework_submissions import HOSTILE, VARIANTS, filled, hand_in

from scratchvae import cli as core
from scratchvae.homework import catalogue, cli, grade, leaks, make, source
from scratchvae.homework.child import Sources
from scratchvae.homework.exercises import BY_NUMBER, EXERCISES, Exercise, closure, select
from scratchvae.homework.sandbox import Sandbox
from scratchvae.homework.source import PACKAGE, SourceError

IDS = [exercise.number for exercise in EXERCISES]
KEY = grade.Key()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One process for the tests that grade one exercise."""
    with Sandbox() as opened:
        yield opened


def run(*command: str) -> int:
    """The command line, with the homework's commands."""
    return core.main(command, rooms=[cli.add_commands])


def mark_of(
    number: str, files: dict[str, str], sandbox: Sandbox, seconds: float = 10
) -> grade.Mark:
    return grade._grade_one(BY_NUMBER[number], files, KEY, sandbox, seconds)[0]


@contextmanager
def package_of(texts: dict[str, str]) -> Iterator[None]:
    """`import scratchvae` gives these texts."""
    kept = {
        name: sys.modules.pop(name)
        for name in list(sys.modules)
        if name.split(".")[0] == "scratchvae"
    }
    finder = Sources(
        {
            "scratchvae" if name == "__init__" else f"scratchvae.{name}": text
            for name, text in texts.items()
        }
    )
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.split(".")[0] == "scratchvae"]:
            del sys.modules[name]
        sys.modules.update(kept)


def public_results(texts: dict[str, str], exercise: Exercise) -> list[bool]:
    """Whether each public test of the exercise passes with this package."""
    with package_of(texts):
        scope: dict[str, Any] = {"__name__": "public"}
        exec(
            compile(make.PUBLIC_TESTS.read_text(encoding="utf-8"), "public_tests.py", "exec"), scope
        )
        results = []
        for name, test in list(scope.items()):
            marks = getattr(test, "pytestmark", [])
            if name.startswith("test_") and any(mark.name == exercise.marker for mark in marks):
                for case in next(
                    (mark.args[1] for mark in marks if mark.name == "parametrize"), [()]
                ):
                    results.append(_passes(test, case))
        return results


def _passes(test: Callable[..., None], case: tuple[Any, ...]) -> bool:
    try:
        with np.errstate(all="ignore"):
            test(*case)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return False
    return True


# ---- the table ----


def test_the_table_is_in_order_and_every_function_is_there() -> None:
    """About 25 exercises; each builds on earlier ones only, and is where the table says, under the docstring that states its equation."""
    order = {exercise.number: i for i, exercise in enumerate(EXERCISES)}
    assert len(order) == len(EXERCISES) and 24 <= len(EXERCISES) <= 34
    assert BY_NUMBER["1.1"].name == "entropy" and BY_NUMBER["2.4"].name == "reparameterize_backward"
    for exercise in EXERCISES:
        function = source.need(source.reference()[exercise.module], exercise.name, exercise.module)
        assert source.ast.get_docstring(function)
        assert all(order[other] < order[exercise.number] for other in closure(exercise.number))
    assert [e.number for e in select(["2", "1.1"])] == [
        "1.1",
        *(n for n in IDS if n.startswith("2.")),
    ]
    with pytest.raises(ValueError, match=r"there is no exercise '9\.9'"):
        select(["9.9"])


# ---- making it ----


def test_handout_is_the_reference_but_for_the_blanked_bodies() -> None:
    """Every line of the handout's package is a line of the reference, in its order, or one `raise` with the exercise's number."""
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
    """make succeeds for each exercise alone and each chapter: helpers and twins that say the answer go with it."""
    blanked, files = make.handout(select([number]), "T")
    assert {e.number for e in select([number])} <= {e.number for e in blanked.exercises}
    assert not any("homework" in name and name != "tests/test_homework.py" for name in files)
    assert not any("scratchvae.homework" in text for text in files.values())


PLANTS = [
    (
        "distributions",
        "\n\ndef sample(m, s, noise):\n    drawn = m + np.exp(0.5 * s) * noise\n    return drawn * 1\n",
        "distributions.reparameterize",
    ),
    (
        "vae",
        "\n\nclass Other:\n    def kl(self, a, b):\n        return 0.5 * (np.expm1(b) - b + a * a).sum(axis=-1)\n",
        "distributions.gaussian_kl",
    ),
    (
        "files",
        "\n\ndef logistic(t):\n    return np.exp(np.minimum(t, 0)) / (1 + np.exp(-np.abs(t)))\n",
        "layers.sigmoid",
    ),
    (
        "layers",
        "\n\ndef again(x):\n    def inner(a, b):\n        return a - sigmoid(b)\n    return inner\n",
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
    """The same statements under other names, in a nested function, in a docstring or a comment: make fails and says where."""
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
    """They pass with every exercise blank that it does not build on, and every one of them fails while its own is blank."""
    exercise = BY_NUMBER[number]
    around = make.package_around(exercise)
    solved = {
        **around,
        exercise.module: source.graft(
            around[exercise.module], _with_helpers(exercise), exercise.name, exercise.module
        ),
    }
    passed, blank = (
        public_results(solved, exercise),
        public_results(make.blank(EXERCISES).package, exercise),
    )
    assert passed and all(passed)
    assert blank and not any(blank)


def _with_helpers(exercise: Exercise) -> str:
    return source.reference()[exercise.module]


def test_public_tests_notice_small_edits() -> None:
    """Of at least 100 generated edits of the exercises' functions, the public tests notice 95 % or more."""
    count, unnoticed = homework_mutations.run()
    assert count >= 100
    assert len(unnoticed) <= 0.05 * count, unnoticed


# ---- grading ----


def test_reference_has_full_points_and_the_untouched_handout_none(tmp_path: Path) -> None:
    """Every check of every exercise, and the whole package trains; in the handout nothing is right."""
    ours = grade.grade(hand_in(tmp_path / "reference", source.reference()), EXERCISES, KEY)
    assert (
        ours.points == ours.most and ours.trains and not any(mark.sentence for mark in ours.marks)
    )
    assert all(done == total > 0 for mark in ours.marks for done, total in mark.passed.values())
    make.write(tmp_path / "handout", EXERCISES, "T")
    start = time.monotonic()
    theirs = grade.grade(tmp_path / "handout", EXERCISES, KEY)
    assert (
        theirs.points == 0
        and not theirs.trains
        and all(mark.sentence.startswith("not done") for mark in theirs.marks)
    )
    assert time.monotonic() - start <= 30


@pytest.mark.parametrize(
    "mistake", catalogue.MISTAKES, ids=[f"{i}-{m.number}" for i, m in enumerate(catalogue.MISTAKES)]
)
def test_a_classical_mistake_is_caught_and_named(
    mistake: catalogue.Mistake, sandbox: Sandbox
) -> None:
    """It loses points, and is called by its own name."""
    mark = mark_of(mistake.number, filled(mistake.number, mistake.body), sandbox)
    assert mark.mistake == mistake.sentence and mark.points < mark.most
    assert mark.sentence == f"this is {mistake.sentence}"


@pytest.mark.parametrize(
    "number, how, body, top", VARIANTS, ids=[f"{number} {how}" for number, how, _, _ in VARIANTS]
)
def test_a_correct_variant_loses_nothing(
    number: str, how: str, body: str, top: str, sandbox: Sandbox
) -> None:
    """Another formula, loops, other helpers: full points."""
    mark = mark_of(number, filled(number, body, top), sandbox)
    assert mark.points == mark.most, mark.sentence


def test_points_for_care(sandbox: Sandbox) -> None:
    """Right in float64, but the argument is changed, or float32 becomes float64, or bad input is let through: one point less each."""
    change = "mu *= 1\nlogvar -= 0.5\nlogvar += 0.25\nreturn 0.5 * (np.exp(logvar + 0.25) - logvar - 0.25 - 1 + mu * mu).sum(axis=-1)"
    wide = "return 0.5 * (np.exp(logvar.astype(float)) - 1 - logvar + mu * mu).sum(axis=-1)"
    for number, body, kind in (("2.2", change, "inputs"), ("2.2", wide, "shapes"), ("1.6", "with np.errstate(divide='ignore'):\n"
                                "    return np.ceil(-np.log2(np.asarray(q, float)))", "errors")):  # fmt: skip
        mark = mark_of(number, filled(number, body), sandbox)
        assert [k for k, (done, total) in mark.passed.items() if done < total] == [kind], mark
        assert mark.points == mark.most - 1 and mark.sentence


def test_a_mistake_that_nobody_made_before_is_shown_at_the_smallest_input(sandbox: Sandbox) -> None:
    """The input, ours and theirs, exact, close, largest difference."""
    mark = mark_of(
        "2.2",
        filled("2.2", "return 0.4 * (np.exp(logvar) - 1 - logvar + mu * mu).sum(axis=-1)"),
        sandbox,
    )
    assert not mark.mistake and mark.points == 0
    assert (
        "at mu = [0.5], logvar = [0.7]: ours 0.281876, theirs 0.225501; exact: no, close: no, largest difference 0.056"
        in mark.sentence
    )


def test_one_mistake_costs_one_exercise(tmp_path: Path) -> None:
    """With a wrong sigmoid, what builds on it keeps its points; the package as a whole is judged by itself."""
    files = filled("2.6", "return np.tanh(a)")
    result = grade.grade(hand_in(tmp_path / "x", files), EXERCISES, KEY)
    assert [mark.number for mark in result.marks if mark.points < mark.most] == ["2.6"]
    uphill = filled("2.8", "return sigmoid(logits) - x")
    result = grade.grade(hand_in(tmp_path / "y", uphill), select(["2.8"]), KEY)
    assert not result.trains and "does not train: bound" in result.whole


# ---- what else is handed in ----


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_function_gains_nothing_and_harms_nothing(kind: str, tmp_path: Path) -> None:
    """No point for it, a sentence on it, every point of the exercises beside it; within its time; files outside stand."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    body = HOSTILE[kind].replace("OUTSIDE", str(outside)).replace("SECRET", str(PACKAGE))
    folder = hand_in(tmp_path / "x", filled("2.2", body))
    start = time.monotonic()
    result = grade.grade(folder, select(["2.1", "2.2", "2.3"]), KEY, seconds=0.8)
    assert time.monotonic() - start < 15
    assert result.marks[1].points == 0 and result.marks[1].sentence
    assert [mark.points for mark in (result.marks[0], result.marks[2])] == [8, 7]
    assert (
        not result.trains
        or kind in ("prints a verdict", "returns its argument", "returns NaN", "answers too much")
        or result.whole
    )
    assert (outside / "kept.txt").read_text() == "kept"


@pytest.mark.parametrize(
    "kind",
    [
        "sleeps in import",
        "exits in import",
        "no package",
        "empty",
        "binary",
        "no Python",
        "huge",
        "link",
        "nul",
        "deep",
    ],
)
def test_a_strange_folder_is_graded_too(kind: str, tmp_path: Path) -> None:
    """What stands at the top of a file is not run for an exercise; a file that is no Python costs its own exercises; the rest counts."""
    files, folder = source.reference(), tmp_path / "x"
    top = {
        "sleeps in import": "import time\ntime.sleep(1000)\n",
        "exits in import": "import os\nos._exit(0)\n",
    }.get(kind, "")
    files["distributions"] += top
    hand_in(folder, files)
    place = folder / "scratchvae" / "distributions.py"
    if kind in ("no package", "empty"):
        folder = tmp_path / "y"
        folder.mkdir()
        (folder / "essay.txt").write_text("nothing") if kind == "no package" else None
    elif kind == "binary":
        place.write_bytes(bytes(range(256)) * 100)
    elif kind == "no Python":
        place.write_text("def gaussian_kl(mu, logvar:\n")
    elif kind == "huge":
        place.write_text("#" * 2_000_000)
    elif kind == "link":
        place.unlink()
        place.symlink_to(PACKAGE / "distributions.py")
    elif kind == "nul":
        place.write_text("x = 1\0\n")
    elif kind == "deep":
        place.write_text("x = " + "(" * 5000 + ")" * 5000)
    start = time.monotonic()
    result = grade.grade(folder, select(["2.1", "3.1"]), KEY, seconds=1.5)
    assert time.monotonic() - start < 15
    expected = {
        "sleeps in import": [8, 6],
        "exits in import": [8, 6],
        "no package": [0, 0],
        "empty": [0, 0],
    }.get(kind, [0, 6])
    assert [mark.points for mark in result.marks] == expected
    assert not result.trains and result.whole
    assert all(mark.sentence for mark in result.marks if not mark.points)


def test_a_submission_that_hangs_everywhere_ends_in_half_a_minute(tmp_path: Path) -> None:
    """Every function of a chapter loops: after two that were stopped the others have 0.6 s each, so that all 27 take 2 · 4 + 25 · 0.6 s."""
    files, chapter = source.reference(), select(["2"])
    for exercise in chapter:
        files[exercise.module] = source.fill(
            files[exercise.module], exercise.name, "while True:\n    pass", exercise.module
        )
    start = time.monotonic()
    result = grade.grade(hand_in(tmp_path / "x", files), chapter, KEY, seconds=1)
    assert (
        result.points == 0
        and time.monotonic() - start < 2 * 1 + (len(chapter) - 2) * 0.6 + 2 * 0.6 + 5
    )


# ---- the commands ----


def test_commands_list_make_and_grade_a_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """list; make; grade one to results.json; grade a class to CSV, text and PNG, and again from what was kept."""
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
    wrong = next(mistake for mistake in catalogue.of("2.2") if "sign" in mistake.sentence)
    hand_in(tmp_path / "class" / "=ben", filled("2.2", wrong.body))
    (tmp_path / "class" / "cyn").mkdir()
    choice = ["--exercises", "2.2,2.4"]
    assert run("homework", "grade", "class/=ben", "--json", "results.json", *choice) == 0
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results["score"] == 8 and [test["max_score"] for test in results["tests"]] == [8, 8, 0]
    assert results["tests"][0]["output"] == "this is the KL with its sign turned round"
    capsys.readouterr()
    for again in (False, True):
        assert (
            run("homework", "grade", "--all", "class", "--csv", "g.csv", "--jobs", "2", *choice)
            == 0
        )
        assert ("kept from before" in capsys.readouterr().err) == again
    rows = list(csv.DictReader((tmp_path / "g.csv").open(encoding="utf-8")))
    assert [(row["submission"], row["points"], row["2.2"]) for row in rows] == [
        ("'=ben", "8", "0"),
        ("ada", "16", "8"),
        ("cyn", "0", "0"),
    ]
    assert "1 x the KL with its sign turned round" in (tmp_path / "g.txt").read_text(
        encoding="utf-8"
    )
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")


def test_handout_stands_alone(tmp_path: Path) -> None:
    """In another folder, without the reference: pytest knows a marker for each exercise, and every test fails."""
    make.write(tmp_path / "h", select(["2.3", "2.4"]), "T")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "exercise_2_4"],
        cwd=tmp_path / "h",
        capture_output=True,
        text=True,
        env={
            "PYTHONPATH": str(tmp_path / "h"),
            "PATH": "/usr/bin:/bin",
            "OPENBLAS_NUM_THREADS": "1",
        },
    )
    assert run.returncode == 1 and "2 failed, 2 deselected" in run.stdout, run.stdout + run.stderr
