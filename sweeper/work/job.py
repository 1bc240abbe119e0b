"""A job: what a worker is told about the pack that it trains, in plain values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sweeper.storage import ledger
from sweeper.sweep import PlannedTrial, Sweep

__all__ = ["Job", "JobTrial", "make_job"]


@dataclass(frozen=True)
class JobTrial:
    """A trial as a worker is given it.

    `config` is what `Trial.from_config` takes, `evaluate` what is asked of the trained model. A
    trial that is `merged_from` another one is not trained, but takes that one's parameters. By
    its `program` it is found by longer ones, and finds a shorter one; without, it does neither.
    """

    id: str
    config: Mapping[str, Any]
    checksum: str
    evaluate: Sequence[Mapping[str, Any]] = ()
    merged_from: str | None = None
    program: str = ""


@dataclass(frozen=True)
class Job:
    """One pack to train: where its trials are stored, and the folder of the sweep's stop sign.

    `packed`: computed as a pack, also where only one trial is left of it, so that its bits do not
    depend on who else is. `alone`: one trial after the other, as they were too large for the
    memory together. `again`: a trial that is too large alone does not fail yet, as the schedule
    tries the job once more where it has more room. With `until` they are trained up to that epoch
    only, and left there as pruned.
    """

    storage: str
    sweep: str
    trials: tuple[JobTrial, ...]
    device: str = "cpu"
    packed: bool = False
    alone: bool = False
    again: bool = False
    until: int | None = None

    def trial(self, name: str) -> JobTrial:
        """The trial with this id."""
        return next(one for one in self.trials if one.id == name)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        row = json.loads(text)
        return cls(**row | {"trials": tuple(JobTrial(**trial) for trial in row["trials"])})


def make_job(sweep: Sweep, pack: Iterable[PlannedTrial], until: int | None = None,
             packed: bool = False) -> Job:
    """The job of one pack; paths are absolute, for a worker has a working folder of its own."""
    trials = tuple(JobTrial(trial.id, trial.config, str(trial.data.get("checksum", "")),
                             trial.evaluate, trial.merged_from, trial.program)
                   for trial in pack)
    return Job(str(sweep.storage.resolve()), str(ledger.sweep_folder(sweep).resolve()), trials,
               "cuda" if sweep.resources.gpus else "cpu", packed, until=until)
