"""§1.2 Entropy: the mean information, H(p) = −Σ p log p."""

import math

import numpy as np

from scratchvae.homework.sheets.question import (
    MEAN,
    NATS,
    SIGN,
    WEIGHT,
    Draw,
    Follows,
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
from scratchvae.info import (
    differential_entropy,
    entropy,
    gini_impurity,
    information,
    information_gain,
    kl_divergence,
)

LN2 = math.log(2)
GINI = Text("the Gini impurity in place of the entropy", "엔트로피 대신 지니 불순도를 구했다")


@template("1.2", minutes=5)
def forecast(draw: Draw) -> Question:
    """The mean information of a forecast of two kinds of weather: the notes' 0.81 bits."""
    rain = draw.until(lambda: draw.number(0.05, 0.95, 0.001), lambda p: abs(p - 0.5) > 0.02)
    dry = round(1 - rain, 6)
    a, b = information(dry), information(rain)
    H = entropy([dry, rain])
    return Question(
        Text(
            f"It stays dry with the probability {given(dry)}, and it rains with {given(rain)}. "
            'How many bits does the forecast "dry" carry, and "rain"? What is their weighted mean?',
            f"비가 오지 않을 확률은 {given(dry)}, 올 확률은 {given(rain)}이다. 각 예보의 "
            "정보량과 그 가중평균은 몇 비트인가?",
        ),
        (
            blank(Text("dry", "맑음"), a, "bit", wrong={NATS: a * LN2, SIGN: -a}),
            blank(Text("rain", "비"), b, "bit", wrong={NATS: b * LN2, SIGN: -b}),
            blank("H(p)", H, "bit", follows=lambda n: dry * n[0] + rain * n[1],
                  wrong={NATS: H * LN2, SIGN: -H, WEIGHT: (a + b) / 2,
                         GINI: float(gini_impurity([dry, rain]))}),
        ),
        steps=(
            f"−log₂ {given(dry)} = {shown(a)}",
            f"−log₂ {given(rain)} = {shown(b)}",
            f"{given(dry)} · {shown(a)} + {given(rain)} · {shown(b)} = {shown(H)}",
        ),
    )  # fmt: skip


@template("1.2", minutes=6)
def tree(draw: Draw) -> Question:
    """A node of a decision tree, split in two: by entropy and by Gini."""
    left = draw.whole(2, 9), draw.whole(1, 9)
    right = draw.until(
        lambda: (draw.whole(1, 9), draw.whole(2, 9)),
        lambda right: information_gain([a + b for a, b in zip(left, right)], [left, right]) > 0.04,
    )
    parent = left[0] + right[0], left[1] + right[1]
    n, n_l, n_r = sum(parent), sum(left), sum(right)
    share = [np.array(counts) / sum(counts) for counts in (parent, left, right)]
    H, G = [float(entropy(s)) for s in share], [float(gini_impurity(s)) for s in share]
    gain = information_gain(parent, [left, right])
    gini_gain = G[0] - (n_l * G[1] + n_r * G[2]) / n
    return Question(
        Text(
            f"A node of a decision tree holds {parent[0]} rows of class A and {parent[1]} of class "
            f"B. A split sends {left[0]} A and {left[1]} B to the left, and {right[0]} A and "
            f"{right[1]} B to the right. Fill in the table. The entropy is $−Σ p log₂ p$, the Gini "
            "impurity $1 − Σ p²$, with the shares p of A and B in a node. The gain is the parent's "
            "impurity minus $Σ_k (N_k/N)$ times the impurity of the part k, which has $N_k$ of "
            "the N rows.",
            f"결정 트리의 한 노드에 클래스 A가 {parent[0]}개, B가 {parent[1]}개 있다. 노드를 "
            f"나누면 왼쪽에 A {left[0]}개와 B {left[1]}개, 오른쪽에 A {right[0]}개와 B "
            f"{right[1]}개가 간다. 표를 채워라. 노드 안의 A와 B의 비율을 p라고 하면 엔트로피는 "
            "$−Σ p log₂ p$, 지니 불순도는 $1 − Σ p²$이다. 이득은 부모의 불순도에서 자식 k의 "
            "불순도에 $N_k/N$을 곱해 모두 더한 값을 뺀 것이다($N_k$는 전체 N개 가운데 k로 간 "
            "개수).",
        ),
        table=(
            ("", Text("parent", "부모"), Text("left", "왼쪽"), Text("right", "오른쪽"),
             Text("gain", "이득")),
            (Text("entropy / bits", "엔트로피 / 비트"),
             *(blank("", h, wrong={NATS: h * LN2, GINI: g}) for h, g in zip(H, G)),
             blank("", gain, follows=lambda m: m[0] - (n_l * m[1] + n_r * m[2]) / n,
                   wrong={WEIGHT: H[0] - (H[1] + H[2]) / 2, NATS: gain * LN2})),
            (Text("Gini", "지니"), *(blank("", g) for g in G),
             blank("", gini_gain, follows=lambda m: m[4] - (n_l * m[5] + n_r * m[6]) / n,
                   wrong={WEIGHT: G[0] - (G[1] + G[2]) / 2})),
        ),
        steps=(
            f"{shown(H[0])} − ({n_l} · {shown(H[1])} + {n_r} · {shown(H[2])}) / {n}"
            f" = {shown(gain)}",
            f"{shown(G[0])} − ({n_l} · {shown(G[1])} + {n_r} · {shown(G[2])}) / {n}"
            f" = {shown(gini_gain)}",
        ),
    )  # fmt: skip


def times(i: int, p: float) -> Follows:
    """p times the student's own number in the blank i."""
    return lambda n: p * n[i]


@template("1.2", minutes=5)
def four_states(draw: Draw) -> Question:
    """A table of p, −log₂ p and −p log₂ p, and its sum."""
    p = draw.split(4, 40)
    terms = [x * float(information(x)) for x in p]
    H = entropy(p)
    first = [blank("", information(x), wrong={NATS: -math.log(x), SIGN: math.log2(x)}) for x in p]
    second = [
        blank("", t, follows=times(i, x), wrong={NATS: t * LN2, SIGN: -t})
        for i, (x, t) in enumerate(zip(p, terms))
    ]
    return Question(
        Text(
            "Fill in the table for this distribution of four states, and find its entropy in bits.",
            "네 상태의 분포에 대해 표를 채우고, 엔트로피를 비트로 구하라.",
        ),
        (blank("H(p)", H, "bit", follows=lambda n: sum(n[4:8]),
               wrong={NATS: H * LN2, WEIGHT: float(np.sum(information(p)))}),),
        table=(
            ("p", *map(given, p)),
            ("−log₂ p", *first),
            ("−p log₂ p", *second),
        ),
        steps=(f"{sum_of([shown(t) for t in terms])} = {shown(H)}",),
        room=1,
    )  # fmt: skip


@template("1.2", minutes=5)
def uniform_is_highest(draw: Draw) -> Question:
    """No distribution on n states is above log₂ n: the difference is a KL."""
    n = draw.whole(3, 5)
    p = draw.split(n, 40)
    H, KL = entropy(p), kl_divergence(p, np.full(n, 1 / n))
    return Question(
        Text(
            f"Let p = {row(p)}, and u the uniform distribution on the same {n} states. Find the "
            "entropies $H(u)$ and $H(p)$ in bits. Whose entropy is larger, p's or u's? Which KL is "
            "$H(u) − H(p)$: $A = KL(p ‖ u)$ or $B = KL(u ‖ p)$? Why is the entropy of every p at "
            "most that of u? Show it with this KL.",
            f"p = {row(p)}이고, u는 같은 {n}개 상태의 균등분포이다. 엔트로피 $H(u)$와 $H(p)$를 "
            "비트로 구하라. 엔트로피는 p와 u 중 어느 쪽이 큰가? $H(u) − H(p)$는 $A = KL(p ‖ u)$와 "
            "$B = KL(u ‖ p)$ 중 어느 것인가? 어떤 p의 엔트로피도 u의 엔트로피를 넘지 않는 까닭을 "
            "이 KL로 설명하라.",
        ),
        (
            blank("H(u)", math.log2(n), "bit", wrong={NATS: math.log(n)}),
            blank("H(p)", H, "bit", wrong={NATS: H * LN2, SIGN: -H}),
            choice(Text("larger entropy", "엔트로피가 큰 쪽"), "u", ("p", "u")),
            choice("H(u) − H(p)", "A", "AB"),
        ),
        steps=(
            f"H(u) = log₂ {n} = {shown(math.log2(n))}",
            f"H(p) = {sum_of([f'{given(x)} · {shown(information(x))}' for x in p])} = {shown(H)}",
            f"log₂ {n} − H(p) = Σ p log₂ (p / (1/{n})) = KL(p ‖ u) = {shown(KL)}",
        ),
        words=Text("(1) $log₂ n − H(p) = Σ p log₂ (p n) = KL(p ‖ u)$. (2) A KL is never negative.",
                   "(1) $log₂ n − H(p) = Σ p log₂ (p n) = KL(p ‖ u)$이다. (2) KL은 음수가 아니다."),
    )  # fmt: skip


@template("1.2", minutes=5)
def uniform_density(draw: Draw) -> Question:
    """The entropy of a density may be negative, and depends on the unit."""
    w = draw.until(lambda: draw.number(0.02, 4, 0.02), lambda w: w != 1)
    scale = draw.whole(3, 20)
    H = differential_entropy(lambda x: np.full(x.shape, 1 / w), 0, w)
    return Question(
        Text(
            f"A length has the uniform density on [0, {given(w)}] (metres). Find its entropy in "
            f"bits, and its entropy in a unit in which every length has a number {scale} times as "
            "large. For which width w of the interval is the entropy 0?",
            f"어떤 길이는 [0, {given(w)}](미터)에서 균등한 밀도를 갖는다. 엔트로피를 비트로 "
            f"구하라. 모든 길이의 숫자가 {scale}배가 되는 단위를 쓰면 엔트로피는 얼마인가? "
            "구간의 폭 w가 얼마일 때 엔트로피가 0인가?",
        ),
        (
            blank("H", H, "bit", wrong={SIGN: -H, NATS: H * LN2}),
            blank(Text("other unit", "다른 단위"),
                  differential_entropy(lambda x: np.full(x.shape, 1 / w / scale), 0, w * scale),
                  "bit", follows=lambda n: n[0] + math.log2(scale),
                  wrong={NATS: math.log(w * scale),
                         Text("the entropy is multiplied", "엔트로피에 곱했다"): H * scale}),
            blank("w", 1.0),
        ),
        steps=(
            f"H = −log₂ (1 / {given(w)}) = log₂ {given(w)} = {shown(H)}",
            f"log₂ ({scale} · {given(w)}) = {shown(H)} + log₂ {scale}"
            f" = {shown(H + math.log2(scale))}",
            "log₂ w = 0 → w = 1",
        ),
    )  # fmt: skip


ENTROPY = """\
def entropy(p, base):
    total = 0.0
    for x in p:
        if x > 0:
            total -= x * log(x)
    return total / log(base)
"""
TERM, RESULT = "total -= x * log(x)", "return total / log(base)"
SLIPS = {  # by the names that these mistakes have in the homework
    "entropy_negative": Slip(TERM, "total += x * log(x)", SIGN),
    "entropy_in_nats": Slip(RESULT, "return total", NATS),
    "entropy_times_log_base": Slip(
        RESULT, "return total * log(base)", Text("multiplied by log(base)", "log(base)를 곱했다")
    ),
    "entropy_mean": Slip(RESULT, "return total / len(p) / log(base)", MEAN),
    "entropy_unweighted": Slip(TERM, "total -= log(x)", WEIGHT),
}


@template("1.2", minutes=6)
def wrong_entropy(draw: Draw) -> Question:
    """A program with one wrong line, a mistake that students make."""
    slip = list(SLIPS.values())[draw.whole(0, len(SLIPS) - 1)]
    p = draw.split(3, 40)
    H = entropy(p)
    return Question(
        Text(
            "This function should return the entropy of p to the given base. One line is wrong. "
            f"What should it return for p = {row(p)}, base = 2? Say in words what is wrong, and "
            "write the line as it should be.",
            "이 함수는 주어진 밑에 대한 p의 엔트로피를 돌려주어야 하는데, 한 줄이 틀렸다. p = "
            f"{row(p)}, base = 2이면 무엇을 돌려주어야 하는가? 무엇이 틀렸는지 글로 쓰고, 그 줄을 "
            "바르게 고쳐 써라.",
        ),
        (blank("H(p)", H, "bit", wrong={NATS: H * LN2, SIGN: -H}),),
        code=ENTROPY.replace(slip.right, slip.wrong),
        steps=(f"{sum_of([f'{given(x)} · {shown(information(x))}' for x in p])} = {shown(H)}",),
        words=slip.words(),
    )  # fmt: skip
