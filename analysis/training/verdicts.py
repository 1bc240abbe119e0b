"""What training allows one to say: converged, drifting, or not trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.statistics.estimate import Estimate
from analysis.wording import plural

__all__ = ["COLUMN", "CONVERGED", "DRIFTING", "LEAST_STEPS", "UNTRAINED", "Trained", "judge"]

CONVERGED, DRIFTING, UNTRAINED = "converged", "drifting", "not trained"
COLUMN = "training"  # of the trials' frame, with each trial's verdict
LEAST_STEPS = 5  # epochs with a measurement, below which nothing is claimed


def judge(measured: int, change: Estimate, small: float, large: float) -> str:
    """The verdict on a number's change over the last fifth of training.

    Converged where the whole interval of the change lies within ±`small`; no interval, no such
    proof. Not trained where the change is beyond ±`large`. measured: at how many epochs it was.
    """
    if measured < LEAST_STEPS or not abs(change.value) <= large:
        return UNTRAINED
    return CONVERGED if max(abs(change.low), abs(change.high)) <= small else DRIFTING


@dataclass(frozen=True)
class Trained:
    """How far the trials, or the laws, of a claim were trained.

    verdict: the worst of them; None if their histories are not known. moving: how many are not
    converged. untrained: how many of these are not trained. epochs: the fewest and the most.
    noun: what is counted.
    """

    verdict: str | None = None
    of: int = 0
    moving: int = 0
    untrained: int = 0
    epochs: tuple[int, int] = (0, 0)
    noun: str = "trial"

    @classmethod
    def of_rows(cls, rows: pd.DataFrame) -> Trained:
        """Of rows with the column `COLUMN` of `analysis.training.stationarity.judged`.

        Nothing is known without that column, or if a row has no verdict.
        """
        known = rows[COLUMN] if COLUMN in rows else pd.Series(dtype=object)
        if known.empty or not known.isin([CONVERGED, DRIFTING, UNTRAINED]).all():
            return cls(of=len(rows))
        epochs = rows["epoch"].astype(int) if "epoch" in rows else pd.Series([0])
        return cls.of_verdicts(list(known), (int(epochs.min()), int(epochs.max())))

    @classmethod
    def of_verdicts(
        cls, verdicts: Sequence[str], epochs: tuple[int, int], noun: str = "trial"
    ) -> Trained:
        untrained = verdicts.count(UNTRAINED)
        still = len(verdicts) - verdicts.count(CONVERGED)
        worst = UNTRAINED if untrained else DRIFTING if still else CONVERGED
        return cls(worst, len(verdicts), still, untrained, epochs, noun)

    @property
    def length(self) -> str:
        """``20 epochs`` or ``10 to 20 epochs``."""
        least, most = self.epochs
        return plural(most, "epoch") if least == most else f"{least} to {most} epochs"

    @property
    def remark(self) -> str:
        """What must be said beside a claim about these trials; nothing if they are converged."""
        if self.verdict is None:
            return "as given, training length unknown"
        if self.verdict == CONVERGED:
            return ""
        if self.verdict == DRIFTING:
            verb = "is" if self.moving == 1 else "are"
            moving = f"{self._part(self.moving)} {verb} not shown to have converged"
            return f"after {self.length}, when {moving}"
        verb = "is" if self.untrained == 1 else "are"
        return f"no claim, for {self._part(self.untrained)} {verb} not trained after {self.length}"

    def _part(self, count: int) -> str:
        """``2 of 3 trials``, or ``the trial`` if there is one only."""
        one = f"the {self.noun}"
        return one if self.of == 1 else f"{count} of {plural(self.of, self.noun)}"

    def to_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict or "unknown",
            f"{self.noun}s": self.of,
            "moving": self.moving,
            "not_trained": self.untrained,
            "epochs": list(self.epochs) if self.verdict else None,
        }
