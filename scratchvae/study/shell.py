"""The frame of a page: its head, the contents beside it, the page before and the page after."""

import re
from dataclasses import dataclass, field
from html import escape, unescape

from scratchvae.study.words import WORDS

# what a browser may fetch for a page: the book's own files, from a folder or from a server
POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; font-src data:; "
    "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
)
LOCALES = {"en": "en_GB", "ko": "ko_KR"}


@dataclass(frozen=True)
class Leaf:
    """A page in the order of reading. name: its file, with its folder. title: HTML."""

    name: str
    title: str
    part: str  # the key of the heading, in WORDS, that it stands below in the contents


@dataclass
class Shell:
    """Puts a page's text into its frame.

    order: language -> the pages of its contents, in the order of reading. base: the address of
    the published book, or ""; then a page names no address of its own.
    """

    base: str = ""
    order: dict[str, list[Leaf]] = field(default_factory=dict)

    def page(
        self, name: str, language: str, title: str, body: str, *, about: str = "", kind: str = "",
        other: str = "",
    ) -> str:  # fmt: skip
        """One page. about: a sentence for search machines. other: it in the other language."""
        words = WORDS[language]
        root = root_of(name)
        shown = f"{plain(title)} · {words['book']}"
        other_language = "en" if language == "ko" else "ko"
        home = ("ko/" if language == "ko" else "") + "index.html"
        return f"""<!DOCTYPE html>
<html lang="{language}" data-root="{root}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(shown)}</title>
{self._about(name, language, shown, about, other)}<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}style.css">
</head>
<body>
<a class="skip" href="#text">{words["skip"]}</a>
<header><nav aria-label="{words["pages"]}"><a href="{root}{home}">{words["contents"]}</a>
<a href="{root}{other or _home(other_language)}" hreflang="{other_language}" \
lang="{other_language}">{words["other"]}</a></nav></header>
{self._contents(name, language)}<main id="text"{f' class="{kind}"' if kind else ""}>
<h1>{title}</h1>
{body}
</main>
{self._turns(name, language)}<script src="{root}script.js"></script>
</body>
</html>
"""

    def _about(self, name: str, language: str, shown: str, about: str, other: str) -> str:
        """What search machines and messages show of a published page."""
        if not self.base:
            return ""
        said = escape(shortened(about or WORDS[language]["book"]))
        lines = [
            f'<meta name="description" content="{said}">',
            f'<meta property="og:title" content="{escape(shown)}">',
            f'<meta property="og:description" content="{said}">',
            '<meta property="og:type" content="article">',
            f'<meta property="og:locale" content="{LOCALES[language]}">',
            f'<meta property="og:url" content="{self.base}{name}">',
            f'<meta property="og:image" content="{self.base}pictures/manifold.png">',
            f'<link rel="canonical" href="{self.base}{name}">',
        ]
        if other:
            other_language = "en" if language == "ko" else "ko"
            lines.append(
                f'<link rel="alternate" hreflang="{other_language}" href="{self.base}{other}">'
            )
        return "\n".join(lines) + "\n"

    def _contents(self, name: str, language: str) -> str:
        """The contents beside the page, on wide screens: where one is stands out."""
        words, root = WORDS[language], root_of(name)
        html, part = "", ""
        leaves = self.order.get(language, [])
        if name not in [leaf.name for leaf in leaves]:
            return ""
        here = next(leaf.part for leaf in leaves if leaf.name == name)
        for leaf in leaves[1:]:
            if leaf.part == "rest" and here not in ("rest", "more"):
                continue  # the first page has them all
            if leaf.part != part:
                html += ("</ul>" if part else "") + f"<p>{words[leaf.part]}</p><ul>"
                part = leaf.part
            current = ' aria-current="page"' if leaf.name == name else ""
            html += f'<li><a href="{root}{leaf.name}"{current}>{plain(leaf.title)}</a></li>'
        return f'<nav class="side" aria-label="{words["contents"]}">{html}</ul></nav>\n'

    def _turns(self, name: str, language: str) -> str:
        """Links to the page before and to the page after, by their names."""
        leaves = self.order.get(language, [])
        names = [leaf.name for leaf in leaves]
        if name not in names:
            return ""
        i, root, html = names.index(name), root_of(name), ""
        for k, rel, word in ((i - 1, "prev", "before"), (i + 1, "next", "after")):
            if 0 <= k < len(leaves):
                html += (
                    f'<a href="{root}{leaves[k].name}" rel="{rel}"><span>'
                    f"{WORDS[language][word]}</span> {plain(leaves[k].title)}</a>"
                )
        return f"<footer>{html}</footer>\n"


def root_of(name: str) -> str:
    """From a page to the book's folder."""
    return "../" * name.count("/")


def _home(language: str) -> str:
    return "ko/index.html" if language == "ko" else "index.html"


def plain(html: str) -> str:
    """HTML without its tags; what is left is still escaped."""
    return re.sub("<[^>]+>", "", html)


def shortened(text: str, most: int = 200) -> str:
    """The sentences that fit, of text or HTML; of a long first sentence its first words."""
    text = " ".join(unescape(plain(text)).split())
    ends = [match.end() for match in re.finditer(r"[.?!](?= |$)", text) if match.end() <= most]
    return text[: ends[-1]] if ends else text[:most].rpartition(" ")[0] or text
