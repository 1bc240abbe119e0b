"""The log of a submitted driver, which it uploads to the bucket of its sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.jobs import ENDED
from sweeper.cli import main
from sweeper.driver.log_upload import VARIABLE, log_uploaded
from sweeper.storage import ledger
from sweeper.storage.paths import driver_log
from tests.sweeper.bucket.object_store import FaultyStore
from tests.sweeper.bucket.test_bucket_sweep import bucket_sweep
from tests.sweeper.small import small_sweep


def test_the_log_is_read_on_another_machine(
    store: FaultyStore,
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sweep, said = bucket_sweep(tmp_path, address), tmp_path / "said"
    ledger.check_writable(sweep.storage)
    ledger.write_sweep(sweep, {})
    ledger.write_trials(sweep)
    monkeypatch.setenv(VARIABLE, str(said))
    for run in ("first", "second"):
        said.write_text(f"{run} run\n")
        with log_uploaded(sweep) as end:
            end(f"{ENDED} 0\n")
    store.be("two", monkeypatch)
    assert main(["logs", "demo", "--follow", "--storage", address]) == 0
    told = capsys.readouterr().out
    assert told == f"first run\n{ENDED} 0\nsecond run\n{ENDED} 0\n"


def test_a_folder_has_the_log_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep, said = small_sweep(tmp_path), tmp_path / "said"
    said.write_text("something")
    monkeypatch.setenv(VARIABLE, str(said))
    with log_uploaded(sweep) as end:
        end("the end")
    assert not driver_log(sweep).exists()
