"""One line on stderr that says how far a long job is: rewritten in place on a terminal, elsewhere plain lines, few of them."""

import sys
import time


class ProgressLine:
    """The line of one job. show=False: nothing is ever written."""

    def __init__(self, show: bool) -> None:
        self.on = show
        self.terminal = show and sys.stderr.isatty()
        self.start = self.shown = time.perf_counter()

    def due(self) -> bool:
        """Whether a passing state should be written now: on a terminal, ten times a second."""
        return self.terminal and time.perf_counter() - self.shown >= 0.1

    def write(self, text: str, last: bool) -> None:
        """Write the text over the line before it; `last` lets it stay. Elsewhere than on a terminal only the last is written."""
        if self.on and (self.terminal or last):
            self.shown = time.perf_counter()
            rewind = (
                "\r\x1b[K" if self.terminal else ""
            )  # back to the start of the line, and clear it
            print(f"{rewind}{text}", end="\n" if last else "", file=sys.stderr, flush=True)

    def left(self, share: float) -> str:
        """The time left as m:ss, when this share of the job is done."""
        minutes, seconds = divmod(
            round((time.perf_counter() - self.start) * (1 - share) / share), 60
        )
        return f"{minutes}:{seconds:02} left"
