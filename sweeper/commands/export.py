"""`sweeper export`: an experiment's tables as parquet and CSV."""

from __future__ import annotations

import argparse
from pathlib import Path

from sweeper.commands.shared import add_experiment, add_json, load_experiment, writing
from sweeper.terminal.screen import busy, console, print_json

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "export"
EXAMPLE = "sweeper export digits --out tables"
HELP = "write an experiment's trials and histories as parquet and CSV"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser)
    parser.add_argument("--out", metavar="DIR", help="folder to write to (default: ./EXPERIMENT)")
    parser.add_argument(
        "--long",
        action="store_true",
        help="write one more table, with a row for each trial, epoch and metric",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from analysis.sources.exports import export
    from sweeper.storage.addresses import storage_path
    from sweeper.storage.run_ids import with_run_ids

    experiment, trouble = load_experiment(arguments), None
    if not arguments.tracking:
        with busy("asking MLflow for its runs"):
            experiment, trouble = with_run_ids(experiment, storage_path(arguments.storage))
    folder = Path(arguments.out or arguments.experiment).absolute()
    with writing(folder), busy(f"writing {folder.name}"):
        paths = export(experiment, folder, arguments.long)
    if trouble:
        console(stderr=True).print(
            f"no run ids of MLflow: {trouble}", style="yellow", markup=False, soft_wrap=True
        )
    if arguments.json:
        print_json({"experiment": experiment.name, "files": [str(path) for path in paths]})
        return 0
    for path in paths:
        console().print(str(path), markup=False, soft_wrap=True)
    return 0
