"""Settings in order: the mean of a metric over seeds, with its interval, best first."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from analysis.errors import TooFewRows
from analysis.sources.comparable import noise_fields, require_comparable, require_one_unit
from analysis.sources.rows import require_metric, settled
from analysis.sources.schema import SAID_BY_MODEL, param_columns
from analysis.statistics.means import mean_estimate

__all__ = ["Mode", "better", "rank"]

Mode = Literal["min", "max"]
LARGER = ("elbo", "objective", "bounds", "accuracy", "certified")


def better(metric: str) -> Mode:
    """Which end of a metric is the good one: max for bounds and accuracies, min for losses."""
    return "max" if any(part.startswith(LARGER) for part in metric.split("/")) else "min"


def rank(
    trials: pd.DataFrame, metric: str, mode: Mode | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Settings by the mean of `metric` over seeds, best first, with the t interval over seeds.

    mode: which end is best; None leaves it to `better`.

    Columns: the fields that differ, mean, low, high, n. Errors: NotComparable for `elbo` or
    `objective` between noise levels, and for `recon` or `denoise` in two units; UnknownName for
    what is no metric; TooFewRows if nothing is finished.
    """
    require_metric(trials, metric)
    rows = settled(trials, set())
    rows = rows[rows[metric].notna()]
    if rows.empty:
        raise TooFewRows(f"no finished trial has {metric}")
    varied = [
        name
        for name in param_columns(rows)
        if name != "seed" and rows[name].nunique(dropna=False) > 1
    ]
    fields = [name for name in varied if "model" not in varied or name not in SAID_BY_MODEL]
    fields.sort(key=lambda name: name != "model")
    require_comparable(metric, [*noise_fields(rows), *(f for f in fields if f == "beta")])
    require_one_unit(metric, rows)
    groups = [group for _, group in rows.groupby(fields, dropna=False)] if fields else [rows]
    found = []
    for group in groups:
        mean = mean_estimate(group[metric].to_numpy(dtype=np.float64), "t", level)
        found.append(
            {name: group[name].iloc[0] for name in fields}
            | {"mean": mean.value, "low": mean.low, "high": mean.high, "n": len(group)}
        )
    return pd.DataFrame(found).sort_values(
        "mean", ascending=(mode or better(metric)) == "min", ignore_index=True
    )
