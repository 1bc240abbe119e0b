"""How ν depends on another hyperparameter (d_z): one law at each value, then their trend.

The trend is the slope of ν on log d_z. With two seeds or more common to all values it is paired:
each seed gives a ν at every d_z and a trend of its own, and the interval is the t interval of
these. Otherwise it comes from least squares weighted by the laws' own standard errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import AnalysisError, TooFewRows, UnusableValues
from analysis.laws.evidence import trained
from analysis.laws.law import Law
from analysis.laws.powerlaw import PowerLaw, fit
from analysis.sources.rows import matching, require_column, settled
from analysis.statistics.estimate import Estimate
from analysis.statistics.means import mean_estimate
from analysis.statistics.multiplicity import Place
from analysis.statistics.regression import fit_weighted, leading_coefficients, polynomial
from analysis.training.verdicts import UNTRAINED, Trained
from analysis.wording import number, percent, post_hoc, probability, symbol

__all__ = ["Scaling", "laws_by", "nu_by_seed", "scaling"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """ν at each value of `over`, and the change of ν when `over` grows by the factor e.

    left_out: values of `over` at which no law could be fitted, with the reason. p_holm: of no
    trend, corrected over the tests of a report.
    """

    over: str
    values: tuple[float, ...]
    laws: tuple[PowerLaw, ...]
    trend: Estimate
    left_out: dict[float, str]
    p_holm: float | None = None

    @property
    def p(self) -> float:
        """Of no trend, of this test alone; NaN without a test."""
        return self.trend.p

    @property
    def post_hoc(self) -> bool:
        """Whether the laws were chosen after the run."""
        return any(law.law.post_hoc for law in self.laws)

    def placed(self, place: Place) -> Scaling:
        """The same as one test of a family."""
        return replace(self, p_holm=place.p, trend=self.trend.simultaneous(place.tests))

    def table(self) -> pd.DataFrame:
        """Columns: the field, nu, low, high, r2, n, n_seeds."""
        return pd.DataFrame(
            [
                {
                    self.over: value,
                    "nu": law.nu,
                    "low": law.ci_low,
                    "high": law.ci_high,
                    "r2": law.r2,
                    "n": law.n,
                    "n_seeds": law.n_seeds,
                }
                for value, law in zip(self.values, self.laws, strict=True)
            ]
        )

    def to_json(self) -> dict[str, Any]:
        rows = [
            {
                str(name): None if isinstance(v, float) and not math.isfinite(v) else v
                for name, v in row.items()
            }
            for row in self.table().to_dict("records")
        ]
        return {
            "over": self.over,
            "laws": rows,
            "trend": self.trend.to_json(),
            "p_holm": self.p_holm,
            "training": self.training.to_json(),
            "left_out": {f"{value:g}": why for value, why in self.left_out.items()},
            "sentence": self.sentence(),
        }

    def sentence(self) -> str:
        name, each = (
            symbol(self.over),
            ", ".join(
                f"{number(law.nu)} at {value:g}"
                for value, law in zip(self.values, self.laws, strict=True)
            ),
        )
        change, t = math.log(2), self.trend
        p, corrected = t.p if self.p_holm is None else self.p_holm, t.family > 1
        told = f"ν by {name}: {each}"
        if not math.isfinite(t.se):
            return f"{told}; a trend needs three values of {name} or two seeds."
        numbers = (
            f"Doubling {name} changes ν by {number(change * t.value, 2)} "
            f"({percent(t.level)}, {t.method}{' tests' * corrected}: "
            f"{number(change * t.low, 2)} to "
            f"{number(change * t.high, 2)}; {'Holm ' * corrected}{probability(p)})"
        )
        return f"{told}. {numbers}{self.claim()}{post_hoc(self.laws[0].law.post_hoc)}."

    def claim(self) -> str:
        """What the test, and the training of the laws, allow one to say of the trend."""
        training, p = self.training, self.p if self.p_holm is None else self.p_holm
        sure = p < 1 - self.trend.level
        if training.verdict == UNTRAINED:
            return f"; {training.remark}"
        if not training.remark:
            return f", so a dependence is {'established' if sure else 'not established'}"
        return f", so a dependence is {'seen' if sure else 'not seen'}; {training.remark}"

    @property
    def training(self) -> Trained:
        """How far the laws were trained."""
        return trained(self.laws)


def scaling(
    trials: pd.DataFrame,
    law: Law,
    over: str = "d_z",
    level: float = 0.95,
    history: pd.DataFrame | None = None,
) -> Scaling:
    """Fit `law` at each value of `over`; values where it cannot be fitted are named.

    history: `Experiment.history`; without it nothing is established, as training is unknown.
    Errors: UnknownName; UnusableValues if `over` is no column of numbers; TooFewRows unless at
    least two values of `over` give a law.
    """
    require_column(trials, over)
    if not pd.api.types.is_numeric_dtype(trials[over]):
        raise UnusableValues(f"a trend is over numbers, and {over} is a column of text")
    laws, left_out = laws_by(trials[trials[over].notna()], law, over, level, history)
    trend = _trend(laws, level)
    if law.looked:
        trend = trend.after_looks()
    return Scaling(over, tuple(laws), tuple(laws.values()), trend, left_out)


def laws_by(
    trials: pd.DataFrame,
    law: Law,
    over: str,
    level: float = 0.95,
    history: pd.DataFrame | None = None,
) -> tuple[dict[Any, PowerLaw], dict[Any, str]]:
    """`law` at each value of the column `over`, of any type, and why others have none.

    A missing value is a value of its own, None. What the law itself says of `over` does not hold.

    Errors: UnknownName; TooFewRows unless at least two values give a law.
    """
    require_column(trials, over)
    rows = settled(trials, law.where)
    rows = rows[matching(rows, law.where)]
    laws: dict[Any, PowerLaw] = {}
    left_out: dict[Any, str] = {}
    for value in _values(rows[over]):
        try:
            one = replace(law, where={**law.where, over: value})
            laws[value] = fit(trials, one, level, history)
        except AnalysisError as error:
            left_out[value] = str(error)
    if len(laws) < 2:
        why = f": {next(iter(left_out.values()))}" if left_out else ""
        raise TooFewRows(
            f"a law is needed at two or more values of {symbol(over)}; "
            f"{len(laws)} could be fitted{why}"
        )
    return laws, left_out


def _values(column: pd.Series[Any]) -> list[Any]:
    """The values of a column in order: numbers, then text, then None for missing ones."""
    plain = column.astype(object)
    found = set(plain.where(column.notna(), None))
    return sorted(found, key=lambda one: (one is None, isinstance(one, str), one))


def _trend(laws: dict[float, PowerLaw], level: float) -> Estimate:
    x = np.log(np.array(list(laws)))
    by_seed = [nu_by_seed(law) for law in laws.values()]
    common = set.intersection(*(set(one) for one in by_seed))
    if len(common) >= 2:
        nus = np.array([[one[seed] for one in by_seed] for seed in sorted(common, key=str)])
        return mean_estimate(
            leading_coefficients(x, nus), f"paired over {len(common)} seeds", level
        )
    return _weighted(x, list(laws.values()), level)


def nu_by_seed(law: PowerLaw) -> dict[object, float]:
    """ν of each seed; empty without seeds."""
    found: dict[object, float] = {}
    seeds = np.array(law.seed, dtype=object)
    for seed in dict.fromkeys(law.seed):
        mine = seeds == seed
        x, y = np.log(law.x[mine]), np.log(law.y[mine])
        found[seed] = -float(leading_coefficients(x, y[None, :])[0])
    return found


def _weighted(x: Array, laws: list[PowerLaw], level: float) -> Estimate:
    se = np.array([max(law.se, 1e-9) for law in laws])
    line = fit_weighted(polynomial(x, 1), np.array([law.nu for law in laws]), se)
    return line.estimate(
        np.array([0.0, 1.0]), "independent seeds, weighted by each law's error", level
    )
