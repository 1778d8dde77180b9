"""The picture of a class's homework."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from scratchvae.figures import PathName, save


def class_table(
    rows: Sequence[tuple[str, str, int, int, list[tuple[str, int]]]], path: PathName
) -> None:
    """A class's homework: for each exercise, how many were right, and its mistakes.

    The most frequent mistakes stand first. The file is for its owner alone.
    rows: number, title, right, of how many, [(mistake, how many), ...].
    """
    most = 4  # mistakes shown for each exercise
    heights = [0.9 + max(1, min(most, len(mistakes))) for *_, mistakes in rows]
    inches = 0.8 + 0.2 * sum(heights)
    figure = Figure(figsize=(14, inches))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.27, right=0.42, top=1 - 0.1 / inches, bottom=0.6 / inches)
    top = 0.0
    for (number, title, right, of, mistakes), height in zip(rows, heights):
        middle = top + height / 2
        axes.barh(middle, 1, height=0.8, color="0.9")
        axes.barh(middle, right / of, height=0.8, color="0.4")
        axes.text(-0.04, middle, f"{number}  {title}", ha="right", va="center", fontsize=9)
        axes.text(1.04, middle, f"{right} of {of}", va="center", fontsize=9)
        for i, (mistake, count) in enumerate(mistakes[:most]):
            left = len(mistakes) - most
            more = f"  (and {left} other kinds)" if i == most - 1 and left > 0 else ""
            y = middle + i - (min(most, len(mistakes)) - 1) / 2
            axes.text(1.5, y, f"{count} × {mistake[:88]}{more}", va="center", fontsize=8)
        top += height
    axes.set(xlim=(0, 1), ylim=(top, 0), yticks=[])
    axes.set_xticks([0, 0.5, 1], ["0", "half", "all"])
    axes.set_xlabel("right", fontsize=9)
    axes.spines[["top", "right", "left"]].set_visible(False)
    save(figure, path, private=True)
