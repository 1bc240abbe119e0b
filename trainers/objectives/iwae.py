"""The importance-weighted bound, on clean or corrupted input."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.corruptions import Corruption
from trainers.fields import Component, Count
from trainers.model import Model
from trainers.noise import Draw
from trainers.objectives import OBJECTIVES, Metrics, Noise
from trainers.objectives.elbo import Elbo
from trainers.posterior import PosteriorSamples, infer

__all__ = ["Iwae"]


@OBJECTIVES.register("iwae")
@dataclass(frozen=True, kw_only=True)
class Iwae(Component):
    """Importance-weighted bound: maximises E log 1/(MK) ΣΣ w, w = p(x, z) / q(z|x̃).

    K latents z ~ q(z|x̃) of each of M corruptions x̃ ~ p(x̃|x) of the input; without a corruption
    x̃ = x and this is the IWAE, with one the DIWAE. E w = p(x) either way, so by Jensen the bound
    lies below log p(x), grows with K and with M, and tends to log p(x); K = M = 1 is the ELBO.
    There is no β: the log of a mean has no KL of its own to weight.

    Metrics are those of `Elbo`, with the sums over all MK samples: ``objective`` is this bound,
    ``objective_full`` the same with the likelihood's normalising constant (the number of Im et
    al., Table 2), ``elbo`` that of the same model at K = 1.

    Parameters
    ----------
    k : latent samples of each view. m : corruption samples.

    References
    ----------
    Burda, Grosse and Salakhutdinov 2015, arXiv:1509.00519, Eq. 8 and Theorem 1; Im et al. 2017,
    arXiv:1511.06406, Eq. 12.
    """

    reference: ClassVar[str] = "Burda et al. 2015, arXiv:1509.00519; Im et al. 2017, Eq. 12"
    network: ClassVar[Literal["autoencoder", "energy"]] = "autoencoder"
    likelihood: ClassVar[bool] = True
    corrupts: ClassVar[tuple[str, ...]] = ("input",)
    default_likelihood: ClassVar[str] = "bernoulli"
    lacks: ClassVar[Mapping[str, str]] = {
        "beta": "the log of a mean of weights has no KL of its own to weight"
    }

    k: Count = 5
    m: Count = 1

    @property
    def elbo(self) -> Elbo:
        """The ELBO of the same samples."""
        return Elbo(k=self.k, m=self.m)

    def draws(self, model: Model, batch: int) -> dict[str, Draw]:
        return self.elbo.draws(model, batch)

    def loss(
        self, model: Model, x: Float[Tensor, "batch dims"], noise: Noise
    ) -> tuple[Float[Tensor, ""], Metrics]:
        samples = infer(model, x, noise["latent"], noise.get("corruption"))
        objective, kl = log_mean_weight(samples).mean(), samples.kl.mean()
        return -objective, {
            "objective": objective,
            "elbo": samples.log_prob.mean() - kl,
            "kl": kl,
            "recon": samples.recon.mean(),
            **model.learned_rate(),
        }

    def test_draws(self, model: Model, batch: int) -> dict[str, Draw]:
        return self.elbo.test_draws(model, batch)

    def test(
        self, model: Model, x: Float[Tensor, "batch dims"], noise: Noise
    ) -> dict[str, Float[Tensor, " batch"]]:
        samples = infer(model, x, noise["latent"], noise.get("corruption"))
        bound = log_mean_weight(samples)
        metrics = {
            "objective": bound,
            "objective_full": bound + model.observation.constant(model.dims),
            **self.elbo.parts(model, x, noise, samples),
        }
        if model.corrupts == "input":
            clean = infer(model, x, noise["latent"][:, :1])
            metrics["objective_clean"] = log_mean_weight(clean)
        return metrics

    def noise_model(self, model: Model) -> Corruption:
        return self.elbo.noise_model(model)

    def denoise_draws(self, model: Model, batch: int) -> dict[str, Draw]:
        return self.elbo.denoise_draws(model, batch)

    def denoise(
        self, model: Model, y: Float[Tensor, "batch dims"], noise: Noise | None = None
    ) -> Float[Tensor, "batch dims"]:
        return self.elbo.denoise(model, y, noise)


def log_mean_weight(samples: PosteriorSamples) -> Float[Tensor, " batch"]:
    """log 1/(MK) ΣΣ w in nats, by a stable log-sum-exp."""
    weights = samples.log_weights
    return torch.logsumexp(weights, dim=(0, 1)) - math.log(weights.shape[0] * weights.shape[1])
