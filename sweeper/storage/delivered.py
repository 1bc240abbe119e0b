"""``delivered.json``: the epochs that the driver has written to the tracking store.

It is read when the tracking store itself cannot be asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from analysis.sources.tracking_address import without_password
from sweeper.storage import ledger, paths
from sweeper.sweep import ListedSweep, Sweep

__all__ = ["read_delivered", "write_delivered"]


def write_delivered(sweep: Sweep, epochs: Mapping[str, int]) -> None:
    """Write each trial's last epoch that the sweep's tracking store has."""
    ledger.write_json(
        paths.delivered_file(sweep),
        {"tracking_uri": without_password(sweep.tracking), "epochs": dict(epochs)},
    )


def read_delivered(sweep: Sweep | ListedSweep) -> dict[str, int]:
    """Each trial's last epoch in the sweep's tracking store; empty if not known for this store."""
    try:
        row = json.loads((paths.delivered_file(sweep)).read_bytes())
        if row["tracking_uri"] != without_password(sweep.tracking):
            return {}
        return {str(trial): int(epoch) for trial, epoch in row["epochs"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
