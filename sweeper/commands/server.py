"""`sweeper server`: start MLflow's server for good, with a database, files and a password."""

from __future__ import annotations

import argparse
import shlex
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.commands.shared import add_json
from sweeper.errors import UserError
from sweeper.terminal.screen import console, print_json

if TYPE_CHECKING:
    from cluster.tracking_server import TrackingServer

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "server"
EXAMPLE = "sweeper server up --folder server"
HELP = "start, show and end an MLflow server that keeps the runs of many sweeps and hosts"
PATIENCE = {"up": 60.0, "status": 15.0}  # seconds in which a server that is busy may not answer
ACTIONS = {
    "up": "start it, unless it runs, and wait until it takes what is written to it",
    "status": "its address, store and process; does it take what is written?",
    "down": "end it, and the PostgreSQL that it has started",
}
SETTINGS = ("store", "host", "port", "names")
ANY = "Default"  # MLflow's own experiment, which every server has


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(
        title="actions", dest="action", metavar="ACTION", required=True
    )
    up, status, down = (
        actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        for name, text in ACTIONS.items()
    )
    up.add_argument(
        "--store",
        metavar="STORE",
        help="sqlite: a file in the folder; postgresql: a PostgreSQL in the folder, started with "
        "the server; or the address of a database, whose password ~/.pgpass may hold (default: as "
        "last time, at first sqlite)",
    )
    up.add_argument(
        "--host",
        metavar="ADDRESS",
        help="where it listens; beyond 127.0.0.1 it asks for a password (default: as last time, "
        "at first 127.0.0.1)",
    )
    up.add_argument("--port", type=int, help="(default: as last time, at first 5000)")
    up.add_argument(
        "--name",
        dest="names",
        action="append",
        metavar="NAME",
        help="a host name by which browsers and sweeps may call it, beside this host's; may be "
        "given several times",
    )
    for one in (up, status, down):
        one.add_argument(
            "--folder",
            metavar="DIR",
            type=Path,
            default=Path("server"),
            help="where it keeps everything (default: ./server)",
        )
        add_json(one)


def run(arguments: argparse.Namespace) -> int:
    from cluster.tracking_server import TrackingServer

    check = partial(_require_write, patience=PATIENCE.get(arguments.action, 0.0))
    server = TrackingServer(arguments.folder.expanduser(), check)
    return {"up": _up, "status": _status, "down": _down}[arguments.action](server, arguments)


def _up(server: TrackingServer, arguments: argparse.Namespace) -> int:
    asked = {name: value for name in SETTINGS if (value := getattr(arguments, name)) is not None}
    if "names" in asked:
        asked["names"] = tuple(asked["names"])
    if "store" in asked:
        asked["store"] = _store(asked["store"])
    started = server.up(asked)
    row = _row(server) | {"started": started, "answers": True}
    if arguments.json:
        print_json(row)
    else:
        known = "answers" if started else "runs already, and answers"
        _say([f"MLflow {known} at {row['address']}", *_how_to_use(server, row)])
    return 0


def _status(server: TrackingServer, arguments: argparse.Namespace) -> int:
    """Exit code 0 if it runs and takes what is written."""
    row, trouble = _row(server), _trouble(server)
    if arguments.json:
        print_json(row | {"answers": not trouble, "trouble": trouble or None})
    elif trouble:
        raise UserError(trouble)
    else:
        _say(
            [
                f"MLflow answers at {row['address']}",
                f"  process: {row['pid']}",
                *_how_to_use(server, row),
            ]
        )
    return 2 if trouble else 0


def _down(server: TrackingServer, arguments: argparse.Namespace) -> int:
    ended = server.down()
    if arguments.json:
        print_json({"folder": str(server.folder), "ended": ended})
    else:
        what = "has ended" if ended else "did not run"
        _say([f"the server of {server.folder} {what}; `sweeper server up` starts it"])
    return 0


def _row(server: TrackingServer) -> dict[str, Any]:
    """What is known of a server, without its passwords."""
    from analysis.sources.tracking_address import without_password

    password = server.password_file
    return {
        "folder": str(server.folder),
        "address": server.address,
        "store": without_password(server.settings.store),
        "pid": server.process or None,
        "log": str(server.log),
        "password_file": str(password) if password else None,
    }


def _trouble(server: TrackingServer) -> str:
    """Why the server cannot be used, in a sentence; "" if it can."""
    if not server.process:
        return f"no server runs in {server.folder}: `sweeper server up` starts it"
    if lost := server.lost:
        return (
            f"{lost} has ended by itself ({server.log} has its last words): `sweeper server up` "
            "starts it again"
        )
    try:
        server.check()
    except UserError as error:
        return str(error)
    return ""


def _how_to_use(server: TrackingServer, row: dict[str, Any]) -> list[str]:
    from analysis.sources.run_links import run_pages
    from cluster.mlflow_login import USER

    lines = [
        *(f"  runs: {page}" for page in run_pages(server.own_uri, row["address"])),
        f"  store: {row['store']}; all else is in {row['folder']}",
        f"  in a grid: `tracking: {row['address']}`",
    ]
    if not row["password_file"]:
        return lines
    word = shlex.quote(row["password_file"])
    return [
        *lines,
        f"  to log in: export MLFLOW_TRACKING_USERNAME={USER} "
        f'MLFLOW_TRACKING_PASSWORD="$(cat {word})"',
        "  the password and all records cross the network as plain text: where others can listen, "
        "put a proxy with TLS before it, or reach it through an ssh tunnel",
    ]


def _store(named: str) -> str:
    """The store as `TrackingServer` takes it; raises `UserError` if it cannot be opened."""
    from cluster.tracking_server import POSTGRESQL, SQLITE
    from sweeper.errors import placed
    from sweeper.storage.addresses import tracking_uri
    from sweeper.tracking.connection import check_address
    from sweeper.tracking.database import with_driver

    if named in (SQLITE, POSTGRESQL):
        return named
    with placed((None, None, "--store")):
        if named.startswith(("http://", "https://")) or "://" not in named:
            raise UserError(
                f"must be {SQLITE}, {POSTGRESQL} or the address of a database, not {named!r}"
            )
        uri = tracking_uri(named)
        check_address(uri)
    return with_driver(uri)


def _require_write(uri: str, patience: float) -> None:
    """Raise `UserError` unless a server takes what is written, within `patience` seconds."""
    from sweeper.tracking.server_check import Unwell, check_server_takes

    until = time.monotonic() + patience
    while True:
        try:
            return check_server_takes(uri, ANY)
        except Unwell:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _say(lines: list[str]) -> None:
    console().print("\n".join(lines), markup=False, soft_wrap=True)
