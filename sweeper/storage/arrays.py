"""Read files of arrays (``.npz``) without pickle."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["read_arrays"]


def read_arrays(path: Path) -> dict[str, npt.NDArray[np.uint8]]:
    """The arrays of a file by name; empty if the file is missing or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return {}
