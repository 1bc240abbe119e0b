"""The results of a search: the goals of every finished point, and the best or Pareto points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.comparisons.goals import SELECTION, beside, better
from analysis.comparisons.pareto import unbeaten
from analysis.figures.drawing import marks
from analysis.figures.drawing.labels import hover
from analysis.figures.drawing.style import axis_title, canvas
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.statistics.means import mean_estimate
from analysis.training.verdicts import UNTRAINED, Trained
from analysis.wording import number, plural, quantity

__all__ = ["FIGURE", "Found", "draw", "goals_of", "info", "points_of", "searched", "without_seed"]

ORDER = "order"
ONE_SEED = "(one seed)"


@dataclass(frozen=True)
class Found:
    """The data of the figure.

    table: columns point, order, one for each goal, good (no other point is better in all goals),
    n, hover, link. axes: the columns of the horizontal and the vertical axis; goals: metric →
    ``min`` or ``max``; answer: the best point in a sentence.
    """

    table: pd.DataFrame
    caption: str
    axes: tuple[str, str]
    goals: Mapping[str, str]
    answer: str


def info(view: View) -> Found:
    """One row for each point of the newest search: the means of its goals over seeds."""
    sweep = searched(view)
    goals = goals_of(sweep)
    table = points_of(view, sweep, list(goals))
    if table.empty:
        raise NothingToDraw("No point of the search is finished.")
    table["good"] = _unbeaten(table, goals)
    found = _told(view, sweep, table, next(iter(goals)))
    across, up = (ORDER, *goals) if len(goals) == 1 else list(goals)[:2]
    answer = _answer(table, goals, found, _trained(view, sweep))
    return Found(table, _caption(table, sweep, goals), (across, up), goals, answer)


def searched(view: View) -> Mapping[str, Any]:
    """The newest sweep that searched by results; NothingToDraw if there is none."""
    found: list[Mapping[str, Any]] = [one for one in view.experiment.sweeps if goals_of(one)]
    if not found or view.finished.empty:
        raise NothingToDraw("No sweep of this experiment searched by results.", relevant=False)
    return found[-1]


def goals_of(sweep: Mapping[str, Any]) -> dict[str, str]:
    """The metrics that a sweep's search looks at, with ``min`` or ``max``; empty without."""
    search = sweep.get("search") or {}
    if search.get("metrics"):
        return dict(zip(search["metrics"], search.get("modes") or (), strict=False))
    if "metric" not in search:
        return {}
    metric = str(search["metric"] or SELECTION)
    return {metric: str(search.get("mode") or better(metric))}


def points_of(view: View, sweep: Mapping[str, Any], metrics: list[str]) -> pd.DataFrame:
    """Means over the seeds of each point, in the order in which the points were proposed."""
    trials = view.finished.reindex(
        columns=[*view.finished.columns, *(name for name in metrics if name not in view.finished)]
    )
    asked = {str(one["id"]): place for place, one in enumerate(sweep.get("trials", ()))}
    rows = trials[trials["trial"].isin(list(asked))].dropna(subset=metrics)
    if rows.empty:
        return pd.DataFrame()
    rows = rows.assign(
        point=[without_seed(label) for label in rows["label"]],
        order=rows["trial"].map(asked),
        link=view.links(rows),
        n=1,
    )
    how = {ORDER: "min", "link": "first", "n": "sum"} | dict.fromkeys(metrics, "mean")
    table = rows.groupby("point", as_index=False).agg(how).sort_values(ORDER, ignore_index=True)
    table[ORDER] = np.arange(1, len(table) + 1)
    table["hover"] = [
        hover(
            row["point"],
            *(f"{quantity(name)} {number(row[name], 4)}" for name in metrics),
            f"mean of {plural(row['n'], 'seed')}",
        )
        for _, row in table.iterrows()
    ]
    return table


def without_seed(label: object) -> str:
    """A trial's label without its seed: the point's."""
    return " ".join(word for word in str(label).split() if not word.startswith("seed="))


def _unbeaten(table: pd.DataFrame, goals: Mapping[str, str]) -> list[bool]:
    costs = np.column_stack(
        [table[name] * (-1 if mode == "max" else 1) for name, mode in goals.items()]
    )
    return unbeaten(costs.tolist())


def _caption(table: pd.DataFrame, sweep: Mapping[str, Any], goals: Mapping[str, str]) -> str:
    wanted = " and ".join(f"{quantity(name)} ({mode})" for name, mode in goals.items())
    method = str(sweep["search"].get("method"))
    begin = f"Points of the search `{method}`, each the mean over its seeds; wanted: {wanted}. "
    if len(goals) > 1:
        more = " Of more than two goals the first two are drawn." if len(goals) > 2 else ""
        return f"{begin}Large, on the line: the Pareto set.{more}"
    return f"{begin}The line is the best so far."


def _answer(table: pd.DataFrame, goals: Mapping[str, str], found: str, training: Trained) -> str:
    """found: the best point's metrics in words. training: of all points."""
    good = table[table["good"]]
    remark = f"; {training.remark}" * bool(training.remark)
    if len(goals) > 1:
        return (
            f"Of {plural(len(table), 'point')} the search found {len(good)} that no other beats "
            f"in every goal{remark}. Their means have errors: with other seeds a neighbour may "
            "take the place of one."
        )
    lead = "First" if training.verdict == UNTRAINED else "Best"
    chosen = (
        "The best of many is flattered by chance, and one seed has no interval that shows it."
        if ONE_SEED in found
        else "The intervals allow for the choice among all points."
    )
    return (
        f"{lead} of {plural(len(table), 'point')} of the search: {good.iloc[0]['point']} with "
        f"{found}{remark}. {chosen}"
    )


def _told(view: View, sweep: Mapping[str, Any], table: pd.DataFrame, goal: str) -> str:
    """The metric of the best point, and the same of the test part, with their intervals."""
    best = table.loc[table["good"], "point"].iloc[0]
    labels = view.finished["label"].map(without_seed)
    asked = view.finished["trial"].isin([str(one["id"]) for one in sweep["trials"]])
    rows, told = view.finished[asked & (labels == best)], []
    for metric in filter(None, (goal, beside(goal))):
        values = rows[metric].to_numpy(dtype=np.float64) if metric in rows else np.empty(0)
        if len(values) and np.isfinite(values).all():
            mean = mean_estimate(values, "t").simultaneous(len(table))
            spread = str(mean) if np.isfinite(mean.se) else f"{number(mean.value, 4)} {ONE_SEED}"
            told.append(f"{quantity(metric)} {spread}")
    return " and ".join(told)


def _trained(view: View, sweep: Mapping[str, Any]) -> Trained:
    """How far all points were trained among which the search chose."""
    asked = [str(one["id"]) for one in sweep["trials"]]
    return Trained.of_rows(view.finished[view.finished["trial"].isin(asked)])


def draw(data: Found) -> go.Figure:
    """For one goal its values in order of the points, else the plane of the first two goals."""
    figure, (across, up) = canvas(430), data.axes
    table = data.table.assign(x=data.table[across], y=data.table[up])
    if across == ORDER:
        best = table["y"].cummin() if data.goals[up] == "min" else table["y"].cummax()
        figure.add_trace(
            marks.line(table["x"], best, "best so far", 0, dash="dot").update(line_shape="hv")
        )
    else:
        front = table[table["good"]].sort_values("x")
        figure.add_trace(marks.line(front["x"], front["y"], "Pareto set", 0, dash="dot"))
    for good, name, size in ((False, "beaten", 7), (True, "unbeaten", 11)):
        rows = table[table["good"] == good]
        if len(rows):
            figure.add_trace(marks.points(rows, name, 0 if good else 1, size))
    figure.update_xaxes(
        title_text="point, in the order of asking" if across == ORDER else axis_title(across)
    )
    figure.update_yaxes(title_text=axis_title(up))
    return figure


FIGURE = Figure("search", "What the search found", "search", 10, info, draw)
