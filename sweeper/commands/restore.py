"""`sweeper restore`: bring the sweeps of an archive back into a storage."""

from __future__ import annotations

import argparse

from sweeper.commands.shared import add_json
from sweeper.terminal.screen import busy, console, print_json

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "restore"
EXAMPLE = "sweeper restore digits.tar.gz"
HELP = "bring the sweeps of an archive back into a storage; `sweeper reconcile` fills MLflow"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("archive", metavar="FILE", help="a file that `sweeper archive` wrote")
    parser.add_argument(
        "--storage",
        metavar="DIR",
        default="sweeps",
        help="storage, a folder or s3://... (default: ./sweeps)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from sweeper.removal.archive import restore
    from sweeper.storage.addresses import show_storage, storage_path
    from sweeper.storage.ledger import check_writable

    storage = storage_path(arguments.storage)
    check_writable(storage)
    with busy(f"restoring {arguments.archive}"):
        found = restore(Path(arguments.archive).expanduser().absolute(), storage)
    shown = show_storage(storage)
    if arguments.json:
        print_json(
            {
                "storage": shown,
                "sweeps": [name for _, name in found.sweeps],
                "trials": found.trials,
                "present": found.present,
            }
        )
        return 0
    names = ", ".join(name for _, name in found.sweeps)
    there = f", of which {found.present} were there already and stay" if found.present else ""
    screen = console()
    screen.print(
        f"{names}: {found.trials} trials are in {shown}{there}", markup=False, soft_wrap=True
    )
    for experiment in dict.fromkeys(experiment for experiment, _ in found.sweeps):
        screen.print(
            f"`sweeper reconcile {experiment}` shows them in MLflow, `sweeper report "
            f"{experiment}` writes the report",
            markup=False,
            soft_wrap=True,
        )
    return 0
