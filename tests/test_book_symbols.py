"""The signs of the formulas: each hover of each page says what its section means by the sign."""

import html
import re
import unicodedata
import xml.etree.ElementTree as ET

import pytest

from scratchvae.study import formulas, pages, symbols
from scratchvae.study.formulas import FUNCTIONS

# page: sign = a word that its meaning has to have there. A sign that is not here has no hover.
RIGHT = """
0: x=image x̂=decoder makes x_b=number b x̂_b=number b z=code B=minibatch _b=counts A=invertible
0: W=decoder's q(z|x)=encoder p(x|z)=decoder N(0,I)=Gaussian
1-1: p=event p₁=first_event p₂=second_event
1-2 1-3 1-4 1-5: p=true p(=true q=believed q(=believed x=state H(=entropy KL(=divergence
1-2 1-3 1-4 1-5: dx=over_x e=Euler n=states E[=mean E_p[=drawn_from_p
1-2: t=goes_to_0 D=days l(=length r(=code u=uniform N=rows N_k=child_k _k=children
1-3: y=label ŷ=classifier y_i=example ŷ_i=example _i=counts_the_examples
1-5: d=metric d(x,y)=from_x_to_y d(y,x)=from_y_to_x d(x,z)=from_x_to_z d(z,y)=from_z_to_y
1-5: x,y,z=three_points x=y=same f=convex f(=convex t=random_variable
1-5: c=constant r=third m=mean a=mean_of_t
1-5: JS=Jensen JS(=Jensen TV(=variation KL=divergence
1-6: p=unknown p(=unknown q(x|θ)=model q(x_i|θ)=model q_θ=model q₁=first_model q₂=second_model
1-6: q₁(=first_model q₂(=second_model x=value x_i=sample x₁=first x_N=last _i=counts_the_samples
1-6: θ*=parameter N=how_many_samples N(=Gaussian θ=parameter p_θ(x)=§2 z=latent
1-6: KL(=divergence E_p[=drawn
2 2-bound 2-estimator 2-process: x=image x_b=number_b x₁=first x_N=last N=data_set z=latent
2 2-bound 2-estimator 2-process: z_l=sample z_lb=sample n_z=dimensions p(x)=whatever_its_z
2 2-bound 2-estimator 2-process: p(x₁,...,x_N)=all_images p(x_i)=number_i p(z)=prior
2 2-bound 2-estimator 2-process: p(x|z)=decoder p(x|z_l)=decoder p(x_b|z_lb)=decoder
2 2-bound 2-estimator 2-process: p(z|x)=true_posterior p(x,z)=joint q(z|x)=encoder
2 2-bound 2-estimator 2-process: q=encoder q(z)=density_of_q E[=mean E_q[=drawn_from_q
2 2-bound 2-estimator 2-process: E_ε[=noise N(0,I)=Gaussian N(=Gaussian KL(=divergence
2 2-bound 2-estimator 2-process: KL(q(z|x)‖p(z|x))=true_posterior KL(q(z|x)‖p(z))=prior
2 2-bound 2-estimator 2-process: KL=divergence KL_b=number_b 𝓛=bound 𝓛(x)=bound μ=mean_of_q
2 2-bound 2-estimator 2-process: μ(x)=mean_of_q μ_j=dimension_j σ=deviation_of_q σ²(x)=variance
2 2-bound 2-estimator 2-process: σ_j=dimension_j logσ²=log_of_the_variance ε=noise ε_l=noise
2 2-bound 2-estimator 2-process: ⊙=entry_by_entry L=samples_of_z B=minibatch a=logits f=function
2 2-bound 2-estimator 2-process: f(=function dz=over_z ∇_φ=encoder's_weights _l=samples_of_z
2 2-bound 2-estimator 2-process: _b=images _j=dimensions sigmoid(=logistic
2: x_i=image_number_i _i=counts_the_images θ=decoder's θ*=unknown p_θ*(z)=prior
2: p_θ*(x|z)=decoder
2-bound: q(z)=over_all_images q(z|x_n)=image_number_n I(x;z)=mutual _n=images θ=decoder's
2-bound: β=weight_of_the_KL
2-estimator: z_j=dimension_j π=3.14 φ=encoder's i=pixels j=dimensions
2-estimator: J=paper's p_i=pixel_i x_i=pixel _i=counts_the_pixels
2-estimator: dz_l=derivative dμ=derivative
2-estimator: dlogσ²=derivative ∂z/∂μ=derivative ∂z/∂σ=derivative ∂z/∂(logσ²)=derivative e=Euler
2-process: p=pixel
"""
PLAIN = {"dx"}  # a differential alone, in "read ∫ ... dx for Σ"


@pytest.fixture
def folder(made):
    """The book's."""
    return made[0]


def right(page):
    """Sign -> the words, of the table above."""
    found = {}
    for line in RIGHT.strip().splitlines():
        names, _, entries = line.partition(": ")
        if page in names.split():
            for entry in re.split(r" (?=[^ =]+=)", entries):
                sign, _, words = entry.rpartition("=")
                found[sign] = words.replace("_", " ")
    return found


def hovers(path, prose=False):
    """For each formula of a page: its element, and sign -> meaning as the page shows them.

    prose: without captions and exercises, which may have letters of their own.
    """
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'<ul class="small"[^>]*>.*?</ul>', "", text)  # theorems: of any section
    told = {}
    for number, sign, said in re.findall(
        r'<div id="s(\d+)"><dt>(<math>.*?</math>)</dt><dd>(.*?)</dd>', text
    ):
        shown = formulas.text_of(sign)
        told[number] = re.sub(r"([(\[])·[)\]]$", r"\1", shown).replace(" ", ""), html.unescape(said)
    text = re.sub(r'<details class="signs">.*?</details>', "", text)
    if prose:
        text = re.sub(r'<figcaption>.*?</figcaption>|<div class="box">.*?</div>', "", text)
    for math in re.findall(r"<math[^>]*>.*?</math>", text):
        element = ET.fromstring(math)
        numbers = element.get("data-s", "").split()
        assert set(numbers) <= set(told), (path.name, numbers)
        yield element, dict(told[number] for number in numbers)


def letters(element, index=False):
    """Each letter of a formula, and whether it is an index: the names of functions left out."""
    if element.tag == "mover":
        yield unicodedata.normalize("NFC", formulas.text_of(ET.tostring(element, "unicode"))), index
        return
    name = element.text or ""
    if element.tag == "mi" and name.isalpha() and len(name) <= 2 and name not in FUNCTIONS:
        yield name, index
    for i, child in enumerate(element):
        below = element.tag in ("msub", "msubsup", "munder") and i == 1
        yield from letters(child, index or below)


@pytest.mark.parametrize("page", [name for name, section in pages.ORDER if section])
def test_every_hover_of_part_one_is_right_by_its_section(folder, page):
    """Each sign that a formula explains has, on this page, the words of the table above; and each
    letter of each formula is explained, but for the plain ones.
    """
    table = right(page)
    for _, shown in hovers(folder / f"notes-{page}.html"):
        for sign, said in shown.items():
            words = table.get(sign) or table.get(f"_{sign}")
            assert words and (words in said or table.get(f"_{sign}", "?") in said), (sign, said)
    for element, shown in hovers(folder / f"notes-{page}.html", prose=True):
        for letter, index in letters(element):
            explained = any(letter in sign for sign in shown)
            text = formulas.text_of(ET.tostring(element, "unicode"))
            assert index or letter in PLAIN or explained, (letter, text, shown)


@pytest.mark.parametrize("page", [name for name, section in pages.ORDER if section])
def test_a_korean_page_tells_the_same_signs_in_korean(folder, page):
    """The formulas of the prose have the same signs in both languages, and a meaning in Korean."""
    english = [set(shown) for _, shown in hovers(folder / f"notes-{page}.html")]
    for _, shown in hovers(folder / "ko" / f"notes-{page}.html"):
        for said in shown.values():
            assert re.search("[가-힣]", said), said
    korean = [set(shown) for _, shown in hovers(folder / "ko" / f"notes-{page}.html")]
    assert set().union(*korean) == set().union(*english)


def test_a_sign_with_its_meaning_stands_once_in_the_list(folder):
    """An index and a letter of one meaning, as _k and k, are one row of a page's signs."""
    for page in folder.glob("notes-*.html"):
        text = page.read_text(encoding="utf-8")
        rows = re.findall(r'<div id="s\d+">(<dt>.*?</dd>)', text)
        assert len(rows) == len(set(rows)), page.name


def test_no_name_of_a_function_and_no_other_sign_is_explained(folder):
    """On every page of the source: log and the like have no hover; N(…) is a Gaussian, and the
    letter alone a number; an index or a prime makes another sign.
    """
    several = 0
    for path in folder.glob("source-*.html"):
        for element, shown in hovers(path):
            text = formulas.text_of(ET.tostring(element, "unicode"))
            several += len(shown)
            for sign, said in shown.items():
                assert sign not in FUNCTIONS
                if sign in ("N(", "N(0,I)"):
                    assert "Gaussian" in said
                if sign == "N":
                    assert re.search(r"(?<!\w)N(?![(_₀-₉\w])", text), text
                    assert "how many" in said
                if re.fullmatch(r"\w", sign):  # it stands there without an index, prime, bracket
                    assert re.search(rf"{sign}(?![_₀-₉′(\[])", text), (sign, text)
    assert several > 1000


def test_keys_are_whole_expressions():
    """p(x|z) is found and p is not; an index is no letter; a bracket is looked into on request."""
    keys = dict.fromkeys(["p(x|z)", "p", "x", "_i", "N(", "N", "μ", "h", "h′"], ("", ""))
    assert symbols.signs_of("log p(x|z) + p", keys) == ["p(x|z)", "p"]
    assert symbols.signs_of("Σ_i x_i", keys) == ["_i"]
    assert symbols.signs_of("N(μ, σ²) / N", keys) == ["N(", "μ", "N"]
    assert symbols.signs_of("h′ h", keys) == ["h′", "h"]


def test_a_later_group_has_the_last_word():
    """p is the event's probability in §1.1, the truth in §1.2, a pixel's in §2 as a whole."""
    assert [symbols.table(page)["p"][0].split()[1] for page in ("1-1", "1-2")] == [
        "probability", "true",
    ]  # fmt: skip
    assert "pixel" in symbols.table("2-process")["p"][0]
    assert "p" not in symbols.table("2-bound") and symbols.table("errata") == {}
