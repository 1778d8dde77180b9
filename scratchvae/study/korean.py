"""What a Korean page shows in the place of English words that are no prose.

The prose of the pages has its Korean blocks (`pages.py`). A page shows more: what a run
prints, the diagram, the captions and the alternative texts of pictures, the titles of
exercises, what the files of the source are about. Their Korean is found by the hash of
the English too: that of a run on its page, that of the others in `pages/ko/pieces.txt`. So
an English caption that has changed has no Korean one until somebody has looked at it.

Code stays as it is but for its words. Their Korean block has a line for each:

    English words → Korean words
"""

from collections.abc import Mapping

from scratchvae.study import pages
from scratchvae.study.pages import Block


def with_words(text: str, said: str) -> str:
    """The text with the words that the lines of `said` replace, one line after the other.

    ValueError for a line without an arrow, and for words that the text does not have.
    """
    for line in said.strip("\n").splitlines():
        english, arrow, korean = line.partition(" → ")
        if not arrow or english not in text:
            raise ValueError(f"{line!r} has to be 'English → Korean', of words in {text[:60]!r}")
        text = text.replace(english, korean)
    return text


def picture(alt: str, claim: str) -> tuple[str, str]:
    """The alternative text and the caption of a picture."""
    korean = _piece(f"{alt} | {claim}").partition(" | ")
    return korean[0], korean[2]


def title(english: str) -> str:
    """The title of an exercise."""
    return _piece(english)


def idea(english: str) -> str:
    """What a file of the source is about: the first sentences of its docstring."""
    return _piece(english)


def equation(english: str) -> str:
    """The equation of an exercise or of the glossary; as it is where it has no words."""
    return pages.korean("pieces").get(Block("row", english).hash, english)


def diagram(lines: list[str]) -> list[str]:
    """The diagram of the whole process."""
    text = "\n".join(lines)
    return with_words(text, _piece(text)).splitlines()


def _piece(english: str) -> str:
    pieces: Mapping[str, str] = pages.korean("pieces")
    name = Block("row", english).hash
    if name not in pieces:
        raise ValueError(f"pages/ko/pieces.txt has no block @en {name}, for {english[:60]!r}")
    return " ".join(pieces[name].split()) if "→" not in pieces[name] else pieces[name]
