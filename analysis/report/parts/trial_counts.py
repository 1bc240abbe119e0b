"""The numbers of trials by status, and the trials that a logarithmic axis cannot show."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing.view import View
from analysis.report.part import Part, Statement
from analysis.sources.schema import FINISHED, TWIN, UNENDED
from analysis.sources.statuses import count_statuses
from analysis.wording import listed, plural

__all__ = ["part"]


def part(view: View) -> Part:
    """The first sentences of the summary."""
    trials = view.experiment.trials
    numbers = {"trials": count_statuses(trials["status"] if len(trials) else ())}
    if trials.empty:
        none = f"The experiment {view.experiment.name} has no trials yet, so nothing can be said."
        return Part(order=10, statements=[Statement(none, True)], numbers=numbers)
    counted = _counts(trials)
    return Part(
        order=10,
        statements=[counted, *_off_axis(view)],
        numbers=numbers,
        answer=counted.text if view.finished.empty else "",
    )


def _counts(trials: pd.DataFrame) -> Statement:
    done = trials[trials["status"] == FINISHED]
    twins = int((done["role"] == TWIN).sum())
    if done.empty and trials["status"].isin(UNENDED).any():
        return Statement(
            f"No trial of {len(trials)} has finished yet: curves appear with the first epochs, "
            "laws and pictures with the trials that end.",
            True,
        )
    said = f"{len(done)} of {plural(len(trials), 'trial')} finished"
    said += f", {twins} of them matched-seed twins that stay out of every law" if twins else ""
    counts = count_statuses(trials["status"])
    pruned = counts.get("pruned", 0)
    said += f"; {pruned} stopped early by the search" if pruned else ""
    waiting = len(trials) - sum(counts.get(one, 0) for one in (FINISHED, "failed", "pruned"))
    said += f"; {waiting} not yet" if waiting else ""
    return Statement(f"{said}.", bool(waiting), detail=not waiting and not pruned)


def _off_axis(view: View) -> list[Statement]:
    left = view.off_axis
    return [
        Statement(
            f"{plural(len(left), 'finished trial')} with a noise level of zero or less "
            f"{'are' if len(left) > 1 else 'is'} in no law and no figure, whose axes "
            f"are logarithmic: {listed(left['label'], 3)}.",
            True,
        )
    ] * bool(len(left))
