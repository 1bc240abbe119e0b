"""The local exponent −d log KL / d log x: constant for a power law, else varying with x."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.claims import Claim
from analysis.figures.drawing.labels import hover
from analysis.figures.drawing.style import canvas, set_log
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.laws.powerlaw import PowerLaw
from analysis.wording import symbol

__all__ = ["FIGURE", "Exponents", "draw", "info"]


@dataclass(frozen=True)
class Exponents:
    """table: columns series, kind (bent law or neighbours), x, nu, low, high.

    levels : the symbols of the noise levels over which there are laws, such as σ.
    """

    table: pd.DataFrame
    caption: str
    levels: tuple[str, ...]


def info(view: View) -> Exponents:
    """The slope of the quadratic fit at each x, and the slopes between neighbouring x."""
    laws = [(claim, claim.law) for claim in view.claims if claim.law and claim.law.local]
    if not laws:
        raise NothingToDraw(
            "A local exponent needs a law over four values of the noise level.", relevant=False
        )
    parts = [
        part.assign(
            series=f"{claim.family.label} (in {symbol(claim.x)})", hue=view.hue(claim.family.label)
        )
        for claim, law in laws[: marks.LIMIT]
        for part in (_bent(law), _neighbours(claim, law))
    ]
    return Exponents(
        pd.concat(parts, ignore_index=True),
        "Lines: slope of the quadratic fit, from three seeds on with its 95 % t interval; points: "
        "slope between neighbours. A power law is flat.",
        tuple(dict.fromkeys(symbol(claim.x) for claim, _ in laws[: marks.LIMIT])),
    )


def _bent(law: PowerLaw) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"kind": "bent law", "x": one.x, "nu": one.nu, "low": one.low, "high": one.high}
            for one in law.local
        ]
    )


def _neighbours(claim: Claim, law: PowerLaw) -> pd.DataFrame:
    means = pd.Series(np.log(law.y)).groupby(np.log(law.x)).mean()
    at, logs = means.index.to_numpy(dtype=float), means.to_numpy(dtype=float)
    nu = -np.diff(logs) / np.diff(at)
    x = np.exp((at[1:] + at[:-1]) / 2)
    pointed = [
        hover(claim.family.label, f"around {symbol(claim.x)} = {where:.3g}: ν = {value:.3f}")
        for where, value in zip(x, nu, strict=True)
    ]
    return pd.DataFrame({"kind": "neighbours", "x": x, "nu": nu, "hover": pointed})


def draw(data: Exponents) -> go.Figure:
    """A log axis of the noise level, and the exponent on a linear one."""
    figure = canvas(380)
    for name, part in data.table.groupby("series", sort=False):
        index = int(part["hue"].iloc[0])
        bent = part[part["kind"] == "bent law"]
        if bent["low"].notna().all():
            figure.add_trace(marks.ribbon(bent["x"], bent["low"], bent["high"], index))
        figure.add_trace(marks.line(bent["x"], bent["nu"], str(name), index, showlegend=False))
        figure.add_trace(
            marks.points(
                part[part["kind"] == "neighbours"].rename(columns={"nu": "y"}), str(name), index
            )
        )
    set_log(figure, "xaxis", data.table["x"])
    figure.update_xaxes(title_text=f"noise level {' or '.join(data.levels)} (data units)")
    figure.update_yaxes(
        title_text="local exponent ν(x), no unit", nticks=6, range=_window(data.table)
    )
    return figure


def _window(table: pd.DataFrame) -> list[float]:
    """The range of the exponent's axis: all lines and points; wide bands may be cut off."""
    low, high = table["nu"].min(), table["nu"].max()
    room = 0.6 * max(high - low, 0.2)
    bottom = table["low"].min() if table["low"].notna().any() else low
    top = table["high"].max() if table["high"].notna().any() else high
    return [max(min(bottom, low - 0.05), low - room), min(max(top, high + 0.05), high + room)]


FIGURE = Figure("local_exponent", "Local exponent", "laws", 30, info, draw)
