"""The reference classifier, and what is measured with it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.trainers.models import mlp_sigma_vae
from trainers import Pack, Training, Trial, datasets
from trainers.classifier import reference_classifier
from trainers.datasets.digits import Digits
from trainers.datasets.gaussian_mixture import GaussianMixture
from trainers.datasets.image_folder import ImageFolder
from trainers.datasets.mnist import Mnist
from trainers.evaluations import evaluate, first_examples, own_streams
from trainers.evaluations.classification import Classification
from trainers.evaluations.smoothing import Smoothing, certify
from trainers.evaluations.smoothing_xhat import SmoothingXhat
from trainers.model import Model
from trainers.networks.quadratic import Quadratic
from trainers.noise import Draw
from trainers.objectives import Objective
from trainers.objectives.deen import Deen

STEPS = 300


def test_the_reference_classifier_knows_digits_and_keeps_what_it_learned(tmp_path: Path) -> None:
    first = reference_classifier(Digits(), STEPS, tmp_path)
    x = datasets.load(Digits()).test.x.double() / 16
    labels = datasets.load(Digits()).test.labels
    assert first.tested == len(x)
    assert first.accuracy == float((first.predict(x) == labels).double().mean()) > 0.9
    assert len(list(tmp_path.iterdir())) == 2
    again = kept(tmp_path)
    assert again == first.accuracy


def kept(folder: Path) -> float:
    """The accuracy that another process would find in the folder, its weights included."""
    from trainers import classifier

    classifier._reference.cache_clear()
    return reference_classifier(Digits(), STEPS, folder).accuracy


def test_a_damaged_classifier_is_trained_anew(tmp_path: Path) -> None:
    accuracy = kept(tmp_path)
    (weights,) = tmp_path.glob("*.safetensors")
    content = weights.read_bytes()
    weights.write_bytes(content[:-4] + b"\0\0\0\1")
    assert kept(tmp_path) == accuracy
    assert weights.read_bytes() == content
    assert json.loads(weights.with_suffix(".json").read_text())["accuracy"] == accuracy


def test_vectors_have_a_classifier_too() -> None:
    data = GaussianMixture(dims=2, components=3, scale=0.1)
    assert reference_classifier(data, 200).accuracy > 0.99


def test_images_that_a_model_may_not_see_train_the_classifier_too(tmp_path: Path) -> None:
    for number in range(30):
        path = tmp_path / str(number % 2) / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8), 8 * number).save(path)
    whole, part = (
        ImageFolder(folder=str(tmp_path), size=8, colour=False, validation=validation)
        for validation in (0, 20)
    )
    assert len(datasets.load(part).train) == 7
    assert reference_classifier(part, 5) is reference_classifier(whole, 5)


def test_a_denoiser_that_returns_y_is_as_good_as_the_classifier_alone() -> None:
    """With σ → 0 a quadratic energy moves nothing: x̂(y) = y."""
    trial = Trial(
        objective=Deen(sigma=1e-9),
        network=Quadratic(),
        data=Digits(),
        training=Training(precision="float64"),
    )
    objective, model = Pack([trial]).bind(0)
    asked = Classification(
        gaussian=(0.3, 1.0), laplace=(), salt_and_pepper=(0.4,), examples=0, steps=STEPS
    )
    found = evaluate(asked, trial, objective, model)
    assert [row["accuracy"] for row in found.table] == [row["noisy"] for row in found.table]
    assert found.metrics["accuracy/clean"] == found.metrics["accuracy/reference"] > 0.9
    shares = [
        found.metrics[f"accuracy/{name}"] for name in ("gaussian/1", "gaussian/0.3", "clean")
    ]
    assert shares == sorted(set(shares))


def turning(sigma: float = 0.5) -> tuple[Trial, Objective, Model]:
    """An energy whose estimate is y upside down: f(y) = yᵀ(I − R)y/(2σ²), so x̂(y) = Ry."""
    trial = Trial(
        objective=Deen(sigma=sigma),
        network=Quadratic(),
        data=Digits(),
        seed=5,
        training=Training(precision="float64"),
    )
    objective, model = Pack([trial]).bind(0)
    eye = torch.eye(64, dtype=torch.float64)
    weight = (eye - eye.flip(0)) / sigma**2
    params = {"energy.weight": weight, "energy.bias": torch.zeros(64, dtype=torch.float64)}
    return trial, objective, replace(model, params=params)


def test_it_is_the_estimate_that_is_classified() -> None:
    trial, objective, model = turning()
    asked = Classification(
        gaussian=(0.1, 0.3), laplace=(), salt_and_pepper=(), examples=0, steps=STEPS
    )
    found = evaluate(asked, trial, objective, model)
    classifier = reference_classifier(Digits(), STEPS)
    x, labels = first_examples(trial, model, 0)
    streams = own_streams(trial, model)
    for row in found.table:
        noise = streams.draw(Draw("evaluation", tuple(x.shape)), x.dtype)
        y = x + row["level"] * noise
        accuracy, noisy = (
            float((classifier.predict(shown) == labels).double().mean())
            for shown in (y.flip(-1), y)
        )
        assert row["accuracy"] == pytest.approx(accuracy, abs=1e-3)
        assert row["noisy"] == noisy > accuracy + 0.1


def test_it_is_the_estimate_that_is_certified() -> None:
    trial, objective, model = turning()
    asked = Smoothing(sigma=0.2, radii=(0.1,), n0=20, n=100, examples=12, steps=STEPS)
    found = evaluate(asked, trial, objective, model)
    classifier = reference_classifier(Digits(), STEPS)
    x, _ = first_examples(trial, model, 12)

    def guesses(turned: bool) -> list[tuple[int, float]]:
        streams = own_streams(trial, model)
        made = [
            certify(lambda y: classifier.predict(y.flip(-1) if turned else y), one, asked, streams)
            for one in x
        ]
        return [(one.guess, one.p_lower) for one in made]

    assert [(row["guess"], row["p_lower"]) for row in found.table] == guesses(turned=True)
    assert guesses(turned=True) != guesses(turned=False)


def test_a_classifier_of_denoised_examples_learns_what_the_denoiser_makes() -> None:
    """The denoiser turns every picture: the clean classifier mistakes them, this one does not."""
    trial, objective, model = turning()
    asked = {"sigma": 0.2, "radii": (0.05,), "n0": 20, "n": 100, "examples": 40, "steps": 300}
    clean = evaluate(Smoothing(**asked), trial, objective, model).metrics
    own = evaluate(SmoothingXhat(**asked), trial, objective, model).metrics
    assert own["smoothing_xhat/reference"] > 0.8
    assert own["certified_xhat/0.05"] > clean["certified/0.05"] + 0.2
    assert {name.replace("_xhat", "") for name in own} == set(clean)


def test_certified_accuracy_counts_what_is_guessed_right() -> None:
    trial, objective, model = turning()
    asked = Smoothing(sigma=0.2, radii=(0.05, 0.2), n0=20, n=100, examples=40, steps=STEPS)
    found = evaluate(asked, trial, objective, model)
    right = np.array([row["guess"] == row["label"] for row in found.table])
    abstains, radius = (
        np.array([row[name] for row in found.table]) for name in ("abstains", "radius")
    )
    assert (~right & (radius >= 0.2)).any(), "wrong guesses are certified too"
    expected = {
        f"certified/{wanted}": (right & (radius >= wanted)).mean() for wanted in asked.radii
    }
    expected |= {
        "smoothing/accuracy": (right & ~abstains).mean(),
        "smoothing/abstained": abstains.mean(),
        "smoothing/radius": (right * radius).mean(),
    }
    assert {name: found.metrics[name] for name in expected} == pytest.approx(expected)


def test_certified_accuracy_falls_with_the_radius() -> None:
    trial = mlp_sigma_vae(0.2)
    objective, model = Pack([trial]).bind(0)
    asked = Smoothing(sigma=0.3, radii=(0.1, 0.3), n0=20, n=100, examples=5, steps=STEPS)
    found = evaluate(asked, trial, objective, model)
    metrics = found.metrics
    assert metrics["certified/0.3"] <= metrics["certified/0.1"] <= metrics["smoothing/accuracy"]
    assert metrics["smoothing/accuracy"] + metrics["smoothing/abstained"] <= 1
    assert [row["example"] for row in found.table] == list(range(5))


@pytest.mark.parametrize("steps", [1, 40])
def test_the_weights_are_finite_however_short_the_training(steps: int) -> None:
    network = reference_classifier(Digits(), steps).network
    assert all(bool(torch.isfinite(value).all()) for value in network.state_dict().values())


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(
    "SWEEPER_DATA" not in os.environ, reason="set SWEEPER_DATA to a folder with MNIST/raw"
)
def test_the_reference_classifier_of_mnist_is_right_in_985_of_1000_cases() -> None:
    found = reference_classifier(Mnist())
    assert found.tested == 10_000
    assert found.accuracy >= 0.985
