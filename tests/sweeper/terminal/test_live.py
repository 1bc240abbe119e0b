"""The live table and the log line: what they say at each moment of a sweep."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
from rich.console import Console

from sweeper.messages import Event
from sweeper.planning.forecast import Forecast
from sweeper.planning.speeds import Speed, Speeds
from sweeper.terminal import board as board_module
from sweeper.terminal import live
from sweeper.terminal.board import Board
from sweeper.terminal.live import LiveTable, clock, log_line, show
from tests.sweeper.clock import Clock
from tests.sweeper.small import planned
from trainers.record import Record

TRIALS = [planned(seed=seed, epochs=10) for seed in range(4)]


@pytest.fixture
def time_stands(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(board_module, "time", stopped)
    return stopped


def told(trial: int, phase: str, epoch: int | None = None, **metrics: float) -> Event:
    records = () if epoch is None else (Record(epoch, 11 * epoch, 0, metrics),)
    return Event(TRIALS[trial].id, phase, records)  # type: ignore[arg-type]


def board(**before: str) -> Board:
    statuses = dict.fromkeys((trial.id for trial in TRIALS), "pending")
    return Board("demo  small-1", TRIALS, statuses | before)  # type: ignore[arg-type]


def drawn(shown: Board) -> str:
    console = Console(file=io.StringIO(), width=90, record=True)
    console.print(LiveTable(shown))
    return console.export_text()


def test_a_running_sweep_shows_its_trials_and_metrics(time_stands: Clock) -> None:
    shown = board()
    shown.hear(
        [
            told(0, "finished", 10, **{"test/kl": 20.0}),
            told(1, "failed"),
            told(2, "running", 3, **{"test/kl": 35.212, "test/recon": 1.20412}),
        ]
    )
    time_stands.now += 41
    lines = [line.strip() for line in drawn(shown).splitlines() if line.strip()]
    assert lines[0].startswith("demo  small-1")
    assert lines[1].endswith("2/4 done  ·  1 running  ·  1 failed")
    assert lines[2].split() == ["trial", "epoch", "KL", "recon"]
    assert lines[3].split() == ["sigma_vae", "σ=0.1", "seed=2", "3/10", "35.21", "1.204"]
    assert len(lines) == 4


def test_a_message_stands_where_no_trial_runs() -> None:
    shown = board()
    shown.message = "starting Ray"
    assert "starting Ray" in drawn(shown)
    assert "recon" not in drawn(shown)


def test_metrics_that_are_missing_or_not_finite() -> None:
    shown = board()
    shown.hear([told(0, "running", 1, **{"train/kl": math.inf})])
    row = next(line for line in drawn(shown).splitlines() if "seed=0" in line)
    assert row.split()[-3:] == ["not", "finite", "·"]


def test_many_running_trials_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "ROWS", 2)
    shown = board()
    shown.hear([told(trial, "started") for trial in range(4)])
    text = drawn(shown)
    assert "and 2 more" in text
    assert text.count("sigma_vae") == 2


def test_the_time_left_is_that_of_the_epochs_that_are_left(
    time_stands: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of no trial that has ended, and of none the epochs of an earlier run."""
    monkeypatch.setattr(live, "uncertain", lambda: False)
    speeds = Speeds(tmp_path / "speeds.json", "one")
    speeds.learn(TRIALS[0], Speed(3.0, 0.0, 1.0, 1))
    shown = board(**{TRIALS[0].id: "finished"})
    assert shown.left_s is None
    assert "left" not in log_line(shown)
    shown.forecast = Forecast(speeds, TRIALS[1:], 1)
    shown.hear([told(1, "started", 8), told(2, "failed")])
    assert shown.left_s == pytest.approx(3 * (2 + 10), abs=0.1)
    assert shown.share == pytest.approx((10 + 8 + 10) / 40)
    assert "about 0:35 left" in drawn(shown).replace("0:36", "0:35")
    monkeypatch.setattr(live, "uncertain", lambda: True)
    assert "left (machine busy)" in log_line(shown)


def test_the_log_line(time_stands: Clock) -> None:
    shown = board()
    shown.hear([told(0, "failed"), told(1, "running", 1)])
    time_stands.now += 60
    counts = "demo  small-1  1:00  1 of 4 trials done, 1 running, 1 failed"
    assert log_line(shown) == counts
    shown.hear([told(1, "running", 2, **{"test/kl": 35.212})])
    assert log_line(shown).startswith(counts)
    assert log_line(shown).endswith("epoch 2/10: KL 35.21, recon ·")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (9.9, "0:09"),
        (65, "1:05"),
        (3600, "1:00:00"),
        (3725, "1:02:05"),
        (90000, "1 d 1 h"),
    ],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_a_log_gets_lines_and_no_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY_S", 0.001)
    screen = io.StringIO()
    with show(board(), Console(file=screen)):
        while screen.getvalue().count("\n") < 3:
            pass
    assert "\x1b" not in screen.getvalue()
    assert all(line.startswith("demo  small-1  0:") for line in screen.getvalue().splitlines())


def test_a_log_has_a_line_at_once_and_one_with_the_first_metrics() -> None:
    screen, shown = io.StringIO(), board()
    shown.message = "starting Ray"
    with show(shown, Console(file=screen, width=200)):
        while "starting Ray" not in screen.getvalue():
            pass
        shown.message = ""
        shown.hear([told(1, "running", 1, **{"test/kl": 35.212})])
        while "KL 35.21" not in screen.getvalue():
            pass
    assert screen.getvalue().count("\n") == 2


def test_a_terminal_gets_the_table_and_is_left_clean() -> None:
    screen = io.StringIO()
    with show(board(), Console(file=screen, force_terminal=True, width=80)):
        pass
    assert "demo  small-1" in screen.getvalue()


def test_notes_are_kept_with_the_trial_they_belong_to(tmp_path: Path) -> None:
    shown = board()
    shown.hear([Event(TRIALS[3].id, "finished", note="no gallery: it rained")])
    assert shown.notes == [f"{TRIALS[3].label}: no gallery: it rained"]
