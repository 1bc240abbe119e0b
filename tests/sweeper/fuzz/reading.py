"""Read one input as a grid, as far as this needs no disk: parse, check, expand a few trials."""

from __future__ import annotations

import resource
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import FrameType

from sweeper.errors import UserError
from sweeper.grid.document import parse
from sweeper.grid.expand import expand, plan_blocks
from sweeper.grid.schema import check_grid
from tests.sweeper.fuzz.mutants import SHIPPED, mutant

__all__ = ["Reading", "reading", "share"]

FEW, HANGS = 60, 60.0


@dataclass(frozen=True)
class Reading:
    """How it went: `refused` with a sentence, or a `traceback` that must not be.

    `seconds` are of the processor: what else the machine does is not the reader's fault.
    """

    seconds: float
    refused: bool = False
    traceback: str | None = None


def reading(content: bytes) -> Reading:
    """Read the input and see what happens."""
    started, refused, trace = time.process_time(), False, None
    try:
        with _ended_after(HANGS):
            _read(content)
    except UserError as error:
        refused = bool(str(error))
    except Exception:  # noqa: BLE001 - to find these is what it is for
        trace = traceback.format_exc()
    return Reading(time.process_time() - started, refused, trace)


@contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """Raise where it stands once so many seconds of the processor are spent."""

    def end(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"still reading after {seconds:g} s of the processor")

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _read(content: bytes) -> None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:  # as `document.read` answers it
        raise UserError("a grid is UTF-8 text") from error
    document = parse(text, "grid.yaml")
    grid = check_grid(document)
    if sum(block.count for block in plan_blocks(document, grid)) <= FEW:
        expand(document, grid)


@cache
def _warm() -> None:
    """Import what the components need, which takes seconds, once a process."""
    for path in SHIPPED:
        reading(path.read_bytes())


def share(step: int, start: int) -> tuple[int, float, int, list[tuple[int, str]], int]:
    """Inputs refused, slowest, its number, tracebacks by number, peak memory in KiB."""
    _warm()
    refused, slowest, which, broken = 0, 0.0, start, []
    for number in range(start, start + step):
        seen = reading(mutant(number))
        refused += seen.refused
        if seen.seconds > slowest:
            slowest, which = seen.seconds, number
        if seen.traceback:
            broken.append((number, seen.traceback))
    return refused, slowest, which, broken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
