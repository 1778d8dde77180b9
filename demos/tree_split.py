# %% [markdown]
"""A decision tree asks the question that lowers entropy most: which pixel tells 4 from 9?

The claim (notes §1.2, detail 2): entropy measures how mixed a group is, so a tree can choose its question by how far entropy falls from
the node to its children, these weighed by their sizes. That fall is the information gain. Gini impurity and the misclassification rate
measure the mixture too; but the last one does not fall where every child keeps the majority of the node, though the children are less
mixed. Of all pixels of MNIST the best to tell 4 from 9 lies in the bar that closes the top of a 9, and it also tells them apart in test
images, from which it was not chosen.
"""

import numpy as np
from common import GREY, LIGHT, finish, options

from scratchvae import info, load_mnist

args = options(__doc__)
from matplotlib import pyplot as plt  # noqa: E402  after the options: they choose whether there is a window

# %% The split: is there more ink than so much at this pixel? For every pixel, and four thresholds
CLASSES, THRESHOLDS = (4, 9), (0, 63, 127, 191)
mnist = load_mnist()
height, width = mnist.image_shape
train = [mnist.train_images[mnist.train_labels == digit] for digit in CLASSES]
test = [mnist.test_images[mnist.test_labels == digit] for digit in CLASSES]


def split(images, pixel, threshold):
    """How many of each class: in the node, (2,), and in its two children (ink, no ink), (2, 2)."""
    node = np.array([len(of_class) for of_class in images])
    ink = np.array([np.count_nonzero(of_class[:, pixel] > threshold) for of_class in images])
    return node, np.stack([ink, node - ink])


def gain_by(measure, node, children):
    """measure(node) − Σ_k (N_k / N) measure(child_k), for a measure of distributions; an empty child weighs nothing."""
    children = children[children.sum(axis=1) > 0]
    return measure(node / node.sum()) - (children.sum(axis=1) / node.sum()) @ measure(
        children / children.sum(axis=1, keepdims=True)
    )


splits = [
    [split(train, pixel, threshold) for pixel in range(height * width)] for threshold in THRESHOLDS
]
gains = np.array(
    [[info.information_gain(node, children) for node, children in row] for row in splits]
)
for row, of_row in zip(splits, gains):
    entropies = np.array([gain_by(info.entropy, node, children) for node, children in row])
    assert (
        np.abs(entropies - of_row).max() < 1e-12 and of_row.min() >= 0
    )  # the gain is H(node) − Σ (N_k / N) H(child_k), never below 0
for threshold, of_row in zip(THRESHOLDS, gains):
    y, x = divmod(int(of_row.argmax()), width)
    print(
        f"ink > {threshold:3}: the best pixel is row {y}, column {x}; it gains {of_row.max():.3f} bits"
    )

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
        print(
            f"  {name:6}  {counts[0]:5} of digit {CLASSES[0]}, {counts[1]:5} of digit {CLASSES[1]}, entropy {H:.3f} bits"
        )
    print(
        f"  gain {found[part]:.3f} bits; guessing the majority of the training child is wrong for {wrong:.1%}"
    )
    assert found[part] > 0.35 and wrong < 0.2
assert abs(found["test"] - found["training"]) < 0.1

node, children = (np.array(counts) for counts in ([80, 20], [[40, 20], [40, 0]]))
by = {
    measure.__name__: gain_by(measure, node, children)
    for measure in (info.entropy, info.gini_impurity, info.misclassification_rate)
}
print(
    "80 + 20 into 40 + 20 and 40 + 0: "
    + ", ".join(f"{name.replace('_', ' ')} falls by {abs(fall):.3f}" for name, fall in by.items())
)
assert (
    by["entropy"] > 0.1 and by["gini_impurity"] > 0.05 and abs(by["misclassification_rate"]) < 1e-12
)

# %% The picture
figure, panels = plt.subplots(
    1, 4, figsize=(18, 5), layout="constrained", width_ratios=(1.05, 0.6, 1.15, 1.4)
)
figure.get_layout_engine().set(wspace=0.04)
measures, means, gain_map, bars = panels

p = np.linspace(0, 1, 501)
nodes = np.stack([p, 1 - p], axis=1)
measures.plot(p, info.entropy(nodes), color="k", label="entropy, bits")
measures.plot(p, info.entropy(nodes) / 2, color="k", ls=":", label="half the entropy")
measures.plot(p, info.gini_impurity(nodes), color=GREY, lw=2.5, label="Gini impurity")
measures.plot(
    p, info.misclassification_rate(nodes), color="k", ls="--", label="misclassification rate"
)
measures.set(
    title="How mixed is a node of two classes?",
    xlabel="share of one class",
    ylabel="entropy in bits; the others have no unit",
)
measures.set(xlim=(0, 1), ylim=(0, 1.42), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
measures.legend(frameon=False, fontsize=9, loc="upper center")
measures.spines[["top", "right"]].set_visible(False)

y, x = divmod(pixel, width)
mean_images = [of_class.mean(axis=0).reshape(height, width) for of_class in train]
means.imshow(np.concatenate(mean_images), cmap="Greys")
means.axhline(height - 0.5, color="k", lw=0.8)
for i, digit in enumerate(CLASSES):
    means.plot(x, y + i * height, "s", ms=9, mfc="none", mec="w", mew=3.5)
    means.plot(x, y + i * height, "s", ms=9, mfc="none", mec="k", mew=1.5)
    means.text(1, i * height + 2.5, f"mean {digit}", va="center", fontsize=9)
means.set(title="The best pixel (square)", xticks=[], yticks=[])

shown = gain_map.imshow(gains[best[0]].reshape(height, width), cmap="Greys", vmin=0)
gain_map.plot(x, y, "s", ms=11, mfc="none", mec="w", mew=3.5)
gain_map.plot(x, y, "s", ms=11, mfc="none", mec="k", mew=1.5)
gain_map.set(
    title=f"Gain of asking for ink > {threshold} at each pixel",
    xlabel="column of the pixel",
    ylabel="row of the pixel",
)
figure.colorbar(shown, ax=gain_map, label="information gain, bits", shrink=0.8)

ticks = []
for i, (part, (node, children)) in enumerate(tables.items()):
    for j, (name, counts) in enumerate(zip(("node", "ink", "no ink"), (node, *children))):
        row, share = 4 * i + j, counts / counts.sum()
        bars.barh(row, share[0], color=LIGHT, edgecolor="k", label="fours" if row == 0 else None)
        bars.barh(
            row,
            share[1],
            left=share[0],
            color=GREY,
            edgecolor="k",
            hatch="//",
            label="nines" if row == 0 else None,
        )
        for at, cell in zip((1.22, 1.45, 1.76), (*counts, f"{info.entropy(share):.3f}")):
            bars.text(at, row, cell, ha="right", va="center", fontsize=9)
        ticks.append((row, name))
    bars.text(0.01, 4 * i - 0.5, f"{part} images: gain {found[part]:.3f} bits", va="bottom")
    for at, cell in zip((1.22, 1.45, 1.76), ("fours", "nines", "H, bits")):
        bars.text(at, 4 * i - 0.5, cell, ha="right", va="bottom", fontsize=9, style="italic")
bars.set(
    title="The node and its children: how many, and entropy H",
    xlabel="share of the class",
    xlim=(0, 1.78),
    ylim=(7.4, -1.1),
)
bars.set_xticks([0, 0.5, 1])
bars.xaxis.set_label_coords(0.5 / 1.78, -0.08)
bars.set_yticks(*zip(*ticks))
bars.legend(frameon=False, fontsize=9, ncol=2, loc="lower left", bbox_to_anchor=(0.1, 0))
bars.spines[["top", "right"]].set_visible(False)
bars.spines["bottom"].set_bounds(0, 1)
finish(figure, args)
