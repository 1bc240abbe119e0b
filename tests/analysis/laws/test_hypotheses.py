"""Hypotheses on ν: planted values are kept, others rejected, and each test covers what it says."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import published
from analysis.errors import AnalysisError
from analysis.laws.hypotheses import against, equal_exponents, linear_exponent
from analysis.laws.linear_theory import kl
from analysis.laws.powerlaw import Law, fit
from analysis.sources.schema import Spectrum
from tests.analysis.laws.test_scaling import SIGMA, sweep


def one(seeds: int = 4) -> pd.DataFrame:
    return sweep(seeds=seeds).query("d_z == 10")


def test_a_given_value_is_tested_by_the_t_test_of_per_seed_slopes() -> None:
    frame = one()
    law = fit(frame, Law())
    nus = [
        -np.polyfit(np.log(SIGMA), np.log(rows["test/kl"]), 1)[0]
        for _, rows in frame.groupby("seed")
    ]
    wrong, right = against(law, 1.15, "1.15"), against(law, 1.0, "1")
    assert wrong.difference.p == pytest.approx(stats.ttest_1samp(nus, 1.15).pvalue)
    assert "ν = 1.15 (" in wrong.sentence()
    assert "is rejected" in wrong.sentence()
    assert "is not rejected, which does not prove it" in right.sentence()
    assert json.dumps(wrong.to_json(), allow_nan=False)


def test_a_published_value_brings_its_own_error() -> None:
    law, theirs = fit(one(), Law()), published.law("s1_table1")
    exact = against(law, theirs.nu, "published")
    found = against(law, theirs.nu, "published", theirs.se, theirs.exponent.df)
    assert found.difference.se == pytest.approx(np.hypot(law.se, theirs.se))
    assert found.difference.p > exact.difference.p
    assert theirs.exponent.df <= found.difference.df <= theirs.exponent.df + law.exponent.df


def test_the_linear_theory_has_an_exponent_on_the_same_sigmas() -> None:
    spectrum = Spectrum("planted", "c0ffee", 64, 2.0 * np.arange(1, 65.0) ** -1.0)
    frame = one().assign(**{"test/kl": lambda f: kl(spectrum.eigenvalues, f["sigma"], 10)})
    rng = np.random.default_rng(3)
    frame["test/kl"] *= np.exp(0.01 * rng.standard_normal(len(frame)))
    law = fit(frame, Law())
    value = linear_exponent(law, spectrum, 10)
    assert value == pytest.approx(law.nu, abs=0.02)
    assert "is not rejected" in against(law, value, "linear").sentence()
    small = Spectrum("small", "c0ffee", 64, 0.01 * spectrum.eigenvalues)
    with pytest.raises(AnalysisError, match="collapses within the fitted range"):
        linear_exponent(law, small, 10)


@pytest.mark.parametrize(("trend", "rejected"), [(0.0, 0), (0.1, 6)])
def test_equal_exponents_are_one_family_of_pairs(trend: float, rejected: int) -> None:
    found = equal_exponents(sweep(trend=trend, seeds=6), Law(), "d_z")
    said = [pair.sentence() for pair in found.pairs]
    assert len(said) == 6
    assert sum("is rejected" in text for text in said) == rejected
    assert all("paired t, simultaneous for 6" in text for text in said)
    assert json.dumps(found.to_json(), allow_nan=False)


def test_disjoint_seeds_are_compared_by_welch() -> None:
    frame = sweep().assign(seed=lambda f: f["seed"] + 10 * f["d_z"])
    assert "Welch" in equal_exponents(frame, Law(), "d_z").pairs[0].sentence()
