# %% [markdown]
"""Binary cross entropy is computed from logits: there its slope is bounded, and nothing has to be clipped.

The claim (notes §1.3): −y log p − (1 − y) log(1 − p) is the cross entropy of what is, y, and what is predicted, p. Its slope in p is
(p − y) / (p (1 − p)), which grows without bound where p nears the wrong end. In the logit a, with p = σ(a) = 1 / (1 + e^(−a)), the slope
is σ(a) − y, between −1 and 1, and the loss is softplus(a) − y a, finite for every a. A p that is formed in float32 is 1 from
a = 24 log 2 = 16.64 on: where y = 0 the loss is then ∞, and the slope ∞ · 0, no number. Clipping p into [1e-7, 1 − 1e-7] hides this. The
loss stays at −log 1e-7 = 16.1 nats, and the slope is 0 where the model is most wrong, so that it learns nothing from just those pixels.
"""

import numpy as np
from common import GREY, finish, options

from scratchvae import info
from scratchvae.distributions import bernoulli_log_likelihood_backward
from scratchvae.gradient_check import central_difference
from scratchvae.layers import sigmoid

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options: they choose whether there is a window

# %% Three ways to the loss, and to its slope
CLIP = 1e-7
loss_logits = info.binary_cross_entropy_from_logits


def loss_formed(y, a):
    """The loss at p = σ(a), formed in the type of a; ∞ where p rounds to the wrong end."""
    return info.binary_cross_entropy(y, sigmoid(a))


def loss_clipped(y, a):
    """The same, p clipped into [1e-7, 1 − 1e-7]."""
    return info.binary_cross_entropy(y, np.clip(sigmoid(a), CLIP, 1 - CLIP))


def slope_in_p(y, p):
    """∂L/∂p = (p − y) / (p (1 − p))."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (p - y) / (p * (1 - p))


def slope_logits(y, a):
    """∂L/∂a = σ(a) − y."""
    return -bernoulli_log_likelihood_backward(y, a)


def slope_formed(y, a):
    """∂L/∂p · ∂p/∂a, with ∂p/∂a = p (1 − p), step by step; NaN = ∞ · 0 where p rounds to the wrong end."""
    p = sigmoid(a)
    with np.errstate(invalid="ignore"):
        return slope_in_p(y, p) * (p * (1 - p))


def slope_clipped(y, a):
    """The same, and 0 where p is clipped: there the clipped p is a constant."""
    p = sigmoid(a)
    return np.where(
        (p >= CLIP) & (p <= 1 - CLIP),
        slope_in_p(y, np.clip(p, CLIP, 1 - CLIP)) * (p * (1 - p)),
        0.0,
    )


# %% What they give where y = 0 and a says more and more surely 1
print("y = 0        loss, nats                        slope ∂L/∂a")
print("      a      logits   float32 p     clipped    logits  float32 p   clipped")
for logit in (1, 5, 10, 15, 16, 16.5, 17, 30, 1e4):
    y, a = np.zeros(1), np.array([logit], np.float64)
    y32, a32 = y.astype(np.float32), a.astype(np.float32)
    losses = loss_logits(y, a)[0], loss_formed(y32, a32)[0], loss_clipped(y, a)[0]
    slopes = slope_logits(y, a)[0], slope_formed(y32, a32)[0], slope_clipped(y, a)[0]
    print(
        f"{logit:7g}"
        + "".join(f"{value:12.4f}" for value in losses)
        + "".join(f"{value:10.4f}" for value in slopes)
    )

# %% Where p rounds to an end: 1 + e^(−a) is 1 after 24 or 53 binary digits, but e^a is 0 only below the smallest number there is
a = np.linspace(0, 800, 800_001)
for dtype, digits in ((np.float32, 24), (np.float64, 53)):
    one, zero = a[sigmoid(a.astype(dtype)) == 1][0], -a[sigmoid(-a.astype(dtype)) == 0][0]
    y = np.array([0, 1], dtype)
    stays = loss_clipped(y, 100 - 200 * y)  # a = 100 for y = 0, −100 for y = 1
    print(
        f"{dtype.__name__}: p is 1 from a = {one:.2f} up ({digits} log 2 = {digits * np.log(2):.2f}) and 0 from a = {zero:.2f} down"
    )
    print(f"  clipped, the loss stays at {stays[0]:.2f} nats for y = 0, {stays[1]:.2f} for y = 1")
    assert abs(one - digits * np.log(2)) < 2e-3 and (np.abs(stays - 16.1) < 0.2).all()

# %% Where the model is most wrong: the loss in logits is |a|, its slope −1 or 1; the others have no number there, or the slope 0
for dtype in (np.float32, np.float64):
    y, a = np.array([1, 0], dtype), np.array([-1e4, 1e4], dtype)
    assert (
        (np.abs(loss_logits(y, a) - 1e4) < 1e-8).all()
        and (loss_logits(y, -a) == 0).all()
        and (slope_logits(y, a) == [-1, 1]).all()
    )
    assert np.isinf(loss_formed(y, a)).all() and np.isnan(slope_formed(y, a)).all()
    assert (loss_clipped(y, a) < 16.2).all() and (slope_clipped(y, a) == 0).all()

# %% The slopes against central differences, for y = 0, ½ and 1
a, p = np.concatenate([np.linspace(-12, 12, 49), [-40, -20, 20, 40]]), np.linspace(0.02, 0.98, 49)
far = np.abs(a) > 17
for y in (0.0, 0.5, 1.0):
    y_a, y_p = np.full(a.shape, y), np.full(p.shape, y)
    by_logits = central_difference(lambda a, y=y_a: loss_logits(y, a).sum(), a)
    by_clipped = central_difference(lambda a, y=y_a: loss_clipped(y, a).sum(), a)
    by_p = central_difference(lambda p, y=y_p: info.binary_cross_entropy(y, p).sum(), p)
    off = (
        np.abs(slope_logits(y_a, a) - by_logits).max(),
        np.abs(slope_clipped(y_a, a) - by_clipped).max(),
        np.abs(slope_in_p(y_p, p) - by_p).max(),
    )
    print(
        f"y = {y}: slopes in a, clipped and in p agree with central differences to {off[0]:.0e}, {off[1]:.0e} and {off[2]:.0e}"
    )
    assert (
        off[0] < 1e-7
        and max(off[1:]) < 1e-4
        and (slope_clipped(y_a, a)[far] == 0).all()
        and (by_clipped[far] == 0).all()
    )

# %% The picture
figure, ((loss_p, size_p), (loss_a, slope_a)) = plt.subplots(
    2, 2, figsize=(13, 9), layout="constrained"
)
figure.get_layout_engine().set(hspace=0.06, wspace=0.05)

p = sigmoid(np.linspace(-17, 17, 2001))
for y, style in ((1.0, "-"), (0.0, "--")):
    formula = ("−log(1 − p)", "1 / (1 − p)") if y == 0 else ("−log p", "1 / p")
    loss_p.plot(
        p,
        info.binary_cross_entropy(np.full(p.shape, y), p),
        style,
        color="k",
        label=f"y = {y:.0f}: {formula[0]}",
    )
    size_p.plot(p, np.abs(slope_in_p(y, p)), style, color="k", label=f"y = {y:.0f}: {formula[1]}")
loss_p.axhline(-np.log(CLIP), color=GREY, lw=0.8)
loss_p.text(
    0.5,
    -np.log(CLIP),
    "−log 1e-7 = 16.1: clipped, it goes no higher",
    ha="center",
    va="bottom",
    fontsize=9,
)
loss_p.set(
    title="In the probability p: the loss",
    xlabel="p, the predicted probability of y = 1",
    ylabel="loss, nats",
    ylim=(0, 18),
)
size_p.set(
    title="In the probability p: the slope has no bound",
    xlabel="p, the predicted probability of y = 1",
    ylabel="size of the slope |∂L/∂p|, nats",
    yscale="log",
)

a = np.linspace(-5, 30, 7001)
y, a32 = np.zeros_like(a), a.astype(np.float32)
y32 = y.astype(np.float32)
clip_at, one_at = -np.log(CLIP), 24 * np.log(2)
for axes, by_logits, by_formed, by_clipped in (
    (loss_a, loss_logits(y, a), loss_formed(y32, a32), loss_clipped(y, a)),
    (slope_a, slope_logits(y, a), slope_formed(y32, a32), slope_clipped(y, a)),
):
    finite = np.isfinite(by_formed)
    axes.plot(a, by_logits, color=GREY, lw=5, label="from logits")
    axes.plot(a[finite], by_formed[finite], color="k", lw=1.2, label="p formed in float32")
    axes.plot(a[finite][-1], by_formed[finite][-1], "X", color="k", ms=9)
    axes.plot(a, by_clipped, color="k", lw=1.6, ls="--", label="p clipped into [1e-7, 1 − 1e-7]")
    axes.set(
        xlabel="logit a = log(p / (1 − p)), for y = 0: the further right, the more wrong",
        xlim=(-5, 30),
    )
line = {"arrowstyle": "-", "shrinkB": 6}
loss_a.annotate(
    "∞ from a = 16.64 on:\np is 1 in float32",
    (one_at, 16),
    (6.5, 20),
    ha="center",
    fontsize=9,
    arrowprops=line,
)
loss_a.text(29.7, 14.9, "clipped: 16.1 nats, however wrong", ha="right", va="top", fontsize=9)
loss_a.set(title="In the logit a: the loss is never ∞", ylabel="loss, nats", ylim=(-1, 31))
slope_a.annotate(
    "no number from a = 16.64 on:\n∞ · 0 in float32",
    (one_at, 1),
    (9, 1.13),
    ha="center",
    fontsize=9,
    arrowprops=line,
)
slope_a.text(clip_at + 0.4, 0.02, "clipped: 0 from a = 16.1 on", va="bottom", fontsize=9)
slope_a.set(
    title="In the logit a: the slope stays within 1; clipping makes it 0",
    ylabel="slope ∂L/∂a, nats",
    ylim=(-0.1, 1.5),
)
for axes in figure.axes:
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
finish(figure, args)
