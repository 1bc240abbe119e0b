"""The learned rate of a corruption over the epochs; maximising the bound drives it to zero."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing.curves import SETTING, over_seeds, setting_lines, trial_settings
from analysis.figures.drawing.style import canvas, set_log
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.wording import number, plural

__all__ = ["FIGURE", "Rates", "draw", "info"]

METRIC = "train/rate"
_SAID = 6


@dataclass(frozen=True)
class Rates:
    """table: columns family, scale, level, epoch, mean, low, high, n; rates in data units."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> Rates:
    """Mean and range over seeds of the rate, for trials with a learned corruption."""
    history, joined = view.experiment.history, trial_settings(view)
    if len(joined):
        rates = history[(history["metric"] == METRIC) & (history["value"] > 0)]
        joined = rates.merge(joined, on="trial")
    if joined.empty:
        raise NothingToDraw(
            "No finished trial has a corruption whose rate is learned.", relevant=False
        )
    table = over_seeds(joined, [*SETTING, "step"]).rename(columns={"step": "epoch"})
    told = [_told(rows) for _, rows in table.groupby(SETTING, dropna=False)]
    more = f"; {len(told) - _SAID} more in the data" if len(told) > _SAID else ""
    return Rates(
        table,
        "σ of the learned corruption, averaged over dimensions: "
        f"{'; '.join(told[:_SAID])}{more}.\n"
        "The denoising bound is linear in the corruption p(x̃|x), so no noise at all is its "
        "optimum, and a learned rate is expected to fall (Im et al. 2017, arXiv:1511.06406, "
        "Sec. 3).",
    )


def _told(rows: pd.DataFrame) -> str:
    first, last = rows.iloc[0], rows.iloc[-1]
    way = "fell" if last["mean"] < first["mean"] else "rose"
    return (
        f"{first['family']} {way} from {number(first['mean'])} after epoch "
        f"{first['epoch']:g} to {number(last['mean'])} after epoch {last['epoch']:g} "
        f"({plural(int(last['n']), 'seed')})"
    )


def draw(data: Rates) -> go.Figure:
    """One line for each setting, with a log axis of the rate."""
    figure = canvas(340)
    figure.add_traces(list(setting_lines(data.table, "epoch", ("epoch", ".4g"))))
    set_log(figure, "yaxis", data.table["mean"])
    figure.update_xaxes(title_text="epoch")
    figure.update_yaxes(title_text="learned rate σ (data units)")
    return figure


FIGURE = Figure("learned_rate", "The learned corruption rate", "bounds", 20, info, draw)
