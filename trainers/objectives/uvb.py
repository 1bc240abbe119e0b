"""Unnormalized variational Bayes: the DEEN loss with a negative ELBO as the energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.energies import Parts, bayes_estimate, gradient
from trainers.fields import Component, Count, NoiseScale, Scale, Weight, from_checked
from trainers.likelihoods.gaussian import Gaussian
from trainers.likelihoods.laplace import Laplace
from trainers.model import Model
from trainers.noise import Draw
from trainers.objectives import OBJECTIVES, Metrics, Noise
from trainers.objectives.elbo import kl_to_prior, reparameterise

__all__ = ["Uvb"]


@OBJECTIVES.register("uvb")
@dataclass(frozen=True, kw_only=True)
class Uvb(Component):
    """Unnormalized variational Bayes: E‖x − y + σ²∇f(y)‖², f the negative ELBO of a VAE for y.

    f(y) = E_q‖y − μ(z)‖²/(2σ²) + β KL(q(z|y) ‖ N(0, I)), y = x + σε, z = m(y) + e^{s(y)/2} ε'.
    ε' stays as drawn while y varies, so ∇f passes through m, s and μ: one sample of it in
    training, `samples` of them averaged in tests and after. μ has the network's own readout
    (logistic for ``conv``, none for ``linear``). On N(0, C) the optimum is the Wiener filter if
    d_z ≥ d; with fewer latents, the directions of least variance are set to their mean.

    Metrics, means over examples: ``denoise`` (‖x − x̂(y)‖², squared data units: the loss; in
    training it includes the variance of the one sample), ``denoise_one`` (test: the same of one
    latent sample, which is what the paper's tables print), ``objective`` (``denoise`` with a minus
    sign), ``kl`` (KL(q(z|y) ‖ p), nats), ``recon`` (E_q‖y − μ(z)‖² in squared data units, over
    2σ² in the paper's Table 5; E_q‖y − μ(z)‖₁ in data units for the Laplace decoder).

    Parameters
    ----------
    sigma : σ > 0, the scale of the noise and of the decoder, in data units.
    beta : β ≥ 0, weight of the KL in the energy (1 in the paper).
    decoder : ``gaussian``, or ``laplace``: f(y) = E_q‖y − μ(z)‖₁/α + β KL with α = σ, the decoder
        that is wrong on purpose. The paper gives no α; this is the noise's own number.
    samples : latent samples that ∇f is averaged over outside training.

    References
    ----------
    Saremi 2020, arXiv:2007.15130, Eq. 13-18, Remark 4, Tables 4 and 5.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2007.15130, Eq. 17 and 18"
    network: ClassVar[Literal["autoencoder", "energy"]] = "autoencoder"
    likelihood: ClassVar[bool] = False
    corrupts: ClassVar[tuple[str, ...]] = ()
    lacks: ClassVar[Mapping[str, str]] = {
        "likelihood": "its decoder is a field of its own: write `decoder: gaussian` or "
        "`decoder: laplace`"
    }

    sigma: Annotated[Scale, NoiseScale()]
    beta: Weight = 1.0
    decoder: Literal["gaussian", "laplace"] = "gaussian"
    samples: Count = 10

    def draws(self, model: Model, batch: int) -> dict[str, Draw]:
        return {
            "noise": Draw("corruption", (batch, model.dims)),
            "latent": Draw("latent", (1, batch, model.d_z)),
        }

    def loss(
        self, model: Model, x: Float[Tensor, "batch dims"], noise: Noise
    ) -> tuple[Float[Tensor, ""], Metrics]:
        found = self._errors(model, x, noise)
        metrics = {name: value.mean() for name, value in found.items()}
        return metrics["denoise"], metrics

    def test_draws(self, model: Model, batch: int) -> dict[str, Draw]:
        return {
            "noise": Draw("evaluation", (batch, model.dims)),
            **self.denoise_draws(model, batch),
        }

    def test(
        self, model: Model, x: Float[Tensor, "batch dims"], noise: Noise
    ) -> dict[str, Float[Tensor, " batch"]]:
        metrics = self._errors(model, x, noise)
        one = metrics
        if self.samples > 1:
            one = self._errors(model, x, {**noise, "latent": noise["latent"][:1]})
        return {**metrics, "denoise_one": one["denoise"]}

    def _errors(self, model: Model, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        y = self.noise_model(model)(x, noise["noise"])
        slope, parts = self._slope(model, y, noise)
        error = (x - bayes_estimate(y, slope, self.sigma)).square().sum(-1)
        return {"objective": -error, "denoise": error, **parts}

    def noise_model(self, model: Model) -> GaussianNoise:
        return from_checked(GaussianNoise, sigma=self.sigma)

    def denoise_draws(self, model: Model, batch: int) -> dict[str, Draw]:
        return {"latent": Draw("evaluation", (self.samples, batch, model.d_z))}

    def denoise(
        self, model: Model, y: Float[Tensor, "batch dims"], noise: Noise | None = None
    ) -> Float[Tensor, "batch dims"]:
        return bayes_estimate(y, self.gradient(model, y, noise), self.sigma)

    def gradient(
        self,
        model: Model,
        y: Float[Tensor, "batch dims"],
        noise: Mapping[str, Tensor] | None = None,
    ) -> Float[Tensor, "batch dims"]:
        """∇f(y), per data unit; without `noise`, at the posterior mean of the latents (ε' = 0)."""
        return self._slope(model, y, noise)[0]

    def energy(
        self,
        model: Model,
        y: Float[Tensor, "batch dims"],
        eps: Float[Tensor, "samples batch latent"],
    ) -> tuple[Float[Tensor, " batch"], Parts]:
        """f(y) in nats, the ε' of each latent sample given, and its parts ``kl`` and ``recon``."""
        decoder, readout = self._decoder(), model.network.readout
        mean, log_var = model.encode(y)
        u = model.decode(reparameterise(mean, log_var, eps).flatten(0, 1))
        scored = y.expand(len(eps), *y.shape).flatten(0, 1)
        log_prob = decoder.log_prob(scored, u, readout).reshape(len(eps), -1).mean(0)
        recon = decoder.distance(scored, decoder.mean(u, readout)).reshape(len(eps), -1).mean(0)
        kl = kl_to_prior(mean, log_var)
        return self.beta * kl - log_prob, {"kl": kl, "recon": recon}

    def _slope(self, model: Model, y: Tensor, noise: Noise | None) -> tuple[Tensor, Parts]:
        eps = y.new_zeros(1, len(y), model.d_z) if noise is None else noise["latent"]
        return gradient(lambda v: self.energy(model, v, eps), y)

    def _decoder(self) -> Gaussian | Laplace:
        if self.decoder == "laplace":
            return from_checked(Laplace, alpha=self.sigma)
        return from_checked(Gaussian, sigma=self.sigma)
