"""What a sweep would do: trials, packs, aliases, and estimates of memory and time."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from analysis.sources.tracking_address import without_password
from sweeper.grid.labels import point_label
from sweeper.grid.seeds import point_of
from sweeper.planning.alias_pairs import AliasPair, Merging, alias_pairs, merging
from sweeper.planning.capacity import (
    Estimate,
    crowding,
    estimates_of,
    parallel,
    places,
    wall_seconds,
)
from sweeper.planning.data_parts import DataParts, data_parts
from sweeper.planning.foreseen import foreseen
from sweeper.planning.notes import notes, too_short
from sweeper.status.stored import with_known
from sweeper.storage import ledger
from sweeper.storage.extendable import Shorter, shorter
from sweeper.sweep import PlannedTrial, Sweep, describe_search
from sweeper.worker.packs import make_packs, pack_size
from trainers.evaluations import config

__all__ = ["Outline", "Row", "outline"]


@dataclass(frozen=True)
class Row:
    """The seeds of one point of the grid."""

    point: str
    seeds: tuple[int, ...]
    role: str
    epochs: int
    parameters: int
    seconds: float
    finished: int


@dataclass(frozen=True)
class Outline:
    """A sweep before it runs. Seconds and bytes are estimates.

    `quiet_seconds` is its time on a machine at rest, `crowding` how many processes share a core,
    with others that run now; `measured` says whether trials of each program were trained here
    before. `most` is how many trials there may be, with those that a search makes up, `left` how
    many will be trained; `extended` says by id which shorter trial one goes on from; `notes` are
    sentences on what is perhaps not meant; `data` are the data sets that the trials use.
    """

    sweep: Sweep
    rows: tuple[Row, ...]
    aliases: tuple[AliasPair, ...]
    status: Mapping[str, str]
    packs: int
    slots: int
    trial_memory: float
    cpu_seconds: float
    quiet_seconds: float
    crowding: float
    measured: bool
    most: int
    left: int
    merging: Merging | None
    extended: Mapping[str, Shorter]
    notes: tuple[str, ...]
    data: tuple[DataParts, ...]

    @property
    def wall_seconds(self) -> float:
        """The time of the sweep, beside the processes that run now."""
        return self.crowding * self.quiet_seconds

    @property
    def finished(self) -> int:
        return sum(state == "finished" for state in self.status.values())

    def to_json(self) -> dict[str, Any]:
        """The whole plan for a script."""
        sweep = self.sweep
        return {
            "experiment": sweep.experiment,
            "sweep": sweep.name,
            "storage": str(sweep.storage),
            "tracking_uri": without_password(sweep.tracking),
            "components": [
                {
                    "file": named,
                    "sha256": file.sha256,
                    "registers": [f"{one.kind} {one.name}" for one in file.entries],
                }
                for named, file in sweep.components.items()
            ],
            "count": len(sweep.trials),
            "finished": self.finished,
            "packs": self.packs,
            "parallel": self.slots,
            "estimate": {
                "cpu_s": round(self.cpu_seconds, 3),
                "wall_s": round(self.wall_seconds),
                "crowding": round(self.crowding, 1),
                "measured": self.measured,
                "trial_memory_bytes": int(self.trial_memory),
            },
            "merging": asdict(self.merging) if self.merging else None,
            "until": dict(sweep.until) if sweep.until else None,
            "search": describe_search(sweep.search) if sweep.search else None,
            "most": self.most,
            "notes": list(self.notes),
            "data": [asdict(one) for one in self.data],
            "aliases": [asdict(pair) for pair in self.aliases],
            "trials": [self._trial(trial) for trial in sweep.trials],
        }

    def _trial(self, trial: PlannedTrial) -> dict[str, Any]:
        return {
            "id": trial.id,
            "label": trial.label,
            "role": trial.role,
            "twin_of": trial.twin_of,
            "merged_from": trial.merged_from,
            **self._head_start(trial.id),
            "parameters": trial.parameters,
            "status": self.status[trial.id],
            "params": dict(trial.params),
            "evaluate": [config(one) for one in trial.evaluate],
        }

    def _head_start(self, trial: str) -> dict[str, Any]:
        found = self.extended.get(trial)
        return {"extends": found and found.trial, "epochs_done": found.epoch if found else 0}


def outline(sweep: Sweep) -> Outline:
    """Look at storage for what is known and finished already, and estimate the rest.

    `UserError` for a tracking address that is wrong on every machine.
    """
    sweep = with_known(sweep)
    warnings = tuple(foreseen(sweep))
    status = ledger.status(sweep.storage, [trial.id for trial in sweep.trials])
    examples = _examples(sweep)
    shown = (*sweep.trials, *examples)
    data = data_parts(shown)
    costs = estimates_of(sweep, shown)
    left = [trial for trial in sweep.trials if status[trial.id] != "finished"]
    todo, pairs = [one for one in left if not one.merged_from], alias_pairs(sweep.trials)
    found = {
        trial.id: one
        for trial in todo
        if status[trial.id] == "pending" and (one := _shorter(sweep, trial))
    }
    extended = {trial: one for trial, one in found.items() if not one.refused}
    proposed = _proposed(sweep, len(examples))
    seconds = [costs[trial.id].seconds * _share(sweep) * _rest(trial, extended) for trial in todo]
    repeated = itertools.islice(itertools.cycle(examples), proposed)
    seconds += [costs[trial.id].seconds for trial in repeated]
    packs = _count_packs(sweep, proposed)
    slots = parallel(sweep.resources, packs)
    return Outline(
        sweep,
        _rows(shown, costs, status),
        pairs,
        status,
        packs,
        slots,
        max(cost.memory for cost in costs.values()),
        sum(seconds),
        wall_seconds(seconds, slots),
        crowding(sweep, slots),
        all(costs[trial.id].speed.trials for trial in (todo or shown)),
        len(sweep.trials) + proposed,
        len(seconds),
        merging(left, pairs, costs),
        extended,
        (*warnings, *_remarks(data), *_notes(sweep, shown), *_refused(todo, found)),
        data,
    )


def _remarks(data: Sequence[DataParts]) -> Iterator[str]:
    for one in data:
        yield from (f"{one.name}: {remark}" for remark in one.remarks)


def _count_packs(sweep: Sweep, proposed: int) -> int:
    trained = [trial for trial in sweep.trials if not trial.merged_from]
    if sweep.search and sweep.resources.pack == "auto":
        return len(trained) + proposed
    more = math.ceil(proposed / pack_size(sweep.resources))
    return len(make_packs(trained, sweep.resources, places(sweep))) + more


def _shorter(sweep: Sweep, trial: PlannedTrial) -> Shorter | None:
    """The shorter trial that a new one may go on from."""
    return shorter(sweep.storage, trial.lineage, trial.trial.training, trial.id)


def _rest(trial: PlannedTrial, extended: Mapping[str, Shorter]) -> float:
    """The part of a trial's epochs that is not there yet."""
    done = extended[trial.id].epoch if trial.id in extended else 0
    return 1 - done / int(trial.params["epochs"])


def _refused(trials: Sequence[PlannedTrial], found: Mapping[str, Shorter]) -> Iterator[str]:
    """Why trials do not go on from shorter ones: once for each reason."""
    reasons: dict[str, list[PlannedTrial]] = defaultdict(list)
    for trial in trials:
        if trial.id in found and (why := found[trial.id].refused):
            reasons[why].append(trial)
    for why, group in reasons.items():
        yield (
            f"{group[0].label} is trained from its first epoch, and does not go on from "
            f"{found[group[0].id].name}: {why}"
            + (f" ({len(group)} trials)" if len(group) > 1 else "")
        )


def _examples(sweep: Sweep) -> list[PlannedTrial]:
    """Trials of a kind that a search may propose."""
    return [replace(trial, role="example") for trial in sweep.examples()]


def _notes(sweep: Sweep, shown: Sequence[PlannedTrial]) -> tuple[str, ...]:
    return *notes(shown, bool(sweep.grid_file)), *too_short(sweep)


def _proposed(sweep: Sweep, examples: int) -> int:
    """How many trials a search may still make up: points, each with all seeds of its block."""
    if not sweep.search or not sweep.proposals:
        return 0
    left = sweep.search.trials - len({point_of(trial) for trial in sweep.trials})
    return max(0, left) * math.ceil(examples / sweep.proposals.block_count)


def _share(sweep: Sweep) -> float:
    """The part of the epochs that is trained where a search stops trials early."""
    if not sweep.search or not sweep.trials:
        return 1.0
    return sweep.search.share(len(sweep.trials), int(sweep.trials[0].params["epochs"]))


def _rows(
    trials: Sequence[PlannedTrial], costs: Mapping[str, Estimate], status: Mapping[str, str]
) -> tuple[Row, ...]:
    points: dict[tuple[str, str], list[PlannedTrial]] = defaultdict(list)
    for trial in trials:
        points[point_label(trial.label), trial.role].append(trial)
    return tuple(
        Row(
            point,
            tuple(trial.params["seed"] for trial in members),
            role,
            members[0].params["epochs"],
            members[0].parameters,
            sum(costs[trial.id].seconds for trial in members),
            sum(status.get(trial.id) == "finished" for trial in members),
        )
        for (point, role), members in points.items()
    )
