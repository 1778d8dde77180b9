"""The book: static pages made of the package itself.

    Part I   the notes, section by section (`pages.py`), in English and in Korean
    Part II  the source, file by file (`listing.py`): derivation left, code right

`build` writes one folder of HTML, one style sheet, one script and the pictures. A page
needs nothing else: no server, no network, and no script either.
"""

import base64
import html
import io
import json
import re
import shutil
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from scratchvae.homework import catalogue
from scratchvae.homework.exercises import EXERCISES, Exercise
from scratchvae.study import listing, pages
from scratchvae.study.listing import Edit, Module, Part, Test
from scratchvae.study.pages import Block
from scratchvae.study.prose import Typesetter
from scratchvae.study.step import equation
from scratchvae.study.trace import PACKAGE

HERE = Path(__file__).parent
ROOT = PACKAGE.parent
LIMIT = 500_000  # bytes of a file

WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "book": "scratchvae, the book", "contents": "Contents", "other": "한국어",
        "part 1": "Part I: the notes, section by section",
        "part 2": "Part II: the source, file by file",
        "more": "Tables", "equations": "From equation to function", "symbols": "Symbols",
        "skip": "to the text", "code": "The function", "run": "A run, made with this book",
        "tests": "The tests that attack it", "exercise": "Homework exercise", "points": "points",
        "fold": "The result", "question": "Before you go on:", "picture": "The demo",
        "print": "prints", "equation of": "Its equation",
        "glossary": ("English", "Korean", "symbol", "name in the code"),
        "errata": ("section", "in the notes", "should be"),
    },
    "ko": {
        "book": "scratchvae, 책", "contents": "차례", "other": "English",
        "part 1": "1부: 강의 노트, 절마다", "part 2": "2부: 소스 코드, 파일마다 (영어)",
        "more": "표", "equations": "식에서 함수로 (영어)", "symbols": "기호 (영어)",
        "skip": "본문으로", "code": "이 식을 구현한 함수", "run": "이 책을 만들면서 실행한 결과",
        "tests": "이 함수를 검증하는 테스트", "exercise": "과제", "points": "점",
        "fold": "답과 결과", "question": "넘어가기 전에:", "picture": "데모",
        "print": "출력", "equation of": "식",
        "glossary": ("영어", "한국어", "기호", "코드에서의 이름"),
        "errata": ("절", "노트에 적힌 것", "바른 것"),
    },
}  # fmt: skip


@dataclass
class Report:
    """What a build has made. formulas: each one, and its MathML or None."""

    files: list[Path]
    seconds: float
    formulas: list[tuple[str, str | None]]
    untranslated: list[str] = field(default_factory=list)

    @property
    def monospace(self) -> list[str]:
        """The formulas that could not be typeset."""
        return [text for text, math in self.formulas if math is None]


def build(out: Path, *, edits: bool = True) -> Report:
    """Write the book into the folder. edits: try the small edits of the exercises' functions.

    ValueError when the package is not in its repository: the book is also made of the
    README, of demos/ and of tests/.
    """
    for name in ("README.md", "demos", "tests"):
        if not (ROOT / name).exists():
            raise ValueError(
                f"{ROOT} has no {name}; the book is made in a clone of the repository, installed "
                "with `pip install -e .`"
            )
    return _Book(out, edits).write()


class _Book:
    def __init__(self, out: Path, edits: bool) -> None:
        self.out, self.start = out, time.perf_counter()
        self.readme = (ROOT / "README.md").read_text(encoding="utf-8")
        order = pages.readme_section(self.readme, "Reading order")
        names = re.findall(r"\]\(scratchvae/(\w+)\.py\)", order)
        there = [path.stem for path in sorted(PACKAGE.glob("*.py")) if path.stem != "__init__"]
        names += [name for name in there if name not in names]
        self.modules = [listing.module(name) for name in names]
        self.values = listing.values_of(self.modules)
        self.tests = listing.tests_of(ROOT / "tests")
        self.users = listing.users_of(self.modules)
        self.edits: dict[str, list[Edit]] = listing.edits_of(ROOT / "tests") if edits else {}
        self.claims = _claims((ROOT / "demos" / "README.md").read_text(encoding="utf-8"))
        self.equations = pages.readme_table(self.readme, "From equation to function")
        self.symbols = pages.readme_table(self.readme, "Symbols")
        self.report = Report([], 0.0, [])
        self.index: list[tuple[str, str]] = []
        self.said: dict[tuple[Test, str], str] = {}  # a test's line, once it is made
        self.parts = {f"{m.name}.{p.name}": p for m in self.modules for p in m.parts}

    def write(self) -> Report:
        (self.out / "ko").mkdir(parents=True, exist_ok=True)
        (self.out / "pictures").mkdir(exist_ok=True)
        self._put("style.css", _FONT.format(_base64("math.woff")) + _text("style.css"))
        self._put("script.js", _text("script.js"))
        for path in sorted((ROOT / "demos" / "pictures").glob("*.png")):
            shutil.copyfile(path, self.out / "pictures" / path.name)
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
        self.report.seconds = time.perf_counter() - self.start
        return self.report

    # ---- files ----

    def _put(self, name: str, text: str) -> None:
        path = self.out / name
        path.write_text(text, encoding="utf-8")
        self.report.files.append(path)
        if path.stat().st_size > LIMIT:
            raise ValueError(f"{name} has {path.stat().st_size} bytes; at most {LIMIT} are meant")

    def _page(
        self, name: str, language: str, title: str, body: str, *, before: str = "", after: str = "",
        kind: str = "",
    ) -> None:  # fmt: skip
        """One page: its frame around the body. name: with the folder, as ko/notes-0.html."""
        words = WORDS[language]
        root = "../" if "/" in name else ""
        other = name.removeprefix("ko/") if "/" in name else f"ko/{name}"
        if not other.endswith("index.html") and "notes-" not in other:
            other = "ko/index.html"
        other_language = "en" if language == "ko" else "ko"
        links = "".join(
            f'<a href="{link}" rel="{rel}">{text}</a>'
            for link, rel, text in ((before, "prev", "←"), (after, "next", "→"))
            if link
        )
        home = "index.html"
        self._put(
            name,
            f"""<!DOCTYPE html>
<html lang="{language}" data-root="{root}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(re.sub("<[^>]+>", "", title))} · {words["book"]}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}style.css">
</head>
<body>
<a class="skip" href="#text">{words["skip"]}</a>
<nav><a href="{home}">{words["contents"]}</a>
<a href="{root}{other}" hreflang="{other_language}" lang="{other_language}">{words["other"]}</a>
{links}</nav>
<main id="text"{f' class="{kind}"' if kind else ""}>
<h1>{title}</h1>
{body}
</main>
<footer><span>{_turn(before, "←")}</span><span>{_turn(after, "→")}</span></footer>
<script src="{root}book.js"></script>
<script src="{root}script.js"></script>
</body>
</html>
""",
        )

    def _typesetter(self, language: str, module: str = "", find: bool = True) -> Typesetter:
        root = "../" if language == "ko" else ""
        return Typesetter(
            code_link=lambda name: self._link(name, module, root),
            reference=lambda text: self._reference(text, root),
            find=find,
            formulas=self.report.formulas,
        )

    def _link(self, name: str, module: str, root: str) -> str:
        """The address of a function, a file, or a demo's picture; "" for other names."""
        name = re.sub(r"\(.*\)$", "", name).removeprefix("scratchvae/")
        if name.endswith(".py"):
            stem = name.removesuffix(".py")
            return f"{root}source-{stem}.html" if stem in {m.name for m in self.modules} else ""
        if name.startswith("http"):
            return name
        for full in (name, f"{module}.{name}", f"vae.{name}"):
            if full in self.parts:
                part = self.parts[full]
                return f"{root}source-{part.module}.html#{part.anchor}"
        return ""

    def _reference(self, text: str, root: str) -> str:
        """Links from "eq. (10)" to the table of equations, and from "notes §1.2" to the page."""
        text = re.sub(
            r"eq\. \((\d+)\)",
            lambda m: f'<a href="{root}equations.html#eq-{m[1]}">eq. ({m[1]})</a>'
            if any(f"({m[1]})" in row[0] for row in self.equations) else m[0],
            text,
        )  # fmt: skip
        return re.sub(
            r"notes §([\d.]*\d)",
            lambda m: (
                f'<a href="notes-{m[1].replace(".", "-")}.html">notes §{m[1]}</a>'
                if any(section == m[1] for _, section in pages.ORDER)
                else m[0]
            ),
            text,
        )

    # ---- Part I ----

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
            said = f"<code>demos/{text}.py</code>" if claim else ""
            about = f' <span lang="en">{self._typesetter(language).inline(claim)}</span>'
            return (
                f'<figure><img src="{root}pictures/{text}.png" alt="{html.escape(alt)}" '
                f'loading="lazy"><figcaption>{words["picture"]} {said}:{about}</figcaption>'
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
        doc_lines = _docstring_lines(part)
        rows = [n for n in [*head, *range(part.body, part.last + 1)] if n not in doc_lines]
        code = "\n".join(coloured[n - 1] for n in rows)
        link = f"{root}source-{part.module}.html#{part.anchor}"
        return f'<h3>{title}: <a href="{link}"><code>{name}</code></a></h3><pre>{code}</pre>'

    def _tests(self, names: Sequence[str], title: str, language: str) -> str:
        found: list[Test] = []
        for name in names:
            part = self.parts.get(name)
            tests = (
                listing.tests_for(part, self.tests) if part is not None
                else [test for test in self.tests if test.name == name]
            )  # fmt: skip
            found += [test for test in tests if test not in found]
        items = "".join(self._test(test, language) for test in found)
        return (
            f'<details><summary>{title} ({len(found)})</summary><ul class="small" lang="en">'
            f"{items}</ul></details>"
        )

    def _test(self, test: Test, language: str = "en") -> str:
        if (test, language) not in self.said:
            theorem = self._typesetter(language).inline(test.theorem or test.name)
            where = f"tests/{test.file}:{test.line}"
            self.said[test, language] = f"<li>{theorem} <code>{where}</code></li>"
        return self.said[test, language]

    def _exercise_box(self, number: str, language: str) -> str:
        words = WORDS[language]
        exercise = next(e for e in EXERCISES if e.number == number)
        formula = self._typesetter(language).formula(exercise.equation)
        command = f"scratchvae homework make assignment --exercises {number}"
        return (
            f'<div class="box"><strong>{words["exercise"]} {number}</strong> '
            f'<span lang="en">{exercise.title}</span> ({exercise.points} {words["points"]}): '
            f'<span class="long">{formula}</span><br><code>{command}</code></div>'
        )

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

    # ---- Part II ----

    def _source_page(self, i: int, module: Module) -> None:
        typesetter = self._typesetter("en", module.name)
        coloured = listing.coloured("\n".join(module.lines))
        ends = listing.statement_ends(module)
        shown: set[int] = set()
        sections = [
            f'<div class="part"><div class="left">{typesetter.text(module.doc)}</div></div>'
        ]
        at = module.body
        for part in module.parts:
            between = self._code(module, coloured, ends, at, part.first - 1, shown)
            if between:
                sections.append(f'<div class="part">{between}</div>')
            sections.append(self._part(module, part, coloured, ends, shown, typesetter))
            at = part.last + 1
        rest = self._code(module, coloured, ends, at, len(module.lines), shown)
        if rest:
            sections.append(f'<div class="part">{rest}</div>')
        self.index += [
            (f"{module.name}.{p.name}", f"source-{module.name}.html#{p.anchor}")
            for p in module.parts
        ]
        self.index.append((f"{module.name}.py", f"source-{module.name}.html"))
        names = [m.name for m in self.modules]
        hint = (
            '<p class="small">A line with ▸ shows its values: click on it, or press Enter on it; '
            "the key v shows all. The numbers are those of <code>scratchvae trace</code>, of "
            "another small run, or of the example in the docstring.</p>"
        )
        self._page(
            f"source-{module.name}.html", "en", f"{module.name}.py", hint + "\n".join(sections),
            before=f"source-{names[i - 1]}.html" if i else "notes-errata.html",
            after=f"source-{names[i + 1]}.html" if i + 1 < len(names) else "equations.html",
            kind="source",
        )  # fmt: skip

    def _part(
        self, module: Module, part: Part, coloured: list[str], ends: dict[int, int],
        shown: set[int], typesetter: Typesetter,
    ) -> str:  # fmt: skip
        full = f"{module.name}.{part.name}"
        begins = len(self.report.formulas)
        left = typesetter.text(part.doc) if part.doc else ""
        used = " ".join(text for text, _ in self.report.formulas[begins:])
        left += self._symbols_of(used, typesetter)
        rows = [
            row for row in self.equations[1:] if f"`{full}`" in row[2] or self._names(row, full)
        ]
        if rows:
            links = "".join(
                f'<a href="equations.html#{_row_id(row)}">{html.escape(row[0])}</a>' for row in rows
            )
            left += f'<p class="chips">{links}</p>'
        left += self._tests_of_part(part)
        exercise = next((e for e in EXERCISES if e.where == full), None)
        if exercise is not None:
            left += self._exercise(exercise)
        skip = _docstring_lines(part)
        code = self._code(module, coloured, ends, part.first, part.last, shown, skip)
        return (
            f'<section class="part" id="{part.anchor}"><h2>{part.name}</h2><div class="pair">'
            f'<div class="left">{left}</div><div class="right">{code}</div></div></section>'
        )

    def _names(self, row: Sequence[str], full: str) -> bool:
        """Whether the row names the function: `vae.VAE.log_weights`, and then `elbo_sampled`."""
        module, _, name = full.partition(".")
        short = name.rpartition(".")[2]
        return bool(
            re.search(rf"`{module}\.", row[2])
            and re.search(rf"`(?:{module}\.)?(?:\w+\.)?{re.escape(short)}(?:\(.*?\))?`", row[2])
        )

    def _symbols_of(self, text: str, typesetter: Typesetter) -> str:
        """The rows of the README's table of symbols that the formulas use."""
        found = []
        for symbol, name, meaning in self.symbols[1:]:
            signs = re.findall(r"[^\s,]+", symbol) if "," in symbol else [symbol]
            if any(re.search(rf"(?<!\w){re.escape(sign)}(?!\w)", text) for sign in signs):
                found.append(
                    f"<li>{typesetter.inline(symbol)}"
                    f"{': ' + typesetter.inline(name) if name else ''}"
                    f" – {typesetter.inline(meaning)}</li>"
                )
        if not found:
            return ""
        return (
            f'<details class="small"><summary>Symbols ({len(found)})</summary><ul>{"".join(found)}'
            '</ul><a href="symbols.html">all symbols</a></details>'
        )

    def _tests_of_part(self, part: Part) -> str:
        if part.kind == "class":
            return ""
        found = listing.tests_for(part, self.tests)
        through = ""
        if not found:
            for user in self.users.get(f"{part.module}.{part.name}", ()):
                found = listing.tests_for(self.parts[user], self.tests)
                if found:
                    link = self._link(user, "", "")
                    through = f' through <a href="{link}"><code>{user}</code></a>'
                    break
        if not found:
            return ""
        items = "".join(self._test(test) for test in found[:30])
        return (
            f'<details class="small"><summary>Tests ({len(found)}){through}</summary>'
            f"<ul>{items}</ul></details>"
        )

    def _exercise(self, exercise: Exercise) -> str:
        wrong = "".join(
            f"<li>{self._typesetter('en').inline(m.sentence)}"
            "<details><summary>its code</summary>"
            f"<pre>{html.escape(m.body.rstrip())}</pre></details></li>"
            for m in catalogue.of(exercise.number)
        )
        edits = self.edits.get(exercise.number, [])
        tried = "".join(
            f"<li>{html.escape(edit.what)}: <code>{html.escape(edit.code)}</code> "
            f"– {f'<code>{edit.noticed_by}</code>' if edit.noticed_by else 'not noticed'}</li>"
            for edit in edits
        )
        noticed = sum(bool(edit.noticed_by) for edit in edits)
        small = (
            f'<details class="small"><summary>Small edits: {noticed} of {len(edits)} noticed by a '
            f"public test</summary><ul>{tried}</ul></details>"
            if edits
            else ""
        )
        return (
            self._exercise_box(exercise.number, "en")
            + '<details class="small"><summary>Wrong answers '
            f"({len(catalogue.of(exercise.number))})</summary><ul>{wrong}</ul></details>" + small
        )

    def _code(
        self, module: Module, coloured: list[str], ends: dict[int, int], first: int, last: int,
        shown: set[int], skip: Sequence[int] = (),
    ) -> str:  # fmt: skip
        """Lines of code; what a line has computed is folded into it."""
        while first <= last and not module.lines[first - 1].strip():
            first += 1
        while last >= first and not module.lines[last - 1].strip():
            last -= 1
        if first > last:
            return ""
        rows, n = [], first
        while n <= last:
            if n in skip:
                n += 1
                continue
            steps = self.values.steps.get((f"{module.name}.py", n))
            end = min(max(ends.get(n, n), n), last)
            if steps:
                lines = "".join(_row(k, coloured[k - 1]) for k in range(n, end + 1))
                rows.append(
                    f'<details id="L{n}"><summary>{lines}</summary>{self._given(module, steps)}'
                    "</details>"
                )
                shown.add(n)
                n = end + 1
            else:
                rows.append(_row(n, coloured[n - 1], f' id="L{n}"'))
                n += 1
        return f'<div class="code"><div class="rows">{"".join(rows)}</div></div>'

    def _given(self, module: Module, steps: Sequence[Any]) -> str:
        step = steps[0]
        rows = ""
        for each in steps:
            shape = str(each.shape) if isinstance(each.value, np.ndarray) else ""
            value = listing.shown(each.value) if each.name else "no value"
            rows += (
                f"<tr><td><code>{html.escape(each.name)}</code></td><td>{shape}</td>"
                f"<td><pre>{html.escape(value)}</pre></td></tr>"
            )
        said = equation(step) if step.name and step.numeric else ""
        code = " ".join(step.text.split())
        formula = "" if not said or said == code else self._typesetter("en").inline(said)
        where = self.values.source[step.file, step.function]
        count = self.values.counts[step.file, step.line]
        often = f", the first of {count} runs" if count > 1 else ""
        return (
            f'<div class="given">{f"<p>{formula}</p>" if formula else ""}<table>{rows}</table>'
            f'<span class="small">{html.escape(where)}{often}</span></div>'
        )

    # ---- tables ----

    def _equations_page(self) -> None:
        typesetter = self._typesetter("en")
        seen: set[str] = set()
        rows = ""
        for row in self.equations[1:]:
            ids = [f"eq-{n}" for n in re.findall(r"\((\d+)\)", row[0])]
            name = _row_id(row)
            marks = "".join(f'<span id="{i}"></span>' for i in ids if i not in seen)
            seen.update(ids)
            cells = [html.escape(row[0]), typesetter.inline(row[1]), typesetter.inline(row[2])]
            row_html = "".join(f"<td>{cell}</td>" for cell in (marks + cells[0], *cells[1:]))
            rows += f'<tr id="{name}">{row_html}</tr>'
            self.index.append((f"{row[0]}: {row[1]}", f"equations.html#{name}"))
        head = "".join(f"<th>{cell}</th>" for cell in self.equations[0])
        body = (
            f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>'
            "</table></div>"
        )
        last = f"source-{self.modules[-1].name}.html"
        self._page("equations.html", "en", WORDS["en"]["equations"], body, before=last,
                   after="symbols.html")  # fmt: skip

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


# ---- small pieces ----

# inside of the style sheet: a browser may refuse a page in ko/ a font that is outside of ko/
_FONT = """/* the signs of the formulas, of the STIX fonts, under the SIL Open Font License 1.1 */
@font-face {{ font-family: "Book Math"; src: url(data:font/woff;base64,{}) format("woff"); }}
"""


def _base64(name: str) -> str:
    return base64.b64encode((HERE / name).read_bytes()).decode()


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _turn(link: str, sign: str) -> str:
    return f'<a href="{link}">{sign}</a>' if link else ""


def _row(n: int, code: str, attributes: str = "") -> str:
    return f'<span class="row"{attributes}><span class="no">{n}</span>{code or " "}</span>'


def _row_id(row: Sequence[str]) -> str:
    return "row-" + re.sub(r"\W+", "-", f"{row[0]} {row[2]}".lower()).strip("-")[:60]


def _docstring_lines(part: Part) -> range:
    """The lines of a part's docstring."""
    return range(part.doc_line, part.body) if part.doc else range(0)


@lru_cache
def _output(code: str) -> str:
    """What the code prints."""
    names: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "<page>", "exec"), names)
    return printed.getvalue().rstrip()


def _claims(text: str) -> dict[str, tuple[str, str]]:
    """Picture -> its description and the claim below it, from demos/README.md."""
    found = {}
    for match in re.finditer(
        r"!\[([^\]]*)\]\(pictures/(\w+)\.png\)\n\n(.*?)(?:\n\n|$)", text, re.S
    ):
        claim = re.sub(r"^\[`\w+\.py`\]\(\w+\.py\): ", "", " ".join(match[3].split()))
        found[match[2]] = match[1], claim
    return found


def _ideas(readme: str) -> list[tuple[str, str]]:
    """File -> its one idea, from the README's reading order."""
    found = []
    for files, idea in pages.readme_table(readme, "Reading order")[1:]:
        found += [(name, idea) for name in re.findall(r"\]\(scratchvae/(\w+)\.py\)", files)]
    return found
