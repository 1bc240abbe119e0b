"""Decoders of binary pixels, and of Gaussian ones with a variance for each."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.distributions import Bernoulli as Coin
from torch.distributions import Normal

from tests.trainers.models import SMALL
from trainers import Trial
from trainers.corruptions import Corruption
from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.corruptions.laplace_noise import LaplaceNoise
from trainers.datasets.digits import Digits
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.errors import Incompatible
from trainers.likelihoods.bernoulli import Bernoulli
from trainers.likelihoods.gaussian import Gaussian
from trainers.likelihoods.gaussian_learned import GaussianLearned
from trainers.objectives.elbo import Elbo


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_bernoulli_is_the_log_probability_of_independent_coins() -> None:
    u = 3 * drawn(7, 1, 11)
    x = (drawn(7, 11) > 0).double()
    coins = Coin(logits=u.squeeze(-2))
    likelihood = Bernoulli()
    torch.testing.assert_close(
        likelihood.log_prob(x, u, torch.sigmoid), coins.log_prob(x).sum(-1), rtol=1e-13, atol=1e-13
    )
    torch.testing.assert_close(likelihood.mean(u, torch.sigmoid), coins.mean)
    assert likelihood.constant(11) == 0


def test_bernoulli_probabilities_of_all_images_sum_to_one() -> None:
    images = torch.tensor(list(itertools.product([0.0, 1.0], repeat=6)), dtype=torch.float64)
    u = 2 * drawn(1, 1, 6).expand(64, 1, 6)
    total = Bernoulli().log_prob(images, u, torch.sigmoid).exp().sum()
    assert float(total) == pytest.approx(1, abs=1e-13)


def test_bernoulli_stays_finite_where_a_probability_rounds_to_one() -> None:
    u = torch.tensor([[[1e4, -1e4]]], dtype=torch.float32).requires_grad_()
    right = Bernoulli().log_prob(torch.tensor([[1.0, 0.0]]), u, torch.sigmoid)
    wrong = Bernoulli().log_prob(torch.tensor([[0.0, 1.0]]), u, torch.sigmoid)
    assert (right.item(), wrong.item()) == (0, -2e4)
    (gradient,) = torch.autograd.grad(wrong.sum(), u)
    assert gradient.flatten().tolist() == [-1, 1]


def test_bernoulli_reads_logits_whatever_the_networks_readout() -> None:
    u = drawn(3, 1, 5)
    likelihood = Bernoulli()
    assert torch.equal(likelihood.mean(u, lambda v: v), torch.sigmoid(u.squeeze(-2)))


def test_bernoulli_refuses_data_outside_of_its_support() -> None:
    with pytest.raises(Incompatible, match=r"bernoulli.*linear_gaussian"):
        Trial(objective=Elbo(), likelihood=Bernoulli(), network=SMALL, data=LinearGaussian())


@pytest.mark.parametrize(
    "noise", [GaussianNoise(sigma=0.1), LaplaceNoise(alpha=0.1)], ids=["gaussian", "laplace"]
)
def test_bernoulli_refuses_data_that_noise_takes_out_of_its_support(noise: Corruption) -> None:
    parts = {"objective": Elbo(), "network": SMALL, "data": Digits(), "corruption": noise}
    with pytest.raises(
        Incompatible,
        match=r"leads out of it; use one of the likelihoods gaussian, "
        r".*bernoulli, mean_image, salt_and_pepper",
    ):
        Trial(**parts, likelihood=Bernoulli(), corrupts="data")
    Trial(**parts, likelihood=Bernoulli(), corrupts="input")
    Trial(**parts, likelihood=Gaussian(sigma=0.1), corrupts="data")


def test_a_learned_variance_gives_the_density_of_normals() -> None:
    u, x = drawn(7, 2, 11), drawn(7, 11)
    likelihood = GaussianLearned(sigma_min=0.05)
    spread = (0.05**2 + u[:, 1].exp()).sqrt()
    density = Normal(torch.sigmoid(u[:, 0]), spread).log_prob(x).sum(-1)
    torch.testing.assert_close(
        likelihood.log_prob(x, u, torch.sigmoid) + likelihood.constant(11),
        density,
        rtol=1e-12,
        atol=1e-12,
    )


def test_a_learned_variance_has_a_floor() -> None:
    u = torch.stack([torch.zeros(1, 4), torch.full((1, 4), -1e3)], dim=-2)
    likelihood = GaussianLearned(sigma_min=0.1)
    best = likelihood.log_prob(torch.full((1, 4), 0.5), u, torch.sigmoid)
    assert best.item() == pytest.approx(-4 * torch.tensor(0.1).log().item(), rel=1e-6)


def test_a_learned_variance_doubles_the_decoders_outputs() -> None:
    trial = Trial(
        objective=Elbo(), likelihood=GaussianLearned(), network=SMALL, data=LinearGaussian(dims=6)
    )
    assert trial.build_modules()["decoder"](torch.zeros(3, SMALL.d_z)).shape == (3, 2, 6)
