"""The laws of an experiment, one for each group of trials that differ in x and the seed alone."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from analysis.figures.drawing.claims import Claim, fit_families, law_rows
from analysis.figures.drawing.tested import Tested
from analysis.figures.drawing.view import View, look, reported_laws
from analysis.laws.law import Law
from analysis.report.settings import ReportSettings
from analysis.sources.schema import Experiment

__all__ = ["chosen_later", "group_laws"]


def group_laws(
    experiment: Experiment, law: Law, settings: ReportSettings | None = None
) -> tuple[Claim, ...]:
    """The claims of the law's x and y, with at least three values of x each.

    settings : of the experiment's report. If it has this law, these are its numbers: intervals and
    p values that hold at once with all that it tests. Otherwise the laws alone are one family.
    """
    bare = View(experiment, (law,), Tested(), margin=0.1)
    claims = tuple(fit_families(bare.finished, law, history=experiment.history))
    reported = reported_laws(experiment, settings.law) if settings else ()
    if len(claims) < 2 or settings is None or not any(_same(law, one) for one in reported):
        return Tested(claims).in_one_family().claims
    view = look(experiment, settings.law, settings.margin, None, settings.margin_post_hoc)
    return tuple(view.claims_of(law.x, law.y))


def _same(law: Law, other: Law) -> bool:
    return replace(law, looked=other.looked) == other


def chosen_later(experiment: Experiment, law: Law, declared: Law | None) -> str:
    """What of a law was chosen after the run, in words; empty if every report has its rows.

    declared: by the grid; None if it declares none. What counts is which trials the law is fitted
    to: a range that leaves none of them out is no choice.
    """
    reported = reported_laws(experiment, declared)
    same = next((one for one in reported if (one.x, one.y) == (law.x, law.y)), None)
    if same is None:
        return f"{law.y} against {law.x} was asked for after the run"
    trials = experiment.trials
    known = _trials(trials, same)
    told = [
        same.post_hoc,
        "the range was chosen after the run"
        * (not _trials(trials, replace(law, where=same.where)) <= known),
        "the rows were chosen after the run"
        * (not _trials(trials, replace(law, range=same.range)) <= known),
    ]
    return "; ".join(filter(None, told))


def _trials(trials: pd.DataFrame, law: Law) -> set[frozenset[str]]:
    """The trials of each law that is fitted to the groups of these trials."""
    return {frozenset(rows["trial"]) for rows in law_rows(trials, law) if len(rows)}
