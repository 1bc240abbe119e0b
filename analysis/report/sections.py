"""The sections of a report, in order, from the figures' blocks and the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from analysis.figures.drawing.figure import SECTIONS
from analysis.figures.drawing.style import escape, prose
from analysis.figures.drawing.view import View
from analysis.report import provenance
from analysis.report.blocks import Block, absent, download, titled
from analysis.report.comparisons import compared_html
from analysis.report.equivalences import equivalence_html
from analysis.report.findings import Findings
from analysis.report.gallery import gallery_html
from analysis.report.html_tables import Cell, html_table
from analysis.report.law_tables import law_frame, law_table
from analysis.report.page import Section
from analysis.report.published_tables import (
    beside_published,
    bounds_frame,
    bounds_table,
    published_table,
)
from analysis.report.results import results_html
from analysis.report.samples import samples_html
from analysis.report.statement import Statement
from analysis.sources.schema import FINISHED

__all__ = ["failed_frame", "sections"]

_CONVENTIONS = (
    "Sums run over dimensions, means over examples: KL and ELBO in nats per example, recon in "
    "squared data units per example (absolute ones for Laplace models), denoise in squared data "
    "units, σ and α in data units. ELBO is the bound at β = 1 without the decoder’s constant, as "
    "in the papers; only the ELBO with its constant may be compared between noise levels. σ-VAE "
    "is the fixed-σ imaginary noise model of Saremi (2020, arXiv:2005.09047), not a VAE that "
    "learns its variance."
)
_BOUNDS_NOTE = (
    "<figcaption><p>The trained bound on the test set with the likelihood’s constant, nats an "
    "example, with the table’s sign: our mean over seeds. The error is of the difference, ours "
    "and the paper’s. The paper leaves open whether its test images are corrupted.</p>"
    "</figcaption>"
)


def sections(found: Findings, blocks: Sequence[Block]) -> Iterator[Section]:
    """Summary first, provenance last; a section with nothing to show is left out."""
    view = found.view
    yield Section("summary", "Summary", _summary(found.said))
    extras = {
        "laws": _laws(view),
        "published": _published(view),
        "equivalence": equivalence_html(found.equivalences),
        "results": results_html(view),
        "compare": compared_html(found.compared),
        "images": gallery_html(view) + samples_html(view),
    }
    for name, title in SECTIONS.items():
        shown = "".join(
            block.html
            for block in blocks
            if block.section == name and (block.relevant or not block.sentence)
        )
        html = shown + extras.get(name, "")
        if html:
            yield Section(name, title, html)
    yield Section("failed", "Failed and unfinished trials", _failed(view))
    yield Section("provenance", "Provenance", _provenance(view, blocks))


def _summary(said: Sequence[Statement]) -> str:
    lines = (
        f"<li{' class=warning' if one.warning else ''}>{prose(one.text)}</li>" for one in said
    )
    return f"<ul>{''.join(lines)}</ul>"


def _laws(view: View) -> str:
    if not view.claims and not view.wants_law:
        return ""
    if not view.claims:
        return absent(
            "No law is fitted: it takes a group of finished trials that differ in the "
            "noise level and the seed only, with three noise levels or more."
        )
    frame = law_frame(view.claims)
    return titled("All laws and their tests", law_table(view.claims), frame, "laws")


def _published(view: View) -> str:
    frame, bounds = beside_published(view), bounds_frame(view)
    note = (
        "<figcaption><p>A difference in standard errors compares exponents only; where "
        "settings differ, it says how far apart the two experiments are, not that either is "
        "wrong.</p></figcaption>"
    )
    exponents = (
        ""
        if frame.empty
        else titled("Exponents side by side", published_table(frame) + note, frame, "published")
    )
    return exponents + (
        ""
        if bounds.empty
        else titled(
            "Bounds side by side", bounds_table(bounds) + _BOUNDS_NOTE, bounds, "published_bounds"
        )
    )


def failed_frame(view: View) -> pd.DataFrame:
    """Trials that are not finished, with status, epoch and reason."""
    trials = view.experiment.trials
    rows = trials[trials["status"] != FINISHED] if len(trials) else trials
    known = rows["reason"] if "reason" in rows else [None] * len(rows)
    reason = [
        text if isinstance(text, str) else _unreasoned(status)
        for text, status in zip(known, rows.get("status", []), strict=True)
    ]
    return pd.DataFrame(
        {
            "label": rows.get("label"),
            "trial": rows.get("trial"),
            "status": rows.get("status"),
            "epoch": rows.get("epoch"),
            "reason": reason,
        }
    )


def _unreasoned(status: str) -> str:
    return "not started" if status == "pending" else "no reason is stored"


def _failed(view: View) -> str:
    frame = failed_frame(view)
    if frame.empty:
        return "<p>None: every trial finished.</p>"
    shown = frame.sort_values("status").head(200)
    rows = [
        [
            Cell(row.label or row.trial, "wide"),
            Cell(row.status),
            Cell(_epoch(row.epoch)),
            Cell(row.reason, "wide"),
        ]
        for row in shown.itertuples()
    ]
    more = f"<p>The first 200 of {len(frame)} are shown.</p>" if len(frame) > 200 else ""
    return (
        html_table(("trial", "status", "last epoch", "reason"), rows)
        + more
        + f"<p>{download('failed', frame)}</p>"
    )


def _epoch(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, float) and value == value else "none"


def _provenance(view: View, blocks: Sequence[Block]) -> str:
    left = "".join(
        f"<li>{escape(block.sentence)}</li>"
        for block in blocks
        if block.sentence and not block.relevant
    )
    absent_figures = f"<p>Not drawn here:</p><ul>{left}</ul>" if left else ""
    trials = download("trials", view.experiment.trials)
    return (
        f'{provenance.html(view.experiment)}<p class="screen">Every trial with its parameters '
        f"and final metrics: {trials}</p>{absent_figures}<p class='note'>"
        f"{escape(_CONVENTIONS)}</p>"
    )
