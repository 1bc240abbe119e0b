"""Level b: twins trained with the same seed stay equal to rounding for the whole run.

With the loss and Adam's eps scaled by the same factor, the updates of (σ, β) and σ√β are equal;
when the factor is a power of two they are equal to the last bit.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.equivalence.verdict import DIFFERENT, EQUIVALENT, UNDECIDED, plain
from analysis.sources.schema import Experiment
from analysis.wording import trial_name

__all__ = ["TwinVerdict", "twins"]

METRICS = ("kl", "recon")


@dataclass(frozen=True)
class TwinVerdict:
    """The largest |Δ log| of KL and recon between a trial and its twin, over the history.

    exact: all values are equal to the last bit. first, last: |Δ log| at the first and the last
    step. A pair that starts equal and then drifts apart is undecided, as rounding errors grow in
    training.
    """

    trial: str
    twin: str
    labels: tuple[str, str]
    seed: float
    difference: float
    first: float
    last: float
    exact: bool
    n: int
    steps: int
    tolerance: float
    verdict: str

    def to_json(self) -> dict[str, Any]:
        return plain(asdict(self) | {"level": "twins", "sentence": self.sentence()})

    def sentence(self) -> str:
        pair = " and its twin ".join(map(trial_name, self.labels))
        if not self.n:
            return f"{pair} have no finished history in common: undecided."
        if self.exact:
            return (
                f"{pair} agree to the last bit in all {self.n} values of KL and recon over "
                f"{self.steps} epochs: {self.verdict}."
            )
        told = (
            f"{pair} differ by at most {self.difference:.1e} in log KL and log recon over "
            f"{self.steps} epochs"
        )
        if self.verdict == UNDECIDED:
            return (
                f"{told}, from {self.first:.1e} at the first: they start together and drift "
                "apart, as rounding may: undecided (independent seeds can decide)."
            )
        return f"{told} (tolerance {self.tolerance:.0e}): {self.verdict}."


def twins(experiment: Experiment, tolerance: float = 1e-4) -> list[TwinVerdict]:
    """A verdict for every trial that is a twin, in the order of the trials."""
    trials = experiment.trials
    if "twin_of" not in trials or not trials["twin_of"].notna().any():
        return []
    rows = trials.set_index("trial")
    pairs = rows["twin_of"].dropna()
    values = _values(experiment.history, {*pairs.index, *pairs})
    return [
        _verdict(rows, (str(partner), str(twin)), values, tolerance)
        for twin, partner in pairs.items()
    ]


def _values(history: pd.DataFrame, wanted: set[str]) -> pd.DataFrame:
    """Values by (metric, step), with one column for each trial."""
    names = history["metric"].str.rpartition("/")[2] if len(history) else pd.Series(dtype=str)
    rows = history[history["trial"].isin(wanted) & names.isin(METRICS)]
    return rows.pivot_table(
        index=["metric", "step"], columns="trial", values="value", aggfunc="last", dropna=False
    )


def _verdict(
    rows: pd.DataFrame, pair: tuple[str, str], values: pd.DataFrame, tolerance: float
) -> TwinVerdict:
    empty = pd.DataFrame(columns=list(pair), dtype=float)
    both = values[list(pair)].dropna() if set(pair) <= set(values.columns) else empty
    left, right = both[pair[0]].to_numpy(), both[pair[1]].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.where(left == right, 0.0, np.abs(np.log(left) - np.log(right)))
    by_step = (
        pd.Series(apart, index=both.index).groupby(level="step").max()
        if len(both)
        else (pd.Series(dtype=float))
    )
    first, last = (float(by_step.iloc[i]) if len(by_step) else math.nan for i in (0, -1))
    most = float(apart.max()) if len(apart) else math.nan
    return TwinVerdict(
        *pair,
        _labels(rows, pair),
        _seed(rows, pair[1]),
        most,
        first,
        last,
        bool(len(both)) and bool((left == right).all()),
        len(both),
        len(by_step),
        tolerance,
        _decide(most, first, tolerance),
    )


def _decide(most: float, first: float, tolerance: float) -> str:
    if most <= tolerance:
        return EQUIVALENT
    return DIFFERENT if first > tolerance else UNDECIDED


def _labels(rows: pd.DataFrame, pair: tuple[str, str]) -> tuple[str, str]:
    first, second = (
        str(rows["label"].get(name) or name) if "label" in rows else name for name in pair
    )
    return first, second


def _seed(rows: pd.DataFrame, trial: str) -> float:
    return float(rows["seed"].get(trial, math.nan)) if "seed" in rows else math.nan
