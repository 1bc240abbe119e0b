"""Colours for light and dark pages that can be distinguished with colour-blindness.

Every figure is drawn in the light colours; a page in dark mode replaces each colour string by
its value in `dark_partners`. The series colours are Okabe and Ito's (2008), some of them darkened
for contrast on white; series also differ in markers or dashes.
"""

from __future__ import annotations

__all__ = [
    "AXIS",
    "DASHES",
    "GRID",
    "INK",
    "MARKERS",
    "MUTED",
    "PAPER",
    "RAMP",
    "SERIES",
    "colour_scale",
    "dark_partners",
    "graded",
    "veil",
]

PAPER, INK, MUTED, GRID, AXIS = "#fefdfb", "#1c1e22", "#63676e", "#ebe7df", "#bab5aa"
_DARK_BASE = ("#15171b", "#eceae4", "#a2a7af", "#292d34", "#555b65")

SERIES = ("#0072b2", "#d55e00", "#008a65", "#b0508d", "#a97400", "#3a8fc4", "#63676f")
_DARK_SERIES = ("#5cb0ef", "#ff8f4f", "#38cfa3", "#eba0d0", "#f0b93c", "#a5d8ff", "#b4b9c2")
MARKERS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "x")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")

_VIRIDIS = (
    "#440154",
    "#472d7b",
    "#3b528b",
    "#2c728e",
    "#21918c",
    "#28ae80",
    "#5ec962",
    "#addc30",
    "#fde725",
)
_STEPS = 25  # no light colour is the dark partner of another
_VEILS = (0.08, 0.16, 0.3)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _between(position: float) -> str:
    """The viridis colour at a position in [0, 1], linear between its nine anchors."""
    low = min(int(position * 8), 7)
    share = position * 8 - low
    pairs = zip(_rgb(_VIRIDIS[low]), _rgb(_VIRIDIS[low + 1]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


RAMP = tuple(_between(0.02 + 0.80 * k / (_STEPS - 1)) for k in range(_STEPS))
_DARK_RAMP = tuple(_between(0.28 + 0.70 * k / (_STEPS - 1)) for k in range(_STEPS))


def graded(share: float) -> str:
    """The colour of the sequential scale at `share` in [0, 1] of its range, from the lowest."""
    return RAMP[round(share * (_STEPS - 1))]


def colour_scale() -> list[list[float | str]]:
    """The sequential scale as Plotly's colorscale, with the colours that a dark page replaces."""
    return [[place / (_STEPS - 1), colour] for place, colour in enumerate(RAMP)]


def veil(colour: str, opacity: float = 0.16) -> str:
    """The colour of a band: `colour` made transparent (0.08, 0.16 or 0.3)."""
    assert opacity in _VEILS, f"no dark partner for opacity {opacity}"
    return f"rgba({','.join(map(str, _rgb(colour)))},{opacity})"


def dark_partners() -> dict[str, str]:
    """Light colour → dark colour, for every colour string that a figure may contain."""
    light = (PAPER, INK, MUTED, GRID, AXIS, *SERIES, *RAMP)
    dark = (*_DARK_BASE, *_DARK_SERIES, *_DARK_RAMP)
    solid = dict(zip(light, dark, strict=True))
    veils = {veil(a, step): veil(b, step) for a, b in solid.items() for step in _VEILS}
    return solid | veils
