"""Models: combinations of objective, likelihood and corruption, some of which have nicknames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trainers.networks import NETWORKS
from trainers.registry import name_of
from trainers.trial import PARTS, Trial

__all__ = ["MODELS", "Model", "fitting_network", "known_models", "model_name", "spelled"]

Place = Literal["input", "data"]


@dataclass(frozen=True)
class Model:
    """An objective, with its likelihood and what its corruption acts on.

    `name` is a nickname for a grid's `model`, or the parts' names joined if the grid names the
    parts. `likelihood` is the model's only one; None: the grid may choose any, if the objective
    takes one. `corrupts` is ``input``, ``data``, or None for a model without corruption.
    """

    name: str
    objective: str
    likelihood: str | None = None
    summary: str = ""
    reference: str = ""
    corrupts: Place | None = None

    @property
    def available(self) -> bool:
        """Whether its objective and likelihood are registered."""
        return self.objective in PARTS["objective"] and (
            self.likelihood is None or self.likelihood in PARTS["likelihood"]
        )

    @property
    def declared(self) -> Any:
        """The class of its objective."""
        return PARTS["objective"][self.objective]

    @property
    def likelihoods(self) -> tuple[str, ...]:
        """The names of the likelihoods that a grid may choose; empty if it takes none."""
        if not self.declared.likelihood:
            return ()
        return (self.likelihood,) if self.likelihood else tuple(PARTS["likelihood"])

    @property
    def usual_likelihood(self) -> str | None:
        """The default likelihood; None if a grid must choose one, or if the model takes none."""
        return self.likelihood or getattr(self.declared, "default_likelihood", None)

    @property
    def lacks(self) -> Mapping[str, str]:
        """For fields that other models have and it has not: the reason, by field name."""
        found: Mapping[str, str] = getattr(self.declared, "lacks", {})
        return found

    def made_of(self, objective: str, likelihood: str | None, corrupts: str | None) -> bool:
        """Whether a trial with these parts is this model."""
        return (self.objective, self.corrupts) == (objective, corrupts) and (
            self.likelihood in (None, likelihood)
        )


MODELS = (
    Model(
        "sigma_vae",
        "elbo",
        "gaussian",
        "VAE with a Gaussian decoder of fixed σ (not Rybkin's learned σ)",
        "Saremi 2020, arXiv:2005.09047, Eq. 5 and 7",
    ),
    Model(
        "alpha_vae",
        "elbo",
        "laplace",
        "VAE with a Laplace decoder of fixed α",
        "Saremi 2020, arXiv:2005.09047, Eq. 10 and 11",
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
    ),
    Model(
        "uvb",
        "uvb",
        None,
        "Unnormalized variational Bayes: DEEN with the negative ELBO as energy",
        "Saremi 2020, arXiv:2007.15130, Eq. 17 and 18",
    ),
    Model(
        "dvae",
        "elbo",
        None,
        "Denoising VAE: the encoder sees a corrupted input",
        "Im et al. 2017, arXiv:1511.06406, Eq. 8 and 11",
        corrupts="input",
    ),
    Model(
        "iwae",
        "iwae",
        None,
        "Importance-weighted autoencoder",
        "Burda et al. 2015, arXiv:1509.00519",
    ),
    Model(
        "diwae",
        "iwae",
        None,
        "Importance-weighted autoencoder with a corrupted input",
        "Im et al. 2017, arXiv:1511.06406, Eq. 12",
        corrupts="input",
    ),
)


def known_models() -> Mapping[str, Model]:
    """The nicknames whose objective and likelihood are registered."""
    return {model.name: model for model in MODELS if model.available}


def model_name(trial: Trial) -> str:
    """The model's name in tables, labels and MLflow: a nickname, or the names of its parts."""
    parts = (
        name_of(trial.objective),
        name_of(trial.likelihood) if trial.likelihood else None,
        trial.corrupts,
    )
    return next((model.name for model in MODELS if model.made_of(*parts)), spelled(*parts))


def spelled(objective: str, likelihood: str | None, corrupts: str | None) -> str:
    """The names of the parts, joined: ``elbo+laplace+corrupted_data``."""
    corrupted = f"corrupted_{corrupts}" if corrupts else None
    return "+".join(part for part in (objective, likelihood, corrupted) if part)


def fitting_network(name: str, model: Model) -> str:
    """The registered name of the network `name` for what the model trains.

    A grid's default network may be used for autoencoders and energies: if the model trains an
    energy, ``conv`` is the registered energy whose name contains the word ``conv``.
    """
    wanted = model.declared.network
    if NETWORKS[name].kind == wanted:
        return name
    variants = [
        other for other in NETWORKS if NETWORKS[other].kind == wanted and name in other.split("_")
    ]
    return variants[0] if variants else name
