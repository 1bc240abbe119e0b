"""How much each setting of an adaptive search matters to its goals."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.labels import hover, hover_template, label
from analysis.figures.drawing.style import canvas
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.figures.search import searched
from analysis.wording import listed, percent, quantity, symbol

__all__ = ["FIGURE", "Shares", "draw", "info"]


@dataclass(frozen=True)
class Shares:
    """The data of the figure; table: columns goal, setting, importance, hover."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> Shares:
    """The shares that were computed when the newest search ended."""
    stored = searched(view).get("importance")
    if stored is None:
        raise NothingToDraw("The importance of settings was not stored.", relevant=False)
    rows = [
        {
            "goal": goal,
            "setting": name,
            "importance": share,
            "hover": hover(f"{symbol(name)}: {percent(share)}", quantity(goal)),
        }
        for goal, shares in stored.items()
        for name, share in shares.items()
    ]
    if not rows:
        raise NothingToDraw("The importance of settings takes ten finished points of a search.")
    return Shares(
        pd.DataFrame(rows),
        f"For {listed([quantity(goal) for goal in stored])}: how far the best tenth of the "
        "points lies apart from all of them in each setting, as a "
        "share of the sum (Optuna's PED-ANOVA, arXiv:2304.10255). A search looks more often where "
        "it is good, so that a setting that it fixed early may seem to matter less than it does.",
    )


def draw(data: Shares) -> go.Figure:
    """A bar for each setting, the most important on top, in a colour for each goal."""
    names = data.table.groupby("setting")["importance"].sum().sort_values().index
    figure = canvas(110 + 34 * len(names))
    for place, (goal, rows) in enumerate(data.table.groupby("goal", sort=False)):
        figure.add_trace(
            go.Bar(
                x=rows["importance"],
                y=[label(symbol(name)) for name in rows["setting"]],
                orientation="h",
                name=label(quantity(str(goal))),
                text=rows["hover"],
                textposition="none",
                hovertemplate=hover_template(),
                marker_color=marks.colour(place),
            )
        )
    figure.update_xaxes(title_text="importance (share of the sum)", rangemode="tozero")
    figure.update_yaxes(
        categoryorder="array", categoryarray=[label(symbol(name)) for name in names]
    )
    return figure


FIGURE = Figure("search_importance", "Which settings matter", "search", 30, info, draw)
