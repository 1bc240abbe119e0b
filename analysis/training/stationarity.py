"""Whether the metrics of a single trial still move at the end of its training.

The change of log KL, log reconstruction error and log |ELBO| over the last fifth of training is
taken from the trial's own history, with an error that allows for serial correlation. A trial has
converged if the 95 % intervals of all of them lie within ±0.05 (5 %), half of the usual margin of
equivalence; if one lies elsewhere it is drifting where that interval excludes zero, and else not
shown to have converged. It is not trained if one of them changes by more than 0.2, or was measured
at fewer than five epochs. An exponent moves with differences between trials, which may be smaller
or larger: laws have a verdict of their own (`analysis.laws.convergence`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.sources.schema import FINISHED, Experiment
from analysis.statistics.drift import late, slopes
from analysis.statistics.estimate import Estimate
from analysis.training.verdicts import COLUMN, UNTRAINED, WORST, judge

__all__ = ["QUANTITIES", "judged", "stationarity"]

Array = NDArray[np.float64]
Measured = tuple[int, Estimate]  # at how many epochs, and the change
QUANTITIES = ("kl", "recon", "elbo", "objective")
PARTS = ("test", "train")
SMALL, LARGE = 0.05, 0.2  # changes of a logarithm over the last fifth of training
MERGED = "merged"
COLLAPSED = 0.01  # nats: the logarithm of a smaller KL says nothing


def judged(experiment: Experiment) -> Experiment:
    """The experiment with each finished trial's verdict in the column `COLUMN` of `trials`.

    One that has it is returned as it is.
    """
    trials = experiment.trials
    if trials.empty or (COLUMN in trials and trials[COLUMN].notna().any()):
        return experiment
    found = stationarity(experiment).set_index("trial")["verdict"]
    verdicts = trials["trial"].map(found).astype(object)
    marked = trials.assign(**{COLUMN: verdicts.where(verdicts.notna(), None)})
    return replace(experiment, trials=marked)


def stationarity(experiment: Experiment) -> pd.DataFrame:
    """One row for each finished trial with a history: trial, epochs, verdict, and of each of
    `QUANTITIES` its change over the last fifth, with low, high and standard error.

    The values are those of the test part where it was measured as often as the training part, and
    otherwise of the training part. The objective stands in where there is no ELBO. A merged trial
    has the training of another, and none of its own.
    """
    trials, history = experiment.trials, experiment.history
    ends = [f"{name}_{end}" for name in QUANTITIES for end in ("change", "low", "high", "se")]
    columns = ["trial", "epochs", "verdict", *ends]
    if trials.empty or history.empty:
        return pd.DataFrame(columns=columns)
    done = trials.loc[(trials["status"] == FINISHED) & (trials["role"] != MERGED), "trial"]
    history = history[history["trial"].isin(done)]
    found = {name: _changes(history, name) for name in QUANTITIES}
    rows = [
        _row(str(trial), int(epochs), {name: own.get(str(trial)) for name, own in found.items()})
        for trial, epochs in history.groupby("trial", sort=False)["step"].max().items()
    ]
    return pd.DataFrame(rows, columns=columns)


def _row(trial: str, epochs: int, found: Mapping[str, Measured | None]) -> dict[str, object]:
    row: dict[str, object] = {"trial": trial, "epochs": epochs}
    verdicts = []
    for name, one in found.items():
        if one is None or (name == "objective" and found["elbo"]):
            continue
        times, change = one
        verdicts.append(judge(times, change, SMALL, LARGE))
        row |= {
            f"{name}_change": change.value,
            f"{name}_low": change.low,
            f"{name}_high": change.high,
            f"{name}_se": change.se,
        }
    return row | {"verdict": min(verdicts, key=WORST.index, default=UNTRAINED)}


def _changes(history: pd.DataFrame, name: str) -> dict[str, Measured]:
    """For each trial at how many epochs a quantity was measured, and its change."""
    found: dict[str, Measured] = {}
    for part in PARTS:
        own = history[history["metric"] == f"{part}/{name}"]
        table = own.pivot_table(index="trial", columns="step", values="value", aggfunc="last")
        there = table.notna()
        for _, alike in table.groupby(there.apply(bytes, axis=1) if len(table) else []):
            rows = alike.dropna(axis="columns")
            at, values = rows.columns.to_numpy(np.float64), rows.to_numpy(np.float64)
            for trial, change in zip(rows.index, _logs(at, values), strict=False):
                collapsed = name == "kl" and abs(rows.loc[trial].iloc[-1]) < COLLAPSED
                if not collapsed and len(at) > found.get(str(trial), (0, change))[0]:
                    found[str(trial)] = len(at), change
    return found


def _logs(at: Array, values: Array) -> list[Estimate]:
    """The change of log |value| over the last fifth, of each row of `values` [trials, epochs].

    NaN, which is no convergence, where a value is zero or changes its sign.
    """
    if len(at) < 2:
        return []
    last = late(at)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(values[:, last] * np.sign(values[:, -1:]))
    logs[~np.isfinite(logs)] = np.nan
    return [one.times(float(at[-1]) / 5) for one in slopes(at[last], logs)]
