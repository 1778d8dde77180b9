"""§2 The bound: eq. (1), (2), (3) on a grid of three z, and the importance weights."""

import math
from dataclasses import replace

import numpy as np

from scratchvae.homework.sheets.question import (
    BITS,
    LOG_OF_MEAN,
    MEAN_OF_LOG,
    SIGN,
    SWAPPED,
    Cell,
    Draw,
    Follows,
    Question,
    Text,
    blank,
    choice,
    distinct,
    given,
    row,
    shown,
    sum_of,
    template,
)
from scratchvae.info import entropy, kl_divergence
from scratchvae.likelihood import LogMean

LN2, E = math.log(2), math.e


@template("2-bound", minutes=8)
def equation_1(draw: Draw) -> Question:
    """Eq. (1) on three z: log p(x) = KL(q ‖ posterior) + bound."""
    prior, q = draw.two(3, 20, 2)
    like = draw.until(lambda: [draw.number(0.05, 0.95, 0.05) for _ in range(3)], distinct)
    joint = [a * b for a, b in zip(prior, like)]
    px = sum(joint)
    posterior = [j / px for j in joint]
    KL = float(kl_divergence(q, posterior, base=E))
    bound = math.fsum(w * math.log(j / w) for w, j in zip(q, joint))

    def share(i: int) -> Follows:
        return lambda n: n[i] / sum(n[:3]) if sum(n[:3]) else math.inf

    table: tuple[tuple[Cell, ...], ...] = (
        ("z", "1", "2", "3"),
        ("p(z)", *map(given, prior)),
        ("p(x|z)", *map(given, like)),
        ("q(z|x)", *map(given, q)),
        ("p(x, z)", *(blank("", j) for j in joint)),
        ("p(z|x)", *(blank("", v, follows=share(i)) for i, v in enumerate(posterior))),
    )
    return Question(
        Text(
            "z has three values. Fill in the joint and the posterior distribution of z for this "
            "x, and find $p(x)$, the bound $𝓛(x) = Σ q(z|x) log [p(x, z)/q(z|x)]$, and $KL(q(z|x) "
            "‖ p(z|x))$ in nats. Check eq. (1).",
            "z의 값은 세 가지이다. 이 x에 대한 결합 분포와 z의 사후 분포를 채우고, $p(x)$, 하한 "
            "$𝓛(x) = Σ q(z|x) log [p(x, z)/q(z|x)]$, $KL(q(z|x) ‖ p(z|x))$를 구하라(내트). 식 "
            "(1)을 확인하라.",
        ),
        (
            blank("p(x)", px, follows=lambda n: sum(n[:3])),
            blank("log p(x)", math.log(px), "nat",
                  follows=lambda n: math.log(n[6]) if n[6] > 0 else math.inf,
                  wrong={BITS: math.log2(px)}),
            blank("𝓛(x)", bound, "nat", tolerance=0.005, points=2, wrong={
                SIGN: -bound, BITS: bound / LN2,
                Text("log q is not subtracted", "log q를 빼지 않았다"):
                sum(w * math.log(j) for w, j in zip(q, joint))}),
            blank("KL(q(z|x) ‖ p(z|x))", KL, "nat", tolerance=0.005,
                  follows=lambda n: n[7] - n[8],
                  wrong={SWAPPED: float(kl_divergence(posterior, q, base=E)), BITS: KL / LN2,
                         Text("KL from the prior", "사전 분포에 대한 KL을 구했다"):
                         float(kl_divergence(q, prior, base=E))}),
        ),
        table=table,
        steps=(
            f"p(x) = {sum_of([shown(j, 4) for j in joint])} = {shown(px)}",
            f"𝓛(x) = "
            f"{sum_of([f'{given(w)} log ({shown(j, 4)}/{given(w)})' for w, j in zip(q, joint)])}"
            f" = {shown(bound)}",
            f"log p(x) = {shown(math.log(px))} = {shown(KL)} + ({shown(bound)})",
        ),
        room=4,
    )  # fmt: skip


@template("2-bound", minutes=6)
def equation_3(draw: Draw) -> Question:
    """Eq. (3) on three z: reconstruction minus KL from the prior."""
    prior, q = draw.two(3, 20, 2)
    log_like = draw.until(lambda: [draw.number(-5, -0.2, 0.1) for _ in range(3)], distinct)
    reconstruction = float(np.dot(q, log_like))
    KL = float(kl_divergence(q, prior, base=E))
    return Question(
        Text(
            "z has three values. Find $E_q[log p(x|z)]$ and $KL(q(z|x) ‖ p(z))$ of eq. (3), and "
            "the bound, in nats. What becomes of $log p(x)$ and of $KL(q(z|x) ‖ p(z|x))$ if the "
            "encoder alone is changed so that $𝓛(x)$ grows?",
            "z의 값은 세 가지이다. 식 (3)의 $E_q[log p(x|z)]$와 $KL(q(z|x) ‖ p(z))$, 하한을 내트로 "
            "구하라. 인코더만 바꾸어 $𝓛(x)$가 커지면 $log p(x)$와 $KL(q(z|x) ‖ p(z|x))$는 어떻게 "
            "되는가?",
        ),
        (
            blank("E_q[log p(x|z)]", reconstruction, "nat",
                  wrong={SIGN: -reconstruction,
                         Text("weighed by the prior", "사전 분포로 가중했다"):
                         float(np.dot(prior, log_like))}),
            blank("KL(q(z|x) ‖ p(z))", KL, "nat",
                  wrong={SWAPPED: float(kl_divergence(prior, q, base=E)), BITS: KL / LN2,
                         SIGN: -KL}),
            blank("𝓛(x)", reconstruction - KL, "nat", follows=lambda n: n[0] - n[1],
                  wrong={Text("the KL is added", "KL을 더했다"): reconstruction + KL}),
        ),
        table=(
            ("z", "1", "2", "3"),
            ("p(z)", *map(given, prior)),
            ("q(z|x)", *map(given, q)),
            ("log p(x|z)", *map(given, log_like)),
        ),
        steps=(
            f"{sum_of([f'{given(w)} · ({given(v)})' for w, v in zip(q, log_like)])}"
            f" = {shown(reconstruction)}",
            f"KL = {sum_of([f'{given(w)} log ({given(w)}/{given(p)})' for w, p in zip(q, prior)])}"
            f" = {shown(KL)}",
            f"𝓛(x) = {shown(reconstruction)} − {shown(KL)} = {shown(reconstruction - KL)}",
        ),
        words=Text("(1) $log p(x)$ does not depend on the encoder: it stays. (2) $KL(q(z|x) ‖ "
                   "p(z|x))$ falls by as much as $𝓛$ grows.",
                   "(1) $log p(x)$는 인코더와 무관하므로 그대로이다. (2) $KL(q(z|x) ‖ p(z|x))$는 "
                   "$𝓛$이 커진 만큼 작아진다."),
    )  # fmt: skip


BOUND = (
    "log p(x) = E_q[log p(x)]",
    "= E_q[log p(x, z) − log p(z|x)]",
    "= E_q[log q(z|x) − log p(z|x)] + E_q[log p(x, z) − log q(z|x)]",
    "= KL(q(z|x) ‖ p(z|x)) + 𝓛(x)",
    "𝓛(x) = E_q[log p(x|z)] + E_q[log p(z) − log q(z|x)]",
    "= E_q[log p(x|z)] − KL(q(z|x) ‖ p(z))",
)


@template("2-bound", minutes=6)
def bound_in_disorder(draw: Draw) -> Question:
    """Eq. (1) and (3) derived, the lines in the wrong order; and one number by each."""
    order = draw.order(len(BOUND))
    KL, bound = draw.number(0.1, 3, 0.1), draw.number(-9, -2, 0.1)
    prior_KL = draw.until(lambda: draw.number(0.2, 3, 0.1), lambda other: other != KL)
    right = "".join(str(order.index(i) + 1) for i in range(len(BOUND)))
    lines = "\n".join(f"    ({n}) {BOUND[i]}" for n, i in enumerate(order, 1))
    return Question(
        Text(
            "These lines lead to eq. (1) and from there to eq. (3), but in disorder. Write the "
            f"numbers in the right order, as 316245. For one x, $𝓛(x)$ = {given(bound)}, "
            f"$KL(q(z|x) ‖ p(z|x))$ = {given(KL)} and $KL(q(z|x) ‖ p(z))$ = {given(prior_KL)} "
            f"nats: find $log p(x)$ and $E_q[log p(x|z)]$.\n{lines}",
            "식 (1)을 거쳐 식 (3)에 이르는 줄들의 순서가 뒤섞여 있다. 번호를 바른 순서로 "
            f"써라(예: 316245). 어떤 x에 대해 $𝓛(x)$ = {given(bound)}, $KL(q(z|x) ‖ p(z|x))$ = "
            f"{given(KL)}, $KL(q(z|x) ‖ p(z))$ = {given(prior_KL)}내트이다. $log p(x)$와 "
            f"$E_q[log p(x|z)]$를 구하라.\n{lines}",
        ),
        (
            replace(choice(Text("order", "순서"), right, ()), points=3),
            blank("log p(x)", bound + KL, "nat", wrong={
                SIGN: bound - KL, Text("the other KL", "다른 KL을 썼다"): bound + prior_KL}),
            blank("E_q[log p(x|z)]", bound + prior_KL, "nat", wrong={
                SIGN: bound - prior_KL, Text("the other KL", "다른 KL을 썼다"): bound + KL}),
        ),
        steps=(
            *BOUND,
            f"log p(x) = {given(bound)} + {given(KL)} = {shown(bound + KL)}",
            f"E_q[log p(x|z)] = {given(bound)} + {given(prior_KL)} = {shown(bound + prior_KL)}",
        ),
        room=1,
    )  # fmt: skip


@template("2-bound", minutes=6)
def importance_weights(draw: Draw) -> Question:
    """L_K, the log of the mean weight, and the mean of the logs, an estimate of the bound."""
    log_w = draw.until(
        lambda: [draw.number(-6, -1, 0.1) for _ in range(3)],
        lambda log_w: distinct(log_w) and max(log_w) - min(log_w) >= 1,
    )
    total = LogMean(1)
    total.add(np.array(log_w)[:, None])
    LK = float(total.result()[0][0])
    mean = float(np.mean(log_w))
    largest = max(log_w)
    larger = "A" if mean < LK else "B"
    return Question(
        Text(
            f"Three samples $z ~ q(z|x)$ have log w = {row(log_w)}, $w = p(x, z)/q(z|x)$. Find "
            "$A = L₃ = log (1/3) Σ w$ and $B = (1/3) Σ log w$ in nats. Which is larger? Which "
            "of the two comes near to $log p(x)$ with many samples? Which inequality says it?",
            "$z ~ q(z|x)$인 표본 세 개의 중요도 가중치 $w = p(x, z)/q(z|x)$의 로그가 log w = "
            f"{row(log_w)}이다. $A = L₃ = log (1/3) Σ w$와 $B = (1/3) Σ log w$를 내트로 구하라. "
            "어느 쪽이 큰가? 표본이 많아지면 $log p(x)$에 가까워지는 쪽은? 어떤 부등식 때문인가?",
        ),
        (
            blank("A", LK, "nat", wrong={
                MEAN_OF_LOG: mean, Text("the sum in place of the mean", "평균 대신 합을 구했다"):
                LK + math.log(3)}),
            blank("B", mean, "nat", wrong={LOG_OF_MEAN: LK}),
            choice(Text("larger", "큰 쪽"), larger, "AB"),
            choice(Text("near to $log p(x)$", "$log p(x)$에 가까워지는 쪽"), "A", "AB"),
        ),
        steps=(
            f"A = {given(largest)} + log "
            f"(({sum_of([f'e^({given(round(v - largest, 6))})' for v in log_w])}) / 3) = "
            f"{shown(LK)}",
            f"B = ({sum_of([given(v) for v in log_w])}) / 3 = {shown(mean)}",
        ),
        words=Text("Jensen's inequality: the log of a mean is at least the mean of the logs.",
                   "젠센 부등식: 평균의 로그는 로그의 평균보다 작지 않다."),
        words_points=1,
    )  # fmt: skip


@template("2-bound", minutes=6)
def kl_is_not_zero(draw: Draw) -> Question:
    """Why the KL term is not 0 at the optimum: it buys reconstruction."""
    n = 2 ** draw.whole(2, 6)
    KL = round(draw.number(0.6, 1.2, 0.05) * math.log2(n) / 2, 3)
    gain = round(KL + draw.number(0.2, 3, 0.1), 3)
    H = float(entropy(np.full(n, 1 / n), base=E))
    other = round(-H - draw.number(3.2, 9, 0.1), 2)
    return Question(
        Text(
            f"The data are {n} pictures, each as frequent. Model A's encoder gives $N(0, I)$ for "
            f"every x: its KL is 0, and its $E_q[log p(x|z)]$ is {given(other)} nats. Model B "
            f"has the KL {given(KL)} and $E_q[log p(x|z)]$ = {given(round(other + gain, 3))}. "
            "Find both bounds. Which model is better? The mean bound of no model is above −H, "
            "with H the entropy of the data in nats: find −H. Why is the KL of a good model not 0?",
            f"데이터는 같은 빈도로 나오는 그림 {n}장이다. 모형 A의 인코더는 모든 x에 $N(0, I)$를 "
            f"주어 KL이 0이고 $E_q[log p(x|z)]$는 {given(other)}내트이다. 모형 B는 KL이 "
            f"{given(KL)}이고 $E_q[log p(x|z)]$ = {given(round(other + gain, 3))}이다. 두 하한을 "
            "구하라. 어느 모형이 더 좋은가? 어떤 모형의 평균 하한도 −H를 넘지 않는다(H는 데이터의 "
            "엔트로피, 내트). −H를 구하라. 좋은 모형의 KL은 왜 0이 아닌가?",
        ),
        (
            blank("A: 𝓛", other, "nat"),
            blank("B: 𝓛", other + gain - KL, "nat",
                  wrong={Text("the KL is added", "KL을 더했다"): other + gain + KL}),
            choice(Text("better", "더 좋은 모형"), "B", "AB"),
            blank("−H", -H, "nat", wrong={SIGN: H, BITS: -H / LN2}),
        ),
        steps=(
            f"A: {given(other)} − 0 = {shown(other)}",
            f"B: {given(round(other + gain, 3))} − {given(KL)} = {shown(other + gain - KL)}",
            f"−log {n} = {shown(-H)}",
        ),
        words=Text("(1) With KL 0 the code z says nothing of x, and the decoder has to give one "
                   "distribution for all x. (2) $E_q[log p(x|z)]$ can grow by more than the KL.",
                   "(1) KL이 0이면 z는 x에 대해 아무것도 말하지 않고, 디코더는 모든 x에 같은 "
                   "분포를 준다. (2) $E_q[log p(x|z)]$가 KL보다 더 많이 커질 수 있다."),
    )  # fmt: skip


NO_PRIOR = Text("not weighed by the prior", "사전 분포로 가중하지 않았다")


@template("2-bound", minutes=5)
def assumed_gaussian(draw: Draw) -> Question:
    """A sentence of the notes to be corrected: q is assumed Gaussian, the posterior is not."""
    prior = 0.5
    like = draw.number(0.05, 0.4, 0.005), draw.number(0.5, 0.95, 0.005)
    px = prior * sum(like)
    posterior = like[1] / sum(like)
    return Question(
        Text(
            'The notes say: "Posterior Z|X: an uncorrelated Gaussian density is assumed." Write '
            "the correct sentence in words. To see that the model itself gives the posterior: let "
            f"z be 0 or 1, each with ½, $p(x|z = 0)$ = {given(like[0])} and $p(x|z = 1)$ = "
            f"{given(like[1])}. Find $p(x)$ and $p(z = 1|x)$. For $q(z = 1|x)$ = ½, how far is the "
            "bound below $log p(x)$, in nats?",
            '노트에는 "Posterior Z|X: 비상관 정규분포라고 가정한다"라고 되어 있다. 바르게 '
            "고쳐 글로 써라. 사후 분포가 모형에서 정해진다는 것을 보자. z는 0 또는 1이고 확률은 "
            f"각각 ½이며 $p(x|z = 0)$ = {given(like[0])}, $p(x|z = 1)$ = {given(like[1])}이다. "
            "$p(x)$와 $p(z = 1|x)$를 구하라. $q(z = 1|x)$ = ½이면 하한은 $log p(x)$보다 몇 내트 "
            "낮은가?",
        ),
        (
            blank("p(x)", px, wrong={NO_PRIOR: 2 * px}),
            blank("p(z = 1|x)", posterior,
                  follows=lambda n: 0.5 * like[1] / n[0] if n[0] else math.inf),
            blank(Text("below by", "차이"),
                  kl_divergence([0.5, 0.5], [1 - posterior, posterior], base=E), "nat",
                  follows=lambda n: float(kl_divergence([0.5, 0.5], [1 - n[1], n[1]], base=E))
                  if 0 < n[1] < 1 else math.inf,
                  wrong={SWAPPED: kl_divergence([1 - posterior, posterior], [0.5, 0.5], base=E)}),
        ),
        steps=(
            f"p(x) = ½ · {given(like[0])} + ½ · {given(like[1])} = {shown(px)}",
            f"p(z = 1|x) = ½ · {given(like[1])} / {shown(px)} = {shown(posterior)}",
            f"KL(q ‖ p(z|x)) = ½ log (½/{shown(1 - posterior)}) + ½ log (½/{shown(posterior)})",
        ),
        words=Text("(1) The approximation $q(z|x)$ is assumed to be Gaussian. (2) The posterior "
                   "$p(z|x)$ follows from prior and decoder, and in general it is no Gaussian.",
                   "(1) 정규분포라고 가정하는 것은 근사 분포 $q(z|x)$이다. (2) 사후 분포 "
                   "$p(z|x)$는 사전 분포와 디코더에서 정해지며, 일반적으로 정규분포가 아니다."),
    )  # fmt: skip
