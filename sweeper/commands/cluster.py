"""`sweeper cluster`: the files that start a sweep on Slurm, Kubernetes, hosts with SSH, or AWS."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import cast

from sweeper.commands import Command

__all__ = ["EXAMPLE", "HELP", "NAME", "PLACES", "add_arguments", "run"]

NAME = "cluster"
EXAMPLE = "sweeper cluster slurm grid.yaml --nodes 2 --submit"
HELP = "write what starts a grid on Slurm, or a Ray cluster on Kubernetes, over SSH or on AWS"
PLACES = ("slurm", "kubernetes", "ssh", "aws")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    places = parser.add_subparsers(title="places", dest="place", metavar="PLACE", required=True)
    for name in PLACES:
        place = _place(name)
        own = places.add_parser(
            place.NAME,
            help=place.HELP,
            description=place.HELP,
            epilog=f"example: {place.EXAMPLE}",
            allow_abbrev=False,
        )
        place.add_arguments(own)


def run(arguments: argparse.Namespace) -> int:
    return _place(arguments.place).run(arguments)


def _place(name: str) -> Command:
    return cast("Command", import_module(f"sweeper.commands.places.{name}"))
