"""The head of a cluster dies in the middle of a sweep."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from sweeper.grid.loading import load
from sweeper.status.standing import standings
from sweeper.storage import paths
from tests.local_ray import own_settings
from tests.sweeper.mlflow_view import THIRD_PARTY

pytestmark = [*THIRD_PARTY, pytest.mark.slow]

GRID = """
experiment: head
data: digits
defaults: {network: linear, d_z: 2, epochs: 100000, checkpoint_every: 5}
seeds: 1
trials:
  - {model: sigma_vae, sigma: [0.1, 0.2]}
"""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with own_settings():
        found = Cluster(initialize_head=True, head_node_args={"include_dashboard": False})
        yield found
        found.shutdown()


def test_a_dead_head_ends_the_sweep_with_a_sentence(cluster: Cluster, tmp_path: Path) -> None:
    """Ray itself would end the driver's process after a minute, with a line of its own."""
    grid, storage, head = tmp_path / "head.yaml", tmp_path / "sweeps", cluster.address
    grid.write_text(GRID)
    program = [sys.executable, "-m", "sweeper", "run", str(grid), "--storage", str(storage)]
    program += ["--tracking", f"sqlite:///{tmp_path}/m.db", "--json", "--cluster", head]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as driver:
        while not list(paths.commit_manifests(storage)):
            assert driver.poll() is None, driver.communicate()
            time.sleep(0.05)
        cluster.head_node.kill_gcs_server()
        out, words = driver.communicate()
    assert (driver.returncode, out) == (2, ""), words
    [said] = [line for line in words.splitlines() if "Ray stopped working" in line]
    assert f"(its head {head} has not answered for " in said
    assert said.endswith("; what was saved is kept, and the same command goes on")
    assert "Traceback" not in words
    [status] = {one.status for one in standings([load(grid, storage=str(storage))])} - {"pending"}
    assert status == "stopped"
