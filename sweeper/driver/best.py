"""The result of a search: the best point, or the Pareto set if it has several goals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean
from typing import Any

from analysis.comparisons.goals import beside
from analysis.comparisons.pareto import unbeaten
from sweeper.adaptive.importance import importances
from sweeper.grid.labels import point_label
from sweeper.grid.seeds import point_of
from sweeper.status.reached import Reached, reached
from sweeper.storage import ledger, paths
from sweeper.sweep import Goal, PlannedTrial, Search, Sweep, describe_search
from trainers.trial import Trial

__all__ = ["BestPoint", "SearchResult", "keep", "pareto", "said_of", "search_result"]

REPLICATES = ("seed", "data_split_seed")
FLATTERED = "The best of many is flattered by chance: the report has its interval."


@dataclass(frozen=True)
class BestPoint:
    """A point whose seeds are all finished, and the mean of each metric over them.

    beside: of the goals of the validation part, the same metrics of the test part. training: how
    far the points were trained among which it was chosen, with a `remark` in words, and whether
    it may be `claimed` that one is best.
    """

    point: str
    trials: tuple[str, ...]
    values: Mapping[str, float]
    beside: Mapping[str, float] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SearchResult:
    """The Pareto set of a search's finished points, the best first.

    importance: for each goal, how much each setting matters, by `importances`.
    """

    best: tuple[BestPoint, ...] = ()
    importance: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def search_result(sweep: Sweep) -> SearchResult:
    """The result of a sweep's search so far, by the storage; empty without a goal."""
    if not sweep.search:
        return SearchResult()
    ended = {trial.id: reached(sweep.storage, trial.id) for trial in sweep.trials}
    found = _finished(sweep, ended)
    importance = _importance(sweep, found)
    if not found:
        return SearchResult((), importance)
    told = _training({trial: ended[trial] for one in found for trial in one.trials})
    chosen = (replace(one, training=told) for one in pareto(found, sweep.search.goals))
    return SearchResult(tuple(chosen), importance)


def pareto(found: Sequence[BestPoint], goals: Sequence[Goal]) -> list[BestPoint]:
    """The points that no other point dominates, sorted by the first metric."""
    costs = [
        [one.values[name] * (-1 if mode == "max" else 1) for name, mode in goals] for one in found
    ]
    kept = [place for place, good in enumerate(unbeaten(costs)) if good]
    return [found[place] for place in sorted(kept, key=lambda place: costs[place])]


def keep(sweep: Sweep, result: SearchResult) -> None:
    """Write `search.json` beside the sweep's list of trials."""
    if sweep.search:
        ledger.write_json(
            paths.search_file(sweep), {"search": describe_search(sweep.search), **asdict(result)}
        )


def _finished(sweep: Sweep, ended: Mapping[str, Reached]) -> list[BestPoint]:
    """The points whose seeds are all finished."""
    points: dict[Trial, list[PlannedTrial]] = {}
    for trial in sweep.trials:
        points.setdefault(point_of(trial), []).append(trial)
    return [one for trials in points.values() if (one := _found(sweep, trials, ended))]


def _importance(sweep: Sweep, found: Sequence[BestPoint]) -> dict[str, dict[str, float]]:
    """For each goal, how much each setting of the finished points matters."""
    assert sweep.search
    params = {trial.id: trial.params for trial in sweep.trials}
    points = [
        {name: value for name, value in params[one.trials[0]].items() if name not in REPLICATES}
        for one in found
    ]
    return {
        metric: importances(points, [one.values[metric] for one in found], mode)
        for metric, mode in sweep.search.goals
    }


def said_of(sweep: Sweep, found: Sequence[Mapping[str, Any]], reported: bool = False) -> list[str]:
    """The best points as sentences for the user.

    reported : whether a report has said which point is the best by one goal, with its interval.
    """
    if not sweep.search:
        return []
    goals = " and ".join(f"{name} ({mode})" for name, mode in sweep.search.goals)
    if not found:
        return [f"The search for {goals} has no finished point yet."]
    shown = [
        f"{one['point']}: "
        + ", ".join(
            f"{name} = {value:.6g}"
            for name, value in {**one["values"], **one.get("beside", {})}.items()
        )
        for one in found
    ]
    training = found[0].get("training") or {}
    remark = training.get("remark", "")
    after = f" ({remark})" * bool(remark)
    if len(sweep.search.goals) == 1:
        lead = "Best" if training.get("claimed") else "First by"
        best = [f"{lead} {goals}{after}: {'; '.join(shown)}.", FLATTERED]
        return [*([] if reported else best), *_on_the_test_part(sweep.search)]
    lead = f"Pareto set of {goals}{after}, {len(shown)} points:"
    return [lead, *shown, FLATTERED, *_on_the_test_part(sweep.search)]


def _on_the_test_part(search: Search) -> list[str]:
    """What it means that the test part has decided, if it has."""
    named = [name for name, _ in search.goals if name.startswith("test/")]
    if not named:
        return []
    return [
        f"It was chosen on the test part, as the grid names {' and '.join(named)}, so no part is "
        "left that had no say in the choice."
    ]


def _found(
    sweep: Sweep, trials: Sequence[PlannedTrial], ended: Mapping[str, Reached]
) -> BestPoint | None:
    assert sweep.search
    own = [ended[trial.id] for trial in trials]
    if any(one.status != "finished" for one in own):
        return None
    last = [one.last() for one in own]
    goals = [name for name, _ in sweep.search.goals]
    values = _means(last, goals)
    if not all(map(math.isfinite, values.values())):
        return None
    test = _means(last, [name for name in map(beside, goals) if name])
    return BestPoint(
        point_label(trials[0].label), tuple(trial.id for trial in trials), values, test
    )


def _training(ended: Mapping[str, Reached]) -> dict[str, Any]:
    """How far finished trials were trained, and what must be said of it."""
    import pandas as pd

    from analysis.sources.frames import history_frame
    from analysis.sources.schema import DECLARED, FINISHED, Experiment
    from analysis.training.stationarity import judged
    from analysis.training.verdicts import UNTRAINED, Trained

    rows = {"trial": list(ended), "epoch": [one.epoch for one in ended.values()]}
    trials = pd.DataFrame(rows).assign(status=FINISHED, role=DECLARED)
    records = ((trial, [asdict(one) for one in own.records]) for trial, own in ended.items())
    history = history_frame(records, {})
    found = Trained.of_rows(judged(Experiment("search", trials, history)).trials)
    claimed = found.verdict != UNTRAINED
    return {**found.to_json(), "remark": found.remark, "claimed": claimed}


def _means(found: Sequence[Mapping[str, float]], names: Sequence[str]) -> dict[str, float]:
    return {name: fmean(one.get(name, math.nan) for one in found) for name in names}
