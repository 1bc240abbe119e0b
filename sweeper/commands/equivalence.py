"""`sweeper equivalence`: whether aliases such as (σ, β) and σ√β came out the same."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from sweeper.commands.shared import add_experiment, add_json, load_experiment
from sweeper.screen import console, print_json

if TYPE_CHECKING:
    from analysis.schema import Experiment

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "equivalence"
HELP = "test whether (σ, β) and σ√β, or (α, β) and αβ, came out the same"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser)
    parser.add_argument("--margin", type=float, help="a log ratio (default: the grid's)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    experiment = load_experiment(arguments)
    verdicts = _verdicts(experiment)
    if arguments.json:
        print_json({"experiment": experiment.name, "verdicts": verdicts})
        return 0
    screen = console()
    for verdict in verdicts:
        screen.print(f" • {verdict['sentence']}", markup=False)
    if not verdicts:
        screen.print("no aliases in this experiment: add rows with β ≠ 1 and `aliases: verify`")
    return 0


def _verdicts(experiment: Experiment) -> list[dict[str, Any]]:
    from analysis import equivalence

    return [verdict.to_json() for verdict in equivalence.twins(experiment)]
