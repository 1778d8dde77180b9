# %% [markdown]
"""Entropy has three readings and one value: message length, mean surprise, impurity.

The claim (notes §1.2). A day is sunny with probability 75 % and rainy with 25 %. The
number

    H = 0.75 · 0.415 + 0.25 · 2 = 0.8113 bits

is read in three ways.

1. Message length. No code has a lower mean than H bits a day. A code of one word a day
   needs 1 bit. Huffman's code for D days at once needs between H and H + 1/D bits a
   day.
2. Surprise. The surprise of a sunny day is −log₂ 0.75 = 0.415 bits, that of a rainy day
   −log₂ 0.25 = 2 bits. H is their mean, weighted by the probabilities.
3. Impurity. In a group of three sunny days and one rainy day, H says how mixed the
   group is. It is 0 for a pure group and 1 bit for an even mixture.

A decision tree chooses its questions by the third reading. It asks the question of the
highest gain. Answer k has N_k of the N rows:

    gain = H(node) − Σ_k (N_k / N) H(child k)

The tree below has 14 rows and depth 2 (the table is from J. R. Quinlan, "Induction of
Decision Trees", Machine Learning 1, 1986). Its leaves are pure. So the gains of its
questions, each weighted by the share of the rows that reach it, add to H of all rows.
"""

# %%
import itertools

import numpy as np
from common import BLUE, GREY, LIGHT, ORANGE, finish, note, options, panels

from scratchvae import info

args = options(__doc__)
p = np.array([0.75, 0.25])
H = info.entropy(p)

# %% 1. Message length: Huffman's code for D days at once
print("1. message length: bits a day of Huffman's code for D days at once")
DAYS = range(1, 11)
lengths = []
for D in DAYS:
    days = np.array([np.prod(week) for week in itertools.product(p, repeat=D)])
    words = info.huffman_code(days)
    lengths.append(info.expected_length(days, [len(word) for word in words]) / D)
    print(f"   D = {D:2}: {len(words):4} codewords, {lengths[-1]:.4f} bits a day")
    assert H < lengths[-1] < H + 1 / D
print(f"   the limit is H = {H:.4f} bits a day")
assert lengths[0] == 1 and lengths[-1] < H + 0.01

# %% 2. Surprise: each one, and the mean
surprise = info.information(p)
print("2. surprise: sun {:.4f} bits, rain {:.4f} bits".format(*surprise))
parts = p * surprise
print(f"   0.75 · {surprise[0]:.4f} + 0.25 · {surprise[1]:.4f} = {p @ surprise:.4f} bits")
drawn = np.random.default_rng(0).random(100_000) < p[1]
mean = surprise[drawn.astype(int)].mean()
print(f"   the mean over 100000 days that are drawn is {mean:.4f} bits")
assert np.abs(surprise - [0.4150, 2]).max() < 5e-5 and abs(p @ surprise - H) < 1e-12
# 4 standard errors: one surprise has the variance 0.75 · 0.25 · (2 − 0.415)²
assert abs(mean - H) < 4 * np.sqrt(0.75 * 0.25 / len(drawn)) * np.ptp(surprise)

# %% 3. Impurity: how mixed is a group of four days?
print("3. impurity: sunny and rainy days of four, and the entropy of the group")
groups = [(4, 0), (3, 1), (2, 2), (1, 3), (0, 4)]
impurity = [info.entropy(np.array(group) / 4) for group in groups]
for group, value in zip(groups, impurity):
    print(f"   {group[0]} and {group[1]}: {value:.4f} bits")
assert abs(impurity[1] - H) < 1e-12 and impurity[0] == impurity[-1] == 0 and impurity[2] == 1

# %% A tree of depth 2: on which days does somebody play tennis?
QUESTIONS = ("outlook", "temperature", "humidity", "wind")
TABLE = """
    sunny hot high weak no;           sunny hot high strong no;      overcast hot high weak yes
    rain mild high weak yes;          rain cool normal weak yes;     rain cool normal strong no
    overcast cool normal strong yes;  sunny mild high weak no;       sunny cool normal weak yes
    rain mild normal weak yes;        sunny mild normal strong yes;  rain mild high strong no
    overcast mild high strong yes;    overcast hot normal weak yes
"""
rows = [tuple(row.split()) for row in TABLE.replace("\n", ";").split(";") if row.strip()]
assert len(rows) == 14


def counts(rows):
    """How many rows say yes, and how many no."""
    return np.array([sum(row[-1] == answer for row in rows) for answer in ("yes", "no")])


def impure(rows):
    """H of yes and no among the rows, in bits."""
    return info.entropy(counts(rows) / len(rows))


def divide(rows, question):
    """The rows of each answer to the question."""
    column = QUESTIONS.index(question)
    return {
        answer: [row for row in rows if row[column] == answer]
        for answer in dict.fromkeys(row[column] for row in rows)
    }


def weighted_sum(children):
    """Σ_k (N_k / N) H(child k), written out, and its value."""
    n = sum(map(len, children))
    text = " + ".join(f"{len(child)}/{n} · {impure(child):.3f}" for child in children)
    return text, sum(len(child) / n * impure(child) for child in children)


def grow(rows, depth, path="all rows"):
    """Ask the question of the highest gain, then grow each child.

    Returns the question and the children; None and {} for a pure node, which asks nothing.
    """
    yes, no = counts(rows)
    indent = "   " * (3 - depth)
    print(f"{indent}{path}: {yes} yes, {no} no, H = {impure(rows):.3f} bits")
    if impure(rows) == 0 or depth == 0:
        return None, {}
    gains = {}
    for question in QUESTIONS:
        children = divide(rows, question).values()
        text, value = weighted_sum(children)
        gains[question] = impure(rows) - value
        table = [counts(child) for child in children]
        assert abs(gains[question] - info.information_gain(counts(rows), table)) < 1e-12
        print(f"{indent}   {question:11} {impure(rows):.3f} - ({text}) = {gains[question]:.3f}")
    best = max(gains, key=gains.get)
    return best, {
        answer: (child, grow(child, depth - 1, f"{path}, {answer}"))
        for answer, child in divide(rows, best).items()
    }


print("a tree: gain = H(node) - weighted sum of H(child); three digits are shown")
root, branches = grow(rows, 2)
total = info.information_gain(counts(rows), [counts(child) for child, _ in branches.values()])
terms = [f"{total:.3f}"]
for child, (question, leaves) in branches.values():
    if question:
        gain = info.information_gain(counts(child), [counts(leaf) for leaf, _ in leaves.values()])
        total += len(child) / len(rows) * gain
        terms.append(f"{len(child)}/14 · {gain:.3f}")
        assert all(impure(leaf) == 0 for leaf, _ in leaves.values())
print(f"   the gains add to H of all rows: {' + '.join(terms)} = {total:.3f} = {impure(rows):.3f}")
assert root == "outlook" and abs(total - impure(rows)) < 1e-12

# %% The picture
figure, axes = panels(
    2,
    3,
    (12.5, 8.6),
    "75 % and 25 %: three readings of H = 0.8113 bits",
    height_ratios=[1, 1.15],
)
(message, area, group), lower = axes

message.bar(DAYS, lengths, color=LIGHT, edgecolor="k")
message.axhline(H, color=BLUE, ls="--", lw=2)
note(message, f"H = {H:.4f}", (10.5, H), (0, 9), ha="right")
message.set(title="1. Message length", xlabel="D, days in one codeword", ylabel="bits a day")
message.set(xticks=DAYS, ylim=(0, 1.1))

area.bar(0, surprise[0], width=p[0], align="edge", color=ORANGE, edgecolor="k")
area.bar(p[0], surprise[1], width=p[1], align="edge", color=BLUE, edgecolor="k")
area.axhline(H, color="k", ls="--", lw=1.3)
note(area, f"mean: the whole area, {H:.4f}", (0.02, H), (0, 8))
note(area, f"sun: 0.75 · {surprise[0]:.3f}\n= {parts[0]:.3f}", (0.375, 0.2), ha="center")
note(area, f"rain:\n0.25 · 2\n= {parts[1]:.3f}", (0.875, 1.2), ha="center", color="w")
area.set(title="2. Surprise", xlabel="probability", ylabel="surprise −log₂ p, bits")
area.set(xlim=(0, 1), ylim=(0, 2.15), xticks=[0, 0.75, 1])

group.bar(range(5), impurity, width=0.6, color=LIGHT, edgecolor="k")
for i, (sunny, _) in enumerate(groups):
    for j in range(4):
        style = {"marker": "o", "color": ORANGE} if j < sunny else {"marker": "s", "color": BLUE}
        group.plot(i - 0.24 + 0.16 * j, 1.25, ms=6, mec="k", mew=0.7, **style)
    note(group, f"{impurity[i]:.4g}", (i, impurity[i]), (0, 7), ha="center")
group.set(title="3. Impurity", xlabel="sunny days (circles) of four days", ylabel="entropy, bits")
group.set(ylim=(0, 1.35), yticks=[0, 0.5, 1])
group.set_xticks(range(5), [sunny for sunny, _ in groups])

grid = lower[0].get_gridspec()
for unused in lower:
    unused.remove()
tree = figure.add_subplot(grid[1, :])
tree.set(xlim=(0, 32), ylim=(-0.4, 5.9))
tree.set_title("A tree of depth 2: does somebody play tennis? (H in bits, to three digits)")
tree.axis("off")


def node(at, height, rows, name=""):
    """A bar as wide as the rows: yes in blue, no in orange, both with their numbers."""
    start = at - len(rows) / 2
    for answer, n, colour, ink in zip("yn", counts(rows), (BLUE, ORANGE), "wk"):
        if n:
            tree.barh(height, n, left=start, height=0.5, color=colour, edgecolor="k")
            word = "yes" if answer == "y" else "no"
            note(tree, f"{n} {word}", (start + n / 2, height), ha="center", color=ink)
            start += n
    text = f"{name}H = {impure(rows):.3f}"
    note(tree, text, (at, height + 0.43), ha="center", bbox={"fc": "w", "ec": "none", "pad": 1})


def edge(upper, lower):
    """A line from the node at `upper` to its child at `lower`, both (x, y)."""
    tree.plot([upper[0], lower[0]], [upper[1] - 0.25, lower[1] + 0.6], color=GREY, lw=1, zorder=0)


def sums(y, name, rows, question, children):
    """Beside a level of the tree: the weighted sum of its children, and the gain."""
    text, value = weighted_sum(children)
    gain = impure(rows) - value
    tree.text(22.3, y, f"{name}ask for {question}", fontsize=9, weight="bold")
    tree.text(22.3, y - 0.33, f"{text} = {value:.3f}", fontsize=9)
    tree.text(22.3, y - 0.66, f"gain {impure(rows):.3f} − {value:.3f} = {gain:.3f}", fontsize=9)


PLACES = {"sunny": (3, (1.5, 5)), "overcast": (10.5, ()), "rain": (18, (16.5, 20))}
sums(4.9, "", rows, root, [child for child, _ in branches.values()])
for (answer, (child, (question, leaves))), y in zip(branches.items(), (3.1, 0, 1.6)):
    at, below = PLACES[answer]
    edge((10.5, 4.9), (at, 2.6))
    for place, (leaf_name, (leaf, _)) in zip(below, leaves.items()):
        edge((at, 2.6), (place, 0.3))
        node(place, 0.3, leaf, f"{leaf_name}: ")
    node(at, 2.6, child, f"{answer}: ")
    if question:
        sums(y, f"{answer}: ", child, question, [leaf for leaf, _ in leaves.values()])
node(10.5, 4.9, rows)
tree.text(22.3, -0.25, f"{' + '.join(terms)} = {total:.3f}", fontsize=9)
tree.text(22.3, 0.08, "all gains together, H of all rows:", fontsize=9, weight="bold")
finish(figure, args)
