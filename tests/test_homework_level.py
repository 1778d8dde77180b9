"""`make --level hard`: docstrings without the answer, and nothing else is another."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest
from homework_submissions import best_sandbox, hand_in
from test_homework import dangling, run

from scratchvae.homework import level, make, source
from scratchvae.homework.exercises import EXERCISES, select
from scratchvae.homework.grade import grade
from scratchvae.homework.key import Key

CHOSEN = ("1.6", "2.5", "3.4")


@pytest.fixture(scope="module")
def both() -> tuple[dict[str, str], dict[str, str]]:
    """All exercises blank, of the normal and of the hard level: the modules, name -> text."""
    blanked = make.blank(EXERCISES)
    return blanked.package, level.hard(blanked.package, blanked.exercises, blanked.unasked)


def test_no_equation_of_an_answer_is_left(both: tuple[dict[str, str], dict[str, str]]) -> None:
    """The search finds an equation of 24 exercises at the normal level, and none at the hard one.

    It looks into the docstrings of the function, of its class and of its module.
    """
    normal, hard = both
    found = {sentence.split(":")[0] for sentence in level.overlooked(EXERCISES, normal)}
    assert found == {e.number for e in EXERCISES} - {"3.7", "3.11", "3.12", "4.1", "4.2"}
    assert not level.overlooked(EXERCISES, hard)


def test_what_later_weeks_ask_is_hard_too() -> None:
    """2.2, blank and not asked: its docstring, and the section that derives it, lose the KL."""
    blanked = make.blank(select(["2.1"]), select(["2.2"]))
    hard = level.hard(blanked.package, blanked.exercises, blanked.unasked)
    assert len(level.overlooked(select(["2.2"]), blanked.package)) == 3
    assert not level.overlooked(select(["2.1", "2.2"]), hard)


def test_an_equation_that_is_left_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A section that no exercise declares, and that has the KL: make fails and says where."""
    reference = source.reference()
    old = "**Conventions.** Everything is in nats."
    new = f"{old}\n\n    KL = −½ Σ_j [1 + log σ_j² − μ_j² − σ_j²]\n"
    text = reference["distributions"].replace(old, new)
    monkeypatch.setattr(source, "reference", lambda: {**reference, "distributions": text})
    with pytest.raises(make.LeakError, match=r"2\.2: .* in the docstring of the module, distrib"):
        make.handout(select(["2.2"]), "T", hard=True)


def test_a_section_that_is_not_there_fails_the_making(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its heading has changed: make says which."""
    reference = source.reference()
    text = reference["gradient_check"].replace("**Central diff", "**The diff")
    monkeypatch.setattr(source, "reference", lambda: {**reference, "gradient_check": text})
    with pytest.raises(
        source.SourceError, match=r"no module has the section 'Central differences'"
    ):
        make.handout(select(["3.8"]), "T", hard=True)


def _code(text: str) -> tuple[str, list[str]]:
    """The syntax tree without docstrings, and the comments."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        kind = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if kind and ast.get_docstring(node, clean=False) is not None:
            node.body[0] = ast.Pass()
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return ast.dump(tree), [t.string for t in tokens if t.type == tokenize.COMMENT]


def test_only_docstrings_differ(both: tuple[dict[str, str], dict[str, str]]) -> None:
    """Code and comments are those of the normal level; no new line is over 88 columns."""
    normal, hard = both
    assert normal.keys() == hard.keys()
    for name, text in hard.items():
        assert _code(text) == _code(normal[name]), name
        new = set(text.splitlines()) - set(normal[name].splitlines())
        assert max(map(len, new), default=0) <= 88


WORDS = re.compile(r"\b(?:Value|Type|Runtime)Error\b|`?self\.\w+|\bReturns\b|(?<=\n)\w+(?=: )")


def test_the_contract_stays(both: tuple[dict[str, str], dict[str, str]]) -> None:
    """What a docstring says of arguments, errors, results and attributes it says at both levels."""
    normal, hard = both
    for exercise in EXERCISES:
        said = [
            ast.get_docstring(source.need(files[exercise.module], exercise.name, "")) or ""
            for files in (normal, hard)
        ]
        words = {word.strip("`") for word in WORDS.findall(said[0])}
        assert words <= {word.strip("`") for word in WORDS.findall(said[1])}, exercise.number
        assert f"Exercise {exercise.number}: " in said[1] and ">>>" not in said[1]


@pytest.mark.parametrize("numbers", ["1", "2", "3.10"])
def test_any_choice_can_be_made_hard(numbers: str) -> None:
    """Each chapter, and single exercises: nothing is named that is not there."""
    assert not dangling(make.handout(select([numbers]), "T", hard=True)[1])


def test_grading_does_not_know_the_level(tmp_path: Path) -> None:
    """The answers, set into a hard handout, have full points; untouched it has none."""
    _, files = make.handout(select(CHOSEN), "T", hard=True)
    key = Key(select(CHOSEN), best_sandbox())
    modules = {Path(name).stem: text for name, text in files.items() if "scratchvae/" in name}
    assert grade(hand_in(tmp_path / "blank", modules), key).points == 0
    for exercise in select(CHOSEN):
        answer = source.need(source.reference()[exercise.module], exercise.name, "")
        body = "\n".join(ast.unparse(statement) for statement in source.body(answer))
        text = source.fill(modules[exercise.module], exercise.name, body, exercise.module)
        modules[exercise.module] = text
    result = grade(hand_in(tmp_path / "done", modules), key)
    assert result.points == result.most > 0


def test_the_assignment_says_the_level(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The hard one has no equation in its table; the page has no hard level."""
    options = ["homework", "make", str(tmp_path / "h"), "--exercises", "2.2", "--level"]
    assert run(*options, "hard") == 0
    text = (tmp_path / "h" / "ASSIGNMENT.md").read_text(encoding="utf-8")
    assert "This is the hard level." in text and "log σ²" not in text and "| equation |" not in text
    assert "hard level" not in make.handout(select(["2.2"]), "T")[1]["ASSIGNMENT.md"]
    options[2:5] = [str(tmp_path / "p"), "--exercises", "page"]
    assert run(*options, "hard") == 2
    assert "level is hard and exercises are page" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()
