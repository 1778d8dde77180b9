"""§2 The whole process: one pass forward and backward by hand, Adam, and what collapse is."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from scratchvae.distributions import gaussian_kl, reparameterize
from scratchvae.homework.sheets.pictures import learning_curve
from scratchvae.homework.sheets.question import (
    HALF,
    LOG_SIGMA,
    MEAN,
    NO_KL,
    SIGN,
    SQUARE,
    Draw,
    Numbers,
    Question,
    Text,
    blank,
    distinct,
    given,
    in_brackets,
    row,
    shown,
    signed,
    template,
)
from scratchvae.layers import sigmoid
from scratchvae.optimizers import Adam
from scratchvae.parameters import Parameters
from scratchvae.vae import VAE

LOOSE = 0.005  # of a number at the end of a long way


class Pass(NamedTuple):
    """A VAE 2-2-1-2-2, an image, an ε, and what the package computes of them."""

    vae: VAE
    x: list[float]
    eps: float
    forward: dict[str, float]
    backward: dict[str, float]


def one_pass(draw: Draw) -> Pass:
    """Draw weights, image and ε, and compute the loss and its gradient, by `VAE` itself.

    With one image, the gradient of a bias is the gradient of its layer's output: db = dy.
    """
    vae = VAE(2, (2,), 1, dtype=np.float64)
    for i in range(vae.params.theta.size):
        vae.params.theta[i] = draw.signed(0.1, 0.9)
    x = [1.0, float(draw.whole(0, 1))]
    eps = draw.signed(0.3, 1.5)
    W = vae.params.values
    loss = vae.loss_and_grad([x], [[eps]])
    g = {name: value.copy() for name, value in vae.params.grads.items()}
    h = np.tanh(x @ W["encoder.0.W"] + W["encoder.0.b"])
    mu, logvar = (m.ravel() for m in vae.encode([x]))
    z = reparameterize(mu, logvar, np.array([eps]))
    h2 = np.tanh(z @ W["decoder.0.W"] + W["decoder.0.b"])
    p = vae.decode(z[None])[0]
    KL = float(gaussian_kl(mu, logvar))
    names = ("h₁", "h₂", "μ", "log σ²", "σ", "z", "h′₁", "h′₂", "p₁", "p₂", "KL", "log p(x|z)")
    values = [*h, mu[0], logvar[0], math.exp(logvar[0] / 2), z[0], *h2, *p, KL, KL - loss]
    forward = dict(zip(names, map(float, values))) | {"loss": float(loss)}
    dz = float((g["decoder.0.b"] @ W["decoder.0.W"].T)[0])
    back = [*g["logits.b"], *g["decoder.0.b"], dz, *g["mu.b"], *g["logvar.b"], *g["encoder.0.b"]]
    named = ("da₁", "da₂", "du′₁", "du′₂", "dz", "dμ", "dlog σ²", "du₁", "du₂")
    return Pass(vae, x, eps, forward, dict(zip(named, map(float, back))))


def weights(done: Pass) -> tuple[tuple[Text | str, ...], ...]:
    """The weights as a table: a layer in each row, by its name."""
    W = done.vae.params.values
    rows = []
    for name, formula in (
        ("encoder.0", "u = x W + b,  h = tanh(u)"),
        ("mu", "μ = h W + b"),
        ("logvar", "log σ² = h W + b"),
        ("decoder.0", "u′ = z W + b,  h′ = tanh(u′)"),
        ("logits", "a = h′ W + b,  p = sigmoid(a)"),
    ):
        matrix = "; ".join(row(line) for line in W[f"{name}.W"])
        rows.append((formula, matrix, row(W[f"{name}.b"])))
    return (("", "W", "b"), *rows)


@template("2-process", minutes=14)
def forward_pass(draw: Draw) -> Question:
    """From x to the loss, through all layers: 13 blanks."""
    done = one_pass(draw)
    f, W = done.forward, done.vae.params.values
    v = list(f)

    def follow(name: str, n: Numbers) -> float:
        have = dict(zip(v, n))
        if name in ("μ", "log σ²"):
            layer = {"μ": "mu", "log σ²": "logvar"}[name]
            h = np.array([have["h₁"], have["h₂"]])
            return float((h @ W[f"{layer}.W"] + W[f"{layer}.b"])[0])
        if name in ("h′₁", "h′₂"):
            i = int(name == "h′₂")
            return math.tanh(have["z"] * W["decoder.0.W"][0, i] + W["decoder.0.b"][i])
        if name in ("p₁", "p₂"):
            a = np.array([have["h′₁"], have["h′₂"]]) @ W["logits.W"] + W["logits.b"]
            return float(sigmoid(a)[int(name == "p₂")])
        mu, logvar = have["μ"], have["log σ²"]
        with np.errstate(divide="ignore", invalid="ignore"):
            p = np.array([have["p₁"], have["p₂"]])
            log_px = float(np.log(np.where(np.array(done.x) > 0, p, 1 - p)).sum())
        return {
            "σ": lambda: math.exp(min(logvar, 99) / 2),
            "z": lambda: mu + have["σ"] * done.eps,
            "KL": lambda: -0.5 * (1 + logvar - mu**2 - math.exp(min(logvar, 99))),
            "log p(x|z)": lambda: log_px,
            "loss": lambda: have["KL"] - have["log p(x|z)"],
        }[name]()

    wrong = {
        "σ": {SQUARE: f["σ"] ** 2},
        "z": {SIGN: f["μ"] - f["σ"] * done.eps, SQUARE: f["μ"] + f["σ"] ** 2 * done.eps},
        "KL": {HALF: 2 * f["KL"], SIGN: -f["KL"],
               LOG_SIGMA: float(gaussian_kl(np.array([f["μ"]]), np.array([2 * f["log σ²"]])))},
        "log p(x|z)": {SIGN: -f["log p(x|z)"], MEAN: f["log p(x|z)"] / 2},
        "loss": {SIGN: -f["loss"]},
    }  # fmt: skip
    blanks = tuple(
        blank(name, f[name], "nat" if name in ("KL", "log p(x|z)", "loss") else "",
              tolerance=LOOSE, wrong=wrong.get(name),
              follows=None if name in ("h₁", "h₂") else partial(follow, name))
        for name in v
    )  # fmt: skip
    return Question(
        Text(
            f"A VAE 2-2-1-2-2, with the image x = {row(done.x)} and ε = {given(done.eps)}. Go "
            "from x to the loss (L = 1, one image). A bracket is a row of W.",
            f"2-2-1-2-2 VAE이고, 이미지는 x = {row(done.x)}, ε = {given(done.eps)}이다. x에서 "
            "손실까지 계산하라(L = 1, 이미지 하나). 괄호 하나가 W의 한 행이다.",
        ),
        blanks,
        table=weights(done),
        steps=(
            f"h = tanh(u) = ({shown(f['h₁'])}, {shown(f['h₂'])})",
            f"σ = e^(½ · {in_brackets(f['log σ²'])}) = {shown(f['σ'])}",
            f"z = {shown(f['μ'])} + {shown(f['σ'])} · {signed(done.eps)} = {shown(f['z'])}",
            f"log p(x|z) = Σ x log p + (1 − x) log (1 − p) = {shown(f['log p(x|z)'])}",
            f"loss = {shown(f['KL'])} − ({shown(f['log p(x|z)'])}) = {shown(f['loss'])}",
        ),
        room=6,
    )  # fmt: skip


@template("2-process", minutes=12)
def backward_pass(draw: Draw) -> Question:
    """From the loss back to the encoder: 9 blanks, σ and p are given."""
    done = one_pass(draw)
    f, b, W = done.forward, done.backward, done.vae.params.values
    names = list(b)
    slope = {1: 1 - np.array([f["h₁"], f["h₂"]]) ** 2, 2: 1 - np.array([f["h′₁"], f["h′₂"]]) ** 2}

    def follow(name: str, n: Numbers) -> float:
        have = dict(zip(names, n))
        i = int(name[-1] == "₂")
        if name.startswith("du′"):
            da = np.array([have["da₁"], have["da₂"]])
            return float((da @ W["logits.W"].T * slope[2])[i])
        if name.startswith("du"):
            dh = have["dμ"] * W["mu.W"].ravel() + have["dlog σ²"] * W["logvar.W"].ravel()
            return float((dh * slope[1])[i])
        return {
            "dz": lambda: float(
                np.array([have["du′₁"], have["du′₂"]]) @ W["decoder.0.W"].ravel()),
            "dμ": lambda: have["dz"] + f["μ"],
            "dlog σ²": lambda: have["dz"] * done.eps * f["σ"] / 2 + (f["σ"] ** 2 - 1) / 2,
        }[name]()  # fmt: skip

    dz, d = b["dz"], b["dlog σ²"]
    wrong = {
        "da₁": {SIGN: -b["da₁"]}, "da₂": {SIGN: -b["da₂"]},
        "dμ": {NO_KL: dz},
        "dlog σ²": {NO_KL: dz * done.eps * f["σ"] / 2,
                    HALF: dz * done.eps * f["σ"] + (f["σ"] ** 2 - 1) / 2},
    }  # fmt: skip
    blanks = tuple(
        blank(name, b[name], tolerance=LOOSE, wrong=wrong.get(name),
              follows=None if name.startswith("da") else partial(follow, name))
        for name in names
    )  # fmt: skip
    numbers = ", ".join(
        f"{name} = {shown(f[name])}" for name in ("h₁", "h₂", "μ", "σ", "h′₁", "h′₂", "p₁", "p₂")
    )
    return Question(
        Text(
            f"A VAE 2-2-1-2-2, with x = {row(done.x)} and ε = {given(done.eps)}. Forward it gave "
            f"{numbers}. Go back from the loss (L = 1, one image). Each d is the derivative of the "
            "loss: da is ∂loss/∂a. A bracket is a row of W.",
            f"2-2-1-2-2 VAE이고 x = {row(done.x)}, ε = {given(done.eps)}이다. 앞으로 계산한 "
            f"결과는 {numbers}이다. 손실에서 거꾸로 계산하라(L = 1, 이미지 하나). d는 모두 손실의 "
            "미분이다(da는 ∂loss/∂a). 괄호 하나가 W의 한 행이다.",
        ),
        blanks,
        table=weights(done),
        steps=(
            f"da = p − x = ({shown(b['da₁'])}, {shown(b['da₂'])})",
            f"du′ = (da Wᵀ) ⊙ (1 − h′²) = ({shown(b['du′₁'])}, {shown(b['du′₂'])})",
            f"dz = du′ Wᵀ = {shown(dz)}",
            f"dμ = dz + μ = {shown(dz)} + {in_brackets(f['μ'])} = {shown(b['dμ'])}",
            f"dlog σ² = dz · ε · ½ σ + ½ (σ² − 1) = {shown(d)}",
            f"du = (dμ W_muᵀ + dlog σ² W_logvarᵀ) ⊙ (1 − h²) = ({shown(b['du₁'])}, "
            f"{shown(b['du₂'])})",
        ),
        room=6,
    )  # fmt: skip


@template("2-process", minutes=6)
def adam(draw: Draw) -> Question:
    """Adam's first two steps of one weight."""
    g = draw.until(lambda: [draw.signed(0.2, 4), draw.signed(0.2, 4)], distinct)
    theta = draw.signed(0.2, 2)
    lr = draw.number(0.1, 0.5, 0.1)
    params = Parameters({"w": (1,)}, np.float64)
    params.theta[0] = theta
    rule, thetas = Adam(params, lr=lr), []
    for value in g:
        params.g[0] = value
        rule.step()
        thetas.append(float(params.theta[0]))
    m = 0.1 * g[0], 0.09 * g[0] + 0.1 * g[1]
    m_hat = m[1] / (1 - 0.9**2)
    v_hat = (0.000999 * g[0] ** 2 + 0.001 * g[1] ** 2) / (1 - 0.999**2)
    plain = Text("without the bias correction", "편향 보정을 하지 않았다")
    second = thetas[0] - lr * m_hat / math.sqrt(v_hat)
    return Question(
        Text(
            f"Adam with α = {given(lr)}, $β₁$ = 0.9, $β₂$ = 0.999, from θ = {given(theta)}. The "
            f"gradients of the first two steps are {given(g[0])} and {given(g[1])}. Find $θ$ "
            "after step 1; $m̂$ and $v̂$ of step 2; $θ$ after step 2. How long is the first "
            "step, whatever the gradient is?",
            f"Adam에서 α = {given(lr)}, $β₁$ = 0.9, $β₂$ = 0.999이고 θ = {given(theta)}에서 "
            f"시작한다. 처음 두 걸음의 기울기는 {given(g[0])}, {given(g[1])}이다. 1걸음 뒤의 "
            "$θ$, 2걸음째의 $m̂$과 $v̂$, 2걸음 뒤의 θ를 구하라. 기울기가 얼마이든 첫 걸음의 "
            "길이는?",
        ),
        (
            blank(Text("$θ$ after 1", "1걸음 뒤의 $θ$"), thetas[0], wrong={
                SIGN: 2 * theta - thetas[0],
                plain: theta - lr * m[0] / math.sqrt(0.001 * g[0] ** 2)}),
            blank("m̂", m_hat, wrong={plain: m[1]}),
            blank("v̂", v_hat, tolerance=0.01, wrong={plain: v_hat * (1 - 0.999**2)}),
            blank(Text("$θ$ after 2", "2걸음 뒤의 $θ$"), thetas[1],
                  wrong={SIGN: 2 * thetas[0] - second},
                  follows=lambda n: n[0] - lr * n[1] / math.sqrt(n[2]) if n[2] > 0 else math.inf),
            blank(Text("length", "길이"), lr),
        ),
        steps=(
            f"m̂ = g, v̂ = g²: θ = {given(theta)} − {given(lr)} · {'1' if g[0] > 0 else '(−1)'}"
            f" = {shown(thetas[0])}",
            f"m̂ = (0.09 · {signed(g[0])} + 0.1 · {signed(g[1])}) / 0.19 = {shown(m_hat)}",
            f"v̂ = (0.000999 · {signed(g[0])}² + 0.001 · {signed(g[1])}²) / 0.001999"
            f" = {shown(v_hat)}",
            f"θ = {shown(thetas[0])} − {given(lr)} · {in_brackets(m_hat)} / √{shown(v_hat)}"
            f" = {shown(thetas[1])}",
        ),
    )  # fmt: skip


@template("2-process", minutes=5)
def collapse(draw: Draw) -> Question:
    """A learning curve to be read: when the KL falls to 0, and what it means."""
    at, epochs = draw.whole(5, 13), 16
    high, first = draw.number(4, 9, 0.5), draw.number(24, 29, 0.5)
    drop = draw.number(4, 8, 0.5)
    kl = [high * min(1.0, i / 3) if i < at else 0.0 for i in range(1, epochs + 1)]
    loss = [
        first - drop * min(1.0, i / 4) + (3.0 if i >= at else 0.0) for i in range(1, epochs + 1)
    ]
    return Question(
        Text(
            "$KL(q(z|x) ‖ p(z))$ (solid) and $−E_q[log p(x|z)]$ (dashed) during a training, in "
            "nats. In which epoch is the KL 0 for the first time? How large is the KL in the "
            "epoch before it, and the loss = $−𝓛$ in epoch 16? What does the encoder give for each "
            "x then, and what does the decoder learn from z? What helps?",
            "학습하는 동안의 $KL(q(z|x) ‖ p(z))$(실선)와 $−E_q[log p(x|z)]$(점선)이다(내트). "
            "KL이 처음으로 0이 된 에폭은? 바로 앞 에폭의 KL과 16번째 에폭의 손실 $−𝓛$은 "
            "얼마인가? 그때 인코더는 각 x에 대해 무엇을 주고, 디코더는 z에서 무엇을 알 "
            "수 있는가? 무엇이 도움이 되는가?",
        ),
        (
            blank(Text("epoch", "에폭"), at),
            blank(Text("KL before", "앞 에폭의 KL"), kl[at - 2], "nat", tolerance=0.3),
            blank(Text("loss", "손실"), loss[-1], "nat", tolerance=0.6),
        ),
        picture=learning_curve(kl, loss),
        steps=(f"−𝓛 = {shown(loss[-1])} + 0",),
        words=Text("(1) $q(z|x) = N(0, I)$ for every x: z says nothing of x, and the decoder gives "
                   "the same distribution for all. (2) A smaller weight β of the KL at the "
                   "beginning helps.",
                   "(1) 모든 x에 대해 $q(z|x) = N(0, I)$이다. z는 x에 대해 아무것도 말하지 않고, "
                   "디코더는 모든 x에 같은 분포를 준다. (2) 처음에 KL의 가중치 β를 작게 하면 "
                   "도움이 된다."),
        room=3,
    )  # fmt: skip


@template("2-process", minutes=5)
def one_reduction(draw: Draw) -> Question:
    """The loss of a minibatch: what is added, and what is a mean."""
    n_x = draw.whole(2, 9) * 100
    kl = [draw.number(1, 9, 0.5) for _ in range(2)]
    log_px = [-draw.number(40, 99, 0.5) for _ in range(2)]
    loss = (sum(kl) - sum(log_px)) / 2
    wrong = sum(kl) / 2 - sum(log_px) / 2 / n_x
    return Question(
        Text(
            f"A minibatch of two images of {n_x} pixels has KL = {row(kl)} (added over the "
            f"latent dimensions) and $log p(x|z)$ = {row(log_px)} (added over the pixels), L = "
            "1. Find the loss. A program takes the mean over the pixels, but adds the KL: find "
            "its loss, and by which factor its KL is too strong against the reconstruction.",
            f"픽셀이 {n_x}개인 이미지 두 장의 미니배치에서 KL = {row(kl)}(잠재 차원에 대한 합), "
            f"$log p(x|z)$ = {row(log_px)}(픽셀에 대한 합)이고 L = 1이다. 손실을 구하라. 어떤 "
            "프로그램은 KL은 더하면서 픽셀에 대해서는 평균을 구한다. 그 손실은 얼마이고, KL은 "
            "복원항에 비해 몇 배 크게 반영되는가?",
        ),
        (
            blank("loss", loss, "nat", wrong={SUM: 2 * loss, SIGN: -loss}),
            blank(Text("its loss", "그 손실"), wrong, "nat", wrong={SUM: 2 * wrong}),
            blank(Text("factor", "배수"), n_x),
        ),
        steps=(
            f"½ ({given(kl[0])} + {given(kl[1])}) + ½ ({given(-log_px[0])} + {given(-log_px[1])})"
            f" = {shown(loss)}",
            f"½ ({given(kl[0])} + {given(kl[1])}) + ½ ({given(-log_px[0])} + {given(-log_px[1])})"
            f" / {n_x} = {shown(wrong)}",
        ),
        room=2,
    )  # fmt: skip


SUM = Text("not divided by the number of images", "이미지의 수로 나누지 않았다")
