"""KL over the ELBO, ours beside the published tables of Saremi (2020, arXiv:2005.09047)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis import published
from analysis.figures.drawing import marks
from analysis.figures.drawing.families import all_families
from analysis.figures.drawing.labels import hover, hover_template, label
from analysis.figures.drawing.palette import MUTED, PAPER
from analysis.figures.drawing.style import canvas, set_log
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.sources.noise import noise_levels
from analysis.wording import setting

__all__ = ["FIGURE", "TABLES", "Ratios", "draw", "info", "published_ratios"]

TABLES = ("s1_table1", "s1_table2", "s1_table4")  # of which the published ratios are
_PAPER_MARKS = {"S1 Tables 1 and 2 (σ)": "circle-open", "S1 Table 4 (α)": "diamond-open"}


@dataclass(frozen=True)
class Ratios:
    """table: columns series, kind (measured or published), x, y = KL/L, seed, trial, ..."""

    table: pd.DataFrame
    caption: str


def published_ratios() -> pd.DataFrame:
    """KL/L of the paper: σ from Tables 1 and 2, α from Table 4."""
    found = zip(_PAPER_MARKS, ("s1_table1", "s1_table4"), strict=True)
    parts = [
        pd.DataFrame({"series": name, "x": ratio.index, "y": ratio.to_numpy()})
        for name, ratio in ((name, published.ratio(table)) for name, table in found)
    ]
    return pd.concat(parts, ignore_index=True).assign(kind="published")


def info(view: View) -> Ratios:
    """KL/L of every finished trial at β = 1 with a noise level, and the published values."""
    trials = view.finished
    if not {"test/kl", "test/elbo"} <= set(trials.columns):
        raise NothingToDraw(
            "No finished trial has both KL and ELBO, so there is no ratio KL/L.", relevant=False
        )
    values = trials[["test/kl", "test/elbo"]].to_numpy(dtype=np.float64)
    trials = trials[np.isfinite(values).all(axis=1) & (values[:, 1] < 0)]
    if "beta" in trials:
        trials = trials[trials["beta"].isna() | (trials["beta"] == 1)]
    parts = [
        _measured(view, family.rows, x, family.label) for x, family in all_families(trials) if x
    ]
    if not parts:
        scaled = bool(noise_levels(view.finished))
        raise NothingToDraw(
            "No finished trial at β = 1 has a noise level and a negative ELBO, "
            "so there is no ratio KL/L.",
            relevant=scaled,
        )
    table = pd.concat([*parts[: marks.LIMIT], published_ratios()], ignore_index=True)
    return Ratios(table, _caption(view))


def _measured(view: View, rows: pd.DataFrame, x: str, label: str) -> pd.DataFrame:
    ratio = rows["test/kl"] / rows["test/elbo"]
    pointed = [
        hover(label, f"{setting(x, level)}, seed {seed:g}", f"KL/L = {value:.4f}")
        for level, seed, value in zip(rows[x], rows["seed"], ratio, strict=True)
    ]
    return pd.DataFrame(
        {
            "series": label,
            "kind": "measured",
            "x": rows[x],
            "y": ratio,
            "seed": rows["seed"],
            "trial": rows["trial"],
            "hover": pointed,
            "link": view.links(rows),
            "hue": view.hue(label),
        }
    )


def _caption(view: View) -> str:
    dims = {spectrum.dims for spectrum in view.experiment.spectra.values()}
    here = f"here {min(dims)}" if len(dims) == 1 else "here others"
    size = (
        ""
        if dims == {784}
        else f" (d = 784, {here}, so a noise level is another share of the data)"
    )
    return (
        "L: the ELBO without its constant; in the legend mean (sd) over points. Published values "
        f"are for MNIST{size}, not tested against ours."
    )


def draw(data: Ratios) -> go.Figure:
    """KL/L (no unit) over a log axis of the noise level."""
    figure = canvas(400)
    measured = data.table[data.table["kind"] == "measured"]
    for name, part in measured.groupby("series", sort=False):
        trace = marks.points(part, str(name), int(part["hue"].iloc[0]))
        figure.add_trace(trace.update(name=label(f"{name}: {_spread(part)}")))
    for name, part in data.table[data.table["kind"] == "published"].groupby("series"):
        figure.add_trace(_published(part, str(name)))
    set_log(figure, "xaxis", data.table["x"])
    figure.update_xaxes(title_text="noise level σ or α (data units)")
    figure.update_yaxes(title_text="KL / L (no unit)", nticks=6)
    return figure


def _spread(part: pd.DataFrame) -> str:
    """The mean of KL/L and its standard deviation over the points."""
    spread = f" ({np.std(part['y']):.3f})" if len(part) > 1 else " (one point)"
    return f"{part['y'].mean():.3f}{spread}".replace("-", "−")


def _published(part: pd.DataFrame, name: str) -> go.Scatter:
    return go.Scatter(
        x=part["x"],
        y=part["y"],
        mode="lines+markers",
        name=label(f"{name}: {_spread(part)}"),
        hovertemplate=hover_template("published: KL/L = %{y:.3f} at %{x}"),
        line={"color": MUTED, "width": 1, "dash": "dot"},
        marker={
            "symbol": _PAPER_MARKS[name],
            "size": 9,
            "color": MUTED,
            "line": {"width": 1.5, "color": PAPER},
        },
    )


FIGURE = Figure("kl_ratio", "KL over the ELBO", "published", 10, info, draw)
