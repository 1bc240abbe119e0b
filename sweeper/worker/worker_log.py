"""``worker.log`` of a trial: when and where it was trained, and what its worker printed."""

from __future__ import annotations

import heapq
import os
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any, TextIO, cast

from sweeper.messages import Emit, Event, Job
from sweeper.storage import ledger, paths

__all__ = ["WorkerLog"]

LONGEST = 64 * 1024  # characters of one attempt, and of the attempts before it
WIDEST = 4096  # characters of a line that has not ended, which is then broken


class WorkerLog:
    """What happens in one job, written to the folder of each trial when its attempt ends.

    What is printed while a pack trains may be about any of its trials, so all of them get it. An
    attempt that is killed leaves nothing. Of what is printed, and of the events of each trial, the
    last `LONGEST` characters are kept.
    """

    def __init__(self, job: Job) -> None:
        self._storage, self._size = job.storage, len(job.trials)
        others = f", {self._size} trials in one job" * (self._size > 1)
        where = f"{socket.gethostname()}, process {os.getpid()}, {job.device}{others}"
        self._numbers = count()
        self._printed, self._streams = _LastLines(), list[_Copied]()
        self._events = {trial.id: _LastLines() for trial in job.trials}
        for lines in self._events.values():
            lines.add(next(self._numbers), _line(f"worker on {where}"))
        self._written = dict.fromkeys(self._events, 0)  # lines below this number are in the file

    def hearing(self, emit: Emit) -> Emit:
        """`emit`, with each event noted before; a trial's log is written before its last event."""

        def told(events: list[Event]) -> None:
            for event in events:
                self._note(event)
            emit(events)

        return told

    @contextmanager
    def printing(self) -> Iterator[None]:
        """Note what this thread prints in the block, which is printed all the same."""
        self._streams = [_Copied(stream, self._print) for stream in (sys.stdout, sys.stderr)]
        out, err = self._streams
        with redirect_stdout(cast(TextIO, out)), redirect_stderr(cast(TextIO, err)):
            yield

    def _print(self, line: str) -> None:
        if line.strip():
            self._printed.add(next(self._numbers), f"  {line}")

    def _note(self, event: Event) -> None:
        lines = self._events.get(event.trial)
        if lines is None:
            return
        if event.ended:
            for stream in self._streams:
                stream.end_line()
        for said in _said(event):
            lines.add(next(self._numbers), _line(said))
        if event.ended:
            first, self._written[event.trial] = self._written[event.trial], next(self._numbers)
            both = heapq.merge(self._printed.since(first), lines.since(first))
            self._write(event.trial, [line for _, line in both])
            lines.clear()

    def _write(self, trial: str, lines: Sequence[str]) -> None:
        """Add the lines to the file; a full disk ends no trial."""
        path = paths.worker_log(paths.trial_folder(self._storage, trial))
        with suppress(OSError):
            escaped = "backslashreplace"  # names of files that are not UTF-8 are printed, too
            before = path.read_text("utf-8", escaped) if path.is_file() else ""
            now = "\n".join(lines)
            text = f"{before[-LONGEST:]}{now[-LONGEST:]}\n"
            ledger.write_file(path, text.encode("utf-8", escaped))


class _LastLines:
    """The last lines, of at most `LONGEST` characters in all, each with its number."""

    def __init__(self) -> None:
        self._lines, self._size = deque[tuple[int, str]](), 0

    def add(self, number: int, line: str) -> None:
        line = line[-LONGEST:]
        self._lines.append((number, line))
        self._size += len(line) + 1
        while self._size > LONGEST + 1:
            self._size -= len(self._lines.popleft()[1]) + 1

    def since(self, number: int) -> Iterator[tuple[int, str]]:
        """The lines of this number and of larger ones."""
        return (one for one in self._lines if one[0] >= number)

    def clear(self) -> None:
        self._lines.clear()
        self._size = 0


class _Copied:
    """A stream that also hands on each line that one thread writes to it."""

    def __init__(self, stream: TextIO, copy: Callable[[str], None]) -> None:
        self._stream, self._copy, self._thread = stream, copy, threading.get_ident()
        self._line = ""  # that has not ended yet

    def write(self, written: str) -> int:
        if threading.get_ident() == self._thread:
            # The mark makes the last piece one that has not ended, which may be empty.
            *lines, rest = f"{self._line}{written}|".splitlines()
            for line in lines:
                self._copy(line)
            self._line = rest[:-1]
            if len(self._line) > WIDEST:
                self.end_line()
        return self._stream.write(written)

    def end_line(self) -> None:
        """Hand on what was written of a line that has not ended yet."""
        self._copy(self._line)
        self._line = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _said(event: Event) -> Iterator[str]:
    for record in event.records:
        yield f"epoch {record.epoch}, step {record.step}"
    if event.note:
        yield event.note
    if event.phase != "running":
        yield event.phase + (f": {event.reason}" if event.reason else "")


def _line(said: str) -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {said}"
