"""`sweeper equivalence`: whether aliases such as (σ, β) and σ√β came out the same."""

from __future__ import annotations

import argparse

from sweeper.commands.report import declared
from sweeper.commands.shared import add_experiment, add_json, load_experiment, settings
from sweeper.terminal.screen import console, print_bullets, print_json

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "equivalence"
HELP = "test whether (σ, β) and σ√β, or (α, β) and αβ, came out the same"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser)
    parser.add_argument("--margin", type=float, help="a log ratio (default: the grid's)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from analysis.equivalence import examine

    experiment = load_experiment(arguments)
    margin = (
        settings(declared(experiment.sweeps)).margin
        if arguments.margin is None
        else arguments.margin
    )
    found = examine(experiment, margin)
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
