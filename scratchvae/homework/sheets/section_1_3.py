"""§1.3 Cross entropy: the mean length of messages made for q, while x ~ p."""

import math

import numpy as np

from scratchvae.homework.sheets.question import (
    BITS,
    NATS,
    SIGN,
    SWAPPED,
    WEIGHT,
    Draw,
    Numbers,
    Question,
    Text,
    blank,
    choice,
    given,
    row,
    shown,
    sum_of,
    template,
)
from scratchvae.info import (
    binary_cross_entropy,
    binary_cross_entropy_from_logits,
    cross_entropy,
    entropy,
    expected_length,
    huffman_code,
    information,
    kl_divergence,
)
from scratchvae.layers import sigmoid

LN2 = math.log(2)


def products(p: list[float], bits: list[float]) -> str:
    """p₁ · b₁ + p₂ · b₂ + ..., as it is written."""
    return sum_of([f"{given(x)} · {shown(b)}" for x, b in zip(p, bits)])


@template("1.3", minutes=6)
def code_for_q(draw: Draw) -> Question:
    """The mean length of a code made for q, and what is lost by it."""
    p, q = draw.two(3, 20)
    bits = [float(b) for b in information(q)]
    cross, H = cross_entropy(p, q), entropy(p)
    cells = [blank("", b, wrong={NATS: b * LN2, SIGN: -b}) for b in bits]
    return Question(
        Text(
            f"Three kinds of weather x have the probabilities p = {row(p)}. A code was made for q "
            f"= {row(q)}: the message for x has $−log₂ q(x)$ bits on average, and one message is "
            "sent each day. Fill in the lengths; find the mean length, the entropy of p, and how "
            "many bits a day are lost because the code was made for q.",
            f"세 가지 날씨 x의 참 확률은 p = {row(p)}이다. 부호는 q = {row(q)}에 맞추어 만들었고, "
            "x를 알리는 메시지의 길이는 $−log₂ q(x)$비트이며, 메시지는 하루에 하나 보낸다. 길이를 "
            "채우고, 평균 길이와 p의 엔트로피, 부호를 q에 맞추어 하루에 잃는 비트 수를 구하라.",
        ),
        (
            blank("H(p, q)", cross, "bit",
                  follows=lambda n: sum(x * b for x, b in zip(p, n[:3])),
                  wrong={NATS: cross * LN2, SWAPPED: cross_entropy(q, p), WEIGHT: sum(bits) / 3}),
            blank("H(p)", H, "bit", wrong={NATS: H * LN2, SWAPPED: entropy(q)}),
            blank(Text("lost", "손실"), kl_divergence(p, q), "bit", follows=lambda n: n[3] - n[4],
                  wrong={SIGN: -kl_divergence(p, q), SWAPPED: kl_divergence(q, p)}),
        ),
        table=(("x", "1", "2", "3"), ("−log₂ q(x)", *cells)),
        steps=(
            f"H(p, q) = {products(p, bits)} = {shown(cross)}",
            f"H(p) = {products(p, [float(b) for b in information(p)])} = {shown(H)}",
            f"KL(p ‖ q) = {shown(cross)} − {shown(H)} = {shown(cross - H)}",
        ),
    )  # fmt: skip


def one_tree(p: Numbers) -> bool:
    """Whether it is clear at each step which two groups are the least probable."""
    groups = sorted(p)
    while len(groups) > 2 and groups[2] - groups[1] > 1e-9:
        groups = sorted([groups[0] + groups[1], *groups[2:]])
    return len(groups) == 2


@template("1.3", minutes=6)
def huffman(draw: Draw) -> Question:
    """A Huffman code for five states: mean length, entropy, and the bits too many."""
    p = draw.until(lambda: draw.split(5, 40), one_tree)
    lengths = [len(word or "") for word in huffman_code(p)]
    mean, H = expected_length(p, lengths), entropy(p)

    def mean_of(n: Numbers) -> float:
        digits = f"{n[0]:.0f}"
        return sum(x * int(d) for x, d in zip(p, digits)) if digits.isdecimal() else mean

    return Question(
        Text(
            f"Make a Huffman code for p = {row(p)}: join the two least probable groups until one "
            "is left. Draw the tree. Write the lengths of the five words, in the order of p, as "
            "43212 (five digits, no spaces). What is the mean length, and the entropy of p, and by "
            "how many bits is the mean length above the entropy?",
            f"p = {row(p)}에 대한 허프만 부호를 만들어라. 하나가 남을 때까지 확률이 가장 작은 두 "
            "묶음을 합친다. 나무를 그려라. 다섯 부호의 길이를 p의 순서대로 써라(빈칸 없이 다섯 "
            "자리, 예: 43212). 평균 길이와 p의 엔트로피는 얼마이고, 평균 길이는 엔트로피보다 몇 "
            "비트 긴가?",
        ),
        (
            choice(Text("lengths", "길이"), "".join(map(str, lengths)), ()),
            blank(Text("mean length", "평균 길이"), mean, "bit",
                  follows=mean_of, wrong={WEIGHT: sum(lengths) / 5}),
            blank("H(p)", H, "bit", wrong={NATS: H * LN2}),
            blank(Text("above by", "차이"), mean - H, "bit", follows=lambda n: n[1] - n[2],
                  wrong={SIGN: H - mean}),
        ),
        steps=(
            f"{sum_of([f'{given(x)} · {n}' for x, n in zip(p, lengths)])} = {shown(mean)}",
            f"H(p) = {products(p, [float(b) for b in information(p)])} = {shown(H)}",
            f"{shown(mean)} − {shown(H)} = {shown(mean - H)}",
        ),
        room=6,
    )  # fmt: skip


@template("1.3", minutes=6)
def binary_loss(draw: Draw) -> Question:
    """Binary cross entropy of four predictions, and their cost."""
    y_hat = [draw.number(0.05, 0.95) for _ in range(4)]
    y = draw.until(lambda: [float(draw.whole(0, 1)) for _ in range(4)], lambda y: 0 < sum(y) < 4)
    loss = [float(v) for v in binary_cross_entropy(y, y_hat)]
    other = Text("the other label", "레이블을 거꾸로 썼다")
    cells = [
        blank("", v, wrong={BITS: v / LN2, SIGN: -v, other: float(binary_cross_entropy(1 - a, b))})
        for v, a, b in zip(loss, y, y_hat)
    ]
    cost = sum(loss)
    return Question(
        Text(
            "A classifier predicts $ŷ$, the probability of the label 1. Fill in the binary cross "
            "entropy of each column in nats, and find the Cost, their sum.",
            "분류기는 레이블이 1일 확률 $ŷ$을 예측한다. 각 열의 이진 교차 엔트로피를 내트로 "
            "구하고, 그 합인 Cost를 구하라.",
        ),
        (blank("Cost", cost, "nat", follows=lambda n: sum(n[:4]), tolerance=0.004,
               wrong={Text("a mean in place of the sum", "합 대신 평균을 구했다"): cost / 4,
                      BITS: cost / LN2}),),
        table=(
            ("y", *(given(a) for a in y)),
            ("ŷ", *map(given, y_hat)),
            (Text("loss / nats", "손실 / 내트"), *cells),
        ),
        steps=(
            *(f"−log {given(b if a else 1 - b)} = {shown(v)}" for a, b, v in zip(y, y_hat, loss)),
            f"Cost = {sum_of([shown(v) for v in loss])} = {shown(cost)}",
        ),
        room=2,
    )  # fmt: skip


@template("1.3", minutes=5)
def which_order(draw: Draw) -> Question:
    """H(p, q) and H(q, p): only one of them is the length of the messages that are sent."""
    p, q = draw.two(2, 100, 5)
    there, back = cross_entropy(p, q), cross_entropy(q, p)
    return Question(
        Text(
            f"Truly the weather follows p = {row(p)}; the forecaster believes in q = {row(q)} and "
            "made the code for it. Find the cross entropies $A = H(p, q)$ and $B = H(q, p)$ in "
            "bits. Is the mean length of the messages A or B? Which mean length is the least, "
            "over all codes?",
            f"실제 날씨는 p = {row(p)}를 따른다. 기상청은 q = {row(q)}라고 믿고 거기에 맞추어 "
            "부호를 만들었다. 교차 엔트로피 $A = H(p, q)$와 $B = H(q, p)$를 비트로 구하라. "
            "메시지의 평균 길이는 A와 B 중 어느 쪽인가? 모든 부호에 대해 평균 길이의 최솟값은 "
            "얼마인가?",
        ),
        (
            blank("A", there, "bit", wrong={SWAPPED: back, NATS: there * LN2, SIGN: -there}),
            blank("B", back, "bit", wrong={SWAPPED: there, NATS: back * LN2, SIGN: -back}),
            choice(Text("mean length", "평균 길이"), "A", "AB"),
            blank(Text("least", "최소"), entropy(p), "bit",
                  wrong={SWAPPED: entropy(q), NATS: entropy(p) * LN2}),
        ),
        steps=(
            f"H(p, q) = {products(p, [float(b) for b in information(q)])} = {shown(there)}",
            f"H(q, p) = {products(q, [float(b) for b in information(p)])} = {shown(back)}",
            f"H(p) = {products(p, [float(b) for b in information(p)])} = {shown(entropy(p))}",
        ),
    )  # fmt: skip


@template("1.3", minutes=5)
def from_a_logit(draw: Draw) -> Question:
    """A logit, the probability, and the loss for both labels: softplus(a) − y a."""
    a = draw.signed(0.2, 4, 0.005)
    p = float(sigmoid(np.array(a)))
    ones, zeros = (float(binary_cross_entropy_from_logits(y, a)) for y in (1.0, 0.0))
    return Question(
        Text(
            f"A classifier gives the logit a = {given(a)}. Find $ŷ = sigmoid(a)$, and the binary "
            "cross entropy in nats for the label 1 and for the label 0. By how much do the two "
            "losses differ? Say why, without $ŷ$.",
            f"분류기가 로짓 a = {given(a)}를 준다. $ŷ = sigmoid(a)$와, 레이블이 1일 때와 0일 "
            "때의 이진 교차 엔트로피를 내트로 구하라. 두 손실의 차이는 얼마인가? $ŷ$을 쓰지 "
            "않고 까닭을 설명하라.",
        ),
        (
            blank("ŷ", p, wrong={SIGN: 1 - p}),
            blank("loss(1)", ones, "nat",
                  follows=lambda n: -math.log(n[0]) if n[0] > 0 else math.inf,
                  wrong={BITS: ones / LN2, Text("the other label", "다른 레이블"): zeros}),
            blank("loss(0)", zeros, "nat",
                  follows=lambda n: -math.log(1 - n[0]) if n[0] < 1 else math.inf,
                  wrong={BITS: zeros / LN2, Text("the other label", "다른 레이블"): ones}),
            blank("loss(1) − loss(0)", ones - zeros, "nat",
                  follows=lambda n: n[1] - n[2], wrong={SIGN: a}),
        ),
        steps=(
            f"ŷ = 1 / (1 + e^({given(-a)})) = {shown(p)}",
            f"−log {shown(p)} = {shown(ones)}",
            f"−log (1 − {shown(p)}) = {shown(zeros)}",
            f"softplus(a) − a − softplus(a) = −a = {given(-a)}",
        ),
        words=Text("The loss is $softplus(a) − y a$. So the two differ by a.",
                   "손실은 $softplus(a) − y a$이므로 둘의 차이는 a이다."),
        words_points=1,
    )  # fmt: skip


@template("1.3", minutes=5)
def held_impossible(draw: Draw) -> Question:
    """A code without a word for something that happens; and the repair by a mixture."""
    p = draw.split(3, 20, 2)
    first = draw.number(0.1, 0.9, 0.05)
    share = draw.number(0.03, 0.3, 0.03)
    q = [first, round(1 - first, 6), 0.0]
    mixed = [round((1 - share) * x + share / 3, 8) for x in q]
    mixed_cost = cross_entropy(p, mixed)
    return Question(
        Text(
            f"A model learned q = {row(q)} from few data; the truth is p = {row(p)}. Find $H(p, "
            f"q)$ and $H(q, p)$ in bits (an infinite one: inf). Then mix: q′ = "
            f"{given(1 - share)} q + {given(share)} u, with u uniform on the three "
            "states. Find $H(p, q′)$.",
            f"모형은 적은 데이터로 q = {row(q)}를 배웠다. 참 분포는 p = {row(p)}이다. $H(p, "
            "q)$와 $H(q, p)$를 비트로 구하라(무한이면 inf). 이제 u가 세 상태의 균등분포일 때 q′ = "
            f"{given(1 - share)} q + {given(share)} u로 섞는다. $H(p, q′)$을 구하라.",
        ),
        (
            blank("H(p, q)", cross_entropy(p, q), "bit",
                  wrong={Text("the state with q = 0 is left out", "q = 0인 상태를 빼고 더했다"):
                         p[0] * float(information(q[0])) + p[1] * float(information(q[1]))}),
            blank("H(q, p)", cross_entropy(q, p), "bit", wrong={NATS: cross_entropy(q, p) * LN2}),
            blank("H(p, q′)", mixed_cost, "bit", tolerance=0.004, points=2,
                  wrong={NATS: mixed_cost * LN2, SWAPPED: cross_entropy(mixed, p)}),
        ),
        steps=(
            f"q(3) = 0 < p(3) = {given(p[2])} → H(p, q) = ∞",
            f"H(q, p) = {products(q[:2], [float(b) for b in information(p[:2])])}"
            f" = {shown(cross_entropy(q, p))}",
            f"q′ = ({', '.join(shown(x, 4) for x in mixed)})",
            f"H(p, q′) = {products(p, [float(b) for b in information(mixed)])}"
            f" = {shown(mixed_cost)}",
        ),
    )  # fmt: skip
