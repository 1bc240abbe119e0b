"""Two one-sided Welch tests on a difference of means, and how many seeds they need.

equivalent: both one-sided tests reject at 5 % (less for repeated tests, see `stopping`), so
|difference| < margin is established.
different: |difference| > margin is established, by the same kind of test.
undecided: neither; the number of further seeds per arm is from the power calculation.

Several metrics are equivalent together if each is: that claim needs no correction (Berger 1982).
They differ if any one does: those p values are corrected by Holm's method.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.equivalence.power import seeds_needed
from analysis.equivalence.verdict import (
    ALPHA,
    DIFFERENT,
    EQUIVALENT,
    LEAST_SEEDS,
    UNDECIDED,
    plain,
)
from analysis.errors import AnalysisError, UnusableValues
from analysis.statistics.estimate import at_least_rounding
from analysis.statistics.means import beyond_p, tost_p, welch
from analysis.statistics.multiplicity import holm

__all__ = ["Tost", "jointly", "require_margin", "seeds_missing", "together", "tost"]


@dataclass(frozen=True)
class Tost:
    """The difference of two means, its 1 − 2·alpha interval, and the verdict for ± margin.

    p: of the equivalence test (the larger of the two one-sided p); p_different: of the test
    that |difference| > margin, computed at a difference equal to the margin; p_zero: of Welch's
    test of no difference, not used for the verdict. sd: standard deviation over seeds, pooled
    over both arms. se, df: standard error of the difference, and its degrees of freedom (Welch).
    alpha: level of the tests.
    """

    difference: float
    low: float
    high: float
    margin: float
    p: float
    p_different: float
    p_zero: float
    n: tuple[int, int]
    sd: float
    se: float
    df: float
    verdict: str
    alpha: float = ALPHA

    @property
    def claim_p(self) -> float:
        """Of the claim that it makes: equivalence or a difference, whichever is surer."""
        return min(self.p, self.p_different)

    def at(self, alpha: float) -> Tost:
        """The same test at another level."""
        low, high = stats.t.interval(1 - 2 * alpha, self.df, self.difference, self.se)
        verdict = _verdict(self.p, self.p_different, min(self.n), alpha)
        return replace(self, low=float(low), high=float(high), verdict=verdict, alpha=alpha)

    @property
    def needs(self) -> int | None:
        """Further seeds per arm for a power of 0.8 if the true difference is the observed one.

        None if decided, or beyond 1,000.
        """
        return seeds_missing([self])[0]

    @property
    def if_equal(self) -> int | None:
        """Further seeds per arm for a power of 0.8 if there is no difference."""
        return seeds_missing([self])[1]

    def to_json(self) -> dict[str, Any]:
        return plain(asdict(self) | {"needs": self.needs, "if_equal": self.if_equal})


def tost(first: ArrayLike, second: ArrayLike, margin: float, alpha: float = ALPHA) -> Tost:
    """Welch's TOST on mean(first) − mean(second), both sides at `margin` > 0 and level `alpha`.

    With fewer than five seeds per arm the verdict is always undecided.
    Errors: AnalysisError for fewer than two values per arm; UnusableValues for NaN.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    require_margin(margin)
    if min(len(a), len(b)) < 2:
        raise AnalysisError(
            f"an equivalence test needs at least two seeds an arm, not {len(a)} and {len(b)}"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise UnusableValues("an equivalence test needs finite values in every seed")
    sd = math.sqrt((float(a.var(ddof=1)) + float(b.var(ddof=1))) / 2)
    size = max(float(np.abs(a).max()), float(np.abs(b).max()))
    a, b = at_least_rounding(a, size), at_least_rounding(b, size)
    difference = welch(a, b, 1 - 2 * alpha)
    p, p_different = tost_p(a, b, margin), beyond_p(a, b, margin)
    return Tost(
        difference.value,
        difference.low,
        difference.high,
        margin,
        p,
        p_different,
        difference.p,
        (len(a), len(b)),
        sd,
        difference.se,
        difference.df,
        _verdict(p, p_different, min(len(a), len(b)), alpha),
        alpha,
    )


def require_margin(margin: float) -> None:
    """AnalysisError unless `margin` is finite and above zero."""
    if not (math.isfinite(margin) and margin > 0):
        raise AnalysisError(
            f"an equivalence margin must be a finite number above zero, not {margin:g}"
        )


def jointly(tests: Mapping[str, Tost]) -> dict[str, Tost]:
    """The tests with p_different corrected over all of them by Holm, and their verdicts."""
    corrected = holm(np.array([test.p_different for test in tests.values()]))
    return {
        name: replace(
            test, p_different=float(p), verdict=_verdict(test.p, float(p), min(test.n), test.alpha)
        )
        for (name, test), p in zip(tests.items(), corrected, strict=True)
    }


def together(tests: Mapping[str, Tost]) -> str:
    """Equivalent if every metric is, different if any is, undecided otherwise."""
    verdicts = {test.verdict for test in tests.values()}
    if verdicts == {EQUIVALENT}:
        return EQUIVALENT
    return DIFFERENT if DIFFERENT in verdicts else UNDECIDED


def _verdict(p: float, p_different: float, seeds: int, alpha: float) -> str:
    if seeds < LEAST_SEEDS:
        return UNDECIDED
    if p < alpha:
        return EQUIVALENT
    return DIFFERENT if p_different < alpha else UNDECIDED


def seeds_missing(tests: Sequence[Tost]) -> tuple[int | None, int | None]:
    """Further seeds per arm that decide all `tests` together with probability at least 0.8.

    The first number is for the observed differences, the second for no differences; both use the
    observed spread. (None, None) if they are decided; None for more than 1,000.
    """
    if together({str(i): test for i, test in enumerate(tests)}) != UNDECIDED:
        return None, None
    have = min(min(test.n) for test in tests)
    totals = (
        _joint(tests, [test.difference for test in tests]),
        _joint(tests, [0.0] * len(tests)),
    )
    seen, equal = (None if total is None else max(total - have, 1) for total in totals)
    return seen, equal


def _joint(tests: Sequence[Tost], differences: Sequence[float]) -> int | None:
    """Seeds per arm for all tests: one beyond its margin is enough, else all must be decided."""
    totals = [
        (
            abs(difference) > test.margin,
            seeds_needed(test.sd, test.margin, difference, len(tests), test.alpha),
        )
        for test, difference in zip(tests, differences, strict=True)
    ]
    beyond = [total for far, total in totals if far and total is not None]
    if any(far for far, _ in totals):
        return min(beyond, default=None)
    known = [total for _, total in totals if total is not None]
    return max(known) if len(known) == len(totals) else None
