"""Text inside a figure: Plotly reads a little HTML there, so names from grids are escaped."""

from __future__ import annotations

from markupsafe import Markup

__all__ = ["hover", "hover_template", "label", "power_of_ten"]


def label(text: object) -> str:
    """Text of a legend, an axis or a tick; a line feed begins a new line."""
    return str(Markup("<br>").join(str(text).split("\n")))


def hover(name: object, *lines: str) -> str:
    """The hover text of a point: its name in bold, and `lines` below it."""
    return str(Markup("<br>").join([Markup("<b>{}</b>").format(name), *lines]))


def hover_template(*lines: str) -> str:
    """Plotly's template of a hover text, by default column `text`, without the trace's name."""
    return str(Markup("<br>").join(lines or ["%{text}"]) + Markup("<extra></extra>"))


def power_of_ten(exponent: int) -> str:
    """A tick of a logarithmic axis, with a true minus sign."""
    return str(Markup("10<sup>{}</sup>").format(str(exponent).replace("-", "−")))
