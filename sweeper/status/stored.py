"""Load sweeps from the storage, without the user's grid file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast, get_args

from analysis.sources.tracking_address import without_password
from sweeper.errors import UserError
from sweeper.grid import loading
from sweeper.status.listed import sweep_rows
from sweeper.storage import paths
from sweeper.storage.home import stored_home, stored_tracking
from sweeper.storage.stored_code import load_stored, restored_trial
from sweeper.storage.stored_files import read_sweep, read_trial
from sweeper.sweep import KeptModels, PlannedTrial, Sweep, Which
from trainers import TrainerError

__all__ = ["StoredSweep", "as_stored", "load_again", "stored_sweeps", "with_known"]


@dataclass(frozen=True)
class StoredSweep:
    """One sweep of the storage; `created` is the time of its first start (ISO, UTC)."""

    sweep: Sweep
    created: str
    provenance: Mapping[str, Any]


def stored_sweeps(storage: Path, name: str | None = None) -> list[StoredSweep]:
    """The sweeps of an experiment, or the one of this name, oldest first; without a name, all.

    A trial is left out if its ``trial.json`` is missing or not valid, or names components that
    are not registered. Raises `UserError` if there is no such sweep, with the nearest name, or if
    a newer version wrote it.
    """
    return sorted(
        (_stored(storage, folder, row) for folder, row in sweep_rows(storage, name)),
        key=lambda one: one.created,
    )


def with_known(sweep: Sweep) -> Sweep:
    """The sweep with the trials that its search proposed so far, read from the storage.

    Sweeps without a proposing search are returned as they are.
    """
    row = read_sweep(paths.sweep_file(sweep)) if sweep.proposals else None
    entries = row["trials"] if row else []
    found = [trial for one in entries if (trial := _trial(sweep.storage, one))]
    return replace(sweep, trials=tuple(found)) if found else sweep


def as_stored(sweep: Sweep) -> Sweep:
    """The sweep with the stored seeds that were added to it, and its stored tracking store.

    The trials of the grid stay, whether they were started or not.
    """
    row = read_sweep(paths.sweep_file(sweep))
    if row is None:
        return sweep
    known = {trial.id for trial in sweep.trials}
    more = [
        trial
        for one in row["trials"]
        if one["id"] not in known and (trial := _trial(sweep.storage, one))
    ]
    tracking = stored_tracking(row, sweep.storage)
    if without_password(sweep.tracking) == tracking:  # the stored address has no password
        tracking = sweep.tracking
    return replace(sweep, trials=(*sweep.trials, *more), tracking=tracking)


def load_again(stored: StoredSweep, tracking: str | None = None) -> Sweep:
    """Load the stored grid again; the sweep keeps its name and its storage.

    It keeps its tracking store unless `tracking` is given. Raises `UserError` if the grid now
    expands to other trials, because the program or the data have changed.
    """
    sweep = stored.sweep
    again = loading.load(
        paths.grid_file(paths.sweep_folder(sweep)),
        yes=True,
        storage=str(sweep.storage),
        tracking=tracking or sweep.tracking,
        folder=sweep.folder,
        components=_stored_components(sweep),
    )
    if again.name.rpartition("-")[2] != sweep.name.rpartition("-")[2]:
        raise UserError(
            f"the grid of {sweep.name} means other trials than it did (the program or "
            "its data have changed); run the grid's own file to train those"
        )
    return replace(again, name=sweep.name, places={})


def _stored_components(sweep: Sweep) -> dict[str, Path]:
    """Where the storage keeps the files that the grid brought, by what the grid calls them."""
    rows = (read_sweep(paths.sweep_file(sweep)) or {}).get("components") or []
    load_stored(sweep.storage, [row["sha256"] for row in rows])
    return {row["named"]: paths.component_file(sweep.storage, row["sha256"]) for row in rows}


def _stored(storage: Path, folder: Path, row: Mapping[str, Any]) -> StoredSweep:
    trials = [trial for one in row["trials"] if (trial := _trial(storage, one))]
    grid = paths.grid_file(folder)
    sweep = Sweep(
        experiment=row["experiment"],
        name=row["sweep"],
        trials=tuple(trials),
        grid=grid.read_text(encoding="utf-8") if grid.is_file() else "",
        storage=storage,
        tracking=stored_tracking(row, storage),
        folder=stored_home(row, storage).now(storage),
        analysis=row.get("analysis") or {},
        models=_kept_models(row.get("models") or {}),
    )
    return StoredSweep(sweep, row["created"], row.get("provenance") or {})


def _kept_models(row: Mapping[str, Any]) -> KeptModels:
    """Which models MLflow gets, of a sweep that says so; else none."""
    which, goal = row.get("which"), row.get("goal")
    if which not in get_args(Which) or not (goal is None or len(goal) == 2):
        return KeptModels()
    return KeptModels(cast(Which, which), tuple(goal) if goal else None)


def _trial(storage: Path, entry: Mapping[str, Any]) -> PlannedTrial | None:
    row = read_trial(paths.trial_file(storage, entry["id"]))
    if row is None:
        return None
    try:
        trial = restored_trial(storage, row["trial"])
    except (UserError, TrainerError, KeyError, TypeError):
        return None
    return PlannedTrial(
        id=row["id"],
        lineage=row["program"],
        label=entry.get("label") or row["label"],
        params=row["params"],
        trial=trial,
        data=row["data"],
        parameters=row["parameters"],
        role=entry.get("role") or "declared",
        twin_of=entry.get("twin_of"),
        merged_from=row.get("merged_from"),
        line=entry.get("line"),
    )
