"""Ask the Ray at an address for its nodes, in a process of its own, before joining it.

Ray itself aborts a process that has no token, or is on a host outside the cluster, with a stack
trace of C++, or says after half a minute that it failed.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import ClusterError

__all__ = ["Member", "ask_dashboard", "ask_members", "here"]

PATIENCE = 60.0  # seconds; it takes one
ASK = """
import json, sys
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError

try:
    client = GcsClient(address=sys.argv[1])
    nodes = client.get_all_node_info(timeout=10).values()
    dashboard = client.internal_kv_get(b"dashboard", b"dashboard", timeout=10)
    alive = [one for one in nodes if one.state == 0]
    members = [[one.node_manager_address, one.node_manager_hostname] for one in alive]
    print(json.dumps([members, (dashboard or b"").decode()]))
except AuthenticationError:
    sys.exit("TOKEN")
"""
NO_TOKEN = ("TOKEN", "has_token")


@dataclass(frozen=True)
class Member:
    """A host of a Ray cluster: its address, and its name."""

    address: str
    name: str


def ask_members(address: str) -> list[Member]:
    """The live nodes of the Ray at HOST:PORT.

    Raises `ClusterError` if it refuses our token, or does not answer as Ray does.
    """
    return _ask(address)[0]


def ask_dashboard(address: str) -> str:
    """HOST:PORT of the dashboard of the Ray at an address, or ""; errors as of `ask_members`."""
    return _ask(address)[1]


def _ask(address: str) -> tuple[list[Member], str]:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", ASK, address],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=Path(sys.executable).parent,
        )
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"what listens at {address} does not answer as Ray does") from error
    if done.returncode == 0:
        members, dashboard = json.loads(done.stdout.splitlines()[-1])
        return [Member(*row) for row in members], str(dashboard)
    if any(word in done.stderr for word in NO_TOKEN):
        raise ClusterError(
            f"the Ray at {address} asks for a token that is not the one of this user here: copy "
            "~/.ray/auth_token from the user who started it (chmod 600), or set RAY_AUTH_TOKEN"
        )
    last = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
    raise ClusterError(f"what listens at {address} does not answer as Ray does ({last[:200]})")


def here(members: Sequence[Member]) -> str:
    """The address of the one that is this host; "" if this host has the address of none."""
    return next((one.address for one in members if _is_mine(one.address)), "")


def _is_mine(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
