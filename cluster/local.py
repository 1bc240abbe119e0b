"""A Ray on this machine that is started here and ends with the program."""

from __future__ import annotations

from pathlib import Path

from cluster.base import Connection
from cluster.errors import ClusterError, one_line

__all__ = ["Local"]


class Local:
    """Starts Ray on this machine, with all its cores and without a dashboard."""

    private = True

    def __init__(self) -> None:
        self._connection = Connection("local", dashboard=False)

    @property
    def logs(self) -> Path | None:
        return self._connection.logs

    def connect(self) -> None:
        try:
            self._connection.open()
        except Exception as error:
            raise ClusterError(
                f"Ray cannot be started on this machine ({one_line(error)}); mend that, or use "
                "--inline"
            ) from error

    def lost(self) -> str | None:
        return self._connection.lost()

    def close(self) -> None:
        self._connection.close()
