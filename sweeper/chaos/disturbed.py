"""A driver in its own process, to inject faults: ``python -m sweeper.chaos.disturbed``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cluster.processes import own_session
from sweeper.sweep import Sweep
from sweeper.terminal.process import run_process

__all__ = ["Setup", "started"]

GRID = Path(__file__).with_name("grid.yaml")


@dataclass(frozen=True)
class Setup:
    """The places and names of the small sweep.

    storage : a folder, or the address of a bucket. log : the log file of its driver.
    """

    storage: str
    tracking: str
    log: Path
    experiment: str = "chaos"
    cluster: str = "local"

    def sweep(self) -> Sweep:
        """The sweep, as the driver reads it."""
        from sweeper.grid import loading

        sweep = loading.load(GRID, storage=self.storage, tracking=self.tracking)
        return replace(sweep, experiment=self.experiment, cluster=self.cluster)

    def command(self) -> list[str]:
        """The command line that starts the driver, the same at every start."""
        return [
            sys.executable,
            "-P",
            "-m",
            "sweeper.chaos.disturbed",
            self.storage,
            self.tracking,
            str(self.log),
            self.experiment,
            self.cluster,
        ]


@contextmanager
def started(setup: Setup) -> Iterator[subprocess.Popen[bytes]]:
    """Start a driver; at the end of the block, kill the remaining processes of its session."""
    with setup.log.open("ab") as log, own_session(setup.command(), log) as driver:
        yield driver


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="sweeper.chaos.disturbed")
    for name in ("storage", "tracking", "log", "experiment", "cluster"):
        parser.add_argument(name, type=Path if name == "log" else str)
    setup = Setup(**vars(parser.parse_args(argv)))

    from rich.console import Console

    from sweeper.driver.run import RunOptions, run

    outcome = run(setup.sweep(), RunOptions(live=False, console=Console(stderr=True)))
    return 0 if outcome.finished == outcome.trials else 1


if __name__ == "__main__":
    sys.exit(run_process(partial(main, sys.argv[1:])))
