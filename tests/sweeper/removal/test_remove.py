"""`sweeper remove`: what belongs to a sweep alone goes, in storage and MLflow."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient
from rich.console import Console

from sweeper.cli import main
from sweeper.driver.run import RunOptions, run
from sweeper.storage import paths
from sweeper.storage.lease import hold_lease
from sweeper.sweep import Sweep
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import planned, small_sweep

pytestmark = READY


def trained(sweep: Sweep) -> Sweep:
    run(sweep, RunOptions(inline=True, console=Console(file=io.StringIO())))
    return sweep


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return trained(small_sweep(tmp_path, planned(), planned(seed=2)))


@pytest.fixture
def grown(sweep: Sweep) -> Sweep:
    """A second sweep of the experiment, with one trial of the first and one of its own."""
    return trained(replace(sweep, name="grown-2", trials=(sweep.trials[0], planned(seed=3))))


def remove(sweep: Sweep, name: str, *options: str) -> int:
    return main(["remove", name, "--storage", str(sweep.storage), *options])


def files(sweep: Sweep) -> set[str]:
    return {
        str(path.relative_to(sweep.storage))
        for path in sweep.storage.rglob("*")
        if path.is_file() and path.relative_to(sweep.storage).parts[0] in ("sweeps", "trials")
    }


def test_a_sweep_goes_and_what_another_uses_stays(sweep: Sweep, grown: Sweep) -> None:
    shared, own = (trial.id for trial in sweep.trials)
    assert remove(sweep, sweep.name, "--yes") == 0
    assert not paths.sweep_folder(sweep).exists()
    assert not paths.trial_folder(sweep.storage, own).exists()
    assert not list(sweep.storage.glob(f"programs/*/{own}"))
    assert paths.trial_file(sweep.storage, shared).is_file()
    seen = look(sweep.tracking)
    assert seen.statuses == {trial.id: "FINISHED" for trial in grown.trials}
    assert [parent.data.tags["sweeper.sweep"] for parent in seen.parents] == [grown.name]


def test_a_shared_run_whose_parent_goes_gets_the_other_sweeps(sweep: Sweep, grown: Sweep) -> None:
    shared = sweep.trials[0].id
    assert remove(sweep, grown.name, "--yes") == 0
    seen = look(sweep.tracking)
    assert set(seen.runs) == {trial.id for trial in sweep.trials}
    [parent], [shown] = seen.parents, seen.runs[shared]
    assert shown.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_an_experiment_goes_and_is_trained_anew(sweep: Sweep, grown: Sweep) -> None:
    assert remove(sweep, "demo", "--yes") == 0
    assert not files(sweep)
    assert not look(sweep.tracking).history
    client = MlflowClient(sweep.tracking)
    found = client.get_experiment_by_name("demo")
    assert found is not None
    deleted = client.search_runs([found.experiment_id], run_view_type=ViewType.DELETED_ONLY)
    assert len(deleted) == 2 + 3, "MLflow's own trash has the runs of both sweeps and their trials"
    trained(sweep)
    assert look(sweep.tracking).statuses == {trial.id: "FINISHED" for trial in sweep.trials}
    assert not look(sweep.tracking).repeated


def test_the_files_of_a_data_set_go_with_its_last_trial(sweep: Sweep, grown: Sweep) -> None:
    archives = [
        paths.data_archive(sweep.storage, name)
        for name in (str(sweep.trials[0].data["checksum"]), "of-nobody")
    ]
    for archive in archives:
        archive.parent.mkdir(exist_ok=True)
        archive.write_bytes(b"files")
    with hold_lease(sweep.storage / "sweeps" / "demo" / "another-4"):
        assert remove(sweep, sweep.name, "--yes") == 0
    assert [archive.exists() for archive in archives] == [True, True], "for trials to come"
    trained(sweep)
    assert remove(sweep, sweep.name, "--yes") == 0
    assert [archive.exists() for archive in archives] == [True, False]
    assert remove(sweep, grown.name, "--yes") == 0
    assert not archives[0].exists()


def test_runs_of_another_storage_stay(tmp_path: Path, sweep: Sweep) -> None:
    other = replace(sweep, name="other-3", storage=tmp_path / "elsewhere")
    trained(other)
    assert remove(sweep, "demo", "--yes") == 0
    seen = look(sweep.tracking)
    assert [parent.data.tags["sweeper.sweep"] for parent in seen.parents] == [other.name]
    assert seen.statuses == {trial.id: "FINISHED" for trial in other.trials}


def test_each_run_and_each_trial_is_a_step_of_the_bar(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    totals, steps = list[int](), list[None]()

    @contextmanager
    def counting(_: str, total: int) -> Iterator[Callable[[], None]]:
        totals.append(total)
        yield lambda: steps.append(None)

    monkeypatch.setattr("sweeper.commands.removing.progress", counting)
    assert remove(sweep, "demo", "--yes") == 0
    assert totals == [5], "three runs and two trials"
    assert len(steps) == 5


def test_what_would_be_lost_is_counted_and_nothing_removed(
    sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    before, statuses = files(sweep), look(sweep.tracking).statuses
    capsys.readouterr()
    assert remove(sweep, "demo", "--dry-run", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    size = sum((sweep.storage / name).stat().st_size for name in before)
    assert found == {
        "storage": str(sweep.storage),
        "sweeps": [sweep.name],
        "trials": 2,
        "counts": {"finished": 2},
        "bytes": size,
        "shared_trials": 0,
        "runs": {sweep.tracking: 3},
        "removed": False,
    }
    assert (files(sweep), look(sweep.tracking).statuses) == (before, statuses)
    assert remove(sweep, "demo", "--dry-run") == 0
    assert f"3 runs in MLflow at {sweep.tracking} (2 of trials, 1 of sweeps)" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 1), ("no\n", 1)])
def test_a_terminal_is_asked(
    sweep: Sweep,
    answer: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed = io.StringIO(answer)
    monkeypatch.setattr(typed, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", typed)
    assert remove(sweep, "demo", "--keep-runs") == code
    out = capsys.readouterr().out
    assert "2 trials (2 finished)" in out
    assert bool(files(sweep)) == bool(code)
    assert len(look(sweep.tracking).runs) == 2


def test_without_a_terminal_it_is_refused(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert remove(sweep, "demo") == 2
    assert "add --yes" in capsys.readouterr().err
    assert files(sweep)


def test_a_sweep_under_way_is_refused(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(sweep)
    with hold_lease(paths.sweep_folder(sweep)):
        assert remove(sweep, "demo", "--yes") == 2
    assert "already being run" in capsys.readouterr().err
    assert files(sweep) == before


def test_a_trial_that_another_driver_trains_is_refused(
    sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    with hold_lease(paths.trial_folder(sweep.storage, sweep.trials[0].id)):
        assert remove(sweep, "demo", "--yes") == 2
    assert "is being trained by process" in capsys.readouterr().err
    assert paths.sweep_file(sweep).is_file(), "the same command goes on"
    assert remove(sweep, "demo", "--yes") == 0
    assert not files(sweep)


def test_a_sweep_that_cannot_be_read_may_use_the_trials(
    sweep: Sweep, grown: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    paths.sweep_file(grown).write_text("{")
    assert remove(sweep, sweep.name, "--yes") == 2
    assert "which trials that sweep uses is unknown" in capsys.readouterr().err
    assert paths.trial_file(sweep.storage, sweep.trials[1].id).is_file()


def test_a_tracker_that_does_not_answer_is_said(
    sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    path = paths.sweep_file(sweep)
    row = json.loads(path.read_text())
    path.write_text(json.dumps(row | {"tracking_uri": "http://127.0.0.1:1"}))
    assert remove(sweep, "demo", "--yes") == 2
    assert "--keep-runs" in capsys.readouterr().err
    assert files(sweep)
    assert remove(sweep, "demo", "--yes", "--keep-runs") == 0
    assert not files(sweep)
