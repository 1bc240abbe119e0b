"""A Ray on this machine that is started here and ends with the program."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cluster.base import Connection
from cluster.cores import allowed_cores
from cluster.errors import ClusterError, one_line
from cluster.token import own_token

__all__ = ["Local"]


JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # the runtime environment of `ray job submit`


class Local:
    """Starts Ray on this machine, with the cores that it may use and without a dashboard.

    It asks for a token, keeps its files in a folder that nobody else can enter, and inherits
    nothing of a Ray job that it is started in.
    """

    private = True
    hosts: tuple[str, ...] = ()

    def __init__(self) -> None:
        own = {"include_dashboard": False, "num_cpus": allowed_cores()}
        self._connection = Connection("local", own)

    @property
    def logs(self) -> Path | None:
        return self._connection.logs

    def connect(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        try:
            own_token()
            os.environ.pop(JOB, None)
            self._connection.open(meanwhile=meanwhile)
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
