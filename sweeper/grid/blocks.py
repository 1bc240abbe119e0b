"""One block of `trials`: its models, networks and data set, and the axes of their fields."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sweeper.errors import Address
from sweeper.grid.axes import Axis, axis
from sweeper.grid.choices import BY_NAME, Choices, Entry
from sweeper.grid.complaints import show, unknown_key
from sweeper.grid.document import Document
from sweeper.grid.fieldtypes import check_value, takes_list
from sweeper.grid.labels import NESTED, flat_key
from sweeper.grid.models import Model, fitting_network, known_models, spelled
from sweeper.grid.spaces import Space, is_space, space
from trainers.fields import Field, describe_fields
from trainers.registry import Registry
from trainers.trial import PARTS, Training

__all__ = ["Slot", "Variant", "known_keys", "slots", "variants"]

STRUCTURE = ("network", "data", "seeds", "split_seeds", "aliases", "evaluate", "priority")
MOST_CHECKED = 10_000  # values of an axis, where no point is made of them
REASONS = {
    "objective": BY_NAME,
    "corrupts": "the name of a `model` says what is corrupted: write `objective` in its place",
}


@dataclass(frozen=True)
class Slot:
    """The field, of one part of the trial, that a key of a block sets."""

    part: str
    field: Field


@dataclass(frozen=True)
class Variant:
    """A block for one combination of model, likelihood, network and data set.

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
        """The number of points, for one draw from the spaces."""
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
        failures = document.mistakes.failures
        checked = [
            _checked(document, slot, axis.values())
            if isinstance(axis, Axis)
            else _checked(document, slot, [(axis.address, next(values))])
            for slot, axis in self.axes
        ]
        if document.mistakes.failures > failures:
            return
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
    """Read one block: every combination of its models, likelihoods and networks.

    Where errors are collected, combinations that have one are left out.
    """
    block = _Block(document, address, entries)
    networks, models = [], []
    with document.mistakes.independent():
        networks = block.networks()
    with document.mistakes.independent():
        models = block.models()
    if not models:
        block.check_without_model(networks)
    found = []
    for model in models:
        with document.mistakes.independent():
            fitting: list[str | None] = [fitting_network(name, model) for name in networks]
            for choice in itertools.product(block.likelihoods(model), fitting or [None]):
                found.append(block.variant(model, *choice))
    return [one for one in found if one]


def known_keys() -> set[str]:
    """The keys that some block of a grid may have."""
    found = {*STRUCTURE, *PARTS, "model", "corrupts"}
    for part, registry in PARTS.items():
        own = {field.name for name in registry for field in describe_fields(registry[name])}
        found |= own | {f"{part}_{name}" for name in own}
    return found | {field.name for field in describe_fields(Training)}


def _checked(
    document: Document, slot: Slot, given: Iterable[tuple[Address, Any]]
) -> list[tuple[Slot, Any]]:
    """The values of a field, as its component takes them."""
    found = []
    for address, raw in given:
        with document.mistakes.independent():
            found.append((slot, check_value(document, address, slot.field, raw)))
    return found


@dataclass(frozen=True)
class _Block(Choices):
    """The axes of a block, once its parts are chosen."""

    def variant(self, model: Model, likelihood: str | None, network: str | None) -> Variant | None:
        """The axes of one combination; None if an error in them was collected.

        network : None if it is unknown, which was collected; the other fields are checked.
        """
        mistakes = self.document.mistakes
        failures = mistakes.failures
        if self.by_parts:
            model = replace(model, name=spelled(model.objective, likelihood, model.corrupts))
        given = {"objective": model.objective, "network": network, "likelihood": likelihood}
        names = {part: name for part, name in given.items() if name}
        nested: dict[str, tuple[str | None, list[tuple[Slot, Axis | Space]]]] = {}
        for part in NESTED:
            with mistakes.independent():
                nested[part] = self._nested(part, model)
        names |= {part: name for part, (name, _) in nested.items() if name}
        known = slots(names)
        self._refuse_unknown(model, {*known, *([] if network else _network_keys())})
        if mistakes.failures == failures:
            self._refuse_missing(model, known)
        axes = self._axes(known)
        for _, inner in nested.values():
            axes += inner
        if mistakes.failures > failures or network is None:
            self._check_values(axes)
            return None
        return Variant(
            model,
            names,
            tuple(axes),
            self.address,
            self.entries["data"].address,
            frozenset(known) | self._structure(model),
        )

    def _structure(self, model: Model) -> set[str]:
        has = {
            "likelihood": model.likelihoods,
            "corruption": model.corrupts,
            "corrupts": model.corrupts and self.by_parts,
            "objective": self.by_parts,
            "model": not self.by_parts,
        }
        return {*STRUCTURE, *(key for key, there in has.items() if there)}

    def _refuse_unknown(self, model: Model, known: set[str]) -> None:
        allowed = known | self._structure(model)
        for key, entry in self.entries.items():
            if key not in allowed and not entry.default:
                with self.document.mistakes.independent():
                    raise self.document.error(self._stranger(key, model, allowed), entry.address)

    def _refuse_missing(self, model: Model, known: Mapping[str, Slot]) -> None:
        """Fields without a default; not asked after other errors, which may be why they lack."""
        for key, slot in known.items():
            if slot.field.required and key not in self.entries:
                with self.document.mistakes.independent():
                    raise self.document.error(f"{model.name} needs `{key}`", self.address)

    def check_without_model(self, networks: Sequence[str]) -> None:
        """What can be checked of a block whose model is unknown: data, network and training."""
        with self.document.mistakes.independent():
            _, inner = self._nested("data", None)
            self._check_values(inner)
        for names in [{"network": name} for name in networks] or [{}]:
            self._check_values(self._axes(slots(names)))

    def _check_values(self, axes: Sequence[tuple[Slot, Axis | Space]]) -> None:
        """The values of axes that no point can be made of, as others have an error."""
        for slot, values in axes:
            if isinstance(values, Axis) and values.count <= MOST_CHECKED:
                _checked(self.document, slot, values.values())

    def _stranger(self, key: str, model: Model, allowed: set[str]) -> str:
        """The message for a key that the model does not have: its owners, or the nearest key."""
        owners = (
            _owner_parts(key)
            if self.by_parts
            else [name for name, other in known_models().items() if key in _keys(other)]
        )
        because = {**({} if self.by_parts else REASONS), **model.lacks}.get(key)
        if self.by_parts and key == "corrupts":
            because = "it corrupts nothing: name a `corruption`"
        if not owners and not because:
            return unknown_key(key, allowed)
        belongs = f"; it belongs to {', '.join(owners)}" if owners else ""
        reason = f", because {because}" if because else ""
        return (
            f"{model.name} has no `{key}`{reason}{belongs} "
            f"({model.name} has: {', '.join(sorted(allowed))})"
        )

    def _axes(self, known: Mapping[str, Slot]) -> list[tuple[Slot, Axis | Space]]:
        found = []
        for key, entry in self.entries.items():
            if key in known:
                with self.document.mistakes.independent():
                    found.append((known[key], self._axis(entry, known[key].field)))
        return found

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
        self, part: str, model: Model | None
    ) -> tuple[str | None, list[tuple[Slot, Axis | Space]]]:
        """The name and the axes of `data` or `corruption`, which are nested mappings."""
        registry = PARTS[part]
        if part == "corruption" and not (model and model.corrupts):
            return None, []
        if part not in self.entries:
            wish = "`data` is missing"
            if model and part == "corruption":
                wish = f"{model.name} needs `{part}`"
            raise self.document.error(f"{wish}: name one of {', '.join(registry)}", self.address)
        entry = self.entries[part]
        raw = {"name": entry.raw} if isinstance(entry.raw, str) else entry.raw
        if not isinstance(raw, dict) or "name" not in raw:
            raise self.document.error(
                f"must be a name, or a mapping with `name`, not {show(entry.raw)}", entry.address
            )
        where = entry.address if isinstance(entry.raw, str) else (*entry.address, "name")
        name = self.registered(registry.kind, raw["name"], where, registry)
        return name, self._inner(part, registry, name, Entry(raw, entry.address))

    def _inner(
        self, part: str, registry: Registry[Any], name: str, entry: Entry
    ) -> list[tuple[Slot, Axis | Space]]:
        fields = {field.name: field for field in describe_fields(registry[name])}
        given = {key: raw for key, raw in entry.raw.items() if key != "name"}
        strangers = [key for key in given if key not in fields]
        for key in strangers:
            with self.document.mistakes.independent():
                raise self.document.error(
                    unknown_key(key, {"name", *fields}), (*entry.address, key)
                )
        for field in fields.values():
            if field.required and field.name not in given and not strangers:
                raise self.document.error(
                    f"the {registry.kind} {name} needs `{field.name}`", entry.address
                )
        known = {key: Slot(part, field) for key, field in fields.items()}
        found = []
        for key, raw in given.items():
            if key in known:
                with self.document.mistakes.independent():
                    axis = self._axis(Entry(raw, (*entry.address, key)), fields[key])
                    found.append((known[key], axis))
        return found


def _owner_parts(key: str) -> list[str]:
    """The objectives and likelihoods that have this field, or take a corruption."""
    if key == "corruption":
        return [f"the objective {name}" for name, one in _objectives() if one.corrupts]
    return [
        f"the {kind} {name}"
        for kind in ("objective", "likelihood")
        for name in PARTS[kind]
        if key in {field.name for field in describe_fields(PARTS[kind][name])}
    ]


def _network_keys() -> set[str]:
    """The keys of every network."""
    registry = PARTS["network"]
    return {field.name for name in registry for field in describe_fields(registry[name])}


def _objectives() -> list[tuple[str, Any]]:
    return [(name, PARTS["objective"][name]) for name in PARTS["objective"]]


def _keys(model: Model) -> set[str]:
    """The keys of the model's objective and likelihoods, and `corruption` if it has one."""
    parts = [model.declared, *(PARTS["likelihood"][name] for name in model.likelihoods)]
    own = {field.name for part in parts for field in describe_fields(part)}
    return own | ({"corruption"} if model.corrupts else set())
