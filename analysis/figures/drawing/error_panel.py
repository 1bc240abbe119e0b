"""An error against a noise scale on log-log axes, with a colour for each family."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.families import Family, families
from analysis.figures.drawing.labels import hover
from analysis.figures.drawing.style import axis_title, canvas, set_log
from analysis.figures.drawing.theory import theory_curve, theory_lines
from analysis.figures.drawing.view import NothingToDraw, View
from analysis.wording import setting, symbol

__all__ = ["ErrorPanel", "draw", "error_info"]


@dataclass(frozen=True)
class ErrorPanel:
    """Data of the figure; table: columns series, kind (measured, linear theory), x, y, ..."""

    x: str
    y: str
    unit: str
    table: pd.DataFrame
    caption: str


def error_info(view: View, x: str, y: str, words: tuple[str, str]) -> ErrorPanel:
    """All finished trials with `x` and `y`; words: the axis title and the short name of y."""
    trials = view.finished
    if x not in trials or y not in trials or not (trials[trials[x].notna()][y] > 0).any():
        raise NothingToDraw(
            f"No finished trial has both {symbol(x)} and {words[1]}.", relevant=False
        )
    trials = trials[trials[y] > 0]
    if trials[x].nunique() < 2:
        raise NothingToDraw(
            f"All finished trials have one {symbol(x)}, so there is no curve of "
            f"{words[1]} against {symbol(x)}.",
            relevant=False,
        )
    parts = [
        _measured(view, family, (x, y), words[1]) for family in families(trials, x)[: marks.LIMIT]
    ]
    theory = theory_curve(view, trials[trials[x].notna()], x) if y == "test/recon" else None
    if theory is not None:
        parts.append(theory.assign(y=theory["recon"]))
    return ErrorPanel(x, y, words[0], pd.concat(parts, ignore_index=True), "")


def _measured(view: View, family: Family, columns: tuple[str, str], short: str) -> pd.DataFrame:
    (x, y), rows, label = columns, family.rows, family.label
    pointed = [
        hover(label, f"{setting(x, row[x])}, seed {row['seed']:g}", f"{short} {row[y]:.4g}")
        for _, row in rows.iterrows()
    ]
    return pd.DataFrame(
        {
            "series": label,
            "kind": "measured",
            "x": rows[x],
            "y": rows[y],
            "seed": rows["seed"],
            "trial": rows["trial"],
            "hover": pointed,
            "link": view.links(rows),
            "hue": view.hue(label),
        }
    )


def draw(data: ErrorPanel) -> go.Figure:
    """Points and the line through the mean of each scale."""
    figure = canvas(420)
    measured = data.table[data.table["kind"] == "measured"]
    for name, part in measured.groupby("series", sort=False):
        index = int(part["hue"].iloc[0])
        means = part.groupby("x")["y"].mean()
        figure.add_trace(
            marks.line(means.index, means, str(name), index, width=1.2, showlegend=False)
        )
        figure.add_trace(marks.points(part, str(name), index))
    figure.add_traces(theory_lines(data.table))
    set_log(figure, "xaxis", measured["x"])
    set_log(figure, "yaxis", data.table["y"])
    figure.update_xaxes(title_text=axis_title(data.x))
    figure.update_yaxes(title_text=data.unit)
    return figure
