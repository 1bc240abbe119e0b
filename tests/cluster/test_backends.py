"""Every place where Ray runs is joined and left in one way, and says why it cannot be."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from cluster.base import SETTINGS, Backend
from cluster.errors import ClusterError
from cluster.existing import Existing
from cluster.local import Local

LOCAL = """
import gc, os, weakref
import ray
from cluster.local import Local
from cluster.processes import descendants

UNUSED = (b"autoscaler", b"dashboard/dashboard.py", b"log_monitor")
first, second = Local(), Local()
first.connect()
first.connect()
second.connect()
assert ray.cluster_resources()["CPU"] >= 1
second.close()
assert ray.is_initialized()
started = descendants(os.getpid()).values()
assert any(b"raylet" in command for command in started)
assert [command for command in started if any(one in command for one in UNUSED)] == []

class Leftover:
    pass

leftover = Leftover()
leftover.cycle, leftover.counted = leftover, ray.put(1)
left, whole = weakref.ref(leftover), ray.shutdown
del leftover

def shutdown():
    assert not gc.isenabled()
    gc.collect()  # as statsmodels does
    assert left() is not None
    whole()

ray.shutdown = shutdown
folder = first.logs.parents[2]
assert folder.stat().st_mode & 0o777 == 0o700
first.close()
assert not folder.exists()
assert gc.isenabled() and not ray.is_initialized()
gc.collect()
assert left() is None
try:
    ray.nodes()
except Exception:
    pass
assert not ray.is_initialized()
"""


FAILS = """
import ray
from cluster.errors import ClusterError
from cluster.local import Local

def init(**options):
    raise RuntimeError("no memory")

ray.init = init
try:
    Local().connect()
except ClusterError as error:
    print(error)
"""


DIES = """
import resource
from cluster.errors import ClusterError
from cluster.local import Local

resource.setrlimit(resource.RLIMIT_FSIZE, (2**24, 2**24))  # the store of objects needs more
try:
    Local().connect()
except ClusterError as error:
    print(error)
"""


def test_a_node_that_dies_while_it_starts_is_told_at_once() -> None:
    """Ray itself would wait for it for as long as for one that is slow."""
    done = subprocess.run(
        [sys.executable, "-c", DIES], check=False, capture_output=True, text=True
    )
    assert "its process raylet has died; its log ends with: " in done.stdout, done.stderr


def test_a_ray_that_does_not_start_leaves_no_folder() -> None:
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as folder:
        done = subprocess.run(
            [sys.executable, "-c", FAILS],
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | {"TMPDIR": folder},
        )
        assert "cannot be started on this machine (no memory)" in done.stdout
        assert list(Path(folder).glob("ray-*")) == []


def test_ray_knows_the_settings_of_its_processes() -> None:
    """It passes over others without a word."""
    own = [name.removeprefix("RAY_") for name in SETTINGS if name[4:].islower()]
    ray = Path(str(find_spec("ray").origin)).parent  # type: ignore[union-attr]
    raylet = (ray / "core" / "src" / "ray" / "raylet" / "raylet").read_bytes()
    assert "worker_niceness" in own
    assert [name for name in own if name.encode() not in raylet] == []


def test_importing_a_backend_imports_no_ray() -> None:
    code = "import sys, cluster.local, cluster.existing; sys.exit('ray' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_who_started_ray_ends_it_and_nobody_else() -> None:
    """Also: while no garbage is collected, as Ray ends a process in which a thread does that.

    And without the processes that a sweep on one machine does not use.
    """
    plain = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    done = subprocess.run(
        [sys.executable, "-c", LOCAL],
        check=False,
        capture_output=True,
        text=True,
        env=plain,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_an_address_where_nobody_listens_is_told_at_once() -> None:
    """By the system: Ray itself would try for minutes, and then say something else."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens, or can begin to
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        there = Existing(address)
        with pytest.raises(
            ClusterError,
            match=rf"Ray cannot be used at {address} .*Connection "
            "refused.*ray start --head",
        ):
            there.connect()
    there.close()


def test_only_this_machine_is_private() -> None:
    backends: list[Backend] = [Local(), Existing("host:6379")]
    assert [backend.private for backend in backends] == [True, False]
