"""Build a report: the page, the same numbers as JSON, and one CSV for each figure and table."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from analysis.figures import figures
from analysis.figures.drawing.style import canvas
from analysis.figures.drawing.view import SECTIONS, View, look
from analysis.report.csv_text import csv_text
from analysis.report.page import Page, Section, render
from analysis.report.part import Block, Part, Statement
from analysis.report.parts import modules, parts
from analysis.report.parts.provenance import headline
from analysis.report.settings import ReportSettings
from analysis.report.templating import environment
from analysis.sources.schema import Experiment
from analysis.sources.tracking_address import is_server, page_address

__all__ = ["prepare", "summary", "write", "write_parts"]

_TITLES = {
    **SECTIONS,
    "summary": "What the tests say",
    "results": "Settings and trials",
    "failed": "Failed and unfinished trials",
    "provenance": "Provenance",
}


def prepare() -> None:
    """Import and compile what a report uses: a third of the time that it takes to be written."""
    figures()
    modules()
    canvas().add_scatter()
    for name in environment().list_templates(extensions=["html"]):
        environment().get_template(name)


def summary(experiment: Experiment, settings: ReportSettings | None = None) -> list[str]:
    """The sentences of the report's summary; each states only what a test allows."""
    return _said(parts(_view(experiment, settings or ReportSettings())))


def write(experiment: Experiment, out: Path, settings: ReportSettings | None = None) -> Path:
    """Write index.html, report.json and the CSV files into the folder `out`.

    Returns the path of index.html. Every file is replaced atomically. Reads only `experiment`:
    no tracker, no network.
    """
    settings = settings or ReportSettings()
    view = _view(experiment, settings)
    return write_parts(out, experiment.name, parts(view), headline(view), settings)


def write_parts(
    out: Path, name: str, found: list[Part], under: str, settings: ReportSettings
) -> Path:
    """Write the parts of a report on `name`, with the line `under` below its title."""
    out.mkdir(parents=True, exist_ok=True)
    for block in _blocks(found):
        if block.table is not None and len(block.table):
            _replace(out / f"{block.name}.csv", csv_text(block.table))
    numbers = json.dumps(_numbers(name, found), ensure_ascii=False, indent=1, allow_nan=False)
    _replace(out / "report.json", numbers)
    return _replace(
        out / "index.html", render(_page(settings.title or name, under, found, settings))
    )


def _view(experiment: Experiment, settings: ReportSettings) -> View:
    view = look(
        experiment, settings.law, settings.margin, _run_url(settings), settings.margin_post_hoc
    )
    return replace(view, own_figures=settings.own_figures)


def _run_url(settings: ReportSettings) -> str | None:
    """The address of a run with ``{run}`` in it; None unless the server speaks http."""
    server = settings.server or ""
    if not is_server(server):
        return None
    return page_address(server, f"experiments/{settings.experiment_id or 0}/runs/{{run}}")


def _said(found: Iterable[Part]) -> list[str]:
    return [one.text for part in found for one in part.statements]


def _blocks(found: Iterable[Part]) -> list[Block]:
    """The blocks of all parts, in the order of their sections."""
    return sorted((block for part in found for block in part.blocks), key=lambda one: one.order)


def _numbers(name: str, found: Iterable[Part]) -> dict[str, Any]:
    """All numbers of the report for report.json; NaN and infinity are null."""
    said = {
        "schema": 1,
        "experiment": name,
        "answer": _answer(found),
        "brief": [one.text for one in sorted(_brief(found), key=lambda one: not one.warning)],
        "summary": _said(found),
    }
    return said | {key: value for part in found for key, value in part.numbers.items()}


def _page(title: str, under: str, found: list[Part], settings: ReportSettings) -> Page:
    return Page(
        title=title,
        provenance=under,
        answer=_answer(found),
        keys=[key for part in found for key in part.keys],
        sections=list(_sections(found)),
        written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        reload_s=settings.reload_s,
    )


def _answer(found: Iterable[Part]) -> str:
    """The first answer that a part gives, else the first sentence of all."""
    found = list(found)
    return next((part.answer for part in found if part.answer), next(iter(_said(found)), ""))


def _brief(found: Iterable[Part]) -> list[Statement]:
    """What is said beside the answer, without what a table of the page has."""
    found = list(found)
    answer = _answer(found)
    every = [one for part in found for one in part.statements]
    return [one for one in every if not one.detail and one.text != answer]


def _sections(found: list[Part]) -> Iterator[Section]:
    """Pictures and figures, then the tests, then provenance; an empty section is left out."""
    said = [one for one in _brief(found) if not one.card]
    summary = [Block("summary", "summary.html", content=said, order=0)] * bool(said)
    blocks = [*summary, *_blocks(found)]
    for name, title in _TITLES.items():
        shown = [block for block in blocks if block.section == name]
        if shown:
            yield Section(name, title, list(_paired(shown)))


def _paired(blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks; of an odd number of neighbouring halves the last is made whole."""
    for half, run in groupby(blocks, key=lambda one: one.half):
        *most, last = run
        yield from most
        yield replace(last, half=half and len(most) % 2 == 1)


def _replace(path: Path, text: str) -> Path:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
    return path
