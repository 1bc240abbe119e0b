"""Runs of an experiment in MLflow, in one form for all kinds of stores, and their tidy rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Protocol

import pandas as pd

from analysis.sources.frames import TrialRow
from analysis.sources.machines import MACHINE, machine
from analysis.sources.schema import metric_name

__all__ = ["Run", "Store", "stamp", "sweeps", "trial_row", "trial_runs"]

STATUS = {
    "FINISHED": "finished",
    "FAILED": "failed",
    "RUNNING": "running",
    "SCHEDULED": "pending",
    "KILLED": "killed",
}
PROVENANCE = ("git_commit", "git_dirty", "versions", "host")
PARENT = "mlflow.parentRunId"


@dataclass(frozen=True)
class Run:
    """One tracked run; metrics are the last values, `step` the largest step of any."""

    id: str
    status: str
    start_ms: int
    end_ms: int | None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    step: int | None = None


class Store(Protocol):
    """A tracker that can list the runs of an experiment and their recorded values."""

    def runs(self, experiment: str) -> list[Run]:
        """All active runs; LoadError if there is no such experiment or no answer."""
        ...

    def history(self, runs: Sequence[Run]) -> pd.DataFrame:
        """Columns run, metric, step, time_ms, value, in any order."""
        ...


def trial_runs(runs: Sequence[Run]) -> dict[str, Run]:
    """The run of each trial; if a trial has several runs, the oldest.

    Of a sweep that was trained on (`until: {converged: ...}`) the runs of shorter trials are left
    out, which the sweep has replaced by longer ones.
    """
    found: dict[str, Run] = {}
    for run in sorted(runs, key=lambda run: run.start_ms, reverse=True):
        if run.tags.get("sweeper.kind") == "trial" and "sweeper.trial" in run.tags:
            found[run.tags["sweeper.trial"]] = run
    grown = {run.id for run in runs if "converged" in (_declared(run, "until").get("rule") or {})}
    longest: dict[tuple[str, str], int] = {}
    for run in found.values():
        if _line(run)[0] in grown:
            longest[_line(run)] = max(longest.get(_line(run), 0), _epochs(run))
    return {
        trial: run
        for trial, run in found.items()
        if _epochs(run) >= longest.get(_line(run), _epochs(run))
    }


def _line(run: Run) -> tuple[str, str]:
    """The sweep of a trial, and what the trial is but for its number of epochs."""
    return run.tags.get(PARENT, ""), run.tags.get("sweeper.program", "")


def _epochs(run: Run) -> int:
    return int(_number(run.params.get("epochs"), 0) or 0)


def trial_row(trial: str, run: Run) -> TrialRow:
    """The row of one trial; its values equal those from storage, as far as MLflow has them."""
    tag = run.tags.get
    took = None if run.end_ms is None else (run.end_ms - run.start_ms) / 1000
    facts = {
        "trial": trial,
        "run_id": run.id,
        "status": STATUS.get(run.status, run.status),
        "role": tag("sweeper.role") or "declared",
        "twin_of": tag("sweeper.twin_of") or None,
        "label": tag("sweeper.label") or tag("mlflow.runName"),
        "lineage": tag("sweeper.program"),
        "checksum": tag("sweeper.data_checksum") or None,
        "epoch": run.step,
        "wall_s": _number(tag("sweeper.wall_s"), took),
        "parameters": _number(tag("sweeper.parameters"), None),
        "reason": tag("sweeper.reason") or None,
        "noise": tag("sweeper.noise") or None,
        "beta_exponent": _number(tag("sweeper.beta_exponent"), None),
        "machine": machine(_parsed(run.tags, MACHINE)),
    }
    metrics = {
        metric_name(name): value
        for name, value in run.metrics.items()
        if not name.startswith("system/")
    }
    return TrialRow(facts, {name: parsed(value) for name, value in run.params.items()}, metrics)


def _number(text: str | None, default: float | None) -> float | None:
    try:
        return default if text is None else float(text)
    except ValueError:
        return default


def parsed(text: str) -> Any:
    """The value of a parameter stored as a string: parsed as JSON if possible, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def stamp(run: Run) -> str:
    """A text that changes whenever the run's recorded values do.

    It includes the metrics' values, since a repeated evaluation changes nothing else.
    """
    last = sha256(repr(sorted(run.metrics.items())).encode()).hexdigest()[:16]
    return f"{run.id}|{run.status}|{run.end_ms}|{run.step}|{last}"


def sweeps(runs: Sequence[Run], experiment: str, uri: str) -> list[dict[str, Any]]:
    """The parent runs in the form of sweep.json, oldest first."""
    children: dict[str, list[Run]] = {}
    for run in trial_runs(runs).values():
        children.setdefault(run.tags.get(PARENT, ""), []).append(run)
    parents = [run for run in runs if run.tags.get("sweeper.kind") == "sweep"]
    return [
        _sweep(run, children.get(run.id, []), experiment, uri)
        for run in sorted(parents, key=lambda run: run.start_ms)
    ]


def _sweep(parent: Run, children: Sequence[Run], experiment: str, uri: str) -> dict[str, Any]:
    trials = [
        {
            "id": run.tags["sweeper.trial"],
            "role": run.tags.get("sweeper.role", "declared"),
            "twin_of": run.tags.get("sweeper.twin_of") or None,
            "label": run.tags.get("sweeper.label"),
        }
        for run in children
    ]
    created = datetime.fromtimestamp(parent.start_ms / 1000, UTC).isoformat()
    return {
        "schema": 1,
        "experiment": experiment,
        "sweep": parent.tags.get("sweeper.sweep"),
        "created": created,
        "tracking_uri": uri,
        "run_id": parent.id,
        "trials": trials,
        "analysis": _declared(parent, "analysis"),
        "until": _declared(parent, "until"),
        "provenance": _provenance([parent, *children]),
    }


def _declared(parent: Run, name: str) -> Mapping[str, Any]:
    """The mapping that the grid declares under `name`, from the parent run's tags; or empty.

    Each value has a tag, ``sweeper.name/key/key``; a long one goes on in ``... part 2`` and so on.
    """
    found: dict[str, Any] = {}
    for tag in (one for one in parent.tags if one.startswith(f"sweeper.{name}/")):
        if " part " in tag:
            continue
        *above, last = tag.split("/")[1:]
        inner = found
        for key in above:
            inner = inner.setdefault(key, {})
        inner[last] = parsed("".join(_parts(parent.tags, tag)))
    return found


def _parts(tags: Mapping[str, str], name: str) -> Iterator[str]:
    yield tags[name]
    part = 2
    while (more := tags.get(f"{name} part {part}")) is not None:
        yield more
        part += 1


def _provenance(runs: Sequence[Run]) -> Mapping[str, Any]:
    tags: dict[str, str] = {}
    for run in reversed(runs):
        tags.update(run.tags)
    return _parsed(tags, PROVENANCE)


def _parsed(tags: Mapping[str, str], names: Sequence[str]) -> dict[str, Any]:
    """Facts on program and machine from a run's tags; what they lack is left out."""
    texts = {name: tags[f"sweeper.{name}"] for name in names if f"sweeper.{name}" in tags}
    read = {"git_dirty": parsed, "versions": _versions}
    return {name: read.get(name, str)(text) for name, text in texts.items()}


def _versions(text: str) -> dict[str, str]:
    """From ``torch 2.14.1, numpy 2.4.6``."""
    named = (one.partition(" ") for one in text.split(", "))
    return {name: version for name, _, version in named}
