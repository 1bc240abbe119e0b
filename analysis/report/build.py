"""Build a report: the page, the same numbers as JSON, and one CSV for each figure and table."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from analysis.figures import figures
from analysis.figures.drawing.view import look
from analysis.report import provenance
from analysis.report.blocks import Block, figure_block
from analysis.report.findings import Findings, find
from analysis.report.keys import keys_html
from analysis.report.law_tables import law_frame
from analysis.report.page import Page, render
from analysis.report.published_tables import beside_published
from analysis.report.sections import failed_frame, sections
from analysis.report.settings import ReportSettings
from analysis.report.tables import csv_text
from analysis.schema import Experiment

__all__ = ["summary", "write"]

_NOT_FIGURES = ("laws", "published", "equivalence", "compared", "failed", "trials")


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
    tables = _tables(found, blocks)
    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        _replace(out / f"{name}.csv", csv_text(table))
    _replace(out / "report.json", json.dumps(_numbers(found, tables), ensure_ascii=False,
                                             indent=1, allow_nan=False))
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
        title=settings.title or experiment.name, eyebrow="Sweep report",
        provenance=provenance.headline(experiment, seeds),
        keys=keys_html(found.view, found.equivalences),
        sections=tuple(sections(found, blocks)),
        footer=_footer(settings), reload_s=settings.reload_s)


def _footer(settings: ReportSettings) -> str:
    again = (f" The page loads itself again every {settings.reload_s} s while the sweep runs."
             if settings.reload_s else "")
    return (f"Written by sweeper on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.{again} This file "
            "needs no network; report.json and the CSV files beside it hold the same numbers.")


def _tables(found: Findings, blocks: Sequence[Block]) -> dict[str, pd.DataFrame]:
    """Name → table of every CSV file; tables without rows are left out."""
    tables = {block.name: block.table for block in blocks if block.table is not None}
    others = {"laws": law_frame(found.view.claims), "published": beside_published(found.view),
              "equivalence": found.equivalences.table, "compared": found.compared.table,
              "failed": failed_frame(found.view),
              "trials": found.view.experiment.trials}
    return tables | {name: table for name, table in others.items()
                     if table is not None and len(table)}


def _numbers(found: Findings, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """All numbers of the report as JSON; what is not a number is null."""
    experiment = found.view.experiment
    status = experiment.trials["status"] if len(experiment.trials) else pd.Series(dtype=object)
    return {
        "schema": 1, "experiment": experiment.name,
        "summary": [one.text for one in found.said],
        "trials": {str(name): int(count) for name, count in status.value_counts().items()},
        "laws": [{"law": claim.name, "family": claim.family.label,
                  **(_plain(claim.law.to_json()) if claim.law else {"refusal": claim.refusal})}
                 for claim in found.view.claims],
        "equivalence": {"margin": found.view.margin, "refusals": list(found.equivalences.refusals),
                        "verdicts": [_plain(one.to_json())
                                     for level in found.equivalences.verdicts.values()
                                     for one in level]},
        "compared": [_plain(one.to_json()) for one in found.compared.found],
        "published": _records(tables.get("published")),
        "failed": _records(tables.get("failed")),
        "figures": {name: _records(table) for name, table in tables.items()
                    if name not in _NOT_FIGURES},
        "provenance": provenance.facts(experiment), "reproduce": provenance.reproduce(experiment)}


def _records(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    if table is None:
        return []
    rows: list[dict[str, Any]] = _plain(table.to_dict("records"))
    return rows


def _plain(value: Any) -> Any:
    """Python's own types only, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _replace(path: Path, text: str) -> Path:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
    return path
