"""The handout: the package with chosen bodies blank, its public tests, ASSIGNMENT.md.

It stands alone. Of the package it has the files that its exercises need: for chapter 1 that is
`info.py`. Where they need the model, it has all.
"""

import ast
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scratchvae.datasets import data_place
from scratchvae.files import made, written_whole
from scratchvae.homework import asked, domains, expected, leaks, level, merge, page, source
from scratchvae.homework.exercises import BY_NUMBER, EXERCISES, PAGE, Exercise, closure
from scratchvae.homework.source import PACKAGE, SourceError

PUBLIC_TESTS = Path(__file__).with_name("public_tests.py")
LOOK = Path(__file__).with_name("look.py")
NEEDED = {"1": "info", "2": "distributions", "3": "training", "4": "likelihood"}  # to look
# What the public tests import: in the handout it stands beside them, in tests/homework/.
BESIDE = {f"domains/{path.name}": path for path in Path(domains.__file__).parent.glob("*.py")} | {
    name: Path(__file__).with_name(name) for name in ("compare.py", "drivers.py", "wire.py")
}
EXPECTED = '''"""What is right for the calls that are drawn: worked out when this was made."""

import json
from pathlib import Path
from typing import Any

FOUND: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("answers.json").read_text(encoding="utf-8")
)
NUMBERS = list(FOUND)


def answers(number: str) -> dict[str, Any]:
    """right, apart: see the file."""
    return FOUND[number]
'''


PART = '''"""Of the package, what the exercises need.

Comments may name files and functions that are in the whole package, and not here.
"""
'''
DATA = """## Data

No exercise needs data. To train (`python -m scratchvae train`, with Matplotlib for its
pictures), put the four files of MNIST, `train-images-idx3-ubyte.gz`,
`train-labels-idx1-ubyte.gz`, `t10k-images-idx3-ubyte.gz` and `t10k-labels-idx1-ubyte.gz`, in a
folder `data/` here, or name their folder in `$SCRATCHVAE_DATA`.

"""


class LeakError(SourceError):
    """An answer still stands in what would be handed out."""


@dataclass(frozen=True)
class Blanked:
    """package: file name without .py -> text. exercises: those asked for, and what comes along.

    unasked: "module.name" of what is blank too, since it says the same.
    removed: private helpers that are taken out.
    """

    package: dict[str, str]
    exercises: list[Exercise]
    unasked: list[str]
    removed: list[str]


def message(exercise: Exercise) -> str:
    """What a blanked body says."""
    return f"Exercise {exercise.number}: {exercise.title}"


def blank(chosen: Sequence[Exercise], later: Sequence[Exercise] = ()) -> Blanked:
    """Blank the chosen functions, and with them whatever gives them away.

    later: exercises that are blank too, unless one of the chosen builds on them or may call them.
    SourceError when one is not where the table says.
    """
    if PAGE[0] in chosen:
        return Blanked(page.package(), list(PAGE), [], [])
    package = source.reference()
    numbers = {exercise.number for exercise in chosen}
    named = {exercise.where: exercise for exercise in EXERCISES}
    removed: dict[str, str] = {}
    unasked: dict[str, str] = {}
    while True:
        before = len(numbers), len(removed), len(unasked)
        for number in sorted(numbers):
            exercise = BY_NUMBER[number]
            text = package.get(exercise.module, "")
            for helper in exercise.hides:
                removed.setdefault(f"{exercise.module}.{helper}", number)
                for user in source.users(text, helper, f"{exercise.module}.py"):
                    where = f"{exercise.module}.{user}"
                    if where in named:
                        numbers.add(named[where].number)
                    elif user not in exercise.hides:
                        unasked.setdefault(where, number)
            for where in exercise.also_blank:
                unasked.setdefault(where, number)
        if before == (len(numbers), len(removed), len(unasked)):
            break
    exercises = [exercise for exercise in EXERCISES if exercise.number in numbers]
    needed = set(numbers).union(*(closure(number) for number in numbers))
    blanks = numbers | {exercise.number for exercise in later if exercise.number not in needed}
    stay = {exercise.where for exercise in EXERCISES if exercise.number not in blanks}
    for number in sorted(blanks - numbers):
        exercise = BY_NUMBER[number]
        unasked.setdefault(exercise.where, number)
        text, hidden = package[exercise.module], {*exercise.hides}
        users = {user for helper in hidden for user in source.users(text, helper, "")} - hidden
        also = {f"{exercise.module}.{user}" for user in users} | {*exercise.also_blank}
        if not also & stay:
            removed.update({f"{exercise.module}.{helper}": number for helper in hidden})
            unasked.update(dict.fromkeys(also - {BY_NUMBER[n].where for n in numbers}, number))
    for exercise in exercises:
        package[exercise.module] = source.blank(
            _file(package, exercise.module),
            exercise.name,
            message(exercise),
            f"{exercise.module}.py",
        )
    for where, number in unasked.items():
        if where not in removed:
            module, _, name = where.partition(".")
            text = f"not asked: it goes with exercise {number}"
            package[module] = source.blank(_file(package, module), name, text, f"{module}.py")
    for where in removed:
        module, _, name = where.partition(".")
        package[module] = source.remove(_file(package, module), name, f"{module}.py")
    return Blanked(
        package,
        exercises,
        sorted(where for where in unasked if where not in removed),
        sorted(removed),
    )


def _needed(package: Mapping[str, str], exercises: Sequence[Exercise], tests: str) -> list[str]:
    """The modules that the exercises and their tests import; all, if the model is among them."""
    found, todo = set[str](), {exercise.module for exercise in exercises} | _imports(tests, package)
    while todo:
        found |= todo
        todo = set().union(*(_imports(package[name], package) for name in todo)) - found
    return sorted(package if "vae" in found else found)


def _with(blanked: Blanked, modules: Sequence[str]) -> Blanked:
    """The same, of these modules alone."""
    package = {name: blanked.package[name] for name in modules}
    package.setdefault("__init__", PART)
    unasked = [where for where in blanked.unasked if where.partition(".")[0] in package]
    return replace(blanked, package=package, unasked=unasked)


def _imports(text: str, package: Mapping[str, str]) -> set[str]:
    """The modules of the package that the text imports."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    named = {(node.module or "").removeprefix("scratchvae.") for node in nodes}
    parts = {a.name for node in nodes if node.module == "scratchvae" for a in node.names}
    return (named | parts) & package.keys()


def package_around(exercise: Exercise) -> dict[str, str]:
    """What an exercise is graded in: the reference, in which some exercises are blank.

    Blank are the exercise itself and every exercise that it does not build on.
    """
    if exercise in PAGE:
        return {"__init__": "load_mnist = None\n", page.NAME: page.blank()}
    kept = closure(exercise.number)
    package = source.reference()
    hidden, says = set(exercise.hides), {other.where: message(other) for other in EXERCISES}
    for other in EXERCISES:
        if other.number not in kept:
            package[other.module] = source.blank(
                package[other.module], other.name, message(other), f"{other.module}.py"
            )
    for where in exercise.also_blank:
        module, _, name = where.partition(".")
        package[module] = source.blank(package[module], name, "not here", f"{module}.py")
    for helper in hidden:
        text, file = package[exercise.module], f"{exercise.module}.py"
        for user in source.users(text, helper, file):
            text = source.blank(text, user, says.get(f"{exercise.module}.{user}", "not here"), file)
        package[exercise.module] = source.remove(text, helper, file)
    package["__init__"] = '__version__ = "0"\n'  # the parts are imported one by one
    return package


def _file(package: Mapping[str, str], module: str) -> str:
    if module not in package:
        raise SourceError(f"{module}.py is not in the package")
    return package[module]


def check_leaks(blanked: Blanked, handout: Mapping[str, str]) -> None:
    """LeakError, saying where, when an answer still stands in the handout.

    handout: file name -> text.
    """
    reference = source.reference()
    answers = {exercise.where: (exercise.module, exercise.name) for exercise in blanked.exercises}
    answers.update(
        {where: (where.partition(".")[0], where.partition(".")[2]) for where in blanked.removed}
    )
    nodes = {
        where: source.need(reference[module], name, f"{module}.py")
        for where, (module, name) in answers.items()
    }
    found = leaks.find(nodes, handout)
    if found:
        raise LeakError("; ".join(found))


def public_tests(exercises: Sequence[Exercise], text: str | None = None) -> str:
    """The tests of these exercises alone: the others' functions are cut out."""
    text = PUBLIC_TESTS.read_text(encoding="utf-8") if text is None else text
    wanted = {exercise.marker for exercise in exercises}
    lines = text.splitlines(keepends=True)
    tree = source.parse(text, PUBLIC_TESTS.name)
    for node in reversed(list(source.functions(tree).values())):
        parts = (part for decorator in node.decorator_list for part in ast.walk(decorator))
        markers = {
            part.attr
            for part in parts
            if isinstance(part, ast.Attribute) and part.attr.startswith("exercise_")
        }
        if markers and not markers & wanted:
            source.cut(lines, node)
    return _used("".join(lines)).rstrip("\n") + "\n"


KEPT = ("test_", "chapter_", "main")  # functions that nothing else in their file has to use


def look(blanked: Blanked) -> tuple[str, dict[str, str]]:
    """look.py for these exercises, and of each chapter in it the questions; "" without any.

    A chapter is in it if one of its exercises is asked, and nothing up to it is blank that is not.
    """
    hidden = {e.number[0] for e in EXERCISES if e.where in blanked.unasked}
    chapters = [
        chapter
        for chapter in sorted({e.number[0] for e in blanked.exercises} & NEEDED.keys())
        if NEEDED[chapter] in blanked.package and not any(other <= chapter for other in hidden)
    ]
    text = LOOK.read_text(encoding="utf-8")
    found = source.functions(source.parse(text, LOOK.name))
    lines = text.splitlines(keepends=True)
    for name, node in reversed(found.items()):
        if name.startswith("chapter_") and name[8:] not in chapters:
            source.cut(lines, node)
    questions = {n: ast.get_docstring(found[f"chapter_{n}"]) or "" for n in chapters}
    return _used("".join(lines)) if chapters else "", questions


def _free(node: ast.stmt) -> set[str]:
    """The names that the statement reads, and does not set itself."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names - leaks.locals_of(node)


def _used(text: str) -> str:
    """The tests without the helpers, tables and imports that none of them uses."""
    lines, body = text.splitlines(keepends=True), ast.parse(text).body
    names = [_free(node) for node in body]
    for i, node in reversed([*enumerate(body)]):  # what is used stands above its use
        used = set[str]().union(*names[:i], *names[i + 1 :])
        if isinstance(node, ast.Import | ast.ImportFrom):
            kept = [alias for alias in node.names if (alias.asname or alias.name) in used]
            if len(kept) < len(node.names):
                node.names = kept
                new = f"{ast.unparse(node)}\n" if kept else ""
                lines[node.lineno - 1 : node.end_lineno] = [new]
        elif any(name in used or name.startswith(KEPT) for name in merge.names_of(node)):
            continue
        elif isinstance(node, source.Function | ast.Assign):
            names[i] = set()
            if isinstance(node, ast.Assign):
                del lines[node.lineno - 1 : node.end_lineno]
            else:
                source.cut(lines, node)
    return "".join(lines)


def handout(
    exercises: Sequence[Exercise],
    title: str,
    later: Sequence[Exercise] = (),
    whole: float = 0,
    hard: bool = False,
) -> tuple[Blanked, dict[str, str]]:
    """Every text file of the handout, path -> text. later, SourceError, LeakError: see above.

    whole: points for a package that trains. ValueError when there is none in it that can.
    hard: the docstrings of `level.py`. ValueError for the page, whose comments derive it.
    """
    blanked, tests = blank(exercises, later), ""
    if PAGE[0] not in exercises:
        if hard:
            blanked = replace(
                blanked, package=level.hard(blanked.package, blanked.exercises, blanked.unasked)
            )
            if found := level.overlooked(blanked.exercises, blanked.package):
                raise LeakError("; ".join(found))
        tests = public_tests(blanked.exercises)
        blanked = _with(blanked, _needed(blanked.package, blanked.exercises, tests))
    elif hard:
        raise ValueError("level is hard and exercises are page; they should be of the package")
    if whole and (later or "training" not in blanked.package):
        raise ValueError(f"--whole {whole:g}: this handout has no package that can train")
    files = {f"scratchvae/{name}.py": text for name, text in blanked.package.items()}
    files["tests/test_homework.py"] = tests.replace("scratchvae.homework", "homework")
    if tests:
        files["tests/homework/__init__.py"] = ""
        files["tests/homework/expected.py"] = EXPECTED
        answers = {e.number: expected.answers(e.number) for e in blanked.exercises}
        files["tests/homework/answers.json"] = json.dumps(answers) + "\n"
        for name, path in BESIDE.items():
            text = path.read_text(encoding="utf-8").replace("scratchvae.homework", "homework")
            files[f"tests/homework/{name}"] = text
    files[f"scratchvae/{asked.NAME}"] = asked.record(blanked.exercises, title, whole)
    text, questions = look(blanked)
    if text:
        files["look.py"] = text
    files["ASSIGNMENT.md"] = assignment(blanked, title, whole, hard, questions)
    files["setup.cfg"] = configuration(blanked.exercises)
    if PAGE[0] in exercises:
        return blanked, files | page.texts(title)
    check_leaks(blanked, files)
    return blanked, files


def configuration(exercises: Sequence[Exercise]) -> str:
    """setup.cfg: pytest imports the package from here; it knows a marker for each exercise."""
    markers = "".join(
        f"    {exercise.marker}: exercise {exercise.number}, {exercise.title}\n"
        for exercise in exercises
    )
    return (
        "[tool:pytest]\nminversion = 7.0\npythonpath = .\ntestpaths = tests\n"
        f"addopts = -q --strict-markers\nmarkers =\n{markers}"
    )


DOCSTRING = """Each function below has no body. Its docstring has the equation, the shapes, and the
errors that it must raise; the opening of the file derives what is needed. Replace the
line `raise NotImplementedError(...)` by your own."""
HARD = """This is the hard level. Each function below has no body. Its docstring has the source of
the equation, the shapes, and the errors that it must raise. Find the equation in the source,
or derive it. Find a form of it that computes right digits for extreme numbers too: a result
is finite, and near to the exact one, wherever the exact one is a number of its dtype. Replace
the line `raise NotImplementedError(...)` by your own."""


LOOKED = """## Look at it

When a chapter is done, its command prints numbers that your package computes. Where the
whole package and Matplotlib are (`pip install matplotlib`), it draws a picture. Answer its
questions in a file answers.txt beside `scratchvae/`, each in two or three sentences, and
hand it in too.

{chapters}
"""


def assignment(
    blanked: Blanked,
    title: str,
    whole: float = 0,
    hard: bool = False,
    questions: Mapping[str, str] | None = None,
) -> str:
    """ASSIGNMENT.md. hard: without the equations. questions: of each chapter, of `look`."""
    chapters = "\n\n".join(
        f"```\npython look.py {n}\n```\n\n{q}" for n, q in (questions or {}).items()
    )
    looked = f"{LOOKED.format(chapters=chapters)}\n" if questions else ""
    rows = "".join(
        f"| {e.number} | {e.title} | `scratchvae/{e.module}.py`: `{e.name}` "
        f"| {'' if hard else e.equation.replace('|', chr(92) + '|') + ' | '}{e.source} "
        f"| {e.points} | {', '.join(e.builds_on) or '-'} | {', '.join(e.may_call) or '-'} |\n"
        for e in blanked.exercises
    )
    unasked = "".join(f"- `{where}`\n" for where in blanked.unasked)
    also = (
        "\nThese are blank too. They are not asked for, and nothing that is asked needs them:\n\n"
        f"{unasked}"
        if unasked
        else ""
    )
    points, first = sum(e.points for e in blanked.exercises), blanked.exercises[0]
    trained = (
        f"\n\n{whole:g} more points are for your package as a whole, when it trains: its bound "
        "rises, in 60\nsteps of Algorithm 1, by at least half as much as it should."
        if whole
        else ""
    )
    return f"""# {title}

{HARD if hard else DOCSTRING}

| | exercise | where |{"" if hard else " equation |"} source | points | builds on | may call |
|---|---|---|{"" if hard else "---|"}---|---|---|---|
{rows}
An exercise **builds on** others when its tests fail without them: the tests or the rest of
the package call these functions. It **may call** others: a right answer can do with them or
without them. It does without every other exercise, in this table or not: the tests notice.
An exercise that is not in this table is right already.

{points} points. Most points of an exercise are for the right value. 1 point each is for shapes
and dtypes, for arguments that are afterwards as they were, for what is kept in the attributes
that the docstring names, for extreme numbers, and for the errors that the docstring
promises, where the exercise has these checks. They count once one value in ten is right.{trained}

An ordinary result is right when its error is below 10⁻¹² of its largest number (in chapter
1 10⁻⁹, in float32 10⁻³). At extreme numbers, as zeros and certainty in p, log variances of
±50 or logits of ±10⁴, it has to be finite where the exact one is, and off by no more than some
roundings of 1 or of its size.
{also}
The sources:

{asked.sources(blanked.exercises)}
## Set up, and test

NumPy and pytest are all that the exercises need. Linux and macOS:

```
python3 -m venv .venv
.venv/bin/python -m pip install "numpy>=2.0" "pytest>=7"
.venv/bin/python -m pytest -m {first.marker}     # exercise {first.number} alone
.venv/bin/python -m pytest                       # everything
```

Windows:

```
py -m venv .venv
.venv\\Scripts\\python -m pip install "numpy>=2.0" "pytest>=7"
.venv\\Scripts\\python -m pytest -m {first.marker}
```

In Colab, or a service like it: upload this folder as `homework.zip`, edit the files by the
service's own editor, save them, and run in a cell

```
!unzip -n -q homework.zip -d homework && pip install -q "numpy>=2.0" "pytest>=7"
!cd homework && python -m pytest -m {first.marker}
```

Each such line is a process of its own, so it sees what was saved. At the end,
`!cd homework && zip -r ../scratchvae.zip scratchvae` makes the zip to hand in: what is on a
service's disk is gone when the session ends.

Run pytest in this folder. The tests of an exercise need that exercise and those it builds on,
and no other. At first they all fail.

## Rules

- Change the bodies of these functions. You may add functions, classes, constants and
  imports of your own, to the same file and to the others. A function is graded together with
  what you added, in a package in which everything that it builds on is right. So one mistake
  costs one exercise.
- Use NumPy and the standard library only. No automatic differentiation.
- The top level of a file should only define things. A call that stands there by itself, as
  `print(...)`, is not run by the grader.

{looked}{DATA if "training" in blanked.package else ""}## Hand in

Hand in the folder `scratchvae/` with its files, none of them renamed, inside a folder or a
zip with your name. `scratchvae/{asked.NAME}` says what was asked: leave it in.
"""


def write(
    out: Path,
    exercises: Sequence[Exercise],
    title: str,
    with_data: bool = False,
    later: Sequence[Exercise] = (),
    whole: float = 0,
    hard: bool = False,
) -> Blanked:
    """Write the handout to a folder that does not exist yet, or is empty.

    Nothing is written when an answer still stands in it.
    """
    blanked, files = handout(exercises, title, later, whole, hard)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} exists and is not empty; the handout goes to a new folder")
    data = sorted(data_place(None).glob("*ubyte*")) if with_data else []
    if with_data and not data:
        raise ValueError(f"{data_place(None)} holds no idx files: the handout's data would be none")
    for name, text in files.items():
        path = out / name
        made(path.parent)
        with written_whole(path) as part:
            part.write_text(text, encoding="utf-8", newline="")
    for path in data:
        made(out / "data")
        with written_whole(out / "data" / path.name) as part:
            shutil.copyfile(path, part)
    return blanked


__all__ = ["PACKAGE", "Blanked", "LeakError", "blank", "handout", "package_around", "write"]
