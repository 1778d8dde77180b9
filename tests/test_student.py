"""The student edition: no answer is in the book, and no line of code in a trace."""

import html
import re
from pathlib import Path

import pytest

from scratchvae import cli
from scratchvae.homework import source
from scratchvae.homework.exercises import select
from scratchvae.homework.make import blank
from scratchvae.study import book, evidence, frame, sheet, student, values
from scratchvae.study.cli import add_commands
from scratchvae.study.prose import Typesetter
from scratchvae.study.step import training_step

LEAST = 8  # characters: `z = mu`, `else:` stand everywhere


def normal(text: str) -> str:
    """The text without spaces."""
    return re.sub(r"\s+", "", text)


def lines_of_answers(numbers: list[str] | None) -> set[str]:
    """Each line of the hidden bodies that no other function of the package has too."""
    package = source.reference()
    handout = blank(select(numbers)).package
    elsewhere = normal("\n".join(handout.values()))
    found = set()
    for where in student.answers(numbers):
        module, _, name = where.partition(".")
        function = source.need(package[module], name, module)
        for statement in source.body(function):
            for line in package[module].splitlines()[statement.lineno - 1 : statement.end_lineno]:
                code = normal(line.split("  #")[0])
                if len(code) >= LEAST and code not in elsewhere:
                    found.add(code)
    return found


def shown(folder: Path) -> dict[str, str]:
    """The text of each file of the book, without tags and spaces."""
    files = [path for path in folder.rglob("*") if path.suffix in (".html", ".js")]
    return {
        str(path.relative_to(folder)): normal(
            html.unescape(re.sub("<[^>]+>", "", path.read_text(encoding="utf-8")))
        )
        for path in files
    }


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A book with the values of the training step alone, and with formulas as plain text: the
    code in it is the same.
    """
    monkeypatch.setattr(values, "runs", dict)
    monkeypatch.setattr(values, "VARIANTS", {})
    monkeypatch.setattr(evidence, "tests_of", lambda folder: [])
    monkeypatch.setattr(evidence, "users_of", lambda modules: {})
    monkeypatch.setattr(values, "_of_example", lambda module, part: [])
    monkeypatch.setattr(Typesetter, "formula", lambda self, text, display=False: html.escape(text))


def test_no_answer_is_in_any_file(tmp_path: Path, quick: None) -> None:
    """Each line of each hidden body is searched in each file of the book, and none is found.
    The number of each exercise stands in the place.
    """
    report = book.build(tmp_path, edits=False, student=True)
    answers, files = lines_of_answers(None), shown(tmp_path)
    assert len(files) == len([p for p in report.files if p.suffix in (".html", ".js")])
    assert len(answers) > 150
    found = {(name, line) for name, text in files.items() for line in answers if line in text}
    assert found == set()
    for exercise in select(None):
        assert normal(f"exercise {exercise.number}") in files[f"source-{exercise.module}.html"]


def test_only_what_is_asked_is_hidden(tmp_path: Path, quick: None) -> None:
    """For 2.2 and 2.3 their lines are gone from the source, and no other line has changed or
    moved.
    """
    kept, bare = frame.Frame(tmp_path, edits=False), frame.Frame(tmp_path, edits=False)
    student.hide(bare, ["2.2", "2.3"])
    assert bare.hidden >= {"2.2", "2.3"}
    changed = [
        (module.name, old.strip(), new.strip())
        for module, other in zip(kept.modules, bare.modules)
        for old, new in zip(module.lines, other.lines, strict=True)
        if old != new
    ]
    hidden = student.answers(["2.2", "2.3"])
    assert {name for name, _, _ in changed} == {where.split(".")[0] for where in hidden}
    gone = {normal(old.split("  #")[0]) for _, old, _ in changed}
    assert lines_of_answers(["2.2", "2.3"]) <= gone
    assert {new for _, _, new in changed} - {""} == {
        f'raise NotImplementedError("{said}")' for said in hidden.values()
    }


def test_a_trace_without_code_has_no_line_of_it() -> None:
    """No executed statement of the step stands in the text, the worksheet, the key or the JSON;
    the equations and all numbers do.
    """
    for optimizer in ("sgd", "adam"):
        step = training_step(optimizer=optimizer)
        bare = sheet.without_code(step)
        texts = [sheet.text(bare), sheet.text(bare, values=False), sheet.key(bare)]
        whole = normal("\n".join([*texts, sheet.as_json(bare)]))
        equations = {normal(q.equation) for q in bare.quantities}
        codes = {normal(q.code) for q in step.quantities if q.code} - equations
        assert len(codes) > 25
        assert [code for code in codes if code in whole] == []
        assert "y = x W + b" in texts[0] and "dμ += β μ / B" in texts[0]
        for q in step.quantities:
            if q.phase != "given" and q.name != "theta":
                assert sheet.numbers(q.value)[0] in texts[0]


def test_a_short_trace_has_what_is_computed_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    """σ and p have blanks of their own; there is no update, no x W without b and no part of the
    stable softplus; each number that is left is the step's own.
    """
    step = training_step((2, 2, 1, 2, 2), seed=7)
    brief = sheet.short(step)
    names = [(q.name, q.owner) for q in brief.quantities if q.phase != "given"]
    assert ("sigma", "") in names and ("p", "") in names
    assert names.count(("y", "encoder.0")) == names.count(("log_p", "")) == 1
    assert {q.phase for q in brief.quantities} == {"given", "forward", "backward"}
    assert len(names) < len([q for q in step.quantities if q.phase != "given"]) - 8
    logvar, sigma = (brief.find(name).value for name in ("logvar", "sigma"))
    assert sigma == pytest.approx(2.718281828459045 ** (logvar / 2))
    logits = brief.find("logits").value.ravel()
    assert brief.find("p").value.ravel() == pytest.approx(1 / (1 + 2.718281828459045**-logits))
    command = ["trace", "--sizes", "2,2,1,2,2", "--seed", "7", "--short", "--no-code", "--key"]
    assert cli.main(command, rooms=[add_commands]) == 0
    key = capsys.readouterr().out
    assert " mu of mu" not in key and " sigma " in key and "theta" not in key


def test_new_weights_stand_by_their_names() -> None:
    """The updated θ is shown weight by weight, each under its name."""
    step = training_step((2, 2, 1, 2, 2), seed=7)
    for text in (sheet.text(step), sheet.key(step)):
        update = text[text.rindex("theta") :]
        for name, value in step.vae.params.values.items():
            assert name in update
            assert sheet.numbers(value)[0].strip() in update
