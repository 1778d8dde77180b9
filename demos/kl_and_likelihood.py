# %% [markdown]
"""The least estimated KL is the highest likelihood; the least true KL is only near it.

The claim (notes §1.6). The data are N draws x_i of p, and the family is q_θ.

    ℓ(θ) = (1/N) Σ_i log q_θ(x_i)      the log likelihood of the draws, over N
    true KL         KL(p ‖ q_θ) = E_p[log p(x)] − E_p[log q_θ(x)]
    estimated KL    (1/N) Σ_i [log p(x_i) − log q_θ(x_i)] = (1/N) Σ_i log p(x_i) − ℓ(θ)

Only ℓ(θ) contains θ. So estimated KL + ℓ(θ) is one number for all θ: the θ of the
*least estimated KL* is exactly the θ of the *highest likelihood*. The θ of the *least
true KL* is another one. Below, the first two are at θ = 1.12, the third is at 1. They
come together as N grows: the distance falls like 1/√N.

If the family contains p, the least estimated KL is below 0: on its own draws the
likeliest q_θ has a higher likelihood than p. A true KL is never below 0.

In practice nobody knows p. Then neither KL can be computed, but the likelihood can:

    E_p[log q_θ(x)] = −KL(p ‖ q_θ) − H(p)

−H(p) is a constant. It is unknown, but it cancels in every difference of two models:

    KL(p ‖ q_1) − KL(p ‖ q_2) = E_p[log q_2(x) − log q_1(x)] ≈ ℓ_2 − ℓ_1

The last part of the demo takes such data: the share of ink in each image of MNIST.
"""

# %%
import numpy as np
from common import BLUE, GREY, LIGHT, ORANGE, finish, note, options, panels

from scratchvae import info, load_mnist
from scratchvae.distributions import gaussian_log_density

args = options(__doc__)

# %% p = N(1, 1.5²), 100 draws of it, and two families: of means and of widths
MU, SIGMA, N = 1.0, 1.5, 100
x = np.random.default_rng(0).normal(MU, SIGMA, N)


def log_normal(mu, sigma):
    """log N(x; mu, sigma²) as a function of draws x, (N,): (N,), in nats."""
    return lambda x: gaussian_log_density(x[:, None], np.full(1, mu), np.full(1, 2 * np.log(sigma)))


width = np.sqrt(np.mean((x - MU) ** 2))
families = {  # the θ that are tried, q_θ, the θ of the least true KL, the likeliest θ
    "N(θ, 1)": (np.linspace(-1.5, 3.5, 501), lambda theta: (theta, 1.0), MU, x.mean()),
    "N(1, θ²)": (np.linspace(0.7, 3.2, 501), lambda theta: (MU, theta), SIGMA, width),
}

# %% For each θ: the estimated KL, the true KL, and the log likelihood over N
log_p = log_normal(MU, SIGMA)
curves = {}
for name, (thetas, q, truth, likeliest) in families.items():
    pairs = [q(theta) for theta in thetas]
    kl, error = np.transpose(
        [info.monte_carlo_kl(x, log_p, log_normal(*pair), base=np.e) for pair in pairs]
    )
    log_likelihood = np.array([log_normal(*pair)(x).mean() for pair in pairs])
    mu, sigma = np.transpose(pairs)
    true_kl = info.gaussian_kl(
        np.full((len(pairs), 1), MU),
        np.full((len(pairs), 1), 2 * np.log(SIGMA)),
        mu[:, None],
        2 * np.log(sigma[:, None]),
        base=np.e,
    )
    curves[name] = kl, error, true_kl, log_likelihood

    lowest, highest, least = kl.argmin(), log_likelihood.argmax(), true_kl.argmin()
    both = kl + log_likelihood
    print(f"family {name}, in nats for each draw")
    print(f"  highest likelihood    {log_likelihood[highest]:7.4f} at θ = {thetas[highest]:.3f}")
    print(f"  by calculus           {'':7} at θ = {likeliest:.4f}")
    print(f"  least estimated KL    {kl[lowest]:7.4f} at θ = {thetas[lowest]:.3f}")
    print(f"  least true KL         {true_kl[least]:7.4f} at θ = {thetas[least]:.3f}")
    print(f"  estimated KL + log likelihood = {both.mean():.4f}, to {np.ptp(both):.0e} for all θ")
    for i in range(0, 501, 125):
        print(
            f"  θ = {thetas[i]:5.2f}: KL {kl[i]:6.3f} ± {error[i]:.3f} estimated,"
            f" {true_kl[i]:.3f} true"
        )
    step = thetas[1] - thetas[0]
    assert lowest == highest and abs(thetas[highest] - likeliest) <= step / 2 + 1e-12
    assert abs(thetas[least] - truth) < 1e-9 and least != lowest
    assert np.ptp(both) < 1e-12 and abs(both.mean() - log_p(x).mean()) < 1e-12
    assert (kl.min() < 0) == (true_kl.min() < 1e-12)  # the second family contains N(1, 1.5²)
    assert (np.abs(kl - true_kl) <= 4 * error + 1e-12).all()

# %% More draws, 400 runs: the likeliest θ of N(θ, 1) is the mean of the first n
n = np.arange(1, 10_001)
running = np.random.default_rng(2).normal(MU, SIGMA, (400, len(n))).cumsum(axis=1) / n
print("the likeliest θ of N(θ, 1): its distance from 1, root mean square of 400 runs")
for draws in (10, 100, 1000, 10_000):
    rms, expected = np.sqrt(np.mean((running[:, draws - 1] - MU) ** 2)), SIGMA / np.sqrt(draws)
    print(f"  {draws:5d} draws: {rms:.4f}; σ / √N = {expected:.4f}")
    assert 0.85 < rms / expected < 1.15

# %% Data whose p nobody knows: the share of ink of an image, in percent
mnist = load_mnist()
train, test = (images.mean(axis=1) / 2.55 for images in (mnist.train_images, mnist.test_images))
print(f"the share of ink: {train.min():.1f} % to {train.max():.1f} %, mean {train.mean():.1f} %")

# Three models: x, √x or log x is normal. With g(x) normal, q(x) = N(g(x); m, s²) g′(x)
TRANSFORMS = {
    "x normal": (lambda x: x, lambda x: np.zeros_like(x)),  # g and log g′
    "√x normal": (np.sqrt, lambda x: -np.log(2 * np.sqrt(x))),
    "log x normal": (np.log, lambda x: -np.log(x)),
}


def log_q(name, x):
    """log q(x) of the model with the mean and width of g(train), (N,), in nats."""
    g, log_slope = TRANSFORMS[name]
    return log_normal(g(train).mean(), g(train).std())(g(x)) + log_slope(x)


for name in TRANSFORMS:  # each q integrates to 1
    points = np.linspace(-20 if name == "x normal" else 1e-9, 120, 200_001)
    assert abs(np.trapezoid(np.exp(log_q(name, points)), points) - 1) < 1e-6
print("its log likelihood is -KL(p ‖ q) - H(p), and nobody knows the two terms apart:")
for name in TRANSFORMS:
    both = log_q(name, train).mean(), log_q(name, test).mean()
    print(f"  {name:13} {both[0]:.4f} in training, {both[1]:.4f} on test images, nats an image")
print("but the difference of two KLs is known, by the mean over the images, ± standard error:")
gains = {}
for name in ("√x normal", "log x normal"):
    for part, ink in (("training", train), ("test", test)):
        difference = log_q(name, ink) - log_q("x normal", ink)
        error = difference.std(ddof=1) / np.sqrt(len(ink))
        gains[name, part] = difference.mean(), error
        print(
            f"  KL(p ‖ x normal) - KL(p ‖ {name}) = {difference.mean():.4f} ± {error:.4f}"
            f" nats, {part} images"
        )
    (learnt, its_error), (seen, error) = gains[name, "training"], gains[name, "test"]
    assert abs(learnt - seen) < 4 * np.hypot(its_error, error)
for part in ("training", "test"):  # √x is the most normal of the three
    gain, error = gains["√x normal", part]
    assert gain > 4 * error and gain > gains["log x normal", part][0]

# %% The picture
figure, (upper, (funnel, ink_panel)) = panels(
    2,
    2,
    (11.6, 8.4),
    "The least estimated KL is the highest likelihood; the least true KL is near it",
)
for axes, (name, (thetas, _, truth, likeliest)) in zip(upper, families.items()):
    kl, error, true_kl, log_likelihood = curves[name]
    axes.fill_between(thetas, kl - 2 * error, kl + 2 * error, color=LIGHT)
    lines = [
        *axes.plot(thetas, kl, color=BLUE, lw=2, label="estimated KL (grey: ± 2 errors)"),
        *axes.plot(thetas, true_kl, color="k", ls="--", label="true KL, closed form"),
        *axes.plot(thetas, log_likelihood, color=ORANGE, lw=2, ls="-.", label="log likelihood / N"),
    ]
    pair = [likeliest] * 2, [kl.min(), log_likelihood.max()]
    label = f"least estimated KL and\nhighest likelihood: θ = {likeliest:.3f}"
    optima = axes.plot(*pair, "o:", color=BLUE, ms=6, lw=1, label=label)
    label = f"least true KL: θ = {truth:g}"
    optima += axes.plot(truth, true_kl.min(), "s", color="w", mec="k", ms=6, label=label)
    middle = (kl + log_likelihood).mean() / 2
    axes.axhline(middle, color=GREY, lw=0.8)
    note(axes, "the mirror of blue and orange", (thetas[-1], middle), (0, 7), ha="right")
    axes.add_artist(axes.legend(handles=lines, loc="upper center", frameon=False, fontsize=9))
    axes.legend(handles=optima, loc="lower center", frameon=False, fontsize=9)
    axes.set(ylabel=f"nats a draw ({N} draws)")
upper[0].set(title="Which mean? q = N(θ, 1)", xlabel="θ, the mean of q", ylim=(-7.5, 6.8))
upper[1].set(title="Which width? q = N(1, θ²)", xlabel="θ, the standard deviation of q")
upper[1].set(ylim=(-3.5, 2.4))

few = np.unique(np.geomspace(1, len(n), 40).astype(int)) - 1  # as many points as one can see
funnel.plot(n[few], running[:8, few].T, color=GREY, lw=1)
for sign in (1, -1):
    funnel.plot(n[few], MU + sign * 2 * SIGMA / np.sqrt(n[few]), color="k", ls="--")
funnel.axhline(MU, color="k", lw=1)
note(funnel, "1 ± 2 · 1.5 / √N", (8, 2.2), (6, 8))
note(funnel, "least true KL: θ = 1", (9e3, 1), (0, 26), ha="right")
funnel.set(title="More draws: 8 runs", xlabel="N, draws", ylabel="likeliest θ of N(θ, 1)")
funnel.set(xscale="log", xlim=(1, 1e4), ylim=(-2.2, 4.2))

ink_panel.hist(train, bins=80, density=True, color=LIGHT)
grid = np.linspace(2, 32, 301)
for name, colour, style in (("x normal", ORANGE, "-."), ("√x normal", BLUE, "-")):
    ink_panel.plot(grid, np.exp(log_q(name, grid)), color=colour, ls=style, lw=2, label=name)
gain, error = gains["√x normal", "training"]
note(ink_panel, "p: nobody knows its density\nnor its entropy, but", (19, 0.066))
note(ink_panel, "KL(p ‖ x normal)\n− KL(p ‖ √x normal)", (19.6, 0.053))
note(ink_panel, f"= {gain:.4f} ± {error:.4f} nats", (19.6, 0.044))
ink_panel.set(title="p unknown: the ink of 60000 images", xlabel="share of ink, %")
ink_panel.set(ylabel="density, histogram", xlim=(2, 32))
ink_panel.legend(frameon=False, fontsize=9, loc="upper right")
finish(figure, args)
