# %% [markdown]
"""The same gradient in two ways: both are right on average, but the one through z = μ + σ ⊙ ε has far less noise.

The claim (AEVB §2.2 and §2.4): the gradient of E_q[f(z)] with respect to the parameters φ = (μ, log σ²) of q has two estimators from draws.
The score function, f(z) ∇ log q(z), asks for values of f only; it has no derivative of f, and so is not told in which direction f grows.
The reparameterized one puts z = μ + σ ⊙ ε into f and differentiates f itself: ∇f(μ + σ ⊙ ε). Both have the exact gradient as their mean.
The variance of the first is larger, by more the more dimensions z has and the further f is from 0; and log p(x|z) of an image is minus many
nats. To halve a standard error takes four times the draws. That is why a VAE can be trained with one draw of z for each image.

A constant taken off f leaves the score function's mean as it is, E_q[∇ log q] = 0, and lowers its variance; this is shown too.
"""

import numpy as np
from common import DARK, GREY, finish, options
from quadrature import densities, grid

from scratchvae import VAE, Adam, binarize, fit, load_mnist
from scratchvae.distributions import gaussian_log_density_backward, reparameterize_backward

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options: they choose whether there is a window

# %% A toy whose gradient is known: f(z) = ‖z‖², q = N(1, I), so E_q[f] = ‖μ‖² + n_z and ∂/∂μ₁ = 2 μ₁ = 2
DRAWS = 20_000
rng = np.random.default_rng(0)
sizes = [1, 2, 5, 10, 20, 50, 100]
print(f"f(z) = ‖z‖², the gradient with respect to μ₁ is 2; {DRAWS} draws")
print(
    " n_z   mean ± standard error: score function   reparameterized     variance: score function (exact)   reparameterized (exact)"
)
toy = []
for n_z in sizes:
    eps = rng.standard_normal((DRAWS, n_z))
    z = 1 + eps
    score = (z**2).sum(axis=1) * eps[:, 0]  # f(z) ∂ log q / ∂μ₁ = f(z) (z₁ − μ₁)
    path = 2 * z[:, 0]  # ∂f/∂z₁ · ∂z₁/∂μ₁
    exact = 30 + 22 * (n_z - 1) + 4 * (n_z - 1) ** 2, 4  # from the moments of ε up to the sixth
    errors = score.std() / np.sqrt(DRAWS), path.std() / np.sqrt(DRAWS)
    toy.append((score.var(), path.var(), *exact))
    print(
        f"{n_z:4d}   {score.mean():24.3f} ± {errors[0]:.3f}    {path.mean():8.3f} ± {errors[1]:.3f}   "
        f"{score.var():18.1f} ({exact[0]})   {path.var():18.2f} ({exact[1]})"
    )
    assert abs(score.mean() - 2) < 4 * errors[0] and abs(path.mean() - 2) < 4 * errors[1]
    assert abs(score.var() / exact[0] - 1) < 0.25 and abs(path.var() / exact[1] - 1) < 0.05

# %% A VAE with n_z = 2 on digits of 14 by 14 pixels, and one test digit
mnist = load_mnist()


def halved(images):
    """28 by 28 pixels to 14 by 14, means of 2 by 2. images: (N, 784), uint8. Returns (N, 196), uint8."""
    return (
        images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).round().astype(np.uint8).reshape(-1, 196)
    )


vae = VAE(196, hidden=(100,), n_z=2, dtype=np.float64, seed=0)
fit(
    vae,
    halved(mnist.train_images[:5000]),
    epochs=5,
    optimizer=Adam(vae.params, lr=2e-3),
    seed=0,
    progress=False,
)
x = binarize(halved(mnist.test_images[:1]), rng, np.float64)
mu, logvar = vae.encode(x)


def score_parts(z):
    """∇_φ log q(z|x), φ = (μ₁, μ₂, log σ₁², log σ₂²). z: (L, 2). Returns (L, 4)."""
    return np.concatenate(gaussian_log_density_backward(z, mu, logvar), axis=1)


# %% The exact gradient of E_q[log p(x|z)] by quadrature: ∫ log p(x|z) ∇q dz
line = grid(vae, x)
on_grid = densities(vae, x, line)
z_grid = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
weight = np.exp(on_grid.log_q[0]) * (line[1] - line[0]) ** 2
mean_f = weight @ on_grid.log_px_z[0]
exact = (weight * on_grid.log_px_z[0]) @ score_parts(z_grid)

# %% The two estimators, draw by draw
eps = rng.standard_normal((DRAWS, 1, 2))
z = mu + np.exp(0.5 * logvar) * eps
f = (
    vae.log_joint(x, z)[:, 0] + (np.log(2 * np.pi) + 0.5 * (z**2).sum(axis=2))[:, 0]
)  # log p(x|z): log p(x, z) without log p(z)
df = vae.log_joint_backward() + z  # and its gradient with respect to z
dmu_dlogvar = [
    reparameterize_backward(df[i : i + 1], logvar, eps[i : i + 1]) for i in range(DRAWS)
]  # L = 1: draws apart
estimates = {
    "score function": f[:, None] * score_parts(z[:, 0]),
    "score function, E[f] taken off f": (f - mean_f)[:, None] * score_parts(z[:, 0]),
    "reparameterized": np.array([np.concatenate(pair, axis=1)[0] for pair in dmu_dlogvar]),
}
print(
    f"\nthe gradient of E_q[log p(x|z)] of a VAE at one digit, E_q[log p(x|z)] = {mean_f:.2f} nats; {DRAWS} draws, mean ± standard error"
)
print(
    f"{'':34}" + "".join(f"{name:>20}" for name in ("∂/∂μ₁", "∂/∂μ₂", "∂/∂ log σ₁²", "∂/∂ log σ₂²"))
)
print(f"{'exact, by quadrature':34}" + "".join(f"{value:20.3f}" for value in exact))
for name, g in estimates.items():
    error = g.std(axis=0) / np.sqrt(DRAWS)
    print(f"{name:34}" + "".join(f"{m:12.3f} ± {e:.3f}" for m, e in zip(g.mean(axis=0), error)))
    assert (np.abs(g.mean(axis=0) - exact) < 4 * error).all()
ratios = {
    name: g.var(axis=0) / estimates["reparameterized"].var(axis=0) for name, g in estimates.items()
}
for name in list(ratios)[:2]:
    print(
        f"variance of the {name}, times that of the reparameterized: "
        + ", ".join(f"{ratio:.0f}" for ratio in ratios[name])
    )
assert ratios["score function"].min() >= 10

# %% The error of a mean of n draws, from all the disjoint groups of n
counts = [1, 4, 16, 64, 256]
rms = {
    name: [
        np.sqrt(np.mean((g[: DRAWS // n * n, 0].reshape(-1, n).mean(axis=1) - exact[0]) ** 2))
        for n in counts
    ]
    for name, g in estimates.items()
}
needed = ratios["score function"][0]
print(
    f"for the error that one reparameterized draw has in ∂/∂μ₁, the score function needs {needed:.0f} draws"
)

# %% The picture
figure, ((dimensions, whole), (falling, near)) = plt.subplots(
    2, 2, figsize=(13, 9), layout="constrained"
)
figure.get_layout_engine().set(hspace=0.06, wspace=0.05)
figure.suptitle("One gradient, two estimators: f(z) ∇ log q(z), and ∇ f(μ + σ ⊙ ε)")
styles = {
    "score function": {"color": "k", "ls": "-", "marker": "o"},
    "score function, E[f] taken off f": {"color": "k", "ls": ":", "marker": "^"},
    "reparameterized": {"color": "k", "ls": "--", "marker": "s", "mfc": "w"},
}
score_var, path_var, score_exact, path_exact = np.transpose(toy)
dimensions.plot(sizes, score_exact, color=GREY, lw=4)
dimensions.plot(sizes, path_exact, color=GREY, lw=4, label="exact")
dimensions.plot(sizes, score_var, label="score function", **{**styles["score function"], "ls": ""})
dimensions.plot(sizes, path_var, label="reparameterized", **{**styles["reparameterized"], "ls": ""})
dimensions.set(
    title="Toy, f(z) = ‖z‖²: variance of one draw of ∂/∂μ₁ = 2",
    xlabel="n_z, dimensions of z (log scale)",
    ylabel="variance (log scale)",
    xscale="log",
    yscale="log",
)
dimensions.legend(frameon=False)

score, path = estimates["score function"][:, 0], estimates["reparameterized"][:, 0]
for axes, bins in (
    (whole, np.linspace(*np.quantile(score, [0.0005, 0.9995]), 81)),
    (near, np.linspace(*np.quantile(path, [0.0005, 0.9995]), 61)),
):
    axes.hist(
        path,
        bins,
        histtype="stepfilled",
        color="0.7",
        edgecolor=DARK,
        density=True,
        label="reparameterized",
    )
    axes.hist(
        score,
        bins,
        histtype="step",
        color="k",
        hatch="///",
        weights=np.full(DRAWS, 1 / (DRAWS * (bins[1] - bins[0]))),
        label="score function",
    )
    axes.axvline(exact[0], color="k", ls="--", lw=1, label=f"exact: {exact[0]:.2f}")
    axes.set(
        xlabel="one-draw estimate of ∂E_q[log p(x|z)] / ∂μ₁, nats per unit of μ₁", ylabel="density"
    )
    axes.legend(frameon=False)
whole.set(title="VAE, one digit: single draws", yscale="log", ylabel="density (log scale)")
near.set(title="The same, near the exact gradient")

for name, values in rms.items():
    falling.plot(counts, values, label=name, **styles[name])
falling.axhline(rms["reparameterized"][0], color=GREY, lw=0.8)
falling.text(
    counts[-1], rms["reparameterized"][0] * 1.07, "one reparameterized draw", ha="right", fontsize=9
)
falling.set(
    title=f"VAE, one digit: the score function needs {round(needed, -2):.0f} times the draws",
    xlabel="draws in the mean (log scale)",
    ylabel="standard error of ∂/∂μ₁, nats per unit of μ₁ (log scale)",
    xscale="log",
    yscale="log",
)
falling.legend(frameon=False)
for axes in figure.axes:
    axes.spines[["top", "right"]].set_visible(False)
finish(figure, args)
