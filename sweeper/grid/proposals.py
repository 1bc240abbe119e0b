"""The points that an adaptive search may propose: blocks with spaces to choose values from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeper.grid.blocks import Variant, slots
from sweeper.grid.document import Document
from sweeper.grid.draws import read_search
from sweeper.grid.expand import Block, Point, plan_blocks, points_of
from sweeper.grid.resolve import resolve
from sweeper.grid.schema import GridSchema
from sweeper.grid.spaces import Space
from sweeper.grid.stored_labels import StoredLabels, read_labels
from sweeper.sweep import PlannedTrial, Search

__all__ = ["BlockProposals", "read_trials"]

MIDDLE = 0.5


@dataclass(frozen=True)
class BlockProposals:
    """The blocks with spaces, each variant (model, network) of a block counted as one.

    A point is the number of a block with a value for each of its spaces. `stored` : the labels
    of the experiment's other sweeps.
    """

    document: Document
    blocks: tuple[tuple[Block, Variant], ...]
    stored: StoredLabels

    def spaces(self, number: int) -> dict[str, Space]:
        """The spaces of a block, by the flat name of their parameter."""
        variant = self.blocks[number][1]
        flat = {slot: key for key, slot in slots(variant.names).items()}
        return {
            flat.get(slot, f"{slot.part}_{slot.field.name}"): space
            for slot, space in variant.spaces
        }

    def trials(self, number: int, values: Sequence[Any]) -> tuple[PlannedTrial, ...]:
        """The trials of a point, one for each seed; raises `UserError` for invalid values."""
        block, variant = self.blocks[number]
        points = list(points_of(self.document, block, variant, [tuple(values)]))
        shown = list(self.spaces(number))
        return self.stored.apart(resolve(self.document, points, shown), shown)

    def examples(self) -> list[tuple[PlannedTrial, ...]]:
        """The point in the middle of each block."""
        return [
            self.trials(number, [space.at(MIDDLE) for space in self.spaces(number).values()])
            for number in range(len(self.blocks))
        ]

    @property
    def block_count(self) -> int:
        return len(self.blocks)

    @property
    def merges(self) -> bool:
        """Whether a block merges aliases, which no search can do."""
        return any(block.aliases == "merge" for block, _ in self.blocks)

    def identity(self) -> list[Any]:
        """Plain values that identify the proposals; they are part of the sweep's name."""
        extents = [
            [[name, space.kind, list(space.given)] for name, space in self.spaces(number).items()]
            for number in range(len(self.blocks))
        ]
        return [extents, [[trial.id for trial in example] for example in self.examples()]]


def read_trials(
    document: Document, grid: GridSchema, points: Sequence[Point], storage: Path
) -> tuple[tuple[PlannedTrial, ...], Search | None, BlockProposals | None]:
    """The trials of the points, and what a search may propose beside them.

    Their labels differ from those of the experiment's other trials in the storage.
    """
    stored = read_labels(storage, grid.experiment)
    trials = stored.apart(resolve(document, points))
    return trials, *_read_adaptive(document, grid, stored)


def _read_adaptive(
    document: Document, grid: GridSchema, stored: StoredLabels
) -> tuple[Search | None, BlockProposals | None]:
    """The search of a grid if it uses results, and its proposals if it chooses values itself."""
    search = read_search(document, grid.search)
    if not search.goals:
        return None, None
    if search.ahead:
        return search, None
    found = tuple(
        (block, variant)
        for block in plan_blocks(document, grid, search)
        for variant in block.variants
        if variant.spaces
    )
    for _, variant in found:
        if variant.count > 1:
            raise document.error(
                f"{search.name} tries one point at a time, and this block means "
                f"{variant.count} for one draw: write {{choice: [...]}} in the "
                "place of a list of values",
                variant.address,
            )
    return search, BlockProposals(document, found, stored)
