"""Whether training had gone on for long enough that the exponent no longer moves.

ν is a function of the training length: on the digits grid it falls from 1.24 after 20 epochs to
1.09 after 60. The interval over seeds does not know of that, so each law says how ν still drifts
over the last fifth of its training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.laws.law import Law, filtered
from analysis.statistics.drift import late
from analysis.statistics.estimate import Estimate
from analysis.statistics.means import mean_estimate
from analysis.statistics.regression import leading_coefficients
from analysis.training import LEAST_STEPS
from analysis.training.verdicts import judge

__all__ = ["TOLERANCE", "Convergence", "convergence"]

Array = NDArray[np.float64]
TOLERANCE = 0.01  # change of ν over the last fifth of training that counts as none
MOST = 0.1  # relative change over it from which nothing is claimed


@dataclass(frozen=True)
class Convergence:
    """ν by epoch, and its drift at the end.

    epochs [m]; nu: one `Estimate` an epoch, its interval over seeds. drift: change of ν an epoch
    over the last fifth, the t interval of the seeds' own slopes; one seed has no interval.
    """

    epochs: tuple[int, ...]
    nu: tuple[Estimate, ...]
    drift: Estimate

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
    def verdict(self) -> str:
        """Converged where the whole interval of the change is small."""
        return self.within(TOLERANCE)

    def within(self, tolerance: float) -> str:
        """The verdict where a change of ν by `tolerance` counts as none."""
        return judge(len(self.epochs), self.change, tolerance, MOST * abs(self.nu[-1].value))

    def to_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "epochs": self.last,
            "drift": self.drift.to_json(),
            "nu_by_epoch": [
                {"epoch": epoch, **one.to_json()}
                for epoch, one in zip(self.epochs, self.nu, strict=True)
            ],
        }


def convergence(
    trials: pd.DataFrame, law: Law, history: pd.DataFrame, level: float = 0.95
) -> Convergence | None:
    """The exponent of `law` at every epoch that all of its trials recorded.

    history: the frame of `Experiment.history`. None where it has fewer than two common epochs,
    or seeds do not have every x.
    """
    rows = filtered(trials, law)
    values = history[(history["metric"] == law.y) & history["trial"].isin(rows["trial"])]
    table = values.merge(rows[["trial", law.x]], on="trial").pivot_table(
        index=["step", "seed"], columns=law.x, values="value"
    )
    table = table[(table > 0).all(axis=1)]
    seeds = table.groupby("step").size()
    epochs = seeds[seeds == rows["seed"].nunique()].index
    if len(epochs) < 2 or table.shape[1] < 3:
        return None
    x = np.log(table.columns.to_numpy(dtype=np.float64))
    logs = np.log(table.loc[list(epochs)].to_numpy(dtype=np.float64))
    nus = -leading_coefficients(x, logs).reshape(len(epochs), -1)
    at = epochs.to_numpy(dtype=np.float64)
    return Convergence(
        tuple(int(epoch) for epoch in epochs),
        tuple(mean_estimate(one, "t interval of per-seed slopes", level) for one in nus),
        _drift(at, nus, level),
    )


def _drift(at: Array, nus: Array, level: float) -> Estimate:
    """The change of ν [epochs, seeds] an epoch over the last fifth, two epochs at least."""
    last = late(at)
    own = leading_coefficients(at[last], nus[last].T)
    return mean_estimate(own, "t interval of per-seed drifts", level)
