"""Small components, and small trials of every combination that makes sense."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

from trainers import Training, Trial
from trainers.corruptions import CORRUPTIONS
from trainers.datasets import DATASETS
from trainers.errors import Incompatible
from trainers.fields import describe_fields
from trainers.likelihoods import LIKELIHOODS
from trainers.networks import NETWORKS
from trainers.objectives import OBJECTIVES
from trainers.registry import name_of

__all__ = ["combinations", "label", "small", "trials_with", "with_other_numbers"]

SMALL: dict[str, Any] = {
    "d_z": 4,
    "channels": (4, 8),
    "fc": 8,
    "decoder": 16,
    "hidden": (16,),
    "units": 8,
    "decoder_hidden": (16,),
    "samples": 2,
    "k": 2,
    "m": 2,
}
REQUIRED = 0.3
PLACES: tuple[Literal["input", "data"], ...] = ("input", "data")
TRAINING = Training(epochs=2, batch_size=64, precision="float64", lr=1e-3)


def small(component: type[Any]) -> Any:
    """The component at toy size; required numbers are 0.3."""
    fields = {field.name: field for field in describe_fields(component)}
    sizes = {
        name: value
        for name, value in SMALL.items()
        if name in fields and isinstance(value, type(fields[name].default))
    }
    needed = {name: REQUIRED for name, field in fields.items() if field.required}
    return component(**needed | sizes)


def label(trial: Trial) -> str:
    """The names of a trial's parts, for a test's id."""
    parts = (trial.objective, trial.likelihood, trial.network, trial.corruption)
    return "-".join(name_of(part) for part in parts if part) + (
        f"@{trial.corrupts}" if trial.corrupts else ""
    )


def combinations() -> Iterator[Trial]:
    """Every objective on every network; on the MLP also with every likelihood and corruption.

    On other networks, and with other likelihoods, salt-and-pepper noise stands for them all.
    """
    for objective, network in itertools.product(OBJECTIVES, NETWORKS):
        needed = OBJECTIVES[objective].likelihood
        everywhere = ["gaussian"] if network != "mlp" else list(LIKELIHOODS)
        for likelihood in everywhere if needed else [None]:
            trial = _trial(objective, network, likelihood)
            if trial is not None:
                yield trial
                plain = network == "mlp" and likelihood in ("gaussian", None)
                yield from _corrupted(trial, CORRUPTIONS if plain else ["salt_and_pepper"])


def trials_with(kind: str, name: str) -> Iterator[Trial]:
    """Trials that use one component, on digits, with partners that the package has.

    An objective is tried with every corruption of its input and data that it admits, and with a
    network of energies where it trains one.
    """
    names = {"objective": "elbo", "network": "mlp", "likelihood": "gaussian", kind: name}
    if kind == "network" and NETWORKS[name].kind == "energy":
        names["objective"] = "deen"
    objective = OBJECTIVES[names["objective"]]
    if kind != "network" and objective.network == "energy":
        names["network"] = "conv_energy"
    likelihood = names["likelihood"] if objective.likelihood else None
    plain = _trial(names["objective"], names["network"], likelihood)
    if plain is not None and kind != "corruption":
        yield plain
    if plain is not None and kind in ("objective", "corruption"):
        yield from _corrupted(plain, [name if kind == "corruption" else "salt_and_pepper"])


def with_other_numbers(trial: Trial) -> Trial:
    """The same program with another seed and other per-member numbers."""
    parts = {
        kind: _shifted(getattr(trial, kind))
        for kind in trial.parts
        if getattr(trial, kind) is not None
    }
    return replace(trial, **parts, seed=trial.seed + 1)


def _shifted(component: Any) -> Any:
    values = {
        field.name: 1.25 * getattr(component, field.name)
        for field in describe_fields(type(component))
        if field.per_member
    }
    return replace(component, **values)


def _trial(objective: str, network: str, likelihood: str | None) -> Trial | None:
    try:
        return Trial(
            objective=small(OBJECTIVES[objective]),
            network=small(NETWORKS[network]),
            likelihood=small(LIKELIHOODS[likelihood]) if likelihood else None,
            data=DATASETS.build({"name": "digits"}),
            training=TRAINING,
        )
    except Incompatible:
        return None


def _places(trial: Trial) -> list[Literal["input", "data"]]:
    """Where the objective admits a corruption."""
    return [place for place in PLACES if place in trial.objective.corrupts]


def _corrupted(plain: Trial, names: Iterable[str]) -> Iterator[Trial]:
    for where, name in itertools.product(_places(plain), names):
        try:
            yield replace(plain, corruption=small(CORRUPTIONS[name]), corrupts=where)
        except Incompatible:
            continue
