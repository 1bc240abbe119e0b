"""Linear models with weights that are set, not trained: everything about them is known."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tests.trainers.wiener import covariance
from trainers import Training, Trial
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.likelihoods.gaussian import Gaussian
from trainers.model import Model
from trainers.networks.linear import Linear
from trainers.objectives import Objective
from trainers.objectives.elbo import Elbo

__all__ = ["log_likelihood", "ppca", "ppca_trial"]

TRAINING = Training(precision="float64")


def ppca_trial(data: LinearGaussian, sigma: float, d_z: int, **parts: object) -> Trial:
    """A linear σ-VAE on Gaussian data, in float64."""
    return Trial(
        **{
            "objective": Elbo(),
            "likelihood": Gaussian(sigma=sigma),
            "data": data,
            "network": Linear(d_z=d_z),
            "training": TRAINING,
        }
        | parts
    )


def ppca(
    trial: Trial, data: LinearGaussian, sigma: float, slack: float = 1.0
) -> tuple[Objective, Model]:
    """Its optimum: W = U √(λ − σ²)⁺, posterior N(M⁻¹Wᵀx, σ²M⁻¹) with M = WᵀW + σ²I, diagonal.

    `slack` scales the posterior's standard deviation: a proposal that is not exact.
    """
    d_z = trial.network.d_z  # type: ignore[attr-defined]
    values, vectors = torch.linalg.eigh(covariance(data))
    values, vectors = values.flip(0)[:d_z], vectors.flip(1)[:, :d_z]
    w = vectors * (values - sigma**2).clamp(min=0).sqrt()
    m = w.square().sum(0) + sigma**2
    params = {
        "encoder.mean.weight": w.T / m[:, None],
        "encoder.mean.bias": torch.zeros(d_z),
        "encoder.log_var": (sigma**2 / m).log() + 2 * math.log(slack),
        "decoder.out.weight": w,
        "decoder.out.bias": torch.zeros(data.dims),
    }
    return bound(trial, {name: value.double() for name, value in params.items()})


def bound(trial: Trial, params: dict[str, Tensor]) -> tuple[Objective, Model]:
    """The objective and model of a trial with the given parameters."""
    with torch.device("meta"):
        parts = dict(trial.build_modules().items())
    return trial.bind(parts, params, {})


def log_likelihood(model: Model, x: Tensor, sigma: float) -> Tensor:
    """log N(x | c, VVᵀ + σ²I) of a linear decoder x̂ = Vz + c, in nats."""
    v, c = model.params["decoder.out.weight"], model.params["decoder.out.bias"]
    spread = v @ v.T + sigma**2 * torch.eye(len(v), dtype=v.dtype)
    normal = torch.distributions.MultivariateNormal(c, covariance_matrix=spread)
    return normal.log_prob(x)
