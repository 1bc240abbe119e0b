"""A plan, an ended sweep and a fitted law, with the text and the page that a notebook shows."""

from __future__ import annotations

import html
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from rich.console import Console

from analysis.figures.drawing.claims import Claim
from analysis.figures.drawing.families import Family
from analysis.figures.kl import draw
from analysis.figures.run_law import law_panel
from analysis.laws.law import filtered
from analysis.laws.powerlaw import PowerLaw
from analysis.report.cell import figure_html
from analysis.report.templating import pieces
from analysis.wording import quantity, symbol
from sweeper.planning.outline import Outline
from sweeper.sweep import Outcome
from sweeper.terminal import plan_table

__all__ = ["WIDTH", "Fit", "Laws", "Plan", "Result"]

WIDTH = 100  # columns of text in a notebook


@dataclass(frozen=True, repr=False)
class Plan:
    """What a grid would train; `trials` has one row a trial, `outline` all that is estimated."""

    outline: Outline

    @property
    def trials(self) -> pd.DataFrame:
        rows = self.outline.to_json()["trials"]
        return pd.DataFrame([row | row.pop("params") for row in rows])

    def __repr__(self) -> str:
        text = StringIO()
        plan_table.draw(
            Console(file=text, width=WIDTH, force_jupyter=False, force_terminal=False),
            self.outline,
        )
        return text.getvalue()

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


@dataclass(frozen=True, repr=False)
class Result:
    """How a sweep ended: counts (`outcome`), the report's path, and the report's `sentences`."""

    outcome: Outcome
    sentences: tuple[str, ...]
    trials: pd.DataFrame

    @property
    def report(self) -> Path | None:
        return Path(self.outcome.report) if self.outcome.report else None

    def __repr__(self) -> str:
        done = self.outcome
        head = f"{done.experiment}: {done.finished} of {done.trials} trials finished"
        lines = [head + (f", {done.failed} failed" if done.failed else "")]
        if done.undelivered:
            lines.append(
                f"MLflow lacks records of {done.undelivered} trials: {done.tracker_error}; "
                "the same call delivers them"
            )
        lines += [f"• {sentence}" for sentence in self.sentences]
        return "\n".join([*lines, *([f"report {done.report}"] if done.report else [])])

    def _repr_html_(self) -> str:
        head, *_ = repr(self).splitlines()
        points = "".join(f"<li>{_prose(one)}</li>" for one in self.sentences)
        return f"<p><b>{html.escape(head)}</b></p><ul>{points}</ul>"


@dataclass(frozen=True, repr=False)
class Fit:
    """A fitted law: its numbers (`law`), the trials of its experiment, and its figure."""

    law: PowerLaw
    trials: pd.DataFrame

    @property
    def nu(self) -> float:
        return self.law.nu

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of ν."""
        return self.law.ci_low, self.law.ci_high

    @property
    def rows(self) -> pd.DataFrame:
        """The trials that the law was fitted to."""
        return filtered(self.trials, self.law.law)

    @property
    def figure(self) -> go.Figure:
        """The points, the fitted line with its band, and the departures from it."""
        asked, rows = self.law.law, self.rows
        name = f"{quantity(asked.y)} against {symbol(asked.x)}"
        claim = Claim(asked.x, asked.y, Family(name, rows, {}), self.law)
        return draw(law_panel([claim], "seed" if "seed" in rows else None))

    def __repr__(self) -> str:
        return "\n".join(self.law.sentences())

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{_prose(one)}</p>" for one in self.law.sentences())
        return said + figure_html(self.figure)


class Laws(dict[str, Fit]):
    """The laws of a report by their names: ``laws["σ-VAE: test KL against σ"].nu``."""

    def __repr__(self) -> str:
        return "\n\n".join(f"{name}\n{one!r}" for name, one in self.items())

    def _repr_html_(self) -> str:
        parts = (f"<h4>{html.escape(name)}</h4>{one._repr_html_()}" for name, one in self.items())
        return "".join(parts)


def _prose(text: str) -> str:
    """A sentence as HTML, with superscripts."""
    return "".join(
        f"<{kind}>{html.escape(piece)}</{kind}>" if kind else html.escape(piece)
        for kind, piece in pieces(text)
    )
