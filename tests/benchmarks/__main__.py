"""Whole processes: plain scripts against `sweeper run`, for the same trials.

    python -m tests.benchmarks [--case digits] [--against ray] [--rounds 3] [--epochs 10]
                               [--precision bfloat16]

Both run in turn, each in a fresh folder, and the table gives the ratio of every pair: absolute
times depend on the machine. Other processes disturb the processor time least, which lacks what
Ray's own processes take: look at it with ``-- --inline``. Both include everything: start,
training, tracking, and for sweeper also checkpoints, the report and its pictures. `--against ray`
is Ray Tune with a DataLoader and MLflowLoggerCallback, `--against optuna` is Optuna and MLflow
with joblib, `--against pythae` the trainer of pythae with joblib, which tracks nothing and has to
be installed (``pip install --no-deps pythae imageio``). The precision is that of sweeper alone:
the plain scripts compute in float32. `convnet`, `mlp` and `mlp8` need MNIST in
SWEEPER_DATA.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.cases import CASES

ROOT = Path(__file__).parents[2]


def seconds(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Wall and processor time of a command that must succeed."""
    before, start = used(), time.perf_counter()
    alone = os.environ | {"RAY_ADDRESS": "local", "PYTHONPATH": str(ROOT)}  # not a cluster's Ray
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=alone)
    return time.perf_counter() - start, used() - before


def used() -> float:
    """Processor seconds of the processes that were started and waited for."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def one_round(
    case: str, against: str, epochs: int, precision: str, options: Sequence[str]
) -> list[tuple[float, float]]:
    """Seconds of the plain script and of sweeper: by the clock, then of the processor."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "grid.yaml").write_text(CASES[case].grid(epochs, precision))
        script = [sys.executable, "-m", f"tests.benchmarks.plain_{against}", case]
        sweeper = str(Path(sys.executable).parent / "sweeper")
        plain = seconds([*script, str(folder / "plain"), str(epochs)], folder)
        ours = seconds([sweeper, "run", "grid.yaml", *options], folder)
    return [*zip(plain, ours, strict=True)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--case", choices=CASES, default="digits")
    parser.add_argument("--against", choices=("ray", "optuna", "pythae"), default="ray")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("options", nargs="*", help="of `sweeper run`, after --")
    arguments = parser.parse_args()
    epochs = arguments.epochs or CASES[arguments.case].epochs
    ratios = []
    print("round   plain [s]   sweeper [s]   ratio   ratio of processor time   load")
    for number in range(1, arguments.rounds + 1):
        wall, cpu = one_round(
            arguments.case, arguments.against, epochs, arguments.precision, arguments.options
        )
        ratios.append(wall[0] / wall[1])
        print(
            f"{number:5d}{wall[0]:12.1f}{wall[1]:14.1f}{ratios[-1]:8.2f}{cpu[0] / cpu[1]:26.2f}"
            f"{os.getloadavg()[0]:7.1f}",
            flush=True,
        )
    print(
        f"median ratio {statistics.median(ratios):.2f} "
        f"(from {min(ratios):.2f} to {max(ratios):.2f})"
    )


if __name__ == "__main__":
    main()
