"""Rankings choose on the validation part, and allow for the choice in all that they say."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.comparisons.choice import choose
from analysis.comparisons.compare import compare_all
from analysis.comparisons.goals import Mode, better
from analysis.comparisons.ranking import rank
from analysis.comparisons.selection import chosen, simulate, table
from analysis.errors import NotComparable, UnusableValues
from tests.analysis.comparisons.test_compare import sweep

METRIC = "validation/denoise"


def ranked(values: np.ndarray, **more: np.ndarray) -> pd.DataFrame:
    """Trials of settings with these values [settings, seeds]."""
    count, seeds = values.shape
    return pd.DataFrame(
        {
            "trial": np.arange(values.size).astype(str),
            "status": "finished",
            "role": "declared",
            "sigma": 0.1,
            "lr": np.repeat(np.arange(1.0, count + 1), seeds),
            "seed": np.tile(np.arange(seeds), count),
            METRIC: values.ravel(),
        }
        | {name: one.ravel() for name, one in more.items()}
    )


def test_ranking_elbo_across_sigma_is_refused() -> None:
    with pytest.raises(NotComparable, match="different σ"):
        rank(sweep(), "test/elbo")
    found = rank(sweep(), "test/elbo_full")
    assert found.fields == ("network", "sigma")
    assert found.table["mean"].is_monotonic_decreasing
    assert rank(sweep(), "test/elbo_full", "min").table["mean"].is_monotonic_increasing
    assert rank(sweep().query("sigma == 0.1"), "test/elbo").table["n"].tolist() == [6, 6]


@pytest.mark.parametrize(
    ("metric", "mode"),
    [
        ("test/elbo_full", "max"),
        ("validation/objective", "max"),
        ("bounds/cvae", "max"),
        ("smoothing/accuracy", "max"),
        ("certified/0.5", "max"),
        ("test/kl", "min"),
        ("test/recon", "min"),
        ("denoise/gaussian_0.9", "min"),
        ("nll/mean", "min"),
    ],
)
def test_the_good_end_of_a_metric_is_known(metric: str, mode: Mode) -> None:
    assert better(metric) == mode


def test_nothing_is_chosen_on_the_test_part_unless_it_is_named() -> None:
    with pytest.raises(UnusableValues, match=r"have none.*validation: 200.*test/elbo"):
        rank(sweep())
    assert "chosen on the test part, as test/elbo_full was asked for by name" in (
        rank(sweep(), "test/elbo_full").sentence()
    )
    both = sweep().assign(**{"validation/elbo_full": lambda f: -f["test/elbo_full"]})
    found = rank(both)
    assert (found.metric, found.beside) == ("validation/elbo_full", "test/elbo_full")
    assert np.allclose(found.table["mean"], -found.table["beside"])
    assert "chosen on the test part" not in found.sentence()
    assert "; test full ELBO " in found.sentence()


def test_intervals_hold_at_once_and_gaps_are_paired() -> None:
    values = simulate(np.zeros(4), 5, 1, np.random.default_rng(0), shared=0.9)[0]
    found = rank(ranked(values), METRIC)
    order = values.mean(axis=1).argsort()
    half = stats.t.ppf(1 - 0.025 / 4, 4) * values[order].std(axis=1, ddof=1) / np.sqrt(5)
    assert np.allclose(found.table["high"] - found.table["mean"], half)
    assert np.allclose(found.table["behind"], (values[order] - values[order[0]]).mean(axis=1))
    assert found.table["design"].tolist() == ["", *["paired, 5 seeds"] * 3]
    assert "Best of 4 settings" in found.sentence()
    assert "corrected for the choice among 4" in found.sentence()
    assert json.loads(json.dumps(found.to_json()))["settings"][0]["candidate"]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("converged", "Best of 2 settings, learning rate = 1: "),
        (
            "drifting",
            "Best of 2 settings (after 20 epochs, when 10 of 10 trials are drifting), "
            "learning rate = 1: ",
        ),
        (None, "Best of 2 settings (as given, training length unknown), learning rate = 1: "),
        ("not trained", "First of 2 settings, learning rate = 1: "),
    ],
)
def test_training_licenses_the_best(verdict: str | None, said: str) -> None:
    values = np.array([[1.0, 1.1, 0.9, 1.2, 1.0], [2.0, 2.1, 1.8, 2.2, 2.1]])
    found = rank(ranked(values).assign(epoch=20.0, training=verdict), METRIC)
    assert found.sentence().startswith(said)
    claimed = verdict != "not trained"
    assert ("shown to be worse" in found.sentence()) == claimed
    assert found.sentence().endswith("not trained after 20 epochs.") == (not claimed)
    assert found.to_json()["training"]["verdict"] == (verdict or "unknown")


def test_a_field_that_a_setting_lacks_is_not_said() -> None:
    frame = ranked(np.array([[1.0, 1.1], [2.0, 2.1]]))
    frame["d_z"] = [np.nan, np.nan, 4.0, 4.0]
    assert ", learning rate = 1: validation denoising error" in rank(frame, METRIC).sentence()


def test_splits_of_the_data_are_averaged_and_are_no_settings() -> None:
    values = np.random.default_rng(6).standard_normal((3, 5))
    halves = [
        ranked(values + shift).assign(data_split_seed=at) for at, shift in enumerate((-1, 1))
    ]
    both = pd.concat(halves, ignore_index=True)
    both["trial"] = np.arange(len(both)).astype(str)
    found, alone = rank(both, METRIC), rank(ranked(values), METRIC)
    assert found.fields == alone.fields
    columns = ["mean", "low", "high", "behind"]
    assert np.allclose(found.table[columns], alone.table[columns])
    assert found.table["design"].tolist() == alone.table["design"].tolist()


def test_disjoint_seeds_are_ranked_by_welch() -> None:
    frame = ranked(np.random.default_rng(1).standard_normal((2, 5)))
    frame["seed"] += 100 * (frame["lr"] == 2)
    assert rank(frame, METRIC).table["design"].tolist() == ["", "Welch, 5 and 5 seeds"]


def test_two_seeds_rule_no_setting_out() -> None:
    values = np.array([[1.0, 1.1, 1.05], [9.0, 9.2, 9.1], [5.0, 5.1, 5.06]])
    two, three = rank(ranked(values[:, :2]), METRIC), rank(ranked(values), METRIC)
    assert two.table["candidate"].all()
    assert " No other setting is ruled out, which takes 3 seeds of each." in two.sentence()
    assert three.table["candidate"].tolist() == [True, False, False]
    assert "All others are shown to be worse (paired, one-sided; 95 % for all)" in three.sentence()
    mixed = ranked(values).query("lr != 3 or seed < 2")
    assert rank(mixed, METRIC).table["candidate"].tolist() == [True, True, False]
    assert "(paired, one-sided; a test takes 3 seeds of each): the best is among these 2" in (
        rank(mixed, METRIC).sentence()
    )


def test_denoising_of_different_noise_is_not_ranked() -> None:
    frame = sweep().assign(**{"test/denoise": lambda f: f["sigma"] + 0.01 * f["seed"]})
    frame["denoise/gaussian_0.5"] = frame["test/denoise"]
    with pytest.raises(NotComparable, match=r"own noise level.*different σ.*--where sigma=\.\.\."):
        rank(frame, "test/denoise")
    with pytest.raises(NotComparable, match="own noise level"):
        compare_all(frame, "sigma", ["test/denoise"])
    with pytest.raises(NotComparable, match="own noise level"):
        choose(frame, "sigma", "test/denoise")
    assert choose(frame, "sigma", "denoise/gaussian_0.5").table["sigma"].tolist() == [0.1, 0.1]
    assert len(compare_all(frame, "network", ["test/denoise"])) == 3
    assert len(rank(frame.query("sigma == 0.1"), "test/denoise").table) == 2
    assert len(rank(frame, "denoise/gaussian_0.5").table) == 6


def test_one_seed_has_no_interval_and_rules_nothing_out() -> None:
    found = rank(ranked(np.array([[1.0], [2.0]])), METRIC)
    assert found.table["candidate"].all()
    assert "one seed: no interval" in found.sentence()


@pytest.mark.parametrize("truth", [np.zeros(6), np.arange(6) * 1.5])
def test_the_simulated_ranking_is_that_of_rank(truth: np.ndarray) -> None:
    y = simulate(truth, 4, 40, np.random.default_rng(3), shared=0.5)
    tables = [rank(ranked(one), METRIC).table for one in y]
    first = [(one.iloc[0], truth[int(one["lr"].iloc[0]) - 1]) for one in tables]
    found = chosen(y, truth)
    assert found.corrected == np.mean([row["low"] <= true <= row["high"] for row, true in first])
    assert found.candidates == np.mean([one["candidate"].sum() for one in tables])
    best = [one.set_index("lr").loc[1 + truth.argmin(), "candidate"] for one in tables]
    assert found.best == np.mean(best)


def test_the_interval_of_the_best_of_32_equal_settings_covers() -> None:
    """As if it had been chosen beforehand it does not."""
    found = chosen(simulate(np.zeros(32), 5, 2000, np.random.default_rng(4)), np.zeros(32))
    assert found.naive < 0.75
    assert found.corrected > 0.95
    assert found.best > 0.95


@pytest.mark.slow
def test_the_winner_is_covered_and_the_best_kept_whatever_the_truth() -> None:
    found = table(sweeps=10_000)
    assert len(found) == 54
    assert (found[["corrected", "best"]] > 95).all(axis=None)
    equal = found[found.index.str.contains("equal, 100 settings, 5 seeds, 0%")]
    assert equal["naive"].between(50, 54).all()
    assert len(equal) == 1


def test_a_setting_of_one_seed_is_first_and_not_best() -> None:
    """Nothing is tested against it, so that it leads by its one number alone."""
    values = np.array([[1.0, 1.1, 0.9], [2.0, 2.1, 1.8]])
    found = rank(ranked(values).iloc[2:], METRIC)
    assert found.sentence().startswith("First of 2 settings")
    assert "No other setting is ruled out, which takes 3 seeds of each." in found.sentence()
    assert rank(ranked(values), METRIC).sentence().startswith("Best of 2 settings")


def test_settings_are_tested_against_the_first_with_three_seeds() -> None:
    """A leader of one seed keeps no setting in the choice that is far behind another."""
    values = np.array([[1.0, 1.1, 0.9], [2.0, 2.1, 1.8], [9.0, 9.2, 9.1]])
    found = rank(ranked(values).iloc[2:], METRIC)
    assert found.table["n"].tolist() == [1, 3, 3]
    assert found.table["reference"].tolist() == [False, True, False]
    assert found.table["tested"].tolist() == [False, False, True]
    assert found.table["candidate"].tolist() == [True, True, False]
    assert found.sentence().startswith("First of 3 settings")
    assert (
        " 1 setting is shown to be worse than the first that has 3 seeds (paired, one-sided): the "
        "best is among the other 2 with 95 %."
    ) in found.sentence()
