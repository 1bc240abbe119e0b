"""Everything that the page and the numbers of a report are made from."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.figures.drawing.view import View
from analysis.report.comparisons import Compared, compare_models
from analysis.report.equivalences import Equivalences, examine
from analysis.report.statement import Statement
from analysis.report.summary import statements

__all__ = ["Findings", "find"]


@dataclass(frozen=True)
class Findings:
    """The view with its laws, the verdicts, the comparisons, and what is said of them."""

    view: View
    equivalences: Equivalences
    compared: Compared
    said: list[Statement]


def find(view: View) -> Findings:
    """Ask every test that these trials can answer."""
    equivalences, compared = examine(view), compare_models(view)
    return Findings(
        view, equivalences, compared, statements(view, equivalences, compared.statements)
    )
