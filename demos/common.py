"""What the demos share: three options, colours, axes, small digits, the picture."""

import argparse
import inspect
import io
import sys
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.figure
import numpy as np
from PIL import Image  # Matplotlib needs it too

from scratchvae import figures
from scratchvae.files import made
from scratchvae.options import Parser
from scratchvae.progress import any_encoding

GREY, DARK, LIGHT = "0.6", "0.15", "0.85"  # where a difference of grey says enough
# people who cannot tell red from green can tell these apart
BLUE, ORANGE, GREEN, RED, SKY, PINK = figures.CLASS_COLOURS[:6]
# ten kinds: the labels are always written beside them, since ten colours are hard to tell apart
DIGIT_COLOURS = figures.CLASS_COLOURS

DEMO = ""  # the demo's name, in a notebook, where no file has it


def options(doc: str | None) -> argparse.Namespace:
    """--out DIR, the folder of the picture; --show, a window as well; --lang ko, Korean words.

    A notebook has no arguments of ours: there the defaults hold.
    """
    any_encoding()
    parser = Parser(
        description=(doc or "").strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("."),
        metavar="DIR",
        help="the folder of the picture (the working folder)",
    )
    parser.add_argument("--show", action="store_true", help="show the picture in a window as well")
    parser.add_argument(
        "--lang", choices=("en", "ko"), default="en", help="the language of the picture's words"
    )
    args = parser.parse_args([] if "ipykernel" in sys.modules else None)
    if not args.show and "ipykernel" not in sys.modules:
        matplotlib.use("Agg")  # draws files, needs no screen
    try:
        made(args.out)
    except OSError as error:
        parser.error(f"--out: {error}")
    if args.lang == "ko":
        import korean

        try:
            korean.use_font()
        except LookupError as error:
            parser.error(f"--lang ko: {error}")
    return args


def finish(figure: matplotlib.figure.Figure, args: argparse.Namespace) -> None:
    """Write the figure as a PNG with the demo's name, and show it on request.

    The PNG has 256 colours: the 64 most frequent of the drawing, so that areas keep theirs,
    and 192 that cover the others. This makes the file smaller. In Korean it has 24 and 40: the
    book has both languages, and the pictures are a quarter of it.
    """
    from matplotlib import pyplot

    demo = DEMO or Path(inspect.stack()[1].filename).stem
    path = args.out / f"{demo}.png"
    if getattr(args, "lang", "en") == "ko":
        import korean

        korean.translate(figure)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=100)
    with Image.open(drawn) as opened:
        image = opened.convert("RGB")
    # one number for a colour: whole rows take ten times as long to sort
    pixels = np.asarray(image).reshape(-1, 3) @ [1 << 16, 1 << 8, 1]
    found, where, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    kept, more = (24, 40) if getattr(args, "lang", "en") == "ko" else (64, 192)
    covering = image.quantize(more, Image.Quantize.MAXCOVERAGE).getpalette() or []
    frequent = colours[np.argsort(-counts)[:kept]]
    palette = np.concatenate([frequent, np.reshape(covering, (-1, 3))[:more]]).astype(float)
    # ‖c − p‖² = ‖c‖² − 2 c pᵀ + ‖p‖², and ‖c‖² is the same for all p
    nearest = ((palette**2).sum(axis=1) - 2.0 * colours @ palette.T).argmin(axis=1)
    few = Image.fromarray(nearest[where].reshape(image.height, image.width).astype(np.uint8))
    few.putpalette(palette.astype(np.uint8).ravel().tolist())
    few.save(path, optimize=True)
    print(f"wrote {path}")
    if args.show:
        pyplot.show()


def tidy(*panels: Any) -> None:
    """Take the upper and the right border away."""
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)


def note(axes: Any, text: str, at: Any, away: tuple[float, float] = (0, 0), **more: Any) -> None:
    """Write text beside the point `at` of the axes, so many points (1/72 inch) away."""
    style = {"fontsize": 9, "va": "center", **more}
    axes.annotate(text, at, away, textcoords="offset points", **style)


def row(axes: Any, y: float, places: Any, entries: Any, **more: Any) -> None:
    """Write one row of a table: the entries at the height y, each at its place."""
    for x, entry in zip(places, entries):
        axes.text(x, y, entry, **{"fontsize": 9, "va": "center", **more})


def sheet(images: Any, columns: int, shape: tuple[int, int] = (28, 28)) -> Any:
    """One large image of many, row by row, one grey pixel between them. images: (n, n_x)."""
    height, width = shape
    tiles = np.full((-(-len(images) // columns) * columns, height + 1, width + 1), 0.4)
    tiles[: len(images), :height, :width] = np.reshape(images, (-1, height, width))
    return (
        tiles.reshape(-1, columns, height + 1, width + 1)
        .transpose(0, 2, 1, 3)
        .reshape(-1, columns * (width + 1))
    )


def halved(images: Any) -> Any:
    """28 by 28 pixels to 14 by 14, means of 2 by 2. images: (N, 784), uint8. Returns (N, 196)."""
    return (
        images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).round().astype(np.uint8).reshape(-1, 196)
    )


def panels(rows: int, columns: int, size: tuple[float, float], title: str, **more: Any) -> Any:
    """A figure with a title and rows x columns panels. Returns both, as pyplot.subplots does."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(rows, columns, figsize=size, layout="constrained", **more)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1, hspace=0.04, wspace=0.04)
    figure.suptitle(title, fontsize=13)
    tidy(*figure.axes)
    return figure, axes


def ink(axes: Any, image: Any, title: str = "") -> None:
    """Draw an image, (height, width), 0 as white and 1 as black, without ticks."""
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    axes.set_title(title, fontsize=10)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
