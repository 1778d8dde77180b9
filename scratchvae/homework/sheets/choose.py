"""Which questions a sheet has, and the numbers of each student's sheet.

Topics are those of the book: 1.1 to 1.6, 2-bound, 2-estimator, 2-process; "1" and "2" are all
of a chapter; a template's own name is this one question. The topics take turns, until the
minutes are used up. So all students of a class have the same questions, with other numbers.

A sheet's number is its seed. From a name comes a number, always the same; where it would give
a student a question that somebody before in the class has, the next number is taken.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from scratchvae.homework.sheets import (  # noqa: F401  each registers its templates
    section_1_1,
    section_1_2,
    section_1_3,
    section_1_4,
    section_1_5,
    section_1_6,
    section_2_bound,
    section_2_estimator,
    section_2_process,
)
from scratchvae.homework.sheets.question import TEMPLATES, Answer, Question, Template

MOST = 999_999  # a sheet's number has six digits
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Sheet:
    """A student's questions. number: the seed. name: "" for a sheet for nobody in particular."""

    number: int
    name: str
    templates: tuple[Template, ...]
    questions: tuple[Question, ...]

    @property
    def points(self) -> int:
        """Of all questions."""
        return sum(question.points for question in self.questions)

    @property
    def minutes(self) -> int:
        """Of all questions."""
        return sum(template.minutes for template in self.templates)

    @property
    def answers(self) -> dict[str, Answer]:
        """All blanks by their names: "1a", "1b", "2a", ..."""
        return {
            f"{i}{letter}": answer
            for i, question in enumerate(self.questions, 1)
            for letter, answer in zip(LETTERS, question.answers)
        }


def topics() -> list[str]:
    """All topics, in the order of the notes."""
    return list(dict.fromkeys(template.topic for template in TEMPLATES.values()))


def choose(names: Sequence[str], minutes: int) -> tuple[Template, ...]:
    """The templates for these topics that fit into the minutes, in the order of the notes.

    A template that is named is always taken. ValueError for what is no topic and no template,
    and when not even one question fits.
    """
    named, queues = [], []
    for name in names:
        of_topic = [t for t in TEMPLATES.values() if t.topic == name or t.topic[0] == name]
        if name in TEMPLATES:
            named.append(TEMPLATES[name])
        elif of_topic:
            queues.append(of_topic)
        else:
            known = ", ".join(["1", *topics()[:6], "2", *topics()[6:]])
            raise ValueError(f"{name!r} is no topic; it should be one of {known}, or a template's")
    taken = list(dict.fromkeys(named))
    left = minutes - sum(template.minutes for template in taken)
    while any(queues):
        for queue in queues:
            while queue and (queue[0] in taken or queue[0].minutes > left):
                queue.pop(0)
            if queue:
                taken.append(queue.pop(0))
                left -= taken[-1].minutes
    if not taken:
        raise ValueError(f"no question of {', '.join(names)} fits into {minutes} minutes")
    order = list(TEMPLATES.values())
    return tuple(sorted(taken, key=order.index))


def sheet(templates: Sequence[Template], number: int, name: str = "") -> Sheet:
    """The questions with the numbers of this sheet."""
    questions = tuple(template.question(number) for template in templates)
    return Sheet(number, name, tuple(templates), questions)


def number_of(name: str) -> int:
    """A number from 1 to 999,999 for a name: the same on every machine."""
    return 1 + int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % MOST


def of_class(templates: Sequence[Template], names: Sequence[str]) -> list[Sheet]:
    """A sheet for each name. No two students have a question with the same numbers.

    ValueError for a name that comes twice, and when a question has too few different numbers.
    """
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(f"{', '.join(twice)}: the name is in the class more than once")
    sheets: list[Sheet] = []
    seen: set[tuple[str, str]] = set()
    for name in names:
        number = number_of(name)
        for _ in range(2000):
            made = sheet(templates, number, name)
            asked = {(t.name, looks(q)) for t, q in zip(templates, made.questions)}
            if not asked & seen:
                break
            number = number % MOST + 1
        else:
            raise ValueError(f"{len(names)} students are too many for these questions")
        seen |= asked
        sheets.append(made)
    return sheets


def looks(question: Question) -> str:
    """What a student sees of the question, without the blanks."""
    cells = [[None if isinstance(cell, Answer) else cell for cell in row] for row in question.table]
    return repr((question.text.en, cells, question.code, question.picture))
