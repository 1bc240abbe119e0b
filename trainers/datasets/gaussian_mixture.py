"""A mixture of Gaussians, with its density and score in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from trainers.datasets import DATASETS, Split, Splits, array_checksum
from trainers.fields import Component, Count, Natural, NonNegative, Positive

__all__ = ["GaussianMixture"]


@DATASETS.register("gaussian_mixture")
@dataclass(frozen=True, kw_only=True)
class GaussianMixture(Component):
    """p(x) = 1/C Σ_c N(x | μ_c, s² I), with the means μ_c on a circle in the first two dimensions.

    With Gaussian noise of level σ the density of y = x + σ ε is the same mixture with variance
    s² + σ². So `log_density`, `score` and the optimal denoiser E[x|y] = y + σ² ∇ log p(y) are
    known in closed form for every σ.

    Parameters
    ----------
    dims : d (for d = 1 the means are evenly spaced on [−radius, radius]).
    components : C. radius : of the circle, in data units. scale : s, in data units.
    examples : how many to train on, and how many more to test. data_seed : seed of both.

    References
    ----------
    Saremi 2020, arXiv:2007.15130, Eq. 4 (the denoiser: Robbins 1956, Miyasawa 1961).
    """

    reference: ClassVar[str] = "Robbins 1956; Saremi 2020, arXiv:2007.15130, Eq. 4"
    value_range: ClassVar[tuple[float, float] | None] = None

    dims: Count = 2
    components: Count = 4
    radius: NonNegative = 1.0
    scale: Positive = 0.1
    examples: Count = 1024
    data_seed: Natural = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.dims,)

    @property
    def means(self) -> Float[Tensor, "components dims"]:
        """μ, in data units, float64."""
        means = torch.zeros(self.components, self.dims, dtype=torch.float64)
        if self.dims == 1:
            means[:, 0] = torch.linspace(-1, 1, self.components, dtype=torch.float64)
        else:
            angles = torch.arange(self.components, dtype=torch.float64) * math.tau
            angles /= self.components
            means[:, 0], means[:, 1] = angles.cos(), angles.sin()
        return self.radius * means

    def log_density(
        self, y: Float[Tensor, "batch dims"], sigma: float = 0.0
    ) -> Float[Tensor, " batch"]:
        """Log p(y) for y = x + σ ε, in nats."""
        log_joint, variance = self._log_joint(y, sigma)
        constant = math.log(self.components) + 0.5 * self.dims * math.log(math.tau * variance)
        return torch.logsumexp(log_joint, dim=-1) - constant

    def score(
        self, y: Float[Tensor, "batch dims"], sigma: float = 0.0
    ) -> Float[Tensor, "batch dims"]:
        """∇ log p(y) = Σ_c p(c|y) (μ_c − y) / (s² + σ²), for y = x + σ ε."""
        log_joint, variance = self._log_joint(y, sigma)
        return (torch.softmax(log_joint, dim=-1) @ self.means.to(y) - y) / variance

    def denoised(
        self, y: Float[Tensor, "batch dims"], sigma: float
    ) -> Float[Tensor, "batch dims"]:
        """E[x|y] = y + σ² ∇ log p(y), the estimator with the least mean squared error."""
        return y + sigma**2 * self.score(y, sigma)

    def load(self) -> Splits:
        rng = np.random.default_rng(self.data_seed)
        return Splits(train=self._sample(rng), test=self._sample(rng))

    def checksum(self) -> str:
        settings = np.array(
            [self.dims, self.components, self.radius, self.scale, self.examples, self.data_seed],
            dtype=np.float64,
        )
        return array_checksum(settings)

    def _log_joint(self, y: Tensor, sigma: float) -> tuple[Tensor, float]:
        """−‖y − μ_c‖² / 2(s² + σ²) for each example and component, and that variance."""
        variance = self.scale**2 + sigma**2
        squares = (y.unsqueeze(-2) - self.means.to(y)).square().sum(-1)
        return -0.5 * squares / variance, variance

    def _sample(self, rng: np.random.Generator) -> Split:
        labels = rng.integers(self.components, size=self.examples)
        eps = rng.standard_normal((self.examples, self.dims))
        return Split(
            self.means[labels] + self.scale * torch.from_numpy(eps), torch.from_numpy(labels)
        )
