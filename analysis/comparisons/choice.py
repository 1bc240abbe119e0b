"""A hyperparameter that is chosen from a list at each setting, on the validation part.

A grid lists the values and declares ``analysis: {choose: {lr: validation/elbo_full}}`` (as Im et
al. 2017, arXiv:1511.06406, chose the rate). The trials of the other values take no further part,
and the field is no setting any more, so that laws and comparisons are of chosen trials.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.comparisons.goals import beside, better
from analysis.errors import AnalysisError, TooFewRows
from analysis.sources.comparable import noise_fields, require_comparable, require_equal_noise
from analysis.sources.noise import noise_levels
from analysis.sources.registration import registration
from analysis.sources.rows import over_splits, require_column, require_metric, settled
from analysis.sources.schema import CHOSEN, DECLARED, SPLIT, Experiment, param_columns
from analysis.statistics.means import mean_estimate
from analysis.training.verdicts import Trained
from analysis.wording import number, plural, post_hoc, quantity, symbol

__all__ = ["PASSED_OVER", "Choice", "choose", "declared_choice", "with_choice"]

PASSED_OVER = "passed over"  # the role of finished trials of the values that were not chosen


@dataclass(frozen=True)
class Choice:
    """The values of the field `over` that were chosen by the mean of `metric` over seeds.

    table: one row a setting: the fields in which settings differ, `over`, values (how many there
    were to choose from), n (seeds), mean of the metric, at_end (whether the chosen one is the
    least or the greatest of several), and beside, low, high: the same metric of the test part,
    with the interval that allows for the choice among the values (Bonferroni).
    trials: the chosen ones. training: of all trials among which was chosen. waiting: how many of
    the declared trials have no result.
    """

    over: str
    metric: str
    table: pd.DataFrame
    trials: frozenset[str]
    training: Trained = field(default_factory=Trained)
    post_hoc: str = ""
    waiting: int = 0

    @property
    def most(self) -> int:
        """The greatest number of values at a setting."""
        return int(self.table["values"].max())

    def applied(self, trials: pd.DataFrame) -> pd.DataFrame:
        """The trials, those that were not chosen with another role, without the field."""
        over = trials["role"].eq(DECLARED) & ~trials["trial"].isin(self.trials)
        role = trials["role"].where(~over, PASSED_OVER)
        return trials.assign(role=role).rename(columns={self.over: CHOSEN + self.over})

    def sentence(self) -> str:
        counts = Counter(self.table[self.over])
        each = ", ".join(
            f"{number(value, 3).rstrip('0').rstrip('.')} at {count}"
            for value, count in sorted(counts.items())
        )
        name, remark = symbol(self.over), self.training.remark
        ends = int(self.table["at_end"].sum())
        end = (
            f" At {ends} it is an end of the list, beyond which another may do better."
            if ends
            else ""
        )
        end += (
            f" {plural(self.waiting, 'trial')} {'has' if self.waiting == 1 else 'have'} no "
            "result, and a value that lacks a seed is not chosen."
        ) * bool(self.waiting)
        return (
            f"The {name} was chosen at each of {plural(len(self.table), 'setting')} by "
            f"{quantity(self.metric)} among up to {self.most} values: {each}"
            f"{f' ({remark})' * bool(remark)}. What is reported is of the chosen trials; the "
            "intervals of the settings' test means allow for the choice (Bonferroni), those of "
            "laws, comparisons and numbers beside published ones do not"
            f"{post_hoc(self.post_hoc)}.{end}"
        )


def declared_choice(sweeps: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Field and metric of the newest sweep's `analysis.choose`; None without one."""
    analysis = (sweeps[-1].get("analysis") or {}) if sweeps else {}
    return next(iter((analysis.get("choose") or {}).items()), None)


def with_choice(experiment: Experiment) -> tuple[Experiment, Choice | None]:
    """The experiment of chosen trials, if its grid declares a choice and it can be made."""
    declared = declared_choice(experiment.sweeps)
    if declared is None or experiment.trials.empty:
        return experiment, None
    try:
        found = choose(experiment.trials, *declared)
    except AnalysisError:
        return experiment, None
    registered = registration(experiment.sweeps)
    if registered and registered.post_hoc("choose"):
        found = replace(found, post_hoc="the choice was declared after the run")
    return replace(experiment, trials=found.applied(experiment.trials)), found


def choose(trials: pd.DataFrame, over: str, metric: str) -> Choice:
    """At each setting the value of the column `over` with the best mean of `metric`.

    Settings differ in any other parameter but the seed and the split, over which means are taken.
    A value that lacks a seed which another has (it failed, or is not finished) is not chosen.

    Errors: UnknownName; NotComparable for a metric that means another thing at another `over`;
    TooFewRows if no finished trial has the metric.
    """
    require_column(trials, over)
    require_metric(trials, metric)
    declared = settled(trials, ("status",))
    declared = declared[declared[over].notna()]
    rows = settled(declared, ())
    rows = rows[rows[metric].notna()]
    if rows.empty:
        raise TooFewRows(f"no finished trial has {metric}")
    require_comparable(metric, [one for one in (*noise_fields(rows), "beta") if one == over])
    if over in noise_levels(rows):
        require_equal_noise(metric, rows)
    names = [
        name
        for name in param_columns(rows)
        if name not in (over, "seed", SPLIT) and rows[name].nunique(dropna=False) > 1
    ]
    groups = [one for _, one in rows.groupby(names, dropna=False)] if names else [rows]
    found = [_best(group, over, metric) for group in groups]
    settings = [{name: group[name].iloc[0] for name in names} for group in groups]
    table = pd.DataFrame([one | row for one, (row, _) in zip(settings, found, strict=True)])
    kept = frozenset(trial for _, chosen in found for trial in chosen)
    waiting = len(declared) - len(rows)
    return Choice(over, metric, table, kept, Trained.of_rows(rows), waiting=waiting)


def _best(group: pd.DataFrame, over: str, metric: str) -> tuple[dict[str, Any], list[str]]:
    """The row of the table for one setting, and its chosen trials."""
    test = beside(metric)
    metrics = [name for name in (metric, test) if name in group]
    each = {
        value: over_splits(group[group[over] == value], metrics) for value in _values(group[over])
    }
    sign = 1 if better(metric) == "min" else -1
    whole = max(map(len, each.values()))
    able = [one for one, mine in each.items() if len(mine) == whole]
    value = min(able, key=lambda one: sign * float(each[one][metric].mean()))
    row = {
        over: value,
        "values": len(each),
        "n": len(each[value]),
        "mean": float(each[value][metric].mean()),
        "at_end": len(each) > 1 and value in (min(each), max(each)),
    }
    if test in group and np.isfinite(each[value][test]).all():
        values = each[value][test].to_numpy(dtype=np.float64)
        mean = mean_estimate(values, "t").simultaneous(len(each))
        row |= {"beside": mean.value, "low": mean.low, "high": mean.high}
    return row, [str(trial) for trial in group.loc[group[over] == value, "trial"]]


def _values(column: pd.Series[Any]) -> list[float]:
    return sorted(float(value) for value in column.unique())
