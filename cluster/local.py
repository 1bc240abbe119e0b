"""A Ray of one's own on this machine, which ends with the program."""

from __future__ import annotations

from cluster.base import Connection
from cluster.errors import ClusterError

__all__ = ["Local"]


class Local:
    """Starts Ray on this machine, with all its cores and without a dashboard."""

    private = True

    def __init__(self) -> None:
        self._connection = Connection("local", dashboard=False)

    def connect(self) -> None:
        try:
            self._connection.open()
        except (OSError, RuntimeError, ValueError) as error:
            raise ClusterError(
                f"Ray cannot be started on this machine ({error}); mend that, or use --inline"
            ) from error

    def lost(self) -> str | None:
        return self._connection.lost()

    def close(self) -> None:
        self._connection.close()
