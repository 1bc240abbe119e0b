"""The command `sweeper`: runs the subcommand, and turns every error into one message."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from analysis.errors import AnalysisError
from analysis.sources.tracking_address import without_password
from cluster.errors import ClusterError
from sweeper.commands import commands
from sweeper.errors import BucketError, Interrupted, UserError
from sweeper.terminal.screen import console, print_error

__all__ = ["UNEXPECTED", "USER", "main", "parser"]

USER, UNEXPECTED = 2, 70
MACHINE = {  # what a disk, its rights or a limit refuse: a matter of the machine, not of a program
    getattr(errno, name)
    for name in ("EACCES", "EDQUOT", "EIO", "EMFILE", "ENFILE", "ENOSPC", "EROFS", "ESTALE")
}

EXAMPLES = """\
examples:
  sweeper run digits           train the shipped grid, test its law, write the report
  sweeper init grid.yaml       write a grid to start from, with every line explained
  sweeper plan grid.yaml       what would run, and about how long; starts nothing
  sweeper fit digits --json    the power law of an experiment, for a script

Run the same command again to go on with a sweep that was stopped.
Exit codes: 0 every trial finished, 1 some failed, 2 something to mend, 3 MLflow lacks records
that the storage has, 70 a fault of this program, 130 interrupted (143 by SIGTERM, 129 by a closed
terminal)."""


START = """\
From a grid of hyperparameters to tracked trials, a fitted law and a report.

  sweeper run digits           about a minute: a law with error bars, on the digits of scikit-learn
  sweeper init grid.yaml       a grid of your own, with every line explained
  sweeper plan grid.yaml       what it would train, and about how long
  sweeper list models          what it may name; `sweeper list models sigma_vae` shows one

sweeper --help shows every command, sweeper COMMAND --help its options."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the exit code."""
    given = sys.argv[1:] if argv is None else argv
    try:
        _require_command(given)
        arguments = parser().parse_args(given)
        _settle_paths()
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except (UserError, AnalysisError, ClusterError, BucketError) as error:
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
        if isinstance(error, OSError) and error.errno in MACHINE:
            place = f"{error.filename}: " if error.filename else ""
            print_error(f"{place}{error.strerror}")
            return USER
        said = f"{type(error).__name__}: {without_password(str(error))}"
        print_error(f"unexpected {said} (SWEEPER_DEBUG=1 shows the traceback)")
        return UNEXPECTED


def _require_command(given: Sequence[str]) -> None:
    """`UserError` with the nearest command if the first word is none; a grid's name is run."""
    names = [command.NAME for command in commands()]
    if not given or given[0].startswith("-") or given[0] in names:
        return
    from sweeper.grid.complaints import nearest
    from sweeper.grid.grid_files import shipped_grids

    word = given[0]
    if word in shipped_grids() or word.endswith((".yaml", ".yml")):
        raise UserError(f"{word} is a grid, not a command: `sweeper run {word}` trains it")
    meant = nearest(word, names) or "; `sweeper --help` shows every command"
    raise UserError(f"there is no command {word!r}{meant}")


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
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    parser.add_argument(
        "--print-completion",
        action=_Completion,
        choices=("bash", "zsh", "tcsh"),
        help="print a script that completes the commands and options in this shell, and exit",
    )
    parser.set_defaults(run=_start)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in commands():
        own = subparsers.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.HELP,
            epilog=f"example: {command.EXAMPLE}",
            allow_abbrev=False,
        )
        command.add_arguments(own)
        own.set_defaults(run=command.run)
    return parser


def _start(_: argparse.Namespace) -> int:
    """What `sweeper` without a command prints."""
    console().print(START, markup=False, soft_wrap=True)
    return 0


class _Version(argparse.Action):
    """Prints the installed version, which is looked up only when it is asked for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        console().print(f"sweeper {version('sweeper')}", markup=False)
        parser.exit()


class _Completion(argparse.Action):
    """Prints shtab's completion script for a shell."""

    def __call__(self, parser: argparse.ArgumentParser, _: Any, shell: Any, *__: Any) -> None:
        import shtab

        sys.stdout.write(shtab.complete(parser, shell) + "\n")
        parser.exit()
