"""`sweeper list`: every name that a grid may use."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.commands.shared import add_json
from sweeper.errors import UserError
from sweeper.terminal.screen import console, print_json, print_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "list"
EXAMPLE = "sweeper list models sigma_vae"
LINE_EACH = ("grids", "models", "datasets")  # the kinds of which the overview shows each entry
HELP = "list models, networks, data sets and shipped grids; `list grids digits` shows one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "named",
        nargs="*",
        metavar="KIND [NAME] or GRID",
        help="only this kind, such as `models`; one of it, such as `models sigma_vae`, or "
        "a shipped grid, `grids digits`; with the components that a grid brings, such as "
        "`grid.yaml`",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sweeper.planning.catalogue import catalogue

    kinds = [named for named in arguments.named if not named.endswith((".yaml", ".yml"))]
    grids = [named for named in arguments.named if named not in kinds]
    if len(kinds) > 2 or len(grids) > 1:
        raise UserError(
            f"list takes a kind, a name of it and a grid, not {' '.join(arguments.named)}"
        )
    for grid in grids:
        bring(Path(grid))
    if len(kinds) == 2:
        return _one(kinds[0], kinds[1], arguments.json)
    found = catalogue(*kinds)
    if arguments.json:
        print_json(found)
    elif kinds:
        _show(found)
    else:
        _overview(found)
    return 0


def _one(kind: str, name: str, as_json: bool) -> int:
    """Print one entry: what it is, its fields, and an example; of a grid its file."""
    from sweeper.planning.entry import entry_of

    entry = entry_of(kind, name)
    if as_json:
        print_json({kind: [entry]})
        return 0
    if kind == "grids":
        console().print(entry["text"], end="", markup=False, highlight=False, soft_wrap=True)
        return 0
    from rich.table import Table
    from rich.text import Text

    from sweeper.grid.complaints import show

    screen = console()
    screen.print(Text(entry["summary"]), soft_wrap=True)
    if entry["reference"]:
        screen.print(Text(entry["reference"], style="dim"), soft_wrap=True)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("field", "type", "default", "bounds"):
        table.add_column(title)
    for field in entry["fields"]:
        default = "required" if field["required"] else show(field["default"])
        table.add_row(*map(Text, (field["name"], field["type"], default, field["bounds"])))
    if entry["fields"]:
        screen.print()
        print_table(screen, table)
        _show_meanings(screen, entry["fields"])
    screen.print(Text(f"\nexample  {entry['example']}"), soft_wrap=True)
    return 0


def _show_meanings(screen: Console, fields: list[dict[str, Any]]) -> None:
    """A line for each field whose meaning is known."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for field in fields:
        if field["meaning"]:
            table.add_row(Text(field["name"]), Text(field["meaning"]))
    if table.row_count:
        screen.print()
        screen.print(table)


def bring(grid: Path) -> None:
    """Make the components known that a grid brings."""
    from sweeper.grid.components import bring_components
    from sweeper.grid.document import read
    from sweeper.grid.schema import check_grid

    document = read(grid)
    bring_components(document, check_grid(document).components)


def _overview(found: dict[str, list[dict[str, Any]]]) -> None:
    """A line for each grid, model and data set, and one for each other kind."""
    from rich.table import Table
    from rich.text import Text

    screen = console()
    order = [*LINE_EACH, *(kind for kind in found if kind not in LINE_EACH)]
    rows: list[tuple[Text, Text]] = []
    for kind in order:
        entries, names = found[kind], [entry["name"] for entry in found[kind]]
        head = Text(f"{kind} ({len(entries)})", style="cyan")
        if kind not in LINE_EACH:
            rows.append((head, Text(", ".join(names), overflow="fold", no_wrap=False)))
            continue
        rows.append((head, Text()))
        for entry in entries:
            name = entry["name"]
            if name.removesuffix("-small") in set(names) - {name}:
                continue
            small = ", -small" if f"{name}-small" in names else ""
            rows.append((Text.assemble("  ", (name, "bold"), small), Text(entry["summary"])))
        rows.append((Text(), Text()))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=max(len(name) for name, _ in rows))
    table.add_column(overflow="ellipsis", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    print_table(screen, table)
    screen.print(
        "\nsweeper list KIND has fields and sources, sweeper list KIND NAME one with an example",
        markup=False,
        soft_wrap=True,
    )


def _show(found: dict[str, list[dict[str, Any]]]) -> None:
    """One table a kind, with what a grid may set of each entry."""
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

    fields = ", ".join(map(_field, entry.get("fields", ())))
    lines = [entry["reference"], fields, *entry.get("takes", ())]
    return Text.assemble(entry["summary"], *((f"\n{line}", "dim") for line in lines if line))


def _field(field: dict[str, Any]) -> str:
    """A hyperparameter as text, with its default if it has one."""
    if field["required"]:
        return f"{field['name']} (required)"
    return f"{field['name']}: {field['default']}"
