"""UVB: the energy is a negative ELBO, and on Gaussian data its estimate is the Wiener filter."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor

from tests.trainers.wiener import covariance, least_loss, true_loss, wiener
from trainers import Training, Trial, train
from trainers.datasets.digits import Digits
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.errors import Incompatible
from trainers.loop import Trained
from trainers.networks import NETWORKS
from trainers.networks.energy import ConvEnergy
from trainers.networks.linear import Linear
from trainers.networks.mlp import Mlp
from trainers.objectives.uvb import Uvb

SIGMA = 0.5
DATA = LinearGaussian(dims=4, examples=4096)
TOY = Mlp(d_z=3, hidden=(8,), decoder_hidden=(8,), nonlinearity="silu")
Decoder = Literal["gaussian", "laplace"]


@pytest.fixture(scope="module")
def trained() -> Trained:
    training = Training(epochs=120, batch_size=1024, lr=1e-2, precision="float64", test_every=120)
    return train(
        Trial(
            objective=Uvb(sigma=SIGMA), network=Linear(d_z=8), data=DATA, training=training, seed=1
        )
    )


def test_the_tight_elbo_gives_the_wiener_filter() -> None:
    """With probabilistic PCA of y the ELBO is log p(y), and ∇f = (C + σ²I)⁻¹y on average.

    ∇f of a linear network is linear in ε', so the mean over ε' and −ε' is that over all ε'.
    """
    trial = Trial(objective=Uvb(sigma=SIGMA, samples=2), network=Linear(d_z=4), data=DATA)
    objective, model = trial.bind(dict(trial.build_modules()), ppca(4), {})
    y, eps = torch.randn(2, 20, 4, dtype=torch.float64)
    xhat = objective.denoise(model, y, {"latent": torch.stack([eps, -eps])})
    torch.testing.assert_close(xhat, y @ wiener(DATA, SIGMA), rtol=1e-10, atol=1e-10)


def ppca(d_z: int) -> dict[str, Tensor]:
    """The VAE of y = x + σε with the greatest ELBO: decoder V = U√λ, posterior exact."""
    eigenvalues, u = (part[..., -d_z:] for part in torch.linalg.eigh(covariance(DATA)))
    root = eigenvalues.sqrt()
    return {
        "encoder.mean.weight": (u * root / (eigenvalues + SIGMA**2)).T,
        "encoder.log_var": (SIGMA**2 / (eigenvalues + SIGMA**2)).log(),
        "encoder.mean.bias": torch.zeros(d_z, dtype=torch.float64),
        "decoder.out.weight": u * root,
        "decoder.out.bias": torch.zeros(4, dtype=torch.float64),
    }


@pytest.mark.parametrize("d_z", [1, 2, 3, 4])
def test_too_few_latents_leave_the_smallest_directions_at_their_mean(d_z: int) -> None:
    """f = ‖y‖²/(2σ²) in a direction without latents, so x̂ = 0 there and the loss is its λ."""
    trial = Trial(objective=Uvb(sigma=SIGMA), network=Linear(d_z=d_z), data=DATA)
    objective, model = trial.bind(dict(trial.build_modules()), ppca(d_z), {})
    assert true_loss(objective, model, DATA, SIGMA) == pytest.approx(
        least_loss(DATA, SIGMA, kept=d_z), rel=1e-10
    )


def test_training_reaches_the_wiener_filter(trained: Trained) -> None:
    loss = true_loss(trained.objective, trained.model, DATA, SIGMA)
    assert least_loss(DATA, SIGMA) < loss < 1.005 * least_loss(DATA, SIGMA)
    eye = torch.eye(4, dtype=torch.float64)
    zero = torch.zeros(1, 4, dtype=torch.float64)
    found = trained.objective.denoise(trained.model, eye) - trained.objective.denoise(
        trained.model, zero
    )
    torch.testing.assert_close(found, wiener(DATA, SIGMA), rtol=0, atol=0.05)


def test_training_reports_the_loss_the_kl_and_the_reconstruction(trained: Trained) -> None:
    metrics = trained.records[-1].metrics
    assert metrics["test/denoise"] == pytest.approx(least_loss(DATA, SIGMA), rel=0.05)
    assert metrics["test/objective"] == -metrics["test/denoise"]
    assert {name for name in metrics if name.startswith("test/")} == {
        "test/denoise",
        "test/denoise_one",
        "test/objective",
        "test/kl",
        "test/recon",
    }


@pytest.mark.parametrize("decoder", ["gaussian", "laplace"])
def test_the_gradients_are_finite_differences(decoder: Decoder) -> None:
    """ε' is held while y moves: ∇f is the slope of one realisation of f."""
    objective, model = toy(decoder)
    y, v = torch.randn(2, 5, 64, dtype=torch.float64)
    eps = torch.randn(3, 5, 3, dtype=torch.float64)

    def energy(h: float) -> Tensor:
        return objective.energy(model, y + h * v, eps)[0]

    slope = (objective.gradient(model, y, {"latent": eps}) * v).sum(-1)
    torch.testing.assert_close(slope, (energy(1e-6) - energy(-1e-6)) / 2e-6, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("decoder", ["gaussian", "laplace"])
def test_the_losses_gradient_is_its_finite_difference(decoder: Decoder) -> None:
    objective, model = toy(decoder)
    params = {name: p.detach().requires_grad_() for name, p in model.params.items()}
    x, eps = torch.rand(2, 3, 64, dtype=torch.float64)
    noise = {"noise": eps, "latent": torch.randn(1, 3, 3, dtype=torch.float64)}
    along = {name: torch.randn_like(p) for name, p in params.items()}

    def loss(h: float) -> Tensor:
        moved = {name: p + h * along[name] for name, p in params.items()}
        _, there = trial_of(decoder).bind(model.parts, moved, {})
        return objective.loss(there, x, noise)[0]

    slopes = torch.autograd.grad(loss(0), list(params.values()))
    difference = float((loss(1e-6) - loss(-1e-6)).detach()) / 2e-6
    slope = sum(float((g * v).sum()) for g, v in zip(slopes, along.values(), strict=True))
    assert slope == pytest.approx(difference, rel=1e-5)


@pytest.mark.parametrize(
    ("decoder", "weight"), [("gaussian", 1 / (2 * SIGMA**2)), ("laplace", 1 / SIGMA)]
)
def test_the_energy_is_its_parts(decoder: Decoder, weight: float) -> None:
    """f = recon/(2σ²) + β KL, or recon/α + β KL with α = σ."""
    objective, model = toy(decoder)
    f, parts = objective.energy(
        model, torch.randn(5, 64, dtype=torch.float64), torch.randn(4, 5, 3, dtype=torch.float64)
    )
    torch.testing.assert_close(f, weight * parts["recon"] + 0.7 * parts["kl"])


def test_more_samples_average_the_gradient() -> None:
    objective, model = toy("gaussian")
    y = torch.randn(5, 64, dtype=torch.float64)
    eps = torch.randn(3, 5, 3, dtype=torch.float64)
    apart = [objective.gradient(model, y, {"latent": one.unsqueeze(0)}) for one in eps]
    torch.testing.assert_close(
        objective.gradient(model, y, {"latent": eps}), torch.stack(apart).mean(0)
    )


def test_without_noise_the_latents_are_at_their_posterior_mean() -> None:
    objective, model = toy("gaussian")
    y = torch.randn(5, 64, dtype=torch.float64)
    zeros = torch.zeros(2, 5, 3, dtype=torch.float64)
    torch.testing.assert_close(
        objective.denoise(model, y), objective.denoise(model, y, {"latent": zeros})
    )


def test_one_latent_trains_and_several_are_averaged_afterwards() -> None:
    trial = Trial(objective=Uvb(sigma=SIGMA, samples=7), network=TOY, data=Digits())
    objective, model = trial.bind(dict(trial.build_modules()), {}, {})
    sizes = [
        draws(model, 5)["latent"].shape
        for draws in (objective.draws, objective.test_draws, objective.denoise_draws)
    ]
    assert sizes == [(1, 5, 3), (7, 5, 3), (7, 5, 3)]


def trial_of(decoder: Decoder) -> Trial:
    return Trial(objective=Uvb(sigma=SIGMA, beta=0.7, decoder=decoder), network=TOY, data=Digits())


def toy(decoder: Decoder) -> tuple[Uvb, object]:
    torch.manual_seed(0)
    trial = trial_of(decoder)
    modules = trial.build_modules().double()
    objective, model = trial.bind(dict(modules), dict(modules.named_parameters()), {})
    assert isinstance(objective, Uvb)
    return objective, model


@pytest.mark.parametrize(("shape", "size"), [((1, 28, 28), "2.7e+07"), ((3, 32, 32), "4.1e+07")])
def test_the_papers_network_has_the_papers_number_of_parameters(
    shape: tuple[int, ...], size: str
) -> None:
    with torch.device("meta"):
        parts = NETWORKS["conv"]().build(shape, 1)
    count = sum(p.numel() for part in parts.values() for p in part.parameters())
    assert f"{count:.1e}" == size


def test_an_energy_network_is_refused() -> None:
    with pytest.raises(Incompatible, match="trains an autoencoder"):
        Trial(objective=Uvb(sigma=SIGMA), network=ConvEnergy(), data=Digits())
