"""Exponents and values beside the published ones, with every setting that differs, and errata."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from analysis import published
from analysis.errors import AnalysisError
from analysis.figures.drawing.claims import Claim, interval
from analysis.figures.drawing.view import View
from analysis.published.errata import BOUNDS, Erratum, errata_of
from analysis.published.replication import Replication, exponent_beside, values_beside
from analysis.report.json_text import records
from analysis.report.part import Block, Part
from analysis.statistics.multiplicity import holm
from analysis.wording import symbol

__all__ = ["part"]

_TABLES = {
    ("sigma", "test/kl"): "s1_table1",
    ("alpha", "test/kl"): "s1_table3",
    ("sigma", "test/recon"): "s1_table2",
}


def part(view: View) -> Part:
    """Our exponents and values beside the papers', and what is wrong in the papers' own."""
    exponents, values = _exponents(view), _values(view)
    errata = _errata(view, exponents, values)
    blocks = [
        Block("published", template, title, frame.to_dict("records"), name, frame, order)
        for order, (name, template, title, frame) in enumerate(
            (
                ("published", "published.html", "Exponents side by side", exponents),
                ("published_values", "published_values.html", "Values side by side", values),
            ),
            100,
        )
        if len(frame)
    ]
    if errata:
        table = pd.DataFrame([one.to_json() for one in errata]).drop(columns="subjects")
        blocks.append(
            Block(
                "published",
                "errata.html",
                "Errata of the papers",
                errata,
                "errata",
                table,
                110,
                True,
            )
        )
    numbers = {
        "published": records(exponents),
        "published_values": records(values),
        "errata": [one.to_json() for one in errata],
    }
    return Part(order=90, blocks=blocks, numbers=numbers)


def _errata(view: View, exponents: pd.DataFrame, values: pd.DataFrame) -> list[Erratum]:
    """Those of the tables that ours stand beside, and of the bounds of a corrupted input."""
    subjects = [name for frame in (exponents, values) if len(frame) for name in frame["name"]]
    rows = view.finished
    if "corrupts" in rows and (rows["corrupts"] == "input").any():
        subjects.append(BOUNDS)
    return errata_of(*subjects)


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
        "name": name,
        "table": published.about(name).title,
        "published": found.paper,
        "ours": found.ours.value,
        "ours_low": claim.law.ci_low,
        "ours_high": claim.law.ci_high,
        "ours_text": interval(claim.law),
        **_difference(found),
        "settings_that_differ": _settings(found, claim),
        "sentence": found.sentence(),
    }


def _values(view: View) -> pd.DataFrame:
    """One row for each published number that we have trials of; p corrected over all (Holm)."""
    found = []
    for name in published.names() if len(view.finished) else ():
        try:
            found += values_beside(view.finished, name)
        except AnalysisError:
            continue
    corrected = holm(np.array([one.difference.p for one in found]))
    return pd.DataFrame(
        [
            {
                "value": one.quantity,
                "name": one.table,
                "published": one.paper,
                "ours": one.ours.value,
                "ours_low": one.ours.low,
                "ours_high": one.ours.high,
                **_difference(one),
                "p_holm": p,
                "settings_that_differ": "; ".join(_differing(one)),
                "note": published.about(one.table).note,
                "sentence": one.sentence(),
            }
            for one, p in zip(found, corrected, strict=True)
        ]
    )


def _difference(found: Replication) -> dict[str, object]:
    gap = found.difference
    remark = "" if math.isfinite(gap.se) else found.remark
    return {
        "difference": gap.value,
        "se": gap.se,
        "t": found.t,
        "df": gap.df,
        "p": gap.p,
        "remark": remark,
    }


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
