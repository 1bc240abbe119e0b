"""What a search that looks at results may ask for, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.errors import UserError
from sweeper.search import Search
from sweeper.search.halving import Halving
from sweeper.spec.blocks import Variant, slots
from sweeper.spec.document import Document
from sweeper.spec.draws import read_search
from sweeper.spec.expand import Block, plan_blocks, points_of
from sweeper.spec.resolve import resolve
from sweeper.spec.schema import Grid
from sweeper.spec.seeds import point_of
from sweeper.spec.spaces import Space
from sweeper.sweep import PlannedTrial, Sweep

__all__ = ["Proposals", "check_search", "read_adaptive"]

MIDDLE = 0.5


@dataclass(frozen=True)
class Proposals:
    """The blocks with spaces, one for each of their models and networks, and what they make.

    A block's number, with a value for each of its spaces, is a point.
    """

    document: Document
    blocks: tuple[tuple[Block, Variant], ...]

    def spaces(self, number: int) -> dict[str, Space]:
        """The spaces of a block, by the flat name of their parameter."""
        variant = self.blocks[number][1]
        flat = {slot: key for key, slot in slots(variant.names).items()}
        return {flat.get(slot, f"{slot.part}_{slot.field.name}"): space
                for slot, space in variant.spaces}

    def trials(self, number: int, values: Sequence[Any]) -> tuple[PlannedTrial, ...]:
        """The trials of a point, one for each seed; `UserError` where it cannot be."""
        block, variant = self.blocks[number]
        points = list(points_of(self.document, block, variant, [tuple(values)]))
        return resolve(self.document, points, list(self.spaces(number)))

    def examples(self) -> list[tuple[PlannedTrial, ...]]:
        """The point in the middle of each block."""
        return [self.trials(number, [space.at(MIDDLE) for space in self.spaces(number).values()])
                for number in range(len(self.blocks))]

    def identity(self) -> list[Any]:
        """What tells these proposals from others, in plain values."""
        extents = [[[name, space.kind, list(space.given)]
                    for name, space in self.spaces(number).items()]
                   for number in range(len(self.blocks))]
        return [extents, [[trial.id for trial in example] for example in self.examples()]]


def read_adaptive(document: Document, grid: Grid) -> tuple[Search | None, Proposals | None]:
    """The search of a grid if it looks at results, and its proposals if it makes trials up."""
    search = read_search(document, grid.search)
    if not search.goals:
        return None, None
    if search.ahead:
        return search, None
    found = tuple((block, variant) for block in plan_blocks(document, grid, search)
                  for variant in block.variants if variant.spaces)
    for _, variant in found:
        if variant.count > 1:
            raise document.error(f"{search.name} tries one point at a time, and this block means "
                                 f"{variant.count} for one draw: write {{choice: [...]}} in the "
                                 "place of a list of values", variant.address)
    return search, Proposals(document, found)


def check_search(sweep: Sweep) -> None:
    """`UserError` where a search that looks at results cannot work, before anything is trained."""
    if not sweep.search:
        return
    examples = [one for example in sweep.proposals.examples() for one in example] if (
        sweep.proposals) else []
    blocks = sweep.proposals.blocks if sweep.proposals else ()
    merges = any(block.aliases == "merge" for block, _ in blocks)
    if merges or any(one.role in ("twin", "merged") for one in (*sweep.trials, *examples)):
        raise UserError(f"{sweep.search.name} does not train every trial to its end, and a twin "
                        "needs its partner, as a merged trial does: write `aliases: keep`")
    if isinstance(sweep.search, Halving):
        _check_rungs(sweep.search, sweep.trials)


def _check_rungs(search: Halving, trials: Sequence[PlannedTrial]) -> None:
    lengths = {int(trial.params["epochs"]) for trial in trials}
    if len(lengths) > 1:
        raise UserError(f"{search.name} compares trials of one length, and these have "
                        f"{', '.join(map(str, sorted(lengths)))} epochs")
    epochs = lengths.pop()
    if search.min_epochs >= epochs:
        raise UserError(f"min_epochs must be less than the {epochs} epochs of a trial, and is "
                        f"{search.min_epochs}")
    every = {int(trial.config["training"]["test_every"]) for trial in trials}
    held_out = search.metric.startswith(("test/", "validation/"))
    if held_out and any(search.min_epochs % one for one in every):
        raise UserError(f"{search.metric} is measured every {max(every)} epochs (test_every), so "
                        f"min_epochs must be a multiple of that, and is {search.min_epochs}")
    points = len({point_of(trial) for trial in trials})
    least = search.reduction ** (len(search.rungs(epochs)) - 1)
    if points < least:
        raise UserError(f"with rungs at {', '.join(map(str, search.rungs(epochs)))} epochs it "
                        f"takes {least} points for one of them to be trained to its end, and "
                        f"there are {points}: add points, or raise min_epochs or reduction")
