"""`sweeper ui` prints the address of a server that answers, and leaves no process behind."""

from __future__ import annotations

import io
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.mlflow_server import MlflowServer, free_port
from sweeper.cli import main

FAKE = """
import http.server, os, pathlib, sys
pathlib.Path(sys.argv[2]).write_text(str(os.getpid()))
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def store(tmp_path: Path) -> str:
    (tmp_path / "mlflow.db").touch()
    return f"sqlite:///{tmp_path}/mlflow.db"


class Screen(io.StringIO):
    """Presses Ctrl-C as soon as the program says that it waits for that.

    From the program's own thread: a signal that comes from elsewhere just as Python begins to
    wait for a process is noticed only when that process ends.
    """

    def write(self, text: str) -> int:
        written = super().write(text)
        if "(Ctrl-C ends it)" in text:
            signal.raise_signal(signal.SIGINT)
        return written


def gone(pid: int) -> bool:
    done = subprocess.run(["kill", "-0", str(pid)], check=False, capture_output=True)
    return done.returncode != 0


def test_ctrl_c_ends_the_server(
    port: int, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid, screen = tmp_path / "pid", Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(
        MlflowServer, "command", lambda _: [sys.executable, "-c", FAKE, str(port), str(pid)]
    )
    assert main(["ui", "--tracking", store, "--port", str(port)]) == 0
    assert f"http://127.0.0.1:{port}" in screen.getvalue()
    assert gone(int(pid.read_text()))


def test_a_server_that_does_not_start_is_a_user_error(
    port: int, store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        MlflowServer,
        "command",
        lambda _: [sys.executable, "-c", "raise SystemExit('no such dialect')"],
    )
    assert main(["ui", "--tracking", store, "--port", str(port)]) == 2
    assert "MLflow did not start: no such dialect" in capsys.readouterr().err


def test_a_taken_port_is_a_user_error(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["ui", "--tracking", store, "--port", str(taken.getsockname()[1])]) == 2
    assert "choose another with --port" in capsys.readouterr().err


def test_a_server_needs_no_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ui", "--tracking", "http://user:word@host:5000"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "MLflow answers at http://host:5000",
        "runs    http://host:5000/#/experiments?workflowType=machine_learning",
    ]


def test_what_is_no_address_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ui", "--tracking", "foo"]) == 2
    said = capsys.readouterr().err.strip()
    assert "--tracking: must start with one of sqlite:///" in said
    assert said.endswith("not 'foo'")
    assert len(said) < 200
