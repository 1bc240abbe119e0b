"""Run a command in a Slurm job on a Ray of the job's own, and queue the job again.

``python -m cluster.slurm_job COMMAND...`` is the last line of the script that
`cluster.slurm_script` writes, and runs on the first node of the job. It starts a Ray there and,
by srun, on the other nodes, sets RAY_ADDRESS, and runs the command. `ray symmetric-run` does the
same, but refuses a node on which another Ray runs, ends all Rays of the user, and passes no signal
on.

SIGUSR1, which Slurm sends before the time limit, ends the command by SIGTERM; if it then says by
its exit code that it was interrupted, the job is queued again. SIGTERM (`scancel`) ends it alone.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from cluster.addresses import VARIABLE
from cluster.errors import ClusterError
from cluster.membership import ask_members
from cluster.mlflow_server import free_port
from cluster.processes import descendants
from cluster.session_folder import session_folder
from cluster.token import MODE, VALUE

__all__ = ["main", "others_step"]

INTERRUPTED = (128 + signal.SIGTERM, -signal.SIGTERM)  # of a command that can go on later
JOIN = "--join"
PASSED_ON = signal.SIGUSR1  # by srun to its tasks; at SIGTERM it kills them
PATIENCE = 180.0  # seconds for Ray's start on a node, and for the other nodes to join
GRACE = 30.0  # seconds for its end
LOOK_EVERY = 0.2
STRETCHES = 3  # after so many a job is not queued again that could not begin
FREE_PORTS = ["--dashboard-agent-listen-port=0", "--metrics-export-port=0"]
HEAD = ["--head", "--port=0", "--include-dashboard=false"]
LINES = 15


class JobSignals:
    """Passes the signals of Slurm on to the command; `again` says to queue the job again.

    early : a signal came before the command began.
    """

    def __init__(self) -> None:
        self.asked = self.again = self.early = False
        self._command: subprocess.Popen[bytes] | None = None
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take)

    def run(self, command: Sequence[str]) -> int:
        """The exit code of a command, which gets SIGTERM when this process gets a signal."""
        with subprocess.Popen(command, start_new_session=True) as self._command:
            if self.asked:
                self.early = True
                self._command.terminate()
            return self._command.wait()

    def _take(self, number: int, _: FrameType | None) -> None:
        self.asked, self.again = True, number == signal.SIGUSR1
        if self._command:
            self._command.terminate()


def main(words: Sequence[str]) -> int:
    """Run a command, or join a Ray (``--join ADDRESS``); returns the exit code."""
    try:
        return _join(words[1]) if words[0] == JOIN else _run(words)
    except ClusterError as error:
        _say(f"error: {error}")
        return 2


def _run(command: Sequence[str]) -> int:
    signals = JobSignals()
    os.environ[MODE], os.environ[VALUE] = "token", secrets.token_hex(32)
    nodes = int(os.environ.get("SLURM_JOB_NUM_NODES", "1"))
    client = f"--ray-client-server-port={free_port()}"  # which Ray does not choose itself
    with _ray([*HEAD, client]) as (head, folder):
        address = os.environ[VARIABLE] = _address(head, folder)
        with _others(address, nodes - 1) as others:
            _wait_for(nodes, address, others, signals)
            code = signals.run(command)
    if signals.again and code in INTERRUPTED:
        return _queue_again(code, signals.early)
    return code


def _join(address: str) -> int:
    """Be a node of the Ray at an address until a signal comes."""
    for number in (PASSED_ON, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    with _ray([f"--address={address}"]) as (node, folder):
        node.wait()
        raise ClusterError(_last_words(folder))


@contextmanager
def _ray(options: Sequence[str]) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A node of Ray with a folder of its own; its ports are free ones, so that jobs share a host.

    Slurm's signals to the process group of this process do not reach it.
    """
    ray = Path(sys.executable).with_name("ray")
    with session_folder() as folder:
        cores = os.environ.get("SLURM_CPUS_PER_TASK", "1")
        own = [f"--temp-dir={folder}", f"--num-cpus={cores}", "--disable-usage-stats", *FREE_PORTS]
        with (
            _said(folder).open("wb") as said,
            subprocess.Popen(
                [str(ray), "start", *options, *own, "--block"],
                stdout=said,
                stderr=said,
                start_new_session=True,
                env={"MALLOC_ARENA_MAX": "1", **os.environ},  # as in cluster.base
            ) as node,
        ):
            try:
                yield node, folder
            finally:
                _end(node)


def _end(node: subprocess.Popen[bytes]) -> None:
    """End a node of Ray in good order, or by force after a while."""
    left = [node.pid, *descendants(node.pid)]
    node.terminate()
    with suppress(subprocess.TimeoutExpired):
        node.wait(GRACE)
        return
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _address(head: subprocess.Popen[bytes], folder: Path) -> str:
    """HOST:PORT of a head, which it writes to its folder when it has started."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and head.poll() is None:
        with suppress(FileNotFoundError):
            if address := (folder / "ray_current_cluster").read_text():
                return address
        time.sleep(LOOK_EVERY)
    raise ClusterError(_last_words(folder))


def others_step(count: int) -> list[str]:
    """The options of `srun` for a task on each of the job's nodes but the first."""
    return [f"--nodes={count}", f"--ntasks={count}", "--ntasks-per-node=1", "--relative=1"]


@contextmanager
def _others(address: str, count: int) -> Iterator[subprocess.Popen[bytes] | None]:
    """Have the other nodes of the job join a Ray; None if there are none."""
    if not count:
        yield None
        return
    module = [sys.executable, "-P", "-m", "cluster.slurm_job", JOIN, address]
    cores = f"--cpus-per-task={os.environ.get('SLURM_CPUS_PER_TASK', '1')}"
    step = ["srun", *others_step(count), cores, "--kill-on-bad-exit=0", *module]
    with subprocess.Popen(step, stdin=subprocess.DEVNULL, start_new_session=True) as others:
        try:
            yield others
        finally:
            others.send_signal(PASSED_ON)


def _wait_for(
    nodes: int, address: str, others: subprocess.Popen[bytes] | None, signals: JobSignals
) -> None:
    """Wait until all nodes have joined; a sweep does without those that do not."""
    until = time.monotonic() + PATIENCE
    while not signals.asked and (found := _members(address)) < nodes:
        if time.monotonic() > until or not others or others.poll() is not None:
            _say(f"only {found} of {nodes} nodes have joined the Ray at {address}")
            return
        time.sleep(LOOK_EVERY)


def _members(address: str) -> int:
    """How many nodes a Ray has; its head alone if it does not answer, as on a busy host."""
    with suppress(ClusterError):
        return len(ask_members(address))
    return 1


def _queue_again(code: int, early: bool) -> int:
    """Queue the job again; not where it would be for ever, as no stretch of it is long enough."""
    job, again = os.environ["SLURM_JOB_ID"], int(os.environ.get("SLURM_RESTART_COUNT", "0"))
    if early and again >= STRETCHES:
        _say(
            "error: Slurm's warning came before the sweep began, and the job was queued again "
            f"{again} times: its time limit is too short for --warning; give it a longer one"
        )
        return code
    done = subprocess.run(
        ["scontrol", "requeue", job], stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        _say(f"error: Slurm does not queue the job again ({done.stderr.strip()}); sbatch does")
        return code
    _say(f"the job {job} is queued again, and goes on from the checkpoints")
    return 0


def _said(folder: Path) -> Path:
    """The file with the words of `ray start`, beside the folder that Ray lets everybody enter."""
    return folder.with_name("said")


def _last_words(folder: Path) -> str:
    said = _said(folder).read_text(encoding="utf-8", errors="replace").splitlines()
    last = "\n".join(said[-LINES:])
    return f"Ray did not start, or has ended, on {socket.gethostname()}; it said last:\n{last}"


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
