"""An address that does not answer is the user's to mend, before anything is trained."""

from __future__ import annotations

import http.server
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlflow.utils import rest_utils
from mlflow.utils.rest_utils import MlflowHostCreds

from sweeper.errors import UserError
from sweeper.tracking import store_file
from sweeper.tracking.artifact_place import artifact_location
from sweeper.tracking.connection import check_address
from sweeper.tracking.store import make_store
from tests.sweeper.mlflow_view import THIRD_PARTY

pytestmark = THIRD_PARTY


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers everything with one status."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Nothing on the screen."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("answering", [200], indirect=True)
def test_a_healthy_server(answering: str) -> None:
    check_address(answering)
    check_address(answering + "/")


@pytest.mark.parametrize(
    ("answering", "message"),
    [
        (404, "not as a healthy MLflow server"),
        (500, "not as a healthy MLflow server"),
        (403, "--allowed-hosts"),
    ],
    indirect=["answering"],
)
def test_a_server_that_is_none_or_ill(answering: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_address(answering)


@pytest.fixture
def guarded() -> Iterator[str]:
    """The host of a server that answers nobody but alice, whose password is secret."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Authorization"] == "Basic YWxpY2U6c2VjcmV0"
            self.send_response(200 if known else 401)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Nothing on the screen."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_health_check_has_the_credentials_of_the_work(
    guarded: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    check_address(f"http://alice:secret@{guarded}")
    with pytest.raises(UserError, match="set MLFLOW_TRACKING_USERNAME") as refused:
        check_address(f"http://{guarded}")
    assert "--allowed-hosts" not in str(refused.value), "that is the remedy of another refusal"
    with pytest.raises(UserError, match="correct the user and the password") as caught:
        check_address(f"http://alice:guessed@{guarded}")
    assert "guessed" not in caught.value.message
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "alice")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    check_address(f"http://{guarded}")


def test_the_health_check_reads_the_netrc_file_as_mlflows_client_does(
    guarded: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login alice password secret\n")
    check_address(f"http://{guarded}")
    assert rest_utils.http_request(
        MlflowHostCreds(f"http://{guarded}", token="other"), "/health", "GET"
    ).ok, "the netrc file has precedence over other credentials"
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "other")
    check_address(f"http://{guarded}")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with pytest.raises(UserError, match="correct the user and the password"):
        check_address(f"http://{guarded}")


@pytest.mark.parametrize("content", [b"machine", b"\xff", b"machine elsewhere login a password b"])
def test_a_netrc_file_that_says_nothing_of_the_host_is_ignored(
    content: bytes, guarded: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "logins").write_bytes(content)
    monkeypatch.setenv("NETRC", str(tmp_path / "logins"))
    check_address(f"http://alice:secret@{guarded}")


def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UserError, match=f"no MLflow server answers at http://127.0.0.1:{port}"):
        check_address(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("uri", ["./mlruns", "file:///tmp/mlruns"])
def test_a_folder_is_no_store(uri: str) -> None:
    with pytest.raises(UserError, match="use sqlite:///mlflow"):
        check_address(uri)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("x" * 5000)
    with pytest.raises(UserError, match=r"mlflow.db cannot be used: file is not a database; mend"):
        check_address(f"sqlite:///{tmp_path}/mlflow.db")


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("file/mlflow.db", "the folder .*/file is no folder"),
        ("no/mlflow.db", "the folder .*/no does not exist"),
        ("folder", "it is a folder"),
    ],
)
def test_a_database_in_an_impossible_place(name: str, cause: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(
        UserError,
        match=f"the tracking file {tmp_path}/{name} cannot be used: "
        f"{cause}; mend that, or name another file",
    ):
        check_address(f"sqlite:///{tmp_path}/{name}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_new_sqlite_file_is_read_while_it_is_written(tmp_path: Path) -> None:
    make_store(f"sqlite:///{tmp_path}/mlflow.db")
    database = sqlite3.connect(tmp_path / "mlflow.db")
    mode = database.execute("PRAGMA journal_mode").fetchone()
    database.close()
    assert mode == ("wal",)


def test_a_run_that_ends_before_its_store_is_made_leaves_no_file(tmp_path: Path) -> None:
    check_address(f"sqlite:///{tmp_path}/mlflow.db")
    assert not list(tmp_path.iterdir())


def test_a_new_sqlite_file_that_somebody_else_just_makes_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(
            store_file,
            "time",
            SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: database.rollback()),
        )
        check_address(f"sqlite:///{path}")
        assert not database.in_transaction


def test_artifacts_lie_beside_a_sqlite_file_and_inside_its_folder(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert artifact_location(uri, "a b", tmp_path / "s") == (tmp_path / "mlruns" / "a_b").as_uri()
    assert (
        artifact_location(uri, "../../etc/x", tmp_path / "s")
        == (tmp_path / "mlruns" / ".._.._etc_x").as_uri()
    )
    assert artifact_location("http://host:5000", "a", tmp_path) is None
    assert (
        artifact_location("postgresql://host/runs", "a", tmp_path)
        == (tmp_path / "mlruns" / "a").as_uri()
    )
