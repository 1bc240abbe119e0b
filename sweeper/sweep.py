"""The plain data that the parts of a sweep hand to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sweeper.errors import Place

if TYPE_CHECKING:
    from sweeper.search import Search
    from sweeper.spec.proposals import Proposals

__all__ = ["SCHEMA", "Outcome", "PlannedTrial", "Resources", "Sweep"]

SCHEMA = 1


@dataclass(frozen=True)
class PlannedTrial:
    """One trial, resolved: `config` is what `trainers.Trial.from_config` takes.

    `id` is the hash of everything that determines the result, `program` the same without the
    number of epochs, `params` the flat values that MLflow, tables and labels show, `evaluate` what
    is asked of the trained model: plain values, and no part of the id. A merged trial is not
    trained: it takes the parameters of the trial `merged_from`, which is part of its id. An
    example stands in a plan for those that a search will propose.
    """

    id: str
    program: str
    label: str
    params: Mapping[str, Any]
    config: Mapping[str, Any]
    data: Mapping[str, Any]
    parameters: int
    role: Literal["declared", "twin", "merged", "example"] = "declared"
    twin_of: str | None = None
    merged_from: str | None = None
    line: int | None = None
    evaluate: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What `trial.json` holds: nothing of the sweep that asked for it."""
        return {"schema": SCHEMA, "id": self.id, "program": self.program, "label": self.label,
                "parameters": self.parameters, "params": dict(self.params),
                "trial": dict(self.config), "data": dict(self.data),
                **({"merged_from": self.merged_from} if self.merged_from else {})}


@dataclass(frozen=True)
class Resources:
    """What one pack of trials asks of Ray, and how many trials make a pack."""

    cpus: float = 1
    gpus: float = 0
    pack: int | Literal["auto"] = "auto"


@dataclass(frozen=True)
class Sweep:
    """A grid, expanded: everything that a driver needs to run it.

    `until` is the rule by which seeds are added, `path` what it saw from round to round. `search`
    decides while the sweep runs which trials are trained, and how long; one that also makes them
    up does so by `proposals`, and `trials` are those that are known so far. `places` says where
    the user gave `storage`, `tracking` and `cluster`, for those that were given.
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
    until: Mapping[str, Any] | None = None
    path: tuple[Mapping[str, Any], ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    search: Search | None = None
    proposals: Proposals | None = None

    def examples(self) -> list[PlannedTrial]:
        """Trials of the kind that the proposals make up: those of one point of each block."""
        points = self.proposals.examples() if self.proposals else []
        return [trial for point in points for trial in point]


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
