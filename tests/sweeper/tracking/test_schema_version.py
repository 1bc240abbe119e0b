"""A database of another MLflow is refused before anything is trained, with what helps."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sweeper.doctor import surroundings
from sweeper.tracking.connection import check_address
from sweeper.tracking.schema_version import OtherSchema, check_schema, revisions
from tests.sweeper.mlflow_view import THIRD_PARTY

pytestmark = THIRD_PARTY
OLDER = "acf3f17fdcc7"


def test_the_installed_version_is_that_of_a_new_store(blank_store: Path) -> None:
    with closing(sqlite3.connect(blank_store)) as database:
        [(found,)] = database.execute("SELECT version_num FROM alembic_version")
    known, newest = revisions()
    assert newest == found
    assert OLDER in known
    check_address(f"sqlite:///{blank_store}")


@pytest.mark.parametrize(
    ("version", "remedy"),
    [(OLDER, "run `mlflow db upgrade "), ("fffffffffff0", "pip install --upgrade mlflow")],
)
def test_another_version(tmp_path: Path, blank_store: Path, version: str, remedy: str) -> None:
    folder = tmp_path / "what? it's"
    folder.mkdir()
    path = folder / "mlflow.db"
    shutil.copy(blank_store, path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))
    uri = "sqlite:///" + str(path).replace("?", "%3F")
    with pytest.raises(OtherSchema) as caught:
        check_address(uri)
    assert remedy in caught.value.message
    found = surroundings.tracking(uri)
    assert (found.verdict, found.remedy) == ("stop", caught.value.message)


def test_the_command_is_quoted_and_has_no_password() -> None:
    with pytest.raises(OtherSchema) as caught:
        check_schema("postgresql://me:secret@host/a b", OLDER)
    assert "`mlflow db upgrade 'postgresql://me:***@host/a b'`" in caught.value.message
