"""Wall time of the plain script against `sweeper run`, for the same nine trials.

    python -m tests.benchmarks [--rounds 3] [--epochs 20]

Both run in turn, each in a fresh folder, and the table gives the ratio of every pair: absolute
times depend on the machine. Both include everything: start, training, tracking, and for sweeper
also checkpoints, the report and its pictures.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent


def seconds(command: list[str], folder: Path) -> float:
    """Wall time of a command that must succeed."""
    start = time.perf_counter()
    alone = os.environ | {"RAY_ADDRESS": "local"}  # whatever cluster the machine belongs to
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=alone)
    return time.perf_counter() - start


def one_round(epochs: int) -> tuple[float, float]:
    """Seconds of the plain script and of sweeper."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grid = (HERE / "nine_trials.yaml").read_text().replace("epochs: 20", f"epochs: {epochs}")
        (folder / "grid.yaml").write_text(grid)
        sweeper = Path(sys.executable).parent / "sweeper"
        plain = seconds(
            [
                sys.executable,
                str(HERE / "plain_ray.py"),
                str(folder / "plain"),
                "--epochs",
                str(epochs),
            ],
            folder,
        )
        ours = seconds([str(sweeper), "run", "grid.yaml"], folder)
    return plain, ours


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    ratios = []
    print("round   plain [s]   sweeper [s]   ratio")
    for number in range(1, arguments.rounds + 1):
        plain, ours = one_round(arguments.epochs)
        ratios.append(plain / ours)
        print(f"{number:5d}{plain:12.1f}{ours:14.1f}{ratios[-1]:8.2f}", flush=True)
    print(
        f"median ratio {statistics.median(ratios):.2f} "
        f"(from {min(ratios):.2f} to {max(ratios):.2f})"
    )


if __name__ == "__main__":
    main()
