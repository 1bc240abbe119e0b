"""Write the report of a sweep that has ended, or of an experiment again."""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.commands.report import declared
from sweeper.commands.shared import answered, settings, with_runs
from sweeper.storage.paths import report_folder

if TYPE_CHECKING:
    from analysis.sources.schema import Experiment
    from sweeper.sweep import Outcome, Sweep

__all__ = ["import_report", "rewrite", "write_report"]


def import_report() -> None:
    """Import the report's modules in a thread, while the workers train: its end comes sooner."""
    from sweeper.tracking.importing import IMPORTING

    def work() -> None:
        with suppress(Exception), IMPORTING:  # an error is raised again where it is written
            importlib.import_module("analysis.sources.load")
            importlib.import_module("analysis.report").prepare()

    threading.Thread(target=work, name="import of the report", daemon=True).start()


def write_report(sweep: Sweep, outcome: Outcome) -> tuple[Outcome, list[str]]:
    """Write the report, and say what a search found.

    A failure to write it does not change the sweep's outcome. No report is written for a sweep
    that was stopped without new results.
    """
    from sweeper.driver.best import said_of

    outcome, sentences = _write(sweep, outcome)
    return outcome, sentences + said_of(sweep, outcome.best, reported=bool(outcome.report))


def _write(sweep: Sweep, outcome: Outcome) -> tuple[Outcome, list[str]]:
    if outcome.interrupted and outcome.finished == outcome.skipped:
        return outcome, []
    from analysis import report
    from analysis.errors import AnalysisError
    from analysis.sources import load
    from analysis.sources.one_sweep import of_sweep
    from sweeper.status.standing import with_status_now
    from sweeper.storage.addresses import show_storage

    try:
        shown = show_storage(sweep.storage)
        whole = load.from_storage(sweep.storage, sweep.experiment, shown=shown)
        experiment = of_sweep(with_status_now(whole, sweep.storage), sweep.name)
        chosen = settings(dict(sweep.analysis), sweep.tracking, experiment.sweeps)
        experiment, chosen = with_runs(experiment, chosen, sweep.storage)
        path = report.write(experiment, report_folder(sweep.storage, sweep.experiment), chosen)
        outcome = replace(outcome, report=str(path), experiment_id=chosen.experiment_id)
        return outcome, [*answered(path), *_delivered(sweep, path)]
    except (AnalysisError, OSError) as error:
        return outcome, [f"No report: {error}"]


def _delivered(sweep: Sweep, path: Path) -> list[str]:
    """Add the report to the sweep's MLflow run; returns a sentence if that failed."""
    from sweeper.tracking.delivery import deliver_report

    trouble = deliver_report(sweep, path.parent)
    return [f"The report is not in MLflow: {trouble}."] if trouble else []


def rewrite(experiment: Experiment, out: Path) -> Path:
    """Write an experiment's report by the newest sweep's settings; returns the HTML file."""
    from analysis import report

    sweeps = experiment.sweeps
    return report.write(experiment, out.absolute(), settings(declared(sweeps), sweeps=sweeps))
