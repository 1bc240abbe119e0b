"""A Ray of several nodes on this machine, to see what survives the loss of one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.base import SETTINGS
from cluster.errors import ClusterError, one_line
from cluster.session_folder import session_folder
from cluster.token import own_token

__all__ = ["several_nodes"]


@contextmanager
def several_nodes(count: int = 2) -> Iterator[str]:
    """A head that trains nothing and `count` nodes with a core each; yields their HOST:PORT.

    They end with the block. Ray's files lie in a folder of their own, so that no other program of
    this machine takes this Ray for its own, and nobody else can enter it. Raises `ClusterError` if
    they cannot be started.
    """
    own_token()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    from ray._raylet import Config  # type: ignore[attr-defined]
    from ray.cluster_utils import Cluster

    Config.initialize("")  # read the variables again, if Ray was imported before
    logging.getLogger("ray").setLevel(logging.ERROR)
    with session_folder() as folder:
        nodes = Cluster()
        try:
            _start(nodes, count, folder)
            yield nodes.address
        finally:
            nodes.shutdown()  # type: ignore[no-untyped-call]


def _start(nodes: Any, count: int, folder: Path) -> None:
    try:
        nodes.add_node(num_cpus=0, include_dashboard=False, temp_dir=str(folder))
        for _ in range(count):
            nodes.add_node(num_cpus=1)
    except Exception as error:
        why = one_line(error)
        raise ClusterError(f"Ray cannot be started on this machine ({why})") from error
