"""The package's prose as HTML: paragraphs, formulas, lists, examples.

A docstring has paragraphs. An indented block is a set of formulas, one in each line, and
lines that begin with `>>>` are an example. In a paragraph, **bold**, *emphasis*, `code` and
the links of Markdown have their usual meaning. Between them stand formulas without any
sign of their own, as σ² = e^logvar. `runs` finds them: a formula is a run of words that
mathematics is written with.
"""

import ast
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from html import escape
from itertools import pairwise

from scratchvae.study import formulas

STRONG = re.compile(r"[Α-Ωα-ω⁰-⁹ᵀᵗ₀-₉²³¹ˣᵃ∂∇Σ∫√∛½¼¾⊙≤≥≈≃≠→←∞·−=<>^_‖𝓛ℝ∈±×~′″‴⌈⌉\u0302-\u0304+/|]")
OPERATOR = re.compile(r"^[=≈≃≠≤≥<>→←∈±·⊙×−+~‖/|]$")
NAMES = {
    "log", "exp", "tanh", "sigmoid", "softplus", "max", "min", "log1p", "expm1", "ln", "KL", "JS",
    "dW", "db", "dx", "dy", "dz", "dh", "da", "dt", "ds", "loss", "E", "Var", "Im", "cosh", "sinh",
    "det", "...",
}  # fmt: skip
PROSE = re.compile(r"(?<![_^\w.])[A-Za-z]{2,}(?![\w(\[])")
ONE_LETTER = re.compile(r"^[B-HJ-Zb-zŷ]$")
CALL = re.compile(r"^[A-Za-z]{1,7}[(\[].*$")
MARKUP = re.compile(
    r"(?P<code>``[^`]+``|`[^`]+`)"
    r"|\[(?P<label>[^\]]+)\]\((?P<link>[^)\s]+)\)"
    r"|\*\*(?P<bold>[^*]+)\*\*"
    r"|(?<![\w*])\*(?P<em>[^*\s][^*]*)\*(?![A-Za-z0-9])"  # a Korean particle may follow
    r"|\$(?P<math>[^$]+)\$"
    r"|(?P<url>https?://[^\s)]+)"
)


@dataclass
class Typesetter:
    """Makes HTML, and remembers every formula.

    formulas: each formula, as it stands, and its MathML; None where it could not be parsed.
    code_link: the address of a `name`, or "". reference: HTML for other words of the text,
    such as equation numbers; it gets escaped text. explain: attributes of a <math> element,
    which tell what the formula's signs mean. language: of the text.
    """

    code_link: Callable[[str], str] = lambda name: ""
    reference: Callable[[str], str] = lambda text: text
    find: bool = True  # formulas in prose that has no $...$
    explain: Callable[[str], str] = lambda formula: ""
    language: str = "en"
    formulas: list[tuple[str, str | None]] = field(default_factory=list)

    def formula(self, text: str, *, display: bool = False) -> str:
        """MathML, or the text in monospace."""
        try:
            math = formulas.mathml(text, display=display)
        except (ValueError, IndexError, KeyError):
            self.formulas.append((text, None))
            return f'<code class="formula">{escape(text)}</code>'
        self.formulas.append((text, math))
        if display:
            math = math.replace('<math display="block"', '<math displaystyle="true"')
        math = f"<math{self.explain(text)}{math.removeprefix('<math')}"
        if display:
            return math
        name = "long" if len(text) > 40 else "middling" if len(text) > 22 else ""
        return f'<span class="{name}">{math}</span>' if name else math

    # ---- blocks ----

    def text(self, text: str) -> str:
        """A docstring, or a page, as HTML."""
        return "\n".join(self.block(block) for block in blocks(text))

    def block(self, lines: list[str]) -> str:
        """One paragraph, set of formulas, list, example, table, or diagram."""
        first = lines[0]
        if any("──" in line or "~~~" in line for line in lines):
            return f'<pre class="diagram">{escape(textwrap.dedent(chr(10).join(lines)))}</pre>'
        if first.lstrip().startswith(">>>"):
            return f'<pre class="example">{escape(textwrap.dedent(chr(10).join(lines)))}</pre>'
        if first.startswith("    "):
            return self.display(lines)
        if first.startswith("|"):
            return self.table(lines)
        if re.match(r"- |\d+\. ", first):
            return self._list(lines)
        return f"<p>{self.inline(' '.join(line.strip() for line in lines))}</p>"

    def _list(self, lines: list[str]) -> str:
        items: list[str] = []
        for line in lines:
            if match := re.match(r"(?:-|\d+\.) (.*)", line):
                items.append(match[1])
            else:
                items[-1] += " " + line.strip()
        tag = "ul" if lines[0].startswith("-") else "ol"
        inner = "".join(f"<li>{self.inline(item)}</li>" for item in items)
        return f"<{tag}>{inner}</{tag}>"

    def table(self, lines: list[str]) -> str:
        """A Markdown table."""
        rows = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in lines]
        cells = [[cell.strip().replace("\\|", "|") for cell in row] for row in rows]
        head, body = cells[0], cells[2:]
        top = "".join(f"<th>{self.inline(cell)}</th>" for cell in head)
        rest = "".join(
            "<tr>" + "".join(f"<td>{self.inline(cell)}</td>" for cell in row) + "</tr>"
            for row in body
        )
        return (
            f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{rest}</tbody>'
            "</table></div>"
        )

    def display(self, lines: list[str]) -> str:
        """Formulas, a line each. What stands in one column stays in one column."""
        block = textwrap.dedent("\n".join(lines))
        if is_python(block) or all(is_code(line) for line in re.split(" {2,}|\n", block) if line):
            return f'<pre class="example">{escape(block)}</pre>'
        letters = sorted(set(re.findall(r".[\u0300-\u036f]", block)))  # x̂ takes one column
        for i, letter in enumerate(letters):
            block = block.replace(letter, chr(_PRIVATE + i))
        parsed, right = right_edges([segments(line) for line in block.splitlines()])
        columns = aligned(parsed)
        whole = [part for row in parsed for segment in row for part in split_at(*segment, columns)]
        related = {place for place, part in whole if part[0] in "=≈≤≥≃←"}
        rows = []
        for row in parsed:
            cells: dict[int, list[tuple[int, str]]] = {}
            for at, text in row:
                for place, part in split_at(at, text, columns):
                    column = max((c for c in columns if c <= place), default=0)
                    cells.setdefault(column, []).append((place, part))
            filled = sorted(cells)
            html = "" if not filled or filled[0] == columns[0] else self._gap(columns, filled[0])
            for column, following in zip(filled, [*filled[1:], None]):
                inside = [
                    c for c in columns if column <= c and (following is None or c < following)
                ]
                span = f' colspan="{len(inside)}"' if len(inside) > 1 else ""
                if column in right and not span:
                    span = ' class="n"'
                elif column != columns[0] and column not in related:
                    span += ' class="x"'  # another formula
                parts = [self.segment(_restored(part, letters)) for _, part in cells[column]]
                if column == filled[0]:  # words about no formula
                    parts[0] = parts[0].replace('<span class="aside">', "<span>", 1)
                html += f"<td{span}>{'<span class=gap></span>'.join(parts)}</td>"
            rows.append(f"<tr>{html}</tr>")
        return f'<div class="wide"><table class="display">{"".join(rows)}</table></div>'

    @staticmethod
    def _gap(columns: list[int], first: int) -> str:
        n = sum(c < first for c in columns)
        return f"<td{f' colspan={n}' if n > 1 else ''}><span class=gap></span></td>"

    def segment(self, text: str) -> str:
        """A part of a displayed line: a formula, or words about it."""
        if is_code(text):
            return f"<code>{escape(text)}</code>"
        if numbered := re.fullmatch(r"(\d\.) (.+)", text):
            return f"{numbered[1]} {self.segment(numbered[2])}"
        if is_prose(text):
            if text.startswith("←"):  # a step of an algorithm
                return f"<span>{self.inline(text)}</span>"
            return f'<span class="aside">{self.inline(text)}</span>'
        return self.formula(text, display=True)

    # ---- inside of a paragraph ----

    def inline(self, text: str) -> str:
        """A paragraph's text with its marks and its formulas."""
        return bound(self._inline(text))

    def _inline(self, text: str) -> str:
        html, at = "", 0
        for match in MARKUP.finditer(text):
            html += self._words(text[at : match.start()])
            html += self._mark(match)
            at = match.end()
        return html + self._words(text[at:])

    def _mark(self, match: "re.Match[str]") -> str:
        if match["code"]:
            name = match["code"].strip("`")
            link = self.code_link(name)
            code = f"<code>{escape(name)}</code>"
            return f'<a href="{link}">{code}</a>' if link else code
        if match["bold"]:
            return f"<strong>{self._inline(match['bold'])}</strong>"
        if match["em"]:
            return f"<em>{self._inline(match['em'])}</em>"
        if match["math"]:
            return self.formula(match["math"])
        if match["url"]:
            end = re.search(r"[.,;]*$", match["url"])
            address = match["url"][: end.start()] if end else match["url"]
            return (
                f'<a href="{escape(address)}">{escape(address)}</a>' + match["url"][len(address) :]
            )
        link = self.code_link(match["link"]) or match["link"]
        inside = replace(self, code_link=lambda name: "", reference=lambda text: text)
        return f'<a href="{escape(link)}">{inside.inline(match["label"])}</a>'

    def _words(self, text: str) -> str:
        if '"' in text:  # a quotation begins or ends: no formula goes over it
            return "&quot;".join(self._words(part) for part in text.split('"'))
        html, at = "", 0
        for start, end in runs(text) if self.find else ():
            html += self._plain(text[at:start]) + self.formula(text[start:end])
            at = end
        return html + self._plain(text[at:])

    def _plain(self, text: str) -> str:
        """Words alone; Korean words in an English text are marked as such."""
        html = self.reference(escape(text))
        if self.language == "ko":
            return html
        return re.sub(r"[가-힣]+(?: [가-힣]+)*", r'<span lang="ko">\g<0></span>', html)


def bound(html: str) -> str:
    """Formulas with what no line may tear from them: a stop, a bracket, a Korean particle."""
    math = r"<math[^>]*>(?:(?!</math>).)*</math>"
    formula = rf'(?:{math}|<span class="(?:long|middling)">{math}</span>)'
    after = r"(?:[.,;:?!)\]]*[가-힣]+[.,;:?!)\]]*|[.,;:?!)\]]+)"
    either = rf"[(\[]{formula}{after}?|{formula}{after}"
    return re.sub(either, r'<span class="nb">\g<0></span>', html)


# ---- the blocks of a text ----


def blocks(text: str) -> Iterator[list[str]]:
    """The lines of each block: blank lines are between, and where the indentation begins.

    A diagram is one block, with the blank lines in it: indented lines, some with arrows.
    """
    at = 0
    for diagram in re.finditer(r"(?:^ .*\n|^\n)+", text + "\n", re.MULTILINE):
        if "──" in diagram[0]:
            yield from _blocks(text[at : diagram.start()])
            yield diagram[0].strip("\n").splitlines()
            at = diagram.end()
    yield from _blocks(text[at:])


def _blocks(text: str) -> Iterator[list[str]]:
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        example = line.lstrip().startswith((">>>", "...")) and ">>>" in line + "".join(block[:1])
        breaks = not line.strip() or (
            block
            and not block[0].lstrip().startswith(">>>")
            and (
                example
                or (
                    (line.startswith("    ") != block[0].startswith("    "))
                    and not re.match(r"- |\d+\. ", block[0])
                    and not line.startswith(" ─")
                )
                or (line.startswith("- ") and not block[0].startswith(("- ", " ")))
            )
        )
        if breaks and block:
            yield block
            block = []
        if line.strip():
            block.append(line)


# ---- the lines of a display ----


def segments(line: str) -> list[tuple[int, str]]:
    """The parts of a line that two or more spaces divide, each with its column."""
    found: list[tuple[int, str]] = []
    for match in re.finditer(r"\S+(?: \S+)*", line):
        if found and not _balanced(found[-1][1]) and re.search(r"[(\[]", found[-1][1]):
            at = found[-1][0]
            found[-1] = at, line[at : match.end()]
        else:
            found.append((match.start(), match[0]))
    return found


def aligned(rows: list[list[tuple[int, str]]]) -> list[int]:
    """The columns in which something of two or more lines begins; the first one is there always."""
    starts = [{at for at, _ in row} for row in rows]
    first = min(min(row) for row in starts if row)
    found = {first}
    for i, row in enumerate(rows):
        for at, text in row:
            others = [other for j, other in enumerate(starts) if j != i and at in other]
            inside = re.match(r"[=≈≤≥≃←]", text) and any(
                0 <= at - begins < len(words) and words[at - begins] in "=≈≤≥≃←"
                for j, other in enumerate(rows) if j != i
                for begins, words in other
            )  # fmt: skip
            if others or inside:
                found.add(at)
    return sorted(found)


def split_at(at: int, text: str, columns: list[int]) -> list[tuple[int, str]]:
    """The segment, divided before a relation that stands in an aligned column."""
    cuts = [
        c - at for c in columns
        if at < c < at + len(text) and text[c - at] in "=≈≤≥≃←" and text[c - at - 1] == " "
    ]  # fmt: skip
    bounds = [0, *cuts, len(text)]
    parts = [(at + low, text[low:high].strip()) for low, high in pairwise(bounds)]
    if all(_balanced(part) for _, part in parts):
        return parts
    return [(at, text)]


def _balanced(text: str) -> bool:
    depth = 0
    for c in text:
        depth += (c in formulas.OPENING) - (c in formulas.CLOSING)
        if depth < 0:
            return False
    return depth == 0


def right_edges(
    rows: list[list[tuple[int, str]]],
) -> tuple[list[list[tuple[int, str]]], set[int]]:
    """Numbers of one column end in one place: they, and what ends there too, begin together.

    Returns the lines, and where such columns begin.
    """
    ends: dict[int, list[tuple[int, str]]] = {}
    for row in rows:
        for at, text in row:
            ends.setdefault(at + len(text), []).append((at, text))
    begin = {
        end: min(at for at, _ in found)
        for end, found in ends.items()
        if sum(bool(re.fullmatch(r"[-−]?[\d.,]+", text)) for _, text in found) > 1
    }
    first = min((at for row in rows for at, _ in row), default=0)
    begin = {end: at for end, at in begin.items() if at > first}
    moved = [[(begin.get(at + len(text), at), text) for at, text in row] for row in rows]
    return moved, set(begin.values())


_PRIVATE = 0xE000  # one sign for a letter and its accent, while columns are counted


def _restored(text: str, letters: list[str]) -> str:
    for i, letter in enumerate(letters):
        text = text.replace(chr(_PRIVATE + i), letter)
    return text


def is_python(block: str) -> bool:
    """Whether a display is Python: it parses, and it does what no formula does."""
    try:
        nodes = list(ast.walk(ast.parse(block)))
    except SyntaxError:
        return False
    kinds = (ast.For, ast.While, ast.If, ast.With, ast.Import, ast.ImportFrom, ast.FunctionDef,
             ast.AugAssign, ast.keyword, ast.Attribute)  # fmt: skip
    return any(isinstance(node, kinds) for node in nodes)


def is_code(text: str) -> bool:
    """Whether a displayed line is Python and not mathematics."""
    return text.isascii() and bool(re.search(r" \* |\.sum\(|\[\.\.\.\]|np\.|\w+ @ \w", text))


def is_prose(text: str) -> bool:
    """Whether the words of a displayed part are mostly a sentence."""
    if re.search(r"§|'|AEVB|eq\. |\.py|[a-z]{2,}, ", text):
        return True
    words = [word for word in PROSE.findall(text) if word not in NAMES | formulas.FUNCTIONS]
    return len(words) >= 2 and 3 * len(words) >= len(text.split())


# ---- formulas in a sentence ----


def runs(text: str) -> list[tuple[int, int]]:
    """Where the formulas of a sentence begin and end."""
    words = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)]
    found: list[tuple[int, int]] = []
    i = 0
    while i < len(words):
        if not _is_math(text, words, i):
            i += 1
            continue
        if i and OPERATOR.match(text[slice(*words[i])]) and _is_name(text, words, i - 1):
            first = i - 1  # logvar = log σ²
        else:
            first = i
        span, j = _run(text, words, first, 0)
        if span is None and text[words[first][0]] in "([":  # words follow in the bracket
            span, j = _run(text, words, first, -1)
        if span is not None and (not found or span[0] >= found[-1][1]):
            found.append(span)
            i = max(j, i + 1)
        else:
            i += 1
    return found


def _run(
    text: str, words: list[tuple[int, int]], first: int, depth: int
) -> tuple[tuple[int, int] | None, int]:
    """The formula that begins at this word, if there is one, and the word after it.

    depth: the brackets that are open; −1: the first bracket is none of the formula.
    """
    j = first
    while j < len(words):
        word = text[slice(*words[j])]
        after = j > first and OPERATOR.match(text[slice(*words[j - 1])])
        goes_on = _is_math(text, words, j) or (after and _is_name(text, words, j))
        if depth <= 0 and j > first and not goes_on:
            break
        depth += sum(c in "([{" for c in word) - sum(c in ")]}" for c in word)
        j += 1
        if depth <= 0 and re.search(r"[.,;:?!]$", word) and not word.endswith("..."):
            break
    return _trimmed(text, words[first][0], words[j - 1][1]), j


def _is_name(text: str, words: list[tuple[int, int]], i: int) -> bool:
    """Whether the word can stand beside an operator: logvar, NaN, loss."""
    return bool(re.fullmatch(r"[A-Za-z]{2,8}(\([a-z]\))?[.,;:]?", text[slice(*words[i])]))


def _is_math(text: str, words: list[tuple[int, int]], i: int) -> bool:
    word = text[slice(*words[i])]
    bare = word.strip(".,;:?!()[]“”\"'")
    before = text[slice(*words[i - 1])].lower() if i else ""
    if not bare:  # an operator, or the dots of a + b + ...
        return bool(OPERATOR.match(before if word.startswith("...") else word))
    if before in ("appendix", "figure", "section", "table", "chapter", "method", "estimator"):
        return False
    if bare in NAMES or re.fullmatch(r"[\d.,]+(e[-−]?\d+)?|\dh|(max|min)_[a-z]", bare):
        return True
    if text[words[i][0] :].startswith("(mean of ") or (bare == "of" and before == "(mean"):
        return True
    if ONE_LETTER.match(bare):
        return True
    if bare in ("a", "A", "I"):
        near = [text[slice(*words[k])] for k in (i - 1, i + 1) if 0 <= k < len(words)]
        return any(OPERATOR.match(other) for other in near) or (bare == "A" and word != "A")
    if re.search(r"""\(s\)|["'$`]""", word) or re.search(
        r"[A-Za-z]{2,}[-/][A-Za-z]{2,}|\.py|§|°|://", word
    ):
        return False
    name = re.fullmatch(r"[a-z]+(_[a-z0-9]+)+|__\w+", bare)
    if name and len(bare) > 4 and bare[:2] != "n_":
        return False  # a name of the code
    if STRONG.search(bare):
        return True
    called = re.match(r"[A-Za-z]+", bare)
    if called and called[0] in NAMES | formulas.FUNCTIONS and "(" in bare:
        return True
    return (
        bool(CALL.match(bare))
        and word.count("(") + word.count("[") > 0
        and not re.match(r"^[A-Za-z]{3,}[(\[]", bare)
    )


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The run without punctuation and without brackets that have no partner; None if empty."""
    while start < end:
        part = text[start:end]
        opened = sum(c in "([{" for c in part) - sum(c in ")]}" for c in part)
        if (
            part[-1] in ",;:?! '"
            or part.endswith("'s")
            or re.search(r"\S [-=≈≤≥<>·⊙×+−/]$", part)
            or (part[-1] == "." and not part.endswith("..."))
            or (opened < 0 and part[-1] in ")]}")
        ):
            end -= 1
        elif (opened > 0 and part[0] in "([{") or part[0] in " ,":
            start += 1
        else:
            break
    part = text[start:end]
    if not part or not _balanced(part) or part in NAMES or OPERATOR.match(part):
        return None
    if (
        re.fullmatch(r"[\d.,]+|\(\d+\)", part)
        or part[0] == "."
        or not re.search(rf"{formulas.LETTER}|[\d∞Σ∫∂∇]", part)
    ):
        return None
    words = [word for word in PROSE.findall(part) if word not in NAMES | formulas.FUNCTIONS]
    if words and re.fullmatch(r"\S [a-z]+", part):  # ≤ becomes
        return None
    if len(words) > 1 or (words and not re.search(r"[=≤≥≈≃(]", part)):
        return None
    return start, end
