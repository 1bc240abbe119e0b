"""Gaussian data with a known spectrum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from trainers.datasets import DATASETS, Split, Splits, array_checksum
from trainers.errors import InvalidValue
from trainers.fields import Component, Count, Limits, Natural, Positive

__all__ = ["LinearGaussian"]


@DATASETS.register("linear_gaussian")
@dataclass(frozen=True, kw_only=True)
class LinearGaussian(Component):
    """x = U diag(√λ) ε, ε ~ N(0, I): Gaussian data whose covariance has the eigenvalues λ.

    λᵢ = top · decay^i, i = 0 ... dims − 1, and U is a fixed random rotation. The ε of the train
    part are whitened, so that its sample mean is 0 and its sample covariance has exactly these
    eigenvalues: closed forms hold without sampling error. The test part is the train part.

    Parameters
    ----------
    dims : d. top : λ₀, squared data units. decay : ratio of successive eigenvalues, in (0, 1].
    examples : how many examples (more than dims). data_seed : seed of the rotation and of ε.
    """

    reference: ClassVar[str] = "Tipping and Bishop 1999"
    value_range: ClassVar[tuple[float, float] | None] = None

    dims: Count = 8
    top: Positive = 1.0
    decay: Annotated[float, Limits(gt=0, le=1)] = 0.5
    examples: Count = 1024
    data_seed: Natural = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.examples <= self.dims:
            raise InvalidValue(
                f"LinearGaussian.examples must be more than its {self.dims} dims, "
                f"for a covariance of full rank, not {self.examples}"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.dims,)

    @property
    def eigenvalues(self) -> npt.NDArray[np.float64]:
        """λ, in descending order for decay < 1, in squared data units."""
        return np.asarray(self.top * self.decay ** np.arange(self.dims), dtype=np.float64)

    def load(self) -> Splits:
        part = Split(torch.from_numpy(self._sample()))
        return Splits(train=part, test=part)

    def checksum(self) -> str:
        spectrum = np.array([self.dims, self.examples, self.data_seed], dtype=np.int64)
        return array_checksum(spectrum, self.eigenvalues)

    def _sample(self) -> npt.NDArray[np.float64]:
        rng = np.random.default_rng(self.data_seed)
        rotation, _ = np.linalg.qr(rng.standard_normal((self.dims, self.dims)))
        eps = rng.standard_normal((self.examples, self.dims))
        eps -= eps.mean(axis=0)
        white, _ = np.linalg.qr(eps)
        coloured = white * math.sqrt(self.examples) * np.sqrt(self.eigenvalues)
        return np.asarray(coloured @ rotation.T)
