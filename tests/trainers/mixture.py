"""A Gaussian mixture: its energy, score and posterior mean under Gaussian noise are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from trainers.model import Model

__all__ = ["MIXTURE", "Mixture", "mixture_model"]


@dataclass(frozen=True)
class Mixture:
    """p(x) = Σ w_k N(x | m_k, τ²I); so p(y) = Σ w_k N(y | m_k, (τ² + σ²)I)."""

    means: Tensor
    weights: Tensor
    scale: float

    def energy(self, sigma: float) -> Callable[[Tensor], Tensor]:
        """f(y) = −log p(y), up to a constant."""
        return lambda y: -torch.logsumexp(self._log_joint(y, sigma), -1)

    def score(self, y: Tensor, sigma: float) -> Tensor:
        """∇log p(y) = Σ r_k(y) (m_k − y) / (τ² + σ²)."""
        return (self._shares(y, sigma) @ self.means - y) / self._variance(sigma)

    def posterior_mean(self, y: Tensor, sigma: float) -> Tensor:
        """E[x|y] = Σ r_k(y) (σ² m_k + τ² y) / (τ² + σ²)."""
        drawn = sigma**2 * (self._shares(y, sigma) @ self.means)
        return (drawn + self.scale**2 * y) / self._variance(sigma)

    def _variance(self, sigma: float) -> float:
        return self.scale**2 + sigma**2

    def _log_joint(self, y: Tensor, sigma: float) -> Tensor:
        distance = (y.unsqueeze(-2) - self.means).square().sum(-1)
        return self.weights.log() - distance / (2 * self._variance(sigma))

    def _shares(self, y: Tensor, sigma: float) -> Tensor:
        return self._log_joint(y, sigma).softmax(-1)


MIXTURE = Mixture(
    means=torch.tensor([[-0.6, 0.2], [0.9, -0.4], [0.3, 0.8]], dtype=torch.float64),
    weights=torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64),
    scale=math.sqrt(0.05),
)


class MixtureEnergy(nn.Module):
    def __init__(self, mixture: Mixture, sigma: float) -> None:
        super().__init__()
        self.means = nn.Parameter(mixture.means)
        self._energy = mixture.energy(sigma)

    def forward(self, y: Tensor) -> Tensor:
        return self._energy(y)


@dataclass(frozen=True)
class MixtureNetwork:
    """The true energy, in place of a trained network."""

    name: ClassVar[str] = "mixture"
    kind: ClassVar[Literal["autoencoder", "energy"]] = "energy"

    mixture: Mixture
    sigma: float

    def build(self, shape: tuple[int, ...], outputs: int) -> Mapping[str, nn.Module]:
        return {"energy": MixtureEnergy(self.mixture, self.sigma)}

    def readout(self, u: Tensor) -> Tensor:
        return u


def mixture_model(mixture: Mixture, sigma: float) -> Model:
    """A model whose energy is exact."""
    network = MixtureNetwork(mixture, sigma)
    dims = mixture.means.shape[-1]
    return Model(network.build((dims,), 1), {"energy.means": mixture.means}, network, (dims,))
