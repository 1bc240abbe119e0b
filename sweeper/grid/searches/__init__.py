"""How the points of a grid are chosen: one method a file, registered by name.

The methods in this folder use no results; those that do are in `sweeper.adaptive`, and are in the
same registry.
"""

from __future__ import annotations

from sweeper.sweep import Search
from trainers.registry import Registry

__all__ = ["SEARCHES"]

SEARCHES: Registry[Search] = Registry("search method", "sweeper.grid.searches", "sweeper.adaptive")
