"""`sweeper ui`: MLflow's pages for a tracking store."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from typing import IO

from sweeper.errors import UserError
from sweeper.terminal.screen import console

__all__ = ["DEFAULT", "HELP", "NAME", "add_arguments", "run"]

NAME = "ui"
HELP = "open MLflow's pages for the tracked runs"
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
         "DO_NOT_TRACK": "true"}
DEFAULT = "sqlite:///mlflow.db"
PATIENCE = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tracking", metavar="URI", default=DEFAULT,
                        help=f"the grid's `tracking` (default: {DEFAULT})")
    parser.add_argument("--port", type=int, default=5000, help="port (default: 5000)")


def run(arguments: argparse.Namespace) -> int:
    from sweeper.storage.places import require_store, tracking_uri
    from sweeper.tracking.database import with_driver

    uri = tracking_uri(arguments.tracking)
    if uri.startswith(("http://", "https://")):
        console().print(f"MLflow answers at {uri}", markup=False, soft_wrap=True)
        return 0
    require_store(uri)
    uri = with_driver(uri)
    _require_free(arguments.port)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryFile() as words:
        server = subprocess.Popen(_command(uri, arguments.port), env=os.environ | QUIET,
                                  stdout=words, stderr=words, start_new_session=True)
        try:
            _wait(server, arguments.port, words)
            console().print(f"MLflow answers at http://127.0.0.1:{arguments.port} "
                            "(Ctrl-C ends it)", soft_wrap=True)
            return server.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            _kill(server)
            signal.signal(signal.SIGTERM, before)


def _command(uri: str, port: int) -> list[str]:
    return [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri,
            "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UserError(f"port {port} is taken ({error.strerror}); choose another with "
                            "--port") from error


def _wait(server: subprocess.Popen[bytes], port: int, words: IO[bytes]) -> None:
    """Until the server answers; `UserError` with its last words if it ends first."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if server.poll() is not None:
            words.seek(0)
            last = words.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise UserError(f"MLflow did not start: {last}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise UserError(f"MLflow did not answer on port {port} within {PATIENCE} s")


def _kill(server: subprocess.Popen[bytes]) -> None:
    """End the server and its children at once: a polite stop takes it many seconds."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
