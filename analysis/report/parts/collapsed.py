"""Trials whose posterior collapsed, and the noise at which a linear model's does."""

from __future__ import annotations

from analysis.figures.drawing.theory import where_linear_collapses
from analysis.figures.drawing.view import View
from analysis.report.part import Part, Statement
from analysis.wording import listed, plural

__all__ = ["part"]

_COLLAPSED = 0.01  # nats an example


def part(view: View) -> Part:
    """Warnings: σ beyond the linear theory's threshold, and posteriors that have collapsed."""
    return Part(order=70, statements=_statements(view))


def _statements(view: View) -> list[Statement]:
    rows = view.finished
    found = []
    linear = where_linear_collapses(view, rows)
    if linear and linear.sigmas:
        found.append(Statement(linear.sentence(), True))
    if "test/kl" in rows:
        gone = rows[rows["test/kl"] < _COLLAPSED]
        if len(gone):
            found.append(
                Statement(
                    f"The posterior has collapsed (KL below {_COLLAPSED:g} nats/example) in "
                    f"{plural(len(gone), 'trial')}: {listed(gone['label'], 3)}.",
                    True,
                )
            )
    return found
