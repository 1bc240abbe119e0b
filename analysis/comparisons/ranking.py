"""Settings in order of a metric, with intervals and a set of the best that allow for the choice.

The best of many noisy means is flattered by chance: an interval made as if it had been chosen
beforehand holds the truth in 85 % of nine equal settings and in 52 % of a hundred
(`analysis.comparisons.selection`). So all intervals here hold at once, and with them that of
whichever setting is chosen. Settings are chosen on the validation part; the test part stands
beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.comparisons.goals import SELECTION, Mode, beside, better
from analysis.errors import TooFewRows, UnusableValues
from analysis.sources.comparable import (
    noise_fields,
    require_comparable,
    require_equal_noise,
    require_one_unit,
)
from analysis.sources.rows import over_splits, require_metric, settled
from analysis.sources.schema import SAID_BY_MODEL, SPLIT, param_columns
from analysis.statistics.contrast import seed_contrast
from analysis.statistics.means import mean_estimate
from analysis.training.verdicts import UNTRAINED, Trained
from analysis.wording import listed, number, percent, plural, quantity, setting

__all__ = ["Ranking", "rank"]

FEWEST_SEEDS = 3  # of a test that rules a setting out: two have one degree of freedom


@dataclass(frozen=True)
class Ranking:
    """Settings by the mean of `metric` over seeds, the best first.

    beside: the same metric of the test part; empty if that is the one, or is not known.
    fields: those in which the settings differ. table: one row a setting, with its fields; n;
    trial: the id of that with the first seed;
    mean, low, high: of `metric`, intervals that hold at once for all settings; beside, beside_low,
    beside_high: the same of the test part; behind: the mean of differences from the first setting;
    reference: whether others are tested against it: the first setting with three seeds; design: of
    the test, paired over the seeds of both, or Welch's (without a test: of the difference);
    candidate: whether the setting may be the best, by one-sided tests; tested: whether there was
    one, which takes three seeds. The truly
    best one is a candidate in `level` of all sweeps. training: how far the trials of all settings
    were trained; of untrained ones none is called best.
    """

    metric: str
    mode: Mode
    beside: str
    fields: tuple[str, ...]
    table: pd.DataFrame
    level: float = 0.95
    training: Trained = field(default_factory=Trained)

    @property
    def claims(self) -> bool:
        """Whether any setting is called best."""
        return self.training.verdict != UNTRAINED

    def to_json(self) -> dict[str, Any]:
        rows = [
            {
                str(key): None if isinstance(one, float) and not math.isfinite(one) else one
                for key, one in row.items()
            }
            for row in self.table.to_dict("records")
        ]
        return {
            "metric": self.metric,
            "mode": self.mode,
            "beside": self.beside,
            "settings": rows,
            "training": self.training.to_json(),
            "sentence": self.sentence(),
        }

    def sentence(self) -> str:
        """The winner with its interval, the other candidates, and what it was chosen on."""
        first, count = self.table.iloc[0], len(self.table)
        there = (name for name in self.fields if pd.notna(first[name]))
        at = ", ".join(setting(name, first[name]) for name in there) or "the only setting"
        told = f"{at}: {quantity(self.metric)} {self._spread(first, '', 'mean')}"
        if self.beside:
            told += f"; {quantity(self.beside)} {self._spread(first, 'beside_', 'beside')}"
        remark = self.training.remark
        if count == 1:
            return f"{told}{f'; {remark}' * bool(remark)}.{self._chosen_on()}"
        if not self.claims:
            return f"First of {count} settings, {told}; {remark}.{self._chosen_on()}"
        after = f" ({remark})" * bool(remark)
        word = "Best" if self._leads else "First"  # by their means alone
        return f"{word} of {count} settings{after}, {told}.{self._others()}{self._chosen_on()}"

    @property
    def _leads(self) -> bool:
        """Whether others were tested against the first."""
        return bool(self.table["reference"].iloc[0]) and bool(self.table["tested"].any())

    def _spread(self, row: pd.Series, prefix: str, value: str) -> str:
        low, high = row[f"{prefix}low"], row[f"{prefix}high"]
        if not math.isfinite(low):
            return f"{number(row[value], 4)} (one seed: no interval)"
        among = f" corrected for the choice among {len(self.table)}" * (len(self.table) > 1)
        return (
            f"{number(row[value], 4)} ({percent(self.level)} over {plural(row['n'], 'seed')}"
            f"{among}: {number(low, 4)} to {number(high, 4)})"
        )

    def _others(self) -> str:
        candidates = int(self.table["candidate"].sum())
        others, rest = candidates - 1, self.table[~self.table["reference"].astype(bool)]
        if not rest["tested"].any():
            return f" No other setting is ruled out, which takes {FEWEST_SEEDS} seeds of each."
        designs = rest["design"][rest["tested"].astype(bool)]
        how = f"{listed(sorted({one.partition(',')[0] for one in designs}))}, one-sided"
        if not self._leads:
            worse = len(self.table) - candidates
            return (
                f" {plural(worse, 'setting')} {'is' if worse == 1 else 'are'} shown to be worse "
                f"than the first that has {FEWEST_SEEDS} seeds ({how}): the best is among the "
                f"other {candidates} with {percent(self.level)}."
            )
        if not others:
            return f" All others are shown to be worse ({how}; {percent(self.level)} for all)."
        few = f"; a test takes {FEWEST_SEEDS} seeds of each" * (not rest["tested"].all())
        return (
            f" {plural(others, 'other setting')} {'is' if others == 1 else 'are'} not shown to be "
            f"worse ({how}{few}): the best is among these {others + 1} with {percent(self.level)}."
        )

    def _chosen_on(self) -> str:
        """What is left for an unbiased number, where the test part itself has decided."""
        if not self.metric.startswith("test/"):
            return ""
        return (
            f" It was chosen on the test part, as {self.metric} was asked for by name, so no part "
            "is left that had no say in the choice."
        )


def rank(
    trials: pd.DataFrame, metric: str | None = None, mode: Mode | None = None, level: float = 0.95
) -> Ranking:
    """Settings by the mean of `metric` over seeds, best first.

    metric: None is `validation/elbo_full`; one of the test part is taken only if it is named.
    mode: which end is best; None leaves it to `better`.

    Errors: UnusableValues for trials without a validation part; NotComparable for `elbo`,
    `objective` or `denoise` between noise levels, and for `recon` or `denoise` in two units;
    UnknownName for what is no metric; TooFewRows if nothing is finished.
    """
    chosen = _selection(trials) if metric is None else metric
    require_metric(trials, chosen)
    rows = settled(trials, set())
    rows = rows[rows[chosen].notna()]
    if rows.empty:
        raise TooFewRows(f"no finished trial has {chosen}")
    fields = _fields(rows)
    require_comparable(chosen, [*noise_fields(rows), *(f for f in fields if f == "beta")])
    require_one_unit(chosen, rows)
    require_equal_noise(chosen, rows)
    mode, test = mode or better(chosen), _beside(rows, chosen)
    settings = [group for _, group in rows.groupby(fields, dropna=False)] if fields else [rows]
    groups = [over_splits(one, [name for name in (chosen, test) if name]) for one in settings]
    sign = 1 if mode == "min" else -1
    groups.sort(key=lambda group: sign * float(group[chosen].mean()))
    found = [
        {name: group[name].iloc[0] for name in fields}
        | _mean(group, chosen, "", len(groups), level)
        | (_mean(group, test, "beside_", len(groups), level) if test else {})
        | {"n": len(group), "trial": _first_trial(group)}
        for group in groups
    ]
    table = pd.concat([pd.DataFrame(found), _tests(groups, chosen, sign, level)], axis=1)
    return Ranking(chosen, mode, test, tuple(fields), table, level, Trained.of_rows(rows))


def _selection(trials: pd.DataFrame) -> str:
    if SELECTION in trials and trials[SELECTION].notna().any():
        return SELECTION
    raise UnusableValues(
        "settings are chosen on the validation part, and these trials have none: set examples "
        "apart in the grid, as in `data: {name: digits, validation: 200}`, or name a metric of "
        "the test part, such as test/elbo_full, to choose on that all the same"
    )


def _fields(rows: pd.DataFrame) -> list[str]:
    """The fields in which the settings differ, the model first."""
    varied = [
        name
        for name in param_columns(rows)
        if name not in ("seed", SPLIT) and rows[name].nunique(dropna=False) > 1
    ]
    fields = [name for name in varied if "model" not in varied or name not in SAID_BY_MODEL]
    return sorted(fields, key=lambda name: name != "model")


def _beside(rows: pd.DataFrame, metric: str) -> str:
    """The metric of the test part that stands beside one of the validation part."""
    test = beside(metric)
    return test if test in rows and np.isfinite(rows[test]).all() else ""


def _mean(
    group: pd.DataFrame, metric: str, prefix: str, family: int, level: float
) -> dict[str, float]:
    """The mean over seeds, with an interval that is one of `family` that hold at once."""
    values = group[metric].to_numpy(dtype=np.float64)
    mean = mean_estimate(values, "t", level).simultaneous(family)
    key = prefix.rstrip("_") or "mean"
    return {key: mean.value, f"{prefix}low": mean.low, f"{prefix}high": mean.high}


def _tests(groups: Sequence[pd.DataFrame], metric: str, sign: int, level: float) -> pd.DataFrame:
    """behind, reference, design, tested and candidate of each setting.

    A setting is no candidate if a one-sided test at (1 − level)/(settings − 1) finds it worse than
    the reference; with fewer than three seeds of either it is not tested. The best setting is
    tested against at most each other one, so that it is lost in 1 − level of sweeps at most,
    although the reference was chosen by the same numbers.
    """
    every = [_by_seed(group, metric) for group in groups]
    at = next((place for place, one in enumerate(every) if one.size >= FEWEST_SEEDS), 0)
    found: list[dict[str, object]] = []
    for place, one in enumerate(every):
        ahead, both = seed_contrast(one, every[0]), seed_contrast(one, every[at])
        gap = both.difference(level)
        tested = place != at and min(both.n) >= FEWEST_SEEDS
        known = tested and gap.se > 0
        worse = float(stats.t.sf(sign * gap.value / gap.se, gap.df)) if known else math.nan
        found.append(
            {
                "behind": ahead.difference(level).value if place else 0.0,
                "reference": place == at,
                "design": (both if tested else ahead).design if place else "",
                "tested": tested,
                "candidate": not worse < (1 - level) / max(1, len(every) - 1),
            }
        )
    return pd.DataFrame(found)


def _first_trial(group: pd.DataFrame) -> str:
    """The id of the trial with the lowest seed."""
    rows = group.sort_values("seed", kind="stable") if "seed" in group else group
    return str(rows["trial"].iloc[0]) if "trial" in rows else ""


def _by_seed(group: pd.DataFrame, metric: str) -> pd.Series[float]:
    """The metric by seed; rows whose seeds do not tell them apart get names of their own."""
    values = group[metric].to_numpy(dtype=np.float64)
    told = "seed" in group and group["seed"].notna().all() and group["seed"].is_unique
    return pd.Series(values, index=list(group["seed" if told else "trial"]))
