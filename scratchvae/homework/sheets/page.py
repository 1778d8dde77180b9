"""Sheets as one HTML page to print: A4, black on white, without scripts and other files.

Each sheet begins on a new page. Formulas are MathML, pictures are SVG. The key is the same
sheet with the numbers in the blanks, and every step.
"""

from collections.abc import Iterator, Sequence
from html import escape

from scratchvae.homework.sheets.choose import LETTERS, Sheet
from scratchvae.homework.sheets.question import Answer, Question, said, shown
from scratchvae.homework.sheets.words import (
    KEY,
    NAME,
    NUMBER,
    at_blank,
    facts,
    head,
    in_words,
    prose,
    rules,
    unit,
)

STYLE = """
@page { size: A4; margin: 13mm 15mm 12mm; }
* { box-sizing: border-box; }
body { font: 10.6pt/1.36 "Liberation Serif", "Times New Roman", "DejaVu Serif", serif; color: #000;
  background: #fff; margin: 0 auto; max-width: 180mm; }
[lang=ko] body { font-family: "Liberation Sans", Arial, "DejaVu Sans", "NanumGothic",
  "Noto Sans CJK KR", "Malgun Gothic", "Apple SD Gothic Neo", sans-serif; word-break: keep-all;
  font-size: 9.7pt; }
.sheet { break-before: page; }
.sheet:first-of-type { break-before: auto; }
header { display: flex; justify-content: space-between; align-items: baseline; gap: 6mm;
  border-bottom: 1.2pt solid; padding-bottom: 1mm; }
h1 { font-size: 13pt; margin: 0; }
.who { min-width: 62mm; }
.who u { display: inline-block; min-width: 46mm; text-decoration: none;
  border-bottom: .6pt solid; }
.rules { font-size: .87em; margin: 1.2mm 0 2mm; }
.question { break-inside: avoid; margin: 2.4mm 0 0; }
.question > p { margin: 0; }
.points { float: right; font-size: .87em; margin-left: 3mm; }
.line { margin-left: 6mm; }
.blanks { display: flex; flex-wrap: wrap; gap: 1mm 5mm; margin: 1.4mm 0 0; }
.blank { white-space: nowrap; }
.blank i { font-size: .8em; font-style: normal; vertical-align: 1.5mm; margin-right: .6mm; }
.blank b, .choices { display: inline-block; min-width: 21mm; height: 6.2mm; line-height: 6mm;
  border-bottom: .6pt solid; text-align: center; vertical-align: bottom; }
.blank .choices { border: 0; min-width: 0; height: auto; vertical-align: baseline; }
.blank b { font-weight: 600; }
table { border-collapse: collapse; margin: 1.4mm 0 0; font-size: .94em; }
td, th { border: .5pt solid; padding: .5mm 1.6mm; text-align: center; font-weight: 400;
  height: 6.2mm; }
td.blank { min-width: 20mm; text-align: left; }
td.blank b { border: 0; min-width: 13mm; height: auto; line-height: inherit; }
pre { font: 8.6pt/1.35 "DejaVu Sans Mono", monospace; margin: 1.4mm 0 0; padding: 1mm 2mm;
  border: .5pt solid; white-space: pre-wrap; }
code { font: .87em "DejaVu Sans Mono", monospace; }
svg { display: block; margin: 1mm 0 0; }
.steps { margin: 1mm 0 0 6mm; font-size: .94em; }
.class td, .class th { padding: .2mm 1mm; font-size: 8pt; height: auto; }
.class { break-inside: auto; }
.class tr { break-inside: avoid; }
@media screen { body { padding: 8mm; } }
"""
LINE = 8.0  # mm, of a line to write in


def page(
    sheets: Sequence[Sheet], title: str, lang: str = "en", *, key: bool = False, before: str = ""
) -> str:
    """All sheets, one after another. key: with every result and step. before: a first page."""
    parts = [before, *(_sheet(sheet, title, lang, key) for sheet in sheets)]
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body>\n</html>\n"
    )


def results(sheets: Sequence[Sheet], title: str, lang: str) -> str:
    """The key of a class: a row of results for each student, a table for each question."""
    tables = []
    for i, first in enumerate(sheets[0].questions):
        names = [f"{i + 1}{name}" for name, _ in zip(LETTERS, first.answers)]
        head = "".join(f"<th>{name}</th>" for name in names)
        rows = "".join(
            f"<tr><td>{escape(sheet.name)}</td><td>{sheet.number}</td>"
            + "".join(f"<td>{result(sheet.answers[name], lang)}</td>" for name in names)
            + "</tr>"
            for sheet in sheets
        )
        tables.append(
            f'<table class="class"><tr><th>{said(NAME, lang)}</th><th>{said(NUMBER, lang)}</th>'
            f"{head}</tr>{rows}</table>"
        )
    heading = f"<header><h1>{escape(title)}: {said(KEY, lang)}</h1></header>"
    return f'<section class="sheet">{heading}{"".join(tables)}</section>'


def result(answer: Answer, lang: str) -> str:
    """The value as it stands in a key."""
    return shown(answer.value) if isinstance(answer.value, float) else escape(answer.value)


def _sheet(sheet: Sheet, title: str, lang: str, key: bool) -> str:
    who = f'<span class="who">{said(NAME, lang)} <u>{escape(sheet.name) or "&nbsp;"}</u></span>'
    heading = escape(title) + (f": {said(KEY, lang)}" if key else "")
    questions = "\n".join(
        _question(i, question, lang, key) for i, question in enumerate(sheet.questions, 1)
    )
    return (
        f'<section class="sheet">\n<header><h1>{heading}</h1>{who}'
        f"<span>{facts(sheet, lang)}</span></header>\n"
        f'<p class="rules">{prose(rules(sheet), lang)}</p>\n{questions}\n</section>'
    )


def _question(i: int, question: Question, lang: str, key: bool) -> str:
    names = (at_blank(letter, question, a, lang) for letter, a in zip(LETTERS, question.answers))
    parts = [
        f'<p><span class="points">{head(question, lang)}</span>'
        f"<b>{i}.</b> {prose(question.text, lang)}</p>"
    ]
    if question.code:
        parts.append(f"<pre>{escape(question.code.rstrip())}</pre>")
    parts.append(question.picture)
    if question.table:
        parts.append(_table(question, names, lang, key))
    blanks = "".join(_blank(next(names), answer, lang, key) for answer in question.blanks)
    if blanks:
        parts.append(f'<div class="blanks">{blanks}</div>')
    if key:
        lines = [prose(step, lang) for step in question.steps]
        if question.words:
            lines.append(f"{in_words(question, lang)}: {prose(question.words, lang)}")
        parts += [f'<div class="steps">{line}</div>' for line in lines]
    else:
        words = f"<small>{in_words(question, lang)}:</small>" if question.words else ""
        parts.append(f'<div style="min-height:{question.room * LINE:g}mm">{words}</div>')
    return f'<div class="question">{"".join(parts)}</div>'


def _table(question: Question, names: Iterator[str], lang: str, key: bool) -> str:
    rows = []
    for n, row in enumerate(question.table):
        tag = "th" if n == 0 else "td"
        cells = []
        for cell in row:
            if isinstance(cell, Answer):
                value = result(cell, lang) if key else ""
                cells.append(f'<td class="blank"><i>{next(names)}</i><b>{value}</b></td>')
            else:
                cells.append(f"<{tag}>{prose(cell, lang)}</{tag}>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _blank(name: str, answer: Answer, lang: str, key: bool) -> str:
    label = prose(answer.label, lang)
    equals = "" if said(answer.label, lang).endswith("=") or answer.options else " ="
    value = result(answer, lang) if key else ""
    end = unit(answer, lang)
    options = ""
    if answer.options and not key:
        listed = " / ".join(prose(option, lang) for option in answer.options)
        options = f' <span class="choices">({listed})</span>'
    return f'<span class="blank"><i>{name}</i>{label}{equals} <b>{value}</b> {end}{options}</span>'
