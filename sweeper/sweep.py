"""The data types of a sweep, and the protocols of a search."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from sweeper.errors import Place
from sweeper.resources import Resources
from trainers.component_files import ComponentFile
from trainers.fields import describe_fields

if TYPE_CHECKING:
    from trainers.evaluations import Evaluator
    from trainers.trial import Trial

__all__ = [
    "SCHEMA",
    "Goal",
    "KeptModels",
    "ListedSweep",
    "ListedTrial",
    "Outcome",
    "PlannedTrial",
    "Proposals",
    "Search",
    "Source",
    "Sweep",
    "Task",
    "TrainsAll",
    "Which",
    "describe_search",
    "noise_key",
]

SCHEMA = 1
Goal = tuple[str, Literal["min", "max"]]
Which = Literal["none", "best", "all"]


@dataclass(frozen=True)
class KeptModels:
    """Which trained models MLflow gets, to be loaded and served: none, the best one, or all.

    goal : by which metric a model is the best, the first of the search; None is the full ELBO of
        the validation part, and of the test part where there is no other.
    """

    which: Which = "none"
    goal: Goal | None = None


@dataclass(frozen=True)
class PlannedTrial:
    """A trial of a sweep, with its names and the facts known before it is trained.

    Parameters
    ----------
    id : hash of everything that determines the result. lineage : the same without the number of
        epochs. label : a name for people, unique in the sweep.
    params : the flat values that MLflow, tables and labels show.
    trial : the model, data and training. data : checksum, shape and dims of the data set.
    parameters : the model's number of parameters.
    role : ``declared`` by the grid; ``twin``: compared with its alias `twin_of`, bit for bit;
        ``merged``: not trained, but given the parameters of its alias `merged_from`, whose id is
        part of its own id; ``example``: shown in a plan in place of the trials that a search will
        propose.
    line : where the grid declares it.
    evaluate : the evaluations of the trained model; they are no part of the id.
    priority : trials with a higher one are trained first.
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
    priority: int = 0

    def to_json(self) -> dict[str, Any]:
        """The content of `trial.json`, which does not depend on the sweep.

        The lineage has the key ``program``, its name since schema 1. ``noise`` is the flat name
        of the parameter that is the model's noise level, ``beta_exponent`` how β acts on it.
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
            "noise": noise_key(self.trial),
            "beta_exponent": self.trial.beta_exponent,
            **({"merged_from": self.merged_from} if self.merged_from else {}),
        }


def noise_key(trial: Trial) -> str | None:
    """The flat name of the parameter that is the model's noise level; None where there is none."""
    if trial.noise is None:
        return None
    part, field = trial.noise
    earlier = () if part == "objective" else describe_fields(type(trial.objective))
    return f"{part}_{field.name}" if field.name in {one.name for one in earlier} else field.name


@dataclass(frozen=True)
class Sweep:
    """An expanded grid, with everything that a driver needs to run it.

    Parameters
    ----------
    trials : all trials; with `proposals` those that the search has proposed so far.
    grid : the text of the grid file.
    folder : the base of relative paths in the grid. grid_file : the path of the grid as the user
        gave it, or the name of a shipped one; "" for a grid that was given as a dict.
    analysis : the law and the margin that the report tests.
    until : the rule for adding seeds. path : the rule's result after each round.
    search : decides while the sweep runs which trials are trained, and for how many epochs.
    proposals : the points that the search may propose, if it chooses values itself.
    places : file, line and path of the settings that the user gave, for error messages.
    components : the files of the user's own that the grid brings, by what it calls them.
    allow_mixed : whether nodes of a cluster may differ in program, versions and processor.
    send_code : whether the nodes of a cluster get this program from the driver.
    send_data : whether they get the files of data sets that they lack from the storage.
    models : which trained models MLflow gets; no trial's id depends on it.
    relative_storage : the storage as the user gave it, if that is a relative path.
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
    grid_file: str = ""
    until: Mapping[str, Any] | None = None
    path: tuple[Mapping[str, Any], ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    components: Mapping[str, ComponentFile] = field(default_factory=dict)
    relative_storage: str = ""
    search: Search | None = None
    proposals: Proposals | None = None
    allow_mixed: bool = False
    send_code: bool = False
    send_data: bool = False
    models: KeptModels = field(default_factory=KeptModels)

    def examples(self) -> list[PlannedTrial]:
        """Example trials of the proposals: the trials of the middle point of each block."""
        points = self.proposals.examples() if self.proposals else []
        return [trial for point in points for trial in point]


@dataclass(frozen=True)
class ListedTrial:
    """What `PlannedTrial` says of a trial without its model, which needs torch."""

    id: str
    label: str
    role: str
    params: Mapping[str, Any]
    line: int | None


@dataclass(frozen=True)
class ListedSweep:
    """A sweep of the storage without the models; `created` is when it first started (ISO, UTC)."""

    experiment: str
    name: str
    storage: Path
    tracking: str
    created: str
    trials: tuple[ListedTrial, ...]


class Proposals(Protocol):
    """Points that a search may propose: a block's number and a value for each of its spaces."""

    def trials(self, number: int, values: Sequence[Any]) -> tuple[PlannedTrial, ...]:
        """The trials of a point, one for each seed; raises `UserError` for invalid values."""
        ...

    def spaces(self, number: int) -> Mapping[str, Any]:
        """The spaces of a block, by the flat name of their parameter."""
        ...

    def examples(self) -> list[tuple[PlannedTrial, ...]]:
        """The point in the middle of each block."""
        ...

    def identity(self) -> list[Any]:
        """Plain values that identify the proposals; they are part of the sweep's name."""
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
    """Decides what is trained next, from the results in the storage."""

    def ask(self, busy: Collection[str]) -> list[Task] | None:
        """What to train next; None if that depends on the `busy` trials, or nothing is left.

        Raises `UserError` if a trial does not have the metric of the search.
        """
        ...

    @property
    def trials(self) -> tuple[PlannedTrial, ...]:
        """All trials that are known so far; `ask` may add more."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the search has ended: all trials that it asked for have ended."""
        ...


@runtime_checkable
class Search(Protocol):
    """A method of choosing points; its fields are the keys of the grid's `search`.

    `trials` is the total number of points; every drawn point is trained with every seed.
    `ahead` : whether all points are drawn before the first is trained; otherwise each depends on
    earlier results. `goals` are the metrics that the search uses while it runs. `midway` : whether
    it uses them before a trial has ended, when there are no evaluations yet.
    """

    name: ClassVar[str]
    ahead: ClassVar[bool]
    midway: ClassVar[bool]

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Each metric with its mode (``min`` or ``max``); empty if the search uses no results."""
        ...

    @property
    def trials(self) -> int:
        """The number of points to draw; 0 for a method that draws none."""
        ...

    def unit(self, stream: int, dims: int, count: int) -> npt.NDArray[np.float64]:
        """The first `count` points of a stream in the unit cube [0, 1)^dims: [count, dims].

        A larger `count` gives the same first points, so that a larger search continues a smaller
        one.
        """
        ...

    def source(self, sweep: Sweep, retry_failed: bool) -> Source | None:
        """The source that decides which trials are trained; None if all of them are."""
        ...

    def check(self, trials: Sequence[PlannedTrial]) -> None:
        """Raise `UserError` if the search cannot be used on these trials."""
        ...

    def share(self, points: int, epochs: int) -> float:
        """The expected fraction of all epochs that is trained."""
        ...

    def rule(self, epochs: int) -> str:
        """A sentence for `sweeper plan` on how it stops trials of that many epochs."""
        ...


class TrainsAll:
    """Base of the searches that train each of their points to its last epoch."""

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
    """The search as a grid writes it, in plain values, without the field `but`."""
    values = {
        field.name: getattr(search, field.name)
        for field in describe_fields(type(search))
        if field.name != but
    }
    plain = {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }
    source = getattr(search, "code_sha256", None)
    return {"method": search.name, **({"source": source} if source else {}), **plain}


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended; `sweeper run --json` prints it last.

    `unanswered` counts the evaluations of finished trials that failed or were not made, `pruned`
    the trials that a search stopped early or did not continue, `best` are its best points.
    `signal` is the number of the signal that interrupted it, or 0; `undelivered` counts the trials
    of which MLflow lacks records, and `tracker_error` says why it does. `experiment_id` is the id
    that an MLflow server gives the experiment, if it has said so.
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
    signal: int = 0
    undelivered: int = 0
    tracker_error: str | None = None
    experiment_id: str | None = None
