"""Load an experiment, from storage (the truth) or MLflow (the view), into the same frames.

Example::

    experiment = from_storage(Path("sweeps"), "imaginary-noise")
    experiment.trials[["sigma", "seed", "test/kl"]]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import pandas as pd

from analysis.sources import cache as parquet
from analysis.sources.frames import history_frame, trials_frame
from analysis.sources.paths import trial_folder
from analysis.sources.schema import Experiment, Spectrum
from analysis.sources.storage import (
    SweepEntry,
    examples,
    gallery,
    members,
    pictures,
    read_trial,
    spectra,
    stamp,
    sweeps,
    tables,
)
from analysis.sources.stored_files import Commit, newest_commit

__all__ = ["from_mlflow", "from_storage"]


def from_storage(
    storage: Path, experiment: str, cache: Path | None = None, shown: str = ""
) -> Experiment:
    """Read an experiment from its storage folder.

    cache: a folder for parquet copies; a second call then reads only trials that changed.
    shown: the name of the storage in errors and reports; by default its folder.
    Errors: LoadError, with the experiments that exist, if there is no such experiment.
    """
    storage = Path(storage)
    found = sweeps(storage, experiment, shown)
    source = _Source(storage, members(storage, found))
    history: pd.DataFrame | Callable[[], pd.DataFrame]
    if cache is None:
        trials, history = source.frames(source.known)
    else:
        folder = parquet.entry(cache, str(storage.resolve()), experiment)
        trials, history = _cached(folder, source)
    return Experiment(
        name=experiment,
        trials=trials,
        history=history,
        spectra=_known(spectra(storage), trials),
        sweeps=found,
        galleries=partial(gallery, storage),
        source=shown or str(storage),
        evaluations=tables(storage, source.known),
        pictures=partial(pictures, storage),
        examples=partial(examples, storage),
    )


def _known(found: dict[str, Spectrum], trials: pd.DataFrame) -> dict[str, Spectrum]:
    """The spectra of these trials' data sets; the storage may have those of other experiments."""
    wanted = set(trials["checksum"].dropna())
    return {checksum: one for checksum, one in found.items() if checksum in wanted}


@dataclass(frozen=True)
class _Source:
    """The trials of an experiment in storage, each with its newest valid commit."""

    storage: Path
    known: dict[str, SweepEntry]

    @cached_property
    def commits(self) -> dict[str, Commit | None]:
        return {trial: newest_commit(trial_folder(self.storage, trial)) for trial in self.known}

    def frames(self, wanted: Iterable[str]) -> tuple[pd.DataFrame, Callable[[], pd.DataFrame]]:
        """Both frames of the `wanted` trials; the history is built when called for."""
        trials = [
            read_trial(self.storage, self.known[name], self.commits[name]) for name in wanted
        ]
        rows = [trial.row for trial in trials]
        seeds = {row.facts["trial"]: row.params.get("seed") for row in rows}
        records = [(trial.row.facts["trial"], trial.records) for trial in trials]
        return trials_frame(rows), partial(history_frame, records, seeds)

    def stamps(self) -> dict[str, str]:
        """For each trial, a text that changes whenever its rows in the frames change."""
        return {
            trial: f"{member}|{stamp(self.storage, trial, self.commits[trial])}"
            for trial, member in self.known.items()
        }


def _cached(folder: Path, source: _Source) -> tuple[pd.DataFrame, pd.DataFrame]:
    old, stamps = parquet.read(folder), source.stamps()
    changed = {trial: mark for trial, mark in stamps.items() if old.stamps.get(trial) != mark}
    if not changed and set(old.stamps) == set(stamps):
        return old.trials, old.history
    trials, history = source.frames(changed)
    new = parquet.merged(old, parquet.Frames(trials, history(), changed), stamps)
    parquet.write(folder, new)
    return new.trials, new.history


def from_mlflow(uri: str, experiment: str, cache: Path | None = None) -> Experiment:
    """Read an experiment from MLflow; `uri` is a tracking address (sqlite, postgresql, http).

    Spectra, galleries and evaluation tables are only in the storage; here they are empty.
    Errors: LoadError if the store does not answer or has no such experiment.
    """
    from analysis.sources.mlflow_store import read_experiment

    return read_experiment(uri, experiment, cache)
