"""A thread that opens a schedule, keeps it, and closes it."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from cluster.addresses import backend_at
from cluster.base import Backend, set_variables
from cluster.errors import ClusterError
from cluster.local import JOB
from sweeper.errors import UserError, placed
from sweeper.schedule import Schedule
from sweeper.schedule.sent_code import copied_program
from sweeper.storage import paths
from sweeper.sweep import Sweep
from sweeper.tracking.importing import import_mlflow

__all__ = ["Host", "open_schedule"]

LOOK_EVERY = 0.1
OPENED_WITHIN = 10.0  # seconds that a driver which leaves gives a start; a Ray takes two


class Host:
    """Opens a schedule in a thread, so that the driver can work meanwhile.

    The thread lives until `close`, because Ray's processes are killed when the thread that
    started them ends (PR_SET_PDEATHSIG acts on threads). So they also end if the driver is
    killed.
    """

    def __init__(self, open_schedule: Callable[[], Schedule]) -> None:
        self._open = open_schedule
        self._schedule: Schedule | None = None
        self._error: Exception | None = None
        self._ready, self._leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._live, name="schedule", daemon=True)
        self._thread.start()

    def schedule(self, stopped: Callable[[], bool] = lambda: False) -> Schedule | None:
        """Wait for the schedule to open and return it, or None as soon as `stopped` returns true.

        Raises the exception of `open_schedule`.
        """
        while not self._ready.wait(LOOK_EVERY) and not stopped():
            pass
        if self._error:
            raise self._error
        return None if stopped() else self._schedule

    def close(self) -> None:
        """Start closing the schedule; does not wait."""
        self._leave.set()

    def join(self) -> None:
        """Wait until the schedule is closed; not long for one that is still being opened.

        A Ray that is left while it starts leaves its folder, and for a while two of its processes.
        """
        if self._ready.wait(OPENED_WITHIN):
            self._thread.join()

    def _live(self) -> None:
        try:
            self._schedule = self._open()
        except Exception as error:  # noqa: BLE001 - raised again where the schedule is used
            self._error = error
        self._ready.set()
        self._leave.wait()
        if self._schedule:
            self._schedule.close()


def open_schedule(
    sweep: Sweep,
    inline: bool = False,
    say: Callable[[str], None] = lambda _: None,
    note: Callable[[str], None] = lambda _: None,
) -> Schedule:
    """The schedule that trains in this process, or on the Ray cluster that `cluster` names.

    `say` is called with sentences about what it waits for, `note` with those that are to stay,
    about nodes that are left out. Raises `UserError` if there is no such cluster, if none of its
    nodes can train the sweep, or if this machine has fewer resources than a trial requests.
    """
    if inline:
        from sweeper.schedule.inline import InlineSchedule

        return InlineSchedule()
    with placed(sweep.places.get("cluster")):
        try:
            in_job = JOB in os.environ
            code_sent = copied_program(sweep.send_code and not in_job)
            with code_sent as code, _tune_imported() as import_tune:
                backend = backend_at(sweep.cluster, code)
                backend.connect(import_tune)
        except ClusterError as error:
            raise UserError(str(error)) from error
    with ExitStack() as failed:
        failed.callback(backend.close)
        _require_shared(sweep, backend, in_job)
        from sweeper.schedule.nodes import Nodes
        from sweeper.schedule.tune import TuneSchedule

        _import_mlflow()
        nodes = None if backend.private else Nodes(sweep, note, say)
        own = backend.logs.parent if backend.private and backend.logs else None  # ends with Ray
        schedule = TuneSchedule(backend, own or paths.tune_folder(sweep), say, nodes)
        failed.pop_all()
        failed.callback(schedule.close)
        if nodes:
            nodes.admit()
        with placed(sweep.places.get("resources")):
            schedule.require_room(sweep.resources)
        failed.pop_all()
        return schedule


@contextmanager
def _tune_imported() -> Iterator[Callable[[], None]]:
    """Import Ray Tune beside the block, from when the block calls the function that this gives.

    It takes half a second, in which it would hold up the start of Ray's processes, which then
    have a second of work of their own. An error of it is raised where it is imported again. The
    thread starts outside the block, in which Ray's start may have changed the umask; and Ray reads
    some variables when it is imported.
    """
    set_variables()
    begun = threading.Event()

    def work() -> None:
        begun.wait()
        with suppress(Exception):
            importlib.import_module("sweeper.schedule.tune")

    importing = threading.Thread(target=work, name="import of Ray Tune", daemon=True)
    importing.start()
    try:
        yield begun.set
    finally:
        begun.set()
        importing.join()


def _import_mlflow() -> None:
    """Import MLflow in a thread, for which nobody waits here; an error of it is raised there."""

    def work() -> None:
        with suppress(Exception):
            import_mlflow()

    threading.Thread(target=work, name="import of MLflow", daemon=True).start()


def _require_shared(sweep: Sweep, backend: Backend, in_job: bool) -> None:
    """Raise `UserError` if a relative storage would not be one for all hosts."""
    if not sweep.relative_storage or not (in_job or len(set(backend.hosts)) > 1):
        return
    where = (
        "it would lie in the folder of this Ray job, which Ray deletes"
        if in_job
        else f"the {len(set(backend.hosts))} hosts of the cluster have no working folder in common"
    )
    with placed(sweep.places.get("storage")):
        raise UserError(
            f"the storage {sweep.relative_storage} is a relative path, and {where}; give the "
            "whole path of a folder that every host sees, with `storage:` or --storage"
        )
