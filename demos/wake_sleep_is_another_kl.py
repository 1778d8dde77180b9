# %% [markdown]
"""Wake-sleep moves the encoder down another KL: its gradient and that of the bound point apart.

The claim (`scratchvae/wake_sleep.py`). Let p(x, z) stand still, and let the encoder move.
The gradient of the bound and the sleep phase are, with x ~ p(x) for both,

    ∇_φ E_p(x)[𝓛(x)]           = −∇_φ E_p(x)[KL(q(z|x) ‖ p(z|x))]        AEVB eq. (1)
    E_p(x,z)[∇_φ log q(z|x)]   = −∇_φ E_p(x)[KL(p(z|x) ‖ q(z|x))]        the sleep phase

Both are 0 where q is the posterior. Elsewhere they differ. So take a posterior that no Gaussian
is: one pixel, and a decoder that makes it black for a large |z|, on both sides. Then
p(z|x = 1) has two humps. KL(q ‖ p) is least on one hump, because q pays where p has no
mass. KL(p ‖ q) is least for a wide q over both, because p pays where q has none. There the
bound is 2.3 nats lower.

Everything is an integral over one z, on a grid: no sampling. The sleep gradient is also
computed by the function that training uses, from dreams, and agrees within its
standard errors.
"""

# %%
import numpy as np
from common import BLUE, GREY, ORANGE, finish, options, tidy
from quadrature import densities

from scratchvae import VAE
from scratchvae.gradient_check import central_difference

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options, which choose the backend

# %% One pixel: the logit is 9 (|z| − 1.6), nearly, by two tanh units
vae = VAE(1, hidden=(2,), n_z=1, dtype=np.float64, seed=0)
weights = vae.params.values
weights["decoder.0.W"][...] = [[3.0, 3.0]]
weights["decoder.0.b"][...] = [-4.8, 4.8]
weights["logits.W"][...], weights["logits.b"][...] = [[9.0], [-9.0]], 9.0
BLACK, line = np.array([[1.0]]), np.linspace(-9, 9, 1801)
dz = line[1] - line[0]


def set_encoder(theta):
    """q(z|x = 1) = N(μ, σ²), theta = (μ, log σ²). The encoder's other weights are 0."""
    for name in ("encoder.0.W", "encoder.0.b", "mu.W", "logvar.W"):
        weights[name][...] = 0
    weights["mu.b"][...], weights["logvar.b"][...] = theta


def both(theta):
    """KL(q ‖ p(z|x)) and KL(p(z|x) ‖ q), for the black pixel."""
    set_encoder(theta)
    _, log_q, log_posterior, _ = densities(vae, BLACK, line)
    difference = log_q - log_posterior
    return (
        float((np.exp(log_q) * difference).sum() * dz),
        float((np.exp(log_posterior) * -difference).sum() * dz),
    )


def climb(which, theta, steps=4000, size=0.02):
    """Gradient descent on KL(q ‖ p) (which = 0) or on KL(p ‖ q) (1). Returns the path."""
    path = [np.array(theta, dtype=float)]
    for _ in range(steps):
        g = central_difference(lambda t: both(t)[which], path[-1])
        path.append(path[-1] - size * g / max(1.0, np.linalg.norm(g)))
        if np.linalg.norm(g) < 1e-5:
            break
    return np.array(path)


# %% From one start, two ways
start = (0.9, -0.3)
paths = {"the bound": climb(0, start), "the sleep phase": climb(1, start)}
log_p = densities(vae, BLACK, line).log_p[0]
print(f"log p(x = 1) = {log_p:.3f} nats")
print(f"{'φ moves along':17}{'μ':>7}{'σ':>7}{'KL(q‖p)':>10}{'KL(p‖q)':>10}{'bound':>9}")
for name, path in [("(start)", np.array([start])), *paths.items()]:
    reverse, forward = both(path[-1])
    mu, sigma = path[-1][0], np.exp(path[-1][1] / 2)
    print(f"{name:17}{mu:7.3f}{sigma:7.3f}{reverse:10.3f}{forward:10.3f}{log_p - reverse:9.3f}")
best, asleep = (path[-1] for path in paths.values())

# the bound's best is on one hump; the sleep phase ends over both, with the moments of p(z|x)
posterior = np.exp(densities(vae, BLACK, line).log_posterior[0])
moments = (posterior @ line) * dz, np.log((posterior @ line**2) * dz)
assert best[0] > 1.5 and abs(asleep[0]) < 0.01
assert np.allclose(asleep, moments, atol=0.01)
assert both(best)[0] < both(asleep)[0] - 0.5 and both(asleep)[1] < both(best)[1] - 1

# %% The angle between the two gradients
print("\nangle between the two gradients")
angles = []
for point in (start, (1.2, -0.5), (1.9, -1.2), (0.3, 0.8)):
    up = [-central_difference(lambda t, w=w: both(t)[w], np.array(point)) for w in (0, 1)]
    cosine = up[0] @ up[1] / np.linalg.norm(up[0]) / np.linalg.norm(up[1])
    angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    sizes = f"lengths {np.linalg.norm(up[0]):.3f} and {np.linalg.norm(up[1]):.3f}"
    print(f"  μ = {point[0]:.2f}, log σ² = {point[1]:5.2f}: {angles[-1]:4.0f}°, {sizes}")
at_best = [np.linalg.norm(central_difference(lambda t, w=w: both(t)[w], best)) for w in (0, 1)]
print(f"  at the end of the bound's path the lengths are {at_best[0]:.5f} and {at_best[1]:.2f}")
assert min(angles) < 45 and max(angles) > 120 and at_best[1] > 1000 * at_best[0]

# %% From dreams, as training does it
set_encoder(start)
rng, n = np.random.default_rng(0), 400_000
z, x = vae.dream(n, rng)
black = x[:, 0] == 1
p_black = black.mean()
# dreams of a white pixel belong to another q(z|x); these are the black ones
vae.encoder_gradient(x[black], z[black])
ours = -np.array([vae.params.grads["mu.b"][0], vae.params.grads["logvar.b"][0]])
exact = -central_difference(lambda t: both(t)[1], np.array(start))
spread = np.array([z[black].std(), (z[black] ** 2).std()]) / np.sqrt(black.sum())
error = 4 * spread * np.exp(-start[1]) * (1 + abs(start[0]))
print(f"\nsleep phase from {black.sum():,} dreams of a black pixel ({p_black:.0%} of all):")
print(f"  {ours[0]:.4f}, {ours[1]:.4f}; by quadrature {exact[0]:.4f}, {exact[1]:.4f}")
assert (np.abs(ours - exact) < error).all()

# %% The picture
figure, (shape, reverse_map, forward_map) = plt.subplots(
    1, 3, figsize=(13, 5), layout="constrained", width_ratios=[1.1, 1, 1]
)
figure.suptitle(
    "Wake-sleep moves the encoder down another KL: from one start, the bound leads q to one hump\n"
    "of the posterior, and the sleep phase leads it to the middle of both"
)
shape.fill_between(line, posterior, color="0.85", label="p(z|x = 1)")
PENS = {
    "the bound": {"color": ORANGE, "lw": 2.5},
    "the sleep phase": {"color": BLUE, "lw": 2.5, "ls": "--"},
}
for name, path in paths.items():
    mu, variance = path[-1][0], np.exp(path[-1][1])
    q = np.exp(-0.5 * (line - mu) ** 2 / variance) / np.sqrt(2 * np.pi * variance)
    shape.plot(line, q, **PENS[name], label=f"q, moved along {name}")
shape.set(xlim=(-4.5, 4.5), xlabel="z", ylabel="density")
shape.set_ylim(0, 1.8)
shape.set_title("Where the two phases lead q(z|x = 1)", fontsize=11)
shape.legend(frameon=False, fontsize=9, loc="upper left")

mus, logvars = np.linspace(-0.6, 2.6, 41), np.linspace(-3, 2.2, 41)
heights = np.array([[both((mu, logvar)) for mu in mus] for logvar in logvars])
levels = ([0.6, 0.8, 1.2, 1.8, 2.6, 4, 7, 12, 20], [0.4, 0.6, 1, 1.8, 3, 5, 9, 16, 30, 60])
titles = ("KL(q ‖ p(z|x)) = log p(x) − the bound, nats", "KL(p(z|x) ‖ q), nats")
for i, axes in enumerate((reverse_map, forward_map)):
    lines = axes.contour(mus, logvars, heights[:, :, i], levels[i], colors=GREY, linewidths=0.8)
    axes.clabel(lines, fontsize=8, fmt="%g")
    for name, path in paths.items():
        axes.plot(*path.T, **PENS[name], label=f"along {name}")
        axes.plot(*path[-1], "X", color=PENS[name]["color"], ms=9)
    axes.plot(*start, "o", color="k", mfc="w", ms=7)
    axes.set(xlabel="μ", ylabel="log σ²")
    axes.set_title(titles[i], fontsize=11)
reverse_map.legend(frameon=False, fontsize=9, loc="lower left")
tidy(shape, reverse_map, forward_map)
finish(figure, args)
