"""The words of the pictures in Korean: `python demos/bits.py --lang ko`.

Of a command's picture: `python demos/korean.py MODEL manifold DIR`, and so two_samplings.

`korean.txt` has a line for each text of a figure: the English, a tab, the Korean. A number
is `#` in both; the numbers of the drawing take these places, in their order, or where the
Korean says #2 and #1. So a text is translated once, whatever the numbers are.

A font with Hangul has to be installed. Latin letters and signs keep Matplotlib's font.
"""

import re
import sys
from argparse import Namespace
from functools import lru_cache
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager
from matplotlib.text import Text

from scratchvae import VAE, figures, load_model

TABLE = Path(__file__).with_name("korean.txt")
FONTS = r"^(nanumgothic(bold)?\.|notosans(cjk|kr)(regular|bold)|malgun(bd)?\.|apple(sd)?gothic)"
NUMBER = re.compile(r"\d+(?:\.\d+)?")
# a text with one of these words has to be in the table; names of functions are no words
WORD = re.compile(r"(?<![\w\\_^{])(?!(?:log|sin)\b)[A-Za-z]?[a-z]{2,}")


def use_font() -> None:
    """Let Matplotlib take Hangul from an installed font. LookupError if there is none."""
    family = ""
    for path in sorted(findSystemFonts()):
        if re.search(FONTS, Path(path).name.lower().replace("-", "").replace("_", "")):
            name = FontProperties(fname=path).get_name()
            family = family or name
            if name == family:
                fontManager.addfont(path)
    if not family:
        raise LookupError(
            "no font with Hangul is installed; NanumGothic is one (on Debian: fonts-nanum), "
            "Noto Sans CJK another (fonts-noto-cjk)"
        )
    first = matplotlib.rcParamsDefault["font.sans-serif"][0]
    matplotlib.rcParams["font.family"] = [first, family]


@lru_cache
def table() -> dict[str, str]:
    """English -> Korean, with # for each number."""
    found = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        english, _, korean = line.partition("\t")
        found[english.replace("\\n", "\n")] = korean.replace("\\n", "\n")
    return found


def said(text: str) -> str:
    """The text in Korean; as it is if it has no words. KeyError if the table lacks it."""
    if text.startswith("$") or not WORD.search(text):
        return text
    key = NUMBER.sub("#", text)
    if key not in table():
        raise KeyError(f"{TABLE.name} has no line for {key!r}")
    numbers, korean = NUMBER.findall(text), table()[key]
    order = iter(range(len(numbers)))
    return re.sub(r"#(\d)?", lambda m: numbers[int(m[1]) - 1 if m[1] else next(order)], korean)


def translate(figure: Figure) -> None:
    """Put every text of the figure into Korean."""
    figure.draw_without_rendering()  # an axis makes its labels when it is drawn
    for axes in figure.findobj(matplotlib.axes.Axes):
        for axis in (axes.xaxis, axes.yaxis):
            labels = [label.get_text() for label in axis.get_ticklabels()]
            if any(said(label) != label for label in labels):  # a text set on it does not stay
                axis.set_ticks(axis.get_ticklocs(), [said(label) for label in labels])
    for text in figure.findobj(Text):
        text.set_text(said(text.get_text()))


def main(model: str, kind: str, out: str) -> None:
    """Draw what `scratchvae manifold MODEL`, or `sample MODEL --draw`, draws; in Korean."""
    import common

    use_font()
    vae = load_model(model)
    if not isinstance(vae, VAE) or vae.image_shape is None:
        raise ValueError(f"{model} is no model of pictures")
    draw = {"manifold": figures.manifold, "two_samplings": figures.two_samplings}[kind]
    common.DEMO = kind
    args = Namespace(out=Path(out), show=False, lang="ko")
    figure = draw(vae, vae.image_shape)
    figure.set_size_inches(0.9 * figure.get_size_inches())  # a smaller file
    common.finish(figure, args)


if __name__ == "__main__":
    main(*sys.argv[1:])
