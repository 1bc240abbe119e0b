"""Import what takes a second or two of a core at the moment that suits the caller.

Python may give a thread a module that another thread is importing, and that is not whole yet. So
threads that import what is large do it one at a time.
"""

from __future__ import annotations

import importlib
import sys
import threading

from sweeper.tracking.connection import settle
from trainers import served

__all__ = ["IMPORTING", "import_exporter", "import_mlflow"]

IMPORTING = threading.Lock()  # held by who imports in a thread
WRITERS = "sweeper.tracking.tracker", "sweeper.tracking.system_metrics"


def import_mlflow() -> None:
    """Import MLflow, with our settings, and what writes to it; of a failed import nothing is left.

    It would fail for ever by what it has left in `sys.modules`.
    """
    settle()
    with IMPORTING:
        before = set(sys.modules)
        try:
            for name in WRITERS:
                importlib.import_module(name)
        except BaseException:
            for name in set(sys.modules) - before:
                if name.partition(".")[0] == "mlflow" or name.startswith("sweeper.tracking."):
                    del sys.modules[name]
            raise


def import_exporter() -> None:
    """Import what the best model is logged with."""
    with IMPORTING:
        served.import_exporter()
