"""§1.5 KL and distance: it is never negative, but not symmetric, and short cuts are long."""

import math
from dataclasses import replace

import numpy as np

from scratchvae.homework.sheets.question import (
    BITS,
    HALF,
    LOG_OF_MEAN,
    MEAN_OF_LOG,
    NATS,
    SIGN,
    SWAPPED,
    Draw,
    Question,
    Text,
    blank,
    choice,
    given,
    in_brackets,
    row,
    shown,
    sum_of,
    template,
)
from scratchvae.homework.sheets.section_1_4 import kl_terms
from scratchvae.info import (
    jensen_shannon_distance,
    jensen_shannon_divergence,
    kl_divergence,
    total_variation,
)

LN2 = math.log(2)


def coin(head: float) -> list[float]:
    """(head, 1 − head)."""
    return [head, round(1 - head, 6)]


@template("1.5", minutes=6)
def triangle(draw: Draw) -> Question:
    """A counterexample to the triangle inequality: an r between p and q."""
    a = draw.number(0.35, 0.6, 0.002)
    b = draw.number(0.02, 0.15, 0.005)
    p, q = coin(a), coin(b)
    direct = kl_divergence(p, q)

    def way(head: float) -> list[float]:
        r = coin(head)
        return [kl_divergence(p, r), kl_divergence(r, q)] if 0 < head < 1 else [9e9, 9e9]

    r = round((a + b) / 2, 2)
    parts = way(r)
    return Question(
        Text(
            f"p = {row(p)}, q = {row(q)}. Find $KL(p ‖ q)$ in bits, and an $r = (r₁, 1 − r₁)$ "
            "for which the way over r, $KL(p ‖ r) + KL(r ‖ q)$, is shorter than $KL(p ‖ q)$ by "
            "0.01 bits or more. Give $r₁$ and both parts of the way, and say in words which "
            "property of a metric fails in this example.",
            f"p = {row(p)}, q = {row(q)}이다. $KL(p ‖ q)$를 비트로 구하고, r을 거쳐 가는 길 "
            "$KL(p ‖ r) + KL(r ‖ q)$가 곧바로 가는 길 $KL(p ‖ q)$보다 0.01비트 이상 짧은 "
            "$r = (r₁, 1 − r₁)$을 하나 찾아라. $r₁$과 두 구간의 KL을 쓰고, 이 예에서 거리 함수의 "
            "어느 성질이 성립하지 않는지 글로 써라.",
        ),
        (
            blank("KL(p ‖ q)", direct, "bit",
                  wrong={SWAPPED: kl_divergence(q, p), NATS: direct * LN2}),
            replace(blank("r₁", r), accepts=lambda n: sum(way(n[1])) < direct - 0.01, points=2),
            blank("KL(p ‖ r)", parts[0], "bit", follows=lambda n: way(n[1])[0]),
            blank("KL(r ‖ q)", parts[1], "bit", follows=lambda n: way(n[1])[1]),
        ),
        steps=(
            f"KL(p ‖ q) = {kl_terms(p, q)}",
            f"r = {row(coin(r))}: {shown(parts[0])} + {shown(parts[1])} = {shown(sum(parts))}"
            f" < {shown(direct)}",
        ),
        words=Text("The triangle inequality. (Many r are right: all between q and p that are not "
                   "too near to either.)",
                   "삼각부등식. (답은 여럿이다. p와 q 사이에 있고 둘에 너무 가깝지 않은 r이면 "
                   "된다.)"),
        words_points=1,
    )  # fmt: skip


@template("1.5", minutes=5)
def no_symmetry(draw: Draw) -> Question:
    """A counterexample to symmetry: a q for the given p."""
    a = draw.number(0.6, 0.9, 0.001)
    least = draw.number(0.03, 0.08, 0.005)
    p = coin(a)

    def both(head: float) -> list[float]:
        q = coin(head)
        return [kl_divergence(p, q), kl_divergence(q, p)] if 0 < head < 1 else [9e9, 9e9]

    q = coin(0.02)
    there, back = both(q[0])
    return Question(
        Text(
            f"p = {row(p)}. Find a $q = (q₁, 1 − q₁)$ for which the two KL differ by "
            f"{given(least)} bits or more, and compute both. For one q ≠ p the two are exactly "
            "equal: find it. (Hint: exchange the two states.)",
            f"p = {row(p)}이다. 두 방향의 KL의 차이가 {given(least)}비트 이상인 $q = (q₁, 1 − "
            "q₁)$을 하나 찾고 두 값을 구하라. 두 값이 정확히 같은 q ≠ p는 하나뿐이다. 그것을 "
            "찾아라. (힌트: 두 상태를 서로 바꾸어 보라.)",
        ),
        (
            replace(blank("q₁", q[0]), accepts=lambda n: abs(np.diff(both(n[0]))[0]) >= least,
                    points=2),
            blank("KL(p ‖ q)", there, "bit", follows=lambda n: both(n[0])[0],
                  wrong={SWAPPED: back, NATS: there * LN2}),
            blank("KL(q ‖ p)", back, "bit", follows=lambda n: both(n[0])[1],
                  wrong={SWAPPED: there, NATS: back * LN2}),
            blank(Text("equal for $q₁$ =", "두 값이 같은 $q₁$ ="), 1 - a),
        ),
        steps=(
            f"q = {row(q)}: KL(p ‖ q) = {kl_terms(p, q)}",
            f"KL(q ‖ p) = {kl_terms(q, p)}",
            f"q = ({given(p[1])}, {given(p[0])}): KL(p ‖ q) = KL(q ‖ p)",
            Text("(Many $q₁$ in (a) are right.)", "((a)의 답은 여럿이다.)"),
        ),
    )  # fmt: skip


@template("1.5", minutes=5)
def jensen(draw: Draw) -> Question:
    """Jensen's inequality with numbers: the mean of the logs is below the log of the mean."""
    w = draw.number(0.1, 0.9, 0.05)
    t = [draw.number(0.2, 2, 0.1), draw.number(3.5, 9, 0.1)]
    other = round(1 - w, 6)
    mean = w * t[0] + other * t[1]
    logs = [math.log(x) for x in t]
    mean_log = w * logs[0] + other * logs[1]
    return Question(
        Text(
            f"t is {given(t[0])} with the probability {given(w)}, and {given(t[1])} with "
            f"{given(other)}. Find $A = E[log t]$ and $B = log E[t]$ (natural logarithm). Which is "
            "larger, A or B? Say in words for which random t the two are equal (all of them), and "
            "why.",
            f"t는 확률 {given(w)}로 {given(t[0])}, 확률 {given(other)}로 {given(t[1])}이다. "
            "$A = E[log t]$와 $B = log E[t]$를 구하라(자연로그). A와 B 중 어느 쪽이 큰가? 둘이 "
            "같아지는 확률변수 t는 어떤 것인지(모두)와 그 까닭을 글로 써라.",
        ),
        (
            blank("A = E[log t]", mean_log,
                  wrong={LOG_OF_MEAN: math.log(mean), BITS: mean_log / LN2}),
            blank("E[t]", mean),
            blank("B = log E[t]", math.log(mean),
                  follows=lambda n: math.log(n[1]) if n[1] > 0 else math.inf,
                  wrong={MEAN_OF_LOG: mean_log, BITS: math.log2(mean)}),
            choice(Text("larger", "큰 쪽"), "B", "AB"),
        ),
        steps=(
            f"{given(w)} · {in_brackets(logs[0])} + {given(other)} · {in_brackets(logs[1])} = "
            f"{shown(mean_log)}",
            f"E[t] = {given(w)} · {given(t[0])} + {given(other)} · {given(t[1])} = {shown(mean)}",
            f"log {shown(mean)} = {shown(math.log(mean))} > {shown(mean_log)}",
        ),
        words=Text("For a constant t alone: log is strictly concave.",
                   "t가 상수일 때뿐이다. 로그는 순오목함수이기 때문이다."),
        words_points=1,
    )  # fmt: skip


PROOF = (
    "−KL(p ‖ q) = −Σ p(x) log (p(x)/q(x))",
    "= Σ p(x) log (q(x)/p(x)) = E_p[log (q(x)/p(x))]",
    "≤ log E_p[q(x)/p(x)]",
    "= log Σ p(x) (q(x)/p(x))",
    "= log Σ q(x)",
    "≤ log 1 = 0",
)
ORDER = "123456"


@template("1.5", minutes=6)
def proof_in_disorder(draw: Draw) -> Question:
    """The proof that KL ≥ 0, its lines in the wrong order; and t with numbers."""
    order = draw.order(len(PROOF))
    p, q = draw.two(2, 20, 2)
    right = "".join(str(order.index(i) + 1) for i in range(len(PROOF)))
    lines = "\n".join(f"    ({n}) {PROOF[i]}" for n, i in enumerate(order, 1))
    bound = kl_divergence(p, q, base=math.e)
    return Question(
        Text(
            "The lines of the proof that KL ≥ 0 (Σ over the x with p(x) > 0) are in disorder. "
            "Write the numbers in the right order, as 316245. Which line uses Jensen's "
            f"inequality? For p = {row(p)} and q = {row(q)}, what is the left side of Jensen's "
            f"inequality, $E_p[log (q(x)/p(x))]$, in nats?\n{lines}",
            "KL ≥ 0의 증명(Σ는 p(x) > 0인 x에 대한 합)에서 줄의 순서가 뒤섞여 있다. 번호를 바른 "
            f"순서로 써라(예: 316245). 젠센 부등식을 쓰는 줄은 몇 번인가? p = {row(p)}, q = "
            f"{row(q)}일 때 젠센 부등식의 좌변 $E_p[log (q(x)/p(x))]$는 몇 내트인가?\n{lines}",
        ),
        (
            replace(choice(Text("order", "순서"), right, ()), points=3),
            choice(Text("Jensen", "젠센"), right[2], ORDER),
            blank(Text("left side", "좌변"), -bound, "nat",
                  wrong={SIGN: bound, SWAPPED: -kl_divergence(q, p, base=math.e),
                         BITS: -bound / LN2}),
        ),
        steps=(
            *PROOF,
            f"{given(p[0])} log ({given(q[0])}/{given(p[0])}) + {given(p[1])} log "
            f"({given(q[1])}/{given(p[1])}) = {shown(-bound)}",
        ),
        room=1,
    )  # fmt: skip


@template("1.5", minutes=6)
def two_metrics(draw: Draw) -> Question:
    """Jensen-Shannon and total variation: both are symmetric."""
    p, q = draw.two(2, 100, 5)
    m = [(x + y) / 2 for x, y in zip(p, q)]
    halves = kl_divergence(p, m), kl_divergence(q, m)
    JS = jensen_shannon_divergence(p, q)
    return Question(
        Text(
            f"p = {row(p)}, q = {row(q)}, m = ½ (p + q). Find $KL(p ‖ m)$ and $KL(q ‖ m)$ in "
            "bits, JS(p, q), its root, and the total variation TV.",
            f"p = {row(p)}, q = {row(q)}, m = ½ (p + q)이다. $KL(p ‖ m)$과 $KL(q ‖ m)$, "
            "JS(p, q)를 비트로 구하고, 그 제곱근과 총변동 TV를 구하라.",
        ),
        (
            blank("KL(p ‖ m)", halves[0], "bit",
                  wrong={SWAPPED: kl_divergence(m, p), NATS: halves[0] * LN2}),
            blank("KL(q ‖ m)", halves[1], "bit",
                  wrong={SWAPPED: kl_divergence(m, q), NATS: halves[1] * LN2}),
            blank("JS", JS, "bit", follows=lambda n: (n[0] + n[1]) / 2,
                  wrong={HALF: 2 * JS, NATS: JS * LN2}),
            blank("√JS", jensen_shannon_distance(p, q), tolerance=0.004,
                  follows=lambda n: math.sqrt(max(n[2], 0))),
            blank("TV", total_variation(p, q), wrong={HALF: 2 * total_variation(p, q)}),
        ),
        steps=(
            f"m = {row(m)}",
            f"KL(p ‖ m) = {kl_terms(p, m)}",
            f"KL(q ‖ m) = {kl_terms(q, m)}",
            f"JS = ½ ({shown(halves[0])} + {shown(halves[1])}) = {shown(JS)}",
            f"TV = ½ ({sum_of([f'|{given(x)} − {given(y)}|' for x, y in zip(p, q)])})"
            f" = {shown(total_variation(p, q))}",
        ),
    )  # fmt: skip


GAPS = ((1, 3), (1, 4), (1, 5), (2, 4), (2, 5), (3, 5))  # of PROOF: no two neighbours


@template("1.5", minutes=6)
def proof_with_gaps(draw: Draw) -> Question:
    """The proof that KL ≥ 0 without two of its lines; and both sides of Jensen's inequality."""
    gaps = GAPS[draw.whole(0, len(GAPS) - 1)]
    p = coin(draw.number(0.1, 0.9))
    q = draw.until(lambda: draw.split(3, 20, 2), lambda q: abs(p[0] - q[0] / (1 - q[2])) > 0.15)
    left, right = -kl_divergence([*p, 0.0], q, base=math.e), math.log1p(-q[2])
    lines = "\n".join(
        f"    ({gaps.index(i) + 1}) …" if i in gaps else f"    {line}"
        for i, line in enumerate(PROOF)
    )
    return Question(
        Text(
            "Two lines are missing in the proof that KL ≥ 0 (Σ over the x with p(x) > 0). Write "
            f"(1) and (2) below, 1 point each. For p = ({given(p[0])}, {given(p[1])}, 0) and "
            f"q = {row(q)}, find the left and the right side of Jensen's inequality in this proof, "
            f"in nats.\n{lines}",
            "KL ≥ 0의 증명(Σ는 p(x) > 0인 x에 대한 합)에서 두 줄이 빠졌다. (1)과 (2)를 아래에 "
            f"써라(1점씩). p = ({given(p[0])}, {given(p[1])}, 0), q = {row(q)}일 때 "
            f"이 증명에 쓰인 젠센 부등식의 좌변과 우변을 내트로 구하라.\n{lines}",
        ),
        (
            blank(Text("left", "좌변"), left, "nat", wrong={SIGN: -left, BITS: left / LN2}),
            blank(Text("right", "우변"), right, "nat", wrong={SIGN: -right, BITS: right / LN2}),
        ),
        steps=(
            *PROOF,
            f"{given(p[0])} log ({given(q[0])}/{given(p[0])}) + {given(p[1])} log "
            f"({given(q[1])}/{given(p[1])}) = {shown(left)}",
            f"log ({given(q[0])} + {given(q[1])}) = {shown(right)}",
        ),
        words=Text(*2 * ["; ".join(f"({n}) ${PROOF[i]}$" for n, i in enumerate(gaps, 1))]),
    )  # fmt: skip
