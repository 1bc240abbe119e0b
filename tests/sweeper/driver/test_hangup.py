"""A closed terminal and SIGTERM end a sweep as Ctrl-C does; what SIGKILL leaves is mended."""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from sweeper.cli import main
from sweeper.status.stored import stored_sweeps
from sweeper.storage import ledger
from sweeper.storage.lease import is_held
from sweeper.storage.paths import commit_manifests, sweep_folder
from tests.sweeper.grids import HEAD, grid_text, write_grid
from tests.sweeper.mlflow_view import READY, look

pytestmark = READY

TRIALS = "{model: sigma_vae, sigma: [0.1, 0.2], epochs: 100000, checkpoint_every: 1}"
OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-P", "-m", "sweeper", *sys.argv[1:]])
"""


class Terminal:
    """A terminal whose window is read by a thread until `close`, which hangs it up."""

    def __init__(self) -> None:
        self._window, self.slave = os.openpty()
        self.shown = b""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _read(self) -> None:
        with open(self._window, "rb", buffering=0) as window, suppress(OSError):
            while True:
                closed = self._closed.is_set()
                if select.select([window], [], [], 0.05)[0]:
                    self.shown += window.read(65536)
                elif closed:  # and all is read that was written before
                    return


@dataclass
class Running:
    """A sweep in a process of its own, on a terminal of its own."""

    process: subprocess.Popen[bytes]
    terminal: Terminal


@contextmanager
def on_a_terminal(folder: Path, *options: str) -> Iterator[Running]:
    """Start `sweeper run` on a terminal, and wait until MLflow and the storage have an epoch."""
    grid = write_grid(folder, grid_text(TRIALS, head=HEAD + "resources: {pack: 1}\n"))
    store = f"sqlite:///{folder}/mlflow.db"
    arguments = ["run", str(grid), "--storage", str(folder / "sweeps"), "--tracking", store]
    terminal = Terminal()
    process = subprocess.Popen(
        [sys.executable, "-c", OWN_TERMINAL, *arguments, *options],
        stdin=terminal.slave,
        stdout=terminal.slave,
        stderr=terminal.slave,
        start_new_session=True,
        cwd=folder,
    )
    os.close(terminal.slave)
    try:
        while not (any(commit_manifests(folder / "sweeps")) and running_runs(folder)):
            time.sleep(0.05)
            assert process.poll() is None, terminal.shown.decode(errors="replace")
        yield Running(process, terminal)
    finally:
        terminal.close()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def running_runs(folder: Path) -> int:
    """How many trials' runs are RUNNING in the sweep's MLflow store."""
    if not (folder / "mlflow.db").exists():
        return 0
    with closing(sqlite3.connect(folder / "mlflow.db", timeout=300)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'tags'").fetchone():
            return 0
        query = (
            "SELECT count(*) FROM runs JOIN tags ON runs.run_uuid = tags.run_uuid "
            "WHERE status = 'RUNNING' AND tags.key = 'sweeper.trial'"
        )
        return int(database.execute(query).fetchone()[0])


def stored_states(folder: Path) -> list[str]:
    [stored] = stored_sweeps(folder / "sweeps")
    assert not is_held(sweep_folder(stored.sweep))
    trials = [trial.id for trial in stored.sweep.trials]
    return sorted(ledger.status(stored.sweep.storage, trials).values())


def tracked(folder: Path) -> tuple[list[str], list[str]]:
    """The statuses of the parent and of the trials' runs."""
    [stored] = stored_sweeps(folder / "sweeps")
    view = look(stored.sweep.tracking, stored.sweep.experiment)
    return [run.info.status for run in view.parents], sorted(view.statuses.values())


def check_stopped(folder: Path) -> None:
    assert "running" in stored_states(folder), "there is a checkpoint to go on from"
    parents, runs = tracked(folder)
    assert parents == ["KILLED"]
    assert set(runs) == {"KILLED"}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--inline"], id="inline"),
        # its processes are in the terminal's group, too; without them nothing could be saved
        pytest.param([], id="ray", marks=pytest.mark.slow),
    ],
)
def test_a_closed_terminal_stops_a_sweep(tmp_path: Path, options: list[str]) -> None:
    with on_a_terminal(tmp_path, *options) as sweep:
        sweep.terminal.close()
        assert sweep.process.wait() == 128 + signal.SIGHUP
    check_stopped(tmp_path)


@pytest.mark.slow
def test_sigterm_stops_a_sweep(tmp_path: Path) -> None:
    """Also where it comes twice, as from `timeout`: that is no second Ctrl-C."""
    with on_a_terminal(tmp_path) as sweep:
        sweep.process.send_signal(signal.SIGTERM)
        sweep.process.send_signal(signal.SIGTERM)
        assert sweep.process.wait() == 128 + signal.SIGTERM
    assert b"the same command goes on" in sweep.terminal.shown
    check_stopped(tmp_path)


def test_status_ends_what_a_killed_driver_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with on_a_terminal(tmp_path, "--inline") as sweep:
        sweep.process.send_signal(signal.SIGKILL)
        sweep.process.wait()
    parents, runs = tracked(tmp_path)
    assert parents == ["RUNNING"]
    assert "RUNNING" in runs
    [stored] = stored_sweeps(tmp_path / "sweeps")
    asked = ["status", stored.sweep.experiment, "--storage", str(tmp_path / "sweeps")]
    assert main(asked) == 0
    assert f"runs of {stored.sweep.name} were RUNNING" in capsys.readouterr().out
    parents, runs = tracked(tmp_path)
    assert parents == ["KILLED"]
    assert set(runs) == {"KILLED"}
    assert main([*asked, "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)["waiting"]
    assert (row["left_running"], row["not_ended"], row["records"]) == ([], None, 0)
