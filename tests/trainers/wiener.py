"""The Wiener filter: the best estimate of Gaussian data from noisy data."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.model import Model
from trainers.objectives import Objective

__all__ = ["covariance", "least_loss", "true_loss", "wiener"]


def covariance(data: LinearGaussian) -> Tensor:
    """C, exactly: the sample is whitened before it is coloured."""
    x = data.load().train.x
    return x.T @ x / len(x)


def wiener(data: LinearGaussian, sigma: float) -> Tensor:
    """C (C + σ²I)⁻¹."""
    c = covariance(data)
    return torch.linalg.solve(c + sigma**2 * torch.eye(data.dims, dtype=c.dtype), c)


def least_loss(data: LinearGaussian, sigma: float, kept: int | None = None) -> float:
    """Σ λᵢσ²/(λᵢ + σ²) over the `kept` largest λᵢ, plus the other λᵢ: those stay at their mean."""
    eigenvalues = data.eigenvalues
    filtered = eigenvalues * sigma**2 / (eigenvalues + sigma**2)
    kept = data.dims if kept is None else kept
    return float(np.concatenate([filtered[:kept], eigenvalues[kept:]]).sum())


def true_loss(objective: Objective, model: Model, data: LinearGaussian, sigma: float) -> float:
    """E‖x − x̂(y)‖² of an affine x̂(y) = My + c: tr (I−M)C(I−M)ᵀ + σ² tr MMᵀ + ‖c‖²."""
    eye = torch.eye(data.dims, dtype=torch.float64)
    c = objective.denoise(model, torch.zeros_like(eye[:1]))
    m = (objective.denoise(model, eye) - c).T
    rest = eye - m
    return float(
        (rest @ covariance(data) @ rest.T).trace() + sigma**2 * m.square().sum() + c.square().sum()
    )
