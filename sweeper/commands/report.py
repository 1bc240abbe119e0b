"""`sweeper report`: write the report of an experiment again."""

from __future__ import annotations

import argparse
import signal
import time
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import NotStored
from sweeper.commands.shared import (
    add_experiment,
    add_json,
    answered,
    load_experiment,
    said,
    settings,
    with_runs,
    writing,
)
from sweeper.commands.tables import add_margin, add_table, columns, from_table, load_table
from sweeper.errors import UserError
from sweeper.storage.paths import report_folder
from sweeper.terminal.screen import busy, console, print_bullets, print_json

if TYPE_CHECKING:
    from analysis.figures import Figure
    from analysis.sources.schema import Experiment

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "report"
EXAMPLE = "sweeper report digits --open"
HELP = "write an experiment's report: one HTML file, with JSON and CSV beside it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser, optional=True)
    parser.add_argument("--out", metavar="DIR", help="folder to write to (default: the storage's)")
    add_table(parser)
    add_margin(parser)
    parser.add_argument(
        "--server",
        metavar="URL",
        help="address of a running MLflow server, so that points link to runs",
    )
    parser.add_argument(
        "--figure",
        action="append",
        default=[],
        metavar="FILE.py",
        help="draw the figures of a file of your own, too; may be given several times",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="write it again while the sweep runs; the open page follows",
    )
    parser.add_argument(
        "--every",
        type=float,
        default=10,
        metavar="SECONDS",
        help="how often --watch looks (default: 10)",
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument(
        "--serve",
        type=int,
        nargs="?",
        const=0,
        metavar="PORT",
        help="serve the page on this machine until Ctrl-C (default: a free port)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    foreign = from_table(arguments)
    if not arguments.every >= 1:
        raise UserError(f"--every must be at least one second, not {arguments.every:g}")
    with ExitStack() as stack:
        if arguments.serve is not None:
            from sweeper.driver.interrupt import leave_on_signal

            stack.enter_context(suppress(KeyboardInterrupt))
            stack.enter_context(leave_on_signal())
        shown = partial(_shown, arguments, stack)
        if arguments.watch and not foreign:
            path, trials = _watch(arguments, shown)
        else:
            path, trials = _write_table(arguments) if foreign else _write(arguments)
            shown(path)
        _print(arguments, path, trials)
        if arguments.serve is not None:
            signal.pause()
    return 0


def _shown(arguments: argparse.Namespace, stack: ExitStack, path: Path) -> None:
    """Serve and open the page as ``--serve`` and ``--open`` ask, until the stack is closed."""
    address = path.as_uri()
    if arguments.serve is not None:
        from sweeper.commands.page import served

        address = stack.enter_context(served(path.parent, arguments.serve))
        console(stderr=True).print(f"serving {address} (Ctrl-C ends it)", soft_wrap=True)
    if arguments.open:
        webbrowser.open(address)


def _print(arguments: argparse.Namespace, path: Path, trials: int) -> None:
    if arguments.json:
        print_json(
            {
                "experiment": arguments.experiment or arguments.table or arguments.logged,
                "trials": trials,
                "report": str(path),
                "summary": said(path),
            }
        )
        return
    screen = console()
    print_bullets(screen, answered(path))
    screen.print(f"\nreport  {path}", markup=False, soft_wrap=True)


def _watch(arguments: argparse.Namespace, shown: Callable[[Path], None]) -> tuple[Path, int]:
    """Write the report again after each change, until every trial has ended or Ctrl-C.

    It waits for an experiment that has not begun, and for a running driver, which may still
    evaluate trained models.
    """
    screen, before, awaited = console(stderr=True), None, False
    reload_s = max(round(arguments.every), 2)
    try:
        while True:
            driven = _driven(arguments)
            try:
                experiment = load_experiment(arguments)
            except NotStored as absent:
                if not awaited:
                    hope = f"{absent}; waiting for its first sweep (Ctrl-C ends the watch)"
                    screen.print(hope, markup=False, soft_wrap=True)
                    awaited = True
                time.sleep(arguments.every)
                continue
            now = _state(experiment)
            if now != before:
                path = _write_loaded(arguments, experiment, reload_s)
                ended = sum(now.get(status, 0) for status in ENDED)
                if before is None:
                    screen.print(
                        f"open {path}; Ctrl-C ends the watch", markup=False, soft_wrap=True
                    )
                    shown(path)
                screen.print(f"{ended} of {len(experiment.trials)} trials have ended")
                before = now
            if ended == len(experiment.trials) and not driven:
                break
            time.sleep(arguments.every)
    except KeyboardInterrupt:
        screen.print("the watch ends; the sweep goes on")
    return _write(arguments)


ENDED = ("finished", "failed", "killed", "pruned")


def _driven(arguments: argparse.Namespace) -> bool:
    """Whether a driver runs a sweep of the experiment now; False if its storage is unknown."""
    from sweeper.storage.addresses import storage_path
    from sweeper.storage.lease import driven_sweeps

    if arguments.tracking:
        return False
    return any(
        folder.parent.name == arguments.experiment
        for folder in driven_sweeps(storage_path(arguments.storage))
    )


def _state(experiment: Experiment) -> dict[str, Any]:
    """The state on which the report depends: trials by status, epochs, and evaluations."""
    from analysis.sources.schema import metric_columns
    from analysis.sources.statuses import count_statuses

    trials = experiment.trials
    counts = count_statuses(trials["status"] if len(trials) else ())
    return counts | {
        "epochs": float(trials["epoch"].sum()) if len(trials) else 0.0,
        "values": int(trials[metric_columns(trials)].notna().sum().sum()),
    }


def _write_table(arguments: argparse.Namespace) -> tuple[Path, int]:
    from analysis.report.table_report import TableQuestion, write_table

    wanted = columns(arguments)
    table = load_table(arguments, wanted)
    asked = TableQuestion(wanted, margin=arguments.margin, logs=not arguments.difference)
    out = Path(arguments.out or f"{Path(table.name).stem}-report")
    with writing(out):
        return write_table(table, asked, out.absolute()), table.count


def _write(arguments: argparse.Namespace) -> tuple[Path, int]:
    experiment = load_experiment(arguments)
    return _write_loaded(arguments, experiment, None), len(experiment.trials)


def _own_figures(files: Sequence[str]) -> tuple[Figure, ...]:
    """The figures of the files that --figure names; `UserError` where one defines none."""
    found: list[Figure] = []
    for file in files:
        from sweeper.planning.own_figures import figures_of  # imports torch

        figures = figures_of(Path(file).absolute())
        if not figures:
            raise UserError(
                "there is no FIGURE = Figure(...) in this file; `sweeper init --component figure` "
                "writes one to start from",
                file,
            )
        found += figures
    return tuple(found)


def _write_loaded(
    arguments: argparse.Namespace, experiment: Experiment, reload_s: int | None
) -> Path:
    from analysis import report
    from sweeper.storage.addresses import storage_path

    server = arguments.server or (experiment.sweeps or [{}])[-1].get("tracking_uri")
    asked = settings(declared(experiment.sweeps), server, experiment.sweeps)
    asked = replace(asked, reload_s=reload_s, own_figures=_own_figures(arguments.figure))
    storage = None if arguments.tracking else storage_path(arguments.storage)
    experiment, chosen = with_runs(experiment, asked, storage)
    out = (
        Path(arguments.out)
        if arguments.out
        else report_folder(storage_path(arguments.storage), arguments.experiment)
    )
    with writing(out), busy("writing the report"):
        return report.write(experiment, out.absolute(), chosen)


def declared(sweeps: list[dict[str, Any]]) -> dict[str, Any]:
    """The `analysis` block of the newest sweep."""
    return dict(sweeps[-1].get("analysis") or {}) if sweeps else {}
