"""§1.4 KL divergence: the bits that are lost because q is used in place of p."""

import math
from collections.abc import Callable

from scratchvae.homework.sheets.question import (
    BITS,
    NATS,
    SIGN,
    SWAPPED,
    WEIGHT,
    Draw,
    Question,
    Slip,
    Text,
    blank,
    choice,
    given,
    row,
    shown,
    sum_of,
    template,
)
from scratchvae.info import cross_entropy, differential_kl, entropy, kl_divergence
from scratchvae.parameters import FloatArray

LN2 = math.log(2)


def kl_terms(p: list[float], q: list[float]) -> str:
    """p log₂ (p/q) + ..., as it is written, and its value."""
    terms = [f"{given(x)} log₂ ({given(x)}/{given(y)})" for x, y in zip(p, q) if x > 0]
    return f"{sum_of(terms)} = {shown(kl_divergence(p, q))}"


@template("1.4", minutes=4)
def both_directions(draw: Draw) -> Question:
    """KL(p ‖ q) and KL(q ‖ p) of two coins."""
    p, q = draw.two(2, 100, 5)
    there, back = kl_divergence(p, q), kl_divergence(q, p)
    return Question(
        Text(
            f"p = {row(p)}, q = {row(q)}. Find $A = KL(p ‖ q)$ and $B = KL(q ‖ p)$ in bits. A coin "
            "follows p, and somebody believes that it follows q: how many bits are lost at each "
            "toss, A or B?",
            f"p = {row(p)}, q = {row(q)}이다. $A = KL(p ‖ q)$와 $B = KL(q ‖ p)$를 비트로 구하라. "
            "동전이 p를 따르는데 q를 따른다고 믿는 사람은 한 번 던질 때마다 몇 비트를 잃는가? A와 "
            "B 중에서 골라라.",
        ),
        (
            blank("A", there, "bit", wrong={SWAPPED: back, NATS: there * LN2, SIGN: -there}),
            blank("B", back, "bit", wrong={SWAPPED: there, NATS: back * LN2, SIGN: -back}),
            choice(Text("lost", "잃는 양"), "A", "AB"),
        ),
        steps=(f"KL(p ‖ q) = {kl_terms(p, q)}", f"KL(q ‖ p) = {kl_terms(q, p)}"),
    )  # fmt: skip


@template("1.4", minutes=6)
def terms_of_kl(draw: Draw) -> Question:
    """The terms of KL may be negative; their sum is not."""
    p, q = draw.two(3, 20)
    t = [x * math.log2(x / y) for x, y in zip(p, q)]
    KL = kl_divergence(p, q)
    terms = [blank("", v, wrong={NATS: v * LN2, SIGN: -v, WEIGHT: v / x}) for v, x in zip(t, p)]
    return Question(
        Text(
            f"p = {row(p)} is the truth and q = {row(q)} the model. Fill in the three terms in "
            "bits, and the KL. Check it by $H(p, q) − H(p)$.",
            f"참 분포는 p = {row(p)}, 모형은 q = {row(q)}이다. 세 항을 비트로 채우고 KL을 구하라. "
            "$H(p, q) − H(p)$로 확인하라.",
        ),
        (
            blank("KL(p ‖ q)", KL, "bit", follows=lambda n: sum(n[:3]),
                  wrong={SWAPPED: kl_divergence(q, p), NATS: KL * LN2, SIGN: -KL}),
            blank("H(p, q)", cross_entropy(p, q), "bit",
                  wrong={SWAPPED: cross_entropy(q, p), NATS: cross_entropy(p, q) * LN2}),
            blank("H(p)", entropy(p), "bit", wrong={NATS: entropy(p) * LN2, SWAPPED: entropy(q)}),
        ),
        table=(("x", "1", "2", "3"), ("p log₂ (p/q)", *terms)),
        steps=(
            f"KL(p ‖ q) = {sum_of([shown(v) for v in t])} = {shown(KL)}",
            f"H(p, q) − H(p) = {shown(cross_entropy(p, q))} − {shown(entropy(p))} = {shown(KL)}",
        ),
    )  # fmt: skip


@template("1.4", minutes=4)
def infinite(draw: Draw) -> Question:
    """KL is infinite if something happens that q holds to be impossible."""
    head = draw.number(0.05, 0.95, 0.01)
    q = draw.split(3, 40, 2)
    p = [head, round(1 - head, 6), 0.0]
    KL = kl_divergence(p, q)
    return Question(
        Text(
            f"p = {row(p)}, q = {row(q)}. Find both KL in bits; one of them is not finite (write "
            "inf). What does it mean for a code?",
            f"p = {row(p)}, q = {row(q)}이다. 두 KL을 비트로 구하라. 하나는 유한하지 않다(inf로 "
            "쓴다). 부호로 보면 무슨 뜻인가?",
        ),
        (
            blank("KL(p ‖ q)", KL, "bit", wrong={NATS: KL * LN2, SIGN: -KL, SWAPPED: math.inf}),
            blank("KL(q ‖ p)", kl_divergence(q, p), "bit",
                  wrong={SWAPPED: KL, Text("the state with p = 0 is left out",
                                           "p = 0인 상태를 빼고 더했다"):
                         sum(y * math.log2(y / x) for x, y in zip(p[:2], q[:2]))}),
        ),
        steps=(f"KL(p ‖ q) = {kl_terms(p, q)}", f"q(3) = {given(q[2])} > 0 = p(3) → KL(q ‖ p) = ∞"),
        words=Text("A code made for p has no message for state 3, but q sends it.",
                   "p에 맞춘 부호에는 상태 3을 알리는 메시지가 없는데 q에서는 그 상태가 나온다."),
        words_points=1,
    )  # fmt: skip


@template("1.4", minutes=5)
def sign_of_the_slide(draw: Draw) -> Question:
    """A line of the slide to be corrected: −Σ p ln (p/q) is −KL."""
    p, q = draw.two(2, 50)
    KL = kl_divergence(p, q, base=math.e)
    return Question(
        Text(
            "The slide in the notes has this line. Compute its right side for "
            f"p = {row(p)}, q = {row(q)} in nats (Σ in place of ∫). Say in words how you can see "
            "without any computation that the line is wrong, and write there the correct line.\n"
            "    KL(p ‖ q) = −∫ p(x) ln (p(x)/q(x)) dx",
            f"노트의 슬라이드에 아래와 같은 줄이 있다. p = {row(p)}, q = {row(q)}일 때 우변을 "
            "내트로 계산하라(∫ 대신 Σ). 계산하지 않고도 틀렸음을 어떻게 알 수 있는지 글로 쓰고, "
            "바르게 고친 식도 아래의 ‘글로 답하기’에 써라.\n"
            "    KL(p ‖ q) = −∫ p(x) ln (p(x)/q(x)) dx",
        ),
        (
            blank(Text("right side", "우변"), -KL, "nat",
                  wrong={SIGN: KL, BITS: -KL / LN2,
                         SWAPPED: -kl_divergence(q, p, base=math.e)}),
            blank("KL(p ‖ q)", KL, "nat", follows=lambda n: -n[0],
                  wrong={BITS: KL / LN2}),
        ),
        steps=(
            f"−{given(p[0])} ln ({given(p[0])}/{given(q[0])})"
            f" − {given(p[1])} ln ({given(p[1])}/{given(q[1])}) = {shown(-KL)}",
        ),
        words=Text("(1) A KL is never negative, and the right side is −KL. (2) $KL(p ‖ q) = ∫ p(x) "
                   "ln (p(x)/q(x)) dx$, or $−∫ p(x) ln (q(x)/p(x)) dx$.",
                   "(1) KL은 음수가 아닌데 우변은 −KL이다. (2) $KL(p ‖ q) = ∫ p(x) ln (p(x)/q(x)) "
                   "dx$, 또는 $−∫ p(x) ln (q(x)/p(x)) dx$이다."),
    )  # fmt: skip


@template("1.4", minutes=5)
def two_densities(draw: Draw) -> Question:
    """KL of two uniform densities: log₂ (b/a), and infinite the other way round."""
    a = draw.number(0.1, 3, 0.1)
    b = round(a + draw.number(0.2, 5, 0.1), 6)

    def uniform(width: float) -> Callable[[FloatArray], FloatArray]:
        return lambda x: (x < width) / width

    KL = math.log2(b / a)
    return Question(
        Text(
            f"p is the uniform density on [0, {given(a)}], q that on [0, {given(b)}]. Find "
            "$KL(p ‖ q)$ and $KL(q ‖ p)$ in bits (an infinite one: inf). What becomes of both if "
            "lengths are measured in centimetres in place of metres?",
            f"p는 [0, {given(a)}], q는 [0, {given(b)}]에서 균등한 밀도이다. $KL(p ‖ q)$와 $KL(q "
            "‖ p)$를 비트로 구하라(무한이면 inf). 미터 대신 센티미터로 재면 두 값은 어떻게 되는가?",
        ),
        (
            blank("KL(p ‖ q)", KL, "bit",
                  wrong={NATS: KL * LN2, SIGN: -KL, SWAPPED: math.inf}),
            blank("KL(q ‖ p)", differential_kl(uniform(1.0), uniform(0.5), 0, 1), "bit",
                  wrong={SWAPPED: KL, SIGN: -KL}),
        ),
        steps=(
            f"∫ (1/{given(a)}) log₂ ({given(b)}/{given(a)}) dx = log₂ ({given(b)}/{given(a)})"
            f" = {shown(KL)}",
            f"{given(a)} < x < {given(b)}: p(x) = 0 < q(x) → KL(q ‖ p) = ∞",
        ),
        words=Text("Nothing: both densities become 100 times lower, and only p/q counts.",
                   "그대로이다. 두 밀도가 모두 1/100이 되고, 값은 비 p/q에만 달려 있기 때문이다."),
        words_points=1,
    )  # fmt: skip


KL_PROGRAM = """\
def kl_divergence(p, q, base):
    total = 0.0
    for x, y in zip(p, q):
        if x > 0:
            total += x * log(x / y)
    return total / log(base)
"""
TERM = "total += x * log(x / y)"
SLIPS = {  # by the names that these mistakes have in the homework
    "kl_negative": Slip(TERM, "total -= x * log(x / y)", SIGN),
    "kl_swapped": Slip(TERM, "total += y * log(y / x)", SWAPPED),
    "kl_is_cross_entropy": Slip(
        TERM, "total -= x * log(y)", Text("$H(p)$ is not subtracted", "$H(p)$를 빼지 않았다")
    ),
    "kl_in_nats": Slip("return total / log(base)", "return total", NATS),
    "kl_unweighted": Slip(TERM, "total += log(x / y)", WEIGHT),
}


@template("1.4", minutes=6)
def wrong_kl(draw: Draw) -> Question:
    """A program with one wrong line, a mistake that students make."""
    slip = list(SLIPS.values())[draw.whole(0, len(SLIPS) - 1)]
    p, q = draw.two(2, 100, 5)
    KL = kl_divergence(p, q)
    return Question(
        Text(
            "This function should return $KL(p ‖ q)$ to the given base. One line is wrong. What "
            f"should it return for p = {row(p)}, q = {row(q)}, base = 2? Say in words what is "
            "wrong, and write the line as it should be.",
            "이 함수는 주어진 밑에 대한 $KL(p ‖ q)$를 돌려주어야 하는데, 한 줄이 틀렸다. p = "
            f"{row(p)}, q = {row(q)}, base = 2이면 무엇을 돌려주어야 하는가? 무엇이 틀렸는지 글로 "
            "쓰고, 그 줄을 바르게 고쳐 써라.",
        ),
        (blank("KL(p ‖ q)", KL, "bit",
               wrong={NATS: KL * LN2, SIGN: -KL, SWAPPED: kl_divergence(q, p)}),),
        code=KL_PROGRAM.replace(slip.right, slip.wrong),
        steps=(f"KL(p ‖ q) = {kl_terms(p, q)}",),
        words=slip.words(),
    )  # fmt: skip
