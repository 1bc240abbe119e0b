"""Corruptions have the stated moments and rates, and a learned rate is learned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainers.models import SMALL
from trainers import Pack, Training, Trial, datasets
from trainers.corruptions import CORRUPTIONS, Corruption
from trainers.corruptions.bernoulli_noise import BernoulliNoise
from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.corruptions.laplace_noise import LaplaceNoise
from trainers.corruptions.learnable_gaussian import LearnableGaussian
from trainers.corruptions.mean_image import MeanImage
from trainers.corruptions.salt_and_pepper import SaltAndPepper
from trainers.datasets.digits import Digits
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.errors import Incompatible
from trainers.likelihoods import bernoulli, gaussian
from trainers.objectives.elbo import Elbo

DRAWS = 40_000
X = torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0], dtype=torch.float64)


def corrupted(corruption: Corruption, x: Tensor, draws: int = DRAWS) -> Tensor:
    sample = torch.randn if corruption.noise == "normal" else torch.rand
    noise = sample(draws, len(x), dtype=x.dtype, generator=torch.Generator().manual_seed(3))
    return corruption(x.expand(draws, -1), noise)


MOMENTS = [
    (GaussianNoise(sigma=0.3), X, torch.full_like(X, 0.09)),
    (LearnableGaussian(sigma=0.3), X, torch.full_like(X, 0.09)),
    (LaplaceNoise(alpha=0.3), X, torch.full_like(X, 0.18)),
    (SaltAndPepper(p=0.2), 0.8 * X + 0.1, 0.8 * X**2 + 0.1 - (0.8 * X + 0.1) ** 2),
    (BernoulliNoise(p=0.2), X + 0.2 * (1 - 2 * X), 0.16 * (1 - 2 * X) ** 2),
]


@pytest.mark.parametrize(
    ("corruption", "mean", "variance"), MOMENTS, ids=lambda value: getattr(value, "name", "")
)
def test_a_corruption_has_the_stated_mean_and_variance(
    corruption: Corruption, mean: Tensor, variance: Tensor
) -> None:
    xt = corrupted(corruption, X)
    assert ((xt.mean(0) - mean).abs() < 4.5 * (variance / DRAWS).sqrt() + 1e-12).all()
    squares = (xt - mean).square()
    assert ((squares.mean(0) - variance).abs() < 4.5 * squares.std(0) / DRAWS**0.5 + 1e-12).all()


@pytest.mark.parametrize("kind", [SaltAndPepper, BernoulliNoise])
def test_a_rate_of_zero_changes_nothing_and_a_rate_of_one_everything(kind: Any) -> None:
    assert torch.equal(corrupted(kind(p=0.0), X, 50), X.expand(50, -1))
    grey = torch.tensor([0.3, 0.6], dtype=torch.float64)
    assert (corrupted(kind(p=1.0), grey, 50) != grey).all()


def test_half_of_the_salt_and_pepper_is_salt() -> None:
    grey = torch.full((1,), 0.5, dtype=torch.float64)
    xt = corrupted(SaltAndPepper(p=0.3), grey)
    for value, share in ((0.0, 0.15), (0.5, 0.7), (1.0, 0.15)):
        found = float((xt == value).double().mean())
        assert found == pytest.approx(share, abs=4 * (share * (1 - share) / DRAWS) ** 0.5)


def digits_trial(corruption: Any, **settings: Any) -> Trial:
    return Trial(
        objective=Elbo(),
        likelihood=bernoulli.Bernoulli(),
        network=SMALL,
        data=Digits(),
        corruption=corruption,
        corrupts="input",
        **settings,
    )


@pytest.mark.parametrize("strength", [0.4, 1.0, 3.0])
def test_the_mean_image_is_the_rate(strength: float) -> None:
    """Pixel i is corrupted at the rate min(1, strength · x̄ᵢ); empty pixels never are."""
    _, model = Pack([digits_trial(MeanImage(strength=strength))]).bind(0)
    assert model.corruption is not None
    splits = datasets.load(Digits())
    rate = (strength * splits.train.x.double().mean(0) / 16).clamp(max=1)
    grey = torch.full((64,), 0.37, dtype=torch.float32)
    found = (corrupted(model.corruption, grey, 4000) != grey).double().mean(0)
    assert ((found - rate).abs() <= 5 * (rate * (1 - rate) / 4000).sqrt() + 1e-12).all()
    assert (found[rate == 0] == 0).all()
    assert (rate == 0).any()


def test_the_mean_image_is_that_of_the_training_part_alone() -> None:
    _, model = Pack([digits_trial(MeanImage())]).bind(0)
    train = datasets.load(Digits()).train.x
    torch.testing.assert_close(
        getattr(model.corruption, "mean"),  # noqa: B009 - put in later
        train.float().mean(0) / 16,
    )


def test_half_of_the_mean_images_noise_is_salt() -> None:
    _, model = Pack([digits_trial(MeanImage(strength=2.0))]).bind(0)
    assert model.corruption is not None
    xt = corrupted(model.corruption, torch.full((64,), 0.37), 4000)
    salt, pepper = ((xt == value).double().mean() for value in (1.0, 0.0))
    changed = float(salt + pepper)
    assert float(salt) == pytest.approx(changed / 2, abs=4 * (changed / 4 / 256_000) ** 0.5)


def test_the_mean_image_is_found_without_a_packs_numbers() -> None:
    pack = Pack([digits_trial(MeanImage())])
    _, model = pack.bind(0)
    _, bound = pack.trials[0].bind(model.parts, model.params, {})
    noise = torch.rand(64, generator=torch.Generator().manual_seed(0))
    x = torch.full((64,), 0.4)
    assert torch.equal(bound.corrupt(x, noise), model.corrupt(x, noise))


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if CORRUPTIONS[name].support])
def test_pixel_noise_is_refused_on_data_that_are_no_pixels(name: str) -> None:
    kind: Any = CORRUPTIONS[name]
    with pytest.raises(Incompatible, match=f"corruption '{name}' is for data in"):
        Trial(
            objective=Elbo(),
            likelihood=gaussian.Gaussian(sigma=1.0),
            network=SMALL,
            data=LinearGaussian(),
            corrupts="input",
            corruption=kind() if name == "mean_image" else kind(p=0.1),
        )


@pytest.mark.parametrize("per_pixel", [False, True])
def test_a_learned_rate_is_reported_and_drawn_towards_zero(per_pixel: bool) -> None:
    """The denoising bound is linear in p(x̃|x): where the encoder is any use, noise costs."""
    training = Training(epochs=12, batch_size=64, lr=1e-2)
    trial = digits_trial(LearnableGaussian(sigma=0.5, per_pixel=per_pixel), training=training)
    pack = Pack([trial])
    rates = [pack.run_epoch()[0].metrics for _ in range(12)]
    assert rates[0]["train/rate"] < 0.75
    assert rates[-1]["test/rate"] < 0.8 * rates[0]["test/rate"]
    assert pack.weights(0)["param/corruption.log_sigma"].shape == ((64,) if per_pixel else ())
    assert trial.count_parameters() == (
        replace(trial, corruption=None, corrupts=None).count_parameters()
        + (64 if per_pixel else 1)
    )


def test_members_of_a_pack_may_start_from_different_rates() -> None:
    trials = [digits_trial(LearnableGaussian(sigma=sigma)) for sigma in (0.1, 0.4)]
    starts = [
        Pack(trials).weights(member)["param/corruption.log_sigma"].exp().item()
        for member in (0, 1)
    ]
    assert starts == pytest.approx([0.1, 0.4])


def test_only_a_learned_corruption_reports_a_rate() -> None:
    metrics = Pack([digits_trial(SaltAndPepper(p=0.05))]).run_epoch()[0].metrics
    assert "train/rate" not in metrics
    assert "test/objective_clean" in metrics
