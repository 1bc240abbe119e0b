"""The key `split_seeds`: the same data with other examples in the validation part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sweeper.grid.blocks import Variant
from sweeper.grid.choices import Entry
from sweeper.grid.document import Document
from sweeper.grid.schema import check_shared, seed_values
from trainers.datasets import DATASETS
from trainers.fields import describe_fields

__all__ = ["FIELD", "read_splits", "with_split"]

FIELD = "split_seed"


def read_splits(
    document: Document, entry: Entry | None, variants: Sequence[Variant]
) -> Sequence[int | None]:
    """The seeds of a block's splits; None alone without the key.

    Raises `UserError` for bad values, for data sets that set no examples apart by a seed, and
    where `data` has a `split_seed` of its own.
    """
    if entry is None:
        return (None,)
    seeds = seed_values(check_shared(document, entry.address, "split_seeds", entry.raw))
    for variant in variants:
        name = variant.names["data"]
        if not _has_split(name):
            known = ", ".join(one for one in DATASETS if _has_split(one))
            raise document.error(
                f"{name} has no split that a seed draws: leave `split_seeds` out, or use one of "
                f"{known}",
                entry.address,
            )
        if any((slot.part, slot.field.name) == ("data", FIELD) for slot, _ in variant.axes):
            raise document.error(
                f"`data` has a `{FIELD}` of its own: leave one of the two out", entry.address
            )
    return seeds


def with_split(config: Mapping[str, dict[str, Any]], split: int | None) -> dict[str, Any]:
    """The values of a point with this seed of the split."""
    if split is None:
        return dict(config)
    return {**config, "data": {**config["data"], FIELD: split}}


def _has_split(name: str) -> bool:
    return any(field.name == FIELD for field in describe_fields(DATASETS[name]))
