"""Part I as one page that prints as a whole: contents, every answer, a chapter on a new sheet.

The chapters are those of the pages, already made. Part II is not in it: its code is some
hundreds of sheets, and its values unfold on a screen only.
"""

import re

from scratchvae.study import pages
from scratchvae.study.frame import Frame
from scratchvae.study.words import WORDS


class Printed(Frame):
    """The page `print.html` of each language."""

    def _printed_page(self, language: str) -> None:
        folder = "ko/" if language == "ko" else ""
        made = {page.name: page for page in self.pages}
        contents, chapters = "", ""
        for name in ("index", *(name for name, _ in pages.ORDER)):
            chapter = name if name == "index" else f"notes-{name}"
            page = made[f"{folder}{chapter}.html"]
            if name != "index":
                contents += f'<li><a href="#{chapter}">{page.title}</a></li>'
            chapters += (
                f'<section class="chapter" id="{chapter}"><h2>{page.title}</h2>'
                f"{_in_one_page(page.body, chapter)}</section>"
            )
        front, rest = chapters.split("</section>", 1)
        words = WORDS[language]
        front = re.sub(r"<h2>.*?</h2>", "", front, count=1)
        front = front[: front.index('<p class="chips">')]
        contents = f'<h2>{words["contents"]}</h2><ol class="contents">{contents}</ol>'
        self._page(
            f"{folder}print.html", language, words["book"], f"{front}{contents}</section>{rest}",
            about=words["printed"], kind="book",
        )  # fmt: skip


def _in_one_page(body: str, chapter: str) -> str:
    """A page's body as a chapter: one heading lower, with ids and links of its own, unfolded."""
    body = re.sub(r'<details class="(?:signs|small tests)">.*?</details>', "", body, flags=re.S)
    body = re.sub(r' data-s="[^"]*"', "", body)
    body = body.replace('<details class="fold">', '<details class="fold" open>')
    body = re.sub(r"<(/?)h([23])", lambda m: f"<{m[1]}h{int(m[2]) + 1}", body)
    body = re.sub(r'\bid="', f'id="{chapter}.', body)
    body = re.sub(r'href="#', f'href="#{chapter}.', body)
    return re.sub(
        r'href="(notes-[\w-]+)\.html(#[^"]*)?"',
        lambda m: f'href="#{m[1]}{"." + m[2][1:] if m[2] else ""}"',
        body,
    )
