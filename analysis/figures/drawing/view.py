"""The types `Figure` and `View`, an experiment with its fitted laws, which figures draw."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.comparisons.choice import Choice, with_choice
from analysis.comparisons.reported import reported_pairs
from analysis.equivalence import examine
from analysis.errors import AnalysisError
from analysis.figures.drawing.claims import Claim, fit_families
from analysis.figures.drawing.families import all_families, levels
from analysis.figures.drawing.tested import Tested, trends
from analysis.laws.powerlaw import Law
from analysis.sources.noise import PAPERS, noise_levels
from analysis.sources.rows import split_alone
from analysis.sources.schema import (
    DECLARED,
    FINISHED,
    SPLIT,
    UNENDED,
    Experiment,
    Spectrum,
    metric_columns,
)
from analysis.training.stationarity import judged

__all__ = [
    "SECTIONS",
    "Drawn",
    "Figure",
    "NothingToDraw",
    "View",
    "look",
    "of_other_level",
    "reported_laws",
]

SECTIONS = {
    "images": "Images",
    "laws": "Scaling laws",
    "search": "Search",
    "compare": "Comparisons",
    "reconstruction": "Reconstruction and rate",
    "bounds": "Bounds of the denoising criterion",
    "robustness": "Robustness",
    "equivalence": "Equivalence",
    "learning": "Learning curves",
    "published": "Beside the published tables",
}


class NothingToDraw(AnalysisError):
    """A sentence on why a figure has no data.

    relevant: whether the report shows it instead of the figure, or else nothing.
    """

    def __init__(self, sentence: str, relevant: bool = True) -> None:
        super().__init__(sentence)
        self.relevant = relevant


@dataclass(frozen=True, eq=False)
class View:
    """An experiment with its laws.

    laws: the declared law, then the same law for other axes.
    tested: what is claimed, with p values and intervals of one family.
    margin: of the equivalence tests, a log ratio.
    run_url: address of a run, with ``{run}`` for its id; None if no server is known.
    hues: family → number of its colour.
    asked: whether a law other than the default one was declared.
    own_figures: drawn beside those of `analysis.figures`.
    choice: of a hyperparameter at each setting; the experiment's other trials are passed over.
    """

    experiment: Experiment
    laws: tuple[Law, ...]
    tested: Tested
    margin: float
    run_url: str | None = None
    hues: Mapping[str, int] = field(default_factory=dict)
    asked: bool = False
    own_figures: tuple[Figure, ...] = ()
    choice: Choice | None = None

    @property
    def claims(self) -> tuple[Claim, ...]:
        """One for each family and law."""
        return self.tested.claims

    def hue(self, label: str) -> int:
        """The number of a family's colour and marker, the same in every figure."""
        return self.hues.get(label, len(self.hues))

    @functools.cached_property
    def finished(self) -> pd.DataFrame:
        """The finished trials that laws and figures use, without twins and `off_axis` trials.

        Infinite metrics are NaN.
        """
        trials = self.experiment.trials
        if trials.empty:
            return trials
        return self._settled[~_off_axis(self._settled)]

    @functools.cached_property
    def off_axis(self) -> pd.DataFrame:
        """The finished trials whose noise level is zero or negative, which has no logarithm."""
        trials = self.experiment.trials
        return trials if trials.empty else self._settled[_off_axis(self._settled)]

    @functools.cached_property
    def _settled(self) -> pd.DataFrame:
        trials = self.experiment.trials
        rows = trials[(trials["status"] == FINISHED) & (trials["role"] == DECLARED)]
        metrics = rows[metric_columns(rows)]
        if not np.isinf(metrics.to_numpy(dtype=np.float64)).any():
            return rows
        return rows.assign(**metrics.replace([np.inf, -np.inf], np.nan))

    @functools.cached_property
    def in_training(self) -> pd.DataFrame:
        """The declared trials that go on or wait; they are in no law and in no mean of results."""
        trials = self.experiment.trials
        if trials.empty:
            return trials
        return trials[trials["status"].isin(UNENDED) & (trials["role"] == DECLARED)]

    @property
    def wants_law(self) -> bool:
        """Whether a law was declared, or the trials have at least two values of a noise level."""
        trials = self.experiment.trials
        return self.asked or any(trials[level].nunique() > 1 for level in noise_levels(trials))

    def claims_of(self, x: str, y: str = "test/kl") -> list[Claim]:
        return [claim for claim in self.claims if (claim.x, claim.y) == (x, y)]

    def law_of(self, x: str) -> Law:
        return next((law for law in self.laws if law.x == x), Law(x=x, y="test/kl"))

    def spectrum(self, rows: pd.DataFrame) -> Spectrum | None:
        """The spectrum of the rows' data set; None if it is unknown or they have several.

        Of several splits of one data set it is that of the first.
        """
        rows = rows.nsmallest(1, SPLIT) if split_alone(rows) else rows
        sums = set(rows["checksum"].dropna()) if "checksum" in rows else set()
        return self.experiment.spectra.get(str(sums.pop())) if len(sums) == 1 else None

    def links(self, rows: pd.DataFrame) -> list[str]:
        """The address of each row's MLflow run; empty if it is unknown."""
        if self.run_url is None or "run_id" not in rows:
            return [""] * len(rows)
        return [
            self.run_url.replace("{run}", quote(str(run), safe="")) if run == run and run else ""
            for run in rows["run_id"]
        ]


class Drawn(Protocol):
    """The data of a figure, as `info` returns it: a table of the drawn values, and a caption.

    The caption is plain text; a line feed begins a new paragraph, `backticks` mark code.
    """

    @property
    def table(self) -> pd.DataFrame: ...

    @property
    def caption(self) -> str: ...


@dataclass(frozen=True)
class Figure:
    """One figure of the report; a module of `analysis.figures` defines one or more of them.

    name: of the CSV file and the anchor. section: a key of `SECTIONS`. order: inside the section.
    info: raises NothingToDraw, with a sentence for the report, if there are no data.
    """

    name: str
    title: str
    section: str
    order: int
    info: Callable[[View], Any]
    draw: Callable[[Any], go.Figure]


def of_other_level(info: Callable[[View, str], Any]) -> Callable[[View], Any]:
    """The `info` of a figure over a noise level that is neither σ nor α: of one's own likelihood.

    It is the declared law's, or the first that there is.
    """

    def found(view: View) -> Any:
        others = [level for level in noise_levels(view.finished) if level not in PAPERS]
        if not others:
            raise NothingToDraw("No finished trial has a noise level but σ or α.", relevant=False)
        return info(view, view.laws[0].x if view.laws[0].x in others else others[0])

    return found


def _off_axis(trials: pd.DataFrame) -> pd.Series[bool]:
    found = pd.Series(False, index=trials.index)
    for level in noise_levels(trials):
        if pd.api.types.is_numeric_dtype(trials[level]):
            found |= trials[level] <= 0
    return found


def reported_laws(experiment: Experiment, declared: Law | None) -> tuple[Law, ...]:
    """What every report fits: the declared law (None: KL against σ), and KL against each other
    noise level.
    """
    first = (declared or Law()).after(experiment.sweeps)
    others = (x for x in noise_levels(experiment.trials) if x != first.x)
    return (first, *(Law(x) for x in others))


def look(
    experiment: Experiment,
    law: Law | None,
    margin: float,
    run_url: str | None,
    margin_post_hoc: str = "",
) -> View:
    """Fit the declared law, and KL against the other scales that the trials have.

    These laws, their trends, all comparisons and tests of equivalence are one family.
    """
    experiment, choice = with_choice(judged(experiment))
    laws, asked = reported_laws(experiment, law), law not in (None, Law())
    empty = View(experiment, laws, Tested(), margin, run_url, asked=asked)
    rows, history = empty.finished, experiment.history
    claims = tuple(claim for one in laws for claim in fit_families(rows, one, history=history))
    tested = Tested(
        claims,
        tuple(trends(claims, rows, history)),
        reported_pairs(rows),
        examine(experiment, margin, margin_post_hoc),
    )
    return replace(empty, tested=tested.in_one_family(), hues=_hues(rows), choice=choice)


def _hues(trials: pd.DataFrame) -> dict[str, int]:
    """Colour numbers by family; those with many noise levels get the most distinct colours."""
    found = [(levels(family, x), family.label) for x, family in all_families(trials)]
    ordered = sorted(found, key=lambda entry: -min(entry[0], 3))
    labels = dict.fromkeys(label for _, label in ordered)
    return {label: number for number, label in enumerate(labels)}
