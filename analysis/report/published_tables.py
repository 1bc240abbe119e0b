"""The exponents beside those of the published tables, with every setting that differs."""

from __future__ import annotations

import pandas as pd

from analysis import published
from analysis.errors import AnalysisError
from analysis.figures.drawing.laws import Claim, interval
from analysis.figures.drawing.style import escape, prose
from analysis.figures.drawing.view import View
from analysis.replication import Replication, exponent_beside
from analysis.report.tables import Cell, html_table
from analysis.wording import symbol

__all__ = ["beside_published", "published_table"]

_TABLES = {("sigma", "test/kl"): "s1_table1", ("alpha", "test/kl"): "s1_table3",
           ("sigma", "test/recon"): "s1_table2"}
_COLUMNS = ("law and published table", "published ν", "ours (95 %)", "difference",
            "settings that differ")


def beside_published(view: View) -> pd.DataFrame:
    """One row a law of ours that a published table speaks about."""
    rows = [_row(claim) for claim in view.claims
            if claim.law is not None and (claim.x, claim.y) in _TABLES]
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
    return {"law": claim.name, "table": published.about(name).title, "published": found.paper,
            "ours": found.ours, "ours_low": claim.law.ci_low, "ours_high": claim.law.ci_high,
            "ours_text": interval(claim.law), "difference": found.ours - found.paper,
            "difference_in_se": found.z, "settings_that_differ": _settings(found, claim),
            "sentence": found.sentence()}


def _settings(found: Replication, claim: Claim) -> str:
    told = [f"{symbol(name)} {_plain(ours)}, there {_plain(theirs)}"
            for name, (ours, theirs) in found.differs.items()]
    values = published.table(found.table)[claim.x]
    assert claim.law is not None
    ours, theirs = (claim.law.x_min, claim.law.x_max), (values.min(), values.max())
    if ours != theirs:
        told.append(f"{symbol(claim.x)} {ours[0]:g}–{ours[1]:g}, there "
                    f"{theirs[0]:g}–{theirs[1]:g}")
    return "; ".join(told)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def published_table(frame: pd.DataFrame) -> str:
    """Side by side, with an honest word about the settings."""
    rows = [[Cell(kind="name", html=f"{escape(row.law)}<small>{escape(row.table)}</small>"),
             Cell(f"{row.published:.3f}", "unit"),
             Cell(row.ours_text, "unit"),
             Cell(kind="unit",
                  html=prose(f"{row.difference:+.3f} ({row.difference_in_se:+.1f} se)")),
             Cell(row.settings_that_differ or "none known", "wide")]
            for row in frame.itertuples()]
    return html_table(_COLUMNS, rows)
