"""Exponents and bounds beside the published tables, with every setting that differs."""

from __future__ import annotations

import pandas as pd

from analysis import published
from analysis.errors import AnalysisError
from analysis.figures.drawing.claims import Claim, interval
from analysis.figures.drawing.view import View
from analysis.published.denoising_tables import bounds_beside
from analysis.published.replication import Replication, exponent_beside
from analysis.report.json_text import records
from analysis.report.part import Block, Part
from analysis.wording import symbol

__all__ = ["part"]

_TABLES = {
    ("sigma", "test/kl"): "s1_table1",
    ("alpha", "test/kl"): "s1_table3",
    ("sigma", "test/recon"): "s1_table2",
}
_BOUND_TABLES = ("d_table1", "d_table2", "d_table3")


def part(view: View) -> Part:
    """Our exponents and bounds beside the papers'."""
    exponents, bounds = _exponents(view), _bounds(view)
    blocks = [
        Block("published", template, title, frame.to_dict("records"), name, frame)
        for name, template, title, frame in (
            ("published", "published.html", "Exponents side by side", exponents),
            ("published_bounds", "published_bounds.html", "Bounds side by side", bounds),
        )
        if len(frame)
    ]
    numbers = {"published": records(exponents), "published_bounds": records(bounds)}
    return Part(order=90, blocks=blocks, numbers=numbers)


def _exponents(view: View) -> pd.DataFrame:
    """One row for each of our laws that has a counterpart in a published table."""
    rows = [
        _row(claim)
        for claim in view.claims
        if claim.law is not None and (claim.x, claim.y) in _TABLES
    ]
    return pd.DataFrame([row for row in rows if row is not None])


def _row(claim: Claim) -> dict[str, object] | None:
    """None if the table is of another model or has no exponent in this range."""
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


def _bounds(view: View) -> pd.DataFrame:
    """One row for each bound of Im et al. 2017 for which we have trials on the same data."""
    rows = []
    for name in _BOUND_TABLES:
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
