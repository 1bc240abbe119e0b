"""What MLflow's page of an experiment shows first: a table of the trials, in a view of its own.

MLflow opens an experiment with one folded row for each sweep and no metric. A view that a link
shares is a tag of the experiment; `page_address` names it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict

from sweeper.sweep import Sweep
from sweeper.tracking.tags import text

__all__ = ["first_view"]

ALWAYS = ("model", "seed")
TOLD_BY_MODEL = ("objective", "likelihood")
MOST = 6  # parameters that vary
METRICS = ("test/kl", "test/recon", "test/elbo_full")


def first_view(sweep: Sweep) -> str:
    """The state of MLflow's page in JSON: the trials, what varies, and the metrics.

    They are sorted by the metric of the search, the best first, or else by the law's y, the least
    first. Charts show all of them, and not MLflow's ten.
    """
    goals = sweep.search.goals if sweep.search else ()
    law = sweep.analysis.get("law") or {}
    named = [*(name for name, _ in goals), law.get("y", METRICS[0])]
    metrics = list(dict.fromkeys([*named, *METRICS]))
    view = {
        "searchFilter": "tags.`sweeper.kind` = 'trial'",
        "orderByKey": f"metrics.`{metrics[0]}`",
        "orderByAsc": not goals or goals[0][1] == "min",
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "runsHiddenMode": "SHOW_ALL",
        "selectedColumns": [
            "attributes.`Created`",
            *(f"metrics.`{name}`" for name in metrics),
            *(f"params.`{name}`" for name in [*_varying(sweep), *ALWAYS]),
        ],
    }
    return json.dumps(view)


def _varying(sweep: Sweep) -> list[str]:
    """The parameters that the search chooses or that differ between trials, at most `MOST`."""
    found: dict[str, None] = {}
    if sweep.proposals:
        for block in range(sweep.proposals.block_count):
            found |= dict.fromkeys(sweep.proposals.spaces(block))
    values: dict[str, set[str]] = defaultdict(set)
    for trial in sweep.trials:
        for name, value in trial.params.items():
            values[name].add(text(value))
    having = Counter(name for trial in sweep.trials for name in trial.params)
    for name, several in values.items():
        if len(several) > 1 or having[name] < len(sweep.trials):
            found[name] = None
    return [name for name in found if name not in (*ALWAYS, *TOLD_BY_MODEL)][:MOST]
