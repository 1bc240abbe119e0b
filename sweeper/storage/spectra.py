"""Facts about a data set that the analysis needs, written once for each storage."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from sweeper.storage import ledger, paths
from sweeper.storage.stored_files import read_known
from sweeper.sweep import SCHEMA
from trainers import datasets
from trainers.datasets import Dataset
from trainers.registry import name_of

__all__ = ["LARGEST", "covariance_eigenvalues", "describe_dataset"]

LARGEST = 4096
CHUNK = 4096
FEW = 1024  # dimensions, of whose covariance one thread computes the eigenvalues in a second
MIDDLE = 128  # of the bytes: x − 128 has squares of 2¹⁴ at most
EXACT_ROWS = 2**24 // MIDDLE**2


def describe_dataset(storage: str, dataset: Dataset, checksum: str) -> None:
    """Write shape, size and eigenvalues to ``datasets/<checksum>.json`` unless it is valid.

    Data of more than `LARGEST` dimensions get no eigenvalues, because the cost is cubic in the
    dimension.
    """
    path = paths.dataset_file(storage, checksum)
    if read_known(path, {"checksum": str, "dims": int}):
        return
    splits = datasets.load(dataset)
    raw, dims = splits.train.x.numpy(), math.prod(dataset.shape)
    facts = {
        "schema": SCHEMA,
        "name": name_of(dataset),
        "checksum": checksum,
        "shape": list(dataset.shape),
        "dims": dims,
        "n_train": len(raw),
    }
    if dims <= LARGEST:
        facts["eigenvalues"] = covariance_eigenvalues(raw, splits.scale).tolist()
    ledger.write_json(path, facts)


def covariance_eigenvalues(raw: npt.NDArray[np.generic], scale: float) -> npt.NDArray[np.float64]:
    """Eigenvalues of the covariance 1/n Σ (x − x̄)(x − x̄)ᵀ in squared data units, descending.

    `raw` is ``(examples, dims)``; x = raw / scale. Products of bytes are added in float32, which
    is exact up to a sum of 2²⁴, and takes half of the time. One thread computes what it can in a
    second: on a busy machine several wait for each other, for longer than that.
    """
    exact, count, dims = raw.dtype == np.uint8, *raw.shape
    middle = np.full(dims, MIDDLE, np.float32) if exact else raw.mean(0, dtype=np.float64)
    total, sums, rows = np.zeros((dims, dims)), np.zeros(dims), EXACT_ROWS if exact else CHUNK
    with threadpool_limits(1 if dims <= FEW else None, "blas"):
        for start in range(0, count, rows):
            shifted = raw[start : start + rows].astype(middle.dtype) - middle
            total += shifted.T @ shifted
            sums += shifted.sum(0)
        covariance = (count * total - np.outer(sums, sums)) / (count * scale) ** 2
        values = np.linalg.eigvalsh(covariance)
    return np.asarray(values[::-1].clip(min=0))
