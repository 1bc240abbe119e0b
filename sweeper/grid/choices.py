"""Which models a block of `trials` means: its nickname, or the parts that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweeper.errors import Address
from sweeper.grid.axes import axis
from sweeper.grid.complaints import nearest, show
from sweeper.grid.document import Document
from sweeper.grid.models import Model, known_models
from sweeper.grid.spaces import is_space
from trainers.trial import PARTS

__all__ = ["BY_NAME", "Choices", "Entry"]

BY_NAME = "a block has either the nickname `model`, or `objective` and the other parts"


@dataclass(frozen=True)
class Entry:
    """A raw value and where it stands; `default` if it came from outside the block."""

    raw: Any
    address: Address
    default: bool = False


@dataclass(frozen=True)
class Choices:
    """The names of a block that say what is trained, each a name or a list of names."""

    document: Document
    address: Address
    entries: Mapping[str, Entry]

    @property
    def by_parts(self) -> bool:
        """Whether the block names its objective itself; what it says goes before a default."""
        model, objective = self.entries.get("model"), self.entries.get("objective")
        if model and objective and model.default == objective.default:
            raise self.document.error(f"{BY_NAME}: leave one of them out", objective.address)
        return objective is not None and (model is None or model.default)

    def models(self) -> list[Model]:
        """The models that the block names; unknown ones are left out if errors are collected."""
        kind = "objective" if self.by_parts else "model"
        known = known_models()
        found: list[Model] = []
        for where, name in self._choices(kind, PARTS["objective"] if self.by_parts else known):
            with self.document.mistakes.independent():
                if self.by_parts:
                    places = self._corrupted(where, name)
                    found += [Model(name, name, corrupts=place) for place in places]
                else:
                    found.append(known[self.registered("model", name, where, known)])
        return found

    def _corrupted(self, where: Address, objective: Any) -> list[Any]:
        """What the corruption acts on, where the block has one and the objective takes it."""
        admitted = PARTS["objective"][
            self.registered("objective", objective, where, PARTS["objective"])
        ].corrupts
        if "corruption" not in self.entries or not admitted:
            return [None]
        if "corrupts" not in self.entries and len(admitted) > 1:
            raise self.document.error(
                f"{objective} takes a corruption of the {' or of the '.join(admitted)}: write "
                + " or ".join(f"`corrupts: {place}`" for place in admitted),
                self.entries["corruption"].address,
            )
        if "corrupts" not in self.entries:
            return list(admitted)
        places = self._choices("corrupts", admitted)
        for given, place in places:
            if place not in admitted:
                raise self.document.error(
                    f"{objective} takes a corruption of the {' or of the '.join(admitted)}, and "
                    f"not of {show(place)}",
                    given,
                )
        return [place for _, place in places]

    def likelihoods(self, model: Model) -> list[str | None]:
        entry = self.entries.get("likelihood")
        if not model.likelihoods or (
            model.usual_likelihood and (entry is None or (entry.default and model.likelihood))
        ):
            return [model.usual_likelihood]
        return [
            self._likelihood(model, name, where)
            for where, name in self._choices("likelihood", model.likelihoods)
        ]

    def _likelihood(self, model: Model, name: Any, where: Address) -> str:
        known = self.registered("likelihood", name, where, PARTS["likelihood"])
        if known not in model.likelihoods:
            others = [one.name for one in known_models().values() if known in one.likelihoods]
            raise self.document.error(
                f"{model.name} is a model with the likelihood {', '.join(model.likelihoods)}, and "
                f"{known} is what {', '.join(others)} may have: leave it out, choose one of "
                f"these, or write `objective: {model.objective}` in place of `model`",
                where,
            )
        return known

    def networks(self) -> list[str]:
        """The networks that the block names; unknown names as in `models`."""
        found = []
        for where, name in self._choices("network", PARTS["network"]):
            with self.document.mistakes.independent():
                found.append(self.registered("network", name, where, PARTS["network"]))
        return found

    def _choices(self, key: str, known: Any) -> list[tuple[Address, Any]]:
        if key not in self.entries:
            parts = ", or its parts, as in {objective: elbo, likelihood: gaussian}"
            raise self.document.error(
                f"`{key}` is missing: name one of {', '.join(known)}"
                + (parts if key == "model" else ""),
                self.address,
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
                f"`{key}` must be a name or a list of names, not "
                f"{show(entry.raw)} (known: {', '.join(known)})",
                entry.address,
            )
        return axis(self.document, entry.address, entry.raw).values()

    def registered(self, kind: str, name: Any, where: Address, known: Any) -> str:
        if not isinstance(name, str) or name not in known:
            hint = nearest(name, known) if isinstance(name, str) else ""
            raise self.document.error(
                f"unknown {kind} {show(name)}{hint} (known: {', '.join(known)})", where
            )
        return name
