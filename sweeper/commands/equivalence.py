"""`sweeper equivalence`: whether aliases such as (σ, β) and σ√β came out the same."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from analysis.errors import AnalysisError
from sweeper.commands.report import declared
from sweeper.commands.shared import add_experiment, add_json, load_experiment, settings
from sweeper.terminal.screen import console, print_bullets, print_json

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
    margin = arguments.margin or settings(declared(experiment.sweeps)).margin
    verdicts, refusals = _ask(experiment, margin)
    if arguments.json:
        print_json({"experiment": experiment.name, "margin": margin, "verdicts": verdicts,
                    "refusals": refusals})
        return 0
    screen = console()
    print_bullets(screen, [verdict["sentence"] for verdict in verdicts] + refusals)
    if not verdicts:
        screen.print("no aliases in this experiment: add rows with β ≠ 1 and `aliases: verify`")
    return 0


def _ask(experiment: Experiment, margin: float) -> tuple[list[dict[str, Any]], list[str]]:
    """Every verdict that the trials allow, and why a level has none."""
    from analysis import equivalence

    asked: dict[str, Callable[[], Sequence[Any]]] = {
        "algebra": lambda: equivalence.algebra_of_twins(experiment),
        "twins": lambda: equivalence.twins(experiment),
        "seeds": lambda: equivalence.across_seeds(experiment.trials, margin),
        "collapse": lambda: equivalence.collapse(experiment.trials, margin)}
    verdicts, refusals = [], []
    for level, ask in asked.items():
        try:
            verdicts += [{**verdict.to_json(), "level": level, "sentence": verdict.sentence()}
                         for verdict in ask()]
        except AnalysisError as refusal:
            refusals.append(f"{level}: {refusal}")
    return verdicts, refusals
