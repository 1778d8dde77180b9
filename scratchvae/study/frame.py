"""What every page of the book has: its frame, its links, the lists of tests, the exercise."""

import ast
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scratchvae.files import written_whole
from scratchvae.homework.exercises import EXERCISES
from scratchvae.study import evidence, korean, listing, pages, values
from scratchvae.study.evidence import Edit, Test
from scratchvae.study.listing import Part
from scratchvae.study.prose import Typesetter
from scratchvae.study.search import Made
from scratchvae.study.shell import Leaf, Shell
from scratchvae.study.symbols import Signs
from scratchvae.study.trace import PACKAGE
from scratchvae.study.words import WORDS

ROOT = PACKAGE.parent
LIMIT = 500_000  # bytes of a file
# what to read first: the whole VAE on one page, and the files that derive it
EIGHT = (
    "one_page",
    "info",
    "layers",
    "distributions",
    "vae",
    "optimizers",
    "training",
    "likelihood",
)
SHOWN_TESTS = 3  # of a function; the others are folded


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

    def __init__(
        self, out: Path, *, edits: bool, base: str = "", repository: str = "",
        notebooks: Path | None = None, printed: bool = False,
    ) -> None:  # fmt: skip
        start = time.perf_counter()
        self.out, self.repository, self.printed = out, repository, printed
        self.notebooks = {p.stem: p for p in sorted(notebooks.glob("*.ipynb"))} if notebooks else {}
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
        self.demos = {path.stem: path for path in sorted((ROOT / "demos").glob("*.py"))}
        for helper in ("__main__", "common", "museum", "notebooks", "quadrature", "walk"):
            del self.demos[helper]
        self.ideas = ideas({m.name: m.doc for m in self.modules})
        self.claims = claims((ROOT / "demos" / "README.md").read_text(encoding="utf-8"))
        self.equations = pages.readme_table(self.readme, "From equation to function")
        self.symbols = pages.readme_table(self.readme, "Symbols")
        self.report = Report([], 0.0, [])
        self.pages: list[Made] = []
        self.parts = {f"{m.name}.{p.name}": p for m in self.modules for p in m.parts}
        self.signs = Signs("", "en")  # of the page that is being made
        self.shell = Shell(base)
        self.shell.order = {language: self._order(language) for language in WORDS}
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
        self, name: str, language: str, title: str, body: str, *, about: str = "", kind: str = ""
    ) -> None:
        """One page: its frame around the body. name: with the folder, as ko/notes-0.html."""
        other = name.removeprefix("ko/") if name.startswith("ko/") else f"ko/{name}"
        there = {leaf.name for leaves in self.shell.order.values() for leaf in leaves}
        self.pages.append(Made(name, language, title, body))
        body += self.signs.html(WORDS[language]["signs"])
        self.signs = Signs("", language)
        text = self.shell.page(
            name, language, title, body, about=about, kind=kind,
            other=other if other in there else "",
        )  # fmt: skip
        self._put(name, text)

    def _order(self, language: str) -> list[Leaf]:
        """The pages in the order of reading."""
        folder = "ko/" if language == "ko" else ""
        set_ = Typesetter(find=False).inline
        leaves = [Leaf(f"{folder}index.html", WORDS[language]["book"], "")]
        leaves += [
            Leaf(f"{folder}notes-{name}.html", set_(pages.title(name, language)), "part 1")
            for name, _ in pages.ORDER
        ]
        eight = [name for name in EIGHT if name != "one_page"]
        leaves.append(Leaf("demo-one_page.html", "one_page.py", "eight"))
        leaves += [Leaf(f"source-{name}.html", f"{name}.py", "eight") for name in eight]
        rest = [m.name for m in self.modules if m.name not in eight]
        leaves += [Leaf(f"source-{name}.html", f"{name}.py", "rest") for name in rest]
        words = WORDS[language]
        return [
            *leaves,
            Leaf("equations.html", words["equations"], "more"),
            Leaf("symbols.html", words["symbols"], "more"),
            Leaf("demos.html", words["demos"], "more"),
            Leaf("tests.html", words["tests page"], "more"),
        ]

    def _typesetter(self, language: str, module: str = "", find: bool = True) -> Typesetter:
        root = "../" if language == "ko" else ""
        return Typesetter(
            code_link=lambda name: self._link(name, module, root),
            reference=lambda text: self._reference(text, root),
            find=find,
            formulas=self.report.formulas,
            explain=self.signs.explain,
            language=language,
        )

    def _link(self, name: str, module: str, root: str) -> str:
        """The address of a function or a file; "" for other names.

        module: where the name is mentioned, as "layers" or "layers.Affine".
        """
        name = re.sub(r"\(.*\)$", "", name).removeprefix("scratchvae/")
        if name.startswith("http"):
            return name
        if name.startswith("tests/") and name.endswith(".py"):
            stem = name.removeprefix("tests/").removesuffix(".py")
            there = any(test.file == f"{stem}.py" for test in self.tests)
            return f"{root}tests.html#{stem}" if there else ""
        if name.endswith(".py") and not name.startswith("demos/"):
            stem = name.removesuffix(".py")
            if stem in {m.name for m in self.modules}:
                return f"{root}source-{stem}.html"
        demo = name.removeprefix("demos/").removesuffix(".py")
        if name.endswith(".py") and demo in self.demos:
            return f"{root}demo-{demo}.html"
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

    def _tests(self, names: Sequence[str], language: str) -> str:
        """The tests of the functions, or those of these names."""
        found: list[Test] = []
        for name in names:
            part = self.parts.get(name)
            tests = (
                evidence.attacking(part, self.tests) if part is not None
                else [test for test in self.tests if test.name == name]
            )  # fmt: skip
            found += [test for test in tests if test not in found]
        return self._test_list(found, language)

    def _test_list(self, tests: Sequence[Test], language: str, brief: bool = False) -> str:
        """Three tests; the others are folded, as links to their files on the page of the tests.

        brief: the names of the three, and not their theorems.
        """
        root = "../" if language == "ko" else ""
        first = "".join(self._test(test, language, brief) for test in tests[:SHOWN_TESTS])
        html = f'<ul class="small">{first}</ul>' if first else ""
        others = Counter(test.file for test in tests[SHOWN_TESTS:])
        if brief and others:
            said = WORDS[language]["other tests"].format(others.total())
            first_file = next(iter(others)).removesuffix(".py")
            html += f'<p class="small"><a href="tests.html#{first_file}">{said}</a></p>'
        elif others:
            links = ", ".join(
                f'<a href="{root}tests.html#{file.removesuffix(".py")}">{file}</a> ({n})'
                for file, n in others.items()
            )
            said = WORDS[language]["other tests"].format(others.total())
            html += (
                f'<details class="small tests"><summary>{said}</summary><p>{links}</p></details>'
            )
        return html

    def _test(self, test: Test, language: str, brief: bool) -> str:
        """A line of a list: the theorem, or the name alone, which is then the link to it."""
        where = f"{'../' if language == 'ko' else ''}tests.html#{test.anchor}"
        if brief:
            return f'<li><a href="{where}">{test.words}</a></li>'
        if language == "ko":  # its theorem is English; its name is code
            return f'<li><a href="{where}"><code>{test.name}</code></a></li>'
        typesetter = replace(self._typesetter(language), explain=lambda formula: "")
        theorem = typesetter.inline(test.theorem or test.words)
        return f'<li>{theorem} <a href="{where}"><code>{test.file}</code></a></li>'

    def _in_repository(self, path: str, line: int = 0) -> str:
        """A link to a file where the project has an address; else its path."""
        if not self.repository:
            return f"<code>{path}</code>"
        at = f"#L{line}" if line else ""
        return f'<a href="{self.repository}/blob/HEAD/{path}{at}"><code>{path}</code></a>'

    def _exercise_box(self, number: str, language: str) -> str:
        words = WORDS[language]
        exercise = next(e for e in EXERCISES if e.number == number)
        title, equation = exercise.title, exercise.equation
        if language == "ko":
            title, equation = korean.title(title), korean.equation(equation)
        formula = self._typesetter(language).formula(equation)
        command = f"scratchvae homework make assignment --exercises {number}"
        return (
            f'<div class="box"><strong>{words["exercise"]} {number}</strong> '
            f"{title} ({words['points'].format(exercise.points)}): "
            f'<span class="long">{formula}</span><br><code>{command}</code></div>'
        )


def ideas(docs: dict[str, str]) -> dict[str, str]:
    """File -> its one idea: the first sentences of its docstring, and of one_page.py's."""
    one_page = (ROOT / "demos" / "one_page.py").read_text(encoding="utf-8")
    docs = {**docs, "one_page": (ast.get_docstring(ast.parse(one_page)) or "").split("\n")[0]}
    return {name: " ".join(doc.split("\n\n")[0].split()) for name, doc in docs.items()}


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
