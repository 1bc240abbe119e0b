"""Two sets of trials in one metric: paired over the seeds that both have, or Welch's difference.

Trials of one seed share initialisation, order of examples and noise, so that their metrics go up
and down together: neighbouring σ of a sweep correlate by 0.8 to 0.98, and the interval of the
mean of differences is two to four times as narrow as that of the difference of means. It holds
for seeds that have nothing in common too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import TooFewRows, UnusableValues
from analysis.statistics.estimate import Estimate
from analysis.statistics.means import hedges, hedges_paired, paired, welch
from analysis.wording import quantity

__all__ = ["Contrast", "by_seed", "contrast"]

Array = NDArray[np.float64]
FEWEST = 2


@dataclass(frozen=True)
class Contrast:
    """The values of both sides that are used; where `paired`, in the same order of seeds."""

    first: Array
    second: Array
    paired: bool

    @property
    def n(self) -> tuple[int, int]:
        return len(self.first), len(self.second)

    def difference(self, level: float = 0.95) -> Estimate:
        """mean(first) − mean(second): the paired t interval, or Welch's."""
        test = paired if self.paired else welch
        return test(self.first, self.second, level)

    def effect(self, level: float = 0.95) -> Estimate:
        """Hedges' g: the difference in standard deviations of one seed."""
        size = hedges_paired if self.paired else hedges
        return size(self.first, self.second, level)


def contrast(first: pd.Series[float], second: pd.Series[float]) -> Contrast:
    """Values by seed, see `by_seed`.

    Paired over the common seeds if these are at least two and half of each side's; the seeds of
    one side only are then left out. Otherwise all values are used as independent.
    """
    common = [seed for seed in first.index if seed in second.index]
    if len(common) >= max(FEWEST, len(first) / 2, len(second) / 2):
        return Contrast(_values(first[common]), _values(second[common]), True)
    return Contrast(_values(first), _values(second), False)


def _values(column: pd.Series[float]) -> Array:
    values: Array = np.asarray(column, dtype=np.float64)
    return values


def by_seed(rows: pd.DataFrame, metric: str, label: str) -> pd.Series[float]:
    """`metric` of each row by its seed; rows without seeds get numbers that no other rows have.

    Errors: UnusableValues for NaN; TooFewRows for several rows of one seed.
    """
    values = rows[metric].to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise UnusableValues(
            f"{quantity(metric)} is missing or not finite in "
            f"{int((~np.isfinite(values)).sum())} of {len(values)} trials of "
            f"({label}); leave them out or train them again"
        )
    if "seed" not in rows or rows["seed"].isna().any():
        return pd.Series(values, index=[f"row {at}" for at in rows.index])
    if rows["seed"].duplicated().any():
        raise TooFewRows(
            f"({label}) has several trials of one seed at one setting; name what "
            "tells them apart in the group"
        )
    return pd.Series(values, index=rows["seed"].tolist())
