# %% [markdown]
"""A code made for a wrong belief q needs KL(p ‖ q) bits a day more than one for p.

The claim (notes §1.3 and §1.4). A code made for the belief q spends −log₂ q bits on a
weather of probability q. If p is the truth, the mean is the cross entropy

    H(p, q) = −Σ p log₂ q                bits a day

It is lowest for q = p, and there it is the entropy H(p). What a wrong belief adds is

    KL(p ‖ q) = H(p, q) − H(p)           bits a day

Real codewords have a whole number of bits. So the claim is exact if each probability is
a power of ½, as in the first example. In general three statements hold:

- Huffman's code for p, used under p: H(p) ≤ mean < H(p) + 1. No code has a lower mean,
  if each day has one word and no word begins another.
- Shannon's code of ⌈−log₂ q⌉ bits, used under p: H(p, q) ≤ mean < H(p, q) + 1.
- Huffman's code for q, used under p: the mean is at least that of Huffman's code for p.
  It may lie on either side of H(p, q). In the second example it lies below.
"""

# %%
import numpy as np
from common import BLUE, DARK, GREY, LIGHT, ORANGE, finish, note, options, panels, row

from scratchvae import info

args = options(__doc__)

WEATHERS = ["sun", "cloud", "rain", "storm", "snow"]
SHADES = ["1", LIGHT, GREY, "0.4", DARK]
WEEKS = 1500
EXAMPLES = {
    "powers of ½": ([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 16], [1 / 8, 1 / 4, 1 / 2, 1 / 16, 1 / 16]),
    "not powers of ½": ([0.55, 0.20, 0.15, 0.07, 0.03], [0.10, 0.30, 0.28, 0.22, 0.10]),
}


# %% Codes, and messages there and back
def shannon_code(q):
    """Codewords of ⌈−log₂ q⌉ bits.

    Each word is an interval of [0, 1) of length 2^(−bits). The intervals lie side by
    side, the long ones first. A word writes where its interval begins.
    """
    lengths, words, start = info.code_lengths(q).astype(int), {}, 0.0
    for i in np.argsort(lengths, kind="stable"):
        words[i] = format(int(start * 2 ** lengths[i]), f"0{lengths[i]}b")
        start += 0.5 ** lengths[i]  # these add to at most 1 (Kraft's inequality)
    return [words[i] for i in range(len(words))]


def encode(days, code):
    """The codewords of the days, one after the other, with nothing between them."""
    return "".join(code[day] for day in days)


def decode(bits, code):
    """The days again. No codeword begins another, so the first that fits is right."""
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
    print(f"p and q are {example}, in bits a day:")
    print(f"   H(p) = {H:.3f}, H(p, q) = {cross:.3f}, KL(p ‖ q) = {KL:.3f}")
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
        standard_error = lengths[days].std() / np.sqrt(len(days))
        assert abs(measured[name] - mean[name]) < 4 * standard_error
        print(
            f"   {name}: {len(bits)} bits for {len(days)} days,"
            f" {measured[name]:.3f} a day; expected {mean[name]:.3f}"
        )
    more = mean["Huffman for q"] - mean["Huffman for p"]
    lucky = (weekly["Huffman for q"] < weekly["Huffman for p"]).mean()
    print(f"   Huffman for q needs {more:.3f} bits a day more than Huffman for p;")
    print(f"   it is the shorter one in {lucky:.1%} of the weeks")

    assert abs(cross - H - KL) < 1e-12
    assert H - 1e-12 <= mean["Huffman for p"] < H + 1
    assert mean["Huffman for p"] <= min(mean.values())
    assert H - 1e-12 <= mean["Shannon for p"] < H + 1
    assert cross - 1e-12 <= mean["Shannon for q"] < cross + 1
    if example == "powers of ½":  # −log₂ of each is a whole number: nothing is lost
        assert abs(mean["Huffman for p"] - H) < 1e-12
        assert abs(mean["Huffman for q"] - cross) < 1e-12
    else:
        assert H < mean["Huffman for p"] < mean["Huffman for q"] < cross < mean["Shannon for q"]
    results[example] = (H, cross, KL, measured, codes, days[:7])

# %% The picture
figure, ((book, strips), bars) = panels(
    2,
    2,
    (12.5, 8.2),
    "A code made for the belief q (orange), beside a code made for the truth p (blue)",
    height_ratios=[1, 1.25],
)
*_, codes, week = results["powers of ½"]
right, wrong = codes["Huffman for p"], codes["Huffman for q"]

book.set(title="The truth p, the belief q, Huffman's codes", xlim=(0, 10), ylim=(-5.6, 0.6))
book.axis("off")
p, q = EXAMPLES["powers of ½"]
row(book, 0, (2.8, 4.1, 6.9, 8.2), ("p", "code for p", "q", "code for q"), fontsize=10)
for i, (weather, shade) in enumerate(zip(WEATHERS, SHADES)):
    book.barh(-1 - i, 0.7, left=0.1, height=0.7, color=shade, edgecolor="k")
    shares = weather, f"1/{1 / p[i]:.0f}", f"1/{1 / q[i]:.0f}"
    row(book, -1 - i, (1.1, 2.8, 6.9), shares, fontsize=10)
    row(book, -1 - i, (4.1, 8.2), (right[i], wrong[i]), fontsize=10, family="monospace")

for top, code, name, colour in ((0, right, "truth p", BLUE), (-3.2, wrong, "belief q", ORANGE)):
    start = 0
    for day in week:
        bits = code[day]
        place = {"left": start, "height": 0.8, "edgecolor": "k", "lw": 1.2}
        strips.barh(top, len(bits), color=SHADES[day], **place)
        strips.barh(top - 0.8, len(bits), color="w", **place)
        ink = "w" if day > 2 else "k"
        note(strips, WEATHERS[day], (start + len(bits) / 2, top), ha="center", color=ink)
        places = [start + i + 0.5 for i in range(len(bits))]
        row(strips, top - 0.8, places, bits, fontsize=10, ha="center", family="monospace")
        start += len(bits)
    strips.barh(top - 0.1, 0.15, left=-0.45, height=1.8, color=colour)
    note(strips, f"code made for the {name}: {start} bits", (0, top + 0.9), fontsize=10)
strips.set(title="The first week: the weathers, and the bits sent", xlabel="bits sent", yticks=[])
strips.set(xlim=(-0.5, start + 0.3), ylim=(-4.6, 1.5), xticks=range(0, start + 1, 2))
strips.spines["left"].set_visible(False)

for axes, (example, (H, cross, KL, measured, _, _)) in zip(bars, results.items()):
    for i, (name, value) in enumerate(measured.items()):
        colour, hatch = BLUE if name.endswith("p") else ORANGE, "" if "Huff" in name else "//"
        axes.bar(i, value, width=0.6, edgecolor="k", color=colour, hatch=hatch)
        box = {"fc": "w", "ec": "k", "lw": 0.5, "pad": 2.5}
        note(axes, f"{value:.3f}", (i, 0.25), fontsize=10, ha="center", bbox=box)
    for height, style, name in ((H, "--", "H(p)"), (cross, "-.", "H(p, q)")):
        axes.axhline(height, color="k", ls=style, lw=1.3)
        note(axes, f"{name} = {height:.3f}", (5.33, height), (0, 7), ha="right", fontsize=10)
    arrow = {"arrowstyle": "<->", "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (3.65, cross), (3.65, H), arrowprops=arrow)
    note(axes, f"KL(p ‖ q) = {KL:.3f}", (3.75, (H + cross) / 2), fontsize=10)
    axes.set(title=f"{WEEKS} weeks measured, p and q {example}", ylabel="bits a day, mean")
    axes.set(xlim=(-0.5, 5.35), ylim=(0, 4))
    axes.set_xticks(range(4), [name.replace(" for", "\nfor") for name in measured])
    places = (-0.4, -0.1, 0.45, 1.05, 1.55, 2.15)
    row(axes, 3.85, places, ("", *WEATHERS))
    for height, name, of_name in zip((3.63, 3.41), "pq", EXAMPLES[example]):
        row(axes, height, places, (name, *(f"{share:.4g}" for share in of_name)))
finish(figure, args)
