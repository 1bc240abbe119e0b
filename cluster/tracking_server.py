"""An MLflow server that outlives the command that started it, with all that is its in a folder."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cluster.errors import ClusterError
from cluster.mlflow_login import Login
from cluster.mlflow_server import EVERYWHERE, HOST, MlflowServer
from cluster.postgres import LocalPostgres
from cluster.private_files import write_private
from cluster.processes import alive, in_session

__all__ = ["POSTGRESQL", "SQLITE", "ServerSettings", "TrackingServer"]

SQLITE, POSTGRESQL = "sqlite", "postgresql"
OUTSIDE = ("192.0.2.1", 9)  # an address of no host, to which nothing is sent


@dataclass(frozen=True)
class ServerSettings:
    """How a server is started.

    Parameters
    ----------
    store : ``sqlite``: a file in the folder; ``postgresql``: a PostgreSQL in the folder, which is
        started and ended with the server; or the address of a database. host : the address where
        it listens. names : host names by which it may be called, beside those of this host.
    """

    store: str = SQLITE
    host: str = HOST
    port: int = 5000
    names: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether other machines reach it."""
        return not (self.host == "localhost" or self.host.startswith("127."))

    def all_names(self) -> tuple[str, ...]:
        """The names by which it may be called, the best one first; empty on this machine alone."""
        if not self.open:
            return self.names
        own = _own_names() if self.host in EVERYWHERE else (self.host,)
        return tuple(dict.fromkeys((*self.names, *own)))


class TrackingServer:
    """The server of a folder: its settings, its process, its database, files and password.

    Parameters
    ----------
    check : takes the server's address, with its password, and raises an error of its choice if
        the server does not take what is written to it.
    """

    def __init__(self, folder: Path, check: Callable[[str], None]) -> None:
        self.folder, self._check = folder.absolute(), check
        self._settings_file = self.folder / "settings.json"
        self._process_file = self.folder / "process.json"
        self._empty = self.folder / "empty"  # where it runs
        self.log = self.folder / "log"
        self._login = Login(self.folder / "login")
        self._postgres = LocalPostgres(self.folder / "postgres")

    @property
    def settings(self) -> ServerSettings:
        """As it was last started; raises `ClusterError` for a folder that is not a server's."""
        try:
            row = json.loads(self._settings_file.read_text(encoding="utf-8"))
            return ServerSettings(**{**row, "names": tuple(row["names"])})
        except FileNotFoundError:
            if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
                raise self._foreign() from None
            return ServerSettings()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise self._foreign() from error

    @property
    def process(self) -> int:
        """The number of the process that was started and not ended by `down`; 0 without one.

        Raises `ClusterError` if it was started on another host.
        """
        row = self._row()
        if row and row["host"] != socket.gethostname():
            raise ClusterError(
                f"the server of {self.folder} was started on the host {row['host']}: use this "
                f"command there, or delete {self._process_file} if that host is gone"
            )
        return int(row.get("pid", 0))

    @property
    def lost(self) -> str:
        """What of it should run and does not, as a sentence's subject; "" if all of it runs."""
        if self.process not in self._family():
            return f"the server of {self.folder}"
        if self.settings.store == POSTGRESQL and not self._postgres.runs():
            return f"the PostgreSQL of the server of {self.folder}"
        return ""

    @property
    def address(self) -> str:
        """Its address for other programs, and for other machines if they reach it."""
        settings = self.settings
        name = next(iter(settings.all_names()), settings.host)
        return f"http://{name}:{settings.port}"

    @property
    def own_uri(self) -> str:
        """Its address for programs on this host, with its password if it asks for one."""
        return self._mlflow(self.settings).own_uri

    @property
    def password_file(self) -> Path | None:
        """The file with the password of its user; None if it asks for none."""
        return self._login.password_file if self.settings.open else None

    def up(self, asked: Mapping[str, Any]) -> bool:
        """Start it with settings that are asked for, the others as last time.

        Returns whether it was started, and did not run already. Raises `ClusterError` if it cannot
        be started, or runs with other settings.
        """
        with self._alone():
            known = self.settings
            settings = replace(known, **asked)
            if not self.lost:
                self._require_same(known, settings)
                self.check()
                return False
            self._end()
            self._require_startable(settings)
            self._keep(settings)
            try:
                self._start(settings)
                self.check()
            except BaseException:
                self._keep(known)
                self._end()
                raise
        return True

    def check(self) -> None:
        """Raise the error of `check` if the server, which runs, does not take what is written."""
        self._check(self.own_uri)

    def down(self) -> bool:
        """End it, and the PostgreSQL of its folder; returns whether one of them ran."""
        self.settings  # noqa: B018 - raises for a folder that is not a server's
        if not self._settings_file.exists():
            return False
        with self._alone():
            return self._end()

    def _mlflow(self, settings: ServerSettings, store: str = "") -> MlflowServer:
        return MlflowServer(
            store,
            settings.port,
            self.folder / "artifacts",
            settings.host,
            settings.all_names(),
            self._login if settings.open else None,
        )

    def _start(self, settings: ServerSettings) -> None:
        store = {
            SQLITE: lambda: f"sqlite:///{self.folder / 'mlflow.db'}",
            POSTGRESQL: self._postgres.start,
        }.get(settings.store, lambda: settings.store)()
        self._empty.mkdir(exist_ok=True)
        self._mlflow(settings, store).start(self._empty, self.log, self._remember)

    def _keep(self, settings: ServerSettings) -> None:
        write_private(self._settings_file, json.dumps(asdict(settings)))

    def _remember(self, pid: int) -> None:
        row = {"pid": pid, "host": socket.gethostname()}
        write_private(self._process_file, json.dumps(row))

    def _family(self) -> list[int]:
        """The processes of the server: that which was started, and its children."""
        return in_session(self.process, self._empty) if self.process else []

    def _end(self) -> bool:
        family = self._family()
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # by SIGTERM it takes seconds
        while any(map(alive, family)):
            time.sleep(0.02)
        self._process_file.unlink(missing_ok=True)
        database = self._postgres.runs()
        self._postgres.stop()
        return bool(family) or database

    def _row(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._process_file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}

    def _require_startable(self, settings: ServerSettings) -> None:
        if found := [sign for sign in "%?#" if sign in str(self.folder)]:
            raise ClusterError(
                f"the folder {self.folder} has a {found[0]} in its name, which addresses of "
                "databases cannot have; choose another with --folder"
            )
        if settings.open and not find_spec("flask_wtf"):
            raise ClusterError(
                "a server that other machines reach asks for a password, for which MLflow needs "
                "Flask-WTF: `pip install 'sweeper[cluster]'`, or listen on 127.0.0.1"
            )
        self._mlflow(settings).require_free()

    def _require_same(self, known: ServerSettings, asked: ServerSettings) -> None:
        other = [name for name, value in asdict(known).items() if asdict(asked)[name] != value]
        if other:
            raise ClusterError(
                f"the server of {self.folder} runs, and with another {' and '.join(other)}; "
                "`sweeper server down` ends it, or choose another --folder for a second one"
            )

    def _foreign(self) -> ClusterError:
        return ClusterError(
            f"{self.folder} is there, and is not the folder of a server that `sweeper server up` "
            "has made; choose another with --folder"
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other commands from the folder during the block."""
        try:
            self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
            lock = os.open(self.folder, os.O_RDONLY)
        except OSError as error:
            raise ClusterError(
                f"the folder {self.folder} cannot be used ({error.strerror}); choose another with "
                "--folder"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _own_names() -> tuple[str, ...]:
    """The names of this host, and its address towards others."""
    name = socket.gethostname()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(OUTSIDE)
            address = [str(probe.getsockname()[0])]
        except OSError:
            address = []
    return (name, socket.getfqdn(name), *address)
