"""Start MLflow's server on this machine, wait until it answers, and end it with its children."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cluster.errors import ClusterError
from cluster.mlflow_login import USER, Login
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

    @property
    def own_uri(self) -> str:
        """The same with the password, if it asks for one."""
        user = f"{USER}:{self.login.password()}@" if self.login else ""
        return self.uri.replace("://", f"://{user}")

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
            *(self._admitted() if self.names else []),
            *(["--app-name", "basic-auth"] if self.login else []),
        ]

    def _admitted(self) -> list[str]:
        """Options with every name, with and without the port, as MLflow compares whole headers.

        Its pages are refused what they ask for unless the address that they came from is admitted.
        """
        names = dict.fromkeys((*self.names, "localhost", HOST))
        hosts = [form for name in names for form in (name, f"{name}:{self.port}")]
        pages = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
        return ["--allowed-hosts", ",".join(hosts), "--cors-allowed-origins", ",".join(pages)]

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
        self.require_free()
        with (
            tempfile.TemporaryDirectory(prefix="sweeper-") as folder,
            tempfile.TemporaryFile() as words,
            own_session(self.command(), words, self.settings(), folder) as server,
        ):
            self._wait(server, words)
            yield server

    def start(self, folder: Path, log: Path, started: Callable[[int], None]) -> None:
        """Start it for longer than this process, and wait until it answers.

        folder : an empty one, where it runs. started : is called at once with the number of its
        process. Raises `ClusterError` as `serving` does.
        """
        self.require_free()
        with log.open("w+b") as words:
            server = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                start_new_session=True,
                umask=0o077,
                cwd=folder,
                env=os.environ | self.settings(),
            )
            started(server.pid)
            self._wait(server, words)

    def require_free(self) -> None:
        """Raise `ClusterError` if its port is taken, or its address is not one of this host."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise ClusterError(
                    f"port {self.port} is taken ({error.strerror}); choose another with --port"
                    if error.errno == errno.EADDRINUSE
                    else f"nothing can listen at {self.host}:{self.port} ({error.strerror}); "
                    "choose another --host or --port"
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
                urllib.request.urlopen(f"{self.uri}/health", timeout=10).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise ClusterError(
            f"MLflow did not answer on port {self.port} within {PATIENCE:.0f} s; try again when "
            "the machine has less to do, or give it another port"
        )


def free_port() -> int:
    """The number of a port on which no process listens now.

    It is none of those that the system gives to outgoing connections, one of which could take it
    before it is used.
    """
    while True:
        port = secrets.choice(range(20_000, 32_000))
        with socket.socket() as free, suppress(OSError):
            free.bind((HOST, port))
            return port
