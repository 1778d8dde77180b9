# %% [markdown]
"""One bit halves what was uncertain; entropy is the mean number of bits, largest when nothing is known.

The claim (notes §1.1 and §1.2): news that leaves half of what was possible carries one bit, so one of eight equally likely weathers is
3 bits, and an event of probability p is −log₂ p bits. Entropy is the mean of that. Of all distributions over n states the uniform one
has the highest entropy, log₂ n, and a certainty has 0: where 300 days of 365 are sunny, as in Amman, a forecast tells 0.68 bits a day.
"""

import numpy as np
from common import DARK, GREY, LIGHT, finish, options

from scratchvae import info

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options: they choose whether there is a window

# %% The numbers of the notes
eight = info.entropy(np.full(8, 1 / 8))
uneven = [0.75, 0.25]
amman = [300 / 365, 65 / 365]
print(f"eight equal weathers        {eight:.3f} bits")
print(
    f"75 % and 25 %               {info.entropy(uneven):.3f} bits"
    f" = 0.75 · {info.information(0.75):.3f} + 0.25 · {info.information(0.25):.3f}"
)
print(f"Amman, 300 of 365 sunny     {info.entropy(amman):.3f} bits")
print(f"one even chance             {info.entropy([0.5, 0.5]):.3f} bits")
assert (
    eight == 3
    and abs(info.entropy(uneven) - 0.811) < 5e-4
    and abs(info.entropy(amman) - 0.68) < 5e-3
)

# %% The uniform distribution has the highest entropy: no distribution of thousands comes above log₂ 8
drawn = info.entropy(np.random.default_rng(0).dirichlet(np.full(8, 0.7), 5000))
print(
    f"5000 random distributions over eight weathers: {drawn.min():.3f} to {drawn.max():.3f} bits, none above {eight:.0f}"
)
assert drawn.max() < eight

# %% The picture
figure, (halving, curve, spread) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")

left = [8, 4, 2, 1]
for i, n in enumerate(left):
    halving.barh(i, n, color=GREY if n > 1 else DARK, edgecolor="k")
    halving.text(
        n + 0.15,
        i,
        f"{n} of 8 possible: {3 - np.log2(n):.0f} bit{'' if n == 4 else 's'} told",
        va="center",
        fontsize=9,
    )
halving.set(
    title="Each bit halves what is still possible",
    xlabel="weathers still possible",
    xlim=(0, 14),
    yticks=[],
    xticks=left,
)
halving.invert_yaxis()

p = np.linspace(0, 1, 501)
curve.plot(p, info.entropy(np.stack([p, 1 - p], axis=1)), color="k")
for probability, name, place in (
    (0.5, "even chance", (-38, 6)),
    (0.75, "75 / 25", (8, 4)),
    (300 / 365, "Amman", (8, 0)),
):
    H = info.entropy([probability, 1 - probability])
    curve.plot(probability, H, "o", color="k", ms=5)
    curve.annotate(
        f"{name}: {H:.2f}", (probability, H), place, textcoords="offset points", fontsize=9
    )
curve.set(
    title="Entropy of two weathers",
    xlabel="probability of sun",
    ylabel="entropy H, bits",
    xlim=(0, 1.18),
    ylim=(0, 1.12),
    xticks=[0, 0.5, 1],
)

spread.hist(drawn, bins=40, color=LIGHT, edgecolor=GREY)
spread.set_ylim(0, 480)
spread.axvline(eight, color="k", ls="--")
spread.text(eight - 0.04, 470, "uniform: log₂ 8 = 3", ha="right", va="top", fontsize=9)
spread.set(
    title="5000 random distributions over eight weathers",
    xlabel="entropy H, bits",
    ylabel="how many",
)
for axes in (halving, curve, spread):
    axes.spines[["top", "right"]].set_visible(False)
finish(figure, args)
