"""A trained linear σ-VAE is probabilistic PCA."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trainers import Training, Trial, train
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.likelihoods.gaussian import Gaussian
from trainers.networks.linear import Linear
from trainers.objectives.elbo import Elbo

SIGMA = 0.3
DATA = LinearGaussian(dims=5, examples=8192)


@pytest.fixture(scope="module")
def trained() -> dict[str, float]:
    training = Training(epochs=40, batch_size=256, lr=1e-2, precision="float64", test_every=40)
    trial = Trial(
        objective=Elbo(),
        likelihood=Gaussian(sigma=SIGMA),
        network=Linear(d_z=5),
        data=DATA,
        training=training,
        seed=1,
    )
    return train(trial).records[-1].metrics


def test_kl_recon_and_elbo_are_reverse_water_filling(trained: dict[str, float]) -> None:
    eigenvalues = DATA.eigenvalues
    kl = 0.5 * np.log(np.maximum(eigenvalues / SIGMA**2, 1)).sum()
    recon = np.minimum(eigenvalues, SIGMA**2).sum()
    assert trained["test/kl"] == pytest.approx(kl, rel=0.02)
    assert trained["test/recon"] == pytest.approx(recon, rel=0.02)
    assert trained["test/elbo"] == pytest.approx(-recon / (2 * SIGMA**2) - kl, rel=0.02)


def test_the_full_elbo_is_the_log_likelihood(trained: dict[str, float]) -> None:
    """At the optimum the bound is tight: log N(x | 0, C_pPCA), with λᵢ below σ² raised to σ²."""
    eigenvalues = DATA.eigenvalues
    model = np.maximum(eigenvalues, SIGMA**2)
    log_likelihood = -0.5 * (
        5 * math.log(2 * math.pi) + np.log(model).sum() + (eigenvalues / model).sum()
    )
    assert trained["test/elbo_full"] == pytest.approx(log_likelihood, rel=0.02)
    assert trained["test/elbo_full"] < log_likelihood


def test_the_data_have_exactly_the_stated_spectrum() -> None:
    data = LinearGaussian(dims=5, top=2.0, decay=0.7)
    x = data.load().train.x.numpy()
    spectrum = np.linalg.eigvalsh(x.T @ x / len(x))[::-1]
    np.testing.assert_allclose(spectrum, data.eigenvalues, rtol=1e-12)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
