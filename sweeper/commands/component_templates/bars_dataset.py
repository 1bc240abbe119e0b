"""A data set: horizontal and vertical bars on a small square."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from trainers.datasets import DATASETS, Split, Splits, array_checksum
from trainers.fields import Component, Count, Fraction


# The name that a grid writes: `data: {name: bars, side: 6}`.
@DATASETS.register("bars")
@dataclass(frozen=True, kw_only=True)
class Bars(Component):
    """Bars: each row and each column of a square is white with a given probability.

    Parameters
    ----------
    side : pixels along one side. share : the probability. examples : images in all.
    """

    reference: ClassVar[str] = "where it comes from: authors, year, arXiv number"
    # The interval of the values in data units (None: the real line).
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    side: Count = 6
    share: Fraction = 0.2
    examples: Count = 1000

    @property
    def shape(self) -> tuple[int, ...]:
        # (channels, height, width) of an image, (d,) of a vector
        return 1, self.side, self.side

    def load(self) -> Splits:
        generator = torch.Generator().manual_seed(0)  # the same data each time
        on = torch.rand(self.examples, 2, self.side, generator=generator) < self.share
        images = on[:, 0, :, None] | on[:, 1, None, :]
        x = images.flatten(1).to(torch.uint8) * 255  # flat; raw values, divided by `scale`
        cut = self.examples * 4 // 5
        return Splits(train=Split(x[:cut]), test=Split(x[cut:]), scale=255.0)

    def checksum(self) -> str:
        splits = self.load()
        return array_checksum(splits.train.x.numpy(), splits.test.x.numpy())
