# %% [markdown]
"""One Gaussian for two humps: the least KL(p ‖ q) covers both, the least KL(q ‖ p) one.

The claim (notes §1.5, §1.6 and §2). KL has two directions. If q cannot equal p, each
direction chooses another q. Here p is a mixture of two Gaussians and q = N(μ, σ²).

- Forward, KL(p ‖ q), is what maximum likelihood makes small (§1.6). It is large where p
  is and q is not, so q has to cover p.
- Reverse, KL(q ‖ p), is the kind in equation (1) of §2, with the posterior as p. It is
  large where q is and p is not, so q has to stay inside p.

Write logvar = log σ². Both gradients are by hand.

    forward    KL(p ‖ q) = E_p[log p(x) − log q(x)]
               −log q(x) = ½ [log 2π + logvar + (x − μ)² / σ²]
               ∂/∂μ      = −E_p[x − μ] / σ²
               ∂/∂logvar = ½ (1 − E_p[(x − μ)²] / σ²)

Both are 0 only where μ and σ² are the mean and the variance of p. So there is one
minimum.

    reverse    z = μ + σ ε with ε ~ N(0, 1), and E_q[log q] is minus the entropy of q:
               KL(q ‖ p) = −½ (1 + log 2π + logvar) − E_ε[log p(z)]
               ∂z/∂μ     = 1,  ∂z/∂logvar = ½ σ ε;  with score(z) = d log p(z) / dz
               ∂/∂μ      = −E_ε[score(z)]
               ∂/∂logvar = −½ − E_ε[score(z) ½ σ ε]

There is one minimum on each hump, so the start decides which one is found. Here there
is a third one, wide and worse than the other two.

For p = Σ_k π_k N(m_k, v_k), with the share r_k of hump k in p(z), the score is

    score(z) = Σ_k r_k (m_k − z) / v_k,      r_k = π_k N(z; m_k, v_k) / p(z)
"""

# %%
import numpy as np
from common import BLUE, DARK, GREEN, GREY, LIGHT, ORANGE, PINK, finish, options, panels

from scratchvae import info
from scratchvae.gradient_check import central_difference, compare

args = options(__doc__)

SHARE, MEAN, VARIANCE = np.array([0.65, 0.35]), np.array([-2.5, 2.5]), np.array([0.4, 0.6])

# Expectations are sums over even grids. For smooth densities that vanish at both ends
# such a sum is right to about 14 digits
x = np.linspace(-16, 16, 2001)
eps = np.linspace(-9, 9, 301)
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


def score(z):
    """d log p(z) / dz = Σ_k r_k (m_k − z) / v_k."""
    r = np.exp(log_humps(z) - log_p(z)[..., None])
    return (r * (MEAN - z[..., None]) / VARIANCE).sum(axis=-1)


def log_q(z, mu, logvar):
    """log N(z; μ, σ²)."""
    return -0.5 * (np.log(2 * np.pi) + logvar + (z - mu) ** 2 * np.exp(-logvar))


p_weight = np.exp(log_p(x)) * (x[1] - x[0])  # p(x) dx


def forward(theta):
    """KL(p ‖ q) in nats. theta: μ and logvar."""
    return p_weight @ (log_p(x) - log_q(x, *theta))


def forward_gradient(theta):
    """∂KL(p ‖ q)/∂μ and ∂KL(p ‖ q)/∂logvar, (2,)."""
    mu, logvar = theta
    dmu = -(p_weight @ (x - mu)) * np.exp(-logvar)
    dlogvar = 0.5 * (1 - p_weight @ (x - mu) ** 2 * np.exp(-logvar))
    return np.array([dmu, dlogvar])


def reverse(theta):
    """KL(q ‖ p) in nats. theta: μ and logvar."""
    mu, logvar = theta
    z = mu + np.exp(0.5 * logvar) * eps
    return -0.5 * (1 + np.log(2 * np.pi) + logvar) - eps_weight @ log_p(z)


def reverse_gradient(theta):
    """∂KL(q ‖ p)/∂μ and ∂KL(q ‖ p)/∂logvar, (2,)."""
    mu, logvar = theta
    sigma = np.exp(0.5 * logvar)
    dz = score(mu + sigma * eps)
    dmu = -(eps_weight @ dz)
    dlogvar = -0.5 - eps_weight @ (dz * 0.5 * sigma * eps)
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
    print(f"{name}: the gradient by hand is within {error[name]:.0e} of central differences")
assert max(error.values()) < 1e-7

# %% Descend from three places; at each end both KLs agree with the quadrature of info
STARTS = {"left": (-0.8, 0.0), "right": (0.8, 0.0), "wide": (0.8, 2.6)}
STYLES = {"left": ("--", ORANGE), "right": (":", GREEN), "wide": ("-.", PINK)}
forward_paths = {start: descend(forward_gradient, theta) for start, theta in STARTS.items()}
reverse_paths = {start: descend(reverse_gradient, theta) for start, theta in STARTS.items()}
fits = {"forward, any start": forward_paths["left"][-1]} | {
    f"reverse, {start}": path[-1] for start, path in reverse_paths.items()
}
for name, theta in fits.items():
    mu, variance = theta[0], np.exp(theta[1])
    print(f"{name:18}  μ = {mu:6.3f}, σ² = {variance:.3f}:", end=" ")
    print(f"KL(p‖q) = {forward(theta):6.3f}, KL(q‖p) = {reverse(theta):.3f} nats")
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

# Reverse: a minimum on each hump. For q = N(m_k, v_k) p ≥ π_k q, so KL ≤ −log π_k
for k, theta in enumerate((left, right)):
    bound = -np.log(SHARE[k])
    print(f"hump {k + 1} of p         m = {MEAN[k]:6.3f}, v  = {VARIANCE[k]:.3f}:", end=" ")
    print(f"-log of its share {SHARE[k]} is {bound:.3f} nats")
    assert np.abs(reverse_gradient(theta)).max() < 1e-9
    assert np.allclose([theta[0], np.exp(theta[1])], [MEAN[k], VARIANCE[k]], rtol=0, atol=0.02)
    assert bound - 0.01 < reverse(theta) < bound
    assert forward(cover) < forward(theta)
assert reverse(left) < reverse(right) < reverse(wide) < reverse(cover)

# Reverse from everywhere: no other minimum
ends = [
    descend(reverse_gradient, (mu, logvar), steps=1000)[-1]
    for mu in (-4, -1.5, 0, 1.5, 4)
    for logvar in (-2, 0, 1.5, 2.5)
]
minima = {"left": left, "right": right, "wide": wide}
nearest = [min(minima, key=lambda start: np.abs(end - minima[start]).max()) for end in ends]
counted = ", ".join(f"{nearest.count(start)} end {start}" for start in minima)
print(f"reverse from {len(ends)} starts: {counted}")
assert all(np.abs(end - minima[start]).max() < 1e-5 for end, start in zip(ends, nearest))

# %% The picture
figure, (density, forward_map, reverse_map) = panels(
    1,
    3,
    (13, 5),
    "One Gaussian q for a p of two humps: each direction of KL chooses another",
    width_ratios=[1.15, 1, 1],
)

z = np.linspace(-7, 7, 600)
density.fill_between(z, np.exp(log_p(z)), color=LIGHT, label="p: two humps")
label = f"least KL(p‖q): {forward(cover):.2f} nats"
density.plot(z, np.exp(log_q(z, *cover)), color=BLUE, lw=2, label=label)
for start, name in (
    ("left", "least KL(q‖p)"),
    ("right", "its minimum on the right"),
    ("wide", "its wide minimum"),
):
    style, colour = STYLES[start]
    label = f"{name}: {reverse(minima[start]):.2f} nats"
    density.plot(z, np.exp(log_q(z, *minima[start])), color=colour, ls=style, lw=2, label=label)
density.legend(fontsize=9, frameon=False, loc="upper right")
density.set(title="The q of each minimum", xlabel="z", ylabel="density")
density.set(xlim=(-7, 7), ylim=(0, 0.97))

mus, logvars = np.linspace(-4.5, 4.5, 61), np.linspace(-2.5, 3.2, 39)
for axes, value, paths, levels, title in (
    (forward_map, forward, forward_paths, [0.6, 0.8, 1.2, 2, 4, 8, 16, 32, 64],
     "KL(p‖q), nats: one minimum"),
    (reverse_map, reverse, reverse_paths, [0.5, 0.75, 1.2, 1.5, 2, 3, 5, 8, 12],
     "KL(q‖p), nats: three minima"),
):  # fmt: skip
    heights = np.array([[value((mu, logvar)) for mu in mus] for logvar in logvars])
    lines = axes.contour(mus, logvars, heights, levels=levels, colors=GREY, linewidths=0.9)
    axes.clabel(lines, fontsize=8, fmt="%g", colors=DARK)
    for start, path in paths.items():
        style, colour = STYLES[start]
        axes.plot(*path.T, color=colour, ls=style, lw=2.5)
        axes.plot(*path[0], "o", color="k", mfc="w", ms=7)
        axes.plot(*path[-1], "X", color=BLUE if value is forward else colour, mec="k", ms=10)
    axes.set(title=title, xlabel="μ (descent: from each circle to its cross)", ylabel="log σ²")
finish(figure, args)
