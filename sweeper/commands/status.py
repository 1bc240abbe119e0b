"""`sweeper status`: the state of every trial, and the records that the tracker lacks."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from analysis.sources.tracking_address import without_password
from sweeper.commands.shared import add_json
from sweeper.terminal.screen import console, print_json

if TYPE_CHECKING:
    from sweeper.status.standing import Standing
    from sweeper.sweep import ListedSweep, Sweep

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "status"
EXAMPLE = "sweeper status digits"
HELP = (
    "show each trial's status, epoch and metrics, what is trained where, and what waits for the "
    "tracker; ends the runs that a killed driver has left RUNNING"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        metavar="GRID|EXPERIMENT",
        nargs="?",
        help="an experiment or a sweep of the storage, or a grid (default: list "
        "what the storage holds)",
    )
    parser.add_argument(
        "--storage",
        metavar="DIR",
        help="its storage, a folder or s3://... (default: the grid's, or ./sweeps)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.name is None:
        return _list(arguments)
    from sweeper.status.named import sweeps_named
    from sweeper.status.standing import counts, standings
    from sweeper.storage.addresses import show_storage
    from sweeper.storage.paths import sweep_file

    sweeps = sweeps_named(arguments.name, arguments.storage)
    found = standings(sweeps)
    trackers = _trackers(sweeps, found)
    row = {
        "experiment": sweeps[-1].experiment,
        "storage": show_storage(sweeps[-1].storage),
        "sweeps": [sweep.name for sweep in sweeps],
        "count": len(found),
        "stored": any(sweep_file(sweep).is_file() for sweep in sweeps),
        "counts": counts(found),
        "sweep_counts": _sweep_counts(sweeps, found),
        "waiting": trackers,
        "trials": [_plain(one) for one in found],
    }
    if arguments.json:
        print_json(row)
    else:
        _show(row, found)
    return 0


def _sweep_counts(
    sweeps: Sequence[Sweep | ListedSweep], found: Sequence[Standing]
) -> dict[str, Any]:
    """The number of trials of each status by sweep; a trial may be in several."""
    from sweeper.status.standing import counts

    states = {one.id: one for one in found}
    return {sweep.name: counts(states[trial.id] for trial in sweep.trials) for sweep in sweeps}


def _trackers(
    sweeps: Sequence[Sweep | ListedSweep], found: Sequence[Standing]
) -> list[dict[str, Any]]:
    """What each tracking store lacks; a trial belongs to the store of its newest sweep."""
    from sweeper.tracking.waiting import mend_and_count

    home = {trial.id: sweep for sweep in sweeps for trial in sweep.trials}
    rows = []
    for uri in dict.fromkeys(sweep.tracking for sweep in sweeps):
        own = [one for one in found if home[one.id].tracking == uri]
        there = [sweep for sweep in sweeps if sweep.tracking == uri]
        left = mend_and_count(there, own)
        rows.append(
            {
                "tracking_uri": without_password(uri),
                "records": left.records,
                "trials": left.trials,
                "error": left.error,
                "left_running": left.left_running,
                "not_ended": left.not_ended,
            }
        )
    return rows


def _plain(one: Standing) -> dict[str, Any]:
    return {
        "id": one.id,
        "label": one.label,
        "role": one.role,
        "status": one.status,
        "epoch": one.epoch,
        "epochs": one.epochs,
        "wall_s": round(one.wall_s, 3),
        "line": one.line,
        "reason": one.reason,
        "where": asdict(one.where) if one.where else None,
        "metrics": dict(one.metrics),
    }


def _list(arguments: argparse.Namespace) -> int:
    """One line a sweep."""
    from sweeper.status.listed import listed_sweeps
    from sweeper.status.standing import counts, standings
    from sweeper.storage.addresses import show_storage, storage_path

    storage = storage_path(arguments.storage or "sweeps")
    rows = [
        {
            "experiment": one.experiment,
            "sweep": one.name,
            "created": one.created,
            "counts": counts(standings([one])),
        }
        for one in listed_sweeps(storage)
    ]
    if arguments.json:
        print_json({"storage": show_storage(storage), "sweeps": rows})
        return 0
    screen = console()
    for row in rows:
        screen.print(
            f"{row['experiment']}  {row['sweep']}  {_said(row['counts'])}",
            markup=False,
            soft_wrap=True,
        )
    if not rows:
        screen.print(f"no sweeps in {show_storage(storage)}", markup=False, soft_wrap=True)
    return 0


def _said(counted: Any) -> str:
    return ", ".join(f"{count} {status}" for status, count in counted.items() if count) or "empty"


def _show(row: Mapping[str, Any], found: Sequence[Standing]) -> None:
    from sweeper.terminal.standing_table import draw_standings

    screen = console()
    draw_standings(screen, found)
    screen.print(f"{row['experiment']}: {_said(row['counts'])}", markup=False, soft_wrap=True)
    if len(row["sweeps"]) > 1:
        for name, counted in row["sweep_counts"].items():
            screen.print(f"  {name}: {_said(counted)}", markup=False, soft_wrap=True)
    if not row["stored"] and row["counts"]["pending"] == row["count"]:
        screen.print(
            f"this grid was never run in {row['storage']}; if it was run elsewhere, say "
            "where with --storage",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
        return
    for tracker in row["waiting"]:
        if tracker["left_running"]:
            screen.print(_left(tracker), markup=False, soft_wrap=True)
        screen.print(_tracked(tracker), markup=False, soft_wrap=True)


def _left(tracker: Mapping[str, Any]) -> str:
    said = f"runs of {', '.join(tracker['left_running'])} were RUNNING, and nobody trains them"
    if tracker["not_ended"]:
        return f"{said}; they cannot be ended now: {tracker['not_ended']}"
    return f"{said} (the driver was killed): they are ended"


def _tracked(tracker: Mapping[str, Any]) -> str:
    uri = tracker["tracking_uri"]
    wait = f"{tracker['records']} records of {tracker['trials']} trials wait for MLflow"
    if tracker["error"] and not tracker["records"]:
        return "nothing waits for MLflow yet"
    if tracker["error"]:
        return f"at most {wait}, which cannot be read now: {tracker['error']}"
    if not tracker["records"]:
        return f"MLflow has every record ({uri})"
    return f"{wait} ({uri}); `sweeper reconcile` delivers them"
