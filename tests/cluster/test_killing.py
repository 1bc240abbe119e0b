"""A process of a cluster is killed where it runs, and only if it is the one that was meant."""

from __future__ import annotations

import subprocess
import sys

import pytest

KILLED = """
import os, socket, time
from cluster.base import SETTINGS
os.environ.update(SETTINGS)
import pytest
import ray
from ray.cluster_utils import Cluster
from cluster.existing import Existing
from cluster.killing import Process, joined, kill

there = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})

@ray.remote(max_restarts=0)
class Worker:
    def about(self):
        return os.getpid(), time.time()

here = Existing(there.address)
here.connect()
worker = Worker.options(name="worker", lifetime="detached").remote()
pid, seen = ray.get(worker.about.remote())
host, name = socket.gethostname(), b"ray::Worker"
with joined(there.address):
    for other in (Process("nowhere", pid, seen, name), Process(host, pid, seen, b"ray::Other"),
                  Process(host, pid, seen - 3600, name), Process(host, 2**22 + 1, seen, name)):
        assert not kill(other), other
    assert ray.get(worker.about.remote())[0] == pid
    assert kill(Process(host, pid, seen, name))
    with pytest.raises(ray.exceptions.RayActorError):
        ray.get(worker.about.remote(), timeout=600)
assert ray.is_initialized()
time.sleep(2)  # Ray tells of a dead worker a little later
here.close()
there.shutdown()
"""


@pytest.mark.slow
def test_the_process_that_is_meant_is_killed_and_no_other() -> None:
    """And Ray writes nothing of its death where a script reads JSON."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
