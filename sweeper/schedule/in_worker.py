"""What Ray Tune calls in a worker's process.

Importing it imports no torch, which takes a second, so that it says first how to import.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import ray
from ray import tune

from cluster.umask import restore_umask
from sweeper.garbage import collect_seldom

__all__ = ["room", "train"]

NODE_ID = "ray.io/node-id"  # the label that Ray gives each node
# Seconds in which a worker must have ended a pack when it is handed the next one, which Tune else
# drops without a word; of the workers of a cluster, that have not our variables.
LAST_PACK = "TUNE_FUNCTION_THREAD_TIMEOUT_S"


def train(config: dict[str, Any]) -> None:
    """The function that Tune runs in a worker's process: train the job in `config`."""
    os.environ[LAST_PACK] = "1000000"
    restore_umask()
    collect_seldom()
    from sweeper.messages import Job, encode  # imports torch
    from sweeper.storage.paths import leaving_file
    from sweeper.worker.fitness import UnfitNode, require_fit
    from sweeper.worker.gpu_share import keep_to_share
    from sweeper.worker.local_copy import localized, with_data
    from sweeper.worker.worker import train_pack

    context = ray.get_runtime_context()
    node = context.get_node_id()
    try:
        text = localized(config["job"])
        require_fit(text)
        keep_to_share(context.get_assigned_resources().get("GPU", 0.0))  # type: ignore[no-untyped-call]
        job = with_data(Job.from_json(text))
        train_pack(
            replace(job, leaving=str(leaving_file(job.sweep, node)) if job.nonce else ""),
            lambda events: tune.report({"events": encode(events)}),
        )
    except UnfitNode as error:
        raise UnfitNode(f"{node} {error}") from None


def room(config: Mapping[str, Any]) -> tune.PlacementGroupFactory:
    """The resources that a `Try` requests, on any node but those that ``without`` names."""
    if not config["without"]:
        return tune.PlacementGroupFactory([dict(config["asked"])])
    elsewhere: Any = [{NODE_ID: f"!in({config['without']})"}]
    return tune.PlacementGroupFactory([dict(config["asked"])], bundle_label_selector=elsewhere)
