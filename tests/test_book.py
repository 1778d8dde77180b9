"""The book: nothing is lost in typesetting, nothing is missing, and a browser can read it."""

import ast
import html
import importlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import chromium
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scratchvae.homework.exercises import EXERCISES
from scratchvae.study import book, evidence, formulas, frame, listing, pages, prose, values
from scratchvae.study.step import training_step

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CORE = sorted(path for path in (ROOT / "scratchvae").glob("*.py") if path.stem != "__init__")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The book, made once. The edits of the homework's functions have tests of their own."""
    out, start = tmp_path_factory.mktemp("book"), time.process_time()
    report = book.build(out, edits=False)
    report.processor = time.process_time() - start
    return out, report


@pytest.fixture(scope="module")
def read(made):
    """Every page of the book, parsed: its path in the folder -> Html."""
    out, _ = made
    return {str(path.relative_to(out)): Html(path) for path in out.rglob("*.html")}


class Html(HTMLParser):
    """The ids, links, texts and tags of a page."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.ids, self.links, self.text, self.open = [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        if tag not in ("meta", "link", "img", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        self.text.append(data)


# ---- formulas ----

NAME = st.sampled_from(["x", "σ", "log", "p", "μ", "x̂", "𝓛", "w₁", "z_j", "θ", "dW", "12", "½"])


@st.composite
def drawn_formulas(draw, depth=2):
    """Formulas of the signs that the package has."""
    if depth == 0:
        return draw(NAME)
    inner = drawn_formulas(depth=depth - 1)
    form = draw(
        st.sampled_from(
            ["{} + {}", "{} {}", "{} / {}", "({})/({})", "{} = −{}", "√({}) · {}", "e^({}) ⊙ {}",
             "f({}, {})", "Σ_i [ {} − {} ]", "KL({} ‖ {})", "p({}|{})", "|", "‖"]
        )
    )  # fmt: skip
    if form[0] in "|‖":  # a fence in a fence could not be told from its end, by people either
        return f"{form[0]}{draw(NAME)}{form[0]}² + {draw(NAME)}"
    return form.format(draw(inner), draw(inner))


@given(drawn_formulas())
@example("p(½|x) + p(x|x)")
def test_no_formula_loses_anything(formula):
    """The text of the MathML, read back, is the formula; inline and displayed."""
    for display in (False, True):
        math = formulas.mathml(formula, display=display)
        assert formulas.text_of(math) == formulas.normal(formula)


def test_every_formula_of_the_package_is_read_back(made):
    """For each formula of the docstrings, the README and the pages: text → MathML → text.

    At most 5 % could not be parsed, and stand in monospace.
    """
    _, report = made
    assert len(report.formulas) > 3000
    for text, math in set(report.formulas):
        if math is not None:
            assert formulas.text_of(math) == formulas.normal(text)
    different = {text for text, _ in report.formulas}
    assert len(set(report.monospace)) <= 0.05 * len(different)


def test_the_displayed_formulas_of_the_docstrings_are_typeset():
    """At most 5 % of what is displayed in the core's docstrings stays in monospace."""
    typesetter = prose.Typesetter()
    for path in CORE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
                for block in prose.blocks(ast.get_docstring(node) or ""):
                    if block[0].startswith("    ") and ">>>" not in block[0]:
                        typesetter.block(block)
    failed = [text for text, math in typesetter.formulas if math is None]
    assert len(typesetter.formulas) > 250 and len(failed) <= 0.05 * len(typesetter.formulas), failed


def test_fractions_scripts_and_roots_are_drawn_as_such():
    """√, a / b, x_i², Σ_j are no letters in a row but MathML's elements for them."""
    math = formulas.mathml("√(2π) Σ_j x_i² / (n − 1)", display=True)
    for tag in ("msqrt", "munder", "msubsup", "mfrac"):
        assert f"<{tag}" in math
    assert "(" not in math.replace(
        "</", ""
    )  # the brackets of √ and of the denominator are not drawn


@pytest.mark.parametrize("wrong", ["a (b", "a) b", "{x", '"x"', "_i"])
def test_what_is_no_formula_is_refused(wrong):
    """A bracket without a partner, a quotation mark, an index of nothing: ValueError."""
    with pytest.raises(ValueError, match=r"."):
        formulas.mathml(wrong)


def test_a_sentence_keeps_its_words():
    """Formulas are found in a sentence, and its words stay words."""
    text = "If ε ~ N(0, I), then z ~ N(μ, σ²), and a bound is a number."
    found = [text[start:end] for start, end in prose.runs(text)]
    assert found == ["ε ~ N(0, I)", "z ~ N(μ, σ²)"]


# ---- nothing is missing ----


def test_every_public_function_has_its_place(read):
    """Every public function and class of the core is on the page of its file, with its code."""
    for path in CORE:
        page = read[f"source-{path.stem}.html"]
        names = {part.name for part in listing.module(path.stem).parts}
        assert names <= set(page.ids)
        text = "".join(page.text)
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip().startswith(("def ", "class ", "return ")):
                assert line.strip() in text, line


def test_every_equation_of_the_readme_has_its_place(made):
    """Each row of the table is on the page of equations, and leads to a function and back."""
    out, _ = made
    page = (out / "equations.html").read_text(encoding="utf-8")
    rows = pages.readme_table(README, "From equation to function")[1:]
    links = set(re.findall(r'href="(source-\w+\.html)#([\w.]+)"', page))
    back = 0
    for row in rows:
        assert f'id="{frame.row_id(row)}"' in page
        back += any(
            f'href="equations.html#{frame.row_id(row)}"' in (out / name).read_text(encoding="utf-8")
            for name, _ in links
        )
    leads = [row for row in rows if re.search(r"`[a-z_]+\.[A-Za-z_.]+", row[2])]
    assert back >= len(leads) - 4  # some rows name tests and demos only
    for number in (1, 2, 3, 6, 7, 10, 11):
        assert f'id="eq-{number}"' in page


def test_every_section_of_the_notes_has_its_place(made):
    """§0, §1.1 to §1.6, §2: in both languages, each with a run, a picture, tests, a question."""
    out, _ = made
    sections = [section for _, section in pages.ORDER if section]
    assert list(dict.fromkeys(sections)) == ["0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "2"]
    for name, section in pages.ORDER:
        for folder in ("", "ko/"):
            text = (out / folder / f"notes-{name}.html").read_text(encoding="utf-8")
            assert text.startswith("<!DOCTYPE html>")
            if section:
                blocks = [block.kind for block in pages.english(name)]
                for kind in ("run", "function", "tests", "fold", "end"):
                    assert kind in blocks, (name, kind)
                assert any(block.text.startswith("? ") for block in pages.english(name))
                assert 'class="output"' in text and "<pre" in text
    assert {e.number for e in EXERCISES if e.number[0] == "1"} <= {
        number
        for name, _ in pages.ORDER
        for block in pages.english(name)
        if block.kind == "exercise"
        for number in block.text.split()
    }


def test_no_page_mentions_what_is_not_in_the_source(read):
    """Every @function, @picture, @tests, @exercise, and each name of the glossary is there."""
    names = {
        f"{path.stem}.{part.name}" for path in CORE for part in listing.module(path.stem).parts
    }
    for name, _ in pages.ORDER:
        for block in pages.english(name):
            if block.kind in ("function", "tests"):
                assert set(block.text.split()) <= names, (name, block.text)
            if block.kind == "picture":
                assert (ROOT / "demos" / "pictures" / f"{block.text}.png").exists()
            if block.kind == "exercise":
                assert set(block.text.split()) <= {e.number for e in EXERCISES}
    for page in read.values():
        for name in re.findall(r"\b(demos|tests)/(\w+)\.py", "".join(page.text)):
            assert (ROOT / name[0] / f"{name[1]}.py").exists(), name
    for _, _, _, code in pages.glossary():
        assert not code or code in names, code


def test_the_numbers_of_the_pages_are_those_of_the_runs():
    """What §1.1 to §2 say in words is computed: 0.8113, 1.2075, 0.7370, 0.3407, 0.68 bits."""
    info = importlib.import_module("scratchvae.info")
    half, q, bent = [0.5, 0.5], [0.25, 0.75], [0.1, 0.9]
    via = info.kl_divergence(half, q) + info.kl_divergence(q, bent)
    said = {
        "0.8113": info.entropy([0.75, 0.25]),
        "1.2075": info.cross_entropy(half, q),
        "0.7370": info.kl_divergence(half, bent),
        "0.5310": info.kl_divergence(bent, half),
        "0.3407": via,
    }
    text = "".join((pages.FOLDER / "en" / f"{n}.txt").read_text() for n, _ in pages.ORDER)
    for number, value in said.items():
        assert number in text and f"{value:.4f}" == number


# ---- both languages ----


@pytest.mark.parametrize("name", [name for name, _ in pages.ORDER])
def test_every_korean_paragraph_says_the_english_one_as_it_is_now(name):
    """The hashes of pages/ko are those of pages/en: an English paragraph that has changed has
    another hash, and its Korean one has to be looked at again.
    """
    english = {block.hash for block in pages.english(name) if block.said}
    if name == "errata":
        rows = pages.readme_table(README, "Errata of the notes")[1:]
        english |= {block.hash for block in pages.rows_as_blocks(rows)}
    displayed = {block.hash for block in pages.english(name) if block.kind == "display"}
    assert english <= set(pages.korean(name)) <= english | displayed


def test_an_english_paragraph_that_moves_on_leaves_its_korean_one_behind():
    """One other word is another hash; another line break is not."""
    block = pages.Block("prose", "One bit halves\nthe cases.")
    assert pages.Block("prose", "One bit halves the cases.").hash == block.hash
    assert pages.Block("prose", "One bit halves the states.").hash != block.hash


def test_korean_keeps_the_formulas(made):
    """A Korean paragraph has the formulas of its English one, and none that the page has not."""
    _, report = made
    assert not report.untranslated
    for name, _ in pages.ORDER:
        korean = pages.korean(name)
        whole = " ".join(" ".join(block.text.split()) for block in pages.english(name))
        for block in pages.english(name):
            if block.said:
                ours = sorted(" ".join(m.split()) for m in re.findall(r"\$([^$]+)\$", block.text))
                said = korean[block.hash]
                theirs = sorted(" ".join(m.split()) for m in re.findall(r"\$([^$]+)\$", said))
                assert set(ours) <= set(theirs), (name, block.text[:50])
                assert all(formula in whole for formula in theirs), (name, theirs)


# ---- values ----


def test_every_line_that_the_trace_runs_shows_its_values(made):
    """100 % of the statements that the training step executes have an unfolding line."""
    out, _ = made
    texts = {}
    for step in training_step().steps:
        if step.file not in texts:
            stem = step.file.removesuffix(".py")
            texts[step.file] = (out / f"source-{stem}.html").read_text(encoding="utf-8")
        assert f'<details id="L{step.line}">' in texts[step.file], (step.file, step.line)


def test_a_shown_value_is_the_value_of_the_trace(made):
    """dμ of `reparameterize_backward`, as the trace has it, stands on the page below its line."""
    out, _ = made
    step = next(s for s in training_step().steps if s.function == "reparameterize_backward")
    page = (out / "source-distributions.html").read_text(encoding="utf-8")
    below = page.split(f'<details id="L{step.line}">')[1].split("</details>")[0]
    assert html.escape(values.shown(step.value)) in below


# ---- files ----


def test_the_book_is_small_and_quick(made):
    """No file above 500 KB; no address of the network but in links; built in less than 400 times
    the processor's time of Python's start with NumPy: a minute where that takes 0.15 s.
    """
    out, report = made
    code = "import time, numpy; print(time.process_time())"
    starts = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(3)]
    assert report.processor < 400 * min(starts)
    for path in out.rglob("*"):
        assert path.is_dir() or path.stat().st_size <= 500_000, path.name
    for path in out.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'(?:src|<link[^>]*href)="https?:', text)


def test_no_link_is_broken(made, read):
    """Every link of every page leads to a file of the folder and to an id in it; ids are unique,
    and the tags are balanced.
    """
    out = made[0].resolve()
    for name, page in read.items():
        path = out / name
        assert page.open == [], path.name
        assert len(page.ids) == len(set(page.ids)), path.name
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme in ("https", "http", "data"), link
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file() and target.is_relative_to(out), (name, link)
            if parts.fragment:
                there = read[str(target.relative_to(out))].ids
                assert unquote(parts.fragment) in there, (name, link)


def test_the_search_finds_what_is_there(made, read):
    """Every entry of the index is a page and an id of it."""
    out, _ = made
    text = (out / "book.js").read_text(encoding="utf-8")
    data = json.loads(text.removeprefix("window.book = ").removesuffix(";\n"))
    assert len(data["index"]) > 200
    for _, link in data["index"]:
        file, _, anchor = link.partition("#")
        assert not anchor or anchor in read[file].ids, link


def test_the_command(tmp_path, monkeypatch, capsys):
    """`scratchvae study --out DIR` writes it; outside of a clone it says what to do."""
    from scratchvae.__main__ import main

    monkeypatch.setattr("sys.argv", ["scratchvae", "study", "--out", str(tmp_path / "b")])
    monkeypatch.setattr(book, "build", lambda out, **more: book.Report([out / "x"], 1.0, []))
    assert main() == 0
    assert "index.html" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setattr(book, "ROOT", tmp_path)
    with pytest.raises(ValueError, match="clone"):
        book.build(tmp_path / "c")


def test_a_folder_of_other_files_stays_as_it_is(tmp_path):
    """A folder that holds something else than a book is refused."""
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(FileExistsError, match="holds other files than a book"):
        book.build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    assert (tmp_path / "index.html").read_text() == "mine"


def test_a_book_is_made_again(made, tmp_path, monkeypatch):
    """Over an earlier book, and over one whose making was ended after its first file."""
    monkeypatch.setattr(book._Book, "write", lambda self: self.out)
    assert book.build(made[0], edits=False) == made[0]
    shutil.copy(made[0] / "style.css", tmp_path)
    assert book.build(tmp_path, edits=False) == tmp_path


# ---- a real browser ----


@pytest.mark.skipif(chromium.find() is None, reason="no Chromium here; .ci/run installs one")
def test_every_page_in_chromium(made):
    """From a file: address, at 360, 800 and 1400 pixels: no console error, no request that
    leaves the folder, and nothing wider than the window.
    """
    out, _ = made
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    found = []
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        chromium.Chromium(chromium.find(), folder) as page,
    ):
        for path in sorted(out.rglob("*.html")):
            page.open(path)
            name = path.relative_to(out)
            found += [(name, "console", error) for error in page.errors]
            outside = [
                url for url in page.requests
                if not url.startswith((out.resolve().as_uri(), "data:"))
            ]  # fmt: skip
            found += [(name, "request", url) for url in outside]
            for width in (360, 800, 1400):
                page.call(
                    "Emulation.setDeviceMetricsOverride",
                    width=width, height=900, deviceScaleFactor=1, mobile=False,
                )  # fmt: skip
                if page.js(wide) > 0:
                    found.append((name, width, page.js(wide)))
    assert not found, found


@pytest.mark.skipif(chromium.find() is None, reason="no Chromium here; .ci/run installs one")
def test_what_the_script_adds(made):
    """The search finds a function, a formula tells its symbols, the key v unfolds every value;
    and in dark mode the text stands out from the paper by 7 : 1 or more.
    """
    out, _ = made
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        chromium.Chromium(chromium.find(), folder) as page,
    ):
        page.size(1000, 800, dark=True)
        page.open(out / "source-distributions.html")
        page.key("/", text="/")
        page.call("Input.insertText", text="gaussian_kl_back")
        found = "document.querySelector('#found a').getAttribute('href')"
        assert page.js(found) == "source-distributions.html#gaussian_kl_backward"
        page.key("Escape")
        page.js("document.activeElement.blur()")
        page.mouse("Moved", *page.at("#reparameterize math"))
        page.settle()
        assert "σ" in page.js("document.querySelector('#told').textContent")
        page.key("v", text="v")
        closed = "document.querySelectorAll('.code details:not([open])').length"
        assert page.js(closed) == 0
        colours = page.js(
            "(() => { const s = getComputedStyle(document.body);"
            "return [s.color, s.backgroundColor]; })()"
        )
        light, dark = sorted((luminance(c) for c in colours), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 7
        assert not page.errors


@pytest.mark.skipif(chromium.find() is None, reason="no Chromium here; .ci/run installs one")
def test_nothing_leaves_a_page(made):
    """The policy of a page refuses pictures and frames from the network, another base, a form, and
    a script that stands in the page.
    """
    out, _ = made
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        chromium.Chromium(chromium.find(), folder) as page,
    ):
        page.open(out / "ko" / "notes-0.html")
        page.js("document.body.append(Object.assign(document.createElement('script'),"
                "{text: 'window.ran = true'}))")  # fmt: skip
        assert page.js("window.ran") is None
        assert page.refused() == ["base-uri", "form-action", "frame-src", "img-src"]


def luminance(colour):
    """Of "rgb(21, 23, 26)", as WCAG defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_homework_function_shows_its_edits(monkeypatch):
    """Each exercise has its small edits, and for one that is noticed the test's name.

    Here of two exercises; the book tries all of them (`tests/homework_mutations.py`).
    """
    mutations = importlib.import_module("homework_mutations")
    two = [exercise for exercise in EXERCISES if exercise.number in ("2.3", "3.3")]
    monkeypatch.setattr(mutations, "EXERCISES", two)
    edits = evidence.edits_of(ROOT / "tests")
    assert set(edits) == {"2.3", "3.3"}
    assert len(edits["2.3"]) >= 8
    text = (ROOT / "scratchvae" / "distributions.py").read_text(encoding="utf-8").splitlines()
    assert {text[edit.line - 1].strip() for edit in edits["2.3"]} == {
        "return mu + np.exp(0.5 * logvar) * eps"
    }
    for edit in edits["2.3"]:
        assert edit.noticed_by.startswith("test_"), edit
