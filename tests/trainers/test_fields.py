"""Bounds, names and registries answer a wrong value with the rule and the remedy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from trainers import Training, Trial
from trainers.datasets.binarized_mnist import BinarizedMnist
from trainers.datasets.digits import Digits
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.errors import InvalidValue, UnknownName
from trainers.evaluations.denoising import Denoising
from trainers.evaluations.samples import Samples
from trainers.fields import describe_fields, from_checked
from trainers.likelihoods import LIKELIHOODS
from trainers.likelihoods.gaussian import Gaussian
from trainers.networks.conv import Conv
from trainers.networks.mlp import Mlp
from trainers.objectives.elbo import Elbo
from trainers.objectives.uvb import Uvb
from trainers.samplers.walk_jump import WalkJump
from trainers.trial import PARTS


@pytest.mark.parametrize("sigma", [0.0, -0.1, math.nan, math.inf])
def test_a_scale_must_be_positive_and_finite(sigma: float) -> None:
    with pytest.raises(InvalidValue, match=r"Gaussian\.sigma must be greater than 0"):
        Gaussian(sigma=sigma)


@pytest.mark.parametrize(
    ("kind", "values", "rule"),
    [
        (
            Uvb,
            {"sigma": 0.1, "decoder": "poisson"},
            "Uvb.decoder must be one of 'gaussian', 'laplace', not 'poisson'",
        ),
        (WalkJump, {"start": "zero"}, "WalkJump.start must be one of 'uniform', 'noisy', not 'z"),
        (
            BinarizedMnist,
            {"binarize": "dinamic"},
            "must be one of 'static', 'dynamic', 'threshold'",
        ),
        (Samples, {"start": "zero"}, "Samples.start must be one of 'uniform', 'noisy'"),
        (Training, {"precision": "float16"}, "must be one of 'float32', 'float64', 'bfloat16'"),
        (Training, {"epochs": 2.5}, "Training.epochs must be a whole number, not 2.5"),
        (Elbo, {"beta": "2"}, "Elbo.beta must be a number, not '2'"),
        (Elbo, {"k": True}, "Elbo.k must be a number, not True"),
        (Mlp, {"hidden": (200, 0)}, r"Mlp.hidden must be at least 1, not \(200, 0\)"),
        (Mlp, {"hidden": 200}, "Mlp.hidden must be a tuple, not 200"),
        (Conv, {"channels": (8, 1.5)}, "Conv.channels must be a whole number"),
        (Denoising, {"gaussian": (0.1, -1.0)}, "Denoising.gaussian must be greater than 0"),
        (Denoising, {"salt_and_pepper": (1.5,)}, "Denoising.salt_and_pepper must be from 0 to 1"),
    ],
)
def test_choices_whole_numbers_and_elements_are_checked_in_python_too(
    kind: Any, values: dict[str, object], rule: str
) -> None:
    """Any other word would silently have meant the first choice."""
    with pytest.raises(InvalidValue, match=rule):
        check(kind, values)


def check(kind: Any, values: dict[str, object]) -> None:
    """Have a component check its values: in tests a type checker would come before it."""
    defaults = {field.name: field.default for field in describe_fields(kind)}
    from_checked(kind, **(defaults | values)).__post_init__()


def test_numbers_of_numpy_are_numbers() -> None:
    check(Mlp, {"d_z": np.int64(3), "hidden": (np.int32(4),)})
    check(Gaussian, {"sigma": np.float32(0.5)})
    with pytest.raises(InvalidValue, match="must be greater than 0"):
        check(Gaussian, {"sigma": np.float32(-0.5)})


def test_an_unknown_name_gets_the_nearest_known_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'gaussian'"):
        LIKELIHOODS["gausian"]


@pytest.mark.parametrize("kind", PARTS)
def test_every_component_describes_itself(kind: str) -> None:
    registry = PARTS[kind]
    for name in registry:
        assert registry.summary(name)
        assert registry.reference(name)


def test_a_trial_survives_its_plain_form() -> None:
    trial = Trial(
        objective=Elbo(beta=2.0),
        likelihood=Gaussian(sigma=0.1),
        data=Digits(),
        network=Conv(channels=(8, 16), share_encoder=True),
        seed=3,
    )
    assert Trial.from_config(trial.config()) == trial


def test_identity_leaves_out_where_things_are() -> None:
    def trial(every: int) -> Trial:
        return Trial(
            objective=Elbo(),
            likelihood=Gaussian(sigma=0.1),
            network=Conv(),
            data=Digits(),
            training=Training(checkpoint_every=every),
        )

    assert trial(1).identity() == trial(9).identity()
    assert trial(1).config() != trial(9).config()


def test_images_too_small_for_the_convolutions_are_refused() -> None:
    trial = Trial(
        objective=Elbo(), likelihood=Gaussian(sigma=0.1), network=Conv(), data=LinearGaussian()
    )
    with pytest.raises(ValueError, match="use the network 'mlp'"):
        trial.count_parameters()


@pytest.mark.parametrize(
    ("shape", "share", "millions"), [((1, 28, 28), False, 26.8), ((1, 28, 28), True, 14.3)]
)
def test_the_papers_parameter_count(shape: tuple[int, ...], share: bool, millions: float) -> None:
    parts = Conv(share_encoder=share).build(shape, 1)
    count = sum(p.numel() for part in parts.values() for p in part.parameters())
    assert round(count / 1e6, 1) == millions


def test_the_digits_test_part_has_every_class_in_its_share() -> None:
    splits = Digits().load()
    assert splits.train.labels is not None
    assert splits.test.labels is not None
    assert (len(splits.train), len(splits.test)) == (1433, 364)
    assert splits.test.labels.bincount().tolist() == [36, 37, 36, 37, 37, 37, 37, 36, 35, 36]


def test_the_digits_are_scikit_learns() -> None:
    bunch = load_digits()
    splits = Digits().load()
    ours = [
        torch.cat([getattr(part, name) for part in (splits.train, splits.test)])
        for name in ("x", "labels")
    ]
    rows = torch.cat([ours[0], ours[1][:, None]], dim=1).tolist()
    assert sorted(rows) == sorted(
        [*image, label]
        for image, label in zip(
            bunch.data.astype(int).tolist(), bunch.target.tolist(), strict=True
        )
    )
