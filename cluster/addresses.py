"""The addresses of Ray that a user may give: ``local``, ``auto`` and HOST:PORT."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cluster.base import Backend
from cluster.errors import ClusterError
from cluster.existing import Existing
from cluster.local import Local
from cluster.processes import command_line, in_this_network, parent_of

__all__ = ["VARIABLE", "backend_at", "find_ray", "require_address"]

VARIABLE = "RAY_ADDRESS"
FLAG = b"--gcs-address="


def backend_at(address: str, code: Path | None = None) -> Backend:
    """The place that an address names; raises `ClusterError` if it names none.

    code : a folder that a running Ray is to send to its nodes, where it precedes what is
    installed.
    """
    if address == "local":
        return Local()
    return Existing(find_ray() if address == "auto" else require_address(address), code)


def require_address(address: str) -> str:
    """The address, if it is ``local``, ``auto`` or HOST:PORT; else raises `ClusterError`."""
    scheme, separator, _ = address.partition("://")
    if separator:
        raise ClusterError(
            f"{scheme}:// is an address for programs outside the cluster, and the driver of a "
            "sweep must run on a host of it, as Ray Tune's loop runs in the driver: `sweeper "
            "submit GRID` sends the sweep there; on a host of it, give HOST:PORT or auto"
        )
    host, _, port = address.rpartition(":")
    if address not in ("local", "auto") and not (host and port.isdecimal()):
        raise ClusterError(
            "must be local, auto, or the address of a running Ray cluster (HOST:PORT), "
            f"not {address!r}"
        )
    return address


def find_ray() -> str:
    """HOST:PORT of RAY_ADDRESS, else of the Ray that `ray start` has started on this host."""
    named = os.environ.get(VARIABLE, "")
    if named and named not in ("auto", "local"):
        return require_address(named)
    found = _started_here()
    if len(found) == 1:
        return found.pop()
    there = f"several run on this host ({', '.join(sorted(found))})" if found else "none runs here"
    raise ClusterError(
        f"cluster: auto finds no Ray, as {VARIABLE} is not set, and {there}; set {VARIABLE} to "
        "HOST:PORT, start one (ray start --head), or use cluster: local"
    )


def _started_here() -> set[str]:
    """The addresses of the clusters of which a node runs in this network namespace.

    A Ray that is the child of another sweep, and ends with it, is left out.
    """
    found = set[str]()
    for entry in in_this_network():
        words = command_line(entry)
        flags = [word for word in words if word.startswith(FLAG)]
        with suppress(OSError):
            if words[0].endswith(b"/raylet") and flags and not _is_private(entry):
                found.add(os.fsdecode(flags[-1].removeprefix(FLAG)))
    return found


def _is_private(raylet: Path) -> bool:
    """Whether the parent of a raylet is a Python program other than `ray start`."""
    words = command_line(Path(f"/proc/{parent_of(raylet)}"))
    return b"python" in words[0] and b"start" not in words
