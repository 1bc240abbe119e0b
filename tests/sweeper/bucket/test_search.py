"""A search on a bucket: no reader takes back what it has noted, and another machine goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from optuna.storages.journal import JournalFileBackend

from sweeper.bucket.mirror import Mirror, mirror_at
from sweeper.driver.feed import Feed
from sweeper.driver.roster import Roster
from sweeper.schedule.inline import InlineSchedule
from sweeper.storage.addresses import storage_path
from sweeper.storage.claims import Claims
from sweeper.storage.ledger import check_writable
from sweeper.sweep import PlannedTrial, Sweep
from tests.sweeper.bucket.object_store import Place
from tests.sweeper.searched import load, search, source_of

pytestmark = pytest.mark.usefixtures("patient")

SEARCH = "{method: tpe, trials: 4, startup: 2, seed: 0, metric: test/elbo_full, mode: max}"
RATES = "{model: sigma_vae, sigma: 0.3, lr: {loguniform: [1e-4, 1e-2]}}"


def on_bucket(place: Place) -> Sweep:
    return replace(load(place.folder, SEARCH, RATES), storage=storage_path(place.address))


def driven(sweep: Sweep) -> None:
    """Run a search to its end as its driver does, without a tracker."""
    check_writable(sweep.storage)
    source = source_of(sweep)
    roster = Roster(sweep, source, retry_failed=False)
    roster.begin()
    with Claims(sweep.storage) as claims:
        feed = Feed(roster.sweep, source, claims)
        InlineSchedule().run(feed.jobs(lambda: ignore(roster.grow())), sweep.resources, feed.hear)
    assert feed.error is None


def ignore(_: Sequence[PlannedTrial]) -> None:
    pass


def proposed(sweep: Sweep) -> list[str]:
    """What the journal of a search knows."""
    return [trial.id for trial in source_of(sweep).trials]


def test_a_reader_of_the_same_machine_takes_back_no_proposal(place: Place) -> None:
    """It looks after each line of the journal, before the driver has uploaded that."""
    calm = load(place.folder / "calm", SEARCH, RATES)
    search(calm)
    sweep = on_bucket(place)
    reader, real = Mirror(mirror_at(place.address).folder), JournalFileBackend.append_logs

    def then_look(journal: JournalFileBackend, logs: Sequence[dict[str, Any]]) -> None:
        real(journal, list(logs))
        reader.refresh()

    with place.patch.context() as patch:
        patch.setattr(JournalFileBackend, "append_logs", then_look)
        driven(sweep)
    assert len(proposed(calm)) == 4
    assert proposed(sweep) == proposed(calm)
    place.be("two")
    assert proposed(on_bucket(place)) == proposed(calm)
