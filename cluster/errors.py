"""The error that a user of `cluster` can meet."""

from __future__ import annotations

__all__ = ["ClusterError", "one_line"]

LONGEST = 400  # characters


class ClusterError(Exception):
    """Something that cannot be started or reached: what, why, and what to do about it."""


def one_line(error: Exception) -> str:
    """An error's text on one line, cut where it is long, or its type where it has no text."""
    text = " ".join(str(error).split()).rstrip(".")
    return (text if len(text) <= LONGEST else text[: LONGEST - 1] + "…") or type(error).__name__
