# %% [markdown]
"""One σ for all pixels: the best σ² is the mean squared error, and σ = 1 wastes z.

The claim (AEVB appendix C.2, and Rybkin, Daniilidis and Levine 2021, *Simple and
Effective VAE Training with Calibrated Decoders*, arXiv 2006.13202, the σ-VAE). The
decoder "isotropic" is p(x|z) = N(x; μ, σ² I), with one σ for all pixels and all z:

    log p(x|z) = −½ [ n_x log 2πσ² + ‖x − μ‖² / σ² ]

Let MSE be the mean of (x_i − μ_i)² over pixels, data points and samples of z. The mean of
log p(x|z) is −½ n_x [log 2πσ² + MSE / σ²]. Its derivative in log σ² is −½ n_x [1 − MSE /
σ²]. It is 0 at σ² = MSE, positive below and negative above. So for given μ

    σ*² = MSE          and there log p(x|z) = −½ n_x [log 2π MSE + 1] on average

**Three trainings** of the same network, on the same digits:

    σ = 1      log p(x|z) is −½ ‖x − μ‖² and a constant: "squared error plus KL"
    learnt     s = log σ² (with a floor far below) is a weight like the others
    σ-VAE      σ² = MSE of the minibatch before

With σ = 1 an error of ‖x − μ‖² = 2 costs a nat, however small the pixels' noise is. What z
could explain of x is then worth less than its KL: units stay inactive, μ is blurred, and
samples show a mean. That is no property of VAEs, but of the wrong σ. It is the same as a
weight of 1 / σ*² on the KL (a β-VAE). To set σ right after the training repairs log σ², but
not z.

The learnt σ arrives at √MSE too, but slowly: Adam moves s by about its learning rate in
a step, and s begins at 0. The σ-VAE is there after a step.
"""

# %%
import numpy as np
from common import BLUE, GREY, ORANGE, finish, halved, ink, note, options, sheet, tidy

from scratchvae import AEVB, VAE, Adam, active_units, epochs, evaluate, load_mnist
from scratchvae.distributions import gaussian_kl

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options, which choose the backend

# %% The data: grey digits of 14 by 14 pixels, and how much there is to explain
mnist = load_mnist()
train, test = halved(mnist.train_images[:3000]), halved(mnist.test_images[:1000])
n_x, n_z, EPOCHS = 196, 8, 80
print(
    f"the standard deviation of a pixel, without any model: {(train / 255).std(axis=0).mean():.3f}"
)


# %% σ of a model, and the mean squared error that its reconstruction term tells
def variance(vae):
    """σ² = σ_min² + e^s."""
    return vae.min_sigma**2 + float(np.exp(vae.params.values["x_logvar"][0]))


def mean_square(reconstruction, sigma2):
    """MSE from the mean of log p(x|z) = −½ n_x [log 2πσ² + MSE / σ²]."""
    return -sigma2 * (2 * reconstruction / n_x + np.log(2 * np.pi * sigma2))


class SigmaVAE(AEVB):
    """Algorithm 1, and after each step σ² = MSE of its minibatch."""

    def step(self, rows, x, rng):
        sigma2 = variance(self.model)
        bound = super().step(rows, x, rng)
        best = mean_square(bound.reconstruction, sigma2) - self.model.min_sigma**2
        self.model.params.values["x_logvar"][...] = np.log(best)
        return bound


# %% Three trainings
def trained(algorithm=AEVB, **settings):
    """The model, and after each epoch σ and the √MSE of the training images."""
    vae = VAE(n_x, (100,), n_z, decoder="isotropic", seed=0, **settings)
    if settings:  # the floor is σ: e^s is nothing, and its gradient too
        vae.params.values["x_logvar"][...] = -40
    found = []
    for _ in epochs(vae, train, EPOCHS, algorithm=algorithm, optimizer=Adam(vae.params, lr=3e-3)):
        sigma2 = variance(vae)
        found.append((sigma2, mean_square(evaluate(vae, train).reconstruction, sigma2)))
    return vae, np.sqrt(found)


models = {"σ = 1": trained(min_sigma=1.0), "learnt": trained(), "σ-VAE": trained(SigmaVAE)}
print(f"\nafter {EPOCHS} epochs, {len(test)} test digits, nats per digit")
print("           σ   √MSE    bound   log p(x|z)      KL   active units")
results = {}
for name, (vae, found) in models.items():
    bound, active = evaluate(vae, test), active_units(vae, test)
    results[name] = bound, active
    sigma, error = found[-1]
    print(
        f"{name:6} {sigma:6.3f} {error:6.3f} {bound.elbo:8.2f}   {bound.reconstruction:10.2f} "
        f"{bound.kl:7.2f}   {active} of {n_z}"
    )

# %% σ set right after the training: only log σ² is repaired
fixed, found = models["σ = 1"]
repaired = VAE(**{**fixed.settings, "min_sigma": float(found[-1, 1])})
repaired.params.theta[...] = fixed.params.theta
afterwards = evaluate(repaired, test)
print(f"σ = 1, and √MSE = {found[-1, 1]:.3f} after the training: bound {afterwards.elbo:.2f}")

for name in ("learnt", "σ-VAE"):
    sigma, error = models[name][1][-1]
    assert abs(sigma / error - 1) < 0.1  # σ² = MSE, but for the noise of a minibatch
    bound, active = results[name]
    assert bound.elbo > afterwards.elbo + 20 > results["σ = 1"][0].elbo + 20
    assert bound.kl > 4 * results["σ = 1"][0].kl and active > results["σ = 1"][1]
    assert error < 0.85 * found[-1, 1]  # what z explains is not blurred
of_learnt, of_sigma_vae = (models[name][1] for name in ("learnt", "σ-VAE"))
assert (
    abs(of_learnt[4, 0] / of_learnt[4, 1] - 1)
    > 0.5
    > 10 * abs(of_sigma_vae[4, 0] / of_sigma_vae[4, 1] - 1)
)  # after 5 epochs only the σ-VAE is there

# %% The picture
figure = plt.figure(figsize=(11, 7.3), layout="constrained")
figure.suptitle("One σ for all pixels: with σ = 1 z is wasted; σ² = MSE is the best", fontsize=13)
above, below = figure.subfigures(2, 1, height_ratios=(1.25, 1))
curves, units = above.subplots(1, 2, width_ratios=(1.25, 1))
for (name, (_, found)), colour, style, at, shift in zip(
    models.items(), (GREY, BLUE, ORANGE), (":", "-", "--"), (40, 12, 61), (9, 12, -16)
):
    sigmas, errors = found.T
    curves.plot(range(1, EPOCHS + 1), sigmas, color=colour, ls=style, lw=2.4)
    curves.plot(range(1, EPOCHS + 1, 6), errors[::6], "o", color=colour, ms=5)
    words = {"σ = 1": "σ = 1", "learnt": "σ learnt", "σ-VAE": "σ-VAE"}[name]
    note(curves, words, (at, sigmas[at - 1]), (4, shift), fontsize=11)
note(curves, "dots: √MSE of each training", (EPOCHS, models["σ = 1"][1][-1, 1]), (0, 14),
     ha="right", fontsize=11)  # fmt: skip
curves.set(
    title="σ, and √MSE of the training digits", xlabel="epochs", ylabel="grey levels, 0 to 1",
    yscale="log", ylim=(0.1, 1.3),
)  # fmt: skip
curves.set_yticks([0.1, 0.2, 0.5, 1], ["0.1", "0.2", "0.5", "1"])
curves.minorticks_off()
x = test / 255
for i, (name, colour, hatch) in enumerate((("σ = 1", GREY, ""), ("learnt", BLUE, "///"))):
    mu, logvar = models[name][0].encode(x)
    kl = [gaussian_kl(mu[:, j : j + 1], logvar[:, j : j + 1]).mean() for j in range(n_z)]
    places = np.arange(1, n_z + 1) + 0.4 * (i - 0.5)
    label = f"{name}: {sum(kl):.2f} nats in all"
    units.bar(
        places, sorted(kl, reverse=True), 0.38, color=colour, hatch=hatch, ec="w", label=label
    )
units.set(
    title="KL of each unit of z, test digits", xlabel="units, the largest first", ylabel="nats",
    xticks=range(1, n_z + 1),
)  # fmt: skip
units.legend(frameon=False, fontsize=11)
tidy(curves, units)
shown = x[:20]
for axes, images, title in zip(
    below.subplots(1, 5),
    (
        shown, models["σ = 1"][0].reconstruct(shown), models["learnt"][0].reconstruct(shown),
        models["σ = 1"][0].sample(20, 1), models["learnt"][0].sample(20, 1),
    ),
    ("test digits", "reconstructed, σ = 1", "reconstructed, learnt", "samples, σ = 1",
     "samples, learnt"),
):  # fmt: skip
    ink(axes, np.clip(sheet(images, 4, (14, 14)), 0, 1))
    axes.set_title(title, fontsize=11)
finish(figure, args)
