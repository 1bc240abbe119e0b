"""A Ray on this machine that is started here and ends with the program."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cluster.base import Connection
from cluster.cores import allowed_cores
from cluster.errors import ClusterError, one_line
from cluster.token import own_token

__all__ = ["Local"]


JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # the runtime environment of `ray job submit`
SOCKET = 107  # bytes: the longest name of a Unix socket
SESSION = "/ray/session_2026-01-01_00-00-00_000000_{pid}/sockets/plasma_store"


def temporary_folder() -> str:
    """The folder in which Ray creates its session folder."""
    return os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()


def require_short(folder: str) -> None:
    """Raise `ClusterError` if the paths of Ray's sockets in the folder would be too long."""
    most = SOCKET - len(SESSION.format(pid=os.getpid()))
    if (size := len(os.fsencode(folder))) > most:
        raise ClusterError(
            f"the name of the temporary folder {folder} has {size} bytes, and Ray's sockets need "
            f"one of at most {most}; set a shorter one, such as TMPDIR=/tmp, or use --inline"
        )


class Local:
    """Starts Ray on this machine, with the cores that it may use and without a dashboard.

    It asks for a token, and inherits nothing of a Ray job that it is started in.
    """

    private = True
    hosts: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._connection = Connection("local", dashboard=False, cores=allowed_cores())

    @property
    def logs(self) -> Path | None:
        return self._connection.logs

    def connect(self) -> None:
        try:
            require_short(temporary_folder())
            own_token()
            os.environ.pop(JOB, None)
            self._connection.open()
        except ClusterError:
            raise
        except Exception as error:
            raise ClusterError(
                f"Ray cannot be started on this machine ({one_line(error)}); mend that, or use "
                "--inline"
            ) from error

    def lost(self) -> str | None:
        return self._connection.lost()

    def close(self) -> None:
        self._connection.close()
