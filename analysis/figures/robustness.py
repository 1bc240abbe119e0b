"""Robustness: denoising error and accuracy on noisy data, against the level of the noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing.curves import (
    SETTING,
    by_family,
    legend,
    level_colours,
    over_seeds,
    setting_line,
    trial_settings,
)
from analysis.figures.drawing.labels import label
from analysis.figures.drawing.palette import MUTED
from analysis.figures.drawing.style import canvas, set_log, stack
from analysis.figures.drawing.view import Figure, NothingToDraw, View

__all__ = ["FIGURE", "Robustness", "draw", "info"]

MEASURES = {"denoise": "error (data units²/example)", "accuracy": "accuracy (share)"}
UNDONE = {"denoise": "noise_energy", "accuracy": "noisy"}
LEVELS = {
    "gaussian": "level of Gaussian noise, σ (data units)",
    "laplace": "level of Laplace noise, α (data units)",
    "salt_and_pepper": "salt-and-pepper noise, p (probability)",
}
_SETTINGS = 36


@dataclass(frozen=True)
class Robustness:
    """The data of the figure.

    table: columns family, scale, level, measure, noise, at, mean, low, high, n, undone.
    at: the level of the added noise; undone: the same measure on y, without a denoiser.
    """

    table: pd.DataFrame
    caption: str


def info(view: View) -> Robustness:
    """Mean and range over seeds of denoising error and accuracy at each level of added noise."""
    found = [part for frame in view.experiment.evaluations.values() for part in _long(frame)]
    if not found:
        raise NothingToDraw(
            "No evaluation of robustness is stored with these trials.", relevant=False
        )
    joined = pd.concat(found, ignore_index=True).merge(trial_settings(view), on="trial")
    if joined.empty:
        raise NothingToDraw("The stored evaluations of robustness belong to no finished trial.")
    settings = joined[["family", "level"]].drop_duplicates()
    joined = joined.merge(settings.head(_SETTINGS), on=["family", "level"])
    keys = ["measure", "noise", *SETTING, "at"]
    undone = joined.groupby(keys, sort=True, dropna=False)["undone"].mean().reset_index()
    table = over_seeds(joined, keys).assign(undone=undone["undone"])
    caption = (
        "Mean over seeds at each level of the added noise. "
        "Dotted grey: without a denoiser. Errors have a logarithmic axis."
    )
    if len(settings) > _SETTINGS:
        caption += f" The first {_SETTINGS} of {len(settings)} settings are drawn."
    return Robustness(table, caption)


def _long(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """One row for each trial, measure and noise level; empty for other evaluations."""
    if not {"trial", "noise", "level"} <= set(frame.columns):
        return
    if "estimator" in frame:
        first = frame.groupby("trial")["estimator"].transform("first")
        frame = frame[frame["estimator"] == first]
    for measure in MEASURES:
        if measure in frame:
            undone = frame[UNDONE[measure]] if UNDONE[measure] in frame else float("nan")
            yield pd.DataFrame(
                {
                    "trial": frame["trial"],
                    "noise": frame["noise"],
                    "at": frame["level"],
                    "measure": measure,
                    "value": frame[measure],
                    "undone": undone,
                }
            )


def draw(data: Robustness) -> go.Figure:
    """One panel for each measure and kind of noise, one line for each setting."""
    panels = list(data.table.groupby(["measure", "noise"], sort=False))
    dashes = {name: dash for name, dash, _ in by_family(data.table)}
    figure = canvas(70 + 290 * len(panels))
    places = stack(
        figure,
        [
            (
                LEVELS.get(str(noise), label(f"level of {noise} (data units)")),
                MEASURES[str(measure)],
            )
            for (measure, noise), _ in panels
        ],
    )
    for (_, part), place in zip(panels, places, strict=True):
        figure.add_traces([trace.update(**place) for trace in _lines(part, dashes, data.table)])
    figure.add_traces(list(legend(data.table)))
    figure.update_yaxes(nticks=6)
    for ((measure, _), part), place in zip(panels, places, strict=True):
        if measure == "denoise":
            set_log(figure, f"yaxis{place['yaxis'][1:]}", [*part["mean"], *part["undone"]])
    return figure


def _lines(
    part: pd.DataFrame, dashes: dict[str, str], table: pd.DataFrame
) -> Iterator[go.Scatter]:
    for name, family in part.groupby("family", sort=False):
        for colour, rows in level_colours(family, table):
            yield setting_line(rows, "at", colour, dashes[str(name)], ("noise", ".4g"))
    undone = part.groupby("at")["undone"].mean().dropna()
    if len(undone):
        yield go.Scatter(
            x=undone.index,
            y=undone,
            mode="lines",
            showlegend=False,
            hoverinfo="skip",
            line={"color": MUTED, "width": 1.6, "dash": "dot"},
        )


FIGURE = Figure("robustness", "Robustness to noise", "robustness", 10, info, draw)
