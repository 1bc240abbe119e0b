"""What must hold after any disturbance, once the same command has been run again."""

from __future__ import annotations

from pathlib import Path

from sweeper.chaos.promises import equal_results, finishes, tracked_once
from sweeper.sweep import Sweep
from tests.sweeper.small import undisturbed

__all__ = ["check_promises", "reference"]


def reference(folder: Path, sweep: Sweep) -> Sweep:
    """The same trials without a disturbance; to be trained once for many comparisons."""
    return undisturbed(folder, sweep.trials, packed=True)


def check_promises(sweep: Sweep, other: Sweep) -> None:
    """Nothing lost, nothing twice, nothing different, nothing left running."""
    promises = [finishes(sweep), equal_results(sweep, other), *tracked_once(sweep)]
    assert [promise for promise in promises if promise.lost or not promise.of] == []
