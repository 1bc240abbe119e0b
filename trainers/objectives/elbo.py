"""The evidence lower bound with β, on clean or corrupted data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from trainers.corruptions import Corruption
from trainers.fields import Component, Weight
from trainers.model import Model
from trainers.noise import Draw
from trainers.objectives import OBJECTIVES, Metrics, Noise

__all__ = ["Elbo", "kl_to_prior", "reparameterise"]


def kl_to_prior(mean: Float[Tensor, "batch latent"],
                log_var: Float[Tensor, "batch latent"]) -> Float[Tensor, " batch"]:
    """KL(N(m, diag e^s) ‖ N(0, I)) = ½ Σ (m² + e^s − 1 − s), in nats per example."""
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(-1)


def reparameterise(mean: Float[Tensor, "batch latent"], log_var: Float[Tensor, "batch latent"],
                   eps: Float[Tensor, "*samples batch latent"]) -> Float[
                       Tensor, "*samples batch latent"]:
    """Z = m + e^{s/2} ε."""
    return mean + (0.5 * log_var).exp() * eps


@OBJECTIVES.register("elbo")
@dataclass(frozen=True, kw_only=True)
class Elbo(Component):
    """Evidence lower bound: maximises E_q log p(x|z) − β KL(q(z|x) ‖ N(0, I)).

    One latent sample an example, the KL in closed form. A corruption of the ``data`` replaces x
    by y everywhere (a VAE of noisy data); a corruption of the ``input`` lets the encoder see x̃
    while the decoder scores the clean x (the denoising bound).

    Metrics, means over examples: ``objective`` (what is maximised), ``elbo`` (the same at β = 1,
    normalising constant dropped), ``elbo_full`` (with it), ``kl`` (nats), ``recon`` (squared or
    absolute data units), ``denoise`` (test: ‖x − x̂(y)‖² at the noise that the decoder imagines,
    squared data units).

    Parameters
    ----------
    beta : β ≥ 0, weight of the KL.

    References
    ----------
    Kingma and Welling 2014, arXiv:1312.6114; Saremi 2020, arXiv:2005.09047, Eq. 7 and 11,
    Theorems 1 and 2; Im et al. 2017, arXiv:1511.06406, Eq. 8.
    """

    reference: ClassVar[str] = "Kingma and Welling 2014; Saremi 2020, arXiv:2005.09047, Eq. 7"
    network: ClassVar[Literal["autoencoder", "energy"]] = "autoencoder"
    likelihood: ClassVar[bool] = True
    corrupts: ClassVar[tuple[str, ...]] = ("input", "data")

    beta: Weight = 1.0

    def draws(self, model: Model, batch: int) -> dict[str, Draw]:
        needs = {"latent": Draw("latent", (batch, model.d_z))}
        if model.corruption:
            needs["corruption"] = Draw("corruption", (batch, model.dims), model.corruption.noise)
        return needs

    def loss(self, model: Model, x: Float[Tensor, "batch dims"],
             noise: Noise) -> tuple[Float[Tensor, ""], Metrics]:
        seen, scored = self._views(model, x, noise)
        mean, log_var = model.encode(seen)
        log_prob, recon = self._reconstruct(model, scored,
                                            reparameterise(mean, log_var, noise["latent"]))
        kl = kl_to_prior(mean, log_var).mean()
        objective = log_prob.mean() - self.beta * kl
        return -objective, {"objective": objective, "elbo": log_prob.mean() - kl, "kl": kl,
                            "recon": recon.mean()}

    def test_draws(self, model: Model, batch: int) -> dict[str, Draw]:
        needs = {name: Draw("evaluation", draw.shape, draw.kind)
                 for name, draw in self.draws(model, batch).items()}
        noise = Draw("evaluation", (batch, model.dims), self.noise_model(model).noise)
        return {**needs, "noise": noise, "denoise": self.denoise_draws(model, batch)["latent"]}

    def test(self, model: Model, x: Float[Tensor, "batch dims"],
             noise: Noise) -> dict[str, Float[Tensor, " batch"]]:
        seen, scored = self._views(model, x, noise)
        mean, log_var = model.encode(seen)
        log_prob, recon = self._reconstruct(model, scored,
                                            reparameterise(mean, log_var, noise["latent"]))
        kl = kl_to_prior(mean, log_var)
        y = self.noise_model(model)(x, noise["noise"])
        xhat = self.denoise(model, y, {"latent": noise["denoise"]})
        elbo = log_prob - kl
        return {"objective": log_prob - self.beta * kl, "elbo": elbo, "kl": kl, "recon": recon,
                "elbo_full": elbo + model.observation.constant(model.dims),
                "denoise": (x - xhat).square().sum(-1)}

    def noise_model(self, model: Model) -> Corruption:
        return model.observation.imagined()

    def denoise_draws(self, model: Model, batch: int) -> dict[str, Draw]:
        return {"latent": Draw("evaluation", (batch, model.d_z))}

    def denoise(self, model: Model, y: Float[Tensor, "batch dims"],
                noise: Noise | None = None) -> Float[Tensor, "batch dims"]:
        mean, log_var = model.encode(y)
        return model.mean(mean if noise is None else
                          reparameterise(mean, log_var, noise["latent"]))

    def _views(self, model: Model, x: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """What the encoder sees, and what the decoder is scored on."""
        if model.corruption is None:
            return x, x
        corrupted = model.corruption(x, noise["corruption"])
        return corrupted, corrupted if model.corrupts == "data" else x

    def _reconstruct(self, model: Model, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        u = model.decode(z)
        likelihood, readout = model.observation, model.network.readout
        recon = likelihood.distance(x, likelihood.mean(u, readout))
        return likelihood.log_prob(x, u, readout), recon
