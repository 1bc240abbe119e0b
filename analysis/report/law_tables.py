"""The laws as a table, all their tests in words, and the published laws beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache

import numpy as np
import pandas as pd

from analysis import published
from analysis.errors import AnalysisError
from analysis.figures.drawing.families import SYMBOLS
from analysis.figures.drawing.laws import Claim, interval
from analysis.figures.drawing.style import escape, prose
from analysis.figures.drawing.view import View
from analysis.powerlaw import PowerLaw
from analysis.report.tables import Cell, html_table, verdict_cell
from analysis.wording import number, probability, quantity

__all__ = ["beside_published", "law_frame", "law_table", "published_table"]

_PUBLISHED = {("sigma", "test/kl"): "s1_table1", ("alpha", "test/kl"): "s1_table3",
              ("sigma", "test/recon"): "s1_table2"}
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
        "nu": law.nu, "se": law.se, "ci_low": law.ci_low, "ci_high": law.ci_high, "p": law.p,
        "x_min": law.x_min, "x_max": law.x_max, "n": law.n, "n_seeds": law.n_seeds, "r2": law.r2,
        "curvature": law.curvature, "curvature_p": law.curvature_p, "best_form": _best(law)}


def _best(law: PowerLaw) -> str:
    known = [form for form in law.forms if math.isfinite(form.delta_aicc)]
    return min(known, key=lambda form: form.delta_aicc).name if known else ""


def law_table(claims: Iterable[Claim]) -> str:
    """The table, and below it every test of every law in words."""
    claims = list(claims)
    rows = [_row(claim) for claim in claims]
    tests = "".join(f"<h4>{escape(claim.name)}</h4><p>{prose(claim.law.sentence())}</p>"
                    f"{_intervals(claim.law)}" for claim in claims if claim.law)
    more = (f'<details><summary>All tests of these laws, in words</summary>{tests}</details>'
            if tests else "")
    return html_table(_HEADER, rows) + more


def _row(claim: Claim) -> list[Cell]:
    law = claim.law
    if law is None:
        return [_name(claim), Cell(claim.refusal, "wide"), *[Cell() for _ in _HEADER[2:]]]
    return [_name(claim), Cell(interval(law), "unit"),
            Cell(f"{law.x_min:g}–{law.x_max:g}", "number"), Cell(law.n, "number"),
            Cell(law.n_seeds, "number"), Cell(f"{law.r2:.3f}", "number"),
            _bend(law), Cell(_best(law))]


def _name(claim: Claim) -> Cell:
    what = f"{quantity(claim.y)} against {SYMBOLS.get(claim.x, claim.x)}"
    return Cell(kind="name", html=f"{escape(claim.family.label)}<small>{escape(what)}</small>")


def _bend(law: PowerLaw) -> Cell:
    if not math.isfinite(law.curvature_p):
        return verdict_cell("not testable", None)
    cell = (verdict_cell("bends", False) if law.bends
            else verdict_cell("not established", None))
    told = f"{number(law.curvature)}, {probability(law.curvature_p)}"
    return Cell(kind=cell.kind, html=f"{cell.html}<small>{escape(told)}</small>")


def _intervals(law: PowerLaw) -> str:
    """The diagnostics, each named for what it misses."""
    rows = [[Cell(one.method), Cell(f"{one.low:.3f} to {one.high:.3f}", "unit")]
            for one in (law.exponent, *law.intervals) if math.isfinite(one.low)]
    return html_table(("interval of ν", "95 %"), rows) if rows else ""


def beside_published(view: View) -> pd.DataFrame:
    """One row a law of ours that a published table speaks about."""
    rows = [_beside(claim, claim.law, _PUBLISHED[claim.x, claim.y]) for claim in view.claims
            if claim.law is not None and (claim.x, claim.y) in _PUBLISHED
            and claim.family.rows["model"].iloc[0] in ("sigma_vae", "alpha_vae")]
    return pd.DataFrame(rows)


def _beside(claim: Claim, ours: PowerLaw, name: str) -> dict[str, object]:
    theirs = _theirs(name)
    se = float(np.hypot(ours.se, theirs.se))
    return {"law": claim.name, "table": published.about(name).title,
            "published": theirs.nu, "published_se": theirs.se, "ours": ours.nu,
            "ours_low": ours.ci_low, "ours_high": ours.ci_high,
            "difference": ours.nu - theirs.nu,
            "difference_in_se": (ours.nu - theirs.nu) / se if se > 0 else math.nan,
            "settings_that_differ": _differences(claim, name)}


def _differences(claim: Claim, name: str) -> str:
    rows = claim.family.rows
    found = []
    for field, theirs in published.about(name).settings.items():
        ours = rows[field].iloc[0] if field in rows else None
        if ours is not None and ours == ours and ours != theirs:
            found.append(f"{field} {_plain(ours)}, not {_plain(theirs)}")
    assert claim.law is not None
    try:
        low, high = _theirs(name).x_min, _theirs(name).x_max
    except AnalysisError:
        return ", ".join(found)
    if not (math.isclose(low, claim.law.x_min) and math.isclose(high, claim.law.x_max)):
        found.append(f"{claim.x} {claim.law.x_min:g}–{claim.law.x_max:g}, not {low:g}–{high:g}")
    return ", ".join(found)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@cache
def _theirs(name: str) -> PowerLaw:
    """The law of a published table, fitted once."""
    return published.law(name)


def published_table(frame: pd.DataFrame) -> str:
    """Side by side, with an honest word about the settings."""
    rows = [[Cell(row.law, "name"), Cell(row.table, "wide"),
             Cell(f"{row.published:.3f} ± {row.published_se:.3f}", "unit"),
             Cell(f"{row.ours:.3f} ({row.ours_low:.3f} to {row.ours_high:.3f})", "unit"),
             Cell(kind="unit",
                  html=prose(f"{row.difference:+.3f} ({row.difference_in_se:+.1f} se)")),
             Cell(row.settings_that_differ or "none known", "wide")]
            for row in frame.itertuples()]
    return html_table(("law", "published table", "published ν ± se", "ours (95 %)", "difference",
                       "settings that differ"), rows)
