"""What a trial costs beyond its training, against the number of trials.

    python -m tests.benchmarks.many [--trials 10 100 1000] [--epochs 1] [--ray]

Trials of a linear model of digits, each of one epoch with one step, which take about a millisecond
to train. In this process (`--inline`) the processor time is that of driver, worker and MLflow on a
SQLite file together; with `--ray` only that of the driver's process is measured, and Ray's own
processes are not. The cost of a further trial is the slope between two sizes, and that of a
further epoch of one the slope between two numbers of epochs (``--trials 10 --epochs 1 100``).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def grid(trials: int, epochs: int) -> str:
    """So many seeds of one setting: JSON, which is YAML, too."""
    defaults = {"network": "linear", "d_z": 2, "epochs": epochs, "batch_size": 1437}
    return json.dumps(
        {
            "experiment": "many",
            "data": "digits",
            "defaults": defaults,
            "seeds": trials,
            "trials": [{"model": "sigma_vae", "sigma": 0.1}],
        }
    )


def run(trials: int, epochs: int, ray: bool) -> tuple[float, float]:
    """Wall and processor seconds of `sweeper run`."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "grid.yaml").write_text(grid(trials, epochs))
        command = [str(Path(sys.executable).parent / "sweeper"), "run", "grid.yaml"]
        env = os.environ | {"RAY_ADDRESS": "local"}
        before, start = used(), time.perf_counter()
        subprocess.run(
            [*command, *([] if ray else ["--inline"])],
            cwd=name,
            check=True,
            capture_output=True,
            env=env,
        )
        return time.perf_counter() - start, used() - before


def used() -> float:
    """Processor seconds of the processes that were started and waited for."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--epochs", type=int, nargs="+", default=[1])
    parser.add_argument("--ray", action="store_true")
    arguments = parser.parse_args()
    print("trials   epochs   wall [s]   cpu [s]   cpu of a further one [ms]   load")
    last: tuple[int, float] | None = None
    for trials, epochs in itertools.product(arguments.trials, arguments.epochs):
        wall, cpu = run(trials, epochs, arguments.ray)
        slope = f"{1e3 * (cpu - last[1]) / (trials * epochs - last[0]):.1f}" if last else "-"
        print(
            f"{trials:6d}{epochs:9d}{wall:11.1f}{cpu:10.1f}{slope:>28}{os.getloadavg()[0]:7.1f}",
            flush=True,
        )
        last = trials * epochs, cpu


if __name__ == "__main__":
    main()
