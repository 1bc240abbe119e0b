"""From checked blocks to points: every combination of axis values and seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sweeper.errors import Address
from sweeper.grid.asked import Asked, read_evaluations, refuse_meaningless
from sweeper.grid.blocks import Variant, known_keys, variants
from sweeper.grid.choices import Entry
from sweeper.grid.complaints import nearest
from sweeper.grid.document import Document
from sweeper.grid.draws import draw, read_search, shares
from sweeper.grid.schema import Aliases, GridSchema, check_shared, seed_values
from sweeper.grid.splits import read_splits, with_split
from sweeper.sweep import Search
from trainers.datasets import DATASETS, Dataset
from trainers.errors import Incompatible, InvalidValue
from trainers.trial import Trial

__all__ = ["LIMIT", "Block", "Point", "expand", "plan_blocks", "points_of"]

LIMIT = 100_000
FEW = 1_000  # points that are built to find more errors in a grid that has one


@dataclass(frozen=True)
class Point:
    """One trial of the grid before it has an id, with its addresses in the grid."""

    trial: Trial
    address: Address
    data_address: Address
    aliases: Aliases
    asked: tuple[Asked, ...] = ()
    priority: int = 0


@dataclass(frozen=True)
class Block:
    """One entry of `trials` with the defaults applied.

    `splits` are the seeds of its splits of the data; None is the split of the data set itself.
    `shares` is the number of draws of each variant: 1 if it has no spaces. Blocks with a higher
    `priority` are trained first.
    """

    variants: tuple[Variant, ...]
    seeds: range | list[int]
    aliases: Aliases
    asked: tuple[Asked, ...] = ()
    splits: Sequence[int | None] = (None,)
    shares: tuple[int, ...] = ()
    priority: int = 0

    @property
    def count(self) -> int:
        """The number of trials, computed without expanding the block."""
        return (
            len(self.seeds)
            * len(self.splits)
            * sum(
                variant.count * share
                for variant, share in zip(self.variants, self.shares, strict=True)
            )
        )


def expand(document: Document, grid: GridSchema, yes: bool = False) -> list[Point]:
    """All trials in the order of the grid.

    Raises `UserError` for more than `LIMIT` trials unless `yes`.
    """
    search = read_search(document, grid.search)
    blocks = plan_blocks(document, grid, search)
    total = sum(block.count for block in blocks)
    if total > LIMIT and not yes:
        raise document.error(
            f"the grid has {total:,} trials, and more than {LIMIT:,} are refused "
            "unless you say --yes",
            ("trials",),
        )
    draws = _draw_all(document, search, blocks)
    points: list[Point] = []
    for block in blocks:
        for variant in block.variants:
            with document.mistakes.independent():
                points += points_of(document, block, variant, draws.get(id(variant), [()]))
    return points


def plan_blocks(document: Document, grid: GridSchema, search: Search | None = None) -> list[Block]:
    """Read every block's structure without expanding its axes or drawing from its spaces.

    Where errors are collected and there is one, it stops after the blocks, whose values are
    checked nevertheless.
    """
    mistakes = document.mistakes
    failures = mistakes.failures
    if search is None:
        search = read_search(document, grid.search)
    blocks = [_block(document, grid, place, raw) for place, raw in enumerate(grid.trials)]
    _refuse_unused_defaults(document, grid, blocks, mistakes.failures > failures)
    if mistakes.failures > failures:
        _check_values(document, blocks)
        mistakes.stop()
    dealt = iter(shares(document, search, [one for block in blocks for one in block.variants]))
    return [replace(block, shares=tuple(next(dealt) for _ in block.variants)) for block in blocks]


def _block(document: Document, grid: GridSchema, position: int, raw: Mapping[str, Any]) -> Block:
    """One entry of `trials`; where errors are collected, a default is in place of each."""
    independent, address = document.mistakes.independent, ("trials", position)
    entries = _entries(grid, raw, address)
    shared: dict[str, Any] = {"seeds": 1, "aliases": "keep", "priority": 0}
    for key in shared:
        with independent():
            shared[key] = check_shared(document, entries[key].address, key, entries[key].raw)
    asked: tuple[Asked, ...] = ()
    with independent():
        asked = read_evaluations(document, entries["evaluate"].address, entries["evaluate"].raw)
    found = tuple(variants(document, address, entries))
    splits: Sequence[int | None] = (None,)
    with independent():
        splits = read_splits(document, entries.get("split_seeds"), found)
    seeds = seed_values(shared["seeds"])
    return Block(found, seeds, shared["aliases"], asked, splits, priority=shared["priority"])


def _check_values(document: Document, blocks: Sequence[Block]) -> None:
    """The values of the blocks of a grid that has other errors; long axes are left out."""
    for block in blocks:
        for variant in block.variants:
            if variant.count <= FEW and not variant.spaces:
                with document.mistakes.independent():
                    list(points_of(document, block, variant, [()]))


def _entries(grid: GridSchema, block: Mapping[str, Any], address: Address) -> dict[str, Entry]:
    """The raw value of each key: from the block, else the defaults, else the top level."""
    entries = {key: Entry(raw, (*address, key)) for key, raw in block.items()}
    top = {
        "data": grid.data,
        "seeds": grid.seeds,
        "split_seeds": grid.split_seeds,
        "aliases": grid.aliases,
        "evaluate": grid.evaluate,
        "priority": 0,
    }
    for key, raw in grid.defaults.items():
        entries.setdefault(key, Entry(raw, ("defaults", key), default=True))
    for key, raw in top.items():
        if raw is not None:
            entries.setdefault(key, Entry(raw, (key,), default=True))
    return entries


def _refuse_unused_defaults(
    document: Document, grid: GridSchema, blocks: list[Block], partly: bool
) -> None:
    """partly : whether a block has errors, so that it is not known what all of them take."""
    used = {key for block in blocks for variant in block.variants for key in variant.used}
    admitted = used | known_keys() if partly else used
    told = "" if partly else f" (known here: {', '.join(sorted(used))})"
    for key in grid.defaults:
        if key not in admitted:
            with document.mistakes.independent():
                raise document.error(
                    f"no trial of this grid takes {key!r}{nearest(key, admitted)}{told}",
                    ("defaults", key),
                )


def _draw_all(
    document: Document, search: Search, blocks: Sequence[Block]
) -> Mapping[int, list[tuple[Any, ...]]]:
    """The values for each variant's spaces, by the variant's identity."""
    spaced = [
        (variant, share)
        for block in blocks
        for variant, share in zip(block.variants, block.shares, strict=True)
        if variant.spaces
    ]
    return {
        id(variant): draw(document, search, variant, stream, share)
        for stream, (variant, share) in enumerate(spaced)
    }


def points_of(
    document: Document, block: Block, variant: Variant, drawn: Sequence[tuple[Any, ...]]
) -> Iterator[Point]:
    """The points of one variant, for each draw from its spaces."""
    checked: set[Dataset] = set()
    for config in (
        with_split(config, split)
        for one in drawn
        for config in variant.points(document, one)
        for split in block.splits
    ):
        trial = _build(document, variant, config)
        if trial.data not in checked:
            refuse_meaningless(document, block.asked, trial, variant.address)
            checked.add(trial.data)
        for seed in block.seeds:
            yield Point(
                replace(trial, seed=seed),
                variant.address,
                variant.data_address,
                block.aliases,
                block.asked,
                block.priority,
            )


def _build(document: Document, variant: Variant, config: dict[str, Any]) -> Trial:
    with _answered(document, variant.data_address):
        DATASETS.build(config["data"])
    with _answered(document, variant.address):
        trial = Trial.from_config({**config, "corrupts": variant.model.corrupts})
    if trial.corruption is None and getattr(trial.objective, "m", 1) > 1:
        raise document.error(
            "`m` is how many corrupted views of an example are drawn, and "
            f"{variant.model.name} corrupts nothing: leave it out, draw more "
            "latents with `k`, or use dvae or diwae",
            variant.address,
        )
    return trial


@contextmanager
def _answered(document: Document, address: Address) -> Iterator[None]:
    """Turn the `Incompatible` and `InvalidValue` of components into `UserError` with address."""
    try:
        yield
    except (Incompatible, InvalidValue) as error:
        raise document.error(str(error), address) from error
