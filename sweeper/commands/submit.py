"""`sweeper submit`: run a grid on a Ray cluster as a job, which outlives this terminal."""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.commands.elsewhere import require_no_password, require_whole_paths
from sweeper.commands.shared import add_grid, add_json, load_grid
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
    from sweeper.bucket.mirror import bucket_of
    from sweeper.driver.log_note import noting
    from sweeper.driver.log_upload import VARIABLE
    from sweeper.driver.travel import pack_up
    from sweeper.storage.paths import driver_log

    sweep = load_grid(arguments)
    require_whole_paths(sweep, "would lie in the folder of the Ray job, which Ray deletes")
    require_no_password(sweep, "the job's command, which Ray shows")
    server = job_server(arguments.cluster)
    variables = {name: os.environ[name] for name in SENT if os.environ.get(name)}
    with tempfile.TemporaryDirectory(prefix="sweeper-") as folder:
        grid = pack_up(sweep, arguments.grid, Path(folder))
        command = _command(sweep, grid, arguments)
        log = driver_log(sweep)
        if bucket_of(sweep.storage):  # the driver uploads it from there
            log = Path("/tmp", f"sweeper-{secrets.token_hex(8)}", log.name)
            variables[VARIABLE] = str(log)
        note = noting(sweep)
        job = submit(server, Job(command, Path(folder), log, variables))
    tunnel = arguments.cluster.startswith("http")  # then a folder may be another one there
    if bucket_of(sweep.storage) or not tunnel:
        note(f"sent as the Ray job {job} to {server}")
    _show(sweep, job, server, arguments.json)
    return 0


def _command(sweep: Sweep, grid: str, arguments: argparse.Namespace) -> list[str]:
    """The command line of the driver on the cluster."""
    from sweeper.storage.addresses import show_storage

    storage = show_storage(sweep.storage)
    options = ["--cluster", "auto", "--storage", storage, "--tracking", sweep.tracking]
    options += ["--yes"] if arguments.yes else []
    options += ["--retry-failed"] if arguments.retry_failed else []
    return [arguments.python, "-P", "-m", "sweeper", "run", grid, *options]


def _show(sweep: Sweep, job: str, server: str, as_json: bool) -> None:
    from sweeper.storage.addresses import show_storage

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
