"""What every data set must do."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import torch

from trainers.conformance import require
from trainers.datasets import Dataset, Split, Splits

__all__ = ["RULES", "parts_of"]

LOAD, CHECKSUM = ("data", "load"), ("data", "checksum")


def parts_of(splits: Splits) -> dict[str, Split]:
    """The parts by name, without a validation part that is empty."""
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return {name: part for name, part in parts.items() if len(part) or name != "validation"}


def load_returns_splits(data: Dataset) -> None:
    splits: object = data.load()
    require(
        isinstance(splits, Splits),
        LOAD,
        "`load` returns Splits",
        f"it returns {type(splits).__name__}",
        "return Splits(train=Split(x, labels), test=Split(...))",
    )


def parts_are_filled(data: Dataset) -> None:
    for name, part in parts_of(data.load()).items():
        require(
            len(part) > 0,
            LOAD,
            f"the {name} part has at least one example",
            "it is empty",
            "return some examples in each of Splits(train=..., test=...)",
        )


def examples_have_the_shape_and_the_type(data: Dataset) -> None:
    wanted = math.prod(data.shape)
    for name, part in parts_of(data.load()).items():
        require(
            part.x.ndim == 2 and part.x.shape[1] == wanted,
            LOAD,
            f"the {name} part is [examples, {wanted}]: flat examples of the shape {data.shape}",
            f"it is {list(part.x.shape)}",
            "flatten each example with x.flatten(1), or mend `shape`",
        )
        require(
            part.x.dtype == torch.uint8 or part.x.is_floating_point(),
            LOAD,
            f"the {name} part is uint8 (raw values) or floats (data units)",
            f"it is {part.x.dtype}",
            "convert it, for example by x.to(torch.float32)",
        )


def values_are_finite_and_in_range(data: Dataset) -> None:
    splits = data.load()
    low, high = data.value_range or (-math.inf, math.inf)
    require(
        math.isfinite(splits.scale) and splits.scale > 0,
        LOAD,
        "`scale`, by which raw values are divided, is > 0",
        f"it is {splits.scale}",
        "leave it out (1.0), or say what white is, such as 255.0",
    )
    for name, part in parts_of(splits).items():
        x = part.x.double() / splits.scale
        bad = int((~torch.isfinite(x)).sum())
        require(
            not bad,
            LOAD,
            f"the values of the {name} part are finite",
            f"{bad:,} of {x.numel():,} are NaN or infinite",
            "leave those examples out, or fill them in",
        )
        least, most = float(x.min()), float(x.max())
        require(
            low <= least and most <= high,
            LOAD,
            f"the values of the {name} part, divided by `scale` ({splits.scale:g}), lie in "
            f"value_range = {data.value_range}",
            f"they go from {least:g} to {most:g}",
            "mend `value_range`, or `scale`",
        )


def labels_are_classes(data: Dataset) -> None:
    splits = data.load()
    known = splits.train.labels
    classes = 0 if known is None or not len(known) else int(known.max()) + 1
    for name, part in parts_of(splits).items():
        if part.labels is None:
            continue
        require(
            len(part.labels) == len(part) and not part.labels.is_floating_point(),
            LOAD,
            f"the {name} part has one whole number an example as its labels",
            f"there are {len(part.labels)} of type {part.labels.dtype} for {len(part)} examples",
            "make labels of type torch.long, in the order of the examples",
        )
        least, most = int(part.labels.min()), int(part.labels.max())
        require(
            least >= 0 and most < classes,
            LOAD,
            f"the labels of the {name} part lie in 0 … {classes - 1}, as the train part has them",
            f"they go from {least} to {most}",
            "number the classes from 0 on, and have each of them in the train part",
        )


def what_is_read_stays(data: Dataset) -> None:
    first, again = parts_of(data.load()), parts_of(data.load())
    require(
        all(torch.equal(part.x, again[name].x) for name, part in first.items()),
        LOAD,
        "`load` returns the same examples each time",
        "two calls differ",
        "draw from torch.Generator().manual_seed(...) with a number of your own",
    )
    sums = data.checksum(), data.checksum()
    require(
        sums[0] == sums[1] and bool(re.fullmatch("[0-9a-f]{16}", sums[0])),
        CHECKSUM,
        "`checksum` is 16 hex digits that stay as long as the data do",
        f"two calls give {sums[0]!r} and {sums[1]!r}",
        "hash the arrays that `load` returns by trainers.datasets.array_checksum",
    )


def redrawn_examples_keep_shape_and_range(data: Dataset) -> None:
    splits = data.load()
    if splits.resample is None:
        return
    low, high = data.value_range or (-math.inf, math.inf)
    x = splits.train.x[:5].double() / splits.scale
    drawn = splits.resample(x, torch.full_like(x, 0.5))
    require(
        drawn.shape == x.shape and low <= float(drawn.min()) and float(drawn.max()) <= high,
        LOAD,
        f"`resample` keeps the shape {list(x.shape)} and the range ({low:g}, {high:g})",
        f"it gives {list(drawn.shape)} from {float(drawn.min()):g} to {float(drawn.max()):g}",
        "mend `resample`",
    )


RULES: tuple[Callable[[Dataset], None], ...] = (
    load_returns_splits,
    parts_are_filled,
    examples_have_the_shape_and_the_type,
    values_are_finite_and_in_range,
    labels_are_classes,
    what_is_read_stays,
    redrawn_examples_keep_shape_and_range,
)
