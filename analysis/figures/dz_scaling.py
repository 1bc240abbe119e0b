"""How the exponent ν depends on the latent dimension d_z, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.claims import Claim, interval, short
from analysis.figures.drawing.labels import hover_template, label
from analysis.figures.drawing.style import axis_title, canvas, set_log
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.sources.schema import SAID_BY_MODEL
from analysis.wording import model_name, symbol

__all__ = ["FIGURE", "ByWidth", "draw", "info"]

_BARS = "Bars: 95 % intervals over seeds, all tests of the report at once."
_NONE = "No bars: one seed each, which has no interval over seeds."
_SOME = f"{_BARS} Without a bar: of one seed."


@dataclass(frozen=True)
class ByWidth:
    """table: columns series, d_z, nu, low, high (NaN of one seed), n, fit."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> ByWidth:
    """ν for each latent dimension, from the laws of families that differ in d_z only."""
    rows = [
        _row(claim)
        for claim in view.claims
        if claim.law is not None and "d_z" in claim.family.fields
    ]
    table = pd.DataFrame(rows)
    if table.empty or table.groupby("series")["d_z"].nunique().max() < 2:
        raise NothingToDraw(
            "Laws at two values of d_z or more are needed to see how ν depends on d_z.",
            relevant=False,
        )
    many = table.groupby("series")["d_z"].transform("nunique") > 1
    shown = table[many].sort_values(["series", "d_z"], ignore_index=True)
    bars = shown["low"].notna()
    return ByWidth(shown, _BARS if bars.all() else _SOME if bars.any() else _NONE)


def _row(claim: Claim) -> dict[str, object]:
    assert claim.law is not None
    others = {key: str(value) for key, value in claim.family.fields.items() if key != "d_z"}
    rest = ", ".join(
        f"{key} = {value}"
        for key, value in others.items()
        if key not in ("model", *SAID_BY_MODEL, "beta") or (key == "beta" and value != "1.0")
    )
    name = model_name(claim.family.rows["model"].iloc[0])
    return {
        "series": f"{name} in {symbol(claim.x)}{', ' * bool(rest)}{rest}",
        "d_z": claim.family.fields["d_z"],
        "nu": claim.law.nu,
        "low": claim.law.ci_low if claim.law.n_seeds > 1 else math.nan,
        "high": claim.law.ci_high if claim.law.n_seeds > 1 else math.nan,
        "n": claim.law.n,
        "fit": short(claim.law),
        "hover": f"ν = {interval(claim.law)}, n = {claim.law.n}",
    }


def draw(data: ByWidth) -> go.Figure:
    """ν with its interval over a log axis of d_z."""
    figure = canvas(380)
    for index, (name, part) in enumerate(data.table.groupby("series", sort=False)):
        bars = {
            "array": part["high"] - part["nu"],
            "arrayminus": part["nu"] - part["low"],
            "thickness": 1.4,
            "width": 0,
            "color": marks.colour(index),
        }
        figure.add_trace(
            go.Scatter(
                x=part["d_z"],
                y=part["nu"],
                mode="lines+markers",
                name=label(name),
                error_y=bars,
                text=part["hover"],
                hovertemplate=hover_template("d_z = %{x}", "%{text}"),
                line={"color": marks.colour(index), "width": 1},
                marker=marks.marker(index),
            )
        )
    set_log(figure, "xaxis", data.table["d_z"])
    ticks = sorted(data.table["d_z"].unique())
    figure.update_xaxes(
        title_text=axis_title("d_z"), tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks]
    )
    figure.update_yaxes(title_text="exponent ν (no unit)", nticks=6)
    return figure


FIGURE = Figure("dz_scaling", "Exponent against the latent dimension", "laws", 40, info, draw)
