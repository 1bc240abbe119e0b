"""Run a command as the whole work of a process."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import suppress

__all__ = ["run_process"]


def run_process(command: Callable[[], int]) -> int:
    """Run a command; the process ends without taking apart torch and Ray, which takes seconds.

    What others registered to be done at the exit is done: this was registered first, so it comes
    last.
    """
    code = 1

    def leave() -> None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)

    atexit.register(leave)
    try:
        code = command()
    except SystemExit as end:  # of argparse: --help, and arguments that it refuses
        code = end.code if isinstance(end.code, int) else 1
    return code
