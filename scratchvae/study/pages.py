"""The pages of Part I: the notes, section by section, in English and in Korean.

A page is a text in `pages/en`. Its blocks are divided by blank lines:

    # a title                       ## a heading inside of the page
    words, with $formulas$          and formulas in indented lines
    @run                            the lines below are run; what they print is shown
    @function info.entropy          its code, cut from the source
    @picture bits                   the picture of a demo, with the claim of the demo
    @tests info.entropy             the theorems of its tests
    @exercise 1.1                   the homework exercise
    @cut errata                     the errata, a table of the README
    @glossary, @diagram             the glossary; the process as one diagram
    @references source, @cite aevb  the works of a group; BibTeX
    @contents, @links               the pages of the book; licence and repository
    @fold ... @end                  what is shown after the question is answered

**Korean.** A page in `pages/ko` holds the words alone. Each block begins with `@en` and the
hash of the English block that it says. Formulas, code, pictures and what is run are the
English page's own; a formula that has words in it may have a Korean block too. When the
English words have moved on, their hash is another one, the Korean block is not found, and
a test fails.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "pages"

# file name, and the section of the notes that it says
ORDER = (
    ("0", "0"),
    ("1-1", "1.1"),
    ("1-2", "1.2"),
    ("1-3", "1.3"),
    ("1-4", "1.4"),
    ("1-5", "1.5"),
    ("1-6", "1.6"),
    ("2", "2"),
    ("2-bound", "2"),
    ("2-estimator", "2"),
    ("2-process", "2"),
    ("glossary", ""),
    ("errata", ""),
    ("references", ""),
)


@dataclass(frozen=True)
class Block:
    """kind: "title", "heading", "prose", "display", or the word after @. text: the rest."""

    kind: str
    text: str

    @property
    def hash(self) -> str:
        """Of the words, whatever their line breaks."""
        return hashlib.sha256(" ".join(self.text.split()).encode()).hexdigest()[:10]

    @property
    def said(self) -> bool:
        """Whether a Korean block says it: words, and a row of a table."""
        return self.kind in ("title", "heading", "prose", "row")


def english(name: str) -> list[Block]:
    """The blocks of an English page."""
    return list(_blocks((FOLDER / "en" / f"{name}.txt").read_text(encoding="utf-8")))


def _blocks(text: str) -> Iterator[Block]:
    for chunk in re.split(r"\n\s*\n", text.strip("\n")):
        first, _, rest = chunk.partition("\n")
        if first.startswith("@"):
            word, _, argument = first[1:].partition(" ")
            yield Block(word, rest if word == "run" else argument)
        elif first.startswith("## "):
            yield Block("heading", chunk[3:])
        elif first.startswith("# "):
            yield Block("title", chunk[2:])
        elif first.startswith("    "):
            yield Block("display", chunk)
        else:
            yield Block("prose", chunk)


def korean(name: str) -> dict[str, str]:
    """Hash of the English block -> the Korean one."""
    text = (FOLDER / "ko" / f"{name}.txt").read_text(encoding="utf-8")
    found = {}
    for chunk in re.split(r"\n\s*\n", text.strip("\n")):
        first, _, rest = chunk.partition("\n")
        if not first.startswith("@en "):
            raise ValueError(
                f"pages/ko/{name}.txt: a block begins with {first[:30]!r}, not with @en"
            )
        found[first[4:].strip()] = rest
    return found


def title(name: str, language: str) -> str:
    """The title of a page."""
    block = next(block for block in english(name) if block.kind == "title")
    return korean(name).get(block.hash, block.text) if language == "ko" else block.text


def glossary() -> list[tuple[str, str, str, str]]:
    """English, Korean, symbol, name in the code: a row for each term."""
    text = (FOLDER / "glossary.txt").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.split("\t")] for line in text.splitlines() if line.strip()
    ]
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def readme_section(text: str, heading: str) -> str:
    """What stands below a heading of the README, up to the next one."""
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def readme_table(text: str, heading: str) -> list[list[str]]:
    """The rows of the table below a heading of the README; the first is the table's head."""
    section = readme_section(text, heading)
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [re.split(r"(?<!\\)\|", line.strip()[1:-1]) for line in lines]
    cells = [[cell.strip().replace("\\|", "|") for cell in row] for row in rows]
    return [cells[0], *cells[2:]]


def rows_as_blocks(rows: list[list[str]]) -> list[Block]:
    """A row each, so that Korean can say it."""
    return [Block("row", " | ".join(row)) for row in rows]
