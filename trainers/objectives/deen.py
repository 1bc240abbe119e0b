"""Deep energy estimator network: an energy learned by least-squares denoising."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.energies import bayes_estimate, gradient, plain
from trainers.fields import Component, NoiseScale, Scale, from_checked
from trainers.model import Model
from trainers.noise import Draw
from trainers.objectives import OBJECTIVES, Metrics, Noise

__all__ = ["Deen"]


@OBJECTIVES.register("deen")
@dataclass(frozen=True, kw_only=True)
class Deen(Component):
    """Neural empirical Bayes: minimises E‖x − y + σ²∇f(y)‖², where y = x + σε, ε ~ N(0, I).

    At the optimum ∇f = −∇log p(y), and x̂(y) = y − σ²∇f(y) is E[x|y]. The model has no latent
    variables, so no KL and no β.

    Metrics, means over examples: ``denoise`` (‖x − x̂(y)‖², squared data units: the loss) and
    ``objective`` (what is maximised: the same with a minus sign).

    Parameters
    ----------
    sigma : σ > 0, the scale of the noise in data units.

    References
    ----------
    Saremi et al. 2018, arXiv:1805.08306; Saremi 2020, arXiv:2007.15130, Eq. 3-5.
    """

    reference: ClassVar[str] = "Saremi et al. 2018, arXiv:1805.08306; arXiv:2007.15130, Eq. 4"
    network: ClassVar[Literal["autoencoder", "energy"]] = "energy"
    likelihood: ClassVar[bool] = False
    corrupts: ClassVar[tuple[str, ...]] = ()
    lacks: ClassVar[Mapping[str, str]] = {
        "beta": "it has no latent variables, so no KL to weight",
        "d_z": "it has no latent variables",
        "likelihood": "its loss is least squares",
    }

    sigma: Annotated[Scale, NoiseScale()]

    def draws(self, model: Model, batch: int) -> dict[str, Draw]:
        return {"noise": Draw("corruption", (batch, model.dims))}

    def loss(
        self, model: Model, x: Float[Tensor, "batch dims"], noise: Noise
    ) -> tuple[Float[Tensor, ""], Metrics]:
        loss = self._error(model, x, noise).mean()
        return loss, {"objective": -loss, "denoise": loss}

    def test_draws(self, model: Model, batch: int) -> dict[str, Draw]:
        return {"noise": Draw("evaluation", (batch, model.dims))}

    def test(
        self, model: Model, x: Float[Tensor, "batch dims"], noise: Noise
    ) -> dict[str, Float[Tensor, " batch"]]:
        error = self._error(model, x, noise)
        return {"objective": -error, "denoise": error}

    def noise_model(self, model: Model) -> GaussianNoise:
        return from_checked(GaussianNoise, sigma=self.sigma)

    def denoise_draws(self, model: Model, batch: int) -> dict[str, Draw]:
        return {}

    def denoise(
        self, model: Model, y: Float[Tensor, "batch dims"], noise: Noise | None = None
    ) -> Float[Tensor, "batch dims"]:
        return bayes_estimate(y, self.gradient(model, y), self.sigma)

    def gradient(
        self,
        model: Model,
        y: Float[Tensor, "batch dims"],
        noise: Mapping[str, Tensor] | None = None,
    ) -> Float[Tensor, "batch dims"]:
        """∇f(y), per data unit; f is deterministic and needs no noise."""
        return gradient(plain(model.energy), y)[0]

    def _error(self, model: Model, x: Tensor, noise: Noise) -> Tensor:
        y = self.noise_model(model)(x, noise["noise"])
        return (x - self.denoise(model, y)).square().sum(-1)
