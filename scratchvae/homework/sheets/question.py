"""What a question is: a text with numbers, blanks, the right answers, and the steps to them.

A *template* is a function that draws numbers and returns a `Question`. The package computes
the answers from the numbers, by the same functions that the book explains.

Everything that is read exists in English and in Korean: `Text(en, ko)`. In a text, $...$ holds
a formula; a line that begins with four spaces is a formula on a line of its own. A plain `str`
is the same in both languages: it is a formula.
"""

import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np

from scratchvae.checks import generator

TOLERANCE = 0.002  # of a number with three decimals: it allows for rounded steps


class Text(NamedTuple):
    """The same in English and in Korean."""

    en: str
    ko: str


Said = str | Text
Numbers = Sequence[float]  # what a student has in the blanks of one question
Follows = Callable[[Numbers], float | str]
T = TypeVar("T")


def said(text: Said, lang: str) -> str:
    """The text in this language, "en" or "ko"."""
    return text if isinstance(text, str) else getattr(text, lang)


# ---- the classical mistakes ----

NATS = Text("natural logarithm in place of log₂", "log₂ 대신 자연로그를 썼다")
BITS = Text("log₂ in place of the natural logarithm", "자연로그 대신 log₂를 썼다")
SWAPPED = Text("p and q are swapped", "p와 q를 서로 바꾸었다")
SIGN = Text("the sign is turned round", "부호가 반대이다")
HALF = Text("the ½ is forgotten", "½을 빠뜨렸다")
WEIGHT = Text("not weighed by the probability", "확률로 가중하지 않았다")
MEAN = Text("a mean in place of the sum", "합 대신 평균을 구했다")
SIGMA = Text("σ in place of σ²", "σ² 대신 σ를 썼다")
SQUARE = Text("σ² in place of σ", "σ 대신 σ²을 썼다")
LOG_SIGMA = Text("log σ² is read as log σ", "log σ²을 log σ로 읽었다")
NO_KL = Text("the part of the KL is missing", "KL에서 오는 부분이 빠졌다")
LOG_OF_MEAN = Text("the log of the mean in place of the mean of the logs",
                   "로그의 평균 대신 평균의 로그를 구했다")  # fmt: skip
MEAN_OF_LOG = Text("the mean of the logs in place of the log of the mean",
                   "평균의 로그 대신 로그의 평균을 구했다")  # fmt: skip


# ---- a question ----


@dataclass(frozen=True)
class Answer:
    """One blank. label: what stands before it. value: a number, or a word such as "p" or "3142".

    unit: "bit", "nat" or "". wrong: a mistake's name -> what it gives. follows: the answer
    that follows from the student's own earlier blanks of the question. accepts: whether a
    number is right, where many are (a counterexample); value is then one of them.
    options: the words to choose from.
    """

    label: Said
    value: float | str
    unit: str = ""
    tolerance: float = TOLERANCE
    points: int = 1
    wrong: tuple[tuple[Text, float], ...] = ()
    follows: Follows | None = None
    accepts: Callable[[Numbers], bool] | None = None
    options: tuple[Said, ...] = ()


def blank(
    label: Said,
    value: float,
    unit: str = "",
    *,
    wrong: dict[Text, float] | None = None,
    follows: Follows | None = None,
    tolerance: float = TOLERANCE,
    points: int = 1,
) -> Answer:
    """A number. A mistake that gives the right number here, or nearly, is left out."""
    value = float(value)
    told = tuple(
        (name, float(other))
        for name, other in (wrong or {}).items()
        if not abs(other - value) <= 3 * tolerance
    )
    return Answer(label, value, unit, tolerance, points, told, follows)


def choice(
    label: Said,
    value: str,
    options: Sequence[Said],
    *,
    follows: Callable[[Numbers], str] | None = None,
) -> Answer:
    """One of the words; each option begins with the word that is written: "A", "p"."""
    return Answer(label, value, options=tuple(options), follows=follows)


Cell = Said | Answer


@dataclass(frozen=True)
class Question:
    """text: what is asked. table: rows of formulas and blanks, the first is the header. blanks:
    below it. code: a program. picture: SVG. steps: how somebody gets to the answers. words:
    what a full answer in words says; for two points "(1) ... (2) ...", one point each. room:
    lines to write in.
    """

    text: Text
    blanks: tuple[Answer, ...] = ()
    table: tuple[tuple[Cell, ...], ...] = ()
    code: str = ""
    picture: str = ""
    steps: tuple[Said, ...] = ()
    words: Text | None = None
    words_points: int = 2
    room: int = 3

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All blanks, those of the table first. The first is a), the next b)."""
        cells = [cell for row in self.table for cell in row if isinstance(cell, Answer)]
        return (*cells, *self.blanks)

    @property
    def tolerance(self) -> float:
        """The one of all its blanks; where they differ, that of the sheet."""
        found = {answer.tolerance for answer in self.answers}
        return found.pop() if len(found) == 1 else TOLERANCE

    @property
    def points(self) -> int:
        """Of all blanks, and of the words."""
        return sum(answer.points for answer in self.answers) + self.hand

    @property
    def hand(self) -> int:
        """The points that a person gives, for an answer in words."""
        return self.words_points if self.words else 0


# ---- the numbers ----

CLEAR = 0.02  # what is compared differs by this or more: ten times the tolerance


def distinct(values: Numbers) -> bool:
    """No two have the same size."""
    return len(set(map(abs, values))) == len(values)


@dataclass
class Draw:
    """Draws numbers and keeps what it has drawn, with the ranges: (value, low, high)."""

    rng: np.random.Generator
    drawn: list[tuple[float, float, float]] = field(default_factory=list)

    @property
    def values(self) -> list[float]:
        """All that was drawn, in its order."""
        return [value for value, _, _ in self.drawn]

    def number(self, low: float, high: float, step: float = 0.01, *, zero: bool = False) -> float:
        """low, low + step, ..., high, each as probable; never 0, unless zero says so."""
        steps = round((high - low) / step)
        while True:
            value = round(low + step * int(self.rng.integers(steps + 1)), 6) + 0.0
            if value or zero:
                self.drawn.append((value, low, high))
                return value

    def whole(self, low: int, high: int) -> int:
        """A whole number, from low to high."""
        value = int(self.rng.integers(low, high + 1))
        self.drawn.append((value, low, high))
        return value

    def signed(self, low: float, high: float, step: float = 0.1) -> float:
        """As `number`, with a sign."""
        size = low + step * int(self.rng.integers(round((high - low) / step) + 1))
        value = round(size * (1 - 2 * int(self.rng.integers(2))), 6)
        self.drawn.append((value, -high, high))
        return value

    def until(self, make: Callable[[], T], good: Callable[[T], bool]) -> T:
        """The first that is good. What was drawn for the others is forgotten."""
        while True:
            kept = len(self.drawn)
            found = make()
            if good(found):
                return found
            del self.drawn[kept:]

    def split(self, n: int, parts: int, least: int = 1) -> list[float]:
        """n probabilities k / parts, k ≥ least, that add to 1; no two are equal."""
        while True:
            cuts = np.sort(self.rng.choice(parts - 1, n - 1, replace=False) + 1)
            sizes = np.diff([0, *cuts, parts])
            if sizes.min() >= least and len(set(sizes.tolist())) == n:
                found = [round(int(size) / parts, 6) for size in sizes]
                self.drawn += [(p, least / parts, 1 - least / parts) for p in found]
                return found

    def two(
        self, n: int, parts: int, least: int = 1, apart: float = 0.1
    ) -> tuple[list[float], list[float]]:
        """Two distributions that differ in each state, and by `apart` or more in some. Their two
        KL, and their two cross entropies, differ by CLEAR nats or more.
        """

        def good(both: tuple[list[float], list[float]]) -> bool:
            states = list(zip(*both))
            gaps = [abs(a - b) for a, b in states]
            kl = sum((a + b) * math.log(a / b) for a, b in states)  # KL(p ‖ q) − KL(q ‖ p)
            cross = sum(b * math.log(a) - a * math.log(b) for a, b in states)
            return min(gaps) > 0 and max(gaps) >= apart and min(abs(kl), abs(cross)) >= CLEAR

        return self.until(lambda: (self.split(n, parts, least), self.split(n, parts, least)), good)

    def order(self, n: int) -> list[int]:
        """A permutation of 0 ... n − 1, not the one that changes nothing."""
        found = list(range(n))
        while found == sorted(found):
            found = [int(i) for i in self.rng.permutation(n)]
        self.drawn += [(i, 0, n - 1) for i in found]
        return found


# ---- templates ----

Function = Callable[[Draw], Question]


@dataclass(frozen=True)
class Template:
    """topic: as "1.2" or "2-bound". name: the function's. minutes: for one question of it."""

    topic: str
    name: str
    minutes: int
    function: Function

    def question(self, seed: int) -> Question:
        """The question with the numbers of this seed: the same in every run."""
        return self.function(self.draw(seed))

    def draw(self, seed: int) -> Draw:
        """The numbers to be drawn: each template has its own stream."""
        return Draw(generator("seed", seed, "sheet", zlib.crc32(self.name.encode())))


TEMPLATES: dict[str, Template] = {}


def template(topic: str, minutes: int) -> Callable[[Function], Function]:
    """A decorator: the function is a template of this topic. The first are asked first."""

    def register(function: Function) -> Function:
        name = function.__name__
        assert name not in TEMPLATES
        TEMPLATES[name] = Template(topic, name, minutes, function)
        return function

    return register


# ---- numbers as text ----


def given(value: float) -> str:
    """A drawn number, with all its digits: 0.25, −1.5."""
    return f"{value:.6g}".replace("-", "−")


def shown(value: float, digits: int = 3) -> str:
    """A computed number, rounded: 0.811, −0.250, ∞."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def row(values: Iterable[float]) -> str:
    """A distribution or vector: (0.2, 0.3, 0.5)."""
    return f"({', '.join(map(given, values))})"


def signed(value: float) -> str:
    """A factor in a product: a negative one has brackets."""
    return f"({given(value)})" if value < 0 else given(value)


def in_brackets(value: float) -> str:
    """A computed factor; a negative one has brackets."""
    return f"({shown(value)})" if value < 0 else shown(value)


class Slip(NamedTuple):
    """A mistake in one line of a program: the line as it should be, as it stands, and why not."""

    right: str
    wrong: str
    why: Text

    def words(self) -> Text:
        """What a full answer says: (1) what is wrong, (2) the line."""
        return Text(*(f"(1) {why} (2) `{self.right}`" for why in self.why))


def sum_of(terms: Sequence[str]) -> str:
    """a + b + c, and a − b for a negative b."""
    return " + ".join(terms).replace("+ −", "− ")
