"""`sweeper doctor`: check whether a sweep can run on this machine, with remedies."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from sweeper.commands.shared import add_json
from sweeper.terminal.screen import console, print_json

if TYPE_CHECKING:
    from sweeper.doctor.finding import Finding

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "doctor"
EXAMPLE = "sweeper doctor"
HELP = "look at versions, machine, storage, tracking and data: would a sweep run here?"
STYLES = {"ok": "green", "note": "yellow", "stop": "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--storage", metavar="DIR", default="sweeps", help="storage folder (default: ./sweeps)"
    )
    parser.add_argument(
        "--tracking",
        metavar="URI",
        help="the grid's `tracking` (default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db)",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        default="local",
        help="the grid's `cluster`: look at each of its nodes, too (default: local)",
    )
    parser.add_argument("--full", action="store_true", help="start Ray on this machine, too")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    found = _findings(arguments)
    stops = sum(finding.verdict == "stop" for finding in found)
    if arguments.json:
        print_json({"stops": stops, "findings": [asdict(finding) for finding in found]})
    else:
        _show(found, stops)
    return 1 if stops else 0


def _findings(arguments: argparse.Namespace) -> list[Finding]:
    from sweeper.doctor import doors, machine, surroundings
    from sweeper.errors import placed
    from sweeper.grid.schema import require_tracker
    from sweeper.storage.addresses import default_tracking, storage_path, tracking_uri

    with placed((None, None, "--tracking")):
        uri = tracking_uri(require_tracker(arguments.tracking or default_tracking()))
    folder = storage_path(arguments.storage)
    found = [
        machine.python(),
        *machine.packages(),
        machine.cores(),
        machine.memory(),
        machine.processor(),
        machine.gpu(),
        surroundings.storage(folder),
    ]
    if found[-1].verdict == "ok":
        found += [surroundings.disk(folder), surroundings.locks(folder)]
    found += [surroundings.tracking(uri), surroundings.data()]
    found += [doors.token(arguments.cluster), *doors.listening()]
    if arguments.cluster != "local":
        from sweeper.doctor.every_node import nodes

        return [*found, *nodes(arguments.cluster, folder)]
    return [*found, surroundings.ray()] if arguments.full else found


def _show(found: list[Finding], stops: int) -> None:
    from rich.table import Table
    from rich.text import Text

    screen = console()
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in found:
        words = Text(finding.found)
        if finding.remedy:
            words.append(f"\n{finding.remedy}", style="dim")
        table.add_row(Text(finding.verdict, style=STYLES[finding.verdict]), finding.name, words)
    screen.print(table)
    screen.print()
    things = "one thing" if stops == 1 else f"{stops} things"
    screen.print(
        f"{things} would stop a sweep" if stops else "a sweep can run here",
        style="bold red" if stops else "green",
    )
