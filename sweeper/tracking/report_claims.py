"""What a report claims, as metrics, tags and a description of the sweep's MLflow run."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweeper.tracking.tags import NOTE, text

__all__ = ["PICTURE", "ReportClaims", "report_claims"]

PICTURE = "report/law.svg"  # the artifact with the picture of the first law

NUMBERS = {"nu": "nu", "nu_low": "ci_low", "nu_high": "ci_high"}


@dataclass(frozen=True)
class ReportClaims:
    """Metrics at the step `finished`, the number of finished trials, and tags."""

    finished: int
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def report_claims(
    report: Mapping[str, Any], experiment: str, run: str, drawn: bool = False
) -> ReportClaims:
    """The claims of a ``report.json``.

    run : the sweep's run, whose artifacts the description shows. drawn : whether `PICTURE` is
    among them.

    The first law's exponent is the metric ``nu``, with ``nu_low`` and ``nu_high``; those of
    further laws are below ``laws/``; a law of one seed has no interval. The verdicts of each level
    of the tests of equivalence are counted, and the trials of each status.
    """
    laws = [law for law in report.get("laws", ()) if law.get("nu") is not None]
    metrics: dict[str, float] = {}
    for place, law in enumerate(laws):
        for name, key in NUMBERS.items():
            where = f"laws/{_plain(law['law'])}/{name}" if place else name
            known = name == "nu" or law.get("n_seeds") != 1  # one seed has no interval of ν
            metrics[where] = _number(law.get(key) if known else None)
    verdicts = Counter(f"{one['level']}/{_plain(one['verdict'])}" for one in _verdicts(report))
    metrics |= {f"equivalence/{name}": float(n) for name, n in verdicts.items()}
    tags = {NOTE: text(_description(report, experiment, _picture(report, run) if drawn else []))}
    if laws:
        training = (laws[0].get("convergence") or {}).get("verdict")
        tags["sweeper.law"] = text(laws[0]["law"])
        tags |= {"sweeper.law_training": text(training)} if training else {}
        tags["sweeper.law_bends"] = text(bool(laws[0].get("bends")))
    trials = report.get("trials", {})
    metrics |= {f"trials/{status}": float(n) for status, n in trials.items()}
    known = {name: value for name, value in metrics.items() if math.isfinite(value)}
    return ReportClaims(int(trials.get("finished", 0)), known, tags)


def _verdicts(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = report.get("equivalence", {}).get("verdicts", [])
    return found


def _picture(report: Mapping[str, Any], run: str) -> list[str]:
    """Markdown of the law's picture.

    Its address is relative to MLflow's own page, whatever the server is called: MLflow shows no
    image that is a ``data:`` address.
    """
    law = next(one["law"] for one in report["laws"] if one.get("nu") is not None)
    return [f"![{_escaped(law)}](get-artifact?path={PICTURE}&run_uuid={run})", ""]


def _description(report: Mapping[str, Any], experiment: str, picture: list[str]) -> str:
    """Markdown: the answer, the picture, the sentences of the summary, and where the report is."""
    answer = report.get("answer")
    said = [sentence for sentence in report.get("summary", ()) if sentence != answer]
    lines = [f"**{_escaped(answer)}**", ""] if answer else []
    lines += picture
    lines += [f"- {_escaped(sentence)}" for sentence in said]
    lines += ["", "The whole report is the artifact `report/index.html`, the grid `grid.yaml`;"]
    return "\n".join([*lines, f"`sweeper report {experiment}` writes the report again."])


def _escaped(sentence: str) -> str:
    """Without a meaning of its letters in markdown, but for those of code between backticks."""
    return re.sub(r"`[^`]*`|([*_<\\])", lambda at: f"\\{at[1]}" if at[1] else at[0], sentence)


def _plain(name: str) -> str:
    """A name with the letters that MLflow admits in that of a metric."""
    return re.sub(r"[^\w./ -]+", "", name).replace("  ", " ")


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
