"""Join a running Ray cluster at an address."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from cluster.base import Connection
from cluster.errors import ClusterError, one_line
from cluster.heartbeat import Heartbeat
from cluster.membership import ask_members, here
from cluster.token import present_token

__all__ = ["Existing"]

PATIENCE = 5.0


class Existing:
    """Joins the cluster at an address (``host:6379``); closing leaves it running.

    This process must run on a host of it, every node must have access to the storage, and if the
    head has a token, it must be set here too.

    Parameters
    ----------
    code : a folder that is sent to its nodes, where it precedes what is installed.

    Attributes
    ----------
    hosts : the addresses of its live nodes; empty before `connect`.
    """

    private = False

    def __init__(self, address: str, code: Path | None = None) -> None:
        self.address = address
        heartbeat = Heartbeat(address, self.knock)
        self._connection = Connection(address, code=code, heartbeat=heartbeat)
        self.hosts: tuple[str, ...] = ()

    @property
    def logs(self) -> Path | None:
        return self._connection.logs

    def connect(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        try:
            self.knock()
            present_token()
            meanwhile()
            self._connection.open(node=self._own_node())
        except ClusterError:
            raise
        except Exception as error:
            raise ClusterError(
                f"Ray cannot be used at {self.address} ({one_line(error)}); start it (ray "
                "start --head), correct `cluster`, or use --inline"
            ) from error

    def lost(self) -> str | None:
        return self._connection.lost()

    def close(self) -> None:
        self._connection.close()

    def _own_node(self) -> str:
        """The address of the node that this host is.

        Raises `ClusterError` if it is none, as Ray would abort the process.
        """
        members = ask_members(self.address)
        self.hosts = tuple(one.address for one in members)
        if not (own := here(members)):
            raise ClusterError(
                f"this host is no node of the Ray at {self.address} (its nodes: "
                f"{', '.join(one.name for one in members)}), and the driver of a sweep must run "
                "on one, as Ray Tune's loop runs in the driver: `sweeper submit GRID` sends the "
                "sweep there, or start a node here (ray start --address)"
            )
        return own

    def knock(self, patience: float = PATIENCE) -> None:
        """Raise `OSError` if nobody listens at host:port: Ray itself would try for minutes."""
        host, colon, port = self.address.rpartition("//")[2].rpartition(":")
        if colon and port.isdecimal():
            socket.create_connection((host.strip("[]"), int(port)), timeout=patience).close()
