"""What the demos share: their two options, and the picture that each leaves."""

import argparse
import inspect
import sys
from pathlib import Path

import matplotlib
import matplotlib.figure

GREY, DARK, LIGHT = "0.6", "0.15", "0.85"  # with line styles and hatching, the pictures read in grey too


def options(doc: str | None) -> argparse.Namespace:
    """--out DIR, where the picture goes (the working folder), and --show, a window as well. Nothing is read inside a notebook."""
    parser = argparse.ArgumentParser(description=(doc or "").strip(), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."), metavar="DIR", help="where the picture goes (the working folder)")
    parser.add_argument("--show", action="store_true", help="show the picture in a window as well")
    args = parser.parse_args([] if "ipykernel" in sys.modules else None)
    if not args.show and "ipykernel" not in sys.modules:
        matplotlib.use("Agg")  # no window, and none needed
    args.out.mkdir(parents=True, exist_ok=True)
    return args


def finish(figure: matplotlib.figure.Figure, args: argparse.Namespace) -> None:
    """Write the figure as a PNG named after the demo, say where it is, and show it if that was asked for."""
    from matplotlib import pyplot

    demo = Path(inspect.stack()[1].filename).stem
    path = args.out / f"{demo}.png"
    figure.savefig(path, dpi=130)
    print(f"wrote {path}")
    if args.show:
        pyplot.show()
