"""An objective: the evidence lower bound with a floor under its KL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.fields import NonNegative
from trainers.model import Model
from trainers.objectives import OBJECTIVES, Metrics, Noise
from trainers.objectives.elbo import Elbo
from trainers.posterior import infer


# The name that a grid writes: `{objective: free_bits, likelihood: gaussian, floor: 0.5}`.
@OBJECTIVES.register("free_bits")
@dataclass(frozen=True, kw_only=True)
class FreeBits(Elbo):
    """Maximises E_q log p(x|z) − max(KL, floor), with the KL in nats an example.

    It tests, denoises and declares its noise as `Elbo` does; an objective that shares none of
    this has Component as its base, and all methods of `trainers.objectives.Objective`.

    Parameters
    ----------
    floor : below this KL, in nats an example, nothing is gained by a smaller one.
    """

    reference: ClassVar[str] = "Kingma et al. 2016, arXiv:1606.04934, App. C.8"

    floor: NonNegative = 0.0

    def loss(
        self, model: Model, x: Float[Tensor, "batch dims"], noise: Noise
    ) -> tuple[Float[Tensor, ""], Metrics]:
        # for one model and one batch: no random numbers, no `if` on a tensor, no .item()
        samples = infer(model, x, noise["latent"], noise.get("corruption"))
        log_prob, kl = samples.log_prob.mean(), samples.kl.mean()
        objective = log_prob - torch.clamp(samples.kl, min=self.floor).mean()
        metrics = {"objective": objective, "elbo": log_prob - kl, "kl": kl}
        return -objective, {**metrics, "recon": samples.recon.mean(), **model.learned_rate()}
