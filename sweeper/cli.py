"""The command `sweeper`: runs the subcommand, and turns every error into one message."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from analysis.errors import AnalysisError
from analysis.sources.tracking_address import without_password
from cluster.errors import ClusterError
from sweeper.commands import commands
from sweeper.errors import Interrupted, UserError
from sweeper.terminal.screen import print_error

__all__ = ["UNEXPECTED", "USER", "main", "parser"]

USER, UNEXPECTED = 2, 70

EXAMPLES = """\
examples:
  sweeper run digits           train the shipped grid, test its law, write the report
  sweeper init grid.yaml       write a grid to start from, with every line explained
  sweeper plan grid.yaml       what would run, and about how long; starts nothing
  sweeper fit digits --json    the power law of an experiment, for a script

Run the same command again to go on with a sweep that was stopped.
Exit codes: 0 every trial finished, 1 some failed, 2 something to mend, 3 MLflow lacks records
that the storage has, 130 interrupted (143 by SIGTERM, 129 by a closed terminal)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the exit code."""
    arguments = parser().parse_args(argv)
    try:
        _settle_paths()
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except (UserError, AnalysisError, ClusterError) as error:
        print_error(without_password(str(error)))
        return USER
    except KeyboardInterrupt as stop:
        print_error(without_password(str(stop)) or "interrupted")
        return 128 + (stop.number if isinstance(stop, Interrupted) else signal.SIGINT)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the user gets one line instead of a traceback
        if os.environ.get("SWEEPER_DEBUG"):
            raise
        said = f"{type(error).__name__}: {without_password(str(error))}"
        print_error(f"unexpected {said} (SWEEPER_DEBUG=1 shows the traceback)")
        return UNEXPECTED


def _settle_paths() -> None:
    """Refuse a working folder that was deleted; make SWEEPER_DATA absolute, for the workers."""
    try:
        here = os.getcwd()
    except FileNotFoundError as error:
        raise UserError(
            "the working folder was deleted; change to one that exists (cd), and try again"
        ) from error
    if data := os.environ.get("SWEEPER_DATA"):
        os.environ["SWEEPER_DATA"] = os.path.join(here, os.path.expanduser(data))


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sweeper",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Hyperparameter sweeps and tested scaling laws for imaginary-noise models.",
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands():
        own = subparsers.add_parser(
            command.NAME, help=command.HELP, description=command.HELP, allow_abbrev=False
        )
        command.add_arguments(own)
        own.set_defaults(run=command.run)
    return parser
