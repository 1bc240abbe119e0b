"""A Ray of the test process, with the token that every Ray of ours asks for."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import ray
from ray._raylet import Config

from cluster.base import SETTINGS
from cluster.token import own_token

__all__ = ["local_ray", "own_settings"]


def _settle() -> None:
    """Have the token; Ray's variables are read again, as Ray was imported before."""
    own_token()
    Config.initialize("")


@contextmanager
def own_settings() -> Iterator[None]:
    """The variables of every Ray of ours, during the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        _settle()
        yield


@contextmanager
def local_ray() -> Iterator[None]:
    """A Ray with two cores, during the block."""
    with own_settings():
        with _careless():
            ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        with _careless():
            ray.shutdown()


@contextmanager
def _careless() -> Iterator[None]:
    """Files and processes are left to the garbage collector, and not to that of another test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()
