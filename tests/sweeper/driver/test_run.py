"""A whole run in one process: what is trained, skipped, stopped, failed, shown."""

from __future__ import annotations

import io
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cluster.errors import ClusterError
from cluster.local import Local
from sweeper.cli import main
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.messages import Emit, Event, Job
from sweeper.resources import Resources
from sweeper.schedule import inline
from sweeper.storage import ledger, paths
from sweeper.storage.lease import hold_lease
from sweeper.sweep import Outcome, PlannedTrial, Sweep
from sweeper.terminal.board import Board
from sweeper.worker import reporter, training
from sweeper.worker.worker import train_pack
from tests.sweeper.grids import HEAD, grid_text, write_grid
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import final_state, metrics_of, planned, small_sweep, undisturbed
from trainers import checkpoint
from trainers.commit_format import decode_records
from trainers.errors import InvalidValue

pytestmark = READY

ALONE = Resources(pack=1)


def run_inline(
    sweep: Sweep, screen: io.StringIO | None = None, *, retry_failed: bool = False
) -> Outcome:
    console = Console(file=screen or io.StringIO(), width=100)
    return run(sweep, RunOptions(inline=True, retry_failed=retry_failed, console=console))


def test_a_sweep_is_trained_stored_and_shown(tmp_path: Path) -> None:
    good, bad = planned(), planned(lr=1e30)
    sweep = small_sweep(tmp_path, good, bad)
    outcome = run_inline(sweep)
    assert (outcome.trials, outcome.finished, outcome.failed, outcome.skipped) == (2, 1, 1, 0)
    [failure] = outcome.failures
    assert (failure["trial"], failure["label"]) == (bad.id, bad.label)
    assert "became nan" in failure["reason"]
    seen = look(sweep.tracking)
    assert seen.statuses == {good.id: "FINISHED", bad.id: "FAILED"}
    assert [parent.info.status for parent in seen.parents] == ["FAILED"]
    row = json.loads((paths.sweep_file(sweep)).read_text())
    assert set(row["provenance"]) >= {"git_commit", "git_dirty", "versions", "host", "python"}


def test_who_asked_for_it_is_told_once_that_the_workers_have_begun(tmp_path: Path) -> None:
    """And not at all where there is nothing to train."""
    told: list[bool] = []
    options = RunOptions(
        inline=True, console=Console(file=io.StringIO()), begun=lambda: told.append(True)
    )
    sweep = small_sweep(tmp_path, planned(), planned(seed=2))
    assert [run(sweep, options).finished for _ in range(2)] == [2, 2]
    assert told == [True]


def test_what_the_storage_lacks_is_not_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its worker says: on a node that does not share the storage it wrote elsewhere."""
    told, trained = planned(), planned(seed=2)

    def train_elsewhere(job: Job, emit: Emit) -> None:
        if job.trials[0].id == trained.id:
            train_pack(job, emit)
        else:
            emit([Event(told.id, "finished", committed=True, host="b")])

    monkeypatch.setattr(inline, "train_pack", train_elsewhere)
    sweep = small_sweep(tmp_path, told, trained, resources=ALONE)
    outcome = run_inline(sweep)
    assert (outcome.finished, outcome.failed) == (1, 1)
    [failure] = outcome.failures
    assert f"b does not see {sweep.storage}" in failure["reason"]
    assert look(sweep.tracking).statuses == {told.id: "FAILED", trained.id: "FINISHED"}
    assert ledger.status(sweep.storage, [told.id]) == {told.id: "failed"}


def test_a_second_run_skips_what_is_finished_and_starts_no_ray(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, planned(), planned(seed=2))
    run_inline(sweep)
    before = look(sweep.tracking)
    had_ray = "sweeper.schedule.tune" in sys.modules
    outcome = run(sweep, RunOptions(console=Console(file=io.StringIO())))
    assert (outcome.finished, outcome.failed, outcome.skipped) == (2, 0, 2)
    assert ("sweeper.schedule.tune" in sys.modules) == had_ray
    after = look(sweep.tracking)
    assert after.history == before.history
    assert set(after.statuses.values()) == {"FINISHED"}
    assert [parent.info.status for parent in after.parents] == ["FINISHED"]


def test_finished_trials_appear_in_a_new_store(tmp_path: Path, other_store: str) -> None:
    trials = [planned(), planned(seed=2)]
    sweep = small_sweep(tmp_path, *trials)
    run_inline(sweep)
    other = replace(sweep, tracking=other_store)
    run_inline(other)
    assert look(other.tracking).history == look(sweep.tracking).history
    assert set(look(other.tracking).statuses.values()) == {"FINISHED"}


def test_a_grown_grid_trains_the_difference(tmp_path: Path) -> None:
    old, new = planned(), planned(seed=2)
    run_inline(small_sweep(tmp_path, old))
    grown = small_sweep(tmp_path, old, new, name="small-2")
    outcome = run_inline(grown)
    assert (outcome.finished, outcome.skipped) == (2, 1)
    assert set(look(grown.tracking).statuses) == {old.id, new.id}


def interrupt_at(epoch: int, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send as many SIGINT when the driver hears of an epoch."""
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)
    whole, sent = Board.hear, []

    def hear(board: Board, events: list[Event]) -> None:
        whole(board, events)
        if not sent and any(record.epoch == epoch for event in events for record in event.records):
            sent.append(True)
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Board, "hear", hear)


@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupted_sweep_is_killed_and_goes_on(
    tmp_path: Path, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [planned(checkpoint_every=1), planned(seed=2, checkpoint_every=1)]
    sweep, screen = small_sweep(tmp_path, *trials, resources=ALONE), io.StringIO()
    with monkeypatch.context() as patch:
        interrupt_at(3, times, patch)
        outcome = run_inline(sweep, screen)
    assert outcome.interrupted
    assert outcome.finished == 0
    assert "saves a checkpoint" in " ".join(screen.getvalue().split())
    first = look(sweep.tracking)
    assert first.statuses == {trials[0].id: "KILLED"}
    assert [parent.info.status for parent in first.parents] == ["KILLED"]

    outcome = run_inline(sweep)
    assert (outcome.finished, outcome.interrupted) == (2, False)
    other = undisturbed(tmp_path, trials)
    for trial in trials:
        assert metrics_of(sweep, trial) == metrics_of(other, trial)
        assert final_state(sweep, trial) == final_state(other, trial)
    seen = look(sweep.tracking)
    assert set(seen.statuses.values()) == {"FINISHED"}
    assert not seen.repeated
    assert [len(rows) for rows in seen.history.values()] == [4] * len(seen.history)


def test_a_failed_trial_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = planned()
    sweep = small_sweep(tmp_path, trial)

    def broken(*arguments: object) -> None:
        raise MemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(training, "Pack", broken)
        assert run_inline(sweep).failures[0]["reason"].startswith("out of memory (no room)")
    outcome = run_inline(sweep)
    assert (outcome.finished, outcome.failed) == (1, 0)
    seen = look(sweep.tracking)
    assert seen.statuses == {trial.id: "FINISHED"}
    assert "sweeper.reason" not in seen.runs[trial.id][0].data.tags


def attempts(sweep: Sweep, trial: PlannedTrial) -> int:
    return len(list(paths.trial_folder(sweep.storage, trial.id).glob("[0-9]*")))


def test_a_diverged_trial_is_trained_again_only_when_asked(
    tmp_path: Path, other_store: str
) -> None:
    good, bad = planned(), planned(lr=1e30)
    run_inline(small_sweep(tmp_path, bad))
    sweep = small_sweep(tmp_path, good, bad, tracking=other_store)
    outcome = run_inline(sweep)
    assert attempts(sweep, bad) == 1
    assert (outcome.finished, outcome.failed, outcome.skipped) == (1, 1, 0)
    [failure] = outcome.failures
    assert (failure["trial"], failure["before"]) == (bad.id, True)
    assert "became nan" in failure["reason"]
    seen = look(sweep.tracking)
    assert seen.statuses == {good.id: "FINISHED", bad.id: "FAILED"}
    assert [parent.info.status for parent in seen.parents] == ["FAILED"]
    outcome = run_inline(sweep, retry_failed=True)
    assert attempts(sweep, bad) == 2
    assert [failure["before"] for failure in outcome.failures] == [False]


@pytest.mark.parametrize(
    ("error", "again"), [(InvalidValue("beta is too small"), 1), (OSError(28, "No space left"), 2)]
)
def test_what_the_grid_asks_wrongly_is_tried_once(
    error: Exception, again: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise error

    sweep = small_sweep(tmp_path)
    monkeypatch.setattr(training, "Pack", broken)
    for _ in range(2):
        assert str(error) in run_inline(sweep).failures[0]["reason"]
    assert attempts(sweep, sweep.trials[0]) == again


def test_a_second_driver_is_refused(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    with (
        hold_lease(paths.sweep_folder(sweep)),
        pytest.raises(
            UserError, match=r"already being run by .*; wait for it, or .* `sweeper stop`"
        ),
    ):
        run_inline(sweep)


def test_a_tracker_that_does_not_answer_is_refused_at_the_start(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, tracking="http://127.0.0.1:1")
    with pytest.raises(UserError, match="no MLflow server answers"):
        run_inline(sweep)
    assert not (tmp_path / "sweeps" / "trials").exists()


def test_a_tracker_that_was_there_once_is_not_waited_for(tmp_path: Path) -> None:
    """The driver was killed before it delivered anything, and the server has gone meanwhile."""
    sweep = small_sweep(tmp_path, tracking="http://127.0.0.1:1")
    ledger.write_sweep(sweep, {})
    screen = io.StringIO()
    outcome = run(sweep, RunOptions(inline=True, console=Console(file=screen, width=400)))
    assert (outcome.finished, outcome.failed) == (1, 0)
    assert "the trials are trained all the same" in screen.getvalue()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("tracking", "http://127.0.0.1:1", "no MLflow server answers at http://127.0.0.1:1"),
        (
            "tracking",
            "sqlite:////none/mlflow.db",
            "the tracking file /none/mlflow.db cannot "
            "be used: the folder /none does not exist; mend that, or name another file",
        ),
        ("cluster", "127.0.0.1:1", "Ray cannot be used at 127.0.0.1:1"),
    ],
)
def test_what_does_not_answer_is_shown_in_the_grid(
    key: str,
    value: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_grid(
        tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}", head=f"{HEAD}{key}: {value}\n")
    )
    assert main(["run", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {path}:5: {key}: {words}")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("http://127.0.0.1:1", "--tracking: no MLflow server answers at http://127.0.0.1:1"),
        ("mlruns", "--tracking: must start with one of sqlite:///"),
    ],
)
def test_what_an_option_says_is_shown_as_the_option(
    uri: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_grid(
        tmp_path,
        grid_text("{model: sigma_vae, sigma: 0.1}", head=f"{HEAD}tracking: sqlite:///mlflow.db\n"),
    )
    assert main(["run", str(path), "--storage", str(tmp_path / "s"), "--tracking", uri]) == 2
    assert capsys.readouterr().err.startswith(f"error: {words}")


def test_a_tracker_that_dies_later_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sweeper.tracking import delivery
    from sweeper.tracking.tracker import Tracking

    def down(*arguments: object) -> None:
        raise ConnectionError("gone")

    sweep, screen = small_sweep(tmp_path), io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(Tracking, "show_trial", down)
        patch.setattr(delivery, "LAST_PAUSE", 0.0)
        outcome = run_inline(sweep, screen)
    assert (outcome.finished, outcome.failed) == (1, 0)
    shown = " ".join(screen.getvalue().split())
    assert "MLflow does not have everything yet (gone); 1 trials wait in the storage" in shown
    run_inline(sweep)
    assert look(sweep.tracking).statuses == {sweep.trials[0].id: "FINISHED"}
    assert len(look(sweep.tracking).history[sweep.trials[0].id, "test/kl"]) == 4


def test_a_disk_that_fills_up_fails_trials_and_not_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [planned(), planned(seed=2)]
    sweep = small_sweep(tmp_path, *trials, resources=ALONE)
    whole = checkpoint.Attempt.commit

    def commit(
        attempt: checkpoint.Attempt, state: object, records: bytes, *arguments: object
    ) -> object:
        if trials[0].id in str(attempt.folder) and len(decode_records(records)) == 4:
            raise OSError(28, "No space left on device")
        return whole(attempt, state, records, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.Attempt, "commit", commit)
        outcome = run_inline(sweep)
    assert (outcome.finished, outcome.failed) == (1, 1)
    assert "No space left on device" in outcome.failures[0]["reason"]
    assert run_inline(sweep).finished == 2
    other = undisturbed(tmp_path, trials)
    assert metrics_of(sweep, trials[0]) == metrics_of(other, trials[0])
    seen = look(sweep.tracking)
    assert set(seen.statuses.values()) == {"FINISHED"}
    assert not seen.repeated


@pytest.mark.parametrize(
    "write", ["sweeper.storage.ledger.write_trials", "sweeper.storage.spectra.ledger.write_json"]
)
def test_a_storage_that_fills_up_at_once_is_the_users_to_mend(
    write: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, full)
    with pytest.raises(UserError, match="make room"):
        run_inline(small_sweep(tmp_path))


def test_nothing_is_computed_in_the_driver_while_ray_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BLAS in one thread and a fork in another wait for each other, for ever."""
    sweep = small_sweep(tmp_path)
    facts = paths.dataset_file(sweep.storage, str(sweep.trials[0].data["checksum"]))
    there = list[bool]()

    def connect(local: Local, meanwhile: Callable[[], None]) -> None:
        there.append(facts.is_file())
        raise ClusterError("planted")

    monkeypatch.setattr(Local, "connect", connect)
    with pytest.raises(UserError, match="planted"):
        run(sweep, RunOptions(console=Console(file=io.StringIO())))
    assert there == [True]


def test_a_cluster_that_is_not_there_is_the_users_to_mend(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, cluster="127.0.0.1:1")
    with pytest.raises(UserError, match=r"Ray cannot be used at 127\.0\.0\.1:1"):
        run(sweep, RunOptions(console=Console(file=io.StringIO())))
    seen = look(sweep.tracking)
    assert seen.runs == {}
    assert [parent.info.status for parent in seen.parents] == ["FAILED"]
