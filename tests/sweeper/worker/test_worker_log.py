"""A trial's log says when and where it was trained, and what was printed meanwhile."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.driver.jobs import make_job
from sweeper.messages import Event
from sweeper.storage import paths
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.tracking.trial_files import files_at_the_end
from sweeper.worker.worker_log import WorkerLog
from tests.sweeper.small import planned, prepared, small_sweep, train


def log_of(sweep: Sweep, trial: PlannedTrial) -> str:
    folder = paths.trial_folder(sweep.storage, trial.id)
    return paths.worker_log(folder).read_text(encoding="utf-8")


def test_the_log_tells_of_each_attempt(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, planned(seed=1), planned(seed=2))
    train(sweep, 2)
    for trial in sweep.trials:
        lines = log_of(sweep, trial).splitlines()
        assert "2 trials in one job" in lines[0]
        told = [line[20:] for line in lines[1:]]
        assert [one for one in told if one != "started"] == [
            *(f"epoch {epoch}, step {11 * epoch}" for epoch in range(1, 5)),
            "finished",
        ]


def test_a_failure_stands_in_the_log_and_its_traceback_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        sys.stdout.write("a word before the end\n")
        raise RuntimeError("no such luck")

    monkeypatch.setattr("sweeper.worker.training.describe_dataset", broken)
    sweep = small_sweep(tmp_path)
    train(sweep)
    [trial] = sweep.trials
    assert "  a word before the end\n" in log_of(sweep, trial)
    assert "failed: RuntimeError: no such luck" in log_of(sweep, trial).splitlines()[-1]
    files = files_at_the_end(sweep.storage, trial, failed=True)
    assert files.keys() == {"worker.log", "error.txt"}
    assert b'raise RuntimeError("no such luck")' in files["error.txt"]


def test_what_is_printed_is_printed_and_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = small_sweep(tmp_path)
    prepared(sweep)
    log, heard = WorkerLog(make_job(sweep, sweep.trials)), list[Event]()
    [trial] = sweep.trials
    with log.printing():
        sys.stdout.write("to the left\n")
        sys.stderr.write("to the right\n")
    log.hearing(heard.extend)([Event(trial.id, "finished")])
    assert capsys.readouterr() == ("to the left\n", "to the right\n")
    assert "  to the left\n  to the right\n" in log_of(sweep, trial)
    assert heard == [Event(trial.id, "finished")]
    again = WorkerLog(make_job(replace(sweep), sweep.trials))
    again.hearing(heard.extend)([Event(trial.id, "stopped", reason="asked to")])
    lines = log_of(sweep, trial).splitlines()
    assert sum("worker on" in line for line in lines) == 2
    assert lines[-1].endswith("stopped: asked to")
