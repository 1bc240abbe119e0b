"""The names of models: each is an objective with a likelihood, and where noise is put in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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

    `likelihoods` are those that a grid may choose from, the first being the default; none where
    the objective takes none. `corrupts` says what a corruption acts on, if there must be one.
    """

    name: str
    objective: str
    summary: str
    reference: str
    likelihoods: tuple[str, ...] = ()
    corrupts: Literal["input", "data"] | None = None
    alias: Alias | None = None

    @property
    def available(self) -> bool:
        """Whether everything that it is made of is registered."""
        return (self.objective in PARTS["objective"]
                and (not self.likelihoods or bool(self.known_likelihoods)))

    @property
    def known_likelihoods(self) -> tuple[str, ...]:
        return tuple(name for name in self.likelihoods if name in PARTS["likelihood"])


DECODERS = ("bernoulli", "gaussian", "laplace")

MODELS = (
    Model("sigma_vae", "elbo", "VAE with a Gaussian decoder of fixed σ (not Rybkin's learned σ)",
          "Saremi 2020, arXiv:2005.09047, Eq. 5 and 7", ("gaussian",),
          alias=Alias("sigma", 0.5)),
    Model("alpha_vae", "elbo", "VAE with a Laplace decoder of fixed α",
          "Saremi 2020, arXiv:2005.09047, Eq. 10 and 11", ("laplace",),
          alias=Alias("alpha", 1.0)),
    Model("bernoulli_vae", "elbo", "VAE with a Bernoulli decoder",
          "Kingma and Welling 2014, arXiv:1312.6114", ("bernoulli",)),
    Model("noisy_vae", "elbo", "VAE with a Gaussian decoder, trained on noisy data",
          "Saremi 2020, arXiv:2007.15130, Eq. 14", ("gaussian",), "data"),
    Model("deen", "deen", "Deep energy estimator network: least-squares denoising by ∇f",
          "Saremi et al. 2018, arXiv:1805.08306"),
    Model("uvb", "uvb", "Unnormalized variational Bayes: DEEN with the negative ELBO as energy",
          "Saremi 2020, arXiv:2007.15130, Eq. 17 and 18", ("gaussian", "laplace")),
    Model("dvae", "elbo", "Denoising VAE: the encoder sees a corrupted input",
          "Im et al. 2017, arXiv:1511.06406, Eq. 8 and 11", DECODERS, "input"),
    Model("iwae", "iwae", "Importance-weighted autoencoder",
          "Burda et al. 2016, arXiv:1509.00519", DECODERS),
    Model("diwae", "iwae", "Importance-weighted autoencoder with a corrupted input",
          "Im et al. 2017, arXiv:1511.06406, Eq. 12", DECODERS, "input"),
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
    variants = [other for other in NETWORKS
                if NETWORKS[other].kind == wanted and name in other.split("_")]
    return variants[0] if variants else name
