"""Part I of the book: the pages of the notes, in either language."""

import html
import io
import re
from contextlib import redirect_stdout
from dataclasses import replace
from functools import lru_cache
from typing import Any

from scratchvae.study import korean, listing, pages
from scratchvae.study.cite import CITATIONS
from scratchvae.study.frame import ROOT, Frame, docstring_lines
from scratchvae.study.pages import Block
from scratchvae.study.prose import Typesetter
from scratchvae.study.symbols import Signs
from scratchvae.study.words import WORDS


class Notes(Frame):
    """A page for each section of the notes, the glossary, the errata."""

    def _notes_page(self, language: str, name: str) -> None:
        """A page of `pages/`: the first page, a section of the notes, or what follows them."""
        blocks = pages.english(name)
        said = pages.korean(name) if language == "ko" else {}
        self.signs = Signs(name, language)
        typesetter = self._typesetter(language, find=False)
        folder = "ko/" if language == "ko" else ""
        body, title, about = [], "", ""
        for block in blocks:
            text = block.text
            if block.said and language == "ko" and block.hash not in said:
                self.report.untranslated.append(f"{name}: {block.text[:40]}")
            text = said.get(block.hash, text)
            if block.kind == "title":
                title = Typesetter(find=False, formulas=self.report.formulas).inline(text)
            else:
                about = about or (text if block.kind == "prose" else "")
                body.append(self._block(block, text, language, typesetter))
        file = f"{folder}{name if name == 'index' else f'notes-{name}'}.html"
        about = re.sub(r"\[([^\]]*)\]\([^)]*\)|[$*`]", r"\1", about)
        self._page(file, language, title, "\n".join(body), about=about)

    def _block(self, block: Block, text: str, language: str, typesetter: Typesetter) -> str:
        words = WORDS[language]
        root = "../" if language == "ko" else ""
        if block.kind == "heading":
            plain = replace(self._typesetter(language, find=False), code_link=lambda name: "")
            return f'<h2 id="{heading_id(block)}">{plain.inline(text)}</h2>'
        if block.kind == "prose":
            if text.startswith("? "):
                asked = typesetter.inline(" ".join(text[2:].split()))
                return f'<p class="question"><strong>{words["question"]}</strong> {asked}</p>'
            return typesetter.text(text)
        if block.kind == "display":
            return typesetter.display(text.splitlines())
        if block.kind == "run":
            if text != block.text:  # what a Korean block says of it
                text = korean.with_words(block.text, text)
            return (
                f'<p class="label">{words["run"]}</p>'
                f'<pre class="example" lang="en">{html.escape(text.strip())}</pre>'
                f'<p class="label">{words["print"]}</p><pre class="output">'
                f"{html.escape(_output(text))}</pre>"
            )
        if block.kind == "function":
            return "".join(self._function(name, words["code"], root) for name in text.split())
        if block.kind == "picture":
            return self._picture(text, language, typesetter)
        if block.kind == "tests":
            return f'<p class="label">{words["tests"]}</p>' + self._tests(text.split(), language)
        if block.kind == "exercise":
            return "".join(self._exercise_box(n, language) for n in text.split())
        if block.kind == "fold":
            return f'<details class="fold"><summary>{words["fold"]}</summary>'
        if block.kind == "end":
            return "</details>"
        if block.kind == "cut":
            return self._errata(language)
        if block.kind == "cite":
            return f'<pre lang="en">{html.escape(CITATIONS[text]())}</pre>'
        if block.kind == "references":
            return _references(text, language)
        if block.kind == "contents":
            return self._contents(language)
        if block.kind == "links":
            return self._links(language)
        if block.kind == "glossary":
            return self._glossary(language)
        if block.kind == "diagram":
            doc = next(m for m in self.modules if m.name == "vae").doc
            lines = doc.splitlines()
            first = next(i for i, line in enumerate(lines) if line.startswith(" ENCODER"))
            last = next(i for i, line in enumerate(lines) if "dh′                      da" in line)
            shown = lines[first : last + 1]
            return typesetter.block(korean.diagram(shown) if language == "ko" else shown)
        raise ValueError(f"a page has a block @{block.kind}, which no page can have")

    def _function(self, name: str, title: str, root: str) -> str:
        """The code of one function, without its docstring."""
        part = self.parts[name]
        module = next(m for m in self.modules if m.name == part.module)
        coloured = listing.coloured("\n".join(module.lines))
        head = [n for n in range(part.first, part.last + 1) if n < part.body]
        doc_lines = docstring_lines(part)
        rows = [n for n in [*head, *range(part.body, part.last + 1)] if n not in doc_lines]
        code = "\n".join(coloured[n - 1] for n in rows).rstrip()
        link = f"{root}source-{part.module}.html#{part.anchor}"
        return (
            f'<p class="label">{title}: <a href="{link}"><code>{name}</code></a></p>'
            f'<pre lang="en">{code}</pre>'
        )

    def _picture(self, name: str, language: str, typesetter: Typesetter) -> str:
        """The picture of a demo or of a command, its claim, and links to what made it."""
        words, root = WORDS[language], "../" if language == "ko" else ""
        alt, claim = self.claims[name]
        here = (ROOT / "demos" / "pictures" / language / f"{name}.png").exists()
        picture = f"{language}/{name}" if here else name  # one of words in this language
        if language == "ko":
            alt, claim = korean.picture(alt, claim)
        links = ""
        if name in self.demos:
            links = f' <a href="{root}demo-{name}.html"><code>demos/{name}.py</code></a>'
        about = (typesetter if language == "ko" else self._typesetter("en")).inline(claim)
        address = f"{root}pictures/{picture}.png"
        return (
            f'<figure><a href="{address}"><img src="{address}" '
            f'alt="{html.escape(alt)}, {words["full"]}" loading="lazy"></a><figcaption>'
            f"{words['picture']}{links}: {about}</figcaption></figure>"
        )

    def _contents(self, language: str) -> str:
        """All pages by their parts; a file of the source with its one idea."""
        words, root = WORDS[language], "../" if language == "ko" else ""
        typesetter = self._typesetter(language)
        html, part, level = "", "", "h2"
        for leaf in self.shell.order[language][1:]:
            if leaf.part != part:
                html += "</ul>" if part else ""
                if leaf.part == "eight":
                    html += f"<h2>{words['part 2']}</h2>"
                level = "h3" if leaf.part in ("eight", "rest") else "h2"
                html += f'<{level}>{words[leaf.part]}</{level}><ul class="contents">'
                part = leaf.part
            stem = re.sub(r".*-|\.html$", "", leaf.name)
            idea = self.ideas.get(stem, "") if level == "h3" else ""
            if idea and language == "ko":
                idea = korean.idea(idea)
            said = f" <span>{typesetter.inline(idea)}</span>" if idea else ""
            html += f'<li><a href="{root}{leaf.name}">{leaf.title}</a>{said}</li>'
        return html + "</ul>"

    def _links(self, language: str) -> str:
        """The licence; the repository and the page for printing, where there are such."""
        words, root = WORDS[language], "../" if language == "ko" else ""
        links = [f'<a href="{root}LICENSE.txt">{words["licence"]}</a>']
        if self.repository:
            links.insert(0, f'<a href="{self.repository}">{words["repository"]}</a>')
        if self.printed:
            links.append(f'<a href="print.html">{words["printed"]}</a>')
        return f'<p class="chips">{" ".join(links)}</p>'

    def _glossary(self, language: str) -> str:
        typesetter = self._typesetter(language, find=False)
        head = "".join(f"<th>{word}</th>" for word in WORDS[language]["glossary"])
        rows = ""
        for english, translated, symbol, code in pages.glossary():
            symbol = korean.equation(symbol) if language == "ko" else symbol
            sign = typesetter.formula(symbol) if symbol else ""
            name = typesetter.inline(f"`{code}`") if code else ""
            rows += (
                f'<tr><td lang="en">{english}</td><td lang="ko">{translated}</td><td>{sign}</td>'
                f"<td>{name}</td></tr>"
            )
        return (
            f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>'
            "</table></div>"
        )

    def _errata(self, language: str) -> str:
        rows = pages.readme_table(self.readme, "Errata of the notes")[1:]
        said = pages.korean("errata") if language == "ko" else {}
        typesetter = self._typesetter(language, find=language == "en")
        body = ""
        for block in pages.rows_as_blocks(rows):
            if language == "ko" and block.hash not in said:
                self.report.untranslated.append(f"errata: {block.text[:40]}")
            row = said.get(block.hash, block.text)
            cells = row.split(" | ")
            body += (
                "<tr>" + "".join(f"<td>{typesetter.inline(cell)}</td>" for cell in cells) + "</tr>"
            )
        head = "".join(f"<th>{word}</th>" for word in WORDS[language]["errata"])
        return (
            f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
            "</table></div>"
        )


@lru_cache
def _output(code: str) -> str:
    """What the code prints."""
    names: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "<page>", "exec"), names)
    return printed.getvalue().rstrip()


def _references(group: str, language: str) -> str:
    """The works that a group of `pages/references.txt` names; words about one in the language."""
    items = ""
    for line in (pages.FOLDER / "references.txt").read_text(encoding="utf-8").splitlines():
        of, authors, title, where, link, *korean_words = line.split("\t")
        if of == group:
            said = html.escape(where)
            if language == "ko" and korean_words:
                said = f'<span lang="ko">{html.escape(korean_words[0])}</span>'
            items += (
                f'<li>{html.escape(authors)}: <a href="{html.escape(link)}"><em>'
                f"{html.escape(title)}</em></a>. {said}</li>"
            )
    return f'<ul lang="en">{items}</ul>'


def heading_id(block: Block) -> str:
    """The id of a heading: the same in both languages, since both have one English block."""
    return "-".join(re.findall(r"[a-z0-9]+", block.text.lower())[:6])
