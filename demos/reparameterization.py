# %% [markdown]
"""Two estimators of one gradient: which one has less noise depends on f.

The claim (AEVB §2.2 and §2.4). The parameters of q are φ = (μ, log σ²). The gradient of
E_q[f(z)] in φ has two estimators. Each uses one draw z = μ + σ ⊙ ε:

    score function      f(z) ∇ log q(z)         needs the values of f only
    reparameterized     ∇ f(μ + σ ⊙ ε)          needs the derivative of f

The mean of both is the exact gradient. Their variances differ, and no estimator has the
smaller variance for every f:

- f(z) = ‖z‖² is large and changes slowly. The score function's variance is larger, and
  it grows with the number of dimensions; the other's does not.
- f(z) = sin 5z is small and changes fast. With q = N(0, 1) the variance is 0.50 for the
  score function and 12.5 for the reparameterized estimator.
- f(z) = log p(x|z) of a VAE is like the first. For the digit below, the score function
  needs some 2000 times the draws. Most of that is the large mean of f. A constant c, the
  *baseline*, changes no mean, since E_q[c ∇ log q] = 0. With the baseline E_q[f], the
  estimator (f(z) − c) ∇ log q(z) needs about 6 times the draws.

Four times the draws halve a standard error. The reparameterized estimator has so little
noise here that one draw of z for each image is enough to train a VAE.
"""

# %%
import numpy as np
from common import BLUE, GREY, ORANGE, RED, finish, halved, options, panels
from quadrature import densities, grid

from scratchvae import VAE, Adam, binarize, fit, load_mnist
from scratchvae.distributions import gaussian_log_density_backward, reparameterize_backward

args = options(__doc__)
DRAWS = 20_000
rng = np.random.default_rng(0)

# %% f(z) = ‖z‖², q = N(1, I): E_q[f] = ‖μ‖² + n_z, so ∂/∂μ₁ = 2 μ₁ = 2
SIZES = [1, 2, 5, 10, 20, 50, 100]
print(f"f(z) = ‖z‖², the gradient in μ₁ is 2; {DRAWS} draws")
print("       mean ± standard error                   variance of a draw (exact)")
print(" n_z   score function    reparameterized       score function      reparameterized")
squares = []
for n_z in SIZES:
    eps = rng.standard_normal((DRAWS, n_z))
    z = 1 + eps
    score = (z**2).sum(axis=1) * eps[:, 0]  # f(z) ∂ log q / ∂μ₁ = f(z) (z₁ − μ₁)
    path = 2 * z[:, 0]  # ∂f/∂z₁ · ∂z₁/∂μ₁
    exact = 30 + 22 * (n_z - 1) + 4 * (n_z - 1) ** 2, 4  # by the moments of ε up to the sixth
    errors = score.std() / np.sqrt(DRAWS), path.std() / np.sqrt(DRAWS)
    squares.append((score.var(), path.var(), *exact))
    print(
        f"{n_z:4d}   {score.mean():5.3f} ± {errors[0]:.3f}     {path.mean():5.3f} ± {errors[1]:.3f}"
        f"   {score.var():14.1f} ({exact[0]:5d})   {path.var():13.2f} ({exact[1]})"
    )
    assert abs(score.mean() - 2) < 4 * errors[0] and abs(path.mean() - 2) < 4 * errors[1]
    assert abs(score.var() / exact[0] - 1) < 0.25 and abs(path.var() / exact[1] - 1) < 0.05

# %% f(z) = sin ωz, q = N(0, 1): E_q[f] = e^(−ω²/2) sin ωμ
# so ∂/∂μ = ω e^(−ω²/2) at μ = 0
FREQUENCIES = np.array([0.25, 0.5, 1, 2, 3, 5, 8])


def sine_variances(w):
    """The exact variances of sin(ωz) z and of ω cos ωz, z ~ N(0, 1).

    With sin² a = ½ (1 − cos 2a), cos² a = ½ (1 + cos 2a), E[cos 2ωz] = e^(−2ω²) and
    E[z² cos 2ωz] = (1 − 4ω²) e^(−2ω²), each minus the square of the mean ω e^(−ω²/2).
    """
    square = w**2 * np.exp(-(w**2))
    score = 0.5 * (1 - (1 - 4 * w**2) * np.exp(-2 * w**2)) - square
    return score, 0.5 * w**2 * (1 + np.exp(-2 * w**2)) - square


z = np.random.default_rng(1).standard_normal(DRAWS)
print("\nf(z) = sin ωz, q = N(0, 1): variance of a draw (exact)")
print("    ω      score function       reparameterized")
sines = []
for w in FREQUENCIES:
    exact_score, exact_path = sine_variances(w)
    score, path = np.sin(w * z) * z, w * np.cos(w * z)
    sines.append((score.var(), path.var()))
    of_score = f"{score.var():7.3f} ({exact_score:6.3f})"
    print(f"{w:5.2f}   {of_score}   {path.var():10.3f} ({exact_path:6.3f})")
    for draws, exact in ((score, exact_score), (path, exact_path)):
        assert abs(draws.mean() - w * np.exp(-(w**2) / 2)) < 4 * draws.std() / np.sqrt(DRAWS)
        assert abs(draws.var() / exact - 1) < 0.05
    if w == 5:
        assert abs(exact_score - 0.5) < 0.01 and abs(exact_path - 12.5) < 0.01

# %% A VAE with n_z = 2 on digits of 14 by 14 pixels, and one test digit
mnist = load_mnist()
vae = VAE(196, hidden=(100,), n_z=2, dtype=np.float64, seed=0)
train = halved(mnist.train_images[:5000])
fit(vae, train, epochs=5, optimizer=Adam(vae.params, lr=2e-3), seed=0, progress=False)
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

# %% The estimators, draw by draw
eps = rng.standard_normal((DRAWS, 1, 2))
z = mu + np.exp(0.5 * logvar) * eps
log_prior = -np.log(2 * np.pi) - 0.5 * (z**2).sum(axis=2)
f = (vae.log_joint(x, z) - log_prior)[:, 0]  # log p(x|z) = log p(x, z) − log p(z)
df = vae.log_joint_backward() + z  # its gradient in z, since ∇ log p(z) = −z
path = [reparameterize_backward(df[i : i + 1], logvar, eps[i : i + 1]) for i in range(DRAWS)]
estimates = {
    "score function": f[:, None] * score_parts(z[:, 0]),
    "score function with a baseline": (f - mean_f)[:, None] * score_parts(z[:, 0]),
    "reparameterized": np.array([np.concatenate(pair, axis=1)[0] for pair in path]),
}
print(f"\nthe gradient of E_q[log p(x|z)] of a VAE at one digit; {DRAWS} draws, mean ± error")
print(f"the baseline is E_q[log p(x|z)] = {mean_f:.2f} nats")
print(
    f"{'':31}" + "".join(f"{name:>16}" for name in ("∂/∂μ₁", "∂/∂μ₂", "∂/∂log σ₁²", "∂/∂log σ₂²"))
)
print(f"{'exact, by quadrature':31}" + "".join(f"{value:16.3f}" for value in exact))
for name, g in estimates.items():
    error = g.std(axis=0) / np.sqrt(DRAWS)
    print(f"{name:31}" + "".join(f"{m:8.3f} ± {e:.3f}" for m, e in zip(g.mean(axis=0), error)))
    assert (np.abs(g.mean(axis=0) - exact) < 4 * error).all()
plain, baseline, path = (g.var(axis=0) for g in estimates.values())
for name, variance in (("", plain), (" with a baseline", baseline)):
    ratios = ", ".join(f"{ratio:.0f}" for ratio in variance / path)
    print(f"variance of the score function{name}, divided by the reparameterized one's: {ratios}")
needed, needed_less = plain[0] / path[0], baseline[0] / path[0]
assert (plain / path).min() > 500 and (baseline / path).min() > 2
assert (baseline / path).max() < 20  # the baseline removes most of it

# %% The error of a mean of n draws, from all the disjoint groups of n
COUNTS = [1, 4, 16, 64, 256]
rms = {
    name: [
        np.sqrt(np.mean((g[: DRAWS // n * n, 0].reshape(-1, n).mean(axis=1) - exact[0]) ** 2))
        for n in COUNTS
    ]
    for name, g in estimates.items()
}
print(
    "for the error that one reparameterized draw has in ∂/∂μ₁, the score function needs "
    f"{needed:.0f} draws, with a baseline {needed_less:.0f}"
)

# %% The picture
figure, ((square, sine), (falling, near)) = panels(
    2, 2, (13, 9.6), "One gradient, two estimators: f(z) ∇ log q(z) and ∇ f(μ + σ ⊙ ε)"
)
STYLES = {
    "score function": {"color": ORANGE, "ls": "-", "marker": "o"},
    "score function with a baseline": {"color": RED, "ls": ":", "marker": "^"},
    "reparameterized": {"color": BLUE, "ls": "--", "marker": "s", "mfc": "w"},
}
BOTH = ("score function", "reparameterized")
fine = np.geomspace(FREQUENCIES[0], FREQUENCIES[-1], 200)
for axes, at, measured, exact_at, exact_values, words in (
    (square, SIZES, squares, SIZES, np.array(squares)[:, 2:].T,
     ("f(z) = ‖z‖², q = N(1, I): variance of one draw of ∂/∂μ₁", "n_z, dimensions of z")),
    (sine, FREQUENCIES, sines, fine, sine_variances(fine),
     ("f(z) = sin ωz, q = N(0, 1): variance of one draw of ∂/∂μ", "ω")),
):  # fmt: skip
    for name, values, curve in zip(BOTH, np.transpose(measured), exact_values):
        axes.plot(exact_at, curve, color=GREY, lw=3)
        axes.plot(at, values, label=name, **{**STYLES[name], "ls": ""})
    axes.plot([], [], color=GREY, lw=3, label="exact")
    axes.set(title=words[0], xlabel=f"{words[1]} (log scale)", xscale="log", yscale="log")
    axes.set_ylabel("variance (log scale)")
    axes.set_xticks(at, [f"{value:g}" for value in at])
    axes.minorticks_off()
sine.annotate("0.50", (5, 0.5), (0, -16), textcoords="offset points", ha="center")
sine.annotate("12.5", (5, 12.5), (-12, 6), textcoords="offset points", ha="center")

for name, values in rms.items():
    falling.plot(COUNTS, values, label=name, **STYLES[name])
falling.axhline(rms["reparameterized"][0], color=GREY, lw=0.8)
falling.text(256, 1.08 * rms["reparameterized"][0], "one reparameterized draw", ha="right")
falling.set(
    title="VAE, one digit: the score function needs "
    f"{round(needed, -2):.0f} times the draws,\nwith a constant baseline {needed_less:.0f} times",
    xlabel="draws in the mean (log scale)", xscale="log", yscale="log",
    ylabel="standard error of ∂/∂μ₁ (log scale)",
)  # fmt: skip

bins = np.linspace(
    *np.quantile(estimates["score function with a baseline"][:, 0], [0.005, 0.995]), 61
)
for name, g in estimates.items():
    style = {"color": STYLES[name]["color"], "lw": 2, "ls": STYLES[name]["ls"]}
    weights = np.full(DRAWS, 1 / (DRAWS * (bins[1] - bins[0])))  # also of those out of the picture
    near.hist(g[:, 0], bins, weights=weights, histtype="step", label=name, **style)
near.axvline(exact[0], color="k", lw=1, label=f"exact: {exact[0]:.2f}".replace("-", "−"))
near.set(
    title="VAE, one digit: single draws",
    xlabel="estimate of ∂E_q[log p(x|z)] / ∂μ₁ from one draw, nats per unit of μ₁",
    ylabel="density, per unit",
)
for axes in (square, sine, falling, near):
    axes.legend(frameon=False)
finish(figure, args)
