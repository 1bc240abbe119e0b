"""An id is a function of what determines the result, and of nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sweeper.grid.identity import canonical, digest, lineage_id, trial_id
from tests.sweeper.grids import grid_text, trials_of
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.datasets.mnist import Mnist
from trainers.likelihoods.gaussian import Gaussian
from trainers.networks.linear import Linear
from trainers.objectives.elbo import Elbo
from trainers.trial import Training, Trial

TRIAL = Trial(
    objective=Elbo(),
    likelihood=Gaussian(sigma=0.1),
    network=Linear(d_z=2),
    data=LinearGaussian(),
    training=Training(epochs=2),
)


def training(**changes: float) -> Trial:
    return replace(TRIAL, training=replace(TRIAL.training, **changes))


@pytest.mark.parametrize(
    "other",
    [
        replace(TRIAL, seed=1),
        replace(TRIAL, likelihood=Gaussian(sigma=0.2)),
        replace(TRIAL, objective=Elbo(beta=2.0)),
        replace(TRIAL, network=Linear(d_z=3)),
        replace(TRIAL, data=LinearGaussian(dims=9)),
        training(lr=0.1),
        training(eps=1e-7),
        training(batch_size=16),
        training(epochs=3),
    ],
)
def test_whatever_changes_the_result_changes_the_id(other: Trial) -> None:
    assert trial_id(other, "c") != trial_id(TRIAL, "c")


def test_the_data_themselves_are_part_of_the_id() -> None:
    assert trial_id(TRIAL, "c") != trial_id(TRIAL, "d")


@pytest.mark.parametrize("other", [training(checkpoint_every=1), training(test_every=2)])
def test_what_does_not_change_the_result_keeps_the_id(other: Trial) -> None:
    assert trial_id(other, "c") == trial_id(TRIAL, "c")


def test_where_the_data_lie_is_no_part_of_the_id() -> None:
    one, two = (replace(TRIAL, data=Mnist(data_dir=folder)) for folder in ("/a", "/b"))
    assert trial_id(one, "c") == trial_id(two, "c")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (training(epochs=9), True),
        (training(epochs=9, test_every=3), True),
        (training(lr=0.1), False),
        (replace(TRIAL, seed=1), False),
    ],
)
def test_a_program_leaves_the_length_out(other: Trial, same: bool) -> None:
    assert (lineage_id(other, "c") == lineage_id(TRIAL, "c")) is same


def test_ids_do_not_depend_on_the_grid_around_them() -> None:
    alone = trials_of(grid_text("{model: sigma_vae, sigma: 0.1, seeds: [1]}"))
    among = trials_of(grid_text("{sigma: [0.2, 0.1], beta: 1, model: sigma_vae}"))
    assert alone[0].id in {trial.id for trial in among}


def test_an_id_is_sixteen_hex_digits() -> None:
    assert len(trial_id(TRIAL, "c")) == 16
    int(trial_id(TRIAL, "c"), 16)


def test_canonical_json_has_one_spelling() -> None:
    assert canonical({"b": 1, "a": "σ"}) == '{"a":"σ","b":1}'
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(float("nan"))


def test_the_hash_is_stable() -> None:
    """Stored trials must be found again: change SCHEMA if this must change."""
    assert digest({"schema": 1}) == "67d6291b301412df"
