"""The interface of a place where Ray runs, and how this process starts or joins a Ray."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from cluster.heartbeat import Heartbeat
from cluster.lean_start import WAIT, lean_start
from cluster.processes import alive, descendants, running
from cluster.session_folder import session_folder
from cluster.umask import private_children

__all__ = ["SETTINGS", "Backend", "Connection", "set_variables"]

SETTINGS = {
    "MALLOC_ARENA_MAX": "1",  # Tune trains in a thread, whose own arena would hold 64 MB
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # else a thread that outlives its Ray starts another
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # else it packs the working directory, data and all
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # what it tells of dead workers would stand among our JSON
    "RAY_worker_niceness": "0",  # Ray's 15 leaves 3 % of a core beside one other busy process
    WAIT: "120",  # 30 pass beside many busy processes
    "RAY_raylet_client_connect_timeout_milliseconds": "20",  # and in 1,000 again, when it starts
    "RAY_raylet_client_num_connect_attempts": "500",  # as many seconds in all as by Ray's 10
    "RAY_prestart_worker_first_driver": "0",  # Tune takes workers with an environment of its own
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}
OPENING = threading.Lock()
VITAL = ("gcs_server", "raylet")
ROOT = Path(__file__).resolve().parents[1]


class Backend(Protocol):
    """A Ray cluster, which may be this machine alone."""

    @property
    def private(self) -> bool:
        """Whether it is this machine alone, so that every worker sees every folder of it."""
        ...

    @property
    def hosts(self) -> tuple[str, ...]:
        """The addresses of its nodes; empty for this machine alone, and before `connect`."""
        ...

    @property
    def logs(self) -> Path | None:
        """The folder where the workers of this machine write; None before `connect`."""
        ...

    def connect(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Start it or join it; raises `ClusterError` if that fails.

        meanwhile : called, by most, when other processes are busy to start it or to answer.
        """
        ...

    def lost(self) -> str | None:
        """What Ray needs to work and has lost, with a verb, or None."""
        ...

    def close(self) -> None:
        """End the Ray that `connect` started; leave one that it joined."""
        ...


class Connection:
    """Joins Ray, unless this process has joined one already, and leaves only what it joined.

    Parameters
    ----------
    address : as `ray.init` takes it. own : more arguments of it for a Ray that is started here;
    None joins one that was started elsewhere. code : a folder that is sent to all nodes when this
    process joins; their workers import from it first. heartbeat : watches the head of a Ray that
    was started elsewhere, from `open` to `close`.

    Attributes
    ----------
    logs : where the workers of this machine write; None before `open`.
    """

    def __init__(
        self,
        address: str,
        own: Mapping[str, Any] | None = None,
        code: Path | None = None,
        heartbeat: Heartbeat | None = None,
    ) -> None:
        self._address, self._own, self._owned = address, own, False
        self._code, self._heartbeat = code, heartbeat
        self._folder = ExitStack()  # of a Ray that was started here
        self._vital: dict[int, str] = {}
        self.logs: Path | None = None

    def open(self, node: str = "", meanwhile: Callable[[], None] = lambda: None) -> None:
        """Start or join Ray, as `set_variables` wants it; `meanwhile` as in `Backend.connect`.

        node : the address of the node of a running Ray to which this process belongs. Ray itself
        takes the head if it sees the head's processes, as from a container that shares them.
        Raises Ray's own errors, of any type.
        """
        set_variables()
        import ray  # takes 0.3 s to import
        from ray._raylet import Config  # type: ignore[attr-defined]

        joined = ray.is_initialized()
        if not joined:
            Config.initialize("")  # read the variables again, if Ray was imported before
        own = dict(self._own or {})
        with (
            OPENING,  # the blocks change what all threads see
            ExitStack() as folder,
            ExitStack() as starting,
            _deaf_children(),
            private_children(),
        ):
            if self._own is not None and not joined:
                session = folder.enter_context(session_folder())
                own["_temp_dir"] = str(session)
                starting.enter_context(lean_start(session, meanwhile))
            context: Any = ray.init(
                address=self._address,
                job_config=_job_config(),
                runtime_env={"working_dir": str(self._code)} if self._code else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
                ignore_reinit_error=True,
                _node_ip_address=node or None,
                **own,
            )
            self._folder.enter_context(folder.pop_all())
        self.logs = Path(context.address_info["session_dir"], "logs")
        if self._heartbeat:
            self._heartbeat.start()
        if not joined:
            self._owned = True
            self._vital = {pid: name for name in VITAL if (pid := running(os.getpid(), name))}

    def lost(self) -> str | None:
        """What has gone, with a verb: a vital process that was started here, or the head."""
        dead = next((name for pid, name in self._vital.items() if not alive(pid)), None)
        if dead:
            return f"its process {dead} has died"
        return self._heartbeat.lost() if self._heartbeat else None

    def close(self) -> None:
        """Leave the Ray that `open` joined; one that it started ends.

        Ray ends the whole process, with exit code 1, when a thread deletes an object reference or
        an actor handle during the shutdown. So no garbage is collected meanwhile. If Ray's own
        processes or its head have died, the shutdown would never return; what was started here is
        killed instead.
        """
        lost = self.lost()
        if self._heartbeat:
            self._heartbeat.close()
        if not self._owned:
            return
        self._owned = False
        if lost:
            self._abandon()
        else:
            import ray

            with _no_collection():
                ray.shutdown()
        self._folder.close()

    def _abandon(self) -> None:
        """Kill Ray's remaining processes, and unregister the exit handlers that would use them."""
        import ray
        from ray.experimental.internal_kv import _internal_kv_reset

        atexit.unregister(ray.shutdown)
        _internal_kv_reset()  # type: ignore[no-untyped-call]
        left = {one for pid in self._vital for one in (pid, *descendants(pid))}
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def set_variables() -> None:
    """Set the variables in `SETTINGS` that the user has not set; before Ray is imported."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Block SIGHUP in this thread, so that the processes that it starts never receive it.

    A terminal that is closed sends it to them, too; they are to live until the driver has told the
    workers to save their checkpoints.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _job_config() -> Any:
    """A job whose workers import installed modules only.

    Ray puts the driver's working directory and its script's folder before all others on a
    worker's import path, so that a `torch.py` there would be imported. Of these only the folder
    that holds this package stays: a checkout that is not installed.
    """
    from ray.job_config import JobConfig

    class InstalledOnly(JobConfig):
        def _serialize(self) -> Any:
            added = self._py_driver_sys_path
            added[:] = [path for path in added if os.path.realpath(path) == str(ROOT)]
            return super()._serialize()

    return InstalledOnly()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Collect no garbage during the block: what there is not even if a thread asks for it."""
    enabled = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()
