"""Leases in a bucket: objects that one driver at a time holds and renews.

A lease is created by a conditional write and renewed by the e-tag of its last version. Whether
its holder lives is judged without comparing clocks: a lease that is not renewed for `STALE`
seconds of one's own clock is free, and so is that of a process of this machine which has ended.
Readers, which cannot wait so long, judge by the age of the object.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sweeper.bucket.objects import Bucket, Tag, Version

__all__ = ["RENEW", "STALE", "HeldLease", "Watch", "holder_of", "is_fresh", "take"]

RENEW, STALE = 5.0, 30.0  # seconds
LOOK = 1.0


class Watch:
    """How long the versions of leases have been the same, by this process's clock."""

    def __init__(self, stale: float = STALE) -> None:
        self._stale = stale
        self._seen: dict[str, tuple[Tag, float]] = {}

    def is_stale(self, key: str, there: Version) -> bool:
        """Whether a lease has had this version for so long that its holder is gone."""
        now = time.monotonic()
        tag, since = self._seen.get(key, (None, now))
        if tag != there.tag:
            self._seen[key] = there.tag, now
            return False
        return now - since >= self._stale


class HeldLease:
    """A lease that this process holds, and renews in a thread until `release`.

    Parameters
    ----------
    row : what the lease says of its holder. tag : of the version that was written.
    lost : called once if another driver has taken it, as this one was not heard for too long.
    """

    def __init__(
        self, bucket: Bucket, key: str, row: Mapping[str, Any], tag: Tag, lost: Callable[[], None]
    ) -> None:
        self._bucket, self._key, self._lost = bucket, key, lost
        self._row, self._tag = dict(row), tag
        self._ended = threading.Event()
        self._every = RENEW
        self._thread = threading.Thread(target=self._live, name="lease", daemon=True)

    @property
    def token(self) -> str:
        """What tells this lease from all others."""
        return str(self._row["token"])

    def start(self, every: float = RENEW) -> None:
        """Begin to renew it, every so many seconds."""
        self._every = every
        self._thread.start()

    def release(self) -> None:
        """Give it up, unless another driver has taken it."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(OSError):
            if self.renew({"released": True}):
                self._bucket.delete([self._key])

    def renew(self, more: Mapping[str, Any] | None = None) -> bool:
        """Write its next version; False if it is another driver's now.

        The version there may be one that was written and not heard of before the store went away.
        """
        self._row["count"] = self._row.get("count", 0) + 1
        content = _text({**self._row, **(more or {})})
        tag = self._bucket.update(self._key, content, self._tag)
        if tag is None and (there := self._bucket.get(self._key)) is None:
            tag = self._bucket.create(self._key, content)
        elif tag is None and there and holder_of(there).get("token") == self.token:
            tag = self._bucket.update(self._key, content, there.tag)
        if tag is not None:
            self._tag = tag
        return tag is not None

    def _live(self) -> None:
        while not self._ended.wait(self._every):
            try:
                held = self.renew()
            except OSError:  # nobody else can take it while the store is away
                continue
            if not held:
                self._lost()
                return


def take(
    bucket: Bucket, key: str, mirror: str, lost: Callable[[], None], stale: float = STALE
) -> HeldLease | None:
    """Take a lease; None if its holder is alive.

    The caller holds the lock of this machine, so that a lease of the same `mirror` belongs to a
    process that has ended. A lease of another machine is watched until it is renewed, or for
    `stale` seconds.
    """
    row = {
        "token": secrets.token_hex(8),
        "mirror": mirror,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    watch, first = Watch(stale), None
    while True:
        there = bucket.get(key)
        if there is None:
            tag = bucket.create(key, _text(row))
        elif _is_free(there, mirror) or watch.is_stale(key, there):
            tag = bucket.update(key, _text(row), there.tag)
        elif first is not None and there.tag != first:
            return None
        else:
            first, tag = there.tag, None
            time.sleep(min(LOOK, stale / 4))
        if tag is not None:
            return HeldLease(bucket, key, row, tag, lost)


def holder_of(there: Version | None) -> Mapping[str, Any]:
    """What a lease says of its holder; empty if it says nothing."""
    try:
        row = json.loads(there.content) if there else {}
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def is_fresh(written: datetime, stale: float = STALE) -> bool:
    """Whether a lease was renewed so lately that its holder lives, for one who only reads."""
    return (datetime.now(UTC) - written).total_seconds() < stale


def _is_free(there: Version, mirror: str) -> bool:
    row = holder_of(there)
    return bool(row.get("released")) or row.get("mirror") == mirror or "token" not in row


def _text(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row).encode()
