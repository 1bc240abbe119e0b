"""The table of promises of `sweeper chaos`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sweeper.chaos.promises import KINDS
from sweeper.chaos.suite import SuiteResult

__all__ = ["draw_promises"]

STYLES = {"yes": "green", "no": "bold red", "not tried": "yellow"}


def draw_promises(screen: Console, found: SuiteResult) -> None:
    """Print promises with faults, violations and verdicts, then which promises were not tried."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("promise", overflow="fold")
    for name in ("faults injected", "lost", "kept"):
        table.add_column(name, justify="right", no_wrap=True)
    for promise in found.promises:
        verdict = found.verdict(promise)
        faults = sum(found.faults.get(kind, 0) for kind in promise.kinds)
        table.add_row(
            promise.text,
            str(faults),
            f"{promise.lost} of {promise.of}",
            Text(verdict, style=STYLES[verdict]),
        )
    screen.print(table)
    screen.print()
    if any(found.verdict(promise) == "not tried" for promise in found.promises):
        screen.print(
            "what was not tried is not shown to be kept; a higher --kills gives it more chances",
            soft_wrap=True,
        )
    screen.print(
        "faults: "
        + ", ".join(f"{kind} {found.faults[kind]}" for kind in KINDS)
        + f"; seed {found.seed}; {found.wall_s:.0f} s",
        soft_wrap=True,
    )
