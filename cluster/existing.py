"""Join a running Ray cluster at an address."""

from __future__ import annotations

import socket
from pathlib import Path

from cluster.base import Connection
from cluster.errors import ClusterError, one_line

__all__ = ["Existing"]

PATIENCE = 5.0


class Existing:
    """Joins the cluster at an address (``host:6379``); closing leaves it running.

    Every node must have access to the storage; if the head has a token, it must be set here too.
    """

    private = False

    def __init__(self, address: str) -> None:
        self.address, self._connection = address, Connection(address)

    @property
    def logs(self) -> Path | None:
        return self._connection.logs

    def connect(self) -> None:
        try:
            self.knock()
            self._connection.open()
        except Exception as error:
            raise ClusterError(
                f"Ray cannot be used at {self.address} ({one_line(error)}); start it (ray "
                "start --head), correct `cluster`, or use --inline"
            ) from error

    def lost(self) -> str | None:
        return self._connection.lost()

    def close(self) -> None:
        self._connection.close()

    def knock(self, patience: float = PATIENCE) -> None:
        """Raise `OSError` if nobody listens at host:port: Ray itself would try for minutes."""
        host, colon, port = self.address.rpartition("//")[2].rpartition(":")
        if colon and port.isdecimal():
            socket.create_connection((host.strip("[]"), int(port)), timeout=patience).close()
