"""The runs of an MLflow experiment that other programs logged, as a table: one row a run."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import pandas as pd

from analysis.errors import LoadError
from analysis.sources.columns import require_columns
from analysis.sources.mlflow_runs import Run
from analysis.sources.mlflow_store import open_store
from analysis.sources.table import Table, typed
from analysis.wording import listed, plural

__all__ = ["read_runs"]


def read_runs(uri: str, experiment: str, needed: Collection[str] = ()) -> Table:
    """The finished runs at a tracking address: their parameters and the last values of metrics.

    A column is named as the parameter or metric; where both have one name, they are
    ``params.NAME`` and ``metrics.NAME``. needed: columns without which a run is left out, as a
    parent run is that has no metrics of its own; `notes` has the number of such runs.
    Errors: LoadError if the store does not answer, or has no such experiment, or no finished run
    with what is needed; UnknownName for a column that no run has.
    """
    runs = open_store(uri).runs(experiment)
    ended = [run for run in runs if run.status == "FINISHED"]
    if not ended:
        raise LoadError(
            f"experiment {experiment!r} has no finished run ({plural(len(runs), 'run')} in all)"
        )
    require_columns(Table(f"experiment {experiment!r}", _frame(ended)), needed)
    done = [run for run in ended if all(_has(run, name) for name in needed)]
    if not done:
        raise LoadError(f"no finished run of experiment {experiment!r} has {listed(needed)}")
    notes = [
        f"{plural(count, 'run')} {why} left out"
        for count, why in (
            (len(runs) - len(ended), "that did not finish"),
            (len(ended) - len(done), f"without {listed(needed)}"),
        )
        if count
    ]
    done.sort(key=lambda run: (run.start_ms, run.id))
    frame = _frame(done)
    facts = {
        "experiment": experiment,
        "finished runs": str(len(done)),
        "first and last run": f"{frame.index[0]}, {frame.index[-1]}",
    }
    return Table(experiment, frame, facts, tuple(notes))


def _has(run: Run, name: str) -> bool:
    kind, _, bare = name.partition(".")
    return (
        name in run.params
        or name in run.metrics
        or (kind == "params" and bare in run.params)
        or (kind == "metrics" and bare in run.metrics)
    )


def _frame(runs: Sequence[Run]) -> pd.DataFrame:
    params = dict.fromkeys(name for run in runs for name in run.params)
    metrics = dict.fromkeys(name for run in runs for name in run.metrics)
    columns: dict[str, pd.Series] = {}
    for name in params:
        cells = typed([run.params.get(name, "") for run in runs])
        columns[f"params.{name}" if name in metrics else name] = cells
    for name in metrics:
        values = pd.Series([run.metrics.get(name, math.nan) for run in runs], dtype="float64")
        columns[f"metrics.{name}" if name in params else name] = values
    frame = pd.DataFrame(columns)
    frame.index = pd.Index([f"run {run.id}" for run in runs])
    return frame
