"""Whether a trial's own metrics still move, from planted histories; and what that forbids."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.comparisons.compare import compare
from analysis.comparisons.comparison import Groups
from analysis.equivalence import across_seeds
from analysis.sources.schema import Experiment
from analysis.training.stationarity import judged, stationarity
from analysis.training.verdicts import OPEN, Trained

EPOCHS = 50
Curve = Callable[[int], float]


def experiment(
    curves: dict[str, Curve], epochs: int = EPOCHS, every: int = 1, **columns: Any
) -> Experiment:
    """One trial a curve of log KL; recon and ELBO stand still, measured on the training part."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "trial": trial,
            "seed": 0.0,
            "metric": metric,
            "step": epoch,
            "value": value * np.exp(0.002 * rng.standard_normal()),
        }
        for trial, curve in curves.items()
        for epoch in range(every, epochs + 1, every)
        for metric, value in (
            ("test/kl", 20 * np.exp(curve(epoch))),
            ("train/recon", 3.0),
            ("train/elbo", -90.0),
        )
    ]
    trials = pd.DataFrame({"trial": list(curves), "role": "declared", "status": "finished"})
    return Experiment("e", trials.assign(epoch=epochs, **columns), pd.DataFrame(rows))


@pytest.mark.parametrize(
    ("curve", "epochs", "every", "verdict"),
    [
        (lambda epoch: 0.0, 50, 1, "converged"),
        (lambda epoch: 0.01 * epoch, 50, 1, "drifting"),
        (lambda epoch: 0.03 * epoch, 50, 1, "not trained"),
        (lambda epoch: 0.0, 4, 1, "not trained"),
        (lambda epoch: 0.0, 50, 25, "not trained"),
    ],
)
def test_the_change_over_the_last_fifth_decides(
    curve: Curve, epochs: int, every: int, verdict: str
) -> None:
    [row] = stationarity(experiment({"a": curve}, epochs, every)).to_dict("records")
    assert (row["verdict"], row["epochs"]) == (verdict, epochs)
    wanted = (curve(epochs) - curve(0)) / 5
    assert row["kl_change"] == pytest.approx(wanted, abs=0.01)
    assert np.isnan(row["objective_change"])


def test_the_part_that_was_measured_more_often_is_read() -> None:
    """The test part at three epochs says nothing, and the training part stands still."""
    found = experiment({"a": lambda epoch: 0.0})
    seldom = found.history["step"].isin([10, 30, 50]) | (found.history["metric"] != "test/kl")
    train = found.history.assign(metric=found.history["metric"].replace("test/kl", "train/kl"))
    history = pd.concat([found.history[seldom], train], ignore_index=True)
    [row] = stationarity(Experiment("e", found.trials, history)).to_dict("records")
    assert row["verdict"] == "converged"


def test_a_collapsed_kl_and_a_merged_trial_have_no_logarithm_and_no_training() -> None:
    found = experiment({"a": lambda epoch: -8 - 0.1 * epoch, "b": lambda epoch: 0.0})
    trials = found.trials.assign(role=["declared", "merged"])
    [row] = stationarity(Experiment("e", trials, found.history)).to_dict("records")
    assert (row["trial"], row["verdict"]) == ("a", "converged")
    marked = judged(Experiment("e", trials, found.history)).trials["training"]
    assert list(marked) == ["converged", None]


def arms(slope: float) -> pd.DataFrame:
    """Five seeds of σ = 0.1, β = 4 and five others of its alias σ = 0.2, equal but for noise."""
    rng = np.random.default_rng(1)
    found = experiment(
        {f"{seed}": lambda epoch: slope * epoch for seed in range(10)},
        seed=list(range(10)),
        model="sigma_vae",
        likelihood="gaussian",
        sigma=[0.1] * 5 + [0.2] * 5,
        beta=[4.0] * 5 + [1.0] * 5,
        noise="sigma",
        beta_exponent=0.5,
    )
    values = {name: 20 + 0.1 * rng.standard_normal(10) for name in ("test/kl", "test/recon")}
    return judged(Experiment("e", found.trials.assign(**values), found.history)).trials


@pytest.mark.parametrize(
    ("slope", "verdict", "says"),
    [
        (0.0, "equivalent", ": equivalent."),
        (0.01, "alike so far", "(after 50 epochs, when 10 of 10 trials are drifting)."),
        (0.03, "not trained", "no claim, for 10 of 10 trials are not trained after 50 epochs"),
    ],
)
def test_equivalence_takes_convergence(slope: float, verdict: str, says: str) -> None:
    trials = arms(slope)
    [found] = across_seeds(trials)
    assert found.verdict == verdict
    assert says in found.sentence()
    assert found.to_json()["training"]["not_trained"] == (10 if slope > 0.02 else 0)
    [unknown] = across_seeds(trials.drop(columns="training"))
    assert unknown.verdict == "within the margin as measured"
    assert unknown.sentence().endswith(
        ": within the margin at the measured point; whether training had converged is unknown."
    )
    assert "equivalent" not in json.dumps(unknown.to_json())


@pytest.mark.parametrize(
    ("slope", "verdict", "says"),
    [
        (0.0, "differ", "."),
        (0.01, "differ", "; after 50 epochs, when 10 of 10 trials are drifting."),
        (0.03, "not trained", "; no claim, for 10 of 10 trials are not trained after 50 epochs."),
    ],
)
def test_comparisons_say_after_how_many_epochs(slope: float, verdict: str, says: str) -> None:
    trials = arms(slope).assign(seed=[*range(5)] * 2, beta=1.0)
    trials.loc[trials["sigma"] == 0.2, "test/kl"] += 3.0
    [found] = compare(trials, Groups({"sigma": 0.1}, {"sigma": 0.2}), ["test/kl"])
    assert found.verdict == verdict
    assert found.sentence().endswith(says)
    assert ("drifting" in found.sentence()) == (slope == 0.01)


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["converged"] * 2, ""),
        ([OPEN, "converged"], "when 1 of 2 trials is not shown to have converged"),
        (["drifting"], "when the trial is drifting"),
        (
            ["drifting", "drifting", OPEN, "converged"],
            "when 2 of 4 trials are drifting and 1 is not shown to have converged",
        ),
    ],
)
def test_a_remark_has_the_words_of_the_verdicts(verdicts: list[str], said: str) -> None:
    rows = pd.DataFrame({"training": verdicts, "epoch": 20})
    assert Trained.of_rows(rows).remark == (f"after 20 epochs, {said}" if said else "")


def test_the_worst_trial_speaks_for_all() -> None:
    rows = pd.DataFrame(
        {"training": ["converged", "not trained", "drifting"], "epoch": [10.0, 20.0, 20.0]}
    )
    found = Trained.of_rows(rows)
    assert (found.verdict, found.moving, found.untrained) == ("not trained", 2, 1)
    assert found.length == "10 to 20 epochs"
    assert Trained.of_rows(rows.assign(training="seen")).verdict is None
