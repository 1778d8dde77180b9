# %% [markdown]
"""A VAE without hidden layers is probabilistic PCA: its bound climbs to a maximum that is known in closed form.

The claim: let the decoder be x = W z + b + σ ε and nothing more. Then p(x) = N(b, W Wᵀ + σ² I), which Tipping and Bishop (1999) call
probabilistic PCA, and its highest likelihood follows from the eigenvalues λ of the data's covariance alone: σ² is the mean of the n_x − k
that are left out, W has the lengths √(λ_j − σ²) along the eigenvectors of the first k, and for each image

    max log p = −½ [ n_x log 2π + Σ_{i ≤ k} log λ_i + (n_x − k) log σ² + n_x ]

The bound 𝓛 of AEVB eq. (3) is below log p(x) by KL(q(z|x) ‖ p(z|x)), eq. (1). Here p(z|x) is a Gaussian whose mean is linear in x, so that
a linear encoder can make the KL 0, and the bound itself can reach the maximum (Lucas et al. 2019). As the dimensions of q are independent,
it does so only where the columns of W are orthogonal: on PCA's axes. But a turn of W within its plane leaves p(x) as it is and costs the
bound little, so that training is slow to undo it: the plane is found to a fraction of a degree while the columns are far from the axes.
"""

import numpy as np
from common import GREY, finish, options

from scratchvae import VAE, Adam, fit, load_mnist
from scratchvae.distributions import gaussian_kl

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options: they choose whether there is a window

# %% The maximum in closed form, for 1000 digits and k = 3
N, k = 1000, 3
images = load_mnist().train_images[:N]
x = images / 255
n_x = x.shape[1]
eigenvalues, eigenvectors = np.linalg.eigh(np.cov(x.T, bias=True))
eigenvalues, components = (
    eigenvalues[::-1],
    eigenvectors.T[::-1][:k],
)  # largest first; the components of PCA, in rows
sigma2 = eigenvalues[k:].mean()
maximum = -0.5 * (
    n_x * np.log(2 * np.pi) + np.log(eigenvalues[:k]).sum() + (n_x - k) * np.log(sigma2) + n_x
)
print(
    f"probabilistic PCA of {N} digits, k = {k}: log p is at most {maximum:.4f} nats per image, with σ² = {sigma2:.6f}"
)

# %% The linear VAE: its bound and its log p(x), both without sampling. Rows are data points: W here is (k, n_x), the Wᵀ of the formulas
vae = VAE(n_x, hidden=(), n_z=k, decoder="isotropic", dtype=np.float64, seed=0)
W, b, x_logvar = (vae.params.values[name] for name in ("x_mu.W", "x_mu.b", "x_logvar"))


def bound(x):
    """The mean of eq. (3) over x, (N, n_x), in nats, by E_q[log p(x|z)] = −½ [n_x log 2πσ² + (‖x − W μ − b‖² + Σ_j σ_j² ‖W_j‖²) / σ²]."""
    mu, logvar = vae.encode(x)
    square = ((x - mu @ W - b) ** 2).sum(axis=1) + np.exp(logvar) @ (W**2).sum(
        axis=1
    )  # E_q ‖x − W z − b‖²
    reconstruction = -0.5 * (
        n_x * (np.log(2 * np.pi) + x_logvar[0]) + square * np.exp(-x_logvar[0])
    )
    return float((reconstruction - gaussian_kl(mu, logvar)).mean())


def log_p(x):
    """The mean of log N(x; b, C) over x, (N, n_x), in nats. With M = WᵀW + σ² I, only k by k, and r = x − b:

    log det C = (n_x − k) log σ² + log det M        rᵀ C⁻¹ r = (‖r‖² − (Wᵀr)ᵀ M⁻¹ (Wᵀr)) / σ²
    """
    M, r = W @ W.T + np.exp(x_logvar[0]) * np.eye(k), x - b
    code = r @ W.T
    distance = ((r**2).sum(axis=1) - (code @ np.linalg.inv(M) * code).sum(axis=1)) * np.exp(
        -x_logvar[0]
    )
    return float(
        -0.5
        * (
            n_x * np.log(2 * np.pi)
            + (n_x - k) * x_logvar[0]
            + np.linalg.slogdet(M)[1]
            + distance.mean()
        )
    )


# %% Training by Algorithm 1, whose noise smaller and smaller steps average out
stages = [(1e-2, 150), (3e-3, 100), (1e-3, 150), (3e-4, 150), (1e-4, 150), (3e-5, 50)]  # lr, epochs
optimizer, rng = Adam(vae.params), np.random.default_rng(0)
epochs, bounds, evidence, starts = [0], [bound(x)], [log_p(x)], []


def watch(history):
    """Measure after every epoch at first, then after every tenth."""
    epoch = starts[-1] + len(history.elbo)
    if epoch <= 10 or epoch % 10 == 0:
        epochs.append(epoch)
        bounds.append(bound(x))
        evidence.append(log_p(x))


print("                          nats per image    below the maximum by")
print("epochs  learning rate      bound   log p(x)     bound    log p(x)    σ²")
print(
    f"{0:6d}  {'':13} {bounds[0]:10.3f} {evidence[0]:10.3f}  {maximum - bounds[0]:8.4f}  {maximum - evidence[0]:10.4f}    {1:.6f}"
)
for lr, n in stages:
    starts.append(epochs[-1])
    optimizer.lr = lr
    fit(
        vae,
        images,
        epochs=n,
        optimizer=optimizer,
        seed=rng,
        binarize=False,
        progress=False,
        after_epoch=watch,
    )
    gap, gap_p = maximum - bounds[-1], maximum - evidence[-1]
    print(
        f"{epochs[-1]:6d}  {lr:<13g} {bounds[-1]:10.3f} {evidence[-1]:10.3f}  {gap:8.4f}  {gap_p:10.4f}    {np.exp(x_logvar[0]):.6f}"
    )
gaps, gaps_p = maximum - np.array(bounds), maximum - np.array(evidence)
assert (
    gaps[-1] < 0.05 and (gaps > gaps_p).all() and gaps_p.min() > -1e-6
)  # 𝓛 ≤ log p ≤ its maximum, all along

# %% What the decoder has found: the plane, and in it the lengths and the axes
plane = np.linalg.svd(W, full_matrices=False)[2]  # an orthonormal basis of what W's columns span
angles = np.degrees(np.arccos(np.minimum(np.linalg.svd(plane @ components.T)[1], 1)))
columns = W[np.argsort(-(W**2).sum(axis=1))]
columns = columns / np.linalg.norm(columns, axis=1, keepdims=True)
columns *= np.sign(
    (columns * components).sum(axis=1, keepdims=True)
)  # z and −z are as likely: a sign is arbitrary
within = components @ plane.T @ plane  # the point of the plane that is nearest to each eigenvector
within /= np.linalg.norm(within, axis=1, keepdims=True)
off_column, off_plane = (
    np.degrees(np.arccos((vectors * components).sum(axis=1))) for vectors in (columns, within)
)
M = W @ W.T + np.exp(x_logvar[0]) * np.eye(k)  # σ² times the inverse covariance of p(z|x)
turn = 0.5 * (
    np.log(np.diagonal(M)).sum() - np.linalg.slogdet(M)[1]
)  # KL of the best diagonal q: what M's correlations cost
squares, least = np.linalg.eigvalsh(W @ W.T)[::-1], eigenvalues[:k] - sigma2
print(
    f"principal angles between the spans of W's columns and of the first {k} eigenvectors: {', '.join(f'{a:.2f}°' for a in angles)}"
)
print(
    f"eigenvalues of W Wᵀ: {', '.join(f'{s:.3f}' for s in squares)}; λ − σ² = {', '.join(f'{s:.3f}' for s in least)}"
)
print(
    f"W's columns are {', '.join(f'{a:.1f}°' for a in off_column)} from the eigenvectors; this costs the bound {turn:.4f} nats"
)
assert (
    angles.max() < 1
    and abs(np.exp(x_logvar[0]) / sigma2 - 1) < 2e-3
    and (np.abs(squares / least - 1) < 0.1).all()
    and turn < 0.05
)

# %% The picture
figure = plt.figure(figsize=(14, 6.2), layout="constrained")
figure.suptitle(
    f"A linear VAE with n_z = {k}, trained on {N} grey digits, ends as probabilistic PCA"
)
left, right = figure.subfigures(1, 2, width_ratios=(1.5, 1))
axes = left.subplots()
axes.plot(epochs, gaps, color="k", label="the bound")
axes.plot(epochs, gaps_p, color="k", ls="--", lw=1.2, label="log p(x) of the model")
for start, (lr, _) in zip(starts, stages):
    if start:
        axes.axvline(start, color=GREY, lw=0.8, ls=":")
    axes.text(start + 8, 1700, f"lr {lr:g}", va="top", fontsize=9)
axes.annotate(
    f"{gaps[-1]:.3f}",
    (epochs[-1], gaps[-1]),
    (4, 0),
    textcoords="offset points",
    va="center",
    fontsize=9,
)
axes.annotate(
    f"{gaps_p[-1]:.3f}",
    (epochs[-1], gaps_p[-1]),
    (4, 0),
    textcoords="offset points",
    va="center",
    fontsize=9,
)
axes.text(
    400,
    150,
    "the gap between the two lines is KL(q(z|x) ‖ p(z|x))",
    ha="center",
    fontsize=9,
    backgroundcolor="w",
)
axes.set(
    title=f"How far below the maximum, {maximum:.2f} nats per image",
    xlabel="epochs",
    ylabel="below the maximum of log p, nats per image (log scale)",
    yscale="log",
    xlim=(0, epochs[-1] * 1.07),
    ylim=(None, 2000),
)
axes.legend(framealpha=1, edgecolor="w", loc="center right", bbox_to_anchor=(0.97, 0.62))
axes.spines[["top", "right"]].set_visible(False)

right.suptitle(
    "What z moves in the image\nblack: −, grey: 0, white: +; each scaled to length 1", fontsize=11
)
rows = (
    ("W's columns", columns, [f"{a:.0f}° off" for a in off_column]),
    ("eigenvectors,\nnearest in W's span", within, [f"{a:.2f}° off" for a in off_plane]),
    ("PCA's eigenvectors", components, [f"λ = {value:.2f}" for value in eigenvalues]),
)
panels = right.subplots(3, k)
for row, (name, vectors, labels) in zip(panels, rows):
    row[0].set_ylabel(name)
    for panel, vector, label in zip(row, vectors, labels):
        panel.imshow(vector.reshape(28, 28), cmap="gray", vmin=-0.15, vmax=0.15)
        panel.set(xticks=[], yticks=[])
        panel.set_xlabel(label, fontsize=9)
finish(figure, args)
