"""Show a running sweep: a live table on a terminal, one line a minute in a log."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweeper.planning.forecast import uncertain
from sweeper.terminal.board import Board, Line

__all__ = ["LiveTable", "clock", "log_line", "show"]

ROWS = 12
EVERY_S = 60.0
LOOK_S = 0.2


@contextmanager
def show(board: Board, console: Console, live: bool = True) -> Iterator[None]:
    """Print the state of the sweep while the block runs: a live table, or lines of a log."""
    if live and console.is_terminal:
        with Live(LiveTable(board), console=console, refresh_per_second=4, transient=True):
            yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_log, args=(board, console, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class LiveTable:
    """The table; each time that it is rendered it is drawn from the board's present state."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        running = self._board.in_phase("running")
        parts: list[RenderableType] = [_header(self._board), _bar(self._board)]
        if running:
            parts.append(Padding(_table(list(running.values())), (1, 0, 0, 0)))
        if self._board.message:
            parts.append(Padding(Text(self._board.message, style="dim italic"), (1, 0, 0, 0)))
        yield Padding(Group(*parts), (1, 2))


def log_line(board: Board) -> str:
    """The state of the sweep in one line."""
    parts = [
        f"{_done(board)} of {len(board.lines)} trials done",
        f"{board.count('running')} running",
        f"{board.count('failed')} failed",
    ]
    if left := _left(board):
        parts.append(left)
    if measured := _measured(board):
        first = measured[0]
        parts.append(
            f"{first.label} epoch {first.epoch}/{first.epochs}: "
            f"KL {_metric(first, 'kl')}, recon {_metric(first, 'recon')}"
        )
    if board.message:
        parts.append(board.message)
    return f"{board.title}  {clock(board.elapsed_s)}  {', '.join(parts)}"


def clock(seconds: float) -> str:
    """Seconds as ``m:ss``, ``h:mm:ss`` or ``2 d 3 h``."""
    whole = int(seconds)
    if whole >= 86400:
        return f"{whole // 86400} d {whole % 86400 // 3600} h"
    hours, rest = divmod(whole, 3600)
    minutes = f"{rest // 60}:{rest % 60:02d}"
    return f"{hours}:{minutes:0>5}" if hours else minutes


def _log(board: Board, console: Console, done: threading.Event) -> None:
    """A line at the start, one with the first metrics, and one a minute."""
    _print_line(board, console)
    printed, measured = time.monotonic(), False
    while not done.wait(LOOK_S):
        first = not measured and bool(_measured(board))
        if first or time.monotonic() - printed >= EVERY_S:
            _print_line(board, console)
            printed, measured = time.monotonic(), measured or first


def _print_line(board: Board, console: Console) -> None:
    console.print(log_line(board), highlight=False, soft_wrap=True)


def _measured(board: Board) -> list[Line]:
    """The running trials that have ended an epoch."""
    return [line for line in board.in_phase("running").values() if line.metrics]


def _done(board: Board) -> int:
    return board.count("finished", "failed", "stopped", "pruned")


def _left(board: Board) -> str:
    """``about 3:10 left``; nothing where nobody knows."""
    left = board.left_s
    if left is None or _done(board) == len(board.lines):
        return ""
    return f"about {clock(left)} left" + " (machine busy)" * uncertain()


def _header(board: Board) -> Table:
    times = filter(None, [clock(board.elapsed_s), _left(board)])
    header = Table.grid(expand=True)
    header.add_column(overflow="ellipsis", no_wrap=True)
    header.add_column(justify="right", no_wrap=True)
    header.add_row(Text(board.title, style="bold"), Text("  ·  ".join(times), style="dim"))
    return header


def _bar(board: Board) -> Table:
    failed = board.count("failed")
    counts = Text.assemble(
        f"{_done(board)}/{len(board.lines)} done",
        ("  ·  ", "dim"),
        (f"{board.count('running')} running", "cyan"),
        ("  ·  ", "dim"),
        (f"{failed} failed", "bold red" if failed else "dim"),
    )
    row = Table.grid(expand=True, padding=(0, 2, 0, 0))
    row.add_column(ratio=1)
    row.add_column(justify="right", no_wrap=True)
    row.add_row(
        ProgressBar(
            total=1.0, completed=board.share, complete_style="cyan", finished_style="green"
        ),
        counts,
    )
    return row


def _table(lines: list[Line]) -> Group:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("trial", no_wrap=True, overflow="ellipsis", min_width=30)
    for title in ("epoch", "KL", "recon"):
        table.add_column(title, justify="right", no_wrap=True, min_width=8)
    for line in lines[:ROWS]:
        table.add_row(
            line.label, f"{line.epoch}/{line.epochs}", _metric(line, "kl"), _metric(line, "recon")
        )
    more = len(lines) - ROWS
    return Group(table, *([Text(f"and {more} more", style="dim")] if more > 0 else []))


def _metric(line: Line, name: str) -> str:
    value = line.metrics.get(f"test/{name}", line.metrics.get(f"train/{name}"))
    if value is None:
        return "·"
    return f"{value:.4g}" if math.isfinite(value) else "not finite"
