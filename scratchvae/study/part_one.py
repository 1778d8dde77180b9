"""Part I of the book: the pages of the notes, in either language."""

import html
import io
import re
from contextlib import redirect_stdout
from functools import lru_cache
from typing import Any

from scratchvae.study import listing, pages
from scratchvae.study.frame import ROOT, WORDS, Frame, docstring_lines
from scratchvae.study.pages import Block
from scratchvae.study.prose import Typesetter


class Notes(Frame):
    """A page for each section of the notes, the glossary, the errata."""

    def _notes_page(self, language: str, i: int, name: str) -> None:
        blocks = pages.english(name)
        said = pages.korean(name) if language == "ko" else {}
        typesetter = self._typesetter(language, find=False)
        folder = "ko/" if language == "ko" else ""
        body, title = [], ""
        for block in blocks:
            text = block.text
            if block.said and language == "ko" and block.hash not in said:
                self.report.untranslated.append(f"{name}: {block.text[:40]}")
            text = said.get(block.hash, text)
            if block.kind == "title":
                title = Typesetter(find=False, formulas=self.report.formulas).inline(text)
                plain = re.sub("[$*`]", "", text)
                self.index.append((plain, f"{folder}notes-{name}.html"))
            else:
                body.append(self._block(block, text, language, typesetter))
        order = [f"notes-{other}.html" for other, _ in pages.ORDER]
        first_source = f"source-{self.modules[0].name}.html"
        self._page(
            f"{folder}notes-{name}.html", language, title, "\n".join(body),
            before=order[i - 1] if i else "index.html",
            after=order[i + 1] if i + 1 < len(order)
            else ("../" if language == "ko" else "") + first_source,
        )  # fmt: skip

    def _block(self, block: Block, text: str, language: str, typesetter: Typesetter) -> str:
        words = WORDS[language]
        root = "../" if language == "ko" else ""
        if block.kind == "heading":
            plain = Typesetter(find=False, formulas=self.report.formulas)
            return f"<h2>{plain.inline(text)}</h2>"
        if block.kind == "prose":
            if text.startswith("? "):
                asked = typesetter.inline(" ".join(text[2:].split()))
                return f'<p class="question"><strong>{words["question"]}</strong> {asked}</p>'
            return typesetter.text(text)
        if block.kind == "display":
            return typesetter.display(text.splitlines())
        if block.kind == "run":
            return (
                f'<h3>{words["run"]}</h3><pre class="example">{html.escape(text.strip())}</pre>'
                f'<pre class="output" aria-label="{words["print"]}">'
                f"{html.escape(_output(text))}</pre>"
            )
        if block.kind == "function":
            return "".join(self._function(name, words["code"], root) for name in text.split())
        if block.kind == "picture":
            alt, claim = self.claims[text]
            demo = f" <code>demos/{text}.py</code>" if _is_demo(text) else ""
            about = f'<span lang="en">{self._typesetter(language).inline(claim)}</span>'
            return (
                f'<figure><img src="{root}pictures/{text}.png" alt="{html.escape(alt)}" '
                f'loading="lazy"><figcaption>{words["picture"]}{demo}: {about}</figcaption>'
                "</figure>"
            )
        if block.kind == "tests":
            return self._tests(text.split(), words["tests"], language)
        if block.kind == "exercise":
            return "".join(self._exercise_box(n, language) for n in text.split())
        if block.kind == "fold":
            return f'<details class="fold"><summary>{words["fold"]}</summary>'
        if block.kind == "end":
            return "</details>"
        if block.kind == "cut":
            return self._errata(language)
        if block.kind == "glossary":
            return self._glossary(language)
        if block.kind == "diagram":
            doc = next(m for m in self.modules if m.name == "vae").doc
            lines = doc.splitlines()
            first = next(i for i, line in enumerate(lines) if line.startswith(" ENCODER"))
            last = next(i for i, line in enumerate(lines) if "dh′                      da" in line)
            return typesetter.block(lines[first : last + 1])
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
        return f'<h3>{title}: <a href="{link}"><code>{name}</code></a></h3><pre>{code}</pre>'

    def _glossary(self, language: str) -> str:
        typesetter = self._typesetter(language, find=False)
        head = "".join(f"<th>{word}</th>" for word in WORDS[language]["glossary"])
        rows = ""
        for english, korean, symbol, code in pages.glossary():
            sign = typesetter.formula(symbol) if symbol else ""
            name = typesetter.inline(f"`{code}`") if code else ""
            rows += (
                f'<tr><td lang="en">{english}</td><td lang="ko">{korean}</td><td>{sign}</td>'
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
            cells = said.get(block.hash, block.text).split(" | ")
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


def _is_demo(name: str) -> bool:
    """Whether it is a demo's picture, and not a command's."""
    return (ROOT / "demos" / f"{name}.py").exists()
