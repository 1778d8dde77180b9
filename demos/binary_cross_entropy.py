# %% [markdown]
"""Binary cross entropy from logits: its slope is bounded, and nothing is clipped.

The claim (notes §1.3). The cross entropy of the label y and the prediction p is

    loss = −y log p − (1 − y) log(1 − p)

Its slope in p is (p − y) / (p (1 − p)). It has no bound: it grows as p nears the wrong
end. In the logit a, with p = sigmoid(a) = 1 / (1 + e^(−a)), loss and slope are

    loss = softplus(a) − y a,      ∂loss/∂a = sigmoid(a) − y

The loss is finite for every a, and the slope lies between −1 and 1.

In float32 the number p is 1 for a ≥ 24 log 2 = 16.64. If y = 0, the loss computed from
p is then ∞, and the slope is ∞ · 0, which is no number. Some programs clip p: they set
it to 1 − 1e-7 if it is higher, and to 1e-7 if it is lower. This hides the error. Where
the model is most wrong, it then has this loss:

    −log 1e-7 = 16.12 nats    for y = 1; in float64 for y = 0 too
    −log 2^−23 = 15.94 nats   for y = 0 in float32: 1 − 1e-7 is rounded to 1 − 2^−23

The slope there is 0: the model learns nothing from the pixels where it is most wrong.
"""

# %%
import numpy as np
from common import BLUE, GREY, ORANGE, finish, note, options, panels

from scratchvae import info
from scratchvae.distributions import bernoulli_log_likelihood_backward
from scratchvae.gradient_check import central_difference
from scratchvae.layers import sigmoid

args = options(__doc__)

# %% Three ways to the loss, and to its slope
CLIP = 1e-7
loss_logits = info.binary_cross_entropy_from_logits


def loss_formed(y, a):
    """The loss from p = sigmoid(a) in the type of a; ∞ where p is rounded to 0 or 1."""
    return info.binary_cross_entropy(y, sigmoid(a))


def loss_clipped(y, a):
    """The same, p clipped into [1e-7, 1 − 1e-7]."""
    return info.binary_cross_entropy(y, np.clip(sigmoid(a), CLIP, 1 - CLIP))


def slope_in_p(y, p):
    """∂loss/∂p = (p − y) / (p (1 − p))."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (p - y) / (p * (1 - p))


def slope_logits(y, a):
    """∂loss/∂a = sigmoid(a) − y."""
    return -bernoulli_log_likelihood_backward(y, a)


def slope_formed(y, a):
    """∂loss/∂p · ∂p/∂a, where ∂p/∂a = p (1 − p); ∞ · 0 is NaN."""
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


# %% What they give if y = 0 and a grows
print("y = 0  loss, nats:                                      slope ∂loss/∂a:")
print("      a     logits  float32 p    clipped  clipped, float32  logits float32 p  clipped")
for logit in (1, 5, 10, 15, 16, 16.5, 17, 30, 1e4):
    y, a = np.zeros(1), np.array([logit], np.float64)
    y32, a32 = y.astype(np.float32), a.astype(np.float32)
    losses = loss_logits(y, a)[0], loss_formed(y32, a32)[0], loss_clipped(y, a)[0]
    losses += (loss_clipped(y32, a32)[0],)
    slopes = slope_logits(y, a)[0], slope_formed(y32, a32)[0], slope_clipped(y, a)[0]
    print(
        f"{logit:7g}"
        + "".join(f"{value:11.4f}" for value in losses)
        + "".join(f"{value:10.4f}" for value in slopes)
    )

# %% Where p is rounded to 1: e^(−a) is below the last of 24 or 53 binary digits of 1.
# p is rounded to 0 much later, where e^a is below the smallest number of the type
a = np.linspace(0, 800, 800_001)
for dtype, digits in ((np.float32, 24), (np.float64, 53)):
    one, zero = a[sigmoid(a.astype(dtype)) == 1][0], -a[sigmoid(-a.astype(dtype)) == 0][0]
    y = np.array([0, 1], dtype)
    stays = loss_clipped(y, 100 - 200 * y)  # a = 100 for y = 0, −100 for y = 1
    print(
        f"{dtype.__name__}: p is 1 for a ≥ {one:.2f} ({digits} log 2 = {digits * np.log(2):.2f}),"
    )
    print(f"  and 0 for a ≤ {zero:.2f}")
    print(f"  clipped: the loss stays at {stays[0]:.2f} nats for y = 0, {stays[1]:.2f} for y = 1")
    top = 1 - dtype(1 - CLIP)  # 1e-7 in float64, 2^−23 = 1.19e-7 in float32
    assert abs(one - digits * np.log(2)) < 2e-3
    assert np.abs(stays + np.log([float(top), CLIP])).max() < 1e-5
    assert np.abs(stays - [15.94 if dtype is np.float32 else 16.12, 16.12]).max() < 0.005

# %% Where the model is most wrong: in logits the loss is |a| and its slope −1 or 1.
# The others have no number there, or the slope 0
for dtype in (np.float32, np.float64):
    y, a = np.array([1, 0], dtype), np.array([-1e4, 1e4], dtype)
    assert (np.abs(loss_logits(y, a) - 1e4) < 1e-8).all() and (loss_logits(y, -a) == 0).all()
    assert (slope_logits(y, a) == [-1, 1]).all()
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
        f"y = {y}: in a, clipped and in p the slopes agree with central differences"
        f" to {off[0]:.0e}, {off[1]:.0e} and {off[2]:.0e}"
    )
    assert off[0] < 1e-7 and max(off[1:]) < 1e-4
    assert (slope_clipped(y_a, a)[far] == 0).all() and (by_clipped[far] == 0).all()

# %% The picture
figure, ((loss_p, size_p), (loss_a, slope_a)) = panels(
    2, 2, (12, 8.2), "Binary cross entropy in the probability p, and in the logit a"
)
p = sigmoid(np.linspace(-17, 17, 2001))
for y, style, colour, cost, slope in (
    (1.0, "-", BLUE, "−log p", "1 / p"),
    (0.0, "--", ORANGE, "−log(1 − p)", "1 / (1 − p)"),
):
    line = {"ls": style, "color": colour, "lw": 2}
    a = np.log(p / (1 - p))
    loss_p.plot(p, loss_logits(np.full(p.shape, y), a), **line, label=f"y = {y:.0f}: {cost}")
    size_p.plot(p, np.abs(slope_in_p(y, p)), **line, label=f"y = {y:.0f}: {slope}")
for axes in (loss_p, size_p):
    axes.set_xlabel("p, the predicted probability of y = 1")
    axes.legend(frameon=False, fontsize=9, loc="center")
loss_p.set(title="In p: the loss", ylabel="loss, nats", ylim=(0, 18))
size_p.set(title="In p: the slope has no bound", ylabel="|∂loss/∂p|, nats", yscale="log")

a = np.linspace(-5, 30, 7001)
y, a32 = np.zeros_like(a), a.astype(np.float32)
y32 = y.astype(np.float32)
one_at = 24 * np.log(2)
for axes, by_logits, by_formed, by_clipped in (
    (loss_a, loss_logits(y, a), loss_formed(y32, a32), loss_clipped(y32, a32)),
    (slope_a, slope_logits(y, a), slope_formed(y32, a32), slope_clipped(y32, a32)),
):
    finite = np.isfinite(by_formed)
    axes.plot(a, by_logits, color=GREY, lw=6, label="from logits")
    axes.plot(a[finite], by_formed[finite], color=BLUE, lw=1.6, label="from p in float32")
    axes.plot(a[finite][-1], by_formed[finite][-1], "X", color=BLUE, mec="k", ms=10)
    axes.plot(a, by_clipped, color=ORANGE, lw=2, ls="--", label="from p in float32, clipped")
    axes.set(xlabel="logit a, for y = 0: more wrong to the right", xlim=(-5, 30))
    axes.legend(frameon=False, fontsize=9, loc="upper left")
line = {"arrowprops": {"arrowstyle": "-", "shrinkB": 6}, "ha": "center"}
note(loss_a, "∞ for a ≥ 16.64:\np is 1 in float32", (one_at, 16), (-105, 34), **line)
note(loss_a, "clipped: 15.94 nats", (29.7, 15.94), (0, -10), ha="right")
loss_a.set(title="In a: the loss is finite", ylabel="loss, nats", ylim=(-1, 31))
note(slope_a, "no number for a ≥ 16.64:\n∞ · 0 in float32", (one_at, 1), (70, 34), **line)
note(slope_a, "clipped: 0 for a ≥ 16.64", (one_at + 0.4, 0.02), (0, 6))
slope_a.set(title="In a: the slope stays within 1; clipping makes it 0")
slope_a.set(ylabel="∂loss/∂a, nats", ylim=(-0.1, 1.6))
finish(figure, args)
