"""The tags and parameters of an MLflow run for a trial, all of them strings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sweeper.storage.addresses import show_storage
from sweeper.sweep import PlannedTrial, Sweep, noise_key
from trainers.checkpoint import Commit

__all__ = [
    "DECLARED",
    "EVALUATED",
    "NOTE",
    "about_experiment",
    "commit_tags",
    "declared_tags",
    "origin_tags",
    "own_tag",
    "started_ms",
    "text",
    "trial_tags",
]

LONGEST = 5000
DECLARED = ("sweeper.analysis", "sweeper.until")  # where the names of `declared_tags` begin
EVALUATED = "sweeper.evaluations"  # the keys of the evaluations that a run has
NOTE = "mlflow.note.content"  # what MLflow shows as the description


def text(value: Any) -> str:
    """A value as text: strings unchanged, others as JSON; cut with an … at MLflow's limit."""
    plain = _plain(value)
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _value_tags(name: str, value: Any) -> dict[str, str]:
    """A tag for each value of a mapping, ``name/key``; long ones go on in ``name/key part 2``."""
    if isinstance(value, Mapping) and value:
        inner = (_value_tags(f"{name}/{key}", one) for key, one in value.items())
        return {key: text for tags in inner for key, text in tags.items()}
    quoted = isinstance(value, str) and _reads_otherwise(value)
    plain = json.dumps(value, ensure_ascii=False) if quoted else _plain(value)
    parts = [plain[start : start + LONGEST] for start in range(0, len(plain), LONGEST)]
    return {f"{name} part {n}" if n > 1 else name: part for n, part in enumerate(parts, 1)}


def _reads_otherwise(value: str) -> bool:
    """Whether a text is empty, or would be read as a number, a list or the like."""
    try:
        json.loads(value)
    except ValueError:
        return not value
    return True


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
    """Tags with git commit, versions (``torch 2.14.1, ...``) and host, without unknown values."""
    known = {name: value for name, value in provenance.items() if value not in (None, {})}
    return {
        f"sweeper.{name}": ", ".join(f"{key} {one}" for key, one in value.items())
        if isinstance(value, Mapping)
        else text(value)
        for name, value in known.items()
    }


def declared_tags(sweep: Sweep) -> dict[str, str]:
    """Tags with the grid's `analysis` and `until`, so that `analysis` can read them from MLflow.

    One for each value, such as ``sweeper.analysis/law/x``.
    """
    sections = (sweep.analysis, {"rule": dict(sweep.until)} if sweep.until else {})
    found = [_value_tags(*one) for one in zip(DECLARED, sections, strict=True) if one[1]]
    return {name: text for tags in found for name, text in tags.items()}


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


def about_experiment(sweep: Sweep) -> str:
    """Markdown for the page of a new experiment."""
    storage = show_storage(sweep.storage)
    return (
        f"Sweeps of the experiment `{sweep.experiment}`, written by sweeper. A sweep is a run "
        "whose children are its trials: it has the grid, the report and what that claims (the "
        "exponent `nu` with its interval, and the verdicts), its children have the parameters "
        "and metrics.\n\n"
        f"The storage is `{storage}`; `sweeper report {sweep.experiment} --storage {storage}` "
        "writes the report."
    )
