"""A PostgreSQL store: any installed driver will do, and what is missing is named."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sweeper.cli import main
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.tracking.connection import check_address
from sweeper.tracking.database import with_driver
from sweeper.tracking.tracker import Tracking
from tests.sweeper.mlflow_view import THIRD_PARTY, look
from tests.sweeper.small import planned, small_sweep, train
from tests.sweeper.tracking.two_drivers import show_at_once

pytestmark = THIRD_PARTY


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a new PostgreSQL server's database, without a driver."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        refuse = pytest.fail if "SWEEPER_CI" in os.environ else pytest.skip
        refuse("needs PostgreSQL: apt-get install postgresql")
    programs, user = found[-1].parent, "postgres" if os.getuid() == 0 else None
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        Path(folder).chmod(0o777)

        def do(program: str, *arguments: str) -> None:
            subprocess.run(
                [programs / program, *arguments],
                user=user,
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
            )

        do("initdb", "-D", f"{folder}/data", "-U", "me", "-A", "trust")
        do(
            "pg_ctl",
            "-D",
            f"{folder}/data",
            "-w",
            "-l",
            f"{folder}/log",
            "-o",
            f"-p {port} -k {folder} -c listen_addresses=127.0.0.1",
            "start",
        )
        try:
            do("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "me", "runs")
            yield f"postgresql://me@127.0.0.1:{port}/runs"
        finally:
            do("pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")


def without_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("psycopg2", "psycopg", "pymysql"):
        monkeypatch.setitem(sys.modules, name, None)


def test_a_plain_address_takes_the_driver_that_is_installed(postgres: str, tmp_path: Path) -> None:
    assert with_driver(postgres) == postgres.replace("postgresql:", "postgresql+psycopg2:")
    sweep = small_sweep(tmp_path, planned(), tracking=postgres)
    outcome = run(sweep, RunOptions(inline=True, console=Console(file=io.StringIO())))
    assert (outcome.finished, outcome.tracking_uri) == (1, postgres)
    seen = look(with_driver(postgres))
    assert seen.statuses == {sweep.trials[0].id: "FINISHED"}
    assert [parent.info.status for parent in seen.parents] == ["FINISHED"]
    files = (sweep.storage / "mlruns" / sweep.experiment).glob("*/artifacts/*")
    names = sorted(path.name for path in files)
    assert names == ["gallery.png", "grid.yaml", "trials.json", "worker.log"]


def test_two_drivers_that_show_a_trial_at_once_make_one_run(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking = with_driver(postgres)
    sweep = replace(small_sweep(tmp_path, tracking=tracking), experiment="two-drivers")
    train(sweep)
    first, second = (Tracking(sweep, {"host": "here"}) for _ in range(2))
    show_at_once(first, second, sweep, monkeypatch)
    assert look(tracking, "two-drivers").statuses == {sweep.trials[0].id: "FINISHED"}


def test_the_driver_stays_the_one_that_is_named() -> None:
    for uri in (
        "postgresql+psycopg://me@host/runs",
        "mysql+pymysql://me@host/runs",
        "http://host:5000",
        "sqlite:////tmp/mlflow.db",
    ):
        assert with_driver(uri) == uri
    assert with_driver("postgresql://me:secret@host/runs").endswith("://me:secret@host/runs")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (
            "postgresql://me@127.0.0.1:1/runs",
            "no driver for postgresql databases is installed .*: "
            "`pip install psycopg2-binary` and postgresql://user@host/name works",
        ),
        (
            "postgresql+psycopg2://me@127.0.0.1:1/runs",
            "`pip install psycopg2-binary` and postgresql",
        ),
        ("postgresql+psycopg://me@127.0.0.1:1/runs", r"`pip install psycopg\[binary\]`"),
        ("mysql+pymysql://me@127.0.0.1:1/runs", "`pip install pymysql` and mysql.pymysql://user"),
    ],
)
def test_a_missing_driver_is_named_with_its_remedy(
    uri: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_drivers(monkeypatch)
    with pytest.raises(UserError, match=message):
        check_address(uri)


def test_a_database_that_is_not_there(postgres: str) -> None:
    with pytest.raises(UserError, match=r'cannot be opened .*database "none" does not exist'):
        check_address(postgres.removesuffix("runs") + "none")


def test_a_server_that_is_down_and_no_password_on_the_screen() -> None:
    with pytest.raises(UserError, match=r"cannot be opened .*refused") as caught:
        check_address("postgresql://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)


def test_what_is_no_address() -> None:
    with pytest.raises(UserError, match="cannot be read; write it as"):
        check_address("postgresql://me@host:port/runs")
    with pytest.raises(UserError, match="no address that MLflow can write to"):
        check_address("ftp://host/runs")


def test_pages_of_what_is_no_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ui", "--tracking", "postgresql://me@127.0.0.1:bad/none"]) == 2
    assert "cannot be read" in capsys.readouterr().err
