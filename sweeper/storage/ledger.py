"""Read and write the files of sweeps and trials in the storage folder, each atomically."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from analysis.sources.tracking_address import without_password
from sweeper.bucket.mirror import mirror_of
from sweeper.bucket.usable import begin_storage, require_usable
from sweeper.errors import UserError
from sweeper.storage.appended import appended
from sweeper.storage.attempts import begin_attempt, bring_trial, load_state, publish
from sweeper.storage.home import describe_home
from sweeper.storage.paths import (
    component_file,
    grid_file,
    sweep_file,
    sweep_files,
    sweep_folder,
    trial_file,
    trial_folder,
)
from sweeper.storage.registration import register
from sweeper.storage.stored_files import read_sweep, read_trial
from sweeper.sweep import SCHEMA, Sweep, describe_search
from trainers import TrainerError, checkpoint
from trainers.errors import NewerFormat

__all__ = [
    "Status",
    "check_writable",
    "failure",
    "has_finished",
    "newest_commit",
    "publish_appended",
    "status",
    "write_components",
    "write_failure",
    "write_file",
    "write_json",
    "write_pruned",
    "write_sweep",
    "write_trials",
]

Status = Literal["pending", "running", "pruned", "finished", "failed"]


def check_writable(storage: Path) -> None:
    """Create the storage folder; raises `UserError` if nothing can be written there.

    A bucket must also keep the promises of `require_usable`.
    """
    try:
        storage.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=storage) as file:
            file.write(b"sweeper")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(
            f"nothing can be written to the storage {storage} "
            f"({error.strerror or error}); set `storage` to a folder that is "
            "yours and has room"
        ) from error
    if mirror := mirror_of(storage):
        require_usable(mirror)
        begin_storage(mirror)


def newest_commit(storage: str | Path, trial: str) -> checkpoint.Commit | None:
    """The newest valid commit of the newest attempt that has one; None if there is none.

    Raises `UserError` if a newer version wrote it.
    """
    try:
        return checkpoint.latest(trial_folder(storage, trial))
    except NewerFormat as error:
        raise UserError(str(error)) from error


def status(storage: str | Path, trials: Iterable[str]) -> dict[str, Status]:
    """The status of each trial according to its newest valid commit."""
    return {trial: _status(newest_commit(storage, trial)) for trial in trials}


def has_finished(storage: str | Path, trial: str) -> bool:
    """Whether the storage has the commit of a finished trial, also if another host wrote it just
    now: a file is made in the trial's folder, as a network file system may show an old listing of
    a folder until this host has changed it. From a bucket the trial is fetched.
    """
    if _status(newest_commit(storage, trial)) == "finished":
        return True
    with suppress(OSError):
        bring_trial(storage, trial)
    with suppress(OSError), tempfile.TemporaryFile(dir=trial_folder(storage, trial)):
        pass
    return _status(newest_commit(storage, trial)) == "finished"


def write_sweep(sweep: Sweep, provenance: Mapping[str, Any]) -> None:
    """Write `sweep.json`, `grid.yaml` and the files that the grid brings.

    An existing `created` time is kept.
    """
    before = read_sweep(sweep_file(sweep))
    created = before["created"] if before else datetime.now(UTC).isoformat(timespec="microseconds")
    trials = [
        {
            "id": trial.id,
            "role": trial.role,
            "twin_of": trial.twin_of,
            "label": trial.label,
            "line": trial.line,
        }
        for trial in sweep.trials
    ]
    write_file(grid_file(sweep_folder(sweep)), sweep.grid.encode())
    write_components(sweep)
    until = (
        {"rule": dict(sweep.until), "path": [dict(one) for one in sweep.path]}
        if (sweep.until)
        else None
    )
    write_json(
        sweep_file(sweep),
        {
            "schema": SCHEMA,
            "experiment": sweep.experiment,
            "sweep": sweep.name,
            "created": created,
            "tracking_uri": without_password(sweep.tracking),
            "home": describe_home(sweep, before),
            "trials": trials,
            "analysis": dict(sweep.analysis),
            "registered": register(sweep, _finished(sweep, before), before),
            "provenance": dict(provenance),
            "models": asdict(sweep.models),
            "grid_file": _grid_file(sweep, before),
            **({"until": until} if until else {}),
            **({"search": describe_search(sweep.search)} if sweep.search else {}),
            **({"components": _components(sweep)} if sweep.components else {}),
        },
    )


def _grid_file(sweep: Sweep, before: Mapping[str, Any] | None) -> str:
    """Where the grid came from; of one that is resumed from its stored copy, what is known."""
    if Path(sweep.grid_file).absolute() != grid_file(sweep_folder(sweep)).absolute():
        return sweep.grid_file
    return str((before or {}).get("grid_file") or "")


def write_components(sweep: Sweep) -> None:
    """Write the files of the user's own components, from which the workers load them."""
    for file in sweep.components.values():
        write_file(component_file(sweep.storage, file.sha256), file.text)


def _finished(sweep: Sweep, before: Mapping[str, Any] | None) -> int:
    """How many trials of the experiment have finished before the sweep is registered."""
    if before and "registered" in before:
        return 0
    trials = {trial.id for trial in sweep.trials}
    for path in sweep_files(Path(sweep.storage)):
        row = read_sweep(path)
        if row and row["experiment"] == sweep.experiment:
            trials.update(one["id"] for one in row["trials"])
    states = status(sweep.storage, sorted(trials))
    return sum(one == "finished" for one in states.values())


def _components(sweep: Sweep) -> list[dict[str, Any]]:
    """What the grid calls each of its files, and the hash that it is stored under."""
    return [{"named": named, "sha256": file.sha256} for named, file in sweep.components.items()]


def write_trials(sweep: Sweep) -> None:
    """Write `trial.json` for every trial that has no valid one, or whose data were moved."""
    changed = []
    for trial in sweep.trials:
        path = trial_file(sweep.storage, trial.id)
        before, data = read_trial(path), trial.trial.config()["data"]
        if not before:
            changed.append((path, _json(trial.to_json())))
        elif json.dumps(before["trial"].get("data")) != json.dumps(data):
            row = before | {"trial": before["trial"] | {"data": data}}
            changed.append((path, _json(row)))
    _write_files(changed)


def write_failure(storage: str | Path, trial: str, reason: str) -> None:
    """Commit a failure for a trial whose worker could not do so, keeping the trial's records.

    A finished trial stays finished: only its evaluation can have failed. Damaged records are not
    changed.
    """
    bring_trial(storage, trial)
    folder = trial_folder(storage, trial)
    before = newest_commit(storage, trial)
    if before and before.progress.status == "finished":
        return
    progress = (
        checkpoint.Progress(
            before.progress.epoch, before.progress.step, "failed", reason, before.progress.wall_s
        )
        if before
        else (checkpoint.Progress(0, 0, "failed", reason))
    )
    try:
        records = before.records() if before else []
    except (TrainerError, OSError):
        records = []
    publish(begin_attempt(folder).commit({}, records, progress, before))


def write_pruned(storage: str | Path, trial: str) -> None:
    """Commit a trial's newest state and records again with status ``pruned``.

    It is called for an unfinished trial that the search does not continue.
    """
    folder = trial_folder(storage, trial)
    before = newest_commit(storage, trial)
    if before and before.progress.status == "running":
        reason = f"stopped early, after epoch {before.progress.epoch}"
        progress = replace(before.progress, status="pruned", reason=reason)
        about = {"device": before.manifest.get("device")}
        state = load_state(before)
        publish(begin_attempt(folder).commit(state, before.records(), progress, before, about))


def failure(storage: str | Path, trial: str) -> checkpoint.Progress | None:
    """The progress in a trial's newest commit if the trial failed; None if it did not."""
    commit = newest_commit(storage, trial)
    return commit.progress if commit and commit.progress.status == "failed" else None


def write_json(path: Path, content: Any) -> None:
    """Write a value as JSON, atomically (see `write_file`)."""
    write_file(path, _json(content))


def write_file(path: Path, content: bytes) -> None:
    """Write a file atomically: under a temporary name, flushed to the disk, then renamed.

    On a bucket it is uploaded before.
    """
    _write_files([(path, content)])


def publish_appended(file: Path) -> None:
    """Write what the copy holds to which a file's driver appends on a bucket, if there is one."""
    copy = appended(file)
    if copy != file and copy.is_file():
        write_file(file, copy.read_bytes())


def _write_files(contents: Sequence[tuple[Path, bytes]]) -> None:
    """Write files of one storage, each atomically."""
    mirror = mirror_of(contents[0][0].parent) if contents else None
    with mirror.uploaded(contents) if mirror else nullcontext():
        for path, content in contents:
            _write_here(path, content)


def _json(content: Any) -> bytes:
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return text.encode(errors="backslashreplace")  # JSON's own escape, of a name that is no UTF-8


def _write_here(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with staged.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def _status(commit: checkpoint.Commit | None) -> Status:
    return commit.progress.status if commit else "pending"
