"""`sweeper remove`: delete sweeps from the storage and MLflow."""

from __future__ import annotations

import argparse

from sweeper.commands.removing import add_removal, confirmed, foresee, removed, take_out
from sweeper.commands.shared import add_json
from sweeper.terminal.screen import console, print_json

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "remove"
EXAMPLE = "sweeper remove digits"
HELP = (
    "delete an experiment or a sweep from the storage and MLflow; says first what would be lost, "
    "and asks"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_removal(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be lost, and remove nothing"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sweeper.removal.belongings import held

    loss = foresee(arguments)
    if arguments.dry_run and arguments.json:
        print_json(loss.plain() | {"removed": False})
        return 0
    if arguments.dry_run:
        for sentence in loss.sentences():
            console().print(sentence, markup=False, soft_wrap=True)
        return 0
    done = confirmed(loss, arguments, "deleted for good")
    if done:
        with held(loss.belongings) as own:
            take_out(loss, own)
    if arguments.json:
        print_json(loss.plain() | {"removed": done})
    for sentence in removed(loss, own) if done else ["nothing was removed"]:
        if not arguments.json:
            console().print(sentence, markup=False, soft_wrap=True)
    return 0 if done else 1
