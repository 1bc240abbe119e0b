"""Facts about a data set that the analysis needs, written once for each storage."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sweeper.storage import ledger, paths
from sweeper.storage.stored_files import read_known
from sweeper.sweep import SCHEMA
from trainers import datasets
from trainers.datasets import Dataset
from trainers.registry import name_of

__all__ = ["LARGEST", "covariance_eigenvalues", "describe_dataset"]

LARGEST = 4096
CHUNK = 4096


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

    `raw` is ``(examples, dims)``; x = raw / scale.
    """
    mean = np.asarray(raw.mean(0, dtype=np.float64))
    total = np.zeros((raw.shape[1], raw.shape[1]))
    for start in range(0, len(raw), CHUNK):
        centred = raw[start : start + CHUNK].astype(np.float64) - mean
        total += centred.T @ centred
    values = np.linalg.eigvalsh(total / (len(raw) * scale**2))
    return np.asarray(values[::-1].clip(min=0))
