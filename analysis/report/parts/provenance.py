"""The provenance of the numbers, and the commands that reproduce them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.figures.drawing.view import View
from analysis.report.part import Block, Part, Statement
from analysis.sources.machines import mixed
from analysis.sources.paths import grid_file
from analysis.sources.schema import Experiment
from analysis.sources.tracking_address import without_password

__all__ = ["facts", "headline", "part", "reproduce"]

_COMMIT = ("git_commit", "commit", "git")
_DIRTY = ("git_dirty", "dirty")


def part(view: View) -> Part:
    """The last section: facts, commands to reproduce, and the metrics' definitions."""
    experiment = view.experiment
    content = {"facts": facts(experiment), "commands": reproduce(experiment)}
    several = mixed(view.finished)
    return Part(
        order=120,
        statements=[Statement(f"{several[0].upper()}{several[1:]}.", True)] if several else [],
        blocks=[
            Block("provenance", "provenance.html", "", content),
            Block(
                "provenance", "conventions.html", "Units and definitions", order=120, folded=True
            ),
        ],
        numbers={"provenance": content["facts"], "reproduce": content["commands"]},
    )


def headline(view: View) -> str:
    """One line under the title: trials, seeds, data, date and commit."""
    experiment, every = view.experiment, view.experiment.trials
    seeds = every["seed"].nunique() if "seed" in every else 0
    known = facts(experiment)
    parts = [f"{one.name} (d = {one.dims})" for one in experiment.spectra.values()]
    data = ", ".join(dict.fromkeys(parts))
    trials = len(experiment.trials)
    said = [
        f"{trials} trial{'s' * (trials != 1)}",
        f"{seeds} seed{'s' * (seeds != 1)}",
        data,
        f"the newest of {1 + len(experiment.other_sweeps)} sweeps" * bool(experiment.other_sweeps),
        known.get("last sweep", "")[:10],
        f"commit {known['commit'][:10]}" if "commit" in known else "",
    ]
    return " · ".join(text for text in said if text)


def facts(experiment: Experiment) -> dict[str, str]:
    """What is known about how the experiment was run: name → text."""
    last = experiment.sweeps[-1] if experiment.sweeps else {}
    provenance = _mapping(last.get("provenance"))
    found = {
        "experiment": experiment.name,
        "source": experiment.source,
        "data": _data(experiment),
        "sweeps": ", ".join(str(sweep.get("sweep", "?")) for sweep in experiment.sweeps),
        "other sweeps": _others(experiment),
        "last sweep": str(last.get("created", "")),
        "commit": _commit(provenance),
        "host": str(provenance.get("host", "")),
        "python": str(provenance.get("python", "")),
        "versions": _versions(_mapping(provenance.get("versions"))),
        "tracking": without_password(str(last.get("tracking_uri") or "")),
    }
    return {name: text for name, text in found.items() if text}


def _others(experiment: Experiment) -> str:
    """The sweeps that are left out, and how to have them in a report."""
    names = ", ".join(experiment.other_sweeps)
    command = shlex.join(["sweeper", "report", experiment.name, "--all"])
    return f"{names} (in the report of `{command}`)" if names else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _commit(provenance: Mapping[str, Any]) -> str:
    flat = {**provenance, **_mapping(provenance.get("git"))}
    commit = next((flat[key] for key in _COMMIT if isinstance(flat.get(key), str)), "")
    dirty = any(flat.get(key) is True for key in _DIRTY)
    return f"{commit} with uncommitted changes" if commit and dirty else commit


def _versions(versions: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _data(experiment: Experiment) -> str:
    return "; ".join(
        f"{one.name} (d = {one.dims}, {one.n_train} training examples, "
        f"checksum {one.checksum[:12]})"
        for one in experiment.spectra.values()
    )


def reproduce(experiment: Experiment) -> list[str]:
    """The commands that train the same trials again, from the folder that they were run from."""
    lines: list[str] = []
    here = ""
    commit = facts(experiment).get("commit", "").split(" ")[0]
    if commit:
        lines.append(f"git checkout {shlex.quote(commit)}  # in sweeper's own repository")
    for sweep in experiment.sweeps:
        parts = (str(sweep.get("experiment", experiment.name)), str(sweep.get("sweep", "")))
        remote = "://" in experiment.source
        grid = grid_file("" if remote else experiment.source or ".", *parts)
        grid = f"{experiment.source}/{grid}" if remote else grid
        folder = _home(sweep, experiment.source or "")
        if folder not in ("", here):
            lines.append(f"cd {shlex.quote(folder)}")
            here = folder
        lines += [*_project(sweep), _run(sweep, grid)]
    return lines


def _run(sweep: Mapping[str, Any], stored: str) -> str:
    """The command with the user's own grid where a commit has it, else with its stored copy.

    It has a storage of its own, as in the one that has them all trials are finished.
    """
    named = sweep.get("grid_file")
    if not isinstance(named, str) or not named or not named.isprintable():
        return _command(stored)
    project = _mapping(_mapping(sweep.get("provenance")).get("project"))
    shipped = not named.endswith((".yaml", ".yml"))
    if shipped or (project.get("commit") and project.get("dirty") is False):
        return f"{_command(named)}  # a copy is {stored}"
    if "://" in stored:
        return f"{_command(named)}  # as it was: {stored}"
    return f"{_command(stored)}  # a copy of {named}"


def _command(grid: str) -> str:
    return f"sweeper run {shlex.quote(grid)} --storage again --tracking sqlite:///again.db"


def _project(sweep: Mapping[str, Any]) -> list[str]:
    """The commit of the user's repository at the run, with a word on changes that it lacks."""
    found = _mapping(_mapping(sweep.get("provenance")).get("project"))
    if not isinstance(found.get("commit"), str):
        return []
    origin = str(found.get("origin") or "")
    about = [f"of {origin}"] * bool(origin and origin.isprintable())
    about += ["the files had changes that this commit lacks"] * (found.get("dirty") is True)
    said = f"  # {'; '.join(about)}" * bool(about)
    return [f"git checkout {shlex.quote(found['commit'])}{said}"]


def _home(sweep: Mapping[str, Any], storage: str) -> str:
    """The folder of a sweep's relative paths; "" if that is not known.

    If the storage lies elsewhere now, the folder is assumed to have moved with it.
    """
    home = _mapping(sweep.get("home"))
    folder, before = str(home.get("folder", "")), str(home.get("storage", ""))
    if "://" in storage:
        return folder
    if not folder or not os.path.isabs(storage):
        return ""
    if before == storage or not Path(before).is_relative_to(folder):
        return folder
    return os.path.normpath(os.path.join(storage, os.path.relpath(folder, before)))
