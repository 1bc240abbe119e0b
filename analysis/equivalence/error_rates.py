"""What intervals cover and how often each test errs, by simulation: ours, and what they replace.

    python -m analysis.equivalence.error_rates [SWEEPS]

simulates sweeps whose law is straight, with seeds that scatter as they were measured to on digits
(`MEASURED`) and with independent noise (`INDEPENDENT`), and prints in per cent

    coverage          of the 95 % interval of ν: over seeds (now), over rows by OLS (before)
    bend ... influence  sweeps in which a test at 5 % finds what is not there: by the scatter
                      between seeds (now), by the residuals of rows (before)
    any of shape      sweeps in which bend, lack of fit or influence is found: each is at 5 %
    trend             sweeps of five d_z with disjoint seeds in which ν is found to depend on d_z:
                      by the scatter between seeds (now), by weights 1/se² (before)
    equivalence       sweeps with four pairs, each exactly the margin apart, in which any is called
    family            equivalent: corrected by Holm (now), each pair at 5 % (before)
    published ν       sweeps that are called different from a published run of the same law, by ν
    published value   or by one value: the run scatters as ours do (now), or is exact (before)

The family errs in 2.5 to 2.9 % of sweeps where seeds scatter as measured, and in 4 to 5 % where
noise is independent. A pair alone errs in 5 %, so that is not its two one-sided tests: all pairs
of a seed move together, and four tests at 1.25 % that err in the same sweeps do not add up to 5 %.
It is Holm's price for holding under any dependence, and is left. Permutations cannot replace it:
the least p of a test that flips the signs of seeds is 1/4 with three and 1/16 with five (Westfall
and Young 1993). A step-down test by the joint distribution would have to estimate, from five
seeds, how all tests of a report depend on each other (laws, trends, comparisons, and pairs whose
seeds overlap in part).

The checks of one law's shape are three tests at 5 % and are not corrected together: a straight law
gets one doubt or more in 11 to 14 % of sweeps. Holm's method over the three would bring that to
5 %, and would find a bend of twice the scatter of seeds in 18 instead of 45 % of sweeps of three
seeds, in 65 instead of 89 % of five.

The trend errs in 2 to 3 % of sweeps with two seeds at each d_z, where Welch's test is
conservative, and in 3 to 5 % from three seeds on; a variance pooled over the d_z would err in 5 %,
and in up to 15 % where seeds scatter more at some d_z than at others.

then the coverage of other intervals of ν, and that of a sweep that adds seeds until its interval
is narrow: of all sweeps, and of those that got as narrow as was asked within their budget. The
interval allows for the looks (`analysis.laws.added_seeds`): it covers 95 to 98 % of all, and 93 to
98 % of the others where at least six in ten get there. Of these, five times as many sweeps.
"""

from __future__ import annotations

import sys
from dataclasses import asdict

import numpy as np
import pandas as pd

from analysis.equivalence.family_errors import false_equivalents
from analysis.laws.coverage import (
    ANY,
    INDEPENDENT,
    MEASURED,
    SIGMA,
    TESTS,
    Seeds,
    cover_until,
    errors,
    headline,
    intervals,
    over_rows,
    published_errors,
    simulate,
)
from analysis.laws.residual_tests import residual_errors
from analysis.laws.trend_errors import trend_errors
from analysis.statistics.means import proportion_interval

__all__ = ["table", "until_table"]

NOISES = {"measured": MEASURED, "independent": INDEPENDENT}
UNTIL = {
    "measured": tuple(
        (width, most) for most in (20, 15, 12, 8, 5) for width in (0.04, 0.03, 0.02, 0.015, 0.0125)
    ),
    "independent": tuple((width, most) for most in (20, 8) for width in (0.015, 0.011, 0.0075)),
}  # half-widths, and the most seeds
PAIRS, MARGIN = [1, 3, 5, 7], 0.10  # the σ of the pairs, by their place in the grid
TREND, TRENDED = "trend", 5  # over so many values of d_z
FAMILY = "equivalence family"
PUBLISHED = ("published ν", "published value")


def table(sweeps: int = 4000, counts: tuple[int, ...] = (1, 2, 3, 5, 10)) -> pd.DataFrame:
    """In per cent, by noise and number of seeds; NaN where there is no interval or no test.

    Columns: each quantity before and now.
    """
    return pd.DataFrame(
        {
            f"{noise} noise, {seeds} seed{'s' * (seeds > 1)}": _rates(how, seeds, sweeps)
            for noise, how in NOISES.items()
            for seeds in counts
        }
    ).T.mul(100)


def _rates(how: Seeds, seeds: int, sweeps: int) -> dict[tuple[str, str], float]:
    rng = np.random.default_rng(seeds)
    y, other = (simulate(how, seeds, sweeps, rng) for _ in range(2))
    before, now = residual_errors(np.log(SIGMA), y), errors(y)
    before["coverage"], now["coverage"] = over_rows(y, how.nu), headline(y, how.nu)
    arms = y[..., PAIRS], other[..., PAIRS] + MARGIN
    before[FAMILY], now[FAMILY] = false_equivalents(arms, MARGIN)
    exact, one_run = published_errors(y, simulate(how, 1, sweeps, rng)[:, 0])
    before, now = before | exact, now | one_run
    widths = np.stack([simulate(how, seeds, sweeps, rng) for _ in range(TRENDED)])
    before[TREND], now[TREND] = trend_errors(np.log(SIGMA), widths)
    names = ("coverage", *TESTS, ANY, TREND, FAMILY, *PUBLISHED)
    sides = {"before": before, "now": now}
    return {
        (name, side): rates[name]
        for name in names
        for side, rates in sides.items()
        if name in rates
    }


def until_table(sweeps: int = 4000) -> pd.DataFrame:
    """Sweeps that add seeds until the interval of ν is narrow; shares in per cent.

    coverage: of all; met: of those that got as narrow as was asked; reached: how many these are.
    """
    rows = {
        f"{noise} noise, until ± {width:g}, at most {most} seeds": asdict(
            cover_until(width, most=most, sweeps=sweeps, how=how)
        )
        for noise, how in NOISES.items()
        for width, most in UNTIL[noise]
    }
    found = pd.DataFrame(rows).T
    found[["coverage", "met", "reached"]] = (
        found[["coverage", "met", "reached"]].astype(float) * 100
    )
    return found


def _main(sweeps: int) -> None:
    low, high = proportion_interval(round(0.95 * sweeps), sweeps)
    shown = [
        table(sweeps).round(1).to_string(na_rep="none"),
        "none: no interval or trend over one seed, no test of shape below three, of equivalence "
        "below five",
        "equivalence family: where pairs share seeds (measured noise) Holm is conservative",
        intervals(sweeps).to_string(),
        until_table(5 * sweeps).round(1).to_string(na_rep="none"),
        f"95 % seen in {sweeps} sweeps: {100 * low:.1f} to {100 * high:.1f} %",
    ]
    sys.stdout.write("\n\n".join(shown) + "\n")


if __name__ == "__main__":
    _main(int(sys.argv[1]) if sys.argv[1:] else 4000)
