"""Samples from q(z|x̃) and their log-likelihoods, from which the latent bounds are computed."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from trainers.model import Model
from trainers.noise import Draw

__all__ = ["PosteriorSamples", "infer", "kl_to_prior", "reparameterise", "sample_draws"]


def kl_to_prior(
    mean: Float[Tensor, "*batch latent"], log_var: Float[Tensor, "*batch latent"]
) -> Float[Tensor, "*batch"]:
    """KL(N(m, diag e^s) ‖ N(0, I)) = ½ Σ (m² + e^s − 1 − s), in nats per example."""
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(-1)


def reparameterise(
    mean: Float[Tensor, "*batch latent"],
    log_var: Float[Tensor, "*batch latent"],
    eps: Float[Tensor, "*samples latent"],
) -> Float[Tensor, "*samples latent"]:
    """Z = m + e^{s/2} ε; the sample axes of ε come first."""
    return mean + (0.5 * log_var).exp() * eps


@dataclass(frozen=True)
class PosteriorSamples:
    """K latents for each of M views x̃ of every example.

    Parameters
    ----------
    mean, log_var : of q(z|x̃), for each view.
    eps, z : the standard noise, and the latents m + e^{s/2} ε.
    log_prob : log p(x|z) in nats, without the normalising constant.
    recon : the likelihood's distance between x and x̂(z).
    """

    mean: Float[Tensor, "m batch latent"]
    log_var: Float[Tensor, "m batch latent"]
    eps: Float[Tensor, "k m batch latent"]
    z: Float[Tensor, "k m batch latent"]
    log_prob: Float[Tensor, "k m batch"]
    recon: Float[Tensor, "k m batch"]

    @property
    def kl(self) -> Float[Tensor, "m batch"]:
        """KL(q(z|x̃) ‖ p(z)) in closed form, in nats."""
        return kl_to_prior(self.mean, self.log_var)

    @property
    def log_weights(self) -> Float[Tensor, "k m batch"]:
        """log p(x, z) − log q(z|x̃), in nats; the constant of p(x|z) is dropped."""
        prior_to_posterior = 0.5 * (self.eps.square() + self.log_var - self.z.square()).sum(-1)
        return self.log_prob + prior_to_posterior


def sample_draws(model: Model, batch: int, k: int, m: int) -> dict[str, Draw]:
    """The noise that `infer` needs for K latents of M corrupted views."""
    needs = {"latent": Draw("latent", (k, m, batch, model.d_z))}
    if model.corruption:
        needs["corruption"] = Draw("corruption", (m, batch, model.dims), model.corruption.noise)
    return needs


def infer(
    model: Model,
    x: Float[Tensor, "batch dims"],
    eps: Float[Tensor, "k m batch latent"],
    corruption: Float[Tensor, "m batch dims"] | None = None,
) -> PosteriorSamples:
    """Encode M views of x, draw K latents of each, and compute log p(x|z).

    Without noise for the corruption the encoder sees the clean x. A corruption of the ``data``
    replaces x in the likelihood too; one of the ``input`` keeps the clean x there.
    """
    k, m, batch, d_z = eps.shape
    clean = x.expand(m, batch, x.shape[-1])
    seen = clean if corruption is None else model.corrupt(clean, corruption)
    scored = seen if model.corrupts == "data" else clean
    mean, log_var = (
        value.reshape(m, batch, d_z) for value in model.encode(seen.reshape(m * batch, -1))
    )
    z = reparameterise(mean, log_var, eps)
    u = model.decode(z.reshape(-1, d_z))
    target = scored.expand(k, *scored.shape).reshape(k * m * batch, -1)
    likelihood, readout = model.observation, model.network.readout
    recon = likelihood.distance(target, likelihood.mean(u, readout))
    log_prob = likelihood.log_prob(target, u, readout)
    return PosteriorSamples(
        mean, log_var, eps, z, log_prob.reshape(k, m, batch), recon.reshape(k, m, batch)
    )
