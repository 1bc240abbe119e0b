"""Which nodes of a cluster may train a sweep: each is examined before it trains, and is left out
if it lacks something.
"""

from __future__ import annotations

import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from cluster.probe import Answer, Node, Probe, draining_nodes, last_words, live_nodes
from sweeper.bucket.mirror import bucket_of
from sweeper.errors import UserError, placed
from sweeper.messages import Job, JobTrial
from sweeper.schedule.deaths import UNABLE, Death
from sweeper.storage import ledger, paths
from sweeper.storage.sent_data import send_data
from sweeper.storage.signs import Sign
from sweeper.sweep import Sweep
from sweeper.worker.fitness import ENDING, SAME, difference, examine, lack
from trainers.errors import DataError

__all__ = ["Nodes", "example_job", "remarks", "standard", "unable"]

LOOK_EVERY = 3.0
CLOCK = 5.0  # seconds by which a node's clock may differ from the driver's
HARDWARE = ("cpu", "instructions", "gpu")


class Nodes:
    """The nodes of a cluster, and those that are left out of a sweep.

    Parameters
    ----------
    note : called with a sentence about each node that is left out. say : called with a sentence
        on what is waited for.

    The driver writes a nonce into the storage, and a node that does not see it there does not
    share the storage. Program, versions and processor must be the driver's; if no node has the
    driver's processor, that of most of them. Jobs carry both, so that a worker checks them too,
    as nodes may join and folders may be unmounted at any time.
    """

    def __init__(
        self, sweep: Sweep, note: Callable[[str], None], say: Callable[[str], None]
    ) -> None:
        self._sweep, self._note, self._say = sweep, note, say
        self._asked = sweep.resources.asked()
        self._nonce = secrets.token_hex(8)
        self._machine: Mapping[str, str] = {}
        self._out: dict[str, str] = {}
        self._died: dict[str, set[str]] = {}
        self._looked = time.monotonic()
        self._hopeless = False
        self._data = os.environ.get("SWEEPER_DATA", "")
        self._job = replace(
            example_job(sweep),
            nonce=self._nonce,
            data_folder=self._data,
            send_data=sweep.send_data,
        )
        self._probe = Probe(partial(examine, self._job.to_json()))

    def admit(self) -> None:
        """Examine all nodes; raises `UserError` if there are some, and none can train."""
        ledger.write_components(self._sweep)
        if self._sweep.send_data:
            self._send_data()
        ledger.write_file(paths.nonce_file(self._job.sweep), self._nonce.encode())
        self._see_ending()
        self._probe.start(self._asked)
        answers = self._probe.all(self._say)
        self._machine = standard(answers, self._job)
        self._judge(answers)
        self._require_some()

    def watch(self) -> None:
        """Examine nodes that have joined, and have workers leave those that are about to end.

        Raises `UserError` if no node is left that can train.
        """
        if time.monotonic() - self._looked >= LOOK_EVERY:
            self._looked = time.monotonic()
            self._see_ending()
            self._probe.start(self._asked)
        self._judge(self._probe.ready())
        self._require_some()

    def stamped(self, job: Job) -> Job:
        """The job with what its worker must find."""
        same = {} if self._sweep.allow_mixed else self._machine
        return replace(
            job,
            nonce=self._nonce,
            machine=same,
            data_folder=self._data,
            send_data=self._sweep.send_data,
        )

    @property
    def without(self) -> str:
        """The ids of the nodes that are left out, with commas between them."""
        return ",".join(sorted(self._out))

    def name_of(self, address: str) -> str:
        """The name of the node at an IP address."""
        return next((one.name for one in live_nodes() if one.address == address), address)

    def words(self, address: str, pid: int) -> str:
        """The last lines of a worker's log, from the node at an IP address."""
        there = [one.id for one in live_nodes() if one.address == address]
        return last_words(there[0], pid) if there else ""

    def left_out(self, death: Death, trial: str) -> bool:
        """Whether a worker's death is its node's fault, which then is left out.

        It is if the node cannot train, or if workers of two trials died there, with no trial
        finished between, and another node can train in its place. Want of memory is no such fault.
        """
        if death.node in self._out:
            return True
        there = [one for one in live_nodes() if death.node == one.id] or [
            one for one in live_nodes() if death.address == one.address
        ]
        if not there:
            return False
        node = there[0]
        if death.fault:
            self._leave_out(node, death.fault)
        elif death.cause == "worker" and any(one.id != node.id for one in self._fit()):
            died = self._died.setdefault(node.id, set())
            died.add(trial)
            if len(died) > 1:
                self._leave_out(node, f"ended the workers of two trials ({death.words})")
        return node.id in self._out

    def finished(self, address: str) -> None:
        """Forget the workers that died on a node, as one has finished a trial there."""
        if self._died:
            for node in [one for one in live_nodes() if one.address == address]:
                self._died.pop(node.id, None)

    def _send_data(self) -> None:
        """Write the files of the data sets to the storage, for nodes that lack them."""
        with placed(self._sweep.places.get("storage")):
            try:
                for one in self._job.trials:
                    send_data(self._sweep.storage, one.trial.data, one.checksum)
            except (DataError, OSError) as error:
                raise UserError(f"the data cannot be written to the storage: {error}") from error

    def _see_ending(self) -> None:
        """Leave out the nodes that are about to end; another one may join in their place."""
        ending = draining_nodes() - self._out.keys()
        for node in [one for one in live_nodes() if one.id in ending]:
            Sign(paths.leaving_file(self._job.sweep, node.id)).put_up()
            self._out[node.id] = f"node {node.name} {ENDING}"
            self._note(self._out[node.id])

    def _fit(self) -> list[Node]:
        return [one for one in live_nodes() if one.id not in self._out and one.has(self._asked)]

    def _judge(self, answers: list[Answer]) -> None:
        for one in answers:
            node, words = one.node, unable(one, self._job)
            other = "" if words else difference(one.found, self._machine)
            if words or (other and not self._sweep.allow_mixed):
                self._leave_out(node, words or f"{other}: {SAME}")
                continue
            allowed = [f"{other}, which `allow_mixed` allows"] if other else []
            for said in (*allowed, *remarks(one)):
                self._note(f"node {node.name} {said}")

    def _leave_out(self, node: Node, words: str) -> None:
        if node.id in self._out:
            return
        self._out[node.id] = f"node {node.name} {words}"
        self._hopeless = not self._fit()
        self._note(f"node {node.name} {words}; it is left out")

    def _require_some(self) -> None:
        """Raise `UserError` if the last node that could train was left out."""
        if self._hopeless:
            with placed(self._sweep.places.get("cluster")):
                raise UserError(
                    "no node of the cluster can train this sweep: "
                    + "; ".join(sorted(self._out.values()))
                )


def example_job(sweep: Sweep) -> Job:
    """A job with one trial for each data set of a sweep."""
    trials = {trial.data.get("checksum"): trial for trial in (*sweep.trials, *sweep.examples())}
    return Job(
        str(sweep.storage.resolve()),
        str(paths.sweep_folder(sweep).resolve()),
        tuple(JobTrial(one.id, one.trial, str(check)) for check, one in trials.items()),
        "cuda" if sweep.resources.gpus else "cpu",
        components=paths.component_files(sweep),
        bucket=bucket_of(sweep.storage),
    )


def unable(answer: Answer, job: Job) -> str:
    """Why a node cannot train at all, as the rest of a sentence that begins with its name."""
    if answer.trouble:
        return (
            f"{UNABLE}: {answer.trouble}; install it there as here, or send it (`send_code: true`)"
        )
    return lack(answer.found, job.bucket or job.storage)


def remarks(answer: Answer) -> list[str]:
    """What is wrong with a node that can train all the same, as the rests of such sentences."""
    found, ahead = list[str](), answer.ahead_s
    if abs(ahead) > CLOCK:
        where = "ahead of" if ahead > 0 else "behind"
        found.append(
            f"has a clock {abs(ahead):.0f} s {where} the driver's: set both by one server (NTP), "
            "as the times of its records are wrong"
        )
    if scarce := answer.found["scarce"]:
        found.append(f"has little room for temporary files ({scarce}): make room there")
    return found


def standard(answers: list[Answer], job: Job) -> Mapping[str, str]:
    """What must be equal on every node; the processor is that of most nodes if none has ours."""
    own = dict(examine(job.to_json())["machine"])
    kinds = Counter(
        tuple(one.found["machine"].get(name, "") for name in HARDWARE)
        for one in answers
        if one.found
    )
    if kinds and tuple(own.get(name, "") for name in HARDWARE) not in kinds:
        most = max(sorted(kinds), key=lambda kind: kinds[kind])
        own |= {name: value for name, value in zip(HARDWARE, most, strict=True) if name in own}
    return own
