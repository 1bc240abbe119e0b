"""The exponent against the epoch: a law is that of the model once this curve is flat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.style import canvas
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.wording import symbol

__all__ = ["FIGURE", "ByEpoch", "draw", "info"]

LEAST_ROOM = 0.01


@dataclass(frozen=True)
class ByEpoch:
    """table: columns series, hue, epoch, nu, low, high, verdict."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> ByEpoch:
    """ν of each law at every epoch, with its interval over seeds."""
    found = [
        (claim, claim.law.convergence)
        for claim in view.claims
        if claim.law is not None and claim.law.convergence is not None
    ][: marks.LIMIT]
    if not found:
        raise NothingToDraw(
            "A law at two epochs or more is needed to see how ν moves while training.",
            relevant=False,
        )
    rows = [
        {
            "series": f"{claim.family.label} (in {symbol(claim.x)})",
            "hue": view.hue(claim.family.label),
            "epoch": epoch,
            "nu": one.value,
            "low": one.low,
            "high": one.high,
            "verdict": curve.verdict,
        }
        for claim, curve in found
        for epoch, one in zip(curve.epochs, curve.nu, strict=True)
    ]
    caption = "Bands: 95 % t intervals over seeds. A converged law is flat."
    return ByEpoch(pd.DataFrame(rows), caption)


def draw(data: ByEpoch) -> go.Figure:
    """Linear axes; a converged law ends in a horizontal line."""
    figure = canvas(380)
    for name, part in data.table.groupby("series", sort=False):
        index = int(part["hue"].iloc[0])
        if part["low"].notna().all():
            figure.add_trace(marks.ribbon(part["epoch"], part["low"], part["high"], index))
        figure.add_trace(marks.line(part["epoch"], part["nu"], str(name), index, dash="solid"))
    figure.update_xaxes(title_text="epoch")
    seen = data.table[["nu", "low", "high"]].to_numpy()
    low, high = float(np.nanmin(seen)), float(np.nanmax(seen))
    room = max(LEAST_ROOM, (high - low) / 20)  # differences of rounding would fill the axis
    figure.update_yaxes(
        title_text="exponent ν (no unit)", nticks=6, range=[low - room, high + room]
    )
    return figure


FIGURE = Figure("nu_by_epoch", "Exponent against the epoch", "laws", 35, info, draw)
