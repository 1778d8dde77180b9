"""The book: static pages made of the package itself.

    Part I   the notes, section by section (`part_one.py`), in English and in Korean
    Part II  the source, file by file (`part_two.py`): derivation left, code right

`build` writes one folder of HTML, one style sheet, one script and the pictures. A page
needs nothing else: no server, no network, and no script either.
"""

import base64
import re
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from scratchvae.files import made, written_whole
from scratchvae.study import pages, search
from scratchvae.study.frame import ROOT, Report
from scratchvae.study.part_one import Notes
from scratchvae.study.part_two import Source
from scratchvae.study.printed import Printed
from scratchvae.study.student import hide
from scratchvae.study.tables import Tables
from scratchvae.study.words import WORDS

HERE = Path(__file__).parent


def build(
    out: Path, *, edits: bool = True, base: str = "", repository: str = "",
    notebooks: Path | None = None, printed: bool = False,
    student: bool = False, hidden: Sequence[str] | None = None,
) -> Report:  # fmt: skip
    """Write the book into the folder. edits: try the small edits of the exercises' functions.

    base: the address at which the book will be published. repository: the project's own.
    notebooks: a folder of the demos as notebooks, to publish with it. printed: make the page
    that holds the whole of Part I, too. student: without the answers to the exercises `hidden`;
    None is all.

    ValueError when the package is not in its repository: the book is also made of the
    README, of demos/ and of tests/; and for an address that is none. FileExistsError when the
    folder holds something else than an earlier book.
    """
    for address, what in ((base, "base"), (repository, "repository")):
        if address and not re.fullmatch(r"https?://[^\s\"<>]+", address):
            raise ValueError(f"{what} is {address!r}; an address begins with https://")
    if notebooks is not None and not any(notebooks.glob("*.ipynb")):
        raise ValueError(f"{notebooks} has no notebook: `python -m demos notebooks` makes them")
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
    book = _Book(
        out, edits=edits, base=base.rstrip("/") + "/" if base else "",
        repository=repository.rstrip("/"), notebooks=notebooks, printed=printed,
    )  # fmt: skip
    if student:
        hide(book, hidden)
    return book.write()


class _Book(Notes, Source, Tables, Printed):
    def write(self) -> Report:
        start = time.perf_counter() - self.seconds
        made(self.out / "ko")
        self._put("style.css", _FONT.format(_base64("math.woff")) + _text("style.css"))
        self._put("script.js", _text("script.js"))
        self._put("LICENSE.txt", (ROOT / "LICENSE").read_text(encoding="utf-8"))
        pictures = ROOT / "demos" / "pictures"
        self._copy("pictures", pictures.glob("*.png"))
        self._copy("pictures/ko", pictures.glob("ko/*.png"))
        if self.hidden:
            self.notebooks = {}  # their code may be an answer
        self._copy("notebooks", self.notebooks.values())
        for language in WORDS:
            for name in ("index", *(name for name, _ in pages.ORDER)):
                self._notes_page(language, name)
        for module in self.modules:
            self._source_page(module)
        self._equations_page()
        self._symbols_page()
        self._tests_page()
        self._demos_page()
        for name in self.demos:
            self._demo_page(name)
        if self.printed:
            for language in WORDS:
                self._printed_page(language)
        self._put("search.js", search.script(self.pages))
        self.report.seconds = time.perf_counter() - start
        return self.report

    def _copy(self, folder: str, paths: Iterable[Path]) -> None:
        for path in sorted(paths):
            with written_whole(made(self.out / folder) / path.name) as part:
                shutil.copyfile(path, part)
            self.report.files.append(self.out / folder / path.name)


# inside of the style sheet: a browser may refuse a page in ko/ a font that is outside of ko/
_FONT = """/* the signs of the formulas, of the STIX fonts, under the SIL Open Font License 1.1 */
@font-face {{ font-family: "Book Math"; src: url(data:font/woff;base64,{}) format("woff"); }}
"""


def _base64(name: str) -> str:
    return base64.b64encode((HERE / name).read_bytes()).decode()


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
