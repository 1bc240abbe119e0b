"""The laws as a table, and all their tests in words."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from analysis.figures.drawing.laws import Claim, interval
from analysis.figures.drawing.style import escape, prose
from analysis.laws.powerlaw import PowerLaw
from analysis.report.html_tables import Cell, html_table, verdict_cell
from analysis.wording import number, probability, quantity, share, symbol

__all__ = ["law_frame", "law_table"]

_HEADER = ("law", "ν (95 % interval)", "range>", "n>", "seeds>", "R²>", "bend", "best by AICc")


def law_frame(claims: Iterable[Claim]) -> pd.DataFrame:
    """Every law as one row of numbers; refused laws have their sentence."""
    return pd.DataFrame([_numbers(claim) for claim in claims])


def _numbers(claim: Claim) -> dict[str, object]:
    base: dict[str, object] = {"law": claim.name, "x": claim.x, "y": claim.y}
    law = claim.law
    if law is None:
        return base | {"refusal": claim.refusal}
    return base | {
        "nu": law.nu,
        "se": law.se,
        "ci_low": law.ci_low,
        "ci_high": law.ci_high,
        "p": law.p,
        "x_min": law.x_min,
        "x_max": law.x_max,
        "n": law.n,
        "n_seeds": law.n_seeds,
        "r2": law.r2,
        "curvature": law.curvature,
        "curvature_p": law.curvature_p,
        "best_form": _best(law),
    }


def _best(law: PowerLaw) -> str:
    known = [form for form in law.forms if math.isfinite(form.delta_aicc)]
    return min(known, key=lambda form: form.delta_aicc).name if known else ""


def law_table(claims: Iterable[Claim]) -> str:
    """The table, and below it every test of every law in words."""
    claims = list(claims)
    rows = [_row(claim) for claim in claims]
    tests = "".join(
        f"<h4>{escape(claim.name)}</h4><p>{prose(claim.law.sentence())}</p>{_intervals(claim.law)}"
        for claim in claims
        if claim.law
    )
    more = (
        f"<details><summary>All tests of these laws, in words</summary>{tests}</details>"
        if tests
        else ""
    )
    return html_table(_HEADER, rows) + more


def _row(claim: Claim) -> list[Cell]:
    law = claim.law
    if law is None:
        return [_name(claim), Cell(claim.refusal, "wide"), *[Cell() for _ in _HEADER[2:]]]
    return [
        _name(claim),
        Cell(interval(law), "unit"),
        Cell(f"{law.x_min:g}–{law.x_max:g}", "number"),
        Cell(law.n, "number"),
        Cell(law.n_seeds, "number"),
        Cell(share(law.r2), "number"),
        _bend(law),
        Cell(_best(law) or "too few points"),
    ]


def _name(claim: Claim) -> Cell:
    what = f"{quantity(claim.y)} against {symbol(claim.x)}"
    return Cell(kind="name", html=f"{escape(claim.family.label)}<small>{escape(what)}</small>")


def _bend(law: PowerLaw) -> Cell:
    if not math.isfinite(law.curvature_p):
        return verdict_cell("not testable", None)
    cell = verdict_cell("bends", False) if law.bends else verdict_cell("not established", None)
    told = f"{number(law.curvature)}, {probability(law.curvature_p)}"
    return Cell(kind=cell.kind, html=f"{cell.html}<small>{escape(told)}</small>")


def _intervals(law: PowerLaw) -> str:
    """The diagnostics, each named for what it misses."""
    rows = [
        [Cell(one.method), Cell(f"{one.low:.3f} to {one.high:.3f}", "unit")]
        for one in (law.exponent, *law.intervals)
        if math.isfinite(one.low)
    ]
    return html_table(("interval of ν", "95 %"), rows) if rows else ""
