"""The look of every figure: template, axes with units and round ticks, panels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing.labels import label
from analysis.figures.drawing.palette import AXIS, GRID, INK, MUTED, PAPER

__all__ = ["FONT", "UNITS", "axis_title", "canvas", "log_axes", "log_ticks", "set_log", "stack"]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

_ROOM = 1.13  # factor by which a log axis extends beyond its outermost values
_GAP = 0.27  # gap between two panels, as a share of a panel's height

UNITS = {
    "sigma": "noise level σ (data units)",
    "alpha": "noise level α (data units)",
    "beta": "weight β of the KL term (no unit)",
    "d_z": "latent dimension d_z",
    "lr": "learning rate",
    "test/kl": "KL (nats/example)",
    "test/recon": "recon (data units²/example)",
    "test/denoise": "denoising error (data units²/example)",
    "test/elbo": "ELBO without its constant (nats/example)",
    "test/elbo_full": "ELBO with its constant (nats/example)",
    "epoch": "epoch",
}


def axis_title(name: str) -> str:
    """The name of a column with its unit, as an axis shows it."""
    part, _, metric = name.rpartition("/")
    own = UNITS.get(name) or (UNITS.get(f"test/{metric}") if part else None)
    if own is None:
        return label(name)
    return own if name in UNITS else f"{part} {own}"


def _axis() -> dict[str, object]:
    return {
        "showgrid": True,
        "gridcolor": GRID,
        "gridwidth": 1,
        "zeroline": False,
        "showline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": AXIS,
        "tickfont": {"color": MUTED, "size": 12},
        "automargin": True,
        "title": {"font": {"color": INK, "size": 13}, "standoff": 10},
    }


def template() -> go.layout.Template:
    """The layout that all figures share."""
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": INK},
            "paper_bgcolor": PAPER,
            "plot_bgcolor": PAPER,
            "margin": {"l": 64, "r": 16, "t": 16, "b": 56},
            "xaxis": _axis(),
            "yaxis": _axis(),
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": PAPER,
                "bordercolor": AXIS,
                "align": "left",
                "font": {"family": FONT, "size": 13, "color": INK},
            },
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
                "font": {"size": 12.5, "color": INK},
                "bgcolor": "rgba(0,0,0,0)",
                "itemclick": "toggle",
                "itemdoubleclick": "toggleothers",
            },
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": AXIS, "activecolor": INK},
        }
    )


def canvas(height: int = 420) -> go.Figure:
    """An empty figure in the house's style; `height` in CSS pixels."""
    return go.Figure(layout={"template": template(), "height": height})


def log_ticks(values: Iterable[float]) -> list[float]:
    """Round positions (1, 2, 3, 5 times a power of ten) for a log axis, eight at most.

    If they are fewer than four, multiples of a round step are used instead.
    """
    finite = [value for value in values if value > 0 and math.isfinite(value)]
    if not finite:
        return []
    low, high = min(finite) / _ROOM, max(finite) * _ROOM
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    for digits in ((1, 1.5, 2, 3, 5, 7), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= 8:
            break
    return inside if len(inside) > 3 else _even(low, high)


def _even(low: float, high: float) -> list[float]:
    """Multiples of a round step, for a range too narrow for round numbers of a log axis."""
    rough = (high - low) / 6
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(digit * unit for digit in (1, 2, 2.5, 5, 10) if digit * unit >= rough)
    first = math.ceil(low / step)
    return [float(f"{k * step:.12g}") for k in range(first, math.floor(high / step) + 1)]


def set_log(figure: go.Figure, axis: str, values: Iterable[float]) -> None:
    """Give `axis` ("xaxis", "yaxis2" ...) a log scale with round ticks over `values`."""
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    ticks = log_ticks(positive)
    ends = [math.log10(min(positive) / _ROOM), math.log10(max(positive) * _ROOM)]
    figure.update_layout(
        {
            axis: {
                "type": "log",
                "range": ends,
                "tickvals": ticks,
                "ticktext": [f"{tick:.4g}" for tick in ticks],
            }
        }
    )


def stack(
    figure: go.Figure, titles: Sequence[tuple[str, str]], gap: float = _GAP
) -> list[dict[str, str]]:
    """Lay out a panel for each pair of axis titles (x, y), the first on top.

    Returns, for each panel, the trace settings that place a trace in it, for
    ``trace.update(**place)``; the panels' axes have Plotly's names: xaxis and yaxis, then xaxis2
    and yaxis2.
    """
    height = 1 / (len(titles) * (1 + gap) - gap)
    places = []
    for number, (x, y) in enumerate(titles):
        axis = "" if number == 0 else str(number + 1)
        top = 1 - number * height * (1 + gap)
        figure.update_layout(
            {
                f"xaxis{axis}": {"anchor": f"y{axis}", "title": {"text": x}},
                f"yaxis{axis}": {
                    "anchor": f"x{axis}",
                    "title": {"text": y},
                    "domain": (max(top - height, 0.0), top),
                },
            }
        )
        places.append({"xaxis": f"x{axis}", "yaxis": f"y{axis}"})
    return places


def log_axes(figure: go.Figure, place: dict[str, str], rows: pd.DataFrame) -> None:
    """Give a panel logarithmic axes with round ticks, for the columns x and y of `rows`."""
    for axis in ("x", "y"):
        set_log(figure, f"{axis}axis{place[f'{axis}axis'][1:]}", rows[axis])
