"""`sweeper equivalence`: test whether aliases such as (σ, β) and σ√β are equivalent."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sweeper.commands.report import declared
from sweeper.commands.shared import add_experiment, add_json, load_experiment, settings
from sweeper.commands.tables import add_margin, add_pair, add_table, columns, from_table, pairs
from sweeper.errors import UserError
from sweeper.terminal.screen import console, print_bullets, print_json

if TYPE_CHECKING:
    from analysis.sources.schema import Experiment

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "equivalence"
EXAMPLE = "sweeper equivalence digits --margin 0.1"
HELP = "test whether (σ, β) and σ√β, (α, β) and αβ, or any two groups of runs came out the same"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser, optional=True)
    add_margin(parser)
    add_table(parser, " whose values are settings")
    add_pair(parser, " (other runs only)")
    parser.add_argument(
        "--by", metavar="FIELD", help="or every pair of values of this column (other runs only)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    if from_table(arguments, ("margin",)):
        return _run_table(arguments)
    from analysis.equivalence import examine

    experiment = load_experiment(arguments)
    margin, post_hoc = _margin(experiment, arguments.margin)
    found = examine(experiment, margin, post_hoc)
    verdicts = [
        {**one.to_json(), "level": level, "sentence": one.sentence()}
        for level, every in found.verdicts.items()
        for one in every
    ]
    refusals = [f"{level}: {reason}" for level, reason in found.refusals.items()]
    refusals += [found.note] * bool(found.note)
    if arguments.json:
        print_json(
            {
                "experiment": experiment.name,
                "margin": margin,
                "post_hoc": post_hoc,
                "verdicts": verdicts,
                "refusals": refusals,
            }
        )
        return 0
    screen = console()
    print_bullets(screen, [verdict["sentence"] for verdict in verdicts] + refusals)
    if not verdicts and not refusals:
        screen.print("no aliases in this experiment: add rows with β ≠ 1 and `aliases: verify`")
    return 0


def _margin(experiment: Experiment, asked: float | None) -> tuple[float, str]:
    """The margin of the tests, and why it is post hoc: one of one's own was chosen after the run.

    asked: on the command line; None is the grid's.
    """
    from analysis.equivalence.run_arms import GIVEN

    grid = settings(declared(experiment.sweeps), sweeps=experiment.sweeps)
    if asked is None or asked == grid.margin:
        return grid.margin, grid.margin_post_hoc
    return asked, GIVEN


def _run_table(arguments: argparse.Namespace) -> int:
    from analysis.equivalence.run_arms import GIVEN, examine_arms

    if arguments.margin is None:
        raise UserError(
            "declare the margin with --margin: a log ratio (0.1 is about 10 %), or with "
            "--difference a difference in the metric's units"
        )
    if not (arguments.by or arguments.first or arguments.second):
        raise UserError("name two groups with --first and --second, or a column with --by")
    arms, notes = pairs(arguments, columns(arguments))
    verdicts = [
        one.to_json() for one in examine_arms(arms, arguments.margin, not arguments.difference)
    ]
    if arguments.json:
        name = arguments.table or arguments.logged
        found = {"margin": arguments.margin, "post_hoc": GIVEN, "verdicts": verdicts}
        print_json({"experiment": name, **found, "notes": [*notes], "refusals": []})
    else:
        told = [f"Note: {note}." for note in notes]
        print_bullets(console(), [*(verdict["sentence"] for verdict in verdicts), *told])
    return 0
