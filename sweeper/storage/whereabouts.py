"""``running.json``: where each trial of a sweep is trained now, as its driver has heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sweeper.storage.lease import is_held
from sweeper.storage.ledger import write_json
from sweeper.storage.paths import running_file

__all__ = ["Whereabouts", "read_running", "write_running"]


@dataclass(frozen=True)
class Whereabouts:
    """Where a trial is trained.

    Parameters
    ----------
    host : the name of the node. pack : the id of the first trial of its pack.
    since : when the driver heard of it first, by its clock (ISO, UTC).
    """

    host: str
    pack: str
    since: str


def write_running(sweep_folder: Path, found: Mapping[str, Whereabouts]) -> None:
    """Write the whereabouts by trial id."""
    write_json(running_file(sweep_folder), {trial: asdict(one) for trial, one in found.items()})


def read_running(sweep_folder: Path) -> dict[str, Whereabouts]:
    """The whereabouts by trial id; empty if no driver runs the sweep, as its file may be old."""
    if not is_held(sweep_folder):
        return {}
    try:
        rows = json.loads(running_file(sweep_folder).read_bytes())
        return {str(trial): Whereabouts(**row) for trial, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
