"""Compare our exponents with those of published curves, over the values of x of both.

A curve that bends has another exponent over another range, so that ν over part of a published
range differs from that over all of it without any difference between the curves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import published
from analysis.errors import AnalysisError
from analysis.laws.common_x import FEWEST, common_x
from analysis.laws.hypotheses import Against, against
from analysis.laws.law import Law, Points, filtered
from analysis.laws.powerlaw import PowerLaw, fit, fit_points
from analysis.published.replication import Replication, differing_settings
from analysis.sources.rows import chosen
from analysis.statistics.estimate import unknown
from analysis.wording import symbol

__all__ = ["Beside", "beside_published", "exponent_beside"]

Chosen = NDArray[np.bool_]


@dataclass(frozen=True)
class Beside:
    """Our law and that of a published curve, each over the x that they are compared at.

    range: these x in words, where they are not all of both. refusal: why ν is not compared; then
    both laws are over all of their own x.
    """

    ours: PowerLaw
    theirs: PowerLaw
    range: str = ""
    refusal: str = ""

    def tested(self, name: str, later: str = "") -> Against:
        """Our ν = the paper's, which is called `name`; later: as of `against`."""
        found = against(self.ours, self.theirs.nu, name, one_run=True, later=later)
        if not self.refusal:
            return found
        return replace(found, difference=unknown(math.nan, "t"), untested=self.refusal)


def beside_published(ours: PowerLaw, theirs: PowerLaw) -> Beside:
    """Both over the x that both have; where these are fewer than three, each over its own x
    within the range of the other.
    """
    shared = common_x([ours, theirs])
    if not shared.partial:
        return Beside(ours, theirs)
    if shared.enough:
        first, second = (_over(law, np.isin(law.x, shared.x)) for law in (ours, theirs))
        return Beside(first, second, shared.over("both"))
    mine, its = _within(ours, theirs), _within(theirs, ours)
    x, n, m = symbol(ours.law.x), *(len(np.unique(one)) for one in (ours.x[mine], theirs.x[its]))
    if min(n, m) < FEWEST:
        return Beside(
            ours,
            theirs,
            refusal=f"{n} of our values of {x} are within the range of the table, and {m} of its "
            f"values within ours; {FEWEST} of each are needed",
        )
    first, second = _over(ours, mine), _over(theirs, its)
    told = f" over {x} from {_ends(first)} (ours) and from {_ends(second)} (the paper's)"
    return Beside(first, second, told)


def exponent_beside(trials: pd.DataFrame, name: str, law: Law | None = None) -> Replication:
    """Compare our ν with that of a published curve (s1_table1, s1_table2, s1_table3).

    law: selects our rows; by default those of the table's model.
    Errors: AnalysisError if either law cannot be fitted.
    """
    theirs, ours_law = published.law(name), law or _law(name)
    beside = beside_published(fit(trials, ours_law), theirs)
    ours, found = beside.ours, beside.tested(name)
    rows = filtered(trials, ours_law)
    return Replication(
        name,
        f"ν of {published.about(name).title}",
        beside.theirs.nu,
        unknown(ours.nu, "one seed") if ours.one_seed else ours.exponent,
        found.difference,
        differing_settings(rows, name),
        chosen="; ".join(chosen(rows)),
        training=found.remark,
        range=beside.range,
        untested=beside.refusal,
    )


def _within(law: PowerLaw, other: PowerLaw) -> Chosen:
    """Which rows of `law` are within the range of x of the other."""
    kept: Chosen = (law.x >= other.x_min) & (law.x <= other.x_max)
    return kept


def _over(law: PowerLaw, rows: Chosen) -> PowerLaw:
    """The law of some of its rows, trained as the whole."""
    if rows.all():
        return law
    seeds = np.array(law.seed, dtype=object)[rows] if law.seed else None
    found = fit_points(Points(law.x[rows], law.y[rows], seeds), law.law, law.exponent.level)
    return replace(found, convergence=law.convergence, short=law.short, published=law.published)


def _ends(law: PowerLaw) -> str:
    return f"{law.x_min:g} to {law.x_max:g}"


def _law(name: str) -> Law:
    entry = published.about(name)
    if entry.x is None or entry.metric is None or entry.noise:
        raise AnalysisError(f"{name} ({entry.title}) has no law of ours beside it")
    model = entry.settings.get("model")
    return Law(entry.x, entry.metric, where={"model": model} if model else {})
