"""`sweeper plan`: what a grid would run, and about how long; starts nothing.

With ``--store`` it also writes the sweep and its trials to the storage, from which `python -m
trainers` trains them on a machine that has neither sweeper's dependencies nor Ray.
"""

from __future__ import annotations

import argparse
import shlex

from sweeper.commands.shared import add_grid, add_json, load_grid
from sweeper.terminal.screen import busy, console, print_json

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "plan"
EXAMPLE = "sweeper plan digits"
HELP = "show a grid's trials, twins, parameters, memory and time; starts nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_grid(parser)
    add_json(parser)
    parser.add_argument(
        "--store",
        action="store_true",
        help="write the trials to the storage, where `python -m trainers STORAGE` finds them",
    )


def run(arguments: argparse.Namespace) -> int:
    from sweeper.planning.outline import outline
    from sweeper.storage.addresses import show_storage
    from sweeper.storage.registration import registration

    with busy(f"reading {arguments.grid}"):
        sweep = load_grid(arguments)
        plan = outline(sweep)
    if arguments.store:
        from sweeper.driver.storing import store

        store(sweep)
    if arguments.json:
        more = {"storage": show_storage(sweep.storage), "registration": registration(plan.sweep)}
        print_json({**plan.to_json(), **more})
    else:
        from sweeper.terminal.plan_table import draw

        draw(console(), plan)
        if arguments.store:
            command = shlex.join(["python", "-m", "trainers", str(sweep.storage)])
            console().print(f"stored   `{command}` trains it", markup=False, soft_wrap=True)
    return 0
