"""Labels that no other trial of the experiment has: what earlier sweeps stored is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sweeper.grid.labels import labels, point_label
from sweeper.storage.paths import sweep_files, trial_file
from sweeper.storage.stored_files import read_sweep, read_trial
from sweeper.sweep import PlannedTrial, noise_key

__all__ = ["StoredLabels", "read_labels"]

TRIES = 8


@dataclass(frozen=True)
class StoredLabels:
    """The points of an experiment's stored sweeps: the ids of each, by its label without seed."""

    storage: Path
    points: Mapping[str, Sequence[frozenset[str]]]

    def apart(
        self, trials: Sequence[PlannedTrial], shown: Sequence[str] = ()
    ) -> tuple[PlannedTrial, ...]:
        """The trials with longer labels, where a stored trial of other parameters has one of them.

        `shown` are parameters that every label holds, as for `labels`.
        """
        found, others = tuple(trials), list[Mapping[str, Any]]()
        for _ in range(TRIES):
            new = list(self._other_points(found))
            if not new:
                break
            others += new
            params = [*map(_told, found), *others]
            scales = [*(noise_key(one.trial) for one in found), *(one["noise"] for one in others)]
            named = labels(params, scales, shown)
            found = tuple(
                replace(one, label=label)
                for one, label in zip(found, named[: len(found)], strict=True)
            )
        return found

    def _other_points(self, trials: Sequence[PlannedTrial]) -> Iterator[Mapping[str, Any]]:
        """The parameters of stored trials that are labelled as one of these, and differ."""
        points: dict[str, list[PlannedTrial]] = {}
        for one in trials:
            points.setdefault(point_label(one.label), []).append(one)
        for label, here in points.items():
            ids = {one.id for one in here}
            for stored in self.points.get(label, ()):
                row = None if ids & stored else read_trial(trial_file(self.storage, min(stored)))
                if row is None:
                    continue
                told = row["params"] | _more(row["data"], row.get("merged_from"))
                told |= {"seed": here[0].params["seed"], "noise": row.get("noise")}
                if told != _told(here[0]):
                    yield told


def read_labels(storage: Path, experiment: str) -> StoredLabels:
    """The labels of an experiment in a storage; none if it has no such experiment."""
    points: dict[str, list[frozenset[str]]] = {}
    for path in sweep_files(storage):
        row = read_sweep(path) if path.parts[-3] == experiment else None
        own: dict[str, set[str]] = {}
        for one in row["trials"] if row else ():
            own.setdefault(point_label(one.get("label") or ""), set()).add(one["id"])
        for label, ids in own.items():
            points.setdefault(label, []).append(frozenset(ids))
    return StoredLabels(storage, points)


def _told(planned: PlannedTrial) -> dict[str, Any]:
    """What may tell a trial from others of its experiment."""
    more = _more(planned.data, planned.merged_from)
    return {**planned.params, **more, "noise": noise_key(planned.trial)}


def _more(data: Mapping[str, Any], merged_from: str | None) -> dict[str, Any]:
    """What the parameters leave out: the data themselves, and whose parameters a trial takes."""
    merged = {"merged_from": merged_from[:8]} if merged_from else {}
    return {"checksum": str(data.get("checksum"))[:8], **merged}
