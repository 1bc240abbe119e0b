"""What is said while a shared cluster has no room."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sweeper.schedule import cluster_room
from sweeper.schedule.cluster_room import Occupancy, RoomWatch

NODES = [{"Alive": True, "Resources": {"CPU": 2.0}}]


def test_it_is_said_once_of_each_request_until_one_is_placed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A trial that ran out of memory asks for more than what was waited for before."""
    monkeypatch.setattr(cluster_room, "PATIENCE", 0.0)
    asked, said = list[Mapping[str, float] | None](), list[str]()

    def ask() -> Occupancy:
        request = asked.pop()
        return Occupancy(request is not None, request or {}, NODES, {"CPU": 1.0})

    watch = RoomWatch(ask, said.append)
    one, two = {"CPU": 1.0}, {"CPU": 2.0}
    for request in (one, one, two, one, None, two):
        asked.append(request)
        assert watch.look(at_once=True) == (request is not None)
    assert [text.partition(" and ")[0] for text in said] == [
        f"waiting for room: a trial asks for cpus: {cores}" for cores in (1, 2, 2)
    ]
