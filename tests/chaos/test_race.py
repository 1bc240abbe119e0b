"""Drivers of one sweep at once, stopped from elsewhere, and clocks that go backwards."""

from __future__ import annotations

import json
import re
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from sweeper.chaos.faults import saved_epochs
from sweeper.cli import main
from sweeper.storage import ledger, paths
from sweeper.storage.lease import is_held
from tests.chaos.driver import chaos_sweep, started
from tests.chaos.promises import check_promises, reference
from tests.sweeper.mlflow_view import THIRD_PARTY
from tests.sweeper.small import metrics_of, planned, small_sweep, train, undisturbed

pytestmark = THIRD_PARTY


@pytest.mark.chaos
def test_of_four_drivers_one_trains(tmp_path: Path) -> None:
    sweep = chaos_sweep(tmp_path)
    with ExitStack() as stack:
        drivers = [stack.enter_context(started(tmp_path)) for _ in range(4)]
        words = [driver.communicate()[1].decode() for driver in drivers]
    codes = [driver.returncode for driver in drivers]
    refused = [bool(re.search("already being run by process .* since 2", one)) for one in words]
    assert 0 in codes
    assert refused == [code != 0 for code in codes]  # 0 also of one that came after the end
    for trial in sweep.trials:
        folder = paths.trial_folder(sweep.storage, trial.id)
        assert [path.name for path in folder.glob("[0-9]*")] == ["0001"]
    check_promises(sweep, reference(tmp_path, sweep))


@pytest.mark.chaos
def test_two_sweeps_share_trials(tmp_path: Path) -> None:
    """Each trial is trained by one of them, and both end well."""
    sweep = chaos_sweep(tmp_path)
    with started(tmp_path, "--ray") as one, started(tmp_path, "--other", "--ray") as other:
        for driver in (one, other):
            driver.communicate()
    assert (one.returncode, other.returncode) == (0, 0)
    for trial in sweep.trials:
        folder = paths.trial_folder(sweep.storage, trial.id)
        assert [path.name for path in folder.glob("[0-9]*")] == ["0001"]


@pytest.mark.chaos
def test_a_sweep_is_stopped_from_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The driver stands still until it has been asked, and then the question is waited for."""
    sweep = chaos_sweep(tmp_path)
    asked = ["stop", "demo", "--storage", str(sweep.storage), "--json"]
    with started(tmp_path) as driver:
        while saved_epochs(sweep) < 3 and driver.poll() is None:
            time.sleep(0.01)
        driver.send_signal(signal.SIGSTOP)
        assert main([*asked, "--patience", "0"]) == 1
        said = json.loads(capsys.readouterr().out)
        assert (said["asked"], said["running"]) == ([sweep.name], [sweep.name])
        driver.send_signal(signal.SIGCONT)
        assert main(asked) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["running"] == []
        assert said["counts"]["stopped"] >= 1
        assert driver.wait() == 1
    assert not is_held(paths.sweep_folder(sweep))
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out)["asked"] == []
    with started(tmp_path) as driver:
        assert driver.wait() == 0
    check_promises(sweep, reference(tmp_path, sweep))


def test_a_clock_that_goes_backwards_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at the clock is an hour before the last; commits go by their numbers."""
    now = time.time_ns()
    hours = iter(range(1, 1_000_000))
    sweep = small_sweep(tmp_path, planned(epochs=4, checkpoint_every=1))
    with monkeypatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: now - next(hours) * 3_600_000_000_000)
        train(sweep)
    [trial] = sweep.trials
    other = undisturbed(tmp_path, sweep.trials)
    assert metrics_of(sweep, trial) == metrics_of(other, trial)
    assert ledger.status(sweep.storage, [trial.id]) == {trial.id: "finished"}
