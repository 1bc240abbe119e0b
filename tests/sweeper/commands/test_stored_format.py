"""The commands on a storage folder that an earlier version wrote, or a newer one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sweeper.cli import main
from tests.stored_format import GRID, IDS, edit, write_store
from tests.sweeper.mlflow_view import THIRD_PARTY

pytestmark = THIRD_PARTY


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the commands look at by default, and the grid beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.yaml").write_text(GRID)
    return write_store(tmp_path / "sweeps")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_status_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "status", "stored")
    assert found["counts"]["finished"] == len(IDS)
    assert {one["id"] for one in found["trials"]} == set(IDS.values())
    assert [one["metrics"]["test/kl"] for one in found["trials"]] == [8.0, 4.0, 2.0]


def test_fit_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.dumps(answer(capsys, "fit", "stored"))
    assert '"n": 3' in found


def test_report_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert Path(answer(capsys, "report", "stored")["report"]).is_file()


@pytest.mark.usefixtures("ready_store")
def test_run_trains_none_of_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "run", "grid.yaml", "--inline")
    assert (found["trials"], found["skipped"], found["failed"]) == (3, 3, 0)


NEWER = [
    f"trials/{IDS[0.1]}/0001/000002/manifest.json",
    f"trials/{IDS[0.1]}/trial.json",
    "sweeps/stored/grid-689fab00/sweep.json",
]


@pytest.mark.parametrize(
    "command",
    [
        ["status", "stored"],
        ["run", "grid.yaml", "--inline"],
        ["report", "stored"],
        ["fit", "stored"],
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("name", NEWER)
def test_a_newer_format_is_refused_by_every_command(
    storage: Path, capsys: pytest.CaptureFixture[str], command: list[str], name: str
) -> None:
    edit(storage / name, schema=2)
    assert main(command) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "storage format 2, and this version of sweeper reads format 1; update sweeper" in said
