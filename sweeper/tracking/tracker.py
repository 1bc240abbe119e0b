"""Write one sweep to MLflow: a run for each trial, and a parent run for the sweep."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from analysis.sources.run_links import VIEW_TAG
from sweeper.storage.evaluations import read_evaluations
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.tracking.connection import alone, first_line
from sweeper.tracking.evaluation_artifacts import artifacts, evaluation_tags
from sweeper.tracking.first_view import first_view
from sweeper.tracking.logged_models import LoggedModels
from sweeper.tracking.run_files import RunFiles
from sweeper.tracking.run_rows import RunContent
from sweeper.tracking.runs import Runs, Shown
from sweeper.tracking.store import make_store, writing_client
from sweeper.tracking.tags import commit_tags, text
from sweeper.tracking.trial_files import files_at_the_end
from trainers import Record
from trainers.checkpoint import Commit

__all__ = ["Tracking"]

BATCH = 850  # metrics in one call, which takes 1,000 of metrics, parameters and tags together


class Tracking:
    """Writes one sweep to MLflow. Every method may be repeated without writing values twice.

    The last delivered epoch is in the run's tag ``sweeper.epoch``, written with the metrics, and
    metrics have the time of their record; so a repeated batch changes nothing.

    Parameters
    ----------
    sweep : the sweep; its `tracking` is MLflow's tracking URI.
    provenance : git commit, versions and host, for the tags.
    heard : called whenever MLflow has answered a search for runs.
    """

    def __init__(
        self, sweep: Sweep, provenance: Mapping[str, Any], heard: Callable[[], None] = lambda: None
    ) -> None:
        self._sweep = sweep
        self._trials = {trial.id: trial for trial in sweep.trials}
        with alone(sweep.tracking):
            make_store(sweep.tracking)
            self._client = writing_client(sweep.tracking, sweep.experiment)
            self.runs = Runs(self._client, sweep, provenance, heard)
        self._files = RunFiles(self._client)
        self._models = LoggedModels(self._client, self.runs.experiment, self._files)

    @property
    def refused(self) -> str | None:
        """Why an artifact was not stored, which stops no delivery; None if all were."""
        return self._files.refused

    def describe_sweep(self) -> None:
        """The grid and the resolved trials as artifacts, and what the experiment's page shows."""
        trials = [
            trial.to_json() | {"role": trial.role, "twin_of": trial.twin_of}
            for trial in self._sweep.trials
        ]
        contents = {
            "grid.yaml": self._sweep.grid.encode(),
            "trials.json": json.dumps(trials, indent=1).encode(),
        }
        self._files.add(self.runs.parent, self.runs.parent_files, contents)
        self._client.set_experiment_tag(self.runs.experiment, VIEW_TAG, first_view(self._sweep))

    def grow(self, sweep: Sweep) -> None:
        """Add the new trials of the same sweep; they may have runs already."""
        new = {trial.id: trial for trial in sweep.trials[len(self._trials) :]}
        self._sweep = sweep
        self._trials |= new
        self.runs.grow(new.values())

    def show_trial(self, trial_id: str, commit: Commit | None, status: str) -> None:
        """Bring a trial's run up to a commit; `status` is RUNNING, FINISHED, FAILED or KILLED."""
        trial = self._trials[trial_id]
        shown, changed = self._send_records(trial, commit, status)
        self._send_evaluations(trial, shown)
        if status == "FINISHED" and self._sweep.models.which == "all":
            self._models.add(self._sweep, trial, shown)
        if not changed or status == shown.status == "RUNNING":
            return
        if status != "RUNNING":
            ended = files_at_the_end(self._sweep.storage, trial, status == "FAILED")
            self._files.add(shown.run, shown.files, ended)
        self._set_status(trial_id, status, commit)
        shown.status = status

    def _send_records(
        self, trial: PlannedTrial, commit: Commit | None, status: str
    ) -> tuple[Shown, bool]:
        """Send the records that the trial's run lacks; returns it, and whether it has changed."""
        if self.runs.insert(trial, commit, partial(_content, trial, commit)):
            return self.runs[trial.id], status != "RUNNING"
        shown = self.runs.of(trial, commit)
        records = _records_after(shown.epoch, commit)
        params = [] if shown.described else self._describe(trial, shown)
        changed = bool(records) or status != shown.status
        if changed or not shown.described:
            self._send(shown, records, params, commit if changed else None)
        return shown, changed

    def end_sweep(self, status: str) -> None:
        """Set the final status of the parent run, and log the best model unless it was killed.

        A failure of the model is in `refused`; the status is set all the same.
        """
        if self._sweep.models.which == "best" and status != "KILLED":
            try:
                self._models.add_best(self._sweep, self.runs)
            except Exception as error:  # noqa: BLE001 - a tracker that is gone refuses the status
                self._files.refused = first_line(error)
        self._client.set_terminated(self.runs.parent, status)

    def end_left_running(self) -> None:
        """End the runs that a driver which was killed has left RUNNING.

        The driver of the sweep calls it at its end, when it trains none of its trials any more.
        """
        for trial, commit, status in self.runs.left_running():
            self.show_trial(trial, commit, status)

    def mistrust(self, trial_id: str, commit: Commit) -> bool:
        """Have the next `show_trial` send all that the run lacks, ignoring its delivery tags.

        MLflow never removes values, so a run with values that the commit has not is deleted and
        created again. Returns whether it was deleted.
        """
        shown = self.runs[trial_id]
        wanted = {
            (name, record.epoch, record.time_ms, value.hex())
            for record in commit.records()
            for name, value in record.metrics.items()
        }
        found = [
            (row.key, row.step, row.timestamp, float(row.value).hex())
            for name in {name for name, *_ in wanted}
            for row in self._client.get_metric_history(shown.run, name)
        ]
        if set(found) - wanted or len(found) > len(set(found)):
            self.runs.delete(trial_id)
            return True
        lacking = [epoch for _, epoch, *_ in wanted - set(found)]
        shown.epoch = min(lacking, default=commit.progress.epoch + 1) - 1
        shown.status, shown.described, shown.evaluations = "", False, ()
        return False

    def _describe(self, trial: PlannedTrial, shown: Shown) -> list[Param]:
        """Write a run's data set, and return its parameters, which go with its first metrics."""
        tag = InputTag("mlflow.data.context", "training")
        self._client.log_inputs(shown.run, [DatasetInput(_dataset(trial), [tag])])
        return [Param(name, value) for name, value in _params(trial).items()]

    def _send(
        self,
        shown: Shown,
        records: Sequence[Record],
        params: Sequence[Param],
        commit: Commit | None,
    ) -> None:
        """Send parameters, metrics and tags, mostly in one batch: a batch costs more than a row.

        Its metrics are those of whole epochs, and MLflow writes its tags last, with the last epoch
        among them. commit : the one that the tags are to describe.
        """
        *full, last = _batches(records)
        for batch in full:
            self._log(shown, batch, params, {})
            params = []
        tags = {"sweeper.described": "true"}
        if commit:
            tags |= commit_tags(commit)
        self._log(shown, last, params, tags)
        if commit and shown.blamed and commit.progress.reason is None:
            self._client.delete_tag(shown.run, "sweeper.reason")
        shown.described = True
        shown.blamed = commit.progress.reason is not None if commit else shown.blamed

    def _log(
        self,
        shown: Shown,
        records: Sequence[Record],
        params: Sequence[Param],
        tags: Mapping[str, str],
    ) -> None:
        """Write one batch to a run."""
        metrics = [
            Metric(name, value, record.time_ms, record.epoch)
            for record in records
            for name, value in record.metrics.items()
        ]
        epoch = records[-1].epoch if records else shown.epoch
        marks = {**tags, **({"sweeper.epoch": str(epoch)} if records else {})}
        self._client.log_batch(
            shown.run,
            metrics=metrics,
            params=params,
            tags=[RunTag(name, value) for name, value in marks.items()],
        )
        shown.epoch = epoch

    def _send_evaluations(self, trial: PlannedTrial, shown: Shown) -> None:
        """Send the evaluations that the run lacks: tables, pictures, metrics, then their tags."""
        for one in read_evaluations(self._sweep.storage, trial.id, but=shown.evaluations):
            contents = dict(artifacts(one, trial.trial.data.value_range))
            self._files.add(shown.run, shown.files, contents)
            metrics = [
                Metric(name, value, one.time_ms, one.epoch) for name, value in one.metrics.items()
            ]
            for start in range(0, len(metrics), BATCH):
                self._client.log_batch(shown.run, metrics=metrics[start : start + BATCH])
            known = (*shown.evaluations, one.key)
            self._set_tags(shown.run, evaluation_tags(known))
            shown.evaluations = known

    def _set_tags(self, run: str, tags: Mapping[str, str]) -> None:
        self._client.log_batch(run, tags=[RunTag(name, value) for name, value in tags.items()])

    def _set_status(self, trial: str, status: str, commit: Commit | None) -> None:
        if status == "RUNNING":
            self._client.update_run(self.runs[trial].run, status=status)
        else:
            self.runs.end(trial, status, int(commit.manifest["time_ms"]) if commit else None)


def _content(trial: PlannedTrial, commit: Commit | None) -> RunContent:
    """All that a new run of a trial gets."""
    records = _records_after(0, commit)
    tags = {"sweeper.described": "true", **(commit_tags(commit) if commit else {})}
    tags |= {"sweeper.epoch": str(records[-1].epoch)} if records else {}
    return RunContent(tags, _params(trial), records, _dataset(trial))


def _params(trial: PlannedTrial) -> dict[str, str]:
    return {name: text(value) for name, value in trial.params.items()}


def _dataset(trial: PlannedTrial) -> Dataset:
    """A trial's data set, as MLflow shows it."""
    data = trial.data
    return Dataset(
        name=str(trial.params.get("data", "data")),
        digest=str(data.get("checksum", ""))[:36],
        source_type="sweeper",
        source=json.dumps(trial.trial.config()["data"]),
        profile=json.dumps({name: data.get(name) for name in ("shape", "dims")}),
    )


def _records_after(epoch: int, commit: Commit | None) -> list[Record]:
    """The records of a commit after an epoch; its file is read only if there are any."""
    if commit is None or commit.progress.epoch <= epoch:
        return []
    return [record for record in commit.records() if record.epoch > epoch]


def _batches(records: Sequence[Record]) -> list[list[Record]]:
    """Records in groups with at most `BATCH` metrics, unless one epoch has more; at least one."""
    found: list[list[Record]] = [[]]
    size = 0
    for record in records:
        if found[-1] and size + len(record.metrics) > BATCH:
            found.append([])
            size = 0
        found[-1].append(record)
        size += len(record.metrics)
    return found
