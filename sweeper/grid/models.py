"""The names of models: each is an objective with a likelihood, and where noise is put in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trainers.networks import NETWORKS
from trainers.trial import PARTS

__all__ = ["MODELS", "Alias", "Model", "fitting_network", "known_models"]


@dataclass(frozen=True)
class Alias:
    """(scale, β) learns the same parameters as (scale · β^exponent, 1).

    The loss of the first is β times the loss of the second, so Adam's ε must be β times as large
    for the two to take the same steps.
    """

    scale: str
    exponent: float


@dataclass(frozen=True)
class Model:
    """One name of a grid's `model`.

    `likelihood` is what it observes with, None where the objective takes none; with
    `any_likelihood` a grid may choose another. `corrupts` says what its corruption acts on, None
    for clean data. `lacks` gives the reason why it has no field that others have.
    """

    name: str
    objective: str
    likelihood: str | None
    summary: str
    reference: str
    any_likelihood: bool = False
    corrupts: Literal["input", "data"] | None = None
    alias: Alias | None = None
    lacks: Mapping[str, str] = field(default_factory=dict)

    @property
    def available(self) -> bool:
        """Whether everything that it is made of is registered."""
        return self.objective in PARTS["objective"] and (
            self.likelihood is None or self.likelihood in PARTS["likelihood"]
        )

    @property
    def likelihoods(self) -> tuple[str, ...]:
        """What a grid may choose from."""
        if self.any_likelihood:
            return tuple(PARTS["likelihood"])
        return (self.likelihood,) if self.likelihood else ()


ENERGY = {
    "beta": "it has no latent variables, so no KL to weight",
    "d_z": "it has no latent variables",
    "likelihood": "its loss is least squares",
}
WEIGHTED = {"beta": "the log of a mean of weights has no KL of its own to weight"}

MODELS = (
    Model(
        "sigma_vae",
        "elbo",
        "gaussian",
        "VAE with a Gaussian decoder of fixed σ (not Rybkin's learned σ)",
        "Saremi 2020, arXiv:2005.09047, Eq. 5 and 7",
        alias=Alias("sigma", 0.5),
    ),
    Model(
        "alpha_vae",
        "elbo",
        "laplace",
        "VAE with a Laplace decoder of fixed α",
        "Saremi 2020, arXiv:2005.09047, Eq. 10 and 11",
        alias=Alias("alpha", 1.0),
    ),
    Model(
        "bernoulli_vae",
        "elbo",
        "bernoulli",
        "VAE with a Bernoulli decoder",
        "Kingma and Welling 2014, arXiv:1312.6114",
    ),
    Model(
        "noisy_vae",
        "elbo",
        "gaussian",
        "VAE with a Gaussian decoder, trained on noisy data",
        "Saremi 2020, arXiv:2007.15130, Eq. 14",
        corrupts="data",
    ),
    Model(
        "deen",
        "deen",
        None,
        "Deep energy estimator network: least-squares denoising by ∇f",
        "Saremi et al. 2018, arXiv:1805.08306",
        lacks=ENERGY,
    ),
    Model(
        "uvb",
        "uvb",
        None,
        "Unnormalized variational Bayes: DEEN with the negative ELBO as energy",
        "Saremi 2020, arXiv:2007.15130, Eq. 17 and 18",
        lacks={
            "likelihood": "its decoder is a field of its own: write `decoder: gaussian` or "
            "`decoder: laplace`"
        },
    ),
    Model(
        "dvae",
        "elbo",
        "bernoulli",
        "Denoising VAE: the encoder sees a corrupted input",
        "Im et al. 2017, arXiv:1511.06406, Eq. 8 and 11",
        True,
        "input",
    ),
    Model(
        "iwae",
        "iwae",
        "bernoulli",
        "Importance-weighted autoencoder",
        "Burda et al. 2015, arXiv:1509.00519",
        True,
        lacks=WEIGHTED,
    ),
    Model(
        "diwae",
        "iwae",
        "bernoulli",
        "Importance-weighted autoencoder with a corrupted input",
        "Im et al. 2017, arXiv:1511.06406, Eq. 12",
        True,
        "input",
        lacks=WEIGHTED,
    ),
)


def known_models() -> Mapping[str, Model]:
    """The models whose objective and likelihood are registered, by name."""
    return {model.name: model for model in MODELS if model.available}


def fitting_network(name: str, model: Model) -> str:
    """The network called `name` for what the model trains.

    A grid's default network may serve autoencoders and energies alike: where the model trains an
    energy, ``conv`` means the registered energy whose name has ``conv`` as a part.
    """
    wanted = PARTS["objective"][model.objective].network
    if NETWORKS[name].kind == wanted:
        return name
    variants = [
        other for other in NETWORKS if NETWORKS[other].kind == wanted and name in other.split("_")
    ]
    return variants[0] if variants else name
