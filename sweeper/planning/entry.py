"""One entry of the catalogue: its fields, and a line of a grid that uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sweeper.errors import UserError
from sweeper.grid.complaints import nearest, show
from sweeper.planning.catalogue import catalogue

__all__ = ["entry_of"]

REQUIRED = {
    "sigma": "0.1",
    "alpha": "0.1",
    "p": "0.1",
    "folder": "photos",
    "trials": "32",
    "metric": "validation/elbo_full",
    "mode": "max",
}
CORRUPTED = ", corruption: {name: bernoulli, p: 0.1}"
EXAMPLES = {
    "models": "trials: [{{model: {name}{more}}}]",
    "objectives": "trials: [{{objective: {name}{more}}}]",
    "likelihoods": "trials: [{{objective: elbo, likelihood: {name}{more}}}]",
    "networks": "defaults: {{network: {name}{more}}}",
    "corruptions": "trials: [{{objective: elbo, corruption: {{name: {name}{more}}}, "
    "corrupts: input}}]",
    "datasets": "data: {{name: {name}{more}}}",
    "evaluations": "evaluate: [{more}]",
    "searches": "search: {{method: {name}{more}}}",
    "samplers": "sweeper sample TRIAL --sampler {name}",
    "grids": "sweeper run {name}",
}


def entry_of(kind: str, name: str) -> dict[str, Any]:
    """An entry with its `fields` and an `example`; a model has its parts' fields, and a shipped
    grid its `text`.

    Raises `UserError` with the nearest name if there is none of this name.
    """
    entries = {entry["name"]: entry for entry in catalogue(kind)[kind]}
    if name not in entries:
        raise UserError(
            f"{kind} has no {name!r}{nearest(name, entries)} (known: {', '.join(entries)})"
        )
    entry = dict(entries[name])
    if kind == "models":
        parts = [("objectives", entry["objective"]), ("likelihoods", entry["likelihood"])]
        entry["fields"] = [
            field for part, used in parts if used for field in entry_of(part, used)["fields"]
        ]
    if kind == "grids":
        entry["text"] = Path(entry["path"]).read_text(encoding="utf-8")
    entry.setdefault("fields", [])
    return entry | {"example": _example(kind, entry)}


def _example(kind: str, entry: dict[str, Any]) -> str:
    required = [field["name"] for field in entry["fields"] if field["required"]]
    more = "".join(f", {field}: {REQUIRED.get(field, '...')}" for field in required)
    more += CORRUPTED if entry.get("corrupts") else ""
    if kind == "evaluations":
        told = [one for one in entry["fields"] if one["default"] not in (None, [])]
        fields = ", ".join(f"{one['name']}: {show(one['default'])}" for one in told)
        more = f"{{{entry['name']}: {{{fields}}}}}" if told else entry["name"]
    return EXAMPLES.get(kind, "{name}").format(name=entry["name"], more=more)
