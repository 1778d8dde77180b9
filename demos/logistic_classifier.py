# %% [markdown]
"""The summed cross entropy as a cost: a logistic classifier, its gradient by hand.

The claim (notes §1.3). For labels y_i, 0 or 1, and predictions ŷ_i = sigmoid(a_i) the
cost is

    Cost = Σ_i [−y_i log ŷ_i − (1 − y_i) log(1 − ŷ_i)] = Σ_i [softplus(a_i) − y_i a_i]

It is the sum of N cross entropies H(y_i, ŷ_i). Since H(y_i) = 0 for a label that is 0
or 1, each is also KL(y_i ‖ ŷ_i). The classifier is one affine map, a = x w + b. Its
gradient:

    softplus(a) = log(1 + e^a),  so  d softplus / da = e^a / (1 + e^a) = sigmoid(a)
    ∂Cost/∂a_i = sigmoid(a_i) − y_i        the error of the prediction, from −1 to 1
    ∂Cost/∂w   = Σ_i x_i ∂Cost/∂a_i = xᵀ (sigmoid(a) − y)
    ∂Cost/∂b   = Σ_i ∂Cost/∂a_i

The decoder of the VAE has the same gradient: with a pixel x in the place of the label
y, log p(x|z) = −Cost and ∂ log p(x|z)/∂a = x − sigmoid(a).

Cost / N, in bits, is the mean message length of a label in a code made for ŷ, if sender
and receiver know the image. For ŷ = ½ it is 1 bit. The weights w are an image: ink
where w > 0 says 9.
"""

# %%
import numpy as np
from common import BLUE, ORANGE, finish, note, options, panels

from scratchvae import info, load_mnist
from scratchvae.distributions import bernoulli_log_likelihood_backward
from scratchvae.gradient_check import central_difference, compare
from scratchvae.layers import sigmoid

args = options(__doc__)

# %% The data: 4 is the label 0, 9 is the label 1; pixels from 0 to 1
CLASSES = (4, 9)
mnist = load_mnist()


def two_classes(images, labels):
    """The images of the two digits, (N, 784), and their labels, (N,)."""
    chosen = np.isin(labels, CLASSES)
    return images[chosen] / 255.0, (labels[chosen] == CLASSES[1]).astype(float)


x, y = two_classes(mnist.train_images, mnist.train_labels)
x_test, y_test = two_classes(mnist.test_images, mnist.test_labels)
N = len(x)
print(f"{N} images to train on, {len(x_test)} to test")


# %% The cost and its gradient
def cost(theta, x, y):
    """Cost = Σ_i [softplus(a_i) − y_i a_i], in nats. theta: w, then b, (n_x + 1,)."""
    a = x @ theta[:-1] + theta[-1]
    return info.binary_cross_entropy_from_logits(y, a).sum()


def gradient(theta, x, y):
    """∂Cost/∂w and ∂Cost/∂b, (n_x + 1,)."""
    a = x @ theta[:-1] + theta[-1]
    da = sigmoid(a) - y  # ∂Cost/∂a_i
    return np.append(x.T @ da, da.sum())  # ∂Cost/∂w = xᵀ da, ∂Cost/∂b = Σ da


theta = np.random.default_rng(1).normal(0, 0.1, x.shape[1] + 1)
few = slice(0, 50)
by_hand = gradient(theta, x[few], y[few])
by_difference = central_difference(lambda theta: cost(theta, x[few], y[few]), theta)
off = compare("theta", by_hand, by_difference).relative_error
print(f"the gradient by hand is within {off:.0e} of central differences")
assert off < 1e-6
a = x[few] @ theta[:-1] + theta[-1]
assert (sigmoid(a) - y[few] == -bernoulli_log_likelihood_backward(y[few], a)).all()
assert abs(cost(theta, x[few], y[few]) - info.binary_cross_entropy(y[few], sigmoid(a)).sum()) < 1e-9

# %% Stochastic gradient descent, from w = 0 and b = 0
EPOCHS, BATCH, LR = 12, 100, 1e-3
rng, theta = np.random.default_rng(0), np.zeros(x.shape[1] + 1)
BITS = np.log(2)  # nats in a bit


def accuracy(theta, x, y):
    """The share of the images for which ŷ > ½, that is a > 0, just where y = 1."""
    return np.mean((x @ theta[:-1] + theta[-1] > 0) == (y == 1))


history = []
print("epochs   Cost, nats   bits a label: training   test   right: training    test")
for epoch in range(EPOCHS + 1):
    if epoch:
        order = rng.permutation(N)
        for start in range(0, N, BATCH):
            i = order[start : start + BATCH]
            theta -= LR * gradient(theta, x[i], y[i])
    total = cost(theta, x, y)
    per_label = total / N / BITS, cost(theta, x_test, y_test) / len(x_test) / BITS
    right = accuracy(theta, x, y), accuracy(theta, x_test, y_test)
    history.append((total, *per_label))
    print(
        f"{epoch:6}{total:13.1f}{per_label[0]:25.3f}{per_label[1]:7.3f}"
        f"{right[0]:18.1%}{right[1]:8.1%}"
    )
assert abs(history[0][0] - N * BITS) < 1e-8  # ŷ = ½: one bit for each label
totals = np.array(history)[:, 0]
assert (np.diff(totals) < 0).all() and right[1] > 0.96

# %% The picture
figure, (curve, weights, logits) = panels(
    1, 3, (13, 4.6), f"A logistic classifier of {CLASSES[0]} and {CLASSES[1]}, its gradient by hand"
)
curve.plot(totals, "o-", color=BLUE, ms=4)
curve.set(title=f"Cost: the sum over {N} labels", xlabel="epochs", ylabel="Cost, nats")
curve.set(ylim=(0, None))
note(curve, "ŷ = ½: 1 bit a label", (0, totals[0]), (8, 0))
note(
    curve,
    f"{history[-1][1]:.3f} bits a label;\n{history[-1][2]:.3f} on test images",
    (EPOCHS, totals[-1]),
    (0, 22),
    ha="right",
)

w = theta[:-1].reshape(mnist.image_shape)
scale = np.abs(w).max()
# cividis grows lighter from blue to yellow, so that it is legible in grey print as well
shown = weights.imshow(w, cmap="cividis", vmin=-scale, vmax=scale)
figure.colorbar(shown, ax=weights, label="weight", shrink=0.85)
weights.set(title="w: ink here says 4 (dark) or 9 (light)", xticks=[], yticks=[])
weights.spines[:].set_visible(True)

a = x_test @ theta[:-1] + theta[-1]
bins = np.linspace(-16, 16, 65)
for label, colour in ((0, BLUE), (1, ORANGE)):
    of_class = a[y_test == label]
    logits.hist(
        of_class.clip(-16, 16),
        bins=bins,
        histtype="stepfilled",
        color=colour,
        alpha=0.75,
        ec="k",
        label=f"{CLASSES[label]}: {np.mean((of_class > 0) == label):.1%} on its side of 0",
    )
logits.axvline(0, ymax=0.8, color="k", ls="--", lw=1.2)
logits.set(title=f"{len(a)} test images: {right[1]:.1%} right", ylabel="how many")
logits.set(xlabel="logit a = log [ŷ / (1 − ŷ)]", xlim=(-16, 16))
logits.legend(frameon=False, fontsize=9, loc="upper left")
logits.set_ylim(0, logits.get_ylim()[1] * 1.2)
finish(figure, args)
