# %% [markdown]
"""Messages of a code made for the wrong belief are longer: on average by KL(p ‖ q) bits a day.

The claim (notes §1.3 and §1.4): a code made for the belief q spends −log₂ q bits on a weather. If the truth is p, the mean is the cross
entropy H(p, q) = −Σ p log₂ q; it is least, and equal to the entropy H(p), when q = p. What is lost otherwise is KL(p ‖ q) = H(p, q) − H(p).

Real codewords are whole bits, so the claim is exact where each probability is a power of ½, as in the first example. In general:
    Huffman's code for p, used under p:      H(p) ≤ mean < H(p) + 1, and no code of a word a day that can be read again has a lower mean
    Shannon's ⌈−log₂ q⌉ bits, used under p:  H(p, q) ≤ mean < H(p, q) + 1
    Huffman's code for q, used under p:      mean ≥ that of Huffman's code for p ≥ H(p); it may lie on either side of H(p, q)
The second example has the last of these below H(p, q).
"""

import numpy as np
from common import DARK, GREY, LIGHT, finish, options

from scratchvae import info

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options: they choose whether there is a window

WEATHERS = ["sun", "cloud", "rain", "storm", "snow"]
SHADES = ["1", LIGHT, GREY, "0.4", DARK]
WEEKS = 1500
EXAMPLES = {
    "powers of ½": ([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 16], [1 / 8, 1 / 4, 1 / 2, 1 / 16, 1 / 16]),
    "not powers of ½": ([0.55, 0.20, 0.15, 0.07, 0.03], [0.10, 0.30, 0.28, 0.22, 0.10]),
}


# %% Codes, and messages there and back
def shannon_code(q):
    """Codewords of ⌈−log₂ q⌉ bits: put intervals of length 2^(−bits) side by side, the long ones first, and write where each begins."""
    lengths, words, start = info.code_lengths(q).astype(int), {}, 0.0
    for i in np.argsort(lengths, kind="stable"):
        words[i] = format(int(start * 2 ** lengths[i]), f"0{lengths[i]}b")
        start += 0.5 ** lengths[i]  # Kraft's inequality: these add to 1 at most
    return [words[i] for i in range(len(words))]


def encode(days, code):
    """The codewords of the days, one after the other, with nothing between them."""
    return "".join(code[day] for day in days)


def decode(bits, code):
    """The days again: no codeword begins another, so the first one that fits is the right one."""
    day_of, days, word = {word: day for day, word in enumerate(code)}, [], ""
    for bit in bits:
        word += bit
        if word in day_of:
            days.append(day_of[word])
            word = ""
    assert word == ""
    return days


# %% Send 1500 weeks in four codes, read them again, and measure
results = {}
for example, (p, q) in EXAMPLES.items():
    H, cross, KL = info.entropy(p), info.cross_entropy(p, q), info.kl_divergence(p, q)
    days = np.random.default_rng(0).choice(len(p), size=7 * WEEKS, p=p).tolist()
    codes = {"Huffman for p": info.huffman_code(p), "Shannon for p": shannon_code(p)}
    codes |= {"Huffman for q": info.huffman_code(q), "Shannon for q": shannon_code(q)}
    print(
        f"p and q are {example}: H(p) = {H:.3f}, H(p, q) = {cross:.3f}, KL(p‖q) = {KL:.3f} bits a day"
    )
    print(f"   {'':8}{'p':8}{'q':8}" + "  ".join(codes))
    for i, weather in enumerate(WEATHERS):
        print(
            f"   {weather:8}{p[i]:<8.4g}{q[i]:<8.4g}"
            + "  ".join(f"{code[i]:13}" for code in codes.values()).rstrip()
        )
    mean, measured, weekly = {}, {}, {}
    for name, code in codes.items():
        bits = encode(days, code)
        assert decode(bits, code) == days  # what was sent is what is read
        lengths = np.array([len(word) for word in code])
        mean[name], measured[name] = info.expected_length(p, lengths), len(bits) / len(days)
        weekly[name] = lengths[days].reshape(WEEKS, 7).sum(axis=1)
        assert abs(measured[name] - mean[name]) < 4 * lengths[days].std() / np.sqrt(
            len(days)
        )  # four standard errors
        print(
            f"   {name}: {len(bits)} bits for {len(days)} days, {measured[name]:.3f} a day; expected {mean[name]:.3f}"
        )
    more = mean["Huffman for q"] - mean["Huffman for p"]
    lucky = (weekly["Huffman for q"] < weekly["Huffman for p"]).mean()
    print(
        f"   Huffman for q costs {more:.3f} bits a day more than for p, though it was the shorter one in {lucky:.1%} of the weeks"
    )

    assert abs(cross - H - KL) < 1e-12
    assert H - 1e-12 <= mean["Huffman for p"] < H + 1 and mean["Huffman for p"] <= min(
        mean.values()
    )
    assert (
        H - 1e-12 <= mean["Shannon for p"] < H + 1
        and cross - 1e-12 <= mean["Shannon for q"] < cross + 1
    )
    if example == "powers of ½":  # whole bits are enough, and nothing is lost by them
        assert abs(mean["Huffman for p"] - H) < 1e-12 and abs(mean["Huffman for q"] - cross) < 1e-12
    else:
        assert H < mean["Huffman for p"] < mean["Huffman for q"] < cross < mean["Shannon for q"]
    results[example] = (H, cross, KL, measured, codes, days[:7])

# %% The picture
figure, panels = plt.subplot_mosaic(
    [["book", "week", "week"], ["powers of ½", "powers of ½", "not powers of ½"]],
    figsize=(13, 8),
    layout="constrained",
    width_ratios=[4, 2.5, 6.5],
    height_ratios=[1, 1.2],
)
*_, codes, week = results["powers of ½"]
right, wrong = codes["Huffman for p"], codes["Huffman for q"]

book = panels["book"]
book.set(title="The truth p, the belief q, and Huffman's codes", xlim=(0, 10), ylim=(-6, 0.6))
book.axis("off")
p, q = EXAMPLES["powers of ½"]
for x, heading in ((2.8, "p"), (4.1, "code for p"), (6.9, "q"), (8.2, "code for q")):
    book.text(x, 0, heading, fontsize=10, va="center")
for i, weather in enumerate(WEATHERS):
    y = -1 - i
    book.barh(y, 0.7, left=0.1, height=0.7, color=SHADES[i], edgecolor="k")
    for x, text in ((1.1, weather), (2.8, f"1/{1 / p[i]:.0f}"), (6.9, f"1/{1 / q[i]:.0f}")):
        book.text(x, y, text, fontsize=10, va="center")
    for x, code in ((4.1, right), (8.2, wrong)):
        book.text(x, y, code[i], fontsize=10, va="center", family="monospace")

strips = panels["week"]
for top, code, name in (
    (0, right, "code made for the truth p"),
    (-3.2, wrong, "code made for the belief q"),
):
    start = 0
    for day in week:
        word = code[day]
        strips.barh(
            top,
            len(word),
            left=start,
            height=0.8,
            align="center",
            color=SHADES[day],
            edgecolor="k",
            lw=1.2,
        )
        ink = "w" if day > 2 else "k"
        strips.text(
            start + len(word) / 2,
            top,
            WEATHERS[day],
            ha="center",
            va="center",
            fontsize=9,
            color=ink,
        )
        strips.barh(top - 0.8, len(word), left=start, height=0.8, color="w", edgecolor="k", lw=1.2)
        for i, bit in enumerate(word):
            strips.text(
                start + i + 0.5,
                top - 0.8,
                bit,
                ha="center",
                va="center",
                fontsize=10,
                family="monospace",
            )
        start += len(word)
    strips.text(0, top + 0.85, f"{name}: {start} bits", va="center", fontsize=10)
most = max(len(encode(week, right)), len(encode(week, wrong)))
strips.set(
    title="The first week, day by day: what is said, and the bits sent",
    xlabel="bits sent",
    yticks=[],
)
strips.set(xlim=(-0.3, most + 0.3), ylim=(-4.6, 1.4), xticks=range(0, most + 1, 2))
strips.spines["left"].set_visible(False)

for example, (H, cross, KL, measured, _, _) in results.items():
    axes = panels[example]
    for i, (name, value) in enumerate(measured.items()):
        axes.bar(
            i,
            value,
            width=0.6,
            edgecolor="k",
            color=GREY if "Huffman" in name else "w",
            hatch="" if "Huffman" in name else "///",
        )
        axes.text(
            i,
            0.25,
            f"{value:.3f}",
            ha="center",
            va="center",
            fontsize=10,
            bbox={"fc": "w", "ec": "k", "lw": 0.5, "pad": 2.5},
        )
    for value, style, name in (
        (H, "--", f"H(p) = {H:.3f}"),
        (cross, "-.", f"H(p, q) = {cross:.3f}"),
    ):
        axes.axhline(value, color="k", ls=style, lw=1.3, zorder=3)
        axes.text(5.33, value + 0.03, name, ha="right", va="bottom", fontsize=10)
    axes.annotate(
        "", (3.75, cross), (3.75, H), arrowprops={"arrowstyle": "<->", "shrinkA": 0, "shrinkB": 0}
    )
    axes.text(3.85, (H + cross) / 2, f"KL(p‖q) = {KL:.3f}", va="center", fontsize=10)
    axes.set(
        title=f"{WEEKS} weeks measured, p and q {example}",
        ylabel="mean message, bits a day",
        xlim=(-0.5, 5.35),
        ylim=(0, 3.75),
    )
    axes.set_xticks(range(4), [name.replace(" for", "\nfor") for name in measured])
p, q = EXAMPLES["not powers of ½"]
for x, entries in zip((-0.4, -0.1, 0.4, 0.9, 1.4, 1.9), zip(["", *WEATHERS], ["p", *p], ["q", *q])):
    for y, entry in zip((3.6, 3.38, 3.16), entries):
        axes.text(
            x, y, entry if isinstance(entry, str) else f"{entry:.2f}", va="center", fontsize=9
        )
for axes in (strips, panels["powers of ½"], panels["not powers of ½"]):
    axes.spines[["top", "right"]].set_visible(False)
finish(figure, args)
