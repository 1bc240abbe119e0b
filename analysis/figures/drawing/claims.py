"""Fit each family's power law, and its band over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import AnalysisError, TooFewRows
from analysis.figures.drawing.families import Family, families, levels
from analysis.laws.law import filtered
from analysis.laws.powerlaw import Law, PowerLaw, fit
from analysis.statistics.means import mean_band
from analysis.statistics.multiplicity import Place
from analysis.wording import quantity, symbol

__all__ = ["Claim", "band", "fit_families", "interval", "law_rows", "short"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Claim:
    """A family and its law, or `refusal`, the sentence on why it cannot be fitted."""

    x: str
    y: str
    family: Family
    law: PowerLaw | None
    refusal: str = ""

    @property
    def p(self) -> float:
        """Of ν = 0; NaN without a test: no law, or one seed."""
        return self.law.p if self.law is not None and self.law.tested else math.nan

    @property
    def post_hoc(self) -> bool:
        """Whether the law was chosen after the run."""
        return self.law is not None and bool(self.law.law.post_hoc)

    def placed(self, place: Place) -> Claim:
        """The same as one test of a family."""
        return self if self.law is None else replace(self, law=self.law.placed(place))

    @property
    def name(self) -> str:
        """``σ-VAE, d_z = 50: test KL against σ``, for tables and JSON."""
        return f"{self.family.label}: {quantity(self.y)} against {symbol(self.x)}"


def fit_families(
    trials: pd.DataFrame, law: Law, minimum: int = 3, history: pd.DataFrame | None = None
) -> Iterator[Claim]:
    """A claim for every family with at least `minimum` values of the law's x."""
    for family in families(_asked(trials, law), law.x):
        if levels(family, law.x) >= minimum:
            yield _claim(family, law, history)


def law_rows(trials: pd.DataFrame, law: Law) -> Iterator[pd.DataFrame]:
    """The rows of each law that `fit_families` fits."""
    for family in families(_asked(trials, law), law.x):
        yield filtered(family.rows, _of_family(law, family))


def _asked(trials: pd.DataFrame, law: Law) -> pd.DataFrame:
    """The rows that have y and match the law's `where`; every β if that does not name β."""
    if law.x not in trials or law.y not in trials:
        return trials.iloc[:0]
    rows = trials[trials[law.y].notna()]
    if not law.where or not set(law.where) <= set(trials.columns):
        return rows
    whole = replace(law, range=None)
    if "beta" in law.where or "beta" not in rows:
        return filtered(rows, whole)
    named = [
        filtered(rows, replace(whole, where={**law.where, "beta": beta}))
        for beta in rows["beta"].dropna().unique()
    ]
    missing = filtered(rows[rows["beta"].isna()], whole)
    return pd.concat([*named, missing]).sort_index()


def _claim(family: Family, law: Law, history: pd.DataFrame | None) -> Claim:
    law = _of_family(law, family)
    try:
        return Claim(law.x, law.y, family, fit(family.rows, law, history=history))
    except AnalysisError as refusal:
        return Claim(law.x, law.y, family, None, _sentence(str(refusal)))


def _of_family(law: Law, family: Family) -> Law:
    """The law at the family's own β."""
    beta = family.rows["beta"].iloc[0] if "beta" in family.rows else None
    if law.x == "beta" or beta is None or beta != beta:
        return law
    return replace(law, where={**law.where, "beta": beta})


def _sentence(text: str) -> str:
    return f"No law for this: {text.rstrip('.')}."


def band(law: PowerLaw, at: Floats) -> tuple[Floats, Floats]:
    """95 % t interval over seeds of the fitted line log y = c − ν log x, at the points `at`.

    A line is fitted for each seed by least squares; the band is the interval of the lines' mean
    at each point. TooFewRows with fewer than two seeds.
    """
    rows = pd.DataFrame({"x": np.log(law.x), "y": np.log(law.y), "seed": law.seed or 0})
    fits = [np.polyfit(one["x"], one["y"], 1) for _, one in rows.groupby("seed")]
    if len(fits) < 2:
        raise TooFewRows("an interval over seeds needs two seeds at least")
    values = np.array([constant + slope * np.log(at) for slope, constant in fits])
    low, high = mean_band(values)
    return np.exp(low), np.exp(high)


def interval(law: PowerLaw) -> str:
    """``1.18 (1.12 to 1.24)``: ν with its 95 % interval, to the interval's own precision.

    ``0.72 (one seed)`` without one, and ``1.13 (1.12 to 1.14 of the points)`` of a curve without
    seeds.
    """
    half = (law.ci_high - law.ci_low) / 2
    if not math.isfinite(half):
        return f"{law.nu:.3g}"
    places = min(max(1 - math.floor(math.log10(half)), 2), 6) if half > 0 else 4
    spread = f"{law.ci_low:.{places}f} to {law.ci_high:.{places}f}"
    spread += " of the points" * (law.n_seeds < 2)
    text = f"{law.nu:.{places}f} ({'one seed' if law.one_seed else spread})"
    return text.replace("-", "−")


def short(law: PowerLaw) -> str:
    """``ν = 1.18 (1.12 to 1.24), σ 0.03–0.27, n = 27``, as a legend shows it.

    An interval that holds at once with those of other tests says so.
    """
    x, at_once = symbol(law.law.x), " at once" * (law.exponent.family > 1)
    return f"ν = {interval(law)}{at_once}, {x} {law.x_min:g}–{law.x_max:g}, n = {law.n}"
