"""The book: nothing is lost in typesetting, nothing is missing, and a browser can read it."""

import ast
import html
import importlib
import itertools
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import chromium
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scratchvae.homework.exercises import EXERCISES
from scratchvae.study import (
    book,
    evidence,
    formulas,
    frame,
    korean,
    listing,
    pages,
    part_one,
    prose,
    values,
)
from scratchvae.study.shell import Shell
from scratchvae.study.step import training_step

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CORE = sorted(path for path in (ROOT / "scratchvae").glob("*.py") if path.stem != "__init__")


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
        assert tag != "a" or "a" not in self.open, self.getpos()  # no link in a link
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
    first, second = draw(inner), draw(inner)
    if form == "p({}|{})" and second[0] in "|‖":  # p(x||z|) has no one reading
        second = f"({second})"
    return form.format(first, second)


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
    for text, set_ in set(report.formulas):
        if set_ is not None:
            assert formulas.text_of(set_) == formulas.normal(text)
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


def test_one_fraction_in_brackets_needs_none():
    """(1/B) before a sum is a fraction without brackets, and a function keeps its own."""
    assert "(" not in formulas.mathml("(1/B) Σ_b x_b", display=True)
    assert "(" in formulas.mathml("f(1/B)", display=True)


def test_two_signs_and_a_prime():
    """+= is one sign; a prime is a raised sign already, and is not raised once more."""
    assert ">+=</mo>" in formulas.mathml("dμ += μ / B")
    assert "msup" not in formulas.mathml("h′ W")


def test_a_diagram_is_one_block():
    """The process of vae.py is one block from ENCODER to da, and its steps keep their numbers."""
    doc = ast.get_docstring(ast.parse((ROOT / "scratchvae" / "vae.py").read_text(encoding="utf-8")))
    diagrams = [block for block in prose.blocks(doc) if "──" in "".join(block)]
    assert len(diagrams) == 1
    assert diagrams[0][0].strip().startswith("ENCODER") and diagrams[0][-1].strip().endswith("da")
    assert prose.Typesetter().segment("1. da").startswith("1. <math")


QUOTIENTS = {  # a formula: what stands above and below its lines
    "∫ p(z|x) q(z) / p(x, z) dz": ["p(z|x) q(z) : p(x, z)"],
    "∫ p(x, z) dz / p(x)": ["∫ p(x, z) dz : p(x)"],
    "f(z) g(z) / h(z) k(z) / l(z) dz": ["f(z) g(z) : h(z)", "k(z) : l(z)"],
    "Σ_k r_k (m_k − z) / v_k": ["r_k (m_k − z) : v_k"],
    "(mean of q(z) / p(x))²": ["q(z) : p(x)"],
    "e^(x a) / ∫ e^(t a) dt": ["e^(x a) : ∫ e^(t a) dt"],
    "p(x) / Π_j s_j, x": ["p(x) : Π_j s_j"],
    "α m / √v / w": ["α m : √v", "α m / √v : w"],
}


@pytest.mark.parametrize("formula", QUOTIENTS)
def test_a_quotient_binds_tighter_than_a_sum(formula):
    """Σ, ∫ and "mean of" stand before the fraction; an integral with its dx is one factor."""
    math = ET.fromstring(formulas.mathml(formula, display=True))
    parts = [" : ".join(map(formulas._read, line)) for line in math.iter("mfrac")]
    assert sorted(parts) == sorted(QUOTIENTS[formula])


def test_no_fraction_of_the_book_takes_half_of_an_integral(made):
    """Above and below a line stands a ∫ with its dx, or none; and no line ends with Σ or Π."""
    for text, set_ in set(made[1].formulas):
        for part in [] if set_ is None else ET.fromstring(set_).iterfind(".//mfrac/*"):
            words = formulas._read(part)
            assert words.count("∫") <= len(re.findall(r"\bd\w\b", words)), text
            assert not re.search(r"[ΣΠ](_\w+)?$", words), text


def test_scripts_of_more_than_one_sign():
    """L_(K+1) and θ* are set; (x) is in the exponent of e^f(x), but not in that of F^M(x); the
    index of E_p(x)[f] is p(x), and a star behind an index belongs to that index.
    """
    for formula, tag, parts in (
        ("L_(K+1)", "msub", ["L", "K+1"]), ("θ*", "msup", ["θ", "*"]), ("σ*²", "msup", ["σ", "*2"]),
        ("e^f(x)", "msup", ["e", "f(x)"]), ("F^M(x)", "msup", ["F", "M"]),
        ("E_p(x)[f]", "msub", ["E", "p(x)"]), ("p_θ*(z)", "msub", ["p", "θ*"]),
    ):  # fmt: skip
        math = formulas.mathml(formula)
        element = next(ET.fromstring(math).iter(tag))
        assert ["".join(part.itertext()) for part in element] == parts
        assert formulas.text_of(math) == formula


def test_no_mark_of_a_formula_is_left_in_the_text(made):
    """No `^`, no `_(` and no `_{` stands in the words of a page, and no formula of a sentence ends
    with a relation: the formula goes on behind it.
    """
    out, report = made
    code = r"<(pre|code|math|script|svg)\b.*?</\1>|<div class=\"code\">.*?</div></div>|<[^>]*>"
    for path in out.rglob("*.html"):
        words = re.sub(code, " ", path.read_text(encoding="utf-8"), flags=re.S)
        assert not re.search(r"\w\^|\^[\w(]|_[({]", words), path.name
    ends = {text for text, _ in report.formulas if re.search(r"\w [=≈≤≥·+−/]$", text)}
    assert not ends


def test_python_in_a_docstring_is_python():
    """A display that parses and has a loop, a keyword or an attribute is an example, no formula."""
    text = "for x in f(a, n_x=2):\n    x.lr *= 0.9    # a comment"
    assert prose.Typesetter().display(text.splitlines()).startswith('<pre class="example">for x')
    assert not prose.is_python("p = q") and not prose.is_python("L = Σ_i x_i")


def test_numbers_of_a_column_end_in_one_place():
    """Numbers of several lengths, and their heading, are one column, and its cells are "n"."""
    table = ["            one    two", "first      14.5    2.0", "second      3.4   12.0"]
    rows = prose.Typesetter().display(table).split("<tr>")[1:]
    assert [row.count('class="n"') for row in rows] == [2, 2, 2]
    assert [row.count("<td") for row in rows] == [3, 3, 3]


def test_a_letter_and_its_accent_take_one_column():
    """x̂ are two signs of Unicode: what is aligned in a browser is aligned in the page."""
    rows = prose.Typesetter().display(["x̂ = a    b = 2", "x = a    c = 3"]).split("<tr>")[1:]
    assert rows[0].count("<td") == rows[1].count("<td") > 1


def test_a_diagram_has_arrows(made):
    """A fraction is drawn by its line, and not with signs for lines: only arrows need these."""
    for path in made[0].rglob("*.html"):
        for shown in re.findall(r'<pre class="diagram">(.*?)</pre>', path.read_text(), re.S):
            assert re.search("→|barrier", shown), (path.name, shown)


def test_no_line_tears_a_particle_or_a_stop_from_its_formula(made):
    """A formula of a sentence is in one box with the bracket before it and with the punctuation
    and the Hangul behind it.
    """
    torn = re.compile(
        r"</math>(?:</span>)?(?:[.,;:?!)\]]|[가-힣])|[(\[](?:<span class=\"\w+\">)?<math"
    )
    for path in made[0].rglob("*.html"):
        text = re.sub(r'<span class="nb">.*?</span>(?=[^<]|<(?!/span))', "", path.read_text())
        found = torn.search(text)
        assert not found, (path.name, text[found.start() - 80 : found.end() + 20])


def test_every_page_of_the_contents_leads_to_part_one(made):
    """On pages of either part the contents name the pages of Part I."""
    first = f"notes-{pages.ORDER[0][0]}.html"
    for name in ("source-vae.html", "source-hmc.html", "equations.html", "notes-2.html"):
        side = (made[0] / name).read_text(encoding="utf-8").split('<nav class="side"')[1]
        assert f'href="{first}"' in side.split("</nav>")[0], name


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


def test_a_second_formula_of_a_line_keeps_its_distance():
    """A column is "x" in each of its lines, or in none: in none where relations begin in it."""
    rows = prose.Typesetter().display(["A  a = b   c = d", "   e = f   g = h"]).split("<tr>")[1:]
    assert [row.count('class="x"') for row in rows] == [2, 2]
    rows = prose.Typesetter().display(["a  = b", "   = c"]).split("<tr>")[1:]
    assert [row.count('class="x"') for row in rows] == [0, 0]


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


def printed(name):
    """What the runs of a page print, one after the other."""
    runs = [block.text for block in pages.english(name) if block.kind == "run"]
    return "\n".join(part_one._output(text) for text in runs)


# what the words of a page say, and in which line of its runs it stands
SAID = {
    "1-2": ("0.8113", "0.8438", "0.8178", "0.8187", "0.9403"),
    "1-3": ("1.2075", "0.5436", "0.8945", "0.8113"),
    "1-4": ("0.7370", "0.5310"),
    "1-5": ("0.7370", "0.5310", "0.3407"),
    "1-6": ("1.08", "0.2195"),
    "2-bound": ("0.8366", "4.1589", "0.94", "0.69", "0.25", "1.12"),
    "2-process": ("1.0840", "1.2610", "0.6298", "0.8195", "1.09"),
}


@pytest.mark.parametrize("name", SAID)
def test_the_numbers_of_the_pages_are_those_of_the_runs(name):
    """A number in the words of a page, in both languages, is one that its runs print."""
    blocks = [block for block in pages.english(name) if block.said]
    words = " ".join(block.text for block in blocks)
    korean = " ".join(pages.korean(name)[block.hash] for block in blocks)
    output = printed(name)
    for number in SAID[name]:
        assert number in words and number in korean and number in output, number


def test_the_units_of_the_logarithm():
    """1 nat is 1.4427 bits and a decimal digit 3.3219, as §1.2 says: log₂ e, log₂ 10."""
    text = (pages.FOLDER / "en" / "1-2.txt").read_text(encoding="utf-8")
    assert f"1 nat is {math.log2(math.e):.4f} bits" in text
    assert f"digit is {math.log2(10):.4f} bits" in " ".join(text.split())


def test_the_claims_of_the_runs():
    """What the pages claim of their runs: the linear autoencoder reaches PCA's error; Huffman's
    code of D days is within 1/D of the entropy; at ε = 0 no gradient of log σ² comes from z; two
    gaps add to KL(q ‖ posterior); both estimators of the gradient have the mean 2; the collapsed
    model's gradient is 0; the larger β, the less the KL and the worse the reconstruction; with a
    small learning rate the mean loss stays, and single losses vary.
    """
    found = {name: numbers(printed(name)) for name in ("0", "1-2", "2-bound", "2-estimator")}
    *_, autoencoder, _, pca = found["0"]
    assert 0 <= autoencoder - pca < 1e-3
    codes = re.findall(r"D = (\d): ([\d.]+) bits", printed("1-2"))
    assert len(codes) == 6
    for D, mean in codes:
        assert 0.8113 <= float(mean) < 0.8113 + 1 / int(D)
    text = printed("2-bound")
    kl, approximation, amortization = (
        float(re.search(rf"{words} +([\d.]+)", text)[1])
        for words in ("KL from the posterior", "approximation gap", "amortization gap")
    )
    assert abs(kl - approximation - amortization) < 2e-4 and approximation < 0.01
    gradient = float(re.search(r"largest gradient (\S+)", text)[1])
    assert gradient < 1e-12
    weighed = re.findall(r"beta = (\S+): KL ([\d.]+) nats, reconstruction (\S+) nats", text)
    betas, kls, reconstructions = zip(*(map(float, row) for row in weighed))
    assert len(betas) == 5 and kls == tuple(sorted(kls, reverse=True)) and kls[-1] == 0
    assert reconstructions == tuple(sorted(reconstructions, reverse=True))
    # information of I nats leaves a reconstruction of at most −6 (log 2 − I), and I ≤ KL
    assert all(r <= -6 * (math.log(2) - kl) + 0.05 for kl, r in zip(kls, reconstructions))
    text = printed("2-estimator")
    assert "dlogvar has 0.0 from z, and 1.5 from the KL" in text
    means = re.findall(r"mean ([\d.]+), variance ([\d.]+) \(exact: (\d+)\)", text)
    assert len(means) == 2
    for mean, variance, exact in means:  # 10⁶ draws: 4 standard errors, and 2 % of the variance
        assert abs(float(mean) - 2) < 4 * (float(exact) / 1e6) ** 0.5
        assert abs(float(variance) / float(exact) - 1) < 0.02
    rows = re.findall(r"step +(\d+): loss ([\d.]+), .* mean ([\d.]+),", printed("2-process"))
    late = [(float(loss), float(mean)) for step, loss, mean in rows if int(step) > 400]
    losses, means_ = zip(*late)
    assert max(means_) - min(means_) < 0.02 < 0.1 < max(losses) - min(losses)


def numbers(text):
    """The numbers of a text."""
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


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
    others = {block.hash for block in pages.english(name) if block.kind in ("display", "run")}
    assert english <= set(pages.korean(name)) <= english | others


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


def test_the_captions_and_titles_in_korean_are_those_of_the_pages():
    """pages/ko/pieces.txt has what the pages of Part I show, as it is now, and nothing else."""
    claims = frame.claims((ROOT / "demos" / "README.md").read_text(encoding="utf-8"))
    exercises = {exercise.number: exercise for exercise in EXERCISES}
    ideas = frame.ideas({path.stem: listing.module(path.stem).doc for path in CORE})
    shown = {diagram(), *ideas.values()}
    for name, _ in pages.ORDER:
        for block in pages.english(name):
            if block.kind == "picture":
                shown.add(" | ".join(claims[block.text]))
            if block.kind == "exercise":
                for exercise in map(exercises.get, block.text.split()):
                    shown.add(exercise.title)
                    if re.search(r"\b(?!log)[a-z]{3,}", exercise.equation):
                        shown.add(exercise.equation)
    assert {pages.Block("row", text).hash for text in shown} == set(pages.korean("pieces"))


def diagram():
    """The diagram of vae.py's docstring, as the page of the process has it."""
    lines = listing.module("vae").doc.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(" ENCODER"))
    return "\n".join(lines[first : first + 13])


THREE_WORDS = re.compile(r"(?:\b[A-Za-z]{2,}[,;:]? ){2}[A-Za-z]{2,}\b")
TWO_WORDS = re.compile(r"\b(?!log\b)[A-Za-z]{2,} [A-Za-z]{2,}\b")
TERMS = r"\([^()]*\)|Auto-Encoding Variational Bayes|Stochastic Gradient Variational Bayes"


def english_in(text, words):
    """English words in a row, where they are no term in brackets and no title."""
    return words.search(re.sub(TERMS, "", " ".join(text.split())))


def test_no_english_sentence_is_in_the_korean_part_one(made):
    """Words, captions, alternative texts, titles, and what the runs print: Korean. English are
    the terms in brackets, the paper's name, and the English column of the glossary.
    """
    for name, _ in pages.ORDER:
        text = (made[0] / "ko" / f"notes-{name}.html").read_text(encoding="utf-8")
        main = text.split("<main")[1].split("</main>")[0]
        for alt in re.findall(r'alt="([^"]*)"', main):
            assert not TWO_WORDS.search(alt), alt
        no_words = r'<(td|ul|pre|span) lang="en">.*?</\1>|<code.*?</code>|<math.*?</math>'
        main = re.sub(no_words, " ", main, flags=re.S)
        outputs = re.findall(r'<pre class="output".*?</pre>', main, re.S)
        examples = re.findall(r'<pre class="example".*?</pre>', main, re.S)
        words = re.sub(r"<pre.*?</pre>|<[^>]+>", " ", main, flags=re.S)
        comments = [c for example in examples for c in re.findall(r"# .*", example)]
        for part in (words, *outputs, *comments):
            least = THREE_WORDS if part == words else TWO_WORDS
            found = english_in(html.unescape(re.sub(r"<[^>]+>", "", part)), least)
            assert not found, (name, found)


def test_a_korean_run_prints_the_same_numbers():
    """Its Korean words change no number: what each run prints has the numbers of the English."""
    for name, _ in pages.ORDER:
        said = pages.korean(name)
        for block in pages.english(name):
            if block.kind == "run" and block.hash in said:
                ours = part_one._output(korean.with_words(block.text, said[block.hash]))
                assert re.search("[가-힣]", ours) or not re.search("[A-Za-z]{4}", ours)
                theirs = numbers(part_one._output(block.text))
                assert sorted(numbers(ours)) == sorted(theirs), (name, ours)


def test_words_that_a_text_does_not_have_are_refused():
    """A Korean line for other English words than the text's, or without an arrow: ValueError."""
    assert korean.with_words("a bit", "bit → 비트") == "a 비트"
    for line in ("nat → 내트", "bit"):
        with pytest.raises(ValueError, match="English → Korean"):
            korean.with_words("a bit", line)


def test_each_picture_with_words_has_its_korean_one():
    """Each picture of a Korean page is there with Korean words, and no other is."""
    folder = ROOT / "demos" / "pictures"
    shown = {
        block.text
        for name, _ in pages.ORDER
        for block in pages.english(name)
        if block.kind == "picture"
    }
    there = {path.stem for path in (folder / "ko").glob("*.png")}
    assert there == shown
    for name in there:
        assert (folder / "ko" / f"{name}.png").stat().st_size <= 150_000


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
    """No file above 500 KB, and all at most 6 MB without the pages to print; no address of the
    network but in links; built in less than 400 times the processor's time of Python's start with
    NumPy: a minute where that takes 0.15 s.
    """
    out, report = made
    code = "import time, numpy; print(time.process_time())"
    starts = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(3)]
    assert report.processor < 400 * min(starts)
    files = [path for path in out.rglob("*") if path.is_file() and path.name != "print.html"]
    assert sum(path.stat().st_size for path in files) <= 6 * 2**20
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


def searched(out):
    """The file of the search."""
    text = (out / "search.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("window.book = ").removesuffix(";\n"))


def test_the_search_finds_what_is_there(made, read):
    """Every section and every term of the index is a page and an id of it, and each page of Part I
    is in it in both languages, each file of the source once.
    """
    data = searched(made[0])
    names = {name for name, *_ in data["pages"]}
    assert {
        f"{folder}notes-{name}.html" for name, _ in pages.ORDER for folder in ("", "ko/")
    } <= names
    assert {f"source-{path.stem}.html" for path in CORE} <= names
    places = [
        f"{name}#{id_}" if id_ else name for name, _, _, parts in data["pages"] for id_, *_ in parts
    ]
    terms = [place for _, addresses in data["terms"] for place in addresses]
    for place in [*places, *terms]:
        file, _, anchor = place.partition("#")
        assert not anchor or anchor in read[file].ids, place
        assert file in read, place
    assert len(places) > 500 and len(data["terms"]) > 40


def test_a_link_is_in_no_link():
    """The words of a link are no links of their own: an equation's number, a file's name."""
    typesetter = prose.Typesetter(
        lambda name: "code.html", lambda text: text.replace("(1)", '<a href="#">(1)</a>')
    )
    assert typesetter.inline("[eq. (1)](x)").count("<a ") == 1
    assert typesetter.inline("[`info.py`](info.py)").count("<a ") == 1


def test_what_a_screen_reader_needs(made):
    """On every page: headings go down one level at a time from one h1; every link has words; every
    picture has words and leads to its full size; lists of navigation have names.
    """
    out, _ = made
    for path in out.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        levels = [int(level) for level in re.findall(r"<h([1-6])\b", text)]
        assert levels[0] == 1 and levels.count(1) == 1, path.name
        assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), (path.name, levels)
        for link in re.findall(r"<a\b[^>]*>(.*?)</a>", text, re.DOTALL):
            assert re.sub(r"<img[^>]*alt=\"([^\"]+)\"[^>]*>|<[^>]+>", r"\1", link).strip(), link
            assert not re.fullmatch("[←→]", link), path.name
        for picture in re.findall(r'(<a href="[^"]+">)?<img src="([^"]+)" alt="([^"]*)"', text):
            assert picture[0] == f'<a href="{picture[1]}">' and picture[2], (path.name, picture)
        assert all('aria-label="' in nav for nav in re.findall(r"<nav[^>]*>", text))


def test_the_printed_page_has_every_answer(made):
    """print.html has every section in order, its answers unfolded, and no link to another page of
    the notes.
    """
    out, _ = made
    for folder in ("", "ko/"):
        text = (out / folder / "print.html").read_text(encoding="utf-8")
        chapters = re.findall(r'<section class="chapter" id="notes-([\w-]+)"', text)
        assert chapters == [name for name, _ in pages.ORDER]
        folds = sum(block.kind == "fold" for n, _ in pages.ORDER for block in pages.english(n))
        main = text[text.index("<main") :]
        assert main.count('<details class="fold" open>') == folds == main.count("<details")
        assert 'href="notes-' not in main[: main.index("</main>")]


def test_only_a_published_book_names_an_address(made, tmp_path):
    """Without `base` no page knows where it lies; what is no address is refused before any work."""
    text = (made[0] / "ko" / "notes-1-2.html").read_text(encoding="utf-8")
    assert "canonical" not in text and "og:" not in text
    shell = Shell("https://example.org/book/", {})
    page = shell.page("ko/notes-0.html", "ko", "t", "", about="A. B.", other="notes-0.html")
    assert '<meta name="description" content="A. B.">' in page
    assert '<meta property="og:title" content="t · scratchvae 교재">' in page
    assert '<link rel="canonical" href="https://example.org/book/ko/notes-0.html">' in page
    assert 'hreflang="en" href="https://example.org/book/notes-0.html"' in page
    for wrong in ("example.org", 'https://a"b'):
        with pytest.raises(ValueError, match="an address begins with https://"):
            book.build(tmp_path / "b", base=wrong)
    with pytest.raises(ValueError, match="has no notebook"):
        book.build(tmp_path / "b", notebooks=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_eight_stand_before_the_rest(made):
    """The contents name the eight files first, one_page.py at their head, and each file once."""
    text = (made[0] / "index.html").read_text(encoding="utf-8")
    listed = re.findall(r'<li><a href="(?:source|demo)-(\w+)\.html">', text[text.index("<main") :])
    assert tuple(listed[:8]) == frame.EIGHT
    assert sorted(listed) == sorted(["one_page", *(path.stem for path in CORE)])


def test_every_reference_of_the_source_is_listed():
    """Each number of the arXiv that the source names is in the references."""
    listed = (pages.FOLDER / "references.txt").read_text(encoding="utf-8")
    for path in [*CORE, *(ROOT / "demos").glob("*.py"), ROOT / "README.md"]:
        for number in re.findall(r"arXiv[ :]*(\d{4}\.\d{4,5})", path.read_text(encoding="utf-8")):
            assert number in listed, (path.name, number)


def test_the_command(tmp_path, monkeypatch, capsys):
    """`scratchvae study --out DIR` writes it; outside of a clone it says what to do."""
    from scratchvae.__main__ import main

    monkeypatch.setattr("sys.argv", ["scratchvae", "study", "--out", str(tmp_path / "b")])
    monkeypatch.setattr(book, "build", lambda out, **others: book.Report([out / "x"], 1.0, []))
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
    leaves the folder, and nothing wider than the window. At 1400 pixels no line of code is wider
    than its box. Emphasis in Korean is not slanted.
    """
    out, _ = made
    cut_off = (
        "[...document.querySelectorAll('pre.example, .code, pre[lang]')]"
        ".filter((box) => box.scrollWidth > box.clientWidth)"
        ".map((box) => box.innerText.slice(0, 60)).join()"
    )
    slanted = (
        "[...document.querySelectorAll('em')].some((em) => em.closest('[lang]').lang === 'ko'"
        " && getComputedStyle(em).fontStyle !== 'normal')"
    )
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
            if cut := page.js(cut_off):
                found.append((name, "a line of code is cut", cut))
            if page.js(slanted):
                found.append((name, "Hangul is slanted"))
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
        assert (
            asked(page, "gaussian_kl_back")[0] == "source-distributions.html#gaussian_kl_backward"
        )
        assert asked(page, "zyzzyva") == ["nothing found"]
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


# What a student asks, the page on which it is asked from, and where the answer is.
ASKED = {
    "index.html": {
        "triangle inequality": "notes-1-5.html", "convex": "notes-1-5.html",
        "Hadamard": "notes-2-estimator.html", "backpropagation": "source-layers.html",
        "softplus": "source-distributions.html", "logvar": "notes-2-estimator.html",
        "posterior": "notes-2.html", "lower bound": "notes-2-bound.html",
        "reparameterization trick": "notes-2-estimator.html", "huffman": "notes-1-2.html",
    },
    "ko/index.html": {
        "젠센": "ko/notes-1-5.html", "볼록": "ko/notes-1-5.html", "삼각부등식": "ko/notes-1-5.html",
        "엔트로피": "ko/notes-1-2.html", "가능도": "ko/notes-1-6.html",
        "사후 분포": "ko/notes-2.html", "변분 하한": "ko/notes-2-bound.html",
        "재매개변수화": "ko/notes-2-estimator.html", "역전파": "source-layers.html",
        "아다마르": "ko/notes-2-estimator.html",
    },
}  # fmt: skip


@pytest.mark.skipif(chromium.find() is None, reason="no Chromium here; .ci/run installs one")
def test_the_search_answers_what_students_ask(made):
    """Twenty words, ten in each language: the right section is among the first three; and Enter
    opens the first.
    """
    out, _ = made
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        chromium.Chromium(chromium.find(), folder) as page,
    ):
        for name, words in ASKED.items():
            page.open(out / name)
            for word, place in words.items():
                found = [link.removeprefix("../").split("#")[0] for link in asked(page, word)[:3]]
                assert place in found, (word, found)
            page.key("Enter", text="\r")
        assert page.js("location.pathname").endswith("ko/notes-2-estimator.html")
        assert not page.errors


@pytest.mark.skipif(chromium.find() is None, reason="no Chromium here; .ci/run installs one")
def test_signs_are_told_to_the_keys_and_to_a_finger(made):
    """The key Tab comes to one formula, the arrows lead to the others, Escape hides the box; a
    touch shows it too. The box covers neither the formula nor the line below it.
    """
    out, _ = made
    told = "document.getElementById('told').textContent"
    below = (
        "(() => { const a = document.activeElement.getBoundingClientRect();"
        "const b = document.getElementById('told').getBoundingClientRect();"
        "return b.left >= a.right || b.top > a.bottom + 30 || b.bottom < a.top; })()"
    )
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        chromium.Chromium(chromium.find(), folder) as page,
    ):
        page.call("Emulation.setFocusEmulationEnabled", enabled=True)
        for width in (400, 1400):
            page.size(width, 800)
            page.open(out / "notes-1-5.html")
            assert page.js("document.querySelectorAll('math[tabindex=\"0\"]').length") == 1
            page.js("document.querySelector('math[tabindex=\"0\"]').focus()")
            assert "a metric" in page.js(told) and page.js(below)
            for _ in range(8):
                page.key("ArrowRight")
                assert page.js(told) and page.js(below)
            page.key("Escape")
            assert not page.js(told)
        page.size(400, 800, phone=True)
        page.finger([page.at("math[data-s]")])
        assert page.js(told)
        assert not page.errors


def asked(page, words):
    """What the search answers: the addresses, best first, or what it says instead."""
    return page.js(
        "new Promise((done) => { const box = document.getElementById('search'); box.focus();"
        f"box.value = {words!r}; document.getElementById('count').textContent = '';"
        "box.dispatchEvent(new Event('input')); let left = 500; const look = () => {"
        "const said = document.getElementById('count').textContent;"
        "const links = [...document.querySelectorAll('#found a')];"
        "const found = links.map((a) => a.getAttribute('href'));"
        "if (said || !left--) done(links.length ? found : [said]);"
        "else setTimeout(look, 10); }; look(); })"
    )


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
