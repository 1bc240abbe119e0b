"""A model so small that its bounds are sums and integrals: three pixels, one latent.

All 2³ corruptions of an image are enumerated; the latent is integrated by the trapezoidal rule,
which is exact to rounding for integrands that are smooth and vanish at both ends.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import torch
from torch import Tensor

from trainers import Training, Trial
from trainers.corruptions.bernoulli_noise import BernoulliNoise
from trainers.datasets.digits import Digits
from trainers.likelihoods.bernoulli import Bernoulli
from trainers.model import Model
from trainers.networks.mlp import Mlp
from trainers.objectives.elbo import Elbo

__all__ = ["IMAGES", "Exact", "exact_model"]

IMAGES = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), dtype=torch.float64)
Z = torch.linspace(-30, 30, 6001, dtype=torch.float64)
SMALLEST = 1e-300


def integral(values: Tensor) -> Tensor:
    """∫ dz over the last axis."""
    return torch.trapezoid(values, Z, dim=-1)


def relative_entropy(p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p ‖ q) of densities on the grid, in nats."""
    return integral(p * (p.clamp_min(SMALLEST).log() - log_q))


@dataclass(frozen=True)
class Exact:
    """Exact numbers of a model whose input is flipped with probability p.

    Rows are images; `q` and `flips` have corrupted images as columns.
    """

    model: Model
    p: float

    @functools.cached_property
    def log_joint(self) -> Tensor:
        """log p(x, z), (8, grid)."""
        u = self.model.decode(Z.unsqueeze(-1))
        log_prob = torch.stack(
            [
                self.model.observation.log_prob(image.expand(len(Z), -1), u, torch.sigmoid)
                for image in IMAGES
            ]
        )
        return log_prob + torch.distributions.Normal(0, 1).log_prob(Z)

    @functools.cached_property
    def log_evidence(self) -> Tensor:
        """log p(x), (8,)."""
        return integral(self.log_joint.exp()).log()

    @functools.cached_property
    def q(self) -> Tensor:
        """q(z|x̃) of each corrupted image, (8, grid)."""
        mean, log_var = self.model.encode(IMAGES)
        return torch.distributions.Normal(mean, (0.5 * log_var).exp()).log_prob(Z).exp()

    @functools.cached_property
    def flips(self) -> Tensor:
        """p(x̃|x), (8, 8)."""
        changed = (IMAGES[:, None] - IMAGES[None]).abs().sum(-1)
        return self.p**changed * (1 - self.p) ** (3 - changed)

    @functools.cached_property
    def l_each(self) -> Tensor:
        """∫ q(z|x̃) log p(x, z) / q(z|x̃) dz for every x and x̃, (8, 8)."""
        return -relative_entropy(self.q[None], self.log_joint[:, None])

    @functools.cached_property
    def l_dvae(self) -> Tensor:
        """[D] Eq. 8, (8,)."""
        return (self.flips * self.l_each).sum(-1)

    @functools.cached_property
    def mixture(self) -> Tensor:
        """q̃(z|x) = Σ p(x̃|x) q(z|x̃), (8, grid)."""
        return self.flips @ self.q

    @functools.cached_property
    def l_cvae(self) -> Tensor:
        """[D] Eq. 7: the bound with the marginal q̃, (8,)."""
        return -relative_entropy(self.mixture, self.log_joint)


def exact_model(seed: int = 0, p: float = 0.15) -> Exact:
    """Random weights; without a gradient."""
    trial = Trial(
        objective=Elbo(),
        likelihood=Bernoulli(),
        data=Digits(),
        network=Mlp(d_z=1, hidden=(5,), decoder_hidden=(5,), nonlinearity="tanh"),
        training=Training(precision="float64"),
    )
    torch.manual_seed(seed)
    parts = trial.network.build((3,), 1)
    params = {
        f"{part}.{name}": 2 * value.detach().double()
        for part, module in parts.items()
        for name, value in module.named_parameters()
    }
    return Exact(
        Model(parts, params, trial.network, (3,), trial.likelihood, BernoulliNoise(p=p), "input"),
        p,
    )
