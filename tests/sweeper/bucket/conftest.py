"""A store of objects for each worker of the tests, and a prefix of its own for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeper.bucket import leases
from sweeper.bucket.leases import HeldLease
from sweeper.bucket.mirror import Mirror
from tests.sweeper.bucket.object_store import (
    BUCKET,
    FaultyStore,
    Place,
    faulty_store,
    object_store,
)


@pytest.fixture(scope="session")
def moto_port() -> Iterator[int]:
    with object_store() as port:
        yield port


@pytest.fixture
def store(
    moto_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaultyStore]:
    """The store without faults so far; this process is the machine ``one``."""
    with faulty_store(moto_port, tmp_path) as found:
        found.be("one", monkeypatch)
        yield found


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no call of this process give up soon: the machine may be busy, and the store slow."""
    monkeypatch.setattr(Mirror, "hasty", property(lambda mirror: mirror.bucket))


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have leases renewed several times a second, so that a second driver sees it soon."""
    start = HeldLease.start
    monkeypatch.setattr(HeldLease, "start", lambda held: start(held, every=0.2))
    monkeypatch.setattr(leases, "LOOK", 0.1)


@pytest.fixture
def address() -> str:
    """A storage of nobody else."""
    return f"s3://{BUCKET}/{secrets.token_hex(6)}"


@pytest.fixture
def place(
    store: FaultyStore, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    return Place(store, address, tmp_path, monkeypatch)
