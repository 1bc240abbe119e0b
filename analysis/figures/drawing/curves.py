"""Curves of many settings: the dash tells the family, the colour the noise level."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing.families import families
from analysis.figures.drawing.palette import DASHES, ramp
from analysis.figures.drawing.style import escape
from analysis.wording import symbol

__all__ = ["by_family", "legend", "level_colours", "named_setting", "trial_settings"]

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


def named_setting(rows: pd.DataFrame) -> str:
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
