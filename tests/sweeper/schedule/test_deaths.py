"""A dead worker's end is told by what is known of it, and by nothing else."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.exceptions import OutOfMemoryError

from cluster.local import Local
from sweeper.messages import Event
from sweeper.resources import Resources
from sweeper.schedule import in_worker
from sweeper.schedule.deaths import Death, DeathRecords
from sweeper.schedule.tune import TuneSchedule
from tests.local_ray import local_ray
from tests.sweeper.small import planned, prepared, small_sweep

DIED = """1 (occurred at 2026-01-01_00-00-00)
The actor died unexpectedly before finishing this task.
\tclass_name: ImplicitFunc
\tpid: 4711
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit \
detail: Worker unexpectedly exits with a connection error code 2. End of file. Some common causes \
include: (1) the process was killed by the OOM killer due to high memory usage, (2) ray stop
"""
RAISED = """1 (occurred at 2026-01-01_00-00-00)
ray::ImplicitFunc.train() (pid=4711, ip=192.0.2.2)
  File "tune.py", line 1, in _train
"""


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """The folder of a worker's log, in which only Ray's own marks stand."""
    (tmp_path / "worker-12ab-01000000-4711.err").write_text(":job_id:01000000\n:actor_name:x\n")
    return tmp_path


def write(logs: Path, text: str) -> None:
    with (logs / "worker-12ab-01000000-4711.err").open("a") as log:
        log.write(text)


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (RAISED + "sweeper.worker.worker.TrialOutOfMemoryError: 12ab", "memory"),
        (
            str(OutOfMemoryError("Task was killed due to the node running low on memory.")),
            "memory",
        ),
        ("The actor died because its node has died. Node Id: 1", "node"),
        (DIED, "worker"),
        ("", "worker"),
    ],
)
def test_the_cause_is_what_ray_says(said: str, cause: str) -> None:
    assert DeathRecords(None, []).of(said).cause == cause


def test_a_death_without_words_is_not_called_want_of_memory(logs: Path) -> None:
    death = DeathRecords(logs, []).of(DIED)
    assert death == Death("worker", "", explained=False)
    assert "memory" not in death.reason
    assert "neither it nor Ray says why" in death.reason


@pytest.mark.parametrize("form", ["low 0\noom 3\noom_kill {}\n", "under_oom 0\noom_kill {}"])
def test_the_kernels_count_is_evidence_while_it_rises(logs: Path, form: str) -> None:
    count = logs / "memory.events"
    count.write_text(form.format(7))
    records = DeathRecords(logs, [logs / "none", count])
    assert records.of(DIED).cause == "worker"
    count.write_text(form.format(8))
    assert records.of(DIED).cause == "memory"
    assert records.of(DIED).cause == "worker"


def test_the_kernel_of_this_machine_says_nothing_of_another_one(tmp_path: Path) -> None:
    count = tmp_path / "memory.events"
    count.write_text("oom_kill 7")
    records = DeathRecords(tmp_path, [count])
    count.write_text("oom_kill 8")
    assert records.of(DIED).cause == "worker"


@pytest.mark.parametrize(
    ("written", "words", "explained"),
    [
        ("a warning\n", "a warning", False),
        ("*** SIGSEGV received at time=1 on cpu 0 ***\nPC: @ 0x1\n", "*** SIGSEGV", True),
        ("Fatal Python error: Aborted\n\nExtension modules: numpy\n", "Fatal Python", True),
    ],
)
def test_the_workers_last_words_are_shown(
    logs: Path, written: str, words: str, explained: bool
) -> None:
    write(logs, written)
    death = DeathRecords(logs, []).of(DIED)
    assert (death.cause, death.explained) == ("worker", explained)
    assert death.words.startswith(words)
    assert f"its last words: {words}" in death.reason


def test_an_allocator_that_gives_up_is_want_of_memory(logs: Path) -> None:
    write(logs, "terminate called after throwing an instance of 'std::bad_alloc'\n")
    assert DeathRecords(logs, []).of(DIED).cause == "memory"


def test_an_exception_is_the_reason_whatever_the_log_says(logs: Path) -> None:
    write(logs, "a warning\n")
    death = DeathRecords(logs, []).of(RAISED + "ImportError: cannot import name 'nn'")
    assert (death.words, death.explained) == ("ImportError: cannot import name 'nn'", True)


def test_a_trials_newest_failure_counts(logs: Path) -> None:
    file = logs / "error.txt"
    file.write_text(f"Failure # {RAISED}MemoryError: 1\nFailure # {RAISED}ImportError: 2\n")
    assert DeathRecords(logs, []).read(str(file)) == Death(
        "worker", "ImportError: 2", True, "192.0.2.2"
    )
    assert DeathRecords(logs, []).read(None) == Death("worker")


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    with local_ray():
        yield


def killed(config: dict[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def exits(config: dict[str, Any]) -> None:
    sys.stderr.write("a library gave up\n")
    sys.stderr.flush()
    os._exit(3)


def raises(config: dict[str, Any]) -> None:
    raise ImportError("cannot import name 'nn' from 'torch'")


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("work", "words", "notes"),
    [
        (killed, "neither it nor Ray says why", 2),
        (exits, "its last words: a library gave up", 2),
        (raises, "its last words: ImportError: cannot import name 'nn' from 'torch'", 0),
    ],
)
def test_a_failure_on_ray_says_how_the_worker_ended(
    work: Callable[[dict[str, Any]], None],
    words: str,
    notes: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What nothing explains is tried again with more room; an exception is not."""
    news = list[Event]()
    backend = Local()
    backend.connect()
    schedule = TuneSchedule(backend)
    with monkeypatch.context() as patch:
        patch.setattr(in_worker, "train", work)
        schedule.run(prepared(small_sweep(tmp_path, planned())), Resources(), news.extend)
    schedule.close()
    [reason] = [event.reason for event in news if event.phase == "failed"]
    assert words in str(reason)
    assert "memory" not in str(reason)
    assert len([event for event in news if event.note]) == notes
