"""`sweeper submit`: run a grid on a Ray cluster as a job, which outlives this terminal."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.commands.shared import add_grid, add_json, load_grid
from sweeper.errors import UserError, placed
from sweeper.storage.addresses import show_storage
from sweeper.terminal.screen import console, print_json

if TYPE_CHECKING:
    from sweeper.sweep import Sweep

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "submit"
EXAMPLE = "sweeper submit grid.yaml --cluster 10.0.0.1:6379"
HELP = "run a grid on a Ray cluster as a job, with this program's code; outlives the terminal"
SENT = ("SWEEPER_DATA",)  # variables


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_grid(parser)
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        default="auto",
        help="the Ray (HOST:PORT), its dashboard (http://HOST:8265), or auto: RAY_ADDRESS, or the "
        "Ray of this host (default: auto)",
    )
    parser.add_argument(
        "--python",
        metavar="PATH",
        default=sys.executable,
        help="the Python of the cluster's hosts (default: this one)",
    )
    parser.add_argument("--retry-failed", action="store_true", help="as of `sweeper run`")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from cluster.jobs import Job, job_server, submit
    from sweeper.driver.travel import pack_up
    from sweeper.storage.paths import driver_log

    sweep = load_grid(arguments)
    _require_everywhere(sweep)
    server = job_server(arguments.cluster)
    variables = {name: os.environ[name] for name in SENT if os.environ.get(name)}
    with tempfile.TemporaryDirectory(prefix="sweeper-") as folder:
        grid = pack_up(sweep, arguments.grid, Path(folder))
        command = _command(sweep, grid, arguments)
        job = submit(server, Job(command, Path(folder), driver_log(sweep), variables))
    _show(sweep, job, server, arguments.json)
    return 0


def _command(sweep: Sweep, grid: str, arguments: argparse.Namespace) -> list[str]:
    """The command line of the driver on the cluster."""
    storage = show_storage(sweep.storage)
    options = ["--cluster", "auto", "--storage", storage, "--tracking", sweep.tracking]
    options += ["--yes"] if arguments.yes else []
    options += ["--retry-failed"] if arguments.retry_failed else []
    return [arguments.python, "-P", "-m", "sweeper", "run", grid, *options]


def _require_everywhere(sweep: Sweep) -> None:
    """Raise `UserError` for a storage or a tracker that the job could not use."""
    from analysis.sources.tracking_address import without_password

    if sweep.relative_storage:
        with placed(sweep.places.get("storage")):
            raise UserError(
                f"the storage {sweep.relative_storage} is a relative path, and would lie in the "
                "folder of the Ray job, which Ray deletes; give the whole path of a folder that "
                "every host sees, with `storage:` or --storage"
            )
    for folder in _relative_folders(sweep):
        raise UserError(
            f"the data folder {folder} is given by a relative path, and the job has another "
            "working folder; give the whole path of a folder that every host sees"
        )
    if without_password(sweep.tracking) != sweep.tracking:
        with placed(sweep.places.get("tracking")):
            raise UserError(
                "the password of the tracker would stand in the job's command, which Ray shows; "
                "write it into ~/.mlflow/credentials of the user who runs Ray there (mode 600), "
                "and leave it out of the address"
            )


def _relative_folders(sweep: Sweep) -> list[str]:
    """The folders of the data sets that the grid does not give by their whole paths."""
    from trainers.fields import describe_fields

    data = [trial.trial.data for trial in (*sweep.trials, *sweep.examples())]
    fields = ((one, field) for one in data for field in describe_fields(type(one)))
    places = (getattr(one, field.name) for one, field in fields if field.where)
    return [place for place in places if isinstance(place, str) and place not in sweep.grid]


def _show(sweep: Sweep, job: str, server: str, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "job": job,
                "server": server,
                "experiment": sweep.experiment,
                "sweep": sweep.name,
                "storage": show_storage(sweep.storage),
            }
        )
        return
    rest = shlex.join([sweep.experiment, "--storage", show_storage(sweep.storage)])
    lines = [
        f"sent as the Ray job {job} to {server}; when it has begun, from any host that sees the "
        "storage:"
    ]
    lines += [f"  sweeper {name} {rest}" for name in ("status", "logs", "stop", "report")]
    console().print("\n".join(lines), markup=False, soft_wrap=True)
