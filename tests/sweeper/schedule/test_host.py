"""A schedule is opened and closed in a thread, and what that imports holds nothing up."""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from sweeper.schedule.host import Host, open_schedule
from sweeper.schedule.inline import InlineSchedule
from tests.sweeper.mlflow_view import READY
from tests.sweeper.small import small_sweep

pytestmark = READY

ROOT = Path(__file__).parents[3]


def test_a_host_opens_keeps_and_closes_a_schedule() -> None:
    closed: list[bool] = []

    class Noted(InlineSchedule):
        def close(self) -> None:
            closed.append(True)

    host = Host(Noted)
    assert isinstance(host.schedule(), Noted)
    assert closed == []
    host.close()
    host.join()
    assert closed == [True]


def test_a_host_hands_on_what_went_wrong() -> None:
    def broken() -> InlineSchedule:
        raise ConnectionError("no cluster")

    host = Host(broken)
    with pytest.raises(ConnectionError, match="no cluster"):
        host.schedule()
    host.close()
    host.join()


class Slow(InlineSchedule):
    """A schedule that opens when it is let, and says when it is closed."""

    def __init__(self, may_open: threading.Event, closed: threading.Event) -> None:
        assert may_open.wait(60)
        self._closed = closed

    def close(self) -> None:
        self._closed.set()


def test_a_host_that_is_left_while_it_opens_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.schedule.host.OPENED_WITHIN", threading.TIMEOUT_MAX)
    may_open, closed = threading.Event(), threading.Event()
    host = Host(partial(Slow, may_open, closed))
    assert host.schedule(lambda: True) is None
    host.close()
    may_open.set()
    host.join()
    assert closed.is_set()


def test_a_host_that_does_not_open_is_left_and_still_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sweeper.schedule.host.OPENED_WITHIN", 0.0)
    may_open, closed = threading.Event(), threading.Event()
    host = Host(partial(Slow, may_open, closed))
    host.close()
    host.join()
    may_open.set()
    assert closed.wait(60)


def test_a_ray_is_closed_where_its_schedule_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it is found to be there when the process ends, and Ray takes its time."""
    closed: list[bool] = []
    started = SimpleNamespace(
        private=True,
        hosts=(),
        logs=None,
        connect=lambda meanwhile: None,
        close=lambda: closed.append(True),
    )
    monkeypatch.setattr("sweeper.schedule.host.backend_at", lambda cluster, code: started)
    monkeypatch.setitem(sys.modules, "sweeper.schedule.tune", None)
    with pytest.raises(ImportError):
        open_schedule(small_sweep(tmp_path))
    assert closed == [True]


IMPORTED_BESIDE = """
import os, sys, time
from types import SimpleNamespace
from sweeper.schedule import host

class Backend:
    private, hosts, logs = True, (), None

    def connect(self, meanwhile):
        assert "ray" not in sys.modules  # which would hold up its processes
        assert os.environ["RAY_DEDUP_LOGS_SKIP_REGEX"] == "."  # which Ray reads when imported
        meanwhile()
        end = time.monotonic() + 300
        while not hasattr(sys.modules.get("sweeper.schedule.tune"), "TuneSchedule"):
            assert time.monotonic() < end, "not imported while Ray starts"
            time.sleep(0.01)
        raise host.ClusterError("enough")

host.backend_at = lambda cluster, code: Backend()
sweep = SimpleNamespace(places={}, send_code=False, cluster="local")
try:
    host.open_schedule(sweep)
except host.UserError as error:
    print(error)
"""
MLFLOW_HELD_UP = """
import importlib.abc, os, sys, threading
from pathlib import Path
from sweeper.driver.driver import Driver
from sweeper.driver.run import run
from sweeper.schedule import host
from tests.sweeper.small import planned, small_sweep

begun, waited, importers, hear = threading.Event(), [], [], Driver._hear

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "mlflow":
            telemetry = os.environ.get("MLFLOW_DISABLE_TELEMETRY")
            importers.append((threading.current_thread().name, telemetry))

def heard(driver, told, more):
    begun.set()
    hear(driver, told, more)

def held_up(whole=host.import_mlflow):
    waited.append(begun.wait(600))
    whole()

Driver._hear, host.import_mlflow = heard, held_up
sys.meta_path.insert(0, Finder())
os.environ.pop("MLFLOW_DISABLE_TELEMETRY", None)
outcome = run(small_sweep(Path(sys.argv[1]), planned()))
print(outcome.finished, outcome.undelivered, waited)
print([telemetry for thread, telemetry in importers if thread not in ("MainThread", "tune")])
print([telemetry for thread, telemetry in importers if thread == "tune"])
"""


IN_WORKER = """
import gc, sys
from sweeper.schedule import in_worker

light = "torch" not in sys.modules
try:
    in_worker.train({})
except Exception:
    print(light, gc.get_threshold()[0], "torch" in sys.modules)
"""


def test_a_worker_looks_for_garbage_seldom_before_it_imports_torch() -> None:
    command = [sys.executable, "-c", IN_WORKER]
    assert subprocess.check_output(command, text=True, timeout=900) == "True 10000 True\n"


def test_ray_tune_is_imported_while_ray_starts() -> None:
    """And not before: it would hold up the start of Ray's own processes."""
    command = [sys.executable, "-c", IMPORTED_BESIDE]
    assert subprocess.check_output(command, text=True, timeout=900) == "enough\n"


def test_no_worker_waits_for_mlflow(tmp_path: Path) -> None:
    """Its import takes two seconds of a core. Tune would do it, too, with the telemetry on."""
    command = [sys.executable, "-c", MLFLOW_HELD_UP, str(tmp_path)]
    said = subprocess.check_output(command, text=True, timeout=900, cwd=ROOT)
    assert said.splitlines()[-3:] == ["1 0 [True]", "['true']", "[]"]
