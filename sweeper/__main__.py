"""The program `sweeper`, also as `python -m sweeper`."""

from __future__ import annotations

import sys

from sweeper.cli import main
from sweeper.terminal.process import run_process

__all__ = ["program"]


def program() -> int:
    """Run the command of the command line; returns its exit code."""
    return run_process(main)


if __name__ == "__main__":
    sys.exit(program())
