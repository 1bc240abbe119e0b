"""Test whether (σ, β) and σ√β (α: αβ) are the same model, at four levels.

    algebra       the objectives on the same parameters are proportional, up to a constant
    twins         matched-seed runs stay equal to rounding for the whole run
    across_seeds  Welch TOST on log KL and log recon, disjoint seeds, a declared margin
    collapse      all (σ, β) lie on one curve in s = log σ + ½ log β: TOST on the residual effect

Theorems 1 and 2 of Saremi 2020 (arXiv:2005.09047). Every verdict is one of *equivalent*,
*different* and *undecided*, or *unusable* with a reason (NaN, a collapsed KL). A non-significant
difference alone is never called equivalent.

Example::

    for verdict in across_seeds(experiment.trials, margin=0.10):
        print(verdict.sentence())
"""

from __future__ import annotations

from analysis.equivalence.algebra import AlgebraVerdict, Pieces, algebra, algebra_of_twins
from analysis.equivalence.aliases import Alias, Kin, alias_pairs, families, no_theorem
from analysis.equivalence.collapse import CollapseVerdict, collapse
from analysis.equivalence.levels import Examined, Verdict, examine
from analysis.equivalence.power import seeds_needed, tost_power
from analysis.equivalence.seeds import SeedVerdict, across_seeds, compare_arms
from analysis.equivalence.stopping import each_look, level_of
from analysis.equivalence.tost import Tost, tost
from analysis.equivalence.twins import TwinVerdict, twins
from analysis.equivalence.verdict import DIFFERENT, EQUIVALENT, UNDECIDED, UNUSABLE

__all__ = [
    "DIFFERENT",
    "EQUIVALENT",
    "UNDECIDED",
    "UNUSABLE",
    "AlgebraVerdict",
    "Alias",
    "CollapseVerdict",
    "Examined",
    "Kin",
    "Pieces",
    "SeedVerdict",
    "Tost",
    "TwinVerdict",
    "Verdict",
    "across_seeds",
    "algebra",
    "algebra_of_twins",
    "alias_pairs",
    "collapse",
    "compare_arms",
    "each_look",
    "examine",
    "families",
    "level_of",
    "no_theorem",
    "seeds_needed",
    "tost",
    "tost_power",
    "twins",
]
