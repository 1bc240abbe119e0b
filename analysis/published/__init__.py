"""The tables of the three papers, with their units and settings.

Example::

    from analysis import published

    published.law("s1_table1").sentence()

S1 = Saremi 2020, arXiv:2005.09047; S2 = Saremi 2020, arXiv:2007.15130; D = Im, Ahn, Memisevic
and Bengio 2017, arXiv:1511.06406. Sums over dimensions, means over test examples.
"""

from __future__ import annotations

from analysis.published.catalogue import Published, about, names
from analysis.published.errata import BOUNDS, ERRATA, Erratum, errata_of
from analysis.published.tables import law, mnist_spectrum, ratio, table

__all__ = [
    "BOUNDS",
    "ERRATA",
    "Erratum",
    "Published",
    "about",
    "errata_of",
    "law",
    "mnist_spectrum",
    "names",
    "ratio",
    "table",
]
