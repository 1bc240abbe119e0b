"""Doctor says what listens where, and refuses what anybody could open."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster import listening
from cluster.listening import Door
from cluster.token import MODE, PLACE, VALUE
from sweeper.doctor import doors

SERVE = """
import socket, sys
with socket.create_server((sys.argv[-1].partition("=")[2], 0)) as server:
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VALUE, "")
    monkeypatch.setenv(PLACE, str(tmp_path / "token"))
    return tmp_path / "token"


@contextmanager
def program(folder: Path, name: str, host: str, mode: str = "token") -> Iterator[int]:
    """A process whose command line looks like one of Ray's; yields its port."""
    script = folder / "ray" / "dashboard" / name
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(SERVE)
    with subprocess.Popen(
        [sys.executable, str(script), f"--host={host}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {MODE: mode},
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def raylet(
    folder: Path, patch: pytest.MonkeyPatch, mode: str = "token", options: Sequence[str] = ()
) -> Iterator[None]:
    """A process with the command line of a raylet, the only one of this user."""
    program = folder / "ray" / "raylet"
    program.parent.mkdir()
    program.write_text("import sys; sys.stdin.read()")
    with subprocess.Popen(
        [sys.executable, program, *options], stdin=subprocess.PIPE, env=os.environ | {MODE: mode}
    ) as process:
        own = Path(f"/proc/{process.pid}")
        patch.setattr(listening, "_own_processes", lambda: iter([own]))
        patch.setattr(doors, "open_doors", lambda: [Door("raylet", "0.0.0.0", 1)])
        try:
            while os.fsencode(program) not in (own / "cmdline").read_bytes():
                time.sleep(0.01)  # it is not that program yet
            yield
        finally:
            process.kill()


def test_a_missing_token_is_made_for_this_machine_only() -> None:
    assert doors.token("local").verdict == "ok"
    found = doors.token("head:6379")
    assert (found.verdict, "copy it from" in found.remedy) == ("stop", True)


@pytest.mark.parametrize(("mode", "verdict"), [(0o600, "ok"), (0o640, "stop"), (0o604, "stop")])
def test_a_token_is_for_its_owner(place: Path, mode: int, verdict: str) -> None:
    place.write_text("a" * 64)
    place.chmod(mode)
    found = doors.token("local")
    assert found.verdict == verdict
    assert found.verdict == "ok" or f"chmod 600 {place}" in found.remedy


@pytest.mark.parametrize(("host", "stops"), [("127.0.0.1", 0), ("0.0.0.0", 1)])
def test_a_dashboard_for_everybody_is_refused(tmp_path: Path, host: str, stops: int) -> None:
    with program(tmp_path, "dashboard.py", host) as port:
        assert Door("dashboard", host, port) in listening.open_doors()
        found = doors.listening()
    assert f"dashboard {host}:{port}" in found[0].found
    assert sum(one.name == "dashboard" and one.verdict == "stop" for one in found) == stops


@pytest.mark.parametrize(("mode", "stops"), [("token", 0), ("disabled", 1)])
def test_a_ray_that_asks_nobody_is_refused(
    tmp_path: Path, mode: str, stops: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raylet(tmp_path, monkeypatch, mode):
        found = doors.listening()
    assert sum(one.name == "Ray's token" and one.verdict == "stop" for one in found) == stops


@pytest.mark.parametrize(("above", "notes"), [(0o700, 0), (0o711, 1)])
def test_a_folder_that_others_can_enter_is_told(
    tmp_path: Path, above: int, notes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ray makes its own: with all rights for everybody."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "r")
        folder.mkdir()
        folder.chmod(0o777)
        Path(name).chmod(above)
        with raylet(tmp_path, monkeypatch, options=[f"--temp_dir={folder}"]):
            found = doors.listening()
    told = [one for one in found if one.name == "Ray's folder"]
    assert [one.verdict for one in told] == ["note"] * notes
    assert all(str(folder) in one.found for one in told)
