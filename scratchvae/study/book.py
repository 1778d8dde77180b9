"""The book: static pages made of the package itself.

    Part I   the notes, section by section (`part_one.py`), in English and in Korean
    Part II  the source, file by file (`part_two.py`): derivation left, code right

`build` writes one folder of HTML, one style sheet, one script and the pictures. A page
needs nothing else: no server, no network, and no script either.
"""

import base64
import html
import json
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from scratchvae.files import made, written_whole
from scratchvae.study import pages
from scratchvae.study.frame import ROOT, WORDS, Report, row_id
from scratchvae.study.part_one import Notes
from scratchvae.study.part_two import Source
from scratchvae.study.prose import Typesetter
from scratchvae.study.student import hide

HERE = Path(__file__).parent


def build(
    out: Path, *, edits: bool = True, student: bool = False, hidden: Sequence[str] | None = None
) -> Report:
    """Write the book into the folder. edits: try the small edits of the exercises' functions.

    student: without the answers to the exercises `hidden`; None is all.

    ValueError when the package is not in its repository: the book is also made of the
    README, of demos/ and of tests/. FileExistsError when the folder holds something else than
    an earlier book.
    """
    for name in ("README.md", "demos", "tests"):
        if not (ROOT / name).exists():
            raise ValueError(
                f"{ROOT} has no {name}; the book is made in a clone of the repository, installed "
                "with `pip install -e .`"
            )
    style = out / "style.css"  # a book's first file
    an_earlier_one = style.is_file() and style.read_bytes().startswith(_FONT[:40].encode())
    if out.is_dir() and any(out.iterdir()) and not an_earlier_one:
        raise FileExistsError(f"{out} holds other files than a book; name a new folder by --out")
    made(out)  # an error now is better than after the work
    book = _Book(out, edits=edits)
    if student:
        hide(book, hidden)
    return book.write()


class _Book(Notes, Source):
    def write(self) -> Report:
        start = time.perf_counter() - self.seconds
        made(self.out / "ko")
        made(self.out / "pictures")
        self._put("style.css", _FONT.format(_base64("math.woff")) + _text("style.css"))
        self._put("script.js", _text("script.js"))
        for path in sorted((ROOT / "demos" / "pictures").glob("*.png")):
            with written_whole(self.out / "pictures" / path.name) as part:
                shutil.copyfile(path, part)
            self.report.files.append(self.out / "pictures" / path.name)
        for language in ("en", "ko"):
            for i, (name, _) in enumerate(pages.ORDER):
                self._notes_page(language, i, name)
            self._contents(language)
        for i, module in enumerate(self.modules):
            self._source_page(i, module)
        self._equations_page()
        self._symbols_page()
        self._put("book.js", self._data())
        self.report.seconds = time.perf_counter() - start
        return self.report

    def _contents(self, language: str) -> None:
        words = WORDS[language]
        root, folder = ("../", "ko/") if language == "ko" else ("", "")
        plain = Typesetter(find=False)
        notes = "".join(
            f'<li><a href="notes-{name}.html">{plain.inline(pages.title(name, language))}</a></li>'
            for name, _ in pages.ORDER
        )
        ideas = dict(_ideas(self.readme))
        source = "".join(
            f'<li><a href="{root}source-{m.name}.html"><code>{m.name}.py</code></a> '
            f'<span lang="en">{self._typesetter(language).inline(ideas.get(m.name, ""))}</span>'
            "</li>"
            for m in self.modules
        )
        body = f"""<h2>{words["part 1"]}</h2>
<ul class="contents">{notes}</ul>
<h2>{words["part 2"]}</h2>
<ul class="contents">{source}</ul>
<h2>{words["more"]}</h2>
<ul class="contents"><li><a href="{root}equations.html">{words["equations"]}</a></li>
<li><a href="{root}symbols.html">{words["symbols"]}</a></li></ul>"""
        self._page(f"{folder}index.html", language, words["book"], body, after="notes-0.html")

    def _equations_page(self) -> None:
        typesetter = self._typesetter("en")
        seen: set[str] = set()
        rows = ""
        for row in self.equations[1:]:
            ids = [f"eq-{n}" for n in re.findall(r"\((\d+)\)", row[0])]
            name = row_id(row)
            marks = "".join(f'<span id="{i}"></span>' for i in ids if i not in seen)
            seen.update(ids)
            named = re.search(r"`([a-z_]+(?:\.[A-Z]\w*)?)\.", row[2])
            functions = self._typesetter("en", named[1] if named else "")
            source = self._reference(html.escape(row[0]), "")
            cells = [source, typesetter.inline(row[1]), functions.inline(row[2])]
            row_html = "".join(f"<td>{cell}</td>" for cell in (marks + cells[0], *cells[1:]))
            rows += f'<tr id="{name}">{row_html}</tr>'
            self.index.append((f"{row[0]}: {row[1]}", f"equations.html#{name}"))
        head = "".join(f"<th>{cell}</th>" for cell in self.equations[0])
        body = (
            f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>'
            "</table></div>"
        )
        last = f"source-{self.modules[-1].name}.html"
        self._page(
            "equations.html", "en", WORDS["en"]["equations"], body, before=last,
            after="symbols.html", kind="source",
        )  # fmt: skip

    def _symbols_page(self) -> None:
        typesetter = self._typesetter("en")
        rows = "".join(
            "<tr>" + "".join(f"<td>{typesetter.inline(cell)}</td>" for cell in row) + "</tr>"
            for row in self.symbols[1:]
        )
        head = "".join(f"<th>{cell}</th>" for cell in self.symbols[0])
        body = (
            f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>'
            "</table></div>"
        )
        self._page("symbols.html", "en", WORDS["en"]["symbols"], body, before="equations.html")

    def _data(self) -> str:
        """The index of the search, and the symbols by their signs, for the script."""
        symbols: dict[str, str] = {}
        for symbol, name, meaning in self.symbols[1:]:
            for sign in symbol.split(", "):
                letters = sign.split("(")[0].split(" ")[0]
                about = f"{name}: {meaning}" if name else meaning
                symbols.setdefault(letters, re.sub(r"`", "", about))
        data = {"index": self.index, "symbols": symbols}
        return f"window.book = {json.dumps(data, ensure_ascii=False)};\n"


# inside of the style sheet: a browser may refuse a page in ko/ a font that is outside of ko/
_FONT = """/* the signs of the formulas, of the STIX fonts, under the SIL Open Font License 1.1 */
@font-face {{ font-family: "Book Math"; src: url(data:font/woff;base64,{}) format("woff"); }}
"""


def _base64(name: str) -> str:
    return base64.b64encode((HERE / name).read_bytes()).decode()


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _ideas(readme: str) -> list[tuple[str, str]]:
    """File -> its one idea, from the README's reading order."""
    found = []
    for files, idea in pages.readme_table(readme, "Reading order")[1:]:
        found += [(name, idea) for name in re.findall(r"\]\(scratchvae/(\w+)\.py\)", files)]
    return found
