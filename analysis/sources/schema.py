"""The types of an experiment: its tidy frames, its data sets' spectra, and its pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = [
    "CHOSEN",
    "DECLARED",
    "FINISHED",
    "HISTORY",
    "RESERVED",
    "SAID_BY_MODEL",
    "SPLIT",
    "TWIN",
    "UNENDED",
    "Examples",
    "Experiment",
    "Gallery",
    "History",
    "Spectrum",
    "metric_columns",
    "metric_name",
    "no_examples",
    "no_gallery",
    "no_pictures",
    "param_columns",
]

RESERVED = (
    "trial",
    "run_id",
    "status",
    "role",
    "twin_of",
    "label",
    "lineage",
    "checksum",
    "epoch",
    "wall_s",
    "parameters",
    "reason",
    "training",
    "noise",
    "beta_exponent",
    "machine",
)
HISTORY = ("trial", "seed", "metric", "step", "time_ms", "value")
DECLARED = "declared"
TWIN = "twin"
FINISHED = "finished"
UNENDED = ("running", "stopped", "pending")  # of trials that go on, or wait
SAID_BY_MODEL = ("objective", "likelihood")
CHOSEN = "chosen/"  # before the name of a field that was chosen, which is no setting any more
SPLIT = "data_split_seed"  # replicates as the seed does: its values are averaged for each seed

Gallery = Mapping[str, NDArray[np.uint8]]
Examples = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Spectrum:
    """The covariance spectrum of a data set, for the linear theory.

    eigenvalues: of the covariance of the training data, descending, squared data units.
    dims: the number of data dimensions d; missing eigenvalues are zero.
    """

    name: str
    checksum: str
    dims: int
    eigenvalues: NDArray[np.float64]
    shape: tuple[int, ...] = ()
    n_train: int = 0


def no_gallery(trial: str) -> Gallery | None:
    """The lookup of an experiment that has no pictures."""
    return None


def no_examples(trial: str) -> Examples | None:
    """The lookup of an experiment that has no values of single test examples."""
    return None


def no_pictures(trial: str) -> list[Path]:
    """The lookup of an experiment that has no folder of drawn pictures."""
    return []


class History:
    """A frame, or a function that loads it on first use (histories are large)."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.slot = f"_{name}"

    def __get__(self, instance: object, owner: type) -> pd.DataFrame:
        if instance is None:
            raise AttributeError(self.slot)
        value = instance.__dict__[self.slot]
        if not isinstance(value, pd.DataFrame):
            value = instance.__dict__[self.slot] = value()
        frame: pd.DataFrame = value
        return frame

    def __set__(self, instance: object, value: pd.DataFrame | Callable[[], pd.DataFrame]) -> None:
        instance.__dict__[self.slot] = value


@dataclass(frozen=True, eq=False, repr=False)
class Experiment:
    """The data of an experiment from which laws, comparisons and reports are made.

    trials: one row per trial: the columns of `RESERVED`, every parameter, every final metric
        (metrics have a slash in their name, parameters have none).
    history: long, columns `HISTORY`; step is the epoch; loaded on first use.
    spectra: by checksum of the data set.
    sweeps: the content of each sweep.json, oldest first.
    galleries: pictures of a trial by its id (clean, noisy, denoised; uint8 [n, C, H, W]) or None.
    evaluations: by evaluation key, the tables of all trials with a column `trial`.
    pictures: PNG files that were drawn of a trial by its id, the oldest first.
    examples: KL and recon of each test example after the last epoch, of a trial by its id, or
        None.
    other_sweeps: the names of the experiment's sweeps that were left out.
    """

    name: str
    trials: pd.DataFrame
    history: History = History()
    spectra: dict[str, Spectrum] = field(default_factory=dict)
    sweeps: list[dict[str, Any]] = field(default_factory=list)
    galleries: Callable[[str], Gallery | None] = no_gallery
    source: str = ""
    evaluations: dict[str, pd.DataFrame] = field(default_factory=dict)
    pictures: Callable[[str], list[Path]] = no_pictures
    examples: Callable[[str], Examples | None] = no_examples
    other_sweeps: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Experiment({self.name!r}, {len(self.trials)} trials, from {self.source!r})"


def metric_name(name: str) -> str:
    """The column of a metric: ``evaluation/<name>`` if the name has no slash."""
    return name if "/" in name else f"evaluation/{name}"


def metric_columns(trials: pd.DataFrame) -> list[str]:
    return [c for c in trials.columns if "/" in c]


def param_columns(trials: pd.DataFrame) -> list[str]:
    return [c for c in trials.columns if "/" not in c and c not in RESERVED]
