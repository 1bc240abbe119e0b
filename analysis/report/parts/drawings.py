"""Every figure of `analysis.figures`, or the sentence on why it has no data."""

from __future__ import annotations

from analysis.figures import Figure, figures
from analysis.figures.drawing.view import NothingToDraw, View
from analysis.report.json_text import records
from analysis.report.part import Block, Part

__all__ = ["part"]

_LARGE = ("laws", 10)  # the law itself
_HIDDEN = ["hover", "link", "hue"]


def part(view: View) -> Part:
    """The figures; those that do not concern this experiment are left out."""
    drawn = []
    for figure in (*figures(), *view.own_figures):
        try:
            drawn.append(_drawn(figure, view))
        except NothingToDraw as reason:
            if reason.relevant and len(view.finished):  # else the summary says what is awaited
                drawn.append(_absent(figure, str(reason)))
    tables = {one.name: records(one.table) for one in drawn if one.table is not None}
    return Part(order=0, blocks=drawn, numbers={"figures": tables})


def _drawn(figure: Figure, view: View) -> Block:
    data = figure.info(view)
    return Block(
        figure.section,
        "figure.html",
        figure.title,
        {"drawing": figure.draw(data), "caption": data.caption},
        figure.name,
        data.table.drop(columns=_HIDDEN, errors="ignore"),
        figure.order,
        half=(figure.section, figure.order) != _LARGE,
    )


def _absent(figure: Figure, sentence: str) -> Block:
    return Block(figure.section, "absent.html", figure.title, [sentence], order=figure.order)
