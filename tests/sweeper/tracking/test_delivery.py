"""Delivery: whatever the tracker does, nobody waits for it, and nothing is forgotten."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.sweep import Sweep
from sweeper.tracking import delivery
from sweeper.tracking.delivery import Backlog, Delivery
from tests.sweeper.small import planned, small_sweep
from trainers.checkpoint import Commit


class Tracker:
    """Notes what it is shown; refuses the first calls, and everything about some trials."""

    def __init__(self, refusals: int = 0, poison: tuple[str, ...] = ()) -> None:
        self.shown: dict[str, list[str]] = {}
        self.ended: list[str] = []
        self.refused: str | None = None
        self._refusals, self._poison = refusals, poison

    def grow(self, sweep: Sweep) -> None:
        """The same trials: nothing to note."""

    def show_trial(self, trial: str, commit: Commit | None, status: str) -> None:
        self._refuse(trial)
        self.shown.setdefault(trial, []).append(status)

    def end_left_running(self) -> None:
        """It has no runs that somebody could have left."""

    def end_sweep(self, status: str) -> None:
        self._refuse("")
        self.ended.append(status)

    def _refuse(self, trial: str) -> None:
        if self._refusals or trial in self._poison:
            self._refusals = max(0, self._refusals - 1)
            raise ConnectionError("the tracker is down\nand more")


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LONGEST_PAUSE", 0.001)
    monkeypatch.setattr(delivery, "LAST_PAUSE", 0.001)


def started(sweep: Sweep, tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    courier = Delivery(sweep, {})
    monkeypatch.setattr(courier, "_open", lambda: tracker)
    courier.start()
    courier.begin()
    return courier


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("refusals", [0, 1, 2])
def test_everything_arrives_with_its_last_status(
    tmp_path: Path, refusals: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = Tracker(refusals)
    courier = started(small_sweep(tmp_path), tracker, monkeypatch)
    for status in ("RUNNING", "FINISHED"):
        for trial in "abc":
            courier.notice(trial, status)
    assert courier.close("FINISHED", 60) == Backlog(0)
    assert {trial: statuses[-1] for trial, statuses in tracker.shown.items()} == dict.fromkeys(
        "abc", "FINISHED"
    )
    assert tracker.ended == ["FINISHED"]


@pytest.mark.usefixtures("_impatient")
def test_what_is_never_taken_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    courier = started(small_sweep(tmp_path), Tracker(refusals=10**9), monkeypatch)
    for trial in "abc":
        courier.notice(trial, "FINISHED")
    assert courier.close("FINISHED", 60) == Backlog(3, "the tracker is down")


@pytest.mark.usefixtures("_impatient")
def test_a_trial_that_is_refused_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = Tracker(poison=("a",))
    courier = started(small_sweep(tmp_path), tracker, monkeypatch)
    for trial in "abc":
        courier.notice(trial, "FINISHED")
    assert courier.close("FAILED", 60) == Backlog(1, "the tracker is down")
    assert set(tracker.shown) == {"b", "c"}
    assert tracker.ended == ["FAILED"]


def test_a_tracker_that_hangs_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, let_go = threading.Event(), threading.Event()

    class Hanging(Tracker):
        def show_trial(self, trial: str, commit: Commit | None, status: str) -> None:
            hangs.set()
            let_go.wait()

    courier = started(small_sweep(tmp_path), Hanging(), monkeypatch)
    courier.notice("a", "RUNNING")
    assert hangs.wait(60)
    for trial in "abc":
        courier.notice(trial, "FINISHED")
    backlog = courier.close("FINISHED", 0.01)
    let_go.set()
    assert backlog == Backlog(3, "no answer in 0.01 s")


def test_news_while_a_trial_is_delivered_is_delivered_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    courier: Delivery

    class Interrupted(Tracker):
        def show_trial(self, trial: str, commit: Commit | None, status: str) -> None:
            super().show_trial(trial, commit, status)
            if len(self.shown[trial]) == 1:
                courier.notice(trial, "RUNNING")

    tracker = Interrupted()
    courier = started(small_sweep(tmp_path), tracker, monkeypatch)
    courier.notice("a", "RUNNING")
    courier.close("FINISHED", 60)
    assert tracker.shown == {"a": ["RUNNING", "RUNNING"]}


def test_mlflow_is_not_opened_before_the_workers_have_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To import it takes seconds of a core, which the workers' start needs."""
    begun, opened = threading.Event(), threading.Event()
    tracker, waited = Tracker(0), []

    def open_tracker() -> Tracker:
        waited.append(begun.is_set())
        opened.set()
        return tracker

    monkeypatch.setattr(delivery, "LATEST", threading.TIMEOUT_MAX)
    courier = Delivery(small_sweep(tmp_path), {})
    monkeypatch.setattr(courier, "_open", open_tracker)
    courier.notice("a", "RUNNING")
    courier.start()
    opened.wait(0.2)
    begun.set()
    courier.begin()
    assert opened.wait(60)
    assert waited == [True]
    assert courier.close("FINISHED", 60) == Backlog(0)


def test_what_the_end_needs_is_imported_while_trials_are_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The export of a model needs a second of imports, for which everybody would wait."""
    foreseen, shown, tracker = threading.Event(), list[set[str]](), Tracker()

    def note() -> None:
        shown.append(set(tracker.shown))
        foreseen.set()

    monkeypatch.setattr(delivery, "import_exporter", note)
    sweep = small_sweep(tmp_path, planned(1), planned(2))
    courier = Delivery(replace(sweep, models=replace(sweep.models, which="best")), {})
    monkeypatch.setattr(courier, "_open", lambda: tracker)
    courier.notice(sweep.trials[0].id, "RUNNING")
    courier.start()
    courier.begin()
    assert foreseen.wait(60)
    assert shown[0] == {sweep.trials[0].id}
    assert courier.close("FINISHED", 60) == Backlog(0)


def test_mlflow_is_opened_in_time_where_no_worker_can_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep that waits for room on a crowded cluster is in MLflow all the same."""
    monkeypatch.setattr(delivery, "LATEST", 0.001)
    courier, opened = Delivery(small_sweep(tmp_path), {}), threading.Event()
    monkeypatch.setattr(courier, "_open", lambda: opened.set() or Tracker(0))
    courier.start()
    assert opened.wait(60)
    courier.close("FINISHED", 60)


def test_a_sweep_that_was_stopped_before_it_began_is_not_shown(tmp_path: Path) -> None:
    """The first look at MLflow takes seconds: Ctrl-C does not wait for it."""
    courier = Delivery(small_sweep(tmp_path), {})
    assert courier.close("KILLED", 60) == Backlog(0)
    courier.start()
    for thread in threading.enumerate():
        if thread.name == "tracking":
            thread.join()
    assert not (tmp_path / "mlflow.db").exists()


def test_a_report_makes_no_store(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    assert delivery.deliver_report(sweep, tmp_path) == "there is no tracking store yet"
    assert not (tmp_path / "mlflow.db").exists()


CUT_OFF = """
import importlib.abc, sys
from pathlib import Path
from sweeper.tracking.delivery import Delivery
from tests.sweeper.small import small_sweep, train

class CutOff(importlib.abc.MetaPathFinder):
    names = [sys.argv[2]]
    def find_spec(self, name, path, target=None):
        if name in self.names:
            self.names.remove(name)
            raise ImportError(f"cannot import from the partially initialized {name}")

sweep = small_sweep(Path(sys.argv[1]))
train(sweep)
assert "mlflow" not in sys.modules
sys.meta_path.insert(0, CutOff())
courier = Delivery(sweep, {})
courier.start()
courier.notice(sweep.trials[0].id, "FINISHED")
backlog = courier.close("FINISHED", 300)
assert not CutOff.names
assert backlog.trials == 0, backlog
"""


@pytest.mark.parametrize("module", ["mlflow.tracking.fluent", "mlflow.store.tracking"])
def test_an_import_of_mlflow_that_was_cut_off_succeeds_at_the_next_try(
    module: str, tmp_path: Path
) -> None:
    """As where another thread imports what MLflow needs at the same moment."""
    subprocess.run([sys.executable, "-c", CUT_OFF, str(tmp_path), module], check=True)
