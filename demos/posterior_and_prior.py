# %% [markdown]
"""q(z|x) of single digits and of all against p(z); the KL in closed form and sampled.

The claim (notes §2, AEVB eq. (3)). The bound has two terms,

    𝓛(x) = E_q[log p(x|z)] − KL(q(z|x) ‖ p(z))

The KL pulls q(z|x) of every digit towards the prior p(z) = N(0, I). The other term asks
that z says which digit x is. So each q(z|x) stays small and apart from the others, and
all of them together, q(z) = (1/N) Σ_n q(z|x_n), cover the prior. The mean KL has a part
for each:

    (1/N) Σ_n KL(q(z|x_n) ‖ p(z)) = (1/N) Σ_n KL(q(z|x_n) ‖ q(z)) + KL(q(z) ‖ p(z))

since log q(z|x) − log p(z) = [log q(z|x) − log q(z)] + [log q(z) − log p(z)]. The first
part is the information that z has about which x it was. The second is how far all
digits together are from the prior, and it is smaller by far.

**Closed form or sampled.** With one draw z = μ + σ ⊙ ε there are two estimators of 𝓛:

    A, eq. (6)    log p(x|z) − k      with k = log q(z|x) − log p(z), the sampled KL
    B, eq. (7)    log p(x|z) − KL     with the KL = −½ Σ_j [1 + log σ_j² − μ_j² − σ_j²]

E_q[k] = KL, so both have the mean 𝓛. The closed form has no variance. The sampled KL
has some. With Var ε² = 2 and Cov(ε², ε) = 0,

    k     = Σ_j [½ (σ_j² − 1) ε_j² + μ_j σ_j ε_j] + a constant
    Var k = Σ_j [½ (σ_j² − 1)² + μ_j² σ_j²]
    Var A = Var B + Var k − 2 Cov(log p(x|z), k)

So A is not always the noisier one. Where log p(x|z) is high, q(z|x) tends to be high
too, and the covariance is positive. If q is the posterior, A is log p(x) for every z,
and its variance is 0. Before training B has the smaller variance, after training A has.

The digits are 14 by 14 pixels, means of 2 by 2 of MNIST's, binarised.
"""

# %%
import numpy as np
from common import BLUE, DIGIT_COLOURS, GREEN, GREY, ORANGE, finish, halved, options, panels

from scratchvae import VAE, Adam, binarize, fit, load_mnist
from scratchvae.distributions import (
    gaussian_kl,
    gaussian_log_density,
    reparameterize,
    standard_normal_log_density,
)

args = options(__doc__)

# %% Small digits, and a model with n_z = 2
mnist = load_mnist()
train = halved(mnist.train_images[:10_000])
labels = mnist.test_labels[:5000]
x = binarize(halved(mnist.test_images[:5000]), np.random.default_rng(1), np.float64)
vae = VAE(196, hidden=(100,), n_z=2, dtype=np.float64, seed=0)
optimizer, rng = Adam(vae.params, lr=2e-3), np.random.default_rng(0)

# %% The variances of A, of B and of the sampled KL, at some moments of training
EPOCHS, DIGITS, DRAWS = [0, 1, 2, 4, 8, 16], 100, 400
few = x[:DIGITS]
eps = np.random.default_rng(2).standard_normal((DRAWS, DIGITS, 2))
print(f"means over {DIGITS} test digits, {DRAWS} draws of z for each, in nats and nats²")
print("epochs   bound by A   by B     KL closed  sampled    Var A    Var B    Var k  (exact)")
variances = []
for before, epochs in zip([0, *EPOCHS], EPOCHS):
    if epochs:
        fit(vae, train, epochs=epochs - before, optimizer=optimizer, seed=rng, progress=False)
    mu, logvar = vae.encode(few)
    z = reparameterize(mu, logvar, eps)
    log_prior = standard_normal_log_density(z)
    k = gaussian_log_density(z, mu, logvar) - log_prior  # the sampled KL, (DRAWS, DIGITS)
    log_px_z = vae.log_joint(few, z) - log_prior
    kl = gaussian_kl(mu, logvar)
    A, B = log_px_z - k, log_px_z - kl
    exact = (0.5 * np.expm1(logvar) ** 2 + mu**2 * np.exp(logvar)).sum(axis=1)
    variances.append([part.var(axis=0).mean() for part in (A, B, k)])
    print(
        f"{epochs:6d}   {A.mean():10.3f} {B.mean():8.3f}    {kl.mean():8.3f} {k.mean():8.3f}"
        + "".join(f"{variance:9.3f}" for variance in variances[-1])
        + f"  ({exact.mean():.3f})"
    )
    np.testing.assert_allclose(A.mean(axis=0), vae.elbo_sampled(few, eps), rtol=0, atol=1e-9)
    np.testing.assert_allclose(B.mean(axis=0), vae.elbo(few, eps), rtol=0, atol=1e-9)
    assert (np.abs(k.mean(axis=0) - kl) < 5 * np.sqrt(exact / DRAWS)).all()  # E_q[k] = KL
    assert abs(k.var(axis=0).mean() / exact.mean() - 1) < 0.05
assert variances[0][0] > variances[0][1]  # before training B has the smaller variance,
assert variances[-1][0] < 0.5 * variances[-1][1]  # after training A has

# %% q(z) of 5000 test digits on a grid
# (1/N) Σ_n q(z₁|x_n) q(z₂|x_n) is one matrix product
mu, logvar = vae.encode(x)
line = np.linspace(-7, 7, 701)
z1, z2 = (
    np.exp(gaussian_log_density(line[:, None, None], mu[:, j : j + 1], logvar[:, j : j + 1]))
    for j in (0, 1)
)  # (701, N) each
q = z1 @ z2.T / len(x)
p = np.exp(standard_normal_log_density(np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1)))
dz = (line[1] - line[0]) ** 2
inside = q > 0
log_q = np.log(q[inside])
all_kl = ((log_q - np.log(p[inside])) * q[inside]).sum() * dz  # KL(q(z) ‖ p(z))
# mean KL(q(z|x) ‖ q(z)) = H(q(z)) − mean H(q(z|x)),
# and H(N(μ, σ²)) = Σ_j ½ (1 + log 2πσ_j²)
information = -(log_q * q[inside]).sum() * dz
information -= 0.5 * (1 + np.log(2 * np.pi) + logvar).sum(axis=1).mean()
mean_kl = gaussian_kl(mu, logvar).mean()
print(f"\nof {len(x)} test digits, in nats: mean KL(q(z|x) ‖ p(z)) = {mean_kl:.4f}")
print(f"= {information:.4f}, mean KL(q(z|x) ‖ q(z)), + {all_kl:.4f}, KL(q(z) ‖ p(z))")
assert abs(q.sum() * dz - 1) < 1e-6 and abs(information + all_kl - mean_kl) < 1e-6
assert all_kl < 0.1 * mean_kl

# %% The picture
figure, ((single, together), (sampled, along)) = panels(
    2, 2, (12, 11.6), "Each q(z|x) is small; all of them together are near the prior p(z)"
)
angle = np.linspace(0, 2 * np.pi, 100)
circle = np.stack([np.cos(angle), np.sin(angle)])
for n in np.concatenate([np.flatnonzero(labels == digit)[:3] for digit in range(10)]):
    colour, sigma = DIGIT_COLOURS[labels[n]], np.exp(0.5 * logvar[n])
    single.plot(*(mu[n][:, None] + sigma[:, None] * circle), color=colour, lw=1.2)
    single.text(*mu[n], labels[n], color=colour, ha="center", va="center")
levels = [np.exp(-0.5 * r**2) / (2 * np.pi) for r in (3, 2, 1)]  # p(z) at ‖z‖ = 3, 2 and 1
together.contourf(line, line, q.T, [*levels, 1], colors=["0.85", "0.65", "0.45"])
for axes in (single, together):
    for radius in (1, 2, 3):
        axes.plot(*(radius * circle), color=GREEN, ls="--", lw=1.5)
    axes.set(xlabel="z₁", ylabel="z₂", xlim=(-4, 4), ylim=(-4, 4), aspect="equal")
single.set_title(
    "q(z|x) of 30 test digits: ellipses at 1 σ, the label at μ\n"
    f"mean KL(q(z|x) ‖ p(z)) = {mean_kl:.2f} nats; dashed: p(z)"
)
together.set_title(
    f"grey: q(z), the mean of q(z|x) of {len(x)} test digits\n"
    f"KL(q(z) ‖ p(z)) = {all_kl:.2f} nats; dashed: p(z), the same levels"
)

highest = kl.max() + 0.5
sampled.plot([0, highest], [0, highest], color="k", lw=1, label="closed form")
sampled.plot(kl, k[0], "o", color=ORANGE, ms=5, label="sampled, one draw of z")
sampled.plot(kl, k.mean(axis=0), "s", color=BLUE, ms=4, label=f"sampled, mean of {DRAWS} draws")
sampled.set(
    title=f"KL(q(z|x) ‖ p(z)) of {DIGITS} test digits",
    xlabel="closed form, nats", ylabel="closed form or sampled, nats",
)  # fmt: skip
for values, name, style in zip(
    np.transpose(variances),
    ("A: log p(x|z) − sampled KL", "B: log p(x|z) − closed KL", "the sampled KL alone"),
    ({"color": ORANGE, "marker": "o"}, {"color": BLUE, "marker": "s", "ls": "--"},
     {"color": GREY, "marker": "^", "ls": ":"}),
):  # fmt: skip
    along.plot(values, label=name, lw=2, **style)
along.set_xticks(range(len(EPOCHS)), EPOCHS)
along.set(
    title="Variance of the bound's estimators, one draw of z",
    xlabel="epochs of training", ylabel="variance, nats²", ylim=(0, None),
)  # fmt: skip
along.text(
    0.99, 0.64, "Why B is noisier after training: a z with\n"
    "a high log p(x|z) has a high sampled KL\n"
    "too. A subtracts one from the other, and\n"
    "they cancel. B subtracts a constant.",
    transform=along.transAxes, ha="right", va="center", fontsize=9.5,
)  # fmt: skip
for axes in (sampled, along):
    axes.legend(frameon=False)
finish(figure, args)
