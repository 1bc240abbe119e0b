"""``python -m tests.sweeper.fuzz --inputs 100000``: read so many inputs, and print a table."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from functools import partial

from tests.sweeper.fuzz.reading import share

SHARE = 1000
MOST = 1024  # MiB


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sweeper.fuzz")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    asked = parser.parse_args()
    starts = range(asked.first, asked.first + asked.inputs, SHARE)
    with multiprocessing.get_context("spawn").Pool() as pool:
        parts = list(pool.imap_unordered(partial(share, SHARE), starts))
    broken = [one for part in parts for one in part[3]]
    slowest, which = max((part[1], part[2]) for part in parts)
    peak = max(part[4] for part in parts) / 1024
    for number, trace in broken[:10]:
        sys.stdout.write(f"input {number}:\n{trace}\n")
    inputs = len(starts) * SHARE
    refused = sum(part[0] for part in parts)
    sys.stdout.write(
        f"inputs       {inputs:>10,}\nrefused      {refused:>10,}\n"
        f"accepted     {inputs - refused - len(broken):>10,}\ntracebacks   {len(broken):>10,}\n"
        f"slowest      {slowest:>10.2f} s (input {which})\npeak memory  {peak:>10.0f} MiB\n"
    )
    return int(bool(broken) or peak > MOST)


if __name__ == "__main__":
    sys.exit(main())
