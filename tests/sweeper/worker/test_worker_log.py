"""A trial's log says when and where it was trained, and what was printed meanwhile."""

from __future__ import annotations

import io
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.driver.jobs import make_job
from sweeper.messages import Event
from sweeper.storage import paths
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.tracking.trial_files import files_at_the_end
from sweeper.worker.worker_log import LONGEST, WorkerLog
from tests.sweeper.small import planned, prepared, small_sweep, train


def log_of(sweep: Sweep, trial: PlannedTrial) -> str:
    folder = paths.trial_folder(sweep.storage, trial.id)
    return paths.worker_log(folder).read_text(encoding="utf-8")


class Deaf(io.TextIOBase):
    """A stream that keeps nothing."""

    def write(self, written: str) -> int:
        return len(written)


def say(*words: object, end: str = "\n") -> None:
    print(*words, end=end)  # noqa: T201 - it writes each word, and each space, on its own


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

    monkeypatch.setattr("sweeper.worker.training.Pack", broken)
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


def test_a_line_printed_in_pieces_is_one_line(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    prepared(sweep)
    log = WorkerLog(make_job(sweep, sweep.trials))
    [trial] = sweep.trials
    with log.printing():
        say("loss", 3)
        say("as yet", end="")
        log.hearing(lambda _: None)([Event(trial.id, "finished")])
    told = log_of(sweep, trial).splitlines()[1:]
    assert told[:2] == ["  loss 3", "  as yet"]
    assert told[2].endswith(" finished")


def test_a_trial_gets_what_was_printed_until_it_ended(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, planned(seed=1), planned(seed=2))
    prepared(sweep)
    log = WorkerLog(make_job(sweep, sweep.trials))
    first, second = sweep.trials
    tell = log.hearing(lambda _: None)
    with log.printing():
        say("for both")
        tell([Event(first.id, "finished")])
        say("for the second")
        tell([Event(first.id, "running", note="a remark"), Event(second.id, "finished")])
    printed = [
        [line for line in log_of(sweep, trial).splitlines() if line.startswith("  ")]
        for trial in (first, second)
    ]
    assert printed == [["  for both"], ["  for both", "  for the second"]]


def test_the_log_of_a_loud_pack_is_small_in_memory_and_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is printed is held once for all trials; its end is kept."""
    sweep = small_sweep(tmp_path, *(planned(seed=seed) for seed in range(8)))
    prepared(sweep)
    log = WorkerLog(make_job(sweep, sweep.trials))
    monkeypatch.setattr(sys, "stdout", Deaf())
    tracemalloc.start()
    try:
        with log.printing():
            for number in range(20_000):
                say("step", number, "of", "many")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 20 * LONGEST
    trial = sweep.trials[0]
    log.hearing(lambda _: None)([Event(trial.id, "finished")])
    text = log_of(sweep, trial)
    assert len(text) < 2 * LONGEST
    assert text.splitlines()[-2] == "  step 19999 of many"


def test_a_name_that_is_not_utf_8_ends_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = small_sweep(tmp_path)
    prepared(sweep)
    log = WorkerLog(make_job(sweep, sweep.trials))
    [trial] = sweep.trials
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with log.printing():
        say(b"caf\xe9.png".decode("utf-8", "surrogateescape"))
    log.hearing(lambda _: None)([Event(trial.id, "finished")])
    assert "  caf\\udce9.png\n" in log_of(sweep, trial)
