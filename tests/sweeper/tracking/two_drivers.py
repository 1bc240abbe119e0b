"""Two drivers that deliver the same trial in the same moment."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest

from sweeper.sweep import Sweep
from sweeper.tracking.run_rows import RunRows
from sweeper.tracking.tracker import Tracking
from tests.sweeper.small import newest

__all__ = ["show_at_once"]


def show_at_once(
    first: Tracking, second: Tracking, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Show the sweep's first trial by both: the second one has a chance to write its run between
    the first one's look for one and its rows.
    """
    trial, make_row, others = sweep.trials[0], RunRows._run, list[threading.Thread]()

    def show_beside(own: RunRows, name: str, started_ms: int) -> dict[str, Any]:
        if not others:
            call = partial(second.show_trial, trial.id, newest(sweep, trial), "FINISHED")
            others.append(threading.Thread(target=call))
            others[0].start()
            others[0].join(2)
        return make_row(own, name, started_ms)

    monkeypatch.setattr(RunRows, "_run", show_beside)
    first.show_trial(trial.id, newest(sweep, trial), "FINISHED")
    others[0].join()
