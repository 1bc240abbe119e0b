"""Commits are whole or do not exist."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainers.models import mlp_sigma_vae
from trainers import Pack
from trainers.checkpoint import Progress, commits, latest, open_attempt
from trainers.commit_format import EncodedRecords
from trainers.errors import ResumeError
from trainers.record import Record

STATE = {"param/w": torch.arange(6.0).reshape(2, 3), "first/w": torch.zeros(2, 3)}
RECORDS = [Record(1, 44, 1_700_000_000_000, {"test/kl": 3.5, "test/denoise": math.nan})]


def at(epoch: int) -> Progress:
    return Progress(epoch, 44 * epoch, "running", wall_s=1.5)


def test_state_and_records_come_back(tmp_path: Path) -> None:
    open_attempt(tmp_path).commit(STATE, RECORDS, at(1), about={"host": "here"})
    commit = latest(tmp_path)
    assert commit is not None
    assert commit.progress == at(1)
    assert commit.manifest["host"] == "here"
    assert torch.equal(commit.load()["param/w"], STATE["param/w"])
    record = commit.records()[0]
    assert record.metrics["test/kl"] == 3.5
    assert math.isnan(record.metrics["test/denoise"])


def test_a_record_is_encoded_once_for_all_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commits after each epoch: the file is that of the records at once, and complete in each."""
    encoded, dumps = list[object](), json.dumps

    def watched(row: Mapping[str, Any], **options: Any) -> str:
        if "metrics" in row:
            encoded.append(row)
        return dumps(row, **options)

    monkeypatch.setattr(json, "dumps", watched)
    attempt, records = open_attempt(tmp_path), EncodedRecords()
    every = [Record(epoch, 44 * epoch, 0, {"test/kl": 0.1 * epoch}) for epoch in range(1, 21)]
    for record in every:
        records.append(record)
        attempt.commit(STATE, records.content(), at(record.epoch))
    assert len(encoded) == 20
    assert [one.records() for one in commits(tmp_path)] == [every, every[:19]]
    assert records.content() == EncodedRecords(every).content()
    assert records.last == every[-1]


@pytest.mark.parametrize("name", ["manifest.json", "records.json", "state.safetensors"])
def test_a_commit_torn_at_any_byte_is_rolled_back(tmp_path: Path, name: str) -> None:
    attempt = open_attempt(tmp_path)
    attempt.commit(STATE, RECORDS, at(1))
    torn = attempt.commit(STATE, RECORDS, at(2)).folder / name
    content = torn.read_bytes()
    for length in range(len(content)):
        torn.write_bytes(content[:length])
        commit = latest(tmp_path)
        assert commit is not None
        assert commit.progress.epoch == 1


@pytest.mark.parametrize("name", ["records.json", "state.safetensors"])
def test_a_changed_byte_is_refused(tmp_path: Path, name: str) -> None:
    commit = open_attempt(tmp_path).commit(STATE, RECORDS, at(1))
    content = bytearray((commit.folder / name).read_bytes())
    content[-1] ^= 1
    (commit.folder / name).write_bytes(bytes(content))
    with pytest.raises(ResumeError, match="damaged"):
        commit.records() if name == "records.json" else commit.load()


def test_a_superseded_attempt_is_never_read(tmp_path: Path) -> None:
    zombie, heir = open_attempt(tmp_path), open_attempt(tmp_path)
    heir.commit(STATE, RECORDS, at(3))
    zombie.commit(STATE, RECORDS, at(9))
    commit = latest(tmp_path)
    assert commit is not None
    assert (commit.attempt, commit.progress.epoch) == (2, 3)


def test_the_last_two_commits_are_kept(tmp_path: Path) -> None:
    attempt = open_attempt(tmp_path)
    for epoch in range(1, 5):
        attempt.commit(STATE, RECORDS, at(epoch))
    assert sorted(path.name for path in attempt.folder.iterdir()) == ["000003", "000004"]


def test_the_last_commits_are_those_of_the_highest_epochs(tmp_path: Path) -> None:
    """Also where their numbers have one digit more than those before."""
    attempt = open_attempt(tmp_path)
    for epoch in (999_998, 999_999, 1_000_000):
        attempt.commit(STATE, RECORDS, at(epoch))
    assert {path.name for path in attempt.folder.iterdir()} == {"999999", "1000000"}


def test_an_empty_or_missing_trial_has_no_commit(tmp_path: Path) -> None:
    assert latest(tmp_path) is None
    assert latest(tmp_path / "nowhere") is None


def test_an_interrupted_trial_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    trial = mlp_sigma_vae(0.1)
    through, broken = Pack([trial]), Pack([trial])
    expected = [through.run_epoch()[0] for _ in range(2)][-1].metrics
    broken.run_epoch()
    open_attempt(tmp_path).commit(broken.state(0), [], Progress(1, broken.step, "running"))
    commit = latest(tmp_path)
    assert commit is not None
    resumed = Pack([trial])
    resumed.restore([commit.load()], commit.progress.epoch)
    assert resumed.run_epoch()[0].metrics == expected
    for name, value in through.state(0).items():
        assert torch.equal(value, resumed.state(0)[name])
