"""A PostgreSQL in a folder, which takes connections with a password from this machine only."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cluster.errors import ClusterError
from cluster.mlflow_server import HOST, free_port
from cluster.private_files import private_text
from cluster.processes import command_line

__all__ = ["LocalPostgres"]

DEBIAN = Path("/usr/lib/postgresql")
USER = "sweeper"  # of its database
ACCOUNT = "postgres"  # that it runs as for root, as it refuses to run as root
DRIVERS = ("psycopg2", "psycopg")
PID_LINE, PORT_LINE = 0, 3  # of postmaster.pid
PATIENCE, LOOK_EVERY = 60.0, 0.05  # seconds


@dataclass(frozen=True)
class LocalPostgres:
    """Databases in a folder, and the server for them, which runs as the owner of the folder."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> str:
        """Make the databases if there are none, start the server unless it runs; its address.

        Raises `ClusterError` if PostgreSQL or its driver for Python is not installed, or if it
        does not start.
        """
        driver = next((name for name in DRIVERS if find_spec(name)), None)
        if not driver:
            raise ClusterError(
                "no driver for PostgreSQL is installed: `pip install psycopg2-binary`"
            )
        self._make()
        password = self._password()
        if not self.runs():
            self._await_end()
            options = f"-p {free_port()} -c listen_addresses={HOST} -c unix_socket_directories=''"
            words = ["-D", str(self.data), "-w", "-l", str(self.log), "-o", options, "start"]
            self._do("pg_ctl", *words)
        port = self._facts()[PORT_LINE]
        return f"postgresql+{driver}://{USER}:{password}@{HOST}:{port}/postgres"

    def runs(self) -> bool:
        """Whether its server runs; the file that it leaves behind may name another process."""
        facts = self._facts()
        return bool(facts) and os.fsencode(self.data) in command_line(
            Path("/proc", facts[PID_LINE])
        )

    def _await_end(self) -> None:
        """Wait until a killed server has gone: PostgreSQL takes its zombie for another one."""
        facts, until = self._facts(), time.monotonic() + PATIENCE
        entry = Path("/proc", facts[PID_LINE]) if facts else None
        while entry and entry.exists() and command_line(entry) == [b""]:
            if time.monotonic() > until:
                return
            time.sleep(LOOK_EVERY)

    def stop(self) -> None:
        """End its server, if it runs."""
        if self.runs():
            self._do("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def _facts(self) -> list[str]:
        """The lines of the file that the running server keeps; empty without one."""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _make(self) -> None:
        if self.data.exists():
            return
        self._program("initdb")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._password()
        self._own(self.folder, *self.folder.iterdir())
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        words = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={self.folder / 'password'}"]
        self._do("initdb", "-D", str(unfinished), "-E", "UTF8", "--no-locale", *words)
        unfinished.rename(self.data)

    def _password(self) -> str:
        return private_text(self.folder / "password", secrets.token_urlsafe(24))

    def _own(self, *paths: Path) -> None:
        if account := _account():
            for path in paths:
                os.chown(path, account["user"], account["group"])

    def _program(self, name: str) -> str:
        """The path of a program of PostgreSQL, of the version that made the data."""
        made = self.data / "PG_VERSION"
        version = made.read_text().strip() if made.exists() else "*"
        found = sorted(DEBIAN.glob(f"{version}/bin/{name}"), key=lambda path: float(path.parts[4]))
        program = str(found[-1]) if found else shutil.which(name)
        if not program:
            wanted = "" if version == "*" else f" {version}, which made {self.data},"
            raise ClusterError(
                f"PostgreSQL{wanted} is not installed here: `apt-get install postgresql`, or give "
                "--store the address of a PostgreSQL that runs"
            )
        return program

    def _call(self, name: str, *words: str) -> int:
        """Run one of its programs; returns the exit code."""
        with (self.folder / "commands.log").open("wb") as said:
            return subprocess.run(
                [self._program(name), *words],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                check=False,
                **_account(),
            ).returncode

    def _do(self, name: str, *words: str) -> None:
        if self._call(name, *words):
            files = [self.log] if "start" in words and self.log.exists() else []
            lines = (files or [self.folder / "commands.log"])[0].read_text(errors="replace")
            last = next((one for one in reversed(lines.splitlines()) if one.strip()), "no word")
            raise ClusterError(
                f"PostgreSQL's {name} failed in {self.folder} ({last.strip()}); choose another "
                "--folder, or give --store the address of a PostgreSQL that runs"
            )


def _account() -> Mapping[str, Any]:
    """The user and the groups of PostgreSQL's programs, if this process must not be theirs."""
    if os.geteuid() != 0:
        return {}
    try:
        found = pwd.getpwnam(ACCOUNT)
    except KeyError as error:
        raise ClusterError(
            f"PostgreSQL does not run as root, and this machine has no user {ACCOUNT}: "
            "`apt-get install postgresql`, or run sweeper as another user"
        ) from error
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
