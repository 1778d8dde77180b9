"""§1.6 The least estimated KL and the highest likelihood: one θ."""

import math

import numpy as np

from scratchvae.homework.sheets.question import (
    BITS,
    CLEAR,
    HALF,
    SIGN,
    SWAPPED,
    Draw,
    Question,
    Text,
    blank,
    choice,
    distinct,
    given,
    in_brackets,
    row,
    shown,
    signed,
    sum_of,
    template,
)
from scratchvae.info import binary_cross_entropy, gaussian_kl, kl_divergence, monte_carlo_kl

LN2 = math.log(2)


@template("1.6", minutes=6)
def tosses(draw: Draw) -> Question:
    """Two models of a coin: log likelihood, and which has the smaller estimated KL."""
    N = 10 * draw.whole(2, 10)
    heads = draw.whole(N // 5, 4 * N // 5)
    share = heads / N
    a, b = draw.until(
        lambda: (draw.number(0.1, 0.45), draw.number(0.55, 0.9)),
        lambda both: abs(np.diff(binary_cross_entropy([share] * 2, both))[0]) >= CLEAR,
    )
    means = [-float(binary_cross_entropy(share, theta)) for theta in (a, b)]
    better = "A" if means[0] > means[1] else "B"
    names = [blank(Text(f"mean log likelihood, {n}", f"로그가능도의 평균, {n}"), v, "nat",
                   wrong={BITS: v / LN2, SIGN: -v}) for n, v in zip("AB", means)]  # fmt: skip
    return Question(
        Text(
            f"Of N = {N} tosses {heads} are heads. The probability θ of heads is {given(a)} in "
            f"model A, and {given(b)} in model B. Find $(1/N) Σ log q(x_i|θ)$ of both in nats. "
            "Which model has the smaller estimated KL, and by how much is it smaller (a positive "
            "number)? Which $θ$ has the least estimated KL of all?",
            f"동전을 N = {N}번 던져 앞면이 {heads}번 나왔다. 앞면의 확률은 모형 A에서 θ = "
            f"{given(a)}, 모형 B에서 θ = {given(b)}이다. 두 모형의 $(1/N) Σ log q(x_i|θ)$를 내트로 "
            "구하라. 추정한 KL은 어느 모형에서 더 작고, 얼마나 더 작은가(양수로)? 추정한 KL이 "
            "모든 $θ$ 가운데 가장 작은 $θ$는?",
        ),
        (
            *names,
            choice(Text("smaller KL", "더 작은 KL"), better, "AB"),
            blank(Text("smaller by", "더 작은 만큼"), abs(means[0] - means[1]), "nat",
                  follows=lambda n: abs(n[0] - n[1])),
            blank(Text("best $θ$", "가장 좋은 $θ$"), share,
                  wrong={Text("tails are counted", "뒷면을 세었다"): 1 - share}),
        ),
        steps=(
            f"{given(share)} log {given(a)} + {given(1 - share)} log {given(1 - a)} "
            f"= {shown(means[0])}",
            f"{given(share)} log {given(b)} + {given(1 - share)} log {given(1 - b)} "
            f"= {shown(means[1])}",
            f"θ = {heads} / {N} = {given(share)}",
        ),
    )  # fmt: skip


@template("1.6", minutes=5)
def true_and_estimated(draw: Draw) -> Question:
    """The θ of the least true KL is not the θ of the highest likelihood."""
    mean = draw.signed(0.5, 3, 0.1)
    theta = draw.until(lambda: draw.signed(0.5, 3, 0.1), lambda theta: theta != mean)
    x = draw.until(
        lambda: [round(mean + draw.signed(0.1, 1.5, 0.1), 6) for _ in range(4)],
        lambda x: all(x) and distinct(x) and abs(sum(x) / 4 - mean) >= CLEAR,
    )
    KL = gaussian_kl(mean, 0.0, theta, 0.0, base=math.e)
    best = float(np.mean(x))
    return Question(
        Text(
            f"p = N({given(mean)}, 1), and $q_θ$ = N($θ$, 1); the second number is the variance. "
            f"The true $KL(p ‖ q_θ)$ is $½ (θ − {signed(mean)})²$ nats. Find it at θ = "
            f"{given(theta)}. Let A be the $θ$ with the least true KL, and B the $θ$ with the "
            f"highest likelihood of the samples {', '.join(map(given, x))}. Find both. Which of "
            "the two changes with the samples?",
            f"p = N({given(mean)}, 1), $q_θ$ = N($θ$, 1)이고, 둘째 수는 분산이다. 참 "
            f"$KL(p ‖ q_θ)$는 $½ (θ − {signed(mean)})²$ 내트이다. θ = {given(theta)}에서의 값을 "
            "구하라. 참 KL이 가장 작은 $θ$를 A, 표본 "
            f"{', '.join(map(given, x))}의 가능도가 가장 큰 $θ$를 B라고 하자. A와 B를 구하라. 둘 "
            "중 표본에 따라 달라지는 것은?",
        ),
        (
            blank("KL(p ‖ q_θ)", KL, "nat", wrong={HALF: 2 * KL, BITS: KL / LN2}),
            blank("A", mean, wrong={Text("the mean of the samples", "표본의 평균을 구했다"): best}),
            blank("B", best, wrong={Text("the mean of p", "p의 평균을 썼다"): mean}),
            choice(Text("changes", "달라지는 것"), "B", "AB"),
        ),
        steps=(
            f"½ ({given(theta)} − {signed(mean)})² = {shown(KL)}",
            f"θ = ({sum_of([given(v) for v in x])}) / 4 = {shown(best)}",
        ),
        room=2,
    )  # fmt: skip


@template("1.6", minutes=5)
def estimated_kl(draw: Draw) -> Question:
    """An estimate of KL from three samples may be negative; the true KL may not."""
    p, q = draw.two(3, 20)
    counts = [draw.whole(1, 6) for _ in range(3)]
    N = sum(counts)
    x = np.repeat(np.arange(3), counts)
    estimate = monte_carlo_kl(
        x, lambda x: np.log(p)[x.astype(int)], lambda x: np.log(q)[x.astype(int)], base=math.e
    ).value
    KL = kl_divergence(p, q, base=math.e)
    logs = [math.log(a / b) for a, b in zip(p, q)]
    return Question(
        Text(
            f"p = {row(p)} and q = {row(q)} are two distributions on the states 1, 2, 3. In {N} "
            f"samples of p the states 1, 2, 3 came {counts[0]}, {counts[1]} and "
            f"{counts[2]} times. Estimate $KL(p ‖ q)$ in nats by the samples, and find the true "
            "KL. Can each of the two be negative?",
            f"p = {row(p)}, q = {row(q)}는 상태 1, 2, 3의 분포이다. p에서 뽑은 표본 {N}개 가운데 "
            f"상태 1이 {counts[0]}번, 2가 {counts[1]}번, 3이 {counts[2]}번 나왔다. 표본으로 "
            "$KL(p ‖ q)$를 내트로 추정하고, 참 KL도 구하라. 두 값은 각각 음수가 될 수 있는가?",
        ),
        (
            blank(Text("estimate", "추정값"), estimate, "nat",
                  wrong={SIGN: -estimate, BITS: estimate / LN2,
                         Text("the true KL", "참 KL을 구했다"): KL}),
            blank(Text("true KL", "참 KL"), KL, "nat",
                  wrong={SWAPPED: kl_divergence(q, p, base=math.e), BITS: KL / LN2, SIGN: -KL}),
        ),
        steps=(
            f"({sum_of([f'{n} · {in_brackets(v)}' for n, v in zip(counts, logs)])}) / {N}"
            f" = {shown(estimate)}",
            f"{sum_of([f'{given(a)} · {in_brackets(v)}' for a, v in zip(p, logs)])} = {shown(KL)}",
        ),
        words=Text("The estimate can, by chance. The true KL cannot.",
                   "추정값은 우연히 음수가 될 수 있지만 참 KL은 될 수 없다."),
        words_points=1,
    )  # fmt: skip


@template("1.6", minutes=5)
def two_models(draw: Draw) -> Question:
    """Two models are compared without p: the unknown mean of log p cancels."""
    first = [draw.number(-4, -0.5, 0.1) for _ in range(4)]
    second = draw.until(
        lambda: [draw.number(-4, -0.5, 0.1) for _ in range(4)],
        lambda second: abs(sum(first) - sum(second)) >= 0.2,
    )
    a, b = float(np.mean(first)), float(np.mean(second))
    difference = b - a
    return Question(
        Text(
            "Nobody knows p. Four samples of it have these log densities (nats) under two models. "
            "Find the mean of $log q₁(x)$, that of $log q₂(x)$, and the estimate of $KL(p ‖ q₁) − "
            "KL(p ‖ q₂)$. Which model is nearer to p, 1 or 2? Why is log p not needed?",
            "p는 알려져 있지 않다. p에서 얻은 표본 네 개의 로그밀도(내트)가 두 모형에서 표와 "
            "같다. $log q₁(x)$의 평균과 $log q₂(x)$의 평균, $KL(p ‖ q₁) − KL(p ‖ q₂)$의 "
            "추정값을 구하라. 1과 2 중 어느 모형이 p에 더 가까운가? log p는 왜 필요 없는가?",
        ),
        (
            blank(Text("mean 1", "평균 1"), a, "nat"),
            blank(Text("mean 2", "평균 2"), b, "nat"),
            blank("KL(p ‖ q₁) − KL(p ‖ q₂)", difference, "nat", follows=lambda n: n[1] - n[0],
                  wrong={SIGN: -difference}),
            choice(Text("nearer", "더 가까운 모형"), "1" if difference < 0 else "2", "12"),
        ),
        table=(
            (Text("sample", "표본"), "1", "2", "3", "4"),
            ("log q₁(x)", *map(given, first)),
            ("log q₂(x)", *map(given, second)),
        ),
        steps=(
            f"({sum_of([given(v) for v in first])}) / 4 = {shown(a)}",
            f"({sum_of([given(v) for v in second])}) / 4 = {shown(b)}",
            f"{shown(b)} − {in_brackets(a)} = {shown(difference)}",
        ),
        words=Text("The mean of log p is the same in both KL and cancels.",
                   "log p의 평균은 두 KL에서 같으므로 빼면 사라진다."),
        words_points=1,
        room=2,
    )  # fmt: skip
