"""The command itself, struck while it runs: it ends in words, with its exit code, and alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from cluster.processes import alive, descendants, own_session, running
from tests.sweeper.grids import write_grid

pytestmark = pytest.mark.chaos

GRID = """\
experiment: struck
data: digits
defaults: {network: linear, d_z: 4, epochs: 100000, batch_size: 32, checkpoint_every: 1}
seeds: 2
trials:
  - {model: sigma_vae, sigma: 0.1}
"""


def started(folder: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """The command; what it writes to stderr goes to the file ``err``."""
    command = [
        "sh",
        "-c",
        'exec "$@" 2> "$0"',
        str(folder / "err"),
        sys.executable,
        "-m",
        "sweeper",
        "run",
        str(write_grid(folder, GRID)),
        "--json",
        "--storage",
        str(folder / "s"),
        "--tracking",
        f"sqlite:///{folder}/mlflow.db",
    ]
    return own_session(command, subprocess.PIPE)


def test_ctrl_c_while_ray_starts_waits_for_nothing(tmp_path: Path) -> None:
    """Neither for Ray, nor for MLflow, nor for a report; and no process of Ray's is left."""
    with started(tmp_path) as driver:
        while driver.poll() is None and not running(driver.pid, "gcs_server"):
            time.sleep(0.02)
        own = descendants(driver.pid)
        driver.send_signal(signal.SIGINT)
        out, _ = driver.communicate()
        while any(map(alive, own)):
            time.sleep(0.05)
    assert driver.returncode == 130
    assert json.loads(out)["report"] is None


@pytest.mark.parametrize("part", ["gcs_server", "raylet"])
def test_a_ray_that_has_lost_a_part_is_left_with_words(tmp_path: Path, part: str) -> None:
    """Ray itself waits for its raylet for ever, and for its head for a minute."""
    with started(tmp_path) as driver:
        while driver.poll() is None and not list(tmp_path.glob("s/trials/*/*/*/manifest.json")):
            time.sleep(0.02)
        own = descendants(driver.pid)
        pid = running(driver.pid, part)
        assert pid
        os.kill(pid, signal.SIGKILL)
        out, _ = driver.communicate()
        while any(map(alive, own)):
            time.sleep(0.05)
    assert driver.returncode == 2
    assert out == b""
    said = (tmp_path / "err").read_text()
    assert f"Ray stopped working in the middle of the sweep (its process {part} " in said
