"""Matched-seed twins over the whole run: |Δ log KL| and |Δ log recon|, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.labels import hover, power_of_ten
from analysis.figures.drawing.style import canvas
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.sources.noise import noise_levels
from analysis.wording import setting

__all__ = ["FIGURE", "Twins", "draw", "info"]

FLOOR = 1e-17
_PAIRS = 7
_METRICS = ("test/kl", "test/recon")


@dataclass(frozen=True)
class Twins:
    """table: columns pair, epoch, difference (the larger of the two metrics')."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> Twins:
    """One curve for each pair of twins with common epochs."""
    trials = view.experiment.trials
    pairs = (
        trials.set_index("trial")["twin_of"].dropna()
        if "twin_of" in trials
        else pd.Series(dtype=object)
    )
    if pairs.empty:
        raise NothingToDraw(
            "No matched-seed twins were trained, so equivalence over the whole run is not tested.",
            relevant=False,
        )
    rows = trials.set_index("trial")
    parts = [
        _pair(view.experiment.history, str(twin), str(partner), rows)
        for twin, partner in pairs.head(_PAIRS).items()
    ]
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        raise NothingToDraw("The twins and their partners have no history in common yet.")
    if (table["difference"] == 0).all():
        raise NothingToDraw("All twins agree to the last bit.", relevant=False)
    zero = int((table["difference"] == 0).sum())
    left = f" The first {_PAIRS} of {len(pairs)} pairs are drawn." * (len(pairs) > _PAIRS)
    return Twins(
        table,
        "Largest |Δ log| of KL and recon on the test set between a trial and its twin of the same "
        f"seed. {zero} of {len(table)} epochs agree to the last bit; they are drawn on the line "
        f"marked 0.{left}",
    )


def _pair(history: pd.DataFrame, twin: str, partner: str, trials: pd.DataFrame) -> pd.DataFrame:
    rows = history[history["trial"].isin((twin, partner)) & history["metric"].isin(_METRICS)]
    wide = rows.pivot_table(
        index=["metric", "step"], columns="trial", values="value", aggfunc="last"
    )
    if not {twin, partner} <= set(wide.columns):
        return pd.DataFrame({"pair": [], "epoch": [], "difference": []})
    wide = wide.dropna()
    wide = wide[(wide > 0).all(axis=1)]
    apart = np.abs(np.log(wide[twin]) - np.log(wide[partner])).where(
        wide[twin] != wide[partner], 0.0
    )
    by_epoch = apart.groupby(level="step").max()
    return pd.DataFrame(
        {
            "pair": _name(trials, twin, partner),
            "epoch": by_epoch.index,
            "difference": by_epoch.to_numpy(),
        }
    )


def _name(trials: pd.DataFrame, twin: str, partner: str) -> str:
    """``σ = 0.06, β = 4 and σ = 0.12, β = 1, seed 0``."""
    if not {twin, partner} <= set(trials.index):
        return f"{twin} and {partner}"
    both = trials.loc[[twin, partner]]
    shown = [column for column in (*noise_levels(both), "beta") if column in both]
    sides = [
        ", ".join(setting(column, row[column]) for column in shown if row[column] == row[column])
        for _, row in both.iterrows()
    ]
    return f"{sides[0]} and {sides[1]}, seed {both['seed'].iloc[0]:g}"


def draw(data: Twins) -> go.Figure:
    """The differences on a log axis, at whose lower end exact equality is drawn."""
    pairs = list(dict.fromkeys(data.table["pair"]))
    figure = canvas(300 + 24 * len(pairs))
    for index, pair in enumerate(pairs):
        part = data.table[data.table["pair"] == pair]
        shown = pd.DataFrame(
            {
                "x": part["epoch"],
                "y": part["difference"].clip(lower=FLOOR),
                "hover": [
                    hover(pair, f"epoch {epoch}: |Δ log| = {value:.3g}")
                    for epoch, value in zip(part["epoch"], part["difference"], strict=True)
                ],
            }
        )
        figure.add_trace(marks.line(shown["x"], shown["y"], pair, index, showlegend=False))
        figure.add_trace(marks.points(shown, pair.replace(" and ", " ↔ "), index))
    top = max(float(data.table["difference"].max()), 1e-6)
    ticks = [FLOOR, *(10.0**power for power in range(-15, 2, 3) if 10.0**power <= top * 10)]
    figure.update_yaxes(
        type="log",
        tickvals=ticks,
        title_text="|Δ log| (no unit)",
        ticktext=["0", *(power_of_ten(round(np.log10(tick))) for tick in ticks[1:])],
        range=[np.log10(FLOOR) - 0.6, np.log10(top * 10)],
    )
    figure.update_xaxes(title_text="epoch", nticks=9)
    return figure


FIGURE = Figure(
    "twin_difference", "Matched-seed twins over the whole run", "equivalence", 10, info, draw
)
