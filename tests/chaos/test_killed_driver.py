"""The driver is killed at any moment; the same command then gives the undisturbed result."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console

from cluster.processes import running
from sweeper.chaos.faults import saved_epochs
from sweeper.driver.run import RunOptions, run
from sweeper.sweep import Sweep
from tests.chaos.driver import chaos_sweep, started
from tests.chaos.promises import check_promises, reference
from tests.sweeper.mlflow_view import THIRD_PARTY

pytestmark = THIRD_PARTY


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    folder = tmp_path_factory.mktemp("reference")
    return reference(folder, chaos_sweep(folder))


def run_again(sweep: Sweep) -> None:
    outcome = run(sweep, RunOptions(inline=True, console=Console(file=io.StringIO())))
    assert outcome.finished == outcome.trials


def kill_after(folder: Path, sweep: Sweep, count: int, *options: str) -> None:
    """Kill a driver as soon as storage has so many epochs more."""
    before = saved_epochs(sweep)
    with started(folder, *options) as driver:
        while saved_epochs(sweep) < before + count and driver.poll() is None:
            time.sleep(0.005)
        driver.send_signal(signal.SIGKILL)


@pytest.mark.usefixtures("ready_store")
def test_a_killed_driver_has_lost_nothing(tmp_path: Path, other: Sweep) -> None:
    sweep = chaos_sweep(tmp_path)
    kill_after(tmp_path, sweep, 3)
    assert saved_epochs(sweep) > 0
    run_again(sweep)
    check_promises(sweep, other)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_a_driver_killed_at_random_moments(tmp_path: Path, other: Sweep) -> None:
    """The moments lie within the time that a whole run takes on this machine."""
    chance, folder, begun = random.Random(0), tmp_path / "0", time.monotonic()
    with started(tmp_path / "whole") as driver:
        assert driver.wait() == 0
    longest = time.monotonic() - begun
    for kill in range(10):
        with started(folder) as driver:
            with suppress(subprocess.TimeoutExpired):
                driver.wait(chance.uniform(0, longest))
            finished = driver.poll() is not None
            driver.send_signal(signal.SIGKILL)
        if finished:
            check_promises(chaos_sweep(folder), other)
            folder = tmp_path / str(kill + 1)
    run_again(chaos_sweep(folder))
    check_promises(chaos_sweep(folder), other)


@pytest.mark.chaos
@pytest.mark.parametrize("count", [1, 20])
def test_a_driver_killed_under_ray(tmp_path: Path, other: Sweep, count: int) -> None:
    sweep = chaos_sweep(tmp_path)
    kill_after(tmp_path, sweep, count, "--ray")
    with started(tmp_path, "--ray") as driver:
        assert driver.wait() == 0
    check_promises(sweep, other)


@pytest.mark.chaos
def test_a_killed_ray_head_has_lost_nothing(
    tmp_path: Path, other: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray ends a driver whose head is gone; the same command brings another head up."""
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "5")
    sweep = chaos_sweep(tmp_path)
    with started(tmp_path, "--ray") as driver:
        while saved_epochs(sweep) < 2 and driver.poll() is None:
            time.sleep(0.005)
        head = running(driver.pid, "gcs_server")
        assert head
        os.kill(head, signal.SIGKILL)
        driver.wait()
    with started(tmp_path, "--ray") as driver:
        assert driver.wait() == 0
    check_promises(sweep, other)
