"""Two one-sided tests: planted pairs, power, seeds that are missing, two metrics together."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind

from analysis.equivalence import (
    DIFFERENT,
    EQUIVALENT,
    UNDECIDED,
    Tost,
    seeds_needed,
    tost,
    tost_power,
)
from analysis.equivalence.tost import jointly, together
from analysis.equivalence.verdict import floor, said
from analysis.errors import AnalysisError


def test_tost_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 0.03, 6), rng.normal(0.02, 0.06, 9)
    p, _, _ = ttost_ind(a, b, -0.1, 0.1, usevar="unequal")
    assert tost(a, b, 0.1).p == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize(
    ("gap", "expected", "least"),
    [(0.0, EQUIVALENT, 0.95), (0.1, UNDECIDED, 0.88), (0.2, DIFFERENT, 0.95)],
)
def test_verdicts_of_planted_pairs(gap: float, expected: str, least: float) -> None:
    rng = np.random.default_rng(4)
    arms = zip(rng.normal(0, 0.04, (400, 8)), rng.normal(gap, 0.04, (400, 8)), strict=True)
    verdicts = Counter(tost(a, b, 0.1).verdict for a, b in arms)
    assert verdicts[expected] / 400 >= least
    if gap == 0.1:
        assert verdicts[EQUIVALENT] / 400 <= 0.08


def test_few_seeds_decide_nothing_but_say_how_many_are_missing() -> None:
    found = tost([0.0, 0.001, 0.002], [0.0, 0.001, 0.002], 0.1)
    assert (found.verdict, found.needs, found.if_equal) == (UNDECIDED, 2, 2)
    assert floor(UNDECIDED, 3) == "; fewer than 5 seeds an arm decide nothing"
    assert not floor(UNDECIDED, 5)
    assert not floor(EQUIVALENT, 5)


def test_seeds_missing_are_told_as_seen_and_for_true_equality() -> None:
    arms = np.array([-0.09, 0.0, 0.09, 0.05, -0.05]), np.array([-0.09, 0.0, 0.09, 0.05, -0.05])
    near = tost(arms[0] + 0.06, arms[1], 0.1)
    sd = float(np.std(arms[0], ddof=1))
    total, least = seeds_needed(sd, 0.1, 0.06), seeds_needed(sd, 0.1)
    assert total is not None
    assert least is not None
    assert (near.needs, near.if_equal) == (total - 5, least - 5)
    assert said(UNDECIDED, near.needs, near.if_equal) == (
        f"undecided (needs {total - 5} more seeds an arm; if the two are truly equal, "
        f"{least - 5} more)"
    )
    at_margin = tost(arms[0] + 0.0999, arms[1], 0.1)
    assert (at_margin.needs, at_margin.if_equal) == (None, least - 5)
    assert "more than 1,000 seeds an arm; if" in said(UNDECIDED, None, at_margin.if_equal)
    assert said(UNDECIDED, 1) == "undecided (needs 1 more seed an arm)"
    assert said(EQUIVALENT, 3, 3) == EQUIVALENT


@pytest.mark.parametrize(("sd", "low", "high"), [(0.019, 16, 19), (0.048, 95, 103)])
def test_seeds_needed_for_a_margin_of_two_per_cent(sd: float, low: int, high: int) -> None:
    needed = seeds_needed(sd, 0.02)
    assert needed is not None
    assert low <= needed <= high
    assert tost_power(sd, 0.02, needed) >= 0.8 > tost_power(sd, 0.02, needed - 1)
    assert seeds_needed(0.05, 0.1, difference=0.0999) is None


@pytest.mark.parametrize("sd", [0.0, 0.001, 0.015, 0.03])
def test_a_stricter_level_never_needs_fewer_seeds(sd: float) -> None:
    """Where the margin is dozens of standard errors the power is 1, at every number of seeds."""
    needed = [seeds_needed(sd, 0.1, alpha=0.05 / tests) for tests in range(1, 41)]
    known = [one for one in needed if one is not None]
    assert known == sorted(needed, key=lambda one: math.inf if one is None else one)
    assert (known[0], known[-1] <= 7) == (5, True)
    powers = np.array([tost_power(sd, 0.1, n, alpha=0.05 / 13) for n in range(7, 1001, 7)])
    assert (np.diff(powers) >= -1e-9).all()
    assert powers[-1] == pytest.approx(1)


@pytest.mark.parametrize(("n", "gap"), [(10, 0.0), (12, 0.04), (15, 0.16)])
def test_power_is_what_simulation_gives(n: int, gap: float) -> None:
    rng = np.random.default_rng(2)
    arms = zip(rng.normal(0, 0.06, (1500, n)), rng.normal(gap, 0.06, (1500, n)), strict=True)
    wanted = EQUIVALENT if gap < 0.1 else DIFFERENT
    share = np.mean([tost(a, b, 0.1).verdict == wanted for a, b in arms])
    assert share == pytest.approx(tost_power(0.06, 0.1, n, gap), abs=0.04)


@pytest.mark.parametrize(
    ("a", "b", "margin"),
    [([1.0], [1.0, 2.0], 0.1), ([1.0, np.nan], [1.0, 2.0], 0.1), ([1.0, 2.0], [1.0, 2.0], 0.0)],
)
def test_tost_refuses_what_it_cannot_test(a: list[float], b: list[float], margin: float) -> None:
    with pytest.raises(AnalysisError):
        tost(a, b, margin)


def apart(rng: np.random.Generator, gaps: tuple[float, float], n: int) -> dict[str, Tost]:
    return {
        str(i): tost(rng.normal(0, 0.04, n), rng.normal(gap, 0.04, n), 0.1)
        for i, gap in enumerate(gaps)
    }


@pytest.mark.parametrize("n", [5, 12])
def test_two_metrics_at_the_margin_are_called_different_in_five_per_cent_at_most(n: int) -> None:
    rng = np.random.default_rng(6)
    tests = [apart(rng, (0.1, -0.1), n) for _ in range(1500)]
    plain = np.mean([together(one) == DIFFERENT for one in tests])
    corrected = np.mean([together(jointly(one)) == DIFFERENT for one in tests])
    assert plain > 0.08
    assert corrected <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 1500)
    assert np.mean([together(jointly(one)) == EQUIVALENT for one in tests]) <= 0.05


def test_a_pair_that_differs_is_still_found_after_the_correction() -> None:
    rng = np.random.default_rng(6)
    found = [together(jointly(apart(rng, (0.0, 0.25), 8))) for _ in range(200)]
    assert np.mean([one == DIFFERENT for one in found]) > 0.95


def test_a_difference_far_below_its_noise_is_no_difference_beyond_a_small_margin() -> None:
    """Both tails count: without the second, a tiny margin is exceeded in 10 % of cases."""
    rng = np.random.default_rng(3)
    found = [tost(rng.normal(0, 1, 8), rng.normal(0, 1, 8), 1e-3).verdict for _ in range(1500)]
    assert np.mean([one == DIFFERENT for one in found]) <= 0.05 + 2 * np.sqrt(0.0475 / 1500)


@pytest.mark.parametrize("gap", [0.0, 0.03])
def test_the_seeds_that_are_missing_decide_both_metrics_together(gap: float) -> None:
    """Each alone at 0.8 would decide both in 0.64 of sweeps."""
    single, both = seeds_needed(0.1, 0.1, gap), seeds_needed(0.1, 0.1, gap, tests=2)
    assert single is not None
    assert both is not None
    assert both > single
    rng = np.random.default_rng(1)
    joint = [
        together(
            jointly(
                {
                    str(i): tost(rng.normal(0, 0.1, both), rng.normal(gap, 0.1, both), 0.1)
                    for i in (0, 1)
                }
            )
        )
        for _ in range(400)
    ]
    assert 0.8 <= np.mean([one == EQUIVALENT for one in joint]) <= 0.9
    assert tost_power(0.1, 0.1, single, gap) ** 2 < 0.75


def test_the_power_has_two_arms_of_degrees_of_freedom() -> None:
    """2 (n − 1) of them, against the noncentral t of Phillips (1990) worked out by hand."""
    n, sd, margin = 3, 0.03, 0.1
    se, df = sd * np.sqrt(2 / n), 2 * n - 2
    critical = stats.t.ppf(0.95, df)
    assert tost_power(sd, margin, n) == pytest.approx(
        2 * stats.nct.sf(critical, df, margin / se) - 1, rel=1e-9
    )
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, sd, (2, 20000, n))
    spread = np.sqrt((a.var(1, ddof=1) + b.var(1, ddof=1)) / n)
    decided = (margin - np.abs(a.mean(1) - b.mean(1))) / spread > critical
    assert decided.mean() == pytest.approx(tost_power(sd, margin, n), abs=0.01)
