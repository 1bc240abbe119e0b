"""Reads `sweep.json` and `trial.json`: which of them are valid.

A file counts if it is JSON of format `SCHEMA` with the fields and types of
`analysis.sources.stored_files`, whose reader has the same rules, and lies where it belongs.
"""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import Any

from analysis.sources.stored_files import ENTRY, SWEEP, TRIAL
from sweeper.errors import UserError
from trainers.commit_format import Types, has_types, read_stored
from trainers.errors import NewerFormat

__all__ = ["read_known", "read_sweep", "read_trial"]

HOME: Types = {"folder": str, "storage": str}


def read_sweep(path: Path) -> dict[str, Any] | None:
    """What `sweep.json` says; None if it is not valid, or of another sweep than its folder.

    Raises `UserError` where a newer version wrote it.
    """
    row = read_known(path, {**SWEEP, "models": (dict, NoneType)})
    if row is None or ("home" in row and not has_types(row["home"], HOME)):
        return None
    if (row["experiment"], row["sweep"]) != path.parts[-3:-1]:
        return None
    return row if all(has_types(one, ENTRY) for one in row["trials"]) else None


def read_trial(path: Path) -> dict[str, Any] | None:
    """What `trial.json` says; None if it is not valid, or of another trial than its folder.

    Raises `UserError` where a newer version wrote it.
    """
    row = read_known(path, TRIAL)
    return row if row and row["id"] == path.parent.name else None


def read_known(path: Path, types: Types) -> dict[str, Any] | None:
    """A JSON file of this format with these fields; `UserError` for one of a newer format."""
    try:
        return read_stored(path, types)
    except NewerFormat as error:
        raise UserError(str(error)) from error
