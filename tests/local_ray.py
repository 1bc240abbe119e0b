"""A Ray of the test process, with the token that every Ray of ours asks for."""

from __future__ import annotations

import ray
from ray._raylet import Config

from cluster.token import own_token

__all__ = ["start_ray"]


def start_ray() -> None:
    """Start Ray with two cores; its variables are read again, as Ray was imported before."""
    own_token()
    Config.initialize("")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
