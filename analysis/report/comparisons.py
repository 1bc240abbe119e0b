"""Every pair of models at the settings that they share, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from analysis.compare import Comparison, compare_all
from analysis.errors import AnalysisError
from analysis.figures.drawing.style import escape, prose
from analysis.figures.drawing.view import View
from analysis.report.blocks import titled
from analysis.report.statement import Statement
from analysis.report.tables import Cell, html_table, verdict_cell
from analysis.wording import model_name, number, plural, probability, setting, symbol

__all__ = ["Compared", "compare_models", "compared_html"]

METRIC = "test/denoise"
_SHOWN = 60
_COLUMNS = ("first and second", "at", "difference (95 %)", "effect", "p, Holm", "verdict")
_NOTE = ("Denoising error, first less second (data units²/example, at the noise level that each "
         "model was trained for): Welch’s interval over seeds for each difference alone, Hedges’ "
         "g, and p corrected by Holm over all rows. That two models are not shown to differ is "
         "no evidence that they are equal.")


@dataclass(frozen=True)
class Compared:
    """The comparisons of the experiment; empty if no two models share a setting."""

    found: Sequence[Comparison] = field(default_factory=tuple)

    @property
    def statements(self) -> list[Statement]:
        tested = [one for one in self.found if one.verdict != "not tested"]
        if not tested:
            return []
        differ = sum(one.verdict == "differ" for one in tested)
        also = "; models differ in more than their kind, as the table says" * any(
            one.also for one in tested)
        found = f"{differ} of them differ" if differ else "none is shown to differ"
        return [Statement(f"Denoising error: {plural(len(tested), 'comparison')} between models "
                          f"at equal noise; {found} (Holm, 5 %){also}.")]

    @property
    def table(self) -> pd.DataFrame:
        return pd.DataFrame([
            {"first": _model(one.groups[0]), "second": _model(one.groups[1]), "at": _at(one),
             "difference": one.difference.value, "low": one.difference.low,
             "high": one.difference.high, "effect": one.effect.value, "p_holm": one.p_holm,
             "verdict": one.verdict, "also_differ": ", ".join(one.also),
             "sentence": one.sentence()} for one in self.found])


def compare_models(view: View) -> Compared:
    """All pairs of models by their denoising error."""
    trials = view.finished
    if METRIC not in trials or "model" not in trials or trials["model"].nunique() < 2:
        return Compared()
    try:
        return Compared(compare_all(trials, "model", [METRIC]))
    except AnalysisError:
        return Compared()


def compared_html(compared: Compared) -> str:
    """The table, or nothing."""
    if not compared.found:
        return ""
    rows = [_row(one) for one in compared.found[:_SHOWN]]
    more = (f" The first {_SHOWN} of {len(compared.found)} are shown."
            if len(compared.found) > _SHOWN else "")
    note = f"<figcaption><p>{prose(_NOTE + more)}</p></figcaption>"
    return titled("Denoising error of every pair of models", html_table(_COLUMNS, rows) + note,
                  compared.table, "compared")


def _row(one: Comparison) -> list[Cell]:
    also = (f"<small>also differ in {escape(', '.join(map(symbol, one.also)))}</small>"
            if one.also else "")
    names = f"{escape(_model(one.groups[0]))} and {escape(_model(one.groups[1]))}{also}"
    d, tested = one.difference, one.verdict != "not tested"
    spread = f" ({number(d.low)} to {number(d.high)})" if tested else ""
    return [Cell(kind="wide", html=names), Cell(_at(one)),
            Cell(f"{number(d.value)}{spread}", "unit"),
            Cell(number(one.effect.value, 2) if tested else "", "unit"),
            Cell(probability(one.p_holm).removeprefix("p = ") if tested else "", "unit"),
            verdict_cell(one.untested or one.verdict, None)]


def _model(label: str) -> str:
    return model_name(label.removeprefix("model = "))


def _at(one: Comparison) -> str:
    return ", ".join(setting(name, value) for name, value in one.setting.items()) or "all"
