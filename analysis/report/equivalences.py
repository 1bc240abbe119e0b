"""The equivalence verdicts of an experiment, as sentences, a table and numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd

from analysis.equivalence import (
    DIFFERENT,
    EQUIVALENT,
    UNDECIDED,
    AlgebraVerdict,
    CollapseVerdict,
    SeedVerdict,
    TwinVerdict,
    across_seeds,
    algebra_of_twins,
    collapse,
    twins,
)
from analysis.equivalence.verdict import missing
from analysis.errors import AnalysisError
from analysis.figures.drawing.style import escape, prose
from analysis.figures.drawing.view import View
from analysis.report.blocks import absent, titled
from analysis.report.statement import Statement
from analysis.report.tables import Cell, html_table, verdict_cell
from analysis.wording import number, plural, quantity, symbol

__all__ = ["Equivalences", "equivalence_html", "examine"]

LEVELS = {"algebra": "same parameters", "twins": "same seed, whole run",
          "seeds": "disjoint seeds (TOST)", "collapse": "one curve for all β (TOST)"}
_SENTENCES = 4
_TWIN_NOTE = ("Twins of the same seed show that two settings take the same steps; they are no "
              "independent seeds, so they stay out of every law and of the tests across seeds.")
_TOST_NOTE = ("Intervals are 90 % intervals of Welch’s two one-sided tests at 5 %; the margin of "
              "log ratios, {margin}, was declared beforehand. A test that finds no difference is "
              "not evidence of equivalence, so such a pair is undecided. Seeds still missing are "
              "for a power of 0.8, if the difference is as it was seen.")


class Verdict(Protocol):
    """What every level's verdict can do."""

    @property
    def verdict(self) -> str: ...

    def sentence(self) -> str: ...

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Equivalences:
    """The verdicts by level (keys of LEVELS); refusals say why a level has none."""

    verdicts: dict[str, Sequence[Verdict]] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()
    margin: float = 0.10

    @property
    def statements(self) -> list[Statement]:
        found = [one for level, verdicts in self.verdicts.items()
                 for one in _said(level, verdicts)]
        return found + [Statement(text, True) for text in self.refusals]

    @property
    def keys(self) -> Iterator[tuple[str, str, str]]:
        """Name, value and remark for the head of the page."""
        every = [one for verdicts in self.verdicts.values() for one in verdicts]
        if every:
            same = sum(one.verdict == EQUIVALENT for one in every)
            told = "; ".join(f"{LEVELS[level].split(' (')[0]}: {_counts(verdicts)}"
                             for level, verdicts in self.verdicts.items() if verdicts)
            yield "aliases found equivalent", f"{same} of {len(every)}", told

    @property
    def table(self) -> pd.DataFrame:
        return pd.DataFrame([
            {"level": level, "compared": _compared(one), "found": _found(one),
             "verdict": one.verdict, "apart": _apart(one),
             "needs_more_seeds": getattr(one, "needs", None),
             "if_equal": getattr(one, "if_equal", None), "sentence": one.sentence()}
            for level, verdicts in self.verdicts.items() for one in verdicts])


def examine(view: View) -> Equivalences:
    """Ask every level that these trials can answer; the margin is the view's."""
    trials = view.experiment.trials
    asked: dict[str, Callable[[], Sequence[Verdict]]] = {
        "algebra": lambda: algebra_of_twins(view.experiment),
        "twins": lambda: twins(view.experiment),
        "seeds": lambda: across_seeds(trials, view.margin),
        "collapse": lambda: collapse(trials, view.margin)}
    verdicts: dict[str, Sequence[Verdict]] = {}
    refusals = []
    for level, ask in asked.items() if len(trials) else ():
        try:
            verdicts[level] = ask()
        except AnalysisError as refusal:
            refusals.append(f"Equivalence ({LEVELS[level]}) has no verdict: "
                            f"{str(refusal).rstrip('.')}.")
    return Equivalences(verdicts, tuple(refusals), view.margin)


def _said(level: str, verdicts: Sequence[Verdict]) -> Iterator[Statement]:
    """Each verdict; or, for many of one level, how many there are of each kind."""
    if not verdicts:
        return
    if len(verdicts) <= _SENTENCES:
        for one in verdicts:
            yield Statement(one.sentence(), one.verdict != EQUIVALENT)
        return
    same = all(one.verdict == EQUIVALENT for one in verdicts)
    told = (f"all {len(verdicts)} pairs are equivalent" if same else
            f"of {plural(len(verdicts), 'pair')}, {_counts(verdicts)}")
    yield Statement(f"Equivalence, {LEVELS[level]}: {told}{_wanted(verdicts)}.", not same)


def _wanted(verdicts: Sequence[Verdict]) -> str:
    """How many more seeds would decide all that are undecided, if all aliases are equal."""
    left = [one for one in verdicts if one.verdict == UNDECIDED]
    seeds = [one.if_equal for one in left
             if isinstance(one, SeedVerdict | CollapseVerdict) and one.if_equal is not None]
    if not left or len(seeds) < len(left):
        return ""
    return (f"; if the pairs are truly equal, {plural(max(seeds), 'more seed')} an arm would "
            "decide them all (power 0.8 each)")


def _counts(verdicts: Sequence[Verdict]) -> str:
    counts = Counter(one.verdict for one in verdicts)
    if _exact(verdicts):
        return "equal to the last bit"
    order = (EQUIVALENT, DIFFERENT, UNDECIDED)
    return ", ".join(f"{counts[name]} {name}" for name in order if counts[name])


def _exact(verdicts: Sequence[Verdict]) -> bool:
    """Whether all are twins that agree to the last bit."""
    return bool(verdicts) and all(isinstance(one, TwinVerdict) and one.exact for one in verdicts)


def _compared(one: Verdict) -> str:
    if isinstance(one, TwinVerdict | SeedVerdict | AlgebraVerdict):
        return f"{one.labels[0]}  ↔  {one.labels[1]}"
    if isinstance(one, CollapseVerdict):
        of = f", {one.where}" if one.where else ""
        return f"all β of {quantity(one.y)} in {symbol(one.x)}{of}"
    return ""


def _found(one: Verdict) -> str:
    if isinstance(one, TwinVerdict):
        exact = "0, equal to the last bit" if one.exact else f"at most {one.difference:.1e}"
        return f"|Δ log|: {exact}, {one.steps} epochs" if one.n else "no history in common"
    if isinstance(one, AlgebraVerdict):
        return (f"objectives in the ratio {number(one.factor)}, to within {one.deviation:.1e} "
                "over the epochs")
    if isinstance(one, SeedVerdict):
        return "; ".join(f"Δ log {quantity(name)} {number(test.difference, 2)} "
                         f"({number(test.low, 2)} to {number(test.high, 2)})"
                         for name, test in one.tests.items()) + f"; {_arms(one)}"
    if isinstance(one, CollapseVerdict) and one.test is not None and math.isfinite(one.delta):
        return (f"δ {number(one.delta, 2)} ({number(one.test.low, 2)} to "
                f"{number(one.test.high, 2)}), margin {number(one.margin, 2)}; {_arms(one)}")
    return "too few seeds to test"


def _arms(one: SeedVerdict | CollapseVerdict) -> str:
    return f"{len(one.seeds[0])} and {len(one.seeds[1])} seeds"


def _apart(one: Verdict) -> float:
    """How far the two sides are apart, the largest first in a table."""
    if isinstance(one, TwinVerdict | AlgebraVerdict):
        return one.difference if isinstance(one, TwinVerdict) else one.deviation
    if isinstance(one, SeedVerdict):
        return max((abs(test.difference) for test in one.tests.values()), default=math.nan)
    return abs(one.delta) if isinstance(one, CollapseVerdict) else math.nan


def equivalence_html(found: Equivalences) -> str:
    """The table of verdicts, and the sentences of the levels that refused."""
    refused = "".join(absent(text) for text in found.refusals)
    table = found.table
    if table.empty:
        return refused
    good = {EQUIVALENT: True, DIFFERENT: False}
    rows = [[Cell(LEVELS[str(row.level)]), Cell(kind="wide", html=_lines(row.compared, "↔")),
             Cell(kind="wide", html=_lines(row.found, ";")),
             _verdict(str(row.verdict), good.get(str(row.verdict)),
                      (row.needs_more_seeds, row.if_equal))]
            for row in _by_setting(table).head(200).itertuples()]
    html = html_table(("level", "compared", "found", "verdict"), rows)
    note = (_TOST_NOTE.format(margin=f"{found.margin:g}")
            if set(table["level"]) - {"twins", "algebra"} else _TWIN_NOTE)
    return titled("Equivalence verdicts", f"{html}<figcaption>{prose(note)}</figcaption>{refused}",
                  table, "equivalence")


def _by_setting(table: pd.DataFrame) -> pd.DataFrame:
    """One row, the worst, for all seeds of a pair of settings; the CSV file has each."""
    pair = table["compared"].str.replace(r" seed=\S+", "", regex=True)
    whole = table.assign(compared=pair).sort_values("apart", ascending=False, kind="stable")
    groups = whole.groupby(["level", "compared", "verdict"], sort=False)
    worst = groups.head(1).assign(n=groups["apart"].transform("size")).sort_index()
    found = [f"{plural(int(n), 'seed')}: {text}" if n > 1 else str(text)
             for n, text in zip(worst["n"], worst["found"], strict=True)]
    return worst.assign(found=found)


def _lines(text: object, at: str) -> str:
    """Escaped text, broken at `at` and not within ``σ = 0.06``."""
    parts = [escape(part.strip()).replace(" = ", "\u00a0=\u00a0")
             for part in str(text).split(at)]
    return f"{' ' * (at != ';')}{at}<br>".join(parts)


def _verdict(verdict: str, good: bool | None, seeds: tuple[object, object]) -> Cell:
    cell = verdict_cell(verdict, good)
    needs, if_equal = (int(n) if isinstance(n, int | float) and n == n else None for n in seeds)
    more = (f"<small>needs {escape(missing(needs, if_equal))}</small>"
            if verdict == UNDECIDED and (needs, if_equal) != (None, None) else "")
    return Cell(kind="", html=f"{cell.html}{more}")
