"""Pictures of samples from a trained model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from trainers.errors import Incompatible, InvalidValue
from trainers.evaluations import EVALUATIONS, Evaluation, own_streams
from trainers.fields import Component, Natural, describe_fields
from trainers.gallery import pictures
from trainers.model import Model
from trainers.objectives import Objective
from trainers.registry import name_of
from trainers.samplers import SAMPLERS, Sampler, fitting_sampler
from trainers.samplers.langevin import Start
from trainers.trial import Trial

__all__ = ["Samples", "picture"]

CHAINS, GRID = 10, 64
LONGEST = 20


@EVALUATIONS.register("samples")
@dataclass(frozen=True, kw_only=True)
class Samples(Component):
    """Samples of the model by one or more samplers: one picture for each, and no metrics.

    The picture of walk-jump sampling has a row for each chain, with its jumps in the order of
    time; other pictures are squares of the last states of independent chains. Every sampler
    draws from the start of the trial's stream ``evaluation``, so its picture does not depend on
    the other samplers. The table has a row for each sampler with its settings, in its own units.

    Parameters
    ----------
    samplers : their names; empty: walk_jump if an energy is learned, else ancestral.
    count : how many chains, or samples (0: 10 chains of walk_jump, 64 samples of the others).
    delta, every, jumps, steps, descents, start : fields of the samplers that have them, in the
        samplers' own units (default: the samplers' own defaults).

    Raises `InvalidValue` for an unknown sampler, for a field that none of the samplers has, and
    for a value outside a sampler's bounds.

    References
    ----------
    Saremi 2020, arXiv:2007.15130, Eq. 19 and 20, Sec. 3.3.1; Saremi 2020, arXiv:2005.09047,
    App. C.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2007.15130, Eq. 19 and 20"

    samplers: tuple[str, ...] = ()
    count: Natural = 0
    delta: float | None = None
    every: int | None = None
    jumps: int | None = None
    steps: int | None = None
    descents: int | None = None
    start: Start | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.samplers:
            if name not in SAMPLERS:
                raise InvalidValue(
                    f"Samples.samplers must be of {', '.join(SAMPLERS)}, and has {name!r}"
                )
        if self.samplers:
            self._made(self.samplers)

    def check(self, trial: Trial) -> None:
        if len(trial.data.shape) != 3 or trial.data.value_range is None:
            raise Incompatible(
                f"samples are shown as pictures, and {name_of(trial.data)!r} has no "
                "images; draw them from Python, with trainers.samplers"
            )
        for sampler in self._of(trial.objective):
            sampler.check(trial.objective)

    def evaluate(
        self, trial: Trial, objective: Objective, model: Model, cache: Path | None = None
    ) -> Evaluation:
        found, table = {}, []
        for sampler in self._of(objective):
            generator = own_streams(trial, model).generator("evaluation")
            found[name_of(sampler)] = picture(
                sampler, trial, (objective, model), self.count, generator
            )
            table.append({"sampler": name_of(sampler), "settings": _settings(sampler)})
        return Evaluation({}, table, found)

    def _of(self, objective: Objective) -> list[Sampler]:
        return self._made(self.samplers or (fitting_sampler(objective),))

    def _made(self, names: tuple[str, ...]) -> list[Sampler]:
        """Build the named samplers, each from those of the fields that it has."""
        given = {
            fld.name: getattr(self, fld.name)
            for fld in describe_fields(type(self))
            if fld.name not in ("samplers", "count")
        }
        given = {name: value for name, value in given.items() if value is not None}
        fields = {name: {fld.name for fld in describe_fields(SAMPLERS[name])} for name in names}
        for unused in given.keys() - set[str]().union(*fields.values()):
            having = [
                name
                for name in SAMPLERS
                if unused in {fld.name for fld in describe_fields(SAMPLERS[name])}
            ]
            raise InvalidValue(
                f"Samples.{unused} is a field of {', '.join(having)}, and the "
                f"samplers are {', '.join(names)}; leave it out"
            )
        return [
            SAMPLERS.build(
                {"name": name}
                | {field: value for field, value in given.items() if field in fields[name]}
            )
            for name in names
        ]


def _settings(sampler: Sampler) -> str:
    return " ".join(
        f"{fld.name}={getattr(sampler, fld.name)}" for fld in describe_fields(type(sampler))
    )


def picture(
    sampler: Sampler,
    trial: Trial,
    trained: tuple[Objective, Model],
    count: int,
    generator: torch.Generator,
) -> npt.NDArray[np.uint8]:
    """Samples as uint8 images (rows, columns, C, H, W), clipped to the data's range.

    Walk-jump sampling gives `count` chains (0: 10) with at most 20 jumps each, spread from the
    first to the last; other samplers give `count` samples (0: 64) in a square, padded with white.
    """
    if name_of(sampler) != "walk_jump":
        return _square(pictures(sampler.sample(*trained, count or GRID, generator), trial))
    path = sampler.trajectory(*trained, count or CHAINS, generator)
    shown = torch.linspace(0, len(path) - 1, min(len(path), LONGEST)).round().long()
    return np.stack(
        [pictures(chain, trial) for chain in path[shown.to(path.device)].transpose(0, 1)]
    )


def _square(found: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    columns = math.ceil(math.sqrt(len(found)))
    missing = -len(found) % columns
    full = np.concatenate([found, np.full((missing, *found.shape[1:]), 255, found.dtype)])
    return full.reshape(-1, columns, *found.shape[1:])
