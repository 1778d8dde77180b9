# %% [markdown]
"""The θ of the least KL divergence is the θ of the highest likelihood: the two curves are mirror images.

The claim (notes §1.6): KL(p ‖ q_θ) is the mean over p of log p(x) − log q_θ(x), and so nearly the mean over N draws of p. Only the second
term knows θ, and it is the log likelihood of the draws. So the estimated KL and the log likelihood add up to a number without θ, and
lowering the one is raising the other. The likeliest θ nears the θ of the least true KL as N grows, as 1/√N. Where the family holds p, the
lowest estimate is below 0: on its own draws the likeliest θ does better than p.
"""

import numpy as np
from common import GREY, LIGHT, finish, options

from scratchvae import info
from scratchvae.distributions import gaussian_log_density

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options: they choose whether there is a window

# %% The truth p = N(1, 1.5²), 100 draws of it, and two families: one has the mean to choose, one the standard deviation
MU, SIGMA, N = 1.0, 1.5, 100
x = np.random.default_rng(0).normal(MU, SIGMA, N)


def log_normal(mu, sigma):
    """log N(x; mu, sigma²) as a function of draws x, (N,): (N,), in nats."""
    return lambda x: gaussian_log_density(x[:, None], np.full(1, mu), np.full(1, 2 * np.log(sigma)))


families = {
    "N(θ, 1)": (np.linspace(-1.5, 3.5, 501), lambda theta: (theta, 1.0), MU, x.mean()),
    "N(1, θ²)": (
        np.linspace(0.7, 3.2, 501),
        lambda theta: (MU, theta),
        SIGMA,
        np.sqrt(np.mean((x - MU) ** 2)),
    ),
}

# %% Over θ: the KL estimated from the draws, the KL in closed form, and the log likelihood of the draws for each draw
log_p = log_normal(MU, SIGMA)
curves = {}
for name, (thetas, q, truth, likeliest) in families.items():
    estimates = [
        info.monte_carlo_kl(x, log_p, log_normal(*q(theta)), base=np.e) for theta in thetas
    ]
    kl, error = np.array(estimates).T
    log_likelihood = np.array([log_normal(*q(theta))(x).mean() for theta in thetas])
    closed = np.array(
        [
            info.gaussian_kl(MU, 2 * np.log(SIGMA), mu, 2 * np.log(sigma), base=np.e)
            for mu, sigma in map(q, thetas)
        ]
    )
    curves[name] = kl, error, closed, log_likelihood

    lowest, highest, step = np.argmin(kl), np.argmax(log_likelihood), thetas[1] - thetas[0]
    print(f"family {name}")
    print(f"  lowest estimated KL   {kl[lowest]:7.4f} nats at θ = {thetas[lowest]:.3f}")
    print(
        f"  highest likelihood    {log_likelihood[highest]:7.4f} nats at θ = {thetas[highest]:.3f}    by calculus: θ = {likeliest:.4f}"
    )
    print(
        f"  lowest true KL        {closed.min():7.4f} nats at θ = {thetas[np.argmin(closed)]:.3f}"
    )
    print(
        f"  KL + log likelihood   {(kl + log_likelihood).mean():7.4f} nats, the same for every θ to {np.ptp(kl + log_likelihood):.0e}"
    )
    for theta, value, standard_error, exact in list(zip(thetas, kl, error, closed))[::125]:
        print(
            f"  θ = {theta:5.2f}: KL {value:6.3f} ± {standard_error:.3f} nats from the draws, {exact:.3f} in closed form"
        )
    assert lowest == highest and abs(thetas[highest] - likeliest) <= step / 2 + 1e-12
    assert (
        np.ptp(kl + log_likelihood) < 1e-12
        and abs((kl + log_likelihood).mean() - log_p(x).mean()) < 1e-12
    )
    assert abs(thetas[np.argmin(closed)] - truth) < 1e-9
    assert (kl.min() < 0) == (closed.min() < 1e-12)  # N(1, 1.5²) is in the second family
    assert (np.abs(kl - closed) <= 4 * error + 1e-12).all()

# %% More draws: the likeliest θ of N(θ, 1) is the mean of the first n of them, here for 400 runs
n = np.arange(1, 10_001)
running = np.random.default_rng(2).normal(MU, SIGMA, (400, len(n))).cumsum(axis=1) / n
for draws in (10, 100, 1000, 10_000):
    rms = np.sqrt(np.mean((running[:, draws - 1] - MU) ** 2))
    print(
        f"{draws:5d} draws: the likeliest θ is off by {rms:.4f} (root mean square of 400 runs); σ / √N = {SIGMA / np.sqrt(draws):.4f}"
    )
    assert 0.85 < rms / (SIGMA / np.sqrt(draws)) < 1.15

# %% The picture
figure, panels = plt.subplots(1, 3, figsize=(15, 5.4), layout="constrained")
figure.get_layout_engine().set(wspace=0.04)
figure.suptitle(
    "Draws of p = N(1, 1.5²): the estimated KL(p ‖ q) and the log likelihood of q add up to the same number for every θ"
)

for axes, (name, (thetas, _, truth, likeliest)) in zip(panels, families.items()):
    kl, error, closed, log_likelihood = curves[name]
    lines = [
        *axes.plot(thetas, kl, color="k", label=f"KL(p ‖ q), estimated from {N} draws"),
        axes.fill_between(
            thetas, kl - 2 * error, kl + 2 * error, color=LIGHT, label="± 2 standard errors of it"
        ),
        *axes.plot(thetas, closed, color=GREY, lw=2.5, ls="--", label="KL(p ‖ q), closed form"),
        *axes.plot(
            thetas,
            log_likelihood,
            color="k",
            ls="-.",
            label=f"log likelihood of the {N} draws, / {N}",
        ),
    ]
    optima = [
        *axes.plot([likeliest] * 2, [kl.min(), log_likelihood.max()], "o:", color="k", ms=5, lw=1),
        *axes.plot(
            truth,
            closed.min(),
            "s",
            color="w",
            mec="k",
            ms=6,
            label=f"least true KL: θ = {truth:g}",
        ),
    ]
    optima[0].set_label(f"least estimated KL,\nhighest likelihood: θ = {likeliest:.2f}")
    axes.axhline((kl + log_likelihood).mean() / 2, color=GREY, lw=0.8)
    axes.text(
        thetas[-1],
        (kl + log_likelihood).mean() / 2,
        "the mirror",
        ha="right",
        va="bottom",
        fontsize=9,
    )
    axes.add_artist(axes.legend(handles=lines, loc="upper center", frameon=False, fontsize=9))
    axes.legend(handles=optima, loc="lower center", frameon=False, fontsize=9)
means, widths, funnel = panels
means.set(
    title="Which mean: q = N(θ, 1)",
    xlabel="θ, the mean of q",
    ylabel="nats per draw",
    ylim=(-7, 6.5),
)
widths.set(
    title="Which width: q = N(1, θ²)",
    xlabel="θ, the standard deviation of q",
    ylabel="nats per draw",
    ylim=(-3.3, 2.3),
)

funnel.plot(n, running[0], color=GREY, lw=0.7, label="15 runs")
funnel.plot(n, running[1:15].T, color=GREY, lw=0.7)
funnel.plot(n, MU + 2 * SIGMA / np.sqrt(n), color="k", ls="--", label="1 ± 2 · 1.5 / √N")
funnel.plot(n, MU - 2 * SIGMA / np.sqrt(n), color="k", ls="--")
funnel.axhline(MU, color="k", lw=1, label="least true KL: θ = 1")
funnel.set(
    title="More draws: the likeliest mean nears the true one",
    xlabel="N, draws",
    ylabel="likeliest θ of N(θ, 1)",
    xscale="log",
    xlim=(1, 1e4),
)
funnel.legend(frameon=False, fontsize=9)
for axes in panels:
    axes.spines[["top", "right"]].set_visible(False)
finish(figure, args)
