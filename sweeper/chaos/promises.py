"""Promises: what must hold after any faults, once the same command has been run again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from analysis.sources.mlflow_runs import Run
from analysis.sources.mlflow_store import open_store
from sweeper.storage import ledger
from sweeper.storage.attempts import bring_contents
from sweeper.sweep import PlannedTrial, Sweep
from trainers.commit_format import STATE

__all__ = ["KINDS", "Promise", "equal_results", "finishes", "tracked_once"]

KINDS = ("driver killed", "worker killed", "node killed", "MLflow stopped", "record cut")


@dataclass(frozen=True)
class Promise:
    """One promise: how many of how many cases broke it, and the faults that can break it."""

    text: str
    lost: int
    of: int
    kinds: tuple[str, ...] = KINDS


def finishes(sweep: Sweep) -> Promise:
    """Every trial of the sweep is finished."""
    states = ledger.status(sweep.storage, [trial.id for trial in sweep.trials])
    lost = sum(state != "finished" for state in states.values())
    return Promise("the same command finishes the sweep", lost, len(states))


def equal_results(sweep: Sweep, other: Sweep) -> Promise:
    """Records and final state of each trial equal those of the other sweep, to the last bit."""
    lost = sum(_result(sweep, trial) != _result(other, trial) for trial in sweep.trials)
    return Promise(
        "metrics and models equal the undisturbed ones, bit for bit", lost, len(sweep.trials)
    )


def tracked_once(sweep: Sweep) -> list[Promise]:
    """MLflow has each record once, one run per trial and one for the sweep; all runs ended."""
    store = open_store(sweep.tracking)
    runs = store.runs(sweep.experiment)
    names = {run.id: run.tags["sweeper.trial"] for run in runs if "sweeper.trial" in run.tags}
    values = store.history([run for run in runs if run.id in names])
    shown = Counter(
        zip(
            values["run"].map(names),
            values["metric"],
            values["step"].astype(int),
            values["value"].map(repr_of),
            strict=True,
        )
    )
    stored = Counter(row for trial in sweep.trials for row in _rows(sweep, trial))
    wrong = (stored - shown) + (shown - stored)
    return [
        Promise(
            "each metric step stands once in MLflow, with the stored value",
            wrong.total(),
            stored.total(),
            ("driver killed", "worker killed", "node killed", "MLflow stopped"),
        ),
        Promise(
            "no run is left RUNNING: each is FINISHED",
            sum(run.status != "FINISHED" for run in runs),
            len(runs),
        ),
        Promise(
            "no run appears twice, and none is missing", _twice(sweep, runs), len(sweep.trials) + 1
        ),
    ]


def repr_of(value: float) -> str:
    """A number as text that is exact to the last bit; equal for NaN and NaN."""
    return repr(float(value))


def _twice(sweep: Sweep, runs: list[Run]) -> int:
    """The number of surplus and missing runs; there must be one per trial and for the sweep."""
    asked = Counter([*(trial.id for trial in sweep.trials), ""])
    seen = Counter(run.tags.get("sweeper.trial", "") for run in runs)
    return ((seen - asked) + (asked - seen)).total()


def _rows(sweep: Sweep, trial: PlannedTrial) -> list[tuple[str, str, int, str]]:
    commit = ledger.newest_commit(sweep.storage, trial.id)
    return [
        (trial.id, name, record.epoch, repr_of(value))
        for record in (commit.records() if commit else [])
        for name, value in record.metrics.items()
    ]


def _result(sweep: Sweep, trial: PlannedTrial) -> tuple[object, bytes] | None:
    """The records without their times, and the saved state; None before the first commit."""
    commit = ledger.newest_commit(sweep.storage, trial.id)
    if commit is None:
        return None
    records = [(record.epoch, record.step, repr(record.metrics)) for record in commit.records()]
    state = commit.folder / STATE
    bring_contents([state])
    return records, state.read_bytes()
