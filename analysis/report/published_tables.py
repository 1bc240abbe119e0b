"""Exponents and bounds beside the published tables, with every setting that differs."""

from __future__ import annotations

import math

import pandas as pd

from analysis import published
from analysis.errors import AnalysisError
from analysis.figures.drawing.laws import Claim, interval
from analysis.figures.drawing.style import escape, prose
from analysis.figures.drawing.view import View
from analysis.published.denoising_tables import bounds_beside
from analysis.published.replication import Replication, exponent_beside
from analysis.report.html_tables import Cell, html_table
from analysis.wording import number, symbol

__all__ = ["beside_published", "bounds_frame", "bounds_table", "published_table"]

_TABLES = {
    ("sigma", "test/kl"): "s1_table1",
    ("alpha", "test/kl"): "s1_table3",
    ("sigma", "test/recon"): "s1_table2",
}
_BOUNDS = ("d_table1", "d_table2", "d_table3")
_COLUMNS = (
    "law and published table",
    "published ν",
    "ours (95 %)",
    "difference",
    "settings that differ",
)


def beside_published(view: View) -> pd.DataFrame:
    """One row a law of ours that a published table speaks about."""
    rows = [
        _row(claim)
        for claim in view.claims
        if claim.law is not None and (claim.x, claim.y) in _TABLES
    ]
    return pd.DataFrame([row for row in rows if row is not None])


def _row(claim: Claim) -> dict[str, object] | None:
    """None where the table is of another model, or no exponent can be set beside it."""
    assert claim.law is not None
    name = _TABLES[claim.x, claim.y]
    if claim.family.rows["model"].iloc[0] != published.about(name).settings["model"]:
        return None
    try:
        found = exponent_beside(claim.family.rows, name, claim.law.law)
    except AnalysisError:
        return None
    return {
        "law": claim.name,
        "table": published.about(name).title,
        "published": found.paper,
        "ours": found.ours,
        "ours_low": claim.law.ci_low,
        "ours_high": claim.law.ci_high,
        "ours_text": interval(claim.law),
        "difference": found.ours - found.paper,
        "difference_in_se": found.z,
        "settings_that_differ": _settings(found, claim),
        "sentence": found.sentence(),
    }


def bounds_frame(view: View) -> pd.DataFrame:
    """One row a bound of Im et al. 2017 that trials of ours on the same data were trained for."""
    rows = []
    for name in _BOUNDS:
        try:
            found = bounds_beside(view.finished, name)
        except AnalysisError:
            continue
        rows += [
            {
                "bound": one.quantity,
                "published": one.paper,
                "ours": one.ours,
                "difference": one.ours - one.paper,
                "se": one.error,
                "difference_in_se": one.z,
                "settings_that_differ": "; ".join(_differing(one)),
                "sentence": one.sentence(),
            }
            for one in found
            if "data" not in one.differs
        ]
    return pd.DataFrame(rows)


def bounds_table(frame: pd.DataFrame) -> str:
    """Side by side, in nats an example."""
    rows = [
        [
            Cell(row["bound"], "wide"),
            Cell(number(row["published"], 5), "number"),
            Cell(number(row["ours"], 5), "number"),
            Cell(kind="unit", html=prose(_apart(row["difference"], row["difference_in_se"]))),
            Cell(row["settings_that_differ"] or "none known", "wide"),
        ]
        for row in frame.to_dict("records")
    ]
    return html_table(("bound", "published>", "ours>", "difference", "settings that differ"), rows)


def _apart(difference: float, in_se: float) -> str:
    error = f" ({in_se:+.1f} se)" if math.isfinite(in_se) else " (one seed)"
    return f"{difference:+.2f}{error}"


def _differing(found: Replication) -> list[str]:
    return [
        f"{symbol(name)} {_plain(ours)}, there {_plain(theirs)}"
        for name, (ours, theirs) in found.differs.items()
    ]


def _settings(found: Replication, claim: Claim) -> str:
    told = _differing(found)
    values = published.table(found.table)[claim.x]
    assert claim.law is not None
    ours, theirs = (claim.law.x_min, claim.law.x_max), (values.min(), values.max())
    if ours != theirs:
        told.append(
            f"{symbol(claim.x)} {ours[0]:g}–{ours[1]:g}, there {theirs[0]:g}–{theirs[1]:g}"
        )
    return "; ".join(told)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def published_table(frame: pd.DataFrame) -> str:
    """Side by side, with an honest word about the settings."""
    rows = [
        [
            Cell(kind="name", html=f"{escape(row.law)}<small>{escape(row.table)}</small>"),
            Cell(f"{row.published:.3f}", "unit"),
            Cell(row.ours_text, "unit"),
            Cell(
                kind="unit", html=prose(f"{row.difference:+.3f} ({row.difference_in_se:+.1f} se)")
            ),
            Cell(row.settings_that_differ or "none known", "wide"),
        ]
        for row in frame.itertuples()
    ]
    return html_table(_COLUMNS, rows)
