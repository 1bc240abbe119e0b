"""One block of `trials`: which model it means, and the axes of its fields."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.errors import Address
from sweeper.grid.axes import Axis, axis
from sweeper.grid.complaints import nearest, show, unknown_key
from sweeper.grid.document import Document
from sweeper.grid.fieldtypes import check_value, takes_list
from sweeper.grid.labels import NESTED, flat_key
from sweeper.grid.models import Model, fitting_network, known_models
from sweeper.grid.spaces import Space, is_space, space
from trainers.fields import Field, describe_fields
from trainers.registry import Registry
from trainers.trial import PARTS, Training

__all__ = ["Entry", "Slot", "Variant", "slots", "variants"]

STRUCTURE = (
    "model",
    "likelihood",
    "network",
    "corruption",
    "data",
    "seeds",
    "aliases",
    "evaluate",
)


@dataclass(frozen=True)
class Entry:
    """A raw value and where it stands; `default` if it came from outside the block."""

    raw: Any
    address: Address
    default: bool = False


@dataclass(frozen=True)
class Slot:
    """Where a key of a block goes: a field of one part of the trial."""

    part: str
    field: Field


@dataclass(frozen=True)
class Variant:
    """A block with its structure settled: one model, one network, one data set.

    `names` maps parts to registered names, `axes` each given field to its values, or to the
    space that a search draws them from.
    """

    model: Model
    names: Mapping[str, str]
    axes: tuple[tuple[Slot, Axis | Space], ...]
    address: Address
    data_address: Address
    used: frozenset[str]

    @property
    def count(self) -> int:
        """How many points the axes span, for one draw from the spaces."""
        return math.prod(values.count for _, values in self.axes if isinstance(values, Axis))

    @property
    def spaces(self) -> list[tuple[Slot, Space]]:
        """The fields whose values are drawn, in the order of `axes`."""
        return [(slot, values) for slot, values in self.axes if isinstance(values, Space)]

    def points(
        self, document: Document, drawn: Sequence[Any] = ()
    ) -> Iterator[dict[str, dict[str, Any]]]:
        """Nested plain values of every point, without seed: what `Trial.from_config` takes.

        `drawn` has a value for each of the spaces.
        """
        values = iter(drawn)
        checked = [
            [
                (slot, check_value(document, address, slot.field, raw))
                for address, raw in (
                    axis.values() if isinstance(axis, Axis) else [(axis.address, next(values))]
                )
            ]
            for slot, axis in self.axes
        ]
        for choice in itertools.product(*checked):
            config: dict[str, dict[str, Any]] = {
                part: {"name": name} for part, name in self.names.items()
            }
            config["training"] = {}
            for slot, value in choice:
                config[slot.part][slot.field.name] = value
            yield config


def slots(names: Mapping[str, str]) -> dict[str, Slot]:
    """The flat keys of a model's block: fields of objective, likelihood, network, training.

    Where two parts have a field of one name, the later one is called ``<part>_<field>``.
    """
    parts: dict[str, type] = {
        part: PARTS[part][name] for part, name in names.items() if part not in NESTED
    }
    found: dict[str, Slot] = {}
    for part, component in (parts | {"training": Training}).items():
        for field in describe_fields(component):
            found[flat_key(part, field.name, found)] = Slot(part, field)
    return found


def variants(document: Document, address: Address, entries: Mapping[str, Entry]) -> list[Variant]:
    """Read one block: every combination of its models, likelihoods and networks."""
    block = _Block(document, address, entries)
    return [
        block.variant(model, likelihood, network)
        for model in block.models()
        for likelihood in block.likelihoods(model)
        for network in block.networks(model)
    ]


@dataclass(frozen=True)
class _Block:
    document: Document
    address: Address
    entries: Mapping[str, Entry]

    def variant(self, model: Model, likelihood: str | None, network: str) -> Variant:
        names = {"objective": model.objective, "network": network}
        if likelihood:
            names["likelihood"] = likelihood
        nested = {part: self._nested(part, model) for part in NESTED}
        names |= {part: name for part, (name, _) in nested.items() if name}
        known = slots(names)
        self._refuse_unknown(model, known)
        axes = self._axes(known, model)
        for _, inner in nested.values():
            axes += inner
        return Variant(
            model,
            names,
            tuple(axes),
            self.address,
            self.entries["data"].address,
            frozenset(known) | self._structure(model),
        )

    def models(self) -> list[Model]:
        known = known_models()
        return [
            known[self._registered("model", name, where, known)]
            for where, name in self._choices("model", known)
        ]

    def likelihoods(self, model: Model) -> list[str | None]:
        entry = self.entries.get("likelihood")
        if entry is None or not model.likelihoods or (entry.default and not model.any_likelihood):
            return [model.likelihood]
        return [
            self._likelihood(model, name, where)
            for where, name in self._choices("likelihood", model.likelihoods)
        ]

    def _likelihood(self, model: Model, name: Any, where: Address) -> str:
        known = self._registered("likelihood", name, where, PARTS["likelihood"])
        if known not in model.likelihoods:
            others = [one.name for one in known_models().values() if known in one.likelihoods]
            raise self.document.error(
                f"{model.name} is a model with the likelihood {', '.join(model.likelihoods)}, and "
                f"{known} is what {', '.join(others)} may have: leave it out, or choose one of "
                "these",
                where,
            )
        return known

    def networks(self, model: Model) -> list[str]:
        registry = PARTS["network"]
        return [
            fitting_network(self._registered("network", name, where, registry), model)
            for where, name in self._choices("network", registry)
        ]

    def _choices(self, key: str, known: Any) -> list[tuple[Address, Any]]:
        if key not in self.entries:
            raise self.document.error(
                f"`{key}` is missing: name one of {', '.join(known)}", self.address
            )
        entry = self.entries[key]
        if is_space(entry.raw):
            raise self.document.error(
                f"`{key}` is not drawn: write a list of names (each of them "
                "gets draws of its own), or one block for each",
                entry.address,
            )
        if isinstance(entry.raw, dict):
            raise self.document.error(
                f"`{key}` is a name or a list of names, and is "
                f"{show(entry.raw)} (known: {', '.join(known)})",
                entry.address,
            )
        return axis(self.document, entry.address, entry.raw).values()

    def _registered(self, kind: str, name: Any, where: Address, known: Any) -> str:
        if not isinstance(name, str) or name not in known:
            hint = nearest(name, known) if isinstance(name, str) else ""
            raise self.document.error(
                f"unknown {kind} {show(name)}{hint} (known: {', '.join(known)})", where
            )
        return name

    def _structure(self, model: Model) -> set[str]:
        has = {"likelihood": bool(model.likelihoods), "corruption": bool(model.corrupts)}
        return {key for key in STRUCTURE if has.get(key, True)}

    def _refuse_unknown(self, model: Model, known: Mapping[str, Slot]) -> None:
        allowed = set(known) | self._structure(model)
        for key, entry in self.entries.items():
            if key not in allowed and not entry.default:
                raise self.document.error(_stranger(key, model, allowed), entry.address)

    def _axes(self, known: Mapping[str, Slot], model: Model) -> list[tuple[Slot, Axis | Space]]:
        for key, slot in known.items():
            if slot.field.required and key not in self.entries:
                raise self.document.error(f"{model.name} needs `{key}`", self.address)
        return [
            (known[key], self._axis(entry, known[key].field))
            for key, entry in self.entries.items()
            if key in known
        ]

    def _axis(self, entry: Entry, field: Field) -> Axis | Space:
        if not is_space(entry.raw):
            return axis(self.document, entry.address, entry.raw, takes_list(field))
        found = space(self.document, entry.address, entry.raw)
        if field.type is int and found.kind in ("uniform", "loguniform"):
            raise self.document.error(
                f"{field.name} is a whole number: write int: {list(found.given)}", found.address
            )
        for position, value in enumerate(found.given):
            check_value(self.document, (*found.address, position), field, value)
        return found

    def _nested(
        self, part: str, model: Model
    ) -> tuple[str | None, list[tuple[Slot, Axis | Space]]]:
        """The name and the axes of `data` or `corruption`, which have keys of their own."""
        registry = PARTS[part]
        if part == "corruption" and not model.corrupts:
            return None, []
        if part not in self.entries:
            wish = f"{model.name} needs `{part}`" if part == "corruption" else "`data` is missing"
            raise self.document.error(f"{wish}: name one of {', '.join(registry)}", self.address)
        entry = self.entries[part]
        raw = {"name": entry.raw} if isinstance(entry.raw, str) else entry.raw
        if not isinstance(raw, dict) or "name" not in raw:
            raise self.document.error(
                f"must be a name, or a mapping with `name`, and is {show(entry.raw)}",
                entry.address,
            )
        where = entry.address if isinstance(entry.raw, str) else (*entry.address, "name")
        name = self._registered(registry.kind, raw["name"], where, registry)
        return name, self._inner(part, registry, name, Entry(raw, entry.address))

    def _inner(
        self, part: str, registry: Registry[Any], name: str, entry: Entry
    ) -> list[tuple[Slot, Axis | Space]]:
        fields = {field.name: field for field in describe_fields(registry[name])}
        given = {key: raw for key, raw in entry.raw.items() if key != "name"}
        for key in given:
            if key not in fields:
                raise self.document.error(
                    unknown_key(key, {"name", *fields}), (*entry.address, key)
                )
        for field in fields.values():
            if field.required and field.name not in given:
                raise self.document.error(
                    f"the {registry.kind} {name} needs `{field.name}`", entry.address
                )
        return [
            (Slot(part, fields[key]), self._axis(Entry(raw, (*entry.address, key)), fields[key]))
            for key, raw in given.items()
        ]


def _stranger(key: str, model: Model, allowed: set[str]) -> str:
    """What to say of a key that the model does not have: whose it is, or the nearest one."""
    owners = [name for name, other in known_models().items() if key in _keys(other)]
    reason = f", because {model.lacks[key]}" if key in model.lacks else ""
    if not owners and not reason:
        return unknown_key(key, allowed)
    belongs = f"; it belongs to {', '.join(owners)}" if owners else ""
    return (
        f"{model.name} has no `{key}`{reason}{belongs} "
        f"({model.name} has: {', '.join(sorted(allowed))})"
    )


def _keys(model: Model) -> set[str]:
    """Keys that come with the model itself, whatever its network."""
    parts = [PARTS["objective"][model.objective]]
    parts += [PARTS["likelihood"][name] for name in model.likelihoods]
    own = {field.name for part in parts for field in describe_fields(part)}
    return own | ({"corruption"} if model.corrupts else set())
