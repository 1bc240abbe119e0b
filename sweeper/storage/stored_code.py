"""The user's own components in the storage: the text of each file under its SHA-256.

Code is run by what trains or draws a trial, and only that which the trial names by its hash.
Commands that only read (`report`, `fit`, `export`) load none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sweeper.errors import UserError
from sweeper.storage import paths
from trainers import Trial
from trainers.component_files import ComponentFile
from trainers.errors import BrokenComponent
from trainers.stored import load_component, sources

__all__ = ["as_user_error", "load_stored", "restored_trial"]


def load_stored(storage: str | Path, hashes: Iterable[str]) -> list[ComponentFile]:
    """Load files by their hashes; `UserError` where one is missing, or was changed."""
    return [_load(paths.component_file(storage, sha256), sha256) for sha256 in hashes]


def restored_trial(storage: str | Path, config: Mapping[str, Any]) -> Trial:
    """The trial that `trial.json` describes, with the versions of its components."""
    load_stored(storage, sources(config))
    return Trial.from_config(config)


def as_user_error(error: BrokenComponent) -> UserError:
    """What is wrong with a file, with its line."""
    return UserError(str(error), error.file, error.line)


def _load(path: Path, sha256: str) -> ComponentFile:
    try:
        return load_component(path, sha256)
    except BrokenComponent as error:
        raise as_user_error(error) from error
