"""What the signs of a formula mean, by the page on which it stands.

One letter has many meanings: p is the truth in §1 and the prior in p(z), N is a number and
a Gaussian. So `pages/symbols.txt` has a table for each section and each file, and its keys
are whole expressions. In "E_q[log p(x|z)] − KL(q(z|x) ‖ p(z))" these are found:

    E_q[     p(x|z)     KL(q(z|x) ‖ p(z))

The longest key wins. What stands inside of it is not looked up any more, unless the key
ends with its open bracket. A letter with an index, a prime or a bracket is another sign than
the letter alone. A name of a function, as log, has no entry.
"""

import re
from functools import lru_cache
from html import escape

from scratchvae.study import formulas
from scratchvae.study.pages import FOLDER
from scratchvae.study.prose import Typesetter

HEADS = ("word", "partial", "big", "sign")
GOES_ON = ("under", "sub", "prime")  # then the letter before is another sign


@lru_cache
def table(page: str) -> dict[str, tuple[str, str]]:
    """Sign -> what it means in English and in Korean, on one page: "1-2", or "layers"."""
    found: dict[str, tuple[str, str]] = {}
    here = False
    for line in (FOLDER / "symbols.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            here = page in line.strip("[]").split()
        elif here and line.strip():
            sign, english, *korean = line.split("\t")
            found.pop(sign, None)  # the later group gives its place too
            found[sign] = english, korean[0] if korean else ""
    return found


def signs_of(formula: str, keys: dict[str, tuple[str, str]]) -> list[str]:
    """The keys that stand in the formula, each once, in its order.

    >>> signs_of("E_q[log p(x|z)] + x_i", {"E_q[": ("", ""), "p(x|z)": ("", ""), "x": ("", "")})
    ['E_q[', 'p(x|z)']
    """
    formula = " ".join(formula.split())
    tokens = list(formulas.TOKEN.finditer(formula))
    starts = {token.start(): token for token in tokens}
    ends = {token.end(): i + 1 for i, token in enumerate(tokens)}
    found, at = [], 0
    for i, token in enumerate(tokens):
        if token.start() < at or token.lastgroup not in HEADS:
            continue
        index = i > 0 and tokens[i - 1].lastgroup == "under"
        key = _longest(formula, token.start(), keys, index, ends, starts)
        if key:
            found.append("_" + key if index else key)
            at = token.start() + len(key)
    return list(dict.fromkeys(found))


def _longest(
    formula: str, at: int, keys: dict[str, tuple[str, str]], index: bool,
    ends: dict[int, int], starts: "dict[int, re.Match[str]]",
) -> str:  # fmt: skip
    fits = ""
    for key in keys:
        if key.startswith("_") != index:
            continue
        key = key.removeprefix("_") if index else key
        end = at + len(key)
        if len(key) <= len(fits) or not formula.startswith(key, at) or end not in ends:
            continue
        after = starts[end].lastgroup if end in starts else ""
        called = after == "open" and not index
        if key[-1] in "([" or not (called or after in GOES_ON):
            fits = key
    return fits


class Signs:
    """The signs of one page: `explain` is asked for each formula, and `html` lists them all."""

    def __init__(self, page: str, language: str) -> None:
        self.table = table(page)
        self.numbers = {sign: i for i, sign in enumerate(self.table)}
        for sign in self.table:  # an index and a letter of one meaning stand in the list once
            if self.table.get(f"_{sign}") == self.table[sign]:
                self.numbers[sign] = self.numbers[f"_{sign}"]
        self.language = language
        self.found: set[str] = set()

    def explain(self, formula: str) -> str:
        """The attribute of a <math> element: the numbers of its signs in the list."""
        signs = signs_of(formula, self.table)
        self.found.update(signs)
        if not signs:
            return ""
        return f' data-s="{" ".join(str(self.numbers[sign]) for sign in signs)}"'

    def html(self, title: str) -> str:
        """All signs of the page that were found, with their meaning."""
        rows, shown = "", set()
        for sign, (english, korean) in self.table.items():
            if sign in self.found and self.numbers[sign] not in shown:
                shown.add(self.numbers[sign])
                said = korean if self.language == "ko" else english
                said = Typesetter().inline(said) if "^" in said else escape(said)
                rows += (
                    f'<div id="s{self.numbers[sign]}"><dt>{drawn(sign)}</dt><dd>{said}</dd></div>'
                )
        if not rows:
            return ""
        return f'<details class="signs"><summary>{title}</summary><dl>{rows}</dl></details>'


def drawn(sign: str) -> str:
    """A key as MathML: an open bracket is closed around a dot, and an index is the letter."""
    sign = sign.removeprefix("_")
    close = {"(": "·)", "[": "·]"}.get(sign[-1], "")
    return formulas.mathml(sign + close)
