"""Exponents and values beside the published ones, with every setting that differs, and errata."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pandas as pd

from analysis import published
from analysis.errors import AnalysisError
from analysis.figures import kl_ratio
from analysis.figures.drawing.claims import Claim, interval
from analysis.figures.drawing.view import NothingToDraw, View
from analysis.laws.evidence import trained
from analysis.published.exponents import exponent_beside
from analysis.published.replication import Replication, values_beside
from analysis.report.json_text import records
from analysis.report.part import Block, Part
from analysis.statistics.multiplicity import places
from analysis.wording import number, symbol

__all__ = ["part"]

_OPEN = 12  # rows up to which a table is shown unfolded
_TABLES = {
    ("sigma", "test/kl"): "s1_table1",
    ("alpha", "test/kl"): "s1_table3",
    ("sigma", "test/recon"): "s1_table2",
}


def part(view: View) -> Part:
    """Our exponents and values beside the papers', and what is wrong in the papers' own."""
    laws, numbers = _in_family([*_exponents(view)], [*_values(view)])
    exponents = pd.DataFrame([_exponent(*one) for one in laws])
    values = pd.DataFrame(map(_value, numbers))
    errata = _errata(view, exponents, values)
    blocks = [
        _block(template, title, frame, order)
        for order, (template, title, frame) in enumerate(
            (
                ("published.html", "Exponents side by side", exponents),
                ("published_values.html", "Values side by side", values),
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
    tables = {
        "published": records(exponents),
        "published_values": records(values),
        "errata": [one.to_json() for one in errata],
    }
    return Part(order=90, blocks=blocks, numbers=tables)


def _block(template: str, title: str, frame: pd.DataFrame, order: int) -> Block:
    """A table of numbers beside published ones; a long one is folded."""
    rows, name = frame.to_dict("records"), template.removesuffix(".html")
    folded = len(frame) > _OPEN
    return Block("published", template, title, rows, name, frame, order, folded=folded)


def _errata(view: View, exponents: pd.DataFrame, values: pd.DataFrame) -> list[published.Erratum]:
    """Those of the tables that ours stand beside, in a table or a figure, and of the bounds of a
    corrupted input.
    """
    subjects = [name for frame in (exponents, values) if len(frame) for name in frame["name"]]
    with suppress(NothingToDraw):
        kl_ratio.info(view)
        subjects += kl_ratio.TABLES
    rows = view.finished
    if "corrupts" in rows and (rows["corrupts"] == "input").any():
        subjects.append(published.BOUNDS)
    return published.errata_of(*subjects)


def _in_family(
    exponents: list[tuple[Claim, Replication]], values: list[Replication]
) -> tuple[list[tuple[Claim, Replication]], list[Replication]]:
    """All numbers beside published ones, as one family of their own; one alone stays as it is."""
    every = [*(one for _, one in exponents), *values]
    family = places([one.p for one in every])
    found = [
        one.placed(place) if math.isfinite(place.p) and place.tests > 1 else one
        for one, place in zip(every, family, strict=True)
    ]
    claims = [claim for claim, _ in exponents]
    return list(zip(claims, found, strict=False)), found[len(claims) :]


def _exponents(view: View) -> Iterator[tuple[Claim, Replication]]:
    """Each of our laws that has a counterpart in a published table."""
    for claim in view.claims:
        name = _TABLES.get((claim.x, claim.y))
        if claim.law is None or name is None:
            continue
        if claim.family.rows["model"].iloc[0] != published.about(name).settings["model"]:
            continue
        with suppress(AnalysisError):  # the table has no exponent in this range
            yield claim, exponent_beside(claim.family.rows, name, claim.law.law)


def _exponent(claim: Claim, found: Replication) -> dict[str, object]:
    """With the interval that the report quotes for the law, if it has more than one seed.

    Of a law that is compared over some of its x, with that of ν over these.
    """
    assert claim.law is not None
    found = replace(found, training=trained([claim.law]).remark)
    fewer = found.ours.value != claim.law.nu
    if fewer:
        found = replace(found, ours=found.ours.alone)
    elif not claim.law.one_seed:
        found = replace(found, ours=claim.law.exponent)
    ours = found.ours
    return {
        "law": claim.name,
        "name": found.table,
        "table": published.about(found.table).title,
        "published": found.paper,
        "ours": ours.value,
        "ours_low": ours.low,
        "ours_high": ours.high,
        "ours_text": _spread(found) if fewer else interval(claim.law),
        "range": found.range.strip(),
        "ours_at_once_with": ours.family,
        "chosen": found.chosen,
        **_difference(found),
        "untested": bool(found.untested),
        "settings_that_differ": _settings(found, claim),
        "sentence": found.sentence(),
    }


def _spread(found: Replication) -> str:
    """As `interval`, of a law over some of its points."""
    ours = found.ours
    if not math.isfinite(ours.se):
        return f"{number(ours.value)} (one seed)"
    return f"{number(ours.value)} ({number(ours.low)} to {number(ours.high)})"


def _values(view: View) -> Iterator[Replication]:
    """Each published number that we have trials of."""
    for name in published.names() if len(view.finished) else ():
        with suppress(AnalysisError):
            yield from values_beside(view.finished, name)


def _value(found: Replication) -> dict[str, object]:
    return {
        "value": found.quantity,
        "name": found.table,
        "published": found.paper,
        "ours": found.ours.value,
        "ours_low": found.ours.low,
        "ours_high": found.ours.high,
        **_difference(found),
        "settings_that_differ": "; ".join(_differing(found)),
        "note": published.about(found.table).note,
        "beside": found.beside,
        "chosen": found.chosen,
        "sentence": found.sentence(),
    }


def _difference(found: Replication) -> dict[str, object]:
    gap = found.difference
    remark = "" if math.isfinite(gap.se) else found.remark
    return {
        "difference": gap.value,
        "se": gap.se,
        "t": found.t,
        "df": gap.df,
        "p": gap.p,
        "p_holm": math.nan if found.p_holm is None else found.p_holm,
        "remark": remark,
        "training": found.training,
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
