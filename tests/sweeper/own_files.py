"""Files of the user's own components, for tests: a good one, and how it can be spoilt."""

from __future__ import annotations

from pathlib import Path

__all__ = ["BARS", "GRID", "write_grid_with"]

BARS = '''\
"""Bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from trainers.datasets import DATASETS, Split, Splits, array_checksum
from trainers.fields import Component, Count


@DATASETS.register("bars")
@dataclass(frozen=True, kw_only=True)
class Bars(Component):
    """Horizontal and vertical bars."""

    reference: ClassVar[str] = "Földiák 1990"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    side: Count = 4
    share: float = 0.2

    @property
    def shape(self) -> tuple[int, ...]:
        return 1, self.side, self.side

    def load(self) -> Splits:
        generator = torch.Generator().manual_seed(0)
        on = torch.rand(200, 2, self.side, generator=generator) < self.share
        x = (on[:, 0, :, None] | on[:, 1, None, :]).flatten(1).to(torch.uint8) * 255
        labels = on[:, 0].sum(1).clamp(max=1)
        return Splits(
            Split(x[:150], labels[:150]), Split(x[150:], labels[150:]), scale=255.0
        )

    def checksum(self) -> str:
        return array_checksum(self.load().train.x.numpy())
'''
GRID = """\
experiment: own
components: [bars.py]
data: bars
defaults: {network: linear, d_z: 2, epochs: 2}
seeds: 1
trials:
  - {model: sigma_vae, sigma: [0.1, 0.2, 0.4]}
  - {model: sigma_vae, sigma: [0.1, 0.2, 0.4], data: digits}
"""


def write_grid_with(folder: Path, text: str = BARS, grid: str = GRID) -> Path:
    """A folder with `bars.py` and a grid beside it that brings it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bars.py").write_text(text, encoding="utf-8")
    path = folder / "grid.yaml"
    path.write_text(grid, encoding="utf-8")
    return path
