# %% [markdown]
"""Posterior collapse: a VAE whose z knows nothing of x; what cures it, and at what price.

The claim (notes §2, AEVB eq. (3)). A deep VAE can stop at a model that does not use z.
All units are then inactive. A smaller weight of the KL at the beginning, in all of the
training, or below some nats for each unit, leads past this place.

**KL = 0 means that z knows nothing.** KL(q ‖ p) is 0 only for q = p. So where
KL(q(z|x) ‖ p(z)) = 0 for every x, each x has the same q(z|x) = N(0, I), and z does not
tell which x it came from. More than that: with q(z) = (1/N) Σ_n q(z|x_n), the mean KL is

    (1/N) Σ_n KL(q(z|x_n) ‖ p(z)) = I(x; z) + KL(q(z) ‖ p(z)) ≥ I(x; z)

(`posterior_and_prior.py`). So the mean KL is an upper limit of the mutual information
I(x; z), which is what z knows of x. The inequality is what this demo measures.

**Why training stops there.** Suppose that q(z|x) = N(0, I) for every x, and that the
decoder's output does not depend on z. The gradient of log p(x|z) reaches the encoder
through z, so it is 0. The gradient of the KL is 0 too, since the KL is at its least. And
the decoder's weights for z see a z that is independent of x: their gradient has the mean
0. So the place is a stationary point of the bound. What is left is the best model
without z: each pixel is 1 with its mean over the data. Near this place the decoder's
gradient is small, and the KL pulls q(z|x) back.

**Four trainings**, from the same weights:

    the bound     log p(x|z) − KL
    warm-up       the KL's weight rises from 1/11 to 1 in ten epochs     Sønderby et al. 2016
    free bits     log p(x|z) − Σ_j max(KL_j, ½): below ½ nat a unit      Kingma et al. 2016
                  has no reason to get nearer to the prior
    β = 0.1       log p(x|z) − 0.1 KL, to the end                        Higgins et al. 2017

All four are compared by the bound. The digits are 14 by 14 pixels, means of 2 by 2 of
MNIST's. In the paper on free bits the KL_j is a mean over the minibatch. Here it is that
of one data point.
"""

# %%
import numpy as np
from common import BLUE, GREEN, GREY, ORANGE, finish, halved, ink, note, options, sheet, tidy
from numpy.typing import ArrayLike, NDArray

from scratchvae import VAE, Adam, active_units, binarize, evaluate, fit, load_mnist
from scratchvae.distributions import gaussian_kl, gaussian_log_density, reparameterize

args = options(__doc__)
EPOCHS, FREE = 14, 0.5


# %% Free bits: the term Σ_j max(KL_j, ½) and its gradient, which is 0 where KL_j < ½
class FreeBits(VAE):
    """The KL of each unit counts from FREE nats on."""

    def objective(self, x: ArrayLike, eps: ArrayLike) -> NDArray[np.floating]:
        """(1/L) Σ_l log p(x|z_l) − β Σ_j max(KL_j, FREE). Returns (B,)."""
        reconstruction, _ = self.forward(x, eps)
        return reconstruction - self.beta * np.maximum(of_units(*self.encode(x)), FREE).sum(axis=1)

    def kl_gradient(
        self, mu: NDArray[np.floating], logvar: NDArray[np.floating]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """That of the KL where KL_j > FREE, else 0."""
        dmu, dlogvar = super().kl_gradient(mu, logvar)
        counts = of_units(mu, logvar) > FREE
        return counts * dmu, counts * dlogvar


def of_units(mu: NDArray[np.floating], logvar: NDArray[np.floating]) -> NDArray[np.floating]:
    """KL_j of each unit, (B, n_z): the KL of one dimension."""
    return gaussian_kl(mu[..., None], logvar[..., None])


# %% What z knows: I(x; z) under q
def information(vae: VAE, x: NDArray[np.floating], rng: np.random.Generator) -> tuple[float, float]:
    """I(x; z) ≃ (1/N) Σ_n [log q(z_n|x_n) − log (1/N) Σ_m q(z_n|x_m)], z_n ~ q(z|x_n), in nats.

    An estimate from one draw for each n, and its standard error: it can exceed the KL by chance.
    """
    mu, logvar = (part.astype(np.float64) for part in vae.encode(x))
    z = reparameterize(mu, logvar, rng.standard_normal(mu.shape))
    log_q = gaussian_log_density(z[:, None], mu, logvar)  # log q(z_n|x_m), (N, N)
    log_q_z = np.logaddexp.reduce(log_q, axis=1) - np.log(len(x))
    terms = np.diag(log_q) - log_q_z
    return float(terms.mean()), float(terms.std() / len(x) ** 0.5)


# %% The four trainings
mnist = load_mnist()
train, test = halved(mnist.train_images[:5000]), halved(mnist.test_images[:1000])
x = binarize(test, np.random.default_rng(0), np.float64)
SIZES = {"hidden": (100,) * 4, "n_z": 8, "init": "normal", "seed": 1}
KINDS = {
    "the bound": (VAE(196, **SIZES), 0, "k", "-"),
    "warm-up": (VAE(196, **SIZES), 10, BLUE, "--"),
    "free bits": (FreeBits(196, **SIZES), 0, ORANGE, "-."),
    "β = 0.1": (VAE(196, beta=0.1, **SIZES), 0, GREEN, ":"),
}
print(f"{EPOCHS} epochs of 5,000 digits; on 1,000 others, in nats for each digit")
print(
    "trained with     bound = reconstruction -     KL   I(x; z) ± error   active units  sd of means"
)
history, units, dreams, found = {}, {}, {}, {}
for name, (vae, warmup, *_) in KINDS.items():
    history[name] = fit(
        vae, train, epochs=EPOCHS, optimizer=Adam(vae.params), test_images=test, seed=1,
        warmup=warmup, progress=False,
    ).test_elbo  # fmt: skip
    units[name] = np.sort(of_units(*vae.encode(x)).mean(axis=0))[::-1]
    dreams[name] = vae.sample(12, seed=3)
    # how much the decoder's means differ from one z to another
    spread = float(vae.sample(500, seed=4).std(axis=0).mean())
    bound, active = evaluate(vae, test), active_units(vae, test)
    knows, error = information(vae, x, np.random.default_rng(5))
    found[name] = (bound, knows, active, spread, error)
    print(
        f"{name.replace('β', 'beta'):13}{bound.elbo:9.2f} = {bound.reconstruction:14.2f} - "
        f"{bound.kl:6.3f}{knows:11.3f} ± {error:.3f}{active:9d} of 8{spread:14.3f}"
    )

# %% The best model without z: each pixel is 1 with its mean over the data
mean = np.clip(train.mean(axis=0) / 255, 1 / (2 * len(train)), 1 - 1 / (2 * len(train)))
grey = test / 255
without_z = float((grey * np.log(mean) + (1 - grey) * np.log(1 - mean)).sum(axis=1).mean())
print(f"the best model without z has log p(x) = {without_z:.2f}")

collapsed = found["the bound"]
assert collapsed[0].kl < 0.05 and collapsed[2] == 0 and collapsed[3] < 0.01
assert abs(collapsed[0].elbo - without_z) < 0.5
for bound, knows, *_ in found.values():
    assert knows < bound.kl + 0.1  # 0.1: of one draw of z for each of 1,000 digits
for name in ("warm-up", "free bits", "β = 0.1"):
    bound, knows, active, spread, _ = found[name]
    assert knows > 1 > 100 * collapsed[1] and active > 0 and spread > 5 * collapsed[3]
    assert bound.elbo > collapsed[0].elbo

# %% The picture
from matplotlib import pyplot  # noqa: E402

figure = pyplot.figure(figsize=(8.3, 8.2), layout="constrained")
figure.suptitle("Posterior collapse: z is not used, and three ways past it", fontsize=13)
top, below = figure.subfigures(2, 1, height_ratios=(1, 1.05))
curves, bars = top.subplots(1, 2, width_ratios=(1.25, 1))
tidy(curves, bars)
for name, (_, _, colour, line) in KINDS.items():
    curves.plot(range(1, EPOCHS + 1), history[name], color=colour, ls=line, lw=2)
curves.axhline(without_z, color=GREY, lw=1)
note(curves, "best without z", (0.6, without_z), (0, 7), color="0.4")
curves.set(
    xlabel="epoch", ylabel="nats for each digit", ylim=(-54, -47.5), xlim=(0.5, EPOCHS + 0.5)
)
curves.set_xticks(range(2, EPOCHS + 1, 2))
curves.set_title("The bound of test digits", fontsize=10)
for name, (_, _, colour, line) in KINDS.items():
    bars.plot(range(1, 9), units[name], color=colour, ls=line, marker="o", ms=4, label=name)
bars.axhline(FREE, color=GREY, lw=1)
note(bars, "free below", (2, FREE), (0, 7), color="0.4")
bars.set(xlabel="unit, the largest first", ylabel="nats", xticks=range(1, 9))
bars.set_title("KL of each unit", fontsize=10)
bars.legend(frameon=False, fontsize=9)
for axes, name in zip(below.subplots(4, 1), KINDS):
    bound, knows, active, _, error = found[name]
    told = f"I(x; z) estimated {knows:.3f} ± {error:.3f}"
    text = f"{name}: KL {bound.kl:.3f} nats, {told}, {active} of 8 units active"
    ink(axes, sheet(dreams[name], 12, (14, 14)), text)
below.suptitle("Means of p(x|z) at the same twelve z ~ p(z)", fontsize=11)
finish(figure, args)
