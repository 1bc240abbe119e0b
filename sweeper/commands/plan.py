"""`sweeper plan`: what a grid would run, and about how long; starts nothing."""

from __future__ import annotations

import argparse

from sweeper.commands.shared import add_grid, add_json, load_grid
from sweeper.terminal.screen import console, print_json

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "plan"
EXAMPLE = "sweeper plan digits"
HELP = "show a grid's trials, twins, parameters, memory and time; starts nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_grid(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sweeper.planning.outline import outline
    from sweeper.storage.registration import registration

    sweep = load_grid(arguments)
    plan = outline(sweep)
    if arguments.json:
        print_json({**plan.to_json(), "registration": registration(plan.sweep)})
    else:
        from sweeper.terminal.plan_table import draw

        draw(console(), plan)
    return 0
