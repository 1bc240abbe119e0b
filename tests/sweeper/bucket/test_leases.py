"""Leases and claims in a bucket: one holder, who is named, and who loses them by dying."""

from __future__ import annotations

import json
import os
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from sweeper.bucket import leases, usable
from sweeper.bucket.mirror import mirror_at
from sweeper.bucket.objects import Bucket
from sweeper.bucket.trial_claims import Driving, TrialClaims
from sweeper.errors import UserError
from sweeper.storage.claims import Claims
from sweeper.storage.lease import driven_sweeps, hold_lease, is_held
from sweeper.storage.paths import sweep_folder_of
from tests.sweeper.bucket.object_store import FaultyStore

KEY = "signs/lease"


def nothing() -> None:
    """A lease that is never lost."""


def folder_on(machine: str, store: FaultyStore, address: str, patch: pytest.MonkeyPatch) -> Path:
    """The folder of a sweep on a machine."""
    store.be(machine, patch)
    return sweep_folder_of(mirror_at(address).folder, "demo", "s")


@pytest.mark.usefixtures("brisk")
def test_the_second_driver_is_told_who_holds_the_lease(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = folder_on("one", store, address, monkeypatch)
    two = folder_on("two", store, address, monkeypatch)
    said: list[str] = []
    with hold_lease(one):
        assert is_held(two)
        assert list(driven_sweeps(two.parents[2])) == [two]
        holder = rf"process {os.getpid()} on .* since 20"
        with pytest.raises(UserError, match=holder), hold_lease(two, said.append):
            pass
        assert len(said) == 1
    assert not is_held(two)
    with hold_lease(two):
        assert is_held(one)


def test_a_lease_is_renewed_although_answers_are_lost(store: FaultyStore, address: str) -> None:
    bucket = Bucket(address)
    held = leases.take(bucket, KEY, "one", nothing)
    assert held
    store.proxy.chances = {"unanswered": 0.5, "refused": 0.2}
    assert [held.renew() for _ in range(10)] == [True] * 10
    assert store.proxy.faults > 0
    store.proxy.chances = {}
    held.release()
    assert bucket.find(KEY) is None


def test_a_renewal_that_was_written_and_never_heard_of_is_no_other_driver(
    store: FaultyStore, address: str
) -> None:
    """The store was away for longer than a call is repeated, and a later call has another text."""
    bucket = Bucket(address)
    held = leases.take(bucket, KEY, "one", nothing)
    assert held
    there = bucket.get(KEY)
    assert there
    unheard = json.dumps({**leases.holder_of(there), "count": 1}).encode()
    assert bucket.update(KEY, unheard, there.tag)
    assert held.renew()
    held.release()
    assert bucket.find(KEY) is None


def test_the_clocks_may_differ_by_less_than_makes_a_lease_seem_dead() -> None:
    assert usable.CLOCK + leases.RENEW < leases.STALE


def test_a_lease_that_is_not_renewed_is_free(store: FaultyStore, address: str) -> None:
    bucket, lost = Bucket(address), threading.Event()
    dead = leases.take(bucket, KEY, "one", lost.set)
    assert dead
    taken = leases.take(bucket, KEY, "two", nothing, stale=0.5)
    assert taken
    dead.start(every=0.01)
    assert lost.wait(60)
    dead.release()
    assert bucket.find(KEY) is not None
    taken.release()
    assert bucket.find(KEY) is None


def test_a_dead_driver_of_this_machine_holds_nothing(store: FaultyStore, address: str) -> None:
    bucket = Bucket(address)
    dead = leases.take(bucket, KEY, "one", nothing)
    again = leases.take(bucket, KEY, "one", nothing, stale=1e9)
    assert dead
    assert again
    assert not dead.renew()
    assert again.renew()


def test_a_lease_that_was_deleted_is_written_again(store: FaultyStore, address: str) -> None:
    bucket = Bucket(address)
    held = leases.take(bucket, KEY, "one", nothing)
    assert held
    bucket.delete([KEY])
    assert held.renew()
    assert bucket.find(KEY)


def test_a_lease_that_says_nothing_is_free(store: FaultyStore, address: str) -> None:
    bucket = Bucket(address)
    bucket.put(KEY, b"{")
    assert leases.take(bucket, KEY, "one", nothing)


def test_one_driver_claims_a_trial(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = folder_on("one", store, address, monkeypatch)
    two = sweep_folder_of(folder_on("two", store, address, monkeypatch).parents[2], "demo", "s2")
    with (
        hold_lease(one),
        hold_lease(two),
        Claims(one.parents[2], one) as here,
        Claims(two.parents[2], two) as there,
    ):
        assert here.take("a")
        assert here.take("a")
        assert not there.take("a")
        assert there.take("b")
        assert not there.free(["a"])
        here.drop(["a", "never"])
        assert there.take("a")
        assert not here.take("b")


def test_the_claims_of_an_ended_driver_are_free(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = folder_on("one", store, address, monkeypatch)
    two = folder_on("two", store, address, monkeypatch)
    with ExitStack() as stack:
        with hold_lease(one):
            ended = stack.enter_context(Claims(one.parents[2], one))
            assert ended.take("a")
        with hold_lease(two), Claims(two.parents[2], two) as there:
            assert there.free(["a"])
            assert there.take("a")


def test_a_driver_that_was_given_up_leaves_its_successors_claims(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hears of the end of its lease after the other one has claimed a trial."""

    def driver(name: str, stale: float) -> TrialClaims:
        store.be(name, monkeypatch)
        mirror = mirror_at(address)
        held = leases.take(mirror.hasty, KEY, mirror.id, nothing, stale)
        assert held
        return TrialClaims(mirror, Driving(KEY, held.token))

    first = driver("one", 30.0)
    assert first.take("a")
    second = driver("two", 0.5)
    assert second.take("a")
    first.drop(["a"])
    claim = Bucket(address).get("signs/claims/a")
    assert claim
    assert leases.holder_of(claim)["mirror"] == mirror_at(address).id
    second.drop(["a"])
    assert Bucket(address).get("signs/claims/a") is None
