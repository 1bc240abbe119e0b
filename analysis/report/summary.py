"""The summary: sentences that say what the tests allow, and no more."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.comparisons.bounds import VIOLATED
from analysis.errors import AnalysisError
from analysis.figures import denoising_bounds
from analysis.figures.drawing.laws import Claim
from analysis.figures.drawing.theory import collapse_sentence
from analysis.figures.drawing.view import View
from analysis.figures.dz_scaling import trends
from analysis.laws.powerlaw import fit
from analysis.laws.sentences import law_doubts
from analysis.report.equivalences import Equivalences
from analysis.report.results import strongest_noise
from analysis.report.statement import Statement
from analysis.sources.schema import FINISHED, TWIN
from analysis.wording import listed, plural, quantity, symbol

__all__ = ["statements"]

_COLLAPSED = 0.01  # nats an example
_CLAIMS = 6


def statements(
    view: View, equivalences: Equivalences, compared: Sequence[Statement] = ()
) -> list[Statement]:
    """In this order: trials, laws, equivalence, bounds, models, noise, collapse, failures."""
    trials = view.experiment.trials
    if trials.empty:
        return [
            Statement(
                f"The experiment {view.experiment.name} has no trials yet, so nothing "
                "can be said.",
                True,
            )
        ]
    return [
        _counts(trials),
        *_off_axis(view),
        *_laws(view),
        *map(Statement, trends(view)),
        *equivalences.statements,
        *_bounds(view),
        *compared,
        *strongest_noise(view),
        *_collapse(view),
        *_failures(trials),
    ]


def _counts(trials: pd.DataFrame) -> Statement:
    done = trials[trials["status"] == FINISHED]
    twins = int((done["role"] == TWIN).sum())
    said = f"{len(done)} of {plural(len(trials), 'trial')} finished"
    said += f", {twins} of them matched-seed twins that stay out of every law" if twins else ""
    pruned = int((trials["status"] == "pruned").sum())
    said += f"; {pruned} stopped early by the search" if pruned else ""
    waiting = int((~trials["status"].isin([FINISHED, "failed", "pruned"])).sum())
    said += f"; {waiting} not yet" if waiting else ""
    return Statement(f"{said}.", bool(waiting))


def _off_axis(view: View) -> list[Statement]:
    left = view.off_axis
    return [
        Statement(
            f"{plural(len(left), 'finished trial')} with a noise level of zero or less "
            f"{'are' if len(left) > 1 else 'is'} in no law and no figure, whose axes "
            f"are logarithmic: {listed(left['label'], 3)}.",
            True,
        )
    ] * bool(len(left))


def _laws(view: View) -> list[Statement]:
    found = [one for claim in view.claims[:_CLAIMS] for one in _law(claim)]
    if len(view.claims) > _CLAIMS:
        found.append(Statement(f"{len(view.claims) - _CLAIMS} more laws are in the table below."))
    refused = _declared_refused(view)
    if refused:
        found.append(Statement(refused, True))
    elif not view.claims and view.wants_law:
        found.append(
            Statement(
                "No law is fitted: no group of finished trials that differ in the "
                "noise level and the seed only has three noise levels.",
                True,
            )
        )
    return found


def _declared_refused(view: View) -> str:
    """Why the law that the grid declares has no family to be fitted to; nothing if it has one."""
    law = view.laws[0]
    if not view.asked or view.finished.empty or view.claims_of(law.x, law.y):
        return ""
    try:
        fit(view.finished, law)
    except AnalysisError as refusal:
        return (
            f"No law of {quantity(law.y)} against {symbol(law.x)}, which is the declared one: "
            f"{str(refusal).rstrip('.')}."
        )
    return ""


def _law(claim: Claim) -> list[Statement]:
    if claim.law is None:
        return [Statement(f"{claim.family.label}: {claim.refusal}", True)]
    said = claim.law.sentences()
    bend = [text for text in said[1:] if " bend " in f" {text} "][:1]
    few = [text for text in said[1:] if text.startswith("With ")][:1]
    doubts = " ".join(law_doubts(claim.law))
    return [
        Statement(f"{claim.family.label}: {' '.join([said[0], *few])}"),
        *(Statement(f"{claim.family.label}: {text}", claim.law.bends) for text in bend),
        *([Statement(f"{claim.family.label}: {doubts}", True)] if doubts else []),
    ]


def _bounds(view: View) -> list[Statement]:
    said = denoising_bounds.sentence(view)
    wrong = any(one.verdict == VIOLATED for one in denoising_bounds.checks(view))
    return [Statement(f"Bounds of the denoising criterion: {said}", wrong)] if said else []


def _collapse(view: View) -> list[Statement]:
    rows = view.finished
    found = []
    sentence = collapse_sentence(view, rows)
    if sentence and "must" in sentence:
        found.append(Statement(sentence, True))
    if "test/kl" in rows:
        gone = rows[rows["test/kl"] < _COLLAPSED]
        if len(gone):
            found.append(
                Statement(
                    f"The posterior has collapsed (KL below {_COLLAPSED:g} nats/example) in "
                    f"{plural(len(gone), 'trial')}: {listed(gone['label'], 3)}.",
                    True,
                )
            )
    return found


def _failures(trials: pd.DataFrame) -> list[Statement]:
    failed = trials[trials["status"] == "failed"]
    if failed.empty:
        return [Statement("No trial failed.")]
    return [
        Statement(
            f"{plural(len(failed), 'trial')} failed and "
            f"{'are' if len(failed) > 1 else 'is'} in no result: "
            f"{listed(failed['label'], 3)}.",
            True,
        )
    ]
