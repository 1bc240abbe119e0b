"""Start MLflow's server on this machine, wait until it answers, and end it with its children."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cluster.errors import ClusterError
from cluster.mlflow_login import Login
from cluster.processes import own_session

__all__ = ["MlflowServer", "free_port"]

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "DO_NOT_TRACK": "true",
    "PYTHONSAFEPATH": "1",  # neither it nor its children import what lies in their folder
}
HOST = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::", "")
PATIENCE = 120.0  # seconds; a start takes 4 to 13, and more beside other busy processes


@dataclass(frozen=True)
class MlflowServer:
    """MLflow's server for a store.

    Parameters
    ----------
    store : the address of a database (``sqlite:///...``). port : where it listens.
    artifacts : folder of the files that it takes; relative to the working directory.
    host : the address where it listens; by default for this machine only.
    names : the host names by which it may be called; empty for MLflow's own rule, which admits
        localhost and private addresses. login : asks for a password; None for nobody's.
    """

    store: str
    port: int
    artifacts: Path = Path("mlartifacts")
    host: str = HOST
    names: tuple[str, ...] = ()
    login: Login | None = None

    @property
    def uri(self) -> str:
        """Its address for programs on this machine."""
        return f"http://{HOST if self.host in EVERYWHERE else self.host}:{self.port}"

    def command(self) -> list[str]:
        """The command line. One worker: MLflow answers more slowly with several."""
        return [
            sys.executable,
            "-P",
            "-m",
            "mlflow",
            "server",
            "--host",
            self.host,
            "--port",
            str(self.port),
            "--workers",
            "1",
            "--artifacts-destination",
            str(self.artifacts.absolute()),
            *(["--allowed-hosts", self._allowed()] if self.names else []),
            *(["--app-name", "basic-auth"] if self.login else []),
        ]

    def _allowed(self) -> str:
        """Every name with and without the port, as MLflow compares the whole header."""
        names = dict.fromkeys((*self.names, "localhost", HOST))
        return ",".join(form for name in names for form in (name, f"{name}:{self.port}"))

    def settings(self) -> dict[str, str]:
        """Environment variables with the store's address, which other users cannot read here."""
        login = self.login.settings() if self.login else {}
        return SETTINGS | login | {"MLFLOW_BACKEND_STORE_URI": self.store}

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start it and wait until it answers; kill it at the end, as SIGTERM takes it seconds.

        It runs in an empty folder, because uvicorn imports modules from its working directory.
        Raises `ClusterError` if the port is taken, or with the server's last line if it ends.
        """
        self._require_free()
        with (
            tempfile.TemporaryDirectory(prefix="sweeper-") as folder,
            tempfile.TemporaryFile() as words,
            own_session(self.command(), words, self.settings(), folder) as server,
        ):
            self._wait(server, words)
            yield server

    def _require_free(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise ClusterError(
                    f"port {self.port} is taken ({error.strerror}); choose another with --port"
                ) from error

    def _wait(self, server: subprocess.Popen[bytes], words: IO[bytes]) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if server.poll() is not None:
                words.seek(0)
                last = words.read().decode(errors="replace").strip().rpartition("\n")[2]
                raise ClusterError(
                    f"MLflow did not start: {last or 'it said nothing'}; `sweeper doctor` says "
                    "what of the store is wrong"
                )
            try:
                urllib.request.urlopen(f"{self.uri}/health", timeout=1).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise ClusterError(
            f"MLflow did not answer on port {self.port} within {PATIENCE:.0f} s; try again when "
            "the machine has less to do, or give it another port"
        )


def free_port() -> int:
    """The number of a port on which no process listens now."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])
