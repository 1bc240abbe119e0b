"""Whether training had gone on for long enough, of a trial and of a group of trials."""

from __future__ import annotations

__all__ = ["LEAST_STEPS"]

LEAST_STEPS = 5  # epochs with a measurement, below which nothing is claimed
