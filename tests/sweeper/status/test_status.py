"""`status` says what storage holds and what the tracker lacks; `resume` needs no grid file."""

from __future__ import annotations

import io
import json
import re
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sweeper.cli import main
from sweeper.commands.shared import experiment_of
from sweeper.driver import running_trials
from sweeper.driver.jobs import make_job
from sweeper.driver.run import RunOptions, run
from sweeper.driver.running_trials import RunningTrials
from sweeper.grid import loading
from sweeper.messages import Event
from sweeper.status.standing import standings
from sweeper.storage import ledger, paths
from sweeper.storage.lease import hold_lease
from sweeper.storage.signs import StopSign
from sweeper.storage.whereabouts import Whereabouts, write_running
from sweeper.sweep import Sweep
from sweeper.tracking.waiting import waiting
from sweeper.worker import reporter, worker
from tests.sweeper.grids import grid_text, write_grid
from tests.sweeper.mlflow_view import THIRD_PARTY, look
from tests.sweeper.small import planned, prepared, small_sweep, train
from trainers.evaluations.active_units import ActiveUnits

pytestmark = THIRD_PARTY


def run_inline(sweep: Sweep) -> None:
    run(sweep, RunOptions(inline=True, console=Console(file=io.StringIO())))


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main(["status", *map(str, arguments), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.usefixtures("ready_store")
def test_status_says_how_far_each_trial_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad, later = planned(), planned(lr=1e30), planned(seed=2)
    sweep = small_sweep(tmp_path, good, bad)
    run_inline(sweep)
    prepared(replace(sweep, trials=(good, bad, later)))
    found = asked(capsys, "demo", "--storage", sweep.storage)
    assert found["counts"] == {
        "finished": 1,
        "running": 0,
        "stopped": 0,
        "pruned": 0,
        "failed": 1,
        "pending": 1,
    }
    rows = {row["id"]: row for row in found["trials"]}
    assert (rows[good.id]["epoch"], rows[good.id]["epochs"]) == (4, 4)
    assert rows[good.id]["metrics"]["test/kl"] > 0
    assert "became nan" in rows[bad.id]["reason"]
    assert (rows[later.id]["status"], rows[later.id]["metrics"]) == ("pending", {})
    assert [one["records"] for one in found["waiting"]] == [0]


def test_only_a_driver_makes_a_trial_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)
    sweep = small_sweep(tmp_path, planned(checkpoint_every=1))
    [job] = prepared(sweep)
    worker.train_pack(job, lambda events: events[0].committed and StopSign(job.sweep).put_up())
    assert statuses(sweep) == "stopped"
    other = replace(sweep, name="other-1")
    prepared(other)
    with hold_lease(paths.sweep_folder(other)):
        assert statuses(sweep) == "running"
    assert statuses(sweep) == "stopped"


def statuses(sweep: Sweep) -> str:
    """The status of the only trial, as `status` and as a report are told it."""
    [standing] = standings([sweep])
    [reported] = experiment_of(sweep.experiment, str(sweep.storage), None).trials["status"]
    assert reported == standing.status
    return standing.status


def test_what_is_trained_where_is_said_while_a_driver_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed driver has left says nothing."""
    monkeypatch.setattr(running_trials, "WRITE_AFTER", 0.0)
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)
    first, second, later = planned(), planned(seed=2), planned(seed=3)
    sweep = small_sweep(tmp_path, first, second, later)
    job = replace(prepared(sweep)[0], trials=make_job(sweep, [first, second]).trials)
    folder, host, news = paths.sweep_folder(sweep), socket.gethostname(), list[Event]()
    running = RunningTrials(folder)
    worker.train_pack(job, news.extend)
    begun = [event for event in news if event.phase == "started"]
    with hold_lease(folder):
        running.hear(begun)
        while not paths.running_file(folder).exists():
            time.sleep(0.01)
        found = asked(capsys, "demo", "--storage", sweep.storage)
        assert main(["status", "demo", "--storage", str(sweep.storage)]) == 0
        shown = capsys.readouterr().out
        left = paths.running_file(folder).read_text()
        running.close()
        assert [one.where for one in standings([sweep])] == [None] * 3
    assert [row["where"] and row["where"]["host"] for row in found["trials"]] == [host, host, None]
    assert {row["where"]["pack"] for row in found["trials"][:2]} == {first.id}
    assert re.search(rf"{host}  +\d.* {first.label}, {second.label} \(a pack of 2\)", shown)
    paths.running_file(folder).write_text(left)
    assert [one.where for one in standings([sweep])] == [None] * 3


def test_a_trial_in_training_is_running_before_its_first_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = small_sweep(tmp_path)
    prepared(sweep)
    with hold_lease(paths.sweep_folder(sweep)):
        assert statuses(sweep) == "pending"
        where = Whereabouts("a", sweep.trials[0].id, "2026-01-01T00:00:00+00:00")
        write_running(paths.sweep_folder(sweep), {sweep.trials[0].id: where})
        assert [one.where for one in standings([sweep])] == [where]
        assert statuses(sweep) == "running"


@pytest.mark.usefixtures("ready_store")
def test_records_that_wait_are_counted(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, planned(), planned(seed=2))
    run_inline(sweep)
    grown = replace(sweep, trials=(*sweep.trials, planned(seed=3)))
    train(grown)
    left = waiting(grown, standings([grown]))
    assert (left.records, left.trials, left.error) == (4, 1, None)


@pytest.mark.usefixtures("ready_store")
def test_evaluations_that_wait_are_counted_too(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    run_inline(sweep)
    asked = replace(sweep.trials[0], evaluate=(ActiveUnits(),))
    train(replace(sweep, trials=(asked,)))
    left = waiting(sweep, standings([sweep]))
    assert (left.records, left.trials, left.error) == (1, 1, None)
    run_inline(sweep)
    assert waiting(sweep, standings([sweep])).records == 0


def test_a_tracker_that_is_not_there_is_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = small_sweep(tmp_path)
    train(sweep)
    [left] = asked(capsys, "demo", "--storage", sweep.storage)["waiting"]
    assert (left["records"], left["trials"]) == (4, 1)
    assert "there is no tracking store" in left["error"]
    assert not (tmp_path / "mlflow.db").exists()


def test_status_without_a_name_lists_the_sweeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(capsys, "--storage", tmp_path)["sweeps"] == []
    sweep = small_sweep(tmp_path)
    train(sweep)
    [row] = asked(capsys, "--storage", sweep.storage)["sweeps"]
    assert (row["experiment"], row["sweep"]) == ("demo", "small-1")
    assert row["counts"]["finished"] == 1


def test_status_of_a_grid_that_was_never_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: [0.1, 0.2]}"))
    found = asked(capsys, grid, "--storage", tmp_path / "s")
    assert (found["counts"]["pending"], found["stored"]) == (4, False)
    assert not (tmp_path / "s").exists()
    assert main(["status", str(grid), "--storage", str(tmp_path / "s")]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert f"this grid was never run in {tmp_path / 's'}; if it was run elsewhere" in words
    assert "MLflow" not in words


def test_nothing_is_missed_of_a_tracker_before_the_first_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A driver makes the store only when it has something to write."""
    sweep = small_sweep(tmp_path)
    prepared(sweep)
    assert main(["status", "demo", "--storage", str(sweep.storage)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing waits for MLflow yet"


@pytest.mark.usefixtures("ready_store")
def test_status_of_a_grid_whose_text_was_changed_is_that_of_its_new_trials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same text is found in the storage; another, or one of another storage, is expanded."""
    text = f"tracking: sqlite:///{tmp_path}/mlflow.db\n" + grid_text(
        "{model: sigma_vae, sigma: 0.1}"
    )
    grid, place = write_grid(tmp_path, text), ("--storage", tmp_path / "s")
    run_inline(loading.load(grid, storage=str(tmp_path / "s")))
    assert asked(capsys, grid, *place)["counts"]["finished"] == 2
    assert asked(capsys, grid, "--storage", tmp_path / "other")["counts"]["pending"] == 2
    write_grid(tmp_path, text.replace("sigma: 0.1", "sigma: [0.1, 0.2]"))
    counts = asked(capsys, grid, *place)["counts"]
    assert (counts["finished"], counts["pending"]) == (2, 2)


@pytest.mark.usefixtures("ready_store")
def test_status_reads_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = small_sweep(tmp_path, planned(), planned(lr=1e30))
    run_inline(sweep)
    assert main(["status", "demo", "--storage", str(sweep.storage)]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "finished 4/4" in words
    assert "MLflow has every record" in words
    assert "never run" not in words


def test_what_does_not_exist_is_answered_with_what_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(small_sweep(tmp_path))
    for command in ("status", "resume"):
        assert main([command, "dmo", "--storage", str(tmp_path / "sweeps")]) == 2
        assert "did you mean 'demo'?" in capsys.readouterr().err


def test_resume_goes_on_under_the_same_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}"))
    sweep = loading.load(
        grid, storage=str(tmp_path / "s"), tracking=f"sqlite:///{tmp_path}/mlflow.db"
    )
    train(replace(sweep, trials=sweep.trials[:1]))
    ledger.write_sweep(sweep, {})
    grid.unlink()
    assert main(["resume", "test", "--storage", str(sweep.storage), "--inline", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["trials"], found["finished"], found["skipped"]) == (2, 2, 1)
    assert [parent.info.run_name for parent in look(sweep.tracking, "test").parents] == [
        sweep.name
    ]


def test_resume_refuses_a_grid_that_now_means_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}"))
    sweep = loading.load(grid, storage=str(tmp_path / "s"))
    prepared(replace(sweep, name="grid-00000000"))
    assert main(["resume", "grid-00000000", "--storage", str(sweep.storage)]) == 2
    assert "means other trials than it did" in capsys.readouterr().err
