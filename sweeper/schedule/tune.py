"""Ray Tune schedules packs: one Tune trial is one pack, first come, first served.

Tune's own experiment folder is temporary and never restored: all results are in the storage, and
a restarted worker continues from there.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.exceptions import RayError
from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.stopper import Stopper
from ray.util import placement_group_table

from cluster.base import Backend
from cluster.lean_start import left_out
from sweeper.errors import UserError
from sweeper.messages import Emit, Event, Job, decode
from sweeper.resources import Resources, packs_on
from sweeper.schedule import in_worker
from sweeper.schedule.cluster_room import Occupancy, RoomWatch, out_of_reach, require_room, roomier
from sweeper.schedule.deaths import RETRIES, Death, DeathRecords
from sweeper.schedule.job_queue import JobQueue, Try
from sweeper.schedule.nodes import Nodes

__all__ = ["TuneSchedule"]

LEAVE_WITHIN = 5.0  # seconds; a step of Tune takes a tenth of one
# It counts callbacks by kinds, for usage statistics. For that it imports MLflow before the first
# trial, which takes two seconds of a core, with its telemetry on, and at times beside our own
# import, of which one then fails.
COUNTS = "ray.air._internal.usage.tag_callbacks"


class TuneSchedule:
    """Trains jobs on a Ray cluster.

    Parameters
    ----------
    backend : where Ray runs, connected already; closed with the schedule.
    scratch : folder for Tune's temporary files; on a cluster every node must have access to it.
    say : called with a sentence for the user when a cluster has no free resources.
    nodes : the nodes of a cluster that may train; None on this machine alone.
    """

    def __init__(
        self,
        backend: Backend,
        scratch: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
        nodes: Nodes | None = None,
    ) -> None:
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
        self._backend, self._say, self._nodes = backend, say, nodes
        if scratch:
            scratch.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.mkdtemp(prefix="sweeper-", dir=scratch)
        self._running: tuple[threading.Thread, ...] = ()
        self._closing = threading.Event()

    def run(
        self, jobs: Iterable[Job | None], resources: Resources, emit: Emit, ahead: bool = True
    ) -> None:
        """Train all jobs; Tune runs in another thread, so that this one can handle signals.

        Raises `UserError` if Ray has stopped working, or no node is left that can train.
        """
        errors: list[BaseException] = []

        def fit() -> None:
            try:
                most = resources.max_concurrent if ahead else self.places(resources)
                queue = JobQueue(iter(jobs), resources.asked(), self._nodes, most)
                with left_out(COUNTS):
                    self._tuner(queue, resources, emit).fit()
            except (RayError, tune.TuneError) as error:
                errors.append(_stopped_working(self._backend.lost() or _line(error)))
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                errors.append(error)

        tuning = threading.Thread(target=fit, name="tune", daemon=True)
        watch = partial(self._watch, tuning, errors)
        watching = threading.Thread(target=watch, name="nodes", daemon=True)
        self._running = tuning, watching
        tuning.start()
        watching.start()
        while (tuning.is_alive() and not errors) or watching.is_alive():
            tuning.join(0.1)
            watching.join(0.1)
            if lost := self._backend.lost():
                raise _stopped_working(lost)
        if errors:
            raise errors[0]

    def _watch(self, tuning: threading.Thread, errors: list[BaseException]) -> None:
        """Watch the nodes while Tune runs; in a thread, as a head that is gone answers nothing.

        Adds `UserError` to the errors if no node is left that can train.
        """
        while self._nodes and tuning.is_alive():
            try:
                self._nodes.watch()
            except UserError as error:
                errors.append(error)
                return
            except RayError:  # the backend says what is lost
                pass
            tuning.join(0.1)

    def places(self, resources: Resources) -> int:
        """How many packs train at once, on all nodes that may train."""
        try:
            asked, there = resources.asked(), _nodes(self._nodes)
        except RayError as error:
            raise _stopped_working(_line(error)) from error
        places = sum(packs_on(one["Resources"], asked) for one in there if one["Alive"])
        return resources.at_once(places)

    def require_room(self, resources: Resources) -> None:
        """Raise `UserError` if this machine has less than a trial requests.

        On a cluster the user is told, because nodes may be added to it.
        """
        if self._backend.private:
            require_room(resources, ray.nodes())  # type: ignore[no-untyped-call]
        elif too_much := out_of_reach(resources.asked(), _nodes(self._nodes)):
            self._say(too_much)

    def close(self) -> None:
        """Leave Ray, without Tune where that still runs: it would crash the process."""
        self._closing.set()
        for thread in self._running:
            if not self._backend.lost():
                thread.join(LEAVE_WITHIN)
        self._backend.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _tuner(self, queue: JobQueue, resources: Resources, emit: Emit) -> tune.Tuner:
        leave = (
            None
            if self._backend.private
            else _Leave(RoomWatch(partial(_occupancy, self._nodes), self._say), queue.stopped)
        )
        deaths = DeathRecords(
            self._backend.logs, elsewhere=self._nodes.words if self._nodes else _no_words
        )
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(self.places(resources) + 1)
        return tune.Tuner(
            tune.with_resources(in_worker.train, in_worker.room),
            tune_config=tune.TuneConfig(
                search_alg=queue,
                num_samples=-1,
                reuse_actors=True,
                trial_dirname_creator=_short_name,
                trial_name_creator=_short_name,
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=self._folder,
                verbose=0,
                stop=leave,
                callbacks=[_Listener(emit, deaths, self._nodes, queue, self._closing)],
            ),
        )


class _Leave(Stopper):
    """Ends Tune if the stop sign is set while Tune waits for resources on a crowded cluster.

    Tune calls `stop_all` in the thread that starts its trials, so that no trial starts between
    the answer and the end. The cluster is queried again before the answer is true.
    """

    def __init__(self, watch: RoomWatch, stopped: Callable[[], bool]) -> None:
        self._watch, self._stopped = watch, stopped

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._watch.look() and self._stopped() and self._watch.look(at_once=True)

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Closed(BaseException):
    """Ends Tune at once: at an exception of another kind it waits for its workers."""


class _Listener(TrialProgressCallback):
    """Passes the workers' events to `emit`, which is left out when Tune pickles its callbacks.

    It derives from `TrialProgressCallback` so that Tune does not add its own, which prints. Jobs
    whose workers have died go back to the `queue`: Tune itself would try one again with the same
    resources only, and not where a worker died before it began.
    """

    def __init__(
        self,
        emit: Emit,
        deaths: DeathRecords,
        nodes: Nodes | None,
        queue: JobQueue,
        closing: threading.Event,
    ) -> None:
        super().__init__()
        self._emit, self._deaths, self._nodes, self._queue = emit, deaths, nodes, queue
        self._closing = closing

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """End Tune if the schedule is closed, which an interrupt may do before all has ended."""
        if self._closing.is_set():
            raise _Closed

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """End the workers on other hosts whose last words were lost, as a link was cut.

        Their hosts have dropped the connection, and Ray would wait for an answer for five minutes.
        """
        if self._nodes and (unheard := self._queue.unheard()):
            for trial in trials:
                if trial.trial_id in unheard and (actor := trial.temporary_state.ray_actor):
                    ray.kill(actor)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if "events" not in result:
            return
        events = decode(result["events"])
        if self._nodes and any(event.phase == "finished" for event in events):
            self._nodes.finished(result.get("node_ip", ""))
        self._emit(events)

    def on_trial_complete(
        self, iteration: int, trials: list[Any], trial: Any, **info: Any
    ) -> None:
        """Do nothing: the worker's last events report how its trials ended."""

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Have a job whose worker died tried again; after the last retry its trials fail.

        One whose results are all in the storage is finished, whatever its worker could not tell. A
        lost node does not count, nor does one that is left out or about to end, nor a worker
        that somebody asked to end (SIGTERM).
        """
        death, lost = self._deaths.read(trial.error_file), Try.of(trial.config)
        if self._nodes and lost.is_done():
            self._emit([Event(one.id, "finished", committed=True) for one in lost.job.trials])
        elif death.cause == "node" or self._is_left_out(death, lost.job):
            self._queue.give_back(lost)
        elif lost.deaths < RETRIES:
            self._queue.give_back(self._again(replace(lost, deaths=lost.deaths + 1), death))
        else:
            reason = death.reason + self._where(death)
            self._emit([Event(one.id, "failed", reason=reason) for one in lost.job.trials])

    def _is_left_out(self, death: Death, job: Job) -> bool:
        return self._nodes is not None and self._nodes.left_out(death, job.trials[0].id)

    def _where(self, death: Death) -> str:
        if not self._nodes or not death.address:
            return ""
        return f" (on node {self._nodes.name_of(death.address)})"

    def _again(self, lost: Try, death: Death) -> Try:
        """The next try, with more resources and one trial at a time if the memory ran out.

        A second unexplained death is treated as such, since the kernel may have killed the worker
        without a readable count.
        """
        if death.cause != "memory" and (death.explained or lost.deaths < 2):
            return lost
        asked = roomier(lost.asked, ray.nodes(), lost.deaths == RETRIES)  # type: ignore[no-untyped-call]
        self._emit([Event(lost.job.trials[0].id, "running", note=_more_room(death, asked))])
        return replace(lost, job=replace(lost.job, alone=True), asked=asked)

    def __getstate__(self) -> dict[str, Any]:
        return {}


def _more_room(death: Death, asked: Mapping[str, float]) -> str:
    """A sentence for the user on a job that is tried again with more resources."""
    why = (
        "its worker ended for want of memory"
        if death.cause == "memory"
        else "its worker died twice, and nothing says why; in case its memory ran out"
    )
    room = f"{asked['CPU']:g} cores" + (f" and {asked['GPU']:g} GPUs" if asked.get("GPU") else "")
    return f"{why}, it is tried again with {room} to itself, so that fewer trials run at once"


def _occupancy(nodes: Nodes | None) -> Occupancy:
    """The state of the cluster and of this Ray job's placement groups, named by its id."""
    job = ray.get_runtime_context().get_job_id()
    places = [
        group
        for name, group in placement_group_table().items()
        if name.endswith(job) and group["state"] != "REMOVED"
    ]
    return Occupancy(
        crowded=bool(places) and all(one["state"] != "CREATED" for one in places),
        asked=places[0]["bundles"][0] if places else {},
        nodes=_nodes(nodes),
        free=ray.available_resources(),  # type: ignore[no-untyped-call]
    )


def _nodes(fit: Nodes | None) -> list[dict[str, Any]]:
    """The nodes of the cluster but those that are left out, as `ray.nodes` lists them."""
    everyone = ray.nodes()  # type: ignore[no-untyped-call]
    return [one for one in everyone if not fit or one["NodeID"] not in fit.without]


def _no_words(address: str, pid: int) -> str:
    """The last words of a worker on another node: there is no other node."""
    return ""


def _short_name(trial: Any) -> str:
    return str(trial.trial_id)


def _stopped_working(why: str) -> UserError:
    return UserError(
        f"Ray stopped working in the middle of the sweep ({why}); what was saved is "
        "kept, and the same command goes on"
    )


def _line(error: Exception) -> str:
    """The last line of an error's text, after the tracebacks that Ray puts before it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
