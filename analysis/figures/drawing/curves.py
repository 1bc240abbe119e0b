"""Curves of many settings: the dash tells the family, the colour the noise level."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing.families import families
from analysis.figures.drawing.palette import DASHES, ramp
from analysis.figures.drawing.style import escape
from analysis.wording import symbol

__all__ = ["SETTING", "by_family", "legend", "level_colours", "over_seeds", "setting_line",
           "setting_lines", "trial_settings"]

SETTING = ["family", "scale", "level"]

_COLUMNS = ["trial", "family", "scale", "level"]


def trial_settings(trials: pd.DataFrame) -> pd.DataFrame:
    """Trial → family, scale (sigma, alpha or none) and level (NaN without a scale)."""
    parts = [pd.DataFrame({"trial": family.rows["trial"], "family": family.label,
                           "scale": scale, "level": family.rows[scale]})
             for scale in ("sigma", "alpha") for family in families(trials, scale)]
    known = {trial for part in parts for trial in part["trial"]}
    rest = trials[~trials["trial"].isin(known)] if len(trials) else trials
    parts += [pd.DataFrame({"trial": family.rows["trial"], "family": family.label,
                            "scale": "", "level": float("nan")})
              for family in families(rest, "seed")]
    if not parts:
        return pd.DataFrame({name: [] for name in _COLUMNS})
    return pd.concat(parts, ignore_index=True).drop_duplicates("trial")


def level_colours(part: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """A colour and the rows of each level of a family, dark for low noise."""
    levels = sorted(part["level"].dropna().unique())
    for colour, level in zip(ramp(max(len(levels), 1)), levels, strict=False):
        yield colour, part[part["level"] == level]
    rest = part[part["level"].isna()]
    if len(rest):
        yield ramp(1)[0], rest


def over_seeds(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Columns `keys`, then mean, low (least), high (most) and n of column value over seeds."""
    values = rows.groupby(keys, sort=True, dropna=False)["value"]
    return values.agg(mean="mean", low="min", high="max", n="count").reset_index()


def setting_line(rows: pd.DataFrame, x: str, colour: str, dash: str,
                 words: tuple[str, str] = ("", ".4g")) -> go.Scatter:
    """The means of one setting over column `x`; words: what x is called, and how means look."""
    name, shape = escape(_named(rows)), words[1]
    hover = [f"<b>{name}</b><br>{words[0]} {at:g}: {mean:{shape}}<br>n = {n}, {low:{shape}} to "
             f"{high:{shape}}" for at, mean, low, high, n in
             zip(*(rows[key] for key in (x, "mean", "low", "high", "n")), strict=True)]
    return go.Scatter(
        x=rows[x], y=rows["mean"], mode="lines+markers" if len(rows) < 12 else "lines",
        showlegend=False, text=hover, legendgroup=str(rows["family"].iloc[0]),
        hovertemplate="%{text}<extra></extra>", marker={"color": colour, "size": 5},
        line={"color": colour, "width": 1.8, "dash": dash})


def setting_lines(table: pd.DataFrame, x: str,
                  words: tuple[str, str] = ("", ".4g")) -> Iterator[go.Scatter]:
    """A line for each setting of `table` over column `x`, then the legend's entries."""
    for _, dash, family in by_family(table):
        for colour, rows in level_colours(family):
            yield setting_line(rows, x, colour, dash, words)
    yield from legend(table)


def _named(rows: pd.DataFrame) -> str:
    """``σ-VAE, σ = 0.12`` of rows that share one setting."""
    first = rows.iloc[0]
    level = f", {symbol(first['scale'])} = {first['level']:g}" if first["scale"] else ""
    return f"{first['family']}{level}"


def by_family(table: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Name, dash and rows of each family, the one with the most levels first."""
    groups = sorted(table.groupby("family"), key=lambda group: -group[1]["level"].nunique())
    for number, (name, part) in enumerate(groups):
        yield str(name), DASHES[number % len(DASHES)], part


def legend(table: pd.DataFrame) -> Iterator[go.Scatter]:
    """One entry a family with its levels; the dash is that of its lines."""
    for name, dash, part in by_family(table):
        low, high = part["level"].min(), part["level"].max()
        sign = symbol(str(part["scale"].iloc[0]))
        span = f": {sign} {low:g}" if sign else ""
        span += f" to {high:g}" if sign and high > low else ""
        yield go.Scatter(x=[None], y=[None], mode="lines", name=escape(f"{name}{span}"),
                         legendgroup=name, hoverinfo="skip",
                         line={"color": ramp(1)[0], "width": 2, "dash": dash})
