"""How many trials have each status, and which failed: the same count wherever it is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from analysis.wording import listed, plural

__all__ = ["STATUSES", "count_statuses", "said_of_failed", "said_of_unfinished"]

STATUSES = ("finished", "running", "stopped", "pruned", "failed", "killed", "pending")


def count_statuses(statuses: Iterable[str]) -> dict[str, int]:
    """The number of trials of each status that there is, in the order of `STATUSES`."""
    found = Counter(statuses)
    known = {status: found.pop(status) for status in STATUSES if status in found}
    return known | dict(sorted(found.items()))


def said_of_failed(trials: pd.DataFrame) -> str:
    """A sentence on the trials that failed; empty if none did."""
    failed = trials[trials["status"] == "failed"] if len(trials) else trials
    if failed.empty:
        return ""
    verb = "are" if len(failed) > 1 else "is"
    return (
        f"{plural(len(failed), 'trial')} failed and {verb} in no result: "
        f"{listed(failed['label'], 3)}."
    )


def said_of_unfinished(trials: pd.DataFrame) -> str:
    """A sentence on the trials that neither finished nor failed; empty if there are none."""
    counts = count_statuses(trials["status"] if len(trials) else ())
    left = {status: n for status, n in counts.items() if status not in ("finished", "failed")}
    if not left:
        return ""
    told = ", ".join(f"{n} {status}" for status, n in left.items())
    verb = "are" if sum(left.values()) > 1 else "is"
    return (
        f"{sum(left.values())} of {plural(len(trials), 'trial')} {verb} not finished ({told}), "
        "and in no result."
    )
