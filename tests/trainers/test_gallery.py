"""The pictures of a finished trial: clean test examples, the same with noise, and x̂(y)."""

from __future__ import annotations

import numpy as np
import torch

from tests.trainers.models import mlp_sigma_vae
from tests.trainers.test_classification import turning
from trainers import Pack, datasets
from trainers.datasets.digits import Digits
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.gallery import gallery, pictures
from trainers.networks.quadratic import Quadratic
from trainers.objectives.deen import Deen
from trainers.trial import Trial


def test_the_denoised_examples_are_the_estimates_of_the_noisy_ones() -> None:
    """This energy turns what it is shown upside down: x̂(y) = Ry."""
    found = {
        name: pictures.reshape(10, 64).astype(int)
        for name, pictures in gallery(*turning(sigma=0.2)).items()
    }
    assert np.array_equal(found["denoised"], found["noisy"][:, ::-1])
    inside = (found["noisy"] > 0) & (found["noisy"] < 255)
    spread = (found["noisy"] - found["clean"])[inside & (np.abs(found["clean"] - 128) < 50)]
    assert 0.14 < spread.std() / 255 < 0.25


def test_there_is_one_example_of_each_class() -> None:
    trial = mlp_sigma_vae(0.2)
    shown = gallery(trial, *Pack([trial]).bind(0))["clean"]
    test = datasets.load(Digits()).test
    assert test.labels is not None
    firsts = [int((test.labels == label).nonzero()[0]) for label in range(10)]
    assert np.array_equal(shown.reshape(10, 64), (test.x[firsts].float() / 16 * 255).round())


def test_samples_of_a_seed_are_decoded_from_the_same_latents() -> None:
    """So that a dial over σ changes the model alone; an energy has no samples here."""
    trial = mlp_sigma_vae(0.2)
    objective, model = Pack([trial]).bind(0)
    first, again = (gallery(trial, objective, model) for _ in range(2))
    assert first["sampled"].shape == first["clean"].shape
    assert np.array_equal(first["sampled"], again["sampled"])
    assert len(np.unique(first["sampled"].reshape(10, -1), axis=0)) == 10
    other = gallery(mlp_sigma_vae(0.4), objective, model)
    assert np.array_equal(other["sampled"], first["sampled"])
    assert "sampled" not in gallery(*turning(sigma=0.2))


def test_reconstructions_are_decoded_from_the_mean_of_the_code() -> None:
    """Of the clean images; an energy has none."""
    trial = mlp_sigma_vae(0.2)
    objective, model = Pack([trial]).bind(0)
    found = gallery(trial, objective, model)
    test = datasets.load(Digits()).test
    assert test.labels is not None
    firsts = [int((test.labels == label).nonzero()[0]) for label in range(10)]
    with torch.no_grad():
        expected = model.mean(model.encode(test.x[firsts].float() / 16)[0])
    shown, meant = (one.astype(int) for one in (found["reconstructed"], pictures(expected, trial)))
    assert np.abs(shown - meant).max() <= 1
    assert np.ptp(shown) > 10
    assert "reconstructed" not in gallery(*turning(sigma=0.2))


def test_vectors_have_no_pictures() -> None:
    trial = Trial(objective=Deen(sigma=0.2), network=Quadratic(), data=LinearGaussian())
    assert gallery(trial, *Pack([trial]).bind(0)) == {}
