"""Everything that a grid may name, with a line about it and where it comes from."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import re
from typing import Any

import trainers
from sweeper.errors import UserError
from sweeper.grid.complaints import nearest
from sweeper.grid.fieldtypes import describe_type
from sweeper.grid.grid_files import shipped_grids
from sweeper.grid.models import known_models
from sweeper.grid.searches import SEARCHES
from sweeper.planning.meanings import meanings
from trainers.fields import describe_fields
from trainers.registry import Registry
from trainers.trial import PARTS

__all__ = ["catalogue", "registries"]


def catalogue(kind: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Entries by kind; each has name, summary and reference, components their fields too."""
    everything = {"models": _models()}
    everything |= {folder: _components(registry) for folder, registry in registries().items()}
    for entry in everything["objectives"]:
        entry["takes"] = _takes(PARTS["objective"][entry["name"]])
    everything["searches"] = _components(SEARCHES)
    everything["grids"] = _grids()
    if kind is None:
        return everything
    if kind not in everything:
        raise UserError(
            f"there is no kind {kind!r}{nearest(kind, everything)} "
            f"(known: {', '.join(everything)})"
        )
    return {kind: everything[kind]}


def registries() -> dict[str, Registry[Any]]:
    """Every registry of `trainers`, by the folder of its components."""
    folders = [one.name for one in pkgutil.iter_modules(trainers.__path__) if one.ispkg]
    found: dict[str, Registry[Any]] = {}
    for folder in folders:
        package = importlib.import_module(f"trainers.{folder}")
        for name in package.__all__:
            if isinstance(getattr(package, name), Registry):
                found[folder] = getattr(package, name)
    return found


def _models() -> list[dict[str, Any]]:
    return [
        {
            "name": model.name,
            "summary": model.summary,
            "reference": model.reference,
            "objective": model.objective,
            "likelihood": model.usual_likelihood,
            "corrupts": model.corrupts,
        }
        for model in known_models().values()
    ]


def _components(registry: Registry[Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "summary": registry.summary(name),
            "reference": registry.reference(name),
            "fields": _fields(registry[name]),
        }
        for name in registry
    ]


def _takes(objective: Any) -> list[str]:
    """What stands beside an objective in a block of a grid, a line for each part."""
    usual = getattr(objective, "default_likelihood", None)
    likelihood = f"`likelihood`{f' ({usual} if none is named)' if usual else ''}"
    places = " or ".join(f"`corrupts: {place}`" for place in objective.corrupts)
    return [
        *([likelihood] if objective.likelihood else []),
        f"`network`: an {objective.network}",
        *([f"`corruption` with {places}"] if places else []),
    ]


def _fields(component: type) -> list[dict[str, Any]]:
    meant = meanings(component)
    return [
        {
            "name": field.name,
            "type": describe_type(field.type),
            "default": list(field.default) if isinstance(field.default, tuple) else field.default,
            "required": field.required,
            "bounds": str(field.bounds) if field.bounds else "",
            "meaning": meant.get(field.name, ""),
        }
        for field in describe_fields(component)
    ]


def _grids() -> list[dict[str, Any]]:
    """A shipped grid says what it is in the first sentence of its comment."""
    return [
        {
            "name": name,
            "summary": _comment(path.read_text(encoding="utf-8")),
            "reference": "",
            "path": str(path),
        }
        for name, path in shipped_grids().items()
    ]


def _comment(text: str) -> str:
    lines = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    whole = " ".join(line.lstrip("# ") for line in lines)
    return re.split(r"(?<=[.?!])\s+(?=[A-Z`])", whole, maxsplit=1)[0]
