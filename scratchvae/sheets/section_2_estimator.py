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
from scratchvae.homework import catalogue
from scratchvae.layers import sigmoid
from scratchvae.sheets.pictures import contours_of_kl
from scratchvae.sheets.question import (
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
    Text,
    blank,
    choice,
    given,
    program,
    row,
    shown,
    signed,
    sum_of,
    template,
)


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
    mu = [draw.signed(0.1, 2) for _ in range(2)]
    logvar = [draw.signed(0.2, 2) for _ in range(2)]
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
            "table, and find the KL of $q(z|x)$ from the prior in nats.",
            "잠재 차원이 2인 이미지에 대해 인코더가 준 값이 표와 같다. 표를 채우고, 사전 분포에 "
            "대한 $q(z|x)$의 KL을 내트로 구하라.",
        ),
        (blank("KL", total, "nat", follows=lambda n: n[2] + n[5], tolerance=0.004,
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
    mu, logvar, dz = draw.signed(0.1, 2), draw.signed(0.2, 2), draw.signed(0.2, 3)
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
            blank(Text("KL", "KL에서"), dlogvar,
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
    log_px = [draw.number(-9, -2, 0.1) for _ in range(2)]
    KL = kl_of(mu, logvar)
    mean = sum(log_px) / 2
    return Question(
        Text(
            f"One image, one latent dimension: μ = {given(mu)}, $log σ²$ = {given(logvar)}. For "
            f"L = 2 samples $log p(x|z)$ is {given(log_px[0])} and {given(log_px[1])}. Find both "
            "terms of eq. (10), the estimate of the bound, and the loss, in nats. Which term "
            "changes if $ε$ is drawn anew?",
            f"이미지 하나, 잠재 차원 하나이다. μ = {given(mu)}, $log σ²$ = {given(logvar)}이고, "
            f"L = 2개의 표본에 대해 $log p(x|z)$는 {given(log_px[0])}, {given(log_px[1])}이다. "
            "식 (10)의 두 항과 하한의 추정값, 손실을 내트로 구하라. ε을 새로 뽑으면 어느 항이 "
            "달라지는가?",
        ),
        (
            blank("KL", KL, "nat", wrong={HALF: 2 * KL, SIGN: -KL,
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
    a = [draw.signed(0.2, 3) for _ in range(3)]
    x = [float(draw.whole(0, 1)) for _ in range(3)]
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
    mu = [draw.signed(0.2, 2, 0.2), draw.signed(0.2, 2, 0.2)]
    sigma = [draw.number(0.4, 2.2, 0.2), draw.number(0.4, 2.2, 0.2)]
    KL = [kl_of(m, 2 * math.log(s)) for m, s in zip(mu, sigma)]
    while abs(KL[0] - KL[1]) < 0.3 or max(KL) > 2.2:
        mu = [draw.signed(0.2, 2, 0.2), draw.signed(0.2, 2, 0.2)]
        sigma = [draw.number(0.4, 2.2, 0.2), draw.number(0.4, 2.2, 0.2)]
        KL = [kl_of(m, 2 * math.log(s)) for m, s in zip(mu, sigma)]
    where = {"μ": "μ → 0", "σ": "σ → 1"}
    less = [kl_of(0, 2 * math.log(sigma[0])), kl_of(mu[0], 0.0)]
    return Question(
        Text(
            "The picture has the lines of equal $KL(N(μ, σ²) ‖ N(0, 1))$, in nats. Read the KL "
            "at A and at B (± 0.15). Which is larger? Compute it at A (three decimals). At A, "
            "what lowers the KL more: μ → 0, or σ → 1?",
            "그림은 $KL(N(μ, σ²) ‖ N(0, 1))$이 같은 점을 이은 선이다(내트). A와 B에서의 값을 "
            "읽어라(± 0.15). 어느 쪽이 큰가? A에서의 값을 계산하라(소수점 아래 세 자리). A에서 "
            "KL을 더 많이 낮추는 것은 μ → 0인가 σ → 1인가?",
        ),
        (
            *(blank(Text(f"read, {n}", f"읽은 값, {n}"), v, "nat", tolerance=0.15)
              for n, v in zip("AB", KL)),
            choice(Text("larger", "큰 쪽"), "A" if KL[0] > KL[1] else "B", "AB",
                   follows=lambda n: "A" if n[0] > n[1] else "B"),
            blank(Text("computed, A", "계산, A"), KL[0], "nat",
                  wrong={HALF: 2 * KL[0], SIGN: -KL[0]}),
            choice(Text("lowers more", "더 낮추는 것"), "μ" if less[0] < less[1] else "σ",
                   tuple(where.values())),
        ),
        picture=contours_of_kl([("A", mu[0], sigma[0]), ("B", mu[1], sigma[1])]),
        steps=(
            f"A: μ = {given(mu[0])}, σ = {given(sigma[0])}: ½ ({signed(mu[0])}² + "
            f"{given(sigma[0])}² − 1 − log {given(sigma[0])}²) = {shown(KL[0])}",
            f"B: μ = {given(mu[1])}, σ = {given(sigma[1])}: {shown(KL[1])}",
            f"μ → 0: {shown(less[0])};  σ → 1: {shown(less[1])}",
        ),
        room=2,
    )  # fmt: skip


WRONG_KL = {
    "kl_negative": Text("The sign is turned round: −½ in place of ½.",
                        "부호가 반대이다. ½ 대신 −½이어야 한다."),
    "kl_without_half": Text("The ½ is missing.", "½이 빠졌다."),
    "kl_with_logvar_as_log_sigma": Text("$log σ²$ is taken for log $σ$: remove both factors 2.",
                                        "$log σ²$을 log σ로 여겼다. 2를 두 군데에서 없앤다."),
    "kl_with_sigma": Text("$σ$ stands where $σ²$ should: np.exp(logvar).",
                          "$σ²$ 대신 σ를 썼다. np.exp(logvar)이어야 한다."),
    "kl_with_half_logvar": Text("½ $log σ²$ stands where $log σ²$ should.",
                                "$log σ²$ 대신 ½ $log σ²$을 썼다."),
    "kl_mean": Text("The mean over the latent dimensions is taken, not the sum.",
                    "잠재 차원에 대해 더해야 하는데 평균을 구했다."),
    "kl_with_mu": Text("$μ$ stands where μ² should.", "μ² 대신 μ를 썼다."),
}  # fmt: skip
RIGHT_LINE = "`return -0.5 * (1 + logvar - mu**2 - np.exp(logvar)).sum(axis=-1)`"


@template("2-estimator", minutes=6)
def wrong_gaussian_kl(draw: Draw) -> Question:
    """A program with one wrong line, from the catalogue of wrong functions."""
    which = list(WRONG_KL)[draw.whole(0, len(WRONG_KL) - 1)]
    mu, logvar = [draw.signed(0.2, 2) for _ in range(2)], [draw.signed(0.2, 1.5) for _ in range(2)]
    body = {mistake.name: mistake.body for mistake in catalogue.of("2.2")}[which]
    KL = float(gaussian_kl(np.array(mu), np.array(logvar)))
    return Question(
        Text(
            "This function should return the KL of $N(μ, σ²)$ from $N(0, I)$. One line is "
            f"wrong. What should it return for mu = {row(mu)}, logvar = {row(logvar)}? Say what "
            "is wrong, and write the line as it should be.",
            "이 함수는 $N(0, I)$에 대한 $N(μ, σ²)$의 KL을 돌려주어야 하는데, 한 줄이 틀렸다. mu "
            f"= {row(mu)}, logvar = {row(logvar)}이면 무엇을 돌려주어야 하는가? 무엇이 틀렸는지 "
            "말하고 그 줄을 바르게 고쳐라.",
        ),
        (blank("KL", KL, "nat", tolerance=0.004, wrong={HALF: 2 * KL, SIGN: -KL, MEAN: KL / 2}),),
        code=program("def gaussian_kl(mu, logvar):\n", body),
        steps=(
            *(kl_sum(m, v) for m, v in zip(mu, logvar)),
            f"KL = {shown(KL)}",
            Text(*2 * [RIGHT_LINE]),
        ),
        words=WRONG_KL[which],
    )  # fmt: skip
