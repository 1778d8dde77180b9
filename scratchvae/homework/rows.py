"""Which row of a teacher's table a submission is.

Each of these tells rows, where the table has the column:

    Canvas    ID; SIS User ID, SIS Login ID; the name
    Moodle    the first column, one word and a number ("Participant 17", "Teilnehmer/in17");
              the name, in the second; the e-mail address; a group, in any
    any CSV   the column that `key` names, and no other

A submission's name has one of the forms of `names.py`, or is the cell itself, or the number of a
Moodle cell. Only the platform's own form makes a number of a longer name: "Ada Park 2" is the
second copy of a folder, and not number 2. All that tells a row has to tell the same row. If not,
or if it tells several, the submission is doubtful: it is named, and not filled.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from scratchvae.homework.names import CANVAS, MOODLE, same


class Person(NamedTuple):
    """What a platform says of who has handed something in; "" where it says nothing."""

    name: str
    sid: str = ""
    mail: str = ""


Index = dict[str, set[int]]  # a text -> the rows in which it stands
Own = Callable[[str, Person], list[str]]  # a submission's name, and whose it is -> such texts
PEOPLE = ("student", "full name", "name", "submission", "이름", "성명")  # names of columns


class Rows:
    """Which rows a submission's name may be of. people: the columns with names.

    columns: of each, the cells below the header; row 1 is the first of them. target: the column
    to fill, key: the one that `--key` names.
    """

    def __init__(
        self, header: list[str], columns: list[list[str]], target: int, key: int | None
    ) -> None:
        titles = {same(title): i for i, title in enumerate(header)}
        moodle = key is None and _numbered(columns[0])
        self.people = [i for i, title in enumerate(header) if same(title) in PEOPLE]
        if moodle and len(columns) > 1 and not any(re.search(r"\d", one) for one in columns[1]):
            self.people = [1]  # in the worksheet of names that are hidden it is the status
        self.ways: list[tuple[Index, Own]] = []
        if key is not None:
            self._add(columns[key], lambda name, who: [name, *_ids(name, CANVAS, MOODLE), *who])
        if moodle:
            self._add(columns[0], lambda name, who: [name, *_ids(name, MOODLE)])
        elif key is None and "id" in titles:
            self._add(columns[titles["id"]], lambda name, who: [name, *_ids(name, CANVAS)])
        if key is None:
            for title in titles.keys() & {"sis user id", "sis login id"}:
                self._add(columns[titles[title]], lambda name, who: [name, who.sid, who.mail])
            for said in [said for said in columns if _are_mail(said)][:1]:
                self._add(said, lambda name, who: [name, who.mail])
        self.names = [
            _index([(row, form(cell)) for row, cell in enumerate(columns[i], 1)
                    for form in (_words, _letters)])
            for i in self.people if key is None
        ]  # fmt: skip
        others = [i for i in range(len(columns)) if i not in (target, *self.people)]
        self.groups = [_index(enumerate(map(same, columns[i]), 1)) for i in others if moodle]

    def _add(self, cells: list[str], own: Own) -> None:
        """A column whose cells are told by what `own` gives; of "word 17" the number will do."""
        said = list(enumerate(map(same, cells), 1))
        if _numbered(cells):
            said += [(row, re.sub(r"\D", "", cell)) for row, cell in said]
        self.ways.append((_index(said), own))

    def of(self, name: str, who: Person | None) -> tuple[set[int], bool]:
        """The rows, and whether they are sure: one, or those of a group."""
        form = MOODLE.fullmatch(name) or CANVAS.fullmatch(name)
        who = who or Person(form["name"] if form else name)
        named = [index.get(_words(who.name), index.get(_letters(who.name))) for index in self.names]
        if MOODLE.fullmatch(name) and not any(named):
            for index in self.groups:
                if group := index.get(same(who.name)):
                    return group, True
        told = [hit for hit in named if hit]
        for index, own in self.ways:
            hits = [index[text] for text in map(same, own(name, who)) if text in index]
            told += [set().union(*hits)] if hits else []
        if told:
            both = set.intersection(*told)
            return both or set().union(*told), len(both) == 1
        copied = re.fullmatch(r"(.*?)\W*(\d+)\W*", name)  # "Ada Park 2", "hw (2)"
        weak = [self.of(part, None)[0] for part in copied.groups()] if copied and copied[1] else []
        return set().union(*weak), False


def _index(cells: Iterable[tuple[int, str]]) -> Index:
    """What stands in a column -> its rows; of what is not empty."""
    found: Index = {}
    for row, cell in cells:
        if cell:
            found.setdefault(cell, set()).add(row)
    return found


def _numbered(cells: Sequence[str]) -> bool:
    """Whether they are one word and a number each, as Moodle's first column in any language."""
    found = [re.fullmatch(r"(\D*[^\d\s])\s*\d+", cell) for cell in cells if cell]
    return all(found) and len({one[1] for one in found if one}) == 1


def _ids(name: str, *forms: re.Pattern[str]) -> list[str]:
    """The number that a platform has put into the name."""
    return [found["id"] for form in forms if (found := form.fullmatch(name))]


def _words(name: str) -> str:
    """A name without the order of its parts: "Park, Ada" and "Ada Park" are one."""
    return " ".join(sorted(re.findall(r"[^\W_]+", same(name))))


def _letters(name: str) -> str:
    """A name as platforms write it in front of a file: "Park, Ada" is parkada."""
    return "".join(re.findall(r"[^\W_]+", same(name)))


def _are_mail(cells: Sequence[str]) -> bool:
    """Whether all, where there are any, are e-mail addresses."""
    return any(cells) and all(re.fullmatch(r"\S+@\S+", one) for one in cells if one)
