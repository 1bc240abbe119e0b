"""The evidence lower bound with β, on clean or corrupted data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from trainers.corruptions import Corruption
from trainers.fields import Component, Count, Weight
from trainers.model import Model
from trainers.noise import Draw
from trainers.objectives import OBJECTIVES, Metrics, Noise
from trainers.posterior import PosteriorSamples, infer, kl_to_prior, reparameterise, sample_draws

__all__ = ["Elbo", "kl_to_prior", "reparameterise"]


@OBJECTIVES.register("elbo")
@dataclass(frozen=True, kw_only=True)
class Elbo(Component):
    """Evidence lower bound: maximises E_q log p(x|z) − β KL(q(z|x) ‖ N(0, I)).

    The KL is in closed form. A corruption of the ``data`` replaces x by y everywhere (a VAE of
    noisy data); a corruption of the ``input`` lets the encoder see x̃ while the decoder scores
    the clean x. That is the denoising bound, estimated by 1/(MK) ΣΣ log p(x, z) / q(z|x̃) with
    K latents of each of M corruptions (its log-ratio p(z) / q(z|x̃) averaged exactly).
    The order is log p(x) ≥ L_cvae ≥ L_dvae, since L_cvae − L_dvae = E KL(q(z|x̃) ‖ q̃(z|x)) ≥ 0;
    Im et al. print the two bounds the other way round in Lemma 1 and Eq. 9.

    Metrics, means over examples: ``objective`` (what is maximised), ``elbo`` (the same at β = 1,
    normalising constant dropped), ``elbo_full`` (with it), ``objective_full`` (test: the bound
    that is trained, at β = 1 and with its constant, so below log p(x); here equal to
    ``elbo_full``, in `Iwae` tighter), ``kl`` (nats), ``recon`` (squared or absolute data units),
    ``denoise`` (test: ‖x − x̂(y)‖² at the noise that the decoder imagines, squared data units),
    ``objective_clean`` (test, corrupted input only: the objective with the clean x at the
    encoder), ``rate`` (of a corruption that is learned).

    Parameters
    ----------
    beta : β ≥ 0, weight of the KL. k : latent samples of each view. m : corruption samples.

    References
    ----------
    Kingma and Welling 2014, arXiv:1312.6114; Saremi 2020, arXiv:2005.09047, Eq. 7 and 11,
    Theorems 1 and 2; Im et al. 2017, arXiv:1511.06406, Eq. 8 and 11.
    """

    reference: ClassVar[str] = "Kingma and Welling 2014; Saremi 2020, arXiv:2005.09047, Eq. 7"
    network: ClassVar[Literal["autoencoder", "energy"]] = "autoencoder"
    likelihood: ClassVar[bool] = True
    corrupts: ClassVar[tuple[str, ...]] = ("input", "data")
    default_likelihood: ClassVar[str] = "bernoulli"
    weights_kl: ClassVar[bool] = True

    beta: Weight = 1.0
    k: Count = 1
    m: Count = 1

    def draws(self, model: Model, batch: int) -> dict[str, Draw]:
        return sample_draws(model, batch, self.k, self.m)

    def loss(
        self, model: Model, x: Float[Tensor, "batch dims"], noise: Noise
    ) -> tuple[Float[Tensor, ""], Metrics]:
        samples = infer(model, x, noise["latent"], noise.get("corruption"))
        log_prob, kl = samples.log_prob.mean(), samples.kl.mean()
        objective = log_prob - self.beta * kl
        return -objective, {
            "objective": objective,
            "elbo": log_prob - kl,
            "kl": kl,
            "recon": samples.recon.mean(),
            **model.learned_rate(),
        }

    def test_draws(self, model: Model, batch: int) -> dict[str, Draw]:
        needs = {
            name: Draw("evaluation", draw.shape, draw.kind)
            for name, draw in self.draws(model, batch).items()
        }
        noise = Draw("evaluation", (batch, model.dims), self.noise_model(model).noise)
        return {**needs, "noise": noise, "denoise": self.denoise_draws(model, batch)["latent"]}

    def test(
        self, model: Model, x: Float[Tensor, "batch dims"], noise: Noise
    ) -> dict[str, Float[Tensor, " batch"]]:
        samples = infer(model, x, noise["latent"], noise.get("corruption"))
        parts = self.parts(model, x, noise, samples)
        metrics = {
            "objective": self._bound(samples),
            "objective_full": parts["elbo_full"],
            **parts,
        }
        if model.corrupts == "input":
            metrics["objective_clean"] = self._bound(infer(model, x, noise["latent"][:, :1]))
        return metrics

    def parts(
        self, model: Model, x: Float[Tensor, "batch dims"], noise: Noise, samples: PosteriorSamples
    ) -> dict[str, Float[Tensor, " batch"]]:
        """The test metrics that every bound of this model has, whatever it maximises."""
        kl = samples.kl.mean(0)
        elbo = samples.log_prob.mean((0, 1)) - kl
        y = self.noise_model(model)(x, noise["noise"])
        xhat = self.denoise(model, y, {"latent": noise["denoise"]})
        rates = {name: rate.expand(len(x)) for name, rate in model.learned_rate().items()}
        return {
            "elbo": elbo,
            "elbo_full": elbo + model.observation.constant(model.dims),
            "kl": kl,
            "recon": samples.recon.mean((0, 1)),
            "denoise": (x - xhat).square().sum(-1),
            **rates,
        }

    def noise_model(self, model: Model) -> Corruption:
        return model.observation.imagined()

    def denoise_draws(self, model: Model, batch: int) -> dict[str, Draw]:
        return {"latent": Draw("evaluation", (batch, model.d_z))}

    def denoise(
        self, model: Model, y: Float[Tensor, "batch dims"], noise: Noise | None = None
    ) -> Float[Tensor, "batch dims"]:
        mean, log_var = model.encode(y)
        return model.mean(
            mean if noise is None else reparameterise(mean, log_var, noise["latent"])
        )

    def _bound(self, samples: PosteriorSamples) -> Float[Tensor, " batch"]:
        return samples.log_prob.mean((0, 1)) - self.beta * samples.kl.mean(0)
