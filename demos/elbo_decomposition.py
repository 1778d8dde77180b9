# %% [markdown]
"""log p(x) is the bound plus a KL: each of the three by quadrature, while a VAE trains.

The claim, AEVB eq. (1): for any x and at any moment of training,

    log p(x) = 𝓛(x) + KL(q(z|x) ‖ p(z|x))

With one or two latent dimensions a sum over a grid gives every integral over z. So each
term is computed by itself (`quadrature.py`), and none as the difference of the others.

Training raises 𝓛 = log p(x) − KL. The identity says no more than this: log p(x) minus
the KL grows. Either of the two may move. In the first epoch both log p(x) and the KL
grow. Later the KL falls. What stays of it has two causes: q(z|x) is a Gaussian with
independent dimensions and the posterior p(z|x) is not; and the encoder does not find
the best such Gaussian for each x.

The digits are 14 by 14 pixels, means of 2 by 2 of MNIST's, binarised.
"""

# %%
import numpy as np
from common import BLUE, GREEN, LIGHT, ORANGE, finish, halved, ink, options, panels
from quadrature import densities, grid, quadrature

from scratchvae import VAE, Adam, binarize, fit, load_mnist

args = options(__doc__)

# %% Small digits: 5000 to train on, 40 test digits to look at
mnist = load_mnist()
train = halved(mnist.train_images[:5000])
x = binarize(halved(mnist.test_images[:40]), np.random.default_rng(1), np.float64)
labels = mnist.test_labels[:40]

# %% Train, and at some moments integrate
EPOCHS = [0, 1, 2, 4, 8, 16, 24]
models, means = {}, {}
for n_z in (1, 2):
    vae = VAE(196, hidden=(100,), n_z=n_z, dtype=np.float64, seed=0)
    optimizer, rng = Adam(vae.params, lr=2e-3), np.random.default_rng(0)
    print(f"n_z = {n_z}, means of {len(x)} test digits in nats per image")
    print("epochs     log p(x)   = bound 𝓛   + KL(q ‖ posterior)   largest error of eq. (1)")
    means[n_z] = []
    for before, epochs in zip([0, *EPOCHS], EPOCHS):
        if epochs:
            fit(vae, train, epochs=epochs - before, optimizer=optimizer, seed=rng, progress=False)
        log_p, elbo, posterior_kl = parts = quadrature(vae, x)
        off = np.abs(log_p - (elbo + posterior_kl)).max()
        means[n_z].append([part.mean() for part in parts])
        print(
            f"{epochs:6d}   {log_p.mean():10.4f}  {elbo.mean():10.4f}  "
            f"{posterior_kl.mean():20.4f}   {off:24.0e}"
        )
        assert off < 1e-6 and posterior_kl.min() > 0  # eq. (1), for every digit
    _, bounds, kls = np.transpose(means[n_z])
    assert (np.diff(bounds) > 0).all() and kls[1] > kls[0]  # 𝓛 grows; the KL too, at first
    assert kls[-1] < kls[0]  # the KL is smaller in the end
    finer = quadrature(vae, x, refine=2)
    change = max(np.abs(coarse - fine).max() for coarse, fine in zip(parts, finer))
    print(f"half the step of the grid changes no term by more than {change:.0e} nats")
    assert change < 1e-8
    models[n_z] = vae, posterior_kl

# %% The picture: the three terms along training, and p(z), p(z|x), q(z|x) of one image
figure, ((curves_1, one), (curves_2, two)) = panels(
    2, 2, (13, 9.6), "log p(x) = bound + KL(q(z|x) ‖ p(z|x)): each by quadrature over z",
    width_ratios=(1.25, 1),
)  # fmt: skip
for axes, (n_z, values) in zip((curves_1, curves_2), means.items()):
    log_p, elbo, posterior_kl = np.transpose(values)
    axes.fill_between(EPOCHS[1:], elbo[1:], log_p[1:], color=LIGHT, label="KL(q ‖ posterior)")
    axes.plot(EPOCHS[1:], log_p[1:], "o-", color="k", label="log p(x)")
    axes.plot(EPOCHS[1:], elbo[1:], "s--", color=BLUE, mfc="w", label="the bound")
    axes.set(
        title=f"n_z = {n_z}: means of {len(x)} test digits",
        xlabel="epochs of training (log scale)", xscale="log", xlim=(0.9, 32),
        ylabel="nats per image", ylim=(elbo[1] - 1, log_p[-1] + 1),
    )  # fmt: skip
    axes.set_xticks(EPOCHS[1:], EPOCHS[1:])
    axes.minorticks_off()
    below = {"xytext": (5, -5), "textcoords": "offset points", "va": "top", "fontsize": 9}
    for epoch, bottom, kl in zip(EPOCHS[1:], elbo[1:], posterior_kl[1:]):
        axes.annotate(f"{kl:.2f}", (epoch, bottom), **below)
    before = f"before training: bound −{-elbo[0]:.1f}, KL {posterior_kl[0]:.2f}"
    axes.text(30, elbo[1] + 3.7, f"numbers beside the points: the KL, nats\n{before}", ha="right")
    axes.legend(frameon=False, loc="lower right")

for axes, (n_z, (vae, posterior_kl)) in zip((one, two), models.items()):
    image = int(np.argsort(posterior_kl)[len(x) * 9 // 10])  # nine in ten have a smaller KL
    line = grid(vae, x, refine=5 if n_z == 1 else 1)
    on_grid = densities(vae, x[image : image + 1], line)
    q, posterior = np.exp(on_grid.log_q[0]), np.exp(on_grid.log_posterior[0])
    prior = np.exp(-0.5 * line**2) / np.sqrt(2 * np.pi)
    title = (
        f"Test image {image}, a {labels[image]}, n_z = {n_z}: KL = {posterior_kl[image]:.2f} nats"
    )
    if n_z == 1:
        axes.fill_between(line, posterior, color=LIGHT)
        axes.plot(line, prior, ":", color=GREEN, lw=2, label="prior p(z)")
        axes.plot(line, posterior, color="k", label="posterior p(z|x)")
        axes.plot(line, q, "--", color=ORANGE, lw=2, label="encoder's q(z|x)")
        axes.set(xlim=(-3.5, 3.5), ylim=(0, None), xlabel="z", ylabel="density, per unit of z")
        axes.legend(frameon=False, loc="upper left")
    else:
        # z₁ to the right, z₂ up; each density divided by its peak
        q, posterior = (f.reshape(len(line), len(line)).T / f.max() for f in (q, posterior))
        prior = np.outer(prior, prior) / prior.max() ** 2
        levels = [0.05, 0.25, 0.6]
        axes.contourf(line, line, posterior, [*levels, 1], colors=["0.85", "0.65", "0.45"])
        axes.contour(line, line, prior, levels, colors=GREEN, linestyles=":", linewidths=2)
        axes.contour(line, line, q, levels, colors=ORANGE, linestyles="--", linewidths=2)
        axes.set(xlabel="z₁", ylabel="z₂", xlim=(-3.5, 3.5), ylim=(-3, 3), aspect="equal")
        title += "\ngrey: p(z|x); orange, dashed: q(z|x); green, dotted: p(z)"
        title += "\nedges at 5, 25 and 60 % of the peak of each"
    axes.set_title(title, fontsize=11)
    ink(axes.inset_axes((0.8, 0.72, 0.22, 0.24)), x[image].reshape(14, 14), "x")
finish(figure, args)
