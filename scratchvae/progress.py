"""What a command prints, and the line on stderr that shows how much of a long job is done.

On a terminal the line is written again and again in the same place. Elsewhere (in a log
file, for example) there are plain lines, and only a few of them.

The output may go away while a command works: `| head -1`, a full disk, a closed window.
It is never the result alone: the command also writes files. So the work goes on.

A terminal or a file may have an encoding without μ. Then it gets "mu", and so each symbol
its name: nothing is dropped. A minus is "-" everywhere, which a program can read.
"""

import codecs
import os
import sys
import time
import unicodedata
from contextlib import suppress
from io import TextIOWrapper

from scratchvae.checks import printable

SYMBOLS = {
    "ε": "eps", "λ": "lambda", "Λ": "Lambda", "Σ": "sum", "∑": "sum", "∏": "prod",
    "∫": "integral", "∂": "d", "∇": "grad", "√": "sqrt", "∛": "cbrt", "∞": "inf",
    "−": "-", "±": "+-", "∓": "-+", "×": "x", "·": "*", "⊙": "*", "⊗": "(x)", "∘": "o",
    "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~=", "≃": "~=", "∼": "~", "∝": "~", "‖": "||",
    "→": "->", "←": "<-", "↔": "<->", "∈": "in", "∀": "for all", "∃": "there is", "∅": "{}",
    "∩": "and", "∪": "or", "⌈": "ceil(", "⌉": ")", "⌊": "floor(", "⌋": ")", "′": "'",
    "⁄": "/", "⋯": "...", "°": " degrees", "§": "section ", "–": "-", "—": "-", "─": "-",
    "“": '"', "”": '"', "‘": "'", "’": "'", "□": "[]", "▸": ">",
    "\u0302": "_hat", "\u0303": "_tilde", "\u0304": "_bar",
}  # fmt: skip


def in_ascii(text: str, following: str = "") -> str:
    """The text in ASCII, each symbol by its name. following: the letter after it, if any.

    What has no name is written as Python writes it.

    >>> print(in_ascii("log σ² ≤ −½ ‖x₁‖ + 10⁻¹⁶ sin ωz, 한"))
    log sigma^2 <= -1/2 ||x_1|| + 10^-16 sin omega z, \\ud55c
    """
    names = [_name(c) for c in text + following]
    marks = [_mark(c) for c in text + following]
    found = ""
    for i in range(len(text)):
        found += ("" if i and marks[i] == marks[i - 1] else marks[i]) + names[i]
        if len(names[i]) > 1 and names[i][-1].isalpha() and i + 1 < len(names):
            found += " " if not marks[i + 1] and names[i + 1][:1].isalnum() else ""
    return found


def _mark(c: str) -> str:
    """^ for a letter that stands high, _ for one that stands low, else nothing."""
    return {"<super>": "^", "<sub>": "_"}.get(unicodedata.decomposition(c).split(" ")[0], "")


def _name(c: str) -> str:
    """One letter's."""
    kind, size, *words = [*unicodedata.name(c, "").split(), "", ""]
    if c.isascii() or c in SYMBOLS:
        return SYMBOLS.get(c, c)
    if kind == "GREEK" and words[0] == "LETTER" and len(words) == 4:
        return words[1].lower() if size == "SMALL" else words[1].capitalize()
    parts = unicodedata.normalize("NFKD", c)
    if parts != c and kind != "HANGUL":
        return "".join(map(_name, parts))
    if unicodedata.combining(c):  # Å is an A with a ring
        return ""
    if kind == "LATIN" and words[0] == "LETTER" and len(words[1]) == 1:  # ø is an o with a stroke
        return words[1].lower() if size == "SMALL" else words[1]
    return c.encode("ascii", "backslashreplace").decode()


def _of_encoding(error: UnicodeError) -> tuple[str, int]:
    """What a stream writes in place of letters that its encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text, end = error.object, error.end
    while end < len(text) and _mark(text[end]) and _mark(text[end]) == _mark(text[end - 1]):
        end += 1  # the encoding may have ², but it belongs to ⁻²
    return in_ascii(text[error.start : end], text[end : end + 1]), end


codecs.register_error("scratchvae", _of_encoding)


def any_encoding() -> None:
    """From now on stdout and stderr write the names of symbols that they do not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="scratchvae")


def say(text: str, *, end: str = "\n", error: bool = False) -> None:
    """Print the text on stdout, or with error=True on stderr; `printable`, line by line."""
    put("\n".join(map(printable, text.replace("−", "-").split("\n"))), end=end, error=error)


def put(text: str, *, end: str = "\n", error: bool = False) -> None:
    """Print the text as it is: it may move the cursor.

    When nobody can read it any more, the stream leads nowhere from then on, and nothing is
    raised.
    """
    stream = sys.stderr if error else sys.stdout
    if stream is None:  # the caller of the program closed it
        return
    try:
        print(text, end=end, file=stream, flush=True)
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class ProgressLine:
    """The progress line of one job. With show=False it writes nothing."""

    def __init__(self, show: bool) -> None:
        self.on = show and sys.stderr is not None  # None when the caller closed it
        self.terminal = self.on and sys.stderr.isatty()
        self.start = self.shown = time.perf_counter()
        self.before = 0.0  # the share that was done before the start

    def due(self) -> bool:
        """Whether to write the line now. On a terminal: at most ten times a second."""
        return self.terminal and time.perf_counter() - self.shown >= 0.1

    def write(self, text: str, last: bool) -> None:
        """Write the text over the line before it.

        last: this text stays, and the next one is on a new line. If stderr is not a
        terminal, only such texts are written.
        """
        if self.on and (self.terminal or last):
            self.shown = time.perf_counter()
            rewind = "\r\x1b[K" if self.terminal else ""  # to the start of the line; clear it
            put(f"{rewind}{text}", end="\n" if last else "", error=True)

    def left(self, share: float) -> str:
        """The time left, "m:ss left". share: the part that is done, above `before`, up to 1."""
        spent = time.perf_counter() - self.start
        minutes, seconds = divmod(round(spent * (1 - share) / (share - self.before)), 60)
        return f"{minutes}:{seconds:02} left"
