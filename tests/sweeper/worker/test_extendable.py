"""More epochs carry finished trials on, and give what an undisturbed longer run gives."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.cli import main
from sweeper.grid import loading
from sweeper.grid.identity import lineage_id, trial_id
from sweeper.messages import Event
from sweeper.storage import ledger
from sweeper.storage.extendable import enter, shorter
from sweeper.storage.signs import StopSign
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.worker import reporter, worker
from tests.sweeper.grids import write_grid
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
from tests.sweeper.worker.test_worker import name_device, stop_after


def trial_of(epochs: int, extendable: bool = True, **changes: Any) -> PlannedTrial:
    """With the ids that a grid would give it."""
    made = planned(epochs=epochs, extendable=extendable, **changes)
    trial, checksum = made.trial, str(made.data["checksum"])
    return replace(made, id=trial_id(trial, checksum), lineage=lineage_id(trial, checksum))


def epochs_told(news: list[Event], trial: PlannedTrial) -> list[int]:
    return [record.epoch for event in news if event.trial == trial.id for record in event.records]


def require_same(sweep: Sweep, trial: PlannedTrial, folder: Path) -> None:
    """Equal to the bit to the same trial in a storage of its own."""
    other = undisturbed(folder, [trial])
    assert metrics_of(sweep, trial) == metrics_of(other, trial)
    assert final_state(sweep, trial) == final_state(other, trial)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({}, {}),
        ({"test_every": 2}, {"test_every": 2}),
        ({}, {"test_every": 2}),
        ({"network": "mlp"}, {"network": "mlp"}),
    ],
)
def test_a_longer_trial_goes_on_from_a_finished_one(
    tmp_path: Path, first: dict[str, Any], then: dict[str, Any]
) -> None:
    short, longer = trial_of(3, **first), trial_of(5, **then)
    assert (short.lineage, short.id == longer.id) == (longer.lineage, False)
    train(small_sweep(tmp_path, short))
    sweep = small_sweep(tmp_path, longer)
    news = train(sweep)
    assert epochs_told(news, longer) == [3, 4, 5]
    assert newest(sweep, longer).manifest["extends"] == short.id
    assert newest(sweep, longer).manifest["parent"] is None
    require_same(sweep, longer, tmp_path)


def test_of_several_the_longest_is_carried_on_and_a_third_goes_on_from_it(tmp_path: Path) -> None:
    trials = [trial_of(epochs) for epochs in (1, 3, 4, 6)]
    for trial in trials:
        sweep = small_sweep(tmp_path, trial)
        train(sweep)
    assert newest(sweep, trials[3]).manifest["extends"] == trials[2].id
    require_same(sweep, trials[3], tmp_path)


@pytest.mark.usefixtures("_tell_at_once")
def test_a_longer_trial_that_is_stopped_goes_on_as_any_other(tmp_path: Path) -> None:
    short, longer = trial_of(2), trial_of(6)
    train(small_sweep(tmp_path, short))
    sweep = small_sweep(tmp_path, longer)
    job = prepared(sweep)[0]
    worker.train_pack(job, stop_after(job, 4))
    StopSign(job.sweep).take_down()
    assert newest(sweep, longer).progress.epoch == 4
    worker.train_pack(job, lambda events: None)
    assert newest(sweep, longer).manifest["extends"] == short.id
    assert newest(sweep, longer).manifest["parent"] == "0001/000004"
    require_same(sweep, longer, tmp_path)


@pytest.mark.usefixtures("_tell_at_once")
@pytest.mark.parametrize("status", ["running", "pruned", "failed"])
def test_an_interrupted_trial_is_carried_on_too(tmp_path: Path, status: str) -> None:
    """Whether it was stopped, pruned, or its worker died: it has a checkpoint of three epochs."""
    short, longer = trial_of(5), trial_of(7, test_every=2)
    interrupted = small_sweep(tmp_path, short)
    [job] = prepared(interrupted)
    worker.train_pack(job, stop_after(job, 3))
    StopSign(job.sweep).take_down()
    if status == "pruned":
        ledger.write_pruned(interrupted.storage, short.id)
    if status == "failed":
        ledger.write_failure(interrupted.storage, short.id, "its worker died 4 times")
    assert newest(interrupted, short).progress.status == status
    sweep = small_sweep(tmp_path, longer)
    news = train(sweep)
    assert epochs_told(news, longer) == [3, 4, 5, 6, 7]
    assert newest(sweep, longer).manifest["extends"] == short.id
    require_same(sweep, longer, tmp_path)


@pytest.mark.usefixtures("_tell_at_once")
def test_a_trial_goes_on_from_itself_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GRID.replace("EPOCHS", "4").replace("SEEDS", "1").replace("[0.1, 0.2]", "0.1")
    path = write_grid(tmp_path, text.replace("extendable", "checkpoint_every: 1, extendable"))
    sweep = loading.load(path, storage=str(tmp_path / "s"))
    [job] = prepared(sweep)
    worker.train_pack(job, stop_after(job, 2))
    StopSign(job.sweep).take_down()
    assert main(["plan", str(path), "--storage", str(tmp_path / "s")]) == 0
    assert "extends" not in capsys.readouterr().out
    (newest(sweep, sweep.trials[0]).folder / "records.json").write_bytes(b"")
    news = train(sweep)
    assert epochs_told(news, sweep.trials[0]) == [1, 2, 3, 4]
    assert [event.note for event in news if event.note] == []


@pytest.fixture
def _tell_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)


def test_in_a_pack_each_goes_on_from_its_own(tmp_path: Path) -> None:
    short, longer = trial_of(2), trial_of(4)
    other = trial_of(4, seed=7)
    train(small_sweep(tmp_path, short))
    sweep = small_sweep(tmp_path, longer, other)
    train(sweep, size=2)
    assert newest(sweep, longer).manifest["extends"] == short.id
    assert "extends" not in newest(sweep, other).manifest
    require_same(sweep, longer, tmp_path)


def of_another_device(sweep: Sweep, trial: PlannedTrial) -> None:
    name_device(newest(sweep, trial), "NVIDIA H200")


def without_moments(sweep: Sweep, trial: PlannedTrial) -> None:
    enter(sweep.storage, trial.lineage, trial.id)


def nothing(sweep: Sweep, trial: PlannedTrial) -> None:
    """The trial stays as it is."""


@pytest.mark.parametrize(
    ("first", "change", "said"),
    [
        (
            {"test_every": 2},
            nothing,
            "it did not look at the test data after epoch 1, and `test_every: 1` asks for that",
        ),
        ({}, of_another_device, "its checkpoint of epoch 3 was made on a GPU (NVIDIA H200)"),
        ({"extendable": False}, without_moments, "it kept no state of the optimizer"),
    ],
)
def test_what_would_not_be_exact_is_trained_anew_with_a_sentence(
    tmp_path: Path, first: dict[str, Any], change: Any, said: str
) -> None:
    short, longer = trial_of(3, **first), trial_of(5)
    before = small_sweep(tmp_path, short)
    train(before)
    change(before, short)
    sweep = small_sweep(tmp_path, longer)
    news = train(sweep)
    notes = [event.note for event in news if event.note]
    assert len(notes) == 1
    assert notes[0].startswith(
        f"trained from its first epoch; the finished trial {short.id} with "
        f"3 epochs is not carried on: {said}"
    )
    assert "extends" not in newest(sweep, longer).manifest
    require_same(sweep, longer, tmp_path)


@pytest.mark.parametrize(
    "other",
    [
        {"epochs": 5, "seed": 2},
        {"epochs": 5, "sigma": 0.2},
        {"epochs": 5, "batch_size": 64},
        {"epochs": 2},
        {"epochs": 3, "extendable": False},
    ],
)
def test_only_more_epochs_of_the_same_carry_on(tmp_path: Path, other: dict[str, Any]) -> None:
    short = trial_of(3)
    sweep = small_sweep(tmp_path, short)
    train(sweep)
    trial = trial_of(**other)
    training = trial.trial.training
    assert shorter(sweep.storage, trial.lineage, training, trial.id) is None


def test_without_the_wish_no_moments_are_kept_and_nothing_is_found(tmp_path: Path) -> None:
    short = trial_of(3, extendable=False)
    sweep = small_sweep(tmp_path, short)
    train(sweep)
    assert not (sweep.storage / "programs").exists()
    kept = {name.partition("/")[0] for name in newest(sweep, short).load()}
    assert kept == {"param"}


GRID = """\
experiment: demo
data: digits
defaults: {network: linear, d_z: 4, epochs: EPOCHS, batch_size: 256, extendable: true}
seeds: SEEDS
trials:
  - {model: sigma_vae, sigma: [0.1, 0.2]}
"""


def test_a_grid_with_more_epochs_runs_the_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(epochs: int, seeds: int) -> Sweep:
        text = GRID.replace("EPOCHS", str(epochs)).replace("SEEDS", str(seeds))
        return loading.load(write_grid(tmp_path, text), storage=str(tmp_path / "s"))

    train(load(2, 1))
    sweep = load(6, 2)
    assert main(["plan", str(tmp_path / "grid.yaml"), "--storage", str(tmp_path / "s")]) == 0
    assert (
        "extends  2 trials go on from ones with fewer epochs: 4 of 12 epochs are there"
    ) in capsys.readouterr().out
    assert (
        main(["plan", str(tmp_path / "grid.yaml"), "--storage", str(tmp_path / "s"), "--json"])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert [bool(trial["extends"]) for trial in found["trials"]] == [True, False] * 2
    assert {trial["epochs_done"] for trial in found["trials"]} == {0, 2}
    news = train(sweep)
    assert [epochs_told(news, trial) for trial in sweep.trials] == [
        [2, 3, 4, 5, 6],
        [1, 2, 3, 4, 5, 6],
    ] * 2
