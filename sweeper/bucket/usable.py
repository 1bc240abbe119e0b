"""What is asked of a bucket before a sweep trusts it with its results."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from analysis.sources.stored_files import SCHEMA
from sweeper.bucket.mirror import FORMAT_FILE, SIGNS, Mirror
from sweeper.errors import UserError

__all__ = ["begin_storage", "require_known", "require_usable"]

# Seconds by which the clocks may differ: who only reads then sees that a lease lives, which is
# renewed every 5 s and dead after 30.
CLOCK = 20.0
REMEDY = "choose another bucket or prefix with `storage:` or --storage"


def require_known(mirror: Mirror) -> None:
    """Raise `UserError` if what lies below the address is no storage of this format."""
    address, path = mirror.address, mirror.folder / FORMAT_FILE
    if not path.is_file():
        if others := mirror.first_keys():
            raise UserError(
                f"{address} is in use by something else: it has {others[0]!r}, and no "
                f"{FORMAT_FILE} of a storage; {REMEDY}"
            )
        return
    row = _row(path.read_bytes())
    schema = row.get("schema")
    if type(schema) is not int or schema < 1:
        raise UserError(f"{address} is in use by something else than sweeper; {REMEDY}")
    if schema > SCHEMA:
        raise UserError(
            f"{address} has storage format {schema}, and this version of sweeper reads format "
            f"{SCHEMA}; update sweeper to the version that wrote it, or name another storage"
        )


def require_usable(mirror: Mirror) -> None:
    """Raise `UserError` if the bucket cannot keep the promises of a storage.

    It must keep what is written, refuse a second object of one key and the update of an old
    version, and have the time of this machine.
    """
    key, begun = f"{SIGNS}/probe/{secrets.token_hex(8)}", datetime.now(UTC)
    try:
        _require_conditions(mirror, key)
        _require_clock(mirror, key, begun)
    except OSError as error:
        raise UserError(str(error)) from error
    finally:
        with suppress(OSError):
            mirror.hasty.delete([key])


def begin_storage(mirror: Mirror) -> None:
    """Write the file by which a prefix is known as a storage of this format, if it has none."""
    mark = mirror.folder / FORMAT_FILE
    if not mark.is_file():
        content = json.dumps({"schema": SCHEMA}).encode()
        with mirror.uploaded([(mark, content)]):
            mark.write_bytes(content)


def _require_conditions(mirror: Mirror, key: str) -> None:
    """Try conditional writes, without which two drivers could hold one lease."""
    bucket = mirror.hasty
    own = [f"{key} {number}".encode() for number in range(4)]
    first = bucket.create(key, own[0])
    kept = bucket.create(key, own[1]) is None
    second = bucket.update(key, own[2], first) if first and kept else None
    kept = kept and second is not None and bucket.update(key, own[3], first or {}) is None
    if not kept:
        raise UserError(
            f"the store of {mirror.address} ignores conditional writes (If-None-Match, If-Match), "
            "without which two drivers could train one sweep at once; use a store that has them "
            "(AWS S3, Google Cloud Storage, Azure, MinIO, Cloudflare R2), or a folder"
        )


def _require_clock(mirror: Mirror, key: str, begun: datetime) -> None:
    """The object was written between `begun` and now, however long the store took."""
    found = mirror.hasty.find(key)
    if found is None:
        return
    ahead = (begun - found.time).total_seconds()
    behind = (found.time - datetime.now(UTC)).total_seconds()
    off, where = max((ahead, "ahead of"), (behind, "behind"))
    if off > CLOCK:
        raise UserError(
            f"the clock of this machine is {off:.0f} s {where} that of the store of "
            f"{mirror.address}; set it by a time server (NTP)"
        )


def _row(content: bytes) -> dict[str, Any]:
    try:
        row = json.loads(content)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}
