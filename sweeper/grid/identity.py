"""Ids of trials, lineages and sweeps: hashes of what determines their results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sweeper.sweep import SCHEMA, PlannedTrial, Proposals, Search, describe_search
from trainers.trial import Trial

__all__ = ["canonical", "digest", "lineage_id", "sweep_name", "trial_id"]

LENGTH_ONLY = ("epochs", "test_every")


def trial_id(trial: Trial, checksum: str, merged_from: str | None = None) -> str:
    """16 hex digits, equal for equal trials on equal data, in any grid and in any order.

    A trial that takes its parameters from the trial `merged_from` has another id than one that is
    trained.
    """
    merged = {"merged_from": merged_from} if merged_from else {}
    return digest({**_whole(trial.identity(), checksum), **merged})


def lineage_id(trial: Trial, checksum: str) -> str:
    """`trial_id` without the number of epochs: equal for trials that differ only in epochs."""
    identity = trial.identity()
    training = {
        key: value for key, value in identity["training"].items() if key not in LENGTH_ONLY
    }
    return digest(_whole({**identity, "training": training}, checksum))


def sweep_name(
    stem: str, trials: Sequence[PlannedTrial], proposals: Proposals | None, search: Search | None
) -> str:
    """A sweep's id: a file's stem and a hash of the trials, so that a second run continues it.

    For a search that proposes trials, its fields and spaces are hashed instead, except its number
    of trials, so that this can be increased.
    """
    safe = "".join(c if c.isalnum() or c in "_-" else "-" for c in stem)[:40]
    whole: Any = sorted((trial.id, trial.role) for trial in trials)
    if search:
        whole = [
            whole,
            describe_search(search, but="trials"),
            proposals.identity() if proposals else [],
        ]
    return f"{safe}-{digest(whole)[:8]}"


def canonical(value: Any) -> str:
    """JSON that is the same text for equal values."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Any) -> str:
    """The first 16 hex digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


def _whole(identity: Mapping[str, Any], checksum: str) -> dict[str, Any]:
    return {"schema": SCHEMA, "checksum": checksum, "trial": identity}
