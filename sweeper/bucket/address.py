"""Addresses of storages on a bucket: ``s3://bucket/prefix``, ``gs://...`` and ``az://...``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sweeper.errors import UserError

__all__ = ["BucketAddress", "is_bucket", "parse_address"]

SCHEMES = ("s3", "gs", "az")
BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")


@dataclass(frozen=True)
class BucketAddress:
    """A bucket (for Azure: a container) and the prefix of its objects, which may be empty."""

    scheme: str
    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + f"/{self.prefix}" * bool(self.prefix)


def is_bucket(storage: str) -> bool:
    """Whether a storage is the address of a bucket, and not a folder."""
    return storage.partition("://")[0] in SCHEMES and "://" in storage


def parse_address(text: str) -> BucketAddress:
    """The parts of an address; raises `UserError` if it is none."""
    scheme, _, rest = text.partition("://")
    bucket, _, path = rest.partition("/")
    parts = [part for part in path.split("/") if part]
    if not is_bucket(text) or not BUCKET.fullmatch(bucket):
        raise UserError(
            f"a storage on a bucket is written s3://BUCKET/PREFIX (also gs:// and az://), with 3 "
            f"to 63 lower-case letters, digits, dots and hyphens for BUCKET, not {text!r}"
        )
    if any(part in (".", "..") or not re.fullmatch(r"[\w.=+-]+", part) for part in parts):
        raise UserError(
            f"the prefix of a bucket may have letters, digits, hyphens, dots and slashes; that of "
            f"{text!r} is {path!r}"
        )
    return BucketAddress(scheme, bucket, "/".join(parts))
