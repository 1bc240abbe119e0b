"""The table of failed trials, with the reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["draw_failures"]

ALIKE = 5
SHOWN = 40


def draw_failures(screen: Console, failures: Sequence[Mapping[str, Any]]) -> None:
    """One row a trial (`trial`, `label`, `line`, `reason`); those of one reason stand together.

    Of more than five trials with the same reason the others are counted; nothing is cropped.
    """
    if not failures:
        return
    table = Table(
        title=f"{len(failures)} failed",
        title_style="bold red",
        title_justify="left",
        padding=(0, 1),
        header_style="dim",
        show_edge=False,
        pad_edge=False,
    )
    table.add_column("trial", no_wrap=True)
    table.add_column("label", overflow="fold")
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold", ratio=1)
    rows = list(_rows(failures))
    for row in rows[:SHOWN]:
        table.add_row(*row)
    screen.print(table)
    if len(rows) > SHOWN:
        screen.print(
            f"… and {len(rows) - SHOWN} rows more (`sweeper status --json` has them all)",
            style="dim",
            markup=False,
        )
    screen.print()


def _rows(failures: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Text, Text, Text, Text]]:
    alike: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for failure in failures:
        alike[str(failure.get("reason") or "unknown")].append(failure)
    for reason, group in alike.items():
        shown = group if len(group) <= ALIKE + 1 else group[:ALIKE]
        for place, failure in enumerate(shown):
            yield (
                Text(str(failure["trial"])),
                Text(str(failure["label"])),
                Text(str(failure.get("line") or "·")),
                _reason(reason, len(group), place),
            )
        if len(shown) < len(group):
            yield Text(""), Text(f"and {len(group) - len(shown)} more"), Text(""), Text("″")


def _reason(reason: str, count: int, place: int) -> Text:
    """The reason, in full only in a group's first row, with the number of trials that share it."""
    if place:
        return Text("″", style="dim")
    return Text.assemble((reason, "red"), (f" ({count} trials)", "dim") if count > 1 else "")
