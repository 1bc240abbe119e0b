"""`sweeper stop`: end a running sweep in good order, from another terminal."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from sweeper.commands.shared import add_json, add_sweep
from sweeper.terminal.screen import console, print_json

if TYPE_CHECKING:
    from sweeper.sweep import ListedSweep, Sweep

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "stop"
EXAMPLE = "sweeper stop digits"
HELP = "end a running sweep: each trial finishes its epoch and saves a checkpoint"
PAUSE = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sweep(parser)
    parser.add_argument(
        "--patience",
        metavar="S",
        type=float,
        default=600.0,
        help="seconds to wait for the end (default: 600)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sweeper.status.named import sweeps_named
    from sweeper.status.standing import counts, standings
    from sweeper.storage.attempts import bring_all
    from sweeper.storage.lease import is_held
    from sweeper.storage.paths import sweep_folder
    from sweeper.storage.signs import StopSign

    sweeps = sweeps_named(arguments.name, arguments.storage)
    driven = [sweep for sweep in sweeps if is_held(sweep_folder(sweep))]
    for sweep in driven:
        StopSign(sweep_folder(sweep)).put_up()
    left = _wait(driven, arguments.patience)
    bring_all(sweeps[-1].storage)
    counted = counts(standings(sweeps))
    row = {
        "experiment": sweeps[-1].experiment,
        "asked": [sweep.name for sweep in driven],
        "running": [sweep.name for sweep in left],
        "counts": counted,
    }
    if arguments.json:
        print_json(row)
    else:
        said = ", ".join(f"{count} {status}" for status, count in counted.items() if count)
        verb = (
            "nobody runs it"
            if not driven
            else "still ends its epochs; ask again later"
            if left
            else "stopped; `sweeper run` with its grid goes on"
        )
        console().print(
            f"{row['experiment']}: {verb} ({said or 'empty'})", markup=False, soft_wrap=True
        )
    return 1 if left else 0


def _wait(driven: list[Sweep | ListedSweep], patience: float) -> list[Sweep | ListedSweep]:
    """Wait for the drivers to end; returns the sweeps still held after `patience` seconds."""
    from sweeper.storage.lease import is_held
    from sweeper.storage.paths import sweep_folder

    until = time.monotonic() + patience
    while left := [sweep for sweep in driven if is_held(sweep_folder(sweep))]:
        if time.monotonic() > until:
            break
        time.sleep(PAUSE)
    return left
