"""The number of latent units whose posterior mean depends on the data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from trainers.errors import Incompatible
from trainers.evaluations import EVALUATIONS, Evaluation, first_examples, own_streams
from trainers.fields import Component, Natural, Positive
from trainers.model import Model
from trainers.noise import Draw
from trainers.objectives import OBJECTIVES, Objective
from trainers.posterior import kl_to_prior
from trainers.registry import name_of
from trainers.trial import Trial

__all__ = ["ActiveUnits"]

CHUNK = 500


@EVALUATIONS.register("active_units")
@dataclass(frozen=True, kw_only=True)
class ActiveUnits(Component):
    """Number of active latent units: those u with Var_x(E_q[z_u|x]) > 0.01.

    The variance is over test examples; the prior's variance is 1. A collapsed unit, whose
    posterior is the prior for every x, has 0. For models of noisy data (a VAE trained on y, and
    UVB) the encoder's input is y instead of x.

    Metrics ``active_units`` and ``active_units_share`` (of all d_z units). The table has a row for
    each unit, the largest variance first, with ``kl``, the unit's mean KL to the prior in nats.

    Parameters
    ----------
    threshold : variance above which a unit is active.
    examples : how many test examples, the first ones (0: all).

    References
    ----------
    Burda, Grosse and Salakhutdinov 2015, arXiv:1509.00519, Sec. 5.3.
    """

    reference: ClassVar[str] = "Burda et al. 2015, arXiv:1509.00519, Sec. 5.3"

    threshold: Positive = 0.01
    examples: Natural = 0

    def check(self, trial: Trial) -> None:
        if trial.objective.network != "autoencoder":
            known = [name for name in OBJECTIVES if OBJECTIVES[name].network == "autoencoder"]
            raise Incompatible(
                f"active units are latent units, and the objective "
                f"{name_of(trial.objective)!r} has none; ask one of "
                f"{', '.join(known)}, or evaluate 'denoising'"
            )

    def evaluate(
        self, trial: Trial, objective: Objective, model: Model, cache: Path | None = None
    ) -> Evaluation:
        x, _ = first_examples(trial, model, self.examples)
        seen = _as_trained(trial, objective, model, x)
        posteriors = [model.encode(part) for part in torch.split(seen, CHUNK)]
        means = torch.cat([mean for mean, _ in posteriors]).double()
        log_vars = torch.cat([log_var for _, log_var in posteriors]).double()
        variances = means.var(0, correction=0)
        kl = kl_to_prior(means.unsqueeze(-1), log_vars.unsqueeze(-1)).mean(0)
        active = variances > self.threshold
        table = [
            {
                "unit": unit,
                "variance": float(variances[unit]),
                "kl": float(kl[unit]),
                "active": bool(active[unit]),
            }
            for unit in variances.argsort(descending=True).tolist()
        ]
        return Evaluation(
            {
                "active_units": float(active.sum()),
                "active_units_share": float(active.double().mean()),
            },
            table,
        )


def _as_trained(trial: Trial, objective: Objective, model: Model, x: Tensor) -> Tensor:
    """The encoder's input: x, or y for a model of noisy data."""
    streams = own_streams(trial, model)
    if model.corrupts == "data" and model.corruption:
        noise = Draw("evaluation", tuple(x.shape), model.corruption.noise)
        return model.corrupt(x, streams.draw(noise, x.dtype))
    if not objective.likelihood:
        corruption = objective.noise_model(model)
        noise = Draw("evaluation", tuple(x.shape), corruption.noise)
        return corruption(x, streams.draw(noise, x.dtype))
    return x
