"""Claims of trials in a bucket: objects that name the lease of the driver that trains the trial.

A claim is valid as long as that lease is, so that it is never renewed itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sweeper.bucket.leases import Watch, holder_of
from sweeper.bucket.mirror import SIGNS, Mirror
from sweeper.bucket.objects import Version

__all__ = ["Driving", "TrialClaims"]

ASK_EVERY = 3.0
CLAIMS = f"{SIGNS}/claims"


@dataclass(frozen=True)
class Driving:
    """The lease in whose name a driver claims trials: its key and its token."""

    key: str
    token: str


class TrialClaims:
    """The claims of one driver in a bucket. The caller holds the trials' locks of this machine."""

    def __init__(self, mirror: Mirror, driving: Driving) -> None:
        self._mirror, self._driving = mirror, driving
        self._watch = Watch()
        self._rows: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._asked, self._free = 0.0, False

    def take(self, trial: str) -> bool:
        """Claim a trial; False if the driver of another machine trains it."""
        bucket, key = self._mirror.hasty, f"{CLAIMS}/{trial}"
        row = {"lease": self._driving.key, "token": self._driving.token, "mirror": self._mirror.id}
        content = json.dumps({**row, "trial": trial}).encode()
        if bucket.create(key, content) is not None:
            return True
        there = bucket.get(key)
        if there is None:
            return bucket.create(key, content) is not None
        if self._lives(holder_of(there)):
            return False
        return bucket.update(key, content, there.tag) is not None

    def drop(self, trials: Iterable[str]) -> None:
        """Give up claims; those that cannot be deleted end with the driver's lease.

        Those of a driver that took the sweep over, as this one was not heard of, are its own.
        """
        bucket = self._mirror.hasty
        with suppress(OSError):
            for key in (f"{CLAIMS}/{trial}" for trial in trials):
                there = bucket.get(key)
                if there and holder_of(there).get("token") == self._driving.token:
                    bucket.delete([key])

    def free(self, trials: Iterable[str]) -> bool:
        """Whether no driver of another machine trains one of the trials, as of a moment ago."""
        now = time.monotonic()
        if now - self._asked >= ASK_EVERY:
            with suppress(OSError):
                self._free = self._is_one_free(set(trials))
            self._asked = now
        return self._free

    def _is_one_free(self, trials: set[str]) -> bool:
        claimed = {
            entry.key.rpartition("/")[2]: entry for entry in self._mirror.hasty.entries(CLAIMS)
        }
        if trials - claimed.keys():
            return True
        for trial in trials:
            tag, row = self._rows.get(trial, ("", {}))
            if tag != claimed[trial].tag:
                row = holder_of(self._mirror.hasty.get(f"{CLAIMS}/{trial}"))
                self._rows[trial] = claimed[trial].tag, row
        return not all(self._lives(self._rows[trial][1]) for trial in trials)

    def _lives(self, claim: Mapping[str, Any]) -> bool:
        """Whether the driver that made a claim holds its lease."""
        key = str(claim.get("lease", ""))
        if claim.get("mirror") == self._mirror.id or not key:
            return False
        there: Version | None = self._mirror.hasty.get(key)
        row = holder_of(there)
        if there is None or row.get("token") != claim.get("token") or row.get("released"):
            return False
        return not self._watch.is_stale(key, there)
