"""Messages between driver and workers as JSON: jobs to a worker, events back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from trainers import Record, Trial, component_files
from trainers.evaluations import EVALUATIONS, Evaluator, config

__all__ = ["Emit", "Event", "Job", "JobTrial", "Phase", "Spent", "decode", "encode"]

Phase = Literal["started", "running", "stopped", "pruned", "finished", "failed"]


@dataclass(frozen=True)
class JobTrial:
    """A trial in the form that a job carries to a worker.

    Parameters
    ----------
    checksum : of its data set. evaluate : the evaluations to make of the trained model.
    merged_from : the trial whose parameters it takes instead of being trained.
    lineage : the id that trials differing only in epochs share; the worker may continue from an
        extendable one. Empty: the trial is not extended and continues from no other.
    """

    id: str
    trial: Trial
    checksum: str
    evaluate: tuple[Evaluator, ...] = ()
    merged_from: str | None = None
    lineage: str = ""

    def to_plain(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        plain = {"trial": self.trial.config(), "evaluate": [config(one) for one in self.evaluate]}
        return _values(self) | plain

    @classmethod
    def from_plain(cls, row: Mapping[str, Any]) -> JobTrial:
        """The trial that `to_plain` wrote."""
        evaluate = tuple(EVALUATIONS.build(one) for one in row["evaluate"])
        return cls(**{**row, "trial": Trial.from_config(row["trial"]), "evaluate": evaluate})


@dataclass(frozen=True)
class Job:
    """One pack of trials to train.

    Parameters
    ----------
    storage : the storage folder. sweep : the sweep's folder, which has its stop sign.
    packed : use `vmap` even for one trial, so that its result does not depend, in the last bits,
        on how many other trials are in the pack. probe : divide the trials into packs of the
        size that a few steps on the GPU find best. alone : train one trial after another, because
        together they did not fit in memory. again : the job will be repeated with more memory, so
        a trial that does not fit alone is not marked as failed yet. until : the epoch after which
        unfinished trials end as pruned.
    components : the stored files that the grid brings, which the worker loads.
    allow_mixed : whether the grid allows nodes that differ; it is noted in the trials' commits.
    nonce : on a cluster, the text that a node must find in the sweep's folder of the storage.
    machine : what must be equal on the node, by `trainers.provenance.machine`.
    leaving : a file; once it exists, the job is given up after the current epoch, with a commit,
        as its node is about to end. The worker sets it, as only it knows its node.
    data_folder : the driver's SWEEPER_DATA, for nodes whose environment has none.
    send_data : whether a node that lacks a data set takes it from the storage.
    bucket : the address of the storage if it is on one; each node then has a folder of its own.
    """

    storage: str
    sweep: str
    trials: tuple[JobTrial, ...]
    device: str = "cpu"
    packed: bool = False
    probe: bool = False
    alone: bool = False
    again: bool = False
    until: int | None = None
    components: tuple[str, ...] = ()
    bucket: str = ""
    allow_mixed: bool = False
    nonce: str = ""
    machine: Mapping[str, str] = field(default_factory=dict)
    leaving: str = ""
    data_folder: str = ""
    send_data: bool = False

    def trial(self, name: str) -> JobTrial:
        """The trial with this id."""
        return next(one for one in self.trials if one.id == name)

    def to_json(self) -> str:
        return json.dumps(_values(self) | {"trials": [one.to_plain() for one in self.trials]})

    @classmethod
    def from_json(cls, text: str) -> Job:
        """The job of `to_json`, after its components were loaded."""
        row = json.loads(text)
        row["components"] = tuple(row["components"])
        component_files.offer([component_files.load(Path(one)) for one in row["components"]])
        return cls(**row | {"trials": tuple(map(JobTrial.from_plain, row["trials"]))})


@dataclass(frozen=True)
class Spent:
    """What a trial took that was trained in one piece, in seconds: its share of its pack's time.

    Of the processor, which other processes disturb least, or on a GPU by the clock. `epoch_s` is
    the mean epoch after the first, with tests and checkpoints, `rest_s` all that is no epoch.
    """

    epoch_s: float
    rest_s: float


@dataclass(frozen=True)
class Event:
    """A trial's progress: its phase, and the records of the epochs since its last event.

    committed : whether the storage has a new commit. reason : why the trial failed. note : a
    sentence for the user about a problem that did not make it fail. host : the name of the
    worker's node. pack : the id of the first trial of its job. Both are "" for events of a driver.
    spent : what a finished trial took.
    """

    trial: str
    phase: Phase
    records: tuple[Record, ...] = ()
    committed: bool = False
    reason: str | None = None
    note: str | None = None
    host: str = ""
    pack: str = ""
    spent: Spent | None = None

    @property
    def ended(self) -> bool:
        """Whether this is the last event of the trial from this worker."""
        return self.phase not in ("started", "running")


Emit = Callable[[list[Event]], None]


def encode(events: Sequence[Event]) -> str:
    """Encode events as JSON text, which a worker's process sends to the driver."""
    return json.dumps([asdict(event) for event in events])


def decode(text: str) -> list[Event]:
    """The events in a text made by `encode`."""
    return [_event(row) for row in json.loads(text)]


def _values(job: Job | JobTrial) -> dict[str, Any]:
    return {field.name: getattr(job, field.name) for field in fields(job)}


def _event(row: dict[str, Any]) -> Event:
    records = tuple(Record(**record) for record in row["records"])
    spent = Spent(**row["spent"]) if row["spent"] else None
    return Event(**row | {"records": records, "spent": spent})
