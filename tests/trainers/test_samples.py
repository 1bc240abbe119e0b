"""The evaluation `samples`: samplers asked from a grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainers.models import mlp_sigma_vae
from trainers import Pack, Training, Trial
from trainers.datasets.digits import Digits
from trainers.errors import Incompatible, InvalidValue
from trainers.evaluations import EVALUATIONS, Evaluation, config, evaluate
from trainers.evaluations.samples import Samples
from trainers.fields import describe_fields
from trainers.networks.quadratic import Quadratic
from trainers.noise import Streams
from trainers.objectives import Objective
from trainers.objectives.deen import Deen
from trainers.samplers import SAMPLERS
from trainers.samplers.walk_jump import WalkJump

DEEN = Trial(
    objective=Deen(sigma=0.3),
    network=Quadratic(),
    data=Digits(),
    training=Training(precision="float64"),
    seed=3,
)


def asked(trial: Trial, samples: Samples) -> Evaluation:
    return evaluate(samples, trial, *Pack([trial]).bind(0))


def test_the_picture_is_what_the_sampler_gives_from_the_trials_own_stream() -> None:
    found = asked(DEEN, Samples(samplers=("walk_jump",), count=2, delta=0.1, every=3, jumps=4))
    sampler = WalkJump(delta=0.1, every=3, jumps=4)
    path = sampler.trajectory(*Pack([DEEN]).bind(0), 2, Streams(3, 0).generator("evaluation"))
    grey = path.clamp(0, 1).mul(255).round().to(torch.uint8)
    assert set(found.pictures) == {"walk_jump"}
    assert np.array_equal(found.pictures["walk_jump"], grey.transpose(0, 1).reshape(2, 4, 1, 8, 8))
    assert found.table == [
        {"sampler": "walk_jump", "settings": "delta=0.1 every=3 jumps=4 start=uniform"}
    ]


@pytest.mark.parametrize(
    ("trial", "expected"),
    [
        (DEEN, {"walk_jump": (10, 10, 1, 8, 8)}),
        (mlp_sigma_vae(0.2), {"ancestral": (8, 8, 1, 8, 8)}),
    ],
    ids=["deen", "sigma_vae"],
)
def test_a_name_alone_takes_the_papers_sampler_of_the_model(
    trial: Trial, expected: dict[str, tuple[int, ...]]
) -> None:
    found = asked(trial, Samples())
    assert {name: picture.shape for name, picture in found.pictures.items()} == expected


def test_a_sampler_draws_the_same_picture_in_any_company() -> None:
    both = asked(DEEN, Samples(samplers=("nebula", "walk_jump"), count=3))
    alone = asked(DEEN, Samples(samplers=("walk_jump",), count=3))
    other = asked(replace(DEEN, seed=4), Samples(samplers=("walk_jump",), count=3))
    assert set(both.pictures) == {"nebula", "walk_jump"}
    assert np.array_equal(both.pictures["walk_jump"], alone.pictures["walk_jump"])
    assert not np.array_equal(other.pictures["walk_jump"], alone.pictures["walk_jump"])


def refusal(samples: Samples, trial: Trial) -> str:
    with pytest.raises(Incompatible) as refused:
        samples.check(trial)
    return str(refused.value)


@pytest.mark.parametrize(
    ("sampler", "trial"),
    [
        ("walk_jump", mlp_sigma_vae(0.2)),
        ("langevin", mlp_sigma_vae(0.2)),
        ("nebula", mlp_sigma_vae(0.2)),
        ("ancestral", DEEN),
    ],
    ids=["walk_jump", "langevin", "nebula", "ancestral"],
)
def test_what_a_sampler_refuses_is_refused_in_its_words(sampler: str, trial: Trial) -> None:
    def words(objective: Objective) -> str:
        with pytest.raises(Incompatible) as refused:
            SAMPLERS[sampler]().check(objective)
        return str(refused.value)

    assert refusal(Samples(samplers=(sampler,)), trial) == words(trial.objective)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"samplers": ("walkjump",)},
            "must be of ancestral, langevin, nebula, walk_jump, and has",
        ),
        (
            {"samplers": ("nebula",), "jumps": 3},
            "jumps is a field of walk_jump, and the samplers are nebula",
        ),
        (
            {"samplers": ("walk_jump",), "delta": -1.0},
            "WalkJump.delta must be greater than 0, not -1",
        ),
        ({"count": -1}, "Samples.count must be at least 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        EVALUATIONS["samples"](**fields)


def test_a_field_that_the_models_own_sampler_lacks_is_refused() -> None:
    with pytest.raises(
        InvalidValue, match="jumps is a field of walk_jump, and the samplers are ancestral"
    ):
        Samples(jumps=3).check(mlp_sigma_vae(0.2))


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_and_every_field_of_it_can_be_asked(name: str) -> None:
    own = {fld.name: fld.default for fld in describe_fields(SAMPLERS[name])}
    samples = EVALUATIONS.build({"name": "samples", "samplers": [name], **own})
    assert config(samples) == {"name": "samples", "samplers": [name], "count": 0} | {
        fld.name: own.get(fld.name)
        for fld in describe_fields(Samples)
        if fld.name not in ("samplers", "count")
    }
