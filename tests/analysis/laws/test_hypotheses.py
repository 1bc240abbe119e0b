"""Hypotheses on ν: planted values are kept, others rejected, and each test covers what it says."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import published
from analysis.errors import AnalysisError
from analysis.figures.drawing.claims import interval
from analysis.laws.hypotheses import against, linear_exponent
from analysis.laws.linear_theory import kl
from analysis.laws.powerlaw import Law, fit, fit_xy
from analysis.laws.prediction import prediction
from analysis.published.exponents import exponent_beside
from analysis.sources.schema import Spectrum
from analysis.statistics.means import mean_estimate
from tests.analysis.laws.test_scaling import SIGMA, at_rest, sweep


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


def test_one_seed_has_no_test_over_seeds() -> None:
    x = np.array([0.03, 0.06, 0.12, 0.24])
    rows = pd.DataFrame({"sigma": x, "test/kl": x**-0.7 * [1, 1.1, 0.9, 1], "seed": 0})
    law = fit(rows.assign(status="finished", role="declared"), Law())
    found = against(law, 0.5, "0.5")
    assert math.isnan(found.difference.p)
    assert f"is not tested: difference {law.nu - 0.5:.3f}" in found.sentence()
    assert "; fewer than two seeds; as given" in found.sentence()
    assert interval(law) == f"{law.nu:.2f} (one seed)"
    rows = rows.assign(status="finished", role="declared", sigma=5 * x)
    beside = exponent_beside(rows, "s1_table1", Law())
    assert "a difference without an error: one seed" in beside.sentence()
    assert "95 %" not in beside.sentence()


def test_a_curve_without_seeds_has_no_test_and_ones_own_no_shape() -> None:
    values = published.table("s1_table1")
    own = fit_xy(values["sigma"], values["kl"], Law("sigma", "test/kl"))
    assert not own.published
    assert not own.bends
    assert "In this one curve" in own.sentence()
    assert "The training length is unknown" in own.sentence()
    assert math.isnan(against(own, 1.0, "1").difference.p)
    theirs = against(published.law("s1_table1"), 1.0, "1")
    assert math.isnan(theirs.difference.p)
    assert "is not tested" in theirs.sentence()


def test_a_published_curve_is_one_run_and_scatters_like_ours() -> None:
    """Its test is that of one more seed: the prediction interval of Student's t."""
    law, theirs = fit(one(), Law()), published.law("s1_table1")
    exact = against(law, theirs.nu, "published").difference
    found = against(law, theirs.nu, "published", one_run=True).difference
    assert found.se == pytest.approx(law.se * math.sqrt(4 + 1))
    assert found.df == exact.df == 3
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.value) / found.se, 3))
    new = prediction(law)
    assert new
    assert found.high - found.low == pytest.approx(new.nu.high - new.nu.low)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_a_run_of_the_same_process_is_called_different_as_often_as_the_level_says(
    seeds: int,
) -> None:
    drawn = np.random.default_rng(seeds).standard_normal((2000, seeds + 1))
    p = [mean_estimate(row[1:], "t").against_one_run(row[0]).p for row in drawn]
    assert 0.035 <= np.mean(np.array(p) < 0.05) <= 0.065


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


@pytest.mark.parametrize(
    ("fall", "verdict", "ends"),
    [
        (0.0, " is rejected: difference −", ")."),
        (0.001, " is rejected: difference −", "after 100 epochs, when the law is drifting."),
        (
            0.02,
            " is not decided: difference −",
            "no claim, for the law is not trained after 100 epochs.",
        ),
        (None, " is rejected: difference −", "as given, training length unknown."),
    ],
)
def test_training_licenses_the_verdict(fall: float | None, verdict: str, ends: str) -> None:
    frame = one()
    history = None if fall is None else at_rest(frame, fall)
    found = against(fit(frame, Law(), history=history), 1.5, "1.5")
    said = found.sentence()
    assert f" and 1.500){verdict}" in said
    assert said.endswith(ends)
    assert ("epochs" in said) == (fall in (0.001, 0.02))
    assert json.dumps(found.to_json(), allow_nan=False)


def test_a_published_curve_says_that_its_convergence_is_unknown() -> None:
    found = against(published.law("s1_table1"), 1.0, "1")
    assert found.sentence().endswith("; as published, convergence unknown.")
    assert found.to_json()["training"] == "published"
