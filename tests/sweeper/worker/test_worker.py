"""A worker: what it saves and tells, and that nothing disturbs a result."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from sweeper.driver.jobs import make_job
from sweeper.messages import Event, Job, Spent, decode, encode
from sweeper.storage import ledger, paths
from sweeper.storage.signs import StopSign
from sweeper.worker import reporter, training, worker
from sweeper.worker.evaluating import load_trained
from sweeper.worker.fitness import UnfitNode
from sweeper.worker.member import begin
from tests.sweeper.small import (
    final_state,
    metrics_of,
    newest,
    planned,
    prepared,
    small_sweep,
    train,
    undisturbed,
)
from trainers import Pack, checkpoint
from trainers.errors import ResumeError
from trainers.record import Record


def stop_after(job: Job, epoch: int) -> Callable[[list[Event]], None]:
    """Puts the stop sign up when a record of `epoch` is heard."""

    def hear(events: list[Event]) -> None:
        if any(record.epoch >= epoch for event in events for record in event.records):
            StopSign(job.sweep).put_up()

    return hear


def train_until(job: Job, epoch: int) -> None:
    """Train a job that is stopped at an epoch, and may go on."""
    worker.train_pack(job, stop_after(job, epoch))
    StopSign(job.sweep).take_down()


@pytest.fixture
def _tell_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)


@pytest.mark.usefixtures("_tell_at_once")
@pytest.mark.parametrize("size", [1, 2])
def test_a_node_that_is_about_to_end_is_left_with_a_checkpoint_of_its_last_epoch(
    tmp_path: Path, size: int
) -> None:
    """The driver hears of no end, and the job goes on elsewhere as if nothing had happened."""
    trials = [planned(seed=seed, epochs=6, checkpoint_every=50) for seed in range(size)]
    sweep, leaving, news = small_sweep(tmp_path, *trials), tmp_path / "leaving", list[Event]()
    prepared(sweep)
    job = replace(make_job(sweep, trials), leaving=str(leaving))

    def hear(events: list[Event]) -> None:
        news.extend(events)
        if any(record.epoch >= 3 for event in events for record in event.records):
            leaving.touch()

    with pytest.raises(UnfitNode, match=r"^is about to end \(it is drained\): its trials save"):
        worker.train_pack(job, hear)
    assert {newest(sweep, trial).progress.epoch for trial in trials} == {3}
    assert not any(event.ended for event in news)
    assert {event.trial for event in news if event.committed} == {one.id for one in trials}
    with pytest.raises(UnfitNode):
        worker.train_pack(job, news.extend)  # it is not gone on with there
    worker.train_pack(replace(job, leaving=""), news.extend)
    other = small_sweep(tmp_path / "undisturbed", *trials)
    train(other, size=size)
    for trial in trials:
        assert metrics_of(sweep, trial) == metrics_of(other, trial)
        assert final_state(sweep, trial) == final_state(other, trial)


@pytest.mark.usefixtures("_tell_at_once")
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_stopped_trial_goes_on_bit_for_bit(tmp_path: Path, epoch: int) -> None:
    trial = planned()
    sweep = small_sweep(tmp_path, trial)
    job = prepared(sweep)[0]
    news: list[Event] = []
    stop = stop_after(job, epoch)
    worker.train_pack(job, lambda events: (news.extend(events), stop(events))[0])
    assert news[-1].phase == "stopped"
    assert newest(sweep, trial).progress.epoch == epoch
    StopSign(job.sweep).take_down()
    worker.train_pack(job, news.extend)
    other = undisturbed(tmp_path, [trial])
    assert metrics_of(sweep, trial) == metrics_of(other, trial)
    assert final_state(sweep, trial) == final_state(other, trial)
    assert newest(sweep, trial).manifest["parent"] == f"0001/{epoch:06d}"


def damage_nothing(folder: Path) -> None:
    """The newest commit stays whole."""


def lose_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def tear_the_records(folder: Path) -> None:
    os.truncate(folder / "records.json", 10)


def tear_the_state(folder: Path) -> None:
    os.truncate(folder / "state.safetensors", 1000)


def flip_a_bit_of_the_state(folder: Path) -> None:
    content = bytearray((folder / "state.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "state.safetensors").write_bytes(content)


@pytest.mark.usefixtures("_tell_at_once")
@pytest.mark.parametrize(
    "damage",
    [damage_nothing, lose_the_manifest, tear_the_records, tear_the_state, flip_a_bit_of_the_state],
)
def test_a_damaged_commit_is_passed_over(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    trial = planned(epochs=5, checkpoint_every=1)
    sweep = small_sweep(tmp_path, trial)
    job = prepared(sweep)[0]
    train_until(job, 3)
    damage(newest(sweep, trial).folder)
    worker.train_pack(job, lambda events: None)
    went_on_from = "0001/000003" if damage is damage_nothing else "0001/000002"
    assert newest(sweep, trial).manifest["parent"] == went_on_from
    other = undisturbed(tmp_path, [trial])
    assert metrics_of(sweep, trial) == metrics_of(other, trial)
    assert final_state(sweep, trial) == final_state(other, trial)


def name_device(commit: checkpoint.Commit, device: str | None) -> None:
    """Have a commit say that it was made elsewhere; its own size is in no manifest."""
    manifest = {**commit.manifest, "device": device}
    (commit.folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.usefixtures("_tell_at_once")
def test_a_trial_does_not_go_on_on_another_kind_of_device(tmp_path: Path) -> None:
    trial = planned()
    sweep = small_sweep(tmp_path, trial)
    job = prepared(sweep)[0]
    train_until(job, 2)
    commit = newest(sweep, trial)
    assert commit.manifest["device"] == "cpu"
    name_device(commit, "NVIDIA H200")
    news: list[Event] = []
    worker.train_pack(job, news.extend)
    assert [(event.phase, event.reason) for event in news] == [
        (
            "failed",
            (
                "its checkpoint of epoch 2 was made on a GPU (NVIDIA H200), and this "
                "run trains on a CPU, "
                "where the last digits are others: go on with `resources: {gpus: 1}`, "
                "or give another "
                "--storage to train it from its first epoch"
            ),
        )
    ]
    ledger.write_failure(sweep.storage, trial.id, str(news[0].reason))
    assert not newest(sweep, trial).progress.repeats
    name_device(commit, "cpu")
    worker.train_pack(job, news.extend)
    assert news[-1].phase == "finished"
    other = undisturbed(tmp_path, [trial])
    assert metrics_of(sweep, trial) == metrics_of(other, trial)
    assert final_state(sweep, trial) == final_state(other, trial)


@pytest.mark.usefixtures("_tell_at_once")
def test_a_trial_that_the_driver_pruned_keeps_its_device(tmp_path: Path) -> None:
    trial = planned()
    sweep = small_sweep(tmp_path, trial)
    job = prepared(sweep)[0]
    train_until(job, 2)
    name_device(newest(sweep, trial), "NVIDIA H200")
    ledger.write_pruned(sweep.storage, trial.id)
    assert newest(sweep, trial).progress.status == "pruned"
    news: list[Event] = []
    worker.train_pack(job, news.extend)
    assert [event.phase for event in news] == ["failed"]


def test_a_checkpoint_of_a_cpu_is_refused_on_a_gpu(tmp_path: Path) -> None:
    trial = planned()
    sweep = small_sweep(tmp_path, trial)
    job = replace(prepared(sweep)[0], until=2)
    worker.train_pack(job, lambda events: None)
    with pytest.raises(ResumeError, match=r"on a CPU, and this run .* a GPU.*\{gpus: 0\}"):
        begin(replace(job, device="cuda"), job.trials[0])


def test_a_model_of_a_cpu_is_not_evaluated_on_a_gpu(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    train(sweep)
    job = replace(make_job(sweep, sweep.trials), device="cuda")
    with pytest.raises(ResumeError, match=r"of epoch 4 was made on a CPU, and this run .* a GPU"):
        load_trained(job, job.trials[0])


def test_a_finished_trial_is_left_alone(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    train(sweep)
    news = train(sweep)
    assert [(event.phase, event.records) for event in news] == [("finished", ())]
    folder = paths.trial_folder(sweep.storage, sweep.trials[0].id)
    assert sorted(path.name for path in folder.glob("[0-9]*")) == ["0001"]


def test_a_finished_trial_keeps_weights_and_pictures_only(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    train(sweep)
    commit = newest(sweep, sweep.trials[0])
    assert {name.partition("/")[0] for name in commit.load()} == {"param"}
    gallery = commit.folder.parent.parent / "evaluations" / "gallery.npz"
    with np.load(gallery, allow_pickle=False) as pictures:
        assert sorted(pictures) == ["clean", "denoised", "noisy", "reconstructed", "sampled"]
        assert {(image.dtype.name, image.shape) for image in pictures.values()} == {
            ("uint8", (10, 1, 8, 8))
        }
    with np.load(gallery.with_name("examples.npz"), allow_pickle=False) as values:
        metrics = commit.records()[-1].metrics
        for name in ("kl", "recon"):
            assert values[name].dtype == np.float32
            assert values[name].mean() == pytest.approx(metrics[f"test/{name}"], rel=1e-5)


def test_a_diverged_trial_fails_alone(tmp_path: Path) -> None:
    bad, good = planned(lr=1e30), planned()
    sweep = small_sweep(tmp_path, bad, good)
    last = {event.trial: event for event in train(sweep)}
    assert last[bad.id].phase == "failed"
    assert "became nan" in str(last[bad.id].reason)
    assert last[good.id].phase == "finished"
    assert newest(sweep, bad).progress.reason == last[bad.id].reason


@pytest.mark.parametrize("size", [1, 2])
def test_a_trial_that_raises_fails_alone(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = planned(seed=13), planned()
    whole = Pack.run_epoch

    def run_epoch(pack: Pack) -> dict[int, Record]:
        if pack.epoch == 2 and any(trial.seed == 13 for trial in pack.trials):
            raise ArithmeticError("a planted bug")
        return whole(pack)

    monkeypatch.setattr(Pack, "run_epoch", run_epoch)
    sweep = small_sweep(tmp_path, bad, good)
    last = {event.trial: event for event in train(sweep, size)}
    assert last[good.id].phase == "finished"
    assert len(metrics_of(sweep, good)) == 4
    assert str(last[bad.id].reason).startswith("ArithmeticError: a planted bug (test_worker.py:")
    commit = newest(sweep, bad)
    assert (commit.progress.status, len(commit.records())) == ("failed", 2)
    folder = paths.trial_folder(sweep.storage, bad.id)
    assert "a planted bug" in (folder / "error.txt").read_text()
    monkeypatch.undo()
    train(sweep)
    expected = metrics_of(undisturbed(tmp_path, [bad]), bad)
    assert metrics_of(sweep, bad)[-1][2] == pytest.approx(
        expected[-1][2], rel=0 if size == 1 else 1e-4
    )


def test_a_picture_that_cannot_be_made_fails_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise ValueError("no colours left")

    monkeypatch.setattr(training, "gallery", broken)
    news = train(small_sweep(tmp_path))
    assert news[-1].phase == "finished"
    assert [one.note for one in news if one.note] == ["no gallery: ValueError: no colours left"]


@pytest.mark.usefixtures("_tell_at_once")
def test_an_older_attempt_writes_no_more(tmp_path: Path) -> None:
    trial = planned(checkpoint_every=1)
    sweep = small_sweep(tmp_path, trial)
    job = prepared(sweep)[0]
    folder = paths.trial_folder(sweep.storage, trial.id)
    news: list[Event] = []

    def hear(events: list[Event]) -> None:
        news.extend(events)
        if len(list(folder.glob("[0-9]*"))) == 1 and newest_epoch(folder) == 2:
            checkpoint.open_attempt(folder)

    worker.train_pack(job, hear)
    assert news[-1].note == "another worker has begun the same trial"
    assert newest_epoch(folder) == 2


@pytest.mark.parametrize(
    ("asked", "idle_s", "saving_s", "due"),
    [
        (True, 0.0, 0.0, True),
        (False, 0.0, 0.0, False),
        (False, 301.0, 0.0, True),
        (True, 299.0, 30.0, False),
        (True, 300.0, 30.0, True),
        (False, 301.0, 31.0, False),
    ],
)
def test_saving_takes_no_more_than_a_tenth_of_the_time(
    asked: bool, idle_s: float, saving_s: float, due: bool
) -> None:
    assert training.is_due(asked, idle_s, saving_s) is due


def newest_epoch(folder: Path) -> int:
    commit = checkpoint.latest(folder)
    return commit.progress.epoch if commit else 0


@pytest.mark.parametrize("pause", [0.0, 1e9])
def test_all_epochs_are_told_once_and_in_order(
    tmp_path: Path, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "TELL_EVERY", pause)
    trials = [planned(seed=seed) for seed in (1, 2)]
    news = train(small_sweep(tmp_path, *trials), size=2)
    for trial in trials:
        epochs = [
            record.epoch for event in news if event.trial == trial.id for record in event.records
        ]
        assert epochs == [1, 2, 3, 4]


def test_a_pack_gives_each_trial_its_own_result(tmp_path: Path) -> None:
    trials = [planned(sigma, seed) for sigma in (0.1, 0.2) for seed in (1, 2)]
    sweep = small_sweep(tmp_path, *trials)
    train(sweep, size=4)
    other = undisturbed(tmp_path, trials)
    for trial in trials:
        for (epoch, _, packed), (_, _, solo) in zip(
            metrics_of(sweep, trial), metrics_of(other, trial), strict=True
        ):
            assert packed == pytest.approx(solo, rel=1e-4), epoch
        packed = load_file(newest(sweep, trial).folder / "state.safetensors")
        solo = load_file(newest(other, trial).folder / "state.safetensors")
        for name, value in solo.items():
            np.testing.assert_allclose(packed[name], value, rtol=1e-3, atol=1e-5)


def test_events_survive_the_way_between_processes() -> None:
    record = Record(3, 33, 1_763_000_000_000, {"test/kl": 1 / 3})
    events = [
        Event("a", "running", (record,)),
        Event("b", "failed", reason="σ", committed=True),
        Event("c", "finished", spent=Spent(1 / 3, 0.25)),
    ]
    assert decode(encode(events)) == events


def test_a_job_survives_the_way_between_processes(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, planned(), planned(seed=2))
    job = make_job(sweep, sweep.trials)
    again = Job.from_json(job.to_json())
    assert again == Job.from_json(again.to_json())
    assert [trial.id for trial in again.trials] == [trial.id for trial in sweep.trials]
