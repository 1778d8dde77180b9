"""Unicode formulas to MathML, and back.

    x_i² / 2  →  <mfrac><msubsup>x i 2</msubsup> 2</mfrac>

A formula of the docstrings is one line of Unicode. `mathml` parses it:

    x₁, x_i, g_{t−1}        a subscript; of L_(K+1) the brackets are not drawn
    σ², e^a, e^(−a), dWᵀ    a superscript; its round brackets are not drawn
    θ*, p_θ*(z)             a raised star; after an index it belongs to the index
    e^f(x), F^M(x)          f(x) is in the exponent of e or of a number; else (x) is no exponent
    E_p(x)[...]             the whole p(x) is the index of a mean
    √w, √(2π σ²)            a root
    a / b, a/b              a fraction, if the formula stands on a line of its own;
                            there (1/B) x has no brackets, and a sign Σ, ∫ or "mean of"
                            stands before the fraction: ∫ a / b dx, but ∫ a dx / b
    Σ_j, ∫, ∂, ∇            with the index below, or beside
    |a|, ‖θ‖, ⌈a⌉           brackets; p(x|z) and KL(p ‖ q) have the same signs between two things

**Nothing is lost.** `text_of` reads the MathML and gives the formula back, character for
character (a run of two or more spaces counts as two). What is not drawn, such as the
brackets of e^(−a), is told by the element's class. A formula that cannot be parsed is a
ValueError; then it is shown as it stands.
"""

import re
import unicodedata
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from html import escape

SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵀᵗⁿⁱᴷᵏᵃˣ", "0123456789+−()TtniKkax"))
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ᵢⱼₖₙ", "0123456789+−ijkn"))
ACCENTS = {"\u0302": "\u02c6", "\u0304": "\u00af", "\u0303": "\u02dc"}  # hat, bar, tilde
PRIMES = "′″‴"
SIGNS = "+-−±∓=≈≃≠≤≥<>→←↔∈∝·⊙×⊗,;:~∘□∪∩∀∃/!%*"
OPENING, CLOSING = "([{⌈⌊", ")]}⌉⌋"
FENCES = "|‖"
DRAWN = {"Σ": "∑", "~": "∼", "Π": "∏"}  # a sign that MathML has for this purpose
FUNCTIONS = {
    "log", "exp", "tanh", "sigmoid", "softplus", "max", "min", "sinh", "cosh", "log1p", "expm1",
    "ln", "det", "Var", "Im", "Re", "mean", "sum",
}  # fmt: skip
LETTER = r"[A-Za-zΑ-ΡΤ-Ωα-ωℝℕℓ𝓛À-ſ가-힣]"
BIG = "Σ∑∫Π"
THIN = '<mspace width="0.22em"/>'
STAR = r"(?:(?<=[Α-Ωα-ω𝓛q])\*)"
MEAN = re.compile(r"\([^()]*\)\[")  # what follows p in E_p(x)[...]
TOKEN = re.compile(
    r"(?P<space> +)"
    r"|(?P<code>`[^`]*`|[A-Za-z_]\w*(?:\.\w+)+)"
    r"|(?P<dots>\.\.\.|…|⋯)"
    r"|(?P<number>\d+(?:,\d{3})*(?:\.\d+)?(?:e[-−+]?\d+)?)"
    r"|(?P<vulgar>[½¼¾⅓⅔])"
    rf"|(?P<word>(?:log1p|expm1)|(?:{LETTER}[\u0300-\u036f]*)+)"
    rf"|(?P<sup>{STAR}?[{''.join(SUPERSCRIPTS)}]+|{STAR})"
    rf"|(?P<sub>[{''.join(SUBSCRIPTS)}]+)"
    rf"|(?P<prime>[{PRIMES}])"
    r"|(?P<big>[Σ∑∫ΠΠ])"
    r"|(?P<root>[√∛])"
    r"|(?P<partial>[∂∇])"
    r"|(?P<symbol>[∞∅°])"
    r"|(?P<under>_)|(?P<caret>\^)"
    rf"|(?P<open>[{re.escape(OPENING)}])|(?P<close>[{re.escape(CLOSING)}])"
    r"|(?P<fence>[|‖])"
    rf"|(?P<sign>\+=|[{re.escape(SIGNS)}])"
    r"|(?P<stop>\.)"
)


@dataclass(frozen=True)
class Token:
    """A piece of the formula. at: its place."""

    kind: str
    text: str
    at: int


@dataclass
class Item:
    """A parsed piece. kind: "factor", "sign", "space". group: what a round bracket holds."""

    kind: str
    html: str
    text: str = ""
    group: str | None = None


def mathml(formula: str, *, display: bool = False) -> str:
    """The formula as a <math> element. ValueError for what cannot be parsed.

    display: it stands on a line of its own: fractions are drawn as such.

    >>> mathml("σ_j²")
    '<math><msubsup class="u"><mi>σ</mi><mi>j</mi><mn>2</mn></msubsup></math>'
    >>> text_of(mathml("e^(−½ log σ²) / N", display=True))
    'e^(−½ log σ²) / N'
    """
    formula = formula.strip()
    parser = _Parser(formula, display)
    items = parser.sequence("")
    if parser.now is not None:
        raise ValueError(f"{formula!r}: {parser.now.text!r} has no partner")
    inner = "".join(item.html for item in items)
    return f"<math{' display=' + chr(34) + 'block' + chr(34) if display else ''}>{inner}</math>"


def normal(formula: str) -> str:
    """What `text_of` gives back: composed letters, and at most two spaces in a row."""
    return re.sub(" {2,}", "  ", unicodedata.normalize("NFC", formula.strip()))


def text_of(math: str) -> str:
    """The formula of a <math> element."""
    return normal(_read(ET.fromstring(math)))


# ---- from text ----


class _Parser:
    def __init__(self, formula: str, display: bool) -> None:
        self.formula, self.display = formula, display
        self.tokens: list[Token] = []
        at = 0
        while at < len(formula):
            match = TOKEN.match(formula, at)
            if match is None:
                raise ValueError(f"{formula!r}: {formula[at]!r} at {at} is no sign of a formula")
            self.tokens.append(Token(str(match.lastgroup), match[0], at))
            at = match.end()
        self.place = 0
        self.free = -1  # where a product begins: there (1/B) needs no brackets

    @property
    def now(self) -> Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def is_now(self, *kinds: str) -> bool:
        return self.now is not None and self.now.kind in kinds

    def take(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    # a sequence of items, up to a closing bracket or fence

    def sequence(self, fence: str) -> list[Item]:
        items: list[Item] = []
        while (token := self.now) is not None:
            if token.kind == "close" or (fence and token.text == fence and self._closes(token)):
                break
            if token.kind == "space":
                self.take()
                items.append(Item("space", _space(token.text)))
            elif token.kind in ("sign", "stop") or (
                token.kind == "fence" and not self._opens(token)
            ):
                items.append(self._sign(items))
            else:
                items.append(self._product())
        return _fractions(items) if self.display else items

    def _closes(self, token: Token) -> bool:
        return token.at > 0 and self.formula[token.at - 1] != " "

    def _opens(self, token: Token) -> bool:
        before = self.formula[token.at - 1] if token.at else " "
        after = self.formula[token.at + 1 : token.at + 2]
        closed = False
        depth = 0  # its partner is in the same bracket
        for sign in self.formula[token.at + 1 :]:
            depth += (sign in OPENING) - (sign in CLOSING)
            if depth < 0 or (closed := sign == token.text and depth == 0):
                break
        free = before in OPENING + SIGNS + FENCES + " ^∂√Σ∫½E"
        return free and closed and after not in ("", " ")

    def _sign(self, items: list[Item]) -> Item:
        token = self.take()
        left = bool(items) and items[-1].html == THIN
        if left:
            items.pop()
        right = self.is_now("space") and len(self.tokens[self.place].text) == 1
        if right:
            self.take()
        name = ("l" if left else "") + ("r" if right else "")
        drawn = escape(DRAWN.get(token.text, token.text))
        starts = not items or items[-1].kind == "sign"
        form = ' form="prefix"' if token.text in "+-−" and starts and not right else ""
        tight = "" if left or right or form else ' lspace="0" rspace="0"'
        if left and right and token.text in FENCES:
            tight = ' lspace="0.28em" rspace="0.28em"'
        stretchy = ' stretchy="false"' if token.text in FENCES + "/" else ""
        named = f' class="{name}"' if name else ""
        return Item("sign", f"<mo{named}{form}{tight}{stretchy}>{drawn}</mo>", token.text)

    # factors that stand side by side, without a space: 2h, p(x), E_q[f]²

    def _product(self) -> Item:
        self.free = self.now.at if self.now is not None else -1
        first = self._factor()
        html, group, count = first.html, first.group, 1
        while self.is_now("word", "open", "big", "root", "vulgar", "number", "symbol", "partial"):
            base = html if count == 1 else f"<mrow>{html}</mrow>"
            right = self._primary()
            if right.group is not None:  # f(x)² is (f(x))²
                html = self._scripts(f"<mrow>{base}{right.html}</mrow>", "")
            else:
                html = base + self._scripts(right.html, right.text)
            count += 1
        if count > 1:
            return Item("factor", f"<mrow>{html}</mrow>", first.text)
        return Item("factor", html, first.text, group)

    def _factor(self) -> Item:
        primary = self._primary()
        html = self._scripts(primary.html, primary.text)
        group = primary.group if html == primary.html else None
        return Item("factor", html, primary.text, group)

    def _primary(self) -> Item:
        token = self.take()
        if token.kind == "word":
            return Item("factor", _word(token.text), token.text)
        if token.kind in ("number", "vulgar"):
            return Item("factor", f"<mn>{token.text}</mn>", token.text)
        if token.kind == "symbol":
            return Item("factor", f"<mi>{token.text}</mi>", token.text)
        if token.kind in ("dots", "code"):
            named = ' class="code"' if token.kind == "code" else ""
            return Item("factor", f"<mtext{named}>{escape(token.text)}</mtext>", token.text)
        if token.kind == "big":
            sign = f'<mo class="big">{DRAWN.get(token.text, token.text)}</mo>'
            return Item("factor", sign, token.text)
        if token.kind == "partial":
            html = f"<mi>{token.text}</mi>"
            if self.is_now("word"):
                inner = self._factor()
                return Item("factor", f"<mrow>{html}{inner.html}</mrow>", f"∂{inner.text}")
            return Item("factor", html, token.text)
        if token.kind == "root":
            inner = self._factor()
            html, bracket = _bare(inner)
            if token.text == "∛":
                return Item("factor", f"<mroot{bracket}>{html}<mn>3</mn></mroot>", token.text)
            return Item("factor", f"<msqrt{bracket}>{html}</msqrt>", token.text)
        if token.kind == "open" or token.kind == "fence":
            return self._group(token)
        raise ValueError(f"{self.formula!r}: {token.text!r} at {token.at} has nothing before it")

    def _group(self, opened: Token) -> Item:
        lead = _space(self.take().text) if self.is_now("space") else ""
        fence, first = opened.text if opened.kind == "fence" else "", opened.at == self.free
        items = self.sequence(fence)
        inner = lead + "".join(item.html for item in items)
        if self.now is None:
            raise ValueError(f"{self.formula!r}: {opened.text!r} is not closed")
        closed = self.take()
        grows = "" if "<mfrac" in inner else ' stretchy="false"'
        left, right = f"<mo{grows}>{opened.text}</mo>", f"<mo{grows}>{closed.text}</mo>"
        round_ = opened.text == "(" and closed.text == ")"
        alone = self.display and [item.text for item in items] == ["frac"]
        if round_ and alone and first:
            return Item("factor", inner.replace("<mfrac", '<mfrac data-whole="1"', 1), "frac")
        return Item("factor", f"<mrow>{left}{inner}{right}</mrow>", "()", inner if round_ else None)

    def _scripts(self, html: str, base: str) -> str:
        """The base with all that follows it below and above."""
        last: tuple[str, str, str] | None = None  # base, index, class: a subscript may get more
        while self.is_now("under", "caret", "sub", "sup", "prime"):
            token = self.take()
            if token.kind in ("under", "sub"):
                index, name = self._below(token, base)
                if base in ("Σ", "∑", "Π") and self.display:
                    html, last = f'<munder class="{name}">{html}{index}</munder>', None
                else:
                    last = html, index, name
                    html = f'<msub class="{name}">{html}{index}</msub>'
            elif token.kind == "prime":  # its sign is a raised one
                sign = f'<mo lspace="0" rspace="0">{token.text}</mo>'
                html, last = f"<mrow>{html}{sign}</mrow>", None
            else:
                exponent, name = self._above(token, base)
                if last is not None:
                    html = (
                        f'<msubsup class="{_both(last[2], name)}">{last[0]}{last[1]}{exponent}'
                        "</msubsup>"
                    )
                    last = None
                else:
                    html = f'<msup class="{name}">{html}{exponent}</msup>'
        return html.replace(' class=""', "")

    def _below(self, token: Token, base: str = "") -> tuple[str, str]:
        if token.kind == "sub":
            return _row(_plain("".join(SUBSCRIPTS[c] for c in token.text))), "low"
        if self.is_now("open") and self.now is not None and self.now.text == "{":
            self.take()
            inner = "".join(item.html for item in self.sequence(""))
            self.take()
            return f"<mrow>{inner}</mrow>", "braced"
        if self.is_now("open") and self.now is not None and self.now.text == "(":
            index = self._group(self.take()).group
            if index is None:
                raise ValueError(f"{self.formula!r}: the index at {token.at} is not in brackets")
            return f"<mrow>{index}</mrow>", "paren"
        if not self.is_now("word", "number"):
            raise ValueError(f"{self.formula!r}: nothing stands below at {token.at}")
        low = self.take()
        html = _word(low.text) if low.kind == "word" else f"<mn>{low.text}</mn>"
        if self.is_now("sub"):  # q_θ₁
            html = f'<msub class="low">{html}{self._below(self.take())[0]}</msub>'
        elif self.is_now("sup") and self.now is not None and self.now.text == "*":  # p_θ*(z)
            html = f'<msup class="u">{html}{self._above(self.take(), "")[0]}</msup>'
        elif base == "E" and self.now is not None and MEAN.match(self.formula, self.now.at):
            html = f"<mrow>{html}{self._group(self.take()).html}</mrow>"  # E_p(x)[...]
        return html, ""

    def _above(self, token: Token, base: str) -> tuple[str, str]:
        if token.kind == "sup":
            return _row(_plain("".join(SUPERSCRIPTS.get(c, c) for c in token.text))), "u"
        if self.is_now("open") and self.now is not None and self.now.text == "(":
            opened = self.take()
            group = self._group(opened)
            if group.group is None:
                raise ValueError(f"{self.formula!r}: the bracket at {opened.at} is not round")
            return f"<mrow>{group.group}</mrow>", "round"
        minus = ""
        if self.is_now("sign") and self.now is not None and self.now.text in "-−":
            minus = f'<mo form="prefix">{self.take().text}</mo>'
        inner = self._primary().html
        if self.is_now("under", "sub"):
            index, name = self._below(self.take())
            inner = f'<msub class="{name}">{inner}{index}</msub>'
        elif self.is_now("open") and (base == "e" or base.isdigit()):  # e^f(x); but F^M(x)
            inner += self._group(self.take()).html
        return f"<mrow>{minus}{inner}</mrow>", ""


def _space(text: str) -> str:
    if len(text) > 1:
        return '<mspace class="wide" width="2em"/>'
    return THIN


def _both(low: str, high: str) -> str:
    return " ".join(name for name in (low, high) if name)


def _word(text: str) -> str:
    """A name: <mi>; a letter with a hat, a bar, a tilde: <mover>."""
    parts = unicodedata.normalize("NFD", text)
    if len(parts) == 2 and parts[1] in ACCENTS:
        accent = f'<mo stretchy="false">{ACCENTS[parts[1]]}</mo>'
        return f'<mover accent="true"><mi>{parts[0]}</mi>{accent}</mover>'
    return f"<mi>{text}</mi>"


def _plain(text: str) -> list[str]:
    return [
        f"<mn>{part}</mn>" if part.isdigit() else f"<mi>{part}</mi>" if part.isalpha()
        else f"<mo>{part}</mo>"
        for part in re.findall(r"\d+|.", text)
    ]  # fmt: skip


def _row(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


def _bare(item: Item) -> tuple[str, str]:
    """The item without its round brackets, and the class that tells of them."""
    if item.group is None:
        return item.html, ""
    return f"<mrow>{item.group}</mrow>", ' class="round"'


def _fractions(items: list[Item]) -> list[Item]:
    """a/b and a / b as <mfrac>."""
    done: list[Item] = []
    todo = list(items)
    while todo:
        item = todo.pop(0)
        spaced = item.text == "/" and 'class="lr"' in item.html
        tight = item.text == "/" and "class" not in item.html
        denominator = _denominator(todo) if (spaced or tight) and todo else []
        numerator = _numerator(done, spaced) if denominator else []
        if not (numerator and denominator):
            done.append(item)
            continue
        del done[len(done) - len(numerator) :], todo[: len(denominator)]
        top, bottom = _part(numerator), _part(denominator)
        name = " ".join(["spaced"] * spaced + ["top"] * top[1] + ["bottom"] * bottom[1])
        named = f' class="{name}"' if name else ""
        done.append(Item("factor", f"<mfrac{named}>{top[0]}{bottom[0]}</mfrac>", "frac"))
    return done


def _numerator(done: list[Item], spaced: bool) -> list[Item]:
    """What stands above the line: the factor before a/b, the whole product before a / b."""
    if not done or done[-1].kind != "factor":
        return []
    if not spaced:
        function = len(done) > 2 and done[-2].kind == "space" and done[-3].text in FUNCTIONS
        return [] if function or done[-1].text in FUNCTIONS else done[-1:]
    start = len(done)
    whole = re.fullmatch(r"d\w", done[-1].text)  # ∫ a dx / b; but ∫ a / b dx
    while start and (done[start - 1].kind == "factor" or _is_thin(done[start - 1])):
        before = done[start - 1]
        if before.text == "of" or (before.text in tuple(BIG) and not whole):
            break
        if before.html.startswith('<mfrac class="spaced') and start < len(done):
            break  # a / b c / d: two fractions
        start -= 1
    while start < len(done) and done[start].kind == "space":
        start += 1
    return done[start:]


def _denominator(todo: list[Item]) -> list[Item]:
    if todo[0].kind != "factor":
        return []
    if todo[0].text.lstrip("∂") in FUNCTIONS and len(todo) > 2 and _is_thin(todo[1]):
        return todo[:3]  # ∂log σ²
    if todo[0].text in tuple(BIG):  # a / ∫ b dx
        n = 0
        while n < len(todo) and (todo[n].kind == "factor" or _is_thin(todo[n])):
            n += 1
        return todo[: n - (todo[n - 1].kind == "space")]
    return todo[:1]


def _is_thin(item: Item) -> bool:
    return item.html == THIN


def _part(items: list[Item]) -> tuple[str, bool]:
    if len(items) == 1 and items[0].group is not None:
        return f"<mrow>{items[0].group}</mrow>", True
    return f"<mrow>{''.join(item.html for item in items)}</mrow>", False


# ---- and back ----

_LOW = {value: key for key, value in SUBSCRIPTS.items()}
_HIGH = {value: key for key, value in SUPERSCRIPTS.items()}
_ACCENTED = {value: key for key, value in ACCENTS.items()}
_WRITTEN = {value: key for key, value in DRAWN.items()}


def _read(element: ET.Element) -> str:
    names = element.get("class", "").split()
    parts = [_read(child) for child in element]
    text = element.text or ""
    if element.tag == "mspace":
        return "  " if "wide" in names else " "
    if element.tag == "mo":
        written = _WRITTEN.get(text, text)
        sides = names[0] if names and names[0] in ("l", "r", "lr") else ""
        return " " * ("l" in sides) + written + " " * ("r" in sides)
    if element.tag == "mover":
        return parts[0] + _ACCENTED[parts[1]]
    if element.tag in ("msub", "munder"):
        return parts[0] + _read_below(parts[1], names)
    if element.tag == "msup":
        return parts[0] + _read_above(parts[1], names)
    if element.tag == "msubsup":
        low = [name for name in names if name in ("low", "braced", "paren")]
        high = [name for name in names if name not in low]
        return parts[0] + _read_below(parts[1], low) + _read_above(parts[2], high)
    if element.tag == "mfrac":
        slash = " / " if "spaced" in names else "/"
        top = f"({parts[0]})" if "top" in names else parts[0]
        whole = top + slash + (f"({parts[1]})" if "bottom" in names else parts[1])
        return f"({whole})" if element.get("data-whole") else whole
    if element.tag in ("msqrt", "mroot"):
        inner = "".join(parts) if element.tag == "msqrt" else parts[0]
        sign = "√" if element.tag == "msqrt" else "∛"
        return sign + (f"({inner})" if "round" in names else inner)
    return text + "".join(parts)


def _read_below(index: str, names: list[str]) -> str:
    if "low" in names:
        return "".join(_LOW[c] for c in index)
    if "paren" in names:
        return f"_({index})"
    return f"_{{{index}}}" if "braced" in names else f"_{index}"


def _read_above(exponent: str, names: list[str]) -> str:
    if "u" in names:
        return "".join(_HIGH.get(c, c) for c in exponent)
    return f"^({exponent})" if "round" in names else f"^{exponent}"
