"""The ids that the trials of an experiment have in its tracking store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.errors import UserError
from sweeper.storage.addresses import require_store
from sweeper.storage.home import stored_tracking

if TYPE_CHECKING:
    from analysis.sources.schema import Experiment

__all__ = ["with_run_ids"]


def with_run_ids(experiment: Experiment, storage: Path) -> tuple[Experiment, str | None]:
    """The experiment with the ids of its MLflow runs, or as it is and why there are none."""
    from analysis.errors import LoadError
    from analysis.sources.run_links import linked, stored_runs

    if not experiment.sweeps:
        return experiment, None
    uri = stored_tracking(experiment.sweeps[-1], storage)
    try:
        require_store(uri)
        return linked(experiment, stored_runs(uri, experiment.name)), None
    except (LoadError, UserError) as error:
        return experiment, str(error)
