"""The result of a search: the best point, or the Pareto set if it has several goals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from analysis.comparisons.pareto import unbeaten
from sweeper.grid.labels import point_label
from sweeper.grid.seeds import point_of
from sweeper.status.reached import reached
from sweeper.storage import ledger, paths
from sweeper.sweep import Goal, PlannedTrial, Sweep, describe_search
from trainers.trial import Trial

__all__ = ["BestPoint", "best", "keep_found", "pareto", "said_of"]


@dataclass(frozen=True)
class BestPoint:
    """A point whose seeds are all finished, and the mean of each metric over them."""

    point: str
    trials: tuple[str, ...]
    values: Mapping[str, float]


def best(sweep: Sweep) -> tuple[BestPoint, ...]:
    """The Pareto set of a search's finished points, the best first; empty without a goal."""
    if not sweep.search:
        return ()
    points: dict[Trial, list[PlannedTrial]] = {}
    for trial in sweep.trials:
        points.setdefault(point_of(trial), []).append(trial)
    found = [one for trials in points.values() if (one := _found(sweep, trials))]
    return tuple(pareto(found, sweep.search.goals))


def pareto(found: Sequence[BestPoint], goals: Sequence[Goal]) -> list[BestPoint]:
    """The points that no other point dominates, sorted by the first metric."""
    costs = [
        [one.values[name] * (-1 if mode == "max" else 1) for name, mode in goals] for one in found
    ]
    kept = [place for place, good in enumerate(unbeaten(costs)) if good]
    return [found[place] for place in sorted(kept, key=lambda place: costs[place])]


def keep_found(sweep: Sweep, found: Sequence[BestPoint]) -> None:
    """Write `search.json` beside the sweep's list of trials."""
    if sweep.search:
        ledger.write_json(
            paths.search_file(sweep),
            {"search": describe_search(sweep.search), "best": [asdict(one) for one in found]},
        )


def said_of(sweep: Sweep, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """The best points as sentences for the user."""
    if not sweep.search:
        return []
    goals = " and ".join(f"{name} ({mode})" for name, mode in sweep.search.goals)
    if not found:
        return [f"The search for {goals} has no finished point yet."]
    shown = [
        f"{one['point']}: "
        + ", ".join(f"{name} = {value:.6g}" for name, value in one["values"].items())
        for one in found
    ]
    if len(sweep.search.goals) == 1:
        return [f"Best {goals}: {'; '.join(shown)}."]
    return [f"Pareto set of {goals}, {len(shown)} points:", *shown]


def _found(sweep: Sweep, trials: Sequence[PlannedTrial]) -> BestPoint | None:
    assert sweep.search
    ended = [reached(sweep.storage, trial.id) for trial in trials]
    if any(one.status != "finished" for one in ended):
        return None
    values = {
        name: fmean(one.last().get(name, math.nan) for one in ended)
        for name, _ in sweep.search.goals
    }
    if not all(map(math.isfinite, values.values())):
        return None
    return BestPoint(point_label(trials[0].label), tuple(trial.id for trial in trials), values)
