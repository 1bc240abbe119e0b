"""Certified accuracy of classifier∘denoiser by randomized smoothing, against the radius."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing.curves import SETTING, over_seeds, setting_lines, trial_settings
from analysis.figures.drawing.style import canvas
from analysis.figures.drawing.view import Figure, NothingToDraw, View

__all__ = ["FIGURE", "Certified", "draw", "info"]

# metric prefix -> what its classifier was trained on, beside the name of the model
_PREFIXES = {"certified/": "", "certified_xhat/": ", classifier of x̂(y)"}


@dataclass(frozen=True)
class Certified:
    """table: columns family, scale, level, radius, mean, low, high, n."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> Certified:
    """Mean and range over seeds of the certified accuracy at every radius."""
    trials = view.finished
    radii = {
        name: (float(name.removeprefix(prefix)), said)
        for prefix, said in _PREFIXES.items()
        for name in trials.columns
        if name.startswith(prefix) and not name.endswith("_se")
    }
    if not radii or trials[list(radii)].isna().all(axis=None):
        raise NothingToDraw("No certified accuracy is stored with these trials.", relevant=False)
    long = trials.melt("trial", list(radii), "name", "value").dropna(subset=["value"])
    joined = long.merge(trial_settings(view), on="trial")
    radius = joined["name"].map(lambda name: radii[name][0])
    family = joined["family"] + joined["name"].map(lambda name: radii[name][1])
    table = over_seeds(joined.assign(radius=radius, family=family), [*SETTING, "radius"])
    return Certified(
        table,
        "Share of test examples that are classified rightly with a certificate of at least this "
        "radius (Cohen et al. 2019, arXiv:1902.02918), mean over seeds. The classifier saw clean "
        "examples in its training, or the model’s x̂(y) where the name says so.",
    )


def draw(data: Certified) -> go.Figure:
    """One line for each setting."""
    figure = canvas(400)
    figure.add_traces(list(setting_lines(data.table, "radius", ("radius", ".3f"))))
    figure.update_xaxes(title_text="certified radius in ℓ2 (data units)")
    figure.update_yaxes(title_text="certified accuracy (share)", rangemode="tozero")
    return figure


FIGURE = Figure("certified", "Certified accuracy", "robustness", 20, info, draw)
