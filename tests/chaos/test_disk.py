"""A disk that is full, or nearly so: nothing is corrupted, and the same command finishes later."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sweeper.driver.run import RunOptions, run
from sweeper.messages import Event
from sweeper.storage.disk_space import shortage
from sweeper.sweep import Outcome, Sweep
from sweeper.terminal.board import Board
from tests.chaos.driver import chaos_sweep
from tests.chaos.promises import check_promises, reference
from tests.sweeper.mlflow_view import THIRD_PARTY

pytestmark = [*THIRD_PARTY, pytest.mark.chaos]

MEGABYTE = 1_000_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB in memory; only root may mount one."""
    if os.geteuid():
        pytest.skip("needs root: `sudo pytest -m chaos tests/chaos/test_disk.py`")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def run_inline(sweep: Sweep) -> tuple[Outcome, str]:
    screen = io.StringIO()
    outcome = run(sweep, RunOptions(inline=True, console=Console(file=screen, width=400)))
    return outcome, screen.getvalue()


def fill(disk: Path, left: int) -> None:
    """Leave so many bytes free."""
    room = os.statvfs(disk)
    (disk / "filler").write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - left)))


def fill_at_the_second_trial(patch: pytest.MonkeyPatch, sweep: Sweep, disk: Path) -> None:
    whole, second = Board.hear, sweep.trials[1].id

    def hear(board: Board, events: list[Event]) -> None:
        whole(board, events)
        if not (disk / "filler").exists() and any(
            event.trial == second and event.records for event in events
        ):
            fill(disk, 0)

    patch.setattr(Board, "hear", hear)


def test_a_full_disk_corrupts_nothing(
    tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = replace(chaos_sweep(tmp_path), storage=disk / "sweeps")
    with monkeypatch.context() as patch:
        fill_at_the_second_trial(patch, sweep, disk)
        outcome, screen = run_inline(sweep)
    assert outcome.finished < outcome.trials
    assert "No space left on device" in screen or "are kept free" in screen
    (disk / "filler").unlink()
    outcome, _ = run_inline(sweep)
    assert outcome.finished == outcome.trials
    check_promises(sweep, reference(tmp_path, sweep))


def test_a_disk_below_the_watermark_takes_results_only(tmp_path: Path, disk: Path) -> None:
    sweep = replace(chaos_sweep(tmp_path), storage=disk / "sweeps")
    sweep.storage.mkdir()
    assert shortage(disk) is None
    fill(disk, MEGABYTE)
    outcome, screen = run_inline(sweep)
    assert (outcome.finished, outcome.failed) == (outcome.trials, 0)
    assert "1.0 MB left, and 1.7 MB are kept free: no checkpoint was saved" in screen
    assert len(list(sweep.storage.glob("trials/*/*/*/manifest.json"))) == outcome.trials
    check_promises(sweep, reference(tmp_path, sweep))
