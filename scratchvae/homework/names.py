"""The names that platforms give to what students hand in, and text whose coding nobody says.

parkada_17_4711_hw.zip                        Canvas: name, ID, number of the file, file
parkada_LATE_17_4711_hw.zip                   the same, after the deadline
parkada_17_text.html                          a text or a link: it has no number
Ada Park_17_assignsubmission_file_            Moodle: name, Identifier, kind; a folder
Ada Park_17_assignsubmission_file             the same, from Moodle 4.1 on
Ada Park_17_assignsubmission_file_hw.zip      without folders
"""

import re
import unicodedata

CANVAS = re.compile(
    r"(?P<who>(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+))"
    r"_(?:(?P<number>\d+)_(?P<file>.+)|(?:text|link)(?:\.html)?)"
)
MOODLE = re.compile(
    r"(?P<who>(?P<name>[^_]+)_(?P<id>\d+))_assignsubmission_(?P<kind>[a-z]+)(?:_(?P<file>.*))?"
)


def student(name: str) -> str:
    """What is the same in all names of one student's files; "" when no platform gave the name."""
    found = MOODLE.fullmatch(name) or CANVAS.fullmatch(name)
    return found["who"] if found else ""


def same(text: str) -> str:
    """Equal for names that differ in capitals, or as macOS decomposes letters (NFD)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def decoded(data: bytes, *western: str) -> tuple[str, str]:
    """The text, and its coding: UTF-8, the Korean cp949, or the first of `western` that fits.

    In cp949 an accent of cp1252 or cp437 and the letter after it are one Hangul syllable: Åsa is
    킽a. It is one of the 8,822 rare syllables, whose second byte may be a letter. The 2,350 in
    everyday use have none (KS X 1001). So a word is Korean when it is all Hangul, half of it or
    more in everyday use; and the text, when more Hangul is in such words than in others.

    ValueError when none fits.
    """
    for coding in ("utf-8", "cp949", *western):
        try:
            text = data.decode(coding)
            if text.encode(coding) == data and (coding != "cp949" or _is_korean(text)):
                return text, coding
        except UnicodeError:
            pass
    raise ValueError(f"it is no text in UTF-8, cp949 or {', '.join(western)}")


def _is_korean(text: str) -> bool:
    made = stray = 0
    for word in re.findall(r"[^\W\d_]+", text):
        hangul = [letter for letter in word if "가" <= letter <= "힣"]
        everyday = sum(min(letter.encode("cp949")) > 0xA0 for letter in hangul)
        if len(hangul) == len(word) <= 2 * everyday:
            made += len(word)
        else:
            stray += len(hangul)
    return made > stray
