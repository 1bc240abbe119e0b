"""Whether the analysis was declared before the run."""

from __future__ import annotations

from dataclasses import asdict

from analysis.figures.drawing.view import View
from analysis.report.part import Part, Statement
from analysis.sources.registration import registration

__all__ = ["part"]


def part(view: View) -> Part:
    """The registration of the newest sweep, and what has changed since."""
    found = registration(view.experiment.sweeps)
    if found is None:
        return Part(order=11, numbers={"registration": None})
    numbers = asdict(found) | {"changes": list(found.changes), "holds": found.holds}
    return Part(
        order=57 if found.holds else 11,
        statements=[Statement(found.sentence(), not found.holds)],
        numbers={"registration": numbers},
    )
