"""A likelihood and its normalising constant make the density that its docstring states."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from trainers.corruptions import Corruption
from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.corruptions.laplace_noise import LaplaceNoise
from trainers.likelihoods import Likelihood
from trainers.likelihoods.bernoulli import Bernoulli
from trainers.likelihoods.gaussian import Gaussian
from trainers.likelihoods.gaussian_learned import GaussianLearned
from trainers.likelihoods.laplace import Laplace

X, MEAN, LOG_V = (
    torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    for seed in range(3)
)
SPREAD = np.sqrt(0.3**2 + LOG_V.exp().numpy())


@pytest.mark.parametrize(
    ("likelihood", "u", "expected"),
    [
        (Gaussian(sigma=0.3), [MEAN], stats.norm.logpdf(X, MEAN, 0.3)),
        (Gaussian(sigma=1.7), [MEAN], stats.norm.logpdf(X, MEAN, 1.7)),
        (Laplace(alpha=0.3), [MEAN], stats.laplace.logpdf(X, MEAN, 0.3)),
        (Laplace(alpha=1.7), [MEAN], stats.laplace.logpdf(X, MEAN, 1.7)),
        (GaussianLearned(sigma_min=0.3), [MEAN, LOG_V], stats.norm.logpdf(X, MEAN, SPREAD)),
    ],
    ids=["gaussian-0.3", "gaussian-1.7", "laplace-0.3", "laplace-1.7", "gaussian_learned"],
)
def test_log_prob_and_constant_are_the_log_density(
    likelihood: Likelihood, u: list[Tensor], expected: np.ndarray
) -> None:
    found = likelihood.log_prob(X, torch.stack(u, dim=-2), lambda value: value)
    np.testing.assert_allclose(found + likelihood.constant(3), expected.sum(-1), rtol=1e-12)


@pytest.mark.parametrize(
    ("likelihood", "noise"),
    [
        (Gaussian(sigma=0.3), GaussianNoise(sigma=0.3)),
        (Laplace(alpha=0.3), LaplaceNoise(alpha=0.3)),
        (GaussianLearned(), GaussianNoise(sigma=0.1)),
        (Bernoulli(), GaussianNoise(sigma=0.1)),
    ],
    ids=["gaussian", "laplace", "gaussian_learned", "bernoulli"],
)
def test_a_decoder_imagines_the_noise_of_its_own_density(
    likelihood: Likelihood, noise: Corruption
) -> None:
    assert likelihood.imagined() == noise
