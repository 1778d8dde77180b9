"""§2 The estimator: reparameterization, the closed KL, eq. (10) and its gradient."""

import math

import numpy as np

from scratchvae.distributions import (
    bernoulli_log_likelihood,
    bernoulli_log_likelihood_backward,
    gaussian_kl,
    gaussian_kl_backward,
    reparameterize,
    reparameterize_backward,
)
from scratchvae.homework.sheets.pictures import contours_of_kl
from scratchvae.homework.sheets.question import (
    BITS,
    HALF,
    LOG_SIGMA,
    MEAN,
    NO_KL,
    SIGMA,
    SIGN,
    SQUARE,
    Draw,
    Follows,
    Numbers,
    Question,
    Slip,
    Text,
    blank,
    choice,
    distinct,
    given,
    row,
    shown,
    signed,
    sum_of,
    template,
)
from scratchvae.layers import sigmoid


def kl_of(mu: float, logvar: float) -> float:
    """KL(N(μ, σ²) ‖ N(0, 1)) in nats."""
    return float(gaussian_kl(np.array([mu]), np.array([logvar])))


def kl_sum(mu: float, logvar: float) -> str:
    """−½ (1 + log σ² − μ² − σ²), as it is written."""
    return (
        f"−½ (1 + {signed(logvar)} − {signed(mu)}² − {shown(math.exp(logvar))})"
        f" = {shown(kl_of(mu, logvar))}"
    )


def root_of(i: int) -> Follows:
    """The root of the student's own number in the blank i."""
    return lambda n: math.sqrt(max(n[i], 0))


@template("2-estimator", minutes=6)
def kl_of_gaussians(draw: Draw) -> Question:
    """The KL of a diagonal Gaussian from N(0, I): a term for each latent dimension."""
    mu = draw.until(lambda: [draw.signed(0.1, 2) for _ in range(2)], distinct)
    logvar = draw.until(lambda: [draw.signed(0.2, 2) for _ in range(2)], distinct)
    var = np.exp(logvar)
    KL = [kl_of(m, v) for m, v in zip(mu, logvar)]
    total = float(gaussian_kl(np.array(mu), np.array(logvar)))
    terms = [
        blank("", k, wrong={
            HALF: 2 * k, SIGN: -k, SIGMA: kl_of(m, v) + (math.sqrt(s) - s) / 2,
            LOG_SIGMA: kl_of(m, 2 * v)})
        for k, m, v, s in zip(KL, mu, logvar, var)
    ]  # fmt: skip
    return Question(
        Text(
            "The encoder gives these numbers for an image with two latent dimensions. Fill in the "
            "table (KL: the term of the dimension j), and find $KL(q(z|x) ‖ p(z))$ in nats, with "
            "$p(z) = N(0, I)$.",
            "잠재 차원이 2인 이미지에 대해 인코더가 준 값이 표와 같다. 표를 채우고(KL은 차원 j의 "
            "항), $p(z) = N(0, I)$일 때 $KL(q(z|x) ‖ p(z))$를 내트로 구하라.",
        ),
        (blank("KL(q(z|x) ‖ p(z))", total, "nat", follows=lambda n: n[2] + n[5], tolerance=0.004,
               wrong={HALF: 2 * total, SIGN: -total, MEAN: total / 2}),),
        table=(
            ("j", "μ", "log σ²", "σ²", "σ", "KL"),
            *(
                (str(j + 1), given(mu[j]), given(logvar[j]),
                 blank("", var[j], wrong={LOG_SIGMA: math.exp(2 * logvar[j])}),
                 blank("", math.sqrt(var[j]),
                       follows=root_of(3 * j),
                       wrong={SQUARE: var[j]}),
                 terms[j])
                for j in range(2)
            ),
        ),
        steps=(
            *(kl_sum(m, v) for m, v in zip(mu, logvar)),
            f"KL = {shown(KL[0])} + {shown(KL[1])} = {shown(total)}",
        ),
        room=2,
    )  # fmt: skip


@template("2-estimator", minutes=6)
def sample_and_gradient(draw: Draw) -> Question:
    """z = μ + σ ε for a given ε, and its gradient: to μ, and to log σ²."""
    mu, logvar = draw.signed(0.1, 2), draw.signed(0.2, 2)
    eps, dz = draw.signed(0.3, 2), draw.signed(0.2, 3)
    sigma = math.exp(logvar / 2)
    z = float(reparameterize(np.array(mu), np.array(logvar), np.array(eps)))
    dmu, dlogvar = (
        float(d[0]) for d in reparameterize_backward(
            np.array([[dz]]), np.array([logvar]), np.array([[eps]]))
    )  # fmt: skip
    return Question(
        Text(
            f"μ = {given(mu)}, $log σ²$ = {given(logvar)}, ε = {given(eps)}. Find $σ$ and z. The "
            f"decoder returns dz = ∂loss/∂z = {given(dz)}. Which gradient do $μ$ and $log σ²$ "
            "get through z? (The KL is not counted here.) Why is $ε$ drawn, and not z?",
            f"μ = {given(mu)}, $log σ²$ = {given(logvar)}, ε = {given(eps)}이다. σ와 z를 구하라. "
            f"디코더에서 dz = ∂loss/∂z = {given(dz)}가 돌아온다. z를 거쳐 μ와 $log σ²$에 "
            "전달되는 기울기는? (KL은 여기서 세지 않는다.) z가 아니라 ε을 뽑는 까닭은?",
        ),
        (
            blank("σ", sigma, wrong={SQUARE: sigma**2}),
            blank("z", z, follows=lambda n: mu + n[0] * eps,
                  wrong={SQUARE: mu + sigma**2 * eps, SIGN: mu - sigma * eps}),
            blank("dμ", dmu, wrong={NOT_PASSED: dz * sigma}),
            blank("dlog σ²", dlogvar, follows=lambda n: dz * eps * n[0] / 2,
                  wrong={HALF: 2 * dlogvar, NO_EPS: dz * sigma / 2,
                         SQUARE: dz * eps * sigma**2 / 2, SIGN: -dlogvar}),
        ),
        steps=(
            f"σ = e^(½ · {signed(logvar)}) = {shown(sigma)}",
            f"z = {given(mu)} + {shown(sigma)} · {signed(eps)} = {shown(z)}",
            f"dμ = dz = {given(dz)}",
            f"dlog σ² = dz · ε · ½ σ = {given(dz)} · {signed(eps)} · ½ · {shown(sigma)}"
            f" = {shown(dlogvar)}",
        ),
        words=Text("z is then a differentiable function of $μ$ and $σ$. A number drawn from "
                   "$N(μ, σ²)$ has no derivative.",
                   "그러면 z가 μ와 σ의 미분할 수 있는 함수가 된다. $N(μ, σ²)$에서 뽑은 수는 "
                   "미분할 수 없다."),
        words_points=1,
    )  # fmt: skip


NO_EPS = Text("$ε$ is forgotten", "ε을 빠뜨렸다")
NOT_PASSED = Text("multiplied by $σ$", "σ를 곱했다")


@template("2-estimator", minutes=5)
def at_eps_zero(draw: Draw) -> Question:
    """dlog σ² at ε = 0: nothing comes through z, but the KL still pushes σ² to 1."""
    mu, logvar = draw.signed(0.1, 2), draw.signed(0.2, 2)
    dz = draw.until(lambda: draw.signed(0.2, 3), lambda dz: dz + mu != 0)
    var = math.exp(logvar)
    zero = np.zeros((1, 1))
    through = float(reparameterize_backward(np.array([[dz]]), np.array([logvar]), zero)[1][0])
    dmu, dlogvar = (float(d[0]) for d in gaussian_kl_backward(np.array([mu]), np.array([logvar])))
    return Question(
        Text(
            f"μ = {given(mu)}, $log σ²$ = {given(logvar)}, and by chance ε = 0. The decoder "
            f"returns dz = {given(dz)} (one image, L = 1). Find the gradient of the loss in $log "
            "σ²$ through z, and through the KL; the whole $dlog σ²$; and the whole $dμ$. In "
            "which direction does a gradient step move $σ²$: up or down?",
            f"μ = {given(mu)}, $log σ²$ = {given(logvar)}이고 우연히 ε = 0이 나왔다. 디코더에서 "
            f"dz = {given(dz)}가 돌아온다(이미지 하나, L = 1). 손실을 $log σ²$으로 미분한 값 "
            "가운데 z를 거친 것과 KL에서 온 것, 합한 $dlog σ²$, 합한 $dμ$를 구하라. 경사하강 한 "
            "걸음에 $σ²$은 커지는가(up) 작아지는가(down)?",
        ),
        (
            blank(Text("through z", "z를 거쳐"), through,
                  wrong={NO_EPS: dz * math.sqrt(var) / 2}),
            blank(Text("through the KL", "KL에서"), dlogvar,
                  wrong={HALF: 2 * dlogvar, SIGN: -dlogvar, SIGMA: (math.sqrt(var) - 1) / 2}),
            blank("dlog σ²", through + dlogvar, follows=lambda n: n[0] + n[1]),
            blank("dμ", dz + dmu, wrong={NO_KL: dz, SIGN: dz - dmu}),
            choice(Text("$σ²$ goes", "$σ²$은"), "up" if dlogvar < 0 else "down", ("up", "down"),
                   follows=lambda n: "up" if n[2] < 0 else "down"),
        ),
        steps=(
            f"dz · ε · ½ σ = {given(dz)} · 0 · ½ σ = 0",
            f"½ (σ² − 1) = ½ ({shown(var)} − 1) = {shown(dlogvar)}",
            f"dμ = dz + μ = {given(dz)} + {signed(mu)} = {shown(dz + dmu)}",
        ),
        room=2,
    )  # fmt: skip


@template("2-estimator", minutes=6)
def equation_10(draw: Draw) -> Question:
    """Eq. (10) with L = 2 samples: the KL once, the likelihoods as a mean."""
    mu, logvar = draw.signed(0.1, 2), draw.signed(0.2, 1.5)
    log_px = draw.until(lambda: [draw.number(-9, -2, 0.1) for _ in range(2)], distinct)
    KL = kl_of(mu, logvar)
    mean = sum(log_px) / 2
    return Question(
        Text(
            f"One image, one latent dimension: μ = {given(mu)}, $log σ²$ = {given(logvar)}. For "
            f"L = 2 samples $log p(x|z)$ is {given(log_px[0])} and {given(log_px[1])}. Find "
            "$KL(q(z|x) ‖ p(z))$ and the mean of $log p(x|z)$, the estimate $𝓛$ of the bound by "
            "eq. (10), and the loss, in nats. Which of the first two changes if $ε$ is drawn anew, "
            "and why not the other?",
            f"이미지 하나, 잠재 차원 하나이다. μ = {given(mu)}, $log σ²$ = {given(logvar)}이고, "
            f"L = 2개의 표본에 대해 $log p(x|z)$는 {given(log_px[0])}, {given(log_px[1])}이다. "
            "$KL(q(z|x) ‖ p(z))$와 $log p(x|z)$의 평균, 식 (10)에 따른 하한의 추정값 $𝓛$, 손실을 "
            "내트로 구하라. ε을 새로 뽑으면 앞의 두 값 중 어느 것이 달라지고, 다른 하나는 왜 "
            "그대로인가?",
        ),
        (
            blank("KL(q(z|x) ‖ p(z))", KL, "nat", wrong={HALF: 2 * KL, SIGN: -KL,
                                          LOG_SIGMA: kl_of(mu, 2 * logvar)}),
            blank("(1/L) Σ_l log p(x|z_l)", mean, "nat",
                  wrong={Text("the sum in place of the mean", "평균 대신 합을 구했다"): 2 * mean}),
            blank("𝓛", mean - KL, "nat", follows=lambda n: n[1] - n[0],
                  wrong={Text("the KL is added", "KL을 더했다"): mean + KL}),
            blank("loss", KL - mean, "nat", follows=lambda n: -n[2], wrong={SIGN: mean - KL}),
        ),
        steps=(
            kl_sum(mu, logvar),
            f"½ ({given(log_px[0])} + ({given(log_px[1])})) = {shown(mean)}",
            f"𝓛 = {shown(mean)} − {shown(KL)} = {shown(mean - KL)}",
            f"loss = −𝓛 = {shown(KL - mean)}",
        ),
        words=Text("The mean of $log p(x|z)$ changes. The KL has no sample in it.",
                   "$log p(x|z)$의 평균이 달라진다. KL에는 표본이 들어 있지 않다."),
        words_points=1,
    )  # fmt: skip


@template("2-estimator", minutes=6)
def bernoulli_pixels(draw: Draw) -> Question:
    """Logits, probabilities, log p(x|z), and its gradient x − p."""
    a = draw.until(lambda: [draw.signed(0.2, 3) for _ in range(3)], distinct)
    x = draw.until(lambda: [float(draw.whole(0, 1)) for _ in range(3)], lambda x: 0 < sum(x) < 3)
    p = [float(v) for v in sigmoid(np.array(a))]
    logs = [math.log(v if bit else 1 - v) for v, bit in zip(p, x)]
    total = float(bernoulli_log_likelihood(np.array(x), np.array(a)))
    d = [float(v) for v in bernoulli_log_likelihood_backward(np.array(x), np.array(a))]
    return Question(
        Text(
            "The decoder gives a logit for each of three pixels. Fill in the table, and find "
            "$log p(x|z)$ in nats: the sum over the pixels. The last row is $∂log p(x|z)/∂a$.",
            "디코더가 세 픽셀의 로짓을 준다. 표를 채우고, 픽셀에 대한 합인 $log p(x|z)$를 "
            "내트로 구하라. 마지막 줄은 $∂log p(x|z)/∂a$이다.",
        ),
        (blank("log p(x|z)", total, "nat", follows=lambda n: sum(n[3:6]), tolerance=0.004,
               wrong={MEAN: total / 3, SIGN: -total, BITS: total / math.log(2)}),),
        table=(
            ("x", *map(given, x)),
            ("a", *map(given, a)),
            ("p = sigmoid(a)", *(blank("", v, wrong={SIGN: 1 - v}) for v in p)),
            ("log p(x_i|z)",
             *(blank("", v, follows=log_of(i, x[i]),
                     wrong={SIGN: -v, Text("the other value of the pixel", "픽셀의 다른 값"):
                            math.log(1 - math.exp(v))})
               for i, v in enumerate(logs))),
            (Text("derivative", "미분"),
             *(blank("", v, follows=minus(i, x[i]), wrong={SIGN: -v})
               for i, v in enumerate(d))),
        ),
        steps=(
            f"p = ({', '.join(shown(v) for v in p)})",
            f"log p(x|z) = {sum_of([shown(v) for v in logs])} = {shown(total)}",
            "∂log p(x|z)/∂a = x − p",
        ),
        room=2,
    )  # fmt: skip


def log_of(i: int, x: float) -> Follows:
    """log p for a pixel 1, log (1 − p) for a pixel 0, with the student's own p in the blank i."""

    def log(n: Numbers) -> float:
        p = n[i] if x else 1 - n[i]
        return math.log(p) if p > 0 else -math.inf

    return log


def minus(i: int, x: float) -> Follows:
    """x minus the student's own number in the blank i."""
    return lambda n: x - n[i]


@template("2-estimator", minutes=5)
def read_contours(draw: Draw) -> Question:
    """A picture to read: the KL over μ and σ."""

    def kl(mu: float, sigma: float) -> float:
        return kl_of(mu, 2 * math.log(sigma))

    def clear(where: list[list[float]]) -> bool:
        (a, b), (s, t) = where
        apart = abs(kl(a, s) - kl(b, t)) >= 0.4 and abs(kl(0, s) - kl(a, 1)) >= 0.2
        return apart and max(kl(a, s), kl(b, t)) <= 2.2 and abs(a - b) + abs(s - t) >= 0.6

    mu, sigma = draw.until(
        lambda: [[draw.signed(0.2, 2, 0.2) for _ in range(2)],
                 [draw.number(0.4, 2.2, 0.2) for _ in range(2)]],
        clear,
    )  # fmt: skip
    KL = [kl(m, s) for m, s in zip(mu, sigma)]
    less = [kl(0, sigma[0]), kl(mu[0], 1)]
    return Question(
        Text(
            "The picture has the lines of equal $KL(N(μ, σ²) ‖ N(0, 1))$, in nats. Read the KL "
            "at A and at B between the lines. At which is it larger? A and B stand where two fine "
            "lines cross; these are 0.2 apart. Read $μ$ and $σ$ of A, and compute the KL at A to "
            "three decimals. At A, which lowers the KL more: μ = 0, or σ = 1?",
            "그림은 $KL(N(μ, σ²) ‖ N(0, 1))$이 같은 점을 이은 선이다(내트). A와 B에서의 KL을 선 "
            "사이에서 읽어라. 어느 쪽이 큰가? A와 B는 0.2 간격인 가는 선 둘이 만나는 곳에 있다. "
            "A의 $μ$와 $σ$를 읽고, A에서의 KL을 소수점 아래 세 자리까지 계산하라. A에서 KL을 더 "
            "많이 낮추는 것은 μ = 0으로 바꾸는 것인가, σ = 1로 바꾸는 것인가?",
        ),
        (
            *(blank(Text(f"read, {n}", f"읽은 값, {n}"), v, "nat", tolerance=0.15)
              for n, v in zip("AB", KL)),
            choice(Text("larger", "큰 쪽"), "A" if KL[0] > KL[1] else "B", "AB",
                   follows=lambda n: "A" if n[0] > n[1] else "B"),
            blank(Text("computed, A", "계산, A"), KL[0], "nat",
                  wrong={HALF: 2 * KL[0], SIGN: -KL[0]}),
            choice(Text("lowers more", "더 낮추는 것"), "μ" if less[0] < less[1] else "σ",
                   ("μ = 0", "σ = 1")),
        ),
        picture=contours_of_kl([("A", mu[0], sigma[0]), ("B", mu[1], sigma[1])]),
        steps=(
            f"A: μ = {given(mu[0])}, σ = {given(sigma[0])}: ½ ({signed(mu[0])}² + "
            f"{given(sigma[0])}² − 1 − log {given(sigma[0])}²) = {shown(KL[0])}",
            f"B: μ = {given(mu[1])}, σ = {given(sigma[1])}: {shown(KL[1])}",
            f"μ = 0 → KL = {shown(less[0])}",
            f"σ = 1 → KL = {shown(less[1])}",
        ),
        room=2,
    )  # fmt: skip


KL_PROGRAM = """\
def gaussian_kl(mu, logvar):
    total = 0.0
    for m, v in zip(mu, logvar):
        var = exp(v)
        total += 1 + v - m**2 - var
    return -0.5 * total
"""
TERM, VAR, RESULT = "total += 1 + v - m**2 - var", "var = exp(v)", "return -0.5 * total"
SLIPS = {  # by the names that these mistakes have in the homework
    "kl_negative": Slip(RESULT, "return 0.5 * total", SIGN),
    "kl_without_half": Slip(RESULT, "return -total", HALF),
    "kl_with_the_square_of_the_variance": Slip(VAR, "var = exp(2 * v)", LOG_SIGMA),
    "kl_with_sigma": Slip(VAR, "var = exp(0.5 * v)", SIGMA),
    "kl_mean": Slip(RESULT, "return -0.5 * total / len(mu)", MEAN),
    "kl_with_mu": Slip(
        TERM, "total += 1 + v - m - var", Text("μ in place of μ²", "μ² 대신 μ를 썼다")
    ),
}


@template("2-estimator", minutes=6)
def wrong_gaussian_kl(draw: Draw) -> Question:
    """A program with one wrong line, a mistake that students make."""
    slip = list(SLIPS.values())[draw.whole(0, len(SLIPS) - 1)]
    mu, logvar = [draw.signed(0.2, 2) for _ in range(2)], [draw.signed(0.2, 1.5) for _ in range(2)]
    KL = float(gaussian_kl(np.array(mu), np.array(logvar)))
    return Question(
        Text(
            "This function should return $KL(N(μ, σ²) ‖ N(0, I))$ in nats; logvar is $log σ²$. "
            f"One line is wrong. What should it return for mu = {row(mu)}, logvar = {row(logvar)}? "
            "Say in words what is wrong, and write the line as it should be.",
            "이 함수는 $KL(N(μ, σ²) ‖ N(0, I))$를 내트로 돌려주어야 하는데, 한 줄이 틀렸다. "
            f"logvar는 $log σ²$이다. mu = {row(mu)}, logvar = {row(logvar)}이면 무엇을 "
            "돌려주어야 하는가? 무엇이 틀렸는지 글로 쓰고, 그 줄을 바르게 고쳐 써라.",
        ),
        (blank("KL", KL, "nat", tolerance=0.004, wrong={HALF: 2 * KL, SIGN: -KL, MEAN: KL / 2}),),
        code=KL_PROGRAM.replace(slip.right, slip.wrong),
        steps=(*(kl_sum(m, v) for m, v in zip(mu, logvar)), f"KL = {shown(KL)}"),
        words=slip.words(),
    )  # fmt: skip
