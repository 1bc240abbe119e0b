"""The error that `cluster` raises for a user."""

from __future__ import annotations

__all__ = ["ClusterError", "one_line"]

LONGEST = 400  # characters


class ClusterError(Exception):
    """A service that cannot be started or reached; the message has the reason and the remedy."""


def one_line(error: Exception) -> str:
    """An error's text on one line, shortened if long, or its type if it has no text."""
    text = " ".join(str(error).split()).rstrip(".")
    return (text if len(text) <= LONGEST else text[: LONGEST - 1] + "…") or type(error).__name__
