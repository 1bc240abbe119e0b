"""The error that a user of `cluster` can meet."""

from __future__ import annotations

__all__ = ["ClusterError"]


class ClusterError(Exception):
    """Something that cannot be started or reached: what, why, and what to do about it."""
