"""What every page of the book has: its frame, its links, the lists of tests, the exercise."""

import html
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scratchvae.files import written_whole
from scratchvae.homework.exercises import EXERCISES
from scratchvae.study import evidence, listing, pages, values
from scratchvae.study.evidence import Edit, Test
from scratchvae.study.listing import Part
from scratchvae.study.prose import Typesetter
from scratchvae.study.trace import PACKAGE

ROOT = PACKAGE.parent
LIMIT = 500_000  # bytes of a file
# what a browser may fetch for a page: the book's own files, from a folder or from a server
POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; font-src data:; "
    "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
)

WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "book": "scratchvae, the book", "contents": "Contents", "other": "한국어",
        "part 1": "Part I: the notes, section by section",
        "part 2": "Part II: the source, file by file",
        "more": "Tables", "equations": "From equation to function", "symbols": "Symbols",
        "skip": "to the text", "code": "The function", "run": "A run, made with this book",
        "tests": "The tests that attack it", "exercise": "Homework exercise", "points": "points",
        "fold": "The result", "question": "Before you go on:", "picture": "The picture",
        "print": "prints",
        "glossary": ("English", "Korean", "symbol", "name in the code"),
        "errata": ("section", "in the notes", "should be"),
    },
    "ko": {
        "book": "scratchvae, 책", "contents": "차례", "other": "English",
        "part 1": "1부: 강의 노트, 절마다", "part 2": "2부: 소스 코드, 파일마다 (영어)",
        "more": "표", "equations": "식에서 함수로 (영어)", "symbols": "기호 (영어)",
        "skip": "본문으로", "code": "이 식을 구현한 함수", "run": "이 책을 만들면서 실행한 결과",
        "tests": "이 함수를 검증하는 테스트", "exercise": "과제", "points": "점",
        "fold": "답과 결과", "question": "넘어가기 전에:", "picture": "그림",
        "print": "출력",
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


class Frame:
    """What is read of the repository, and the pieces that several pages use."""

    def __init__(self, out: Path, *, edits: bool) -> None:
        start = time.perf_counter()
        self.out = out
        self.readme = (ROOT / "README.md").read_text(encoding="utf-8")
        order = pages.readme_section(self.readme, "Reading order")
        names = re.findall(r"\]\(scratchvae/(\w+)\.py\)", order)
        there = [path.stem for path in sorted(PACKAGE.glob("*.py")) if path.stem != "__init__"]
        names += [name for name in there if name not in names]
        self.modules = [listing.module(name) for name in names]
        self.values = values.values_of(self.modules)
        self.tests = evidence.tests_of(ROOT / "tests")
        self.users = evidence.users_of(self.modules)
        self.edits: dict[str, list[Edit]] = evidence.edits_of(ROOT / "tests") if edits else {}
        self.claims = claims((ROOT / "demos" / "README.md").read_text(encoding="utf-8"))
        self.equations = pages.readme_table(self.readme, "From equation to function")
        self.symbols = pages.readme_table(self.readme, "Symbols")
        self.report = Report([], 0.0, [])
        self.index: list[tuple[str, str]] = []
        self.said: dict[tuple[Test, str], str] = {}  # a test's line, once it is made
        self.parts = {f"{m.name}.{p.name}": p for m in self.modules for p in m.parts}
        self.hidden: set[str] = set()  # exercises whose answers are not shown: `student.py`
        self.seconds = time.perf_counter() - start  # of reading

    def _put(self, name: str, text: str) -> None:
        path = self.out / name
        with written_whole(path) as part:
            part.write_text(text, encoding="utf-8")
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
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
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
<footer><span>{turn(before, "←")}</span><span>{turn(after, "→")}</span></footer>
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
        """The address of a function or a file; "" for other names.

        module: where the name is mentioned, as "layers" or "layers.Affine".
        """
        name = re.sub(r"\(.*\)$", "", name).removeprefix("scratchvae/")
        if name.endswith(".py"):
            stem = name.removesuffix(".py")
            return f"{root}source-{stem}.html" if stem in {m.name for m in self.modules} else ""
        if name.startswith("http"):
            return name
        near = [name, f"{module}.{name}", f"{module.split('.')[0]}.{name}"]
        found = [self.parts[full] for full in near if full in self.parts]
        named = [part for part in self.parts.values() if part.name.split(".")[-1] == name]
        if len(named) == 1:  # the only one of this name in the package
            found += named
        return f"{root}source-{found[0].module}.html#{found[0].anchor}" if found else ""

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

    def _tests(self, names: Sequence[str], title: str, language: str) -> str:
        found: list[Test] = []
        for name in names:
            part = self.parts.get(name)
            tests = (
                evidence.tests_for(part, self.tests) if part is not None
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


def turn(link: str, sign: str) -> str:
    return f'<a href="{link}">{sign}</a>' if link else ""


def row_id(row: Sequence[str]) -> str:
    return "row-" + re.sub(r"\W+", "-", f"{row[0]} {row[2]}".lower()).strip("-")[:60]


def docstring_lines(part: Part) -> range:
    """The lines of a part's docstring."""
    return range(part.doc_line, part.body) if part.doc else range(0)


def claims(text: str) -> dict[str, tuple[str, str]]:
    """Picture -> its description and the claim below it, from demos/README.md."""
    found = {}
    for match in re.finditer(
        r"!\[([^\]]*)\]\(pictures/(\w+)\.png\)\n\n(.*?)(?:\n\n|$)", text, re.S
    ):
        claim = re.sub(r"^\[`\w+\.py`\]\(\w+\.py\): ", "", " ".join(match[3].split()))
        found[match[2]] = match[1], claim
    return found
