"""Compare our values with published ones: both values, and the difference with its t test.

A difference can only be interpreted if our settings are the paper's; every sentence names the
settings that differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import published
from analysis.errors import AnalysisError
from analysis.laws.law import mixed_fields
from analysis.laws.shape import LEAST
from analysis.published.cells import RUNS, Cell, cells
from analysis.sources.rows import chosen, equals, settled
from analysis.sources.schema import param_columns
from analysis.statistics.estimate import Estimate, unknown
from analysis.statistics.means import mean_estimate
from analysis.statistics.multiplicity import Place, which_decides
from analysis.training.verdicts import Trained
from analysis.wording import number, percent, probability, setting, symbol

__all__ = ["Replication", "differing_settings", "values_beside"]

Mask = NDArray[np.bool_]
Known = dict[tuple[str, str], Mask]  # by a column's name and the value that is asked for


@dataclass(frozen=True)
class Replication:
    """One published number beside ours.

    ours: our mean over seeds with its interval. difference: ours − paper, by the t distribution.
    A number that the paper prints without an error is of one run, which is taken to scatter as
    our seeds do; with an error the degrees of freedom are Welch and Satterthwaite's. Without an
    interval for one seed of ours, and for two where it is no exponent. differs: setting ->
    (ours, the paper's).
    exact: whether it is a count, which no seed changes. p_holm: of the difference, corrected over
    all published numbers beside ours; None where this one stands alone. beside: another number
    of ours, which the paper does not print, in words; not tested. chosen: which fields of our
    trials were chosen on the validation part, in words, for the intervals do not allow for that.
    void: whether the paper's number cannot be what its label says; then nothing is tested.
    training: how far our trials were trained, in words; empty if they have converged.
    range: of exponents, the x that both are over, in words, where either has others too.
    untested: why there is no test, if not for the seeds; the difference is then NaN.
    """

    table: str
    quantity: str
    paper: float
    ours: Estimate
    difference: Estimate
    differs: Mapping[str, tuple[object, object]]
    exact: bool = False
    p_holm: float | None = None
    beside: str = ""
    chosen: str = ""
    void: bool = False
    training: str = ""
    range: str = ""
    untested: str = ""

    @property
    def p(self) -> float:
        """Of no difference, of this test alone; NaN without a test."""
        return self.difference.p

    def placed(self, place: Place) -> Replication:
        """The same as one test of a family, with intervals that hold at once."""
        return replace(
            self,
            ours=self.ours.simultaneous(place.tests),
            difference=self.difference.simultaneous(place.tests),
            p_holm=place.p,
        )

    @property
    def t(self) -> float:
        """The difference in its standard errors; NaN if it has none."""
        return self.difference.value / self.difference.se

    @property
    def same_digits(self) -> bool:
        """Whether ours, rounded to the two digits of a count, is the paper's."""
        return f"{self.ours.value:.1e}" == f"{self.paper:.1e}"

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "quantity": self.quantity,
            "paper": self.paper,
            "ours": self.ours.to_json(),
            "difference": self.difference.to_json(),
            "p_holm": self.p_holm,
            "differs": dict(self.differs),
            "beside": self.beside,
            "chosen": self.chosen,
            "training": self.training,
            "range": self.range.strip(),
            "sentence": self.sentence(),
        }

    def sentence(self) -> str:
        more = (self.training, self.beside, self.chosen)
        beside = "".join(f"; {one}" for one in more if one)
        told = (
            f"{self.quantity}{self.range}: the paper has {number(self.paper, 4)}, ours is "
            f"{number(self.ours.value, 4)}, {self._apart()}{beside}"
        )
        if not self.differs:
            return f"{told}; every setting that is known of the paper's is ours too."
        fields = "; ".join(
            f"{symbol(name)} {_said(ours)}, there {_said(theirs)}"
            for name, (ours, theirs) in self.differs.items()
        )
        return f"{told}; no replication, for the settings differ: {fields}."

    @property
    def remark(self) -> str:
        """Why the difference has no error; empty if it has one."""
        if self.exact:
            return f"{'the same' if self.same_digits else 'another number'} to the printed digits"
        if self.void:
            return "not tested: the published number cannot be what its label says (errata)"
        if self.untested:
            return f"not tested: {self.untested}"
        if math.isfinite(self.t):
            return ""
        two = math.isfinite(self.ours.se)
        return "two seeds: not tested" if two else "a difference without an error: one seed"

    def _apart(self) -> str:
        holm, p = ("", self.p) if self.p_holm is None else ("Holm ", self.p_holm)
        if self.remark:
            return self.remark
        d = self.difference
        decides = which_decides([(self.p_holm, d)])
        return (
            f"{number(abs(self.t), 2)} standard errors {'above' if self.t > 0 else 'below'} (the "
            f"difference is {number(d.value, 3)}, {percent(d.level)}"
            f"{' simultaneous' * (d.family > 1)}: {number(d.low, 3)} to {number(d.high, 3)}; t "
            f"with {d.df:.2g} degrees of freedom, {holm}{probability(p)}"
            f"{'; the p decides' * bool(decides)})"
        )


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
    for setting_name, theirs in {**published.about(name).settings, **(more or {})}.items():
        values = list(rows[setting_name].dropna().unique()) if setting_name in rows else []
        if not all(_same(value, theirs) for value in values):
            found[setting_name] = (values if len(values) > 1 else _scalar(values[0]), theirs)
    return found


def _scalar(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _same(ours: object, theirs: object) -> bool:
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return math.isclose(ours, theirs, rel_tol=1e-9)
    return str(ours) == str(theirs)  # a column of numbers and words may hold 2000 as a text


def values_beside(trials: pd.DataFrame, name: str) -> list[Replication]:
    """Every number of table `name` that we have finished trials of, with ours beside it.

    Trials of one number that differ in more than the seed are compared group by group, each
    named by what differs. AnalysisError if no trial is of any number of the table.
    """
    rows, known = settled(trials, ()), Known()
    found = [one for cell in cells(name) for one in _beside(rows, name, cell, known)]
    if not found:
        raise AnalysisError(
            f"no finished trial is of a number of {name} ({published.about(name).title})"
        )
    return found


def _beside(rows: pd.DataFrame, name: str, cell: Cell, known: Known) -> Iterator[Replication]:
    if not {*cell.columns} <= {*rows.columns}:
        return
    keep = _of(rows, cell, known)
    mine = rows[keep].dropna(subset=list(cell.columns)) if keep.any() else rows[:0]
    if mine.empty:
        return
    different = [one for one in mixed_fields(mine, {"seed"}) if one in param_columns(mine)]
    if cell.exact:  # settings that leave the count as it is are of one group
        different = list(cell.columns) if mine[cell.columns[0]].nunique() > 1 else []
    if not different:
        yield _replication(mine, name, cell, "")
        return
    keys = [mine[one].map(str) for one in different]
    for _, group in mine.groupby(keys, sort=True):
        labels = (setting(one, group[one].iloc[0]) for one in different)
        yield _replication(group, name, cell, f" [{', '.join(labels)}]")


def _of(rows: pd.DataFrame, cell: Cell, known: Known) -> Mask:
    """Whether each row is of the number; a weight of the KL that is not recorded is 1.

    known : which rows have the values that were asked for before.
    """
    keep = np.ones(len(rows), dtype=bool)
    for field, value in cell.where.items():
        if not keep.any():
            break
        if field in rows:
            asked = field, repr(value)
            if asked not in known:
                wanted = [None, 1.0] if field == "beta" else value
                known[asked] = equals(rows[field], wanted).to_numpy(dtype=bool)
            keep &= known[asked]
        elif field != "beta":
            keep[:] = False
    return keep


def _replication(mine: pd.DataFrame, name: str, cell: Cell, label: str) -> Replication:
    values = np.asarray(cell.ours(mine), dtype=np.float64)
    ours = unknown(float(values.mean()), "count") if cell.exact else mean_estimate(values, "t")
    void = any(one.void for one in published.errata_of(name))
    if void:
        difference = unknown(ours.value - cell.value, "not tested")
    elif len(values) < LEAST:
        difference = unknown(ours.value - cell.value, f"needs {LEAST} seeds")
    elif math.isfinite(cell.error):
        difference = ours.against(cell.value, cell.error, RUNS - 1)
    else:
        difference = ours.against_one_run(cell.value)
    differs = differing_settings(mine, name, cell.settings)
    return Replication(
        name,
        f"{cell.name}{label}",
        cell.value,
        ours,
        difference,
        differs,
        cell.exact,
        beside=_told_beside(mine, cell),
        chosen="" if cell.exact else "; ".join(chosen(mine)),
        void=void,
        training="" if cell.exact else Trained.of_rows(mine).remark,
    )


def _told_beside(mine: pd.DataFrame, cell: Cell) -> str:
    metric, what = cell.beside or ("", "")
    if metric not in mine or not mine[metric].notna().any():
        return ""
    return (
        f"{what} ours is {number(float(mine[metric].mean()), 4)}, which the paper does not print"
    )
