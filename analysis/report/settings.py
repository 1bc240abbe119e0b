"""The settings of a report."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.figures.drawing.view import Figure
from analysis.laws.powerlaw import Law

__all__ = ["ReportSettings"]


@dataclass(frozen=True)
class ReportSettings:
    """Settings of a report, as the grid's analysis block and the command line give them.

    law: the declared law; None is KL against σ over all finished trials.
    margin: of the equivalence tests, a log ratio; margin_post_hoc: that it was chosen after the
        run, in words.
    server: address of the MLflow server, http or https; None: points do not link.
    title: of the page; None is the experiment's name.
    experiment_id: MLflow's id of the experiment, for the links.
    reload_s: interval in seconds at which the open page reloads itself; None: never.
    own_figures: drawn beside those of `analysis.figures`.
    """

    law: Law | None = None
    margin: float = 0.10
    server: str | None = None
    title: str | None = None
    experiment_id: str | None = None
    reload_s: int | None = None
    own_figures: tuple[Figure, ...] = ()
    margin_post_hoc: str = ""
