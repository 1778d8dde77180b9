"""Two pictures to read, as SVG: lines of equal KL, and a learning curve.

Both are polylines of computed points: no library draws them.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

Point = tuple[float, float]
WIDTH, HEIGHT, LEFT, TOP = 330, 190, 34, 8  # CSS pixels: of the frame, and where it begins
BLACK, GRID = 'stroke="#000"', 'stroke="#bbb" stroke-width="0.5"'
LEVELS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5)


def contours_of_kl(points: Sequence[tuple[str, float, float]]) -> str:
    """KL(N(μ, σ²) ‖ N(0, 1)) = ½ (μ² + σ² − 1 − log σ²): the line of the value c is

        μ = ±√(2c − (σ² − 1 − log σ²))

    points: name, μ, σ, to be read. μ goes from −2.4 to 2.4, σ from 0 to 2.6; there is a fine
    line at each 0.2.
    """
    parts = [_line([_at(m / 5, 0), _at(m / 5, 2.6)], GRID) for m in range(-11, 12)]
    parts += [_line([_at(-2.4, s / 5), _at(2.4, s / 5)], GRID) for s in range(1, 13)]
    parts += _lines()
    for name, mu, sigma in points:
        x, y = _at(mu, sigma)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
        parts.append(_text(x + 9, y - 4, name, "middle", True, bold=True))
    return _svg(parts, "μ", "σ")


def _at(mu: float, sigma: float) -> Point:
    return LEFT + (mu + 2.4) / 4.8 * WIDTH, TOP + (1 - sigma / 2.6) * HEIGHT


@lru_cache
def _lines() -> tuple[str, ...]:
    """The lines, their values and the axes: the same in each picture."""
    parts = []
    for turn, c in enumerate(LEVELS):
        line = []
        for i in range(1, 1041):
            sigma = 2.6 * i / 1040
            square = 2 * c - (sigma**2 - 1 - 2 * math.log(sigma))
            if square >= 0:
                line.append((math.sqrt(square), sigma))
        whole = [(mu, sigma) for mu, sigma in line] + [(-mu, sigma) for mu, sigma in line[::-1]]
        ends = line[0][0] < 0.3 and line[-1][0] < 0.3  # both ends meet the other half
        whole += [whole[0]] if ends else []
        parts.append(_line([_at(mu, s) for mu, s in whole]))
        mu, sigma = max(line)
        x, y = _at(mu if turn % 2 else -mu, sigma)  # by turns right and left
        if mu < 2.4:
            parts.append(_text(x, y + 4, f"{c:g}", "middle", True))
    parts += [_text(*_at(m, 0), f"{m}".replace("-", "−"), "middle", below=True)
              for m in (-2, -1, 0, 1, 2)]  # fmt: skip
    parts += [_text(LEFT - 5, _at(0, s)[1] + 4, f"{s}", "end") for s in (0, 1, 2)]
    return tuple(parts)


def learning_curve(kl: Sequence[float], reconstruction: Sequence[float]) -> str:
    """The KL (solid) and the reconstruction loss −E[log p(x|z)] (dashed) of each epoch, from 1."""
    most = 5 * math.ceil(max(*kl, *reconstruction) / 5)

    def at(epoch: float, value: float) -> Point:
        return LEFT + (epoch - 1) / (len(kl) - 1) * WIDTH, TOP + (1 - value / most) * HEIGHT

    parts = [
        _line([at(i, v) for i, v in enumerate(kl, 1)], BLACK + ' stroke-width="1.8"'),
        _line(
            [at(i, v) for i, v in enumerate(reconstruction, 1)], BLACK + ' stroke-dasharray="5 3"'
        ),
    ]
    for epoch in range(2, len(kl) + 1, 2):
        x, y = at(epoch, 0)
        parts.append(_line([(x, y), (x, TOP)], GRID))
        parts.append(_text(x, y, str(epoch), "middle", below=True))
    for i in range(0, most + 1, 5):
        x, y = at(1, i)
        parts.append(_line([(x, y), (x + WIDTH, y)], GRID))
        parts.append(_text(LEFT - 5, y + 4, str(i), "end"))
    return _svg(parts, "epoch", "nats")


def _svg(parts: Sequence[str], across: str, up: str) -> str:
    frame = f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" {BLACK}/>'
    width, height = LEFT + WIDTH + 46, TOP + HEIGHT + 22
    clip = (
        f'<svg x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="{LEFT} {TOP} {WIDTH} {HEIGHT}">'
    )
    lines = [part for part in parts if part.startswith("<polyline")]
    others = [part for part in parts if not part.startswith("<polyline")]
    names = _text(LEFT + WIDTH + 6, TOP + HEIGHT + 4, across, "start") + _text(
        LEFT + 5, TOP + 12, up, "start", True
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="11">'
        f"{frame}{clip}{''.join(lines)}</svg>{''.join(others)}{names}</svg>"
    )


def _line(points: Sequence[Point], look: str = BLACK) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline fill="none" {look} points="{places}"/>'


def _text(
    x: float, y: float, text: str, anchor: str, halo: bool = False, *,
    below: bool = False, bold: bool = False,
) -> str:  # fmt: skip
    look = ' stroke="#fff" stroke-width="4" paint-order="stroke"' if halo else ""
    look += ' font-weight="700"' if bold else ""
    y = y + 14 if below else y
    return f'<text{look} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
