"""`sweeper server` starts MLflow for good, with a folder, and ends only what it started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from analysis.sources.mlflow_login import authorization
from analysis.sources.tracking_address import without_user
from cluster import postgres, tracking_server
from cluster.mlflow_login import USER
from cluster.mlflow_server import free_port
from cluster.processes import alive
from sweeper.cli import main
from tests.sweeper.grids import grid_text, write_grid
from tests.sweeper.mlflow_view import THIRD_PARTY, look

pytestmark = THIRD_PARTY


@dataclass(frozen=True)
class Command:
    """`sweeper server` for a folder, in a process of its own as of a user's shell."""

    folder: Path

    def __call__(self, *words: str) -> tuple[int, dict[str, Any], str]:
        """Exit code, JSON object and messages."""
        program = [sys.executable, "-m", "sweeper", "server", *words]
        done = subprocess.run(
            [*program, "--folder", str(self.folder), "--json"],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder.parent,
        )
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr

    def mode(self, name: str) -> int:
        return (self.folder / name).stat().st_mode & 0o777


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path / "server")
    yield command
    command("down")


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that the account of PostgreSQL can reach, as pytest's cannot be."""
    if not list(postgres.DEBIAN.glob("*/bin/initdb")):
        refuse = pytest.fail if "SWEEPER_CI" in os.environ else pytest.skip
        refuse("needs PostgreSQL: apt-get install postgresql")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def processes_in(folder: Path) -> set[int]:
    """The processes that work in a folder, or in one below."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(entry / "cwd")).is_relative_to(folder):
                found.add(int(entry.name))
        except OSError:
            continue
    return {pid for pid in found if alive(pid)}


@pytest.mark.slow
class TestRealServers:
    def test_it_runs_until_it_is_ended(
        self, server: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        port = str(free_port())
        code, up, words = server("up", "--port", port)
        assert (code, up["started"], up["answers"]) == (0, True, True), words
        assert up["address"] == f"http://127.0.0.1:{port}"
        assert up["password_file"] is None
        assert server.mode("mlflow.db") == 0o600

        code, again, words = server("up")
        assert (code, again["started"], again["pid"]) == (0, False, up["pid"]), words
        code, _, words = server("up", "--store", "postgresql")
        assert code == 2
        assert "runs, and with another store; `sweeper server down` ends it" in words

        grid = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}"))
        asked = ["run", str(grid), "--storage", str(tmp_path / "sweeps"), "--inline"]
        assert main([*asked, "--tracking", up["address"]]) == 0
        assert list(look(up["address"], "test").statuses.values()) == ["FINISHED"] * 2
        assert any((server.folder / "artifacts").rglob("grid.yaml"))

        code, status, words = server("status")
        assert (code, status["trouble"], status["pid"]) == (0, None, up["pid"]), words
        capsys.readouterr()
        assert main(["server", "status", "--folder", str(server.folder)]) == 0
        page = f"{up['address']}/#/experiments/1/runs?workflowType=machine_learning"
        assert (
            f"  runs: {page}&viewStateShareKey=trials  test"
            in capsys.readouterr().out.splitlines()
        )
        assert server("down")[1] == {"folder": str(server.folder), "ended": True}
        assert not processes_in(server.folder)
        assert server("down")[1]["ended"] is False

    def test_beyond_this_machine_it_asks_for_a_password(self, open_to_all: Path) -> None:
        """It keeps its runs in a PostgreSQL of its own, and admits the names that it was given."""
        server, port = Command(open_to_all / "server"), free_port()
        words = ["--store", "postgresql", "--host", "0.0.0.0", "--name", "mlflow.lab"]
        try:
            code, up, said = server("up", *words, "--port", str(port))
            assert (code, up["address"]) == (0, f"http://mlflow.lab:{port}"), said
            password = Path(up["password_file"]).read_text()
            assert password not in json.dumps(up) + said
            for name in ("login/password", "login/users.db", "settings.json", "postgres/password"):
                assert server.mode(name) == 0o600, name

            local = f"http://127.0.0.1:{port}"
            assert status_of(local, "mlflow.lab") == 401
            good = f"http://{USER}:{password}@127.0.0.1:{port}"
            assert status_of(good, "mlflow.lab") == 200
            assert status_of(good, f"{socket.gethostname()}:{port}") == 200
            assert status_of(good, "evil.example") == 403

            grid = write_grid(open_to_all, grid_text("{model: sigma_vae, sigma: 0.1}"))
            asked = ["run", str(grid), "--storage", str(open_to_all / "sweeps"), "--inline"]
            assert main([*asked, "--tracking", good]) == 0

            os.kill(up["pid"], signal.SIGKILL)
            code, status, _ = server("status")
            assert (code, status["answers"]) == (2, False)
            assert "has ended by itself" in status["trouble"]
            code, again, said = server("up")
            assert (code, again["started"], again["address"]) == (0, True, up["address"]), said
            assert list(look(good, "test").statuses.values()) == ["FINISHED"] * 2

            [line, *_] = (server.folder / "postgres/data/postmaster.pid").read_text().split("\n")
            os.kill(int(line), signal.SIGQUIT)
            wait_for_end(int(line))
            assert "the PostgreSQL of the server" in server("status")[1]["trouble"]
            code, again, said = server("up")
            assert (code, again["started"]) == (0, True), said
        finally:
            assert server("down")[0] == 0
        assert not processes_in(server.folder)

    def test_it_ends_only_what_it_started(self, server: Command, open_to_all: Path) -> None:
        """Neither a PostgreSQL that was given, nor a program in the folder of the server."""
        given = postgres.LocalPostgres(open_to_all / "given")
        store = given.start()
        try:
            code, up, words = server("up", "--store", store, "--port", str(free_port()))
            assert code == 0, words
            assert given_password(store) not in json.dumps(up) + words
            with subprocess.Popen(["sleep", "1000"], cwd=server.folder / "empty") as bystander:
                assert server("down")[1]["ended"] is True
                assert given.runs()
                assert processes_in(server.folder) == {bystander.pid}
                bystander.kill()
        finally:
            given.stop()
        assert not given.runs()

    def test_of_two_at_once_one_starts_it(self, server: Command) -> None:
        program = [sys.executable, "-m", "sweeper", "server", "up", "--port", str(free_port())]
        program += ["--folder", str(server.folder), "--json"]
        both = [subprocess.Popen(program, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        rows = [json.loads(one.communicate()[0]) for one in both]
        assert sorted(row["started"] for row in rows) == [False, True]
        assert rows[0]["pid"] == rows[1]["pid"]


def status_of(server: str, host: str) -> int:
    """The status with which a server answers a question under another name."""
    question = "/api/2.0/mlflow/experiments/get?experiment_id=0"
    request = Request(without_user(server) + question, headers={"Host": host})
    if header := authorization(server):
        request.add_header("Authorization", header)
    try:
        with urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def given_password(store: str) -> str:
    return store.partition("@")[0].rpartition(":")[2]


def wait_for_end(pid: int) -> None:
    while alive(pid):
        time.sleep(0.05)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The only line that the command says with exit code 2."""
    assert main(["server", *words]) == 2
    [said] = capsys.readouterr().err.strip().splitlines()
    return said


def test_a_taken_port(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(capsys, "up", "--folder", str(tmp_path / "server"), "--port", port)
    assert f"port {port} is taken" in said
    assert "another with --port" in said


def test_an_address_of_another_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "server")
    said = refused(capsys, "up", "--folder", folder, "--host", "192.0.2.7", "--port", "5999")
    assert "nothing can listen at 192.0.2.7:5999" in said


def test_a_password_needs_a_package(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking_server, "find_spec", lambda _: None)
    said = refused(capsys, "up", "--folder", str(tmp_path / "server"), "--host", "0.0.0.0")
    assert "`pip install 'sweeper[cluster]'`" in said


@pytest.mark.parametrize("lacks", ["programs", "driver"])
def test_postgresql_that_is_not_installed(
    lacks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if lacks == "programs":
        monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        monkeypatch.setattr(postgres, "find_spec", lambda _: None)
    folder, port = str(tmp_path / "server"), str(free_port())
    said = refused(capsys, "up", "--folder", folder, "--store", "postgresql", "--port", port)
    wanted = {"programs": "apt-get install postgresql", "driver": "pip install psycopg2-binary"}
    assert wanted[lacks] in said


def test_a_folder_of_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").touch()
    for action in ("up", "status", "down"):
        said = refused(capsys, action, "--folder", str(tmp_path))
        assert f"{tmp_path} is there, and is not the folder of a server" in said
    assert list(tmp_path.iterdir()) == [tmp_path / "thesis.tex"]


def kept(folder: Path, **process: Any) -> None:
    """The folder of a server that was started as this process."""
    (folder / "empty").mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps({"port": free_port(), "names": []}))
    (folder / "process.json").write_text(json.dumps(process))


def test_a_process_that_is_another_one_by_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is neither taken for the server nor ended."""
    folder = tmp_path / "server"
    kept(folder, pid=os.getpid(), host=socket.gethostname())
    said = refused(capsys, "status", "--folder", str(folder))
    assert f"the server of {folder} has ended by itself" in said
    assert main(["server", "down", "--folder", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ended"] is False
    assert "no server runs in" in refused(capsys, "status", "--folder", str(folder))


def test_a_server_of_another_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "server"
    kept(folder, pid=1, host="elsewhere")
    for action in ("up", "status", "down"):
        said = refused(capsys, action, "--folder", str(folder))
        assert "was started on the host elsewhere" in said


@pytest.mark.parametrize(
    ("store", "words"),
    [
        ("oracle", "--store: must be sqlite, postgresql or the address of a database"),
        ("http://host:5000", "--store: must be sqlite, postgresql or the address"),
        ("postgresql://me:secret@127.0.0.1:1/runs", "cannot be opened"),
    ],
)
def test_a_store_that_is_none(
    store: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "up", "--folder", str(tmp_path / "server"), "--store", store)
    assert words in said
    assert "secret" not in said
    assert not (tmp_path / "server").exists()


def test_no_server_was_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "server"
    assert f"no server runs in {folder}" in refused(capsys, "status", "--folder", str(folder))
    assert main(["server", "down", "--folder", str(folder)]) == 0
    assert not folder.exists()
