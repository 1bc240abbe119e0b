"""``worker.log`` of a trial: when and where it was trained, and what its worker printed."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import UTC, datetime
from typing import Any, TextIO, cast

from sweeper.messages import Emit, Event, Job
from sweeper.storage import ledger, paths

__all__ = ["WorkerLog"]

LONGEST = 64 * 1024  # characters of one attempt, and of the attempts before it


class WorkerLog:
    """What happens in one job, written to the folder of each trial when its attempt ends.

    What is printed while a pack trains may be about any of its trials, so all of them get it. An
    attempt that is killed leaves nothing.
    """

    def __init__(self, job: Job) -> None:
        self._storage, self._size = job.storage, len(job.trials)
        others = f", {self._size} trials in one job" * (self._size > 1)
        where = f"{socket.gethostname()}, process {os.getpid()}, {job.device}{others}"
        self._lines = {trial.id: [_line(f"worker on {where}")] for trial in job.trials}

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
        out, err = (_Copied(stream, self._print) for stream in (sys.stdout, sys.stderr))
        with redirect_stdout(cast(TextIO, out)), redirect_stderr(cast(TextIO, err)):
            yield

    def _print(self, printed: str) -> None:
        for lines in self._lines.values():
            lines.extend(f"  {line}" for line in printed.splitlines() if line.strip())

    def _note(self, event: Event) -> None:
        lines = self._lines.get(event.trial)
        if lines is None:
            return
        lines.extend(_line(said) for said in _said(event))
        if event.ended:
            self._write(event.trial, lines)
            lines.clear()

    def _write(self, trial: str, lines: Sequence[str]) -> None:
        """Add the lines to the file; a full disk ends no trial."""
        path = paths.worker_log(paths.trial_folder(self._storage, trial))
        with suppress(OSError):
            before = path.read_text(encoding="utf-8") if path.is_file() else ""
            now = "\n".join(lines)
            ledger.write_file(path, f"{before[-LONGEST:]}{now[-LONGEST:]}\n".encode())


class _Copied:
    """A stream that also hands on what one thread writes to it."""

    def __init__(self, stream: TextIO, copy: Callable[[str], None]) -> None:
        self._stream, self._copy, self._thread = stream, copy, threading.get_ident()

    def write(self, written: str) -> int:
        if threading.get_ident() == self._thread:
            self._copy(written)
        return self._stream.write(written)

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
