"""A number with its interval, and the size below which differences are rounding."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.wording import number, percent

__all__ = ["ROUNDING", "Estimate", "at_least_rounding", "rounding", "unknown"]

Array = NDArray[np.float64]
ROUNDING = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A number with its interval: `low` to `high` at `level`, from a t distribution with `df`.

    p: two-sided, for the value 0. method: what the interval is, in words. What cannot be known
    (no degrees of freedom) is NaN. family: how many intervals, this one included, hold at once.
    looked: whether seeds were added until the interval was narrow; it then has half the error
    probability of the t interval at `level`, and p is twice that of the t test.
    """

    value: float
    se: float
    low: float
    high: float
    df: float
    p: float
    method: str
    level: float = 0.95
    family: int = 1
    looked: bool = False

    @property
    def alone(self) -> Estimate:
        """The same, with the interval that holds on its own at `level`."""
        return self.simultaneous(1)

    def times(self, factor: float) -> Estimate:
        """The same in other units, `factor` > 0 to one of these."""
        value, se, low, high = (v * factor for v in (self.value, self.se, self.low, self.high))
        return replace(self, value=value, se=se, low=low, high=high)

    def minus(self) -> Estimate:
        """The same of the other sign."""
        return replace(self, value=-self.value, low=-self.high, high=-self.low)

    def simultaneous(self, family: int) -> Estimate:
        """The same, one of `family` intervals that all hold at once at `level` (Bonferroni)."""
        if family == self.family or not math.isfinite(self.se):
            return self
        low, high = self._ends(family)
        method = self.method.removesuffix(_at_once(self.family)) + _at_once(family)
        return replace(self, low=float(low), high=float(high), method=method, family=family)

    def _ends(self, family: int) -> tuple[float, float]:
        """The ends of the interval as one of `family`."""
        error = (1 - self.level) / (2 if self.looked else 1)
        half = float(stats.t.isf(error / family / 2, self.df)) * self.se
        return self.value - half, self.value + half

    def after_looks(self) -> Estimate:
        """The same of seeds that were added until the interval was narrow; see `looked`.

        Without an interval it stays as it is.
        """
        if self.looked or not math.isfinite(self.se):
            return self
        used = percent((1 + self.level) / 2)
        method = f"{self.method} (at {used}, which allows for looks between seeds)"
        found = replace(self, looked=True, method=method, p=float(np.minimum(2 * self.p, 1)))
        low, high = found._ends(self.family)
        return replace(found, low=low, high=high)

    def against(self, value: float, se: float = 0.0, df: float = math.inf) -> Estimate:
        """The difference to `value`, which has a standard error `se` with `df` degrees of freedom.

        By the t distribution with the degrees of freedom of Welch and Satterthwaite; p is of no
        difference. It allows for looks as this interval does.
        """
        error = math.hypot(self.se, se)
        if not (math.isfinite(error) and error > 0):
            return unknown(self.value - value, "t", self.level)
        theirs = se**4 / df if math.isfinite(df) else 0.0
        return self._apart(value, error, error**4 / (self.se**4 / self.df + theirs))

    def against_one_run(self, value: float) -> Estimate:
        """The difference of this mean of n values to `value`, that of one run of somebody else.

        The run is taken to scatter as the n values do: se √(n + 1), by the t distribution of
        n − 1 degrees of freedom.
        """
        if not self.se > 0:
            return unknown(self.value - value, "t", self.level)
        return self._apart(value, self.se * math.sqrt(self.df + 2), self.df)

    def _apart(self, value: float, error: float, df: float) -> Estimate:
        """The difference to `value`, with its standard error and degrees of freedom."""
        gap = self.value - value
        low, high = stats.t.interval(self.level, df, gap, error)
        p = float(2 * stats.t.sf(abs(gap) / error, df))
        found = Estimate(gap, error, float(low), float(high), df, p, "t", self.level)
        return found.after_looks() if self.looked else found

    def to_json(self) -> dict[str, float | str | None]:
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
            if name != "looked" or value
        }

    def __str__(self) -> str:
        return (
            f"{number(self.value)} ({percent(self.level)}: {number(self.low)} to "
            f"{number(self.high)})"
        )


def _at_once(family: int) -> str:
    return f", simultaneous for {family}" * (family > 1)


def unknown(value: float, method: str, level: float = 0.95, df: float = 0) -> Estimate:
    """`value` without an interval: too few numbers, or none that scatter."""
    nan = math.nan
    return Estimate(value, nan, nan, nan, df, nan, method, level)


def rounding(y: Array) -> float:
    """The variance of one value below which differences between the y say nothing."""
    return (ROUNDING * float(np.abs(y).max(initial=1.0))) ** 2


def at_least_rounding(values: Array, size: float) -> Array:
    """`values` [n ≥ 2]; where they do not scatter, spread evenly by rounding about their mean.

    size: of the largest number involved. The standard error of the mean is then 1e-12 of it, or
    more, so that equal numbers are not taken for an exact measurement.
    """
    least = ROUNDING * max(size, 1.0) * math.sqrt(len(values))
    if not values.std(ddof=1) < least:
        return values
    ramp = np.linspace(-1.0, 1.0, len(values))
    spread: Array = values.mean() + ramp * (least / ramp.std(ddof=1))
    return spread
