# %% [markdown]
"""An autoencoder gives a code, a VAE gives images: PCA, the autoencoder and the VAE of the same sizes, side by side.

The claim (the opening of the notes): an autoencoder is there for its code z, "as in PCA", and its decoder is dropped after training. A VAE
is a generative model: its decoder is what one wants, and the KL of AEVB eq. (3) is there so that the decoder knows the codes that N(0, I)
draws. The autoencoder may put its codes anywhere, so that a draw of N(0, I) can fall where no code is; the VAE's codes lie near N(0, I).

How near is measured by the closed-form KL(N(m, C) ‖ N(0, I)) = ½ (tr C + mᵀm − n_z − log det C), m and C the mean and the full covariance
of the codes of 5000 test digits. The VAE's codes are draws z ~ q(z|x) and not the means alone: those are what its decoder was trained on.

All three see the same grey pixels in [0, 1]; the two networks are 784-128-n_z-128-784, with the same optimizer and the same epochs. The
decoder of the VAE is a Bernoulli, here trained on the grey levels, so that no model sees less than another; its loss is then a cross
entropy and no likelihood. The squared error is what PCA and the autoencoder minimise and the VAE does not; but its decoder ends in a
sigmoid, which suits pixels that are mostly black or white, and that of the others is linear.
"""

import numpy as np
from common import finish, options

from scratchvae import PCA, VAE, Adam, Autoencoder, fit, load_mnist

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options: they choose whether there is a window

# %% The three models, for n_z = 2 and n_z = 20
mnist = load_mnist()
N = 10_000
STAGES = [(3e-3, 12), (6e-4, 3)]  # lr, epochs
train, test, labels = (
    mnist.train_images[:N],
    (mnist.test_images / 255).astype(np.float32)[:5000],
    mnist.test_labels[:5000],
)
rng = np.random.default_rng(0)


def normal_kl(z):
    """KL(N(m, C) ‖ N(0, I)) in nats, with the mean m and the covariance C of the codes z, (N, n_z)."""
    m, C = z.mean(axis=0), np.cov(z.T)
    return 0.5 * (np.trace(C) + m @ m - len(m) - np.linalg.slogdet(C)[1])


NAMES = ["PCA", "autoencoder", "VAE"]
codes, means, decoders, rebuilt, error, distance = {}, {}, {}, {}, {}, {}
print(f"{N} training digits, {sum(n for _, n in STAGES)} epochs; of {len(test)} test digits")
print("n_z   model         squared error per image   KL(N(m, C) ‖ N(0, I)) of the codes, nats")
pca = PCA(20).fit(train / 255)
for n_z in (2, 20):
    components = pca.components[:n_z]  # the first n_z of the 20 are those of PCA(n_z)
    autoencoder = Autoencoder(784, (128,), n_z, activation="relu", seed=0)
    vae = VAE(784, (128,), n_z, activation="relu", seed=0)
    for model in (autoencoder, vae):
        optimizer, order = Adam(model.params), np.random.default_rng(1)
        for optimizer.lr, epochs in STAGES:
            fit(
                model,
                train,
                epochs=epochs,
                optimizer=optimizer,
                seed=order,
                binarize=False,
                progress=False,
            )
    mu, logvar = vae.encode(test)
    means[n_z] = mu.astype(np.float64)
    z = {
        "PCA": pca.transform(test)[:, :n_z],
        "autoencoder": autoencoder.encode(test),
        "VAE": mu + np.exp(0.5 * logvar) * rng.standard_normal(mu.shape, np.float32),  # z ~ q(z|x)
    }
    decode = {
        "PCA": lambda z, axes=components: z @ axes + pca.mean,
        "autoencoder": autoencoder.decode,
        "VAE": vae.decode,
    }
    back = {
        "PCA": decode["PCA"](z["PCA"]),
        "autoencoder": autoencoder.reconstruct(test),
        "VAE": vae.reconstruct(test),
    }
    for name in NAMES:
        codes[n_z, name], decoders[n_z, name], rebuilt[n_z, name] = (
            z[name].astype(np.float64),
            decode[name],
            back[name],
        )
        error[n_z, name] = ((test - back[name]) ** 2).sum(axis=1).mean()
        distance[n_z, name] = normal_kl(codes[n_z, name])
        print(f"{n_z:3d}   {name:12}  {error[n_z, name]:23.2f}   {distance[n_z, name]:40.3f}")
    assert distance[n_z, "VAE"] < min(distance[n_z, "PCA"], distance[n_z, "autoencoder"])
assert error[2, "PCA"] > error[2, "autoencoder"]

# %% The picture: the codes in the plane; and for each model what it rebuilds, what it draws, and what lies between two codes
shown = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
share = np.linspace(0, 1, 10)[:, None]


def sheet(n_z, name):
    """Five rows of ten images: test digits, rebuilt, twice N(0, I) decoded, and the line from the code of a 2 to that of a 0."""
    z = codes[n_z, name][shown] if name != "VAE" else means[n_z][shown]
    line = (1 - share) * z[2] + share * z[0]
    draws = np.random.default_rng(3).standard_normal((20, n_z))
    images = np.concatenate(
        [
            test[shown],
            rebuilt[n_z, name][shown],
            decoders[n_z, name](draws),
            decoders[n_z, name](line),
        ]
    )
    tiles = np.pad(
        np.clip(images, 0, 1).reshape(5, 10, 28, 28),
        ((0, 0), (0, 0), (1, 1), (1, 1)),
        constant_values=0.4,
    )
    return tiles.transpose(0, 2, 1, 3).reshape(150, 300)


def apart(points, distance):
    """The points, (n, 2), moved until no two are nearer than the distance: so that no figure covers another."""
    moved = points + 1e-3 * distance * np.random.default_rng(0).standard_normal(points.shape)
    for _ in range(300):
        between = moved[:, None] - moved[None]
        length = np.linalg.norm(between, axis=2) + np.eye(len(points))
        push = np.maximum(distance - length, 0) * (1 - np.eye(len(points)))
        moved = moved + 0.3 * (between / length[:, :, None] * push[:, :, None]).sum(axis=1)
    return moved


figure, panels = plt.subplots(
    3, 3, figsize=(15, 12.6), layout="constrained", height_ratios=(1.9, 1, 1)
)
figure.get_layout_engine().set(hspace=0.03, wspace=0.03)
figure.suptitle("What a code is good for: rebuilding digits, and drawing new ones", fontsize=14)
angle = np.linspace(0, 2 * np.pi, 200)
for column, name in zip(panels.T, NAMES):
    scatter, z = column[0], codes[2, name]
    scatter.scatter(*z[:2000].T, s=4, color="0.75", lw=0)
    scatter.plot(
        2 * np.cos(angle),
        2 * np.sin(angle),
        color="k",
        lw=1.2,
        ls="--",
        label="2 standard deviations of N(0, I)",
    )
    reach = np.abs(z[:2000]).max() * 1.05
    medians = np.array([np.median(z[labels == digit], axis=0) for digit in range(10)])
    for digit, (median, place) in enumerate(zip(medians, apart(medians, 0.1 * reach))):
        scatter.plot(*np.transpose([median, place]), color="k", lw=0.8)
        scatter.text(*place, digit, ha="center", va="center", fontsize=14, weight="bold")
    scatter.set(
        xlabel="z₁", ylabel="z₂", xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal"
    )
    scatter.set_title(
        f"{name}, n_z = 2: codes of test digits\neach figure at, or tied to, the median of its digit",
        fontsize=11,
    )
    scatter.legend(loc="upper left", framealpha=0.9, edgecolor="w", fontsize=9)
    for panel, n_z in zip(column[1:], (2, 20)):
        panel.imshow(sheet(n_z, name), cmap="gray_r", vmin=0, vmax=1)
        panel.set_xticks([])
        panel.set_yticks(
            [15, 45, 90, 135],
            ["test", "rebuilt", "from\nN(0, I)", "2 to 0"] if name == "PCA" else [""] * 4,
            fontsize=10,
        )
        panel.tick_params(length=0)
        title = f"{name}, n_z = {n_z}: squared error {error[n_z, name]:.1f} per image,\ncodes {distance[n_z, name]:.2f} nats from N(0, I)"
        panel.set_title(title, fontsize=11)
        for edge in (60, 120):
            panel.axhline(edge - 0.5, color="k", lw=1.5)
finish(figure, args)
