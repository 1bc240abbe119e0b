"""Whether ν still moves at the end of training, by the histories of its trials."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.figures.drawing import tested
from analysis.figures.drawing.claims import Claim
from analysis.figures.drawing.families import Family
from analysis.figures.drawing.view import View
from analysis.laws.answer import law_answer
from analysis.laws.powerlaw import Law, PowerLaw, fit
from analysis.report.parts import law_table
from analysis.sources.schema import Experiment

SIGMA = (0.05, 0.1, 0.2, 0.4)


def trained(epochs: int, fall: float, seeds: int = 4) -> PowerLaw:
    """A law whose ν is 1.2 + fall · exp(−epoch / 20), with a little noise over seeds."""
    trials, history = swept(epochs, fall, seeds)
    return fit(trials, Law(), history=history)


def swept(
    epochs: int, fall: float, seeds: int = 4, sd: float = 0.02
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The trials and the history of `trained`."""
    rng = np.random.default_rng(3)
    levels = {seed: 1.2 + sd * rng.standard_normal() for seed in range(seeds)}
    history = pd.DataFrame(
        [
            {
                "trial": f"{seed}-{sigma}",
                "seed": float(seed),
                "metric": "test/kl",
                "step": epoch,
                "value": 3 * sigma ** -(levels[seed] + fall * np.exp(-epoch / 20)),
            }
            for seed in range(seeds)
            for sigma in SIGMA
            for epoch in range(1, epochs + 1)
        ]
    )
    last = history[history["step"] == epochs]
    trials = pd.DataFrame(
        {
            "trial": last["trial"],
            "status": "finished",
            "role": "declared",
            "sigma": [float(name.partition("-")[2]) for name in last["trial"]],
            "seed": last["seed"].astype(int),
            "test/kl": last["value"],
        }
    )
    return trials, history


@pytest.mark.parametrize(
    ("epochs", "fall", "verdict", "says"),
    [
        (
            200,
            0.3,
            "converged",
            "Converged: over the last fifth of 200 epochs ν changes by less than 0.01: ",
        ),
        (40, 0.3, "drifting", "Drifting: after 40 epochs ν falls by 0.00"),
        (40, -0.3, "drifting", "Drifting: after 40 epochs ν rises by 0.00"),
        (4, 0.3, "not trained", "ν was measured at 4 epochs of 4, and a verdict needs 5"),
        (20, 4.0, "not trained", "Not trained: after 20 epochs"),
    ],
)
def test_the_drift_at_the_end_licenses_the_sentence(
    epochs: int, fall: float, verdict: str, says: str
) -> None:
    law = trained(epochs, fall)
    assert law.convergence is not None
    assert law.convergence.verdict == verdict
    assert says in law.sentence()
    assert ("test KL follows" in law.sentence()) == (verdict == "converged")
    assert law.to_json()["convergence"]["verdict"] == verdict  # type: ignore[index]


def test_a_bend_is_that_of_the_training_length() -> None:
    assert " after 40 epochs (quadratic" in trained(40, 0.3).sentence()
    assert "A bend is not established (quadratic" in trained(200, 0.3).sentence()


def test_of_a_law_that_is_not_trained_the_shape_is_that_of_its_points() -> None:
    law = trained(20, 4.0)
    assert [re.split("[:(]", text)[0].strip() for text in law.sentences()] == [
        "No law is claimed, for training is too short; its numbers",
        "Not trained",
        "The points show no bend",
    ]


def test_a_drift_of_unknown_sign_is_no_proof_of_movement() -> None:
    """Two seeds that drift apart: their mean stands still within a wide interval."""
    one = trained(40, 0.3).convergence
    assert one is not None
    law = replace(
        trained(40, 0.3),
        convergence=replace(one, drift=replace(one.drift, value=0.001, low=-0.01, high=0.012)),
    )
    said = law.sentence()
    assert "Not shown to have converged: after 40 epochs the drift of ν is 0.001" in (
        said.replace("0.0010", "0.001")
    )
    assert "After 40 epochs test KL goes as" in said


@pytest.mark.parametrize(("epochs", "seeds"), [(40, 4), (200, 1), (20, 4)])
def test_headline_sentence_and_table_have_one_word_for_the_verdict(
    epochs: int, seeds: int
) -> None:
    law = trained(epochs, 0.3 if epochs > 20 else 4.0, seeds)
    assert law.convergence is not None
    word = law.convergence.verdict
    claim = Claim("sigma", "test/kl", Family("model", pd.DataFrame(), {}), law)
    view = View(
        Experiment("e", pd.DataFrame(), pd.DataFrame()), (Law(),), tested.Tested((claim,)), 0.1
    )
    part = law_table.part(view)
    (block,) = part.blocks
    (key,) = part.keys
    assert block.content[0]["training"] == word
    assert word in key.remark
    assert law.sentences()[1].startswith(f"{word.capitalize()}: ")
    if word != "not trained":
        assert f"ν is {word}" in law_answer(law)


def test_the_curve_is_the_exponent_at_each_epoch() -> None:
    found = trained(40, 0.3).convergence
    assert found is not None
    assert found.epochs == tuple(range(1, 41))
    falls = [one.value - found.nu[-1].value for one in found.nu]
    wanted = [0.3 * (np.exp(-epoch / 20) - np.exp(-2)) for epoch in found.epochs]
    assert falls == pytest.approx(wanted, abs=1e-9)
    at = np.arange(32, 41)
    assert found.drift.value == pytest.approx(np.polyfit(at, 0.3 * np.exp(-at / 20), 1)[0])
    assert found.drift.low <= found.drift.value <= found.drift.high


def test_one_seed_proves_no_convergence() -> None:
    law = trained(200, 0.3, seeds=1)
    assert law.convergence is not None
    assert law.convergence.verdict == "not shown to have converged"
    assert "one seed: no interval" in law.sentence()


def test_without_a_history_convergence_is_not_known() -> None:
    frame = pd.DataFrame({"sigma": SIGMA, "seed": 0, "test/kl": [3 / s for s in SIGMA]})
    law = fit(frame, Law())
    assert law.convergence is None
    assert (
        "The training length is unknown, and so is whether ν would still move." in law.sentence()
    )
    assert law.to_json()["convergence"] is None


def test_a_missing_trial_takes_its_seed_alone_out_of_the_curve() -> None:
    """The law leaves the seed out, and is drifting all the same; without a verdict it is not."""
    trials, history = swept(40, 0.3)
    first = (trials["seed"] == 0) & (trials["sigma"] == 0.1)
    without = fit(trials[~first], Law(), history=history)
    whole = fit(trials[trials["seed"] != 0], Law(), history=history)
    assert without.convergence is not None
    assert whole.convergence is not None
    assert without.convergence.nu == whole.convergence.nu
    assert without.convergence.verdict == "drifting"
    assert without.sentence().startswith("After 40 epochs test KL goes as")
    said = "1 seed without every value of x (0) left out: 1 of 16 values is missing"
    assert said in without.sentence()


def test_where_only_some_x_are_common_to_all_seeds_the_curve_is_over_these() -> None:
    trials, history = swept(40, 0.3, seeds=2)
    lost = (trials["sigma"] == 0.1) & (trials["seed"] == 1)
    law = fit(trials[~lost], Law(), history=history)
    assert (law.n_seeds, law.n) == (2, 6)
    assert law.convergence is not None
    assert law.convergence.nu[-1].value == pytest.approx(law.nu)


def test_a_trial_without_a_history_is_counted() -> None:
    trials, history = swept(40, 0.3)
    law = fit(trials, Law(), history=history[history["trial"] != "0-0.1"])
    found = law.convergence
    assert found is not None
    assert (law.n_seeds, found.missing, found.of) == (4, 1, 16)
    assert found.drift.df == 2, "three seeds have every history"
    assert "ν by epoch leaves out the seeds of 1 value of 16 without a history" in law.sentence()
    assert law.to_json()["convergence"]["missing"] == 1  # type: ignore[index]


def test_a_history_that_ends_sooner_does_not_shorten_the_training() -> None:
    trials, history = swept(40, 0.3)
    trials = trials.assign(epoch=40)
    early = history["step"] > 20
    law = fit(trials, Law(), history=history[~((history["trial"] == "0-0.1") & early)])
    assert law.convergence is not None
    assert (law.convergence.last, law.convergence.missing) == (40, 1)
    assert law.sentence().startswith("After 40 epochs test KL goes as")
    each = fit(trials, Law(), history=history[~(history["trial"].str.endswith("-0.1") & early)])
    assert each.convergence is None, "ν after 40 epochs is not that of 20"
    assert "The training length is unknown" in each.sentence()
    untold = history[~(history["trial"].isin(["0-0.1", "1-0.1", "2-0.1"]) & early)]
    found = fit(trials.drop(columns="epoch"), Law(), history=untold).convergence
    assert found is not None
    assert (found.last, found.missing) == (40, 3)


def test_a_drift_beyond_the_laws_own_interval_is_no_convergence() -> None:
    """ν falls by 0.009 over the last fifth, and its interval is ± 0.0012."""
    trials, history = swept(100, 0.8, seeds=8, sd=0.001)
    law = fit(trials, Law(), history=history)
    found = law.convergence
    assert found is not None
    assert abs(found.change.value) < 0.01
    assert found.within(0.01) == "converged", "what `until: {converged: 0.01}` asks"
    assert abs(found.change.value) > 2 * (law.ci_high - law.ci_low) / 2
    assert found.verdict == "drifting"
    said = law.sentence()
    assert "follows" not in said
    assert "within ± 0.01, but not within the ± 0.0012 of its" in said
    trials, history = swept(100, 0.8, seeds=8, sd=0.02)
    wide = fit(trials, Law(), history=history)
    assert wide.convergence is not None
    assert wide.convergence.verdict == "converged", "the same drift within a wide interval"
    left = re.search(
        r"it still moves, at this rate out of its interval after (\d+) more epochs",
        wide.sentence(),
    )
    assert left
    rate = abs(wide.convergence.drift.value)
    assert int(left[1]) * rate <= wide.convergence.half < (int(left[1]) + 1) * rate


def test_levels_that_drift_beside_a_converged_exponent_are_said() -> None:
    trials, history = swept(200, 0.3)
    law = fit(trials.assign(training="drifting"), Law(), history=history)
    assert law.convergence is not None
    assert law.convergence.verdict == "converged"
    assert "ELBO) 16 of its 16 trials are drifting." in law.sentence()
    assert "but as to the level, 16 of its 16 trials are drifting" in law_answer(law)
    for count, told in ((0, None), (1, "1 of its 16 trials is"), (5, "5 of its 16 trials are")):
        few = np.where(np.arange(16) < count, "drifting", "converged")
        some = fit(trials.assign(training=few), Law(), history=history)
        for said in (some.sentence(), law_answer(some)):
            assert "to the level" not in said if told is None else f"{told} drifting." in said


def test_an_interval_of_one_curves_points_is_named_so_in_the_report() -> None:
    law = fit(swept(40, 0.3)[0].query("seed == 0").drop(columns="seed"), Law())
    claim = Claim("sigma", "test/kl", Family("model", pd.DataFrame(), {}), law)
    view = View(
        Experiment("e", pd.DataFrame(), pd.DataFrame()), (Law(),), tested.Tested((claim,)), 0.1
    )
    (key,) = law_table.part(view).keys
    assert " of the points" in key.remark
