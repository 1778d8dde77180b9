# %% [markdown]
"""KL(p ‖ q) is no metric: it depends on the direction, and a detour may be shorter.

The claim (notes §1.5). A metric d has three properties:

1. d(p, q) ≥ 0, and d(p, q) = 0 only if p = q.
2. d(p, q) = d(q, p): both directions agree.
3. d(p, q) ≤ d(p, r) + d(r, q): no detour is shorter than the straight way.

KL has the first one, by Jensen's inequality. The function −log is convex, so the mean
of its values is at least its value at the mean. Take t = q/p. Its mean under p is
E_p[t] = Σ p · q/p = Σ q = 1. So

    KL(p ‖ q) = E_p[−log t] ≥ −log E_p[t] = −log 1 = 0

KL has neither of the other two. For two states, p = (a, 1 − a) and q = (b, 1 − b), the
directions agree only if b = a or b = 1 − a. Otherwise KL(p ‖ q) is the greater one if q
is farther from (½, ½) than p. The square root of the Jensen-Shannon divergence is a
metric.
"""

# %%
import numpy as np
from common import BLUE, DARK, GREY, LIGHT, RED, finish, note, options, panels

from scratchvae import info

args = options(__doc__)


def simplex(n):
    """Every distribution over three states with probabilities 1/n, 2/n, ..., (n, 3)."""
    return np.array([(i, j, n - i - j) for i in range(1, n) for j in range(1, n - i)]) / n


def both_ways(distance, xs):
    """distance(x, y) for every x (rows) and y (columns) of xs."""
    return distance(*np.broadcast_arrays(xs[:, None], xs[None, :]))


# %% Never negative, and 0 only for p = q: every pair on a grid over three states
points = simplex(24)
kl = both_ways(info.kl_divergence, points)
print(f"{kl.size} pairs over three states: KL from {kl.min():.0f} to {kl.max():.3f} bits,")
print(f"  and 0 only for the {(kl == 0).sum()} pairs with p = q")
assert kl.min() == 0 and ((kl == 0) == np.eye(len(points), dtype=bool)).all()

# %% The direction matters: every pair of two states
two_p, two_q = np.array([0.5, 0.5]), np.array([0.1, 0.9])
there, back = info.kl_divergence(two_p, two_q), info.kl_divergence(two_q, two_p)
print(f"p = (0.5, 0.5), q = (0.1, 0.9): KL(p‖q) = {there:.3f}, KL(q‖p) = {back:.3f} bits")
a = np.linspace(0.002, 0.998, 499)
two = np.stack([a, 1 - a], axis=1)
kl = both_ways(info.kl_divergence, two)  # rows: p = (a, 1 − a), columns: q = (b, 1 − b)
asymmetry = kl - kl.T
surer = np.abs(a[None, :] - 0.5) - np.abs(a[:, None] - 0.5)  # > 0: q is farther from ½
agree = np.abs(surer) < 1e-9  # b = a or b = 1 − a
print(f"{kl.size} pairs over two states: the directions agree only for the {agree.sum()} pairs")
print("  with b = a or b = 1 - a")
assert there - back > 0.2 and np.abs(asymmetry[agree]).max() < 1e-12
assert (np.sign(asymmetry) == np.sign(surer))[~agree].all()

# %% A detour may be shorter: one triangle, then every triple of a grid
p, q, r = np.array([0.80, 0.10, 0.10]), np.array([0.10, 0.10, 0.80]), np.array([0.32, 0.36, 0.32])
direct, first, second = info.kl_divergence(p, q), info.kl_divergence(p, r), info.kl_divergence(r, q)
print(f"straight KL(p‖q) = {direct:.3f} bits,")
print(f"  detour KL(p‖r) + KL(r‖q) = {first:.3f} + {second:.3f} = {first + second:.3f} bits")
assert direct > first + second
points = simplex(12)
for name, distance in (
    ("KL", info.kl_divergence),
    ("√JS", info.jensen_shannon_distance),
    ("total variation", info.total_variation),
):
    d = both_ways(distance, points)
    # [x, y, z]: d(x, z) + d(z, y) < d(x, y)
    shorter = d[:, None, :] + d.T[None, :, :] < d[:, :, None] - 1e-12
    print(f"{name}: the detour is shorter in {shorter.sum()} of {shorter.size} triples")
    assert shorter.any() == (name == "KL")

# %% Jensen's inequality for the two states from above: the mean of −log₂ t lies on the
# chord, above the curve at the mean of t
t = two_q / two_p
mean = two_p @ -np.log2(t)
print(f"t = q/p = {t[0]:.3f} and {t[1]:.3f}, their mean {two_p @ t:.3f};", end=" ")
print(f"-log₂ t = {-np.log2(t[0]):.3f} and {-np.log2(t[1]):.3f},")
print(f"  their mean {mean:.3f} = KL(p‖q)")
assert abs(two_p @ t - 1) < 1e-12 and abs(mean - there) < 1e-12

# %% The picture
figure, (plane, triangle, jensen) = panels(
    1, 3, (13, 5.1), "KL is never negative, but it is no metric", width_ratios=[1, 1.1, 1.05]
)
figure.get_layout_engine().set(wspace=0.07)

plane.contourf(a, a, asymmetry.T, levels=[-9, 0, 9], colors=["w", LIGHT])
levels = [-0.5, -0.2, -0.05, 0.05, 0.2, 0.5]
lines = plane.contour(a, a, asymmetry.T, levels=levels, colors="k", linewidths=0.8)
places = [(0.55, 0.85), (0.6, 0.93), (0.5, 0.97), (0.22, 0.65), (0.13, 0.62), (0.07, 0.6)]
places += [(0.4, 0.17), (0.3, 0.045), (0.42, 0.03), (0.78, 0.35), (0.87, 0.38), (0.93, 0.4)]
plane.clabel(lines, fontsize=8, fmt=lambda bits: f"{bits:g}".replace("-", "−"), manual=places)
plane.plot([0, 1], [0, 1], color=BLUE, lw=3)
plane.plot([0, 1], [1, 0], color=BLUE, lw=3)
for x, y, sign in ((0.5, 0.69, ">"), (0.5, 0.31, ">"), (0.31, 0.5, "<"), (0.69, 0.5, "<")):
    note(plane, f"KL(p‖q)\n{sign} KL(q‖p)", (x, y), fontsize=8, ha="center")
plane.plot(two_p[0], two_q[0], "s", color=RED, mec="k", ms=7)
plane.set(title="KL(p‖q) − KL(q‖p), bits", xlim=(0, 1), ylim=(0, 1), aspect="equal")
plane.set(ylabel="b of q = (b, 1 − b)")
plane.set_xlabel(
    "a of p = (a, 1 − a)\nblue lines: 0; "
    f"square: {there:.2f} − {back:.2f} = {there - back:.2f} bits"
)

# A distribution over three states is the point p₁ A + p₂ B + p₃ C of a triangle ABC
corners = np.array([[0, 0], [0.5, np.sqrt(0.75)], [1, 0]])
fine = simplex(150)
from_p, to_q = np.broadcast_to(p, fine.shape), np.broadcast_to(q, fine.shape)
detour = info.kl_divergence(from_p, fine) + info.kl_divergence(fine, to_q)
triangle.tricontourf(*(fine @ corners).T, detour, levels=[0, direct], colors=[LIGHT])
triangle.fill(*corners.T, fill=False, edgecolor="k", lw=1)
for corner, i, place in zip(corners, (1, 2, 3), ((0, -12), (0, 9), (0, -12))):
    note(triangle, f"surely state {i}", corner, place, ha="center")
ends = {name: distribution @ corners for name, distribution in (("p", p), ("q", q), ("r", r))}
for start, end, colour, bits, side in (
    ("p", "q", BLUE, direct, -0.045),
    ("p", "r", RED, first, 0.045),
    ("r", "q", RED, second, 0.045),
):
    x, y = ends[end] - ends[start]
    beside = side * np.array([-y, x]) / np.hypot(x, y)
    arrow = {"arrowstyle": "-|>", "color": colour, "lw": 2, "shrinkA": 5, "shrinkB": 5}
    arrow["ls"] = "-" if colour == BLUE else "--"
    triangle.annotate("", ends[end], ends[start], arrowprops=arrow)
    angle = np.degrees(np.arctan2(y, x))
    place = (ends[start] + ends[end]) / 2 + beside
    note(triangle, f"KL({start}‖{end}) = {bits:.2f}", place, ha="center", rotation=angle)
for (name, end), place in zip(ends.items(), ((-11, 0), (11, 0), (0, 11))):
    triangle.plot(*end, "o", color="k", ms=6)
    note(triangle, name, end, place, ha="center", fontsize=11)
note(triangle, "grey: all r with a shorter detour", (0.5, -0.15), ha="center")
triangle.set(title=f"{direct:.2f} bits straight, {first + second:.2f} via r", aspect="equal")
triangle.set(xlim=(-0.08, 1.08), ylim=(-0.2, 0.97))
triangle.axis("off")

curve = np.linspace(0.08, 2.4, 400)
jensen.plot(curve, -np.log2(curve), color=BLUE, lw=2)
jensen.plot(t, -np.log2(t), "--o", color=GREY, mec=DARK, mfc="w", zorder=3)
jensen.plot([1, 1], [0, there], color="k", lw=1, ls=":")
jensen.plot(1, there, "s", color=RED, mec="k", ms=7, zorder=4)
jensen.plot(1, 0, "o", color="k", ms=6)
for x, y, text, place, side in (
    (t[0], -np.log2(t[0]), "t = 0.1 / 0.5, probability 0.5", (9, 8), "left"),
    (1, there, f"mean of −log₂ t: KL(p‖q) = {there:.2f}", (9, 8), "left"),
    (1, 0, "−log₂ of the\nmean of t:\n−log₂ 1 = 0", (-7, -24), "right"),
    (t[1], -np.log2(t[1]), "t = 0.9 / 0.5,\nprobability 0.5", (-8, -20), "right"),
):
    note(jensen, text, (x, y), place, ha=side)
jensen.set(title="Why KL ≥ 0: the chord lies above −log₂ t", ylabel="−log₂ t, bits")
jensen.set(xlabel="t = q/p, p = (0.5, 0.5) and q = (0.1, 0.9)")
jensen.set(xlim=(0, 2.4), ylim=(-1.7, 3.6))
finish(figure, args)
