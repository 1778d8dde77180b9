"""What stands behind both parts: equations, symbols, demos, tests, each on a page to look up."""

import ast
import html
import re
from collections.abc import Iterable

from scratchvae.study.frame import ROOT, Frame, row_id
from scratchvae.study.words import WORDS


class Tables(Frame):
    """The pages of the tables, in English."""

    def _table(self, head: Iterable[str], rows: str) -> str:
        top = "".join(f"<th>{cell}</th>" for cell in head)
        return (
            f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody>'
            "</table></div>"
        )

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
        self._page(
            "equations.html", "en", WORDS["en"]["equations"],
            self._table(self.equations[0], rows), kind="source",
        )  # fmt: skip

    def _symbols_page(self) -> None:
        typesetter = self._typesetter("en")
        rows = "".join(
            "<tr>" + "".join(f"<td>{typesetter.inline(cell)}</td>" for cell in row) + "</tr>"
            for row in self.symbols[1:]
        )
        self._page("symbols.html", "en", WORDS["en"]["symbols"], self._table(self.symbols[0], rows))

    # ---- tests ----

    def _tests_page(self) -> None:
        """Every test with its theorem, file by file."""
        body, file = [], ""
        for test in self.tests:
            if test.file != file:
                body.append(("</ul>" if file else "") + self._test_file(test.file))
                file = test.file
            theorem = self._typesetter("en").inline(test.theorem or test.words)
            where = f' <a href="{self.repository}/blob/HEAD/tests/{file}#L{test.line}">source</a>'
            body.append(f'<li id="{test.anchor}">{theorem}{where if self.repository else ""}</li>')
        self._page(
            "tests.html", "en", WORDS["en"]["tests page"], "\n".join(body) + "</ul>",
            about="Each test of the package states a theorem, and computes both of its sides.",
        )  # fmt: skip

    def _test_file(self, file: str) -> str:
        stem = file.removesuffix(".py")
        return f'<h2 id="{stem}">{self._in_repository(f"tests/{file}")}</h2><ul class="small">'

    # ---- demos ----

    def _demos_page(self) -> None:
        """The list of all demos, in the order of the notes, as demos/README.md has it."""
        text = (ROOT / "demos" / "README.md").read_text(encoding="utf-8")
        body = ""
        for section in text.split("\n## ")[1:]:
            heading, _, rest = section.partition("\n")
            names = re.findall(r"!\[[^\]]*\]\(pictures/(\w+)", rest)
            names = names or re.findall(r"\]\((\w+)\.py\)", rest)
            rows = "".join(
                self._demo_row(name) for name in names if name in self.demos or name in self.claims
            )
            body += f"<h2>{html.escape(heading)}</h2><ul>{rows}</ul>"
        for name in self.notebooks.keys() - self.demos.keys():
            body += f'<p><a href="notebooks/{name}.ipynb" download>{name}.ipynb</a></p>'
        self._page("demos.html", "en", WORDS["en"]["demos"], body)

    def _demo_row(self, name: str) -> str:
        typesetter = self._typesetter("en")
        claim = self.claims.get(name, ("", ""))[1]
        if name not in self.demos:
            said = typesetter.inline(claim)
            return f'<li><a href="pictures/{name}.png">{name}.png</a>: {said}</li>'
        claim = claim or self._demo_doc(name).split("\n")[0]
        return (
            f'<li><a href="demo-{name}.html"><code>{name}.py</code></a>: '
            f"{typesetter.inline(claim)}</li>"
        )

    def _demo_doc(self, name: str) -> str:
        text = self.demos[name].read_text(encoding="utf-8")
        return ast.get_docstring(ast.parse(text)) or ""

    def _demo_page(self, name: str) -> None:
        """A demo: what it shows, its picture, its source, and the notebook that is made of it."""
        text = self.demos[name].read_text(encoding="utf-8")
        doc = self._demo_doc(name)
        words, typesetter = WORDS["en"], self._typesetter("en")
        claim, _, rest = doc.partition("\n\n")
        links = [self._in_repository(f"demos/{name}.py")]
        if name in self.notebooks:
            links.append(f'<a href="notebooks/{name}.ipynb" download>{words["notebook"]}</a>')
        body = f"<p>{typesetter.inline(' '.join(claim.split()))}</p>"
        body += f'<p class="chips">{" ".join(links)}</p>'
        if name in self.claims:
            alt = html.escape(self.claims[name][0])
            body += (
                f'<figure><a href="pictures/{name}.png"><img src="pictures/{name}.png" '
                f'alt="{alt}, {words["full"]}" loading="lazy"></a></figure>'
            )
        tree = ast.parse(text)
        end = tree.body[0].end_lineno or 0 if doc else 0
        code = html.escape("\n".join(text.splitlines()[end:]).strip("\n"))
        body += typesetter.text(rest)
        if not self.hidden:  # the code of a demo may be the answer to an exercise
            body += f"<pre>{code}</pre>"
        self._page(f"demo-{name}.html", "en", f"{name}.py", body, about=claim)
