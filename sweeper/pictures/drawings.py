"""A picture of a trained model: rows of images, and what each row shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import Tensor

from sweeper.status.trained import TrainedTrial
from trainers.gallery import pictures

__all__ = ["Drawing", "Images", "images"]

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Drawing:
    """Rows of images (n, C, H, W), a caption for each row, and its distance to the clean images.

    `name` identifies a drawing among those of one trial: equal names mean the same picture.
    `loss` maps a caption to the mean of ‖x − x̂‖² over the examples shown, in squared data units.
    `ends` are the data values that are black and white.
    """

    name: str
    rows: Sequence[Images]
    captions: Sequence[str]
    loss: Mapping[str, float] = field(default_factory=dict)
    ends: tuple[float, float] | None = None


def images(values: Tensor, trained: TrainedTrial) -> Images:
    """Flat examples in data units as images (n, C, H, W)."""
    return pictures(values, trained.trial)
