"""A real MLflow server: used, killed under a sweep, and started again."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from sweeper.driver.run import RunOptions, run
from sweeper.messages import Event
from sweeper.status.stored import stored_sweeps
from sweeper.sweep import Outcome, Sweep
from sweeper.terminal.board import Board
from sweeper.tracking import connection, delivery
from sweeper.tracking.connection import check_address
from sweeper.tracking.reconcile import reconcile
from sweeper.tracking.server_check import Unwell
from tests.chaos.driver import chaos_sweep
from tests.chaos.promises import check_promises, reference
from tests.chaos.proxy import Proxy, proxying
from tests.chaos.server import free_port, serving
from tests.sweeper.mlflow_view import THIRD_PARTY, look
from tests.sweeper.small import planned, small_sweep, train

pytestmark = THIRD_PARTY


def run_inline(sweep: Sweep, screen: io.StringIO | None = None) -> Outcome:
    console = Console(file=screen or io.StringIO(), width=100)
    return run(sweep, RunOptions(inline=True, console=console))


@pytest.mark.slow
def test_a_server_shows_what_a_file_shows(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """And nothing is printed, as a script may read JSON there."""
    trial = planned()
    with serving(tmp_path / "server", free_port()) as uri:
        sweep = small_sweep(tmp_path, trial, tracking=uri)
        run_inline(sweep)
        assert capfd.readouterr().out == ""
        served = look(uri)
        run_inline(small_sweep(tmp_path, trial))
        local = look(small_sweep(tmp_path).tracking)
        assert served.history == local.history
        assert served.artifacts == local.artifacts
        assert served.statuses == local.statuses == {trial.id: "FINISHED"}


@pytest.mark.slow
def test_a_slow_server_is_reconciled_all_the_same(tmp_path: Path) -> None:
    """It answers each call after longer than we wait for its health."""
    port = free_port()
    proxy = Proxy(port)
    with serving(tmp_path / "server", port), proxying(proxy) as uri:
        sweep = small_sweep(tmp_path, planned(), tracking=uri)
        train(sweep)
        [stored] = stored_sweeps(sweep.storage, sweep.experiment)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(connection, "PATIENCE", 0.1)
            proxy.chances, proxy.delay_s = {"late": 1.0}, 0.2
            with pytest.raises(Unwell):
                check_address(uri)
            assert reconcile(stored).created == 1
        assert look(uri).statuses == {sweep.trials[0].id: "FINISHED"}


@pytest.mark.chaos
def test_a_server_killed_under_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LAST_PAUSE", 0.0)
    port, screen = free_port(), io.StringIO()
    with monkeypatch.context() as patch, serving(tmp_path / "server", port) as uri:
        sweep = chaos_sweep(tmp_path, uri)
        kill_server_at_the_first_end(patch, sweep)
        outcome = run_inline(sweep, screen)
    assert (outcome.finished, outcome.failed) == (outcome.trials, 0)
    assert "MLflow does not have everything yet" in " ".join(screen.getvalue().split())
    with serving(tmp_path / "server", port):
        assert run_inline(sweep).skipped == outcome.trials
        check_promises(sweep, reference(tmp_path, sweep))


def kill_server_at_the_first_end(patch: pytest.MonkeyPatch, sweep: Sweep) -> None:
    """Stop what listens at the sweep's address when the driver hears that a trial has finished."""
    whole, port = Board.hear, int(sweep.tracking.rpartition(":")[2])
    killed = list[int]()

    def hear(board: Board, events: list[Event]) -> None:
        whole(board, events)
        if not killed and any(event.phase == "finished" for event in events):
            stop_server(port)
            killed.append(port)

    patch.setattr(Board, "hear", hear)


def stop_server(port: int) -> None:
    """Kill the server's process group, found by the port in its command."""
    import os
    import signal

    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"mlflow" in words and str(port).encode() in words:
            os.killpg(os.getpgid(int(entry.name)), signal.SIGKILL)
            return
    raise AssertionError("no server runs")
