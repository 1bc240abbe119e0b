"""Read an experiment from MLflow: by SQL from a database, by REST from a server.

Reading the tables is several times faster than `mlflow.search_runs`, which builds an entity for
each metric. Only this file of `analysis` imports MLflow, and only for the address of a server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from analysis.errors import LoadError, NoAnswer
from analysis.sources import cache as parquet
from analysis.sources.frames import ordered_history, trials_frame
from analysis.sources.mlflow_login import open_page
from analysis.sources.mlflow_runs import Run, Store, stamp, sweeps, trial_row, trial_runs
from analysis.sources.mlflow_sql import SqlStore, is_database
from analysis.sources.schema import Experiment, metric_name
from analysis.sources.tracking_address import is_server, without_password

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

__all__ = ["RestStore", "read_experiment"]

RUNS_A_PAGE = 1000
RUNS_A_CALL = 100
VALUES_A_CALL = 25_000
BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"


def read_experiment(uri: str, experiment: str, cache: Path | None = None) -> Experiment:
    """Read an experiment from a tracking store; its history is read on first use.

    cache: a folder for parquet copies of histories; only runs that changed are read again.
    Errors: LoadError if the store does not answer, or has no such experiment.
    """
    store = open_store(uri)
    runs = store.runs(experiment)
    by_trial = trial_runs(runs)
    if not by_trial:
        raise LoadError(f"experiment {experiment!r} has no runs of sweeper's trials")
    trials = trials_frame([trial_row(name, run) for name, run in by_trial.items()])
    history = partial(_history, store, trials, by_trial)
    if cache is not None:
        history = partial(_cached, parquet.entry(cache, uri, experiment), store, trials, by_trial)
    return Experiment(
        name=experiment,
        trials=trials,
        history=history,
        sweeps=sweeps(runs, experiment, without_password(uri)),
        source=without_password(uri),
    )


def open_store(uri: str) -> Store:
    """The reader for an address; LoadError, with the known kinds of address, for others."""
    if is_database(uri):
        return SqlStore(uri)
    if is_server(uri):
        return RestStore(uri)
    raise LoadError(
        f"cannot read a tracking store at {without_password(uri)!r}: use "
        "sqlite:///path/mlflow.db, postgresql://..., mysql+pymysql://... or http://host:port"
    )


def _history(store: Store, trials: pd.DataFrame, by_trial: dict[str, Run]) -> pd.DataFrame:
    names = {run.id: trial for trial, run in by_trial.items()}
    frame = store.history(list(by_trial.values()))
    known = {
        name: metric_name(name)
        for name in frame["metric"].unique()
        if not name.startswith("system/")
    }
    frame = frame[frame["metric"].isin(list(known))]
    frame = frame.assign(
        trial=frame["run"].map(names).astype(str), metric=frame["metric"].map(known).astype(str)
    )
    seeds = dict(zip(trials["trial"], trials.get("seed", pd.Series(dtype=float)), strict=False))
    for name, kind in (("step", np.int64), ("time_ms", np.int64), ("value", np.float64)):
        frame[name] = frame[name].astype(kind)
    return ordered_history(frame, seeds)


def _cached(
    folder: Path, store: Store, trials: pd.DataFrame, by_trial: dict[str, Run]
) -> pd.DataFrame:
    old = parquet.read(folder)
    stamps = {trial: stamp(run) for trial, run in by_trial.items()}
    changed = {trial: mark for trial, mark in stamps.items() if old.stamps.get(trial) != mark}
    if not changed and set(old.stamps) == set(stamps):
        return old.history
    fresh = _history(store, trials, {trial: by_trial[trial] for trial in changed})
    rows = trials[trials["trial"].isin(changed)]
    new = parquet.merged(old, parquet.Frames(rows, fresh, changed), stamps)
    parquet.write(folder, new)
    return new.history


@dataclass(frozen=True)
class RestStore:
    """A tracking server; values of many runs are read in one call if the server supports it."""

    uri: str

    def runs(self, experiment: str) -> list[Run]:
        self._require_answer()
        from mlflow.exceptions import MlflowException

        try:
            return self._runs(experiment)
        except MlflowException as error:
            first = without_password(str(error).strip().partition("\n")[0])
            raise NoAnswer(f"{self._shown} stopped answering: {first}") from error

    def _runs(self, experiment: str) -> list[Run]:
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=self.uri)
        found = client.get_experiment_by_name(experiment)
        if found is None:
            known = sorted(e.name for e in client.search_experiments())
            raise LoadError(
                f"no experiment {experiment!r} at {self._shown}; experiments there: "
                f"{', '.join(known)}"
            )
        return [_run(run) for run in self._pages(client, found.experiment_id)]

    def history(self, runs: Sequence[Run]) -> pd.DataFrame:
        columns = ["run", "metric", "step", "time_ms", "value"]
        rows = [
            row
            for metric in sorted({name for run in runs for name in run.metrics})
            for batch in _batches([run for run in runs if metric in run.metrics])
            for row in self._values(batch, metric)
        ]
        return pd.DataFrame(rows, columns=columns)

    def _pages(self, client: Any, experiment: str) -> Iterator[MlflowRun]:
        token = None
        while True:
            page = client.search_runs([experiment], max_results=RUNS_A_PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _values(self, runs: Sequence[Run], metric: str) -> list[tuple[Any, ...]]:
        """Every value of one metric of `runs`, by the server's bulk call or run by run."""
        query = urlencode(
            {
                "run_id": [run.id for run in runs],
                "metric_key": metric,
                "max_results": VALUES_A_CALL,
            },
            doseq=True,
        )
        try:
            with open_page(self.uri, f"{BULK}?{query}", 60) as answer:
                found = json.load(answer).get("metrics", [])
        except HTTPError:
            return self._values_one_by_one(runs, metric)
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer(f"{self._shown} stopped answering: {error}") from error
        return [
            (m["run_id"], m["key"], int(m.get("step", 0)), int(m["timestamp"]), float(m["value"]))
            for m in found
        ]

    def _values_one_by_one(self, runs: Sequence[Run], metric: str) -> list[tuple[Any, ...]]:
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=self.uri)
        return [
            (run.id, m.key, m.step, m.timestamp, m.value)
            for run in runs
            for m in client.get_metric_history(run.id, metric)
        ]

    def _require_answer(self) -> None:
        """Ask /health with a short timeout, because MLflow's client retries for minutes."""
        try:
            with open_page(self.uri, "/health", 10):
                return
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer(
                f"no answer from {self._shown} ({getattr(error, 'reason', error)}); "
                "start the server or read from storage"
            ) from error

    @property
    def _shown(self) -> str:
        return without_password(self.uri)


def _batches(runs: Sequence[Run]) -> Iterator[Sequence[Run]]:
    """Batches of runs whose values stay below the server's limit, which truncates silently."""
    steps = max((run.step or 0 for run in runs), default=0) + 1
    size = max(1, min(RUNS_A_CALL, VALUES_A_CALL // (2 * steps)))
    for start in range(0, len(runs), size):
        yield runs[start : start + size]


def _run(run: MlflowRun) -> Run:
    last = getattr(run.data, "_metric_objs", [])
    step = max((m.step for m in last), default=None)
    return Run(
        run.info.run_id,
        run.info.status,
        run.info.start_time or 0,
        run.info.end_time,
        dict(run.data.params),
        dict(run.data.tags),
        dict(run.data.metrics),
        step,
    )
