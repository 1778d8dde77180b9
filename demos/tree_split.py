# %% [markdown]
"""A tree asks the question that lowers entropy most: which pixel tells 4 from 9?

The claim (notes §1.2, detail 2). Entropy measures how mixed a group is. So a tree can
choose its question by how far entropy falls from the node to its children, where each
child k weighs as many rows as it has, N_k of N:

    gain = H(node) − Σ_k (N_k / N) H(child k)             the information gain

Gini impurity and the misclassification rate measure the mixture too. But the latter
does not fall if every child keeps the majority of the node, though the children are
less mixed.

Here the rows are images of 4 and 9, and a question is "has this pixel more ink than
that?". The best pixel lies in the bar that closes the top of a 9. It also tells the
digits apart in test images, from which it was not chosen.
"""

# %%
import numpy as np
from common import BLUE, GREY, ORANGE, finish, note, options, panels, row

from scratchvae import info, load_mnist

args = options(__doc__)

# %% The split: is there more ink at this pixel? For each pixel and four thresholds
CLASSES, THRESHOLDS = (4, 9), (0, 63, 127, 191)
mnist = load_mnist()
height, width = mnist.image_shape
train = [mnist.train_images[mnist.train_labels == digit] for digit in CLASSES]
test = [mnist.test_images[mnist.test_labels == digit] for digit in CLASSES]


def split(images, pixel, threshold):
    """How many of each class: in the node, (2,); in its children (ink, no ink), (2, 2)."""
    node = np.array([len(of_class) for of_class in images])
    ink = np.array([np.count_nonzero(of_class[:, pixel] > threshold) for of_class in images])
    return node, np.stack([ink, node - ink])


def gain_by(measure, node, children):
    """measure(node) − Σ_k (N_k / N) measure(child k). An empty child weighs nothing."""
    children = children[children.sum(axis=1) > 0]
    sizes = children.sum(axis=1)
    return measure(node / node.sum()) - sizes / node.sum() @ measure(children / sizes[:, None])


splits = [[split(train, pixel, t) for pixel in range(height * width)] for t in THRESHOLDS]
gains = np.array([[info.information_gain(*one) for one in of_t] for of_t in splits])
for of_t, threshold, of_row in zip(splits, THRESHOLDS, gains):
    falls = np.array([gain_by(info.entropy, *one) for one in of_t])
    assert np.abs(falls - of_row).max() < 1e-12 and of_row.min() >= 0  # the equation above
    y, x = divmod(int(of_row.argmax()), width)
    print(f"ink > {threshold:3}: the best pixel is row {y}, column {x}: {of_row.max():.3f} bits")

# %% The best of these splits, on the images it was chosen from, and on others
best = np.unravel_index(gains.argmax(), gains.shape)
threshold, pixel = THRESHOLDS[best[0]], int(best[1])
tables = {"training": split(train, pixel, threshold), "test": split(test, pixel, threshold)}
guess = tables["training"][1].argmax(axis=1)  # the majority of each child
found = {}
for part, (node, children) in tables.items():
    found[part] = info.information_gain(node, children)
    wrong = 1 - children[[0, 1], guess].sum() / node.sum()
    print(f"{part}: ink > {threshold} at row {pixel // width}, column {pixel % width}")
    for name, counts in zip(("node", "ink", "no ink"), (node, *children)):
        H = info.entropy(counts / counts.sum())
        print(f"  {name:6}  {counts[0]:5} fours, {counts[1]:5} nines, entropy {H:.3f} bits")
    print(f"  gain {found[part]:.3f} bits; the majority of the training child errs on {wrong:.1%}")
    assert found[part] > 0.35 and wrong < 0.2
assert abs(found["test"] - found["training"]) < 0.1

node, children = (np.array(counts) for counts in ([80, 20], [[40, 20], [40, 0]]))
print(f"{node} of two classes, divided into {children[0]} and {children[1]}")
fall = {}
for measure in (info.entropy, info.gini_impurity, info.misclassification_rate):
    name = measure.__name__
    fall[name] = gain_by(measure, node, children)
    print(f"  {name.replace('_', ' ').capitalize():22} falls by {abs(fall[name]):.3f}")
assert fall["entropy"] > 0.1 and fall["gini_impurity"] > 0.05
assert abs(fall["misclassification_rate"]) < 1e-12

# %% The picture
figure, ((measures, means), (gain_map, bars)) = panels(
    2, 2, (12, 8.6), f"The question that lowers entropy most: ink > {threshold} at one pixel"
)

p = np.linspace(0, 1, 501)
nodes = np.stack([p, 1 - p], axis=1)
for value, style, label in (
    (info.entropy(nodes), {"color": BLUE, "lw": 2}, "entropy, bits"),
    (info.entropy(nodes) / 2, {"color": BLUE, "ls": ":", "lw": 2}, "half the entropy"),
    (info.gini_impurity(nodes), {"color": GREY, "lw": 2.5}, "Gini impurity"),
    (info.misclassification_rate(nodes), {"color": "k", "ls": "--"}, "misclassification rate"),
):
    measures.plot(p, value, label=label, **style)
measures.set(title="How mixed is a node of two classes?", xlabel="share of one class")
measures.set(ylabel="entropy in bits; the others have no unit")
measures.set(xlim=(0, 1), ylim=(0, 1.5), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
measures.legend(frameon=False, fontsize=9, loc="upper center")


def mark(axes, x, y):
    """A black square with a white border around the pixel."""
    axes.plot(x, y, "s", ms=11, mfc="none", mec="w", mew=3.5)
    axes.plot(x, y, "s", ms=11, mfc="none", mec="k", mew=1.5)


y, x = divmod(pixel, width)
mean_images = [of_class.mean(axis=0).reshape(height, width) for of_class in train]
means.imshow(np.concatenate(mean_images, axis=1), cmap="Greys")
means.axvline(width - 0.5, color="k", lw=0.8)
for i, digit in enumerate(CLASSES):
    mark(means, x + i * width, y)
    note(means, f"mean {digit}", (1 + i * width, 2))
means.set(title="The best pixel (square)", xticks=[], yticks=[])

shown = gain_map.imshow(gains[best[0]].reshape(height, width), cmap="Greys", vmin=0)
mark(gain_map, x, y)
gain_map.set(title=f"Gain of asking for ink > {threshold} at each pixel")
gain_map.set(xlabel="column of the pixel", ylabel="row of the pixel")
figure.colorbar(shown, ax=gain_map, label="information gain, bits", shrink=0.85)
for axes in (means, gain_map):
    axes.spines[:].set_visible(True)

ticks, places = [], (1.2, 1.42, 1.68)
for i, (part, (node, children)) in enumerate(tables.items()):
    note(bars, f"{part} images: gain {found[part]:.3f} bits", (0.01, 4 * i - 0.68), fontsize=10)
    row(bars, 4 * i - 0.68, places, ("fours", "nines", "H, bits"), ha="right", style="italic")
    for j, (name, counts) in enumerate(zip(("node", "ink", "no ink"), (node, *children))):
        place, share = 4 * i + j, counts / counts.sum()
        row(bars, place, places, (*counts, f"{info.entropy(share):.3f}"), ha="right")
        four = bars.barh(place, share[0], color=BLUE, edgecolor="k")
        nine = bars.barh(place, share[1], left=share[0], color=ORANGE, edgecolor="k")
        ticks.append((place, name))
bars.set(title="The node and its children: how many, and entropy H", xlabel="share of the class")
bars.set(xlim=(0, 1.7), ylim=(7.6, -1.1), xticks=[0, 0.5, 1])
bars.xaxis.set_label_coords(0.5 / 1.7, -0.08)
bars.set_yticks(*zip(*ticks))
bars.legend([four, nine], ["fours", "nines"], frameon=False, fontsize=9, ncol=2, loc="lower left")
bars.spines["bottom"].set_bounds(0, 1)
finish(figure, args)
