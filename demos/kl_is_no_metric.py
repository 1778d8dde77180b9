# %% [markdown]
"""KL(p ‖ q) is never negative, but it is no metric: it changes with the direction, and a detour may be shorter.

The claim (notes §1.5): a metric is never negative, and 0 only between a thing and itself; it is the same in both directions; and no detour
is shorter than the straight way. KL has the first property, by Jensen's inequality: −log is convex, so the mean of its values is not below
its value at the mean. With t = q/p, whose mean under p is Σ p · q/p = 1,

    KL(p ‖ q) = E_p[−log t] ≥ −log E_p[t] = −log 1 = 0.

It has neither of the other two. With two states, p = (a, 1 − a) and q = (b, 1 − b), the directions agree only for b = a and b = 1 − a;
elsewhere KL(p ‖ q) is the greater where q is the surer of the two. The square root of the Jensen-Shannon divergence is a metric.
"""

import numpy as np
from common import DARK, GREY, LIGHT, finish, options

from scratchvae import info

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options: they choose whether there is a window


def simplex(n):
    """Every distribution over three states whose probabilities are multiples of 1/n, and at least 1/n."""
    return np.array([(i, j, n - i - j) for i in range(1, n) for j in range(1, n - i)]) / n


def both_ways(distance, xs):
    """distance(x, y) for every x (rows) and y (columns) of xs."""
    return distance(*np.broadcast_arrays(xs[:, None], xs[None, :]))


# %% Never negative, and 0 only for p = q: every pair on a grid of the simplex of three states
points = simplex(24)
kl = both_ways(info.kl_divergence, points)
print(
    f"{kl.size} pairs over three states: KL from {kl.min():.0f} to {kl.max():.3f} bits; 0 for the {(kl == 0).sum()} with p = q alone"
)
assert kl.min() == 0 and ((kl == 0) == np.eye(len(points), dtype=bool)).all()

# %% The direction matters: every pair of two states
two_p, two_q = np.array([0.7, 0.3]), np.array([0.1, 0.9])
there, back = info.kl_divergence(two_p, two_q), info.kl_divergence(two_q, two_p)
print(f"p = (0.7, 0.3), q = (0.1, 0.9): KL(p‖q) = {there:.3f}, KL(q‖p) = {back:.3f} bits")
a = np.linspace(0.002, 0.998, 499)
two = np.stack([a, 1 - a], axis=1)
kl = both_ways(info.kl_divergence, two)  # rows: p = (a, 1 − a), columns: q = (b, 1 − b)
asymmetry = kl - kl.T
surer = np.abs(a[None, :] - 0.5) - np.abs(
    a[:, None] - 0.5
)  # above 0 where q is the surer of the two
agree = np.abs(surer) < 1e-9  # b = a or b = 1 − a
print(
    f"{kl.size} pairs over two states: the directions differ in all but the {agree.sum()} with b = a or b = 1 − a"
)
assert there - back > 0.3
assert (
    np.abs(asymmetry[agree]).max() < 1e-12 and (np.sign(asymmetry) == np.sign(surer))[~agree].all()
)

# %% A detour may be shorter: one triangle, then every triple of a grid
p, q, r = np.array([0.80, 0.10, 0.10]), np.array([0.10, 0.10, 0.80]), np.array([0.32, 0.36, 0.32])
direct, first, second = info.kl_divergence(p, q), info.kl_divergence(p, r), info.kl_divergence(r, q)
print(
    f"direct KL(p‖q) = {direct:.3f}, detour KL(p‖r) + KL(r‖q) = {first:.3f} + {second:.3f} = {first + second:.3f} bits"
)
assert direct > first + second
points = simplex(12)
for name, distance in (
    ("KL", info.kl_divergence),
    ("√JS", info.jensen_shannon_distance),
    ("total variation", info.total_variation),
):
    d = both_ways(distance, points)
    shorter = (
        d[:, None, :] + d.T[None, :, :] < d[:, :, None] - 1e-12
    )  # [x, y, z]: d(x, z) + d(z, y) < d(x, y)
    print(f"{name}: the detour is shorter in {shorter.sum()} of {shorter.size} triples")
    assert shorter.any() == (name == "KL")

# %% Jensen's inequality with the two states from above: the mean of −log₂ t is on the chord, above the curve at the mean of t
t = two_q / two_p
print(
    f"t = q/p = {t[0]:.3f} and {t[1]:.3f}, their mean {two_p @ t:.3f}; −log₂ t = {-np.log2(t[0]):.3f} and {-np.log2(t[1]):.3f}",
    end="",
)
print(f", their mean {two_p @ -np.log2(t):.3f} = KL(p‖q)")
assert abs(two_p @ t - 1) < 1e-12 and abs(two_p @ -np.log2(t) - there) < 1e-12

# %% The picture
figure, (plane, triangle, jensen) = plt.subplots(
    1, 3, figsize=(14, 4.9), layout="constrained", width_ratios=[1, 1.1, 1.05]
)

plane.contourf(a, a, asymmetry.T, levels=[-9, 0, 9], colors=["w", LIGHT])
lines = plane.contour(
    a, a, asymmetry.T, levels=[-0.5, -0.2, -0.05, 0.05, 0.2, 0.5], colors="k", linewidths=0.8
)
places = [(0.55, 0.85), (0.6, 0.93), (0.5, 0.97), (0.22, 0.65), (0.13, 0.62), (0.07, 0.6)]
places += [(0.45, 0.15), (0.3, 0.045), (0.5, 0.04), (0.78, 0.35), (0.87, 0.38), (0.93, 0.4)]
plane.clabel(lines, fontsize=8, fmt=lambda bits: f"{bits:g}".replace("-", "−"), manual=places)
plane.plot([0, 1], [0, 1], color="k", lw=2.5)
plane.plot([0, 1], [1, 0], color="k", lw=2.5)
for x, y, sign in ((0.5, 0.69, ">"), (0.5, 0.31, ">"), (0.31, 0.5, "<"), (0.69, 0.5, "<")):
    plane.text(x, y, f"KL(p‖q)\n{sign} KL(q‖p)", ha="center", va="center", fontsize=8)
plane.plot(two_p[0], two_q[0], "s", color="k", ms=6)
plane.text(
    0.66,
    0.1,
    f"{there:.2f} − {back:.2f} = {there - back:.2f}",
    ha="right",
    va="center",
    fontsize=9,
    bbox={"fc": "w", "lw": 0.5, "pad": 2},
)
plane.set(
    title="KL(p‖q) − KL(q‖p) in bits: 0 on the thick lines only",
    xlim=(0, 1),
    ylim=(0, 1),
    aspect="equal",
)
plane.set(xlabel="a, where p = (a, 1 − a)", ylabel="b, where q = (b, 1 − b)")

# A distribution over three states is the point p₁ A + p₂ B + p₃ C of a triangle ABC
corners = np.array([[0, 0], [0.5, np.sqrt(0.75)], [1, 0]])
fine = simplex(150)
detour = info.kl_divergence(np.broadcast_to(p, fine.shape), fine) + info.kl_divergence(
    fine, np.broadcast_to(q, fine.shape)
)
triangle.tricontourf(*(fine @ corners).T, detour, levels=[0, direct], colors=[LIGHT])
triangle.fill(*corners.T, fill=False, edgecolor="k", lw=1)
for corner, i, place in zip(corners, (1, 2, 3), ((0, -14), (0, 6), (0, -14))):
    triangle.annotate(
        f"surely state {i}", corner, place, textcoords="offset points", ha="center", fontsize=9
    )
ends = {name: distribution @ corners for name, distribution in (("p", p), ("q", q), ("r", r))}
for start, end, style, bits, side in (
    ("p", "q", "-", direct, -0.04),
    ("p", "r", "--", first, 0.04),
    ("r", "q", "--", second, 0.04),
):
    x, y = ends[end] - ends[start]
    middle = (ends[start] + ends[end]) / 2 + side * np.array([-y, x]) / np.hypot(
        x, y
    )  # beside the arrow
    arrow = {"arrowstyle": "-|>", "ls": style, "color": "k", "lw": 1.5, "shrinkA": 5, "shrinkB": 5}
    triangle.annotate("", ends[end], ends[start], arrowprops=arrow)
    angle = np.degrees(np.arctan2(y, x))
    triangle.text(
        *middle,
        f"KL({start}‖{end}) = {bits:.2f}",
        rotation=angle,
        ha="center",
        va="center",
        fontsize=9,
    )
for (name, end), place in zip(ends.items(), ((-11, 0), (11, 0), (0, 10))):
    triangle.plot(*end, "o", color="k", ms=6)
    triangle.annotate(
        name, end, place, textcoords="offset points", ha="center", va="center", fontsize=11
    )
triangle.text(
    0.5, -0.13, "grey: every r that makes the detour the cheaper way", ha="center", fontsize=9
)
triangle.set(
    title=f"No triangle inequality: {direct:.2f} bits straight, {first + second:.2f} via r",
    aspect="equal",
)
triangle.set(xlim=(-0.08, 1.08), ylim=(-0.15, 0.95))
triangle.axis("off")

curve = np.linspace(0.09, 3.6, 400)
jensen.plot(curve, -np.log2(curve), color="k")
jensen.plot(t, -np.log2(t), "--o", color=GREY, mec=DARK, mfc="w", zorder=3)
jensen.plot([1, 1], [0, there], color="k", lw=1, ls=":")
jensen.plot(1, there, "s", color="k", ms=6, zorder=4)
jensen.plot(1, 0, "o", color="k", ms=6)
for x, y, text, place, side in (
    (t[0], -np.log2(t[0]), "t = 0.1 / 0.7, of probability 0.7", (9, 8), "left"),
    (1, there, f"mean of −log₂ t: KL(p‖q) = {there:.2f}", (9, 8), "left"),
    (1, 0, "−log₂ of the\nmean of t:\n−log₂ 1 = 0", (-7, -22), "right"),
    (t[1], -np.log2(t[1]), "t = 0.9 / 0.3,\nof probability 0.3", (-8, -18), "right"),
):
    jensen.annotate(
        text, (x, y), place, textcoords="offset points", fontsize=9, ha=side, va="center"
    )
jensen.set(
    title="Why KL ≥ 0: no chord is below the curve −log₂ t",
    xlabel="t = q/p, for p = (0.7, 0.3) and q = (0.1, 0.9)",
    ylabel="−log₂ t, bits",
)
jensen.set(xlim=(0, 3.6), ylim=(-2.6, 3.6))
for axes in (plane, jensen):
    axes.spines[["top", "right"]].set_visible(False)
finish(figure, args)
