"""`sweeper logs`: what the driver of a submitted sweep says, read from the storage."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.commands.shared import add_sweep
from sweeper.errors import UserError

if TYPE_CHECKING:
    from sweeper.sweep import ListedSweep, Sweep

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "logs"
EXAMPLE = "sweeper logs digits --follow"
HELP = "print the log of a sweep that `sweeper submit` sent to a cluster"
PAUSE = 0.5  # seconds
PATIENCE = 60.0  # seconds, in which a driver that has trained everything writes its report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sweep(parser)
    parser.add_argument(
        "--follow", action="store_true", help="go on until the driver of the sweep has ended"
    )


def run(arguments: argparse.Namespace) -> int:
    from sweeper.status.named import sweeps_named
    from sweeper.storage.addresses import show_storage
    from sweeper.storage.paths import driver_log

    newest = sweeps_named(arguments.name, arguments.storage)[-1]
    log = driver_log(newest)
    if not log.is_file():
        raise UserError(
            f"{newest.name} has no log in {show_storage(newest.storage)}: `sweeper submit` writes "
            "one, and `sweeper run` says what it does on its terminal"
        )
    printed = _print_from(log, 0)
    if arguments.follow:
        _follow(newest, log, printed)
    return 0


def _follow(sweep: Sweep | ListedSweep, log: Path, printed: int) -> None:
    """Print what is added to a log until the driver's last line is there.

    Also until nothing has been added for long while nobody runs the sweep: its host was lost.
    """
    from sweeper.storage.attempts import bring_folder
    from sweeper.storage.lease import is_held
    from sweeper.storage.paths import sweep_folder

    silent_since = time.monotonic()
    while is_held(sweep_folder(sweep)) or not _is_ended(log):
        time.sleep(PAUSE)
        bring_folder(log.parent)
        before, printed = printed, _print_from(log, printed)
        if printed > before or is_held(sweep_folder(sweep)):
            silent_since = time.monotonic()
        elif time.monotonic() - silent_since > PATIENCE:
            break
    _print_from(log, printed)


def _is_ended(log: Path) -> bool:
    from cluster.jobs import ENDED

    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - len(ENDED) - 8))
        return ENDED.encode() in file.read()


def _print_from(log: Path, start: int) -> int:
    """Print a file from a position on; returns where it ends."""
    with log.open("rb") as file:
        file.seek(start)
        content = file.read()
    sys.stdout.write(content.decode(errors="replace"))
    sys.stdout.flush()
    return start + len(content)
