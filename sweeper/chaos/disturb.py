"""Run the small sweep repeatedly with injected faults, until it is finished."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from cluster.mlflow_server import MlflowServer
from sweeper.chaos import faults
from sweeper.chaos.disturbed import Setup, started
from sweeper.chaos.promises import Promise
from sweeper.storage import ledger, paths
from sweeper.storage.stored_files import read_known

__all__ = ["Disturbance", "Stoppable"]

PATIENCE = 600.0  # seconds after which a driver is taken to hang
TRIES = 3


class Stoppable:
    """A server, started by this program, that can be stopped and started again."""

    def __init__(self, server: MlflowServer) -> None:
        self.server, self._stack = server, ExitStack()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._stack.enter_context(self.server.serving())

    def stop(self) -> None:
        """Kill the server."""
        self._stack.close()


@dataclass
class Disturbance:
    """Injects faults at random moments, and records which trials were finished before them.

    Parameters
    ----------
    setup : the sweep and its driver. kills : how often the driver is killed.
    chance : random generator of moments and files. server : the MLflow server to stop; None if
        it was not started by this program. say : called with a sentence about each fault.
    nodes : whether a node of the cluster may be killed.
    """

    setup: Setup
    kills: int
    chance: random.Random
    server: Stoppable | None
    say: Callable[[str], None]
    nodes: bool = False
    done: Counter[str] = field(default_factory=Counter)
    cuts: list[faults.Cut] = field(default_factory=list)
    finished: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sweep = self.setup.sweep()
        self._epochs = sum(int(trial.params["epochs"]) for trial in self.sweep.trials)

    def run(self) -> None:
        """Inject all faults, then run the same command until the sweep is finished."""
        if self.kills:
            self._killed_after(self.chance.uniform(0.2, 6.0))
        for part in range(1, self.kills):
            self._killed_at(self._moment(part - 1))
            self._cut()
        self._attacked()
        for _ in range(TRIES):
            with started(self.setup) as driver:  # a finished sweep still delivers its records
                if self._ended(driver) == 0:
                    break
        self.note_finished()

    def kept(self) -> list[Promise]:
        """The promises that can only be checked while faults are injected."""
        repeated = sum(self._place(trial) != place for trial, place in self.finished.items())
        believed = sum(cut.believed or not self._mended(cut) for cut in self.cuts)
        return [
            Promise("no finished trial is trained again", repeated, len(self.finished)),
            Promise(
                "a torn record is rolled back to the last good one",
                believed,
                len(self.cuts),
                ("record cut",),
            ),
        ]

    def note_finished(self) -> None:
        """Record which trials are finished, and their attempts and newest commits."""
        for trial, status in ledger.status(
            self.sweep.storage, [trial.id for trial in self.sweep.trials]
        ).items():
            if status == "finished":
                self.finished.setdefault(trial, self._place(trial))

    def _killed_after(self, seconds: float) -> None:
        with started(self.setup) as driver:
            try:
                driver.wait(seconds)
            except subprocess.TimeoutExpired:
                self._kill(driver)

    def _killed_at(self, epochs: float) -> None:
        with started(self.setup) as driver:
            if self._reached(driver, epochs):
                self._kill(driver)

    def _kill(self, driver: subprocess.Popen[bytes]) -> None:
        faults.kill_driver(driver.pid)
        if driver.wait() == -signal.SIGKILL:  # it may have ended just before the signal
            self._did(
                "driver killed",
                f"after {faults.saved_epochs(self.sweep)} of {self._epochs} epochs",
            )
        self.note_finished()

    def _attacked(self) -> None:
        """Run the last part; kill a node and a worker, and stop MLflow for a while."""
        with (
            faults.killers(self.sweep, self.chance, self.nodes) as kill,
            started(self.setup) as driver,
        ):
            if kill.node and self._struck(driver, kill.node):
                self._did("node killed", "the driver goes on with the others")
            if self._reached(driver, self._moment(max(0, self.kills - 1))) and self._struck(
                driver, kill.worker
            ):
                self._did("worker killed", "the driver goes on")
            if self.server and driver.poll() is None:
                self.server.stop()
                time.sleep(self.chance.uniform(0.5, 2.0))
                self.server.start()
                self._did("MLflow stopped", "and started again, under the driver")
            self._ended(driver)
        self.note_finished()

    def _struck(self, driver: subprocess.Popen[bytes], kill: Callable[[int], bool]) -> bool:
        """Try to kill until that succeeds; False if the driver ends before."""
        until = time.monotonic() + PATIENCE
        while driver.poll() is None and time.monotonic() < until:
            if kill(driver.pid):
                return True
            time.sleep(0.05)
        return False

    def _cut(self) -> None:
        """Truncate a commit's file; every third time, or if no trial is running, a ledger file."""
        cut = None if len(self.cuts) % 3 == 1 else faults.cut_commit(self.sweep, self.chance)
        if cut := cut or faults.cut_ledger(self.sweep, self.chance):
            self.cuts.append(cut)
            self._did(
                "record cut", f"{cut.path.relative_to(self.sweep.storage)} to {cut.length} bytes"
            )

    def _moment(self, part: int) -> float:
        """A random epoch (over all trials) in the first half of one of `kills` equal parts.

        The sweep would end before it is disturbed near the end of the last part.
        """
        return (part + 0.5 * self.chance.random()) * self._epochs / max(1, self.kills)

    def _reached(self, driver: subprocess.Popen[bytes], epochs: float) -> bool:
        """Wait until more than `epochs` epochs are saved; False if the driver ends before."""
        until = time.monotonic() + PATIENCE
        while driver.poll() is None and time.monotonic() < until:
            if faults.saved_epochs(self.sweep) > epochs:
                return True
            time.sleep(0.01)
        return False

    def _ended(self, driver: subprocess.Popen[bytes]) -> int | None:
        try:
            return driver.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return None

    def _did(self, kind: str, words: str) -> None:
        self.done[kind] += 1
        self.say(f"{kind}: {words}")

    def _place(self, trial: str) -> str:
        """The trial's attempts and newest commit as text; it changes if the trial is trained."""
        folder = paths.trial_folder(self.sweep.storage, trial)
        commit = ledger.newest_commit(self.sweep.storage, trial)
        attempts = sorted(path.name for path in folder.glob("[0-9]*"))
        return f"{attempts} {commit.place if commit else None}"

    def _mended(self, cut: faults.Cut) -> bool:
        """Whether a truncated ledger file was written again; always true for a commit's file."""
        return cut.path.name not in ("sweep.json", "trial.json") or bool(read_known(cut.path, {}))
