"""`sweeper report`: write the report of an experiment again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sweeper.commands.shared import (
    add_experiment,
    add_json,
    load_experiment,
    report_folder,
    said,
    settings,
)
from sweeper.screen import console, print_bullets, print_json

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "report"
HELP = "write an experiment's report: one HTML file, with JSON and CSV beside it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser)
    parser.add_argument("--out", metavar="DIR", help="folder to write to (default: the storage's)")
    parser.add_argument("--server", metavar="URL",
                        help="address of a running MLflow server, so that points link to runs")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from analysis import report
    from sweeper.places import storage_path

    experiment = load_experiment(arguments)
    chosen = settings(declared(experiment.sweeps), arguments.server)
    out = Path(arguments.out) if arguments.out else report_folder(
        storage_path(arguments.storage), arguments.experiment)
    path = report.write(experiment, out.absolute(), chosen)
    sentences = said(path)
    if arguments.json:
        print_json({"experiment": experiment.name, "trials": len(experiment.trials),
                    "report": str(path), "summary": sentences})
        return 0
    screen = console()
    print_bullets(screen, sentences)
    screen.print(f"\nreport  {path}", markup=False, soft_wrap=True)
    return 0


def declared(sweeps: list[dict[str, Any]]) -> dict[str, Any]:
    """The `analysis` block of the newest sweep."""
    return dict(sweeps[-1].get("analysis") or {}) if sweeps else {}
