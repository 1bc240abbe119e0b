"""DEEN on Gaussian data is the Wiener filter."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.trainers.wiener import covariance, least_loss, true_loss, wiener
from trainers import Training, Trial, train
from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.datasets.digits import Digits
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.errors import Incompatible
from trainers.fields import describe_fields
from trainers.likelihoods.gaussian import Gaussian
from trainers.loop import Trained
from trainers.networks.conv import Conv
from trainers.networks.energy import ConvEnergy
from trainers.networks.quadratic import Quadratic
from trainers.objectives.deen import Deen

SIGMA = 0.5
DATA = LinearGaussian(dims=4, examples=4096)
TRAINING = Training(epochs=40, batch_size=512, lr=1e-2, precision="float64", test_every=40)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(
        Trial(
            objective=Deen(sigma=SIGMA), network=Quadratic(), data=DATA, training=TRAINING, seed=1
        )
    )


def test_the_exact_energy_gives_the_wiener_filter() -> None:
    """f(y) = ½ yᵀ(C + σ²I)⁻¹y has the filter as its estimate, and the least loss."""
    trial = Trial(objective=Deen(sigma=SIGMA), network=Quadratic(), data=DATA)
    precision = torch.linalg.inv(covariance(DATA) + SIGMA**2 * torch.eye(4, dtype=torch.float64))
    params = {"energy.weight": precision, "energy.bias": torch.zeros(4, dtype=torch.float64)}
    objective, model = trial.bind(dict(trial.build_modules()), params, {})
    y = torch.randn(20, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        objective.denoise(model, y), y @ wiener(DATA, SIGMA), rtol=1e-10, atol=1e-10
    )
    assert true_loss(objective, model, DATA, SIGMA) == pytest.approx(
        least_loss(DATA, SIGMA), rel=1e-10
    )


def test_training_reaches_the_least_loss(trained: Trained) -> None:
    loss = true_loss(trained.objective, trained.model, DATA, SIGMA)
    assert least_loss(DATA, SIGMA) < loss < 1.003 * least_loss(DATA, SIGMA)


def test_training_reaches_the_wiener_filter(trained: Trained) -> None:
    eye = torch.eye(4, dtype=torch.float64)
    zero = torch.zeros(1, 4, dtype=torch.float64)
    found = trained.objective.denoise(trained.model, eye) - trained.objective.denoise(
        trained.model, zero
    )
    torch.testing.assert_close(found, wiener(DATA, SIGMA), rtol=0, atol=0.04)


def test_the_metrics_are_the_loss_within_its_sampling_error(trained: Trained) -> None:
    """‖x − x̂‖² is a weighted χ²: its standard deviation is (2 Σ rᵢ²)^½, rᵢ its mean parts."""
    metrics = trained.records[-1].metrics
    parts = DATA.eigenvalues * SIGMA**2 / (DATA.eigenvalues + SIGMA**2)
    error = 4 * float((2 * (parts**2).sum() / DATA.examples) ** 0.5)
    assert metrics["test/denoise"] == pytest.approx(least_loss(DATA, SIGMA), abs=error)
    assert metrics["test/objective"] == -metrics["test/denoise"]
    assert metrics["train/objective"] == -metrics["train/denoise"]
    assert {name for name in metrics if name.startswith("test/")} == {
        "test/denoise",
        "test/objective",
    }


def test_the_losses_gradient_is_its_finite_difference() -> None:
    trial = Trial(
        objective=Deen(sigma=SIGMA), data=Digits(), network=ConvEnergy(channels=(2, 3), fc=4)
    )
    torch.manual_seed(0)
    modules = trial.build_modules().double()
    params = {name: p.detach().requires_grad_() for name, p in modules.named_parameters()}
    x, eps = torch.rand(2, 3, 64, dtype=torch.float64)
    along = {name: torch.randn_like(p) for name, p in params.items()}

    def loss(h: float) -> Tensor:
        moved = {name: p + h * along[name] for name, p in params.items()}
        objective, model = trial.bind(dict(modules), moved, {})
        return objective.loss(model, x, {"noise": eps})[0]

    slopes = torch.autograd.grad(loss(0), list(params.values()))
    difference = float((loss(1e-5) - loss(-1e-5)).detach()) / 2e-5
    slope = sum(float((g * v).sum()) for g, v in zip(slopes, along.values(), strict=True))
    assert slope == pytest.approx(difference, rel=1e-6)


def test_there_is_no_beta_and_no_imagined_noise() -> None:
    assert [field.name for field in describe_fields(Deen)] == ["sigma"]
    trial = Trial(objective=Deen(sigma=SIGMA), network=Quadratic(), data=DATA)
    objective, model = trial.bind(dict(trial.build_modules()), {}, {})
    assert objective.noise_model(model) == GaussianNoise(sigma=SIGMA)


@pytest.mark.parametrize(
    ("parts", "remedy"),
    [
        ({"network": Conv()}, "conv_energy"),
        ({"likelihood": Gaussian(sigma=0.1)}, "takes no likelihood"),
        (
            {"corruption": GaussianNoise(sigma=0.1), "corrupts": "input"},
            "no corruption of the input",
        ),
    ],
)
def test_what_means_nothing_is_refused(parts: dict[str, object], remedy: str) -> None:
    with pytest.raises(Incompatible, match=remedy):
        Trial(
            **{"objective": Deen(sigma=SIGMA), "network": ConvEnergy(), "data": Digits(), **parts}
        )
