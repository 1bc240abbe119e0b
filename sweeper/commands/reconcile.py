"""`sweeper reconcile`: make MLflow's runs equal to the storage."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from sweeper.commands.shared import add_json
from sweeper.terminal.screen import console, print_json, progress

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "reconcile"
EXAMPLE = "sweeper reconcile digits"
HELP = "repair MLflow from the storage, also into another store; deletes duplicate runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        metavar="EXPERIMENT",
        nargs="?",
        help="an experiment, or one of its sweeps (default: all)",
    )
    parser.add_argument(
        "--storage",
        metavar="DIR",
        default="sweeps",
        help="storage folder that holds it (default: ./sweeps)",
    )
    parser.add_argument(
        "--tracking",
        metavar="URI",
        help="store to fill, in place of the one that the sweep wrote to",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sweeper.errors import placed
    from sweeper.grid.schema import require_tracker
    from sweeper.status.stored import stored_sweeps
    from sweeper.storage.addresses import show_storage, storage_path, tracking_uri
    from sweeper.tracking.reconcile import reconcile

    with placed((None, None, "--tracking")):
        uri = tracking_uri(require_tracker(arguments.tracking)) if arguments.tracking else None
    folder = storage_path(arguments.storage)
    stored = stored_sweeps(folder, arguments.name)
    trials = sum(len(one.sweep.trials) for one in stored)
    with progress("bringing MLflow up to date", trials) as step:
        found = [reconcile(one, uri, step) for one in stored]
    if arguments.json:
        print_json({"sweeps": [asdict(one) for one in found]})
        return 0
    if not found:
        console().print(f"no sweeps in {show_storage(folder)}", markup=False, soft_wrap=True)
    for one in found:
        console().print(
            f"{one.sweep}: {one.trials} trials in {one.tracking_uri} ({one.created} runs created, "
            f"{one.replaced} made anew, {one.twins} duplicates deleted)",
            markup=False,
            soft_wrap=True,
        )
        if one.refused:
            console().print(
                f"not every picture, table and model was taken: {one.refused}",
                markup=False,
                soft_wrap=True,
            )
    return 0
