"""The tables of `sweeper status`: all trials, what is trained where, and what failed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from sweeper.terminal.failure_table import draw_failures
from sweeper.terminal.screen import print_table

if TYPE_CHECKING:
    from rich.console import Console

    from sweeper.status.standing import Standing

__all__ = ["draw_standings"]

NAMED = 3
SHORT = 8
SHOWN = 40
STYLES = {
    "finished": "green",
    "running": "cyan",
    "stopped": "yellow",
    "pruned": "magenta",
    "failed": "bold red",
    "pending": "dim",
}
COLUMNS = {"KL": "test/kl", "recon": "test/recon", "denoise": "test/denoise"}


def draw_standings(screen: Console, found: Sequence[Standing]) -> None:
    """Print all trials, those that are trained now, and those that failed."""
    _show_trials(screen, found)
    screen.print()
    _show_running(screen, found)
    failed = [one for one in found if one.status == "failed"]
    draw_failures(
        screen,
        [
            {"trial": one.id, "label": one.label, "line": one.line, "reason": one.reason}
            for one in failed
        ],
    )


def _show_trials(screen: Console, found: Sequence[Standing]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("id", no_wrap=True)
    table.add_column("trial", overflow="fold")
    table.add_column("status", no_wrap=True)
    for name in ("epoch", *COLUMNS):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found[:SHOWN]:
        metrics = [_metric(one, key) for key in COLUMNS.values()]
        table.add_row(
            one.id[:SHORT],
            one.label,
            Text(one.status, style=STYLES.get(one.status, "")),
            f"{one.epoch}/{one.epochs}",
            *metrics,
        )
    print_table(screen, table)
    if len(found) > SHOWN:
        screen.print(
            f"… and {len(found) - SHOWN} more trials (--json lists them all)", style="dim"
        )


def _metric(one: Standing, name: str) -> str:
    value = one.metrics.get(name)
    if value is None:
        return "·"
    return f"{value:.4g}" if math.isfinite(value) else "not finite"


def _show_running(screen: Console, found: Sequence[Standing]) -> None:
    """Print a line for each pack that is trained now: its node, since when, and its trials."""
    members: dict[tuple[str, str], list[Standing]] = defaultdict(list)
    for one in found:
        if one.where:
            members[one.where.host, one.where.pack].append(one)
    if not members:
        return
    packs = [
        (host, min(one.where.since for one in pack if one.where), [one.label for one in pack])
        for (host, _), pack in members.items()
    ]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("node", "since"):
        table.add_column(name, no_wrap=True)
    table.add_column("trains", overflow="fold")
    for host, since, labels in sorted(packs)[:SHOWN]:
        more = f", and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
        together = f" (a pack of {len(labels)})" if len(labels) > 1 else ""
        table.add_row(host, _local(since), f"{', '.join(labels[:NAMED])}{more}{together}")
    print_table(screen, table)
    if len(packs) > SHOWN:
        screen.print(f"… and {len(packs) - SHOWN} more packs (--json lists them all)", style="dim")
    screen.print()


def _local(since: str) -> str:
    return datetime.fromisoformat(since).astimezone().strftime("%d %b %H:%M:%S")
