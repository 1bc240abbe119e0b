"""Equivalence across disjoint seeds: Δ log KL and Δ log recon with the declared margin."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis.equivalence import SeedVerdict
from analysis.equivalence.verdict import licensed
from analysis.figures.drawing import marks
from analysis.figures.drawing.labels import hover, hover_template, label
from analysis.figures.drawing.palette import AXIS, INK, veil
from analysis.figures.drawing.style import canvas
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.wording import quantity

__all__ = ["FIGURE", "Differences", "draw", "info"]

_PAIRS = 24


@dataclass(frozen=True)
class Differences:
    """table: columns pair, metric, difference, low, high, interval, margin, verdict, n."""

    table: pd.DataFrame
    margin: float
    caption: str


def info(view: View) -> Differences:
    """One row for each pair of twins and metric."""
    examined = view.tested.examined
    if "seeds" in examined.refusals:
        raise NothingToDraw(f"No test across seeds: {examined.refusals['seeds']}.")
    found = [one for one in examined.verdicts.get("seeds", ()) if isinstance(one, SeedVerdict)]
    table = pd.DataFrame([row for one in found[:_PAIRS] for row in _rows(one)])
    if table.empty:
        raise NothingToDraw(
            "No two settings of these trials are twins with two disjoint seeds "
            "each, so equivalence across seeds is not tested.",
            relevant=False,
        )
    left = f" The first {_PAIRS} of {len(found)} pairs are drawn." * (len(found) > _PAIRS)
    return Differences(
        table,
        view.margin,
        "Difference of the mean logarithms of two twins, the first less the second, with its "
        "interval of Welch’s two one-sided tests. A pair is equivalent in a metric when the whole "
        f"interval lies inside the shaded margin ±{view.margin:g} and each arm has five seeds or "
        f"more.{left}",
    )


def _rows(one: SeedVerdict) -> list[dict[str, object]]:
    pair = f"{one.labels[0]} less {one.labels[1]}"
    return [
        {
            "pair": pair,
            "metric": quantity(name),
            "difference": test.difference,
            "low": test.low,
            "high": test.high,
            "interval": f"{100 - 200 * test.alpha:.3g} %",
            "margin": test.margin,
            "verdict": licensed(test.verdict, one.training),
            "n": f"{test.n[0]} and {test.n[1]}",
        }
        for name, test in one.tests.items()
    ]


def draw(data: Differences) -> go.Figure:
    """One line for each pair, one marker for each metric; the margin is shaded."""
    pairs = list(dict.fromkeys(data.table["pair"]))
    figure = canvas(150 + 62 * len(pairs))
    figure.add_vrect(
        -data.margin, data.margin, fillcolor=veil(INK, 0.08), line_width=0, layer="below"
    )
    figure.add_vline(0, line={"color": AXIS, "width": 1.5}, layer="below")
    metrics = list(dict.fromkeys(data.table["metric"]))
    for index, metric in enumerate(metrics):
        part = data.table[data.table["metric"] == metric]
        place = [-pairs.index(pair) + 0.14 * (0.5 - index) * 2 for pair in part["pair"]]
        figure.add_trace(_marks(part, place, metric, index))
    reach = max(1.25 * data.margin, *data.table["low"].abs(), *data.table["high"].abs())
    figure.update_xaxes(
        title_text="difference of logs (no unit)", nticks=7, range=[-1.06 * reach, 1.06 * reach]
    )
    figure.update_yaxes(
        tickvals=[-number for number in range(len(pairs))],
        showgrid=False,
        ticks="",
        ticktext=[label(pair.replace(" less ", "\nless ")) for pair in pairs],
        range=[-len(pairs) + 0.4, 0.6],
        title_text="pair of settings (no unit)",
    )
    return figure


def _marks(part: pd.DataFrame, place: list[float], metric: str, index: int) -> go.Scatter:
    pointed = [
        hover(
            row.pair,
            f"Δ log {metric} {row.difference:.4f}",
            f"{row.interval}: {row.low:.4f} to {row.high:.4f}",
            f"{row.n} seeds: {row.verdict}",
        )
        for row in part.itertuples()
    ]
    bars = {
        "array": part["high"] - part["difference"],
        "width": 0,
        "thickness": 1.8,
        "arrayminus": part["difference"] - part["low"],
        "color": marks.colour(index),
    }
    return go.Scatter(
        x=part["difference"],
        y=place,
        mode="markers",
        name=label(f"log {metric}"),
        text=pointed,
        error_x=bars,
        hovertemplate=hover_template(),
        marker=marks.marker(index),
    )


FIGURE = Figure("alias_seeds", "Twins across disjoint seeds", "equivalence", 20, info, draw)
