"""Means over seeds: their t interval, paired and Welch's differences, equivalence, effect size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.meta_analysis import effectsize_smd
from statsmodels.stats.multivariate import test_mvmean as mean_vector_test
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttest_ind, ttost_ind

from analysis.statistics.estimate import ROUNDING, Estimate, at_least_rounding, rounding, unknown
from analysis.statistics.regression import FTest

__all__ = [
    "PAIRED",
    "WELCH",
    "beyond_p",
    "hedges",
    "hedges_paired",
    "hotelling",
    "mean_band",
    "mean_estimate",
    "paired",
    "proportion_interval",
    "sum_of_means",
    "tost_p",
    "welch",
]

Array = NDArray[np.float64]
PAIRED = "paired t"
WELCH = "Welch"
PAIRED_EFFECT = "Hedges' g of pairs, by the average sd"


def mean_estimate(values: Array, method: str, level: float = 0.95) -> Estimate:
    """The t interval of the mean of independent values, one a seed: n − 1 degrees of freedom."""
    n = len(values)
    if n < 2:
        return unknown(float(np.mean(values)), method, level)
    described = DescrStatsW(at_least_rounding(values, float(np.abs(values).max())))
    low, high = described.tconfint_mean(alpha=1 - level)
    _, p, df = described.ttest_mean(0)
    se = float(described.std_mean)
    return Estimate(
        float(np.mean(values)), se, float(low), float(high), float(df), float(p), method, level
    )


def mean_band(values: Array, level: float = 0.95) -> tuple[Array, Array]:
    """The t intervals of the means of the columns of values [n ≥ 2, m]: lower and upper ends."""
    low, high = DescrStatsW(values).tconfint_mean(alpha=1 - level)
    return low, high


def hotelling(values: Array, size: float) -> FTest | None:
    """Hotelling's T² as an F test that the mean of independent rows [n, p] is zero, p < n.

    size: of the largest number that the values were computed from. None where some combination
    of the columns scatters by no more than the rounding of such numbers.
    """
    n, p = values.shape
    scatter = np.linalg.svd(values - values.mean(axis=0), compute_uv=False)[min(n - 1, p) - 1]
    if scatter <= ROUNDING * max(size, 1.0):
        return None
    if p == 1:  # statsmodels wants a matrix of covariances
        one = mean_estimate(values[:, 0], "t")
        return FTest((one.value / one.se) ** 2, (1, n - 1), one.p)
    found = mean_vector_test(values)
    return FTest(float(found.statistic), (p, n - p), float(found.pvalue))


def paired(a: Array, b: Array, level: float = 0.95) -> Estimate:
    """mean(a − b) with its t interval; a and b [n] are in the same order of seeds.

    What seeds share (initialisation, order of examples, noise) cancels. NaN with fewer than two
    pairs, and where all differences are equal: they say nothing of what another seed would give.
    """
    differences = a - b
    least = np.sqrt(rounding(np.concatenate([a, b])))
    if len(differences) < 2 or np.ptp(differences) <= least:
        return unknown(float(differences.mean()), PAIRED, level)
    return mean_estimate(differences, PAIRED, level)


def welch(a: Array, b: Array, level: float = 0.95) -> Estimate:
    """mean(a) − mean(b) with Welch's interval (Welch 1947), variances unequal.

    NaN with fewer than two values a side, and where neither side scatters: equal numbers say
    nothing of what another seed would give.
    """
    value = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2 or (np.ptp(a) == 0 and np.ptp(b) == 0):
        return unknown(value, WELCH, level)
    return _welch(a, b, level)


def _welch(a: Array, b: Array, level: float) -> Estimate:
    means = CompareMeans(DescrStatsW(a), DescrStatsW(b))
    low, high = means.tconfint_diff(alpha=1 - level, usevar="unequal")
    _, p, df = means.ttest_ind(usevar="unequal")
    return Estimate(
        float(a.mean() - b.mean()),
        float(means.std_meandiff_separatevar),
        float(low),
        float(high),
        float(df),
        float(p),
        WELCH,
        level,
    )


def sum_of_means(groups: Sequence[Array], method: str, level: float = 0.95) -> Estimate:
    """Σ mean(values) over groups of independent values, variances unequal.

    The variance is Σ s²/n, with the degrees of freedom of Welch and Satterthwaite. NaN with fewer
    than two values in a group, and where none scatters: see `welch`.
    """
    value = float(sum(values.mean() for values in groups))
    if min(map(len, groups)) < 2:
        return unknown(value, method, level)
    parts = np.array([values.var(ddof=1) / len(values) for values in groups])
    df = np.array([len(values) - 1 for values in groups])
    variance = float(parts.sum())
    if variance <= rounding(np.concatenate(groups)):
        return unknown(value, method, level)
    se, freedom = math.sqrt(variance), variance**2 / float((parts**2 / df).sum())
    low, high = stats.t.interval(level, freedom, value, se)
    p = float(2 * stats.t.sf(abs(value) / se, freedom))
    return Estimate(value, se, float(low), float(high), freedom, p, method, level)


def tost_p(a: Array, b: Array, margin: float) -> float:
    """p of two one-sided Welch tests that |mean(a) − mean(b)| < margin (Schuirmann 1987)."""
    p, _, _ = ttost_ind(a, b, -margin, margin, usevar="unequal")
    return float(p)


def beyond_p(a: Array, b: Array, margin: float) -> float:
    """p of Welch's test that |mean(a) − mean(b)| > margin.

    Both tails count: the chance of a difference as large as the one seen, in either direction,
    if the true one is just the margin.
    """
    larger, smaller = (a, b) if a.mean() >= b.mean() else (b, a)
    tails = [
        ttest_ind(larger, smaller, alternative="larger", usevar="unequal", value=value)[1]
        for value in (margin, -margin)
    ]
    return min(1.0, float(sum(tails)))


def hedges(a: Array, b: Array, level: float = 0.95) -> Estimate:
    """Hedges' g: mean(a) − mean(b) in pooled standard deviations, corrected for few values.

    The variance is n/(n₁n₂) + g²/(2(n − 3.94)), n = n₁ + n₂, with a normal interval (Borenstein
    2009). NaN with fewer than two values a side, and where neither side scatters.
    """
    n, m = len(a), len(b)
    if min(n, m) < 2 or (np.ptp(a) == 0 and np.ptp(b) == 0):
        return unknown(math.nan, "Hedges' g", level)
    g, variance = (
        float(part)
        for part in effectsize_smd(a.mean(), a.std(ddof=1), n, b.mean(), b.std(ddof=1), m)
    )
    se = math.sqrt(variance)
    low, high = stats.norm.interval(level, g, se)
    p = float(2 * stats.norm.sf(abs(g) / se))
    return Estimate(g, se, float(low), float(high), n + m - 2, p, "Hedges' g", level)


def hedges_paired(a: Array, b: Array, level: float = 0.95) -> Estimate:
    """Hedges' g_av of pairs a, b [n]: mean(a − b) in the average standard deviation of one seed.

    d_av = mean(a − b)/s with s² the mean of the variances of a and b, which the correlation of
    the pairs does not enter (Cumming 2012; Lakens 2013, Frontiers in Psychology 4, 863), corrected
    for few values as `hedges`. Its variance is that of Bonett 2008 (Psychological Methods 13, 99).
    NaN with fewer than three pairs, and where the differences do not scatter.
    """
    n, differences = len(a), a - b
    if n < 3 or np.ptp(differences) == 0:
        return unknown(math.nan, PAIRED_EFFECT, level)
    (first, shared), (_, second) = np.cov(a, b)
    variance = (first + second) / 2
    d = float(differences.mean() / math.sqrt(variance))
    apart = float(differences.var(ddof=1)) / variance
    spread = (first**2 + second**2 + 2 * shared**2) / variance**2
    few = 1 - 3 / (4 * (n - 1) - 1)
    g, se = few * d, few * math.sqrt(apart / n + d**2 * spread / (8 * (n - 1)))
    low, high = stats.norm.interval(level, g, se)
    p = float(2 * stats.norm.sf(abs(g) / se))
    return Estimate(g, se, float(low), float(high), n - 1, p, PAIRED_EFFECT, level)


def proportion_interval(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a proportion of which `hits` in `n` were seen (Clopper-Pearson)."""
    low, high = proportion_confint(hits, n, alpha=1 - level, method="beta")
    return float(low), float(high)
