"""Find the MLflow run of each trial on a server, with a short time limit.

The storage has no run ids. If the server is slow or does not answer, points have no links, and
the report is not delayed: `find_runs` uses the standard library alone, because MLflow's own client
retries for minutes. An export waits for them (`stored_runs`).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from analysis.sources.mlflow_login import open_page
from analysis.sources.mlflow_runs import trial_runs
from analysis.sources.schema import Experiment
from analysis.sources.tracking_address import is_server, page_address

__all__ = ["VIEW_TAG", "RunLinks", "find_runs", "linked", "run_pages", "runs_page", "stored_runs"]

PATIENCE = 3.0
PAGE = 1000
SHARED_VIEW = "trials"
VIEW_TAG = f"mlflow.sharedViewState.{SHARED_VIEW}"  # of an experiment; its value is the view
NEWEST = 5  # experiments whose pages are named
FILTER = "tags.`sweeper.kind` = 'trial'"


@dataclass
class RunLinks:
    """The server's id of the experiment (None: not found), and run ids by trial."""

    experiment_id: str | None = None
    runs: dict[str, str] = field(default_factory=dict)


def find_runs(server: str, experiment: str, patience: float = PATIENCE) -> RunLinks:
    """The run ids that the server returns within `patience` seconds; empty without an answer."""
    found = RunLinks()
    if not is_server(server):
        return found
    asking = threading.Thread(target=_ask, daemon=True, args=(server, experiment, found, patience))
    asking.start()
    asking.join(patience)
    return RunLinks(found.experiment_id, dict(found.runs))


def run_pages(server: str, shown: str, patience: float = PATIENCE) -> list[str]:
    """The page of the runs of each of the server's newest experiments, and the experiment's name.

    shown : the address for people. MLflow's own list of experiments leads to its view for
    language models. Empty without an answer, and where nothing was tracked yet.
    """
    asked = {"max_results": PAGE, "order_by": ["last_update_time DESC"]}
    try:
        found = _call(server, "/experiments/search", patience, asked).get("experiments", [])
        pages = [
            f"{runs_page(shown, one['experiment_id'], _shares_view(one))}  {one['name']}"
            for one in found
            if one["name"] != "Default"  # every server has it, empty
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return pages[:NEWEST]


def runs_page(server: str, experiment_id: str, shared: bool = True) -> str:
    """The address of an experiment's runs; shared : whether it has the view of its trials."""
    return page_address(
        server, f"experiments/{experiment_id}/runs", SHARED_VIEW if shared else None
    )


def _shares_view(experiment: Mapping[str, Any]) -> bool:
    return any(tag["key"] == VIEW_TAG for tag in experiment.get("tags", ()))


def stored_runs(uri: str, experiment: str) -> RunLinks:
    """The run ids in a tracking store of any kind, however long it takes; raises `LoadError`."""
    from analysis.sources.mlflow_store import open_store  # imports SQLAlchemy

    runs = trial_runs(open_store(uri).runs(experiment))
    return RunLinks(runs={trial: run.id for trial, run in runs.items()})


def linked(experiment: Experiment, found: RunLinks) -> Experiment:
    """The experiment with the found run ids; the run ids that it has are kept."""
    if experiment.trials.empty or not found.runs:
        return experiment
    known = (
        experiment.trials["run_id"]
        .combine_first(experiment.trials["trial"].map(found.runs))
        .astype(object)
    )
    return replace(experiment, trials=experiment.trials.assign(run_id=known))


def _ask(server: str, experiment: str, found: RunLinks, patience: float) -> None:
    """Fill `found` page by page; on an error, the pages read so far are kept."""
    try:
        query = urlencode({"experiment_name": experiment})
        answer = _call(server, f"/experiments/get-by-name?{query}", patience)
        found.experiment_id = str(answer["experiment"]["experiment_id"])
        token: str | None = ""
        while token is not None:
            page = _call(
                server,
                "/runs/search",
                patience,
                {
                    "experiment_ids": [found.experiment_id],
                    "filter": FILTER,
                    "order_by": ["attributes.start_time DESC"],
                    "max_results": PAGE,
                    **({"page_token": token} if token else {}),
                },
            )
            for run in page.get("runs", []):
                tags = {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}
                if "sweeper.trial" in tags:
                    found.runs[tags["sweeper.trial"]] = run["info"]["run_id"]
            token = page.get("next_page_token") or None
    except (OSError, ValueError, KeyError, TypeError):
        return


def _call(server: str, path: str, patience: float, body: Mapping[str, Any] | None = None) -> Any:
    with open_page(server, f"/api/2.0/mlflow{path}", patience, body) as answer:
        return json.load(answer)
