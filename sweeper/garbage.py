"""How often Python looks for cyclic garbage."""

from __future__ import annotations

import gc

__all__ = ["collect_seldom"]

EVERY = 10_000  # new objects


def collect_seldom() -> None:
    """Look for cyclic garbage once in 10,000 new objects, and not in Python's 700 or 2,000.

    Imports make many objects and little garbage: a quarter of the time in which torch, Ray Tune
    and MLflow are imported goes into looking for it.
    """
    gc.set_threshold(EVERY)
