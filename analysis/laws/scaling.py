"""How ν depends on another hyperparameter (d_z): one law at each value, then their trend.

The trend is the slope of ν on log d_z, of ν over the values of x that all laws have. With two
seeds or more common to all values it is paired: each seed gives a ν at every d_z and a trend of
its own, and the interval is the t interval of these. Otherwise the slope is Σ c ν̄, with the
weights c of least squares and the mean ν̄ over the seeds of each d_z, and its variance comes from
the scatter of seeds, group by group of those that are at the same d_z, with the degrees of freedom
of Welch and Satterthwaite. Weights 1/se² from a few seeds would be taken for known: with two seeds
at each of five d_z they find a trend that is not there in 19 % of sweeps
(`python -m analysis.equivalence.error_rates`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError, TooFewRows, UnusableValues
from analysis.laws.common_x import CommonX, common_x
from analysis.laws.evidence import trained
from analysis.laws.law import Law
from analysis.laws.powerlaw import PowerLaw, fit
from analysis.sources.rows import matching, require_column, settled
from analysis.statistics.estimate import Estimate, unknown
from analysis.statistics.means import mean_estimate, sum_of_means
from analysis.statistics.multiplicity import Place
from analysis.statistics.regression import leading_coefficients
from analysis.training.verdicts import UNTRAINED, Trained
from analysis.wording import number, percent, plural, post_hoc, probability, symbol

__all__ = ["Scaling", "laws_by", "scaling"]


@dataclass(frozen=True)
class Scaling:
    """ν at each value of `over`, and the change of ν when `over` grows by the factor e.

    left_out: values of `over` at which no law could be fitted, with the reason. p_holm: of no
    trend, corrected over the tests of a report. range: over which values of x the trend is, in
    words, where some law has others too.
    """

    over: str
    values: tuple[float, ...]
    laws: tuple[PowerLaw, ...]
    trend: Estimate
    left_out: dict[float, str]
    p_holm: float | None = None
    range: str = ""

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
        """Columns: the field, nu, low, high, r2, n, n_seeds; no interval of one seed."""
        return pd.DataFrame(
            [
                {
                    self.over: value,
                    "nu": law.nu,
                    "low": law.ci_low if law.n_seeds > 1 else math.nan,
                    "high": law.ci_high if law.n_seeds > 1 else math.nan,
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
            "trend_range": self.range.strip(),
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
        told = f"ν by {name}{', each over its own range' * bool(self.range)}: {each}"
        if not math.isfinite(t.se):
            return f"{told}; {t.method}."
        numbers = (
            f"Doubling {name} changes ν{self.range}, on average over {name} from "
            f"{min(self.values):g} to {max(self.values):g}, by {number(change * t.value, 2)} "
            f"({percent(t.level)}, {t.method}{' tests' * corrected}: "
            f"{number(change * t.low, 2)} to "
            f"{number(change * t.high, 2)}; {'Holm ' * corrected}{probability(p)})"
        )
        return f"{told}. {numbers}{self.claim()}{post_hoc(self.laws[0].law.post_hoc)}."

    def answer(self) -> str:
        """The trend in one sentence: ν at both ends, its change for a doubling, the caveats.

        Of laws over other values of x than the trend the ends are left out.
        """
        name, t, change = symbol(self.over), self.trend, math.log(2)
        if not math.isfinite(t.se):
            return self.sentence()
        by = dict(zip(self.values, self.laws, strict=True))
        low, high = min(by), max(by)
        ends = (
            f"From {name} = {low:g} to {high:g} ν goes from {number(by[low].nu)} to "
            f"{number(by[high].nu)}: d"
        )
        at_once = f" at once with {plural(t.family - 1, 'more test')}" * (t.family > 1)
        return (
            f"{'D' if self.range else ends}oubling {name} changes ν{self.range} on average by "
            f"{number(change * t.value, 2)} ({percent(t.level)}{at_once}: "
            f"{number(change * t.low, 2)} to {number(change * t.high, 2)})"
            f"{self.claim()}{post_hoc(self.laws[0].law.post_hoc)}."
        )

    @property
    def test(self) -> str:
        """``paired over 4 seeds, Holm p = 0.02``; empty without a test."""
        if not math.isfinite(self.trend.se):
            return ""
        corrected = self.trend.family > 1
        p = self.p if self.p_holm is None else self.p_holm
        return f"{self.trend.alone.method}, {'Holm ' * corrected}{probability(p)}"

    def claim(self) -> str:
        """What the test, and the training of the laws, allow one to say of the trend."""
        training, p = self.training, self.p if self.p_holm is None else self.p_holm
        sure = p < 1 - self.trend.level
        if training.verdict == UNTRAINED:
            return f"; {training.remark}"
        if not training.remark:
            return f", so {self._told(sure, 'established')}"
        return f", so {self._told(sure, 'seen')}; {training.remark}"

    def _told(self, sure: bool, verb: str) -> str:
        """What a trend, or none, says of a dependence."""
        if sure:
            return f"a dependence is {verb}"
        cancel = " (a rise and a fall cancel; tests of each pair would see them)"
        return (
            f"a change on average is not {verb}, which does not show ν to be the same throughout"
            f"{cancel * (len(self.values) > 2)}"
        )

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
    shared = common_x(list(laws.values()))
    trend = _trend(over, laws, shared, level)
    if law.looked:
        trend = trend.after_looks()
    return Scaling(
        over, tuple(laws), tuple(laws.values()), trend, left_out, range=shared.over("all")
    )


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


def _trend(over: str, laws: dict[float, PowerLaw], shared: CommonX, level: float) -> Estimate:
    """The slope of ν on log `over`; its `method` says why, where there is none."""
    if not shared.enough:
        return unknown(math.nan, f"{shared.refusal}, so no trend is tested", level)
    x = np.log(np.array(list(laws), dtype=np.float64))
    nus = [shared.nu_by_seed(law) for law in laws.values()]
    common = sorted(set.intersection(*map(set, nus)), key=str)
    if len(common) >= 2:
        own = leading_coefficients(x, np.array([[one[seed] for one in nus] for seed in common]))
        return mean_estimate(own, f"paired over {len(common)} seeds", level)
    groups = _alike(nus)
    counts = [sum(len(seeds) for at, seeds in groups.items() if i in at) for i in range(len(x))]
    if min(counts) < 2:
        return unknown(math.nan, _too_few(over, nus), level)
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum() / np.array(counts)
    parts = [
        len(seeds) * np.array([sum(weights[i] * nus[i][seed] for i in at) for seed in seeds])
        for at, seeds in groups.items()
    ]
    told = f"{sum(map(len, parts))} independent seeds"
    return sum_of_means(parts, f"Welch over {told}", level)


def _alike(nus: Sequence[Mapping[object, float]]) -> dict[tuple[int, ...], list[object]]:
    """The seeds by the places of the laws that have them; alone in that, they are left out."""
    groups: dict[tuple[int, ...], list[object]] = {}
    for seed in dict.fromkeys(seed for one in nus for seed in one):
        at = tuple(i for i, one in enumerate(nus) if seed in one)
        groups.setdefault(at, []).append(seed)
    return {at: seeds for at, seeds in groups.items() if len(seeds) > 1}


def _too_few(over: str, nus: Sequence[Mapping[object, float]]) -> str:
    if all(len(one) < 2 for one in nus):
        return "of one seed each: no error, so no trend is tested"
    return (
        f"a trend needs two seeds or more at every value of {symbol(over)}, each the same seeds "
        "or each its own"
    )
