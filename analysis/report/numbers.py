"""The numbers of a report: the table of every CSV file, and all of them as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.report import provenance
from analysis.report.blocks import Block
from analysis.report.findings import Findings
from analysis.report.law_tables import law_frame
from analysis.report.published_tables import beside_published, bounds_frame
from analysis.report.results import results_frame
from analysis.report.sections import failed_frame

__all__ = ["as_json", "tables"]

_NOT_FIGURES = (
    "laws",
    "published",
    "published_bounds",
    "equivalence",
    "compared",
    "results",
    "failed",
    "trials",
)


def tables(found: Findings, blocks: Sequence[Block]) -> dict[str, pd.DataFrame]:
    """Name → table of every CSV file; tables without rows are left out."""
    drawn = {block.name: block.table for block in blocks if block.table is not None}
    others = {
        "laws": law_frame(found.view.claims),
        "published": beside_published(found.view),
        "published_bounds": bounds_frame(found.view),
        "equivalence": found.equivalences.table,
        "compared": found.compared.table,
        "results": results_frame(found.view),
        "failed": failed_frame(found.view),
        "trials": found.view.experiment.trials,
    }
    return drawn | {
        name: table for name, table in others.items() if table is not None and len(table)
    }


def as_json(found: Findings, named: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """All numbers of the report as JSON; what is not a number is null."""
    experiment = found.view.experiment
    status = experiment.trials["status"] if len(experiment.trials) else pd.Series(dtype=object)
    return {
        "schema": 1,
        "experiment": experiment.name,
        "summary": [one.text for one in found.said],
        "trials": {str(name): int(count) for name, count in status.value_counts().items()},
        "laws": [
            {
                "law": claim.name,
                "family": claim.family.label,
                **(_plain(claim.law.to_json()) if claim.law else {"refusal": claim.refusal}),
            }
            for claim in found.view.claims
        ],
        "equivalence": {
            "margin": found.view.margin,
            "refusals": list(found.equivalences.refusals),
            "verdicts": [
                _plain(one.to_json())
                for level in found.equivalences.found.verdicts.values()
                for one in level
            ],
        },
        "compared": [_plain(one.to_json()) for one in found.compared.found],
        "published": _records(named.get("published")),
        "published_bounds": _records(named.get("published_bounds")),
        "results": _records(named.get("results")),
        "failed": _records(named.get("failed")),
        "figures": {
            name: _records(table) for name, table in named.items() if name not in _NOT_FIGURES
        },
        "provenance": provenance.facts(experiment),
        "reproduce": provenance.reproduce(experiment),
    }


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
