"""`sweeper list`: every name that a grid may use."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from sweeper.commands.shared import add_json
from sweeper.terminal.screen import console, print_json

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "list"
HELP = "list models, networks, data sets, corruptions and shipped grids"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "kind", nargs="?", metavar="KIND", help="only this kind, such as models or grids"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sweeper.plan.catalogue import catalogue

    found = catalogue(arguments.kind)
    if arguments.json:
        print_json(found)
    else:
        _show(found)
    return 0


def _show(found: dict[str, list[dict[str, Any]]]) -> None:
    from rich.table import Table
    from rich.text import Text

    screen = console()
    width = max(len(entry["name"]) for entries in found.values() for entry in entries)
    for kind, entries in found.items():
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, min_width=width, style="bold")
        table.add_column()
        for entry in entries:
            table.add_row(Text(entry["name"]), _about(entry))
        screen.print(Text(kind, style="cyan"))
        screen.print(table)
        screen.print()


def _about(entry: dict[str, Any]) -> Text:
    from rich.text import Text

    source = entry["reference"]
    return Text.assemble(entry["summary"], *([("\n" + source, "dim")] if source else []))
