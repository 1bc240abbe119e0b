"""`sweeper export`: an experiment's tables as parquet and CSV."""

from __future__ import annotations

import argparse
from pathlib import Path

from sweeper.commands.shared import add_experiment, add_json, load_experiment, writing
from sweeper.terminal.screen import console, print_json

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "export"
EXAMPLE = "sweeper export digits --out tables"
HELP = "write an experiment's trials and histories as parquet and CSV"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser)
    parser.add_argument("--out", metavar="DIR", help="folder to write to (default: ./EXPERIMENT)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from analysis.sources import load

    experiment = load_experiment(arguments)
    folder = Path(arguments.out or arguments.experiment).absolute()
    with writing(folder):
        paths = load.export(experiment, folder)
    if arguments.json:
        print_json({"experiment": experiment.name, "files": [str(path) for path in paths]})
        return 0
    for path in paths:
        console().print(str(path), markup=False, soft_wrap=True)
    return 0
