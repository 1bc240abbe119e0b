"""A driver in a process of its own, to be disturbed: ``python -m tests.chaos.driver FOLDER``."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from cluster.processes import own_session
from sweeper.bucket.address import is_bucket
from sweeper.driver.run import RunOptions, run
from sweeper.storage.addresses import storage_path
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.terminal.process import run_process
from tests.sweeper.small import planned, small_sweep

__all__ = ["chaos_sweep", "chaos_trials", "started"]


def chaos_trials() -> list[PlannedTrial]:
    """Four trials, long enough to be hit, saved after every epoch."""
    return [planned(seed=seed, epochs=30, checkpoint_every=1) for seed in range(4)]


def chaos_sweep(folder: Path, tracking: str | None = None, storage: str | None = None) -> Sweep:
    """The sweep that the disturbed drivers run."""
    sweep = small_sweep(folder, *chaos_trials())
    place = storage_path(storage) if storage else sweep.storage
    return replace(sweep, tracking=tracking or sweep.tracking, storage=place)


def started(folder: Path, *options: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """A driver in a session of its own; what is left of it is killed at the end."""
    return own_session(
        [sys.executable, "-m", "tests.chaos.driver", str(folder), *options], subprocess.PIPE
    )


def main(folder: str, *options: str) -> int:
    storage = next((option for option in options if is_bucket(option)), None)
    tracking = next((one for one in options if "://" in one and one != storage), None)
    Path(folder).mkdir(parents=True, exist_ok=True)
    sweep = chaos_sweep(Path(folder), tracking, storage)
    if "--other" in options:
        sweep = replace(sweep, name="other-1", trials=sweep.trials[:0:-1])
    outcome = run(sweep, RunOptions(inline="--ray" not in options, console=Console(stderr=True)))
    return 0 if outcome.finished == outcome.trials else 1


if __name__ == "__main__":
    sys.exit(run_process(partial(main, *sys.argv[1:])))
