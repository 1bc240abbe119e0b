"""Randomness as an argument: every trial draws from its own named streams."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

__all__ = ["STREAMS", "Draw", "Streams", "stack_draws", "stream_seed"]

Stream = Literal["init", "order", "data", "latent", "corruption", "evaluation"]
STREAMS: tuple[Stream, ...] = ("init", "order", "data", "latent", "corruption", "evaluation")


@dataclass(frozen=True)
class Draw:
    """What one batch needs from a stream: standard normal or Unif[0, 1) numbers of a shape."""

    stream: Stream
    shape: tuple[int, ...]
    kind: Literal["normal", "uniform"] = "normal"


def stream_seed(seed: int, stream: Stream, epoch: int) -> int:
    """Seed of one stream in one epoch: 63 bits of SHA-256, so that no two streams are related."""
    digest = hashlib.sha256(f"{seed}/{stream}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Streams:
    """The random streams of one trial during one epoch.

    They depend on the trial's seed and the epoch alone: not on the pack, not on what was drawn
    in earlier epochs. So a resumed trial needs no generator state, and two trials with equal
    seeds see equal noise.
    """

    def __init__(self, seed: int, epoch: int, device: torch.device | str = "cpu") -> None:
        self._device = torch.device(device)
        self._seed, self._epoch = seed, epoch
        self._generators: dict[str, torch.Generator] = {}

    def generator(self, stream: Stream) -> torch.Generator:
        """The generator of a stream, seeded at its first use."""
        if stream not in self._generators:
            generator = torch.Generator(device=self._device)
            generator.manual_seed(stream_seed(self._seed, stream, self._epoch))
            self._generators[stream] = generator
        return self._generators[stream]

    def draw(self, draw: Draw, dtype: torch.dtype) -> Tensor:
        """The next numbers of the stream that `draw` names."""
        sample = torch.randn if draw.kind == "normal" else torch.rand
        return sample(
            draw.shape, generator=self.generator(draw.stream), dtype=dtype, device=self._device
        )

    def fill(self, draw: Draw, steps: Tensor) -> None:
        """Fill a buffer (steps, *shape) with what `draw` asks for in each of some steps.

        On a CPU they are the numbers that as many calls of `draw` give; a GPU draws them at once.
        """
        generator = self.generator(draw.stream)
        for part in steps if self._device.type == "cpu" else (steps,):
            if draw.kind == "normal":
                part.normal_(generator=generator)
            else:
                part.uniform_(generator=generator)

    def order(self, count: int) -> Tensor:
        """The epoch's permutation of `count` examples."""
        return torch.randperm(count, generator=self.generator("order"), device=self._device)


def stack_draws(
    members: Sequence[Streams],
    draws: Mapping[str, Draw],
    dtype: torch.dtype,
    packed: bool | None = None,
) -> dict[str, Tensor]:
    """Draw for every member; a leading pack axis where they are packed (None: if several)."""
    axis = len(members) > 1 if packed is None else packed
    drawn = {}
    for name, draw in draws.items():
        values = [streams.draw(draw, dtype) for streams in members]
        drawn[name] = torch.stack(values) if axis else values[0]
    return drawn
