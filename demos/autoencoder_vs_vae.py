# %% [markdown]
"""An autoencoder gives a code, a VAE gives images too: both are compared with PCA.

The claim (notes §0). The autoencoder is for the code z, "as in PCA", and its decoder is
dropped after training. The VAE is for sampling, so its decoder is what one keeps.

The comparison is fair. Both networks have the sizes 196-128-n_z-128-196, the same
optimizer and the same number of epochs, and both see the same grey pixels. Both outputs
are linear, and both losses are squared errors:

    autoencoder    ‖x − x̂‖²
    VAE            ‖x − x̂‖² / (2σ²) + (n_x / 2) log 2πσ² + KL(q(z|x) ‖ N(0, I))

The decoder of the VAE is N(x; x̂, σ² I), with one trained σ. It has two more things:
the noise in z ~ q(z|x), and the KL.

Three questions are measured, on test digits:

1. Does x̂ rebuild x? By the squared error, at z = μ(x) for the VAE.
2. Is z useful? By two classifiers of the digit that see z alone: the label of the
   nearest training code, and a linear classifier by least squares.
3. Can one sample? One draws z ~ N(0, I), decodes it, and takes the squared distance to
   the nearest training digit. It is small where the codes of digits look like draws
   from N(0, I). So the codes are compared with N(0, I) too. With their mean m and
   covariance C:

       KL(N(m, C) ‖ N(0, I)) = ½ (tr C + mᵀm − n_z − log det C)

   For the VAE the codes are draws z ~ q(z|x), because its decoder is trained on those.

For 1 and 2 both networks have nearly the same answers. For 3 they do not when n_z is 8.
With n_z = 2 no model has codes far from N(0, I). For PCA and the autoencoder this is
chance: nothing in their losses asks for it.

The digits are 14 by 14 pixels, means of 2 by 2 of MNIST's.
"""

# %%
from typing import NamedTuple

import numpy as np
from common import BLUE, DIGIT_COLOURS, GREY, ORANGE, finish, halved, ink, options, panels, sheet

from scratchvae import PCA, VAE, Adam, Autoencoder, fit, load_mnist

args = options(__doc__)

# %% The digits, and the three measures
mnist = load_mnist()
N, TEST = 10_000, 2000
images = halved(mnist.train_images[:N])
train, test = images / 255, halved(mnist.test_images[:TEST]) / 255
train_labels, labels = mnist.train_labels[:N], mnist.test_labels[:TEST]


def nearest(z_train, z):
    """The row of z_train that is nearest to each row of z, and the squared distance."""
    squares = (z_train**2).sum(axis=1) - 2 * z @ z_train.T  # ‖a − b‖² without ‖b‖²
    return squares.argmin(axis=1), squares.min(axis=1) + (z**2).sum(axis=1)


def by_nearest(z_train, z):
    """The share of z, (TEST, n), whose nearest training code has the right label."""
    return (train_labels[nearest(z_train, z)[0]] == labels).mean()


def linear(z_train, z):
    """The share that is right by argmax of [z, 1] W.

    W is found by least squares, with one-hot labels.
    """
    z_train, z = (np.column_stack([codes, np.ones(len(codes))]) for codes in (z_train, z))
    W = np.linalg.lstsq(z_train, np.eye(10)[train_labels], rcond=None)[0]
    return ((z @ W).argmax(axis=1) == labels).mean()


def normal_kl(z):
    """KL(N(m, C) ‖ N(0, I)) in nats; m, C: mean and covariance of z, (N, n_z)."""
    m, C = z.mean(axis=0), np.cov(z.T)
    return 0.5 * (np.trace(C) + m @ m - len(m) - np.linalg.slogdet(C)[1])


class Measures(NamedTuple):
    """The three answers: 1. error; 2. nearest, linear; 3. distance, kl."""

    error: float
    nearest: float
    linear: float
    distance: float
    kl: float


# %% Train, sample and measure, for n_z = 2 and n_z = 8
NAMES = {"PCA": GREY, "autoencoder": BLUE, "VAE": ORANGE}
STAGES = [(3e-3, 12), (6e-4, 3)]  # learning rate, epochs
SIZES = (2, 8)
rng = np.random.default_rng(0)
shown = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
pca = PCA(8).fit(train)
measured, codes, sheets = {}, {}, {}
print(f"{N} training digits, {sum(n for _, n in STAGES)} epochs; measured on {TEST} test digits")
at_best = nearest(train, test)[1].mean()
print(f"with all 196 pixels as the code: right by the nearest {by_nearest(train, test):.3f}, ")
print(f"by the linear classifier {linear(train, test):.3f}; squared distance {at_best:.2f}")
print("             1. rebuilt   2. right by       by         3. draws,    KL(N(m, C) ‖ N(0, I))")
print("n_z  model        error   nearest code    linear          distance     of the codes, nats")


def images_of(z, decode):
    """500 decoded draws of N(0, I), and the line from the code of a 2 to that of a 0."""
    share = np.linspace(0, 1, 10)[:, None]
    draws = np.random.default_rng(3).standard_normal((500, z.shape[1]))
    return decode(draws), decode((1 - share) * z[shown[2]] + share * z[shown[0]])


def measure(n_z, name, z_train, z, z_sampling, x_hat, draws, line):
    """Print and keep the measures and the images of one model."""
    measured[n_z, name] = m = Measures(
        error=((test - x_hat) ** 2).sum(axis=1).mean(),
        nearest=by_nearest(z_train, z),
        linear=linear(z_train, z),
        distance=nearest(train, draws)[1].mean(),
        kl=normal_kl(z_sampling),
    )
    print(f"{n_z:3d}  {name:12} {m.error:5.2f}   {m.nearest:12.3f}    {m.linear:6.3f}   "
          f"{m.distance:15.2f}   {m.kl:20.3f}")  # fmt: skip
    codes[n_z, name] = z_sampling
    rows = np.concatenate([test[shown], x_hat[shown], draws[:20], line])
    sheets[n_z, name] = sheet(rows.clip(0, 1), 10, (14, 14))


for n_z in SIZES:
    axes_of_pca = pca.components[:n_z]  # the first n_z of the 8 are those of PCA(n_z)
    z_train, z = (pca.transform(x)[:, :n_z] for x in (train, test))
    decode = lambda codes, V=axes_of_pca: codes @ V + pca.mean
    x_hat = decode(z)
    measure(n_z, "PCA", z_train, z, z, x_hat, *images_of(z, decode))

    autoencoder = Autoencoder(196, (128,), n_z, activation="relu", seed=0)
    vae = VAE(196, (128,), n_z, activation="relu", decoder="isotropic", seed=0)
    # σ² starts at PCA's mean square per pixel: from 1 it would take many epochs
    vae.params.values["x_logvar"][...] = np.log(((test - x_hat) ** 2).mean())
    for model in (autoencoder, vae):
        optimizer, order = Adam(model.params), np.random.default_rng(1)
        for optimizer.lr, epochs in STAGES:
            fit(
                model, images, epochs=epochs, optimizer=optimizer, seed=order,
                pixels="grey", progress=False,
            )  # fmt: skip

    x_hat = autoencoder.reconstruct(test)
    of_the_decoder = images_of(autoencoder.encode(test), autoencoder.decode)
    encode = autoencoder.encoder_only()
    del autoencoder  # the decoder is dropped: from here on there is only x → z
    measure(n_z, "autoencoder", encode(train), encode(test), encode(test), x_hat, *of_the_decoder)

    mu, logvar = vae.encode(test)
    z_sampling = mu + np.exp(0.5 * logvar) * rng.standard_normal(mu.shape)  # z ~ q(z|x)
    measure(
        n_z, "VAE", vae.encode(train)[0], mu, z_sampling, vae.reconstruct(test),
        *images_of(mu, vae.decode),
    )  # fmt: skip
print("the autoencoder's decoder was dropped before its codes were classified")

for n_z in SIZES:
    linear_one, ae, variational = (measured[n_z, name] for name in NAMES)
    assert ae.error < 0.9 * linear_one.error  # 1. the networks rebuild better than PCA,
    assert abs(variational.error / ae.error - 1) < 0.1  # and equally well
    assert abs(variational.nearest - ae.nearest) < 0.05  # 2. their codes are equally useful
    assert variational.kl < ae.kl  # 3. the codes of the VAE are nearer to N(0, I)
assert measured[2, "autoencoder"].nearest > measured[2, "PCA"].nearest + 0.1
assert variational.distance < 1.3 * at_best < 2 * at_best < ae.distance  # n_z = 8

# %% The picture: codes in the plane, images with n_z = 8, and the measures
figure, (plane, pictures, bars) = panels(
    3, 3, (12, 10.9), "Autoencoder and VAE rebuild alike, and their codes are equally useful;\n"
    "with n_z = 8, draws of N(0, I) decode to digits for the VAE only",
    height_ratios=(1.9, 1, 0.9),
)  # fmt: skip
angle = np.linspace(0, 2 * np.pi, 200)
reach = 1.02 * max(np.abs(codes[2, name][:300]).max() for name in NAMES)
for axes, name in zip(plane, NAMES):
    for digit, colour in enumerate(DIGIT_COLOURS):
        points = codes[2, name][:300][labels[:300] == digit]
        axes.scatter(*points.T, s=36, marker=f"${digit}$", color=colour, lw=0.2)
    axes.plot(2 * np.cos(angle), 2 * np.sin(angle), "k--", lw=1.2)
    axes.set(
        title=f"{name}, n_z = 2: codes of 300 test digits\ndashed: N(0, I), 2 standard deviations",
        xlabel="z₁", ylabel="z₂", xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal",
    )  # fmt: skip
for axes, name in zip(pictures, NAMES):
    distance = f"KL(N(m, C) ‖ N(0, I)) = {measured[8, name].kl:.2f} nats"
    ink(axes, sheets[8, name], f"{name}, n_z = 8, {distance}")
    if name == "PCA":
        axes.set_yticks([7, 22, 45, 67], ["test", "rebuilt", "from\nN(0, I)", "2 to 0"])
        axes.tick_params(length=0)
    for edge in (29.5, 59.5):
        axes.axhline(edge, color="k", lw=1.5)
for axes, (k, title, form) in zip(bars, (
    ("error", "1. rebuilding: squared error per image", "{:.2f}"),
    ("nearest", "2. class by the nearest code: share right", "{:.0%}"),
    ("distance", "3. draws of N(0, I), decoded:\nsquared distance to the nearest digit", "{:.1f}"),
)):  # fmt: skip
    for i, (name, colour) in enumerate(NAMES.items()):
        heights = [getattr(measured[n_z, name], k) for n_z in SIZES]
        drawn = axes.bar(np.arange(2) + 0.27 * (i - 1), heights, 0.25, color=colour, label=name)
        texts, on = [form.format(height) for height in heights], "w" if colour == BLUE else "k"
        axes.bar_label(drawn, texts, label_type="center", padding=-9, color=on, fontsize=10)
    axes.set_xticks([0, 1], [f"n_z = {n_z}" for n_z in SIZES])
    axes.set_title(title, fontsize=11)
    axes.margins(y=0.12)
bars[0].legend(frameon=False)
line = bars[2].axhline(at_best, color="k", ls=":", label="a test digit")
bars[2].legend(handles=[line], frameon=False, loc="upper left")
finish(figure, args)
