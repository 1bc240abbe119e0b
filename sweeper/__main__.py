"""The program `sweeper`, also as `python -P -m sweeper`.

Without `-P`, Python looks for modules in the working directory first, and would run a `sweeper.py`
there instead of this program.
"""

from __future__ import annotations

import sys

from sweeper.import_path import prefer_installed
from sweeper.terminal.process import run_process

__all__ = ["program"]


def program() -> int:
    """Run the command of the command line; returns its exit code."""
    return run_process(_command)


def _command() -> int:
    shadowed = prefer_installed()
    if shadowed:
        sys.stderr.write(f"error: {shadowed}\n")
        return 2
    from sweeper.cli import main  # imports the other packages, so after the path is set

    return main()


if __name__ == "__main__":
    sys.exit(program())
