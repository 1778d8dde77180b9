"""Files of sheets: one, or those of a class with their keys."""

import re
from collections.abc import Sequence
from pathlib import Path

from scratchvae.files import made, written_whole
from scratchvae.homework.sheets import choose, mark, markdown, page
from scratchvae.homework.sheets.choose import Sheet
from scratchvae.homework.sheets.question import Template


def of_class(
    out: Path, templates: Sequence[Template], names: Sequence[str], title: str, lang: str
) -> str:
    """A sheet and a key for each name, all sheets in one file, one key for all, and a table for
    the answers. Returns a sentence that says which.
    """
    sheets = choose.of_class(templates, names)
    page_of(out, sheets, title, lang, False)
    folder = made(out.with_suffix(""))
    for one in sheets:
        name = re.sub(r"[^\w .-]", "_", one.name).strip(". ") or "student"
        page_of(folder / f"{name} {one.number}{out.suffix}", [one], title, lang, False)
        page_of(folder / f"{name} {one.number} key{out.suffix}", [one], title, lang, True)
    key = out.with_name(f"{out.stem}-key.html")
    before = page.results(sheets, title, lang)
    _text(key, page.page(sheets[:1], title, lang, key=True, before=before))
    answers = out.with_name(f"{out.stem}-answers.csv")
    _text(answers, "\ufeff" + mark.empty_table(sheets))
    return (
        f"wrote {out}: {len(sheets)} sheets, {sheets[0].points} points each; each of them and its "
        f"key in {folder}; {key} for all; {answers} to fill in"
    )


def page_of(path: Path, sheets: Sequence[Sheet], title: str, lang: str, key: bool) -> None:
    """These sheets in one file, Markdown or a page to print."""
    write = markdown.markdown if path.suffix == ".md" else page.page
    _text(path, write(sheets, title, lang, key=key))


def _text(path: Path, text: str) -> None:
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8")
