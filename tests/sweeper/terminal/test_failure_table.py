"""The failures at the end of a run: every one is there to be read, in full."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sweeper.cli import main
from sweeper.terminal.failure_table import draw_failures
from tests.sweeper.grids import grid_text, write_grid
from tests.sweeper.mlflow_view import READY

pytestmark = READY


def failure(number: int, reason: str) -> dict[str, Any]:
    return {
        "trial": f"{number:016x}",
        "label": f"sigma_vae σ=0.1 seed={number}",
        "line": 7,
        "reason": reason,
    }


def drawn(*failures: dict[str, Any], width: int = 80) -> str:
    screen = io.StringIO()
    draw_failures(Console(file=screen, width=width), failures)
    return screen.getvalue()


def test_nothing_is_drawn_of_nothing() -> None:
    assert drawn() == ""


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_long_reason_folds(width: int) -> None:
    reason = "".join(f"<{number}>" for number in range(60))
    shown = drawn(failure(3, reason), width=width)
    assert max(map(len, shown.splitlines())) <= width
    assert "0000000000000003" in shown
    cells = [line.rpartition("│")[2] for line in shown.splitlines()]
    assert reason in "".join(cell.strip() for cell in cells)


def test_a_reason_that_many_share_stands_once() -> None:
    shown = drawn(
        *(failure(number, "[odd] became nan") for number in range(9)),
        failure(10, "no room"),
        width=120,
    )
    assert shown.count("[odd] became nan (9 trials)") == 1
    assert "and 4 more" in shown
    assert "no room" in shown
    assert "10 failed" in shown


def test_a_run_ends_with_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1, lr: 1e30, seeds: 1}"))
    assert main(["run", str(path), "--inline", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["failed"] == 1
    for words in ("1 failed", "trial", "label", "line", "reason", "became nan"):
        assert words in err, words
    assert "6 │" in err
    assert main(["run", str(path), "--inline"]) == 1
    out, err = capsys.readouterr()
    assert "became nan" in out
    assert "--retry-failed" in " ".join(out.split())
    assert main(["status", "test"]) == 0
    out = capsys.readouterr().out
    assert "1 failed" in out
    assert "6 │" in out
