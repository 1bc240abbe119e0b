"""The tags and parameters of an MLflow run for a trial, all of them strings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sweeper.sweep import PlannedTrial, Sweep, noise_key
from trainers.checkpoint import Commit

__all__ = [
    "EVALUATED",
    "NOTE",
    "commit_tags",
    "declared_tags",
    "origin_tags",
    "own_tag",
    "started_ms",
    "text",
    "trial_tags",
    "whole_tags",
]

LONGEST = 5000
EVALUATED = "sweeper.evaluations"  # the keys of the evaluations that a run has
NOTE = "mlflow.note.content"  # what MLflow shows as the description


def text(value: Any) -> str:
    """A value as text: strings unchanged, others as JSON; cut with an … at MLflow's limit."""
    plain = _plain(value)
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def whole_tags(name: str, value: Any) -> dict[str, str]:
    """Tags for a value of any length; long text continues in ``name.1``, ``name.2``, ..."""
    plain = _plain(value)
    parts = [plain[start : start + LONGEST] for start in range(0, len(plain), LONGEST)]
    return {f"{name}.{place}" if place else name: part for place, part in enumerate(parts)}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def own_tag(trial: str) -> str:
    """A tag that only a trial's runs have: MLflow's tables are indexed by the names of tags, and
    not by their values, so that a search by value reads a row of every run.
    """
    return f"sweeper.trial.{trial}"


def trial_tags(trial: PlannedTrial) -> dict[str, str]:
    """The tags of a trial that do not depend on how it was trained; none is empty."""
    found = {
        "sweeper.kind": "trial",
        "sweeper.trial": trial.id,
        own_tag(trial.id): "true",
        "sweeper.program": trial.lineage,
        "sweeper.seed": text(trial.params.get("seed")),
        "sweeper.model": text(trial.params.get("model")),
        "sweeper.role": trial.role,
        "sweeper.twin_of": trial.twin_of or "",
        "sweeper.merged_from": trial.merged_from or "",
        "sweeper.label": trial.label,
        "sweeper.parameters": text(trial.parameters),
        "sweeper.noise": noise_key(trial.trial) or "",
        "sweeper.beta_exponent": text(trial.trial.beta_exponent),
        "sweeper.data_checksum": text(trial.data.get("checksum", "")),
        NOTE: _description(trial),
    }
    return {name: value for name, value in found.items() if value}


def _description(trial: PlannedTrial) -> str:
    """Markdown for the page of a trial's run."""
    line = f" of line {trial.line} of the grid" if trial.line else ""
    return (
        f"The trial `{trial.id}`{line}: {trial.label}.\n\n"
        f"`sweeper sample {trial.id}` draws samples of it, `sweeper denoise {trial.id}` denoises "
        f"images, and `sweeper rerun {trial.id}` trains it again."
    )


def origin_tags(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Tags with git commit, versions and host; unknown values are left out."""
    return {
        f"sweeper.{name}": text(value) for name, value in provenance.items() if value is not None
    }


def declared_tags(sweep: Sweep) -> dict[str, str]:
    """Tags with the grid's `analysis` section, so that `analysis` can read it from MLflow too."""
    rule = whole_tags("sweeper.until", {"rule": dict(sweep.until)}) if sweep.until else {}
    return whole_tags("sweeper.analysis", dict(sweep.analysis)) | rule


def commit_tags(commit: Commit) -> dict[str, str]:
    """Tags with the machine that made a commit, and the reason of a failure."""
    about = {
        name: commit.manifest.get(name)
        for name in (
            "host",
            "device",
            "cpu",
            "instructions",
            "python",
            "versions",
            "source",
            "git_commit",
            "git_dirty",
            "allow_mixed",
            "reason",
            "extends",
        )
    }
    return origin_tags(about) | {"sweeper.wall_s": f"{commit.progress.wall_s:.3f}"}


def started_ms(commit: Commit) -> int:
    """The start time of a trial's run, its end less its training time, in Unix milliseconds."""
    return int(commit.manifest["time_ms"] - 1000 * commit.progress.wall_s)
