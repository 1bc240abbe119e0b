"""A new run is in MLflow's database with the rows that its client writes, or not at all."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from mlflow.tracking import MlflowClient

from sweeper.storage.paths import trial_folder
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.tracking import run_rows
from sweeper.tracking.connection import check_address
from sweeper.tracking.tracker import Tracking
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import newest, planned, small_sweep, train
from tests.sweeper.tracking.two_drivers import show_at_once
from trainers import Record
from trainers.checkpoint import Commit, Progress, open_attempt

pytestmark = READY

ALL_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
SWEEPS = "SELECT run_uuid FROM tags WHERE key = 'sweeper.kind' AND value = 'sweep'"
DRAWN = ("run_uuid", "dataset_uuid", "input_uuid", "source_id", "destination_id", "artifact_uri")


class Transactions:
    """Counts those that write something, in all databases of this process."""

    def __init__(self) -> None:
        self.count, self._writes = 0, False
        for name in ("before_cursor_execute", "commit"):
            sqlalchemy.event.listen(sqlalchemy.Engine, name, getattr(self, name))

    def before_cursor_execute(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        self._writes |= statement.startswith(("INSERT", "UPDATE", "DELETE"))

    def commit(self, connection: Any) -> None:
        self.count += self._writes
        self._writes = False

    def close(self) -> None:
        for name in ("before_cursor_execute", "commit"):
            sqlalchemy.event.remove(sqlalchemy.Engine, name, getattr(self, name))


def opened(sweep: Sweep) -> Tracking:
    check_address(sweep.tracking)
    return Tracking(sweep, {"host": "here"})


def committed(sweep: Sweep, trial: PlannedTrial, records: Sequence[Record]) -> Commit:
    attempt = open_attempt(trial_folder(sweep.storage, trial.id))
    return attempt.commit({}, records, Progress(len(records), 9, "finished", wall_s=1.5))


def rows(sweep: Sweep) -> dict[str, Counter[tuple[tuple[str, Any], ...]]]:
    """All rows of a store but for what is drawn, by table; the sweep's own run left out."""
    path = sweep.tracking.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        tables = [row[0] for row in database.execute(ALL_TABLES)]
        found = {}
        for table in tables:
            all_rows = [dict(row) for row in database.execute(f"SELECT * FROM {table}")]
            own = {row[0] for row in database.execute(SWEEPS)}
            left = [row for row in all_rows if row.get("run_uuid") not in own]
            found[table] = Counter(
                tuple((name, value) for name, value in row.items() if name not in DRAWN)
                for row in left
                if row.get("key") != "mlflow.parentRunId"
            )
    return found


def test_the_rows_are_those_of_the_client(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Of values that no database has, a failure, and a trial without records, too."""
    odd = {"test/kl": math.nan, "test/recon": math.inf, "train/loss": -math.inf}
    records = [
        Record(epoch, 3 * epoch, 1_000 + epoch, {**odd, "test/elbo": float(epoch)})
        for epoch in (1, 2)
    ]
    trials = [planned(seed=seed) for seed in range(2)]
    written = []
    for own in ("rows", "calls"):
        (tmp_path / own).mkdir()
        sweep = small_sweep(tmp_path / "one", *trials)
        sweep = replace(sweep, tracking=f"sqlite:///{tmp_path}/{own}/mlflow.db")
        view = opened(sweep)
        shown = (("FINISHED", records), ("FAILED", []))
        for trial, (status, own_records) in zip(trials, shown, strict=True):
            commit = committed(sweep, trial, own_records)
            at = {**commit.manifest, "time_ms": 5_000}
            view.show_trial(trial.id, replace(commit, manifest=at), status)
        written.append(rows(sweep))
        request.getfixturevalue("by_calls")
    assert written[0].keys() == written[1].keys()
    skipped = ("experiments", "experiment_tags", "alembic_version")
    for table in written[0].keys() - set(skipped):
        assert written[0][table] == written[1][table], table
    assert {table: len(written[0][table]) for table in ("runs", "datasets", "inputs")} == {
        "runs": 2,
        "datasets": 1,
        "inputs": 1,
    }
    assert sum(written[0]["metrics"].values()) == 8
    assert sum(written[0]["latest_metrics"].values()) == 4
    assert not math.isnan(sum(dict(row)["value"] for row in written[0]["metrics"]))


def test_a_trial_that_ended_takes_two_transactions(tmp_path: Path) -> None:
    """One for the run with its data, parameters, metrics and tags, and one for its end."""
    sweep = small_sweep(tmp_path)
    train(sweep)
    view, trial = opened(sweep), sweep.trials[0]
    found = Transactions()
    view.show_trial(trial.id, newest(sweep, trial), "FINISHED")
    found.close()
    assert found.count == 2
    assert look(sweep.tracking).statuses == {trial.id: "FINISHED"}


def test_two_drivers_that_show_a_trial_at_once_make_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = small_sweep(tmp_path)
    train(sweep)
    show_at_once(opened(sweep), opened(sweep), sweep, monkeypatch)
    found = look(sweep.tracking)
    assert found.statuses == {sweep.trials[0].id: "FINISHED"}
    assert not found.repeated


def test_of_a_run_whose_making_failed_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its data set is written last."""
    sweep = small_sweep(tmp_path)
    train(sweep)
    view, trial = opened(sweep), sweep.trials[0]
    with monkeypatch.context() as patch:
        patch.setitem(run_rows.USED_FOR, "value", None)
        with pytest.raises(Exception, match="NOT NULL constraint failed: input_tags"):
            view.show_trial(trial.id, newest(sweep, trial), "FINISHED")
    assert look(sweep.tracking).runs == {}
    view.show_trial(trial.id, newest(sweep, trial), "FINISHED")
    seen = look(sweep.tracking)
    assert [len(runs) for runs in seen.runs.values()] == [1]
    assert len(seen.history[trial.id, "test/kl"]) == 4


def test_a_run_that_another_driver_has_made_is_used(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    train(sweep)
    trial, views = sweep.trials[0], [opened(sweep) for _ in range(2)]
    for view in views:
        view.show_trial(trial.id, newest(sweep, trial), "FINISHED")
    assert look(sweep.tracking).statuses == {trial.id: "FINISHED"}


@pytest.mark.parametrize("name", ["test/kl(z)", "../kl", "a" * 251])
def test_a_metric_that_mlflow_does_not_take_is_named(name: str, tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    view, trial = opened(sweep), sweep.trials[0]
    commit = committed(sweep, trial, [Record(1, 1, 1_000, {name: 1.0})])
    with pytest.raises(Exception, match=r"(?i)metric"):
        view.show_trial(trial.id, commit, "FINISHED")


def test_an_experiment_that_was_deleted_meanwhile_gets_no_runs(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    train(sweep)
    view, trial = opened(sweep), sweep.trials[0]
    MlflowClient(sweep.tracking).delete_experiment(view.runs.experiment)
    with pytest.raises(Exception, match=r"deleted|active"):
        view.show_trial(trial.id, newest(sweep, trial), "FINISHED")


def test_a_run_that_was_deleted_meanwhile_is_not_ended(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    train(sweep)
    view, trial = opened(sweep), sweep.trials[0]
    view.show_trial(trial.id, newest(sweep, trial), "RUNNING")
    MlflowClient(sweep.tracking).delete_run(view.runs[trial.id].run)
    with pytest.raises(Exception, match="active"):
        view.show_trial(trial.id, newest(sweep, trial), "FINISHED")


def test_finding_finished_runs_reads_no_metrics_and_no_parameters(tmp_path: Path) -> None:
    """To load them is most of what a finished trial costs when a sweep is run again."""
    sweep = small_sweep(tmp_path)
    train(sweep)
    trial = sweep.trials[0]
    opened(sweep).show_trial(trial.id, newest(sweep, trial), "FINISHED")
    asked: list[str] = []

    def hear(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    view = opened(sweep)
    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", hear)
    try:
        found = view.runs._find("sweeper.kind", "trial")
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", hear)
    assert found.keys() == {trial.id}
    assert [text for text in asked if "FROM tags" in text]
    assert not [text for text in asked if "metrics" in text or "params" in text]


def test_a_database_tells_of_runs_what_a_server_does(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Of a failure, of a run that was deleted, and of the older of two runs of a trial, too."""
    trials = [planned(seed=seed) for seed in range(4)]
    sweep = small_sweep(tmp_path, *trials)
    view, client = opened(sweep), MlflowClient(sweep.tracking)
    record = Record(1, 1, 1_000, {"test/kl": 1.0})
    for trial, status in zip(trials, ("FINISHED", "FAILED", "RUNNING", "FINISHED"), strict=True):
        commit = committed(sweep, trial, [record])
        reason = {"reason": "diverged"} if status == "FAILED" else {}
        view.show_trial(trial.id, replace(commit, manifest={**commit.manifest, **reason}), status)
    older = client.get_run(view.runs[trials[0].id].run)
    twin = client.create_run(
        view.runs.experiment, older.info.start_time - 1, dict(older.data.tags)
    )
    client.delete_run(view.runs[trials[3].id].run)
    by_rows = opened(sweep).runs
    request.getfixturevalue("by_calls")
    by_calls = opened(sweep).runs
    assert by_rows._shown == by_calls._shown
    assert by_rows._shown.keys() == {trial.id for trial in trials[:3]}
    assert by_rows[trials[0].id].run == twin.info.run_id
    assert [by_rows[trial.id].blamed for trial in trials[:3]] == [False, True, False]
