"""Run a command as the whole work of a process."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from sweeper.garbage import collect_seldom
from sweeper.terminal.stand_ins import allow_every_character
from sweeper.terminal.steady import outlive_terminal

__all__ = ["run_process"]


def run_process(command: Callable[[], int]) -> int:
    """Run a command, and end the process without shutting down torch and Ray, which takes seconds.

    Exit functions that others registered run before that, as those are called in reverse order.
    """
    code = 1
    _open_closed()
    collect_seldom()
    outlive_terminal()
    allow_every_character()

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


def _open_closed() -> None:
    """Give the process the standard streams that it was started without, as by ``>&-``.

    Else the next file that is opened gets the number of one, and what is printed.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode)  # noqa: SIM115 - as long as the process
            for one in (name, f"__{name}__"):  # the latter keeps it open
                setattr(sys, one, stream)
