"""What a search by results has found."""

from __future__ import annotations

from analysis.figures.drawing.view import NothingToDraw, View
from analysis.figures.search import info
from analysis.report.part import Part, Statement

__all__ = ["part"]


def part(view: View) -> Part:
    """The best point of the newest search; nothing without one."""
    try:
        answer = info(view).answer
    except NothingToDraw:
        return Part(order=19)
    return Part(order=19, statements=[Statement(answer)], answer=answer)
