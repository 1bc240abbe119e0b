"""ν equal between groups: any column is a group, pairs are one family, seeds are paired."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from analysis.errors import TooFewRows, UnusableValues
from analysis.laws.equal_exponents import equal_between, equal_exponents
from analysis.laws.group_laws import fit_groups
from analysis.laws.powerlaw import Law
from analysis.laws.scaling import scaling
from analysis.sources.columns import Columns
from analysis.sources.table import Table
from tests.analysis.foreign import scaling_runs
from tests.analysis.laws.test_scaling import at_rest, bent, own_seeds, sweep


@pytest.mark.parametrize(("trend", "rejected"), [(0.0, 0), (0.1, 6)])
def test_all_pairs_are_one_family(trend: float, rejected: int) -> None:
    found = equal_exponents(sweep(trend=trend, seeds=6), Law(), "d_z")
    said = [pair.sentence() for pair in found.pairs]
    assert len(said) == 6
    assert sum("is rejected" in text for text in said) == rejected
    assert all("paired t, simultaneous for 6" in text for text in said)
    assert json.dumps(found.to_json(), allow_nan=False)


def test_disjoint_seeds_are_compared_by_welch() -> None:
    frame = sweep().assign(seed=lambda f: f["seed"] + 10 * f["d_z"])
    assert "Welch" in equal_exponents(frame, Law(), "d_z").pairs[0].sentence()


def test_partly_shared_seeds_are_said_and_the_difference_is_of_what_is_shown() -> None:
    frame = sweep(seeds=6).query("d_z in (10, 80)")
    frame = frame.query("(d_z == 10 and seed < 4) or (d_z == 80 and seed > 1)")
    [pair] = equal_exponents(frame, Law(), "d_z").pairs
    assert "; paired t on 2 of 4 seeds: " in pair.sentence()
    assert pair.nu - pair.value == pytest.approx(pair.difference.value, abs=1e-12)
    common = equal_exponents(frame.query("seed in (2, 3)"), Law(), "d_z").pairs[0]
    assert (pair.nu, pair.value) == pytest.approx((common.nu, common.value))


def test_a_rejection_whose_interval_holds_zero_is_explained() -> None:
    """Holm tests the largest of three p at 5 %; its interval is one of three that hold at once."""
    frame = sweep(seeds=6).query("d_z in (10, 20, 40)")
    off = np.array([-1.2, 1.2, -0.9, 0.9, 0.4, -0.4])[frame["seed"]]
    shift = frame["d_z"].map({10: 0.0, 20: 1.25, 40: 20.0})
    spread = frame["d_z"].map({10: 0.5, 20: 1.5, 40: 1.0})
    nu = 1 + 0.05 * (shift + spread * off)
    frame["test/kl"] = 9 * frame["sigma"] ** -nu
    found = equal_exponents(frame, Law(), "d_z")
    one = found.pairs[0]
    assert "is rejected" in one.sentence()
    assert one.difference.low < 0 < one.difference.high
    assert "Holm's method may reject" in found.note
    assert found.to_json()["note"] == found.note
    assert not equal_exponents(sweep(trend=0.1, seeds=6), Law(), "d_z").note


@pytest.mark.parametrize(
    ("column", "values", "named"),
    [
        ("d_z", (10.0, 80.0), "d_z = 10 and d_z = 80"),
        ("d_z", (10.0, np.nan), "d_z = 10 and no d_z"),
        ("model", ("noisy_vae", "sigma_vae"), "VAE on noisy data and σ-VAE"),
        ("corruption", ("gaussian", None), "corruption = gaussian and no corruption"),
        ("share_encoder", (False, True), "share_encoder = false and share_encoder = true"),
        ("share_encoder", (True, None), "share_encoder = true and no share_encoder"),
    ],
)
def test_any_column_is_a_group(column: str, values: tuple[object, object], named: str) -> None:
    planted = sweep(seeds=6).query("d_z in (10, 80)")
    kinds = pd.Series([values[d_z == 80] for d_z in planted["d_z"]], index=planted.index)
    frame = planted.assign(**{"d_z": 10, column: kinds})
    [pair] = equal_exponents(frame, Law(), column).pairs
    assert pair.hypothesis == f"Equal ν for {named}"
    assert "is rejected: difference −0.2" in pair.sentence()
    assert pair.difference.low < 0.1 * np.log(1 / 8) < pair.difference.high


def test_a_true_equality_is_rejected_as_often_as_the_level_says() -> None:
    rng, falsely, sigma = np.random.default_rng(8), 0, np.array([0.1, 0.3, 0.9])
    for _ in range(200):
        frame = pd.DataFrame(
            {
                "trial": np.arange(30).astype(str),
                "status": "finished",
                "role": "declared",
                "model": np.repeat(["deep", "wide"], 15),
                "seed": np.tile(np.repeat(np.arange(5), 3), 2),
                "sigma": np.tile(sigma, 10),
            }
        )
        nu = 1 + 0.03 * np.tile(np.repeat(rng.standard_normal(5), 3), 2)
        noise = np.exp(0.01 * rng.standard_normal(30))
        frame["test/kl"] = 9 * frame["sigma"] ** -nu * noise
        falsely += equal_exponents(frame, Law(), "model").pairs[0].difference.p < 0.05
    assert 3 <= falsely <= 20


@pytest.mark.parametrize(
    ("fall", "ends"),
    [
        (0.001, "; after 100 epochs, when 2 of 2 laws are drifting."),
        (0.02, "; no claim, for 2 of 2 laws are not trained after 100 epochs."),
    ],
)
def test_training_licenses_the_verdict(fall: float, ends: str) -> None:
    frame = sweep().query("d_z in (10, 80)")
    [pair] = equal_exponents(frame, Law(), "d_z", history=at_rest(frame, fall)).pairs
    assert pair.sentence().endswith(ends)
    assert ("rejected" in pair.sentence()) == (fall == 0.001)


def test_groups_without_a_law_are_named() -> None:
    frame = sweep()
    frame.loc[frame["d_z"] == 20, "test/kl"] = np.nan
    found = equal_exponents(frame, Law(), "d_z")
    assert len(found.pairs) == 3
    assert list(found.left_out) == ["d_z = 20"]
    with pytest.raises(TooFewRows, match="two or more values of model; 1 could be fitted"):
        equal_exponents(frame[frame["d_z"] == 10], Law(), "model")


def test_a_trend_over_text_is_refused() -> None:
    with pytest.raises(UnusableValues, match="model is a column of text"):
        scaling(sweep(), Law(), over="model")


def test_groups_of_a_table_are_compared_too() -> None:
    runs = scaling_runs()
    runs["depth"] = runs["depth"].where(runs["depth"] == 4)
    found = fit_groups(Table("runs.csv", runs), Columns("val/loss", "width", "seed", ("depth",)))
    laws = {one.label: one.law for one in found if one.law}
    assert list(laws) == ["depth = 4", "no depth"]
    [pair] = equal_between(laws).pairs
    assert pair.difference.value == pytest.approx(0.3, abs=0.02)
    assert pair.sentence().startswith("Equal ν for depth = 4 and no depth (")
    assert pair.sentence().endswith("; as given, training length unknown.")


def test_without_seeds_there_is_no_test() -> None:
    runs = scaling_runs(seeds=1).drop(columns="seed")
    found = fit_groups(Table("runs.csv", runs), Columns("val/loss", "width", group=("depth",)))
    [pair] = equal_between({one.label: one.law for one in found if one.law}).pairs
    assert "; fewer than two seeds; as given" in pair.sentence()


@pytest.mark.parametrize("seeds", ["shared", "disjoint", "none"])
def test_exponents_are_compared_over_one_range(seeds: str) -> None:
    trials = bent(without=2)
    if seeds == "disjoint":
        trials = own_seeds(trials)
    [pair] = equal_exponents(trials, Law(), "d_z").pairs
    if seeds == "none":
        rows = Table("runs.csv", trials.query("seed == 0").drop(columns="seed"))
        found = fit_groups(rows, Columns("test/kl", "sigma", group=("d_z",)))
        [pair] = equal_between({one.label: one.law for one in found if one.law}).pairs
    said = "Equal ν for d_z = 10 and d_z = 80 over the 7 values of σ that both have ("
    assert pair.sentence().startswith(said)
    assert pair.nu == pytest.approx(pair.value, abs=0.02)
    assert "is rejected" not in pair.sentence()
    [whole] = equal_exponents(bent(without=0), Law(), "d_z").pairs
    assert whole.hypothesis == "Equal ν for d_z = 10 and d_z = 80"


def test_exponents_of_ranges_that_hardly_meet_are_not_compared() -> None:
    trials = bent(without=5)
    trials = trials[(trials["d_z"] == 80) | (trials["sigma"] < 0.75)]
    [pair] = equal_exponents(trials, Law(), "d_z").pairs
    assert " is not tested: fewer than three values of σ in common; " in pair.sentence()
    assert np.isnan(pair.p)
    assert json.dumps(pair.to_json(), allow_nan=False)
