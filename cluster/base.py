"""What every place where Ray runs can do, and how this process joins its one Ray."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from cluster.processes import alive, descendants, running

__all__ = ["SETTINGS", "Backend", "Connection"]

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # what it tells of dead workers would stand among our JSON
    "RAY_worker_niceness": "0",  # Ray's 15 leaves 3 % of a core beside one other busy process
    "RAY_prestart_worker_first_driver": "0",  # Tune takes workers with an environment of its own
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}
VITAL = ("gcs_server", "raylet")


class Backend(Protocol):
    """A place where Ray runs."""

    @property
    def private(self) -> bool:
        """Whether it is this machine alone, so that any folder of it will do for scratch."""
        ...

    def connect(self) -> None:
        """Be connected to it afterwards; `ClusterError` if that cannot be."""
        ...

    def lost(self) -> str | None:
        """Which of Ray's own processes has died, so that Ray would wait for ever; None if none."""
        ...

    def close(self) -> None:
        """Give back what `connect` started; a Ray that was there before stays."""
        ...


class Connection:
    """Joins Ray, unless this process has joined one already, and leaves only what it joined.

    Parameters
    ----------
    address : as `ray.init` takes it. dashboard : whether to start one; None leaves it to Ray.
    """

    def __init__(self, address: str, dashboard: bool | None = None) -> None:
        self._address, self._dashboard, self._owned = address, dashboard, False
        self._vital: dict[int, str] = {}

    def open(self) -> None:
        """Start or join, with `SETTINGS` where the user has set nothing.

        The errors are Ray's own: `OSError`, `RuntimeError`, `ValueError`.
        """
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        import ray  # a third of a second that others need not wait

        if not ray.is_initialized():
            ray.init(
                address=self._address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                include_dashboard=self._dashboard,
            )
            self._owned = True
            self._vital = {pid: name for name in VITAL if (pid := running(os.getpid(), name))}

    def lost(self) -> str | None:
        """The name of a process that was started here, without which Ray is dead; None if none."""
        return next((name for pid, name in self._vital.items() if not alive(pid)), None)

    def close(self) -> None:
        """Leave it; a Ray of this process's own ends.

        Ray ends the whole process, with exit code 1, when a thread lets go of what Ray counts
        (a reference, an actor) while another thread ends it. So garbage goes first, and no
        thread collects any in between. A Ray that has lost its head would be waited for for ever:
        what is left of that is killed.
        """
        if not self._owned:
            return
        self._owned = False
        if self.lost():
            self._abandon()
            return
        import ray

        gc.collect()
        with _no_collection():
            ray.shutdown()

    def _abandon(self) -> None:
        """Kill what is left of Ray, and have nothing ask it at the exit of this process."""
        import ray
        from ray.experimental.internal_kv import _internal_kv_reset

        atexit.unregister(ray.shutdown)
        _internal_kv_reset()  # type: ignore[no-untyped-call]
        left = {one for pid in self._vital for one in (pid, *descendants(pid))}
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def _no_collection() -> Iterator[None]:
    """No thread collects garbage meanwhile."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
