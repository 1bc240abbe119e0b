"""`sweeper archive` and `sweeper restore`: what comes back is what was there, byte for byte."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sweeper.cli import main
from sweeper.driver.run import RunOptions, run
from sweeper.removal import archive
from sweeper.storage import paths
from sweeper.sweep import Outcome, Sweep
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import planned, small_sweep

pytestmark = READY


def trained(sweep: Sweep) -> Outcome:
    return run(sweep, RunOptions(inline=True, console=Console(file=io.StringIO())))


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    found = small_sweep(tmp_path, planned(), planned(seed=2))
    trained(found)
    trained(replace(found, name="grown-2", trials=(found.trials[0], planned(seed=3))))
    return found


def command(sweep: Sweep, name: str, file: Path, *options: str) -> int:
    return main(
        ["archive", name, "--storage", str(sweep.storage), "--out", str(file), *options, "--yes"]
    )


def contents(sweep: Sweep, *names: str) -> dict[str, bytes]:
    """The files of these sweeps, and of all trials, but for the leases."""
    folders = [sweep.storage / "sweeps" / "demo" / name for name in names]
    return {
        str(path.relative_to(sweep.storage)): path.read_bytes()
        for folder in [*folders, sweep.storage / "trials", sweep.storage / "programs"]
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lease"
    }


def test_an_experiment_comes_back(
    tmp_path: Path, sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    file, before = tmp_path / "demo.tar.gz", contents(sweep, sweep.name, "grown-2")
    runs = look(sweep.tracking)
    assert command(sweep, "demo", file) == 0
    assert not contents(sweep, sweep.name, "grown-2")
    assert not look(sweep.tracking).runs
    assert main(["restore", str(file), "--storage", str(sweep.storage)]) == 0
    assert contents(sweep, sweep.name, "grown-2") == before
    assert main(["reconcile", "demo", "--storage", str(sweep.storage)]) == 0
    again = look(sweep.tracking)
    assert again.history == runs.history
    assert again.statuses == runs.statuses
    capsys.readouterr()
    assert main(["status", "demo", "--storage", str(sweep.storage), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["finished"] == 3
    assert trained(sweep).skipped == 2


def test_an_archive_can_be_read_alone(tmp_path: Path, sweep: Sweep) -> None:
    """It holds the trials that it shares with a sweep that stays; elsewhere nothing is trained."""
    file, other = tmp_path / "one.tar.gz", tmp_path / "other"
    before = contents(sweep, sweep.name, "grown-2")
    assert command(sweep, sweep.name, file, "--keep") == 0
    assert contents(sweep, sweep.name, "grown-2") == before
    assert len(look(sweep.tracking).parents) == 2
    assert main(["restore", str(file), "--storage", str(other)]) == 0
    moved = replace(sweep, storage=other)
    assert {trial.name for trial in (other / "trials").iterdir()} == {
        trial.id for trial in sweep.trials
    }
    assert trained(moved).skipped == 2


def test_shared_trials_stay_where_they_are(
    tmp_path: Path, sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    file, shared = tmp_path / "one.tar.gz", sweep.trials[0].id
    before = contents(sweep, sweep.name)
    assert command(sweep, sweep.name, file) == 0
    assert paths.trial_file(sweep.storage, shared).is_file()
    assert not paths.trial_folder(sweep.storage, sweep.trials[1].id).exists()
    capsys.readouterr()
    assert main(["restore", str(file), "--storage", str(sweep.storage), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["trials"], found["present"]) == (2, 1)
    assert contents(sweep, sweep.name) == before


def test_nothing_is_overwritten(
    tmp_path: Path, sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "one.tar.gz"
    file.write_text("mine")
    assert command(sweep, "demo", file) == 2
    assert "exists" in capsys.readouterr().err
    assert file.read_text() == "mine"
    file.unlink()
    assert command(sweep, "demo", file, "--keep") == 0
    assert main(["restore", str(file), "--storage", str(sweep.storage)]) == 2
    assert "remove that one first" in capsys.readouterr().err


def test_nothing_is_removed_if_the_archive_differs(
    tmp_path: Path,
    sweep: Sweep,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = contents(sweep, sweep.name, "grown-2")
    monkeypatch.setattr(archive, "_sum", lambda stream: str(id(stream)))
    assert command(sweep, "demo", tmp_path / "one.tar.gz") == 2
    assert "nothing was removed" in capsys.readouterr().err
    assert contents(sweep, sweep.name, "grown-2") == before
    assert not list(tmp_path.glob("*one.tar.gz*"))


def tarred(**members: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as stream:
        for name, text in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            stream.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        gzip.compress(b"text"),
        tarred(),
        tarred(**{"sweeps/x/y/sweep.json": "{}"}),
        tarred(**{"sweeps/../../out": "text"}),
        tarred(**{"/etc/passwd": "text"}),
        tarred(**{"other/file": "text"}),
        tarred(**{"sweeps/x/y/grid.yaml": "text" * 10_000})[:-20],
    ],
    ids=["empty", "text", "gzip", "no member", "no sweep", "above", "absolute", "other", "cut"],
)
def test_another_file_is_refused(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    file, storage = tmp_path / "file", tmp_path / "in" / "sweeps"
    file.write_bytes(content)
    assert main(["restore", str(file), "--storage", str(storage)]) == 2
    assert "is no whole archive of `sweeper archive`" in capsys.readouterr().err
    assert not list(storage.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "in", "mlflow.db"]
