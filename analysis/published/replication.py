"""Compare our values with published ones: both values, and the difference in standard errors.

A difference can only be interpreted if our settings are the paper's; every sentence names the
settings that differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import published
from analysis.errors import AnalysisError
from analysis.laws.law import Law, filtered
from analysis.laws.powerlaw import PowerLaw, fit
from analysis.statistics.means import mean_estimate
from analysis.wording import number, symbol

__all__ = ["Replication", "differing_settings", "exponent_beside", "values_beside"]


@dataclass(frozen=True)
class Replication:
    """One published number beside ours.

    error: of the difference, from our standard error over seeds, and the paper's if it has one.
    z: (ours − paper)/error. differs: setting -> (ours, the paper's).
    """

    table: str
    quantity: str
    paper: float
    ours: float
    error: float
    z: float
    differs: Mapping[str, tuple[object, object]]

    def to_json(self) -> dict[str, Any]:
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        } | {"sentence": self.sentence()}

    def sentence(self) -> str:
        apart = (
            f"{number(abs(self.z), 2)} standard errors {'above' if self.z > 0 else 'below'}"
            if math.isfinite(self.z)
            else "difference without an error: one seed"
        )
        told = (
            f"{self.quantity}: the paper has {number(self.paper, 4)}, ours is "
            f"{number(self.ours, 4)} ({apart})"
        )
        if not self.differs:
            return f"{told}; every setting that is known of the paper's is ours too."
        fields = "; ".join(
            f"{symbol(name)} {_said(ours)}, there {_said(theirs)}"
            for name, (ours, theirs) in self.differs.items()
        )
        return f"{told}; no replication, for the settings differ: {fields}."


def _said(value: object) -> str:
    values = value if isinstance(value, list) else [value]
    return " and ".join(
        f"{v:g}" if isinstance(v, float) else "none" if v is None else str(v) for v in values
    )


def differing_settings(
    rows: pd.DataFrame, name: str, more: Mapping[str, object] | None = None
) -> dict[str, tuple[object, object]]:
    """The settings of published table `name`, and `more`, that differ: (ours, the paper's).

    Settings that our trials do not record are skipped.
    """
    found: dict[str, tuple[object, object]] = {}
    for setting, theirs in {**published.about(name).settings, **(more or {})}.items():
        values = list(rows[setting].dropna().unique()) if setting in rows else []
        if not all(_same(value, theirs) for value in values):
            found[setting] = (values if len(values) > 1 else _scalar(values[0]), theirs)
    return found


def _scalar(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _same(ours: object, theirs: object) -> bool:
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return math.isclose(ours, theirs, rel_tol=1e-9)
    return ours == theirs


def exponent_beside(trials: pd.DataFrame, name: str, law: Law | None = None) -> Replication:
    """Compare our ν with that of a published curve (s1_table1, s1_table2, s1_table3).

    law: selects our rows; by default those of the table's model.
    Errors: AnalysisError if either law cannot be fitted.
    """
    theirs, ours_law = published.law(name), law or _law(name)
    ours: PowerLaw = fit(trials, ours_law)
    error = math.hypot(ours.se, theirs.se)
    return Replication(
        name,
        f"ν of {published.about(name).title}",
        theirs.nu,
        ours.nu,
        error,
        (ours.nu - theirs.nu) / error,
        differing_settings(filtered(trials, ours_law), name),
    )


def _law(name: str) -> Law:
    entry = published.about(name)
    if entry.x is None or entry.metric is None or entry.noise:
        raise AnalysisError(f"{name} ({entry.title}) has no metric of ours beside it")
    model = entry.settings.get("model")
    return Law(entry.x, entry.metric, where={"model": model} if model else {})


def values_beside(trials: pd.DataFrame, name: str, law: Law | None = None) -> list[Replication]:
    """Compare each published value at an x that we have too; ours is the mean over seeds.

    The error is ours alone, because the papers' single runs have none. Errors: those of
    `exponent_beside`, and AnalysisError if there is no common x.
    """
    entry, chosen = published.about(name), law or _law(name)
    assert entry.y is not None
    rows, table = filtered(trials, chosen), published.table(name)
    differs = differing_settings(rows, name)
    found = []
    for x, value in zip(table[chosen.x], table[entry.y], strict=True):
        mine = rows[np.isclose(rows[chosen.x].astype(float), x, rtol=1e-9)][chosen.y].dropna()
        if len(mine):
            ours = mean_estimate(mine.to_numpy(dtype=np.float64), "t")
            label = f"{entry.title} at {symbol(chosen.x)} = {x:g}"
            found.append(
                Replication(
                    name,
                    label,
                    float(value),
                    ours.value,
                    ours.se,
                    (ours.value - value) / ours.se,
                    differs,
                )
            )
    if not found:
        raise AnalysisError(
            f"none of our {symbol(chosen.x)} is in {name} "
            f"({', '.join(f'{x:g}' for x in table[chosen.x])})"
        )
    return found
