"""`sweeper logs`: what the driver of a submitted sweep says, read from the storage."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from sweeper.commands.shared import add_sweep
from sweeper.errors import UserError

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "logs"
EXAMPLE = "sweeper logs digits --follow"
HELP = "print what the driver of a sweep that `sweeper submit` sent to a cluster says"
PAUSE = 0.5  # seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sweep(parser)
    parser.add_argument(
        "--follow", action="store_true", help="go on until the driver of the sweep has ended"
    )


def run(arguments: argparse.Namespace) -> int:
    from sweeper.commands.status import sweeps_of
    from sweeper.storage.lease import is_held
    from sweeper.storage.paths import driver_log, sweep_folder

    newest = sweeps_of(arguments)[-1]
    log = driver_log(newest)
    if not log.is_file():
        raise UserError(
            f"{newest.name} has no log in {newest.storage}: `sweeper submit` writes one, and "
            "`sweeper run` says what it does on its terminal"
        )
    printed = _print_from(log, 0)
    while arguments.follow and is_held(sweep_folder(newest)):
        time.sleep(PAUSE)
        printed = _print_from(log, printed)
    _print_from(log, printed)
    return 0


def _print_from(log: Path, start: int) -> int:
    """Print a file from a position on; returns where it ends."""
    with log.open("rb") as file:
        file.seek(start)
        content = file.read()
    sys.stdout.write(content.decode(errors="replace"))
    sys.stdout.flush()
    return start + len(content)
