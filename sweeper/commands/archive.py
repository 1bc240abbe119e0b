"""`sweeper archive`: put sweeps into one file, and take them out of the storage and MLflow."""

from __future__ import annotations

import argparse

from sweeper.commands.removing import add_removal, confirmed, foresee, removed, take_out
from sweeper.commands.shared import add_json
from sweeper.terminal.screen import busy, console, print_json

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "archive"
EXAMPLE = "sweeper archive digits --out digits.tar.gz"
HELP = (
    "pack an experiment or a sweep into one file, which `sweeper restore` brings back, and remove "
    "it from the storage and MLflow"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_removal(parser)
    parser.add_argument(
        "--out", metavar="FILE", help="the archive (default: ./NAME.tar.gz); never overwritten"
    )
    parser.add_argument(
        "--keep", action="store_true", help="write the archive only, and remove nothing"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from sweeper.removal.archive import write_archive
    from sweeper.removal.belongings import held

    arguments.keep_runs = arguments.keep_runs or arguments.keep
    file = Path(arguments.out or f"{arguments.name}.tar.gz").expanduser().absolute()
    loss = foresee(arguments)
    done = arguments.keep or confirmed(loss, arguments, f"moved to {file}")
    if done:
        with held(loss.belongings) as own:
            with busy(f"writing {file.name}"):
                size = write_archive(own, file)
            if not arguments.keep:
                take_out(loss, own)
        said = [f"{file} holds {', '.join(one.name for one in own.sweeps)}"]
        said += [] if arguments.keep else removed(loss, own)
        said.append(f"`sweeper restore {file.name}` brings it back")
    else:
        size, said = None, ["nothing was removed, and no archive written"]
    if arguments.json:
        print_json(
            loss.plain()
            | {"archive": str(file) if done else None, "archive_bytes": size}
            | {"removed": done and not arguments.keep}
        )
        return 0 if done else 1
    for sentence in said:
        console().print(sentence, markup=False, soft_wrap=True)
    return 0 if done else 1
