"""Batches of a data set, in data units, on the device that computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trainers.datasets import Splits
from trainers.noise import Draw, Streams, stack_draws

__all__ = ["VALIDATED", "Batches", "HeldOut"]

HeldOut = Literal["test", "validation"]

TEST_BATCH = 500
VALIDATED = 10_000


class Batches:
    """Train, test and validation examples, divided by their scale.

    Training data stay in memory in their raw type; on a GPU they lie there whole where they take
    at most half of its free memory, and go there batch by batch where they do not. Data that are
    drawn anew in each epoch (`Splits.resample`) take their noise from each member's own stream.
    Of a validation part the first 10,000 examples are looked at: as many as the papers set apart.

    Parameters
    ----------
    splits : the data. dtype, device : what the examples are computed in, and where.
    """

    def __init__(self, splits: Splits, dtype: torch.dtype, device: torch.device) -> None:
        self._splits, self._dtype, self._device = splits, dtype, device
        self._train_x = splits.train.x
        if fits(self._train_x, device):
            self._train_x = self._train_x.to(device)

    def __len__(self) -> int:
        return len(self._train_x)

    def train(
        self, rows: Int[Tensor, "*pack batch"], members: Sequence[Streams]
    ) -> Float[Tensor, "*pack batch dims"]:
        """The examples of some rows; the pack axis leads where there is more than one member."""
        x = self._in_units(self._train_x[rows.to(self._train_x.device)])
        if self._splits.resample is None:
            return x
        needs = {"x": Draw("data", tuple(x.shape[-2:]), "uniform")}
        return self._splits.resample(x, stack_draws(members, needs, self._dtype)["x"])

    def held_out(self, part: HeldOut) -> Iterator[Float[Tensor, "batch dims"]]:
        """The examples of a part in their order; none where the part is empty."""
        x = self._splits.test.x if part == "test" else self._splits.validation.x[:VALIDATED]
        for raw in torch.split(x, TEST_BATCH) if len(x) else ():
            yield self._in_units(raw)

    def _in_units(self, raw: Tensor) -> Tensor:
        x = raw.to(self._device).to(self._dtype)
        return x if self._splits.scale == 1 else x / self._splits.scale


def fits(x: Tensor, device: torch.device) -> bool:
    """Whether the data may lie on the device: main memory, or half of a GPU's free memory."""
    return device.type != "cuda" or x.nbytes <= torch.cuda.mem_get_info(device)[0] // 2
