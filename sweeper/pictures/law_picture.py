"""The picture of a report's first law as an SVG, for pages that show no Plotly figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from analysis.figures.drawing.palette import AXIS, GRID, INK, MUTED, PAPER, SERIES
from analysis.figures.drawing.style import axis_title
from analysis.wording import number

__all__ = ["law_svg"]

WIDTH, HEIGHT = 640, 400  # pixels
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 16, 52  # the margins of the axes
STEPS = ((1, 2, 5), (1, 2, 3, 4, 5, 6, 7, 8, 9))  # the marks of a decade, the fewer if they do
FEWEST = 3  # marks of an axis
CLIP = (  # a band may be wider than the axes
    f'<clipPath id="inside"><rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" '
    f'height="{HEIGHT - TOP - BOTTOM}"/></clipPath>'
)
CLIPPED = '<g clip-path="url(#inside)">'

Row = Mapping[str, Any]


def law_svg(report: Mapping[str, Any]) -> str | None:
    """Points, line and band of the first law of a ``report.json``, on log-log axes.

    The laws of other families over the same x are drawn with it, as in the report's figure. None
    if no law is fitted, or the report has no figure of it.
    """
    law = next((one for one in report.get("laws", ()) if one.get("nu") is not None), None)
    if law is None:
        return None
    name = f"{law['y'].rpartition('/')[2]}_{law['x']}"
    rows = [row for row in report.get("figures", {}).get(name, ()) if _drawable(row)]
    if not any(row["kind"] == "measured" for row in rows):
        return None
    axes = _Axes([row["x"] for row in rows], [row["y"] for row in rows])
    drawn = [CLIP, *axes.frame(axis_title(law["x"]), axis_title(law["y"]))]
    same = [one for one in report["laws"] if (one["x"], one["y"]) == (law["x"], law["y"])]
    told = {one["family"]: _told(one) for one in same if one.get("nu") is not None}
    for place, series in enumerate(dict.fromkeys(row["series"] for row in rows)):
        own = [row for row in rows if row["series"] == series]
        measured = any(row["kind"] == "measured" for row in own)
        colour = SERIES[place % len(SERIES)] if measured else MUTED
        drawn += [CLIPPED, *_series(axes, own, colour), "</g>"]
        drawn.append(_entry(place, told.get(series, series), colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>\n' + "\n".join(drawn) + "</svg>"
    )


class _Axes:
    """Logarithmic axes around points: from values to pixels."""

    def __init__(self, x: Sequence[float], y: Sequence[float]) -> None:
        self._x, self._y = _range(x), _range(y)

    def at(self, x: float, y: float) -> str:
        """A point in pixels, ``x,y``."""
        across = LEFT + _share(x, self._x) * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - _share(y, self._y) * (HEIGHT - TOP - BOTTOM)
        return f"{across:.1f},{down:.1f}"

    def frame(self, x_title: str, y_title: str) -> list[str]:
        """The grid, the marks with their values, and the titles."""
        found = []
        for mark in _marks(self._x):
            across = self.at(mark, self._y[0]).split(",")[0]
            found.append(_line(across, TOP, across, HEIGHT - BOTTOM, GRID))
            found.append(_text(across, HEIGHT - BOTTOM + 18, f"{mark:g}", MUTED, "middle"))
        for mark in _marks(self._y):
            down = self.at(self._x[0], mark).split(",")[1]
            found.append(_line(LEFT, down, WIDTH - RIGHT, down, GRID))
            found.append(_text(LEFT - 8, float(down) + 4, f"{mark:g}", MUTED, "end"))
        found.append(_line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, AXIS))
        found.append(_line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, AXIS))
        middle = (TOP + HEIGHT - BOTTOM) / 2
        found.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_title, INK, "middle"))
        turned = _text(18, middle, y_title, INK, "middle")
        return [*found, turned.replace("<text", f'<text transform="rotate(-90 18 {middle})"', 1)]


def _series(axes: _Axes, rows: Sequence[Row], colour: str) -> list[str]:
    """The band and the line of a family's law, and its points."""
    fit = [row for row in rows if row["kind"] != "measured"]
    banded = [row for row in fit if (row.get("low") or 0) > 0]
    high = [axes.at(row["x"], row["high"]) for row in banded]
    low = [axes.at(row["x"], row["low"]) for row in reversed(banded)]
    line = " ".join(axes.at(row["x"], row["y"]) for row in fit)
    dash = "" if any(row["kind"] == "fit" for row in fit) else ' stroke-dasharray="4 4"'
    points = [axes.at(row["x"], row["y"]).split(",") for row in rows if row["kind"] == "measured"]
    return [
        f'<polygon points="{" ".join([*high, *low])}" fill="{colour}" fill-opacity="0.16"/>',
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>',
        *(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>' for x, y in points),
    ]


def _entry(place: int, said: str, colour: str) -> str:
    """A line of the legend, at the top right."""
    return _text(WIDTH - RIGHT - 8, TOP + 20 + 18 * place, said, colour, "end")


def _told(law: Mapping[str, Any]) -> str:
    between = "one seed"
    if law.get("ci_low") is not None and law.get("n_seeds", 0) > 1:
        between = f"{number(law['ci_low'])} to {number(law['ci_high'])}"
    return f"{law['family']}: ν = {number(law['nu'])} ({between})"


def _drawable(row: Row) -> bool:
    return all((row.get(name) or 0) > 0 for name in ("x", "y"))


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The logarithms of the least and the greatest value, with room on both sides."""
    low, high = math.log10(min(values)), math.log10(max(values))
    room = max(0.04 * (high - low), 0.02)
    return low - room, high + room


def _share(value: float, ends: tuple[float, float]) -> float:
    """Where a value lies between two logarithms: 0 at the first, 1 at the second."""
    return (math.log10(value) - ends[0]) / (ends[1] - ends[0]) if value > 1e-300 else 0.0


def _marks(ends: tuple[float, float]) -> list[float]:
    """Round values within the ends of an axis, `FEWEST` or more where the axis has them."""
    decades = range(math.floor(ends[0]), math.ceil(ends[1]) + 1)
    found: list[float] = []
    for steps in STEPS:
        values = (step * 10.0**decade for decade in decades for step in steps)
        found = [value for value in values if ends[0] <= math.log10(value) <= ends[1]]
        if len(found) >= FEWEST:
            break
    return found


def _line(x1: Any, y1: Any, x2: Any, y2: Any, colour: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"/>'


def _text(x: Any, y: Any, said: str, colour: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}">{escape(said)}</text>'
