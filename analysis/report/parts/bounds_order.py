"""A sentence on whether the bounds of the denoising criterion are in their order."""

from __future__ import annotations

from analysis.comparisons.bounds import VIOLATED
from analysis.figures import denoising_bounds
from analysis.figures.drawing.view import View
from analysis.report.part import Part, Statement

__all__ = ["part"]


def part(view: View) -> Part:
    """A warning if the order of bounds is violated; empty if no trial has bounds."""
    said = denoising_bounds.sentence(view)
    wrong = any(one.verdict == VIOLATED for one in denoising_bounds.checks(view))
    found = [Statement(f"Bounds of the denoising criterion: {said}", wrong)] if said else []
    return Part(order=40, statements=found)
