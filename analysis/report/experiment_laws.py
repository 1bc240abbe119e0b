"""The laws of an experiment, one for each group of trials that differ in x and the seed alone."""

from __future__ import annotations

from analysis.figures.drawing.claims import Claim, fit_families
from analysis.figures.drawing.tested import Tested
from analysis.figures.drawing.view import View, look
from analysis.laws.law import Law
from analysis.report.settings import ReportSettings
from analysis.sources.schema import Experiment

__all__ = ["group_laws"]


def group_laws(
    experiment: Experiment, law: Law, settings: ReportSettings | None = None
) -> tuple[Claim, ...]:
    """The claims of the law's x and y, with at least three values of x each.

    settings : of the experiment's report, of which these are the numbers: intervals and p values
        that hold at once with all that it tests. Without them the laws alone are one family.
    """
    bare = View(experiment, (law,), Tested(), margin=0.1)
    claims = tuple(fit_families(bare.finished, law, history=experiment.history))
    if len(claims) < 2 or settings is None:
        return Tested(claims).in_one_family().claims
    view = look(experiment, settings.law, settings.margin, None, settings.margin_post_hoc)
    return tuple(view.claims_of(law.x, law.y))
