"""Addresses of tracking stores are made and read by one module, and shown without passwords."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import sqlalchemy

from analysis.sources.mlflow_login import authorization
from analysis.sources.tracking_address import (
    has_no_password,
    sqlite_address,
    sqlite_path,
    without_password,
    without_user,
)

NAMES = [
    "what?",
    "a%20b",
    "a%",
    "ü",
    "two words",
    "a#b",
    "a;b",
    "it's",
    'say "x"',
    "a=b?c=d",
    "a&b",
    "@:",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_any_name_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "mlflow.db"
    assert sqlite_path(sqlite_address(path)) == path


@pytest.mark.parametrize("name", NAMES)
def test_sqlalchemy_opens_the_same_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "mlflow.db"
    path.parent.mkdir()
    engine = sqlalchemy.create_engine(sqlite_address(path))
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE one (two INTEGER)"))
    engine.dispose()
    assert [found.relative_to(tmp_path) for found in tmp_path.rglob("*.db")] == [
        path.relative_to(tmp_path)
    ]


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:///mlflow.db", "mlflow.db"),
        ("sqlite:////x/what?/mlflow.db", "/x/what?/mlflow.db"),
        ("sqlite:////x/mlflow.db?timeout=10", "/x/mlflow.db"),
        ("sqlite:////x/a%2520b/mlflow.db", "/x/a%20b/mlflow.db"),
    ],
)
def test_what_a_user_writes(uri: str, path: str) -> None:
    assert sqlite_path(uri) == Path(path)


@pytest.mark.parametrize("uri", ["sqlite:///", "sqlite:///:memory:", "http://host:5000"])
def test_what_is_no_file(uri: str) -> None:
    assert sqlite_path(uri) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://alice:secret@host:5000", "http://alice:***@host:5000"),
        ("mysql+pymysql://alice:se/c@ret@host/db", "mysql+pymysql://alice:***@host/db"),
        (
            "postgresql://host/db?user=me&password=secret",
            "postgresql://host/db?user=me&password=***",
        ),
        (
            "no answer (http://alice:secret@h:1/x), ask bob@h",
            "no answer (http://alice:***@h:1/x), ask bob@h",
        ),
        ("http://host:5000 and me@host", "http://host:5000 and me@host"),
        ("sqlite:////x/a@b/mlflow.db", "sqlite:////x/a@b/mlflow.db"),
        ("http://alice@host:5000", "http://alice@host:5000"),
    ],
)
def test_a_password_is_not_shown(text: str, shown: str) -> None:
    assert without_password(text) == shown
    assert without_password(shown) == shown
    assert has_no_password(shown) == (shown != text)


def test_a_link_has_neither_user_nor_password() -> None:
    assert without_user("https://alice:secret@host:5000/a?b#c") == "https://host:5000/a?b#c"


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    return tmp_path


def test_credentials_of_the_address_come_first(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "token")
    assert authorization("http://host") == "Bearer token"
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "other")
    assert authorization("http://host") == basic("bob:other")
    assert authorization("http://alice:s%40cret@host") == basic("alice:s@cret")


def test_credentials_of_the_file(home: Path) -> None:
    assert authorization("http://host") is None
    (home / ".mlflow").mkdir()
    (home / ".mlflow" / "credentials").write_text(
        "[mlflow]\nmlflow_tracking_username = carol\nmlflow_tracking_password = 50%\n"
    )
    assert authorization("http://host") == basic("carol:50%")
