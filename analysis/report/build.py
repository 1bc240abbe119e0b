"""Build a report: the page, the same numbers as JSON, and one CSV for each figure and table."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from analysis.figures import figures
from analysis.figures.drawing.view import look
from analysis.report import provenance
from analysis.report.blocks import Block, figure_block
from analysis.report.findings import Findings, find
from analysis.report.html_tables import csv_text
from analysis.report.keys import keys_html
from analysis.report.numbers import as_json, tables
from analysis.report.page import Page, render
from analysis.report.sections import sections
from analysis.report.settings import ReportSettings
from analysis.sources.schema import Experiment

__all__ = ["summary", "write"]


def summary(experiment: Experiment, settings: ReportSettings | None = None) -> list[str]:
    """The sentences of the report's summary; each states only what a test allows."""
    return [one.text for one in _find(experiment, settings or ReportSettings()).said]


def write(experiment: Experiment, out: Path, settings: ReportSettings | None = None) -> Path:
    """Write index.html, report.json and the CSV files into the folder `out`.

    Returns the path of index.html. Every file is replaced as a whole, so that a reader never
    sees half of one. Reads only `experiment`: no tracker, no network.
    """
    settings = settings or ReportSettings()
    found = _find(experiment, settings)
    blocks = [figure_block(figure, found.view) for figure in figures()]
    named = tables(found, blocks)
    out.mkdir(parents=True, exist_ok=True)
    for name, table in named.items():
        _replace(out / f"{name}.csv", csv_text(table))
    _replace(
        out / "report.json",
        json.dumps(as_json(found, named), ensure_ascii=False, indent=1, allow_nan=False),
    )
    return _replace(out / "index.html", render(_page(found, blocks, settings)))


def _find(experiment: Experiment, settings: ReportSettings) -> Findings:
    return find(look(experiment, settings.law, settings.margin, _run_url(settings)))


def _run_url(settings: ReportSettings) -> str | None:
    """The address of a run with ``{run}`` in it; None unless the server speaks http."""
    server = (settings.server or "").rstrip("/")
    if urlsplit(server).scheme not in ("http", "https"):
        return None
    return f"{server}/#/experiments/{settings.experiment_id or 0}/runs/{{run}}"


def _page(found: Findings, blocks: Sequence[Block], settings: ReportSettings) -> Page:
    experiment = found.view.experiment
    done = found.view.finished
    seeds = done["seed"].nunique() if "seed" in done else 0
    return Page(
        title=settings.title or experiment.name,
        eyebrow="Sweep report",
        provenance=provenance.headline(experiment, seeds),
        keys=keys_html(found.view, found.equivalences),
        sections=tuple(sections(found, blocks)),
        footer=_footer(settings),
        reload_s=settings.reload_s,
    )


def _footer(settings: ReportSettings) -> str:
    again = (
        f" The page loads itself again every {settings.reload_s} s while the sweep runs."
        if settings.reload_s
        else ""
    )
    return (
        f"Written by sweeper on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.{again} This file "
        "needs no network; report.json and the CSV files beside it hold the same numbers."
    )


def _replace(path: Path, text: str) -> Path:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
    return path
