"""How the points of a grid are chosen: one method a file, registered by name.

Those of this folder look at no result; those that do are in `sweeper.adaptive`, and are found by
the same registry.
"""

from __future__ import annotations

from sweeper.sweep import Search
from trainers.registry import Registry

__all__ = ["SEARCHES"]

SEARCHES: Registry[Search] = Registry("search method", "sweeper.grid.searches", "sweeper.adaptive")
