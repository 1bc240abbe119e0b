"""`sweeper cluster slurm`: a batch script that runs a grid on the nodes of a Slurm job."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.commands.elsewhere import cores_for, require_no_password
from sweeper.commands.shared import add_grid, load_grid
from sweeper.terminal.screen import console

if TYPE_CHECKING:
    from sweeper.sweep import Sweep

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "slurm"
EXAMPLE = "sweeper cluster slurm grid.yaml --nodes 2 --cpus 8 --time 4:00:00 > sweep.sbatch"
HELP = (
    "print a batch script, which runs a grid on the nodes of a Slurm job; before the time limit "
    "it saves every trial and is queued again"
)
SENT = ("SWEEPER_DATA",)  # variables


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_grid(parser)
    parser.add_argument("--nodes", type=int, metavar="N", required=True, help="how many nodes")
    parser.add_argument(
        "--cpus", type=int, metavar="N", help="cores of each node (default: those of one pack)"
    )
    parser.add_argument(
        "--gpus", metavar="[KIND:]N", default="", help="GPUs of each node (default: none)"
    )
    parser.add_argument(
        "--time", metavar="TIME", default="", help="time limit (default: that of the partition)"
    )
    parser.add_argument(
        "--warning",
        type=int,
        metavar="S",
        default=300,
        help="seconds before the time limit at which the sweep saves its trials; more than the "
        "longest epoch takes (default: 300)",
    )
    parser.add_argument(
        "--option",
        dest="options",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one more option of sbatch, such as partition=gpu; may be given several times",
    )
    parser.add_argument(
        "--python",
        metavar="PATH",
        default=sys.executable,
        help="the Python of the nodes (default: this one)",
    )
    parser.add_argument("--retry-failed", action="store_true", help="as of `sweeper run`")
    parser.add_argument(
        "--submit", action="store_true", help="give the script to sbatch in place of printing"
    )


def run(arguments: argparse.Namespace) -> int:
    from cluster.slurm_script import SlurmScript, submit_script

    sweep = load_grid(arguments)
    require_no_password(sweep, "the script")
    script = SlurmScript(
        sweep.experiment,
        arguments.nodes,
        cores_for(sweep.resources, arguments.cpus, _gpus(arguments.gpus)),
        arguments.gpus,
        arguments.time,
        arguments.warning,
        arguments.options,
        {name: os.environ[name] for name in SENT if os.environ.get(name)},
    )
    text = script.text(arguments.python, _command(sweep, arguments), Path.cwd())
    if not arguments.submit:
        sys.stdout.write(text)
        return 0
    said = f"queued as the job {submit_script(text)}; `squeue --me` shows it"
    console().print(said, markup=False, soft_wrap=True)
    return 0


def _gpus(asked: str) -> int:
    """The number of GPUs that ``--gpus`` names; 0 for another text, which is refused later."""
    number = asked.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def _command(sweep: Sweep, arguments: argparse.Namespace) -> list[str]:
    """The command line of the driver on the first node."""
    from sweeper.grid.grid_files import find_grid
    from sweeper.storage.addresses import show_storage

    grid = str(find_grid(arguments.grid).absolute())
    storage = show_storage(sweep.storage)
    options = ["--cluster", "auto", "--storage", storage, "--tracking", sweep.tracking]
    options += ["--yes"] if arguments.yes else []
    options += ["--retry-failed"] if arguments.retry_failed else []
    return [arguments.python, "-P", "-m", "sweeper", "run", grid, *options]
