"""The subcommands of `sweeper`, one file each; heavy imports stay inside the functions."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Protocol, cast

__all__ = ["NAMES", "Command", "commands"]


class Command(Protocol):
    """The interface of a command's module."""

    NAME: str
    HELP: str
    EXAMPLE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Run the command; returns the exit code."""
        ...


NAMES = (
    "run",
    "submit",
    "plan",
    "status",
    "logs",
    "stop",
    "resume",
    "rerun",
    "reconcile",
    "listing",
    "report",
    "fit",
    "equivalence",
    "compare",
    "rank",
    "best",
    "export",
    "archive",
    "restore",
    "remove",
    "sample",
    "denoise",
    "ui",
    "server",
    "cluster",
    "init",
    "check",
    "doctor",
    "chaos",
)


def commands() -> list[Command]:
    """The modules of all commands, in the order of the help."""
    return [cast("Command", import_module(f"{__name__}.{name}")) for name in NAMES]
