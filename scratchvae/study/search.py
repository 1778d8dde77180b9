"""The search of the book: every section's words, and an index of terms as books have one.

Both are made when the book is made, and a browser reads them as one file, `search.js`, when
somebody begins to search. A page is divided at its headings, functions and rows. Code and
the lists of tests are left out: they would hide the prose.
"""

import html
import json
import re
from dataclasses import dataclass
from functools import cache

from scratchvae.study import formulas
from scratchvae.study.pages import FOLDER
from scratchvae.study.shell import plain

LEFT_OUT = re.compile(
    r'<pre.*?</pre>|<div class="code">.*?</div></div>(?=</div>|$)|<div class="given">.*?</div>'
    r'|<details class="(?:small|signs)[^"]*">.*?</details>|<p class="(?:label|chips)">.*?</p>',
    re.DOTALL,
)
PLACE = re.compile(r'<(?:h2|h3|section|tr)\b[^>]*\bid="([^"]+)"[^>]*>')


@dataclass(frozen=True)
class Made:
    """A page that has been made: its file, language, title and body."""

    name: str
    language: str
    title: str
    body: str


def script(made: list[Made]) -> str:
    """The file: pages [name, language, title, sections], and terms [words, addresses]."""
    searched = [page for page in made if not re.match(r"(ko/)?(tests|demo-|print)", page.name)]
    data = {
        "pages": [
            [page.name, page.language, _words(page.title), sections(page)] for page in searched
        ],
        "terms": terms(),
    }
    return f"window.book = {json.dumps(data, ensure_ascii=False, separators=(',', ':'))};\n"


def sections(page: Made) -> list[tuple[str, str, str]]:
    """The id, the heading and the words of each section; the first has no id."""
    body = LEFT_OUT.sub(" ", page.body)
    body = re.sub(r'<div class="code">.*?(?=<section|$)', " ", body, flags=re.DOTALL)
    places = list(PLACE.finditer(body))
    starts = [*(place.start() for place in places), len(body)]
    found = [("", "", _words(body[: starts[0]]))]
    for match, start, end in zip(places, starts, starts[1:]):
        text = body[start:end]
        heading = re.search(r"<(h2|h3)\b[^>]*>(.*?)</\1>", text, re.DOTALL)
        named = _words(heading[2]) if heading else ""
        words = _words(text).removeprefix(named).strip()
        most = 400 if page.name.startswith("source-") else None  # the beginning of a docstring
        found.append((html.unescape(match[1]), named, words[:most]))
    return [part for part in found if part[1] or part[2]]


def terms() -> list[tuple[str, list[str]]]:
    """The index: words in either language that somebody may ask for, and where they stand."""
    found = []
    for line in (FOLDER / "terms.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            words, addresses = line.split("\t")
            found.append((words, addresses.split()))
    return found


def _words(text: str) -> str:
    text = re.sub(r"<math.*?</math>", lambda match: html.escape(_formula(match[0])), text)
    text = re.sub(r"</(?:p|li|td|th|h2|h3|figcaption)>", " ", text)
    return " ".join(html.unescape(plain(text)).split())


@cache
def _formula(math: str) -> str:
    return formulas.text_of(math)
