# %% [markdown]
"""log p(x) is the bound plus a KL: the three computed one by one, by quadrature, while a VAE trains.

The claim, AEVB eq. (1): log p(x) = KL(q(z|x) ‖ p(z|x)) + 𝓛(x), for any x and at any moment of training. With one or two latent dimensions
every integral over z can be summed on a grid, so that each term is computed by itself (`quadrature.py`) and none as the difference of the
others. Raising the bound 𝓛 does two things at once: it raises log p(x), and it draws q(z|x), the encoder's Gaussian, towards the posterior
p(z|x). What stays of the KL is what a Gaussian with independent dimensions cannot follow, and what the encoder gets wrong.

The digits are 14 by 14 pixels, means of 2 by 2 of MNIST's, binarised.
"""

import numpy as np
from common import LIGHT, finish, options
from quadrature import densities, grid, quadrature

from scratchvae import VAE, Adam, binarize, fit, load_mnist

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options: they choose whether there is a window

# %% Small digits: 5000 to train on, 40 test digits to look at
mnist = load_mnist()


def halved(images):
    """28 by 28 pixels to 14 by 14. images: (N, 784), uint8. Returns (N, 196), uint8."""
    return (
        images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).round().astype(np.uint8).reshape(-1, 196)
    )


train = halved(mnist.train_images[:5000])
x = binarize(halved(mnist.test_images[:40]), np.random.default_rng(1), np.float64)

# %% Train, and at some moments integrate
EPOCHS = [0, 1, 2, 4, 8, 16, 24]
models, means = {}, {}
for n_z in (1, 2):
    vae = VAE(196, hidden=(100,), n_z=n_z, dtype=np.float64, seed=0)
    optimizer, rng = Adam(vae.params, lr=2e-3), np.random.default_rng(0)
    print(f"n_z = {n_z}, means of {len(x)} test digits in nats per image")
    print("epochs     log p(x)   = bound 𝓛   + KL(q ‖ posterior)   largest error of the identity")
    means[n_z] = []
    for before, epochs in zip([0, *EPOCHS], EPOCHS):
        if epochs:
            fit(vae, train, epochs=epochs - before, optimizer=optimizer, seed=rng, progress=False)
        log_p, elbo, posterior_kl = parts = quadrature(vae, x)
        off = np.abs(log_p - (elbo + posterior_kl)).max()
        means[n_z].append([part.mean() for part in parts])
        print(
            f"{epochs:6d}   {log_p.mean():10.4f}  {elbo.mean():10.4f}  {posterior_kl.mean():20.4f}   {off:29.0e}"
        )
        assert off < 1e-6 and posterior_kl.min() > 0  # eq. (1), for every digit
    finer = quadrature(vae, x, refine=2)
    change = max(np.abs(coarse - fine).max() for coarse, fine in zip(parts, finer))
    print(f"half the step of the grid changes no term by more than {change:.0e} nats")
    assert change < 1e-8
    models[n_z] = vae, posterior_kl

# %% The picture
figure, panels = plt.subplots(2, 2, figsize=(13, 9.6), layout="constrained", width_ratios=(1.25, 1))
figure.get_layout_engine().set(hspace=0.05, wspace=0.05)
figure.suptitle("log p(x) = bound + KL(q(z|x) ‖ p(z|x)): each by quadrature over z")
for (curves, _), (n_z, values) in zip(panels, means.items()):
    log_p, elbo, posterior_kl = np.transpose(values)
    curves.plot(EPOCHS[1:], log_p[1:], "o-", color="k", label="log p(x)")
    curves.plot(EPOCHS[1:], elbo[1:], "s--", color="k", mfc="w", label="the bound")
    curves.fill_between(
        EPOCHS[1:], elbo[1:], log_p[1:], color=LIGHT, label="the gap: KL(q ‖ posterior)"
    )
    curves.set(
        title=f"n_z = {n_z}: means of {len(x)} test digits",
        xlabel="epochs of training (log scale)",
        xscale="log",
        ylabel="nats per image",
        xlim=(0.9, 32),
        ylim=(elbo[1] - 1, log_p[-1] + 1),
    )
    curves.set_xticks(EPOCHS[1:], EPOCHS[1:])
    curves.minorticks_off()
    for epoch, bottom, kl in zip(EPOCHS[1:], elbo[1:], posterior_kl[1:]):
        curves.annotate(
            f"{kl:.2f}", (epoch, bottom), (5, -5), textcoords="offset points", va="top", fontsize=9
        )
    curves.text(0.97, 0.34, "numbers beside the points: the KL, nats\n" + f"before training: bound {elbo[0]:.1f}, KL {posterior_kl[0]:.2f}",
                transform=curves.transAxes, ha="right", va="top", fontsize=9)  # fmt: skip
    curves.legend(frameon=False, loc="lower right")

for axes, (n_z, (vae, posterior_kl)) in zip(panels[:, 1], models.items()):
    digit = int(
        np.argsort(posterior_kl)[len(x) * 9 // 10]
    )  # a digit whose KL is larger than that of nine in ten
    line = grid(vae, x, refine=5 if n_z == 1 else 1)
    on_grid = densities(vae, x[digit : digit + 1], line)
    q, posterior = np.exp(on_grid.log_q[0]), np.exp(on_grid.log_posterior[0])
    title = f"Test digit {digit}, n_z = {n_z}: KL = {posterior_kl[digit]:.2f} nats"
    if n_z == 1:
        axes.fill_between(line, posterior, color=LIGHT)
        axes.plot(line, posterior, color="k", label="posterior p(z|x)")
        axes.plot(line, q, "--", color="k", label="encoder's q(z|x)")
        shown = line[np.maximum(q, posterior) > 1e-3 * posterior.max()]
        axes.set(
            xlim=(shown.min(), shown.max()),
            ylim=(0, 1.25 * max(q.max(), posterior.max())),
            xlabel="z",
            ylabel="density, per unit of z",
        )
        axes.legend(frameon=False, loc="upper left")
    else:
        q, posterior = (
            density.reshape(len(line), len(line)).T for density in (q, posterior)
        )  # z₁ to the right, z₂ up
        levels = [0.05, 0.25, 0.6, 1]
        axes.contourf(
            line, line, posterior / posterior.max(), levels, colors=["0.9", "0.75", "0.55"]
        )
        axes.contour(
            line, line, q / q.max(), levels[:-1], colors="k", linestyles="--", linewidths=1.3
        )
        either = np.maximum(q / q.max(), posterior / posterior.max()) > 0.01
        across, up = line[either.any(axis=0)], line[either.any(axis=1)]
        axes.set(
            xlim=(across.min(), across.max()),
            ylim=(up.min(), up.max()),
            xlabel="z₁",
            ylabel="z₂",
            aspect="equal",
        )
        title += "\ngrey: posterior p(z|x); dashed: encoder's q(z|x)\nedges at 5, 25 and 60 % of the peak of each"
    axes.set_title(title, fontsize=11)
    inset = axes.inset_axes((0.82, 0.7, 0.22, 0.22) if n_z == 1 else (1.05, 0.7, 0.26, 0.26))
    inset.imshow(x[digit].reshape(14, 14), cmap="gray_r")
    inset.set(xticks=[], yticks=[], title="x")
for axes in panels.flat:
    axes.spines[["top", "right"]].set_visible(False)
finish(figure, args)
