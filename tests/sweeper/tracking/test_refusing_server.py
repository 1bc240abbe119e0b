"""A server that answers, and refuses: it is asked for a real write before anything is trained."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.mlflow_login import USER, Login
from cluster.mlflow_server import MlflowServer, free_port
from sweeper.cli import main
from sweeper.doctor import surroundings
from sweeper.driver import driver
from sweeper.tracking import delivery
from sweeper.tracking.server_check import check_server
from tests.sweeper.grids import grid_text, write_grid
from tests.sweeper.mlflow_view import THIRD_PARTY, look

pytestmark = [*THIRD_PARTY, pytest.mark.slow]


@dataclass(frozen=True)
class Guarded:
    """A real server with a password, which may not be called 127.0.0.2."""

    server: MlflowServer
    password: str

    def address(self, user: str = "", host: str = "127.0.0.1") -> str:
        return f"http://{user}{'@' * bool(user)}{host}:{self.server.port}"

    @property
    def good(self) -> str:
        return self.address(f"{USER}:{self.password}")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("server")
    login = Login(folder / "login")
    store, files, names = f"sqlite:///{folder}/server.db", folder / "files", ("mlflow.example",)
    server = MlflowServer(store, free_port(), files, "0.0.0.0", names, login)
    with server.serving():
        yield Guarded(server, login.password())


def refusals(guarded: Guarded) -> dict[str, tuple[str, str]]:
    return {
        "host": (guarded.address(f"{USER}:{guarded.password}", "127.0.0.2"), "--allowed-hosts"),
        "no password": (guarded.address(), "MLFLOW_TRACKING_USERNAME"),
        "wrong password": (guarded.address(f"{USER}:guessed"), "correct the user and the pass"),
    }


@pytest.mark.parametrize("case", ["host", "no password", "wrong password"])
def test_a_refusal_is_told_before_anything_is_trained(
    guarded: Guarded,
    case: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    uri, remedy = refusals(guarded)[case]
    check_server(uri)  # `/health` is open to everybody
    grid = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}"))
    asked = ["run", str(grid), "--storage", str(tmp_path / "sweeps"), "--tracking", uri]
    assert main([*asked, "--inline"]) == 2
    [said] = capsys.readouterr().err.strip().splitlines()
    assert said.startswith("error: ")
    assert remedy in said
    assert "guessed" not in said
    assert guarded.password not in said
    assert not list((tmp_path / "sweeps").glob("trials/*"))
    found = surroundings.tracking(uri)
    assert found.verdict == "stop"
    assert remedy in found.remedy


def test_who_knows_the_password_is_let_in(
    guarded: Guarded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And it stands nowhere: not in the storage, and not in what the commands say."""
    assert surroundings.tracking(guarded.good).verdict == "ok"
    grid = write_grid(
        tmp_path, f"tracking: {guarded.good}\n" + grid_text("{model: sigma_vae, sigma: 0.1}")
    )
    storage = str(tmp_path / "sweeps")
    for command in ("plan", "run", "status"):
        inline = ["--inline"] if command == "run" else []
        assert main([command, str(grid), "--storage", storage, "--json", *inline]) == 0
        assert main([command, str(grid), "--storage", storage, *inline]) == 0
    shown = capsys.readouterr()
    assert guarded.password not in shown.out + shown.err
    found = subprocess.run(
        ["grep", "-rlF", guarded.password, storage], capture_output=True, text=True, check=False
    )
    assert found.stdout == ""
    assert any(Path(storage).glob("sweeps/*/*/grid.yaml"))
    view = look(guarded.good, "test")
    assert set(view.statuses.values()) == {"FINISHED"}
    assert "sweeper-doctor" not in " ".join(view.artifacts)


def test_records_that_were_not_delivered_are_in_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends after the check; the same command then delivers them."""
    port = free_port()
    server = MlflowServer(f"sqlite:///{tmp_path}/server.db", port, tmp_path / "files")
    grid = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}"))
    asked = ["run", str(grid), "--storage", str(tmp_path / "sweeps"), "--inline", "--json"]
    asked += ["--tracking", server.uri]
    whole = delivery.Delivery.start
    with server.serving() as process, monkeypatch.context() as patch:

        def start(one: delivery.Delivery) -> None:
            os.killpg(process.pid, signal.SIGKILL)  # its workers, too
            process.wait()
            whole(one)

        patch.setattr(delivery.Delivery, "start", start)
        patch.setattr(driver, "PATIENCE", 1.0)
        assert main(asked) == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["finished"], found["undelivered"]) == (2, 2)
    assert found["tracker_error"]
    with server.serving():
        assert main(asked) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["undelivered"], found["tracker_error"]) == (0, None)
        assert set(look(server.uri, "test").statuses.values()) == {"FINISHED"}
