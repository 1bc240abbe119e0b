"""The trial whose trained model is kept as a sweep's best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from analysis.comparisons.goals import SELECTION, beside, better
from sweeper.grid.seeds import point_of
from sweeper.status.reached import reached
from sweeper.sweep import Goal, PlannedTrial, Sweep
from trainers.trial import Trial

__all__ = ["best_trial"]

FULL_ELBO: list[Goal] = [(name, better(name)) for name in (SELECTION, beside(SELECTION))]


def best_trial(sweep: Sweep) -> str | None:
    """The first seed of the setting with the best mean over seeds, by the sweep's `models.goal`.

    Only settings count whose seeds are all finished and have the metric; None if there is none.
    """
    points: dict[Trial, list[PlannedTrial]] = {}
    for trial in sweep.trials:
        if trial.role == "declared":
            points.setdefault(point_of(trial), []).append(trial)
    ended = [
        (trials[0].id, last)
        for trials in points.values()
        if (last := _last_of_finished(sweep, trials))
    ]
    for metric, mode in [sweep.models.goal] if sweep.models.goal else FULL_ELBO:
        means = {trial: fmean(one.get(metric, math.nan) for one in last) for trial, last in ended}
        known = {trial: mean for trial, mean in means.items() if math.isfinite(mean)}
        if known:
            return (max if mode == "max" else min)(known, key=known.__getitem__)
    return None


def _last_of_finished(sweep: Sweep, trials: Sequence[PlannedTrial]) -> list[dict[str, float]]:
    """The last value of each metric, of every trial; empty unless all are finished."""
    found = [reached(sweep.storage, trial.id) for trial in trials]
    return [one.last() for one in found] if all(one.status == "finished" for one in found) else []
