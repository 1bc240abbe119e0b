"""The storage folder: files are whole or not there, and say what they should."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.sources import storage
from sweeper.errors import UserError
from sweeper.messages import Event
from sweeper.planning.readable import describe_data
from sweeper.status.stored import stored_sweeps
from sweeper.storage import ledger, paths
from sweeper.storage.signs import StopSign
from sweeper.storage.spectra import covariance_eigenvalues
from sweeper.worker import reporter, worker
from tests.sweeper.small import newest, planned, prepared, small_sweep, train


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a" / "file.json"
    ledger.write_json(path, {"x": 1})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        ledger.write_json(path, {"x": 2})
    assert json.loads(path.read_text()) == {"x": 1}
    assert os.listdir(path.parent) == ["file.json"]


def test_a_trial_is_written_once(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    prepared(sweep)
    path = paths.trial_file(sweep.storage, sweep.trials[0].id)
    os.utime(path, (1, 1))
    prepared(sweep)
    assert path.stat().st_mtime == 1
    assert json.loads(path.read_text()) == json.loads(json.dumps(sweep.trials[0].to_json()))


def test_sweeps_of_one_second_are_read_in_their_order(tmp_path: Path) -> None:
    names = [f"small-{number}" for number in range(9, 0, -1)]
    for name in names:
        prepared(small_sweep(tmp_path, name=name))
    assert [str(row["sweep"]) for row in storage.sweeps(tmp_path / "sweeps", "demo")] == names
    assert [one.sweep.name for one in stored_sweeps(tmp_path / "sweeps", "demo")] == names


@pytest.mark.parametrize("kept", [0, 1, 100])
def test_a_torn_trial_file_is_written_again(tmp_path: Path, kept: int) -> None:
    sweep = small_sweep(tmp_path)
    prepared(sweep)
    path = paths.trial_file(sweep.storage, sweep.trials[0].id)
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    prepared(sweep)
    assert path.read_bytes() == whole


def test_the_first_start_of_a_sweep_is_remembered(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    path = paths.sweep_file(sweep)
    ledger.write_sweep(sweep, {"git_commit": "a"})
    row = json.loads(path.read_text()) | {"created": "2001-01-01T00:00:00+00:00"}
    path.write_text(json.dumps(row))
    ledger.write_sweep(sweep, {"git_commit": "b"})
    row = json.loads(path.read_text())
    assert row["created"].startswith("2001")
    assert row["provenance"] == {"git_commit": "b"}
    assert [entry["id"] for entry in row["trials"]] == [trial.id for trial in sweep.trials]


def test_a_storage_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="set `storage` to a folder"):
        ledger.check_writable(tmp_path / "file" / "sweeps")


def test_status_of_trials(tmp_path: Path) -> None:
    good, bad, new = planned(), planned(lr=1e30), planned(seed=9)
    train(small_sweep(tmp_path, good, bad))
    found = ledger.status(tmp_path / "sweeps", [good.id, bad.id, new.id])
    assert found == {good.id: "finished", bad.id: "failed", new.id: "pending"}


def test_a_failure_told_by_the_driver_keeps_the_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)
    sweep = small_sweep(tmp_path, planned(checkpoint_every=1))
    trial, job = sweep.trials[0], prepared(sweep)[0]
    worker.train_pack(job, lambda events: events[0].committed and StopSign(job.sweep).put_up())
    before = newest(sweep, trial)
    ledger.write_failure(sweep.storage, trial.id, "the worker died")
    commit = newest(sweep, trial)
    assert (commit.progress.status, commit.progress.reason) == ("failed", "the worker died")
    assert (failed := ledger.failure(sweep.storage, trial.id))
    assert (failed.reason, failed.repeats) == ("the worker died", False)
    assert commit.records() == before.records() != []
    StopSign(job.sweep).take_down()
    worker.train_pack(job, lambda events: None)
    assert newest(sweep, trial).manifest["parent"] == before.place


@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_the_spectrum_is_that_of_the_covariance(kind: type[np.generic]) -> None:
    generator = np.random.default_rng(0)
    raw = generator.integers(0, 256, (9000, 6)).astype(kind)
    expected = np.linalg.eigvalsh(np.cov(raw.T / 16.0, bias=True))[::-1]
    np.testing.assert_allclose(covariance_eigenvalues(raw, 16.0), expected, rtol=1e-12)


def test_a_data_set_is_described_once(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    describe_data(sweep)
    path = paths.dataset_file(sweep.storage, str(sweep.trials[0].data["checksum"]))
    facts, written = json.loads(path.read_text()), path.stat().st_mtime_ns
    assert (facts["name"], facts["dims"], facts["n_train"]) == ("digits", 64, 1433)
    values = facts["eigenvalues"]
    assert len(values) == 64
    assert values == sorted(values, reverse=True)
    assert min(values) >= 0
    describe_data(sweep)
    assert path.stat().st_mtime_ns == written


def test_no_worker_describes_a_data_set(tmp_path: Path) -> None:
    """As the eigenvalues of large images take many seconds, which each worker would spend."""
    sweep = small_sweep(tmp_path)
    (job,) = prepared(sweep)
    path = paths.dataset_file(sweep.storage, str(sweep.trials[0].data["checksum"]))
    path.unlink()
    worker.train_pack(job, list[Event]().extend)
    assert ledger.has_finished(sweep.storage, sweep.trials[0].id)
    assert not path.exists()


def test_a_stop_sign_stands_until_it_is_taken_down(tmp_path: Path) -> None:
    sign = StopSign(tmp_path)
    assert not sign.is_up()
    sign.put_up()
    assert StopSign(tmp_path).is_up()
    sign.take_down()
    sign.take_down()
    assert not sign.is_up()


def test_a_failure_is_written_over_damaged_records(tmp_path: Path) -> None:
    """A worker that died beside a bad disk ends no driver."""
    sweep = small_sweep(tmp_path, planned(checkpoint_every=1))
    [job], [trial] = prepared(sweep), sweep.trials
    worker.train_pack(replace(job, until=2), lambda events: None)
    path = newest(sweep, trial).folder / "records.json"
    path.write_bytes(b" " * path.stat().st_size)
    ledger.write_failure(sweep.storage, trial.id, "its worker died 4 times")
    failed = ledger.failure(sweep.storage, trial.id)
    assert failed is not None
    assert failed.reason == "its worker died 4 times"
    assert train(sweep)[-1].phase == "finished"
