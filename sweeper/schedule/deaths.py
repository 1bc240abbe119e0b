"""Find out why a worker's process ended, from messages of Ray, the kernel and the process."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sweeper.worker.member import LESS_MEMORY

__all__ = ["RETRIES", "UNABLE", "Death", "DeathRecords", "kernel_kills"]

RETRIES = 3

Cause = Literal["node", "unfit", "memory", "worker"]
MEMORY = re.compile(  # messages of Ray's memory monitor, torch, our worker, C++, Python and libc
    r"low on memory|OutOfMemoryError|bad_alloc|\bMemoryError|can(no|')t allocate memory",
    re.IGNORECASE,
)
NODE = re.compile(r"node (has died|was terminated)|its node is dead|process receives a SIGTERM")
UNFIT = re.compile(r"\bUnfitNode: (?P<node>\w+) (?P<words>.*)")
ABSENT = re.compile(r"^(?:ModuleNotFoundError|ImportError): .*", re.MULTILINE)
ADDRESS = re.compile(r"\bip[=:] ?([\w.:]*\w)")
PID = re.compile(r"\bpid: (\d+)")
CRASH = re.compile(r"Fatal Python error|\*\*\* SIG\w+")
CGROUP = Path("/sys/fs/cgroup")
UNABLE = "cannot run this version of sweeper"
LONGEST = 300  # characters of a worker's message


@dataclass(frozen=True)
class Death:
    """The end of a worker.

    Parameters
    ----------
    cause : ``node`` (it was lost, or the worker got SIGTERM, as it does when its host ends),
        ``unfit`` (its node cannot train the sweep), ``memory``, or ``worker`` if none of them is
        known to be the cause.
    words : the exception or crash that ended it, or else the last line that it wrote.
    explained : whether the cause is known, or `words` are an exception or a crash.
    address : the IP address of its node, or "". node : Ray's id of an unfit node, or "".
    """

    cause: Cause
    words: str = ""
    explained: bool = False
    address: str = ""
    node: str = ""

    @property
    def fault(self) -> str:
        """What its node lacks, as the rest of a sentence that begins with its name, or ""."""
        if self.cause == "unfit":
            return self.words
        return f"{UNABLE}: {self.words}" if ABSENT.match(self.words) else ""

    @property
    def reason(self) -> str:
        """The reason for which the worker's trials failed, after the last retry."""
        if self.cause == "node":
            return "its node was lost"
        if self.cause == "unfit":
            return f"its node {self.words}"
        if self.cause == "memory":
            return (
                f"out of memory: its worker was ended {RETRIES + 1} times, as the machine had "
                f"none left; {LESS_MEMORY}"
            )
        if self.words:
            return f"its worker died {RETRIES + 1} times; its last words: {self.words}"
        return (
            f"its worker died {RETRIES + 1} times, and neither it nor Ray says why: it crashed or "
            "was killed from outside (the kernel's log, `dmesg`, may tell)"
        )


class DeathRecords:
    """Finds out why workers ended.

    Parameters
    ----------
    logs : folder of the logs of the workers on this machine; None if there is none.
    kills : files with the kernel's count of processes that it killed when memory ran out; None
        for those of this container or session.
    elsewhere : returns the end of the log of a worker on another node, by IP address and pid.
    """

    def __init__(
        self,
        logs: Path | None,
        kills: Iterable[Path] | None = None,
        elsewhere: Callable[[str, int], str] = lambda address, pid: "",
    ) -> None:
        self._logs, self._files = logs, tuple(_own_counts() if kills is None else kills)
        self._elsewhere = elsewhere
        self._kills = kernel_kills(self._files)

    def of(self, said: str) -> Death:
        """The death in Ray's description `said`; compares the kernel's count with the last one."""
        before, self._kills = self._kills, kernel_kills(self._files)
        found = ADDRESS.search(said)
        address = found[1] if found else ""
        if NODE.search(said):
            return Death("node", explained=True, address=address)
        if unfit := UNFIT.search(said):
            return Death("unfit", unfit["words"], True, address, unfit["node"])
        log = self._log(said)
        absent = ABSENT.search(said)
        raised = _exception(said) or (absent[0] if absent else "")
        words = raised or _last_line(_read(log) if log else self._log_elsewhere(said, address))
        if MEMORY.search(said) or MEMORY.search(words) or (log and self._kills > before):
            return Death("memory", words, True, address)
        return Death("worker", words, bool(raised or CRASH.search(words)), address)

    def read(self, file: str | None) -> Death:
        """The death described last in the error file that Tune writes for a trial.

        The file is read as text; nothing is unpickled.
        """
        try:
            text = Path(file or "").read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        return self.of(text.rpartition("Failure # ")[2])

    def _log(self, said: str) -> Path | None:
        """The stderr log of the process that Ray names, if it ran on this machine."""
        pid = PID.search(said)
        found = self._logs.glob(f"worker-*-{pid[1]}.err") if self._logs and pid else iter(())
        return next(found, None)

    def _log_elsewhere(self, said: str, address: str) -> str:
        pid = PID.search(said)
        return self._elsewhere(address, int(pid[1])) if pid and address else ""


def kernel_kills(files: Iterable[Path]) -> int:
    """The kernel's count of processes killed when memory ran out, from the first readable file.

    Returns 0 if there is none. The count of the whole machine is not used, because it includes
    other users' processes.
    """
    for file in files:
        try:
            found = re.search(r"^oom_kill (\d+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        except OSError:
            continue
        if found:
            return int(found[1])
    return 0


def _own_counts() -> list[Path]:
    """The kernel's counter files of this process's control group, of cgroup versions 2 and 1."""
    try:
        groups = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        groups = []
    own = [line.partition("::/")[2] for line in groups if line.startswith("0::/")]
    version_2 = [CGROUP / group / "memory.events" for group in (*own, "")]
    return [*version_2, CGROUP / "memory" / "memory.oom_control"]


def _exception(said: str) -> str:
    """The exception that a worker raised; "" if Ray describes the end of a process instead."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if len(lines) < 2 or re.search(r"^The (actor|worker) ", said, re.MULTILINE):
        return ""
    return lines[-1][:LONGEST]


def _read(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _last_line(text: str) -> str:
    """The line of a log that names a crash, or else the last line, without Ray's markers."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(":")]
    crash = next((line for line in lines if CRASH.search(line)), None)
    return (crash or (lines[-1] if lines else ""))[:LONGEST]
