"""The machine's load while a sweep runs, as system metrics of the sweep's MLflow run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec

from sweeper.tracking.database import with_driver

__all__ = ["watch_machine"]

EVERY = 5.0  # seconds


def watch_machine(tracking: str, run: str) -> Callable[[], None]:
    """Log CPU, memory, disk, network and GPUs of the driver's machine; returns what ends it.

    They belong to the machine and not to a trial, as several trials share it. Without `psutil`
    nothing is logged. MLflow's own thread does it, which ends where the tracker does not answer.
    """
    if find_spec("psutil") is None:
        return lambda: None
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    logging.getLogger("mlflow.system_metrics").setLevel(logging.CRITICAL)
    with suppress(Exception):  # an extra: no failure of it may end a delivery
        monitor = SystemMetricsMonitor(  # type: ignore[no-untyped-call]
            run, EVERY, resume_logging=True, tracking_uri=with_driver(tracking)
        )
        monitor.start()  # type: ignore[no-untyped-call]
        return monitor.finish
    return lambda: None
