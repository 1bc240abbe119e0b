"""Run a sweep: from a checked grid to trained, stored and tracked trials."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from rich.console import Console

from cluster.addresses import VARIABLE
from sweeper.adaptive.until import replicate
from sweeper.driver.driver import Driver
from sweeper.errors import placed
from sweeper.schedule.shared_ray import SharedRay, shared_ray
from sweeper.storage import ledger, paths
from sweeper.storage.attempts import bring_all
from sweeper.storage.lease import hold_lease
from sweeper.storage.signs import StopSign
from sweeper.sweep import Outcome, Sweep
from sweeper.tracking.admission import check_tracker

__all__ = ["RunOptions", "run"]


@dataclass(frozen=True)
class RunOptions:
    """How to run: in this process (`inline`) or with Ray; whether to draw, and where.

    `retry_failed` also trains trials again that diverged or whose components cannot be combined.
    `begun` is called when the first worker has begun.
    """

    inline: bool = False
    retry_failed: bool = False
    live: bool = True
    console: Console | None = None
    begun: Callable[[], None] = lambda: None


def run(sweep: Sweep, options: RunOptions | None = None) -> Outcome:
    """Train what is not finished yet, and show all of it in MLflow.

    A failed trial stops no other; a trial whose failure would recur stays failed. Ctrl-C stops the
    trials after their epoch, with a checkpoint; a second one exits at once. The same call
    continues with the remaining trials. A sweep with a rule in `until` gets more seeds until the
    rule is met, or its budget is spent; a search that uses results decides which trials are
    trained. Raises `UserError` if the storage, the tracking store or the cluster cannot be used,
    or another driver runs the sweep.
    """
    started = time.monotonic()
    options = options or RunOptions()
    with placed(sweep.places.get("storage")):
        ledger.check_writable(sweep.storage)
    console = options.console or Console(stderr=True)
    say = partial(console.print, style="yellow", markup=False, soft_wrap=True)
    for note in (check_tracker(sweep), _ignored_ray(sweep, options.inline)):
        if note:
            say(note)

    def drive(sweep: Sweep, ray: SharedRay | None = None) -> Outcome:
        source = sweep.search.source(sweep, options.retry_failed) if sweep.search else None
        driver = Driver(sweep, console, options.live, options.retry_failed, source)
        driver.drive(options.inline, ray.start if ray else None, options.begun)
        return driver.outcome(time.monotonic() - started)

    with hold_lease(paths.sweep_folder(sweep), say), _stop_sign_down(sweep):
        bring_all(sweep.storage)
        if not sweep.until:
            return drive(sweep)
        with shared_ray(sweep, options.inline) as ray:
            return replicate(sweep, partial(drive, ray=ray), console)


def _ignored_ray(sweep: Sweep, inline: bool) -> str | None:
    """A sentence for who has set RAY_ADDRESS, and runs a sweep on this machine alone."""
    address = os.environ.get(VARIABLE)
    if inline or sweep.cluster != "local" or not address:
        return None
    return (
        f"{VARIABLE}={address} is ignored, as `cluster` is local: the trials are trained on this "
        "machine; --cluster auto joins the Ray there"
    )


@contextmanager
def _stop_sign_down(sweep: Sweep) -> Iterator[None]:
    """Remove the stop sign before and after the block; set within it, it stops every driver."""
    sign = StopSign(paths.sweep_folder(sweep))
    sign.take_down()
    try:
        yield
    finally:
        sign.take_down()
