"""What a command prints, and the line on stderr that shows how much of a long job is done.

On a terminal the line is written again and again in the same place. Elsewhere (in a log
file, for example) there are plain lines, and only a few of them.

The output may go away while a command works: `| head -1`, a full disk, a closed window.
It is never the result alone: the command also writes files. So the work goes on.
"""

import os
import sys
import time
from contextlib import suppress

from scratchvae.checks import printable


def say(text: str, *, end: str = "\n", error: bool = False) -> None:
    """Print the text on stdout, or with error=True on stderr; `printable`, line by line."""
    put("\n".join(map(printable, text.split("\n"))), end=end, error=error)


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
