"""A value is chosen at each setting on the validation part, and the others are passed over."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.comparisons.choice import PASSED_OVER, choose, declared_choice, with_choice
from analysis.errors import NotComparable, UnknownName
from analysis.laws.powerlaw import Law, fit
from analysis.sources.schema import CHOSEN, HISTORY, Experiment, param_columns

METRIC, TEST = "validation/elbo_full", "test/elbo_full"
RATES = (1e-4, 1e-3, 1e-2)
BEST = {0.1: 1e-3, 0.2: 1e-3, 0.4: 1e-2}
NONE = pd.DataFrame(columns=[*HISTORY])
SWEEP = {"sweep": "s-1", "trials": [], "analysis": {"choose": {"lr": METRIC}}}


def grid(seeds: int = 4) -> pd.DataFrame:
    """Three σ, three rates: `BEST` is better by 5 on the validation part; the test part lies."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "trial": f"{sigma}-{lr}-{seed}",
            "status": "finished",
            "role": "declared",
            "model": "sigma_vae",
            "sigma": sigma,
            "lr": lr,
            "seed": seed,
            "epoch": 20.0,
            METRIC: 5.0 * (BEST[sigma] == lr) + rng.normal(0, 0.1),
            TEST: -5.0 * (BEST[sigma] == lr) + rng.normal(0, 0.1),
            "test/kl": 4 / sigma * (1 if BEST[sigma] == lr else 7) * (1 + 0.01 * rng.normal()),
        }
        for sigma in BEST
        for lr in RATES
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def test_the_best_on_the_validation_part_is_chosen_at_each_setting() -> None:
    found = choose(grid(), "lr", METRIC)
    assert dict(zip(found.table["sigma"], found.table["lr"], strict=True)) == BEST
    assert found.table["values"].tolist() == [3, 3, 3]
    assert found.table["at_end"].tolist() == [False, False, True]
    assert found.trials == {
        f"{sigma}-{lr}-{seed}" for sigma, lr in BEST.items() for seed in range(4)
    }


def test_the_interval_of_the_test_part_allows_for_the_choice() -> None:
    trials = grid()
    row = choose(trials, "lr", METRIC).table.iloc[0]
    values = trials.query("sigma == 0.1 and lr == 0.001")[TEST]
    half = stats.t.ppf(1 - 0.025 / 3, 3) * values.std() / 2
    assert row["beside"] == pytest.approx(values.mean())
    assert (row["low"], row["high"]) == pytest.approx((values.mean() - half, values.mean() + half))


def test_laws_are_of_chosen_trials_and_say_so() -> None:
    experiment, found = with_choice(Experiment("e", grid(), NONE, sweeps=[SWEEP]))
    assert found is not None
    assert "lr" not in param_columns(experiment.trials)
    law = fit(experiment.trials, Law())
    assert law.nu == pytest.approx(1.0, abs=0.05)
    assert law.n == 12
    told = "the learning rate was chosen at each setting (0.001 and 0.01), for which the interval"
    assert any(note.startswith(told) for note in law.notes)
    roles = experiment.trials.set_index("trial")["role"]
    assert set(roles[list(found.trials)]) == {"declared"}
    assert (roles == PASSED_OVER).sum() == 24
    assert set(experiment.trials[CHOSEN + "lr"]) == set(RATES)


def test_the_sentence_says_what_was_chosen_how_and_with_which_correction() -> None:
    said = choose(grid().assign(training="converged"), "lr", METRIC).sentence()
    assert said.startswith(
        "The learning rate was chosen at each of 3 settings by validation full ELBO among up to "
        "3 values: 0.001 at 2, 0.01 at 1. "
    )
    assert (
        "allow for the choice (Bonferroni), those of laws, comparisons and numbers beside "
        "published ones do not."
    ) in said
    assert said.endswith(" At 1 it is an end of the list, beyond which another may do better.")
    drifting = choose(grid().assign(training="drifting"), "lr", METRIC).sentence()
    assert "at 1 (after 20 epochs, when 36 of 36 trials are drifting)." in drifting


def test_a_choice_that_is_not_declared_or_cannot_be_made_changes_nothing() -> None:
    plain = Experiment("e", grid(), NONE, sweeps=[{**SWEEP, "analysis": {}}])
    assert with_choice(plain) == (plain, None)
    assert declared_choice([]) is None
    early = Experiment("e", grid().drop(columns=METRIC), NONE, sweeps=[SWEEP])
    assert with_choice(early) == (early, None)
    with pytest.raises(UnknownName):
        choose(grid(), "rate", METRIC)


def test_a_choice_that_was_declared_after_the_run_is_post_hoc() -> None:
    before = {"trials": "1", "analysis": {}, "until": None, "search": None}
    sweep = {**SWEEP, "registered": {"id": "x", "finished": 0, "declared": before}}
    _, found = with_choice(Experiment("e", grid(), NONE, sweeps=[sweep]))
    assert found is not None
    assert "; post hoc: the choice was declared after the run." in found.sentence()


def test_a_value_that_lacks_a_seed_is_not_chosen() -> None:
    trials = grid()
    failed = trials["trial"] == "0.1-0.001-2"
    trials.loc[failed, "status"] = "failed"
    trials.loc[failed, METRIC] = np.nan
    found = choose(trials, "lr", METRIC)
    assert found.table["lr"].iloc[0] != BEST[0.1]
    assert found.table["values"].tolist() == [3, 3, 3]
    assert found.sentence().endswith(
        " 1 trial has no result, and a value that lacks a seed is not chosen."
    )
    assert choose(trials[~failed], "lr", METRIC).table["n"].tolist() == [4, 4, 4]


def test_splits_are_averaged_before_the_choice() -> None:
    halves = [
        grid().assign(data_split_seed=k, trial=lambda f, k=k: f["trial"] + "xy"[k]) for k in (0, 1)
    ]
    found = choose(pd.concat(halves, ignore_index=True), "lr", METRIC)
    assert found.table["n"].tolist() == [4, 4, 4]
    assert len(found.trials) == 24


def test_a_bound_does_not_choose_between_noise_levels() -> None:
    with pytest.raises(NotComparable):
        choose(grid().assign(**{"validation/elbo": 1.0}), "sigma", "validation/elbo")
