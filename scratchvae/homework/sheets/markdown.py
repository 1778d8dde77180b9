"""A sheet as Markdown: formulas as plain Unicode, a blank as a line to write on."""

from collections.abc import Iterator, Sequence

from scratchvae.homework.sheets.choose import LETTERS, Sheet
from scratchvae.homework.sheets.page import result
from scratchvae.homework.sheets.question import Answer, Cell, Question, said
from scratchvae.homework.sheets.words import (
    KEY,
    NAME,
    at_blank,
    facts,
    head,
    in_words,
    plain,
    rules,
    unit,
)

LINE = "_" * 10


def markdown(sheets: Sequence[Sheet], title: str, lang: str = "en", *, key: bool = False) -> str:
    """All sheets, one after another. key: with every result and step.

    Pictures are SVG, which stands in Markdown as it is.
    """
    return "\n".join(_sheet(sheet, title, lang, key) for sheet in sheets)


def _sheet(sheet: Sheet, title: str, lang: str, key: bool) -> str:
    lines = [
        f"# {title}" + (f": {said(KEY, lang)}" if key else ""),
        "",
        f"{said(NAME, lang)}: {sheet.name or 3 * LINE}  ",
        facts(sheet, lang),
        "",
        plain(rules(sheet), lang),
        "",
    ]
    for i, question in enumerate(sheet.questions, 1):
        lines += [f"## {i}. ({head(question, lang)})", ""]
        lines += [*_question(question, lang, key), ""]
    return "\n".join(lines)


def _question(question: Question, lang: str, key: bool) -> list[str]:
    names = (at_blank(letter, question, a, lang) for letter, a in zip(LETTERS, question.answers))
    first, *formulas = plain(question.text, lang).split("\n")
    lines = [first, *(["", *formulas] if formulas else [])]
    if question.code:
        lines += ["", "```python", question.code.rstrip(), "```"]
    if question.picture:
        lines += ["", question.picture]
    if question.table:
        head, *rows = [
            " | ".join(_cell(cell, names, lang, key) for cell in row) for row in question.table
        ]
        rule = "|".join(["---"] * len(question.table[0]))
        lines += ["", f"| {head} |", f"|{rule}|", *(f"| {row} |" for row in rows)]
    lines.append("")
    for answer in question.blanks:
        options = ", ".join(plain(option, lang) for option in answer.options)
        label = plain(answer.label, lang).rstrip(" =") + (f" ({options})" if options else "")
        value = result(answer, lang) if key else LINE
        lines.append(f"- ({next(names)}) {label} = {value} {unit(answer, lang)}".rstrip())
    if key:
        lines += ["", *(f"> {plain(step, lang)}  " for step in question.steps)]
    if question.words:
        said_ = plain(question.words, lang) if key else ""
        lines += ["", f"{in_words(question, lang)}: {said_}".rstrip()]
    return lines


def _cell(cell: Cell, names: Iterator[str], lang: str, key: bool) -> str:
    if not isinstance(cell, Answer):
        return plain(cell, lang).replace("|", "\\|")
    return f"({next(names)}) {result(cell, lang) if key else '______'}"
