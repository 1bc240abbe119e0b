"""Checkpoints that are written in a thread beside the training, as they are on a GPU."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweeper.messages import Event
from sweeper.storage.attempts import begin_attempt
from sweeper.storage.paths import trial_folder
from sweeper.sweep import Sweep
from sweeper.worker import reporter, training
from sweeper.worker.member import TrialInTraining
from sweeper.worker.saving import Saves, saves_beside
from tests.sweeper.small import final_state, metrics_of, newest, planned, small_sweep, train
from trainers import Pack
from trainers.commit_format import decode_records
from trainers.record import Record

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "saves_beside", lambda device: True)
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)


def sweep_of_two(folder: Path, **training: int) -> Sweep:
    settings = {"epochs": 4, "checkpoint_every": 1} | training
    return small_sweep(folder, *[planned(seed=seed, **settings) for seed in (1, 2)])


def before_running_commits(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[TrialInTraining, int, bytes], None]
) -> None:
    """Call a function in the thread that writes, before each checkpoint of a running trial."""
    commit = TrialInTraining.commit

    def called(self: TrialInTraining, state: Any, progress: Any, records: Any = None) -> None:
        if progress.status == "running":
            call(self, progress.epoch, records)
        commit(self, state, progress, records)

    monkeypatch.setattr(TrialInTraining, "commit", called)


def test_only_a_gpu_has_a_thread_for_it() -> None:
    assert [saves_beside(device) for device in ("cpu", "cuda")] == [False, True]


def test_what_is_written_beside_is_what_is_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for folder, thread in (("beside", True), ("at once", False)):
        monkeypatch.setattr(training, "saves_beside", lambda device, thread=thread: thread)
        sweep = sweep_of_two(tmp_path / folder)
        news = train(sweep, size=2)
        assert {event.trial: event.phase for event in news} == {
            trial.id: "finished" for trial in sweep.trials
        }
        found.append([(final_state(sweep, one), metrics_of(sweep, one)) for one in sweep.trials])
    assert found[0] == found[1]


def test_training_goes_on_while_a_checkpoint_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the checkpoint has the epochs of its own time, and no later ones."""
    trained, run_epoch = threading.Event(), Pack.run_epoch
    written = list[tuple[bool, int, list[int]]]()

    def epoch(pack: Pack) -> object:
        found = run_epoch(pack)
        if pack.epoch == 3:
            trained.set()
        return found

    def wait(member: TrialInTraining, epoch: int, records: bytes) -> None:
        if epoch == 1:
            there = trained.wait(PATIENCE)
            last, own = member.records.last, [one.epoch for one in decode_records(records)]
            written.append((there, last.epoch if last else 0, own))

    monkeypatch.setattr(Pack, "run_epoch", epoch)
    before_running_commits(monkeypatch, wait)
    sweep = small_sweep(tmp_path, planned(epochs=4, checkpoint_every=1))
    train(sweep)
    assert [(there, so_far >= 2, own) for there, so_far, own in written] == [(True, True, [1])]
    assert newest(sweep, sweep.trials[0]).progress.status == "finished"


def test_a_full_disk_is_told_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(member: TrialInTraining, epoch: int, records: bytes) -> None:
        raise OSError(28, "No space left on device")

    before_running_commits(monkeypatch, full)
    news = train(sweep_of_two(tmp_path), size=2)
    assert [event.phase for event in news].count("finished") == 2
    assert any("No space left" in (event.note or "") for event in news)


def test_a_trial_that_another_worker_has_begun_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = sweep_of_two(tmp_path)
    stolen = sweep.trials[0].id

    def begin(member: TrialInTraining, epoch: int, records: bytes) -> None:
        if member.id == stolen and epoch == 1:
            begin_attempt(trial_folder(sweep.storage, stolen))

    before_running_commits(monkeypatch, begin)
    last = {event.trial: event for event in train(sweep, size=2)}
    assert [last[one.id].phase for one in sweep.trials] == ["stopped", "finished"]
    assert "another worker" in (last[stolen].note or "")


@pytest.mark.parametrize("diverges", [0, 1])
def test_a_trial_that_was_left_says_no_more_as_one_diverges(
    diverges: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is that one, or another of its pack."""
    sweep, run_epoch, trained = sweep_of_two(tmp_path), Pack.run_epoch, threading.Event()
    stolen = sweep.trials[0].id

    def epoch(pack: Pack) -> dict[int, Record]:
        found = run_epoch(pack)
        if pack.epoch == 2:
            pack.failed[diverges] = "planted"
            pack.drop(diverges)
            trained.set()
        return found

    def begin(member: TrialInTraining, epoch: int, records: bytes) -> None:
        if member.id == stolen and epoch == 1:
            trained.wait(PATIENCE)
            begin_attempt(trial_folder(sweep.storage, stolen))

    monkeypatch.setattr(Pack, "run_epoch", epoch)
    before_running_commits(monkeypatch, begin)
    last = {event.trial: event.phase for event in train(sweep, size=2)}
    other = "finished" if diverges == 0 else "failed"
    assert [last[one.id] for one in sweep.trials] == ["stopped", other]


def test_other_errors_are_those_of_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(member: TrialInTraining, epoch: int, records: bytes) -> None:
        raise ValueError("a planted bug")

    before_running_commits(monkeypatch, broken)
    sweep = small_sweep(tmp_path, planned(epochs=4, checkpoint_every=1))
    news: list[Event] = train(sweep)
    assert news[-1].phase == "failed"
    assert "a planted bug" in (news[-1].reason or "")


def test_who_leaves_waits_for_what_is_written() -> None:
    written, go = list[int](), threading.Event()

    def write() -> None:
        go.wait(PATIENCE)
        written.append(1)

    with Saves(beside=True) as saves:
        saves.begin(0, write)
        assert saves.busy
        go.set()
    assert written == [1]
    assert saves.end() == [(0, None)]
    assert not saves.busy
