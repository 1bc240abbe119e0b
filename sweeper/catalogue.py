"""Everything that a grid may name, with a line about it and where it comes from."""

from __future__ import annotations

from typing import Any

from sweeper.complaints import nearest
from sweeper.errors import UserError
from sweeper.fieldtypes import describe_type
from sweeper.models import known_models
from sweeper.spec import shipped_grids
from trainers.fields import describe_fields
from trainers.registry import Registry
from trainers.trial import PARTS

__all__ = ["catalogue"]

TITLES = {"objective": "objectives", "likelihood": "likelihoods", "network": "networks",
          "corruption": "corruptions", "data": "data sets"}


def catalogue(kind: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Entries by kind; each has name, summary and reference, components their fields too."""
    everything = {"models": _models()}
    everything |= {TITLES.get(part, part): _components(registry)
                   for part, registry in PARTS.items()}
    everything["grids"] = _grids()
    if kind is None:
        return everything
    if kind not in everything:
        raise UserError(f"there is no kind {kind!r}{nearest(kind, everything)} "
                        f"(known: {', '.join(everything)})")
    return {kind: everything[kind]}


def _models() -> list[dict[str, Any]]:
    return [{"name": model.name, "summary": model.summary, "reference": model.reference,
             "objective": model.objective, "likelihood": model.likelihood,
             "corrupts": model.corrupts} for model in known_models().values()]


def _components(registry: Registry[Any]) -> list[dict[str, Any]]:
    return [{"name": name, "summary": registry.summary(name),
             "reference": registry.reference(name), "fields": _fields(registry[name])}
            for name in registry]


def _fields(component: type) -> list[dict[str, Any]]:
    return [{"name": field.name, "type": describe_type(field.type),
             "default": list(field.default) if isinstance(field.default, tuple) else field.default,
             "required": field.required, "bounds": str(field.bounds) if field.bounds else ""}
            for field in describe_fields(component)]


def _grids() -> list[dict[str, Any]]:
    """A shipped grid says what it is in its first comment lines."""
    return [{"name": name, "summary": _comment(path.read_text(encoding="utf-8")),
             "reference": "", "path": str(path)} for name, path in shipped_grids().items()]


def _comment(text: str) -> str:
    lines = text.splitlines()
    return lines[0].lstrip("# ") if lines and lines[0].startswith("#") else ""
