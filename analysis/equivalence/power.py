"""The power of an equivalence test, and the number of seeds that it needs.

The power of two one-sided tests together is at least the sum of their powers minus one (Phillips
1990, Journal of Pharmacokinetics 18, 137). The noncentral t is SciPy's: statsmodels' power of one
t test is NaN at some numbers of seeds from 36 standard errors on.
"""

from __future__ import annotations

import math

from scipy import stats

from analysis.equivalence.verdict import ALPHA, LEAST_SEEDS

__all__ = ["seeds_needed", "tost_power"]

MOST_SEEDS = 1000
POWER = 0.8
CERTAIN = 1000.0  # standard errors, beyond which the noncentral t distribution is not computed


def tost_power(
    sd: float, margin: float, seeds: int, difference: float = 0.0, alpha: float = ALPHA
) -> float:
    """Probability of the right verdict with `seeds` seeds per arm.

    That is *equivalent* if the difference is within the margin, and *different* if beyond it.

    Both arms have standard deviation `sd` and 2(n − 1) degrees of freedom.
    """
    if abs(difference) > margin:
        return _one_sided((abs(difference) - margin) / max(sd, 1e-12), seeds, alpha)
    sides = [
        _one_sided((margin + sign * difference) / max(sd, 1e-12), seeds, alpha) for sign in (1, -1)
    ]
    return max(0.0, sum(sides) - 1)


def _one_sided(effect: float, seeds: int, alpha: float) -> float:
    """Power of a one-sided t test of two arms that are `effect` standard deviations apart."""
    df, errors = 2 * (seeds - 1), min(effect * math.sqrt(seeds / 2), CERTAIN)
    return float(stats.nct.sf(stats.t.isf(alpha, df), df, errors))


def seeds_needed(
    sd: float, margin: float, difference: float = 0.0, tests: int = 1, alpha: float = ALPHA
) -> int | None:
    """Seeds per arm for a power of 0.8, at least five; None if more than 1,000.

    tests: how many metrics must be decided together. For *equivalent* all must be, so each may
    fail with probability 0.2/tests (Bonferroni, valid for any dependence); for *different* one
    is enough, at Holm's level alpha/tests.
    """
    far = abs(difference) > margin
    alpha = alpha / tests if far else alpha
    wanted = POWER if far else 1 - (1 - POWER) / tests
    if tost_power(sd, margin, MOST_SEEDS, difference, alpha) < wanted:
        return None
    low, high = LEAST_SEEDS - 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        enough = tost_power(sd, margin, middle, difference, alpha) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return high
