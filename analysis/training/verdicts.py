"""What training allows one to say: converged, drifting, not shown to have converged, not trained.

Each verdict is the text that sentences, tables and JSON show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.statistics.estimate import Estimate
from analysis.training import LEAST_STEPS
from analysis.wording import listed, plural

__all__ = [
    "COLUMN",
    "CONVERGED",
    "DRIFTING",
    "OPEN",
    "UNTRAINED",
    "WORST",
    "Trained",
    "counted",
    "judge",
]

CONVERGED, DRIFTING, UNTRAINED = "converged", "drifting", "not trained"
OPEN = "not shown to have converged"  # neither a drift nor convergence is shown
WORST = (UNTRAINED, DRIFTING, OPEN, CONVERGED)
COLUMN = "training"  # of the trials' frame, with each trial's verdict


def judge(measured: int, change: Estimate, small: float, large: float) -> str:
    """The verdict on a number's change over the last fifth of training.

    Converged where the whole interval of the change lies within ±`small`, otherwise drifting
    where that interval excludes zero; without an interval neither is shown. Not trained where the
    change is beyond ±`large`. measured: at how many epochs it was.
    """
    if measured < LEAST_STEPS or not abs(change.value) <= large:
        return UNTRAINED
    if max(abs(change.low), abs(change.high)) <= small:
        return CONVERGED
    return DRIFTING if change.low > 0 or change.high < 0 else OPEN


def counted(count: int, verdict: str) -> str:
    """``2 are drifting``."""
    return f"{count} {'is' if count == 1 else 'are'} {verdict}"


@dataclass(frozen=True)
class Trained:
    """How far the trials, or the laws, of a claim were trained.

    verdict: the worst of them; None if their histories are not known. moving: how many are not
    converged. drifting, untrained: how many of these are. epochs: the fewest and the most.
    noun: what is counted. short: of laws, which of their trials are not trained, in words.
    """

    verdict: str | None = None
    of: int = 0
    moving: int = 0
    drifting: int = 0
    untrained: int = 0
    epochs: tuple[int, int] = (0, 0)
    noun: str = "trial"
    short: str = ""

    @classmethod
    def of_rows(cls, rows: pd.DataFrame) -> Trained:
        """Of rows with the column `COLUMN` of `analysis.training.stationarity.judged`.

        Nothing is known without that column, or if a row has no verdict.
        """
        known = rows[COLUMN] if COLUMN in rows else pd.Series(dtype=object)
        if known.empty or not known.isin(WORST).all():
            return cls(of=len(rows))
        epochs = rows["epoch"].astype(int) if "epoch" in rows else pd.Series([0])
        return cls.of_verdicts(list(known), (int(epochs.min()), int(epochs.max())))

    @classmethod
    def of_verdicts(
        cls, verdicts: Sequence[str], epochs: tuple[int, int], noun: str = "trial"
    ) -> Trained:
        counts = {one: verdicts.count(one) for one in WORST}
        still = len(verdicts) - counts[CONVERGED]
        worst = min(verdicts, key=WORST.index)
        moving = (still, counts[DRIFTING], counts[UNTRAINED])
        return cls(worst, len(verdicts), *moving, epochs, noun)

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
        if self.verdict != UNTRAINED:
            return f"after {self.length}, when {self._moving()}"
        why = self._part(self.untrained, UNTRAINED) if self.untrained else self.short
        return f"no claim, for {why}{f' after {self.length}' * any(self.epochs)}"

    def _moving(self) -> str:
        """``2 of 3 trials are drifting and 1 is not shown to have converged``."""
        still = self.moving - self.drifting
        if not self.drifting:
            return self._part(still, OPEN)
        return listed([self._part(self.drifting, DRIFTING), *[counted(still, OPEN)] * bool(still)])

    def _part(self, count: int, verdict: str) -> str:
        """``2 of 3 trials are drifting``, or ``the trial is`` if there is one only."""
        who = f"the {self.noun}" if self.of == 1 else f"{count} of {plural(self.of, self.noun)}"
        return f"{who} {'is' if count == 1 else 'are'} {verdict}"

    def to_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict or "unknown",
            f"{self.noun}s": self.of,
            "moving": self.moving,
            "drifting": self.drifting,
            "not_trained": self.untrained,
            "epochs": list(self.epochs) if any(self.epochs) else None,
        }
