"""Whether training had gone on for long enough that the exponent no longer moves.

ν is a function of the training length: on the digits grid it falls from 1.24 after 20 epochs to
1.09 after 60. The interval over seeds does not know of that, so each law says how ν still drifts
over the last fifth of its training. It has converged where that is small and less than the
interval is wide; where it still moves then, the sentence says for how long the interval holds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.laws.law import Law, filtered
from analysis.laws.sample import Sample, as_written
from analysis.statistics.drift import late
from analysis.statistics.estimate import Estimate
from analysis.statistics.means import mean_estimate
from analysis.statistics.regression import leading_coefficients
from analysis.training import LEAST_STEPS
from analysis.training.verdicts import CONVERGED, DRIFTING, Trained, judge
from analysis.wording import plural

__all__ = ["TOLERANCE", "Convergence", "convergence"]

Array = NDArray[np.float64]
TOLERANCE = 0.01  # change of ν over the last fifth of training that may count as none
ROUNDING = 1e-6  # of a number that is shown: seeds that are equal to it have no scatter
MOST = 0.1  # relative change over it from which nothing is claimed


@dataclass(frozen=True)
class Convergence:
    """ν by epoch, and its drift at the end.

    epochs [m]; nu: one `Estimate` an epoch, its interval over seeds. drift: change of ν an epoch
    over the last fifth, the t interval of the seeds' own slopes; one seed has no interval.
    missing: how many of the law's `of` values (a seed at an x) have no history until the last
    epoch; their seeds are not in it. trials: how far each was trained by its own history.
    """

    epochs: tuple[int, ...]
    nu: tuple[Estimate, ...]
    drift: Estimate
    missing: int = 0
    of: int = 0
    trials: Trained = field(default_factory=Trained)

    @property
    def last(self) -> int:
        return self.epochs[-1]

    @property
    def seldom(self) -> bool:
        """Whether it was measured at too few epochs for any verdict."""
        return len(self.epochs) < LEAST_STEPS

    @property
    def change(self) -> Estimate:
        """Of ν over the last fifth of training, as fast as it drifts."""
        return self.drift.times(self.last / 5)

    @property
    def half(self) -> float:
        """Half of the width of the interval of ν after the last epoch; NaN with one seed."""
        return (self.nu[-1].high - self.nu[-1].low) / 2

    @property
    def small(self) -> float:
        """The change of ν that counts as none: at most `TOLERANCE`, and at most `half`."""
        return min(TOLERANCE, max(self.half, ROUNDING)) if self.half > 0 else TOLERANCE

    @property
    def verdict(self) -> str:
        """Converged where the whole interval of the change is within ±`small`."""
        return self.within(self.small)

    @property
    def level_drifts(self) -> str:
        """``18 of its 45 trials are drifting``, where any is though ν has converged."""
        own = self.trials
        if self.verdict != CONVERGED or not own.drifting:
            return ""
        verb = "is" if own.drifting == 1 else "are"
        return f"{own.drifting} of its {plural(own.of, 'trial')} {verb} {DRIFTING}"

    @property
    def wide(self) -> bool:
        """Whether ν is within the tolerance, and moves by more than its own interval shows."""
        return self.verdict != CONVERGED and self.within(TOLERANCE) == CONVERGED

    def within(self, tolerance: float) -> str:
        """The verdict where a change of ν by `tolerance` counts as none."""
        return judge(len(self.epochs), self.change, tolerance, MOST * abs(self.nu[-1].value))

    def to_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "epochs": self.last,
            "drift": self.drift.to_json(),
            "missing": self.missing,
            "nu_by_epoch": [
                {"epoch": epoch, **one.to_json()}
                for epoch, one in zip(self.epochs, self.nu, strict=True)
            ],
        }


def convergence(
    trials: pd.DataFrame, law: Law, history: pd.DataFrame, data: Sample, level: float = 0.95
) -> Convergence | None:
    """The exponent of `law` at every epoch that the trials of its seeds recorded.

    history: the frame of `Experiment.history`. data: the seeds and the x that the law is fitted
    to; of these, seeds whose histories have every x until the last epoch of the rows, for ν after
    fewer is another. None where there is none, or fewer than two common epochs.
    """
    rows = filtered(trials, law)
    values = history[(history["metric"] == law.y) & history["trial"].isin(rows["trial"])]
    at_x = rows.assign(at=np.log(as_written(rows[law.x].to_numpy(dtype=np.float64))))
    table = (
        values.merge(at_x[["trial", "at"]], on="trial")
        .pivot_table(index=["step", "seed"], columns="at", values="value")
        .reindex(columns=data.grid)
    )
    if data.seeds:
        table = table[table.index.isin(data.seeds, level="seed")]
    whole = table[(table > 0).all(axis=1)]
    seeds = whole.groupby("step").size()
    if seeds.empty:
        return None
    last = _length(rows, values)
    if last not in seeds.index:
        return None
    whole = whole[whole.index.isin(whole.loc[last].index, level="seed")]
    seeds = whole.groupby("step").size()
    epochs = seeds[(seeds == seeds.max()) & (seeds.index <= last)].index
    if len(epochs) < 2:
        return None
    logs = np.log(whole.loc[list(epochs)].to_numpy(dtype=np.float64))
    nus = -leading_coefficients(data.grid, logs).reshape(len(epochs), -1)
    at, of = epochs.to_numpy(dtype=np.float64), data.n_seeds * len(data.grid)
    return Convergence(
        tuple(int(epoch) for epoch in epochs),
        tuple(mean_estimate(one, "t interval of per-seed slopes", level) for one in nus),
        _drift(at, nus, level),
        max(of - int(table.loc[last].notna().to_numpy().sum()), 0),
        of,
        Trained.of_rows(rows),
    )


def _length(rows: pd.DataFrame, history: pd.DataFrame) -> int:
    """After how many epochs the rows have their values; as far as any history, if not told."""
    told = rows["epoch"] if "epoch" in rows else pd.Series(dtype=float)
    return int(told.max() if told.notna().any() else history["step"].max())


def _drift(at: Array, nus: Array, level: float) -> Estimate:
    """The change of ν [epochs, seeds] an epoch over the last fifth, two epochs at least."""
    last = late(at)
    own = leading_coefficients(at[last], nus[last].T)
    return mean_estimate(own, "t interval of per-seed drifts", level)
