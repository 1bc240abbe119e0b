"""The papers' tables: their values, and the laws that must follow from them."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import norm

from analysis import published
from analysis.errors import AnalysisError
from analysis.laws.law import Law
from analysis.laws.powerlaw import fit_xy
from analysis.published.errata import CLAMPED


@pytest.mark.parametrize("name", published.names())
def test_every_table_reads_and_says_where_it_is_from(name: str) -> None:
    table, entry = published.table(name), published.about(name)
    assert len(table)
    assert not table.isna().any().any()
    assert entry.arxiv in {"2005.09047", "2007.15130", "1511.06406"}
    assert entry.units
    assert entry.paper
    for column in (entry.x, entry.y):
        assert column is None or column in table


def test_sigma_law_of_table_1() -> None:
    law = published.law("s1_table1")
    assert (law.nu, law.se, law.r2) == pytest.approx((1.151, 0.046, 0.989), abs=5e-4)
    assert law.p == pytest.approx(4.3e-8, rel=0.01)
    assert law.curvature == pytest.approx(-0.180, abs=5e-4)
    assert law.curvature_p == pytest.approx(8.5e-5, rel=0.01)
    assert law.curvature_delta_aic == pytest.approx(-22.7, abs=0.05)
    assert law.curvature_sds == pytest.approx(6.4, abs=0.05)
    assert law.bends
    assert "−0.180, p = 8.5e-5, AIC lower by 22.7; that is 6.4 times the" in law.sentence()
    assert "so the bend stands" in law.sentence()


def test_alpha_law_of_table_3() -> None:
    law = published.law("s1_table3")
    assert (law.nu, law.se) == pytest.approx((0.635, 0.0067), abs=5e-4)
    assert law.p == pytest.approx(3.8e-12, rel=0.01)
    assert law.sentence().startswith(
        "In this published curve test KL goes as α^−ν with ν = 0.6353"
    )
    assert not law.bends
    assert "−0.0226, p = 0.009, AIC lower by 9.07; that is 0.81 times" in law.sentence()
    assert "so a bend is not established by this one curve" in law.sentence()
    assert "single seeds that was measured of the law in σ on digits (0.028" in law.sentence()
    assert "of the law in σ" not in published.law("s1_table1").sentence()


def test_the_bend_of_table_2_is_in_the_scatter_of_reconstruction_errors() -> None:
    law = published.law("s1_table2")
    assert law.curvature_sds == pytest.approx(law.curvature / 0.0075)
    assert law.bends
    assert "that is 5.0 times the standard deviation between single seeds" in law.sentence()
    assert "(0.0075, 3 seeds), so the bend stands" in law.sentence()


def test_a_bend_of_a_quantity_whose_scatter_is_not_known_is_not_established() -> None:
    values = published.table("s1_table1")
    law = fit_xy(values["sigma"], values["kl"], Law("sigma", "test/active"))
    assert not law.published, "a user's own curve is not published because it is one"
    law = replace(law, published=True)
    assert not law.bends
    assert math.isnan(law.curvature_sds)
    assert "standard deviation between" not in law.sentence()
    assert "a bend is not established by this one curve" in law.sentence()


def test_ratios_of_kl_to_elbo() -> None:
    sigma, alpha = published.ratio("s1_table1"), published.ratio("s1_table4")
    assert (sigma.mean(), sigma.std(ddof=0)) == pytest.approx((-0.481, 0.045), abs=5e-4)
    assert alpha.mean() == pytest.approx(-0.368, abs=5e-4)


def test_our_least_squares_is_that_of_statsmodels() -> None:
    law, values = published.law("s1_table1"), published.table("s1_table1").map(np.log)
    theirs = sm.OLS(values["kl"], sm.add_constant(values["sigma"])).fit()
    low, high = theirs.conf_int().loc["sigma"]
    assert (law.nu, law.se, law.p) == pytest.approx(
        (-theirs.params["sigma"], theirs.bse["sigma"], theirs.pvalues["sigma"]), rel=1e-9
    )
    assert (law.ci_low, law.ci_high) == pytest.approx((-high, -low), rel=1e-9)


def test_starred_bests_are_extremes() -> None:
    worst = published.table("d_table1")
    for _, group in worst.groupby(["model", "k", "layers"]):
        assert group.loc[group["best"], "negative_bound"].item() == group["negative_bound"].min()
    beaten = []
    for _, group in published.table("d_table2").groupby(["model", "k", "layers"]):
        best, top = group[group["best"]].iloc[0], group.loc[group["bound"].idxmax()]
        assert top["bound"] - best["bound"] < best["error"]
        beaten += [top["bound"]] if top["bound"] > best["bound"] else []
    assert beaten == [1314.48]
    said = [one.reason for one in published.errata_of("d_table2")]
    assert "largest numbers (one of the six within its error)" in said[0]


def test_unknown_names_and_tables_without_a_law() -> None:
    with pytest.raises(AnalysisError, match="known: s1_table1"):
        published.table("s9")
    with pytest.raises(AnalysisError, match="is not a power law"):
        published.law("s2_table1")
    with pytest.raises(AnalysisError, match="no KL/ELBO"):
        published.ratio("d_table1")


def test_no_readout_in_the_unit_interval_reaches_table_5() -> None:
    """E min_μ (y − μ)² at x is h(x) + h(1 − x), y = x + N(0, 1), in closed form."""
    file = Path(os.environ.get("SWEEPER_DATA", "")) / "MNIST/raw/t10k-images-idx3-ubyte"
    if not file.is_file():
        pytest.skip("needs MNIST's test images below SWEEPER_DATA")
    pixels = np.fromfile(file, dtype=np.uint8, offset=16)
    count, x = np.bincount(pixels, minlength=256), np.arange(256) / 255

    def below(a: np.ndarray) -> np.ndarray:
        return np.asarray((1 + a**2) * norm.cdf(-a) - a * norm.pdf(a))

    least = float(count @ (below(x) + below(1 - x))) / 10_000 / 2
    assert least == pytest.approx(220.979, abs=1e-3)
    printed = published.table("s2_table5")["recon_over_2sigma2"]
    assert printed.max() < CLAMPED <= least
    clean = (pixels.reshape(10_000, 784) / 255).var(axis=0).sum()
    assert clean == pytest.approx(52.85, abs=0.01)
    assert "52.8, the total variance" in published.errata_of("s2_table5")[0].reason


@pytest.mark.parametrize("one", published.ERRATA, ids=lambda one: one.where)
def test_an_erratum_says_where_and_why_and_has_a_subject(one: published.Erratum) -> None:
    assert one.subjects
    assert {*one.subjects} <= {*published.names(), "bounds"}
    assert all((one.source, one.printed, one.reason, one.ours))
    assert one.sentence().endswith(".")


def test_the_errata_agree_with_the_tables() -> None:
    table = published.table("d_table1")
    twice = table[table["negative_bound"] == 96.41]
    assert twice["layers"].tolist() == [1, 2]
    assert twice["error"].tolist() == [0.11, 0.11]
    five = table[(table["model"] == "dvae") & (table["k"] == 5) & (table["noise_percent"] < 15)]
    gap = five.groupby("noise_percent")["negative_bound"].agg(lambda one: one.max() - one.min())
    assert (gap.min(), gap.max()) == pytest.approx((0.19, 0.65))
    every = [*table["negative_bound"], *published.table("d_table3")["negative_bound"]]
    figure = published.table("d_figure1")["negative_bound"]
    assert not {94.97, 93.17, 93.83} & {*every}
    assert figure.tolist() == [94.97, 94.44, 94.39, 93.17, 92.89, 92.85]


@pytest.mark.parametrize(
    ("name", "places"), [("s1_table1", 3), ("s1_table2", 4), ("s1_table3", 3)]
)
def test_the_errata_agree_with_the_bends(name: str, places: int) -> None:
    law, (said,) = published.law(name), published.errata_of(name)
    assert f" is {law.curvature:.{places}f} (p = ".replace("-", "−") in said.reason
    assert f"{law.curvature_sds:.1f} times" in said.reason
    assert ("the bend stands" in said.reason) == law.bends
