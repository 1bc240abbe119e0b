"""The data types of a sweep, and the protocols of a search."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from sweeper.errors import Place
from trainers.evaluations import Evaluator
from trainers.fields import describe_fields
from trainers.trial import Trial

__all__ = [
    "SCHEMA",
    "Goal",
    "Outcome",
    "PlannedTrial",
    "Proposals",
    "Resources",
    "Search",
    "Source",
    "Sweep",
    "Task",
    "TrainsAll",
    "describe_search",
]

SCHEMA = 1
Goal = tuple[str, Literal["min", "max"]]


@dataclass(frozen=True)
class PlannedTrial:
    """A trial of a sweep, with its names and with what is known of it before it is trained.

    Parameters
    ----------
    id : hash of everything that determines the result. lineage : the same without the number of
        epochs. label : a name for people, unique in the sweep.
    params : the flat values that MLflow, tables and labels show.
    trial : the model, data and training. data : checksum, shape and dims of the data set.
    parameters : how many the model has.
    role : ``declared`` by the grid; ``twin``: compared with its alias `twin_of`, bit for bit;
        ``merged``: not trained, but given the parameters of its alias `merged_from`, whose id is
        part of its own; ``example``: shown in a plan for the trials that a search will propose.
    line : where the grid declares it.
    evaluate : the evaluations of the trained model; they are no part of the id.
    """

    id: str
    lineage: str
    label: str
    params: Mapping[str, Any]
    trial: Trial
    data: Mapping[str, Any]
    parameters: int
    role: Literal["declared", "twin", "merged", "example"] = "declared"
    twin_of: str | None = None
    merged_from: str | None = None
    line: int | None = None
    evaluate: tuple[Evaluator, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What `trial.json` holds: nothing of the sweep that asked for it.

        The lineage stands there as ``program``, its name since schema 1.
        """
        return {
            "schema": SCHEMA,
            "id": self.id,
            "program": self.lineage,
            "label": self.label,
            "parameters": self.parameters,
            "params": dict(self.params),
            "trial": self.trial.config(),
            "data": dict(self.data),
            **({"merged_from": self.merged_from} if self.merged_from else {}),
        }


@dataclass(frozen=True)
class Resources:
    """The cores and GPUs of one pack, and how many trials make a pack."""

    cpus: float = 1
    gpus: float = 0
    pack: int | Literal["auto"] = "auto"


@dataclass(frozen=True)
class Sweep:
    """An expanded grid: everything that a driver needs to run it.

    Parameters
    ----------
    trials : all trials; with `proposals` those that the search has proposed so far.
    grid : the text of the grid file.
    folder : what relative paths in the grid are relative to.
    analysis : the law and the margin that the report tests.
    until : the rule for adding seeds. path : what the rule found after each round.
    search : decides while the sweep runs which trials are trained, and for how long.
    proposals : the points that the search may propose, where it chooses values itself.
    places : file, line and path of the settings that the user gave, for error messages.
    """

    experiment: str
    name: str
    trials: tuple[PlannedTrial, ...]
    grid: str
    storage: Path
    tracking: str
    cluster: str = "local"
    resources: Resources = field(default_factory=Resources)
    analysis: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = field(default_factory=Path.cwd)
    until: Mapping[str, Any] | None = None
    path: tuple[Mapping[str, Any], ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    search: Search | None = None
    proposals: Proposals | None = None

    def examples(self) -> list[PlannedTrial]:
        """Example trials of the proposals: those of the middle point of each block."""
        points = self.proposals.examples() if self.proposals else []
        return [trial for point in points for trial in point]


class Proposals(Protocol):
    """Points that a search may propose: a block's number and a value for each of its spaces."""

    def trials(self, number: int, values: Sequence[Any]) -> tuple[PlannedTrial, ...]:
        """The trials of a point, one for each seed; `UserError` where it cannot be."""
        ...

    def spaces(self, number: int) -> Mapping[str, Any]:
        """The spaces of a block, by the flat name of their parameter."""
        ...

    def examples(self) -> list[tuple[PlannedTrial, ...]]:
        """The point in the middle of each block."""
        ...

    def identity(self) -> list[Any]:
        """What tells these proposals from others, in plain values."""
        ...

    @property
    def block_count(self) -> int:
        """How many blocks there are."""
        ...

    @property
    def merges(self) -> bool:
        """Whether a block merges aliases."""
        ...


@dataclass(frozen=True)
class Task:
    """A trial to train: to its end, or up to an epoch."""

    trial: PlannedTrial
    until: int | None = None


class Source(Protocol):
    """Decides what is trained next, by what storage holds."""

    def ask(self, busy: Collection[str]) -> list[Task] | None:
        """What to train next; None if that depends on the `busy` trials, or nothing is left.

        Raises `UserError` where the metric of the search is not there.
        """
        ...

    @property
    def trials(self) -> tuple[PlannedTrial, ...]:
        """All trials that are known so far; there may be more of them after `ask`."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the search has ended: nothing that it asked for is missing."""
        ...


@runtime_checkable
class Search(Protocol):
    """A method of choosing points; its fields are what a grid says beside ``method``.

    `trials` is how many points it draws in all; every drawn point is trained with every seed.
    `ahead` says that all of them are drawn before the first is trained; if not, each depends on
    what was found before it. `goals` are the metrics that a search looks at while it runs, and
    `midway` says that it looks at them before a trial has ended, when no evaluation is there.
    """

    name: ClassVar[str]
    ahead: ClassVar[bool]
    midway: ClassVar[bool]

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Each metric, and whether little or much of it is good; none for a plain search."""
        ...

    @property
    def trials(self) -> int:
        """How many points are drawn; 0 for a method that draws none."""
        ...

    def unit(self, stream: int, dims: int, count: int) -> npt.NDArray[np.float64]:
        """The first `count` points of a stream in the unit cube [0, 1)^dims: [count, dims].

        More points of the same stream begin with the same ones, so that a larger search goes on
        with a smaller one.
        """
        ...

    def source(self, sweep: Sweep, retry_failed: bool) -> Source | None:
        """What decides as it goes which trials are trained; None where all of them are."""
        ...

    def check(self, trials: Sequence[PlannedTrial]) -> None:
        """`UserError` where the search cannot work on these trials, before any is trained."""
        ...

    def share(self, points: int, epochs: int) -> float:
        """The part of all epochs that is trained."""
        ...

    def rule(self, epochs: int) -> str:
        """How it treats trials of that many epochs, for a plan."""
        ...


class TrainsAll:
    """The part of a `Search` that those have in common which train each of their points fully."""

    midway: ClassVar[bool] = False

    def source(self, sweep: Sweep, retry_failed: bool) -> Source | None:
        return None

    def check(self, trials: Sequence[PlannedTrial]) -> None:
        return

    def share(self, points: int, epochs: int) -> float:
        return 1.0

    def rule(self, epochs: int) -> str:
        return "every point is trained to its end"


def describe_search(search: Search, but: str = "") -> dict[str, Any]:
    """The search as a grid says it, in plain values; `but` leaves a field out."""
    values = {
        field.name: getattr(search, field.name)
        for field in describe_fields(type(search))
        if field.name != but
    }
    plain = {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }
    return {"method": search.name, **plain}


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended: the object that `sweeper run --json` prints last.

    `unanswered` counts the evaluations of finished trials that failed or were not made, `pruned`
    the trials that a search stopped early or gave up, `best` holds the points that it found.
    """

    experiment: str
    trials: int
    finished: int
    failed: int
    skipped: int
    wall_s: float
    report: str | None
    tracking_uri: str
    interrupted: bool = False
    unanswered: int = 0
    failures: tuple[Mapping[str, Any], ...] = ()
    pruned: int = 0
    best: tuple[Mapping[str, Any], ...] = ()
