"""`make --level hard`: docstrings that say what to return, and not how it is found.

They come from the package's own docstrings, by four rules:

1. Of a blank function stay its title, its source, and of each paragraph what follows the first
   sentence that begins with an argument, an attribute, "Returns" or an error: the contract.
   Equations, derivations, safe forms and examples go.
2. Of the class of a method that is asked go the sentences with its equation, and all from the
   first displayed equation on.
3. Of each module go the sections that an exercise says it is derived in.
4. Nothing else changes. `leaks.stated` then looks for what was overlooked.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from scratchvae.homework import leaks, source
from scratchvae.homework.exercises import EXERCISES, Exercise

WIDTH = 88
GIVEN = {"3.7": "the loss is given; its gradient is asked"}  # equations that may stand
# what a sentence of the contract begins with, if not with an argument
BEGINS = r"Returns? |Stores |Writes |self\.|(?:Value|Type|Runtime)Error"


def hard(
    package: Mapping[str, str], exercises: Sequence[Exercise], unasked: Sequence[str]
) -> dict[str, str]:
    """The package, file name without .py -> text, with the docstrings of the hard level.

    unasked: "module.name" of what is blank too, exercises of later weeks among it. SourceError
    when a section is not there.
    """
    found = dict(package)
    titles = {e.where: f"Exercise {e.number}: {e.title} ({e.source})." for e in exercises}
    for where, title in (dict.fromkeys(unasked, "Not asked for.") | titles).items():
        module, _, name = where.partition(".")
        function = source.need(found[module], name, f"{module}.py")
        found[module] = _set(found[module], function, [title, *_contract(function)])
    every = [e for e in EXERCISES if e.where in titles or e.where in unasked]
    for exercise in every:
        if "." in exercise.name:
            found[exercise.module] = _class(found[exercise.module], exercise)
    asked: dict[str, list[str]] = {}
    for exercise in every:
        for title in exercise.derived:
            asked.setdefault(title, []).append(exercise.number)
    for title, its in asked.items():
        section = re.compile(
            rf'(?<=\n\n)\*\*{re.escape(title)}\.?\*\*.*?(?=\n\n\*\*|\n"""$)', re.M | re.S
        )
        new = f"**{title}.** See exercise {', '.join(its)}."
        there = [name for name, text in found.items() if section.search(text)]
        if not there:
            raise source.SourceError(f"no module has the section {title!r}")
        for name in there:
            found[name] = section.sub(new, found[name])
    return found


def overlooked(exercises: Iterable[Exercise], package: Mapping[str, str]) -> list[str]:
    """Sentences: which equation of an exercise stands in its docstring, its class's, its module's.

    Looked for are the equations of the table, and of the docstrings of the normal level.
    """
    reference, found = source.reference(), list[str]()
    for exercise in exercises:
        if exercise.number in GIVEN:
            continue
        function = source.need(reference[exercise.module], exercise.name, exercise.module)
        paragraphs = _paragraphs(ast.get_docstring(function) or "")
        shown = [part for part in paragraphs[1:] if part[:1] == " "]
        asked = leaks.formulas("\n".join([exercise.equation, *shown]))
        tree = source.parse(package[exercise.module], exercise.module)
        name = exercise.name.partition(".")[0]
        nodes: list[ast.Module | ast.ClassDef | source.Function]
        nodes = [tree, source.need(package[exercise.module], exercise.name, exercise.module)]
        nodes += [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name]
        for node in nodes:
            for formula in sorted(leaks.stated(asked, ast.get_docstring(node) or "")):
                place = getattr(node, "name", "the module")
                found.append(
                    f"{exercise.number}: {formula} stands in the docstring of {place}, "
                    f"{exercise.module}.py"
                )
    return found


def _contract(function: source.Function) -> list[str]:
    """Of each paragraph what follows the first sentence of the contract."""
    names = "|".join(re.escape(a.arg) for a in ast.walk(function) if isinstance(a, ast.arg))
    begins = re.compile(rf"(?:^|(?<=\. ))(?:(?:{names})(?:, (?:{names}))*: |{BEGINS})")
    paragraphs = _paragraphs(ast.get_docstring(function) or "")
    texts = [" ".join(part.split()) for part in paragraphs if part.lstrip() == part]
    found = ((text, begins.search(text)) for text in texts if not text.startswith(">>>"))
    return [text[match.start() :] for text, match in found if match]


def _class(text: str, exercise: Exercise) -> str:
    """The text, in which the docstring of the exercise's class has no equation of it."""
    name = exercise.name.partition(".")[0]
    tree = source.parse(text, exercise.module)
    node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
    paragraphs = before = _paragraphs(ast.get_docstring(node) or "")
    shown = next((i for i, part in enumerate(paragraphs) if part[:1] == " "), None)
    if shown is not None:
        paragraphs = paragraphs[: shown - 1]  # without the sentence that leads to the equation
    asked = leaks.formulas(exercise.equation)
    kept = [
        " ".join(s for s in re.split(r"(?<=\.)\s+", part) if not leaks.stated(asked, s))
        if leaks.stated(asked, part)
        else part
        for part in paragraphs
    ]
    if kept == before:
        return text
    return _set(text, node, [part for part in kept if part] or [f"{name}: see its methods."])


def _paragraphs(docstring: str) -> list[str]:
    return [part for part in inspect.cleandoc(docstring).split("\n\n") if part.strip()]


def _set(text: str, node: source.Function | ast.ClassDef, paragraphs: Sequence[str]) -> str:
    """The text with these paragraphs as the node's docstring."""
    old = node.body[0]
    margin, lines = " " * old.col_offset, text.splitlines(keepends=True)
    parts = [f'"""{paragraphs[0]}', *paragraphs[1:]]
    # "(B, n_x)" stays on one line
    parts = [re.sub(r"\([^()]{1,30}\)", lambda m: m[0].replace(" ", "\xa0"), p) for p in parts]
    filled = [p if "\n" in p else textwrap.fill(p, WIDTH - len(margin)) for p in parts]
    new = "\n\n".join(filled).replace("\xa0", " ")
    new += '\n"""' if "\n" in new or len(margin) + len(new) + 3 > WIDTH else '"""'
    lines[old.lineno - 1 : old.end_lineno] = [f"{textwrap.indent(new, margin)}\n"]
    return "".join(lines)
