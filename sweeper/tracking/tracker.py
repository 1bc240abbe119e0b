"""MLflow shows what storage holds: one run a trial, one parent run a sweep."""

from __future__ import annotations

import json
import logging
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    Metric,
    Param,
    Run,
    RunTag,
)
from mlflow.tracking import MlflowClient

from sweeper.pictures.gallery import gallery_png
from sweeper.storage import ledger
from sweeper.storage.evaluations import read_evaluations
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.tracking.address import alone, artifact_location, check_address, unmade_store
from sweeper.tracking.database import with_driver
from sweeper.tracking.evaluations import TAG, artifacts, evaluation_tags
from sweeper.tracking.tags import commit_tags, origin_tags, started_ms, text, trial_tags
from trainers import Record
from trainers.checkpoint import Commit

__all__ = ["Tracking", "add_picture", "add_report", "make_store"]

BATCH = 1000
PAGE = 500


@dataclass
class _Shown:
    """What MLflow has of a trial: `epoch` is the last one whose metrics it was given."""

    run: str
    status: str
    epoch: int = 0
    parent: str | None = None
    described: bool = False
    blamed: bool = False
    evaluations: tuple[str, ...] = ()


class Tracking:
    """The view of one sweep in MLflow. Every method may be repeated: nothing is shown twice.

    Which epochs were delivered stands in the run itself (tag ``sweeper.epoch``, written with the
    metrics), and metrics carry the time of their record; so a repeated batch changes nothing.

    Parameters
    ----------
    sweep : the sweep; its `tracking` is MLflow's tracking URI.
    provenance : git commit, versions and host, for the tags.
    """

    def __init__(self, sweep: Sweep, provenance: Mapping[str, Any]) -> None:
        self._sweep, self._provenance = sweep, provenance
        self._trials = {trial.id: trial for trial in sweep.trials}
        with alone(sweep.tracking):
            make_store(sweep.tracking)
            self._client = _quiet_client(sweep.tracking)
            self._experiment = self._find_experiment()
            self._parent = self._find_parent()
        self._shown = self._find_trials("tags.`sweeper.kind` = 'trial'")
        self._unsure: set[str] = set()

    def describe_sweep(self) -> None:
        """The grid and the resolved trials as artifacts of the parent run."""
        trials = [trial.to_json() | {"role": trial.role, "twin_of": trial.twin_of}
                  for trial in self._sweep.trials]
        self._artifact(self._parent, "grid.yaml", self._sweep.grid.encode())
        self._artifact(self._parent, "trials.json", json.dumps(trials, indent=1).encode())

    def grow(self, sweep: Sweep) -> None:
        """Take in the trials that a sweep has got meanwhile; they may have runs already."""
        new = {trial.id: trial for trial in sweep.trials[len(self._trials):]}
        self._sweep, self._trials = sweep, self._trials | new
        self._unsure |= set(new)

    def show_trial(self, trial_id: str, commit: Commit | None, status: str) -> None:
        """Bring a trial's run up to a commit; `status` is RUNNING, FINISHED, FAILED or KILLED."""
        trial = self._trials[trial_id]
        shown = self._run_of(trial, commit)
        records = [record for record in (commit.records() if commit else [])
                   if record.epoch > shown.epoch]
        if not shown.described:
            self._describe(trial, shown)
        self._send(shown, records)
        self._send_evaluations(trial_id, shown)
        if status == shown.status and not records:
            return
        if commit:
            reason = {"sweeper.reason": ""} if shown.blamed else {}
            self._set_tags(shown.run, reason | commit_tags(commit))
            shown.blamed = commit.progress.reason is not None
        if status != "RUNNING":
            self._add_pictures(trial_id, shown)
        if status == "FAILED":
            self._add_traceback(trial_id, shown)
        self._set_status(shown.run, status, commit)
        shown.status = status

    def end_sweep(self, status: str) -> None:
        """The parent run's last word."""
        self._client.set_terminated(self._parent, status)

    def knows(self, trial_id: str) -> bool:
        """Whether a run of the trial exists."""
        return trial_id in self._shown

    def delete_twins(self) -> int:
        """Delete what stands twice, but the run of each trial that is written to; how many."""
        kept = {self._parent, *(shown.run for shown in self._shown.values())}
        sweeps = self._search("tags.`sweeper.kind` = 'sweep' and tags.`sweeper.sweep` = "
                              f"'{self._sweep.name}'")
        trials = (run for run in self._search("tags.`sweeper.kind` = 'trial'")
                  if run.data.tags.get("sweeper.trial") in self._shown)
        twins = [run.info.run_id for run in (*sweeps, *trials) if run.info.run_id not in kept]
        for run in twins:
            self._client.delete_run(run)
        return len(twins)

    def mistrust(self, trial_id: str, commit: Commit) -> bool:
        """Have the next `show_trial` tell all that the run lacks, whatever its marks say.

        MLflow keeps every value that it was ever given; so a run with values that the commit has
        not is deleted, to be made anew. Returns whether it was.
        """
        shown = self._shown[trial_id]
        wanted = {(name, record.epoch, record.time_ms, value.hex())
                  for record in commit.records() for name, value in record.metrics.items()}
        found = [(row.key, row.step, row.timestamp, float(row.value).hex())
                 for name in {name for name, *_ in wanted}
                 for row in self._client.get_metric_history(shown.run, name)]
        if set(found) - wanted or len(found) > len(set(found)):
            self._client.delete_run(shown.run)
            del self._shown[trial_id]
            return True
        lacking = [epoch for _, epoch, *_ in wanted - set(found)]
        shown.epoch = min(lacking, default=commit.progress.epoch + 1) - 1
        shown.status, shown.described, shown.evaluations = "", False, ()
        return False

    def _find_experiment(self) -> Experiment:
        found = self._client.get_experiment_by_name(self._sweep.experiment)
        if found is None:
            place = artifact_location(self._sweep.tracking, self._sweep.experiment,
                                      self._sweep.storage)
            self._client.create_experiment(self._sweep.experiment, artifact_location=place)
        elif found.lifecycle_stage == "deleted":
            self._client.restore_experiment(found.experiment_id)
        found = self._client.get_experiment_by_name(self._sweep.experiment)
        assert found is not None
        return found

    def _find_parent(self) -> str:
        name = self._sweep.name
        query = f"tags.`sweeper.kind` = 'sweep' and tags.`sweeper.sweep` = '{name}'"
        for run in self._search(query):
            self._client.update_run(run.info.run_id, status="RUNNING")
            return str(run.info.run_id)
        tags = {"sweeper.kind": "sweep", "sweeper.sweep": name, **origin_tags(self._provenance)}
        run = self._client.create_run(self._experiment.experiment_id, tags=tags,
                                      run_name=name)
        return str(run.info.run_id)

    def _find_trials(self, query: str) -> dict[str, _Shown]:
        """The oldest run of each of our trials: younger twins are not written to."""
        found: dict[str, _Shown] = {}
        for run in sorted(self._search(query), key=lambda run: -run.info.start_time):
            trial = run.data.tags.get("sweeper.trial")
            if trial in self._trials:
                found[trial] = _Shown(
                    run.info.run_id, run.info.status, int(run.data.tags.get("sweeper.epoch", 0)),
                    run.data.tags.get("mlflow.parentRunId"),
                    "sweeper.described" in run.data.tags,
                    bool(run.data.tags.get("sweeper.reason")),
                    tuple(run.data.tags.get(TAG, "").split()))
        return found

    def _search(self, query: str) -> Iterator[Run]:
        token: str | None = None
        while True:
            page = self._client.search_runs([self._experiment.experiment_id], query,
                                            max_results=PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _run_of(self, trial: PlannedTrial, commit: Commit | None) -> _Shown:
        """The trial's run; created only when it is certain that there is none."""
        if trial.id in self._unsure:
            self._shown |= self._find_trials(f"tags.`sweeper.trial` = '{trial.id}'")
            self._unsure.discard(trial.id)
        shown = self._shown.get(trial.id)
        if shown is None:
            self._unsure.add(trial.id)
            shown = self._shown[trial.id] = self._create(trial, commit)
            self._unsure.discard(trial.id)
        elif shown.parent != self._parent:
            self._client.set_tag(shown.run, "mlflow.parentRunId", self._parent)
            shown.parent = self._parent
        return shown

    def _create(self, trial: PlannedTrial, commit: Commit | None) -> _Shown:
        tags = {"mlflow.parentRunId": self._parent, **trial_tags(trial),
                **origin_tags(self._provenance)}
        started = started_ms(commit) if commit else None
        run = self._client.create_run(self._experiment.experiment_id, start_time=started,
                                      tags=tags, run_name=trial.label)
        return _Shown(run.info.run_id, "RUNNING", parent=self._parent)

    def _describe(self, trial: PlannedTrial, shown: _Shown) -> None:
        """Parameters and the data set, once."""
        params = [Param(name, text(value)) for name, value in trial.params.items()]
        self._client.log_batch(shown.run, params=params)
        data = trial.data
        dataset = Dataset(
            name=str(trial.params.get("data", "data")), digest=str(data.get("checksum", ""))[:36],
            source_type="sweeper", source=json.dumps(trial.config.get("data")),
            profile=json.dumps({name: data.get(name) for name in ("shape", "dims")}))
        tag = InputTag("mlflow.data.context", "training")
        self._client.log_inputs(shown.run, [DatasetInput(dataset, [tag])])
        self._set_tags(shown.run, {"sweeper.described": "true"})
        shown.described = True

    def _send(self, shown: _Shown, records: Sequence[Record]) -> None:
        """Metrics of whole epochs in batches, each with the mark of what it brings."""
        waiting: list[Metric] = []
        for place, record in enumerate(records):
            waiting += [Metric(name, value, record.time_ms, record.epoch)
                        for name, value in record.metrics.items()]
            after = records[place + 1:place + 2]
            if not after or len(waiting) + len(after[0].metrics) > BATCH:
                mark = RunTag("sweeper.epoch", str(record.epoch))
                self._client.log_batch(shown.run, metrics=waiting, tags=[mark])
                shown.epoch, waiting = record.epoch, []

    def _send_evaluations(self, trial: str, shown: _Shown) -> None:
        """What storage has and the run lacks: tables and pictures, metrics, and then the mark."""
        for one in read_evaluations(self._sweep.storage, trial, but=shown.evaluations):
            for name, content in artifacts(one):
                self._artifact(shown.run, name, content)
            metrics = [Metric(name, value, one.time_ms, one.epoch)
                       for name, value in one.metrics.items()]
            for start in range(0, len(metrics), BATCH):
                self._client.log_batch(shown.run, metrics=metrics[start:start + BATCH])
            known = (*shown.evaluations, one.key)
            self._set_tags(shown.run, evaluation_tags(known))
            shown.evaluations = known

    def _set_tags(self, run: str, tags: Mapping[str, str]) -> None:
        self._client.log_batch(run, tags=[RunTag(name, value) for name, value in tags.items()])

    def _set_status(self, run: str, status: str, commit: Commit | None) -> None:
        if status == "RUNNING":
            self._client.update_run(run, status=status)
        else:
            ended = int(commit.manifest["time_ms"]) if commit else None
            self._client.set_terminated(run, status, end_time=ended)

    def _add_pictures(self, trial: str, shown: _Shown) -> None:
        folder = ledger.trial_folder(self._sweep.storage, trial) / "evaluations"
        picture = gallery_png(folder / "gallery.npz")
        if picture:
            self._artifact(shown.run, "gallery.png", picture)

    def _add_traceback(self, trial: str, shown: _Shown) -> None:
        path = ledger.trial_folder(self._sweep.storage, trial) / "error.txt"
        if path.is_file():
            self._artifact(shown.run, "error.txt", path.read_bytes())

    def _artifact(self, run: str, name: str, content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(name).name
            path.write_bytes(content)
            parent = Path(name).parent.as_posix()
            self._client.log_artifact(run, str(path), None if parent == "." else parent)


def add_picture(uri: str, experiment: str, trial: str, path: Path) -> str | None:
    """Show a file in a trial's run, below ``pictures``; the run's id, None if there is no run.

    Only the artifact is written, no metric and no tag: a sweep that is under way may go on.
    """
    client = _quiet_client(uri)
    run = _oldest_run(client, experiment, f"tags.`sweeper.trial` = '{trial}'")
    if run:
        client.log_artifact(run, str(path), "pictures")
    return run


def add_report(uri: str, experiment: str, sweep: str, folder: Path) -> str | None:
    """Show the files of a report in the sweep's run, below ``report``; the run's id, or None."""
    client = _quiet_client(uri)
    run = _oldest_run(client, experiment, f"tags.`sweeper.sweep` = '{sweep}'")
    if run:
        client.log_artifacts(run, str(folder), "report")
    return run


def make_store(uri: str) -> None:
    """Make a new SQLite store under another name, and move it to its place once it is whole.

    MLflow makes its tables in dozens of steps, and cannot open a store in which a kill has left
    one of them half done.
    """
    path = unmade_store(uri)
    if path is None:
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as own:
        staged = Path(own) / path.name
        _quiet_client(f"sqlite:///{staged}").search_experiments(max_results=1)
        with closing(sqlite3.connect(staged)) as database:  # nothing may stay in a log beside it
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if unmade_store(uri):  # nobody else was faster
            staged.replace(path)
    check_address(uri)


def _quiet_client(uri: str) -> MlflowClient:
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=with_driver(uri))


def _oldest_run(client: MlflowClient, experiment: str, query: str) -> str | None:
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id], query) if found else []
    return min(runs, key=lambda run: run.info.start_time).info.run_id if runs else None
