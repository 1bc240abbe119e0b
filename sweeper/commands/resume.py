"""`sweeper resume`: continue a sweep in the storage, without the grid's file."""

from __future__ import annotations

import argparse

from sweeper.commands.run import add_training, train
from sweeper.commands.shared import add_json

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "resume"
EXAMPLE = "sweeper resume digits"
HELP = "continue an experiment's newest sweep, from the grid that the storage keeps"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="EXPERIMENT", help="an experiment, or one of its sweeps")
    parser.add_argument(
        "--storage",
        metavar="DIR",
        default="sweeps",
        help="storage folder that holds it (default: ./sweeps)",
    )
    parser.add_argument(
        "--tracking", metavar="URI", help="in place of the store that the sweep wrote to"
    )
    add_training(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sweeper.status.stored import load_again, stored_sweeps
    from sweeper.storage.addresses import storage_path

    newest = stored_sweeps(storage_path(arguments.storage), arguments.name)[-1]
    return train(load_again(newest, arguments.tracking), arguments)
