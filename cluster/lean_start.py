"""Start of a Ray of our own only what trains; Ray has no option for that."""

from __future__ import annotations

import importlib
import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cluster.processes import running

__all__ = ["WAIT", "lean_start", "left_out"]

WAIT = "RAY_raylet_start_wait_time_s"
LOOK_EVERY = 0.03  # seconds
CHECK_EVERY = 30  # looks
UNUSED = (
    "ray._private.node.Node.start_api_server",
    "ray._private.node.Node.start_monitor",
    "ray._private.node.Node.start_log_monitor",
)
RAYLET = "raylet"
Find = Callable[[str, str], Any]


@contextmanager
def lean_start(folder: Path, meanwhile: Callable[[], None]) -> Iterator[None]:
    """In the block `ray.init` starts a Ray without what a sweep on one machine does not use.

    That is the dashboard's server, which takes a second to start and another to end, the
    autoscaler, and the process that sends logs to the driver. And the node is found as soon as it
    has registered: Ray looks at once, and then a second later, or five; if it has died,
    `ChildProcessError` says so. A version of Ray that does not have these functions starts as it
    always does. Not for two threads at a time.

    folder : Ray's own. meanwhile : called when Ray's processes are started, half a second and
    more before the node has registered; not where a version does not have these functions.
    """
    with left_out(*UNUSED), ExitStack() as replaced:
        with suppress(ImportError, AttributeError):
            services: Any = importlib.import_module("ray._private.services")
            state: Any = importlib.import_module("ray._private.state").GlobalState
            options = services._get_gcs_client_options
            find = _sooner(services.get_node, state, options, folder, meanwhile)
            replaced.enter_context(patch.object(services, "get_node", find))
        yield


@contextmanager
def left_out(*functions: str) -> Iterator[None]:
    """In the block these functions of Ray do nothing: those of them that its version has.

    They are named as they are imported, and are no public part of it.
    """
    with ExitStack() as replaced:
        for function in functions:
            with suppress(ImportError, AttributeError):
                replaced.enter_context(patch(function, return_value=None))
        yield


def _sooner(
    find: Find,
    state: Any,
    options: Callable[[str], Any],
    folder: Path,
    meanwhile: Callable[[], None],
) -> Find:
    """Ray's function that finds a node, looking more often; raises `RuntimeError` like that."""

    def look(address: str, node: str) -> Any:
        meanwhile()
        nodes = state()
        nodes._initialize_global_state(options(address))
        until = time.monotonic() + float(os.environ.get(WAIT, "30"))
        for count in itertools.count(1):
            if any(one["NodeID"] == node for one in nodes.node_table()):
                break
            if count % CHECK_EVERY == 0 and not running(os.getpid(), RAYLET):
                raise ChildProcessError(f"its process {RAYLET} has died{_last_words(folder)}")
            if time.monotonic() > until:
                raise RuntimeError(f"the node {node} has not registered at {address}")
            time.sleep(LOOK_EVERY)
        return find(address, node)

    return look


def _last_words(folder: Path) -> str:
    """The last sentence of the node's log."""
    with suppress(OSError):
        log = folder / "session_latest" / "logs" / f"{RAYLET}.out"
        said = log.read_text(errors="replace").splitlines()
        sentences = [line.partition(f"({RAYLET}) ")[2] for line in said]
        if last := next(filter(None, reversed(sentences)), ""):
            return f"; its log ends with: {last}"
    return ""
