"""∇f and x̂(y) against energies whose gradient is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.trainers.mixture import MIXTURE, Mixture
from trainers.energies import bayes_estimate, gradient, plain
from trainers.networks import NETWORKS

Y = 2 * torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
SIGMA = 0.7


def test_the_gradient_of_a_mixture_is_its_score() -> None:
    slope, parts = gradient(plain(MIXTURE.energy(SIGMA)), Y)
    torch.testing.assert_close(slope, -MIXTURE.score(Y, SIGMA), rtol=1e-12, atol=1e-12)
    assert parts == {}


def test_the_estimate_of_a_mixture_is_its_posterior_mean() -> None:
    """Miyasawa's formula, without knowing p(x), is Bayes' formula, knowing it."""
    slope, _ = gradient(plain(MIXTURE.energy(SIGMA)), Y)
    torch.testing.assert_close(
        bayes_estimate(Y, slope, SIGMA), MIXTURE.posterior_mean(Y, SIGMA), rtol=1e-12, atol=1e-12
    )


def test_two_gaussians_far_apart_are_told_apart() -> None:
    far = Mixture(
        means=torch.tensor([[-50.0, 0.0], [50.0, 0.0]], dtype=torch.float64),
        weights=torch.tensor([0.5, 0.5], dtype=torch.float64),
        scale=0.1,
    )
    slope, _ = gradient(plain(far.energy(SIGMA)), far.means)
    torch.testing.assert_close(slope, torch.zeros_like(slope))


def test_parts_come_back_with_the_gradient() -> None:
    def energy(y: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        square = y.square().sum(-1)
        return 0.5 * square, {"square": square}

    slope, parts = gradient(energy, Y)
    torch.testing.assert_close(slope, Y)
    torch.testing.assert_close(parts["square"], Y.square().sum(-1))


def test_the_gradient_works_under_vmap_and_can_be_differentiated_again() -> None:
    """∂/∂p of E‖∇(½ p y²)‖² = E‖p y‖² is 2 p E‖y‖²."""

    def loss(p: Tensor) -> Tensor:
        slope, _ = gradient(plain(lambda y: 0.5 * p * y.square().sum(-1)), Y)
        return slope.square().sum(-1).mean()

    p = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(torch.func.vmap(loss)(p).sum(), p)
    torch.testing.assert_close(slope, 2 * p.detach() * Y.square().sum(-1).mean())


@pytest.mark.parametrize(("shape", "size"), [((1, 28, 28), "2.6e+07"), ((3, 32, 32), "3.6e+07")])
def test_the_papers_energy_has_the_papers_number_of_parameters(
    shape: tuple[int, ...], size: str
) -> None:
    with torch.device("meta"):
        parts = NETWORKS["conv_energy"]().build(shape, 1)
    assert f"{sum(p.numel() for p in parts['energy'].parameters()):.1e}" == size


@pytest.mark.parametrize("name", [name for name in NETWORKS if NETWORKS[name].kind == "energy"])
def test_an_energy_network_treats_examples_apart(name: str) -> None:
    sizes = {"channels": (2, 3), "fc": 4} if name == "conv_energy" else {}
    energy = NETWORKS[name](**sizes).build((1, 6, 6), 1)["energy"].double()
    y = torch.randn(4, 36, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    alone = torch.cat([energy(row) for row in y.split(1)])
    torch.testing.assert_close(energy(y), alone)
