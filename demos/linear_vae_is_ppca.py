# %% [markdown]
"""A VAE without hidden layers is probabilistic PCA: its bound reaches a known maximum.

The claim. Let the decoder be x = z W + b + σ ε and nothing more. Rows are data points,
so W is (k, n_x). Then p(x) = N(b, WᵀW + σ² I), which Tipping and Bishop (1999) call
probabilistic PCA. The eigenvalues λ of the data's covariance give its highest
likelihood: σ² is the mean of the n_x − k smallest, the rows of W lie in the span of the
first k eigenvectors, the eigenvalues of W Wᵀ are λ_j − σ², and for each image

    max log p = −½ [ n_x log 2π + Σ_{i ≤ k} log λ_i + (n_x − k) log σ² + n_x ]

By AEVB eq. (1), log p(x) minus the bound of eq. (3) is KL(q(z|x) ‖ p(z|x)). Here p(z|x)
is a Gaussian whose mean is linear in x. So a linear encoder can make the KL 0, and the
bound itself can reach the maximum (Lucas et al. 2019).

The dimensions of q are independent. So the KL is 0 only where the rows of W are
orthogonal, which is on PCA's axes. But a rotation of W within its plane leaves p(x) as
it is and costs the bound little, so training is slow to undo it. Training finds the
plane to a fraction of a degree while the rows of W are still far from the axes.
"""

# %%
import numpy as np
from common import BLUE, GREY, ORANGE, finish, options, tidy

from scratchvae import VAE, Adam, epochs, load_mnist
from scratchvae.distributions import gaussian_kl

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options, which choose the backend

# %% The maximum in closed form, for 1000 digits and k = 3
N, k = 1000, 3
images = load_mnist().train_images[:N]
x = images / 255
n_x = x.shape[1]
eigenvalues, eigenvectors = np.linalg.eigh(np.cov(x.T, bias=True))
eigenvalues, components = eigenvalues[::-1], eigenvectors.T[::-1][:k]  # the largest first; rows
sigma2 = eigenvalues[k:].mean()
log_determinant = np.log(eigenvalues[:k]).sum() + (n_x - k) * np.log(sigma2)
maximum = -0.5 * (n_x * np.log(2 * np.pi) + log_determinant + n_x)
print(f"probabilistic PCA of {N} digits, k = {k}: log p is at most {maximum:.4f} nats per image")
print(f"with σ² = {sigma2:.6f}")

# %% The linear VAE: its bound and its log p(x), both without sampling
vae = VAE(n_x, hidden=(), n_z=k, decoder="isotropic", dtype=np.float64, seed=0)
W, b, x_logvar = (vae.params.values[name] for name in ("x_mu.W", "x_mu.b", "x_logvar"))


def bound(x):
    """The mean of eq. (3) over x, (N, n_x), in nats. With the row W_j of W,

    E_q[log p(x|z)] = −½ [n_x log 2πσ² + (‖x − μ W − b‖² + Σ_j σ_j² ‖W_j‖²) / σ²]
    """
    mu, logvar = vae.encode(x)
    square = ((x - mu @ W - b) ** 2).sum(axis=1) + np.exp(logvar) @ (W**2).sum(axis=1)
    constant = n_x * (np.log(2 * np.pi) + x_logvar[0])
    reconstruction = -0.5 * (constant + square * np.exp(-x_logvar[0]))
    return float((reconstruction - gaussian_kl(mu, logvar)).mean())


def inner():
    """M = W Wᵀ + σ² I, (k, k): σ² times the inverse of the covariance of p(z|x)."""
    return W @ W.T + np.exp(x_logvar[0]) * np.eye(k)


def log_p(x):
    """The mean of log N(x; b, C) over x, (N, n_x), in nats.

    With C = WᵀW + σ² I and r = x − b:

    log det C = (n_x − k) log σ² + log det M
    r C⁻¹ rᵀ = (‖r‖² − (r Wᵀ) M⁻¹ (r Wᵀ)ᵀ) / σ²
    """
    M, r = inner(), x - b
    code = r @ W.T
    square = (r**2).sum(axis=1) - (code @ np.linalg.inv(M) * code).sum(axis=1)
    log_determinant = (n_x - k) * x_logvar[0] + np.linalg.slogdet(M)[1]
    distance = square.mean() * np.exp(-x_logvar[0])
    return float(-0.5 * (n_x * np.log(2 * np.pi) + log_determinant + distance))


# %% Training by Algorithm 1: smaller and smaller steps average its noise out
STAGES = [(1e-2, 150), (3e-3, 100), (1e-3, 150), (3e-4, 150), (1e-4, 150), (3e-5, 50)]
optimizer, rng = Adam(vae.params), np.random.default_rng(0)
measured, bounds, evidence, starts, done = [0], [bound(x)], [log_p(x)], [], 0


def row(lr):
    gap, gap_p = maximum - bounds[-1], maximum - evidence[-1]
    print(
        f"{measured[-1]:6d}  {lr:13} {bounds[-1]:10.3f} {evidence[-1]:10.3f}"
        f"  {gap:8.4f}  {gap_p:10.4f}  {gap - gap_p:8.4f}    {np.exp(x_logvar[0]):.6f}"
    )


print("                          nats per image    below the maximum by")
print("epochs  learning rate      bound   log p(x)     bound    log p(x)        KL    σ²")
row("")
for lr, n in STAGES:
    optimizer.lr = lr
    starts.append(done)
    for _ in epochs(vae, images, n, optimizer=optimizer, seed=rng, pixels="grey"):
        done += 1
        if done <= 10 or done % 10 == 0:  # after every epoch at first, then after every tenth
            measured.append(done)
            bounds.append(bound(x))
            evidence.append(log_p(x))
    row(f"{lr:g}")
gaps, gaps_p = maximum - np.array(bounds), maximum - np.array(evidence)
kls = gaps - gaps_p  # log p(x) − 𝓛, the mean of KL(q(z|x) ‖ p(z|x))
assert gaps[-1] < 0.05 and kls.min() > 0 and gaps_p.min() > -1e-6  # 𝓛 ≤ log p ≤ the maximum

# %% What the decoder has found: the plane, and in it the lengths and the axes
plane = np.linalg.svd(W, full_matrices=False)[2]  # an orthonormal basis of the span of W's rows
angles = np.degrees(np.arccos(np.minimum(np.linalg.svd(plane @ components.T)[1], 1)))
rows = W[np.argsort(-(W**2).sum(axis=1))]
rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
rows *= np.sign((rows * components).sum(axis=1, keepdims=True))  # the sign of z is arbitrary
within = components @ plane.T @ plane  # the point of the plane that is nearest to each eigenvector
within /= np.linalg.norm(within, axis=1, keepdims=True)
off_row, off_plane = (
    np.degrees(np.arccos((vectors * components).sum(axis=1))) for vectors in (rows, within)
)
M = inner()
cost = 0.5 * (np.log(np.diagonal(M)).sum() - np.linalg.slogdet(M)[1])  # the best diagonal q's KL
squares, least = np.linalg.eigvalsh(W @ W.T)[::-1], eigenvalues[:k] - sigma2
print("angles between the span of W's rows and that of the first eigenvectors: "
      + ", ".join(f"{a:.2f}°" for a in angles))  # fmt: skip
print("eigenvalues of W Wᵀ: " + ", ".join(f"{s:.3f}" for s in squares)
      + "; λ - σ²: " + ", ".join(f"{s:.3f}" for s in least))  # fmt: skip
print("W's rows are " + ", ".join(f"{a:.1f}°" for a in off_row)
      + f" from the eigenvectors; this costs the bound {cost:.4f} nats")  # fmt: skip
assert angles.max() < 1 and abs(np.exp(x_logvar[0]) / sigma2 - 1) < 2e-3
assert (np.abs(squares / least - 1) < 0.1).all() and cost < 0.05

# %% The picture
figure = plt.figure(figsize=(14, 6.2), layout="constrained")
figure.suptitle(f"A linear VAE with n_z = {k}, trained on {N} grey digits: probabilistic PCA")
left, right = figure.subfigures(1, 2, width_ratios=(1.5, 1))
axes = left.subplots()
for values, name, style in (
    (gaps, "maximum − bound", {"color": BLUE, "lw": 2}),
    (gaps_p, "maximum − log p(x)", {"color": "k", "ls": "--"}),
    (kls, "log p(x) − bound = KL(q(z|x) ‖ p(z|x))", {"color": ORANGE, "ls": ":", "lw": 2}),
):
    axes.plot(measured, values, label=name, **style)
for values, shift in ((gaps, 7), (gaps_p, 0), (kls, -7)):
    axes.annotate(
        f"{values[-1]:.3f}", (measured[-1], values[-1]), (4, shift),
        textcoords="offset points", va="center", fontsize=9,
    )  # fmt: skip
for start, (lr, _) in zip(starts, STAGES):
    axes.axvline(start, color=GREY, lw=0.8, ls=":")
    axes.text(start + 8, 1700, f"lr {lr:g}", va="top", fontsize=9)
axes.set(
    title=f"How far below the maximum of log p(x), {maximum:.2f} nats per image",
    xlabel="epochs", xlim=(0, measured[-1] * 1.07),
    ylabel="nats per image (log scale)", yscale="log", ylim=(None, 2000),
)  # fmt: skip
axes.legend(framealpha=1, edgecolor="w", loc="upper right", bbox_to_anchor=(0.97, 0.9))
tidy(axes)

right.suptitle("What z changes in the image\nblack: −, grey: 0, white: +; each scaled to length 1")
for name, vectors, labels, panels in zip(
    ("W's rows", "eigenvectors,\nnearest in W's span", "PCA's eigenvectors"),
    (rows, within, components),
    (
        [f"{a:.0f}° off" for a in off_row],
        [f"{a:.2f}° off" for a in off_plane],
        [f"λ = {value:.2f}" for value in eigenvalues],
    ),
    right.subplots(3, k),
):
    panels[0].set_ylabel(name)
    for panel, vector, label in zip(panels, vectors, labels):
        panel.imshow(vector.reshape(28, 28), cmap="gray", vmin=-0.15, vmax=0.15)
        panel.set(xticks=[], yticks=[], xlabel=label)
finish(figure, args)
