"""The subcommands of `sweeper`, one file each; heavy imports stay inside the functions."""

from __future__ import annotations

import argparse
from typing import Protocol

from sweeper.commands import (
    chaos,
    compare,
    denoise,
    doctor,
    equivalence,
    export,
    fit,
    init,
    listing,
    plan,
    rank,
    reconcile,
    report,
    rerun,
    resume,
    run,
    sample,
    status,
    stop,
    ui,
)

__all__ = ["COMMANDS", "Command"]


class Command(Protocol):
    """What a module of this package provides."""

    NAME: str
    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; the return value is the exit code."""
        ...


COMMANDS: tuple[Command, ...] = (
    run,
    plan,
    status,
    stop,
    resume,
    rerun,
    reconcile,
    listing,
    report,
    fit,
    equivalence,
    compare,
    rank,
    export,
    sample,
    denoise,
    ui,
    init,
    doctor,
    chaos,
)
