"""What a sheet says beside its questions, in English and in Korean; and prose as HTML."""

import re
from html import escape

from scratchvae.homework.sheets.choose import Sheet
from scratchvae.homework.sheets.question import TOLERANCE, Answer, Question, Said, Text, said
from scratchvae.study.formulas import mathml

NAME = Text("Name", "이름")
NUMBER = Text("Sheet", "문제지 번호")
KEY = Text("Key", "정답")
UNITS: dict[str, Said] = {"": "", "bit": Text("bits", "비트"), "nat": Text("nats", "내트")}
RULES = Text(
    f"Write three decimals; round only at the end. A number is right within ±{TOLERANCE:g}. If an "
    "earlier answer of yours is wrong, a later one counts as right when it follows from it. $log$ "
    "is the natural logarithm (nats), $log₂$ gives bits. Show how you get there. A calculator is "
    "allowed. Each blank is 1 point.",
    f"소수점 아래 세 자리까지 쓰고, 반올림은 마지막에 한다. ±{TOLERANCE:g} 이내이면 맞다. 앞의 "
    "답이 틀려도 뒤의 답이 그것에서 바르게 나왔으면 맞은 것으로 한다. $log$는 자연로그(내트), "
    "$log₂$는 비트이다. 풀이를 쓴다. 계산기를 쓸 수 있다. 빈칸 하나는 1점이다.",
)
OTHERWISE = Text(" Other points, or another ±, stand beside the blank's letter or the question's "
                 "points.",
                 " 배점이나 ±가 다르면 빈칸의 기호나 문항의 배점 옆에 적혀 있다.")  # fmt: skip


def rules(sheet: Sheet) -> Text:
    """What holds for all blanks; and where it stands if something else holds for one."""
    other = any(a.points != 1 or a.tolerance != TOLERANCE for a in sheet.answers.values())
    return Text(*(a + b for a, b in zip(RULES, OTHERWISE))) if other else RULES


def head(question: Question, lang: str) -> str:
    """What stands beside a question: "5 points", "13 points, ±0.005"."""
    own = f", ±{question.tolerance:g}" if question.tolerance != TOLERANCE else ""
    return points(question.points, lang) + own


def at_blank(name: str, question: Question, answer: Answer, lang: str) -> str:
    """What stands at a blank: "a", "b, 2 points", "c, ±0.15"."""
    own = [points(answer.points, lang)] if answer.points != 1 else []
    own += [f"±{answer.tolerance:g}"] if answer.tolerance != question.tolerance else []
    return ", ".join([name, *own])


def in_words(question: Question, lang: str) -> str:
    """Before an answer in words: "in words (2 of the 5 points)"."""
    if lang == "ko":
        return f"글로 답하기 ({question.points}점 가운데 {question.hand}점)"
    return f"in words ({question.hand} of the {question.points} points)"


def points(number: int, lang: str) -> str:
    """A number of points: "1 point", "5 points", "5점"."""
    if lang == "ko":
        return f"{number}점"
    return f"{number} point" if number == 1 else f"{number} points"


def facts(sheet: Sheet, lang: str) -> str:
    """What stands in the header: the number of the sheet, points, minutes."""
    minutes = f"{sheet.minutes}분" if lang == "ko" else f"{sheet.minutes} minutes"
    return f"{said(NUMBER, lang)} {sheet.number} · {points(sheet.points, lang)} · {minutes}"


def unit(answer: Answer, lang: str) -> str:
    """What stands after the blank: "bits", "내트", or nothing."""
    return said(UNITS[answer.unit], lang)


def plain(text: Said, lang: str) -> str:
    """The text without the signs around formulas and code."""
    return re.sub(r"[$`]", "", said(text, lang))


def prose(text: Said, lang: str, display: bool = False) -> str:
    """HTML: a `Text` is prose with formulas in $...$ and code in `...`; a `str` is a formula.

    ValueError for a formula that cannot be typeset.
    """
    if isinstance(text, str):
        return mathml(text, display=display) if text else ""
    lines = []
    for line in said(text, lang).split("\n"):
        if line.startswith("    "):
            number = re.match(r" +(\(\d\)) ", line)  # the number of a line of a proof
            rest = line[number.end() :] if number else line
            lines.append(f'<div class="line">{number[1] if number else ""} {mathml(rest)}</div>')
            continue
        parts = re.split(r"(\$[^$]+\$|`[^`]+`)", line)
        lines.append("".join(
            mathml(part[1:-1]) if part.startswith("$")
            else f"<code>{escape(part[1:-1])}</code>" if part.startswith("`") else escape(part)
            for part in parts
        ))  # fmt: skip
    return "".join(lines)
