"""Pairs of trials that learn the same parameters: (σ, β) and (σ√β, 1), (α, β) and (αβ, 1)."""

from __future__ import annotations

from dataclasses import replace

from sweeper.grid.axes import round_value
from trainers.fields import substitute
from trainers.trial import Trial

__all__ = ["as_twin", "partner", "weight"]


def partner(trial: Trial) -> Trial | None:
    """The trial with β = 1 that learns the same parameters; None if there is none.

    Saremi 2020, arXiv:2005.09047, Theorems 1 and 2: L(σ₁, β) = (σ₂/σ₁)²·L(σ₂, 1) + C with
    σ₂ = σ₁√β, so that the loss of (σ, β) is β times its partner's; for Laplace α₂ = α₁β.
    """
    beta, exponent = getattr(trial.objective, "beta", None), trial.beta_exponent
    if exponent is None or trial.noise is None or not beta or beta == 1:
        return None
    name = trial.noise[1].name
    scale = getattr(trial.likelihood, name) * beta**exponent
    return replace(
        trial,
        objective=substitute(trial.objective, {"beta": 1.0}),
        likelihood=substitute(trial.likelihood, {name: round_value(scale)}),
    )


def as_twin(trial: Trial, other: Trial | None = None) -> Trial:
    """The same trial with Adam's ε scaled as its loss, so that its steps equal its partner's.

    Adam's step is m/(√v + ε); with gradients β times as large, m and √v are β times as large.
    `other` is an alias to match instead of the partner; its loss may have another weight β.
    """
    eps = round_value(trial.training.eps * weight(trial) / (weight(other) if other else 1.0))
    return replace(trial, training=replace(trial.training, eps=eps))


def weight(trial: Trial) -> float:
    """The objective's β; 1 if it has none."""
    return float(getattr(trial.objective, "beta", 1.0))
