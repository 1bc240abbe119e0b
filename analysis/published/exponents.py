"""Compare our exponents with those of published curves."""

from __future__ import annotations

import pandas as pd

from analysis import published
from analysis.errors import AnalysisError
from analysis.laws.hypotheses import against
from analysis.laws.law import Law, filtered
from analysis.laws.powerlaw import fit
from analysis.published.replication import Replication, differing_settings
from analysis.sources.rows import chosen
from analysis.statistics.estimate import unknown

__all__ = ["exponent_beside"]


def exponent_beside(trials: pd.DataFrame, name: str, law: Law | None = None) -> Replication:
    """Compare our ν with that of a published curve (s1_table1, s1_table2, s1_table3).

    law: selects our rows; by default those of the table's model.
    Errors: AnalysisError if either law cannot be fitted.
    """
    theirs, ours_law = published.law(name), law or _law(name)
    ours = fit(trials, ours_law)
    found = against(ours, theirs.nu, name, one_run=True)
    rows = filtered(trials, ours_law)
    return Replication(
        name,
        f"ν of {published.about(name).title}",
        theirs.nu,
        unknown(ours.nu, "one seed") if ours.one_seed else ours.exponent,
        found.difference,
        differing_settings(rows, name),
        chosen="; ".join(chosen(rows)),
        training=found.remark,
    )


def _law(name: str) -> Law:
    entry = published.about(name)
    if entry.x is None or entry.metric is None or entry.noise:
        raise AnalysisError(f"{name} ({entry.title}) has no law of ours beside it")
    model = entry.settings.get("model")
    return Law(entry.x, entry.metric, where={"model": model} if model else {})
