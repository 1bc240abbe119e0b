"""Two one-sided Welch tests on a difference of means, and how many seeds they need.

equivalent: both one-sided tests reject at 5 %, so |difference| < margin is established.
different: |difference| > margin is established, by the same kind of test.
undecided: neither; the number of further seeds an arm comes from the power calculation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.equivalence.verdict import DIFFERENT, EQUIVALENT, UNDECIDED
from analysis.errors import AnalysisError, UnusableValues

__all__ = ["LEAST_SEEDS", "Tost", "seeds_needed", "tost", "tost_power"]

LEAST_SEEDS = 5
MOST_SEEDS = 1000
ALPHA = 0.05
POWER = 0.8


@dataclass(frozen=True)
class Tost:
    """The difference of two means, its 90 % interval, and the verdict for ± margin.

    p: of the equivalence test (the larger of the two one-sided p); p_different: of the test
    that |difference| > margin; p_zero: Welch's test of no difference, which decides nothing.
    needs: further seeds an arm for a power of 0.8 if the difference is as it was seen, and
    if_equal: if there is none; None if decided or beyond 1,000.
    """

    difference: float
    low: float
    high: float
    margin: float
    p: float
    p_different: float
    p_zero: float
    n: tuple[int, int]
    verdict: str
    needs: int | None
    if_equal: int | None


def tost(first: ArrayLike, second: ArrayLike, margin: float) -> Tost:
    """Welch's TOST on mean(first) − mean(second), both sides at `margin` > 0.

    Below five seeds an arm nothing is called equivalent or different: the verdict is undecided.
    Errors: AnalysisError for fewer than two values an arm; UnusableValues for NaN.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if not margin > 0:
        raise AnalysisError(f"an equivalence margin must be above zero, not {margin:g}")
    if min(len(a), len(b)) < 2:
        raise AnalysisError(f"an equivalence test needs at least two seeds an arm, not {len(a)} "
                            f"and {len(b)}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise UnusableValues("an equivalence test needs finite values in every seed")
    difference, se, df = _welch(a, b)
    p = float(max(stats.t.sf((difference + margin) / se, df),
                  stats.t.cdf((difference - margin) / se, df)))
    p_different = float(min(1.0, stats.t.sf((abs(difference) - margin) / se, df)))
    half = float(stats.t.ppf(1 - ALPHA, df)) * se
    verdict = _verdict(p, p_different, min(len(a), len(b)))
    needs, if_equal = ((None, None) if verdict != UNDECIDED else
                       (_needs(a, b, margin, gap) for gap in (difference, 0.0)))
    return Tost(difference, difference - half, difference + half, margin, p, p_different,
                float(2 * stats.t.sf(abs(difference) / se, df)), (len(a), len(b)), verdict,
                needs, if_equal)


def _welch(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Difference, standard error (at least rounding) and Welch-Satterthwaite df."""
    difference = float(a.mean() - b.mean())
    floor = (1e-12 * max(1.0, float(np.abs(a).max()), float(np.abs(b).max()))) ** 2
    va = max(float(a.var(ddof=1)) / len(a), floor)
    vb = max(float(b.var(ddof=1)) / len(b), floor)
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return difference, math.sqrt(va + vb), df


def _verdict(p: float, p_different: float, seeds: int) -> str:
    if seeds < LEAST_SEEDS:
        return UNDECIDED
    if p < ALPHA:
        return EQUIVALENT
    return DIFFERENT if p_different < ALPHA else UNDECIDED


def _needs(a: np.ndarray, b: np.ndarray, margin: float, difference: float) -> int | None:
    """Further seeds an arm, if the spread is as it was seen."""
    sd = math.sqrt((float(a.var(ddof=1)) + float(b.var(ddof=1))) / 2)
    total = seeds_needed(sd, margin, difference)
    return None if total is None else max(total - min(len(a), len(b)), 1)


def tost_power(sd: float, margin: float, seeds: int, difference: float = 0.0) -> float:
    """Chance that `seeds` an arm decide: equivalent within the margin, different beyond it.

    Both arms have standard deviation `sd` and 2(n − 1) degrees of freedom.
    """
    df, se = 2 * (seeds - 1), max(sd, 1e-12) * math.sqrt(2 / seeds)
    critical = float(stats.t.ppf(1 - ALPHA, df))
    if abs(difference) > margin:
        return float(stats.nct.sf(critical, df, min((abs(difference) - margin) / se, 37.0)))
    upper = stats.nct.sf(critical, df, min((margin + difference) / se, 37.0))
    lower = stats.nct.sf(critical, df, min((margin - difference) / se, 37.0))
    return float(max(0.0, upper + lower - 1))


def seeds_needed(sd: float, margin: float, difference: float = 0.0) -> int | None:
    """Seeds an arm for a power of 0.8, at least five; None if more than 1,000."""
    if tost_power(sd, margin, MOST_SEEDS, difference) < POWER:
        return None
    low, high = LEAST_SEEDS - 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        enough = tost_power(sd, margin, middle, difference) >= POWER
        low, high = (low, middle) if enough else (middle, high)
    return high
