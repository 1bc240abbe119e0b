"""The importance-weighted bound against the exact log-likelihood of a linear-Gaussian model."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from tests.trainers.models import SMALL
from trainers import Pack, Training, Trial
from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.datasets.digits import Digits
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.errors import Incompatible
from trainers.likelihoods.bernoulli import Bernoulli
from trainers.likelihoods.gaussian import Gaussian
from trainers.model import Model
from trainers.networks.linear import Linear
from trainers.noise import Streams
from trainers.objectives.elbo import Elbo
from trainers.objectives.iwae import Iwae

SIGMA, DIMS, D_Z, COPIES = 0.5, 4, 2, 20_000
X = torch.tensor([0.7, -0.4, 1.1, 0.2], dtype=torch.float64)


def model_and_evidence(*, off: float) -> tuple[Model, float]:
    """A linear model whose encoder is the exact posterior, but for `off`; and log p(X).

    The decoder's columns are orthogonal, so that the posterior's covariance is diagonal.
    """
    generator = torch.Generator().manual_seed(0)
    frame, _ = torch.linalg.qr(torch.randn(DIMS, D_Z, dtype=torch.float64, generator=generator))
    v = frame * torch.tensor([1.2, 0.6], dtype=torch.float64)
    c = torch.full((DIMS,), 0.1, dtype=torch.float64)
    variance = 1 / (1 + v.square().sum(0) / SIGMA**2)
    w = variance[:, None] * v.T / SIGMA**2
    params = {
        "decoder.out.weight": v,
        "decoder.out.bias": c,
        "encoder.mean.weight": w,
        "encoder.mean.bias": -w @ c + off,
        "encoder.log_var": variance.log() + off,
    }
    network = Linear(d_z=D_Z)
    model = Model(network.build((DIMS,), 1), params, network, (DIMS,), Gaussian(sigma=SIGMA))
    covariance = v @ v.T + SIGMA**2 * torch.eye(DIMS, dtype=torch.float64)
    return model, float(MultivariateNormal(c, covariance).log_prob(X))


def bounds(model: Model, objective: Any, copies: int = COPIES, seed: int = 3) -> Tensor:
    """The bound at X, normalising constant included, for independent noises."""
    streams = Streams(seed, 0)
    noise = {
        name: streams.draw(draw, torch.float64)
        for name, draw in objective.test_draws(model, copies).items()
    }
    metrics = objective.test(model, X.expand(copies, -1), noise)
    return metrics["objective_full"]


@pytest.mark.parametrize(
    ("objective", "beta"), [(Elbo(beta=3.0, k=2), 3.0), (Iwae(k=2), 1.0)], ids=["elbo", "iwae"]
)
def test_the_full_objective_is_the_bound_at_beta_one_with_its_constant(
    objective: Any, beta: float
) -> None:
    model, _ = model_and_evidence(off=0.5)
    streams = Streams(1, 0)
    noise = {
        name: streams.draw(draw, torch.float64)
        for name, draw in objective.test_draws(model, 5).items()
    }
    found = objective.test(model, X.expand(5, -1), noise)
    constant = -0.5 * DIMS * math.log(2 * math.pi * SIGMA**2)
    expected = found["objective"] + (beta - 1) * found["kl"] + constant
    torch.testing.assert_close(found["objective_full"], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 7])
def test_with_the_exact_posterior_every_weight_is_the_likelihood(k: int) -> None:
    model, evidence = model_and_evidence(off=0.0)
    values = bounds(model, Iwae(k=k), copies=50)
    torch.testing.assert_close(values, torch.full_like(values, evidence), rtol=0, atol=1e-11)


def test_the_bound_grows_with_k_and_stays_below_the_likelihood() -> None:
    model, evidence = model_and_evidence(off=0.5)
    ks = (1, 2, 4, 16)
    values = {k: bounds(model, Iwae(k=k)) for k in ks}
    means = torch.tensor([float(values[k].mean()) for k in ks])
    errors = torch.tensor([float(values[k].std()) / COPIES**0.5 for k in ks])
    gains, noise = means.diff(), (errors[1:].square() + errors[:-1].square()).sqrt()
    assert (gains > 3 * noise).all()
    assert (means < evidence - 3 * errors).all()


def test_many_samples_give_the_likelihood() -> None:
    """The gap falls like 1/K: here about 0.4/K nats."""
    model, evidence = model_and_evidence(off=0.3)
    for k, copies in ((10, 10_000), (100, 1000), (1000, 200)):
        values = bounds(model, Iwae(k=k), copies=copies)
        gap, error = evidence - float(values.mean()), float(values.std()) / copies**0.5
        assert gap == pytest.approx(0.4 / k, abs=4 * error)
        assert error < 4e-3


def test_one_sample_is_the_evidence_lower_bound_in_expectation() -> None:
    model, evidence = model_and_evidence(off=0.5)
    one, elbo = bounds(model, Iwae(k=1)), bounds(model, Elbo(), seed=4)
    error = float((one.var() + elbo.var()).sqrt()) / COPIES**0.5
    assert abs(float(one.mean() - elbo.mean())) < 4 * error
    assert float(elbo.mean()) < evidence


def test_the_reported_elbo_is_that_of_one_sample() -> None:
    model, _ = model_and_evidence(off=0.5)
    streams, objective = Streams(5, 0), Iwae(k=6)
    noise = {
        name: streams.draw(draw, torch.float64)
        for name, draw in objective.test_draws(model, 30).items()
    }
    x = X.expand(30, -1)
    metrics = objective.test(model, x, noise)
    each = [
        Elbo().test(model, x, noise | {"latent": noise["latent"][k : k + 1]})["elbo"]
        for k in range(6)
    ]
    torch.testing.assert_close(metrics["elbo"], torch.stack(each).mean(0), rtol=1e-12, atol=1e-12)
    loss, parts = objective.loss(model, x, noise)
    assert float(loss) == -float(parts["objective"])
    for name in ("objective", "elbo", "kl", "recon"):
        torch.testing.assert_close(parts[name], metrics[name].mean(), rtol=1e-12, atol=1e-12)


def test_weights_that_no_exponential_can_hold_give_a_finite_bound() -> None:
    model, _ = model_and_evidence(off=0.5)
    narrow = Model(model.parts, model.params, model.network, model.shape, Gaussian(sigma=1e-4))
    values = bounds(narrow, Iwae(k=5), copies=20)
    assert torch.isfinite(values).all()
    assert float(values.max()) < -1e6


def test_beta_is_no_field_of_it() -> None:
    with pytest.raises(TypeError, match="beta"):
        Iwae(beta=2.0)  # type: ignore[call-arg]


def test_it_takes_a_corruption_of_the_input_only() -> None:
    with pytest.raises(Incompatible, match=r"takes no corruption of the data \(admitted: input"):
        Trial(
            objective=Iwae(),
            likelihood=Gaussian(sigma=1.0),
            network=SMALL,
            data=LinearGaussian(),
            corruption=GaussianNoise(sigma=0.1),
            corrupts="data",
        )


def test_training_with_more_samples_finds_a_tighter_bound() -> None:
    """On digits, from the same seed: the bound at K = 5 ends above the bound at K = 1."""
    final = {}
    for k in (1, 5):
        pack = Pack(
            [
                Trial(
                    objective=Iwae(k=k),
                    likelihood=Bernoulli(),
                    network=SMALL,
                    data=Digits(),
                    training=Training(epochs=2, lr=3e-3),
                )
            ]
        )
        for _ in range(2):
            final[k] = pack.run_epoch()[0].metrics["test/objective"]
    assert math.isfinite(final[1])
    assert final[5] > final[1]
