"""The runs of one sweep in MLflow; an existing run is always searched before one is created."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mlflow.entities import Experiment, Run, RunTag
from mlflow.tracking import MlflowClient

from sweeper.storage.claims import driven_trials
from sweeper.storage.lease import is_held
from sweeper.storage.ledger import newest_commit, status
from sweeper.storage.paths import sweep_file, sweep_folder_of, trial_folder
from sweeper.storage.stored_files import read_sweep
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.tracking.artifact_place import artifact_location
from sweeper.tracking.run_deletion import delete_run
from sweeper.tracking.run_names import RunNames
from sweeper.tracking.run_rows import FoundRun, RunContent, RunRows
from sweeper.tracking.run_status import TRIAL_STATUS, RunStatus
from sweeper.tracking.tags import (
    DECLARED,
    EVALUATED,
    NOTE,
    about_experiment,
    declared_tags,
    origin_tags,
    own_tag,
    started_ms,
    trial_tags,
)
from trainers.checkpoint import Commit

__all__ = ["Runs", "Shown"]

PAGE = 500
SHOWN_BY = (  # the tags of a trial's run that say how far it was delivered
    "sweeper.trial",
    "sweeper.epoch",
    "sweeper.described",
    "sweeper.reason",
    "mlflow.parentRunId",
    EVALUATED,
)


@dataclass
class Shown:
    """The state of a trial's run in MLflow.

    files : the URI of its artifacts. epoch : the last one whose metrics it has.
    """

    run: str
    files: str
    status: str
    epoch: int = 0
    parent: str | None = None
    described: bool = False
    blamed: bool = False
    evaluations: tuple[str, ...] = ()


class Runs:
    """One run for each trial and one for the sweep, found by their tags, or created.

    `parent` is the sweep's run, `parent_files` the URI of its artifacts, `experiment` the id of
    MLflow's experiment. A run is searched right
    before it is created, because a failed call, or the driver of another sweep with the same
    trial, may have created it. `heard` is called whenever MLflow has answered a search, of which
    a server gets one for each 500 runs.
    """

    def __init__(
        self,
        client: MlflowClient,
        sweep: Sweep,
        provenance: Mapping[str, Any],
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        self._client, self._provenance, self._heard = client, provenance, heard
        self._name, self._trials = sweep.name, {trial.id for trial in sweep.trials}
        self._storage = sweep.storage
        self._run_names = RunNames(sweep.trials)
        self._experiment = self._find_experiment(sweep)
        self.experiment = str(self._experiment.experiment_id)
        self._rows = RunRows.of(client, self.experiment)
        parent = self._find_parent(declared_tags(sweep), _begun_ms(sweep)).info
        self.parent, self.parent_files = str(parent.run_id), str(parent.artifact_uri)
        self._shown = self._find("sweeper.kind", "trial")

    def grow(self, trials: Collection[PlannedTrial]) -> None:
        """Add trials of the sweep, and find the runs that they have already."""
        self._trials |= {trial.id for trial in trials}
        self._run_names.add(trials)

    def knows(self, trial: str) -> bool:
        """Whether a run of the trial exists."""
        return trial in self._shown

    def left_running(self) -> Iterator[tuple[str, Commit | None, RunStatus]]:
        """The sweep's trials whose run is RUNNING though no driver trains them.

        Yields each with its newest commit and the status that its run is to have.
        """
        folder = sweep_folder_of(self._storage, self._experiment.name, self._name)
        running = {trial for trial, shown in self._shown.items() if shown.status == "RUNNING"}
        left = running - set(driven_trials(self._storage, but=folder))
        for trial, state in status(self._storage, left).items():
            yield trial, newest_commit(self._storage, trial), TRIAL_STATUS[state]

    def __getitem__(self, trial: str) -> Shown:
        return self._shown[trial]

    def insert(
        self, trial: PlannedTrial, commit: Commit | None, read: Callable[[], RunContent]
    ) -> bool:
        """Write a run with all of its content to a database, whole or not at all.

        False if the trial has a run, or the tracker is a server. read : gives the content.
        """
        if self._rows is None or self.knows(trial.id):
            return False
        content = read()
        started = started_ms(commit) if commit else time.time_ns() // 1_000_000
        own = replace(content, tags={**self._tags(trial), **content.tags})
        name = self._run_names.name(trial)
        found = self._rows.insert(own, name, own_tag(trial.id), started)
        if found is None:
            return False
        epoch = content.records[-1].epoch if content.records else 0
        blamed = commit is not None and commit.progress.reason is not None
        self._shown[trial.id] = Shown(*found, "RUNNING", epoch, self.parent, True, blamed)
        return True

    def of(self, trial: PlannedTrial, commit: Commit | None) -> Shown:
        """The trial's run; created, as a child of the sweep's run, if there is none."""
        if not self.knows(trial.id):
            self._shown |= self._find(own_tag(trial.id), "true")
        shown = self._shown.get(trial.id)
        if shown is None:
            shown = self._shown[trial.id] = self._create(trial, commit)
        elif shown.parent != self.parent:
            self._client.set_tag(shown.run, "mlflow.parentRunId", self.parent)
            shown.parent = self.parent
        return shown

    def end(self, trial: str, status: str, end_ms: int | None) -> None:
        """Set the status of a trial's run that has ended."""
        run, at = self._shown[trial].run, end_ms or time.time_ns() // 1_000_000
        if self._rows is None or not self._rows.end(run, status, at):
            self._client.set_terminated(run, status, end_time=at)

    def delete(self, trial: str) -> None:
        """Delete the trial's run, so that it is created again."""
        delete_run(self._client, self.experiment, self._shown[trial].run)
        del self._shown[trial]

    def delete_twins(self) -> int:
        """Delete duplicate runs, except the one of each trial that is in use; returns how many."""
        kept = {self.parent, *(shown.run for shown in self._shown.values())}
        sweeps = self._search(
            f"tags.`sweeper.kind` = 'sweep' and tags.`sweeper.sweep` = '{self._name}'"
        )
        trials = (
            run
            for run in self._search("tags.`sweeper.kind` = 'trial'")
            if run.data.tags.get("sweeper.trial") in self._shown
        )
        twins = [run.info.run_id for run in (*sweeps, *trials) if run.info.run_id not in kept]
        for run in twins:
            delete_run(self._client, self.experiment, run)
        return len(twins)

    def end_abandoned(self) -> None:
        """Set to KILLED the RUNNING runs of sweeps whose driver was killed, and of their trials.

        Such a sweep may never be run again, because a larger grid has replaced it. Runs of other
        storages are not changed.
        """
        busy = {*driven_trials(self._storage), *self._trials}
        for run in list(self._search("attributes.status = 'RUNNING'")):
            tags = run.data.tags
            if tags.get("sweeper.kind") == "sweep":
                folder = sweep_folder_of(
                    self._storage, self._experiment.name, tags["sweeper.sweep"]
                )
                gone = folder.is_dir() and folder.name != self._name and not is_held(folder)
            else:
                trial = tags.get("sweeper.trial", "")
                known = bool(trial) and trial_folder(self._storage, trial).is_dir()
                gone = (
                    known
                    and trial not in busy
                    and (status(self._storage, [trial])[trial] not in ("finished", "failed"))
                )
            if gone:
                self._client.set_terminated(run.info.run_id, "KILLED")

    def _find_experiment(self, sweep: Sweep) -> Experiment:
        found = self._client.get_experiment_by_name(sweep.experiment)
        if found is None:
            place = artifact_location(sweep.tracking, sweep.experiment, sweep.storage)
            number = self._client.create_experiment(sweep.experiment, artifact_location=place)
            self._client.set_experiment_tag(number, NOTE, about_experiment(sweep))
        elif found.lifecycle_stage == "deleted":
            self._client.restore_experiment(found.experiment_id)
        found = self._client.get_experiment_by_name(sweep.experiment)
        assert found is not None
        return found

    def _find_parent(self, declared: Mapping[str, str], begun_ms: int | None) -> Run:
        query = f"tags.`sweeper.kind` = 'sweep' and tags.`sweeper.sweep` = '{self._name}'"
        for run in self._search(query):
            self._client.update_run(run.info.run_id, status="RUNNING")
            self._client.log_batch(
                run.info.run_id, tags=[RunTag(name, value) for name, value in declared.items()]
            )
            for name in run.data.tags:
                if name.startswith(DECLARED) and name not in declared:
                    self._client.delete_tag(run.info.run_id, name)
            return run
        tags = {
            "sweeper.kind": "sweep",
            "sweeper.sweep": self._name,
            **declared,
            **origin_tags(self._provenance),
        }
        return self._client.create_run(
            self.experiment, start_time=begun_ms, tags=tags, run_name=self._name
        )

    def _find(self, tag: str, value: str) -> dict[str, Shown]:
        """The oldest run of each of the sweep's trials; younger duplicates are not used."""
        found: dict[str, Shown] = {}
        for run in self._with_tag(tag, value):
            tags = run.tags
            if tags.get("sweeper.trial") in self._trials:
                found[tags["sweeper.trial"]] = Shown(
                    run.number,
                    run.files,
                    run.status,
                    int(tags.get("sweeper.epoch", 0)),
                    tags.get("mlflow.parentRunId"),
                    "sweeper.described" in tags,
                    bool(tags.get("sweeper.reason")),
                    tuple(tags.get(EVALUATED, "").split()),
                )
        return found

    def _with_tag(self, tag: str, value: str) -> list[FoundRun]:
        """The runs with a tag, the youngest first."""
        if self._rows:
            runs = self._rows.with_tag(tag, value, SHOWN_BY)
            self._heard()
            return runs
        found = [
            FoundRun(one.run_id, one.artifact_uri, one.status, one.start_time, run.data.tags)
            for run in self._search(f"tags.`{tag}` = '{value}'")
            for one in (run.info,)
        ]
        return sorted(found, key=lambda run: -run.started_ms)

    def _search(self, query: str) -> Iterator[Run]:
        token: str | None = None
        while True:
            page = self._client.search_runs(
                [self.experiment], query, max_results=PAGE, page_token=token
            )
            self._heard()
            yield from page
            token = page.token
            if not token:
                return

    def _create(self, trial: PlannedTrial, commit: Commit | None) -> Shown:
        run = self._client.create_run(
            self.experiment,
            start_time=started_ms(commit) if commit else None,
            tags=self._tags(trial),
            run_name=self._run_names.name(trial),
        )
        return Shown(run.info.run_id, run.info.artifact_uri, "RUNNING", parent=self.parent)

    def _tags(self, trial: PlannedTrial) -> dict[str, Any]:
        """The tags of a new run of a trial."""
        origin = origin_tags(self._provenance)
        return {"mlflow.parentRunId": self.parent, **trial_tags(trial), **origin}


def _begun_ms(sweep: Sweep) -> int | None:
    """When the sweep was first started, in Unix milliseconds; None if that is not stored."""
    row = read_sweep(sweep_file(sweep))
    return int(1000 * datetime.fromisoformat(row["created"]).timestamp()) if row else None
