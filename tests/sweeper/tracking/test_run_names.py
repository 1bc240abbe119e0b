"""A run's name begins with what varies in its sweep, and no two are alike."""

from __future__ import annotations

import pytest

from sweeper.tracking.report_claims import report_claims
from sweeper.tracking.run_names import RunNames
from tests.sweeper.grids import grid_text, trials_of


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            "{model: sigma_vae, sigma: [0.1, 0.2], seeds: [3]}",
            ["σ=0.1 s3 sigma_vae", "σ=0.2 s3 sigma_vae"],
        ),
        (
            "{model: sigma_vae, sigma: 0.1, d_z: [2, 3], seeds: [0]}",
            ["d_z=2 s0 sigma_vae σ=0.1", "d_z=3 s0 sigma_vae σ=0.1"],
        ),
        ("{model: sigma_vae, sigma: 0.1, seeds: 2}", ["s0 sigma_vae σ=0.1", "s1 sigma_vae σ=0.1"]),
        (
            "{model: sigma_vae, sigma: [0.1, 0.2], beta: [1, 4], seeds: [0]}",
            [
                "σ=0.1 s0 sigma_vae",
                "σ=0.1 β=4 s0 sigma_vae",
                "σ=0.2 s0 sigma_vae",
                "σ=0.2 β=4 s0 sigma_vae",
            ],
        ),
    ],
)
def test_what_varies_comes_first(block: str, expected: list[str]) -> None:
    trials = trials_of(grid_text(block))
    names = RunNames(trials)
    assert [names.name(trial) for trial in trials] == expected


def test_no_two_are_alike() -> None:
    trials = trials_of(
        grid_text(
            "{model: sigma_vae, sigma: [0.1, 0.2], beta: [1, 4], k: [1, 2]}",
            "{model: iwae, likelihood: gaussian, sigma: [0.1, 0.2], k: [1, 2]}",
            "{model: alpha_vae, alpha: 0.1, d_z: [2, 3]}",
        )
    )
    names = RunNames(trials)
    assert len({names.name(trial) for trial in trials}) == len(trials) > 20


def test_a_report_without_laws_is_described() -> None:
    found = report_claims({"summary": ["0 of 2 trials finished <so far>."]}, "demo", "r1")
    assert (found.finished, dict(found.metrics)) == (0, {})
    assert "- 0 of 2 trials finished \\<so far>." in found.tags["mlflow.note.content"]


def test_code_in_a_sentence_stays_as_it_is() -> None:
    said = "a smaller `test_every`, or d_z = 3"
    found = report_claims({"summary": [said]}, "demo", "r1")
    assert "- a smaller `test_every`, or d\\_z = 3" in found.tags["mlflow.note.content"]


def test_a_law_of_one_seed_has_no_interval() -> None:
    law = {"law": "a", "nu": 1.2, "ci_low": 1.1, "ci_high": 1.3}
    for seeds, metrics in ((1, {"nu"}), (3, {"nu", "nu_low", "nu_high"})):
        found = report_claims({"laws": [law | {"n_seeds": seeds}]}, "demo", "r1")
        assert set(found.metrics) == metrics


def test_numbers_that_are_unknown_are_left_out() -> None:
    law = {"law": "σ-VAE: test KL against σ", "nu": 1.2, "ci_low": None, "ci_high": None}
    other = law | {"law": "DVAE, d_z = 2: test KL against σ", "nu": 0.5}
    found = report_claims({"laws": [law, other], "trials": {"finished": 3}}, "demo", "r1")
    assert dict(found.metrics) == {
        "nu": 1.2,
        "laws/DVAE d_z 2 test KL against σ/nu": 0.5,
        "trials/finished": 3.0,
    }
