"""Searches that look at results, run in this process and without a tracker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sweeper.driver.feed import Feed
from sweeper.grid import loading
from sweeper.messages import Event
from sweeper.schedule.inline import InlineSchedule
from sweeper.storage import ledger
from sweeper.storage.claims import Claims
from sweeper.sweep import PlannedTrial, Source, Sweep
from tests.sweeper.grids import write_grid

__all__ = ["Killed", "load", "search", "source_of", "states"]

GRID = """\
experiment: demo
data: digits
defaults: {{network: linear, d_z: 4, epochs: {epochs}, batch_size: 256, checkpoint_every: 1}}
seeds: {seeds}
search: {search}
trials:
"""


class Killed(BaseException):
    """Ends a search in the middle of the training, as a signal would."""


def load(folder: Path, search: str, *blocks: str, seeds: object = 1, epochs: int = 1) -> Sweep:
    """The sweep of a grid with this search, stored below the folder."""
    folder.mkdir(exist_ok=True)
    text = GRID.format(search=search, seeds=seeds, epochs=epochs)
    path = write_grid(folder, text + "".join(f"  - {block}\n" for block in blocks))
    return loading.load(
        path, storage=str(folder / "sweeps"), tracking=f"sqlite:///{folder}/mlflow.db"
    )


def source_of(sweep: Sweep) -> Source:
    """What the sweep's search decides by."""
    assert sweep.search
    source = sweep.search.source(sweep, retry_failed=False)
    assert source
    return source


def search(sweep: Sweep, kill_at: int | None = None) -> tuple[Source, list[Event]]:
    """Run a search to its end, or up to an event; what it trains is in the news.

    Raises `Killed` at the event, and whatever ended the search before its time.
    """
    source = source_of(sweep)
    with Claims(sweep.storage) as claims:
        feed, news = Feed(sweep, source, claims), list[Event]()

        def hear(events: Sequence[Event]) -> None:
            news.extend(events)
            if kill_at is not None and len(news) > kill_at:
                raise Killed
            feed.hear(events)

        InlineSchedule().run(feed.jobs(lambda: None), sweep.resources, hear)
    if feed.error:
        raise feed.error
    return source, news


def states(sweep: Sweep, trials: Sequence[PlannedTrial]) -> dict[str, ledger.Status]:
    """How far trials are; each has its `trial.json` from now on, as a driver would see to."""
    ledger.write_trials(replace(sweep, trials=tuple(trials)))
    return ledger.status(sweep.storage, [trial.id for trial in trials])
