# %% [markdown]
"""One Gaussian for two humps: the least KL(p ‖ q) covers both of them, the least KL(q ‖ p) sits on one.

The claim (notes §1.5, §1.6 and §2): KL has two directions, and a q that cannot equal p comes out differently in each. Here p is a mixture
of two Gaussians, and q = N(μ, σ²), with λ = log σ². Forward, KL(p ‖ q) is what maximum likelihood lessens (§1.6): q pays wherever p is and
q is not. Reverse, KL(q ‖ p) is the kind in equation (1) of §2, with the posterior for p: q pays wherever q is and p is not.

    forward    KL(p ‖ q) = E_p[log p − log q] and −log q(x) = ½ [log 2π + λ + (x − μ)² e^(−λ)], so that
               ∂/∂μ = −E_p[x − μ] e^(−λ),   ∂/∂λ = ½ (1 − E_p[(x − μ)²] e^(−λ)).
               Both are 0 where μ and σ² are the mean and variance of p, and nowhere else.
    reverse    with z = μ + σ ε, ε ~ N(0, 1), KL(q ‖ p) = −½ (1 + log 2π + λ) − E_ε[log p(μ + σ ε)], as E log q is minus the entropy.
               ∂z/∂μ = 1 and ∂z/∂λ = ½ σ ε, so with s(z) = d log p(z) / dz
               ∂/∂μ = −E_ε[s(z)],   ∂/∂λ = −½ − E_ε[s(z) ½ σ ε].

Forward has one minimum. Reverse has one on each hump, so that the start decides; and here a third, a wide one, worse than either.

For p = Σ_k π_k N(m_k, v_k) the slope is s(z) = Σ_k r_k (m_k − z) / v_k, where r_k = π_k N(z; m_k, v_k) / p(z) is hump k's share of p(z).
"""

import numpy as np
from common import DARK, GREY, LIGHT, finish, options

from scratchvae import info
from scratchvae.gradient_check import central_difference, compare

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options: they choose whether there is a window

SHARE, MEAN, VARIANCE = np.array([0.65, 0.35]), np.array([-2.5, 2.5]), np.array([0.4, 0.6])

# Expectations are sums over even grids, which for smooth densities that vanish at both ends are right to about 14 digits
x = np.linspace(-16, 16, 2001)
eps = np.linspace(-9, 9, 601)
eps_weight = np.exp(-0.5 * eps**2)
eps_weight /= eps_weight.sum()


# %% The mixture, the two divergences, and their gradients by hand
def log_humps(z):
    """log [π_k N(z; m_k, v_k)] of each hump, along a new last axis."""
    return np.log(SHARE) - 0.5 * (
        np.log(2 * np.pi * VARIANCE) + (z[..., None] - MEAN) ** 2 / VARIANCE
    )


def log_p(z):
    """log Σ_k π_k N(z; m_k, v_k): the log of a sum, from logs."""
    return np.logaddexp(*np.moveaxis(log_humps(z), -1, 0))


def slope(z):
    """s(z) = d log p(z) / dz = Σ_k r_k (m_k − z) / v_k."""
    r = np.exp(log_humps(z) - log_p(z)[..., None])
    return (r * (MEAN - z[..., None]) / VARIANCE).sum(axis=-1)


def log_q(z, mu, logvar):
    return -0.5 * (np.log(2 * np.pi) + logvar + (z - mu) ** 2 * np.exp(-logvar))


p_weight = np.exp(log_p(x)) * (x[1] - x[0])  # p(x) dx


def forward(theta):
    """KL(p ‖ q) in nats. theta: μ and log σ²."""
    return p_weight @ (log_p(x) - log_q(x, *theta))


def forward_gradient(theta):
    mu, logvar = theta
    dmu = -(p_weight @ (x - mu)) * np.exp(-logvar)
    dlogvar = 0.5 * (1 - p_weight @ (x - mu) ** 2 * np.exp(-logvar))
    return np.array([dmu, dlogvar])


def reverse(theta):
    """KL(q ‖ p) in nats. theta: μ and log σ²."""
    mu, logvar = theta
    return -0.5 * (1 + np.log(2 * np.pi) + logvar) - eps_weight @ log_p(
        mu + np.exp(0.5 * logvar) * eps
    )


def reverse_gradient(theta):
    mu, logvar = theta
    sigma = np.exp(0.5 * logvar)
    s = slope(mu + sigma * eps)
    dmu = -(eps_weight @ s)
    dlogvar = -0.5 - eps_weight @ (s * 0.5 * sigma * eps)
    return np.array([dmu, dlogvar])


def descend(gradient, theta, lr=0.1, steps=2000):
    """θ ← θ − lr · gradient, again and again. Returns every θ on the way."""
    path = [np.array(theta, float)]
    for _ in range(steps):
        path.append(path[-1] - lr * gradient(path[-1]))
    return np.array(path)


# %% The gradients by hand against central differences
error = {}
for name, value, gradient in (
    ("forward", forward, forward_gradient),
    ("reverse", reverse, reverse_gradient),
):
    thetas = np.random.default_rng(0).uniform([-4, -2], [4, 2.5], (50, 2))
    error[name] = max(
        compare(name, gradient(theta), central_difference(value, theta)).relative_error
        for theta in thetas
    )
    print(
        f"{name}: at 50 random (μ, log σ²) the gradient by hand is within {error[name]:.0e} of central differences"
    )
assert max(error.values()) < 1e-7

# %% Descend from three places, and check both divergences at each end against the quadrature of scratchvae.info
STARTS = {"left": (-0.8, 0.0), "right": (0.8, 0.0), "wide": (0.8, 2.6)}
STYLES = {"left": "--", "right": ":", "wide": "-."}
forward_paths = {start: descend(forward_gradient, theta) for start, theta in STARTS.items()}
reverse_paths = {start: descend(reverse_gradient, theta) for start, theta in STARTS.items()}
fits = {"forward, any start": forward_paths["left"][-1]} | {
    f"reverse, {start}": path[-1] for start, path in reverse_paths.items()
}
for name, theta in fits.items():
    numbers = f"μ = {theta[0]:6.3f}, σ² = {np.exp(theta[1]):.3f}"
    print(
        f"{name:18}  {numbers}: KL(p‖q) = {forward(theta):6.3f}, KL(q‖p) = {reverse(theta):.3f} nats"
    )
    p, q = lambda z: np.exp(log_p(z)), lambda z, theta=theta: np.exp(log_q(z, *theta))
    assert abs(forward(theta) - info.differential_kl(p, q, -16, 16, base=np.e)) < 1e-6
    assert abs(reverse(theta) - info.differential_kl(q, p, -16, 16, base=np.e)) < 1e-6
cover, left, right, wide = fits.values()

# Forward: from wherever it starts, to the mean and the variance of p
mean = SHARE @ MEAN
variance = SHARE @ (VARIANCE + MEAN**2) - mean**2
print(f"all of p            m = {mean:6.3f}, v  = {variance:.3f}")
assert all(
    np.allclose(path[-1], [mean, np.log(variance)], rtol=0, atol=1e-9)
    for path in forward_paths.values()
)

# Reverse: a minimum on each hump. As p ≥ π_k N(m_k, v_k), q = N(m_k, v_k) costs −log π_k at most: the price of leaving out the other
for k, theta in enumerate((left, right)):
    price = -np.log(SHARE[k])
    print(
        f"hump {k + 1} of p         m = {MEAN[k]:6.3f}, v  = {VARIANCE[k]:.3f}: −log of its share {SHARE[k]} is {price:.3f} nats"
    )
    assert np.abs(reverse_gradient(theta)).max() < 1e-9
    assert np.allclose([theta[0], np.exp(theta[1])], [MEAN[k], VARIANCE[k]], rtol=0, atol=0.02)
    assert price - 0.01 < reverse(theta) < price
    assert forward(cover) < forward(theta)
assert reverse(left) < reverse(right) < reverse(wide) < reverse(cover)

# Reverse from everywhere: no other minimum
ends = [
    descend(reverse_gradient, (mu, logvar), steps=1000)[-1]
    for mu in (-4, -1.5, 0, 1.5, 4)
    for logvar in (-2, 0, 1.5, 2.5)
]
nearest = [
    min(
        ("left", left), ("right", right), ("wide", wide), key=lambda fit: np.abs(end - fit[1]).max()
    )[0]
    for end in ends
]
print(
    f"reverse from {len(ends)} starts: {', '.join(f'{nearest.count(start)} end {start}' for start in STARTS)}"
)
assert all(
    np.abs(end - fits[f"reverse, {start}"]).max() < 1e-5 for end, start in zip(ends, nearest)
)

# %% The picture
figure, (density, forward_map, reverse_map) = plt.subplots(
    1, 3, figsize=(14, 4.6), layout="constrained", width_ratios=[1.2, 1, 1]
)

z = np.linspace(-7, 7, 600)
density.fill_between(z, np.exp(log_p(z)), color=LIGHT, label="p: two humps")
density.plot(
    z, np.exp(log_q(z, *cover)), color="k", label=f"least KL(p‖q): {forward(cover):.2f} nats"
)
for start, name in (
    ("left", "least KL(q‖p)"),
    ("right", "its minimum on the other hump"),
    ("wide", "its wide minimum"),
):
    theta = reverse_paths[start][-1]
    density.plot(
        z,
        np.exp(log_q(z, *theta)),
        color="k",
        ls=STYLES[start],
        lw=1.3,
        label=f"{name}: {reverse(theta):.2f} nats",
    )
density.legend(fontsize=9, frameon=False, loc="upper right")
density.set(
    title="The Gaussian q that each direction chooses",
    xlabel="z",
    ylabel="density",
    xlim=(-7, 7),
    ylim=(0, 0.92),
)

mus, logvars = np.linspace(-4.5, 4.5, 91), np.linspace(-2.5, 3.2, 58)
for axes, value, paths, levels, title in (
    (
        forward_map,
        forward,
        forward_paths,
        [0.6, 0.8, 1.2, 2, 4, 8, 16, 32, 64],
        "KL(p‖q) in nats: one minimum",
    ),
    (
        reverse_map,
        reverse,
        reverse_paths,
        [0.5, 0.75, 1.2, 1.5, 2, 3, 5, 8, 12],
        "KL(q‖p) in nats: one on each hump, one wide",
    ),
):
    heights = np.array([[value((mu, logvar)) for mu in mus] for logvar in logvars])
    lines = axes.contour(mus, logvars, heights, levels=levels, colors=GREY, linewidths=0.9)
    axes.clabel(lines, fontsize=8, fmt="%g", colors=DARK)
    for start, path in paths.items():
        axes.plot(*path.T, color="k", ls=STYLES[start], lw=2)
        axes.plot(*path[0], "o", color="k", mfc="w", ms=7)
        axes.plot(*path[-1], "X", color=DARK, ms=9)
    axes.set(title=title, xlabel="μ  (descent: from each circle to its cross)", ylabel="log σ²")
for axes in (density, forward_map, reverse_map):
    axes.spines[["top", "right"]].set_visible(False)
finish(figure, args)
